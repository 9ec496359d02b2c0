{
    'name': "Distribution Identity: LDAP",
    'summary': "Roles granted and taken at each sign-in, from the groups in LDAP",
    'version': '17.0.1.1.0',
    'category': 'Supply Chain',
    'author': "Distribution Suite",
    'license': 'LGPL-3',
    'depends': ['distribution_core', 'auth_ldap'],
    'data': ['data/ir_cron_data.xml'],
    'auto_install': ['distribution_core', 'auth_ldap'],
}
