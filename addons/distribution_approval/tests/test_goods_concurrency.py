"""Two people count, scrap and move the same goods at the same instant: real connections."""

import uuid

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import storable_product_values

from .document_concurrency_case import DocumentConcurrencyCase


class GoodsConcurrencyCase(DocumentConcurrencyCase):
    """A company with two sites; the goods of each test are its own."""

    more_people = dict.fromkeys(("chief", "other_chief"), "stock.group_stock_manager")

    @classmethod
    def _make_goods(cls, env, company):
        warehouse = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
        branch = env["stock.warehouse"].create({"name": "Branch", "code": "BRN", "company_id": company.id})
        cls.stock_id, cls.branch_id = warehouse.lot_stock_id.id, branch.lot_stock_id.id
        cls.internal_type_id, cls.delivery_type_id = warehouse.int_type_id.id, warehouse.out_type_id.id

    def _goods(self, cost, categ_id=None):
        """Id of a product of which 100 pieces at ``cost`` are there."""
        with self.transaction("chief") as env:
            product = (
                env["product.product"]
                .sudo()
                .create(
                    {
                        "name": uuid.uuid4().hex,
                        "standard_price": cost,
                        "categ_id": categ_id or env["product.category"].sudo().create({"name": uuid.uuid4().hex}).id,
                        **storable_product_values(),
                    }
                )
            )
            move = env["stock.move"].create(
                self._move_values(env, product, 100, env.ref("stock.stock_location_customers").id, self.stock_id)
            )
            move._action_confirm()
            move.quantity = 100
            move.picked = True
            move._action_done()
            return product.id

    def _move_values(self, env, product, quantity, source_id, destination_id):
        return {
            **({"name": product.name} if "name" in env["stock.move"]._fields else {}),
            "product_id": product.id,
            "product_uom_qty": quantity,
            "location_id": source_id,
            "location_dest_id": destination_id,
            "company_id": self.company_id,
        }

    def _quant(self, env, product_id, location_id=None):
        return env["stock.quant"].search(
            [("product_id", "=", product_id), ("location_id", "=", location_id or self.stock_id)]
        )

    def _on_hand(self, env, product_id, location_id=None):
        return sum(self._quant(env, product_id, location_id).mapped("quantity"))


@tagged("post_install", "-at_install")
class TestGoodsConcurrency(GoodsConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env,
            "inventory_adjustment",
            ("Small", "pass", ("amount", "le", "500")),
            ("Large", "require", ("amount", "gt", "500")),
            ("Adds up", "require", ("adjustment_window_total", "gt", "700")),
        )

    def _counted(self, cost, count, categ_id=None):
        """Id of a committed count of ``count``; 100 pieces at ``cost`` should be there."""
        product_id = self._goods(cost, categ_id)
        with self.transaction("chief") as env:
            quant = self._quant(env, product_id)
            quant.with_context(inventory_mode=True).inventory_quantity = count
            return quant.id

    def _apply(self, quant_id):
        def apply(env):
            env["stock.quant"].with_context(inventory_mode=True).browse(quant_id).action_apply_inventory()
            return True

        return apply

    def _adjustments(self, env, quant_id):
        return env["distribution.inventory.adjustment.line"].search([("quant_ref", "=", quant_id)]).adjustment_id

    def test_two_apply_one_count(self):
        quant_id = self._counted(1, 90)
        self._at_once(("chief", self._apply(quant_id)), ("other_chief", self._apply(quant_id)))
        with self.transaction() as env:
            adjustment = self._adjustments(env, quant_id)
            self.assertEqual(len(adjustment), 1)
            self.assertEqual((adjustment.state, adjustment.approval_state), ("applied", "passed"))
            self.assertEqual(env["stock.quant"].browse(quant_id).quantity, 90)
            self.assertReleases(adjustment, ["policy"])

    def test_two_ask_for_one_count(self):
        quant_id = self._counted(100, 10)
        self._at_once(("chief", self._apply(quant_id)), ("other_chief", self._apply(quant_id)))
        with self.transaction() as env:
            adjustment = self._adjustments(env, quant_id)
            self.assertEqual(len(adjustment), 1)
            self.assertEqual(len(adjustment.approval_request_ids), 1)
            self.assertEqual(env["stock.quant"].browse(quant_id).quantity, 100)

    def test_small_ones_at_the_same_instant_add_up(self):
        with self.transaction() as env:
            categ_id = env["product.category"].create({"name": uuid.uuid4().hex}).id
        counts = [self._counted(10, 60, categ_id) for _n in range(2)]
        self._at_once(*((who, self._apply(quant_id)) for who, quant_id in zip(("chief", "other_chief"), counts)))
        with self.transaction() as env:
            states = sorted(self._adjustments(env, quant_id).approval_state for quant_id in counts)
            self.assertEqual(states, ["passed", "pending"], "one of them saw the other")


