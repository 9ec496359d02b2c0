"""Two at the same instant, for what happens to a request beside its decisions.

Conditions, questions, withdrawing, reassigning, emergency reviews, the end of a delegation, certifications.
"""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..models.approval_policy import today
from .test_concurrency import ConcurrencyCase

MORE_PEOPLE = {
    "overseer": "distribution_core.group_operations",
    "administrator": "distribution_core.group_administrator",
    "administrator_2": "distribution_core.group_administrator",
}
WHY = "The plant of the customer stands still and nobody can decide tonight."


@tagged("post_install", "-at_install")
class TestStateConcurrency(ConcurrencyCase):
    @classmethod
    def _make_company(cls, env):
        super()._make_company(env)
        env = env(context={"allowed_company_ids": [cls.company_id], "tracking_disable": True})
        for name, group in MORE_PEOPLE.items():
            cls.people[name] = new_test_user(
                env,
                login=f"{name}_{cls.company_id}",
                groups=f"base.group_user,{group}",
                company_id=cls.company_id,
                company_ids=[Command.set([cls.company_id])],
            ).id
        user = env["res.users"].browse
        version = env["distribution.approval.policy.version"].search(
            [("company_id", "=", cls.company_id), ("state", "=", "published")]
        )
        cls.policy_id = version.policy_id.id
        purchasing = version.rule_ids.filtered(lambda rule: rule.name == "Large").stage_ids.group_id
        user(cls.people["finance"]).write(
            {USER_GROUPS: [Command.link(env.ref("distribution_approval.group_emergency_releaser").id)]}
        )
        draft = version.policy_id.with_user(user(cls.people["author"]))._draft_next_version()
        draft.emergency_reviewer_group_id = purchasing
        draft.with_user(user(cls.people["publisher"])).action_publish()

    # ---------------------------------------------------------------- helpers

    def _events(self, env, order_id, fact):
        return env["distribution.event"].search_count(
            [
                ("res_model", "=", "purchase.order"),
                ("res_id", "=", order_id),
                ("type", "=", f"distribution.purchase_order.{fact}.v1"),
            ]
        )

    def _call(self, who, model, record_id, method, *args):
        """For ``_at_once``: ``who`` calls that method."""
        return who, lambda env: getattr(env[model].browse(record_id), method)(*args)

    def _request(self, env, order_id):
        return env["purchase.order"].browse(order_id).approval_request_ids.ensure_one()

    def assertOneOf(self, results):
        """One of them did it, the others were told that it is done."""
        self.assertEqual(sum(result is True for result in results), 1, results)
        self.assertEqual(sum(isinstance(result, UserError) for result in results), len(results) - 1, results)

    # -------------------------------------------------------------- conditions

    def _condition(self):
        """(order id, condition id) of an order approved on the condition that ``other_buyer`` does something."""
        order_id, (task_id,) = self._held(5000)
        with self.transaction("manager") as env:
            day = today(env.company)
            owed = {"text": "Certificate", "owner_id": self.people["other_buyer"], "due_date": str(day)}
            self._decide(task_id, "approve_with_conditions", conditions=[owed])(env)
        with self.transaction() as env:
            return order_id, self._request(env, order_id).obligation_ids.ensure_one().id

    def _owed(self, who, condition_id, method, *args):
        return self._call(who, "distribution.approval.obligation", condition_id, method, *args)

    def _reported(self):
        order_id, condition_id = self._condition()
        with self.transaction("other_buyer") as env:
            env["distribution.approval.obligation"].browse(condition_id).action_report("Attached")
        return order_id, condition_id

    def test_a_condition_is_reported_once(self):
        order_id, condition_id = self._condition()
        report = self._owed("other_buyer", condition_id, "action_report", "Attached")
        self.assertOneOf(self._at_once(report, report))
        with self.transaction() as env:
            self.assertEqual(self._events(env, order_id, "condition_reported"), 1)

    def test_a_condition_is_closed_once(self):
        for other in ("action_confirm", "action_waive"):
            order_id, condition_id = self._reported()
            results = self._at_once(
                self._owed("manager", condition_id, "action_confirm", "Seen"),
                self._owed("manager", condition_id, other, "Not needed"),
            )
            self.assertOneOf(results)
            with self.transaction() as env:
                closed = sum(self._events(env, order_id, f"condition_{fact}") for fact in ("met", "waived"))
                self.assertEqual(closed, 1)

    def test_a_condition_confirmed_and_returned(self):
        order_id, condition_id = self._reported()
        results = self._at_once(
            self._owed("manager", condition_id, "action_confirm", "Seen"),
            self._owed("overseer", condition_id, "action_return", "The second page is missing"),
        )
        self.assertOneOf(results)
        with self.transaction() as env:
            condition = env["distribution.approval.obligation"].browse(condition_id)
            self.assertEqual(condition.state, "met" if results[0] is True else "open")
            self.assertEqual(self._events(env, order_id, "condition_met"), int(results[0] is True))

    # --------------------------------------------------------------- questions

    def _asked(self):
        """(order id, request id, task id) of a request with a question to the buyer."""
        order_id, (task_id,) = self._held(5000)
        with self.transaction("manager") as env:
            env["distribution.approval.task"].browse(task_id).action_ask("Why now?")
        with self.transaction() as env:
            request = self._request(env, order_id)
            self.assertEqual(request.state, "question")
            return order_id, request.id, task_id

    def _on_request(self, who, request_id, method, *args):
        return self._call(who, "distribution.approval.request", request_id, method, *args)

    def test_a_question_is_answered_once(self):
        order_id, request_id, _task_id = self._asked()
        results = self._at_once(
            *(self._on_request("buyer", request_id, "action_submit_answer", words) for words in ("One", "Other"))
        )
        self.assertOneOf(results)
        with self.transaction() as env:
            request = self._request(env, order_id)
            self.assertEqual(request.state, "pending")
            self.assertEqual(request.task_ids.question_ids.answer, "One" if results[0] is True else "Other")
            self.assertEqual(self._events(env, order_id, "question_answered"), 1)

    def test_answered_while_another_question_is_asked(self):
        """The request waits as long as one of the two is open."""
        order_id, request_id, task_id = self._asked()
        results = self._at_once(
            self._on_request("buyer", request_id, "action_submit_answer", "The price rises"),
            self._call("manager_2", "distribution.approval.task", task_id, "action_ask", "From whom?"),
        )
        self.assertEqual(results, [True, True])
        with self.transaction() as env:
            request = self._request(env, order_id)
            unanswered = request.task_ids.question_ids.filtered(lambda question: not question.answer)
            self.assertEqual(request.state, "question" if unanswered else "pending")
            self.assertEqual(self._events(env, order_id, "question_asked"), 2)

    def test_answered_and_withdrawn(self):
        for _attempt in range(2):
            order_id, request_id, _task_id = self._asked()
            results = self._at_once(
                self._on_request("buyer", request_id, "action_submit_answer", "The price rises"),
                self._on_request("buyer", request_id, "action_withdraw"),
            )
            self.assertIs(results[1], True, results)
            with self.transaction() as env:
                request = self._request(env, order_id)
                self.assertEqual(request.state, "withdrawn")
                self.assertNotIn("open", request.task_ids.mapped("state"))

    # ------------------------------------------------------------- withdrawing

    def test_withdrawn_and_approved(self):
        """Either the buyer has it back, or it is in force: never both, never neither."""
        for _attempt in range(3):
            order_id, (task_id,) = self._held(5000)
            with self.transaction() as env:
                request_id = self._request(env, order_id).id
            self._at_once(self._on_request("buyer", request_id, "action_withdraw"), ("manager", self._decide(task_id)))
            with self.transaction() as env:
                order = env["purchase.order"].browse(order_id)
                withdrawn = order.approval_request_ids.state == "withdrawn"
                valid = env["distribution.approval.release"]._valid_for(order).get(order_id)
                self.assertEqual(order.state, "draft" if withdrawn else "purchase")
                self.assertEqual(bool(valid), not withdrawn)
                facts = [self._events(env, order_id, fact) for fact in ("approval_withdrawn", "approved")]
                self.assertEqual(facts, [1, 0] if withdrawn else [0, 1])

    def test_withdrawn_twice(self):
        order_id, _tasks = self._held(5000)
        with self.transaction() as env:
            request_id = self._request(env, order_id).id
        withdraw = self._on_request("buyer", request_id, "action_withdraw")
        self._at_once(withdraw, withdraw)
        with self.transaction() as env:
            self.assertEqual(self._events(env, order_id, "approval_withdrawn"), 1)

    # ------------------------------------------------------------- reassigning

    def test_reassigned_and_decided(self):
        for _attempt in range(2):
            order_id, (task_id,) = self._held(5000)
            results = self._at_once(
                self._call(
                    "overseer",
                    "distribution.approval.task",
                    task_id,
                    "action_reassign",
                    [self.people["finance"]],
                    "On leave",
                ),
                ("manager", self._decide(task_id)),
            )
            with self.transaction() as env:
                request = self._request(env, order_id)
                handed = env["distribution.approval.handover"].search([("task_id", "=", task_id)])
                self.assertEqual(bool(handed), results[0] is True)
                self.assertEqual(bool(request.decision_ids), results[1] is True)
                if results[0] is True:
                    self.assertEqual(request.task_ids.user_ids.ids, [self.people["finance"]])
                self.assertIn(True, results)
                self.assertEqual(request.state, "approved" if results[1] is True else "pending")

    # --------------------------------------------------------------- emergency

    def test_an_emergency_release_is_reviewed_once(self):
        order_id, _tasks = self._held(5000)
        with self.transaction("finance") as env:
            request = env["distribution.approval.request"].browse(self._request(env(user=1), order_id).id)
            mail = env["ir.attachment"].create({"name": "mail.eml", "raw": b"x"})
            emergency_id = request.action_emergency_release(WHY, request.sudo().digest, mail.ids)
        review = ("distribution.approval.emergency", emergency_id, "action_review")
        results = self._at_once(
            self._call("manager", *review, "justified", "Called the customer"),
            self._call("manager_2", *review, "not_justified", "Nobody was asked"),
        )
        self.assertOneOf(results)
        with self.transaction() as env:
            emergency = env["distribution.approval.emergency"].browse(emergency_id)
            justified = results[0] is True
            self.assertEqual(emergency.outcome, "justified" if justified else "not_justified")
            self.assertEqual(emergency.reviewed_by_id.id, self.people["manager" if justified else "manager_2"])
            self.assertEqual(self._events(env, order_id, "emergency_reviewed"), 1)
            cases = env["distribution.case"].search([("dedup_key", "=", f"emergency_not_justified:{emergency_id}")])
            self.assertEqual(len(cases), int(not justified))

    # -------------------------------------------------------------- delegation

    def test_a_delegation_ends_while_the_substitute_decides(self):
        """They decided while it held, or not at all; afterwards they cannot."""
        for _attempt in range(3):
            with self.transaction("manager") as env:
                day = today(env.company)
                delegation_id = (
                    env["distribution.approval.delegation"]
                    .create({"substitute_id": self.people["finance"], "date_from": day, "date_to": day})
                    .id
                )
            order_id, (task_id,) = self._held(5000)
            results = self._at_once(
                self._call("manager", "distribution.approval.delegation", delegation_id, "action_end"),
                ("finance", self._decide(task_id)),
            )
            self.assertIs(results[0], True, results)
            with self.transaction() as env:
                request = self._request(env, order_id)
                decided = results[1] is True
                self.assertEqual(request.state, "approved" if decided else "pending")
                self.assertEqual(
                    request.decision_ids.mapped(lambda row: (row.user_id.id, row.on_behalf_id.id)),
                    [(self.people["finance"], self.people["manager"])] if decided else [],
                )
                if not decided:
                    self.assertFalse(request.task_ids.stand_in_ids)
            if not decided:
                with self.transaction("finance") as env, self.assertRaises(UserError):
                    self._decide(task_id)(env)

    def test_a_delegation_ends_once(self):
        with self.transaction("manager") as env:
            day = today(env.company)
            delegation_id = (
                env["distribution.approval.delegation"]
                .create({"substitute_id": self.people["finance"], "date_from": day, "date_to": day})
                .id
            )
        end = ("distribution.approval.delegation", delegation_id, "action_end")
        self.assertOneOf(self._at_once(self._call("manager", *end), self._call("finance", *end)))
        with self.transaction() as env:
            ended = env["distribution.event"].search_count(
                [
                    ("type", "=", "distribution.approval_delegation.ended.v1"),
                    ("res_model", "=", "distribution.approval.delegation"),
                    ("res_id", "=", delegation_id),
                ]
            )
            self.assertEqual(ended, 1)

    # ----------------------------------------------------------- certification

    def test_a_policy_is_certified_by_two(self):
        """Both are on record; the next review follows from the later one."""

        def certify(outcome):
            def run(env):
                policy = env["distribution.approval.policy"].browse(self.policy_id)
                digest = policy.sudo().current_version_id.digest
                return policy._certify(outcome, digest, "Looked at").id

            return run

        results = self._at_once(("publisher", certify("confirmed")), ("publisher_2", certify("revise")))
        with self.transaction() as env:
            policy = env["distribution.approval.policy"].browse(self.policy_id)
            rows = policy.certification_ids.sorted("id")
            self.assertEqual(rows.ids, sorted(results))
            self.assertEqual(policy.review_date, rows[-1].next_review)

    def _review(self):
        """(review id, ids of its last two lines): the others are certified."""
        with self.transaction() as env:
            company = env["res.company"].browse(self.company_id)
            review_id = env["distribution.access.review"]._generate(company).id
        administrators = {self.people["administrator"], self.people["administrator_2"]}
        with self.transaction() as env:
            lines = env["distribution.access.review"].browse(review_id).line_ids
            theirs = {user: lines.filtered(lambda line, user=user: line.user_id.id == user) for user in administrators}
            others = lines.filtered(lambda line: line.user_id.id not in administrators and line.state == "open")
            left, rest = others[:2].ids, others[2:].ids
            theirs = {user: own.ids for user, own in theirs.items()}
        for name, other in (("administrator", "administrator_2"), ("administrator_2", "administrator")):
            with self.transaction(name) as env:
                certified = theirs[self.people[other]] + (rest if name == "administrator" else [])
                env["distribution.access.review.line"].browse(certified).action_keep()
        return review_id, left

    def test_the_last_two_lines_of_an_access_review(self):
        """Neither overlooks that the other one was the last but one."""
        review_id, (first, second) = self._review()
        line = "distribution.access.review.line"
        results = self._at_once(
            self._call("administrator", line, first, "action_keep"),
            self._call("administrator_2", line, second, "action_keep"),
        )
        self.assertEqual(results, [True, True])
        with self.transaction() as env:
            review = env["distribution.access.review"].browse(review_id)
            self.assertEqual((review.open_count, review.state), (0, "done"))
            events = env["distribution.event"].search_count(
                [
                    ("type", "=", "distribution.access_review.completed.v1"),
                    ("res_model", "=", "distribution.access.review"),
                    ("res_id", "=", review_id),
                ]
            )
            self.assertEqual(events, 1)
