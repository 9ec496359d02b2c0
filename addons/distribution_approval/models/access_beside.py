"""Rights to read what documents show of apps that the suite gets along with but does not need.

Whoever is asked about an order opens it, though orders show optional products where 17.0 has them, and ask where
goods are manufactured which products are kits.
"""

from odoo import api, models

BESIDE = ("sale.order.option", "mrp.bom", "mrp.bom.line")
READERS = ("group_approver", "group_auditor")


class ApprovalDocumentType(models.Model):
    _inherit = "distribution.approval.document.type"

    def _register_hook(self):
        super()._register_hook()
        # Such an app may come later than the suite.
        if self.env.registry.updated_modules:
            self._open_beside()

    @api.model
    def _open_beside(self):
        """Let those who judge or audit read ``BESIDE``, as those who buy and sell may."""
        beside = self.env["ir.model"].sudo().search([("model", "in", BESIDE)])
        groups = self.env["res.groups"].union(*(self.env.ref(f"distribution_core.{name}") for name in READERS))
        access = self.env["ir.model.access"].sudo()
        known = {
            (each.model_id, each.group_id)
            for each in access.search([("model_id", "in", beside.ids), ("group_id", "in", groups.ids)])
        }
        access.create(
            [
                {"name": f"{model.model} {group.name}", "model_id": model.id, "group_id": group.id, "perm_read": True}
                for model in beside
                for group in groups
                if (model, group) not in known
            ]
        )
