{
    "name": "Reporting Workflows",
    "summary": "Reports with an owner, checks, a release and a trail: numbers that people can trust and sign",
    "version": "17.0.1.5.0",
    "category": "Supply Chain",
    "author": "Distribution Suite",
    "license": "LGPL-3",
    "depends": [
        "distribution_approval",
        "distribution_core_automation",
        "procurement_automation",
    ],
    "external_dependencies": {"python": ["PyYAML"]},
    "data": [
        # kpi
        "security/kpi_security.xml",
        "security/ir.model.access.csv",
        "data/kpi_data.xml",
        "data/kpi_library.xml",
        "data/kpi_in_force.xml",
        "views/kpi_views.xml",
        "data/kpi_rule_data.xml",
        "views/kpi_rule_views.xml",
        # dashboards
        "data/dashboard_data.xml",
        "views/dashboard_views.xml",
        # reports
        "security/report_security.xml",
        "data/report_data.xml",
        "views/report_templates.xml",
        "wizard/report_wizard_views.xml",
        "views/report_views.xml",
        "views/report_run_views.xml",
        "views/report_folder_views.xml",
        "views/reporting_menus.xml",
        "views/report_webhook_views.xml",
        "views/server_action_views.xml",
        # the library
        "security/stock_standing_security.xml",
        "wizard/report_library_views.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "reporting_workflows/static/src/**/*",
        ],
    },
    "application": True,
}
