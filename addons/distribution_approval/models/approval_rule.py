"""Rules of a policy version: conditions on facts, an outcome, and who must approve."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError
from psycopg2 import sql

from odoo.addons.distribution_core.append_only import REFUSE_FUNCTION, put_trigger

from ..engine import Approver, Condition, FactType, Requirement, Rule, describe, parse_operand
from .approval_policy import document_models

OPERATORS = [
    ("eq", "is"),
    ("ne", "is not"),
    ("lt", "less than"),
    ("le", "at most"),
    ("gt", "more than"),
    ("ge", "at least"),
    ("between", "between (both included)"),
    ("in", "is one of"),
    ("not_in", "is none of"),
    ("any_of", "contains any of"),
    ("all_of", "contains all of"),
    ("none_of", "contains none of"),
    ("is_empty", "is empty"),
    ("is_true", "is true"),
    ("is_false", "is false"),
]

APPROVER_KINDS = [
    ("user", "Person"),
    ("group", "Group"),
    ("requester_manager", "Requester's manager"),
    ("warehouse_manager", "Manager of the receiving site"),
    ("region_manager", "Manager of the region"),
    ("category_manager", "Manager of each product category"),
]


KEEP_PUBLISHED_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_approval_keep_published() RETURNS trigger
    LANGUAGE plpgsql AS $$
    DECLARE
        version integer;
    BEGIN
        -- The argument finds the version to which a row belongs. No version: it is being deleted.
        IF TG_OP <> 'INSERT' THEN
            EXECUTE TG_ARGV[0] INTO version USING OLD;
        END IF;
        IF TG_OP <> 'DELETE' AND NOT coalesce(
            (SELECT state <> 'draft' FROM distribution_approval_policy_version WHERE id = version), FALSE)
        THEN
            EXECUTE TG_ARGV[0] INTO version USING NEW;
        END IF;
        IF (SELECT state <> 'draft' FROM distribution_approval_policy_version WHERE id = version) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'restrict_violation',
                TABLE = TG_TABLE_NAME,
                MESSAGE = format(
                    '%s refused on "%s": a published policy version never changes. Make a new version instead.',
                    TG_OP, TG_TABLE_NAME);
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$
"""


def protect_published(cr, table, columns, version_of):
    """Refuse by trigger that rows of a published version are added, changed or deleted.

    :param columns: the columns that mean something; other ones may come with an upgrade
    :param version_of: SQL that yields the id of the version of row ``$1``
    """
    cr.execute(REFUSE_FUNCTION)
    cr.execute(KEEP_PUBLISHED_FUNCTION)
    changed = sql.SQL(" OR ").join(
        sql.SQL("OLD.{column} IS DISTINCT FROM NEW.{column}").format(column=sql.Identifier(column))
        for column in columns
    )
    function = "distribution_approval_keep_published"
    put_trigger(
        cr,
        table,
        "distribution_keep_published_rows",
        "BEFORE INSERT OR DELETE",
        hint=version_of,
        function=function,
    )
    put_trigger(
        cr,
        table,
        "distribution_keep_published_update",
        "BEFORE UPDATE",
        hint=version_of,
        function=function,
        condition=changed,
    )
    put_trigger(cr, table, "distribution_no_truncate", "BEFORE TRUNCATE", level="STATEMENT")


_VERSION_OF_RULE = "SELECT rule.version_id FROM distribution_approval_rule rule WHERE rule.id = ($1).rule_id"
_VERSION_OF_CONDITION = """
    SELECT rule.version_id
      FROM distribution_approval_condition condition
      JOIN distribution_approval_rule rule ON rule.id = condition.rule_id
     WHERE condition.id = ($1).{}
"""


class ApprovalRulePart(models.AbstractModel):
    """What the parts of a policy version share: they change while it is a draft, and only then."""

    _name = "distribution.approval.rule.part"
    _description = "Part of an Approval Policy Version"

    def _versions(self):
        raise NotImplementedError

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts._changed()
        return parts

    def write(self, vals):
        self._changed()
        result = super().write(vals)
        self._changed()
        return result

    def unlink(self):
        self._changed()
        return super().unlink()

    def _changed(self):
        versions = self._versions()
        versions._check_draft()
        versions._note_author()


