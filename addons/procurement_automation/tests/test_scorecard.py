"""Scorecards: from what nobody can edit; idle months are not scored; the tier follows, slowly."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.procurement_automation.engine import scorecard as engine

from .supplier_case import SupplierCase

LOGGER = "odoo.addons.procurement_automation.models.scorecard"


@tagged("post_install", "-at_install")
class TestScorecard(SupplierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"scorecard_kept": True, "scorecard_minimum": 1})
        cls.Card = cls.env["distribution.scorecard"]

    def _delivered(self, promised_later=0, arrives_later=0, quantity=100):
        """An order that was promised and received; days relative to the day asked for, which is today."""
        order, confirmation = self._asked()
        line = confirmation.line_ids
        today = fields.Date.today()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET asked_day = %s WHERE id = %s", (today, line.id)
        )
        line.invalidate_recordset()
        confirmation._answer("link", self._says(line, later=promised_later))
        picking = order.picking_ids
        picking.move_ids.write({"quantity": quantity, "picked": True})
        picking.with_context(
            skip_sms=True, skip_backorder=True, picking_ids_not_to_backorder=picking.ids
        ).button_validate()
        picking.sudo().move_ids.write({"date": fields.Datetime.now() + timedelta(days=arrives_later)})
        return order, confirmation

    def _card(self):
        """The card of the month, worked out as if the month after were almost over."""
        start = fields.Date.today().replace(day=1)
        self.Card._score_month(self.company, start, start + timedelta(days=62))
        return self.Card.search([("partner_id", "=", self.vendor.id), ("period_start", "=", start)])

    def test_on_time_against_the_first_promise(self):
        order, confirmation = self._delivered()
        card = self._card()
        self.assertEqual((card.on_time_in_full, card.on_time_in_full_of, card.fill_rate), (100, 1, 100))
        confirmation._answer("link", self._says(confirmation.line_ids, later=-400))
        order.order_line.write({"date_planned": fields.Datetime.now() + timedelta(days=300)})
        self.assertEqual(self._card().on_time_in_full, 100, "neither later promises nor edited dates count")

    def test_short_is_not_in_full(self):
        self._delivered(quantity=60)
        card = self._card()
        self.assertEqual((card.on_time_in_full, card.fill_rate), (0, 60))

    def _late(self, days=3, **values):
        """An order that was due some days ago, of which nothing came."""
        order, confirmation = self._asked(**values)
        due = fields.Date.today() - timedelta(days=days)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET asked_day = %s WHERE id = %s",
            (due, confirmation.line_ids.id),
        )
        confirmation.line_ids.invalidate_recordset()
        return order, confirmation, due

    def _card_of(self, day):
        start = day.replace(day=1)
        self.Card._score_month(self.company, start, start + timedelta(days=62))
        return self.Card.search([("partner_id", "=", self.vendor.id), ("period_start", "=", start)])

    def test_cancelling_what_is_late_does_not_make_it_good(self):
        order, confirmation, due = self._late()
        order.button_cancel()
        card = self._card_of(due)
        self.assertEqual((card.on_time_in_full, card.on_time_in_full_of, card.fill_rate), (0, 1, 0))
        self.assertTrue(confirmation.cancelled_at)

    def test_what_is_cancelled_before_it_is_due_is_not_due(self):
        order, _confirmation, due = self._late(days=0)
        order.button_cancel()
        self.assertFalse(self._card_of(due).on_time_in_full_of)

    def test_asking_anew_for_what_was_late_does_not_make_it_good(self):
        order, confirmation, due = self._late()
        order.button_cancel()
        order.button_draft()
        order.order_line.write({"date_planned": fields.Datetime.now() + timedelta(days=40)})
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        self.assertEqual((confirmation.state, confirmation.line_ids.asked_day), ("waiting", due))
        self.assertFalse(confirmation.cancelled_at)
        self.assertEqual(self._card_of(due).on_time_in_full_of, 1)

    def test_an_order_made_smaller_when_it_is_late_was_due_whole(self):
        order, confirmation, due = self._late()
        # as an amendment would, which somebody approved
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE purchase_order_line SET product_qty = 60, product_uom_qty = 60 WHERE order_id = %s", (order.id,)
        )
        self.env.invalidate_all()
        confirmation._order_changed()
        self.assertEqual((confirmation.line_ids.asked_quantity, confirmation.line_ids.owed_quantity), (60, 100))
        picking = order.sudo().picking_ids
        picking.move_ids.write({"quantity": 60, "picked": True})
        picking.with_context(
            skip_sms=True, skip_backorder=True, picking_ids_not_to_backorder=picking.ids
        ).button_validate()
        picking.sudo().move_ids.write({"date": fields.Datetime.to_datetime(due)})
        card = self._card_of(due)
        self.assertEqual((card.on_time_in_full, card.fill_rate), (0, 60))

    def test_a_price_list_that_is_edited_later_changes_no_card(self):
        contract = self.env["product.supplierinfo"].search(
            [("partner_id", "=", self.vendor.id), ("product_tmpl_id", "=", self.product.product_tmpl_id.id)]
        )
        order, confirmation = self._asked(lines=[(self.product, 10, 10.0)])
        self.assertEqual((confirmation.line_ids.contract, confirmation.line_ids.contract_price), ("price", 10.0))
        bill = self._billed(order, 12.0)
        self.assertEqual(self._card_of(bill.invoice_date).price_variance, 20)
        contract.sudo().write({"price": 12.0})
        self.assertEqual(self._card_of(bill.invoice_date).price_variance, 20)

    def _billed(self, order, price):
        picking = order.picking_ids
        picking.move_ids.write({"quantity": 10, "picked": True})
        picking.with_context(skip_sms=True, skip_backorder=True).button_validate()
        order.action_create_invoice()
        bill = order.sudo().invoice_ids  # an accountant posts it
        bill.invoice_date = fields.Date.today()
        bill.invoice_line_ids.price_unit = price
        bill.action_post()
        self.assertEqual(bill.state, "posted")
        return bill

    def test_idle_vendors_have_no_card(self):
        self.assertFalse(self._card())

    def _closed(self, month, score, scored=True):
        card = self.Card.create(
            {
                "partner_id": self.vendor.id,
                "company_id": self.company.id,
                "period_start": month,
                "period_end": month + timedelta(days=27),
                "state": "open",
                "score": score,
                "is_scored": scored,
            }
        )
        card._close()
        return card

    def test_the_tier_follows_slowly(self):
        self.vendor.vendor_risk_tier = "medium"
        months = [date(2026, number, 1) for number in range(1, 11)]
        self.assertEqual(self._closed(months[0], 80).tier, "low", "one bad month is none")
        self.assertEqual(self._closed(months[1], 0, scored=False).tier, "low", "an idle one is not counted")
        self.assertEqual(self._closed(months[2], 80).tier, "medium")
        self.assertEqual(self._closed(months[3], 40).tier, "high", "far below: at once")
        self.assertEqual((self.vendor.vendor_risk_tier, self.vendor.manual_risk_tier), ("high", "medium"))
        case = self.env["distribution.case"].search([("type_id.code", "=", "vendor_declines")])
        self.assertEqual(len(case), 1)
        for month in months[4:7]:
            card = self._closed(month, 95)
        self.assertEqual(card.tier, "medium")
        self.assertEqual(self.vendor.vendor_risk_tier, "medium")

    def test_the_stricter_one_counts(self):
        self._closed(date(2026, 1, 1), 20)
        self.assertEqual(self.vendor.scorecard_tier, "medium")
        self.vendor.with_user(self.compliance).sudo().write({"vendor_risk_tier": "low"})
        self.assertEqual((self.vendor.vendor_risk_tier, self.vendor.manual_risk_tier), ("medium", "low"))
        self.vendor.with_user(self.compliance).sudo().write({"vendor_risk_tier": "critical"})
        self.assertEqual(self.vendor.vendor_risk_tier, "critical")

    def test_a_risk_service_does_not_undo_the_card(self):
        self._closed(date(2026, 1, 1), 20)
        self.vendor.sudo()._set_vendor_standing(risk_tier="low")
        self.assertEqual((self.vendor.vendor_risk_tier, self.vendor.manual_risk_tier), ("medium", "low"))

    def test_contacts_of_a_scored_vendor_can_be_edited(self):
        self.env["res.partner"].create({"name": "Contact", "parent_id": self.vendor.id})
        self._closed(date(2026, 1, 1), 20)
        self.vendor.write({"website": "https://vendor.example"})
        self.assertEqual(self.vendor.child_ids.vendor_risk_tier, "medium")

    def test_nobody_moves_an_arrival(self):
        order, _confirmation = self._delivered()
        move = order.sudo().picking_ids.move_ids
        day = move.date
        people = self.buyer | self.manager | new_test_user(self.env, "t_keeper", "stock.group_stock_manager")
        for user in people:
            with self.assertRaises(AccessError):
                move.with_user(user).write({"date": day - timedelta(days=9)})
        with suppress(AccessError):  # 19.0 would move the goods along
            move.picking_id.with_user(people[-1]).write({"date_done": day - timedelta(days=9)})
        card = self._card()
        self.assertEqual((move.date, card.lead_time, card.discrepancy_rate_of), (day, 0, 0))
        self.company.scorecard_kept = False
        move.with_user(people[-1]).write({"date": day - timedelta(days=1)})

    def test_nobody_writes_cards(self):
        card = self._closed(date(2026, 1, 1), 20)
        for user in (self.buyer, self.manager, self.compliance, self.auditor):
            with self.assertRaises(AccessError):
                card.with_user(user).write({"score": 100})
            with self.assertRaises(UserError):
                card.with_user(user).unlink()
            for tier in ("low", False):
                with self.assertRaises(AccessError):
                    self.vendor.with_user(user).write({"scorecard_tier": tier})
        self.env.flush_all()
        for query in (
            "UPDATE distribution_scorecard SET score = 100 WHERE id = %s",
            "UPDATE distribution_scorecard SET state = 'open' WHERE id = %s",
            "DELETE FROM distribution_scorecard WHERE id = %s",
        ):
            with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self.env.cr.execute(query, [card.id])

    def test_the_job_twice(self):
        self._delivered()
        for _time in range(2):
            self.Card._cron_score()
        self.assertEqual(len(self.Card.search([("partner_id", "=", self.vendor.id), ("state", "=", "open")])), 1)

    def _failed_cases(self, prefix):
        return self.env["distribution.case"].search([("dedup_key", "=like", f"{prefix}%"), ("state", "=", "open")])

    def test_one_vendor_does_not_stop_the_others(self):
        order, _confirmation = self._delivered()
        bad = self.env["res.partner"].create(
            {"name": "Bad", "vendor_status": "approved", "supplier_rank": 1, "email": "bad@vendor.example"}
        )
        self._make_contract(bad, self.product, 10.0)
        other = self._order(vendor=bad, lines=[(self.product, 10, 10.0)], date_order=fields.Datetime.now())
        other.button_confirm()
        line = other.sudo().supplier_confirmation_ids.line_ids
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET asked_day = current_date WHERE id = %s", [line.id]
        )
        line.invalidate_recordset()
        plain = engine.parts_of

        def parts_of(key, *facts):
            if key == line.id:
                raise ValueError("not a number")
            return plain(key, *facts)

        with patch.object(engine, "parts_of", parts_of), mute_logger(LOGGER):
            self.Card._cron_score()
        cards = self.Card.search([("company_id", "=", self.company.id), ("state", "=", "open")])
        self.assertIn(self.vendor, cards.partner_id)
        self.assertNotIn(bad, cards.partner_id)
        case = self._failed_cases("scorecard_failed:")
        self.assertEqual((case.type_id.code, case.res_model, case.res_id), ("scorecard_failed", "res.partner", bad.id))
        self.Card._cron_score()
        self.assertEqual(case.state, "resolved")

    def test_one_company_does_not_stop_the_others(self):
        self._delivered()
        other = self.env["res.company"].create({"name": "First", "sequence": -1, "scorecard_kept": True})
        plain = type(self.Card)._deliveries

        def deliveries(cards, company, period, failed):
            if company == other:
                cards.env.cr.execute("SELECT 1 / 0")
            return plain(cards, company, period, failed)

        with patch.object(type(self.Card), "_deliveries", deliveries), mute_logger("odoo.sql_db", LOGGER):
            self.Card._cron_score()
        self.assertTrue(self.Card.search([("partner_id", "=", self.vendor.id), ("company_id", "=", self.company.id)]))
        case = self._failed_cases("scorecard_failed:")
        self.assertEqual((case.res_model, case.res_id, case.company_id), ("res.company", other.id, other))

    def test_a_card_that_cannot_be_closed_does_not_stop_the_others(self):
        others = self.env["res.partner"].create([{"name": "Bad"}, {"name": "Good"}])
        day = fields.Date.today().replace(day=1) - timedelta(days=40)
        cards = self.Card.create(
            [
                {
                    "partner_id": vendor.id,
                    "company_id": self.company.id,
                    "period_start": day.replace(day=1),
                    "period_end": day,
                    "state": "open",
                }
                for vendor in others
            ]
        )
        plain = type(self.Card)._tier_before

        def tier_before(card):
            if card.partner_id == others[0]:
                raise ValueError("no tier")
            return plain(card)

        batch = "odoo.addons.distribution_approval.models.approval_batch"
        with patch.object(type(self.Card), "_tier_before", tier_before), mute_logger(batch):
            self.Card._cron_score()
        self.assertEqual(cards.mapped("state"), ["open", "closed"])
        self.assertEqual(len(self._failed_cases("scorecard_not_closed:")), 1)
        self.Card._cron_score()
        self.assertEqual(cards.mapped("state"), ["closed", "closed"])
        self.assertFalse(self._failed_cases("scorecard_not_closed:"))

    def test_days_are_those_of_the_company(self):
        """It is still October in Chicago when November has begun in UTC."""
        order, _confirmation = self._delivered()
        self.company.resource_calendar_id.tz = "America/Chicago"
        night = datetime(2026, 11, 1, 3, 0)
        self.assertEqual(self.company._day_of(night), date(2026, 10, 31))
        october = self.company._moments_of(date(2026, 10, 1), date(2026, 10, 31))
        self.assertEqual(october, (datetime(2026, 10, 1, 5, 0), datetime(2026, 11, 1, 5, 0)))
        scored = []
        with (
            freeze_time(night),
            patch.object(
                type(self.Card), "_score_month", lambda cards, company, start, day, failed: scored.append((start, day))
            ),
        ):
            self.Card._cron_score()
        self.assertEqual(scored[-1], (date(2026, 10, 1), date(2026, 10, 31)))
        # Arrived in the evening of the day that was promised: in time, unless the site has another clock.
        line = order.sudo().supplier_confirmation_ids.line_ids
        evening = datetime.combine(line.asked_day + timedelta(days=1), datetime.min.time()) + timedelta(hours=3)
        order.sudo().picking_ids.move_ids.write({"date": evening})
        self.warehouse.partner_id.tz = False
        self.assertEqual([arrival.day for arrival in self.Card._arrivals_of(line)], [line.asked_day])
        self.warehouse.partner_id.tz = "UTC"
        self.assertEqual([arrival.day for arrival in self.Card._arrivals_of(line)], [evening.date()])
