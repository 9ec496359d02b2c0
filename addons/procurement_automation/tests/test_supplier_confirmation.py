"""Orders are confirmed: asked, answered, compared, applied; and what nobody may rewrite."""

import json
from datetime import timedelta
from unittest import skipIf

import psycopg2
from freezegun import freeze_time
from lxml import etree
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import IS_17, PURCHASE_ACKNOWLEDGED
from odoo.addons.procurement_automation.engine import Promise, Said

from .supplier_case import SupplierCase

LIST = "tree" if IS_17 else "list"


@tagged("post_install", "-at_install")
class TestSupplierConfirmation(SupplierCase):
    # ------------------------------------------------------------ asking

    def test_asked_when_released_by_whatever_door(self):
        order, confirmation = self._asked()
        self.assertEqual(
            (confirmation.state, confirmation.partner_id, confirmation.name), ("waiting", self.vendor, order.name)
        )
        self.assertEqual(confirmation.line_ids.mapped("asked_quantity"), [100])
        self.assertEqual(confirmation.link_ids.mapped("state"), ["to_send"], "no mail in the buyer's transaction")
        self.assertEqual(len(self._events(confirmation, "asked")), 1)
        held = self._order(5000)
        held.button_confirm()
        self.assertFalse(held.sudo().supplier_confirmation_ids, "held orders are not asked for")
        self._decide(held, "Purchasing", self.manager)
        self._resume(held)
        self.assertEqual(held.state, "purchase")
        self.assertEqual(held.sudo().supplier_confirmation_ids.state, "waiting")

    def test_not_asked(self):
        self.vendor.confirmation_wanted = "never"
        self.assertFalse(self._asked()[1])
        self.company.confirmation_asked = False
        self.vendor.confirmation_wanted = False
        self.assertFalse(self._asked()[1], "off for the company")
        self.vendor.confirmation_wanted = "always"
        self.assertTrue(self._asked()[1])

    def test_recorded_for_the_scorecard_without_asking(self):
        self.company.scorecard_kept = True
        self.vendor.confirmation_wanted = "never"
        order, confirmation = self._asked()
        self.assertEqual((confirmation.is_asked, confirmation.link_ids.ids), (False, []))
        self.assertFalse(self._events(confirmation, "asked"))
        self._at(confirmation, 3000)
        self.assertFalse(confirmation.reminders_sent or confirmation.activity_ids or confirmation.is_overdue)
        confirmation._answer("buyer", self._says(confirmation.line_ids))
        self.assertEqual(confirmation.state, "confirmed")

    def test_late_without_a_promise(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET asked_day = current_date - 5 WHERE id = %s", [line.id]
        )
        line.invalidate_recordset()
        for _time in range(2):
            self._at(confirmation, 0)
        self.assertEqual((line.late_day, line.checked_day), (line.asked_day, False))
        self.assertEqual(len(self._events(confirmation, "broken")), 1)

    def test_cancelled_and_back(self):
        order, confirmation = self._asked()
        _sent, path = self._send()
        self.assertTrue(path)
        order.button_cancel()
        self.assertEqual((confirmation.state, confirmation.link_ids.mapped("state")), ("cancelled", ["revoked"]))
        with self.assertRaises(UserError):
            confirmation._answer("link", self._says(confirmation.line_ids))
        order.button_draft()
        order.button_confirm()
        self.assertEqual((confirmation.state, len(order.sudo().supplier_confirmation_ids)), ("waiting", 1))

    # --------------------------------------------------------- answering

    def test_acknowledging_the_order_is_an_answer_that_a_buyer_enters(self):
        order, confirmation = self._asked()
        if IS_17:
            order._enter_acknowledgement()
        else:
            order.action_acknowledge()
        self.assertEqual((confirmation.state, confirmation.answer_ids.door), ("confirmed", "buyer"))
        self.assertTrue(order[PURCHASE_ACKNOWLEDGED])
        self.assertEqual(confirmation.line_ids.first_promised_day, confirmation.line_ids.asked_day)
        order._enter_acknowledgement()
        self.assertEqual(len(confirmation.answer_ids), 1, "once")

    @skipIf(IS_17, "orders have no such button")
    def test_what_odoo_acknowledges_by_itself_is_no_answer(self):
        order, confirmation = self._asked()
        order.sudo().action_acknowledge()
        self.assertTrue(order.acknowledged)
        self.assertEqual((confirmation.state, len(confirmation.answer_ids)), ("waiting", 0))

    def test_the_mean_answer_time_is_that_of_answers(self):
        """What is not answered yet has no answer time; it is counted apart."""
        answered, waiting = (self._asked()[1] for _number in range(2))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation SET asked_at = asked_at - interval '10 hours' WHERE id = %s",
            (answered.id,),
        )
        answered.invalidate_recordset()
        answered._answer("link", self._says(answered.line_ids))
        both = [("id", "in", (answered | waiting).ids)]
        ((hours, unanswered, number),) = self.Confirmation._read_group(
            both, [], ["answer_hours:avg", "unanswered:sum", "__count"]
        )
        self.assertAlmostEqual(hours, 10, 1)
        self.assertEqual((unanswered, number), (1, 2))
        views = self.Confirmation.get_views([(False, LIST), (False, "pivot")])["views"]
        # The list adds up what it reads: 0 hours of what is not answered.
        self.assertFalse(etree.fromstring(views[LIST]["arch"]).xpath("//field[@name='answer_hours'][@avg]"))
        measures = etree.fromstring(views["pivot"]["arch"]).xpath("//field[@type='measure']/@name")
        self.assertEqual(measures, ["answer_hours", "unanswered"])

    def test_as_ordered(self):
        order, confirmation = self._asked()
        day = order.order_line.date_planned.date()
        confirmation._answer("link", confirmation._said_as_ordered())
        self.assertEqual((confirmation.state, confirmation.is_acknowledged), ("confirmed", True))
        self.assertEqual((order.order_line.product_qty, order.order_line.date_planned.date()), (100, day))
        self.assertTrue(order[PURCHASE_ACKNOWLEDGED])
        self.assertFalse(confirmation.case_ids)
        self.assertEqual(confirmation.line_ids.first_promised_day, confirmation.line_ids.asked_day)

    def test_within_tolerance_is_applied_through_the_gate(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, 98, 2, 10.1))
        self.assertEqual(order.order_line.date_planned.date(), self._day(line, 2))
        self.assertEqual(order.picking_ids.move_ids.date_deadline.date(), self._day(line, 2), "receipts follow")
        request = order.sudo().approval_request_ids.filtered(lambda request: request.kind == "amendment")
        applied = (order.order_line.product_qty, order.order_line.price_unit) == (98, 10.1)
        self.assertTrue(applied or request, "changed by a release, or proposed")
        self.assertEqual(line.state, "confirmed" if applied else "proposed")
        self.assertNotIn(self.env.ref("base.user_root"), request.requester_id)

    def test_a_proposal_that_is_approved_confirms(self):
        order, confirmation = self._asked(lines=[(self.product, 240, 10.0)])
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, 252))
        request = order.sudo().approval_request_ids.filtered(lambda request: request.kind == "amendment")
        self.assertEqual((line.state, request.state, order.order_line.product_qty), ("proposed", "pending", 240))
        self.assertEqual(request.requester_id, self.buyer)
        task = request.task_ids.filtered(lambda task: task.state == "open")
        task.with_user(self.manager).action_decide("approve", task.digest)
        request._resume()
        self.assertEqual(order.order_line.product_qty, 252)
        self.assertEqual((line.state, confirmation.state), ("confirmed", "confirmed"))
        # The vendor corrects himself: as was asked for is not as the order is now.
        confirmation._answer("link", self._says(line, 240))
        self.assertEqual(line.state == "confirmed", order.order_line.product_qty == 240)

    def test_a_proposal_that_is_rejected_differs(self):
        order, confirmation = self._asked(lines=[(self.product, 240, 10.0)])
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, 252))
        request = order.sudo().approval_request_ids.filtered(lambda request: request.kind == "amendment")
        task = request.task_ids.filtered(lambda task: task.state == "open")
        task.with_user(self.manager).action_decide("reject", task.digest, comment="Too much")
        self.assertEqual(request.state, "rejected")
        self._at(confirmation, 0)
        self.assertEqual((line.state, confirmation.state, order.order_line.product_qty), ("differs", "differs", 240))
        self.assertTrue(line.hindrance)

    def test_insisting(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, 60))
        self._send()
        confirmation.with_user(self.buyer).action_ask_again()
        self.assertEqual((confirmation.state, line.state, order.order_line.product_qty), ("waiting", "waiting", 100))
        self.assertEqual(sorted(confirmation.link_ids.mapped("state")), ["sent", "to_send"])
        confirmation._answer("link", self._says(line, 60))
        self.assertEqual(line.state, "differs", "the same answer to a new question is an answer")

    def test_beyond_tolerance_is_a_case_and_a_later_day_is_true_all_the_same(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("portal", self._says(line, 60, 9, 12))
        self.assertEqual((order.order_line.product_qty, order.order_line.price_unit), (100, 10))
        self.assertEqual(order.order_line.date_planned.date(), self._day(line, 9))
        self.assertEqual((confirmation.state, line.state), ("differs", "differs"))
        case = self.env["distribution.case"].search([("dedup_key", "=", confirmation._case_key())])
        self.assertEqual((case.type_id.code, case.res_id), ("confirmation_differs", order.id))
        self.assertIn("60", case.description)
        confirmation._answer("portal", self._says(line))
        self.assertEqual((confirmation.state, case.state), ("confirmed", "resolved"), "taken back: the case is mended")
        self.assertEqual(order.order_line.date_planned.date(), self._day(line))

    def test_ask_first(self):
        self.company.confirmation_late_dates = "ask"
        order, confirmation = self._asked()
        line = confirmation.line_ids
        day = order.order_line.date_planned
        confirmation._answer("link", self._says(line, later=9))
        self.assertEqual((order.order_line.date_planned, line.state), (day, "differs"))
        confirmation.with_user(self.buyer).action_accept()
        self.assertEqual((order.order_line.date_planned.date(), line.state), (self._day(line, 9), "confirmed"))

    def test_impossible_days_are_never_applied(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        before = order.order_line.date_planned
        for later in (-400, 5000):
            confirmation._answer("link", self._says(line, later=later))
            self.assertEqual((order.order_line.date_planned, line.state), (before, "differs"))

    def test_a_promise_for_tonight_is_not_of_yesterday(self):
        """In London it is the next day already; who ordered is in New York."""
        self.buyer.tz = "America/New_York"
        with freeze_time("2027-02-11 02:00:00"):
            order, confirmation = self._asked()
        line = confirmation.line_ids
        self.assertEqual(str(line.asked_day), "2027-03-02")
        with freeze_time("2027-03-02 02:00:00"):
            confirmation._answer("link", self._says(line, later=-1))
        self.assertEqual(line.state, "confirmed")
        self.assertEqual(str(order.order_line._confirmation_day()), "2027-03-01")

    def test_rejected(self):
        order, confirmation = self._asked()
        confirmation._answer("link", self._says(confirmation.line_ids, rejected=True))
        self.assertEqual((confirmation.state, confirmation.line_ids.state), ("differs", "rejected"))
        case = self.env["distribution.case"].search([("dedup_key", "=", confirmation._case_key())])
        self.assertEqual(case.type_id.code, "confirmation_rejected")
        self.assertFalse(confirmation.line_ids.first_answered_at, "nothing was promised")

    def test_several_deliveries(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        said = {line: Said([Promise(60, self._day(line)), Promise(40, self._day(line, 2))])}
        confirmation._answer("link", said)
        self.assertEqual((line.state, line.promised_day), ("confirmed", self._day(line, 2)))
        self.assertEqual(line.promise_ids.mapped("quantity"), [60, 40])
        self.assertEqual(line.promise_ids.mapped("is_first"), [True, True])
        self.assertEqual(self._to_come(order), [(self._day(line), 60), (self._day(line, 2), 40)])
        self.assertEqual(
            order.order_line.date_planned.date(), self._day(line, 2), "the line is whole with its last part"
        )
        # Three parts now, of which the first one came; nothing is ordered twice.
        first = order.sudo().picking_ids.move_ids.sorted("date")[0]
        first.write({"quantity": 60, "picked": True})
        first.picking_id.with_context(skip_sms=True, skip_backorder=True).button_validate()
        days = [self._day(line), self._day(line, 1), self._day(line, 2)]
        confirmation._answer("link", {line: Said([Promise(70, days[0]), Promise(10, days[1]), Promise(20, days[2])])})
        self.assertEqual(self._to_come(order), list(zip(days, (10, 10, 20))))
        # All at once after all.
        confirmation._answer("link", self._says(line, later=1))
        self.assertEqual({day for day, _quantity in self._to_come(order)}, {days[1]})
        self.assertEqual(sum(order.sudo().order_line.move_ids.mapped("product_qty")), 100)

    def test_parts_that_somebody_receives_are_left_alone(self):
        order, confirmation = self._asked()
        line, move = confirmation.line_ids, order.sudo().picking_ids.move_ids
        move.write({"quantity": 30, "picked": True})
        confirmation._answer("link", {line: Said([Promise(60, self._day(line)), Promise(40, self._day(line, 2))])})
        self.assertEqual((order.sudo().picking_ids.move_ids, move.quantity, move.picked), (move, 30, True))

    def _to_come(self, order):
        moves = order.sudo().order_line.move_ids.filtered(lambda move: move.state not in ("done", "cancel"))
        self.assertEqual(set(moves.mapped("state")), {"assigned"})
        return [(move.date.date(), move.product_qty) for move in moves.sorted("date")]

    def test_in_part_and_the_same_again(self):
        order, confirmation = self._asked(lines=[(self.product, 50, 10.0), (self.product_2, 5, 100.0)])
        first = confirmation.line_ids[0]
        confirmation._answer("link", self._says(first))
        self.assertEqual((confirmation.state, confirmation.is_acknowledged), ("partial", False))
        self.assertFalse(confirmation._answer("link", self._says(first)), "nothing new")
        self.assertEqual(len(confirmation.answer_ids), 1)

    def test_nonsense_is_refused_in_words(self):
        _order, confirmation = self._asked()
        other = self._asked()[1].line_ids
        line = confirmation.line_ids
        for said in (
            {line: Said([Promise(-5)])},
            {line: Said()},
            {line: Said([Promise(10**12)])},
            {line: Said([Promise(1)], price=10**14)},
            {other: Said([Promise(1)])},
        ):
            with self.assertRaises(UserError):
                confirmation._answer("link", said)
        self.assertFalse(confirmation.answer_ids)

    # ------------------------------------------------- kept for ever, attacks

    def test_the_first_promise_is_kept(self):
        _order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line, later=1))
        confirmation._answer("link", self._says(line, later=12))
        self.assertEqual((line.first_promised_day, line.promised_day), (self._day(line, 1), self._day(line, 12)))
        self.env.flush_all()
        for query in (
            "UPDATE distribution_supplier_confirmation_line SET first_promised_day = '2030-01-01' WHERE id = %s",
            "UPDATE distribution_supplier_confirmation_line SET first_answered_at = NULL WHERE id = %s",
            "UPDATE distribution_supplier_promise SET day = '2030-01-01' WHERE line_id = %s",
            "DELETE FROM distribution_supplier_promise WHERE line_id = %s",
        ):
            with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self.env.cr.execute(query, [line.id])

    def test_nobody_writes_what_a_vendor_said(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        answer = confirmation._answer("link", self._says(line))
        for user in (self.buyer, self.manager, self.auditor, self.compliance):
            env = self.env(user=user)
            for record, values in (
                (confirmation, {"state": "confirmed"}),
                (line, {"first_promised_day": "2030-01-01"}),
                (line, {"promised_day": "2030-01-01"}),
                (answer, {"door": "buyer"}),
                (answer.promise_ids, {"quantity": 1}),
                (confirmation.link_ids, {"expires_at": "2090-01-01"}),
            ):
                with self.assertRaises(AccessError):
                    record.with_env(env).write(values)
                with self.assertRaises(UserError):
                    record.with_env(env).unlink()
            with self.assertRaises(AccessError):
                env["distribution.supplier.promise"].create(
                    {"answer_id": answer.id, "line_id": line.id, "quantity": 1, "is_first": True}
                )
            with self.assertRaises(AccessError):
                env["distribution.supplier.link"].create(
                    {
                        "confirmation_id": confirmation.id,
                        "purpose": "ask",
                        "state": "sent",
                        "created_at": fields.Datetime.now(),
                    }
                )
        with self.assertRaises(UserError):
            confirmation.unlink()

    def test_dates_that_buyers_edit_change_no_promise(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line))
        order.order_line.write({"date_planned": fields.Datetime.now() + timedelta(days=90)})
        self.assertEqual((line.asked_day, line.promised_day), (line.first_promised_day, line.first_promised_day))

    def test_buttons_are_for_buyers(self):
        _order, confirmation = self._asked()
        confirmation._answer("link", self._says(confirmation.line_ids, 10))
        for user in (self.auditor, self.employee):
            for name in ("action_accept", "action_ask_again", "action_revoke_links"):
                with self.assertRaises(AccessError):
                    getattr(confirmation.with_user(user), name)()
        self.assertEqual(confirmation.line_ids.state, "differs")

    def test_told_to_a_buyer(self):
        _order, confirmation = self._asked()
        wizard = (
            self.env["distribution.supplier.told"]
            .with_user(self.buyer)
            .with_context(default_confirmation_id=confirmation.id)
            .create({"note": "By phone"})
        )
        wizard.line_ids.quantity = 99
        wizard.action_enter()
        answer = confirmation.answer_ids
        self.assertEqual((answer.door, answer.user_ref, answer.promise_ids.quantity), ("buyer", self.buyer.id, 99))

    # --------------------------------------------------------- other doors

    def test_odoo_s_own_portal_and_get_link(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        if hasattr(order, "confirm_reminder_mail"):
            order.sudo().confirm_reminder_mail()
            self.assertFalse(order[PURCHASE_ACKNOWLEDGED], "opening a link confirms nothing")
        moment = order.order_line._convert_to_middle_of_day(self._day(line, 30))
        order.sudo()._update_date_planned_for_lines([(order.order_line, moment)])
        self.assertEqual((confirmation.answer_ids.door, line.promised_day), ("portal", self._day(line, 30)))
        self.assertEqual(line.state, "differs")
        self.assertFalse(self.env["purchase.order"]._get_orders_to_remind() & order)

    def test_a_change_of_the_order_asks_again(self):
        order, confirmation = self._asked()
        confirmation._answer("link", self._says(confirmation.line_ids))
        self._send()
        order.order_line.with_user(self.buyer).write({"product_qty": 101})
        self.assertEqual((confirmation.state, confirmation.line_ids.asked_quantity), ("waiting", 101))
        self.assertIn("to_send", confirmation.link_ids.mapped("state"))
        self.assertEqual(confirmation.line_ids.first_promised_quantity, 100)

    # ------------------------------------------------------------- the clock

    def _at(self, confirmation, hours):
        """Let the job run as if the question had been asked so many hours ago."""
        confirmation.write(
            {"asked_at": fields.Datetime.now() - timedelta(hours=hours), "next_step_at": fields.Datetime.now()}
        )
        self.Confirmation._cron_chase()

    def test_the_ladder(self):
        order, confirmation = self._asked()
        self._send()
        self._at(confirmation, 1)
        self.assertFalse(confirmation.reminders_sent)
        self._at(confirmation, 300)
        self.assertEqual(confirmation.reminders_sent, 1, "a job that was down takes one step")
        self._at(confirmation, 300)
        self.assertEqual(confirmation.reminders_sent, 1, "the next one comes after its own time")
        past = dict.fromkeys(("remind:1", "remind:2"), "2020-01-01T00:00:00")
        confirmation.write({"steps": json.dumps(past)})
        self._at(confirmation, 300)
        self.assertEqual(confirmation.activity_ids.user_id, self.buyer)
        confirmation.write({"steps": json.dumps({**past, "call:1": "2020-01-01T00:00:00"})})
        self._at(confirmation, 300)
        case = self.env["distribution.case"].search([("dedup_key", "=", confirmation._case_key())])
        self.assertEqual((case.type_id.code, confirmation.is_overdue), ("confirmation_overdue", True))
        self._at(confirmation, 300)
        self.assertEqual(len(self._events(confirmation, "overdue")), 1)
        confirmation._answer("link", self._says(confirmation.line_ids))
        self.assertEqual((case.state, confirmation.activity_ids.ids), ("resolved", []))

    def _quotation(self, **values):
        """As replenishment makes it: by the system, without a buyer."""
        order = self._order(user=self.env.ref("base.user_root"), user_id=False, **values).sudo()
        self.assertFalse(order.user_id)
        return order

    def test_the_system_is_no_buyer(self):
        """Somebody is alerted about every order; the nearest person counts."""
        order = self._quotation()
        order.with_user(self.other_buyer).button_confirm()
        self.assertEqual((order.user_id, order.supplier_confirmation_ids.user_id), (self.other_buyer, self.other_buyer))
        # Another one takes it over: the confirmation follows, and the call is theirs.
        order.user_id = self.buyer
        confirmation = order.supplier_confirmation_ids
        self.assertEqual(confirmation.user_id, self.buyer)
        past = dict.fromkeys(("remind:1", "remind:2"), "2020-01-01T00:00:00")
        confirmation.write({"steps": json.dumps(past)})
        self._at(confirmation, 300)
        self.assertEqual(confirmation.activity_ids.user_id, self.buyer)
        # The buyer of the vendor comes before whoever presses the button.
        self.vendor.buyer_id = self.other_buyer
        order = self._quotation()
        order.with_user(self.buyer).button_confirm()
        self.assertEqual(order.user_id, self.other_buyer)
        # Who left, or is no person, does not count.
        self.other_buyer.active = False
        order = self._quotation()
        order.with_user(self.buyer).button_confirm()
        self.assertEqual(order.user_id, self.buyer)

    def test_released_by_nobody(self):
        """The system releases: whoever accepted the proposal is asked, else who started the run, else nobody."""
        run = self.env["distribution.replenishment.run"].sudo().create({"user_id": self.other_buyer.id})
        proposal = self.env["distribution.replenishment.proposal"].sudo()
        for decided_by, buyer in ((self.buyer, self.buyer), (proposal.decided_by, self.other_buyer)):
            order = self._quotation()
            proposal.create(
                {
                    "run_id": run.id,
                    "company_id": self.company.id,
                    "product_id": self.product.id,
                    "location_id": self.warehouse.lot_stock_id.id,
                    "verdict": "review",
                    "state": "ordered",
                    "decided_by": decided_by.id,
                    "purchase_line_id": order.order_line.id,
                }
            )
            order.button_confirm()
            self.assertEqual(order.user_id, buyer)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.vendor.buyer_id = new_test_user(
            self.env,
            login="t_buyer_elsewhere",
            groups="purchase.group_purchase_user",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        order = self._quotation()
        order.button_confirm()
        confirmation = order.supplier_confirmation_ids
        self.assertFalse(order.user_id)
        confirmation.write({"steps": json.dumps(dict.fromkeys(("remind:1", "remind:2"), "2020-01-01T00:00:00"))})
        self._at(confirmation, 300)
        self.assertFalse(confirmation.activity_ids, "no to-do that nobody reads")
        case = self.env["distribution.case"].search([("dedup_key", "=", confirmation._case_key())])
        self.assertEqual((case.type_id.code, case.user_id.ids), ("confirmation_overdue", []))
        # Asked again, it is not overdue any more.
        confirmation.with_user(self.buyer).action_ask_again()
        self.assertFalse(confirmation.is_overdue)

    def test_asked_again_and_late(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        confirmation._answer("link", self._says(line))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET promised_at = promised_at - interval '30 days', "
            "promised_day = current_date + 1 WHERE id = %s",
            [line.id],
        )
        line.invalidate_recordset()
        self._at(confirmation, 0)
        self.assertEqual((line.checked_day, line.late_day), (line.promised_day, False))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET promised_day = current_date - 3 WHERE id = %s",
            [line.id],
        )
        line.invalidate_recordset()
        for _time in range(2):
            self._at(confirmation, 0)
        self.assertEqual(line.late_day, line.promised_day)
        case = self.env["distribution.case"].search([("dedup_key", "=", line._late_key())])
        self.assertEqual((case.type_id.code, len(self._events(confirmation, "broken"))), ("arrival_late", 1))

    def test_closed_when_everything_arrived(self):
        order, confirmation = self._asked()
        confirmation._answer("link", self._says(confirmation.line_ids))
        picking = order.picking_ids
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty
            move.picked = True
        picking.with_context(skip_sms=True).button_validate()
        self._at(confirmation, 0)
        self.assertEqual(confirmation.state, "closed")

    def test_without_mail_address(self):
        self.vendor.email = False
        _order, confirmation = self._asked()
        sent, _path = self._send()
        self.assertEqual((len(sent), confirmation.link_ids.state), (0, "failed"))
        case = self.env["distribution.case"].search([("dedup_key", "=", f"supplier_link:{confirmation.id}")])
        self.assertEqual(case.type_id.code, "confirmation_not_sent")
