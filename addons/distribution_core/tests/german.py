"""German in a test's database: the language, and our texts in it."""

LANGUAGE = 'de_DE'
SUITE = ('distribution_core', 'distribution_approval', 'procurement_automation', 'reporting_workflows')


def load_german(env, names=SUITE):
    """Until the end of the test; :param names: addons whose German is asked for."""
    env['res.lang']._activate_lang(LANGUAGE)
    env['ir.module.module'].search([('name', 'in', names)])._update_translations([LANGUAGE])
