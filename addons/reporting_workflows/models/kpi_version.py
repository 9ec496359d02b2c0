"""A version of a KPI's definition: written as a draft, published by a second person, then never changed.

As policies are (``distribution_approval``), in small. The owner is not part of it: who answers for a number changes
without the number meaning something else.
"""

import hashlib
import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine.kpi import threshold_problem

KINDS = [
    ("integer", "Number (whole)"),
    ("number", "Number"),
    ("money", "Amount (company currency)"),
    ("percent", "Percent"),
    ("hours", "Hours"),
    ("days", "Days"),
]
DIRECTIONS = [("up", "More is better"), ("down", "Less is better"), ("none", "Neither")]
GRAINS = [("day", "Day"), ("week", "Week"), ("month", "Month")]
#: What a version says; the difference of two versions is told in these.
GOVERNED = (
    "question",
    "formula",
    "source",
    "kind",
    "direction",
    "grain",
    "has_target",
    "target",
    "is_judged",
    "warn",
    "breach",
)
FROZEN_COLUMNS = (
    "kpi_id",
    "number",
    "source",
    "kind",
    "direction",
    "grain",
    "has_target",
    "target",
    "is_judged",
    "warn",
    "breach",
    "content",
    "digest",
    "changes",
    "published_by_id",
    "published_at",
)
#: What only the methods set, with the value that a new record has.
PROTECTED = {
    "state": "draft",
    "number": 0,
    "author_ids": False,
    "content": False,
    "digest": False,
    "changes": False,
    "published_by_id": False,
    "published_at": False,
}


