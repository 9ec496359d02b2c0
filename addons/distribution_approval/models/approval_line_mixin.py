"""Lines of a governed document: what happens to them is reviewed on the document."""

from odoo import api, models

from .gate_frame import gate_frame, written_directly


class ApprovalLineMixin(models.AbstractModel):
    """Inherited by the line model of a governed document.

    ``_approval_document_field`` names the many2one to the document, ``_approval_watched``
    the fields that are controlled (or decide what counts as a controlled line).
    """

    _name = "distribution.approval.line.mixin"
    _description = "Line of a Governed Document"

    _approval_document_field = None
    _approval_watched = frozenset()

    def _approval_documents(self):
        return self[self._approval_document_field]

    def _approval_other_documents(self, changed=False, missing=True):
        """Governed documents of another model that these lines belong to as well.

        :param changed: the lines have changed already
        :param missing: whether those count that policy was never asked about
        """
        return self.browse()

    def _approval_touch_others(self, frame, changed=False):
        others = self._approval_other_documents(changed)
        if others:
            frame.touch(others, changed=changed)
            self._approval_changed(others)

    def _approval_changed(self, documents):
        documents._approval_serialize()
        documents._approval_note_editors()

    @api.model_create_multi
    def create(self, vals_list):
        with gate_frame(self.env) as frame:
            lines = super().create(vals_list)
            documents = lines._approval_documents()
            old = documents.filtered(lambda document: (document._name, document.id) not in frame.created)
            frame.touch(old, changed=True)
            for line, vals in zip(lines, vals_list):
                frame.attempt(line._approval_documents(), {"line": (0, 0, vals)})
            self._approval_changed(old)
            lines._approval_touch_others(frame, changed=True)
            return lines

    def write(self, vals):
        if not self._approval_watched & vals.keys():
            return super().write(vals)
        with gate_frame(self.env) as frame:
            before = self._approval_documents()
            frame.touch(before)
            self._approval_touch_others(frame)
            for line in self:
                frame.attempt(line._approval_documents(), {"line": (1, line.id, vals)})
            result = super().write(vals)
            after = self._approval_documents()
            frame.touch(after, changed=True)
            self._approval_changed(before | after)
            self._approval_touch_others(frame, changed=True)
            return result

    def unlink(self):
        with gate_frame(self.env) as frame:
            documents = self._approval_documents()
            frame.touch(documents)
            self._approval_touch_others(frame)
            for line in self:
                frame.attempt(line._approval_documents(), {"line": (2, line.id, 0)})
            self._approval_changed(documents)
            return super().unlink()

    # Stored computes reach the database without write(): 17.0 through _write, 19.0 through
    # _write_multi.

    def _write(self, vals):
        self._approval_watch_columns(vals)
        return super()._write(vals)

    def _write_multi(self, vals_list):
        self._approval_watch_columns({key for vals in vals_list for key in vals})
        return super()._write_multi(vals_list)

    def _approval_watch_columns(self, names):
        if not self._approval_watched.isdisjoint(names):
            written_directly(self.sudo()._approval_documents())
            others = self.sudo()._approval_other_documents(missing=False)
            if others:
                written_directly(others)
