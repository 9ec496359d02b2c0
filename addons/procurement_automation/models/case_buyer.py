"""Cases about purchases go to the buyer of the order."""

from odoo import fields, models


class CaseType(models.Model):
    _inherit = "distribution.case.type"

    owner_rule = fields.Selection(
        selection_add=[("buyer", "The buyer of the order")], ondelete={"buyer": "set default"}
    )


class Case(models.Model):
    _inherit = "distribution.case"

    def _with_owners(self, vals_list):
        # sudo: whoever meets a problem, its type says who gets it
        types = self.env["distribution.case.type"].sudo()
        return super()._with_owners(
            [
                {**vals, "user_id": self._buyer(vals).id}
                if types.browse(vals.get("type_id")).owner_rule == "buyer" and not vals.get("user_id")
                else vals
                for vals in vals_list
            ]
        )

    def _buyer(self, vals):
        """The buyer of the order that a case is about; nobody where it is about something else."""
        order = self.env["purchase.order"].sudo()  # sudo: as above
        record = self.env[vals["res_model"]].sudo().browse(vals["res_id"]) if vals.get("res_model") else order
        if record._name == "distribution.lead.time.drift":
            return record._drift_buyer()
        if record._name == order._name:
            order = record
        elif record._name == "stock.picking":
            order = record.move_ids.purchase_line_id.order_id[:1]
        elif record._name == "account.move":
            order = record.invoice_line_ids.purchase_line_id.order_id[:1]
        return order._responsible_buyer() if order else order.user_id
