"""Scrap orders under approval.

Guarded: done, and every move that scraps. Controlled: company, product, unit, quantity, source and
scrap location, lot, package, owner, transfer, cause, evidence, unit cost. Not controlled, because
normal work changes them: reference, source document, replenishment. What is scrapped without a scrap
order – a transfer or move to a scrap location – is refused, and says so.
"""

from decimal import Decimal

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import check_access

from ..engine import ControlledField, FactSpec, FactType, as_decimal, seal
from ..models.gate_frame import frame_of, gate_frame

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("picking_id", "Transfer", model="stock.picking"),
    ControlledField("evidence", "Evidence"),
    ControlledField("reason_id", "Cause", model="distribution.approval.reason"),
    ControlledField("amount", "Value", "amount"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("location_id", "From", model="stock.location"),
    ControlledField("scrap_location_id", "To", model="stock.location"),
    ControlledField("lot_id", "Lot/Serial Number", model="stock.lot"),
    ControlledField("package_id", "Package"),
    ControlledField("owner_id", "Owner", model="res.partner"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("unit_cost", "Unit Cost"),
    ControlledField("value", "Value", "amount"),
)


class StockScrap(models.Model):
    _name = "stock.scrap"
    _inherit = ["stock.scrap", "distribution.approval.move.document"]

    _approval_type = "scrap"
    _approval_guarded_states = ("done",)
    _approval_controlled = frozenset(
        {
            "company_id",
            "product_id",
            "product_uom_id",
            "scrap_qty",
            "location_id",
            "scrap_location_id",
            "lot_id",
            "package_id",
            "owner_id",
            "picking_id",
            "approval_reason_id",
            "approval_attachment_ids",
            "approval_unit_cost",
        }
    )
    _approval_watched = _approval_controlled | {"state", "move_ids"}
    _approval_header = HEADER
    _approval_line = LINE
    _approval_not_shown = frozenset({"company_id", "package_id", "owner_id", "evidence"})
    _approval_move_action = "action_validate"
    _approval_evidence_fields = ("approval_attachment_ids",)
    _approval_ask_action = "action_validate"
    _approval_holds_transfers = False

    approval_reason_id = fields.Many2one(
        "distribution.approval.reason",
        string="Cause",
        ondelete="restrict",
        domain=[("outcome", "=", "cause")],
        help="Why the goods are thrown away.",
    )
    approval_attachment_ids = fields.Many2many(
        "ir.attachment", "stock_scrap_approval_attachment_rel", string="Evidence", copy=False, help="Photos, reports."
    )
    approval_unit_cost = fields.Float(
        string="Sealed Unit Cost", digits=(16, 6), readonly=True, copy=False, help="Cost per unit when it was asked."
    )

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Scrap")

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount", "Value at cost", FactType.MONEY, unit="company currency", help="Quantity at unit cost."
                ),
                FactSpec("quantity", "Quantity", FactType.QUANTITY, help="In the unit of the product."),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Category of the product, with the categories above it.",
                ),
                FactSpec("lot_tracked", "Tracked by lot", FactType.FLAG),
                FactSpec("serial_tracked", "Tracked by serial number", FactType.FLAG),
                FactSpec("high_value", "High-value goods", FactType.FLAG),
                FactSpec("without_cost", "The product has no cost", FactType.FLAG),
                FactSpec(
                    "cause",
                    "Cause",
                    FactType.REFERENCE,
                    model="distribution.approval.reason",
                    optional=True,
                    help="Empty: none is given.",
                ),
                FactSpec("cause_missing", "No cause is given", FactType.FLAG),
                FactSpec("evidence", "Evidence is attached", FactType.FLAG),
                FactSpec("from_transfer", "Scrapped from a transfer", FactType.FLAG),
                FactSpec("site", "Site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_is_guarded(self):
        self.ensure_one()
        scrap = self.sudo()
        return scrap.state == "done" or any(move.state == "done" for move in scrap.move_ids)

    def _approval_is_cancelled(self):
        return False

    def _approval_site(self):
        return self.location_id.warehouse_id

    def _approval_owners(self):
        return self.create_uid

    def _approval_confirmed_at(self):
        return self.date_done

    def _approval_name(self):
        self.ensure_one()
        return self.name if self.name and self.name != _("New") else self.product_id.display_name

    def _approval_context(self):
        warehouse = self.location_id.warehouse_id
        category = self.product_id.categ_id
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id)],
            "region_manager": [(warehouse.region_id, warehouse.region_id.manager_id)],
            "category_manager": [(category, category._approval_manager())],
        }

    # ------------------------------------------------------ controlled values

    def _approval_pieces(self):
        """``{(product, from, to, lot, package, owner): quantity}``: moved, or about to be."""
        self.ensure_one()
        pieces = {}
        lines = self.move_ids.filtered(lambda move: move.state != "cancel").move_line_ids
        if lines:
            for line in lines:
                key = (
                    line.product_id,
                    line.location_id,
                    line.location_dest_id,
                    line.lot_id,
                    line.package_id,
                    line.owner_id,
                )
                pieces[key] = pieces.get(key, 0) + line._approval_quantity()
        else:
            key = (
                self.product_id,
                self.location_id,
                self.scrap_location_id,
                self.lot_id,
                self.package_id,
                self.owner_id,
            )
            pieces[key] = self.product_uom_id._compute_quantity(self.scrap_qty, self.product_id.uom_id, round=False)
        return {key: as_decimal(round(quantity, 6)) for key, quantity in pieces.items()}

    def _approval_cost(self, product=None):
        """The unit cost: as sealed when it was asked; of another product than the order's, what it is now."""
        self.ensure_one()
        if product and product != self.product_id:
            return self.env["distribution.approval.product.cost"]._unit_costs(product, self.company_id)[product.id]
        return as_decimal(self.approval_unit_cost)

    def _approval_seal_costs(self, again=False):
        """Seal what the goods cost; once, whatever the cost becomes while it is asked.

        :param again: other goods are to be scrapped
        """
        costs = self.env["distribution.approval.product.cost"]
        for company in self.company_id:
            scraps = self.filtered(
                lambda scrap, company=company: scrap.company_id == company and (again or not scrap.approval_state)
            )
            known = costs._unit_costs(scraps.product_id, company) if scraps else {}
            for scrap in scraps:
                cost = float(known[scrap.product_id.id])
                if scrap.approval_unit_cost != cost:
                    # The engine's own value: nobody edits it, and nobody is noted as its editor.
                    models.BaseModel.write(scrap.sudo(), {"approval_unit_cost": cost})

    def _approval_snapshots(self):
        return {scrap.id: scrap._approval_snapshot() for scrap in self}

    def _approval_snapshot(self):
        self.ensure_one()
        pieces = {key: (quantity, self._approval_cost(key[0])) for key, quantity in self._approval_pieces().items()}
        return seal(
            {
                "company_id": self.company_id.id,
                "picking_id": self.picking_id.id or None,
                "evidence": sorted(filter(None, self.approval_attachment_ids.sudo().mapped("checksum"))),
                "reason_id": self.approval_reason_id.id or None,
                "amount": sum((quantity * cost for quantity, cost in pieces.values()), Decimal(0)),
            },
            {
                "-".join(str(record.id or 0) for record in key): {
                    **{
                        name: record.id or None
                        for name, record in zip(
                            ("product_id", "location_id", "scrap_location_id", "lot_id", "package_id", "owner_id"), key
                        )
                    },
                    "quantity": quantity,
                    "unit_cost": cost,
                    "value": quantity * cost,
                }
                for key, (quantity, cost) in pieces.items()
            },
        )

    def _approval_amounts(self):
        return {
            scrap.id: sum(
                (quantity * scrap._approval_cost(key[0]) for key, quantity in scrap._approval_pieces().items()),
                Decimal(0),
            )
            for scrap in self
        }

    def _approval_has_value(self):
        """Goods without a cost have one all the same, nobody knows which."""
        self.ensure_one()
        return all(self._approval_cost(key[0]) for key in self._approval_pieces())

    def _approval_facts(self, names):
        amounts = self._approval_amounts()
        facts = {}
        for scrap in self:
            product, warehouse = scrap.product_id, scrap.location_id.warehouse_id
            read = {
                "amount": amounts[scrap.id],
                "quantity": sum(scrap._approval_pieces().values(), Decimal(0)),
                "categories": product.categ_id._approval_with_parents(),
                "lot_tracked": product.tracking == "lot",
                "serial_tracked": product.tracking == "serial",
                "high_value": product._is_high_value(),
                "without_cost": not scrap._approval_cost(),
                "cause": scrap.approval_reason_id.id or None,
                "cause_missing": not scrap.approval_reason_id,
                "evidence": bool(scrap.approval_attachment_ids),
                "from_transfer": bool(scrap.picking_id),
                "site": warehouse.id or None,
                "region": warehouse.region_id.id or None,
                "requester": self.env.uid,
            }
            facts[scrap.id] = {name: read[name] for name in {*names, "amount"}}
        return facts

    @api.model
    def _approval_name_of(self, field, value):
        if field == "evidence":
            return _("%s attached", len(value or ()))
        return super()._approval_name_of(field, value)

    def _approval_place_words(self, where):
        part = where.split("-")[0]
        return self.env["product.product"].sudo().browse(int(part)).exists().display_name if part.isdigit() else ""

    # ------------------------------------------------------------------ moves

    @api.model
    def _approval_moves_concerned(self, moves):
        return moves.filtered(
            lambda move: (
                move.scrap_id
                or any(
                    line.quantity
                    and line.location_id._approval_is_inside()
                    and line.location_dest_id._approval_is_scrap()
                    for line in move.move_line_ids
                )
            )
        )

    @api.model
    def _approval_sites_of_move(self, move):
        return (move.scrap_id.location_id | move.move_line_ids.location_id).warehouse_id

    @api.model
    def _approval_documents_of(self, moves):
        bare = moves.filtered(lambda move: not move.scrap_id)
        if bare:
            raise UserError(
                _(
                    "%(product)s cannot be scrapped by moving it to %(place)s. Make a scrap order for it: "
                    "what is within policy goes straight through, and for the rest an approval is requested.",
                    product=bare[0].product_id.display_name,
                    place=bare[0].move_line_ids.location_dest_id[:1].display_name,
                )
            )
        for move in moves:
            if move.product_id | move.move_line_ids.product_id != move.scrap_id.product_id:
                raise UserError(
                    _(
                        "scrap_id: %(scrap)s scraps %(product)s and nothing else.",
                        scrap=move.scrap_id._approval_name(),
                        product=move.scrap_id.product_id.display_name,
                    )
                )
        scraps = self.browse(moves.scrap_id.ids)
        scraps.sudo()._approval_seal_costs()
        return scraps

    def _approval_check_asker(self):
        check_access(self, "write")

    # ------------------------------------------------------------- core flow

    def action_validate(self):
        """Scrap what policy or people released; ask for the rest."""
        if not self._approval_governed():
            return super().action_validate()
        if set(self.mapped("state")) == {"done"}:
            return True  # somebody else was quicker: nothing is thrown away twice
        with gate_frame(self.env):
            # One frame around both: what passes here is not asked again, and uses a fast path once.
            if self._approval_asked("action_validate"):
                return self._approval_told()
            return super().action_validate()

    def do_scrap(self):
        """See action_validate; also without enough on hand, and from other applications.

        Core would throw away once more what is scrapped already.
        """
        governed = self._approval_governed()
        if not governed:
            return super().do_scrap()
        with gate_frame(self.env):
            over = governed.filtered(lambda scrap: scrap.state == "done")
            held = self._approval_asked("do_scrap")
            return super(StockScrap, self - held - over).do_scrap()

    def _approval_asked(self, action):
        governed = self.filtered(lambda scrap: scrap.state != "done")._approval_governed()
        if governed:
            governed._approval_before_asked()
        return governed._approval_screen(action)

    def _approval_before_asked(self):
        self.sudo()._approval_seal_costs()
        frame_of(self.env).touch(self)

    def _approval_told(self):
        """The form shows the hold."""
        return True

    def _approval_resume(self, action):
        for scrap in self:
            if action != "do_scrap" and not scrap.check_available_qty():
                raise UserError(
                    _(
                        "%s is not on hand any more in this quantity. Correct the scrap order.",
                        scrap.product_id.display_name,
                    )
                )
            with gate_frame(self.env):
                scrap.do_scrap()

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._approval_refuse_cost(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._approval_refuse_cost(vals)
        self._approval_refuse_scrapped(vals)
        if "product_id" not in vals or not self._approval_governed():
            return super().write(vals)
        with gate_frame(self.env):
            result = super().write(vals)
            self.sudo()._approval_seal_costs(again=True)
            return result

    def _approval_refuse_scrapped(self, vals):
        """The order of goods that are thrown away says what was thrown away, and goes on saying it."""
        changed = sorted(self._approval_controlled & vals.keys())
        done = self.filtered(lambda scrap: scrap.state == "done") if changed else self.browse()
        if done._approval_governed():
            raise UserError(
                _(
                    "%(field)s: %(scrap)s is done, and says what was thrown away. Make another scrap order.",
                    field=", ".join(changed),
                    scrap=done[0]._approval_name(),
                )
            )

    @api.model
    def _approval_refuse_cost(self, vals):
        if "approval_unit_cost" in vals:
            raise UserError(_("approval_unit_cost: the cost is sealed when the scrap order is asked about."))

    def _approval_refuse(self, frame, releases, snapshot):
        raise UserError(
            _(
                "%s cannot be scrapped like this: it needs a release by the approval policy first. Use the Validate "
                "button of its scrap order; what is within policy goes straight through, and for the rest an "
                "approval is requested. What is scrapped stays as it is.",
                self._approval_name(),
            )
        )
