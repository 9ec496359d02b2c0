"""Informed parties: they see a request and its document, and decide nothing."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_amount

from ..engine import Approver
from .approval_policy import document_models
from .approval_rule import _VERSION_OF_RULE, protect_published

#: Informed, and never asked to decide; see ``documents/account_owner.py``.
ACCOUNT_OWNER = "account_owner"


class ApprovalInformed(models.Model):
    """Whom a rule informs. Being informed makes nobody an approver."""

    _name = "distribution.approval.informed"
    _description = "Informed Party of an Approval Rule"
    _inherit = ["distribution.approval.rule.part"]
    _order = "rule_id, id"

    rule_id = fields.Many2one("distribution.approval.rule", required=True, ondelete="cascade", index=True)
    kind = fields.Selection(selection="_selection_kind", string="Who", required=True, default="user")
    user_id = fields.Many2one("res.users", string="Person", ondelete="restrict")
    group_id = fields.Many2one("res.groups", ondelete="restrict")

    def init(self):
        protect_published(self.env.cr, self._table, ("rule_id", "kind", "user_id", "group_id"), _VERSION_OF_RULE)

    @api.model
    def _selection_kind(self):
        approvers = self.env["distribution.approval.stage"]._fields["approver_kind"]._description_selection(self.env)
        return [*approvers, (ACCOUNT_OWNER, _("Account owner of the customer"))]

    @api.constrains("kind", "user_id", "group_id", "rule_id")
    def _check_who(self):
        for informed in self:
            if informed.kind == "user" and not informed.user_id:
                raise ValidationError(_("Choose the person whom rule “%s” informs.", informed.rule_id.name))
            if informed.kind == "group" and not informed.group_id:
                raise ValidationError(_("Choose the group that rule “%s” informs.", informed.rule_id.name))
            if informed.kind == ACCOUNT_OWNER:
                informed._check_of_customer()

    def _check_of_customer(self):
        document = self.env[document_models(self.env)[self.rule_id.version_id.policy_id.document_type]]
        if not document._approval_of_customer:
            raise ValidationError(
                _(
                    "Rule “%(rule)s” informs the account owner of the customer, and %(document)s has no customer. "
                    "Name a person, a group or another role.",
                    rule=self.rule_id.name,
                    document=document._approval_label(),
                )
            )

    @api.model
    def _mirror_access(self):
        """Let the role Informed Party read what the role Approver reads of documents, and no more.

        Called at every update of an addon with such documents: an approver sees those that they are asked
        about (rules see to that), an informed party those that they are informed about, of every governed
        type, with the transfers and entries on which people see them.
        """
        approver = self.env.ref("distribution_core.group_approver")
        informed = self.env.ref("distribution_approval.group_informed")
        accesses = self.env["ir.model.access"].search([("group_id", "=", approver.id), ("perm_read", "=", True)])
        accesses = accesses.filtered(lambda access: self._is_document(access.model_id.model))
        known = self.env["ir.model.access"].search([("group_id", "=", informed.id)]).model_id
        for model in accesses.model_id - known:
            access = self.env["ir.model.access"].create(
                {
                    "name": f"{model.model} informed",
                    "model_id": model.id,
                    "group_id": informed.id,
                    "perm_read": True,
                    "perm_write": False,
                    "perm_create": False,
                    "perm_unlink": False,
                }
            )
            self.env["ir.model.data"].create(
                {
                    "module": "distribution_approval",
                    "name": f"access_{model.model.replace('.', '_')}_informed",
                    "model": access._name,
                    "res_id": access.id,
                    "noupdate": True,
                }
            )
        rules = self.env["ir.rule"].search(
            [
                ("groups", "=", approver.id),
                ("groups", "!=", informed.id),
                ("model_id", "in", accesses.model_id.ids),
            ]
        )
        rules.filtered(lambda rule: "participant_ids" in (rule.domain_force or "")).write(
            {"groups": [(4, informed.id)]}
        )

    @api.model
    def _is_document(self, model):
        """Whether ``model`` is a document, its lines or what it is about, and not a record of governance."""
        governed = self.env.get(model)
        own = governed is not None and (
            getattr(governed, "_approval_type", None) or getattr(governed, "_approval_document_field", None)
        )
        return bool(own) or not model.startswith("distribution.")

    def _versions(self):
        return self.rule_id.version_id

    def _approver(self):
        """As the resolver understands it."""
        target = {"user": self.user_id, "group": self.group_id}.get(self.kind)
        return Approver(self.kind, str(target.id) if target else "", "")


class ApprovalRule(models.Model):
    _inherit = "distribution.approval.rule"

    informed_ids = fields.One2many("distribution.approval.informed", "rule_id", copy=True)

    def _demands(self):
        demands = super()._demands()
        informed = sorted([party.kind, party._approver().key] for party in self.informed_ids)
        return {**demands, "informed": informed} if informed else demands


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    informed_ids = fields.Many2many(
        "res.users",
        "distribution_approval_request_informed_rel",
        readonly=True,
        help="They see the request and its document, and decide nothing.",
    )

    def _take_up(self, judgement, snapshot, trial=None):
        result = super()._take_up(judgement, snapshot, trial)
        if judgement.verdict.outcome in ("require", "refuse"):
            self._tell_informed([int(rule.key) for rule in judgement.verdict.matched])
        return result

    def _tell_informed(self, rule_ids):
        """Let those whom the rules inform read the request, and tell each of them once."""
        self.ensure_one()
        parties = self.env["distribution.approval.rule"].sudo().browse(rule_ids).exists().informed_ids
        if not parties:
            return
        resolver, document = self._resolver(), self._document()
        named = self.env["res.users"].union(
            *(users for party in parties for _place, _label, users in resolver._named(document, party._approver()))
        )
        people = named.sudo().filtered(
            lambda user: (
                user.active and not user.share and not user._is_superuser() and self.company_id in user.company_ids
            )
        )
        new = people - self.informed_ids
        if not new:
            return
        self.sudo().write(
            {
                "informed_ids": [(4, user.id) for user in new],
                # Participants read the request and its document; only tasks name who decides.
                "participant_ids": [(4, user.id) for user in new],
            }
        )
        self._event("parties_informed", {"user_ids": sorted(new.ids), "round": self.round})
        told = new.filtered(lambda user: user.distribution_notice != "none") - self.env.user
        for language, people in told.grouped("lang").items():
            self.with_context(lang=language)._tell_for_information(people)

    def _tell_for_information(self, people):
        """Tell people who read the language of this environment."""
        self.sudo().message_notify(
            partner_ids=people.partner_id.ids,
            body=_(
                "For your information: %(document)s of %(requester)s over %(amount)s needs approval. "
                "You need not do anything.",
                document=self.document_name,
                requester=self.requester_id.name,
                amount=format_amount(self.env, self.amount, self.currency_id),
            ),
            subject=self.document_name,
            author_id=self.env.user.partner_id.id,
            email_layout_xmlid="mail.mail_notification_light",
        )
