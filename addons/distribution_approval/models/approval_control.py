"""The nightly control: guarded documents that no release covers."""

from odoo import _, api, models

from ..engine import EngineError
from .approval_policy import document_models

BATCH = 1000


class ApprovalControl(models.AbstractModel):
    """Finds what the gate could not see: restores, raw SQL, a time without the addon."""

    _name = "distribution.approval.control"
    _description = "Approval Control"

    @api.model
    def _cron_find_ungated(self):
        """Open a case for each guarded document that no release covers. Returns their number."""
        found = 0
        for document_type, model in sorted(document_models(self.env).items()):
            companies = self.env["distribution.approval.activation"]._governed_places(document_type)
            if companies:
                found += self._find_ungated(self.env[model].sudo(), companies)
        return found

    @api.model
    def _find_ungated(self, model, companies):
        domain = [("company_id", "in", list(companies)), *model._approval_guarded_domain()]
        ids = model.search(domain, order="id").ids
        found = 0
        for start in range(0, len(ids), BATCH):
            for document, reason in self._ungated(model.browse(ids[start : start + BATCH])._approval_governed()):
                found += 1
                self._report(document, reason)
            self.env.flush_all()
            self.env.invalidate_all()
        return found

    @api.model
    def _ungated(self, documents):
        """``(document, reason)`` of those that no release covers; constant queries."""
        releases = self.env["distribution.approval.release"]._valid_for(documents)
        snapshots = documents._approval_snapshots()
        for document in documents:
            own = releases.get(document.id)
            if not own:
                yield document, _("There is no release at all.")
                continue
            try:
                covered = any(release._covers(snapshots[document.id]) for release in own)
            except EngineError as error:
                yield document, _("Its release cannot be read: %s", error)
                continue
            if not covered:
                yield (
                    document,
                    _("It is not what was released:\n%s", document._approval_words(own[0], snapshots[document.id])),
                )

    @api.model
    def _report(self, document, reason):
        key = f"ungated:{document._name}:{document.id}"
        case = (
            self.env["distribution.case"]
            .sudo()
            ._open(
                "ungated_document",
                document,
                _("In force without a matching release: %s", document.display_name),
                detail=reason,
                dedup_key=key,
            )
        )
        last = self.env["distribution.event"]._last_for(document)
        if last.type != f"distribution.{document._approval_type}.ungated_found.v1":
            document._approval_event("ungated_found", {"case_id": case.id})
