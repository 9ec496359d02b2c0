"""What a buyer finds in the morning: half a year with the vendors of the winter range, and the night before."""

from collections import defaultdict

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, tagged

from odoo.addons.distribution_core.compat import IS_17
from odoo.addons.procurement_automation.engine.forecast_methods import is_available
from odoo.addons.procurement_automation.models.buyer_workbench import SECTION_OF_CASE
from odoo.addons.procurement_automation.models.procurement_run import LIVE

from ..engine import procurement_cases as cases
from ..engine import winter_range


class ProcurementDemo(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}
        keys = [order.key for order in cases.PRESENT]
        cls.orders = {order.origin: order for order in cls.env["purchase.order"].search([("origin", "in", keys)])}
        cls.vendors = {
            vendor.ref: vendor
            for vendor in cls.env["res.partner"].search(
                [("ref", "in", [vendor.key for vendor in winter_range.VENDORS])]
            )
        }

    def _confirmation(self, key):
        return self.orders[key].supplier_confirmation_ids

    def _workbench(self, login, scope="mine"):
        return self.env["distribution.buyer.workbench"].with_user(self.users[login]).load(scope)


@tagged("post_install", "-at_install")
class TestWorkbench(ProcurementDemo):
    def test_each_section_has_something(self):
        found = defaultdict(int)
        for login in ("buyer", "buyer_branch"):
            for section in self._workbench(login)["sections"]:
                found[section["name"]] += section["count"]
        empty = {name for name, count in found.items() if not count}
        self.assertEqual(empty, set() if is_available() else {"demand"})

    def test_customers_who_wait_come_first(self):
        shown = self._workbench("buyer")["items"]
        self.assertEqual((shown[0]["level"], shown[0]["buyer"]), ("urgent", "Clara Novak"))
        self.assertIn("Northbank", shown[0]["title"])
        levels = [item["level"] for item in shown]
        self.assertEqual(levels, sorted(levels, key=["urgent", "late", "waits"].index))

    def test_the_head_of_purchasing_sees_who_has_how_much(self):
        loads = {load["name"]: load["entries"] for load in self._workbench("purchasing_manager", "all")["workload"]}
        self.assertGreater(loads["Clara Novak"], 10)
        self.assertGreater(loads["Diego Fuentes"], 5)

    def test_no_case_of_procurement_is_without_an_owner(self):
        codes = [*SECTION_OF_CASE, "vendor_declines", "replenishment_rule_failed"]
        found = self.env["distribution.case"].search(
            [("type_id.code", "in", codes), ("state", "in", ("open", "in_progress", "waiting"))]
        )
        self.assertGreater(len(found), 6)
        self.assertFalse(found.filtered(lambda case: not case.user_id).mapped("name"))