class ApprovalRule(models.Model):
    _name = "distribution.approval.rule"
    _description = "Approval Rule"
    _inherit = ["distribution.approval.rule.part"]
    _order = "version_id, sequence, id"

    version_id = fields.Many2one("distribution.approval.policy.version", required=True, ondelete="cascade", index=True)
    version_state = fields.Selection(related="version_id.state", string="Version State")
    document_type = fields.Selection(related="version_id.document_type")
    sequence = fields.Integer(default=10)
    number = fields.Integer(compute="_compute_number", string="Rule")
    name = fields.Char(required=True)
    condition_ids = fields.One2many("distribution.approval.condition", "rule_id", copy=True)
    amount_over = fields.Char(
        compute="_compute_amounts",
        inverse="_inverse_amounts",
        help="The rule applies above this amount, in company currency. Empty: no lower limit.",
    )
    amount_up_to = fields.Char(
        compute="_compute_amounts",
        inverse="_inverse_amounts",
        help="The rule applies up to and including this amount, in company currency. Empty: no upper limit.",
    )
    outcome = fields.Selection(
        [("pass", "Passes"), ("require", "Needs approval"), ("refuse", "Refused")],
        default="require",
        required=True,
    )
    mode = fields.Selection(
        [("enforce", "Enforce"), ("monitor", "Monitor only")],
        default="enforce",
        required=True,
        help="A monitored rule records what it would have done and decides nothing.",
    )
    comment_required = fields.Boolean(help="Whoever decides under this rule has to write a comment.")
    stage_ids = fields.One2many("distribution.approval.stage", "rule_id", string="Approvers", copy=True)
    condition_text = fields.Char(compute="_compute_texts", string="When")
    stage_text = fields.Char(compute="_compute_texts", string="Approved by")

    def init(self):
        protect_published(self.env.cr, self._table, self._frozen_columns(), "SELECT ($1).version_id")

    def _frozen_columns(self):
        """Columns that publishing freezes."""
        return ("version_id", "sequence", "name", "outcome", "mode", "comment_required")

    @api.depends("version_id.rule_ids.sequence")
    def _compute_number(self):
        for rule in self:
            ordered = rule.version_id.rule_ids.sorted(lambda other: (other.sequence, other._origin.id or 0))
            rule.number = list(ordered.ids).index(rule.id) + 1 if rule.id in ordered.ids else 0

    @api.depends("condition_ids.fact", "condition_ids.operator", "condition_ids.value")
    def _compute_amounts(self):
        for rule in self:
            rule.amount_over = rule._amount_condition("gt").value
            rule.amount_up_to = rule._amount_condition("le").value

    def _amount_condition(self, operator):
        return self.condition_ids.filtered(lambda c: c.fact == "amount" and c.operator == operator)[:1]

    def _inverse_amounts(self):
        for rule in self:
            limits = {"gt": rule.amount_over, "le": rule.amount_up_to}
            for operator, limit in limits.items():
                condition = rule._amount_condition(operator)
                if not limit:
                    condition.unlink()
                elif condition:
                    condition.value = limit
                else:
                    self.env["distribution.approval.condition"].create(
                        {"rule_id": rule.id, "fact": "amount", "operator": operator, "value": limit}
                    )

    @api.depends(
        "condition_ids.fact",
        "condition_ids.operator",
        "condition_ids.value",
        "condition_ids.option_ids",
        "condition_ids.reference_ids",
        "stage_ids.sequence",
        "stage_ids.approver_kind",
        "stage_ids.user_id",
        "stage_ids.group_id",
        "stage_ids.quorum",
    )
    def _compute_texts(self):
        for rule in self:
            try:
                rule.condition_text = describe(rule._to_engine(), rule._specs(), rule.version_id._name_of)
            except (UserError, ValueError, KeyError) as error:
                rule.condition_text = str(error)
            rule.stage_text = rule._stage_words() if rule.outcome == "require" else ""

    def _stage_words(self):
        """ "Purchasing, then Finance and Operations": stages in order, parallel tasks joined by "and"."""
        by_sequence = {}
        for stage in self.stage_ids.sorted("sequence"):
            by_sequence.setdefault(stage.sequence, []).append(stage._words())
        both = _(" and ")
        return _(", then ").join(both.join(words) for words in by_sequence.values())

    @api.constrains("outcome", "stage_ids")
    def _check_stages(self):
        for rule in self:
            if rule.outcome == "require" and not rule.stage_ids:
                raise ValidationError(_("Rule “%s” needs approval: say by whom.", rule.name))

    def _versions(self):
        return self.version_id

    def _specs(self):
        model = document_models(self.env).get(self.document_type)
        return self.env[model]._approval_all_fact_specs() if model else {}

    def _to_engine(self):
        self.ensure_one()
        specs = self._specs()
        return Rule(
            key=str(self._origin.id or self.id),
            sequence=self.sequence,
            name=self.name or "",
            conditions=tuple(condition._to_engine(specs) for condition in self.condition_ids),
            outcome=self.outcome,
            requirements=tuple(stage._to_engine() for stage in self.stage_ids) if self.outcome == "require" else (),
            mode=self.mode,
        )


