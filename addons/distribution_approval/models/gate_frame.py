"""The frame in which governed documents change: one review, of the result.

Rules, in words
---------------
* Every ``create``, ``write`` and ``unlink`` of a governed document or of its lines runs in a
  *frame*. Frames nest; only the outermost one reviews, once, after everything inside it has
  been done and recomputed.
* A review that fails refuses the transaction. It stays *suspect*: whoever swallows the error
  meets the same review again when the transaction is committed.
* What a stored compute writes outside any frame is reviewed before the commit as well.
* A frame hangs on the database cursor. Nothing a client can send – context, parameter, field –
  reaches it.

A *promise* is a verdict "within policy" that was reached before core acted. It becomes a
release only in the review, and only if what has come about is what was judged.
"""

from contextlib import contextmanager
from functools import partial

from odoo import _
from odoo.exceptions import MissingError, UserError

FRAME_KEY = "distribution.approval.gate_frame"
SUSPECTS_KEY = "distribution.approval.suspects"

#: A review may change documents (restart a request, void a release), which is reviewed again.
MAX_REVIEWS = 10


class GateFrame:
    """What happened to governed documents since the outermost frame was opened."""

    __slots__ = ("attempts", "created", "depth", "promises", "touched", "was_guarded")

    def __init__(self):
        self.depth = 0
        self.clear()

    def clear(self):
        self.touched = {}  # model name -> set of ids to review
        self.was_guarded = {}  # (model name, id) -> in the guarded state when first touched
        self.created = set()  # (model name, id) that came into being in this frame
        self.promises = {}  # (model name, id) -> Promise
        self.attempts = {}  # (model name, id) -> values that the caller tried to write

    def touch(self, documents):
        """Have ``documents`` reviewed when the outermost frame closes."""
        if not documents:
            return
        self.touched.setdefault(documents._name, set()).update(documents.ids)
        for document in documents:
            key = (document._name, document.id)
            if key not in self.was_guarded:
                self.was_guarded[key] = key not in self.created and document._approval_is_guarded()

    def born(self, documents):
        """``documents`` were created in this frame: they cannot have been guarded before."""
        self.created.update((documents._name, document.id) for document in documents)
        self.touch(documents)

    def forget(self, documents):
        """``documents`` are gone: nothing is left to review."""
        self.touched.get(documents._name, set()).difference_update(documents.ids)

    def attempt(self, document, vals):
        """Remember what the caller asked for, so that it can be proposed as an amendment."""
        if self.depth == 1:
            self.attempts.setdefault((document._name, document.id), []).append(vals)

    def review(self, env):
        """Review until nothing is left to review; raises what the review of a document raises."""
        for _attempt in range(MAX_REVIEWS):
            touched, self.touched = self.touched, {}
            touched = {model: ids for model, ids in touched.items() if ids}
            if not touched:
                return
            for model, ids in touched.items():
                _review(env, model, ids, self)
        raise UserError(_("Approval: this change keeps changing the document while it is reviewed."))


def _review(env, model, ids, frame):
    documents = env[model].sudo().browse(sorted(ids))
    try:
        documents._approval_review(frame)
    except MissingError:  # rolled back to a savepoint inside the frame
        documents.exists()._approval_review(frame)


@contextmanager
def gate_frame(env):
    """Open a frame on the cursor of ``env``; the outermost one reviews when it closes."""
    frame = env.cr.cache.get(FRAME_KEY)
    if frame is None:
        frame = env.cr.cache[FRAME_KEY] = GateFrame()
    frame.depth += 1
    reviewing = {}
    try:
        yield frame
        if frame.depth == 1:
            reviewing = {model: set(ids) for model, ids in frame.touched.items()}
            frame.review(env)
    except Exception:
        if frame.depth == 1:
            for model, ids in (reviewing or frame.touched).items():
                review_before_commit(env, model, ids)
        raise
    finally:
        frame.depth -= 1
        if not frame.depth:
            frame.clear()


def in_frame(env):
    """Whether a frame is open on the cursor of ``env`` (its review is still to come)."""
    frame = env.cr.cache.get(FRAME_KEY)
    return bool(frame and frame.depth)


def review_before_commit(env, model, ids):
    """Have the documents reviewed (again) before this transaction can be committed."""
    suspects = env.cr.precommit.data.setdefault(SUSPECTS_KEY, {})
    if not suspects:
        env.cr.precommit.add(partial(_review_suspects, env))
    suspects.setdefault(model, set()).update(ids)


def _review_suspects(env):
    suspects = env.cr.precommit.data.pop(SUSPECTS_KEY, {})
    frame = GateFrame()
    for model, ids in suspects.items():
        documents = env[model].sudo().browse(sorted(ids)).exists()
        frame.was_guarded.update({(model, document.id): False for document in documents})
        documents._approval_review(frame)
