"""Switching governance on and off: an act of two people, recorded, with a baseline.

It is switched on for a document type in a whole company, or – so that a roll-out can start small –
site by site.
"""

import json

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_columns

from .approval_policy import document_models
from .gate_frame import frame_of

#: What only the buttons set, with the value that a new record has.
PROTECTED = {
    "state": "draft",
    "proposed_by_id": False,
    "proposed_at": False,
    "confirmed_by_id": False,
    "confirmed_at": False,
    "end_proposed_by_id": False,
    "ended_by_id": False,
    "ended_at": False,
    "baseline_count": 0,
}
#: Documents for which a baseline is written at once.
BATCH = 500


#: Governance holds in the whole company.
EVERYWHERE = None
NOWHERE = frozenset()


def _places(rows):
    """:data:`EVERYWHERE` when one of the rows ``(warehouse id or None,)`` is for the whole company."""
    sites = frozenset(site for (site,) in rows)
    return EVERYWHERE if None in sites else sites


class ApprovalActivation(models.Model):
    _name = "distribution.approval.activation"
    _description = "Approval Governance"
    _inherit = ["mail.thread"]
    _order = "document_type, company_id, id desc"
    _rec_names_search = ["company_id", "warehouse_id"]

    document_type = fields.Selection(selection="_selection_document_type", required=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="restrict"
    )
    warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Site",
        ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        help="Governance starts at this site only. Empty: in the whole company.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("proposed", "Proposed"),
            ("active", "In force"),
            ("ending", "End proposed"),
            ("ended", "Ended"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    reason = fields.Text(help="Why governance is switched on or off. Shown to who confirms it.")
    proposed_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    proposed_at = fields.Datetime(readonly=True, copy=False)
    confirmed_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    confirmed_at = fields.Datetime(readonly=True, copy=False)
    end_proposed_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    ended_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    ended_at = fields.Datetime(readonly=True, copy=False)
    baseline_count = fields.Integer(readonly=True, copy=False, help="Documents in force when governance began.")
    policy_in_force = fields.Char(compute="_compute_policy_in_force")

    def init(self):
        self.env.cr.execute(
            """DROP INDEX IF EXISTS distribution_approval_activation_in_force;
               CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_activation_place_in_force
                   ON distribution_approval_activation (document_type, company_id, coalesce(warehouse_id, 0))
                WHERE state IN ('active', 'ending')"""
        )
        protect_columns(
            self.env.cr,
            self._table,
            (
                "document_type",
                "company_id",
                "warehouse_id",
                "proposed_by_id",
                "confirmed_by_id",
                "confirmed_at",
                "baseline_count",
            ),
            when="OLD.state IN ('active', 'ending', 'ended')",
        )
        protect_columns(self.env.cr, self._table, ("state", "ended_by_id"), when="OLD.state = 'ended'", name="ended")

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @api.depends("document_type", "company_id", "warehouse_id")
    def _compute_display_name(self):
        labels = dict(self._selection_document_type())
        for activation in self:
            place = activation.warehouse_id.name or activation.company_id.name
            activation.display_name = f"{labels.get(activation.document_type)} – {place}"

    @api.constrains("document_type", "company_id", "warehouse_id")
    def _check_site(self):
        anywhere = self.env.registry["distribution.approval.mixin"]._approval_site
        for activation in self:
            model = document_models(self.env).get(activation.document_type)
            if activation.warehouse_id and model and self.env.registry[model]._approval_site is anywhere:
                # It would look as if it were governed, and nothing would be.
                raise ValidationError(
                    _(
                        "Site: “%s” belongs to no site. Leave it empty, and govern it in the whole company.",
                        self.env[model]._approval_label(),
                    )
                )
            if activation.warehouse_id.company_id not in (activation.company_id, self.env["res.company"]):
                raise ValidationError(
                    _(
                        "warehouse_id: %s belongs to another company. Choose one of its sites.",
                        activation.warehouse_id.name,
                    )
                )

    @api.depends("document_type", "company_id")
    def _compute_policy_in_force(self):
        for activation in self:
            version = self.env["distribution.approval.policy"]._effective_version(
                activation.document_type, activation.company_id
            )
            activation.policy_in_force = version.display_name if version else _("none: everything will be held")

    # ------------------------------------------------------------------ CRUD

    def _refuse_protected(self, vals):
        protected = PROTECTED.keys() & vals.keys()
        if protected:
            raise AccessError(
                _("%s: governance is switched with its buttons, by two people.", ", ".join(sorted(protected)))
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(PROTECTED)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_protected(vals)
        if {"document_type", "company_id", "warehouse_id", "state"} & vals.keys() and any(
            a.state != "draft" for a in self
        ):
            raise UserError(_("Only a draft can be changed. Switch governance with the buttons."))
        return super().write(vals)

    def unlink(self):
        if any(activation.state != "draft" for activation in self):
            raise UserError(_("Switching governance is evidence and is kept."))
        return super().unlink()

    # --------------------------------------------------------------- actions

    def action_propose(self):
        """First person: propose to switch governance on."""
        self._check_role()
        for activation in self:
            activation._expect("draft")
            activation._set({"state": "proposed", "proposed_by_id": self.env.uid, "proposed_at": fields.Datetime.now()})
            activation._record("proposed")
        return True

    def action_confirm(self):
        """Second person: confirm. Takes the baseline; from now on everything else is held."""
        self._check_role()
        for activation in self:
            activation._expect("proposed")
            activation._other_person(activation.proposed_by_id)
            version = self.env["distribution.approval.policy"]._effective_version(
                activation.document_type, activation.company_id
            )
            if not version:
                raise UserError(
                    _("Publish a policy for this document type first: without one every document would be held.")
                )
            count = activation.sudo()._take_baseline()
            activation._set(
                {
                    "state": "active",
                    "confirmed_by_id": self.env.uid,
                    "confirmed_at": fields.Datetime.now(),
                    "baseline_count": count,
                }
            )
            activation._record("activated", baseline_count=count)
        self.env.registry.clear_cache()
        return True

    def action_propose_end(self):
        """First person: propose to switch governance off."""
        self._check_role()
        for activation in self:
            activation._expect("active")
            activation._set({"state": "ending", "end_proposed_by_id": self.env.uid})
            activation._record("end_proposed")
        return True

    def action_confirm_end(self):
        """Second person: switch it off. The ledger keeps that it was."""
        self._check_role()
        for activation in self:
            activation._expect("ending")
            activation._other_person(activation.end_proposed_by_id)
            activation._set({"state": "ended", "ended_by_id": self.env.uid, "ended_at": fields.Datetime.now()})
            activation._record("ended")
        self.env.registry.clear_cache()
        return True

    def action_keep(self):
        """Drop a proposal: back to draft, or governance stays in force."""
        self._check_role()
        for activation in self:
            if activation.state == "proposed":
                activation._set({"state": "draft", "proposed_by_id": False, "proposed_at": False})
            elif activation.state == "ending":
                activation._set({"state": "active", "end_proposed_by_id": False})
        return True

    def _check_role(self):
        user = self.env.user
        if user._is_superuser() or not (
            user.has_group("distribution_core.group_policy_publisher")
            or user.has_group("distribution_core.group_administrator")
        ):
            raise AccessError(_("Switching governance takes a policy publisher or an administrator."))

    def _expect(self, state):
        self.ensure_one()
        if self.state != state:
            raise UserError(_("%(name)s is in state “%(state)s”.", name=self.display_name, state=self.state))

    def _other_person(self, first):
        if not first:
            raise UserError(_("Nobody is on record as having proposed this. Propose it again."))
        if first == self.env.user:
            raise UserError(_("A second person has to confirm: you proposed it yourself."))

    def _set(self, values):
        models.BaseModel.write(self.sudo(), values)
        if "state" in values:
            label = dict(self._fields["state"]._description_selection(self.env))[values["state"]]
            self.sudo().message_post(body=label, author_id=self.env.user.partner_id.id, subtype_xmlid="mail.mt_note")

    def _record(self, fact, **data):
        self.env["distribution.event"].sudo()._record(
            f"distribution.approval_governance.{fact}.v1",
            self,
            {
                "document_type": self.document_type,
                "company_id": self.company_id.id,
                "site_id": self.warehouse_id.id or None,
                **data,
            },
        )

    # -------------------------------------------------------------- business

    @api.model
    def _governed_sites(self, document_type, company):
        """Where in ``company`` governance is in force: :data:`EVERYWHERE`, or the ids of sites (maybe none).

        "Everywhere" may come from the cache; less is looked up in the database once per frame, for
        a transaction that began before governance was switched on leaves a stale cache behind.
        """
        known = self._governed_places(document_type).get(company.id, NOWHERE)
        if known is EVERYWHERE:
            return known
        frame = frame_of(self.env)
        key = (document_type, company.id)
        if key in frame.governed_sites:
            return frame.governed_sites[key]
        self.flush_model(["state"])
        self.env.cr.execute(
            """SELECT warehouse_id FROM distribution_approval_activation
                WHERE document_type = %s AND company_id = %s AND state IN ('active', 'ending')""",
            key,
        )
        found = _places(self.env.cr.fetchall())
        if found != known:
            self.env.registry.clear_cache()
        if frame.depth:
            frame.governed_sites[key] = found
        return found

    @api.model
    @tools.ormcache("document_type")
    def _governed_places(self, document_type):
        """``{company id: EVERYWHERE or ids of sites}`` in which documents of this type are governed."""
        places = {}
        everywhere = self.sudo().with_context({})  # pylint: disable=context-overridden
        in_force = [("document_type", "=", document_type), ("state", "in", ("active", "ending"))]
        for activation in everywhere.search(in_force):
            places.setdefault(activation.company_id.id, []).append((activation.warehouse_id.id or None,))
        return {company_id: _places(rows) for company_id, rows in places.items()}

    def _take_baseline(self):
        """Release what is in force already, as it is. Returns the number of documents.

        Constant queries per batch of 500 documents.
        """
        self.ensure_one()
        model = self.env[document_models(self.env)[self.document_type]]
        domain = [("company_id", "=", self.company_id.id), *model._approval_guarded_domain()]
        ids = model.search(domain, order="id").ids
        count = 0
        for start in range(0, len(ids), BATCH):
            documents = model.browse(ids[start : start + BATCH])
            if self.warehouse_id:
                documents = documents.filtered(lambda document: self.warehouse_id in document._approval_sites())
            if documents:
                count += len(documents)
                self._baseline(documents)
            self.env.flush_all()
            self.env.invalidate_all()
        return count

    def _baseline(self, documents):
        snapshots = documents._approval_snapshots()
        amounts = documents._approval_amounts()
        self.env["distribution.approval.release"]._issue(
            [
                {
                    "res_model": document._name,
                    "res_id": document.id,
                    "document_type": self.document_type,
                    "document_name": document._approval_name(),
                    "kind": "baseline",
                    "released_at": document._approval_confirmed_at() or fields.Datetime.now(),
                    "user_ref": self.env.uid,
                    "company_id": document.company_id.id,
                    "partner_ref": document._approval_partner().id,
                    "amount": amounts[document.id] or 0,
                    "digest": snapshots[document.id].digest,
                    "content": snapshots[document.id].to_json(),
                    "rules": json.dumps([]),
                }
                for document in documents
            ]
        )
        documents._approval_set_state("baseline")
        documents._approval_event("baseline_taken", lambda document: {"digest": snapshots[document.id].digest})
