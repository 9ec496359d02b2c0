"""An evidence pack: what is known about the approval of one document, sealed by a list of hashes."""

import hashlib
import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import check_access, has_access
from odoo.addons.distribution_core.engine.canonical import canonical_json
from odoo.addons.distribution_core.engine.chain import event_digest
from odoo.addons.distribution_core.ledger.schema import column_texts

from .approval_policy import document_models

#: Columns of evidence that is not frozen as a whole: what of it never changes. Others: every column.
LASTING_COLUMNS = {
    "distribution.approval.request": (
        "name", "res_model", "res_id", "document_type", "kind", "company_id", "requester_id", "requested_at",
        "amendment_id",
    ),
    "distribution.approval.obligation": (
        "request_id", "task_id", "decision_id", "text", "owner_id", "due_date", "set_by_id",
    ),
    "distribution.approval.question": (
        "task_id", "user_id", "asked_id", "question", "asked_at", "answer", "answered_by_id", "answered_at",
    ),
    "distribution.approval.emergency": (
        "request_id", "user_id", "own_document", "over_refusal", "justification", "released_at", "digest",
        "version_id", "review_due",
    ),
    "distribution.approval.link": ("task_id", "user_id", "channel", "digest", "created_at"),
}  # fmt: skip
_BOOKKEEPING = {"id", "write_uid", "write_date"}