@tagged("post_install", "-at_install")
class TestVendors(ProcurementDemo):
    def test_answers(self):
        states = {key: self._confirmation(key).state for key in self.orders}
        self.assertEqual(states["BUY-ON-ITS-WAY"], "confirmed")
        self.assertEqual(states["BUY-LATER"], "differs")
        self.assertEqual(states["BUY-OVER"], "closed")
        silent = self._confirmation("BUY-SILENT")
        self.assertEqual((silent.state, silent.is_overdue, silent.reminders_sent), ("waiting", True, 2))
        self.assertFalse(silent.link_ids.filtered(lambda link: link.state == "to_send"), "nothing is mailed")

    def test_a_later_day_and_who_waits(self):
        delay = self._confirmation("BUY-LATER").delay_ids
        self.assertEqual(len(delay.hit_ids.sale_order_id), 2)
        self.assertGreater(delay.value_at_risk, 0)
        line = self._confirmation("BUY-LATER").line_ids
        self.assertEqual(line.first_promised_day, line.asked_day)
        self.assertGreater(line.promised_day, line.first_promised_day)

    def test_a_notice_that_does_not_fit_leaves_the_receipt_alone(self):
        notices = {notice.order_id.origin: notice for notice in self.env["distribution.ship.notice"].search([])}
        self.assertEqual(notices["BUY-ON-ITS-WAY"].state, "open")
        conflict = notices["BUY-CONFLICT"]
        self.assertEqual((conflict.state, len(conflict.share_ids)), ("conflict", 0))
        self.assertEqual(conflict.order_id.picking_ids.mapped("state"), ["assigned"])

    def test_receipts(self):
        kinds = defaultdict(set)
        for row in self.env["distribution.receipt.discrepancy"].search([]):
            kinds[row.order_line_ref].add(row.kind)
        self.assertEqual(kinds[self.orders["BUY-SHORT"].order_line.id], {"short", "damaged"})
        self.assertEqual(kinds[self.orders["BUY-OVER"].order_line.id], {"over"})
        damage = self.env["distribution.receipt.damage"].search([("note", "!=", False)])
        self.assertTrue(damage.reason_id)

    def test_bills(self):
        verdicts = defaultdict(set)
        for row in self.env["distribution.match.line"].search([]):
            verdicts[row.bill_id.ref].add(row.verdict)
        self.assertEqual(verdicts["WX-4410"], {"beyond"})
        self.assertEqual(verdicts["TI/11-208"], {"match"})
        bills = {bill.ref: bill for bill in self.env["account.move"].search([("ref", "in", list(verdicts))])}
        self.assertEqual((bills["WX-4410"].state, bills["WX-4410"].approval_state), ("draft", "pending"))
        self.assertEqual(bills["TI/11-208"].state, "posted")

    def test_what_went_back_was_credited(self):
        line = self.orders["BUY-RETURNED"].order_line
        self.assertLess(line.qty_received, line.product_qty)
        self.assertEqual(line.qty_received, line.qty_invoiced)
        refund = line.invoice_lines.move_id.filtered(lambda move: move.move_type == "in_refund")
        self.assertEqual(refund.mapped("state"), ["posted"])

    def test_one_vendor_does_worse_and_the_others_do_not(self):
        for key, tiers in (("northbank", {"low", "medium", "high"}), ("wexcombe", {"low"})):
            cards = self.vendors[key].sudo().scorecard_ids.filtered(lambda card: card.state == "closed")
            with self.subTest(key):
                self.assertGreaterEqual(len(cards), 4)
                self.assertLessEqual(set(cards.mapped("tier")), tiers)
        northbank = self.vendors["northbank"]
        self.assertIn(northbank.vendor_risk_tier, ("medium", "high"))
        self.assertEqual(self.vendors["wexcombe"].vendor_risk_tier, "low")
        case = self.env["distribution.case"].search([("type_id.code", "=", "vendor_declines")])
        self.assertEqual(case.user_id.login, "buyer")
        with self.assertRaises(AccessError):
            northbank.sudo().scorecard_ids[0].with_user(self.users["purchasing_manager"]).write({"score": 100})

    def test_what_imports_cost_on_top(self):
        costs = self.env["distribution.landed.cost"].search([("partner_id", "=", self.vendors["tolvanen"].id)])
        came = costs.filtered("is_landed")
        self.assertTrue(came)
        self.assertTrue(costs - came)
        self.assertTrue(all(cost.expected and cost.actual for cost in came))
        self.assertAlmostEqual(sum(came.mapped("actual")), sum(amount for *_rest, amount in cases.LANDED_CAME), 2)


@tagged("post_install", "-at_install")
class TestRequests(ProcurementDemo):
    def test_requisitions_in_each_state(self):
        found = self.env["distribution.purchase.requisition"].search([])
        stages = {(one.state, one.fulfilment) for one in found}
        for stage in (
            ("draft", "draft"),
            ("to_approve", "requested"),
            ("draft", "rejected"),
            ("cancel", "cancelled"),
            ("approved", "approved"),
            ("approved", "quoted"),
            ("approved", "ordered"),
            ("approved", "received"),
            ("done", "rejected"),
        ):
            self.assertIn(stage, stages)
        moved = found.line_ids.filtered("move_ids")
        self.assertEqual(moved.move_ids.location_id.warehouse_id.code, "CEN")

    def test_one_budget_is_over(self):
        lines = {
            line.budget_id.name: line
            for line in self.env["distribution.budget.line"].search([("category_id", "!=", False)])
        }
        self.assertLess(lines["Warehouse, this season"].available, 0)
        self.assertGreater(lines["Warehouse, this season"].waiting, 0)
        self.assertGreater(lines["Sales, this season"].available, 0)
        over = self.env["distribution.purchase.requisition"].search([("justification", "like", "sprinkler")])
        decided = over.approval_request_id.task_ids.filtered(lambda task: task.state == "approved")
        self.assertEqual(decided.decision_ids.user_id.login, "finance_controller")

    def test_who_may_supply(self):
        lists = self.env["distribution.vendor.list"].search([])
        self.assertEqual(set(lists.mapped("state")), {"active"})
        states = {entry.partner_id.ref: entry.state for entry in lists.entry_ids}
        self.assertEqual(states, {**dict.fromkeys(cases.LISTED, "approved"), cases.PROPOSED: "proposed"})


