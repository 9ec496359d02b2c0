"""What a definition would say now, for who writes it."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine.schedule import period_key
from ..models.report_builder import DatasetError


class ReportPreview(models.TransientModel):
    _name = "distribution.report.preview"
    _description = "Preview of a Report"

    version_id = fields.Many2one("distribution.report.version", required=True, readonly=True, ondelete="cascade")
    period_first = fields.Date("From", required=True)
    period_last = fields.Date("To", required=True)
    seconds = fields.Float("Took (s)", readonly=True)
    content_html = fields.Html("Report", readonly=True, sanitize=False)

    @api.model
    def _show(self, version):
        company = version.company_id
        days = self.env["distribution.report.working.days"]._of(company, fields.Datetime.now())
        today = fields.Datetime.context_timestamp(
            self.with_context(tz=company._approval_time_zone()), fields.Datetime.now()
        ).date()
        first, last = version._period_of(today, days)
        wizard = self.create({"version_id": version.id, "period_first": first, "period_last": last})
        return wizard.action_preview()

    def action_preview(self):
        """Read it live, with the rights of who looks; nothing is kept or sent."""
        self.ensure_one()
        began = fields.Datetime.now()
        try:
            content, _findings = self.env["distribution.report.builder"]._preview(
                self.version_id, self.period_first, self.period_last
            )
        except DatasetError as error:
            # The web client knows Odoo's own errors only, not what is derived from them.
            raise UserError(error.args[0]) from error
        html = self.env["distribution.report.renderer"]._html(content)
        self.write({"content_html": html, "seconds": (fields.Datetime.now() - began).total_seconds()})
        return {
            "type": "ir.actions.act_window",
            "name": _("Preview of %s", period_key(self.period_first, self.period_last)),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }
