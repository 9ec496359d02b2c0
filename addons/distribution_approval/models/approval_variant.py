"""Local variants: a company, region or site moves the thresholds that a standard policy leaves open.

A variant is written by one person and published by another, like the standard, and then never
changes. It holds values for thresholds (see ``engine/thresholds.py``) and nothing else, so that the
next version of the standard flows down by itself. A variant is ended by publishing one without
values: that takes two people as well.

What is in force is written on the published versions of the policy as a *stamp*: the ids of the
variants with a hash of their sealed contents. The gate reads the version anyway; as long as there
are no variants, it asks the database for nothing more.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import asks_for

from ..engine import EngineError, Table, adjusted, bands_of, compile_table, describe, parse_operand, resolve
from ..engine.decision_table import _short

#: From the least to the most specific.
LEVELS = ("company", "region", "site")
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


@dataclass(frozen=True, slots=True)
class LocalTable:
    """A standard's table with the values of the variants that count for one place."""

    compiled: Any
    words: dict  #: as of ``ApprovalPolicyVersion._words``
    refs: str  #: ids of the variants that count
    text: str  #: in words, for the record


class ApprovalVariant(models.Model):
    _name = "distribution.approval.variant"
    _description = "Local Variant of an Approval Policy"
    _inherit = ["mail.thread"]
    _order = "policy_id, company_id, region_id, warehouse_id, number desc"
    _rec_names_search = ["policy_id", "company_id", "region_id", "warehouse_id"]

    policy_id = fields.Many2one(
        "distribution.approval.policy", string="Standard", required=True, ondelete="restrict", index=True
    )
    document_type = fields.Selection(related="policy_id.document_type")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    region_id = fields.Many2one(
        "distribution.region",
        ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        help="Only for documents of sites in this region. Empty: see the site, or the whole company.",
    )
    warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Site",
        ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        help="Only for documents of this site. The most specific variant counts: site, region, company.",
    )
    level = fields.Selection(
        [("company", "Company"), ("region", "Region"), ("site", "Site")], compute="_compute_level", store=True
    )
    number = fields.Integer(string="Version", readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    reason = fields.Text(help="Why this place differs from the standard. Shown to who publishes it.")
    value_ids = fields.One2many("distribution.approval.variant.value", "variant_id", copy=True)
    author_ids = fields.Many2many(
        "res.users",
        "distribution_approval_variant_author_rel",
        string="Written by",
        readonly=True,
        copy=False,
        help="Everybody who wrote in this draft. None of them can publish it.",
    )
    published_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    published_at = fields.Datetime(readonly=True, copy=False)
    retired_at = fields.Datetime(readonly=True, copy=False)
    content = fields.Text(readonly=True, copy=False, help="The values as published, canonical JSON.")
    digest = fields.Char(readonly=True, copy=False, help="SHA-256 of the published content.")
    draft_digest = fields.Char(compute="_compute_draft_digest")
    problem_text = fields.Text(compute="_compute_problem_text", string="Problems")
    out_of_band = fields.Boolean(
        compute="_compute_problem_text",
        search="_search_out_of_band",
        help="A value lies outside the band of the standard in force: there the standard's own value counts.",
    )
    can_publish = fields.Boolean(compute="_compute_can_publish")

    _sql_constraints = [
        (
            "published_by_somebody",
            "CHECK (state = 'draft' OR (published_by_id IS NOT NULL AND digest IS NOT NULL))",
            "A variant in force was published by somebody.",
        ),
    ]

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            (
                "policy_id",
                "company_id",
                "region_id",
                "warehouse_id",
                "number",
                "content",
                "digest",
                "published_by_id",
                "published_at",
            ),
            when="OLD.state <> 'draft'",
        )
        protect_columns(self.env.cr, self._table, ("state",), when="OLD.state = 'retired'", name="retired")
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_variant_one_in_force
                   ON distribution_approval_variant
                      (policy_id, company_id, coalesce(region_id, 0), coalesce(warehouse_id, 0))
                WHERE state = 'published'"""
        )

    # -------------------------------------------------------------- computes

    @api.depends("region_id", "warehouse_id")
    def _compute_level(self):
        for variant in self:
            variant.level = "site" if variant.warehouse_id else "region" if variant.region_id else "company"

    @api.depends("policy_id.name", "company_id.name", "region_id.name", "warehouse_id.name", "number")
    def _compute_display_name(self):
        for variant in self:
            variant.display_name = f"{variant.policy_id.name or ''} – {variant._place_name()} v{variant.number}"

    def _place_name(self):
        self.ensure_one()
        place = self.sudo()
        return (place.warehouse_id or place.region_id or place.company_id).name or ""

    @api.depends("value_ids.threshold", "value_ids.value", "policy_id")
    def _compute_draft_digest(self):
        for variant in self:
            variant.draft_digest = _sha256(variant._freeze())

    @api.depends("value_ids.threshold", "value_ids.value", "policy_id")
    def _compute_problem_text(self):
        for variant in self:
            problems = variant._problems() if variant.state != "retired" else []
            variant.problem_text = "\n".join(problems)
            variant.out_of_band = bool(problems) and variant.state == "published"

    def _search_out_of_band(self, operator, value):
        found = self.search([("state", "=", "published")]).filtered("out_of_band")
        positive = asks_for(operator, value)
        return [("id", "in" if positive else "not in", found.ids)]

    @api.depends("state", "author_ids")
    @api.depends_context("uid")
    def _compute_can_publish(self):
        publisher = self.env.user.has_group("distribution_core.group_policy_publisher")
        for variant in self:
            variant.can_publish = publisher and variant.state == "draft" and self.env.user not in variant.author_ids

    @api.constrains("policy_id", "company_id", "region_id", "warehouse_id")
    def _check_place(self):
        for variant in self:
            place = variant.sudo()
            if place.region_id and place.warehouse_id:
                raise ValidationError(_("region_id: choose a region or a site, not both."))
            if place.policy_id.company_id and place.policy_id.company_id != place.company_id:
                raise ValidationError(_("company_id: the standard is for %s only.", place.policy_id.company_id.name))
            for other, name in ((place.region_id, "region_id"), (place.warehouse_id, "warehouse_id")):
                if other and other.company_id != place.company_id:
                    raise ValidationError(
                        _("%(field)s: %(name)s belongs to another company.", field=name, name=other.name)
                    )

    @api.onchange("policy_id")
    def _onchange_policy_id(self):
        """Offer the thresholds of the standard, each with a place for the value of this variant."""
        if self.policy_id and self.state == "draft":
            known = set(self.value_ids.mapped("threshold"))
            self.value_ids = [fields.Command.create({"threshold": name}) for name in self._bands() if name not in known]

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(PROTECTED)
        variants = super().create(vals_list)
        for variant in variants.sudo():
            last = self.sudo().search(
                [*variant._scope_domain(), ("id", "!=", variant.id)], order="number desc", limit=1
            )
            models.BaseModel.write(variant, {"number": last.number + 1})
        variants._note_author()
        return variants

    def write(self, vals):
        self._refuse_protected(vals)
        self._check_draft()
        result = super().write(vals)
        self._note_author()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _refuse_protected(self, vals):
        protected = PROTECTED.keys() & vals.keys()
        if protected:
            raise AccessError(
                _("%s cannot be written: a variant is published with its button.") % ", ".join(sorted(protected))
            )

    def _check_draft(self):
        published = self.filtered(lambda variant: variant.state != "draft")
        if published:
            raise UserError(
                _("%s is published and never changes again. Draft its next version.", published[0].display_name)
            )

    def _note_author(self):
        user = self.env.user
        for variant in self.sudo():
            if user not in variant.author_ids:
                models.BaseModel.write(variant, {"author_ids": [(4, user.id)]})

    def _scope_domain(self):
        self.ensure_one()
        return [
            ("policy_id", "=", self.policy_id.id),
            ("company_id", "=", self.company_id.id),
            ("region_id", "=", self.region_id.id),
            ("warehouse_id", "=", self.warehouse_id.id),
        ]

    # ---------------------------------------------------------------- values

    def _bands(self):
        """The thresholds of the standard in force (of its newest draft, where none is)."""
        policy = self.policy_id.sudo()
        version = policy.current_version_id or policy.version_ids.sorted("number", reverse=True)[:1]
        return version._bands() if version else {}

    def _texts(self):
        """``{threshold: value as typed}``, of a published variant as it was sealed."""
        self.ensure_one()
        if self.state != "draft":
            return json.loads(self.content or "{}").get("values", {})
        return {value.threshold: value.value for value in self.value_ids if (value.value or "").strip()}

    def _freeze(self):
        """Canonical JSON of what publishing seals."""
        self.ensure_one()
        return json.dumps(
            {
                "format": 1,
                "policy": self.policy_id.id,
                "company": self.company_id.id,
                "region": self.region_id.id or None,
                "site": self.warehouse_id.id or None,
                "values": self._texts(),
            },
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def _problems(self, bands=None):
        """What is wrong with the values under the standard in force, one sentence each."""
        self.ensure_one()
        if bands is None:
            bands = self._bands()
        rejected = resolve(bands, [(self, _typed(bands, self._texts()))]).rejected
        return [self._refused_words(one) for one in rejected]

    @api.model
    def _refused_words(self, rejected):
        return _(
            "“%(threshold)s”: %(problem)s. The standard's own value counts.",
            threshold=rejected.threshold,
            problem=rejected.problem,
        )

    # --------------------------------------------------------------- actions

    def action_publish(self, seen_digest=None):
        """Put a draft in force; it takes a publisher who did not write in it.

        :param seen_digest: the ``draft_digest`` that the publisher looked at
        """
        seen_digest = seen_digest or self.env.context.get("seen_digest")
        for variant in self:
            variant._check_publishable()
            if seen_digest and seen_digest != variant.draft_digest:
                raise UserError(_("%s was edited since you opened it. Reload it and look again.", variant.display_name))
            variant.sudo()._publish(self.env.user)
        return True

    def _check_publishable(self):
        self.ensure_one()
        self._check_draft()
        if not self.env.user.has_group("distribution_core.group_policy_publisher") or self.env.user._is_superuser():
            raise AccessError(_("Publishing a variant takes the role Policy Publisher."))
        if self.env.user in self.sudo().author_ids:
            raise UserError(_("You wrote in %s yourself. Somebody else has to publish it.", self.display_name))
        if not self.policy_id.sudo().current_version_id:
            raise UserError(_("Publish the standard first: no version of %s is in force.", self.policy_id.name))
        problems = self._problems()
        if problems:
            raise UserError(
                _("%(variant)s cannot be published:\n%(problems)s")
                % {"variant": self.display_name, "problems": "\n".join(f"• {problem}" for problem in problems)}
            )

    def _publish(self, user):
        """As superuser; the rights of ``user`` were checked."""
        policy = self.policy_id
        policy._serialize_variants()
        content = self._freeze()
        before = self.search([*self._scope_domain(), ("state", "=", "published")])
        models.BaseModel.write(before, {"state": "retired", "retired_at": fields.Datetime.now()})
        self.env.flush_all()
        models.BaseModel.write(
            self,
            {
                "state": "published",
                "content": content,
                "digest": _sha256(content),
                "published_by_id": user.id,
                "published_at": fields.Datetime.now(),
            },
        )
        self.message_post(body=_("Published"), author_id=user.partner_id.id, subtype_xmlid="mail.mt_note")
        policy._stamp_variants()
        self.env["distribution.event"]._record(
            "distribution.approval_variant.published.v1",
            self,
            {
                "policy_id": policy.id,
                "company_id": self.company_id.id,
                "region_id": self.region_id.id or None,
                "site_id": self.warehouse_id.id or None,
                "version": self.number,
                "digest": self.digest,
                "values": self._texts(),
                "author_ids": self.author_ids.ids,
            },
        )
        self.env.registry.clear_cache()

    def action_analyse(self):
        """The analysis of the standard in force with the values of this variant."""
        self.ensure_one()
        version = self.policy_id.sudo().current_version_id
        if not version:
            raise UserError(_("No version of %s is in force: there is nothing to analyse.", self.policy_id.name))
        return {
            "type": "ir.actions.act_window",
            "name": _("Analysis: %s", self.display_name),
            "res_model": "distribution.approval.analysis",
            "view_mode": "form",
            "target": "new",
            "context": {"default_version_id": version.id, "default_variant_id": self.id},
        }

    def _adjust(self, table):
        """The table with the values of this variant that count."""
        bands = bands_of(table)
        return adjusted(table, resolve(bands, [(self, _typed(bands, self._texts()))]).values)

    def action_next_version(self):
        """Draft the next version of this variant: same place, same values to start with."""
        self.ensure_one()
        return self.copy({"reason": False}).action_open()

    def action_open(self):
        self.ensure_one()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id, "view_mode": "form"}

    # -------------------------------------------------------- the gate asks

    @api.model
    def _stamp_of(self, policy):
        """The stamp of the variants of ``policy`` in force; "" when there are none."""
        variants = self.sudo().search([("policy_id", "=", policy.id), ("state", "=", "published")], order="id")
        return _stamp(variants.filtered(lambda variant: variant._texts()))

    @api.model
    @tools.ormcache("stamp")
    def _of_stamp(self, stamp):
        """``((level, place id), variant id, name, {threshold: text})`` of the variants of a stamp.

        :raises UserError: when they are not what was stamped: somebody went around the application
        """
        ids = [int(part) for part in stamp.partition(":")[0].split(",")]
        variants = self.sudo().browse(ids).exists()
        if _stamp(variants) != stamp or any(_sha256(v.content or "") != v.digest for v in variants):
            raise UserError(_("The local variants of the policy do not match their seals. Publish them again."))
        found = []
        for variant in variants:
            content = json.loads(variant.content)
            level = "site" if content["site"] else "region" if content["region"] else "company"
            found.append(((level, content[level]), variant.id, variant.display_name, content["values"]))
        return tuple(sorted(found, key=lambda entry: LEVELS.index(entry[0][0])))

    # ------------------------------------------------------- next standard

    def _flag_out_of_band(self, version):
        """A standard was published: a case for each variant that does not fit it."""
        bands = version._bands()
        for variant in self:
            problems = variant._problems(bands)
            if not problems:
                continue
            key = f"variant_out_of_band:{variant.id}:{version.id}"
            if self.env["distribution.case"].search_count([("dedup_key", "=", key)]):
                continue
            self.env["distribution.case"]._open(
                "variant_out_of_band",
                variant,
                _("%(variant)s does not fit %(version)s", variant=variant.display_name, version=version.display_name),
                detail="\n".join(problems),
                dedup_key=key,
            )
            self.env["distribution.event"]._record(
                "distribution.approval_variant.out_of_band.v1",
                variant,
                {"policy_id": version.policy_id.id, "policy_version_id": version.id, "values": variant._texts()},
            )


class ApprovalVariantValue(models.Model):
    """The value that a variant gives one threshold."""

    _name = "distribution.approval.variant.value"
    _description = "Value of a Local Variant"
    _order = "variant_id, threshold, id"

    variant_id = fields.Many2one("distribution.approval.variant", required=True, ondelete="cascade", index=True)
    threshold = fields.Char(required=True)
    value = fields.Char(string="Here", help="Empty: the standard's own value.")
    fact_label = fields.Char(compute="_compute_standard", string="Fact")
    standard_value = fields.Char(compute="_compute_standard", string="Standard")
    band = fields.Char(compute="_compute_standard", string="May lie between")
    problem = fields.Char(compute="_compute_standard")

    _sql_constraints = [
        ("threshold_once", "UNIQUE (variant_id, threshold)", "A variant gives each threshold one value."),
    ]

    @api.depends("threshold", "value", "variant_id.policy_id")
    def _compute_standard(self):
        bands_by_variant = {}
        for line in self:
            variant = line.variant_id
            if variant not in bands_by_variant:
                bands_by_variant[variant] = variant._bands()
            bands = bands_by_variant[variant]
            band = bands.get(line.threshold)
            line.fact_label = band.spec.label if band else False
            line.standard_value = _short(band.spec, band.value) if band else False
            line.band = band.words() if band else False
            own = _typed(bands, {line.threshold: line.value}) if (line.value or "").strip() else {}
            line.problem = ", ".join(r.problem for r in resolve(bands, [(line, own)]).rejected)

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create(vals_list)
        values._changed()
        return values

    def write(self, vals):
        self._changed()
        result = super().write(vals)
        self._changed()
        return result

    def unlink(self):
        self._changed()
        return super().unlink()

    def _changed(self):
        self.variant_id._check_draft()
        self.variant_id._note_author()


class ApprovalPolicy(models.Model):
    _inherit = "distribution.approval.policy"

    variant_ids = fields.One2many("distribution.approval.variant", "policy_id", string="Local Variants")
    variant_count = fields.Integer(compute="_compute_variant_count")

    @api.depends("variant_ids.state")
    def _compute_variant_count(self):
        for policy in self:
            policy.variant_count = len(policy.variant_ids.filtered(lambda variant: variant.state == "published"))

    def _serialize_variants(self):
        """Versions and variants of one policy are published one after the other.

        The row is written: who publishes at the same time fails to serialise and is repeated by Odoo.
        """
        self.env.cr.execute("UPDATE distribution_approval_policy SET active = active WHERE id = ANY(%s)", (self.ids,))

    def _stamp_variants(self):
        """Write on the published versions which variants are in force. As superuser."""
        for policy in self:
            stamp = self.env["distribution.approval.variant"]._stamp_of(policy)
            published = policy.version_ids.filtered(lambda version: version.state == "published")
            models.BaseModel.write(published, {"variant_stamp": stamp or False})

    def action_variants(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_variant")
        action["domain"] = [("policy_id", "=", self.id)]
        action["context"] = {"default_policy_id": self.id}
        return action


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    variant_stamp = fields.Char(
        readonly=True, copy=False, help="Which local variants are in force, with a hash of their contents."
    )

    def action_publish(self, seen_digest=None):
        # What was written in the draft reaches the database while it is one.
        self.env.flush_all()
        self.policy_id.sudo()._serialize_variants()
        result = super().action_publish(seen_digest)
        for version in self.sudo():
            version.policy_id._stamp_variants()
            version.policy_id.variant_ids.filtered(lambda variant: variant.state == "published")._flag_out_of_band(
                version
            )
        return result

    @api.model
    def _cron_retire(self):
        """Daily, too: a version that came into force by its date may not fit variants published meanwhile."""
        result = super()._cron_retire()
        for policy in self.env["distribution.approval.variant"].sudo().search([("state", "=", "published")]).policy_id:
            if policy.current_version_id:
                policy.variant_ids.filtered(lambda variant: variant.state == "published")._flag_out_of_band(
                    policy.current_version_id
                )
        return result

    def _variants_in_force(self):
        """The stamp of the variants by which this version is applied."""
        if not self:
            return ""
        if self.state == "draft":
            return self.env["distribution.approval.variant"]._stamp_of(self.policy_id)
        return self.variant_stamp or ""

    def _local_table(self, document, stamp):
        """The :class:`LocalTable` for the place of ``document``; None where the standard counts."""
        return self._local_table_at(document.company_id, document._approval_site(), stamp)

    def _local_table_at(self, company, site, stamp):
        """The same for a place; ``site`` may be empty."""
        self.ensure_one()
        places = {("company", company.id), ("region", site.region_id.id), ("site", site.id)}
        variants = [entry for entry in self.env["distribution.approval.variant"]._of_stamp(stamp) if entry[0] in places]
        if not variants:
            return None
        if self.state == "draft":
            return self._adjusted_table(self._decision_table(), variants)
        return self._local_compiled(tuple(variant_id for _place, variant_id, _name, _values in variants), stamp)

    @tools.ormcache("self.id", "self.digest", "variant_ids", "stamp")
    def _local_compiled(self, variant_ids, stamp):
        compiled = self._compile()
        variants = [
            entry for entry in self.env["distribution.approval.variant"]._of_stamp(stamp) if entry[1] in variant_ids
        ]
        return self._adjusted_table(Table(compiled.specs, compiled.rules, compiled.hit_policy), variants)

    def _adjusted_table(self, table, variants):
        """``variants``: entries of ``_of_stamp``, the least specific first."""
        bands = bands_of(table)
        resolved = resolve(bands, [((key, name), _typed(bands, texts)) for _place, key, name, texts in variants])
        if not resolved.values:
            return None
        local = adjusted(table, resolved.values)
        numbers = {key: number for key, (number, _words) in self._words().items()}
        text = "; ".join(
            f"{name}: {threshold} {_short(bands[threshold].spec, resolved.values[threshold])}"
            for threshold, (_key, name) in sorted(resolved.sources.items())
        )
        return LocalTable(
            compile_table(local),
            {rule.key: (numbers.get(rule.key, 0), describe(rule, local.specs, self._name_of)) for rule in local.rules},
            ",".join(str(key) for key in sorted({key for key, _name in resolved.sources.values()})),
            text,
        )


class ApprovalRelease(models.Model):
    _inherit = "distribution.approval.release"

    variant_refs = fields.Char(string="Variants", help="Ids of the local variants whose values counted.")
    local_variant = fields.Char(help="The local variants whose values counted, and the values.")


class ApprovalSnapshot(models.Model):
    _inherit = "distribution.approval.snapshot"

    variant_refs = fields.Char(string="Variants", help="Ids of the local variants whose values counted.")
    local_variant = fields.Char(help="The local variants whose values counted, and the values.")
    variant_stamp = fields.Char(help="The local variants in force when this was asked.")


def _stamp(variants):
    if not variants:
        return ""
    ordered = variants.sorted("id")
    sealed = json.dumps([[variant.id, variant.digest] for variant in ordered])
    return f"{','.join(map(str, ordered.ids))}:{_sha256(sealed)}"


def _typed(bands, texts):
    """Values as the engine compares them; what cannot be read stays a text, and is rejected."""
    typed = {}
    for name, text in texts.items():
        band = bands.get(name)
        try:
            typed[name] = parse_operand(band.spec, "eq", text) if band else text
        except EngineError:
            typed[name] = text
    return typed


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()