class KpiVersion(models.Model):
    _name = "distribution.kpi.version"
    _description = "KPI Version"
    _order = "kpi_id, number desc"
    _rec_names_search = ["kpi_id"]

    kpi_id = fields.Many2one("distribution.kpi", "KPI", required=True, ondelete="restrict", index=True)
    number = fields.Integer("Version", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("published", "In Force"), ("retired", "Replaced")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    question = fields.Char(required=True, translate=True, help="What somebody wants to know who looks at it.")
    formula = fields.Text(required=True, translate=True, help="In words, so that anybody can check it by hand.")
    source = fields.Selection(selection="_selection_source", required=True, help="What is counted, in code.")
    kind = fields.Selection(KINDS, "Unit", compute="_compute_kind", store=True, precompute=True)
    direction = fields.Selection(DIRECTIONS, required=True, default="none")
    grain = fields.Selection(
        GRAINS, "Finest Period", required=True, default="day", help="Below this the number says nothing."
    )
    dimensions = fields.Char(
        compute="_compute_dimensions", help="By what it can be told apart, as its source knows it."
    )
    has_target = fields.Boolean("With Target", default=False)
    target = fields.Float(digits=(16, 4), help="What one works towards. In the unit of the KPI; percent of 100.")
    is_judged = fields.Boolean("With Thresholds", default=False)
    warn = fields.Float("Warning", digits=(16, 4), help="Beyond it the KPI is yellow.")
    breach = fields.Float(digits=(16, 4), help="Beyond it the KPI is red.")
    change_summary = fields.Text("Why", help="What this version changes, and why. Shown to who publishes it.")
    changes = fields.Text("What Changed", readonly=True, copy=False)
    draft_changes = fields.Text("Changes", compute="_compute_draft_changes")
    author_ids = fields.Many2many(
        "res.users",
        "distribution_kpi_version_author_rel",
        string="Written by",
        readonly=True,
        copy=False,
        help="Everybody who wrote in this draft. None of them can publish it.",
    )
    published_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    published_at = fields.Datetime(readonly=True, copy=False)
    content = fields.Text(readonly=True, copy=False, help="The definition as published, canonical JSON.")
    digest = fields.Char(readonly=True, copy=False, help="SHA-256 of the published content.")
    draft_digest = fields.Char(compute="_compute_draft_digest", help="SHA-256 of the draft as it stands.")
    can_publish = fields.Boolean(compute="_compute_can_publish")

    _sql_constraints = [
        ("number_unique", "UNIQUE (kpi_id, number)", "This version number is taken."),
        (
            "published_by_somebody",
            "CHECK (state = 'draft' OR (published_by_id IS NOT NULL AND digest IS NOT NULL))",
            "A version in force was published by somebody.",
        ),
    ]

    def init(self):
        protect_columns(self.env.cr, self._table, FROZEN_COLUMNS, when="OLD.state <> 'draft'")

    @api.model
    def _selection_source(self):
        sources = self.env["distribution.kpi.source"]._sources()
        return sorted(((key, source.label) for key, source in sources.items()), key=lambda item: item[1])

    # -------------------------------------------------------------- computes

    @api.depends("kpi_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.kpi_id.name or ''} v{version.number}"

    @api.depends("source")
    def _compute_kind(self):
        sources = self.env["distribution.kpi.source"]._sources()
        for version in self:
            source = sources.get(version.source)
            version.kind = source.kind if source else version.kind

    @api.depends("source")
    @api.depends_context("lang")
    def _compute_dimensions(self):
        sources = self.env["distribution.kpi.source"]._sources()
        labels = self.env["distribution.kpi.source"]._dimension_labels()
        for version in self:
            source = sources.get(version.source)
            version.dimensions = ", ".join(labels[name] for name in source.dimensions) if source else False

    @api.depends(*GOVERNED)
    def _compute_draft_changes(self):
        for version in self:
            version.draft_changes = version._difference() if version.state == "draft" else False

    @api.depends(*GOVERNED, "kpi_id.code")
    def _compute_draft_digest(self):
        for version in self:
            version.draft_digest = _sha256(version._content()) if version.id else False

    @api.depends("state", "author_ids")
    @api.depends_context("uid")
    def _compute_can_publish(self):
        publisher = self.env.user.has_group("distribution_core.group_policy_publisher")
        for version in self:
            version.can_publish = publisher and version.state == "draft" and self.env.user not in version.author_ids

    @api.constrains("is_judged", "warn", "breach", "direction")
    def _check_thresholds(self):
        for version in self.filtered("is_judged"):
            if version.direction == "none":
                raise ValidationError(
                    _("Direction: a KPI with thresholds says whether more or less is better. Choose one.")
                )
            if threshold_problem(version.direction, version.warn, version.breach):
                raise ValidationError(
                    _("Warning: it has to come before the breach. Set it closer to the good values than the breach.")
                )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(PROTECTED)
            previous = self.sudo().search([("kpi_id", "=", vals.get("kpi_id"))], order="number desc", limit=1)
            vals["number"] = previous.number + 1
        versions = super().create(vals_list)
        versions._note_author()
        return versions

    def write(self, vals):
        self._refuse_protected(vals)
        self._check_draft()
        result = super().write(vals)
        self._note_author()
        return result

    def update_field_translations(self, field_name, translations):
        """The door of the translation dialog: it writes past ``write``."""
        self._refuse_protected({field_name: translations})
        self._check_draft()
        result = super().update_field_translations(field_name, translations)
        self._note_author()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _refuse_protected(self, vals):
        protected = PROTECTED.keys() & vals.keys()
        if protected:
            raise AccessError(
                _("%s cannot be written: a KPI's version is published with its button.", ", ".join(sorted(protected)))
            )

    def _check_draft(self):
        published = self.filtered(lambda version: version.state != "draft")
        if published:
            raise UserError(
                _(
                    "%s is published and never changes again: numbers rest on it. Make a new version instead.",
                    published[0].display_name,
                )
            )

    def _note_author(self):
        user = self.env.user
        for version in self.sudo():
            if user not in version.author_ids:
                models.BaseModel.write(version, {"author_ids": [(4, user.id)]})

    def _content(self):
        """Canonical JSON of what the version says: this is sealed when it is published."""
        content = {"code": self.kpi_id.code, **self._terms()}
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    # ------------------------------------------------------------ difference

    def _terms(self):
        """What the version says, as plain values; texts in the language in which they were written."""
        self.ensure_one()
        plain = self.with_context(lang="en_US")
        return {name: plain[name] for name in GOVERNED}

    def _difference(self):
        """What is different from the version before, a line each; empty for the first."""
        self.ensure_one()
        before = self.kpi_id.version_id
        if not before or before == self:
            return False
        lines = []
        for name in GOVERNED:
            if self[name] != before[name]:
                field = self._fields[name]
                lines.append(
                    f"{field._description_string(self.env)}: "
                    f"{_shown(before, field, self.env)} → {_shown(self, field, self.env)}"
                )
        return "\n".join(lines) or False

    # --------------------------------------------------------------- actions

    def action_publish(self, seen_digest=None):
        """Put a draft in force. Takes a publisher who did not write in it.

        :param seen_digest: the ``draft_digest`` that the publisher looked at (the button of the form sends it along)
        """
        seen_digest = seen_digest or self.env.context.get("seen_digest")
        for version in self:
            version._check_draft()
            if not self.env.user.has_group("distribution_core.group_policy_publisher"):
                raise AccessError(_("Only a policy publisher puts a KPI's definition in force."))
            if self.env.user in version.sudo().author_ids:
                raise UserError(
                    _("You wrote in %s. Somebody else who may publish puts it in force.", version.display_name)
                )
            if seen_digest and seen_digest != _sha256(version._content()):
                raise UserError(_("%s was edited since you opened it. Reload it and look again.", version.display_name))
            version.sudo()._publish(self.env.user)

    def _publish(self, user):
        """Freeze the draft and let it replace the one in force."""
        self.ensure_one()
        self.env["distribution.kpi.source"]._source(self.source)
        before = self.kpi_id.version_id
        content = self._content()
        digest = _sha256(content)
        if before:
            models.BaseModel.write(before, {"state": "retired"})
        models.BaseModel.write(
            self,
            {
                "state": "published",
                "content": content,
                "digest": digest,
                "changes": self._difference(),
                "published_by_id": user.id,
                "published_at": fields.Datetime.now(),
            },
        )
        models.BaseModel.write(self.kpi_id, {"version_id": self.id})
        # Today's number was counted by the definition before; sudo: it is nobody's to delete
        self.env["distribution.kpi.current"].sudo()._forget(self.kpi_id)
        self.env["distribution.event"].with_user(user).sudo()._record(
            "distribution.kpi.published.v1",
            self.kpi_id,
            {
                "code": self.kpi_id.code,
                "version": self.number,
                "digest": digest,
                "author_ids": self.author_ids.ids,
            },
        )

    @api.model
    def _publish_library(self):
        """The definitions that come with an addon are in force once it is installed, or updated to bring them."""
        drafts = self.search([("state", "=", "draft"), ("number", "=", 1), ("kpi_id.version_id", "=", False)])
        shipped = drafts.get_external_id()
        # What people have drafted, or imported, is for a publisher.
        for version in drafts.filtered(lambda draft: shipped[draft.id] and not shipped[draft.id].startswith("__")):
            version._publish(self.env.user)

    @api.model
    def _replace_sources(self, replaced, why):
        """Where a source was replaced by another way to count: drafts follow, what is in force gets a new version.

        Drafts come after it: what is published later has the higher number.

        :param replaced: ``{source as it was: (source now, formula of the library)}``
        """
        old = self.search([("source", "in", list(replaced)), ("state", "in", ("draft", "published"))])
        shipped = old.kpi_id.get_external_id()
        for version in old.sorted(lambda one: (one.state == "draft", one.id)):
            source, formula = replaced[version.source]
            values = {"source": source}
            if shipped[version.kpi_id.id].startswith("reporting_workflows."):
                values["formula"] = formula
            if version.state == "draft":
                version.write(values)
            else:
                drafts = version.kpi_id.version_ids.filtered(lambda one: one.state == "draft")
                new = version.copy({**values, "change_summary": why})
                new._publish(self.env.user)
                for number, draft in enumerate(drafts.sorted("number"), new.number + 1):
                    models.BaseModel.write(draft, {"number": number})


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(version, field, env):
    value = version[field.name]
    if field.type == "selection":
        return dict(field._description_selection(env)).get(value, value)
    return f"{value:g}" if field.type == "float" else value