@tagged("post_install", "-at_install")
class TestScrapConcurrency(GoodsConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env, "scrap", ("Small", "pass", ("amount", "le", "500")), ("Large", "require", ("amount", "gt", "500"))
        )

    def _scrap(self, product_id, quantity):
        """Id of a committed scrap order that nobody has validated."""
        with self.transaction("chief") as env:
            values = {"product_id": product_id, "scrap_qty": quantity, "location_id": self.stock_id}
            return env["stock.scrap"].create(values).id

    def _validate(self, scrap_id, who="chief"):
        return self._press("stock.scrap", scrap_id, "action_validate", who)

    def _held(self, quantity=10):
        """(product, scrap order, task) of scrap that waits for the manager."""
        product_id = self._goods(100)
        scrap_id = self._scrap(product_id, quantity)
        with self.transaction("chief") as env:
            env["stock.scrap"].browse(scrap_id).action_validate()
        with self.transaction() as env:
            scrap = env["stock.scrap"].browse(scrap_id)
            self.assertEqual(scrap.approval_state, "pending")
            return product_id, scrap_id, self._task_of(scrap)

    def test_two_validate_one_scrap_order(self):
        product_id = self._goods(10)
        scrap_id = self._scrap(product_id, 20)
        self._at_once(self._validate(scrap_id), self._validate(scrap_id, "other_chief"))
        with self.transaction() as env:
            scrap = env["stock.scrap"].browse(scrap_id)
            self.assertEqual((scrap.state, scrap.approval_state), ("done", "passed"))
            self.assertEqual(self._on_hand(env, product_id), 80, "thrown away once")
            self.assertReleases(scrap, ["policy"])

    def test_two_ask_for_one_scrap_order(self):
        product_id = self._goods(100)
        scrap_id = self._scrap(product_id, 20)
        self._at_once(self._validate(scrap_id), self._validate(scrap_id, "other_chief"))
        with self.transaction() as env:
            scrap = env["stock.scrap"].browse(scrap_id)
            self.assertEqual((scrap.state, len(scrap.approval_request_ids)), ("draft", 1))
            self.assertEqual(self._on_hand(env, product_id), 100)

    def test_decided_while_it_is_edited(self):
        """What is thrown away is what was decided on, whoever was first."""
        product_id, scrap_id, task_id = self._held()
        with self.transaction() as env:
            seen = env["distribution.approval.task"].browse(task_id).digest

        def decide(env):
            return env["distribution.approval.task"].browse(task_id).action_decide("approve", seen)

        def edit(env):
            env["stock.scrap"].browse(scrap_id).scrap_qty = 90

        self._at_once(("manager", decide), ("chief", edit))
        with self.transaction() as env:
            scrap = env["stock.scrap"].browse(scrap_id)
            self.assertIn(self._on_hand(env, product_id), (100, 90))
            if scrap.state == "done":
                self.assertEqual((scrap.scrap_qty, self._on_hand(env, product_id)), (10, 90))
            else:
                self.assertEqual((scrap.scrap_qty, self._on_hand(env, product_id)), (90, 100))

    def test_released_once(self):
        """The approval carries on by itself, while somebody presses the button again."""
        product_id, scrap_id, task_id = self._held()
        self._at_once(("manager", self._decide(task_id)), self._validate(scrap_id))
        with self.transaction() as env:
            scrap = env["stock.scrap"].browse(scrap_id)
            self.assertEqual((scrap.state, scrap.approval_state), ("done", "released"))
            self.assertEqual(self._on_hand(env, product_id), 90)
            self.assertReleases(scrap, ["approval"])


