"""German in a test's database: the language, and our texts in it."""

LANGUAGE = 'de_DE'


def load_german(env):
    """Until the end of the test."""
    env['res.lang']._activate_lang(LANGUAGE)
    names = ('distribution_core', 'distribution_approval', 'procurement_automation', 'reporting_workflows')
    env['ir.module.module'].search([('name', 'in', names)])._update_translations([LANGUAGE])
