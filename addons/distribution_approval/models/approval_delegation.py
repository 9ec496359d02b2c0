"""Delegation: who stands in for an approver, from when to when, and for which documents.

A delegation is declared and ended, never edited: what it allowed on a day can always be shown.
Its scope is kept as text that the database protects; the lists beside it are for the screen.
"""

import json
from datetime import datetime, time

import pytz
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import Link
from .approval_policy import today

ADMINISTRATOR = "distribution_core.group_administrator"

#: Set by the methods below, whatever a caller or the context of a caller says.
ENGINE_SETS = ("scope", "created_by_id", "created_at", "ended_at", "ended_by_id", "end_reason")


class ApprovalDelegation(models.Model):
    _name = "distribution.approval.delegation"
    _description = "Approval Delegation"
    _order = "date_from desc, id desc"
    _rec_names_search = ["user_id", "substitute_id"]

    user_id = fields.Many2one(
        "res.users",
        string="Stands in for",
        required=True,
        default=lambda self: self.env.user,
        ondelete="restrict",
        index=True,
        domain="[('share', '=', False)]",
    )
    substitute_id = fields.Many2one(
        "res.users",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('share', '=', False), ('id', '!=', user_id)]",
        help="Decides on behalf of the other one, within the limits below. Needs the role Approver and authority for "
        "the case: the policy asks them about documents of that type and amount, or they are a superior of the "
        "person, or an administrator grants it.",
    )
    applies = fields.Selection(
        [("dated", "Every day from … to …"), ("absent", "Whenever I am on leave (by my calendar)")],
        string="When",
        required=True,
        default="dated",
        help="“On leave” is what the employee's calendar says: validated time off of today.",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: today(self.env.company),
        help="First day, in the time zone of the company whose document is decided.",
    )
    date_to = fields.Date(string="To", help="Last day, included. Empty (for leaves only): until it is ended.")
    document_type_ids = fields.Many2many(
        "distribution.approval.document.type",
        "distribution_approval_delegation_type_rel",
        "delegation_id",
        "type_id",
        string="Only Documents",
        help="Empty: all kinds of documents.",
    )
    site_ids = fields.Many2many(
        "stock.warehouse",
        "distribution_approval_delegation_site_rel",
        "delegation_id",
        "warehouse_id",
        string="Only Sites",
        help="Empty: all sites. Documents that belong to no site are then left out.",
    )
    company_ids = fields.Many2many(
        "res.company",
        "distribution_approval_delegation_company_rel",
        "delegation_id",
        "company_id",
        string="Only Companies",
        help="Empty: all companies in which both work.",
    )
    ceiling = fields.Monetary(
        string="Up to Amount",
        help="Documents of a higher value, or of none that is known, are not delegated. 0: no ceiling.",
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id, ondelete="restrict"
    )
    reason = fields.Char(help="Why. Needed when an administrator declares it for somebody else.")
    grants_authority = fields.Boolean(
        help="The substitute may decide these documents even where no policy asks them about documents of that type "
        "and amount. Only an administrator grants this, with a reason; it stays on record."
    )
    scope = fields.Text(readonly=True, help="Document types, sites and companies as declared, JSON.")
    created_by_id = fields.Many2one("res.users", string="Declared by", readonly=True, ondelete="restrict")
    created_at = fields.Datetime(string="Declared on", readonly=True)
    administered = fields.Boolean(
        compute="_compute_administered", help="Declared by an administrator for somebody else."
    )
    ended_at = fields.Datetime(string="Ended on", readonly=True)
    ended_by_id = fields.Many2one("res.users", string="Ended by", readonly=True, ondelete="restrict")
    end_reason = fields.Char(readonly=True)
    state = fields.Selection(
        [("planned", "Planned"), ("active", "In force"), ("ended", "Ended")], compute="_compute_state"
    )
    may_end = fields.Boolean(compute="_compute_may_end")
    scope_text = fields.Char(compute="_compute_scope_text", string="For")

    _sql_constraints = [
        ("two_people", "CHECK (user_id <> substitute_id)", "Nobody stands in for themselves: choose somebody else."),
        ("dates_in_order", "CHECK (date_to >= date_from)", "To: the last day is before the first one."),
        (
            "dates_are_dated",
            "CHECK (applies = 'absent' OR date_to IS NOT NULL)",
            "To: enter the last day. Only a substitute for leaves has none.",
        ),
        ("ceiling_positive", "CHECK (ceiling >= 0)", "Up to Amount: enter 0 (no ceiling) or more."),
    ]

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            (
                "user_id", "substitute_id", "applies", "date_from", "date_to", "ceiling", "currency_id", "scope",
                "reason", "created_by_id", "created_at", "grants_authority",
            ),
            when="OLD.scope IS NOT NULL",  # set last, in the transaction that declares it
        )  # fmt: skip
        protect_columns(
            self.env.cr,
            self._table,
            ("ended_at", "ended_by_id", "end_reason"),
            when="OLD.ended_at IS NOT NULL",
            name="ended",
        )

    # -------------------------------------------------------------- computes

    @api.depends("user_id", "substitute_id")
    def _compute_display_name(self):
        for delegation in self.sudo():
            names = {"substitute": delegation.substitute_id.name, "user": delegation.user_id.name}
            delegation.display_name = _("%(substitute)s for %(user)s", **names) if all(names.values()) else _("New")

    @api.depends("user_id", "created_by_id")
    def _compute_administered(self):
        for delegation in self:
            delegation.administered = bool(delegation.created_by_id) and delegation.created_by_id != delegation.user_id

    @api.depends("date_from", "date_to", "ended_at")
    def _compute_state(self):
        for delegation in self:
            day = today(delegation.sudo().user_id.company_id or self.env.company)
            if delegation.ended_at or (delegation.date_to and delegation.date_to < day):
                delegation.state = "ended"
            else:
                delegation.state = "planned" if delegation.date_from and delegation.date_from > day else "active"

    @api.depends("ended_at", "date_to")
    @api.depends_context("uid")
    def _compute_may_end(self):
        for delegation in self:
            delegation.may_end = bool(
                delegation.id and delegation.state != "ended" and delegation._may_be_ended_by(self.env.user)
            )

    @api.depends("scope", "ceiling", "currency_id")
    def _compute_scope_text(self):
        for delegation in self:
            parts = [
                ", ".join(delegation.sudo()[name].mapped("display_name"))
                for name in ("document_type_ids", "site_ids", "company_ids")
                if delegation[name]
            ]
            if delegation.ceiling:
                parts.append(
                    _("up to %(amount)s %(currency)s", amount=format(delegation.ceiling, ",.2f"),
                      currency=delegation.currency_id.name)
                )  # fmt: skip
            delegation.scope_text = "; ".join(parts) or _("everything")

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        now = fields.Datetime.now()
        for vals in vals_list:
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(dict.fromkeys(ENGINE_SETS, False), created_by_id=self.env.uid, created_at=now)
        delegations = super().create(vals_list)
        for delegation in delegations:
            delegation._check_declaration()
            delegation._take_turn()
            delegation._check_overlap()
            models.BaseModel.write(delegation.sudo(), {"scope": delegation._scope_json()})
        delegations._declared()
        return delegations

    def write(self, vals):
        raise UserError(
            _("A delegation is evidence: end it and declare another one, instead of changing %s.", ", ".join(vals))
        )

    def unlink(self):
        raise UserError(_("Delegations are evidence and are kept. End it instead."))

    def copy_data(self, default=None):
        raise UserError(_("Declare another delegation instead of copying one."))

    # ----------------------------------------------------------- declaration

    def _check_declaration(self):
        """The real user may declare it, and it says something that can hold."""
        self.ensure_one()
        user = self.env.user
        delegation = self.sudo()
        person, substitute = delegation.user_id, delegation.substitute_id
        if user._is_superuser():
            raise AccessError(_("A delegation is declared by a person, logged in as themselves."))
        if person != user:
            if not user.has_group(ADMINISTRATOR):
                raise AccessError(
                    _("Stands in for: declare substitutes of your own; for others an administrator does.")
                )
            if substitute == user:
                raise AccessError(
                    _("Substitute: nobody makes themselves a substitute. Another administrator has to declare this.")
                )
            if not (delegation.reason or "").strip():
                raise ValidationError(_("Reason: say why you declare this for %s.", person.name))
        if delegation.grants_authority:
            delegation._check_grant(user)
        resolver = self.env["distribution.approval.resolver"]
        for role, whose in ((_("Stands in for"), person), (_("Substitute"), substitute)):
            if not any(resolver._eligible(whose, company) for company in whose.company_ids):
                raise ValidationError(
                    _(
                        "%(field)s: %(person)s is no approver. Only active people with the role Approver decide.",
                        field=role,
                        person=whose.name,
                    )
                )
        shared = person.company_ids & substitute.company_ids
        wanted = delegation.company_ids or shared
        if not wanted or wanted - shared:
            raise ValidationError(
                _(
                    "Only Companies: %(person)s and %(substitute)s do not both work in %(companies)s.",
                    person=person.name,
                    substitute=substitute.name,
                    companies=", ".join((wanted - shared).mapped("name")) or _("one company"),
                )
            )
        if delegation.site_ids.company_id - wanted:
            raise ValidationError(
                _("Only Sites: %s belongs to another company.", ", ".join(delegation.site_ids.mapped("name")))
            )
        if delegation.date_from < min(today(company) for company in wanted):
            raise ValidationError(_("From: a delegation cannot begin in the past. Enter today or a later day."))

    def _check_grant(self, user):
        """Authority comes from an administrator, for others, with a reason."""
        if self.user_id == user or not user.has_group(ADMINISTRATOR):
            raise AccessError(
                _(
                    "Grants Authority: an administrator other than %(person)s grants %(substitute)s authority. Leave "
                    "it out, choose a substitute whom the policy asks itself, or let an administrator declare it.",
                    person=self.user_id.name,
                    substitute=self.substitute_id.name,
                )
            )
        if not (self.reason or "").strip():
            raise ValidationError(
                _("Reason: say why %s gets authority that the policy does not give.", self.substitute_id.name)
            )

    def _take_turn(self):
        """Two delegations of one person that are declared at the same instant do not overlook each other."""
        self.env["distribution.approval.turn"]._take_rows([("delegation", 0, self.user_id.id)])

    def _check_overlap(self):
        """One substitute for one case: two that hold for the same days and documents are refused."""
        mine = self.sudo()
        others = self.sudo().search(
            [
                ("id", "!=", mine.id),
                ("user_id", "=", mine.user_id.id),
                ("applies", "=", mine.applies),
                ("ended_at", "=", False),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", mine.date_from),
                *([("date_from", "<=", mine.date_to)] if mine.date_to else []),
            ]
        )
        for other in others:
            if mine._shares_scope(other):
                raise ValidationError(
                    _(
                        "%(substitute)s already stands in for %(person)s from %(start)s to %(end)s (%(scope)s). "
                        "End that delegation first, or limit one of the two to other documents, sites or companies.",
                        substitute=other.substitute_id.name,
                        person=other.user_id.name,
                        start=other.date_from,
                        end=other.date_to or "…",
                        scope=other.scope_text,
                    )
                )

    def _shares_scope(self, other):
        """Whether a case can be in the scope of both."""
        return all(
            not self[name] or not other[name] or self[name] & other[name]
            for name in ("document_type_ids", "site_ids", "company_ids")
        )

    def _scope_json(self):
        return json.dumps(
            {
                "types": sorted(self.sudo().document_type_ids.mapped("code")),
                "sites": sorted(self.sudo().site_ids.ids),
                "companies": sorted(self.sudo().company_ids.ids),
            },
            sort_keys=True,
        )

    def _declared(self):
        """Record it, tell the substitute, and let it take effect at once."""
        for delegation in self.sudo():
            scope = json.loads(delegation.scope)
            self.env["distribution.event"].sudo()._record(
                "distribution.approval_delegation.declared.v1",
                delegation,
                {
                    "user_id": delegation.user_id.id,
                    "substitute_id": delegation.substitute_id.id,
                    "applies": delegation.applies,
                    "date_from": fields.Date.to_string(delegation.date_from),
                    "date_to": fields.Date.to_string(delegation.date_to) if delegation.date_to else None,
                    "document_types": scope["types"],
                    "site_ids": scope["sites"],
                    "company_ids": scope["companies"],
                    "ceiling": str(delegation.ceiling) if delegation.ceiling else None,
                    "currency": delegation.currency_id.name,
                    "administered": delegation.administered,
                    "grants_authority": delegation.grants_authority,
                },
            )
            delegation._tell()
        self._take_effect()

    def _tell(self):
        people = (self.substitute_id | self.user_id).filtered(
            lambda user: user != self.env.user and user.distribution_notice != "none"
        )
        for user in people:
            user.partner_id.message_notify(
                partner_ids=user.partner_id.ids,
                subject=_("Approvals: %s", self.display_name),
                body=_(
                    "%(substitute)s decides approvals on behalf of %(person)s: %(when)s, %(scope)s.",
                    substitute=self.substitute_id.name,
                    person=self.user_id.name,
                    when=_("from %(start)s to %(end)s", start=self.date_from, end=self.date_to or "…")
                    if self.applies == "dated"
                    else _("whenever on leave"),
                    scope=self.scope_text,
                ),
            )

    def _take_effect(self):
        """Tasks of the people concerned get (or lose) their substitutes now."""
        self.env["distribution.approval.task"].sudo()._stand_ins_changed(
            self.sudo().user_id | self.sudo().substitute_id
        )

    # ---------------------------------------------------------------- ending

    def _may_be_ended_by(self, user):
        return user in self.sudo().user_id | self.sudo().substitute_id or user.has_group(ADMINISTRATOR)

    def action_declare(self):
        """The button of a new delegation: the web client saves it, and thereby declares it, before this is called.

        It is declared all the same where the substitute lacks authority for a part of it: that is said.
        """
        warning = " ".join(filter(None, self.mapped("authority_warning")))
        if not warning:
            return True
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "warning", "sticky": True, "title": _("Declared"), "message": warning},
        }

    def action_end(self, reason=None):
        """End it now. The person, the substitute (who declines it) or an administrator can."""
        for delegation in self:
            user = self.env.user
            if user._is_superuser() or not delegation._may_be_ended_by(user):
                raise AccessError(
                    _("%s, the substitute or an administrator can end this.", delegation.sudo().user_id.name)
                )
            if delegation.state == "ended":
                raise UserError(_("“%s” has ended already.", delegation.display_name))
            begun = delegation.state == "active"
            models.BaseModel.write(
                delegation.sudo(),
                {"ended_at": fields.Datetime.now(), "ended_by_id": user.id, "end_reason": reason or False},
            )
            self.env["distribution.event"].sudo()._record(
                "distribution.approval_delegation.ended.v1",
                delegation.sudo(),
                {
                    "user_id": delegation.sudo().user_id.id,
                    "substitute_id": delegation.sudo().substitute_id.id,
                    "begun": begun,
                },
            )
            delegation._take_effect()
        return True

    # -------------------------------------------------------------- in force

    @api.model
    def _in_force(self, day):
        """Delegations declared for ``day``, whoever is away then. Superuser: they bind everybody."""
        return self.sudo().search(
            [
                ("ended_at", "=", False),
                ("date_from", "<=", day),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", day),
            ],
            order="id",
        )

    @api.model
    def _links(self, request):
        """The links that hold for ``request`` now.

        A delegation for certain days goes before a standing one for leaves of the same person.
        """
        company = request.company_id
        covering = self._in_force(today(company)).filtered(lambda delegation: delegation._covers(request))
        if not covering:
            return ()
        dated = covering.filtered(lambda delegation: delegation.applies == "dated")
        standing = (covering - dated).filtered(lambda delegation: delegation.user_id not in dated.user_id)
        away = self.env["distribution.approval.absence"]._away(standing.user_id, company) if standing else {}
        return tuple(
            Link(delegation.user_id.id, delegation.substitute_id.id, delegation.id)
            for delegation in covering
            if delegation in dated or (delegation in standing and delegation.user_id in away)
        )

    def _covers(self, request):
        """Whether ``request`` is within document types, sites, companies and amount."""
        self.ensure_one()
        scope = json.loads(self.scope)
        company = request.company_id
        if scope["types"] and request.document_type not in scope["types"]:
            return False
        if scope["companies"] and company.id not in scope["companies"]:
            return False
        if company not in self.user_id.company_ids:
            return False
        if scope["sites"] and request._document().exists()._approval_site().id not in scope["sites"]:
            return False
        return not self.ceiling or self._is_under_ceiling(request)

    def _is_under_ceiling(self, request):
        """By today's rate. Without a rate that can be relied on, or an amount, nothing is delegated."""
        company = request.company_id
        if not request.amount_known:
            return False
        amount = request.amount
        if self.currency_id != company.currency_id:
            if self.currency_id._approval_rate_doubt(company):
                return False
            amount = company.currency_id._convert(amount, self.currency_id, company, today(company), round=False)
        return self.currency_id.compare_amounts(amount, self.ceiling) <= 0


