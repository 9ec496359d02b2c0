"""Attacks on the state: every way to be in force without a release."""

import contextlib
import re
from pathlib import Path

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, PURCHASE_CONFIRMED_STATES

from ..models.gate_frame import gate_frame
from .attack_case import AttackCase

ADDON = Path(__file__).resolve().parents[1]

#: Ways in which Odoo code reads a context key.
CONTEXT_READ = re.compile(
    r"""context(?:\.get\(|\[)\s*["'](\w+)["']|["'](\w+)["']\s+(?:not\s+)?in\s+\S*context|with_context\(\s*(\w+)="""
)


def context_keys():
    """Every context key that the suite or the purchase applications read or set."""
    import odoo.addons.mail
    import odoo.addons.purchase
    import odoo.addons.purchase_stock
    import odoo.addons.stock

    places = [ADDON, ADDON.parent / "distribution_core"]
    for module in (odoo.addons.mail, odoo.addons.purchase, odoo.addons.purchase_stock, odoo.addons.stock):
        places.append(Path(module.__file__).resolve().parent)
    found = set()
    for place in places:
        for file in place.rglob("*.py"):
            if "tests" not in file.parts:
                for match in CONTEXT_READ.finditer(file.read_text()):
                    found.update(filter(None, match.groups()))
    return found - {"default_", "lang", "tz", "uid"}


#: So many keys of a context are tried together.
TOGETHER = 8


