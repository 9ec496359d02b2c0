"""The frame in which governed documents change: one review, of the result.

Rules, in words
---------------
* Every ``create``, ``write`` and ``unlink`` of a governed document or of its lines runs in a
  *frame*. Frames nest; only the outermost one reviews, once, after everything inside it has
  been done and recomputed.
* A review that fails refuses the transaction. What it found stays *suspect*: whoever swallows
  the error meets the same review again when the transaction is committed.
* What a stored compute writes outside any frame, or to a document that the open frame does not
  know, is reviewed before the commit as well.
* A commit inside an open frame is reviewed first.
* What was looked at within the frame is looked at again by the review, unless nothing that is
  governed has been touched in between.
* A frame hangs on the database cursor. Nothing a client can send – context, parameter, field –
  reaches it.

A *promise* is a verdict "within policy" that was reached before core acted. It becomes a
release only in the review, and only if what has come about is what was judged.

The guard of the commit stands in for the cursor's own ``commit`` while it is needed: Odoo's
pre-commit hooks will not do, since every rollback to a savepoint clears them.

What a review has passed is *settled* until the next flush of the cursor, or rollback: its values
reach the database then, outside any frame, and when they still are what was reviewed, it is not
reviewed a second time.
"""

from contextlib import contextmanager

from odoo import _
from odoo.exceptions import MissingError, UserError

FRAME_KEY = "distribution.approval.gate_frame"
#: In the data of the cursor's pre-commit hooks: gone with every rollback, and after every flush.
SETTLED_KEY = "distribution.approval.settled"
HOOK_KEY = "distribution.approval.hook"

#: A review may change documents (restart a request, void a release), which is reviewed again.
MAX_REVIEWS = 10


class GateFrame:
    """What happened to governed documents since the outermost frame was opened.

    ``suspects`` alone outlive the frame: they are kept until they pass a review.
    """

    __slots__ = (
        "attempts",
        "before",
        "created",
        "depth",
        "moving",
        "promises",
        "serialized",
        "suspects",
        "touched",
        "governed_sites",
        "judged",
        "was_guarded",
    )

    def __init__(self):
        self.depth = 0
        self.suspects = {}  # model name -> set of ids that have to pass a review before the commit
        self.clear()

    def clear(self):
        self.touched = {}  # model name -> set of ids to review
        self.was_guarded = {}  # (model name, id) -> in the guarded state when first touched
        self.before = {}  # (model name, id) -> digest of a guarded document when first touched
        self.created = set()  # (model name, id) that came into being in this frame
        self.promises = {}  # (model name, id) -> Promise
        self.serialized = set()  # (model name, id) whose row was marked for concurrent transactions
        self.attempts = {}  # (model name, id) -> values that the caller tried to write
        self.moving = set()  # ids of the stock moves whose documents were asked (documents/stock_move_gate.py)
        self.governed_sites = {}  # (document type, company id) -> sites, as looked up in this transaction
        self.judged = {}  # (model name, id) -> snapshot of what came about; nothing has changed since

    def touch(self, documents, changed=False):
        """Have ``documents`` reviewed when the outermost frame closes.

        :param changed: their content has changed already, so that what it was before is not known
        """
        if not documents:
            return
        self.judged.clear()
        self.touched.setdefault(documents._name, set()).update(documents.ids)
        for document in documents:
            key = (document._name, document.id)
            if key not in self.was_guarded:
                guarded = key not in self.created and document._approval_is_guarded()
                self.was_guarded[key] = guarded
                if guarded and not changed and document._approval_governed():
                    self.before[key] = document.sudo()._approval_snapshots()[document.id].digest

    def born(self, documents):
        """``documents`` were created in this frame: they cannot have been guarded before.

        Their lines, created with them, may have touched them already.
        """
        for document in documents:
            key = (document._name, document.id)
            self.created.add(key)
            self.was_guarded[key] = False
            self.before.pop(key, None)
        self.touch(documents)

    def unborn(self, documents):
        """``documents`` are new records about something that was there before: they may have been guarded."""
        for document in documents:
            key = (document._name, document.id)
            self.created.discard(key)
            self.was_guarded.pop(key, None)

    def forget(self, documents):
        """``documents`` are gone: nothing is left to review."""
        self.touched.get(documents._name, set()).difference_update(documents.ids)

    def snapshots(self, documents):
        """``{id: snapshot}`` as they are now; taken again only where something may have changed."""
        fresh = documents.filtered(lambda document: (document._name, document.id) not in self.judged)
        return {
            **{document.id: self.judged[document._name, document.id] for document in documents - fresh},
            **(fresh._approval_snapshots() if fresh else {}),
        }

    def attempt(self, document, vals):
        """Remember what the caller asked for, so that it can be proposed as an amendment."""
        if self.depth == 1:
            self.attempts.setdefault((document._name, document.id), []).append(vals)

    def suspect(self, env):
        """What was touched failed its review: it has to pass one before the commit."""
        for model, ids in self.touched.items():
            self.suspects.setdefault(model, set()).update(ids)
            unsettle(env, model, ids)
        if self.suspects:
            guard_commit(env)

    def review(self, env):
        """Review until nothing is left to review; raises what the review of a document raises."""
        for _attempt in range(MAX_REVIEWS):
            reviewing = {model: set(ids) for model, ids in self.touched.items() if ids}
            if not reviewing:
                return
            self.touched = {}
            try:
                for model, ids in reviewing.items():
                    _review(env, model, ids, self)
            except Exception:
                # Whoever catches this still has to get past the commit.
                for model, ids in reviewing.items():
                    self.touched.setdefault(model, set()).update(ids)
                raise
        raise UserError(_("Approval: this change keeps changing the document while it is reviewed."))


