"""Conditions whose value a local variant may adjust, within a band that the standard sets."""

from dataclasses import replace

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import EngineError, Threshold, bands_of, parse_operand, threshold_problems


class ApprovalCondition(models.Model):
    _inherit = "distribution.approval.condition"

    threshold = fields.Char(
        string="Adjustable as",
        help="Name under which local variants adjust this value, for example “buyer limit”. Conditions "
        "of one name move together. Empty: the value is the same everywhere.",
    )
    band_low = fields.Char(string="From", help="The lowest value that a local variant may set.")
    band_high = fields.Char(string="To", help="The highest value that a local variant may set.")

    @api.constrains("threshold", "band_low", "band_high")
    def _check_band(self):
        for condition in self.filtered("threshold"):
            condition._to_engine(condition.rule_id._specs())

    def _to_engine(self, specs):
        engine = super()._to_engine(specs)
        name = (self.threshold or "").strip()
        if not name:
            return engine
        spec = specs[self.fact]
        ends = []
        for label, text in ((_("From"), self.band_low), (_("To"), self.band_high)):
            try:
                ends.append(parse_operand(spec, "eq", text) if text else None)
            except EngineError as error:
                raise ValidationError(
                    _(
                        "Rule “%(rule)s”, threshold “%(name)s”, %(label)s: %(error)s",
                        rule=self.rule_id.name,
                        name=name,
                        label=label,
                        error=error,
                    )
                ) from error
        return replace(engine, threshold=Threshold(name, *ends))


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    def _problems(self):
        problems = super()._problems()
        try:
            return problems + threshold_problems(self._decision_table())
        except UserError:  # said already
            return problems

    def _bands(self):
        """``{name: Band}`` of the thresholds of this version, from the seal when it is published."""
        self.ensure_one()
        try:
            return bands_of(self._decision_table() if self.state == "draft" else self._compile())
        except (UserError, EngineError):
            return {}
