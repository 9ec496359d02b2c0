{
    'name': "Distribution Identity: OAuth",
    'summary': "Roles granted and taken at each sign-in, from the groups in the OAuth claim",
    'version': '17.0.1.2.0',
    'category': 'Supply Chain',
    'author': "Distribution Suite",
    'license': 'LGPL-3',
    'depends': ['distribution_core', 'auth_oauth'],
    'data': ['data/ir_cron_data.xml', 'views/auth_oauth_provider_views.xml'],
    'auto_install': True,
}
