"""The release of a report: the proof that a document needs no state of its own to be governed.

Guarded: ``released_at`` is set. Controlled: which report, for whom, its period, and the content of
its file, by SHA-256 – a file that is replaced is another report. Withdrawn: archived.

``reporting_workflows`` makes one of these for each edition that it wants to distribute.
"""

import hashlib

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import ControlledField, FactSpec, FactType
from ..models.gate_frame import gate_frame

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("report_key", "Report"),
    ControlledField("period", "Period"),
    ControlledField("audience", "Audience"),
    ControlledField("content_digest", "Content (SHA-256)"),
)
AUDIENCES = [
    ("team", "Own team"),
    ("management", "Management"),
    ("customer", "Customers"),
    ("supplier", "Suppliers"),
    ("public", "Anybody"),
]
#: What the content of a file hangs on.
FILE_FIELDS = frozenset({"datas", "raw", "db_datas", "store_fname", "checksum", "type", "url"})


class ReportRelease(models.Model):
    _name = "distribution.report.release"
    _description = "Report Release"
    _inherit = ["mail.thread", "distribution.approval.mixin"]
    _order = "id desc"

    _approval_type = "report_release"
    _approval_ask_action = "action_release"
    _approval_controlled = frozenset({"company_id", "report_key", "period", "audience", "attachment_id"})
    _approval_watched = _approval_controlled | {"released_at", "active"}
    _approval_ownership = frozenset({"user_id"})
    _approval_header = HEADER

    name = fields.Char(required=True)
    report_key = fields.Char(string="Report", required=True, help="Technical name of the report's definition.")
    period = fields.Char(required=True, help="What the report is about: 2026-10, 2026-W45 …")
    audience = fields.Selection(AUDIENCES, required=True, default="team")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    user_id = fields.Many2one("res.users", string="Prepared by", default=lambda self: self.env.user)
    attachment_id = fields.Many2one(
        "ir.attachment", string="File", copy=False, ondelete="restrict", index="btree_not_null"
    )
    content_digest = fields.Char(
        compute="_compute_content_digest", compute_sudo=True, string="Content (SHA-256)", help="Seals the file."
    )
    exception_count = fields.Integer(string="Failed Checks", help="Data checks of the run that failed.")
    is_stale = fields.Boolean(string="Stale Data", help="Some of the data is older than the definition allows.")
    released_at = fields.Datetime(string="Released", readonly=True, copy=False)
    active = fields.Boolean(default=True, help="Archived: this report is not distributed (any more).")

    @api.depends("attachment_id.checksum")
    def _compute_content_digest(self):
        for report in self:
            content = report.attachment_id.raw
            report.content_digest = hashlib.sha256(content).hexdigest() if content else False

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Report Release")

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec("report", "Report", FactType.TEXT, help="Technical name of the report's definition."),
                FactSpec("audience", "Audience", FactType.SELECTION, options=tuple(AUDIENCES)),
                FactSpec("failed_checks", "Failed data checks", FactType.NUMBER),
                FactSpec("stale", "Stale data", FactType.FLAG),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_fact_readers(self):
        return {
            "report": lambda: self.report_key,
            "audience": lambda: self.audience,
            "failed_checks": lambda: self.exception_count,
            "stale": lambda: self.is_stale,
            "requester": lambda: self.env.uid,
        }

    def _approval_is_guarded(self):
        self.ensure_one()
        return bool(self.sudo().released_at)

    @api.model
    def _approval_guarded_domain(self):
        return [("released_at", "!=", False), ("active", "in", (True, False))]

    def _approval_is_cancelled(self):
        return not self.sudo().active

    def _approval_owners(self):
        return self.user_id | self.create_uid

    def _approval_confirmed_at(self):
        return self.released_at

    def _approval_resume(self, action):
        return self.action_release()

    def _approval_is_askable(self):
        return not self.released_at

    def _approval_before_asked(self):
        """Raise UserError unless there is something to release."""
        for report in self:
            if not report.attachment_id:
                raise UserError(_("%s: attach the file that is to be released.", report.name))
            if not report.active:
                raise UserError(_("%s is archived. Restore it first.", report.name))

    # --------------------------------------------------------------- actions

    def action_release(self):
        """Release what policy or people let go; ask for the rest."""
        self._approval_before_asked()
        with gate_frame(self.env):
            reports = self.filtered(lambda report: not report.released_at)
            held = reports._approval_governed()._approval_screen("action_release")
            (reports - held).write({"released_at": fields.Datetime.now()})
        return True


class IrAttachment(models.Model):
    """The file of a released report is part of what was released."""

    _inherit = "ir.attachment"

    def write(self, vals):
        reports = self._approval_reports() if FILE_FIELDS & vals.keys() else None
        if not reports:
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(reports)
            reports._approval_serialize()
            reports._approval_note_editors()
            result = super().write(vals)
            reports.invalidate_recordset(["content_digest"])
            return result

    def _approval_reports(self):
        if not self.env["distribution.approval.activation"]._governed_places("report_release"):
            return None
        # sudo: whoever changes a file need not see the report that it belongs to
        reports = self.env["distribution.report.release"].sudo().with_context(active_test=False)
        return reports.search([("attachment_id", "in", self.ids)])
