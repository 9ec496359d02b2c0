"""Odoo 19.0 matches the lines of a bill with those of orders in one act: the bill is reviewed once, as it is then."""

from odoo import models

from odoo.addons.distribution_core.compat import IS_17

from ..models.gate_frame import gate_frame

if not IS_17:

    class PurchaseBillLineMatch(models.Model):
        _inherit = "purchase.bill.line.match"

        def action_match_lines(self):
            """As in Odoo, in one frame.

            These rows are a database view, which a line leaves when it is matched. A review after the first line
            would withdraw what was asked about the bill; its activities go, caches are emptied with them, and Odoo
            reads a row that is not there any more.
            """
            with gate_frame(self.env):
                return super().action_match_lines()
