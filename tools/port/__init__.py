"""Builds the suite for Odoo 19.0 from the 17.0 code.

`rules` lists what is rewritten, `convert` calls Odoo's own converter, `build` puts both to
work on a copy of the addons.
"""
