"""The gate on stock moves: goods move when the documents that govern them say so.

Rules, in words
---------------
* Every way to have a move done – validating a transfer or a batch, wizards, ``_action_done`` of
  transfers, moves and move lines, a written or created state – comes past one of the methods
  below, which ask each *move document* once, for all moves together.
* A move document is a governed document of its own (delivery hold, credit release, return …) that
  is linked to what the goods move on. Several of them may govern one transfer: all have to agree.
* What core makes of the moves (back-orders, merged and extra moves) is judged as well: where it
  differs from what was judged before, it is judged again, and the review of the frame compares.
* A correction of moves that are done is a change in the guarded state: it needs a release that
  covers it, or a policy that passes the document as it is now.
* While no type of move document is governed anywhere, this costs a look-up in a cache and no query.
"""

from contextlib import contextmanager

from odoo import _, api, models, tools
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import MOVE_PROCUREMENT

from ..models.approval_activation import EVERYWHERE, NOWHERE
from ..models.approval_mixin import Promise
from ..models.gate_frame import frame_of, gate_frame

#: Fields of a move line that change what a move that is done has moved.
CORRECTIONS = frozenset(
    {
        "quantity",
        "product_id",
        "product_uom_id",
        "location_id",
        "location_dest_id",
        "lot_id",
        "owner_id",
        "quant_id",
        "move_id",
        "picking_id",
    }
)
#: Fields of a move that name the orders whose goods it moves.
LINKS = frozenset({"sale_line_id", MOVE_PROCUREMENT})