class ApprovalCondition(models.Model):
    _name = "distribution.approval.condition"
    _description = "Approval Condition"
    _inherit = ["distribution.approval.rule.part"]
    _order = "rule_id, id"
    _rec_names_search = ["rule_id"]

    rule_id = fields.Many2one("distribution.approval.rule", required=True, ondelete="cascade", index=True)
    fact = fields.Selection(selection="_selection_fact", required=True)
    fact_type = fields.Char(compute="_compute_fact_type")
    fact_model = fields.Char(compute="_compute_fact_type")
    fact_help = fields.Char(compute="_compute_fact_type")
    operator = fields.Selection(OPERATORS, required=True, default="gt")
    value = fields.Char(help="A number, a date (2026-12-31) or, for “between”, two of them: 1000 - 2500.")
    option_ids = fields.Many2many(
        "distribution.approval.fact.option", "distribution_approval_condition_option_rel", string="Values"
    )
    reference_ids = fields.One2many("distribution.approval.condition.reference", "condition_id", copy=True)
    category_ids = fields.Many2many(
        "product.category", compute="_compute_references", inverse="_inverse_references", string="Categories"
    )
    warehouse_ids = fields.Many2many(
        "stock.warehouse", compute="_compute_references", inverse="_inverse_references", string="Sites"
    )
    region_ids = fields.Many2many(
        "distribution.region", compute="_compute_references", inverse="_inverse_references", string="Regions"
    )
    partner_ids = fields.Many2many(
        "res.partner", compute="_compute_references", inverse="_inverse_references", string="Partners"
    )
    user_ids = fields.Many2many(
        "res.users", compute="_compute_references", inverse="_inverse_references", string="People"
    )

    #: Which many2many picks the records of which model.
    _REFERENCE_FIELDS = {
        "product.category": "category_ids",
        "stock.warehouse": "warehouse_ids",
        "distribution.region": "region_ids",
        "res.partner": "partner_ids",
        "res.users": "user_ids",
    }

    def init(self):
        columns = ("rule_id", "fact", "operator", "value", "threshold", "band_low", "band_high")
        protect_published(self.env.cr, self._table, columns, _VERSION_OF_RULE)
        options = self._fields["option_ids"]
        protect_published(
            self.env.cr,
            options.relation,
            (options.column1, options.column2),
            _VERSION_OF_CONDITION.format(options.column1),
        )

    @api.model
    def _selection_fact(self):
        facts = {}
        for model in document_models(self.env).values():
            for spec in self.env[model]._approval_all_fact_specs().values():
                facts.setdefault(spec.name, spec.label)
        return sorted(facts.items(), key=lambda item: item[1])

    def _spec(self):
        self.ensure_one()
        return self.rule_id._specs().get(self.fact)

    @api.depends("fact", "rule_id.version_id.policy_id.document_type")
    def _compute_fact_type(self):
        for condition in self:
            spec = condition._spec() if condition.fact else None
            condition.fact_type = spec.type.value if spec else False
            condition.fact_model = spec.model if spec else False
            condition.fact_help = spec.help if spec else False

    @api.depends("reference_ids.ref_id", "fact")
    def _compute_references(self):
        for condition in self:
            spec = condition._spec() if condition.fact else None
            for model, name in self._REFERENCE_FIELDS.items():
                ids = condition.reference_ids.mapped("ref_id") if spec and spec.model == model else []
                condition[name] = self.env[model].browse(ids)

    def _inverse_references(self):
        for condition in self:
            spec = condition._spec()
            name = self._REFERENCE_FIELDS.get(spec.model) if spec else None
            if name:
                ids = condition[name].ids
                condition.reference_ids.unlink()
                self.env["distribution.approval.condition.reference"].create(
                    [{"condition_id": condition.id, "ref_id": ref_id} for ref_id in ids]
                )

    @api.onchange("fact")
    def _onchange_fact(self):
        """Start with the operator that people mean most often for this type of fact."""
        usual = {
            FactType.SELECTION: "in",
            FactType.REFERENCE: "in",
            FactType.SET: "any_of",
            FactType.FLAG: "is_true",
            FactType.TEXT: "eq",
        }
        spec = self._spec() if self.fact else None
        if spec:
            self.operator = usual.get(spec.type, "gt")
            self.value = False
            self.option_ids = False

    @api.constrains("fact", "operator", "value", "option_ids")
    def _check_operand(self):
        for condition in self:
            specs = condition.rule_id._specs()
            spec = specs.get(condition.fact)
            # Records are picked after the row exists; publishing checks that they are there.
            if not (spec and spec.model and not condition.reference_ids):
                condition._to_engine(specs)

    def _versions(self):
        return self.rule_id.version_id

    def _operand_text(self, spec):
        """What the person picked or typed, as the text that the engine parses."""
        if spec.model:
            return ", ".join(str(ref) for ref in sorted(self.reference_ids.mapped("ref_id")))
        if spec.options:
            return ", ".join(self.option_ids.mapped("code"))
        return self.value or ""

    def _to_engine(self, specs):
        spec = specs.get(self.fact)
        if not spec:
            raise UserError(_("“%s” is not a fact of this document type. Pick another fact.", self.fact))
        try:
            operand = parse_operand(spec, self.operator, self._operand_text(spec))
        except ValueError as error:
            raise ValidationError(
                _("Rule “%(rule)s”, %(fact)s: %(error)s", rule=self.rule_id.name, fact=spec.label, error=error)
            ) from error
        return Condition(self.fact, self.operator, operand)


