"""What a run found and a buyer decides on: made by runs, decided by buttons, kept as evidence."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.compat import check_access

from .procurement_run import BUYER


class ProcurementFinding(models.AbstractModel):
    """A finding declares, as class attributes:

    ``_finding_chosen``
        the fields that a buyer may change while it waits;
    ``_finding_waiting``
        the value of ``state`` in which it waits for a decision;
    ``_finding_dismissed_days``
        the field of the company that says for how many days it is not asked again once dismissed;

    and has the fields ``company_id``, ``state``, ``dismissed_until``, ``decided_by`` and ``decided_at``.
    """

    _name = "distribution.procurement.finding"
    _description = "Finding of a Procurement Run"

    _finding_chosen = frozenset()
    _finding_waiting = None
    _finding_dismissed_days = None

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(_("%s: made by runs only.", self._finding_label()))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._check_buyer()
            refused = vals.keys() - self._finding_chosen
            if refused:
                raise AccessError(_("%s: set by the run and by the buttons.", ", ".join(sorted(refused))))
            if self - self._waiting():
                raise UserError(_("%s: only what waits for a decision is changed.", self._finding_label()))
        return super().write(vals)

    def unlink(self):
        if not self.env.su:
            raise AccessError(_("%s: evidence, and not deleted.", self._finding_label()))
        return super().unlink()

    # --------------------------------------------------------------- actions

    def action_dismiss(self):
        """Leave it; the same is asked again after the days that the settings say, or when it has changed."""
        waiting = self._to_decide()
        for company in waiting.company_id:
            days = company.sudo()[self._finding_dismissed_days]  # sudo: a setting
            until = fields.Date.add(fields.Date.context_today(self), days=days)
            ones = waiting.filtered(lambda finding, company=company: finding.company_id == company)
            # sudo: the state is set by buttons only; the buyer and the records were checked
            ones.sudo().write({"state": "dismissed", "dismissed_until": until, **self._decision()})
        waiting.sudo()._record_fact("dismissed")
        return True

    def _to_decide(self):
        """Those of ``self`` that wait, for a buyer who may decide on them."""
        self._check_buyer()
        waiting = self._waiting()
        if not waiting:
            raise UserError(_("%s: nothing to decide. Choose what waits for a decision.", self._finding_label()))
        check_access(waiting, "write")
        return waiting

    @api.model
    def _decision(self):
        return {"decided_by": self.env.uid, "decided_at": fields.Datetime.now()}

    def _waiting(self):
        """Those of ``self`` that wait for a decision."""
        return self.filtered(lambda finding: finding.state == self._finding_waiting)

    def _check_buyer(self):
        if not self.env.user.has_group(BUYER):
            raise AccessError(_("%s: deciding takes the role Buyer.", self._finding_label()))

    @api.model
    def _finding_label(self):
        return self.env["ir.model"].sudo()._get(self._name).name  # sudo: a name
