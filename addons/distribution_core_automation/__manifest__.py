{
    'name': "Distribution Core: Automation Rules",
    'summary': "Automation rules in the automation register, their changes in the ledger",
    'version': '17.0.1.1.0',
    'category': 'Supply Chain',
    'author': "Distribution Suite",
    'license': 'LGPL-3',
    'depends': ['distribution_core', 'base_automation'],
    'auto_install': True,
}