class ApprovalEvidencePack(models.Model):
    """States what an evidence pack was made of. Appended when one is made, never changed.

    The pack is printed from exactly the records that its list names; "Check again" hashes them
    once more and says which differ. No names are stored: people are resolved when it is printed.
    """

    _name = "distribution.approval.evidence.pack"
    _description = "Evidence Pack"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_names_search = ["document_name"]

    res_model = fields.Char(string="Document Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(string="Document Number", model_field="res_model", required=True, readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", required=True, readonly=True)
    document_name = fields.Char(string="Document", readonly=True)
    request_id = fields.Many2one(
        "distribution.approval.request", readonly=True, ondelete="restrict", help="Empty: of the whole document."
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    made_at = fields.Datetime(required=True, readonly=True)
    user_id = fields.Many2one("res.users", string="Made by", required=True, readonly=True, ondelete="restrict")
    manifest = fields.Text(required=True, readonly=True, help="The records with their SHA-256, canonical JSON.")
    digest = fields.Char(string="SHA-256", required=True, readonly=True, help="SHA-256 of the list.")
    record_count = fields.Integer(string="Records", readonly=True)
    event_count = fields.Integer(string="Ledger Events", readonly=True)
    hidden_count = fields.Integer(
        string="Requests Left Out", readonly=True, help="Requests that whoever made this pack may not read."
    )

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_evidence_pack_document_idx
                   ON distribution_approval_evidence_pack (res_model, res_id)"""
        )

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    def _compute_display_name(self):
        for pack in self:
            pack.display_name = _(
                "Evidence Pack %(number)s of %(document)s", number=pack.id, document=pack.document_name
            )

    # ----------------------------------------------------------------- making

    @api.model
    def _make(self, document, request=None):
        """Make the pack of ``document`` (or of one ``request``) for the present user.

        :raises AccessError: the present user may not read what it would show
        :raises UserError: policy never had to do with the document
        """
        document.ensure_one()
        requests, hidden = self._readable_requests(document, request)
        releases = self._readable_releases(document, requests, complete=not request and not hidden)
        if not requests and not releases:
            raise UserError(_("There is no evidence on %s: no policy was ever asked about it.", document.display_name))
        events = self._events(document, requests, complete=not request and not hidden)
        manifest = canonical_json(
            {
                "format": 1,
                "document": [document._name, document.id],
                "requests": requests.ids,
                "records": [
                    [records._name, record_id, digest]
                    for records in self._evidence(requests, releases)
                    for record_id, digest in _row_digests(records)
                ],
                "attachments": [
                    [attachment.id, attachment.checksum or "", attachment.file_size]
                    for attachment in self._attachments(document, requests)
                ],
                "events": [[event.id, event.uid, event.digest] for event in events],
            }
        )
        sudo_document = document.sudo()
        # sudo: nobody may create evidence; that the present user may read all of it was checked above
        pack = self.sudo().create(
            {
                "res_model": document._name,
                "res_id": document.id,
                "document_type": document._approval_type,
                "document_name": sudo_document._approval_name(),
                "request_id": request.id if request else False,
                "company_id": sudo_document.company_id.id,
                "made_at": fields.Datetime.now(),
                "user_id": self.env.uid,
                "manifest": manifest,
                "digest": hashlib.sha256(manifest.encode()).hexdigest(),
                "record_count": len(json.loads(manifest)["records"]),
                "event_count": len(events),
                "hidden_count": hidden,
            }
        )
        self.env["distribution.event"].sudo()._record(
            "distribution.approval_evidence.pack_made.v1",
            pack,
            {
                "document_model": document._name,
                "document_id": document.id,
                "request_ids": requests.ids,
                "digest": pack.digest,
                "record_count": pack.record_count,
                "event_count": pack.event_count,
                "hidden_count": hidden,
            },
            correlation=f"{document._name},{document.id}",
        )
        return pack.with_env(self.env)

    @api.model
    def _readable_requests(self, document, request):
        """The requests that the present user may read, as superuser, and how many are left out."""
        every = self.env["distribution.approval.request"]
        if request:
            check_access(request, "read")
            return request.sudo(), 0
        check_access(document, "read")
        domain = [("res_model", "=", document._name), ("res_id", "=", document.id)]
        readable = every.search(domain, order="id")
        return readable.sudo(), every.sudo().search_count(domain) - len(readable)

    @api.model
    def _readable_releases(self, document, requests, complete):
        """Releases of the document; with parts left out, only what came of the readable requests."""
        releases = self.env["distribution.approval.release"].sudo()
        own = [("res_model", "=", document._name), ("res_id", "=", document.id)]
        if not requests and not has_access(self.env["distribution.approval.release"], "read"):
            raise AccessError(
                _(
                    "You may not read the releases of %s: ask a buyer, operations or an auditor for its evidence.",
                    document.display_name,
                )
            )
        if complete:
            return releases.search(own, order="id")
        issued = releases.search([*own, ("request_id", "in", requests.ids)], order="id")
        return (issued | releases.search([*own, ("void_ref", "in", issued.ids)])).sorted("id")

    @api.model
    def _events(self, document, requests, complete):
        """Ledger events about the document; with parts left out, those of the readable requests."""
        events = (
            self.env["distribution.event"]
            .sudo()
            .search([("res_model", "=", document._name), ("res_id", "=", document.id)], order="id")
        )
        if complete:
            return events
        return events.filtered(lambda event: json.loads(event.data or "{}").get("request_id") in requests.ids)

    @api.model
    def _evidence(self, requests, releases):
        """Recordsets of what never changes, of these requests; each model once.

        Models that the database keeps append-only and that name their request come by themselves.
        """
        evidence = [
            requests,
            requests.snapshot_ids.sorted("id"),
            requests.decision_ids.sorted("id"),
            requests.task_ids.question_ids.filtered("answered_at").sorted("id"),
            requests.amendment_id.sorted("id"),
            requests.obligation_ids.sorted("id"),
            requests.obligation_ids.step_ids.sorted("id"),
            requests.emergency_ids.sorted("id"),
            requests.task_ids.link_ids.filtered("decision_id").sorted("id"),
            self._fast_path_uses(releases),
            releases,
        ]
        known = {self._name, *(records._name for records in evidence)}
        for name in self._append_only_models():
            if name not in known:
                evidence.append(self.env[name].sudo().search([("request_id", "in", requests.ids)], order="id"))
        return evidence

    @api.model
    def _fast_path_uses(self, releases):
        """What these releases took of the ceilings of fast paths."""
        taken = releases.filtered(lambda release: release.kind == "fast_path")
        uses = self.env["distribution.approval.fast.path.use"].sudo()
        if not taken:
            return uses
        return uses.search(
            [
                ("res_model", "=", taken[0].res_model),
                ("res_id", "=", taken[0].res_id),
                ("digest", "in", taken.mapped("digest")),
            ],
            order="id",
        )

    @api.model
    def _append_only_models(self):
        """Names of the models of evidence that belong to a request and that nobody can change."""
        self.env.cr.execute(
            """SELECT tgrelid::regclass::text FROM pg_trigger
                WHERE tgname = 'distribution_append_only' AND tgenabled = 'A'"""
        )
        tables = {table for (table,) in self.env.cr.fetchall()}
        return sorted(
            name
            for name, model in self.env.registry.items()
            if model._table in tables
            and model._auto
            and "request_id" in model._fields
            and model._fields["request_id"].store
            and model._fields["request_id"].comodel_name == "distribution.approval.request"
        )

    @api.model
    def _attachments(self, document, requests):
        """Files on the document, its form and its requests, as far as the present user may read them."""
        attachments = self.env["ir.attachment"]
        # sudo: which records these are; what the present user may read of them is asked below
        for place in dict.fromkeys(document.sudo()._approval_evidence_places()):
            if has_access(place.with_env(self.env), "read"):
                attachments |= attachments.search(
                    [("res_model", "=", place._name), ("res_id", "=", place.id), ("res_field", "=", False)]
                )
        attachments |= attachments.search(
            [("res_model", "=", requests._name), ("res_id", "in", requests.ids), ("res_field", "=", False)]
        )
        return attachments.sudo().sorted("id")

    # --------------------------------------------------------------- checking

    def _differences(self):
        """``[(what, what is wrong)]`` of the records that are not any more what the list says."""
        self.ensure_one()
        pack = self.sudo()
        if hashlib.sha256(pack.manifest.encode()).hexdigest() != pack.digest:
            return [(_("The list of this pack"), _("does not match its hash"))]
        manifest = json.loads(pack.manifest)
        by_model = {}
        for model, record_id, digest in manifest["records"]:
            by_model.setdefault(model, {})[record_id] = digest
        differences, gone, changed = [], _("is gone"), _("was changed")
        for model, listed in by_model.items():
            found = dict(_row_digests(self.env[model].sudo().browse(listed).exists()))
            label = self.env[model]._description
            differences += [
                (f"{label} {record_id}", gone if record_id not in found else changed)
                for record_id, digest in listed.items()
                if found.get(record_id) != digest
            ]
        return differences + self._event_differences(manifest["events"])

    def _event_differences(self, listed):
        """Events that were changed; what the ledger's keeper pruned is in the export, and said so."""
        if not listed:
            return []
        self.env.cr.execute(
            # Only names that the ledger's own code gives are written into the query.
            f"SELECT event.id, {', '.join(column_texts('event'))} FROM distribution_event event WHERE id = ANY(%s)",
            [[event_id for event_id, _uid, _digest in listed]],
        )
        found = {row[0]: event_digest(row[1:]) for row in self.env.cr.fetchall()}
        differences, gone = [], _("was pruned from the ledger (see its export) or is gone")
        for event_id, _uid, digest in listed:
            if found.get(event_id) != digest:
                what = gone if event_id not in found else _("was changed")
                differences.append((_("Ledger event %s", event_id), what))
        return differences

    # ---------------------------------------------------------------- actions

    def action_print(self):
        """The pack as PDF, from the records that it lists."""
        return self.env.ref("distribution_approval.report_evidence_pack").report_action(self)

    def action_check_again(self):
        """Hash the listed records once more and say what differs."""
        self.ensure_one()
        differences = self._differences()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if differences else "success",
                "sticky": bool(differences),
                "title": _("%s records differ", len(differences)) if differences else _("Nothing was changed"),
                "message": "\n".join(f"{what} {wrong}" for what, wrong in differences[:20])
                or _(
                    "%(records)s records and %(events)s ledger events are what they were when this pack was made.",
                    records=self.record_count,
                    events=self.event_count,
                ),
            },
        }

    def action_open_document(self):
        self.ensure_one()
        return self.env["distribution.event"]._document_action(self.res_model, self.res_id)

    # ---------------------------------------------------------------- binding

    @api.model
    def _bind_documents(self):
        """Offer the pack in the Print menu of every governed document."""
        for document_type, name in document_models(self.env).items():
            xml_id = f"distribution_approval.action_print_evidence_{document_type}"
            values = {
                "name": _("Evidence Pack"),
                "model_id": self.env["ir.model"]._get_id(name),
                "binding_model_id": self.env["ir.model"]._get_id(name),
                "binding_type": "report",
                "binding_view_types": "form",
                "state": "code",
                "code": "action = record.action_approval_evidence_pack()",
            }
            action = self.env.ref(xml_id, raise_if_not_found=False)
            if action:
                action.write(values)
            else:
                action = self.env["ir.actions.server"].create(values)
                self.env["ir.model.data"]._update_xmlids([{"xml_id": xml_id, "record": action, "noupdate": True}])


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    def action_approval_evidence_pack(self):
        """Everything that is known about the approval of this document, as PDF."""
        self.ensure_one()
        return self.env["distribution.approval.evidence.pack"]._make(self).action_print()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def action_evidence_pack(self):
        """Everything that is known about this request, as PDF."""
        self.ensure_one()
        document = self.env[self.res_model].browse(self.res_id)
        return self.env["distribution.approval.evidence.pack"]._make(document, self).action_print()


def _row_digests(records):
    """``[(id, SHA-256)]`` of the columns that last, in canonical JSON."""
    if not records:
        return []
    columns = LASTING_COLUMNS.get(records._name) or [
        name
        for name, field in records._fields.items()
        if field.store and field.column_type and name not in _BOOKKEEPING
    ]
    records.flush_recordset()
    return [
        (values.pop("id"), hashlib.sha256(canonical_json(values).encode()).hexdigest())
        for values in records.read(sorted(columns), load=False)
    ]
