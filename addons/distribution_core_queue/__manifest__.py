{
    'name': "Distribution Core: Job Queue",
    'summary': "Webhooks are sent by jobs of the OCA's queue_job",
    'version': '17.0.1.1.0',
    'category': 'Supply Chain',
    'author': "Distribution Suite",
    'license': 'LGPL-3',
    'depends': ['distribution_core', 'queue_job'],
    'data': ['data/queue_job_data.xml'],
    'auto_install': ['distribution_core', 'queue_job'],
}
