"""A version of a report's definition: written as a draft, published by a second person, then never changed."""

import hashlib
import json
from datetime import time

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import check_access

from ..engine import Complaint, Schedule
from ..engine.definition_file import FORMAT, LISTS, diff, dump, load
from ..engine.run import PATTERNS, REMEDIES
from ..engine.schedule import EVERY, OFF_DAYS, PERIODS, due_moments, period_of

CLASSIFICATIONS = [
    ("internal", "Internal"),
    ("management", "Management"),
    ("customer", "Customers"),
    ("supplier", "Suppliers"),
]
PATTERN_NAMES = {
    "automatic": "Automatic",
    "supervisor": "Supervisor, above a threshold",
    "category_manager": "Category manager",
    "finance": "Finance sign-off",
    "operations": "Operations sign-off",
    "two_parties": "Two parties (customer-facing)",
}
REMEDY_NAMES = {
    "hold": "Hold until they are good",
    "mark": "Release with a mark",
    "shorten": "Leave out what rests on them",
}
FORMATS = ("pdf", "xlsx", "csv")
#: Models of the parts, by their place in the file.
PARTS = {
    "datasets": "dataset_ids",
    "sections": "section_ids",
    "inputs": "input_ids",
    "checks": "check_ids",
    "thresholds": "threshold_ids",
    "recipients": "recipient_ids",
}
#: What publishing freezes in the database itself. ``state`` and ``retired_at`` still move, one way.
FROZEN_COLUMNS = (
    "report_id",
    "number",
    "content",
    "digest",
    "reader_id",
    "classification",
    "site_id",
    "category_id",
    "release_pattern",
    "retention_days",
    "published_by_id",
    "published_at",
)
#: What only the methods set, with the value that a new record has.
PROTECTED = {
    "state": "draft",
    "number": 0,
    "author_ids": False,
    "published_by_id": False,
    "published_at": False,
    "retired_at": False,
    "content": False,
    "digest": False,
}


