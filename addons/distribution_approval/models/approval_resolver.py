"""Who the approvers of a requirement are, for one document."""

from dataclasses import dataclass
from typing import Any

from odoo import api, models

from odoo.addons.distribution_core.compat import group_members


@dataclass(frozen=True, slots=True)
class Seat:
    """One task to be: what it is called, who may decide it, and how many must."""

    sequence: int
    name: str
    kind: str
    key: str  #: id of the person or group, as in the rule
    place: str  #: what of the document the role belongs to: ids of its categories, its site …
    quorum: int
    users: Any  #: recordset of res.users
    fallback: bool = False
    clock: Any = None  #: ServiceClock, or None: it may take as long as it takes


class ApprovalResolver(models.AbstractModel):
    """Finds people. Nobody found never means that nobody is asked: the fallback is."""

    _name = "distribution.approval.resolver"
    _description = "Approver Resolver"

    @api.model
    def _seats(self, document, stages, version, excluded):
        """The seats of a route.

        :param stages: engine stages of the verdict
        :param excluded: users that cannot decide on this document
        """
        return [
            seat
            for stage in stages
            for requirement in stage.requirements
            for seat in self._seats_of(document, requirement, version, excluded)
        ]

    @api.model
    def _seats_of(self, document, requirement, version, excluded):
        """A group or a person is one seat; a role that a document has several times is several."""
        approver = requirement.approver
        seats = []
        for place, label, users in self._named(document, approver):
            name = requirement.name or label
            if label and approver.kind not in ("user", "group"):
                name = f"{name}: {label}"
            people = self._eligible(users, document.company_id) - excluded
            fallback = len(people) < requirement.quorum
            if fallback:
                people |= self._eligible(self._fallback(version), document.company_id) - excluded
            seats.append(
                Seat(
                    requirement.sequence,
                    name,
                    approver.kind,
                    approver.key,
                    place,
                    requirement.quorum,
                    people,
                    fallback,
                    requirement.clock,
                )
            )
        return seats

    @api.model
    def _named(self, document, approver):
        """``[(place, label, users)]`` that the approver names, before anybody is ruled out."""
        users = self.env["res.users"].sudo()
        if approver.kind == "user":
            return [("", approver.label, users.browse(int(approver.key)).exists())]
        if approver.kind == "group":
            group = self.env["res.groups"].sudo().browse(int(approver.key)).exists()
            return [("", approver.label, group_members(group) if group else users)]
        if approver.kind == "requester_manager":
            return [("", "", self._manager_of(self.env.user, document.company_id))]
        by_people = {}
        for record, people in document.sudo()._approval_context().get(approver.kind, []):
            by_people.setdefault(people, []).append(record)
        return [
            (
                ",".join(str(record.id) for record in records),
                ", ".join(record.display_name or "" for record in records),
                people,
            )
            for people, records in by_people.items()
        ] or [("", "", users)]

    @api.model
    def _manager_of(self, user, company):
        return user.sudo().with_company(company).employee_id.parent_id.user_id

    @api.model
    def _superiors(self, users, company):
        """The superiors of ``users`` in ``company``, and theirs."""
        # sudo: whoever hands on a task, or declares a substitute, need not read employees
        below = self.env["hr.employee"].sudo()
        at = below.search([("user_id", "in", users.ids), ("company_id", "=", company.id)])
        superiors = below
        while at := at.parent_id - superiors:
            superiors |= at
        return superiors.user_id

    @api.model
    def _fallback(self, version):
        return version.fallback_user_id | (
            group_members(version.fallback_group_id) if version.fallback_group_id else self.env["res.users"]
        )

    @api.model
    def _eligible(self, users, company):
        """Active people with the role Approver who work in ``company``."""
        return users.sudo().filtered(
            lambda user: (
                user.active
                and not user.share
                and not user._is_superuser()
                and company in user.company_ids
                and user.has_group("distribution_core.group_approver")
            )
        )
