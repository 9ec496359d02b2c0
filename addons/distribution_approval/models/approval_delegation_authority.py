"""Whether a substitute has authority for what a delegation covers: said to whoever declares it, never refused.

The task decides in the end, by the policy and the amount of that day (:mod:`.approval_authority`). Here the
policies in force today are read, with the standard's own limits: a person who is asked about orders to 25,000
is not well represented by somebody who is asked about orders to 500, or about none.
"""

from decimal import Decimal

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import EngineError, as_decimal, authority_up_to
from .approval_policy import document_models, today

#: Where the people of an office that the document names are found: a substitute who holds one may be meant.
OFFICES = {
    "warehouse_manager": ("stock.warehouse", "manager_id"),
    "region_manager": ("distribution.region", "manager_id"),
    "category_manager": ("product.category", "manager_id"),
    "requester_manager": ("hr.employee", "parent_id.user_id"),
}
ANY_AMOUNT = Decimal("Infinity")


class ApprovalDelegation(models.Model):
    _inherit = "distribution.approval.delegation"

    # sudo: who declares a substitute need not read policies and groups
    authority_warning = fields.Char(compute="_compute_authority_warning", compute_sudo=True)

    @api.depends(
        *("user_id", "substitute_id", "document_type_ids", "company_ids", "ceiling", "currency_id", "grants_authority")
    )
    def _compute_authority_warning(self):
        for delegation in self:
            lacking = delegation.user_id and delegation.substitute_id and not delegation.grants_authority
            delegation.authority_warning = bool(lacking) and delegation._authority_words()

    def _authority_words(self):
        """For which documents the substitute lacks authority, in words; False: for none."""
        none, less = set(), set()
        for label, needed, has in self._authority_needed():
            if has is None:
                none.add(label)
            elif has < needed:
                amount = f"{has:,.2f}"
                less.add(_("%(document)s (up to %(amount)s)", document=label, amount=amount))
        name = self.substitute_id.name
        remedy = _("Choose somebody else, leave these out, or let an administrator grant authority.")
        words = []
        if none:
            words.append(_("%(person)s has no authority for: %(documents)s.", person=name, documents=_listed(none)))
        if less:
            words.append(
                _(
                    "%(person)s has authority for smaller amounts only: %(documents)s.",
                    person=name,
                    documents=_listed(less),
                )
            )
        return bool(words) and " ".join([*words, remedy])

    def _authority_needed(self):
        """``[(document type in words, amount up to which the person is asked, and the substitute, or None)]``."""
        person, substitute = self.user_id._origin or self.user_id, self.substitute_id._origin or self.substitute_id
        wanted = self.document_type_ids.mapped("code")
        resolver = self.env["distribution.approval.resolver"]
        activation = self.env["distribution.approval.activation"]
        found = []
        for company in self.company_ids._origin or self.company_ids or person.company_ids & substitute.company_ids:
            if substitute in resolver._superiors(person, company):
                continue
            ceiling = self._authority_ceiling(company)
            for code, model in document_models(self.env).items():
                if (wanted and code not in wanted) or company.id not in activation._governed_places(code):
                    continue
                version = self.env["distribution.approval.policy"]._effective_version(code, company)
                asked, has = (self._authority_of(each, version) for each in (person, substitute))
                if asked is not None:
                    found.append((self.env[model]._approval_label(), min(asked, ceiling), has))
        return found

    def _authority_ceiling(self, company):
        """The ceiling in the currency of ``company``; any amount without one."""
        if not self.ceiling:
            return ANY_AMOUNT
        return as_decimal(
            self.currency_id._convert(self.ceiling, company.currency_id, company, today(company), round=True)
        )

    @api.model
    def _authority_of(self, user, version):
        """Up to which amount ``version`` asks ``user`` about documents, or None. The fallback is asked about any."""
        resolver = self.env["distribution.approval.resolver"]
        if user in resolver._fallback(version):
            return ANY_AMOUNT
        try:
            table = self.env["distribution.approval.judge"]._table_of(version, False)
        except (UserError, EngineError, LookupError, ValueError):
            return None
        return authority_up_to(table.rules if table else (), lambda approver: self._is_named(user, approver))

    @api.model
    def _is_named(self, user, approver):
        """Whether ``approver`` is ``user``, or an office that they hold somewhere."""
        if approver.kind in OFFICES:
            model, field = OFFICES[approver.kind]
            return bool(self.env[model].sudo().search([(field, "=", user.id)], limit=1))
        named = self.env["distribution.approval.resolver"]._named(None, approver)
        return any(user in users for _place, _label, users in named)


def _listed(words):
    return ", ".join(sorted(words))