class ReportVersion(models.Model):
    """What a run works by is ``content``: the definition as JSON, sealed by its digest when it is published."""

    _name = "distribution.report.version"
    _description = "Report Version"
    _inherit = ["mail.thread"]
    _order = "report_id, number desc"
    _rec_names_search = ["report_id"]

    report_id = fields.Many2one("distribution.report", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="report_id.company_id", store=True)
    number = fields.Integer(string="Version", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    classification = fields.Selection(
        CLASSIFICATIONS,
        required=True,
        default="internal",
        help="Who may get it. Only what is for customers or suppliers leaves the house.",
    )
    site_id = fields.Many2one("stock.warehouse", help="Empty: the whole company.")
    category_id = fields.Many2one("product.category", help="Empty: all.")
    reader_id = fields.Many2one(
        "res.users",
        string="Read as",
        default=lambda self: self.env.user,
        required=True,
        ondelete="restrict",
        help="With whose rights the numbers are read. What this person may not see is not in the report.",
    )
    period = fields.Selection(
        [(kind, kind.replace("_", " ").capitalize()) for kind in PERIODS], required=True, default="yesterday"
    )
    schedule_every = fields.Selection([(every, every.capitalize()) for every in EVERY], help="Empty: by hand only.")
    schedule_at = fields.Float("At", default=6.0, help="By the company's clock.")
    schedule_weekday = fields.Selection(
        [
            (str(number), name)
            for number, name in enumerate(
                ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
            )
        ],
        default="0",
    )
    schedule_day = fields.Integer("Day of the Month", default=1)
    schedule_off_days = fields.Selection(
        [
            (name, {"run": "Due all the same", "skip": "Not due", "next": "On the next working day"}[name])
            for name in OFF_DAYS
        ],
        "On Days without Work",
        default="run",
        required=True,
    )
    release_pattern = fields.Selection(
        [(name, PATTERN_NAMES[name]) for name in PATTERNS], required=True, default="automatic"
    )
    on_stale = fields.Selection(
        [(name, REMEDY_NAMES[name]) for name in REMEDIES], "When Inputs are Stale", required=True, default="hold"
    )
    on_failed = fields.Selection(
        [(name, REMEDY_NAMES[name]) for name in REMEDIES], "When Checks Fail", required=True, default="hold"
    )
    as_pdf = fields.Boolean("PDF", default=True)
    as_xlsx = fields.Boolean("Excel")
    as_csv = fields.Boolean("CSV")
    retention_days = fields.Integer(default=730, help="After that the files of an edition are removed; 0: never.")
    summary = fields.Text(help="The first words of the mail. {period} and sums as in sections are filled in.")
    dataset_ids = fields.One2many("distribution.report.dataset", "version_id")
    section_ids = fields.One2many("distribution.report.section", "version_id")
    input_ids = fields.One2many("distribution.report.input", "version_id")
    check_ids = fields.One2many("distribution.report.check", "version_id")
    threshold_ids = fields.One2many("distribution.report.threshold", "version_id")
    recipient_ids = fields.One2many("distribution.report.recipient", "version_id")
    change_summary = fields.Text("What Changes", help="Shown to who publishes it.")
    author_ids = fields.Many2many(
        "res.users",
        "distribution_report_version_author_rel",
        string="Written by",
        readonly=True,
        copy=False,
        help="Everybody who wrote in this draft. None of them can publish it.",
    )
    published_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    published_at = fields.Datetime(readonly=True, copy=False)
    retired_at = fields.Datetime(readonly=True, copy=False)
    content = fields.Text(readonly=True, copy=False, prefetch=False, help="What is in force, canonical JSON.")
    digest = fields.Char(readonly=True, copy=False, help="SHA-256 of the published content.")
    draft_digest = fields.Char(compute="_compute_draft_digest", help="SHA-256 of the draft as it stands.")
    problem_text = fields.Text(compute="_compute_problem_text", string="Problems")
    diff_text = fields.Text(compute="_compute_diff_text", string="Against the Version before")
    can_publish = fields.Boolean(compute="_compute_can_publish")

    _sql_constraints = [
        ("number_unique", "UNIQUE (report_id, number)", "This version number is taken."),
        (
            "published_by_somebody",
            "CHECK (state = 'draft' OR (published_by_id IS NOT NULL AND digest IS NOT NULL))",
            "A version in force was published by somebody.",
        ),
    ]

    def init(self):
        protect_columns(self.env.cr, self._table, FROZEN_COLUMNS, when="OLD.state <> 'draft'")
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_report_version_one_published
                   ON distribution_report_version (report_id) WHERE state = 'published'"""
        )

    # -------------------------------------------------------------- computes

    @api.depends("report_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.report_id.name or ''} v{version.number}"

    def _compute_draft_digest(self):
        for version in self:
            version.draft_digest = _sha256(version._freeze()) if version.id else False

    def _compute_problem_text(self):
        for version in self:
            version.problem_text = "\n".join(version._problems()) if version.state == "draft" else False

    def _compute_diff_text(self):
        for version in self:
            before = version._before()
            changes = diff(before._definition(), version._definition()) if before else ()
            say = self.env["distribution.report.renderer"]._say()
            lines = [change.said(say) for change in changes]
            if before and before.reader_id != version.reader_id:
                readers = {"old": before.reader_id.name or "–", "new": version.reader_id.name or "–"}
                lines.insert(0, _("Read as: %(old)s → %(new)s", **readers))
            version.diff_text = "\n".join(lines)

    @api.depends("state", "author_ids")
    @api.depends_context("uid")
    def _compute_can_publish(self):
        publisher = self.env.user.has_group("distribution_core.group_policy_publisher")
        for version in self:
            version.can_publish = publisher and version.state == "draft" and self.env.user not in version.author_ids

    @api.constrains("schedule_at", "schedule_day", "schedule_every")
    def _check_schedule(self):
        for version in self:
            if not 0 <= version.schedule_at < 24:
                raise ValidationError(_("At: use an hour between 00:00 and 23:59."))
            try:
                version._schedule()
            except Complaint as error:
                raise ValidationError(error.said(self.env["distribution.report.renderer"]._say())) from error

    @api.constrains("site_id", "category_id", "report_id")
    def _check_site(self):
        for version in self:
            if version.site_id and version.site_id.company_id != version.company_id:
                raise ValidationError(_("Site: %s belongs to another company.", version.site_id.name))

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        numbers = {}
        for vals in vals_list:
            self._refuse_protected(vals)
            vals.update(PROTECTED)
            report_id = vals.get("report_id")
            if report_id not in numbers:
                # sudo: numbers follow each other whatever the author may read
                newest = self.sudo().search([("report_id", "=", report_id)], order="number desc", limit=1)
                numbers[report_id] = newest.number
            numbers[report_id] += 1
            vals["number"] = numbers[report_id]
        versions = super().create(vals_list)
        versions._touch()
        return versions

    def write(self, vals):
        self._refuse_protected(vals)
        if vals.keys() - {"message_follower_ids", "message_ids"}:
            self._touch()
        return super().write(vals)

    def copy(self, default=None):
        raise UserError(_("Use “New Version” on the report: it begins with what is in force."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _refuse_protected(self, vals):
        protected = PROTECTED.keys() & vals.keys()
        if protected:
            raise AccessError(
                _("%s cannot be written: a version is published and retired with its buttons.")
                % ", ".join(sorted(protected))
            )

    def _check_draft(self):
        published = self.filtered(lambda version: version.state != "draft")
        if published:
            raise UserError(
                _(
                    "%s is published and never changes again: editions refer to it. Make a new version instead.",
                    published[0].display_name,
                )
            )

    def _touch(self):
        """Somebody writes in these drafts: only drafts, and they are an author from now on."""
        self._check_draft()
        user = self.env.user
        for version in self.sudo():  # sudo: nobody writes the authors themselves
            if user not in version.author_ids:
                models.BaseModel.write(version, {"author_ids": [(4, user.id)]})

    # ------------------------------------------------------------- definition

    def _definition(self, name_of=None):
        """The definition as a dictionary; of a published version what was sealed.

        :param name_of: names other records; default: by model and number
        """
        self.ensure_one()
        if self.state != "draft" and name_of is None:
            return self._sealed()["definition"]
        name_of = name_of or (lambda record: f"{record._name},{record.id}")
        report = self.report_id
        settings = {
            "period": self.period,
            "release_pattern": self.release_pattern,
            "on_stale": self.on_stale,
            "on_failed": self.on_failed,
            "formats": ", ".join(name for name in FORMATS if self[f"as_{name}"]),
            "retention_days": str(self.retention_days),
            "summary": self.summary or "",
        }
        head = {
            "code": report.code,
            "name": report.name,
            "classification": self.classification,
            "description": report.description or "",
            "site": name_of(self.site_id) if self.site_id else "",
            "category": name_of(self.category_id) if self.category_id else "",
        }
        content = {
            "report": head,
            "settings": settings,
            "schedule": self._schedule_to_file(),
            **{place: [part._to_file(name_of) for part in self[name]] for place, name in PARTS.items()},
        }
        content = {key: _filled(value) if isinstance(value, dict) else value for key, value in content.items()}
        return {key: value for key, value in content.items() if value}

    def _schedule_to_file(self):
        if not self.schedule_every:
            return {}
        hour, minute = _clock(self.schedule_at)
        entry = {"every": self.schedule_every, "at": f"{hour:02}:{minute:02}", "off_days": self.schedule_off_days}
        if self.schedule_every == "week":
            entry["weekday"] = self.schedule_weekday or "0"
        if self.schedule_every == "month":
            entry["day"] = str(self.schedule_day)
        return entry

    def _freeze(self):
        """Canonical JSON of everything that decides, with the ids that it means here."""
        self.ensure_one()
        ids = {
            "reader": self.reader_id.id,
            "site": self.site_id.id or None,
            "category": self.category_id.id or None,
            "recipients": [
                {"kind": one.kind, "id": one._record().id if one._record() else None, "channel": one.channel}
                for one in self.recipient_ids
            ],
        }
        content = {"definition": self._definition() if self.state == "draft" else None, "ids": ids}
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def _sealed(self):
        """``{"definition": …, "ids": …}`` as it was published; of a draft as it stands.

        :raises UserError: the content no longer matches its digest: somebody went around the application
        """
        self.ensure_one()
        if self.state == "draft":
            return json.loads(self._freeze())
        content = self.sudo().content or ""
        if _sha256(content) != self.sudo().digest:
            raise UserError(_("%s does not match its seal any more. Publish a new version.", self.display_name))
        return json.loads(content)

    def _before(self):
        """The version that this one replaces: the newest published one of a smaller number."""
        return self.report_id.version_ids.filtered(
            lambda other: other.number < self.number and other.state != "draft"
        ).sorted("number", reverse=True)[:1]

    def _problems(self):
        """What is wrong with it as it is written, each with field and remedy."""
        self.ensure_one()
        return self.env["distribution.report.builder"]._problems(self)

    def _problems_on_data(self):
        """What keeps it from being published: what is wrong with it, or with reading everything once as its reader."""
        return self._problems() or self.env["distribution.report.builder"]._trial(self)

    # -------------------------------------------------------------- schedule

    def _schedule(self):
        """The engine's schedule, or None. Raises Complaint."""
        self.ensure_one()
        if not self.schedule_every:
            return None
        return Schedule(
            self.schedule_every,
            time(*_clock(self.schedule_at)),
            int(self.schedule_weekday or 0),
            self.schedule_day or 1,
            self.schedule_off_days,
        )

    def _due(self, days, planned, now):
        """What is due now, the newest last: the others were missed. ``planned`` is due itself."""
        schedule = self._schedule()
        if not schedule:
            return ()
        report = self.report_id
        after = report.last_due_at or planned
        if after >= planned:
            after = fields.Datetime.subtract(planned, seconds=1)
        return due_moments(schedule, report._zone(), days, after, now)

    def _period_of(self, day, days):
        return period_of(self.period, day, days)

    # --------------------------------------------------------------- actions

    def action_open(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def action_publish(self, seen_digest=None):
        """Put a draft in force. Takes a publisher who did not write in it.

        :param seen_digest: the ``draft_digest`` that the publisher looked at (the button of the form sends it along)
        """
        seen_digest = seen_digest or self.env.context.get("seen_digest")
        for version in self:
            version._check_publishable()
            content = version._freeze()
            if seen_digest and seen_digest != _sha256(content):
                raise UserError(_("%s was edited since you opened it. Reload it and look again.", version.display_name))
            before = version._before()
            version.report_id.version_id.sudo()._retire()
            models.BaseModel.write(
                version.sudo(),
                {
                    "state": "published",
                    "content": content,
                    "digest": _sha256(content),
                    "published_by_id": self.env.uid,
                    "published_at": fields.Datetime.now(),
                },
            )
            version.report_id._plan()
            version.sudo().message_post(
                body=Markup("<br/>").join(filter(None, (_("Published"), version.release_warning))),
                author_id=self.env.user.partner_id.id,
                subtype_xmlid="mail.mt_note",
            )
            self.env["distribution.event"].sudo()._record(
                "distribution.report_definition.published.v1",
                version,
                {
                    "report": version.report_id.code,
                    "version": version.number,
                    "replaces": before.number or None,
                    "digest": version.digest,
                    "classification": version.classification,
                    "author_ids": version.sudo().author_ids.ids,
                },
                correlation=f"distribution.report,{version.report_id.id}",
            )
        return self._told_who_releases()

    def _told_who_releases(self):
        """A note to who published it, where nobody would be asked to release it; else True."""
        warnings = list(filter(None, self.mapped("release_warning")))
        if not warnings:
            return True
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": _("Published, but nobody releases it yet"),
                "message": "\n".join(warnings),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _check_publishable(self):
        self.ensure_one()
        self._check_draft()
        if not self.env.user.has_group("distribution_core.group_policy_publisher") or self.env.user._is_superuser():
            raise AccessError(_("Publishing a report takes the role Policy Publisher."))
        if self.env.user in self.sudo().author_ids:
            raise UserError(
                _(
                    "You wrote in %s yourself. Somebody else has to publish it: who defines a report does not put it "
                    "in force alone.",
                    self.display_name,
                )
            )
        problems = self._problems_on_data()
        if problems:
            raise UserError(
                _("%(version)s cannot be published yet:\n%(problems)s")
                % {"version": self.display_name, "problems": "\n".join(f"• {problem}" for problem in problems)}
            )

    def action_retire(self):
        """Take a version out of force: the report is not due any more."""
        if not self.env.user.has_group("distribution_core.group_policy_publisher"):
            raise AccessError(_("Retiring a report's version takes the role Policy Publisher."))
        check_access(self, "read")
        self.sudo()._retire()
        self.report_id._plan()
        return True

    def _retire(self):
        for version in self.filtered(lambda version: version.state == "published"):
            models.BaseModel.write(version, {"state": "retired", "retired_at": fields.Datetime.now()})
            version.flush_recordset()
            self.env["distribution.event"]._record(
                "distribution.report_definition.retired.v1",
                version,
                {"report": version.report_id.code, "version": version.number},
                correlation=f"distribution.report,{version.report_id.id}",
            )

    def action_preview(self):
        """What it would say about the newest period, read with the rights of who looks."""
        self.ensure_one()
        return self.env["distribution.report.preview"]._show(self)

    # ------------------------------------------------------------------ files

    def _copy_to_draft(self):
        """A new draft with the same definition, its records named by number."""
        self.ensure_one()
        version = self._import_into(self.report_id, self._definition(lambda one: f"{one._name},{one.id}"), _by_number)
        version.reader_id = self.reader_id
        return version

    def _export_yaml(self):
        """The definition as a file, its records named so that another database finds them."""
        self.ensure_one()
        portable = self.env["distribution.approval.portable"]
        return dump(self._definition(lambda record: portable._reference(record, self.company_id)))

    def action_export(self):
        """Offer the file."""
        self.ensure_one()
        return self.env["distribution.report.definition.file"]._offer(self)

    @api.model
    def _import_yaml(self, text, company=None):
        """A draft by the text of a file, of the report with its code; a new one where there is none.

        :raises UserError: naming the place and the remedy
        """
        company = company or self.env.company
        try:
            content = load(text)
        except Complaint as error:
            raise UserError(error.said(self.env["distribution.report.renderer"]._say())) from error
        head = content["report"]
        report = self.env["distribution.report"].search(
            [("code", "=", head["code"]), ("company_id", "=", company.id)], limit=1
        )
        report = report or report.create(
            {
                "code": head["code"],
                "name": head["name"],
                "description": head.get("description"),
                "company_id": company.id,
            }
        )
        portable = self.env["distribution.approval.portable"]
        return self._import_into(report, content, lambda env, model, name: portable._dereference(model, name, company))

    @api.model
    def _import_into(self, report, content, record_of):
        def find(model, name):
            return record_of(self.env, model, name)

        head, settings, schedule = (content.get(name) or {} for name in ("report", "settings", "schedule"))
        formats = (settings.get("formats") or "").replace(" ", "").split(",")
        values = {
            "report_id": report.id,
            "schedule_every": False,
            "summary": settings.get("summary", False),
            **{f"as_{name}": name in formats for name in FORMATS},
        }
        for entry, name, field in (
            (head, "classification", "classification"),
            *((settings, name, name) for name in ("period", "release_pattern", "on_stale", "on_failed")),
            *((schedule, name, f"schedule_{name}") for name in ("every", "weekday", "off_days")),
        ):
            if entry.get(name):
                values[field] = self._option(field, entry[name])
        if schedule.get("at"):
            values["schedule_at"] = self._hours(schedule["at"])
        for entry, name, field in (
            (schedule, "day", "schedule_day"),
            (settings, "retention_days", "retention_days"),
        ):
            if entry.get(name):
                values[field] = self.env["distribution.approval.portable"]._from_text(self._fields[field], entry[name])
        for name, model in (("site", "stock.warehouse"), ("category", "product.category")):
            if head.get(name):
                values[f"{name}_id"] = find(model, head[name]).id
        for place in LISTS:
            part = self.env[self._fields[PARTS[place]].comodel_name]
            values[PARTS[place]] = [
                (0, 0, {**part._from_file(entry, find), "sequence": 10 * number})
                for number, entry in enumerate(content.get(place) or (), start=1)
            ]
        return self.create(values)

    @api.model
    def _hours(self, text):
        try:
            hour, minute = map(int, text.split(":"))
        except ValueError:
            raise UserError(_("schedule.at: “%s” is no time of day. Write 06:30", text)) from None
        return hour + minute / 60

    def _option(self, field, text):
        options = dict(self._fields[field]._description_selection(self.env))
        if text not in options:
            raise UserError(
                _("%(field)s: “%(text)s” is none of %(known)s.", field=field, text=text, known=", ".join(options))
            )
        return text


def _by_number(env, _model, name):
    model, _comma, number = name.partition(",")
    return env[model].browse(int(number))


def _clock(hours):
    minutes = round(hours * 60)
    return minutes // 60, minutes % 60


def _filled(entry):
    return {key: value for key, value in entry.items() if value}


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["CLASSIFICATIONS", "FORMAT", "FORMATS", "PATTERN_NAMES", "ReportVersion"]