class MoveDocument(models.AbstractModel):
    """A governed document that says whether stock moves may be done.

    Beside what every governed document declares, it implements ``_approval_moves_concerned`` and
    ``_approval_documents_of``. Its snapshot shows, before the moves are done, what is about to be
    moved, and afterwards what has been.
    """

    _name = "distribution.approval.move.document"
    _description = "Governed Document of Stock Moves"
    _inherit = ["distribution.approval.mixin"]

    _approval_gates_moves = True
    #: Whether the transfer that such a document is linked to waits for it.
    _approval_holds_transfers = True
    #: The action that is resumed after approval.
    _approval_move_action = "button_validate"

    @api.model
    def _approval_moves_concerned(self, moves):
        """Those of ``moves`` that documents of this type are about, governed or not."""
        raise NotImplementedError(f"{self._name} does not say which moves it is about")

    @api.model
    def _approval_documents_of(self, moves):
        """The documents of ``moves`` (all of them concerned and governed), created where missing.

        :raises UserError: for moves that cannot have one
        """
        raise NotImplementedError(f"{self._name} does not say where it belongs")

    @api.model
    def _approval_sites_of_move(self, move):
        """The sites at which ``move`` is governed: any of them is enough."""
        return move.picking_type_id.warehouse_id or move.warehouse_id

    # ------------------------------------------------------------------ gate

    @api.model
    @tools.ormcache()
    def _approval_move_document_types(self):
        """``((model name, document type), …)`` of the move documents in the registry."""
        return tuple(
            sorted(
                (name, model._approval_type)
                for name, model in self.env.registry.items()
                if getattr(model, "_approval_gates_moves", False) and model._approval_type and not model._abstract
            )
        )

    @api.model
    @tools.ormcache()
    def _approval_move_gates(self):
        """Names of the move documents that are governed somewhere; from the cache of the registry.

        It is asked many times for each transfer, and forgotten together with the places that it rests on.
        """
        places = self.env["distribution.approval.activation"]._governed_places
        return tuple(name for name, document_type in self._approval_move_document_types() if places(document_type))

    @api.model
    def _approval_move_companies(self):
        """Ids of the companies in which any document of stock moves is governed, at a site or everywhere."""
        places = self.env["distribution.approval.activation"]._governed_places
        types = (document_type for _name, document_type in self._approval_move_document_types())
        return frozenset(company_id for document_type in types for company_id in places(document_type))

    @api.model
    def _approval_any_governs(self, company, sites):
        """Whether any document of stock moves is governed at one of ``sites`` of ``company``, or everywhere."""
        places = self.env["distribution.approval.activation"]._governed_places
        types = (document_type for _name, document_type in self._approval_move_document_types())
        governed = (places(document_type).get(company.id, NOWHERE) for document_type in types)
        return any(place is EVERYWHERE or not place.isdisjoint(sites.ids) for place in governed)

    @api.model
    def _approval_governed_moves(self, moves):
        """Those of ``moves`` that are concerned, and governed where they are."""
        concerned = self._approval_moves_concerned(moves.sudo())
        activation = self.env["distribution.approval.activation"]
        places = {
            company.id: activation._governed_sites(self._approval_type, company) for company in concerned.company_id
        }

        def governed(move):
            place = places.get(move.company_id.id, NOWHERE)
            return place is EVERYWHERE or (place and not place.isdisjoint(self._approval_sites_of_move(move).ids))

        return concerned.filtered(governed)

    @api.model
    def _approval_gate_moves(self, moves):
        """The documents of ``moves``, none of which is held.

        :raises UserError: which documents are held, and why
        """
        governed = self._approval_governed_moves(moves)
        if not governed:
            return self.browse()
        documents = self.browse(self._approval_documents_of(governed).ids)
        # The moves belong to their documents already: what one that is done was without them is not known.
        frame_of(self.env).touch(documents, changed=True)
        held = documents._approval_screen(self._approval_move_action)
        if held:
            raise UserError(held._approval_held_words())
        return documents

    @api.model
    def _approval_touch_moves(self, moves, changed=False):
        """The documents of ``moves`` that are done and about to be corrected (or ``changed`` already)."""
        governed = self._approval_governed_moves(moves)
        if not governed:
            return self.browse()
        documents = self.browse(self._approval_documents_of(governed).ids)
        frame_of(self.env).touch(documents, changed=changed)
        return documents

    def _approval_judge_result(self):
        """What has come about differs from what was judged: let policy judge it as it is.

        What policy does not pass is left to the review, which refuses it.
        """
        frame = frame_of(self.env)
        documents = self.sudo().filtered(lambda document: document._approval_is_guarded())
        if not documents:
            return
        # What waits to be written is written now: a later write is a change then.
        documents.flush_recordset()
        snapshots = documents._approval_snapshots()
        frame.judged.update({(document._name, document.id): snapshots[document.id] for document in documents})
        other = documents.filtered(
            lambda document: (
                (promise := frame.promises.get((document._name, document.id))) is None
                or promise.snapshot.digest != snapshots[document.id].digest
            )
        )
        if not other:
            return
        releases = self.env["distribution.approval.release"]._valid_for(other)
        other = other.filtered(
            lambda document: (
                not any(release._covers(snapshots[document.id]) for release in releases.get(document.id, ()))
            )
        )
        if not other:
            return
        uses = self.env["distribution.approval.fast.path.use"]
        judgements = uses._take(other, other._approval_verdicts(), snapshots)
        passed = other.filtered(lambda document: judgements[document.id].verdict.outcome == "pass")
        for document in passed:
            snapshot, judgement = snapshots[document.id], judgements[document.id]
            kind = "fast_path" if judgement.fast_path else "policy"
            values = document._approval_release_values(judgement, snapshot, kind)
            frame.promises[document._name, document.id] = Promise(snapshot, values)
        if passed:
            passed._approval_set_state("passed")

    def _approval_held_words(self):
        """Which of these documents are held, and why; one per line."""
        return "\n".join(
            _(
                "%(document)s is held: %(why)s",
                document=document._approval_name(),
                why=document._approval_held_because(),
            )
            for document in self.sudo()
        )

    def _approval_held_because(self):
        """Why this document is held, in a sentence."""
        self.ensure_one()
        request = self.sudo().approval_request_id
        rules = request.snapshot_id._rule_summary() if request.snapshot_id else ""
        waits = _("waits for %s", request.waiting_for) if request.waiting_for else ""
        words = [word for word in (request.reason, rules, waits) if word]
        return "; ".join(words) or _("policy does not pass it.")


