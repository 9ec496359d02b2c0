{
    "name": "Reporting Workflows",
    "summary": "Reports with an owner, checks, a release and a trail: numbers that people can trust and sign",
    "version": "17.0.1.0.0",
    "category": "Supply Chain",
    "author": "Distribution Suite",
    "license": "LGPL-3",
    "depends": [
        "distribution_approval",
    ],
    "external_dependencies": {"python": ["PyYAML"]},
    "data": [
        # reports
        "security/report/ir.model.access.csv",
        "security/report_security.xml",
        "data/report_data.xml",
        "views/report_templates.xml",
        "wizard/report_wizard_views.xml",
        "views/report_views.xml",
        "views/report_run_views.xml",
        "views/report_menus.xml",
    ],
    "application": True,
}
