"""A vendor that takes longer than agreed: told once, kept up to date, over when it is back; and what to do about it."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES

from .supplier_case import SupplierCase
from .test_buyer_workbench import Workbench

JOB = "procurement_automation.ir_cron_lead_time"


@tagged("post_install", "-at_install")
class TestLeadTimeDrift(Workbench, SupplierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.scorecard_kept = True
        cls.vendor.buyer_id = cls.buyer
        cls.Drift = cls.env["distribution.lead.time.drift"]
        cls.job = cls.env.ref(JOB)
        cls.prices = cls.env["product.supplierinfo"].search([("partner_id", "=", cls.vendor.id)])
        cls.prices.sudo().delay = 5

    def _came(self, days, product=None, **values):
        """An order of ``days`` ago, asked for by the lead time of the price list, whose goods come today."""
        order, confirmation = self._asked(lines=[(product or self.product, 10, 10.0)], **values)
        ordered = fields.Datetime.now() - timedelta(days=days)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation SET create_date = %s, asked_at = %s WHERE id = %s",
            (ordered, ordered, confirmation.id),
        )
        self.env.cr.execute(
            "UPDATE distribution_supplier_confirmation_line SET asked_day = %s WHERE confirmation_id = %s",
            (ordered.date() + timedelta(days=5), confirmation.id),
        )
        self.env.invalidate_all()
        picking = order.sudo().picking_ids  # on 19.0 who validates receipts reads what they are for
        picking.move_ids.write({"quantity": 10, "picked": True})
        picking.with_context(skip_sms=True, skip_backorder=True).button_validate()
        self.assertEqual(picking.state, "done")
        return order

    def _drift(self):
        return self.Drift.search([("partner_id", "=", self.vendor.id)])

    def _case(self):
        return self.env["distribution.case"].search([("type_id.code", "=", "lead_time_drift")])

    def _facts(self, drift, fact):
        events = self.env["distribution.event"].search(
            [("type", "=", f"distribution.lead_time.{fact}.v1"), ("res_id", "=", drift.id)]
        )
        return [json.loads(event.data) for event in events]

    def _slow(self, days=12, times=3):
        for _time in range(times):
            self._came(days)
        self.Drift._cron_watch()
        return self._drift()

    def test_told_once_and_kept_up_to_date(self):
        self.assertFalse(self._slow(times=2), "two arrivals say nothing")
        drift = self._slow(times=1)
        line = drift.line_ids
        self.assertEqual((line.product_id, line.agreed_days, line.taken_days, line.arrivals), (self.product, 5, 12, 3))
        case = self._case()
        self.assertEqual((case.user_id, case.res_model, case.res_id), (self.buyer, drift._name, drift.id))
        self.assertTrue(case.due_at)
        self.assertIn(self.product.display_name, case.description)
        self.assertEqual(len(self._facts(drift, "drifted")), 1)
        for _time in range(3):
            self._came(9, self.product_2)
        self.Drift._cron_watch()
        self.assertEqual((self._drift(), self._case()), (drift, case))
        self.assertEqual(drift.line_ids.product_id, self.product | self.product_2)
        self.assertIn(self.product_2.display_name, case.description)
        self.assertEqual(len(self._facts(drift, "drifted")), 1)

    def test_the_vendor_shows_it(self):
        drift = self._slow()
        contact = self.env["res.partner"].create({"name": "T desk", "parent_id": self.vendor.id})
        for partner in self.vendor, contact:
            seen = partner.with_user(self.buyer)
            self.assertEqual(seen.lead_time_drift_days, 7)
            action = seen.action_open_lead_time_drift()
            self.assertEqual(self.env[action["res_model"]].with_user(self.buyer).search(action["domain"]), drift)
        arch = self.env["res.partner"].with_user(self.buyer).get_view(view_type="form")["arch"]
        self.assertIn("action_open_lead_time_drift", arch)
        with self.assertRaises(AccessError):
            self.vendor.with_user(self.employee).read(["lead_time_drift_days"])

    def test_what_seldom_arrives_is_named_together(self):
        for product in self.product, self.product_2, self.product:
            self._came(12, product)
        self.Drift._cron_watch()
        line = self._drift().line_ids
        self.assertEqual((line.product_id.id, line.display_name), (False, "Other products, together"))
        self.assertIn(line.display_name, self._case().description)

    def test_in_time_is_no_drift(self):
        self.assertFalse(self._slow(days=8), "3 days are tolerated")
        self.company.lead_time_tolerance_days = 2
        self.Drift._cron_watch()
        self.assertTrue(self._drift())

    def test_over_when_it_delivers_as_agreed(self):
        drift = self._slow()
        case = self._case()
        for _time in range(7):
            self._came(5)
        self.Drift._cron_watch()
        self.assertEqual((drift.state, case.state), ("over", "resolved"))
        self.assertTrue(drift.ended_at)
        self.assertEqual(len(self._facts(drift, "recovered")), 1)
        self.assertFalse(self.vendor.with_user(self.buyer).lead_time_drift_days)
        again = self._slow(days=40, times=3) - drift
        self.assertEqual((again.state, len(self._case())), ("open", 2), "another drift is told anew")

    def test_a_case_that_was_closed_is_not_opened_again(self):
        drift = self._slow()
        self._case()._resolve("mended", "They promised to mend their ways.")
        self.Drift._cron_watch()
        self.assertEqual(drift.state, "open")
        self.assertFalse(self._case().filtered(lambda case: case.state in OPEN_STATES))

    def test_goods_that_arrive_wake_the_job(self):
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.job.id)])
        self._slow(times=2)
        woken = self.env["ir.cron.trigger"].search([("cron_id", "=", self.job.id)]) - triggers
        self.assertEqual(len(woken), 2)
        # The night's run was an hour ago, the next one is tomorrow: only those whose goods came are looked at.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_cron SET lastcall = now() AT TIME ZONE 'UTC' - interval '30 minutes', "
            "nextcall = now() AT TIME ZONE 'UTC' + interval '20 hours' WHERE id = %s",
            (self.job.id,),
        )
        self.job.invalidate_recordset()
        self._came(12)
        looked_at = []
        plain = type(self.Drift)._watch

        def watch(drifts, company, vendors=None, failed=None):
            looked_at.append((company, vendors))
            return plain(drifts, company, vendors, failed)

        with patch.object(type(self.Drift), "_watch", watch):
            self.Drift._cron_watch()
        self.assertEqual(dict(looked_at)[self.company], self.vendor)
        self.assertEqual(self._drift().state, "open")

    def test_companies_that_do_not_watch(self):
        self.company.lead_time_watched = False
        self.assertFalse(self._slow())

    def test_adjusting_the_price_list_ends_it(self):
        drift = self._slow()
        with self.assertRaises(AccessError):
            drift.with_user(self.buyer).action_adjust()
        drift.with_user(self.manager).action_adjust()
        price = self.prices.filtered(lambda price: price.product_tmpl_id == self.product.product_tmpl_id)
        self.assertEqual((price.delay, price.contract_state), (12, "contract"))
        self.assertEqual((self.prices - price).mapped("delay"), [5])
        self.assertEqual((drift.state, self._case().state), ("over", "resolved"))
        self.assertEqual(
            self._facts(drift, "adjusted")[0]["products"], [{"product_id": self.product.id, "before": 5, "after": 12}]
        )

    def test_what_to_do_about_it_is_shown(self):
        drift = self._slow()
        rule = self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": self.product.id,
                "warehouse_id": self.warehouse.id,
                "product_min_qty": 5,
                "product_max_qty": 5,
            }
        )
        for method, record in (
            ("action_open_prices", self.prices.filtered(lambda one: one.product_tmpl_id in drift._templates())),
            ("action_open_rules", rule),
        ):
            action = getattr(drift.with_user(self.buyer), method)()
            self.assertEqual(self.env[action["res_model"]].search(action["domain"]), record)
        action = drift.with_user(self.buyer).action_open_suggestions()
        self.env[action["res_model"]].with_user(self.buyer).search(action["domain"])

    def test_on_the_workbench(self):
        drift = self._slow()
        case = self._case()
        item = self._seen(case)
        self.assertEqual(item["section"], "arrivals")
        self.assertEqual([act["label"] for act in item["acts"]], ["Resolve", "Open Document"], "buyers write no prices")
        self.assertEqual(self._press(item, "Open Document")["res_id"], drift.id)
        item = self._seen(case, self.manager, "all")
        self.assertTrue(item["acts"][0]["confirm"])
        self._press(item, "Adjust Lead Times", self.manager)
        self.assertEqual(drift.state, "over")

    def test_one_vendor_does_not_stop_the_others(self):
        other = self.env["res.partner"].create(
            {"name": "Other", "vendor_status": "approved", "supplier_rank": 1, "email": "other@vendor.example"}
        )
        self._make_contract(other, self.product, 10.0, delay=5)
        self._slow(times=3)
        self._drift().sudo()._end()
        plain = type(self.Drift)._follow

        def follow(drift, company, vendor, found):
            if vendor == other:
                raise ValueError("not a number")
            return plain(drift, company, vendor, found)

        for _time in range(3):
            self._came(12, vendor=other)
        logger = "odoo.addons.procurement_automation.models.scorecard"
        with patch.object(type(self.Drift), "_follow", follow), mute_logger(logger):
            self.Drift._cron_watch()
        self.assertEqual(self._drift().filtered(lambda one: one.state == "open").line_ids.arrivals, 3)
        case = self.env["distribution.case"].search([("type_id.code", "=", "lead_time_failed")])
        self.assertEqual((case.state, case.res_id), ("open", other.id))
        self.Drift._cron_watch()
        self.assertEqual(case.state, "resolved")

    def test_nobody_writes_drifts(self):
        drift = self._slow()
        administrator = new_test_user(self.env, "t_system", "base.group_system,purchase.group_purchase_manager")
        for user in (self.buyer, self.manager, self.auditor, administrator):
            with self.assertRaises(AccessError):
                drift.with_user(user).write({"state": "over"})
            with self.assertRaises(AccessError):
                drift.line_ids.with_user(user).write({"taken_days": 1})
            with self.assertRaises(AccessError):
                drift.with_user(user).unlink()

    def test_queries_do_not_grow_with_vendors(self):
        self._slow()
        vendors = self.env["res.partner"].create(
            [{"name": f"Vendor {number}", "vendor_status": "approved", "supplier_rank": 1} for number in range(8)]
        )
        for vendor in vendors:
            self._make_contract(vendor, self.product, 10.0, delay=5)

        def measured():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Drift._watch(self.company)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        measured()
        few = measured()
        for vendor in vendors:
            self._came(12, vendor=vendor)
        self.assertLessEqual(measured(), few + len(vendors) + 2)