@tagged("post_install", "-at_install")
class TestNight(ProcurementDemo):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_of_night = cls.env["distribution.replenishment.run"].search([("origin", "=", "night")])

    def test_the_run(self):
        run = self.run_of_night
        self.assertEqual((len(run), run.state, run.failed), (1, "done", 0))
        self.assertEqual(run.total, len(winter_range.GOODS) * 3)
        self.assertLessEqual(run.started_at, fields.Datetime.now())
        self.assertGreater(run.enough, run.ordered)

    def test_routine_is_ordered_by_vendor_and_site(self):
        ordered = self.run_of_night.proposal_ids.filtered(lambda one: (one.verdict, one.state) == ("order", "ordered"))
        self.assertGreaterEqual(len(ordered), 4)
        places = {}
        for proposal in ordered:
            self.assertEqual(proposal.order_id.state, "draft")
            place = proposal.vendor_id, proposal.warehouse_id
            self.assertEqual(places.setdefault(place, proposal.order_id), proposal.order_id)
        self.assertEqual(len(set(places.values())), len(places), "one request for quotation for each")

    def test_the_rest_waits_with_its_reasons(self):
        waiting = self.run_of_night.proposal_ids.filtered(lambda one: one.state == "open")
        reasons = {reason for one in waiting for reason in one.reasons.split()}
        expected = {"not_listed", "unusual_quantity", "price_jump"}
        if IS_17:
            expected.add("open_late_order")  # 19.0 looks a year ahead: what comes later is in sight
        self.assertLessEqual(expected, reasons)
        self.assertTrue(all(one.vendor_id.buyer_id for one in waiting), "somebody's")

    def test_what_central_can_spare_is_not_bought(self):
        moved = self.run_of_night.proposal_ids.filtered(lambda one: one.verdict == "transfer")
        self.assertTrue(moved)
        for proposal in moved:
            self.assertEqual((proposal.state, proposal.source_id.code), ("ordered", "CEN"))
            self.assertFalse(proposal.order_id)
            self.assertTrue(proposal.move_id)

    def test_a_second_run_proposes_nothing(self):
        run = self.env["distribution.replenishment.run"].create({"company_id": self.env.company.id})
        run._start()
        while run.state in LIVE:
            run._advance()
        self.assertEqual((run.state, run.ordered, run.reviewed, run.failed), ("done", 0, 0, 0))
        self.assertEqual(run.waiting, self.run_of_night.reviewed)

    def test_nothing_is_behind(self):
        """What the jobs would do in the first minute is done."""
        self.assertFalse(self.env["distribution.supplier.link"].search([("state", "=", "to_send")]))
        due = [("next_step_at", "<", self.run_of_night.started_at), ("state", "not in", ("closed", "cancelled"))]
        self.assertFalse(self.env["distribution.supplier.confirmation"].search(due).mapped("name"))

    def test_stock_is_what_the_night_began_with(self):
        sold = self.env["stock.move"].search([("origin", "=", "Counter sales")])
        self.assertEqual(set(sold.mapped("state")), {"done"})
        self.assertLess(max(sold.mapped("date")).date(), fields.Date.today().replace(day=1))
        for level in winter_range.make_levels(("CEN", "NOR", "SOU")):
            rule = self.env["stock.warehouse.orderpoint"].search(
                [("product_id.default_code", "=", level.code), ("warehouse_id.code", "=", level.site)]
            )
            self.assertEqual(rule.qty_on_hand, level.on_hand, rule.display_name)

    def test_demand_was_forecast(self):
        if not is_available():
            self.skipTest("no forecasting library here")
        run = self.env["distribution.demand.run"].search([])
        self.assertEqual(run.state, "done")
        suggestions = self.env["distribution.demand.suggestion"].search([("state", "=", "new")])
        self.assertTrue(suggestions)
        self.assertTrue(all(one.vendor_id.buyer_id for one in suggestions), "somebody's")

    def test_the_ledger_verifies(self):
        self.assertIsNone(self.env["distribution.event.seal"]._verify().problem)
