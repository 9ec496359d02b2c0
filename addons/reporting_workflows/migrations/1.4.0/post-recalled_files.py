"""Files of editions that were recalled before are withheld as those that are recalled from now on."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    done = env["distribution.report.withheld"].search([]).edition_id
    for edition in env["distribution.report.edition"].search([("state", "=", "recalled")]) - done:
        edition._withhold_files()
