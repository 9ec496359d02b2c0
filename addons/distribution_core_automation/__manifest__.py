{
    'name': "Distribution Core: Automation Rules",
    'summary': "Automation rules in the automation register, their changes in the ledger",
    'version': '17.0.1.2.0',
    'category': 'Supply Chain',
    'author': "Distribution Suite",
    'license': 'LGPL-3',
    'depends': ['distribution_core', 'base_automation'],
    'data': ['security/ir.model.access.csv'],
    'auto_install': True,
}
