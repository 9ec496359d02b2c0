"""Governed steps of a transfer: each is a document of its own, linked to the transfer.

One transfer can be governed by several of them – delivery hold, credit release, customer return,
transfer between sites. Each has its own policy, request and release; the transfer is validated when
none of them is held. Controlled: the delivery address, and how much of which product is moved.
Not controlled, because normal work changes them: lots, packages, locations inside the site, dates,
carrier, notes, and what is not picked (it goes on a back-order, which is judged by itself).
"""

from decimal import Decimal

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import UserError
from psycopg2 import sql

from odoo.addons.distribution_core.compat import asks_for, check_access

from ..engine import ControlledField, Unknown, as_decimal, seal
from ..models.approval_mixin import LIVE_STATES
from ..models.gate_frame import frame_of, gate_frame

#: Documents that nobody decides about any more, and that are not released.
TURNED_DOWN = ("refused", "rejected", "void")
#: Transfers that the nightly control looks at together.
BATCH = 500

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Partner", model="res.partner"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("quantity", "Quantity", "quantity"),
)


class PickingDocument(models.AbstractModel):
    """A governed step of one transfer.

    Beside what every governed document declares, it implements ``_approval_moves_concerned``,
    ``_approval_fact_specs``, ``_approval_facts`` and ``_approval_move_values``.
    """

    _name = "distribution.approval.picking.document"
    _description = "Governed Step of a Transfer"
    _inherit = ["distribution.approval.move.document"]
    _rec_name = "picking_id"
    _order = "id desc"

    _approval_watched = frozenset({"picking_id", "company_id"})
    _approval_controlled = frozenset({"picking_id", "company_id"})
    _approval_header = HEADER
    _approval_line = LINE
    #: Whether the nightly control looks for transfers that have no such document.
    _approval_finds_undocumented = False
    #: Which end of its moves is at the site whose goods they are.
    _approval_own_end = "location_id"

    picking_id = fields.Many2one("stock.picking", string="Transfer", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    partner_id = fields.Many2one(related="picking_id.partner_id")
    picking_type_id = fields.Many2one(related="picking_id.picking_type_id")
    state = fields.Selection(related="picking_id.state")

    _sql_constraints = [("picking_unique", "UNIQUE (picking_id)", "This transfer has its document already.")]

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_guarded_domain(self):
        return [("picking_id.state", "=", "done")]

    def _approval_is_guarded(self):
        """Something was moved: what is scrapped on the way does not count."""
        self.ensure_one()
        moves = self.sudo()._approval_moves()
        return any(move.state == "done" for move in moves)

    def _approval_is_cancelled(self):
        self.ensure_one()
        return self.sudo().picking_id.state == "cancel"

    def _approval_name(self):
        self.ensure_one()
        return self.picking_id.name

    def _approval_partner(self):
        return self.picking_id.partner_id.commercial_partner_id

    def _approval_owners(self):
        return self.picking_id.user_id | self.create_uid

    def _approval_site(self):
        """The site whose operation it is; where its goods are all at other sites, the first of these."""
        own, sites = self.picking_id.picking_type_id.warehouse_id, self._approval_goods_sites()
        return own if own in sites or not sites else sites[0]

    def _approval_sites(self):
        return self.picking_id.picking_type_id.warehouse_id | self._approval_goods_sites()

    @api.model
    def _approval_sites_of_move(self, move):
        """The operation's, and where the goods are: another site's operation takes them as well."""
        return super()._approval_sites_of_move(move) | self._approval_ends(move).warehouse_id

    def _approval_goods_sites(self):
        """The sites whose goods this document is about."""
        # Who decides reads the document, and need not read its moves to know where it belongs.
        sites = self._approval_ends(self.sudo()._approval_moves()).warehouse_id
        return sites.with_env(self.env)

    @api.model
    def _approval_ends(self, moves):
        """Where ``moves`` and their operations take the site's goods, or bring them."""
        return moves.mapped(self._approval_own_end) | moves.move_line_ids.mapped(self._approval_own_end)

    def _approval_confirmed_at(self):
        return self.picking_id.date_done

    def _approval_context(self):
        warehouse = self._approval_site()
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id)],
            "region_manager": [(warehouse.region_id, warehouse.region_id.manager_id)],
            "category_manager": [
                (category, category._approval_manager())
                for category in self._approval_moves().product_id.categ_id.sorted("id")
            ],
        }

    def _approval_check_asker(self):
        """Whoever may validate the transfer may ask; the document itself is nobody's to write."""
        check_access(self.env["stock.picking"].browse(self.sudo().picking_id.ids), "write")

    # ----------------------------------------------------------------- moves

    @api.model
    def _approval_documents_of(self, moves):
        bare = moves.filtered(lambda move: not move.picking_id)
        if bare:
            raise UserError(
                _(
                    "%(type)s: %(product)s cannot move from %(origin)s to %(destination)s without a transfer. "
                    "Put it on one and validate that.",
                    type=self._approval_label(),
                    product=bare[0].product_id.display_name,
                    origin=bare[0].location_id.display_name,
                    destination=bare[0].location_dest_id.display_name,
                )
            )
        pickings = moves.picking_id
        # Nobody has the right to write these documents: they follow from the transfers.
        documents = self.sudo().search([("picking_id", "in", pickings.ids)])
        missing = pickings - documents.picking_id
        return documents | self.sudo().create(
            [{"picking_id": picking.id, "company_id": picking.company_id.id} for picking in missing]
        )

    def _approval_moves(self):
        """The moves of the transfers that this document is about."""
        return self._approval_moves_concerned(self.picking_id.move_ids)

    def _approval_moved(self):
        """``{move: quantity in the unit of the product}`` that was moved, or is about to be."""
        self.ensure_one()
        moves = self._approval_moves()
        done = moves.filtered(lambda move: move.state == "done")
        live = done or moves.filtered(lambda move: move.state != "cancel")
        if not done:
            live = live.filtered("picked") or live
        moved = {}
        for move in live:
            quantity = move._get_picked_quantity() if move.picked and not done else move.quantity
            if not quantity and move.state == "draft":
                quantity = move.product_uom_qty
            if quantity:
                moved[move] = as_decimal(
                    move.product_uom._compute_quantity(quantity, move.product_id.uom_id, round=False)
                )
        return moved

    @api.model
    def _approval_move_values(self, moved):
        """``{move: value in company currency, or Unknown}`` of the quantities in ``moved``: at cost."""
        return {
            move: quantity * as_decimal(move.product_id.with_company(move.company_id).standard_price)
            for move, quantity in moved.items()
        }

    def _approval_amounts(self):
        moved = {document.id: document._approval_moved() for document in self}
        known = self._approval_move_values({move: quantity for own in moved.values() for move, quantity in own.items()})
        amounts = {}
        for document_id, own in moved.items():
            values = [known[move] for move in own]
            unknown = next((value for value in values if isinstance(value, Unknown)), None)
            # What is unknown is false.
            amounts[document_id] = sum(values, Decimal(0)) if unknown is None else unknown
        return amounts

    def _approval_snapshots(self):
        return {document.id: document._approval_snapshot() for document in self}

    def _approval_snapshot(self):
        self.ensure_one()
        quantities = {}
        for move, quantity in self._approval_moved().items():
            quantities[move.product_id] = quantities.get(move.product_id, Decimal(0)) + quantity
        return seal(
            self._approval_snapshot_header(),
            {
                str(product.id): {"product_id": product.id, "quantity": quantity}
                for product, quantity in quantities.items()
            },
        )

    def _approval_snapshot_header(self):
        """The controlled values of the header."""
        return {"company_id": self.company_id.id, "partner_id": self.picking_id.partner_id.id or None}

    def _approval_place_words(self, where):
        return self.env["product.product"].sudo().browse(int(where)).exists().display_name if where.isdigit() else ""

    # ------------------------------------------------------------- core flow

    def _approval_resume(self, action):
        """Validate the transfer; what is not picked goes on a back-order.

        Another document may still hold it: then its own approval carries on.
        """
        for document in self:
            picking = self.env["stock.picking"].browse(document.sudo().picking_id.id)
            picking.with_context(skip_backorder=True).button_validate()

    def _approval_form(self):
        return self.picking_id

    def _approval_waits_for_others(self):
        """Whether another document holds what this one has released."""
        self.ensure_one()
        return bool((self.sudo().picking_id._approval_documents() - [self]).held())

    def _approval_keep_live_requests(self, snapshots):
        """What held a transfer may be over: the customer paid, the hold was lifted. Then it goes on.

        What people rejected is asked anew.
        """
        asked = self.filtered(lambda document: document.approval_state in (*LIVE_STATES, "rejected", "refused"))
        judgements = asked._approval_verdicts() if asked else {}
        free = asked.filtered(lambda document: judgements[document.id].verdict.outcome == "pass")
        if free:
            free._approval_close_requests(_("Nothing holds it any more."))
            free._approval_set_state(False)
        anew = asked.filtered(
            lambda document: document.approval_state == "rejected" and judgements[document.id].turned_down
        )
        return super(PickingDocument, self - free - anew)._approval_keep_live_requests(snapshots)

    def _approval_review_open(self, frame):
        """Nothing was moved: what was promised did not come about, what is released stays so."""
        self.filtered(lambda document: (document._name, document.id) in frame.promises)._approval_set_state(False)

    # ----------------------------------------------------------- looking back

    @api.model
    def _approval_past_places(self):
        """SQL on the places ``source`` and ``destination`` of an operation: whether such a document is about it.

        A type that does not say so does not look back.
        """
        return sql.SQL("FALSE")

    @api.model
    def _approval_past_ids(self, companies, since, after=0, limit=None):
        for model in ("stock.picking", "stock.move.line", "stock.location", self._name):
            self.env[model].flush_model()
        self.env.cr.execute(
            sql.SQL(
                """SELECT picking.id
                     FROM stock_picking picking
                    WHERE picking.state = 'done' AND picking.company_id = ANY(%s) AND picking.date_done >= %s
                      AND picking.id > %s
                      AND NOT EXISTS (SELECT 1 FROM {document} document WHERE document.picking_id = picking.id)
                      AND EXISTS (SELECT 1
                                    FROM stock_move_line line
                                    JOIN stock_location source ON source.id = line.location_id
                                    JOIN stock_location destination ON destination.id = line.location_dest_id
                                   WHERE line.picking_id = picking.id AND line.state = 'done' AND line.quantity <> 0
                                     AND {places})
                 ORDER BY picking.id
                    LIMIT %s"""
            ).format(document=sql.Identifier(self._table), places=self._approval_past_places()),
            (companies.ids, since, after, limit),
        )
        return [picking_id for (picking_id,) in self.env.cr.fetchall()]

    @api.model
    def _approval_past_rows(self, source_ids):
        """Who validated a transfer is not recorded."""
        return [
            {
                "picking_id": picking.id,
                "company_id": picking.company_id.id,
                "create_uid": None,
                "create_date": picking.date_done,
            }
            for picking in self.env["stock.picking"].browse(source_ids)
        ]

    def _approval_facts_of_past(self, names):
        self._approval_prefetch_past()
        return super()._approval_facts_of_past(names)

    def _approval_prefetch_past(self):
        """Read what the facts look at for all of very many transfers at once, not one by one."""
        moves = self.picking_id.move_ids
        places = moves.location_id | moves.location_dest_id | moves.move_line_ids.location_id
        (places | moves.move_line_ids.location_dest_id).mapped("usage")
        moves.product_id.uom_id.mapped("rounding")
        moves.product_id.product_tmpl_id.mapped("name")
        moves.product_id.categ_id._approval_prefetch_parents()

    # --------------------------------------------------------------- control

    @api.model
    def _approval_undocumented(self, companies):
        """Transfers done since governance began that nobody asked about; in batches of 500."""
        activations = (
            self.env["distribution.approval.activation"]
            .sudo()
            .search([("document_type", "=", self._approval_type), ("state", "in", ("active", "ending"))])
        )
        found = self.env["stock.picking"].sudo()
        for company in activations.company_id.filtered(lambda company: company.id in companies):
            since = min(activations.filtered(lambda a, company=company: a.company_id == company).mapped("confirmed_at"))
            self.flush_model()
            self.env["stock.picking"].flush_model()
            self.env.cr.execute(
                sql.SQL(
                    """SELECT picking.id
                         FROM stock_picking picking
                        WHERE picking.state = 'done' AND picking.company_id = %s AND picking.date_done >= %s
                          AND NOT EXISTS (SELECT 1 FROM {} document WHERE document.picking_id = picking.id)
                     ORDER BY picking.id"""
                ).format(sql.Identifier(self._table)),
                (company.id, since),
            )
            ids = [picking_id for (picking_id,) in self.env.cr.fetchall()]
            for start in range(0, len(ids), BATCH):
                moves = found.browse(ids[start : start + BATCH]).move_ids.filtered(lambda move: move.state == "done")
                found |= self._approval_governed_moves(moves).picking_id
        return found


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _find_ungated(self, model, companies):
        """Beside documents without a release: transfers that never got a document at all."""
        found = super()._find_ungated(model, companies)
        if not getattr(model, "_approval_finds_undocumented", False):
            return found
        pickings = model._approval_undocumented(companies)
        for picking in pickings:
            self.env["distribution.case"].sudo()._open(
                "ungated_document",
                picking,
                _("Done without being asked: %s", picking.display_name),
                detail=_("%s governs it, and was not asked when it was done.", model._approval_label()),
                dedup_key=f"ungated:{model._name}:picking:{picking.id}",
            )
        return found + len(pickings)