@tagged("post_install", "-at_install")
class TestTransferConcurrency(GoodsConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env,
            "site_transfer",
            ("Small", "pass", ("amount", "le", "500")),
            ("Large", "require", ("amount", "gt", "500")),
            ("The source runs dry", "require", ("days_left", "lt", "20")),
        )

    def _transfer(self, product_id, quantity, destination_id=None, picking_type_id=None, ready=True):
        """Id of a committed transfer whose goods are reserved, or of a draft when it is not ``ready``."""
        with self.transaction("chief") as env:
            product = env["product.product"].browse(product_id)
            destination_id = destination_id or self.branch_id
            picking = env["stock.picking"].create(
                {
                    "picking_type_id": picking_type_id or self.internal_type_id,
                    "location_id": self.stock_id,
                    "location_dest_id": destination_id,
                    "move_ids": [
                        Command.create(self._move_values(env, product, quantity, self.stock_id, destination_id))
                    ],
                }
            )
            if ready:
                picking.action_confirm()
                picking.action_assign()
            return picking.id

    def _validate(self, picking_id, who="chief"):
        return self._press("stock.picking", picking_id, "button_validate", who)

    def _held(self, cost=100, quantity=10):
        product_id = self._goods(cost)
        picking_id = self._transfer(product_id, quantity)
        with self.transaction("chief") as env:
            env["stock.picking"].browse(picking_id).button_validate()
        with self.transaction() as env:
            document = env["stock.picking"].browse(picking_id).site_transfer_ids
            self.assertEqual(document.approval_state, "pending")
            return product_id, picking_id, self._task_of(document)

    def test_two_validate_one_transfer(self):
        product_id = self._goods(10)
        picking_id = self._transfer(product_id, 20)
        self._at_once(self._validate(picking_id), self._validate(picking_id, "other_chief"))
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual((picking.state, len(picking.site_transfer_ids)), ("done", 1))
            self.assertEqual(self._on_hand(env, product_id, self.branch_id), 20, "moved once")
            self.assertReleases(picking.site_transfer_ids, ["policy"])

    def test_what_nobody_has_reserved_adds_up(self):
        """70 are there, one a day is sold: 35 may leave, not 35 twice."""
        product_id = self._goods(1)
        with self.transaction("chief") as env:
            product, customers = env["product.product"].browse(product_id), env.ref("stock.stock_location_customers")
            sold = env["stock.move"].create(self._move_values(env, product, 30, self.stock_id, customers.id))
            sold._action_confirm()
            sold.quantity = 30
            sold.picked = True
            sold._action_done()
        picking_ids = [self._transfer(product_id, 35, ready=False) for _number in range(2)]
        self._at_once(self._validate(picking_ids[0]), self._validate(picking_ids[1], "other_chief"))
        with self.transaction() as env:
            states = env["stock.picking"].browse(picking_ids).site_transfer_ids.mapped("approval_state")
            self.assertEqual(sorted(states), ["passed", "pending"], "one of them saw the other")
            self.assertEqual(self._on_hand(env, product_id), 35)

    def test_two_ask_for_one_transfer(self):
        product_id = self._goods(100)
        picking_id = self._transfer(product_id, 20)
        self._at_once(self._validate(picking_id), self._validate(picking_id, "other_chief"))
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual((picking.state, len(picking.site_transfer_ids)), ("assigned", 1))
            self.assertEqual(len(picking.site_transfer_ids.approval_request_ids), 1)

    def test_released_once(self):
        product_id, picking_id, task_id = self._held()
        self._at_once(("manager", self._decide(task_id)), self._validate(picking_id))
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual((picking.state, picking.site_transfer_ids.approval_state), ("done", "released"))
            self.assertEqual(self._on_hand(env, product_id, self.branch_id), 10)

    def test_rejected_while_it_is_validated_again(self):
        """Whoever was first: no goods leave, and nothing stays reserved for a transfer that was turned down."""
        product_id, picking_id, task_id = self._held()
        reject = self._decide(task_id, "reject", comment="They need it themselves")
        self._at_once(("manager", reject), self._validate(picking_id))
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            self.assertEqual(picking.site_transfer_ids.approval_state, "rejected")
            self.assertEqual(picking.state, "confirmed")
            self.assertEqual(self._on_hand(env, product_id), 100)
            self.assertEqual(self._quant(env, product_id).reserved_quantity, 0)

    def test_goods_of_a_held_transfer_are_delivered_at_the_same_instant(self):
        """Whoever was first: what is held is taken last, and not without saying so.

        A forced delivery that comes first takes from the other delivery, which nobody holds; one that
        comes second finds only the held goods.
        """
        product_id, picking_id, _task = self._held(quantity=60)
        with self.transaction("chief") as env:
            customers = env.ref("stock.stock_location_customers").id
        delivery_id = self._transfer(product_id, 40, customers, self.delivery_type_id)
        other_id = self._transfer(product_id, 30, customers, self.delivery_type_id)

        def force(env):
            picking = env["stock.picking"].browse(other_id)
            picking.move_ids.quantity = 30
            picking.move_ids.picked = True
            picking.button_validate()

        results = self._at_once(self._validate(delivery_id), ("other_chief", force))
        self.assertFalse([result for result in results if isinstance(result, UserError)], results)
        with self.transaction() as env:
            picking = env["stock.picking"].browse(picking_id)
            left, kept = self._on_hand(env, product_id), picking.move_ids.quantity
            self.assertLessEqual(left, 70, "the forced delivery went")
            self.assertEqual(kept, min(60, left))
            words = " ".join(picking.message_ids.mapped("body"))
            self.assertEqual("was taken" in words, kept < 60, words)