class ApprovalConditionReference(models.Model):
    """A record that a condition names, kept as a plain id: the fact says of which model."""

    _name = "distribution.approval.condition.reference"
    _description = "Record Named by an Approval Condition"
    _inherit = ["distribution.approval.rule.part"]

    condition_id = fields.Many2one("distribution.approval.condition", required=True, ondelete="cascade", index=True)
    ref_id = fields.Integer(required=True)

    def init(self):
        protect_published(
            self.env.cr, self._table, ("condition_id", "ref_id"), _VERSION_OF_CONDITION.format("condition_id")
        )

    def _versions(self):
        return self.condition_id.rule_id.version_id


class ApprovalStage(models.Model):
    """One approver that a rule asks for. Equal stage numbers decide at the same time."""

    _name = "distribution.approval.stage"
    _description = "Approval Stage"
    _inherit = ["distribution.approval.rule.part"]
    _order = "rule_id, sequence, id"

    rule_id = fields.Many2one("distribution.approval.rule", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(
        string="Stage", default=10, required=True, help="Stages follow each other; equal numbers run in parallel."
    )
    name = fields.Char(string="Asked as", help="Shown to everybody, for example “Finance”. Empty: the approver's name.")
    approver_kind = fields.Selection(APPROVER_KINDS, required=True, default="group")
    user_id = fields.Many2one("res.users", string="Person", ondelete="restrict")
    group_id = fields.Many2one("res.groups", ondelete="restrict")
    quorum = fields.Integer(default=1, required=True, help="How many different people of this group must approve.")

    _sql_constraints = [
        ("quorum_positive", "CHECK (quorum > 0)", "At least one person has to approve."),
    ]

    def init(self):
        protect_published(self.env.cr, self._table, self._frozen_columns(), _VERSION_OF_RULE)

    def _frozen_columns(self):
        """Columns that publishing freezes."""
        return ("rule_id", "sequence", "name", "approver_kind", "user_id", "group_id", "quorum")

    @api.constrains("approver_kind", "user_id", "group_id", "quorum")
    def _check_approver(self):
        for stage in self:
            if stage.approver_kind == "user" and not stage.user_id:
                raise ValidationError(_("Choose the person who approves in rule “%s”.", stage.rule_id.name))
            if stage.approver_kind == "group" and not stage.group_id:
                raise ValidationError(_("Choose the group that approves in rule “%s”.", stage.rule_id.name))
            if stage.approver_kind != "group" and stage.quorum != 1:
                raise ValidationError(_("Only a group can have a quorum above 1 (rule “%s”).", stage.rule_id.name))

    def _versions(self):
        return self.rule_id.version_id

    def _label(self):
        if self.name:
            return self.name
        if self.approver_kind == "user":
            return self.user_id.name
        if self.approver_kind == "group":
            return self.group_id.name
        return dict(self._fields["approver_kind"]._description_selection(self.env))[self.approver_kind]

    def _words(self):
        label = self._label() or ""
        return _("%(quorum)s of %(label)s", quorum=self.quorum, label=label) if self.quorum > 1 else label

    def _to_engine(self):
        self.ensure_one()
        target = {"user": self.user_id, "group": self.group_id}.get(self.approver_kind)
        return Requirement(
            sequence=self.sequence,
            approver=Approver(self.approver_kind, str(target.id) if target else "", self._label() or ""),
            quorum=self.quorum,
            name=self._label() or "",
        )