class PickingDocuments(tuple):
    """Documents of different models that govern transfers."""

    def __sub__(self, others):
        known = {(document._name, document.id) for document in others}
        return PickingDocuments(each for each in self if (each._name, each.id) not in known)

    def by_model(self):
        """``[(model name, its documents)]``."""
        found = {}
        for document in self:
            found[document._name] = found.get(document._name, document.browse()) | document
        return list(found.items())

    def held(self):
        """Those that wait for a decision, or were turned down."""
        return PickingDocuments(each for each in self if each.approval_state in (*LIVE_STATES, *TURNED_DOWN))


class StockPicking(models.Model):
    _name = "stock.picking"
    _inherit = ["stock.picking", "distribution.approval.form.mixin"]

    approval_banner = fields.Html(compute="_compute_approval_banner", sanitize=False)
    approval_held = fields.Boolean(string="Held", compute="_compute_approval_banner", search="_search_approval_held")
    approval_turned_down = fields.Boolean(
        string="Turned Down", compute="_compute_approval_banner", search="_search_approval_turned_down"
    )
    approval_can_decide = fields.Boolean(compute="_compute_approval_banner")
    approval_can_withdraw = fields.Boolean(compute="_compute_approval_banner")
    approval_to_decide = fields.Boolean(
        string="Waiting for My Decision", compute="_compute_approval_banner", search="_search_approval_to_decide"
    )
    approval_request_count = fields.Integer(compute="_compute_approval_banner")

    # -------------------------------------------------------------- computes

    @api.model
    def _approval_document_models(self):
        """The models of documents that govern transfers."""
        return [
            self.env[name]
            for name, _type in self.env["distribution.approval.move.document"]._approval_move_document_types()
            if "picking_id" in self.env[name]._fields and self.env[name]._approval_holds_transfers
        ]

    @api.model
    def _approval_shown_models(self):
        return {model._name: "picking_id" for model in self._approval_document_models()}

    def _approval_documents(self):
        """The documents of these transfers, whatever their type; one query per type."""
        return PickingDocuments(
            document
            for model in self._approval_document_models()
            for document in model.sudo().search([("picking_id", "in", self.ids)], order="id")
        )

    @api.depends_context("uid")
    def _compute_approval_banner(self):
        documents, reasons = {}, {}
        known = self._approval_documents()
        for document in known:
            documents.setdefault(document.picking_id.id, []).append(document)
        for model, held in known.held().by_model():
            found = held._approval_banner_reasons()
            reasons.update({(model, document_id): words for document_id, words in found.items()})
        for picking in self:
            # As superuser for the present user: what they may decide and take back is asked of them.
            own = PickingDocuments(documents.get(picking.id, ()))
            held = own.held()
            requests = [document.approval_request_id for document in own if document.approval_request_id]
            picking.approval_held = any(document.approval_state in LIVE_STATES for document in held)
            picking.approval_turned_down = bool(held) and not picking.approval_held
            picking.approval_banner = (
                Markup("").join(
                    Markup("<div><b>%s</b> %s%s</div>")
                    % (
                        document._approval_label(),
                        "".join(f"{words.rstrip('.')}. " for words in reasons.get((document._name, document.id), ())),
                        request._banner(),
                    )
                    for document in held
                    if (request := document.approval_request_id)
                )
                or False
            )
            picking.approval_can_decide = any(request._my_task() for request in requests)
            picking.approval_to_decide = picking.approval_can_decide
            picking.approval_can_withdraw = any(request._may_withdraw(self.env.user) for request in requests)
            picking.approval_request_count = sum(document.approval_request_count for document in own)

    @api.model
    def _search_approval_held(self, operator, value):
        return self._approval_search([("approval_state", "in", LIVE_STATES)], operator, value)

    @api.model
    def _search_approval_turned_down(self, operator, value):
        """A document was turned down, or its release is void, and no other one is being decided."""
        live = ("!", *self._search_approval_held("=", True))
        positive = asks_for(operator, value)
        down = self._approval_search([("approval_state", "in", TURNED_DOWN)], "=", True)
        return ["&", *down, *live] if positive else ["!", "&", *down, *live]

    @api.model
    def _search_approval_to_decide(self, operator, value):
        return self._approval_search([("approval_to_decide", "=", True)], operator, value)

    @api.model
    def _approval_search(self, domain, operator, value):
        positive = asks_for(operator, value)
        # The documents tell ids of transfers only; the reader's own rules on these still hold.
        ids = {
            picking_id
            for model in self._approval_document_models()
            for picking_id in model.sudo().search(domain).picking_id.ids
        }
        return [("id", "in" if positive else "not in", list(ids))]

    # ------------------------------------------------------------- core flow

    def button_validate(self):
        """Validate what policy or people released; file requests for the rest.

        One held transfer does not stop the others of a batch.
        """
        if not self.env["distribution.approval.move.document"]._approval_move_gates():
            return super().button_validate()
        with gate_frame(self.env):
            held = self._approval_hold_back()
            ready = self - held
            result = super(StockPicking, ready).button_validate() if ready or not held else True
        return held._approval_tell(result) if held else result

    def _approval_hold_back(self):
        """Those of these transfers that a document holds; all their documents are asked at once."""
        held = self.browse()
        open_pickings = self.filtered(lambda picking: picking.state not in ("done", "cancel"))
        for name in self.env["distribution.approval.move.document"]._approval_move_gates():
            model = self.env[name]
            if "picking_id" not in model._fields or not model._approval_holds_transfers:
                continue
            moves = model._approval_governed_moves(open_pickings.move_ids)
            documents = model.browse(model._approval_documents_of(moves).ids) if moves else model
            # A transfer in which nothing is picked is left to core, which says so.
            documents = documents.filtered(lambda document: document.sudo()._approval_moved())
            frame_of(self.env).touch(documents)
            held |= self.browse(documents._approval_screen("button_validate").sudo().picking_id.ids)
        return held

    def _approval_tell(self, result):
        """Say which of these transfers are held, and why, unless there is more to do first."""
        words = "\n".join(document._approval_held_words() for document in self._approval_documents().held())
        for batch in self.batch_id:
            batch.message_post(body=_("Held, the others go on:\n%s", words))
        if result is not True or len(self) == 1:
            return result
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": _("%s transfers are held", len(self)),
                "message": words,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_cancel(self):
        result = super().action_cancel()
        if self.env["distribution.approval.move.document"]._approval_move_gates():
            for document in self.filtered(lambda picking: picking.state == "cancel")._approval_documents().held():
                document._approval_close_requests(_("The transfer was cancelled."))
                document._approval_set_state(False)
        return result

    # --------------------------------------------------------------- actions

    def action_approval_open(self):
        """Open the approval requests of these transfers."""
        documents = self._approval_documents()
        request_ids = [request_id for document in documents for request_id in document.approval_request_ids.ids]
        action = {
            "type": "ir.actions.act_window",
            "name": _("Approvals of %s", self[:1].name),
            "res_model": "distribution.approval.request",
            "view_mode": "tree,form",
            "domain": [("id", "in", request_ids)],
        }
        if len(request_ids) == 1:
            action.update(view_mode="form", res_id=request_ids[0])
        return action

    def action_approval_decide(self):
        """Open the task on this transfer that waits for the present user."""
        self.ensure_one()
        for document in self._approval_documents():
            if task := document.approval_request_id._my_task():
                return {
                    "type": "ir.actions.act_window",
                    "name": _("Decide"),
                    "res_model": "distribution.approval.task",
                    "res_id": task.id,
                    "view_mode": "form",
                }
        raise UserError(_("Nothing on %s waits for your decision.", self.display_name))

    def action_approval_withdraw(self):
        """The requester takes the requests back."""
        for document in self._approval_documents():
            request = document.approval_request_id
            if request and request._may_withdraw(self.env.user):
                request.with_env(self.env(su=False)).action_withdraw()
        return True