@tagged("post_install", "-at_install")
class TestReturnConcurrency(GoodsConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls.receipt_type_id = (
            env["stock.warehouse"].search([("company_id", "=", cls.company_id)], limit=1).in_type_id.id
        )
        cls._publish(
            env,
            "customer_return",
            ("Small", "pass", ("amount", "le", "500")),
            ("Large", "require", ("amount", "gt", "500")),
        )

    def _receipt(self, cost):
        """(product, receipt) of ten pieces that a customer sends back, committed and ready."""
        with self.transaction("chief") as env:
            product = (
                env["product.product"]
                .sudo()
                .create({"name": uuid.uuid4().hex, "standard_price": cost, **storable_product_values()})
            )
            customers = env.ref("stock.stock_location_customers").id
            receipt = env["stock.picking"].create(
                {
                    "picking_type_id": self.receipt_type_id,
                    "location_id": customers,
                    "location_dest_id": self.stock_id,
                    "move_ids": [Command.create(self._move_values(env, product, 10, customers, self.stock_id))],
                }
            )
            receipt.action_confirm()
            receipt.move_ids.quantity = 10
            receipt.move_ids.picked = True
            return product.id, receipt.id

    def test_two_receive_one_return(self):
        for cost, received, kinds in ((10, 10, ["policy"]), (100, 0, [])):
            product_id, receipt_id = self._receipt(cost)
            self._at_once(
                *(self._press("stock.picking", receipt_id, "button_validate", who) for who in ("chief", "other_chief"))
            )
            with self.transaction() as env:
                document = env["stock.picking"].browse(receipt_id).customer_return_ids.ensure_one()
                self.assertEqual(self._on_hand(env, product_id), received)
                self.assertReleases(document, kinds)
                self.assertEqual(len(document.approval_request_ids), 0 if kinds else 1)
