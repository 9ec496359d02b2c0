"""The release of an edition: policy is told what the edition is, and people see what they release."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.distribution_approval.engine import FactSpec, FactType
from odoo.addons.distribution_approval.models.approval_activation import EVERYWHERE
from odoo.addons.distribution_core.compat import accessible, may

from .report_version import CLASSIFICATIONS, PATTERN_NAMES


class ReportRelease(models.Model):
    _inherit = "distribution.report.release"

    edition_id = fields.Many2one(
        "distribution.report.edition", readonly=True, copy=False, ondelete="restrict", index=True
    )
    preview_id = fields.Many2one(related="edition_id.preview_id", string="Report (PDF)")
    preview_digest = fields.Char(related="edition_id.preview_digest", string="Report (SHA-256)")
    content_html = fields.Html(compute="_compute_shown", sanitize=False, string="Shown")
    change_html = fields.Html(compute="_compute_shown", sanitize=False, string="Since the Last Edition")
    is_crossed = fields.Boolean(related="edition_id.is_crossed")
    finding_count = fields.Integer(related="edition_id.finding_count")

    _sql_constraints = [("edition_unique", "UNIQUE (edition_id)", "An edition is released once.")]

    def init(self):
        super().init()
        # The facts of an edition have options that rules pick from.
        self.env["distribution.approval.fact.option"].init()

    @api.depends_context("uid")
    def _compute_shown(self):
        # Whoever may see the release sees what it says only if they may read the edition.
        readable = accessible(self.sudo().edition_id.with_env(self.env), "read")
        for release in self:
            edition = release.sudo().edition_id.with_env(self.env) & readable
            release.content_html = edition.content_html
            release.change_html = edition.change_html

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(vals.get("edition_id") for vals in vals_list):
            raise AccessError(_("The release of an edition is made by its run."))
        if not self.env.su:
            for vals in vals_list:
                vals["edition_id"] = False
        return super().create(vals_list)

    def write(self, vals):
        if "edition_id" in vals:
            raise AccessError(_("A release stays with its edition."))
        # sudo: whether they belong to editions, whoever writes
        editions = self.sudo().edition_id
        # Releasing itself is guarded by policy; all else is written by the run and by what is decided.
        if editions and (
            self._approval_controlled & vals.keys() or (vals.keys() - {"released_at"} and not self.env.su)
        ):
            raise AccessError(_("The release of an edition says what the edition says; it is not edited."))
        if "active" in vals and not vals["active"] and any(edition.number for edition in editions):
            raise AccessError(
                _("%s is released. Recall the edition instead.", editions.filtered("number")[0].display_name)
            )
        result = super().write(vals)
        if vals.get("released_at") and editions:
            self.env["distribution.report.run"]._wake()
        return result

    @api.model
    def _is_governed_in(self, company, site):
        """Whether releases are governed in the company, or at its site."""
        places = self.env["distribution.approval.activation"]._governed_sites(self._approval_type, company)
        return places is EVERYWHERE or site.id in places

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_fact_specs(self):
        return {
            **super()._approval_fact_specs(),
            **{
                spec.name: spec
                for spec in (
                    FactSpec(
                        "release_pattern",
                        "Release pattern",
                        FactType.SELECTION,
                        options=tuple(PATTERN_NAMES.items()),
                        optional=True,
                        help="As the definition of the report says.",
                    ),
                    FactSpec("threshold_crossed", "Threshold crossed", FactType.FLAG),
                    FactSpec(
                        "classification",
                        "Classification",
                        FactType.SELECTION,
                        options=tuple(CLASSIFICATIONS),
                        optional=True,
                    ),
                    FactSpec("exceptions", "Exceptions in the report", FactType.NUMBER, minimum=0),
                    FactSpec("marked", "Released with a mark", FactType.FLAG),
                    FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                    FactSpec("category", "Category", FactType.REFERENCE, model="product.category", optional=True),
                    FactSpec("correction", "Replaces a recalled edition", FactType.FLAG),
                )
            },
        }

    def _approval_fact_readers(self):
        readers, edition = super()._approval_fact_readers(), self.edition_id
        if edition:
            # Of an edition they are facts, not fields that somebody may write meanwhile.
            readers["failed_checks"] = lambda: edition.failed_check_count
            readers["stale"] = lambda: edition.is_stale
        return {
            **readers,
            "release_pattern": lambda: edition.release_pattern or None,
            "threshold_crossed": lambda: edition.is_crossed,
            "classification": lambda: edition.classification or None,
            "exceptions": lambda: edition.finding_count,
            "marked": lambda: edition.is_marked,
            "site": lambda: edition.site_id.id or None,
            "category": lambda: edition.category_id.id or None,
            "correction": lambda: bool(edition.corrects_id),
        }

    @api.model
    def _approval_name_of(self, field, value):
        if field == "report_key" and value:
            # sudo: who decides about a report sees its name, whoever may read its definition
            reports = self.env["distribution.report"].sudo().with_context(active_test=False)
            known = [("code", "=", value), ("company_id", "in", self.env.companies.ids)]
            return reports.search(known, limit=1).name or value
        return super()._approval_name_of(field, value)

    def _approval_site(self):
        return self.edition_id.site_id if self.edition_id else super()._approval_site()

    def _approval_owners(self):
        edition = self.edition_id
        return super()._approval_owners() | edition.report_id.owner_id | edition.run_id.overruler_ids

    def _approval_resume(self, action):
        # sudo: an edition is released by those who decided; who asked need not have a right on releases
        released = self.sudo()
        if not released.edition_id:
            return super()._approval_resume(action)
        return released.action_release()

    def action_open_preview(self):
        """Open the report as it would go out."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/web/content/{self.preview_id.id}", "target": "new"}


#: Where the files and the preview of a recalled edition belong.
WITHHELD = "distribution.report.withheld"


class IrAttachment(models.Model):
    """Files of an edition are what was shown and handed out."""

    _inherit = "ir.attachment"

    def write(self, vals):
        content = {"raw", "datas", "db_datas", "store_fname", "checksum", "type", "url", "public"} & vals.keys()
        moved = {"res_model", "res_id"} & vals.keys()
        # What is recalled goes where fewer read it, and only a program moves it there.
        withheld = self.env.su and vals.get("res_model") == WITHHELD
        if content or (moved and not withheld):
            self._refuse_edition_files()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_edition_files(self):
        self._refuse_edition_files()

    def _refuse_edition_files(self):
        if not self:
            return
        # sudo: whoever changes a file need not see the edition that it belongs to
        edition_files = self.sudo().filtered(
            lambda one: one.res_model in ("distribution.report.edition", WITHHELD) and not one.res_field
        )
        kept = edition_files and self.env["distribution.report.edition"].sudo().search(
            [
                "|",
                "|",
                ("file_ids.attachment_id", "in", edition_files.ids),
                ("preview_id", "in", edition_files.ids),
                ("release_id.attachment_id", "in", edition_files.ids),
            ],
            limit=1,
        )
        if kept:
            raise AccessError(_("Files of %s are what was released: they are never changed.", kept.display_name))


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def action_open_document(self):
        """Who runs a report, or answers for it, reads its editions, and not always their releases."""
        action = super().action_open_document()
        releases = self.env["distribution.report.release"]
        if action["res_model"] == releases._name and not may(releases, "read"):
            # sudo: only which edition it is; opening it takes the right to read it
            edition = releases.sudo().browse(action["res_id"]).edition_id
            if edition:
                action.update(res_model=edition._name, res_id=edition.id)
        return action
