"""Purchase orders in every stage of approval, as the plan says."""

from lxml import etree
from odoo.tests.common import TransactionCase, tagged

from ..engine import make_plan

APPROVERS = ("purchasing_manager", "finance_controller", "operations_manager", "compliance_officer", "category_manager")


def _specification(node):
    """What the web client asks of a field: its own value, or those of the columns that it shows."""
    columns = {column.get("name") for view in node.xpath("./tree | ./list") for column in view.xpath("./field")}
    return {"fields": {name: {} for name in columns}} if columns else {}


@tagged("post_install", "-at_install")
class TestStages(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.story = {order.key: order for order in make_plan().story}
        orders = cls.env["purchase.order"].search([("origin", "in", list(cls.story))])
        cls.orders = {order.origin: order for order in orders}
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}

    def _inbox(self, login):
        tasks = self.env["distribution.approval.task"].with_user(self.users[login])
        return tasks.search(tasks._inbox_domain())

    def test_every_order_is_where_the_plan_says(self):
        self.assertEqual(set(self.orders), set(self.story))
        for key, order in self.story.items():
            with self.subTest(key):
                self.assertEqual(self.orders[key].approval_state or "", order.stage)

    def test_every_stage_is_there(self):
        shown = dict(self.env["purchase.order"]._fields["approval_state"].selection)
        present = set(self.env["purchase.order"].search([]).mapped("approval_state")) - {False}
        self.assertEqual(present, set(shown))

    def test_held_orders_have_no_receipt_and_released_ones_do(self):
        for key, order in self.orders.items():
            with self.subTest(key):
                guarded = order.state == "purchase"
                self.assertEqual(bool(order.picking_ids.filtered(lambda picking: picking.state != "cancel")), guarded)
        self.assertEqual(self.orders["RELEASED-1"].picking_ids.mapped("state"), ["done"])

    def test_second_stage_waits_for_one_of_two(self):
        tasks = self.orders["SECOND-1"].approval_request_id.task_ids
        self.assertEqual(
            {task.name: task.state for task in tasks},
            {"Purchasing": "approved", "Finance": "approved", "Operations": "open"},
        )

    def test_some_decisions_are_overdue_and_others_are_not(self):
        tasks = self.env["distribution.approval.task"].search([("state", "=", "open")])
        late = tasks.search([("overdue", "=", True)])
        self.assertTrue(late)
        self.assertTrue(tasks.filtered("due_at") - late)
        self.assertFalse(tasks.clock_step_ids.filtered(lambda step: step.kind == "final"))

    def test_somebody_goes_on_leave_soon(self):
        delegation = (
            self.env["distribution.approval.delegation"]
            .search([])
            .filtered(lambda delegation: delegation.state == "planned")
        )
        self.assertEqual(delegation.mapped("substitute_id.login"), ["operations_manager"])

    def test_every_approver_has_something_to_decide_and_can_read_it(self):
        for login in APPROVERS:
            with self.subTest(login):
                tasks = self._inbox(login)
                self.assertGreaterEqual(len(tasks), 2)
                self.assertEqual(tasks.get_inbox_count(), len(tasks))
                shown = tasks.read(["why", "standing", "timeline", "content_text", "fact_text", "rule_text", "amount"])
                for task in shown:
                    self.assertTrue(task["why"] and task["content_text"] and task["timeline"])
                orders = self.env["purchase.order"].with_user(self.users[login])
                for task in tasks.filtered(lambda task: task.request_id.res_model == "purchase.order"):
                    self.assertTrue(orders.browse(task.request_id.res_id).amount_total)

    def test_who_decides_or_audits_opens_the_order(self):
        """Everything that the order's form shows can be read."""
        cases = [
            (login, self._inbox(login).request_id.filtered(lambda r: r.res_model == "purchase.order").mapped("res_id"))
            for login in APPROVERS
        ]
        for login, order_ids in [*cases, ("auditor", self.orders["RELEASED-1"].ids)]:
            orders = self.env["purchase.order"].with_user(self.users[login]).browse(order_ids[:1])
            form = etree.fromstring(orders.get_views([(False, "form")])["views"]["form"]["arch"])
            for node in form.xpath("//field[not(ancestor::field)]"):
                with self.subTest(f"{login}: {node.get('name')}"):
                    self.env.invalidate_all()
                    orders.web_read({node.get("name"): _specification(node)})

    def test_requests_have_waited_for_different_times(self):
        requests = self.env["distribution.approval.request"].search([("state", "in", ("pending", "question"))])
        self.assertGreaterEqual(len({request.requested_at.date() for request in requests}), 5)
        self.assertTrue(all(request.requested_at <= request.waiting_since for request in requests))

    def test_an_amendment_waits_while_the_old_values_are_in_force(self):
        order = self.orders["AMEND-1"]
        self.assertEqual(order.approval_request_id.kind, "amendment")
        self.assertEqual(order.approval_request_id.state, "pending")
        self.assertEqual(order.order_line[0].product_qty, self.story["AMEND-1"].lines[0].quantity)
        changed = self.orders["AMEND-2"]
        self.assertGreater(changed.order_line[0].product_qty, self.story["AMEND-2"].lines[0].quantity)

    def test_cases_in_different_states(self):
        cases = self.env["distribution.case"].search([])
        self.assertEqual(set(cases.mapped("state")), {"open", "in_progress", "waiting", "resolved", "cancelled"})
        stuck = cases.filtered(lambda case: case.res_id == self.orders["STUCK-1"].id)
        self.assertEqual((stuck.type_id.code, stuck.state), ("approved_not_released", "open"))

    def test_nothing_is_in_force_without_a_release(self):
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 0)

    def test_policy_is_published_and_the_next_version_drafted(self):
        versions = self.env["distribution.approval.policy.version"].search([("document_type", "=", "purchase_order")])
        published = versions.filtered(lambda version: version.state == "published")
        draft = versions - published
        self.assertEqual((published.number, draft.number, draft.state), (1, 2, "draft"))
        self.assertEqual(published.published_by_id.login, "policy_publisher")
        self.assertEqual(published.author_ids.mapped("login"), ["policy_author"])
        # What remains is said: an order without lines has no price over contract, and matches no rule.
        for version in versions:
            problems = (version.problem_text or "").splitlines()
            self.assertFalse([problem for problem in problems if not problem.startswith("Warning:")], problems)
        activation = self.env["distribution.approval.activation"].search([("document_type", "=", "purchase_order")])
        self.assertEqual(activation.state, "active")
        self.assertNotEqual(activation.proposed_by_id, activation.confirmed_by_id)

    def test_the_ledger_tells_the_story(self):
        events = self.env["distribution.event"].search(
            [("res_model", "=", "purchase.order"), ("res_id", "=", self.orders["RELEASED-1"].id)], order="id"
        )
        facts = [event.type.split(".")[2] for event in events]
        self.assertEqual(facts[0], "approval_requested")
        self.assertEqual(facts.count("decision_recorded"), 3)
        self.assertEqual(facts[-1], "released")

    def test_the_tour(self):
        """Confirmed, held; purchasing, then finance and operations decide; a receipt appears."""
        order = self.orders["TOUR"].with_user(self.users["buyer"])
        self.assertEqual((order.state, order.partner_ref), ("draft", "TOUR"))
        self.assertEqual(order.partner_id.vendor_status, "approved")
        self.assertGreater(order.amount_untaxed, 30000)
        order.button_confirm()
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))
        for login, name in (
            ("purchasing_manager", "Purchasing"),
            ("finance_controller", "Finance"),
            ("operations_manager", "Operations"),
        ):
            task = self._inbox(login).filtered(lambda task: task.request_id == order.sudo().approval_request_id)
            self.assertEqual(task.name, name)
            task.action_decide("approve", task.digest)
        order.sudo().approval_request_id._resume()
        self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
        self.assertEqual(len(order.picking_ids), 1)
