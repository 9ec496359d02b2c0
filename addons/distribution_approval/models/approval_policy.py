"""A policy: what may be done with one type of document, in all its versions."""

from datetime import datetime

import pytz
from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError


def document_models(env):
    """``{document type: model name}`` of every governed document in the registry."""
    return {
        model._approval_type: name
        for name, model in env.registry.items()
        if getattr(model, "_approval_type", None) and not model._abstract
    }


def today(company):
    """The present day where ``company`` works (its calendar's time zone); no client has a say."""
    return datetime.now(pytz.timezone(company._approval_time_zone())).date()


def day_of(company, moment):
    """The day on which ``moment`` (naive UTC) fell where ``company`` works."""
    return pytz.utc.localize(moment).astimezone(pytz.timezone(company._approval_time_zone())).date()


class ApprovalPolicy(models.Model):
    _name = "distribution.approval.policy"
    _description = "Approval Policy"
    _inherit = ["mail.thread"]
    _order = "document_type, company_id, id"

    name = fields.Char(required=True, tracking=True)
    document_type = fields.Selection(selection="_selection_document_type", required=True, tracking=True)
    company_id = fields.Many2one(
        "res.company",
        help="Leave empty for the standard of all companies; a company's own policy goes before it.",
    )
    owner_id = fields.Many2one(
        "res.users",
        string="Business Owner",
        required=True,
        default=lambda self: self.env.user,
        ondelete="restrict",
        tracking=True,
        help="Answers for the content of this policy.",
    )
    description = fields.Text()
    active = fields.Boolean(default=True)
    version_ids = fields.One2many("distribution.approval.policy.version", "policy_id")
    current_version_id = fields.Many2one(
        "distribution.approval.policy.version", compute="_compute_current_version_id", string="In Force"
    )
    draft_count = fields.Integer(compute="_compute_current_version_id", string="Drafts")

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_policy_one_active
                   ON distribution_approval_policy (document_type, coalesce(company_id, 0)) WHERE active"""
        )

    @api.model
    def _selection_document_type(self):
        return sorted(
            ((key, self.env[model]._approval_label()) for key, model in document_models(self.env).items()),
            key=lambda item: item[1],
        )

    @api.depends("version_ids.state", "version_ids.valid_from", "version_ids.valid_to")
    def _compute_current_version_id(self):
        for policy in self:
            day = today(policy.company_id or self.env.company)
            in_force = policy.version_ids.filtered(lambda version, day=day: version._is_effective(day))
            policy.current_version_id = in_force.sorted("number", reverse=True)[:1]
            policy.draft_count = len(policy.version_ids.filtered(lambda version: version.state == "draft"))

    @api.constrains("document_type", "company_id", "active")
    def _check_one_policy(self):
        for policy in self.filtered("active"):
            twin = self.search(
                [
                    ("document_type", "=", policy.document_type),
                    ("company_id", "=", policy.company_id.id),
                    ("id", "!=", policy.id),
                ],
                limit=1,
            )
            if twin:
                raise UserError(
                    _(
                        "%(twin)s already governs this document type for the same company. "
                        "Change that policy, or archive it first.",
                        twin=twin.name,
                    )
                )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        self.env.registry.clear_cache()
        return policies

    def write(self, vals):
        frozen = {"document_type", "company_id"} & set(vals)
        if frozen and self.version_ids.filtered(lambda version: version.state != "draft"):
            raise UserError(
                _("A policy with a published version keeps its document type and company. Make a new policy.")
            )
        if "active" in vals and not vals["active"]:
            self._check_not_governing()
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.version_ids.filtered(lambda version: version.state != "draft"):
            raise UserError(_("A policy that was published stays as evidence. Archive it instead."))

    def _check_not_governing(self):
        """One person cannot weaken what governs: archiving waits until governance has ended."""
        for policy in self:
            if policy.version_ids.filtered(lambda version: version.state == "published") and policy._governs():
                raise UserError(
                    _(
                        "“%s” governs documents. Publish a version that replaces it, "
                        "or let two people end governance first.",
                        policy.name,
                    )
                )

    def _governs(self):
        """Whether governance that relies on this policy is in force."""
        self.ensure_one()
        domain = [("document_type", "=", self.document_type), ("state", "in", ("active", "ending"))]
        if self.company_id:
            domain.append(("company_id", "=", self.company_id.id))
        return bool(self.env["distribution.approval.activation"].sudo().search(domain, limit=1))

    # --------------------------------------------------------------- actions

    def action_new_version(self):
        """Draft the next version as a copy of the one in force (or an empty first one)."""
        self.ensure_one()
        return self._draft_next_version().action_open()

    def _draft_next_version(self):
        source = self.current_version_id or self.version_ids.sorted("number", reverse=True)[:1]
        if source:
            return source.copy({"change_summary": False})
        return self.env["distribution.approval.policy.version"].create({"policy_id": self.id})

    # -------------------------------------------------------------- business

    @api.model
    @tools.ormcache("document_type", "company_id", "day")
    def _effective_version_id(self, document_type, company_id, day):
        """See :meth:`_find_effective_version_id`; cached in the process."""
        return self._find_effective_version_id(document_type, company_id, day)

    @api.model
    def _find_effective_version_id(self, document_type, company_id, day):
        """Id of the version in force on ``day`` (a date), or False.

        A company's own policy goes before the standard; of several published versions the
        highest number counts. The context of the caller has no say.
        """
        policies = (
            self.with_context({})  # pylint: disable=context-overridden
            .sudo()
            .search(
                [
                    ("document_type", "=", document_type),
                    ("company_id", "in", (company_id, False)),
                    ("active", "=", True),
                ]
            )
        )
        for policy in policies.sorted(lambda policy: not policy.company_id):
            effective = policy.version_ids.filtered(lambda version: version._is_effective(day))
            if effective:
                return effective.sorted("number", reverse=True)[0].id
        return False

    @api.model
    def _effective_version(self, document_type, company):
        """The version in force today for ``company``; an empty recordset means: hold."""
        day = today(company)
        versions = self.env["distribution.approval.policy.version"].sudo()
        version = versions.browse(self._effective_version_id(document_type, company.id, day) or ())
        if not version or not version._is_still_effective(day):
            # The cache may be that of a transaction that was rolled back, or began long ago.
            version = versions.browse(self._find_effective_version_id(document_type, company.id, day) or ())
        return version


class DistributionEventType(models.Model):
    _inherit = "distribution.event.type"

    @api.model
    def _schema_documents(self):
        kinds = {key: self.env[model]._approval_label() for key, model in document_models(self.env).items()}
        return {**super()._schema_documents(), **kinds}