def _review(env, model, ids, frame):
    documents = env[model].sudo().browse(sorted(ids))
    try:
        documents._approval_review(frame)
    except MissingError:  # rolled back to a savepoint inside the frame
        documents.exists()._approval_review(frame)


def frame_of(env):
    """The frame of the cursor, open or not.

    It is an attribute of the cursor: 19.0 empties ``cr.cache`` when it rolls back to a savepoint.
    """
    attributes = vars(env.cr)
    if FRAME_KEY not in attributes:
        attributes[FRAME_KEY] = GateFrame()
    return attributes[FRAME_KEY]


@contextmanager
def gate_frame(env):
    """Open a frame on the cursor of ``env``; the outermost one reviews when it closes."""
    frame = frame_of(env)
    frame.depth += 1
    if frame.depth == 1:
        guard_commit(env)
    try:
        yield frame
        if frame.depth == 1:
            frame.review(env)
    except Exception:
        if frame.depth == 1:
            frame.suspect(env)
        raise
    finally:
        frame.depth -= 1
        if not frame.depth:
            frame.clear()
            if not frame.suspects:
                unguard_commit(env)


def in_frame(env):
    """Whether a frame is open on the cursor of ``env`` (its review is still to come)."""
    return bool(frame_of(env).depth)


def written_directly(documents):
    """``documents`` (or their lines) changed in the database without ``write``: have them reviewed.

    The open frame reviews those that it knows; the others are reviewed before the commit.
    """
    frame = frame_of(documents.env)
    frame.judged.clear()
    known = frame.was_guarded if frame.depth else ()
    unknown = [document_id for document_id in documents.ids if (documents._name, document_id) not in known]
    if unknown:
        review_before_commit(documents.env, documents._name, unknown)


def review_before_commit(env, model, ids):
    """Have the documents reviewed before this transaction can be committed."""
    frame_of(env).suspects.setdefault(model, set()).update(ids)
    guard_commit(env)
    data = env.cr.precommit.data
    if SETTLED_KEY in data and HOOK_KEY not in data:
        data[HOOK_KEY] = True
        env.cr.precommit.add(lambda: _clear_settled(env))


def _clear_settled(env):
    """After a flush: what is as its review has passed it is not suspect."""
    frame = frame_of(env)
    for model, ids in list(frame.suspects.items()):
        ids.intersection_update(_unsettled(env[model].sudo().browse(sorted(ids))).ids)
        if not ids:
            del frame.suspects[model]
    if not frame.depth and not frame.suspects:
        unguard_commit(env)


def settle(documents, snapshots):
    """``documents`` passed their review with the content of ``snapshots``."""
    settled = documents.env.cr.precommit.data.setdefault(SETTLED_KEY, {})
    settled.update({(document._name, document.id): snapshots[document.id].digest for document in documents})


def unsettle(env, model, ids):
    """Whatever was found before: these documents have to be reviewed again."""
    settled = env.cr.precommit.data.get(SETTLED_KEY, {})
    for document_id in ids:
        settled.pop((model, document_id), None)


def _unsettled(documents):
    """Those that are not in their guarded state exactly as a review has passed them."""
    settled = documents.env.cr.precommit.data.get(SETTLED_KEY, {})
    known = documents.filtered(lambda document: (document._name, document.id) in settled)
    try:
        guarded = known.filtered(lambda document: document._approval_is_guarded())
        snapshots = guarded._approval_snapshots()
    except MissingError:
        return documents
    return documents - guarded.filtered(
        lambda document: snapshots[document.id].digest == settled[document._name, document.id]
    )


def review_now(env):
    """The review that precedes a commit: what the open frame touched, and every suspect.

    :raises UserError: and leaves the suspects suspect, so that no commit gets past them
    """
    frame = frame_of(env)
    env.flush_all()
    if frame.depth:
        frame.review(env)
    if not frame.suspects:
        return
    judged = GateFrame()
    judged.depth = 1
    _clear_settled(env)
    if frame.suspects:
        # What was written past the cache is judged as it is in the database.
        env.invalidate_all()
    for model, ids in list(frame.suspects.items()):
        documents = env[model].sudo().browse(sorted(ids)).exists()
        judged.was_guarded.update({(model, document.id): False for document in documents})
        documents._approval_review(judged)
    env.flush_all()
    frame.suspects.clear()


def guard_commit(env):
    """Let the commit of this cursor review first."""
    cr = env.cr
    previous = vars(cr).get("commit")
    if getattr(previous, "reviews_first", False):
        return

    def commit():
        review_now(env)
        if not frame_of(env).depth:
            unguard_commit(env)
        return previous() if previous else type(cr).commit(cr)

    commit.reviews_first = True
    commit.previous = previous
    cr.commit = commit


def unguard_commit(env):
    """The cursor commits as before."""
    guard = vars(env.cr).get("commit")
    if getattr(guard, "reviews_first", False):
        if guard.previous:
            env.cr.commit = guard.previous
        else:
            del env.cr.commit
