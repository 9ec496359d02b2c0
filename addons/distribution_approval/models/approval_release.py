"""A release: "this document, with this content, may reach its guarded state"."""

import json

from odoo import api, fields, models

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine import Snapshot, Tolerance, Unknown, as_decimal, compare
from .gate_frame import unsettle


class ApprovalRelease(models.Model):
    """Appended when policy or people release a document, and when a release becomes void.

    The newest rows decide: a release counts until a ``void`` row names it.
    """

    _name = "distribution.approval.release"
    _description = "Approval Release"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "document_name"

    res_model = fields.Char(string="Model", required=True)
    res_id = fields.Many2oneReference(string="Document", model_field="res_model", required=True)
    document_type = fields.Char(required=True)
    document_name = fields.Char()
    kind = fields.Selection(
        [
            ("policy", "Within policy"),
            ("approval", "Approved"),
            ("amendment", "Amendment approved"),
            ("baseline", "In force before governance"),
            ("emergency", "Emergency release"),
            ("fast_path", "Fast path"),
            ("void", "Void"),
        ],
        required=True,
    )
    released_at = fields.Datetime(required=True)
    user_ref = fields.Integer(string="By", help="Id of the user in whose session this was written.")
    company_id = fields.Many2one("res.company", required=True, ondelete="restrict")
    site_id = fields.Many2one(
        "stock.warehouse", ondelete="restrict", help="Where the document belonged when it was released."
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_ref = fields.Integer(string="Commercial Partner", help="Id of the vendor (or customer).")
    # Not monetary: that would read the currency from the database each time an order is confirmed.
    amount = fields.Float(digits=(16, 2), help="Value in company currency, as released.")
    version_id = fields.Many2one("distribution.approval.policy.version", ondelete="restrict", index="btree_not_null")
    request_id = fields.Many2one("distribution.approval.request", ondelete="restrict", index="btree_not_null")
    digest = fields.Char(help="SHA-256 of the controlled values.")
    content = fields.Text(help="The controlled values that were released, canonical JSON.")
    facts = fields.Text(help="The facts as they were, JSON.")
    rules = fields.Text(help="The rules that decided, JSON.")
    tolerance_percent = fields.Float()
    tolerance_amount = fields.Float()
    rate_tolerance_percent = fields.Float()
    void_ref = fields.Integer(string="Voids Release", help="Id of the release that this row makes void.")
    reason = fields.Char()

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_release_document_idx
                   ON distribution_approval_release (res_model, res_id);
               CREATE INDEX IF NOT EXISTS distribution_approval_release_partner_idx
                   ON distribution_approval_release (document_type, company_id, partner_ref, released_at)
                WHERE kind <> 'void';
               CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_release_void_uniq
                   ON distribution_approval_release (void_ref) WHERE kind = 'void';
               CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_release_request_uniq
                   ON distribution_approval_release (request_id, digest) WHERE kind IN ('approval', 'amendment')"""
        )

    # -------------------------------------------------------------- reading

    @api.model
    def _valid_for(self, documents):
        """``{document id: releases that count}``, newest first; one query."""
        self.flush_model()
        self.env.cr.execute(
            """SELECT release.id, release.res_id
                 FROM distribution_approval_release release
                WHERE release.res_model = %s
                  AND release.res_id = ANY(%s)
                  AND release.kind <> 'void'
                  AND NOT EXISTS (SELECT 1
                                    FROM distribution_approval_release void
                                   WHERE void.kind = 'void' AND void.void_ref = release.id)
             ORDER BY release.id DESC""",
            (documents._name, documents.ids),
        )
        found = {}
        for release_id, res_id in self.env.cr.fetchall():
            found.setdefault(res_id, []).append(release_id)
        return {res_id: self.sudo().browse(ids) for res_id, ids in found.items()}

    def _snapshot(self):
        self.ensure_one()
        return Snapshot.from_json(self.content)

    def _deviations(self, current):
        """How ``current`` (a Snapshot) differs from what was released; cumulative by nature."""
        self.ensure_one()
        model = self.env[self.res_model]
        sealed = self._snapshot()
        unknown = model._approval_header_later - sealed.header.keys()
        if unknown:
            header = {name: value for name, value in current.header.items() if name not in unknown}
            current = Snapshot(header, current.lines)
        return compare(
            sealed, current, Tolerance(self.tolerance_percent, self.tolerance_amount), model._approval_fields()
        )

    def _covers(self, current):
        """Whether ``current`` is what was released, within the tolerance."""
        self.ensure_one()
        return current.digest == self.digest or not self._deviations(current).beyond

    def _rate_holds(self, amount):
        """Whether the value in company currency has not grown beyond the rate tolerance.

        Asked before the guarded state only: what was ordered at a rate stays ordered.
        """
        self.ensure_one()
        if isinstance(amount, Unknown) or amount is None:
            return False
        grown = as_decimal(amount) - as_decimal(self.amount)
        percent = as_decimal(self.rate_tolerance_percent) + as_decimal(self.tolerance_percent)
        return grown <= as_decimal(self.amount) * percent / 100

    # -------------------------------------------------------------- writing

    @api.model
    def _issue(self, values_list):
        """Append releases; one INSERT whatever their number, and no query beside it.

        :param values_list: a value for the same fields in each; the site is filled in where there is none
        """
        return self._append(self._with_site(values_list))

    def _with_site(self, values_list):
        known = {}
        for values in values_list:
            known.setdefault(values["res_model"], []).append(values["res_id"])
        # sudo: where a document belongs, whoever releases it
        documents = {model: self.env[model].sudo().browse(ids) for model, ids in known.items()}
        sites = {(model, one.id): one._approval_site()[:1].id for model in documents for one in documents[model]}
        return [
            {**values, "site_id": values.get("site_id") or sites[values["res_model"], values["res_id"]]}
            for values in values_list
        ]

    def _copy_values(self):
        """The values of this release, for one that repeats it."""
        self.ensure_one()
        names = [name for name, field in self._fields.items() if field.store and name != "id" and field.column_type]
        values = self.read(names, load=False)[0]
        values.pop("id")
        return values

    def _void(self, reason):
        """Append the rows that make these releases void."""
        for release in self:
            unsettle(self.env, release.res_model, [release.res_id])
        return self.sudo().create(
            [
                {
                    "res_model": release.res_model,
                    "res_id": release.res_id,
                    "document_type": release.document_type,
                    "document_name": release.document_name,
                    "kind": "void",
                    "released_at": fields.Datetime.now(),
                    "user_ref": self.env.uid,
                    "company_id": release.company_id.id,
                    "partner_ref": release.partner_ref,
                    "void_ref": release.id,
                    "reason": reason,
                }
                for release in self
            ]
        )

    def _rule_words(self):
        """The rules that decided, one per line."""
        self.ensure_one()
        return [rule["words"] for rule in json.loads(self.rules or "[]")]