@contextmanager
def moves_gated(moves, settled=("done",)):
    """``moves`` are done inside: ask their documents first, and look at the result.

    :param settled: states of moves that nothing happens to
    """
    names = moves.env["distribution.approval.move.document"]._approval_move_gates()
    if not names:
        yield
        return
    with gate_frame(moves.env) as frame:
        fresh = moves.filtered(lambda move: move.id not in frame.moving and move.state not in settled)
        asked = [moves.env[name]._approval_gate_moves(fresh) for name in names] if fresh else []
        frame.moving.update(fresh.ids)
        yield
        for documents in asked:
            documents._approval_judge_result()


@contextmanager
def moves_corrected(moves, changed=False):
    """What ``moves``, which are done, have moved is changed inside (or is ``changed`` already)."""
    names = moves.env["distribution.approval.move.document"]._approval_move_gates() if moves else ()
    if not names:
        yield
        return
    with gate_frame(moves.env):
        touched = [moves.env[name]._approval_touch_moves(moves, changed) for name in names]
        yield
        for documents in touched:
            if not changed:
                # A correction may make a move the business of documents that it was not before.
                documents |= documents._approval_touch_moves(moves, changed=True)
            documents._approval_judge_result()


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        with moves_gated(self, settled=("done", "cancel")):
            return super()._action_done(cancel_backorder=cancel_backorder)

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        with moves_corrected(moves.filtered(lambda move: move.state == "done"), changed=True):
            return moves

    def write(self, vals):
        if vals.get("state") != "done":
            with moves_corrected(self._approval_relinked(vals)):
                return super().write(vals)
        # What core makes of moves that are being done – back-orders, extra moves – it may say is done.
        by_hand = not frame_of(self.env).moving and self.filtered(lambda move: move.state != "done")
        with moves_gated(self):
            if by_hand:
                by_hand._approval_refuse_unmoved()
            return super().write(vals)

    def _approval_relinked(self, vals):
        """Those of these moves, which are done, for which ``vals`` may name another order."""
        if LINKS.isdisjoint(vals) or not self.env["distribution.approval.move.document"]._approval_move_gates():
            return self.browse()
        frame = frame_of(self.env)
        done = self.filtered(lambda move: move.state == "done")
        if not frame.moving.isdisjoint(done.ids):
            frame.judged.clear()
        return done.filtered(lambda move: move.id not in frame.moving)

    def _approval_refuse_unmoved(self):
        """Where moves are governed a move is done by moving its goods, whoever writes that it is."""
        if not self.env["distribution.approval.move.document"]._approval_move_gates():
            return
        raise UserError(
            _(
                "state: %s is done when its goods have been moved. Validate its transfer.",
                ", ".join(name for name in self.sudo().mapped("display_name") if name),
            )
        )


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _action_done(self):
        if self.env["distribution.approval.move.document"]._approval_move_gates() and any(
            not line.move_id for line in self
        ):
            raise UserError(_("These operations do not belong to a stock move: nobody could tell what governs them."))
        with moves_gated(self.move_id):
            return super()._action_done()

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        with moves_corrected(lines.filtered(lambda line: line.state == "done").move_id, changed=True):
            return lines

    def write(self, vals):
        if CORRECTIONS.isdisjoint(vals) or not self.env["distribution.approval.move.document"]._approval_move_gates():
            return super().write(vals)
        frame = frame_of(self.env)
        if frame.moving.issuperset(self.move_id.ids):
            frame.judged.clear()
            return super().write(vals)
        with moves_corrected(self.move_id.filtered(lambda move: move.state == "done")):
            return super().write(vals)


class StockPicking(models.Model):
    _inherit = "stock.picking"

    def write(self, vals):
        if vals.get("state") != "done":
            return super().write(vals)
        with moves_gated(self.move_ids):
            self._approval_refuse_unmoved()
            return super().write(vals)

    def _approval_refuse_unmoved(self):
        """Where moves are governed a transfer is done when its goods have moved, whoever writes that it is."""
        if not self.env["distribution.approval.move.document"]._approval_move_gates():
            return
        for picking in self.sudo():
            states = set(picking.move_ids.mapped("state"))
            if "done" not in states or states - {"done", "cancel"}:
                raise UserError(
                    _("state: %s is done when its goods have been moved. Validate the transfer.", picking.name)
                )
