"""What the evidence pack shows, collected from the records that it lists."""

import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.distribution_core.compat import has_access

from ..engine import Snapshot


class ReportEvidencePack(models.AbstractModel):
    _name = "report.distribution_approval.evidence_pack"
    _description = "Evidence Pack Report"

    @api.model
    def _get_report_values(self, docids, data=None):
        packs = self.env["distribution.approval.evidence.pack"].browse(docids)
        if not has_access(packs, "read"):
            raise AccessError(_("You may print the evidence packs that you made; auditors may print all of them."))
        return {
            "doc_ids": docids,
            "doc_model": packs._name,
            "docs": packs,
            # sudo: whoever made the pack was allowed to read each of these records, see `_make`
            "stories": {pack.id: self._story(pack.sudo()) for pack in packs},
            "time_zone": self.env.user.tz or "UTC",
        }

    @api.model
    def _story(self, pack):
        """The sections of one pack, as plain values."""
        manifest = json.loads(pack.manifest)
        records = {}
        for model, record_id, digest in manifest["records"]:
            records.setdefault(model, []).append((record_id, digest))
        listed = {model: self.env[model].sudo().browse([key for key, _d in rows]) for model, rows in records.items()}
        requests = self.env["distribution.approval.request"].sudo().browse(manifest["requests"])
        releases = listed.get("distribution.approval.release", self.env["distribution.approval.release"])
        return {
            "label": self.env[pack.res_model]._approval_label(),
            "partner": requests.partner_id[:1].display_name or self._partner_of(releases),
            "releases": self._releases(releases),
            "requests": [self._request(request, pack) for request in requests],
            "attachments": self._attachments(manifest["attachments"]),
            "events": self._events(manifest["events"]),
            "manifest": [
                (self.env[model]._description, record_id, digest) for model, record_id, digest in manifest["records"]
            ],
            "cases": self._cases(pack),
            "differences": pack._differences(),
        }

    @api.model
    def _partner_of(self, releases):
        partner = self.env["res.partner"].sudo().browse(releases[-1:].partner_ref or ()).exists()
        return partner.display_name or ""

    @api.model
    def _request(self, request, pack):
        made_at = pack.made_at
        tasks = request.task_ids.sorted(lambda task: (task.round, task.sequence, task.id))
        return {
            "record": request,
            "outcome": self._label(request, "state"),
            "rounds": self._rounds(request),
            "channels": dict(request.decision_ids._fields["channel"]._description_selection(self.env)),
            "tasks": [
                {
                    "task": task,
                    "state": self._label(task, "state"),
                    "people": ", ".join(task.user_ids.mapped("name")),
                }
                for task in tasks
            ],
            "decisions": [
                {
                    "decision": decision,
                    "outcome": decision._outcome_label(),
                    "words": decision._words(),
                    "on_behalf": decision.on_behalf_id.name or "",
                }
                for decision in request.decision_ids.sorted("id")
                if decision.decided_at <= made_at
            ],
            "links": self._links(tasks),
            "questions": [
                {
                    "question": question,
                    "to": question.asked_id.name or request.requester_id.name,
                    "colleague": bool(question.asked_id),
                }
                for question in tasks.question_ids.sorted("id")
                if question.asked_at <= made_at
            ],
            "exhibits": [
                {
                    "exhibit": exhibit,
                    "kind": self._label(exhibit, "kind"),
                    "now": self._label(exhibit, "intact"),
                    "bad": exhibit.intact in ("changed", "gone"),
                }
                for exhibit in request.exhibit_ids.sorted("id")
                if exhibit.recorded_at <= made_at
            ],
            "emergencies": [
                {"emergency": emergency, "outcome": self._label(emergency, "outcome")}
                for emergency in request.emergency_ids.sorted("id")
            ],
            "happened": sorted(request._timeline_evidence(), key=lambda entry: entry["time"]),
            "obligations": [
                {
                    "obligation": obligation,
                    "state": self._label(obligation, "state"),
                    "steps": [
                        {"step": step, "kind": self._label(step, "kind")}
                        for step in obligation.step_ids.sorted("id")
                        if step.taken_at <= made_at
                    ],
                }
                for obligation in request.obligation_ids.sorted("id")
            ],
        }

    @api.model
    def _links(self, tasks):
        """``{decision id: link}`` of the decisions that were taken by a link."""
        return {link.decision_id.id: link for link in tasks.link_ids if link.decision_id}

    @api.model
    def _rounds(self, request):
        """Each time that the request was asked: content with what changed, facts and rules."""
        model = self.env[request.res_model]
        before = None
        if request.kind == "amendment":
            before = Snapshot.from_json(request.amendment_id.before)
        rounds = []
        for snapshot in request.snapshot_ids.sorted("id"):
            content = Snapshot.from_json(snapshot.content)
            rounds.append(
                {
                    "snapshot": snapshot,
                    "outcome": _OUTCOMES.get(snapshot.outcome, snapshot.outcome),
                    "rules": json.loads(snapshot.rules or "[]"),
                    "facts": model._approval_fact_words(json.loads(snapshot.facts)),
                    **model._approval_content_words(content, before),
                }
            )
            if request.kind != "amendment":
                before = content
        return rounds

    @api.model
    def _releases(self, releases):
        voids = {release.void_ref: release for release in releases if release.kind == "void"}
        people = self._names(releases.mapped("user_ref"))
        uses = {use.digest: use for use in self.env["distribution.approval.evidence.pack"]._fast_path_uses(releases)}
        return [
            {
                "release": release,
                "kind": self._label(release, "kind"),
                "by": people.get(release.user_ref, ""),
                "void": voids.get(release.id),
                "void_by": people.get(voids[release.id].user_ref, "") if release.id in voids else "",
                "rules": release._rule_words(),
                "fast_path": uses.get(release.digest) if release.kind == "fast_path" else None,
            }
            for release in releases
            if release.kind != "void"
        ]

    @api.model
    def _attachments(self, listed):
        files = self.env["ir.attachment"].sudo().browse([key for key, _c, _s in listed]).exists()
        names = {attachment.id: attachment for attachment in files}
        return [
            {"id": key, "attachment": names.get(key), "checksum": checksum, "size": size}
            for key, checksum, size in listed
        ]

    @api.model
    def _events(self, listed):
        """The ledger's rows on the document, with the seal that binds each."""
        ids = [event_id for event_id, _uid, _digest in listed]
        self.env.cr.execute(
            """SELECT event.id, seal.number, seal.sealed_at
                 FROM distribution_event event
                 JOIN distribution_event_seal seal
                   ON seal.epoch = event.epoch AND event.txid >= seal.from_xid AND event.txid < seal.to_xid
                WHERE event.id = ANY(%s)""",
            [ids],
        )
        seals = {event_id: (number, sealed_at) for event_id, number, sealed_at in self.env.cr.fetchall()}
        events = {event.id: event for event in self.env["distribution.event"].sudo().search([("id", "in", ids)])}
        return [
            {
                "id": event_id,
                "uid": uid,
                "digest": digest,
                "event": events.get(event_id),
                "seal": seals.get(event_id, (None, None))[0],
            }
            for event_id, uid, digest in listed
        ]

    @api.model
    def _cases(self, pack):
        """Exceptions on the document, up to when the pack was made; not in a pack with parts left out."""
        if pack.hidden_count or pack.request_id:
            return []
        cases = (
            self.env["distribution.case"]
            .sudo()
            .search(
                [
                    ("res_model", "=", pack.res_model),
                    ("res_id", "=", pack.res_id),
                    ("create_date", "<=", fields.Datetime.to_string(pack.made_at)),
                ],
                order="id",
            )
        )
        return [
            {"case": case, "state": self._label(case, "state"), "severity": self._label(case, "severity")}
            for case in cases
        ]

    @api.model
    def _names(self, ids):
        users = self.env["res.users"].sudo().with_context(active_test=False).browse(set(filter(None, ids))).exists()
        return {user.id: user.name for user in users}

    @api.model
    def _label(self, record, name):
        return dict(record._fields[name]._description_selection(self.env)).get(record[name], record[name] or "")


_OUTCOMES = {
    "require": "needs approval",
    "refuse": "refused by policy",
    "hold": "held: a fact could not be had",
    "pass": "within policy",
}