class ApprovalAbsence(models.AbstractModel):
    """Who is on leave, by the calendars that Odoo keeps."""

    _name = "distribution.approval.absence"
    _description = "Absence of Approvers"

    @api.model
    def _away(self, users, company):
        """``{user: until}`` of those on leave now (naive UTC).

        On leave is whom a leave of their own covers at this moment, or whose whole working day
        today is covered by leaves.
        """
        source = self.env["distribution.approval.working.time"]
        resources = {}
        for user in users:
            resource = source._employee(user, company).resource_id.sudo()
            if resource:
                resources[resource.id] = user
        if not resources:
            return {}
        zone = pytz.timezone(company._approval_time_zone())
        day = today(company)
        start = zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc).replace(tzinfo=None)
        end = zone.localize(datetime.combine(day, time.max)).astimezone(pytz.utc).replace(tzinfo=None, microsecond=0)
        leaves = (
            self.env["resource.calendar.leaves"]
            .sudo()
            .search(
                [
                    ("resource_id", "in", list(resources)),
                    ("time_type", "=", "leave"),
                    ("date_from", "<=", end),
                    ("date_to", ">=", start),
                ]
            )
        )
        now = fields.Datetime.now()
        away = {}
        for resource in leaves.resource_id:
            own = leaves.filtered(lambda leave, resource=resource: leave.resource_id == resource)
            if any(leave.date_from <= now <= leave.date_to for leave in own) or source._is_covered(
                resource, company, start, end, [(leave.date_from, leave.date_to) for leave in own]
            ):
                away[resources[resource.id]] = max(own.mapped("date_to"))
        return away
