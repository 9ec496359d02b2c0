"""A version of a policy: written as a draft, published by a second person, then never changed."""

import hashlib
import json

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, MissingError, UserError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import (
    Approver,
    Condition,
    Problem,
    Requirement,
    Rule,
    ServiceClock,
    Table,
    Threshold,
    compile_table,
    describe,
    format_operand,
    parse_operand,
)
from .approval_policy import document_models, today

#: What publishing freezes. ``state`` and ``retired_at`` still move, one way.
FROZEN_COLUMNS = (
    "policy_id",
    "number",
    "content",
    "digest",
    "hit_policy",
    "valid_from",
    "valid_to",
    "tolerance_percent",
    "tolerance_amount",
    "rate_tolerance_percent",
    "spend_window_days",
    "split_limit",
    "fallback_user_id",
    "fallback_group_id",
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
    "variant_stamp": False,
}


class ApprovalPolicyVersion(models.Model):
    _name = "distribution.approval.policy.version"
    _description = "Approval Policy Version"
    _inherit = ["mail.thread"]
    _order = "policy_id, number desc"
    _rec_names_search = ["policy_id"]

    policy_id = fields.Many2one("distribution.approval.policy", required=True, ondelete="restrict", index=True)
    number = fields.Integer(string="Version", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    document_type = fields.Selection(related="policy_id.document_type")
    company_id = fields.Many2one(related="policy_id.company_id")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    hit_policy = fields.Selection(
        [
            ("COLLECT", "Collect – every matching rule counts, the strictest wins"),
            ("FIRST", "First – the first matching rule decides"),
        ],
        default="COLLECT",
        required=True,
    )
    valid_from = fields.Date(help="In force from this day on; empty: from the moment it is published.", copy=False)
    valid_to = fields.Date(help="Last day in force; empty: until a later version replaces it.", copy=False)
    tolerance_percent = fields.Float(
        string="Tolerance (%)",
        default=0.0,
        help="How far the value of an approved document may move, in all changes together, before "
        "the approval is void. Both limits must hold; 0 allows no change.",
    )
    tolerance_amount = fields.Float(
        string="Tolerance (amount)", default=0.0, help="The same limit as an amount in document currency."
    )
    rate_tolerance_percent = fields.Float(
        string="Exchange Rate Tolerance (%)",
        default=5.0,
        help="An approval in foreign currency is void when its value in company currency has grown by "
        "more than this before the document is confirmed.",
    )
    spend_window_days = fields.Integer(
        string="Window (days)", default=7, help="Days over which orders with one vendor are added up."
    )
    split_limit = fields.Float(
        string="Counts Orders up to",
        default=0.0,
        help="Only orders up to this amount (company currency) count as possible splits; 0 counts all.",
    )
    fallback_user_id = fields.Many2one(
        "res.users", string="Fallback Approver", help="Decides when no other approver can be found."
    )
    fallback_group_id = fields.Many2one("res.groups", help="Decides when no other approver can be found.")
    rule_ids = fields.One2many("distribution.approval.rule", "version_id", copy=True)
    rule_count = fields.Integer(compute="_compute_rule_count")
    change_summary = fields.Text(help="What this version changes, and why. Shown to who publishes it.")
    author_ids = fields.Many2many(
        "res.users",
        "distribution_approval_version_author_rel",
        string="Written by",
        readonly=True,
        copy=False,
        help="Everybody who wrote in this draft. None of them can publish it.",
    )
    published_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    published_at = fields.Datetime(readonly=True, copy=False)
    retired_at = fields.Datetime(readonly=True, copy=False)
    # Not read along with the rest: 500 rules are large, and every confirmation reads the version.
    content = fields.Text(readonly=True, copy=False, prefetch=False, help="The rules as published, canonical JSON.")
    digest = fields.Char(readonly=True, copy=False, help="SHA-256 of the published content.")
    draft_digest = fields.Char(compute="_compute_draft_digest", help="SHA-256 of the draft as it stands.")
    problem_text = fields.Text(compute="_compute_problem_text", string="Problems")
    can_publish = fields.Boolean(compute="_compute_can_publish")

    _sql_constraints = [
        ("number_unique", "UNIQUE (policy_id, number)", "This version number is taken."),
        (
            "published_by_somebody",
            "CHECK (state = 'draft' OR (published_by_id IS NOT NULL AND digest IS NOT NULL))",
            "A version in force was published by somebody.",
        ),
    ]

    def init(self):
        protect_columns(self.env.cr, self._table, self._frozen_columns(), when="OLD.state <> 'draft'")

    def _frozen_columns(self):
        """Columns that publishing freezes."""
        return FROZEN_COLUMNS

    # -------------------------------------------------------------- computes

    @api.depends("policy_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.policy_id.name or ''} v{version.number}"

    @api.depends("policy_id.company_id")
    def _compute_currency_id(self):
        for version in self:
            version.currency_id = (version.policy_id.company_id or self.env.company).currency_id

    @api.depends("rule_ids")
    def _compute_rule_count(self):
        for version in self:
            version.rule_count = len(version.rule_ids)

    @api.depends("rule_ids.condition_ids", "rule_ids.stage_ids", "rule_ids.outcome", "hit_policy")
    def _compute_problem_text(self):
        words = {"error": _("Error"), "warning": _("Warning")}
        for version in self:
            lines = [
                f"{words[problem.severity]}: {problem.message} {problem.remedy}" for problem in version._problems()
            ]
            version.problem_text = "\n".join(lines)

    def _compute_draft_digest(self):
        for version in self:
            try:
                settings = [
                    str(version[name]) for name in FROZEN_COLUMNS if name.startswith(("tol", "rate", "sp", "val"))
                ]
                version.draft_digest = _sha256("|".join([version._freeze(), *settings]))
            except (UserError, ValueError, KeyError):
                version.draft_digest = False

    @api.depends("state", "author_ids")
    @api.depends_context("uid")
    def _compute_can_publish(self):
        publisher = self.env.user.has_group("distribution_core.group_policy_publisher")
        for version in self:
            version.can_publish = publisher and version.state == "draft" and self.env.user not in version.author_ids

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(PROTECTED)
            previous = self.sudo().search([("policy_id", "=", vals.get("policy_id"))], order="number desc", limit=1)
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

    def copy(self, default=None):
        # The copy is the work of who copies: a second pair of eyes publishes it all the same.
        return super().copy(default)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _refuse_protected(self, vals):
        """State, authors and the published content are set by the methods below only."""
        protected = PROTECTED.keys() & vals.keys()
        if protected:
            raise AccessError(
                _("%s cannot be written: a policy version is published and retired with its buttons.")
                % ", ".join(sorted(protected))
            )

    def _check_draft(self):
        published = self.filtered(lambda version: version.state != "draft")
        if published:
            raise UserError(
                _(
                    "%s is published and never changes again: running requests refer to it. "
                    "Make a new version instead.",
                    published[0].display_name,
                )
            )

    def _note_author(self):
        """Remember who wrote in this draft; a query only when somebody new writes."""
        user = self.env.user
        for version in self.sudo():
            if user not in version.author_ids:
                models.BaseModel.write(version, {"author_ids": [(4, user.id)]})

    # ---------------------------------------------------------------- tables

    def _fact_specs(self):
        self.ensure_one()
        model = document_models(self.env).get(self.document_type)
        return self.env[model]._approval_all_fact_specs() if model else {}

    def _decision_table(self):
        """The decision table of the live rules (a draft)."""
        self.ensure_one()
        return Table(
            specs=self._fact_specs(),
            rules=tuple(rule._to_engine() for rule in self._table_rules()),
            hit_policy=self.hit_policy,
        )

    def _table_rules(self):
        """The rules that make the decision table."""
        return self.rule_ids

    def _problems(self):
        self.ensure_one()
        try:
            problems = list(self._decision_table().validate())
        except UserError as error:
            problems = [_problem("error", str(error), "")]
        if not self.rule_ids:
            problems.append(
                _problem("error", _("The policy has no rules."), _("Add at least one: nothing would ever pass."))
            )
        if not (self.fallback_user_id or self.fallback_group_id):
            problems.append(
                _problem(
                    "error",
                    _("There is no fallback approver."),
                    _("Name a person or a group that decides when nobody else can be found."),
                )
            )
        return problems

    def _name_of(self, spec, key):
        """Name of the record that a rule refers to, for people."""
        record = self.env[spec.model].sudo().browse(key).exists()
        return record.display_name if record else _("%s (deleted)", "#%s" % key)

    def _freeze(self):
        """Canonical JSON of everything that decides; read back by :meth:`_compile`."""
        self.ensure_one()
        specs = self._fact_specs()
        return json.dumps(
            {
                "format": 1,
                "document_type": self.document_type,
                "hit_policy": self.hit_policy,
                "fallback": {
                    "user": self.fallback_user_id.id or None,
                    "group": self.fallback_group_id.id or None,
                },
                "rules": [_rule_to_json(rule._to_engine(), specs, self._name_of) for rule in self.rule_ids],
            },
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @tools.ormcache("self.id", "self.digest")
    def _compile(self):
        """The compiled table of a published version, from its sealed content.

        :raises UserError: when the content no longer matches its digest: somebody went around
            the application. The caller holds the document.
        """
        self.ensure_one()
        if _sha256(self.content or "") != self.digest:
            raise UserError(_("%s does not match its seal any more. Publish a new version.", self.display_name))
        content = json.loads(self.content)
        rules = [rule for rule in content["rules"] if not rule.get("demands", {}).get("fast_path")]
        return compile_table(_table_from_json({**content, "rules": rules}, self._fact_specs()))

    def _words(self):
        """``{rule key: (number in the table, conditions in words)}``."""
        if not self:
            return {}
        if self.state == "draft":
            return {str(rule.id): (rule.number, rule.condition_text) for rule in self.rule_ids}
        return self._published_words()

    @tools.ormcache("self.id", "self.digest")
    def _published_words(self):
        return {
            rule["key"]: (number, rule["words"])
            for number, rule in enumerate(json.loads(self.content)["rules"], start=1)
        }

    def _compile_draft(self):
        """The compiled table of the live rules, for "Try it" and simulations."""
        return compile_table(self._decision_table())

    # --------------------------------------------------------------- actions

    def action_publish(self, seen_digest=None):
        """Put a draft in force. Takes a publisher who did not write in it.

        :param seen_digest: the ``draft_digest`` that the publisher looked at (the button of the
            form sends it along)
        """
        seen_digest = seen_digest or self.env.context.get("seen_digest")
        for version in self:
            version._check_publishable()
            content = version._freeze()
            if seen_digest and seen_digest != version.draft_digest:
                raise UserError(_("%s was edited since you opened it. Reload it and look again.", version.display_name))
            now = fields.Datetime.now()
            models.BaseModel.write(
                version.sudo(),
                {
                    "state": "published",
                    "content": content,
                    "digest": _sha256(content),
                    "published_by_id": self.env.uid,
                    "published_at": now,
                    "valid_from": version.valid_from or today(version.company_id or self.env.company),
                },
            )
            version.sudo().message_post(
                body=_("Published"), author_id=self.env.user.partner_id.id, subtype_xmlid="mail.mt_note"
            )
            version.sudo()._retire_predecessors()
            self.env["distribution.event"].sudo()._record(
                "distribution.approval_policy.published.v1",
                version,
                {
                    "policy_id": version.policy_id.id,
                    "document_type": version.document_type,
                    "version": version.number,
                    "digest": version.digest,
                    "valid_from": fields.Date.to_string(version.valid_from),
                    "author_ids": version.sudo().author_ids.ids,
                },
            )
        self.env.registry.clear_cache()
        return True

    def _check_publishable(self):
        self.ensure_one()
        self._check_draft()
        if not self.env.user.has_group("distribution_core.group_policy_publisher") or self.env.user._is_superuser():
            raise AccessError(_("Publishing a policy takes the role Policy Publisher."))
        if self.env.user in self.sudo().author_ids:
            raise UserError(
                _(
                    "You wrote in %s yourself. Somebody else has to publish it: "
                    "who writes a policy does not put it in force alone.",
                    self.display_name,
                )
            )
        errors = [problem for problem in self._problems() if problem.severity == "error"]
        if errors:
            raise UserError(
                _("%(version)s cannot be published yet:\n%(problems)s")
                % {
                    "version": self.display_name,
                    "problems": "\n".join(f"• {problem.message} {problem.remedy}" for problem in errors),
                }
            )

    def action_retire(self):
        """Take a published version out of force. Without a successor documents are held."""
        if not self.env.user.has_group("distribution_core.group_policy_publisher"):
            raise AccessError(_("Retiring a policy version takes the role Policy Publisher."))
        for version in self.filtered(lambda version: version.policy_id._governs()):
            raise UserError(
                _(
                    "%s governs documents. Publish a version that replaces it, or let two people end governance first.",
                    version.display_name,
                )
            )
        self.sudo()._retire()
        return True

    def action_open(self):
        """Open this version on a page of its own."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def action_try(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Try it: %s", self.display_name),
            "res_model": "distribution.approval.try",
            "view_mode": "form",
            "target": "new",
            "context": {"default_version_id": self.id},
        }

    def _retire(self):
        for version in self.filtered(lambda version: version.state == "published"):
            models.BaseModel.write(version, {"state": "retired", "retired_at": fields.Datetime.now()})
            self.env["distribution.event"]._record(
                "distribution.approval_policy.retired.v1",
                version,
                {
                    "policy_id": version.policy_id.id,
                    "document_type": version.document_type,
                    "version": version.number,
                },
            )
        self.env.registry.clear_cache()

    def _retire_predecessors(self):
        """Once a version is effective, the older published ones of its policy are retired."""
        for version in self.filtered(
            lambda version: version._is_effective(today(version.company_id or self.env.company))
        ):
            version.policy_id.version_ids.filtered(
                lambda other, number=version.number: other.state == "published" and other.number < number
            )._retire()

    @api.model
    def _cron_retire(self):
        """Daily: retire versions that a later one has replaced by its effective date."""
        self.search([("state", "=", "published")])._retire_predecessors()

    def _is_effective(self, day):
        self.ensure_one()
        return (
            self.state == "published"
            and (not self.valid_from or self.valid_from <= day)
            and (not self.valid_to or day <= self.valid_to)
        )

    def _is_still_effective(self, day):
        """The same, of a version that may not exist (any more)."""
        try:
            return self._is_effective(day)
        except MissingError:
            return False


def _problem(severity, message, remedy):
    return Problem(severity, "", "", message, remedy)


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _rule_to_json(rule, specs, name_of):
    return {
        "key": rule.key,
        "sequence": rule.sequence,
        "name": rule.name,
        "mode": rule.mode,
        "outcome": rule.outcome,
        "words": describe(rule, specs, name_of),
        "conditions": [
            {
                "fact": c.fact,
                "operator": c.operator,
                "operand": format_operand(specs[c.fact], c.operator, c.operand),
                **_threshold_to_json(c, specs),
            }
            for c in rule.conditions
        ],
        "requirements": [
            {
                "sequence": r.sequence,
                "name": r.name,
                "quorum": r.quorum,
                "kind": r.approver.kind,
                "key": r.approver.key,
                "label": r.approver.label,
                **({"clock": r.clock.to_json()} if r.clock else {}),
            }
            for r in rule.requirements
        ],
    }


def _threshold_to_json(condition, specs):
    """The band of an adjustable condition; nothing for the others, so that old seals stay as they are."""
    mark, spec = condition.threshold, specs[condition.fact]
    if mark is None:
        return {}
    low, high = (format_operand(spec, "eq", end) for end in (mark.low, mark.high))
    return {"threshold": {"name": mark.name, "low": low, "high": high}}


def _threshold_from_json(condition, specs):
    mark, spec = condition.get("threshold"), specs[condition["fact"]]
    if not mark:
        return None
    return Threshold(mark["name"], *(parse_operand(spec, "eq", mark[end]) for end in ("low", "high")))


def _table_from_json(content, specs):
    return Table(
        specs=specs,
        rules=tuple(
            Rule(
                key=rule["key"],
                sequence=rule["sequence"],
                name=rule["name"],
                mode=rule["mode"],
                outcome=rule["outcome"],
                conditions=tuple(
                    Condition(
                        c["fact"],
                        c["operator"],
                        parse_operand(specs[c["fact"]], c["operator"], c["operand"]),
                        _threshold_from_json(c, specs),
                    )
                    for c in rule["conditions"]
                ),
                requirements=tuple(
                    Requirement(
                        sequence=r["sequence"],
                        approver=Approver(r["kind"], r["key"], r["label"]),
                        quorum=r["quorum"],
                        name=r["name"],
                        clock=ServiceClock.from_json(r.get("clock")),
                    )
                    for r in rule["requirements"]
                ),
            )
            for rule in content["rules"]
        ),
        hit_policy=content["hit_policy"],
    )
