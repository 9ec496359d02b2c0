"""Reordering rules explain themselves."""

from markupsafe import escape
from odoo import _, models

from odoo.addons.distribution_core.compat import check_access


class StockWarehouseOrderpoint(models.Model):
    _inherit = "stock.warehouse.orderpoint"

    def action_explain_replenishment(self):
        """What a run would do for this rule now, with the numbers."""
        self.ensure_one()
        wizard = self.env["distribution.replenishment.explain"].create({"orderpoint_id": self.id})
        return {
            "type": "ir.actions.act_window",
            "name": _("Replenishment of %s", self.product_id.display_name),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_replenishment_proposals(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_replenishment_proposal")
        return {**action, "domain": [("orderpoint_id", "=", self.id)], "context": {}}

    def _explain_replenishment(self):
        """``(verdict, reasons, reasoning)`` in words."""
        self.ensure_one()
        check_access(self, "read")
        # Prices are shown: whoever may open the dialog may see them.
        check_access(self.env["distribution.replenishment.explain"], "create")
        judgement = self.env["distribution.replenishment.judgement"]._prepared(self)
        company = self.company_id.with_env(judgement.env)
        findings = judgement._evaluate_prepared(self.with_env(judgement.env), company.replenishment_look_out)
        judged = judgement._judge(findings.values(), company, everything=True)
        judgement._look_at_sites(judged, company)
        if not judged:
            return _("Cannot be evaluated"), "", escape(findings[self.id].problem)
        # sudo: the reader of the rule may know what follows from it
        proposals = self.env["distribution.replenishment.proposal"].sudo()
        proposal = proposals.new(proposals._values_of(judged[0]))
        verdicts = {
            **dict(proposals._fields["verdict"]._description_selection(self.env)),
            "nothing": _("Nothing to do"),
        }
        return verdicts[judged[0].verdict.name], proposal.reason_text, proposal.reasoning