@tagged("post_install", "-at_install")
class TestAttacksOnState(AttackCase):
    def test_state_written_from_everywhere(self):
        for state in PURCHASE_CONFIRMED_STATES:
            draft, sent, held = self._order(1000), self._order(1000, state="sent"), self._held()
            cancelled = self._order(1000)
            cancelled.button_cancel()
            for order in (draft, sent, held, cancelled):
                for actor in (self.buyer, self.manager, self.env.ref("base.user_admin")):
                    with self.subTest(state=state, start=order.state, actor=actor.login):
                        with self._refused():
                            order.with_user(actor).write({"state": state})
                        with self._refused():
                            order.with_user(actor).update({"state": state})
                        with self._refused():
                            order.with_user(actor).sudo().write({"state": state})
                        with self._refused():
                            order.with_user(SUPERUSER_ID).write({"state": state})
                        self.assertNotInForce(order)
        # A detour over other states does not help; the button does.
        draft.write({"state": "to approve"})
        with self._refused():
            draft.write({"state": PURCHASE_CONFIRMED_STATES[-1]})
        draft.write({"state": "draft"})
        draft.button_confirm()
        self.assertEqual(draft.state, "purchase")

    def test_created_in_force(self):
        line = {"product_id": self.product.id, "product_qty": 1, "price_unit": 10, LINE_UOM: self.product.uom_id.id}
        values = {"partner_id": self.vendor.id, "order_line": [Command.create(line)]}
        orders = self.env["purchase.order"].with_user(self.buyer)
        for state in PURCHASE_CONFIRMED_STATES:
            for attempt in (
                lambda state=state: orders.create({**values, "state": state}),
                lambda state=state: orders.sudo().create({**values, "state": state}),
                lambda state=state: orders.with_context(default_state=state).create(values),
                lambda state=state: self._order(1000).copy({"state": state}),
                lambda state=state: orders.create([dict(values), {**values, "state": state}]),
            ):
                with self._refused():
                    attempt()
                    self._commit()
        self.assertEqual(orders.create(values).state, "draft")

    def test_imported_in_force(self):
        orders = self.env["purchase.order"].with_user(self.buyer)
        names = [
            "partner_id/.id",
            "state",
            "order_line/product_id/.id",
            "order_line/product_qty",
            "order_line/price_unit",
        ]
        row = [str(self.vendor.id), "draft", str(self.product.id), "1", "10"]
        before = orders.search_count([])
        for label in ("purchase", "Purchase Order"):
            with mute_logger("odoo.sql_db"):
                result = orders.load(names, [[row[0], label, *row[2:]]])
            self.assertFalse(result["ids"], result)
            self.assertTrue(result["messages"])
        self.assertEqual(orders.search_count([]), before)
        self.assertTrue(orders.load(names, [row])["ids"], "importing drafts works")
        # Updating by import.
        held = self._held()
        with mute_logger("odoo.sql_db"):
            result = orders.load([".id", "state"], [[str(held.id), "purchase"]])
        self.assertFalse(result["ids"])
        self.assertNotInForce(held)

    def test_buttons_on_a_held_order(self):
        order = self._held(31000)
        buttons = {"button_confirm", "button_approve", "button_done", "button_unlock", "button_lock"}
        for button in sorted(buttons):
            for actor in (self.buyer, self.manager, self.env.ref("base.user_admin")):
                method = getattr(order.with_user(actor), button, None)
                if not method:
                    continue
                with self.subTest(button=button, actor=actor.login):
                    try:
                        with self.env.cr.savepoint():
                            method()
                    except UserError:
                        pass
                    self.assertNotInForce(order)
        self.assertEqual(order.state, "to approve")
        with_force = order.with_user(self.manager)
        with_force.button_approve(force=True)
        self.assertNotInForce(order)
        self.assertEqual(len(order.sudo().approval_request_id), 1)
        # The legitimate way.
        self._decide(order, "Purchasing", self.manager)
        self._decide(order, "Finance", self.finance)
        self._decide(order, "Operations", self.operations)
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "purchase")

    def test_unlock_and_lock_are_normal_work_after_release(self):
        order = self._approved()
        manager = order.with_user(self.manager)
        if IS_17:
            manager.button_done()
            self.assertEqual(order.state, "done")
            manager.button_unlock()
        else:
            manager.button_lock()
            manager.button_unlock()
        self.assertEqual(order.state, "purchase")
        draft = self._order(1000)
        try:
            with self.env.cr.savepoint():
                draft.with_user(self.manager).button_unlock()
        except UserError:
            pass
        self._commit()
        self.assertNotInForce(draft)

    def test_one_held_order_does_not_fail_or_free_the_others(self):
        small, large, blocked = self._order(100), self._order(9000), self._order(100, vendor=self.blocked_vendor)
        (small | large | blocked).with_user(self.buyer).button_confirm()
        self.assertEqual(small.state, "purchase")
        self.assertNotInForce(large)
        self.assertNotInForce(blocked)

    def test_approval_state_is_not_writable(self):
        order = self._held()
        for name in ("approval_state", "approval_request_id", "approval_can_decide", "approval_to_decide"):
            try:
                with self.env.cr.savepoint():
                    order.write({name: "released" if name == "approval_state" else True})
            except (UserError, NotImplementedError, ValueError):
                pass
            self.assertEqual(order.approval_state, "pending")
        order.write({"approval_state": False})
        self.assertEqual(order.approval_state, "pending")
        for state in ("released", "passed", "baseline", "approved", "pending", "rejected"):
            forged = self.env["purchase.order"].with_user(self.buyer).with_context(default_approval_state=state)
            forged = forged.create(
                {
                    "partner_id": self.vendor.id,
                    "order_line": [
                        Command.create({"product_id": self.product.id, "product_qty": 900, "price_unit": 10})
                    ],
                }
            )
            self.assertFalse(forged.approval_state, "a client's default is not a decision")
            forged.button_confirm()
            self.assertNotInForce(forged)

    # ------------------------------------------------------------ going around

    def test_server_action_of_a_plain_user(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Force",
                "model_id": self.env.ref("purchase.model_purchase_order").id,
                "state": "code",
                "code": "record.write({'state': 'purchase'})",
            }
        )
        order = self._held()
        active = {"active_model": "purchase.order", "active_id": order.id, "active_ids": order.ids}
        with self._refused(), mute_logger("odoo.addons.base.models.ir_actions"):
            action.with_user(self.buyer).with_context(**active).run()
        action.code = "record.sudo().write({'state': 'purchase'})"
        with self._refused(), mute_logger("odoo.addons.base.models.ir_actions"):
            action.with_user(self.buyer).with_context(**active).run()
        self.assertNotInForce(order)
        action.code = "record.write({'origin': 'S1'})"
        action.with_user(self.buyer).with_context(**active).run()
        self.assertEqual(order.origin, "S1")

    def test_swallowing_the_refusal(self):
        """Whoever swallows the gate's error meets it again at the commit, and again."""
        order = self._held()
        with self._refused():
            with contextlib.suppress(UserError):
                order.write({"state": "purchase"})
            self.assertEqual(order.state, "purchase", "the attack got this far")
            self._commit()
        self.assertNotInForce(order)
        self._commit()  # an innocent transaction commits

    def test_swallowing_the_refusal_twice(self):
        """A savepoint runs the precommit hooks: the error that it raises can be swallowed as well."""
        order = self._held()
        with self._refused():
            with contextlib.suppress(UserError):
                order.write({"state": "purchase"})
            for _attempt in range(3):
                try:
                    with self.env.cr.savepoint():
                        pass
                except UserError:
                    pass
            self._commit()
        self.assertNotInForce(order)

    def test_swallowing_in_a_savepoint_game(self):
        order = self._held()
        with self._refused():
            with contextlib.suppress(UserError):
                order.write({"state": "purchase"})
            try:
                with self.env.cr.savepoint():
                    raise UserError("roll this back")
            except UserError:
                pass
            self._commit()
        self.assertNotInForce(order)

    def test_swallowing_the_refusal_and_trying_something(self):
        """A proposed amendment is tried and undone; that does not clear a document of suspicion."""
        order = self._held()
        with self._refused():
            with contextlib.suppress(UserError):
                order.write({"state": "purchase"})
            self.env["distribution.approval.amend"].with_user(self.buyer).create(
                {"res_model": "purchase.order", "res_id": order.id, "payload": '{"partner_ref": "x"}', "reason": "x"}
            )
            self._commit()
        self.assertNotInForce(order)

    def test_written_past_write_under_the_frame_of_another_order(self):
        """What a stored compute does: no write(), and the open frame knows nothing of this order."""
        released, mine = self._passed(), self._order(100)
        line = released.order_line
        with self._refused():
            with gate_frame(self.env):
                mine.write({"partner_ref": "x", "currency_id": mine.currency_id.id})
                line._write({"price_unit": 99})
                line.invalidate_recordset(flush=False)
            self._commit()
        self.assertContentKept(released)

    def test_released_and_rolled_back_to_a_plain_savepoint(self):
        """A savepoint that does not flush tells nobody when it is rolled back."""
        order = self._order(1000)
        self.env.flush_all()
        with self._refused():
            savepoint = self.env.cr.savepoint(flush=False)
            order.button_confirm()
            self.env.flush_all()
            savepoint.close(rollback=True)
            self.env.invalidate_all(flush=False)
            self.assertFalse(self._releases(order))
            with contextlib.suppress(UserError):
                order.write({"state": "purchase"})
            self._commit()
        self.assertNotInForce(order)

    def test_committing_in_the_middle_of_a_frame(self):
        order = self._held()
        reached = []
        with self._refused(), gate_frame(self.env):
            order.write({"state": "purchase"})
            self._commit()  # what a commit inside an override does
            reached.append("behind the commit")
        self.assertFalse(reached)
        self.assertNotInForce(order)

    def test_promise_of_another_content(self):
        """A promise for a small order, rolled back, does not let a large one through."""
        order = self._order(1000)
        with self._refused(), gate_frame(self.env):
            try:
                with self.env.cr.savepoint():
                    order.button_confirm()
                    raise UserError("roll this back")
            except UserError:
                pass
            order.order_line.product_qty = 9000
            order.write({"state": "purchase"})
        self.assertNotInForce(order)
        with self._refused(), gate_frame(self.env):
            order.button_confirm()
            order.order_line.product_qty = 9000
        self.assertNotInForce(order)
        with gate_frame(self.env):
            order.button_confirm()
        self.assertEqual(order.state, "purchase")

    # ------------------------------------------------------- what a client sends

    def _attempts(self, order, context):
        """What became of each way to force the order with this context; None: it is in force."""
        sent = order.with_user(self.buyer).with_context(**context)
        answers = []
        for method, arguments in (
            ("write", [{"state": "purchase"}]),
            ("button_confirm", []),
            ("button_approve", [True]),
        ):
            savepoint = self.env.cr.savepoint()
            try:
                getattr(sent, method)(*arguments)
                self._commit()
            except Exception as error:  # pylint: disable=broad-except
                # Whatever happens, it must not be in force.
                answers.append(re.sub(r"\d+", "#", f"{method}: {type(error).__name__}: {error}"))
            else:
                order.invalidate_recordset()
                is_in_force = order.state in PURCHASE_CONFIRMED_STATES or self._releases(order)
                answers.append(None if is_in_force else f"{method}: {order.state}, {order.approval_state}")
            finally:
                savepoint.close(rollback=True)
        return answers

    def test_context_keys_of_every_name_in_the_code(self):
        keys = context_keys()
        self.assertIn("mail_notrack", keys)
        self.assertIn("seen_digest", keys)
        # Keys that name records or models of core have to be of their own type.
        context = {key: True for key in keys if not key.startswith(("default_", "active_", "search_", "allowed_"))}
        context.update(
            dict.fromkeys(
                (
                    "force",
                    "bypass",
                    "skip_approval",
                    "approval_bypass",
                    "no_gate",
                    "su",
                    "sudo",
                    "tracking_disable",
                    "install_mode",
                    "import_file",
                    "distribution.approval.gate_frame",
                    "distribution.approval.suspects",
                ),
                True,
            )
        )
        order = self._order(9000)
        usual = self._attempts(order, {})
        self.assertFalse([answer for answer in usual if answer is None], "refused without any key")
        names = list(context)
        opened = []
        for start in range(0, len(names), TOGETHER):
            some = names[start : start + TOGETHER]
            # Several that change nothing change nothing by themselves either; any other answer is looked at one by one.
            if self._attempts(order, {name: context[name] for name in some}) != usual:
                opened += [name for name in some if None in self._attempts(order, {name: context[name]})]
        if None in self._attempts(order, context):
            opened.append("all of them")
        self.assertFalse(opened)
        order.button_confirm()
        self.assertEqual(order.state, "to approve")

    def test_context_keys_after_release(self):
        order = self._passed()
        for key in sorted(context_keys()):
            if key.startswith(("default_", "active_", "search_", "allowed_")):
                continue
            try:
                with self.env.cr.savepoint():
                    order.order_line.with_user(self.buyer).with_context(**{key: True}).write({"price_unit": 900})
            except Exception:  # pylint: disable=broad-except
                continue
            self.fail(f"context key {key} lets a price be edited after approval")
        self.assertContentKept(order)

    def test_defaults_in_the_context_forge_nothing(self):
        """``default_…`` keys reach every create() of a call, also those of the engine."""
        forged_decision = {
            "request_id": self._next_id("distribution_approval_request"),
            "round": 1,
            "user_id": self.manager.id,
            "outcome": "approve",
            "digest": "0" * 64,
            "decided_at": "2026-01-01 00:00:00",
        }
        forged_task = {
            "sequence": 1,
            "name": "Forged",
            "state": "approved",
            "quorum": 1,
            "user_ids": [Command.set(self.buyer.ids)],
        }
        context = {
            "default_state": "approved",
            "default_resume_state": "done",
            "default_approval_state": "released",
            "default_round": 7,
            "default_quorum": 0,
            "default_is_fallback": True,
            "default_decision_ids": [Command.create(forged_decision)],
            "default_task_ids": [Command.create(forged_task)],
            "default_participant_ids": [Command.set(self.employee.ids)],
            "default_closed_at": "2026-01-01 00:00:00",
            "default_kind": "baseline",
            "default_void_ref": 0,
            "default_contract_state": "contract",
            "default_tolerance_percent": 100,
            "default_tolerance_amount": 1e9,
        }
        order = self._order(5000)
        order.with_context(**context).button_confirm()
        self.assertNotInForce(order)
        request = order.sudo().approval_request_id
        self.assertEqual((request.state, request.resume_state, request.round), ("pending", False, 1))
        self.assertFalse(request.closed_at)
        self.assertEqual(request.task_ids.mapped("name"), ["Purchasing"])
        self.assertEqual(request.task_ids.quorum, 1)
        self.assertFalse(request.decision_ids, "a decision that nobody took")
        self.assertNotIn(self.employee, request.participant_ids)
        task = self._task(order, "Purchasing").with_user(self.manager)
        task.with_context(**context).action_decide("approve", task.digest)
        self.assertEqual(request.decision_ids.user_id, self.manager)
        self.assertEqual(self._releases(order).kind, "approval")
        self.assertEqual(self._releases(order).tolerance_percent, 2)
        self.assertTrue(self._resume(order))

    def _next_id(self, table):
        self.env.cr.execute(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}")  # pylint: disable=sql-injection
        return self.env.cr.fetchone()[0]

    # ------------------------------------------------------------- other company

    def test_confirmed_where_nothing_is_governed_and_moved(self):
        other = self.env["res.company"].create({"name": "Ungoverned"})
        self.buyer.write({"company_ids": [Command.link(other.id)]})
        order = self._order(9000)
        warehouse = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        env = {"allowed_company_ids": [other.id, self.company.id]}
        elsewhere = (
            self.env["purchase.order"]
            .with_user(self.buyer)
            .with_context(**env)
            .create(
                {
                    "partner_id": self.vendor.id,
                    "company_id": other.id,
                    "picking_type_id": warehouse.in_type_id.id,
                    "order_line": [
                        Command.create({"product_id": self.product.id, "product_qty": 900, "price_unit": 10})
                    ],
                }
            )
        )
        elsewhere.button_confirm()
        self.assertEqual(elsewhere.state, "purchase", "nothing is governed there")
        with self._refused():
            elsewhere.write({"company_id": self.company.id, "picking_type_id": order.picking_type_id.id})
        with self._refused():
            order.with_context(**env).write({"company_id": other.id, "state": "purchase"})
            order.with_context(**env).write({"company_id": self.company.id})
        self.assertNotInForce(order)
