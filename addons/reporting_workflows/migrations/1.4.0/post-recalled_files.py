"""Files of editions that were recalled before are withheld as those that are recalled from now on."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    if not version:
        return
    editions = api.Environment(cr, SUPERUSER_ID, {})["distribution.report.edition"].search([("state", "=", "recalled")])
    for edition in editions:
        edition._withhold_files()
