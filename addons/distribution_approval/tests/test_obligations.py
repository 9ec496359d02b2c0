"""Approving on conditions: set, shown, reported, confirmed by somebody else, escalated."""

from contextlib import contextmanager
from datetime import timedelta

import psycopg2
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestObligations(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.day = fields.Date.today() + timedelta(days=10)
        cls.ops_desk = new_test_user(
            cls.env, login="t_ops_desk", groups="base.group_user,distribution_core.group_operations"
        )

    def _condition(self, **values):
        return {"text": "Certificate of origin on file", "owner_id": self.buyer.id, "due_date": str(self.day), **values}

    def _approve_on(self, *conditions, order=None):
        order = order or self._held()
        self._decide(
            order,
            "Purchasing",
            self.manager,
            "approve_with_conditions",
            conditions=list(conditions or [self._condition()]),
        )
        return order, order.sudo().approval_request_id.obligation_ids

    # ------------------------------------------------------------- the story

    def test_from_condition_to_confirmation(self):
        order, obligation = self._approve_on()
        request = order.sudo().approval_request_id
        self.assertEqual(request.state, "approved", "the approval counts; the condition is tracked")
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "purchase")
        self.assertEqual(obligation.state, "open")
        order.invalidate_recordset()
        self.assertIn("Certificate of origin", order.approval_notice)
        self.assertIn(order, self.env["purchase.order"].search([("approval_condition_open", "=", True)]))
        self.assertEqual(obligation.activity_ids.user_id, self.buyer)
        self.assertEqual(obligation.activity_ids.date_deadline, self.day)
        # the owner reports
        mine = obligation.with_user(self.buyer)
        self.assertTrue(mine.may_report)
        self.assertFalse(mine.may_confirm or mine.may_waive)
        self.env["distribution.approval.obligation.act"].with_user(self.buyer).create(
            {"obligation_id": obligation.id, "act": "report", "comment": "Filed under 4711"}
        ).action_submit()
        self.assertEqual(obligation.state, "reported")
        self.assertIn(order, self.env["purchase.order"].search([("approval_condition_open", "=", True)]))
        with self.assertRaises(AccessError):
            mine.action_confirm("It is")
        # the approver sends back, then confirms
        obligation.with_user(self.manager).action_return("The stamp is missing")
        self.assertEqual(obligation.state, "open")
        mine.action_report("With stamp")
        self.assertTrue(obligation.with_user(self.manager).may_confirm)
        obligation.with_user(self.manager).action_confirm()
        self.assertEqual((obligation.state, obligation.closed_by_id), ("met", self.manager))
        self.assertFalse(obligation.activity_ids)
        order.invalidate_recordset()
        self.assertFalse(order.approval_notice)
        self.assertNotIn(order, self.env["purchase.order"].search([("approval_condition_open", "=", True)]))
        self.assertIn(order, self.env["purchase.order"].search([("approval_condition_open", "=", False)]))
        self.assertEqual(obligation.step_ids.mapped("kind"), ["set", "reported", "returned", "reported", "met"])
        events = self.env["distribution.event"].search(
            [("res_id", "=", order.id), ("res_model", "=", "purchase.order")]
        )
        self.assertTrue(
            {f"distribution.purchase_order.condition_{fact}.v1" for fact in ("set", "reported", "returned", "met")}
            <= set(events.mapped("type"))
        )

    def test_the_wizard_offers_it(self):
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        wizard = (
            self.env["distribution.approval.decide"]
            .with_user(self.manager)
            .create(
                {
                    "task_id": task.id,
                    "seen_digest": task.digest,
                    "outcome": "approve_with_conditions",
                    "condition_ids": [(0, 0, {"text": "Call them", "owner_id": self.buyer.id, "due_date": self.day})],
                }
            )
        )
        wizard.action_confirm()
        decision = order.sudo().approval_request_id.decision_ids
        self.assertEqual((decision.outcome, decision.channel), ("approve_with_conditions", "form"))
        self.assertEqual(order.sudo().approval_request_id.obligation_ids.text, "Call them")

    def test_conditions_of_a_stage_count_as_its_approval(self):
        order = self._held(31000)
        self._approve_on(order=order)
        self._decide(order, "Finance", self.finance)
        self._decide(order, "Operations", self.operations)
        self.assertTrue(self._resume(order))
        self.assertEqual(order.sudo().approval_request_id.obligation_ids.state, "open")

    def test_forms_and_lists_show_it(self):
        order = self.env["purchase.order"]
        form = order.get_view(view_type="form")["arch"]
        self.assertEqual(form.count('name="approval_notice"'), 1)
        self.assertIn('name="approval_condition_open"', order.get_view(view_type="search")["arch"])

    # ------------------------------------------------------------ void with it

    def test_void_with_the_approval(self):
        def changed(order):
            order.order_line.write({"product_qty": 700})
            self._commit()

        def rejected(order):
            self._decide(order, "Finance", self.finance, "reject", comment="No")

        def withdrawn(order):
            order.action_approval_withdraw()

        for act in (changed, rejected, withdrawn):
            with self.subTest(act.__name__):
                order = self._held(31000)
                _order, obligation = self._approve_on(order=order)
                act(order)
                self.assertEqual(obligation.state, "void")

    def test_void_when_the_order_is_cancelled(self):
        order, obligation = self._approve_on()
        self._resume(order)
        order.button_cancel()
        self._commit()
        self.assertEqual(obligation.state, "void")

    # ----------------------------------------------------------------- waiving

    def test_waiving(self):
        _order, obligation = self._approve_on()
        for user in (self.buyer, self.other_buyer, self.finance, self.ops_desk, self.employee):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                obligation.with_user(user).action_waive("Not needed")
        with self.assertRaises(UserError):
            obligation.with_user(self.manager).action_waive("  ")
        obligation.with_user(self.manager).action_waive("The vendor is in the EU")
        self.assertEqual(obligation.state, "waived")
        with self.assertRaises(UserError):
            obligation.with_user(self.manager).action_waive("Twice")

    def test_nobody_judges_their_own(self):
        """An approver who owes the condition neither confirms nor waives it; operations does, saying why."""
        _order, obligation = self._approve_on(self._condition(owner_id=self.manager.id))
        with self.assertRaises(AccessError):
            obligation.with_user(self.manager).action_waive("Mine")
        obligation.with_user(self.manager).action_report("Done")
        with self.assertRaises(AccessError):
            obligation.with_user(self.manager).action_confirm("Really")
        with self.assertRaises(UserError):
            obligation.with_user(self.ops_desk).action_confirm()
        obligation.with_user(self.ops_desk).action_confirm("Saw the paper")
        self.assertEqual(obligation.state, "met")

    def test_operations_report_but_do_not_confirm_their_report(self):
        _order, obligation = self._approve_on()
        with self.assertRaises(UserError):
            obligation.with_user(self.ops_desk).action_report("")
        obligation.with_user(self.ops_desk).action_report("The buyer is ill; the paper is here")
        with self.assertRaises(AccessError):
            obligation.with_user(self.ops_desk).action_confirm("It is")
        obligation.with_user(self.manager).action_confirm()

    def test_the_approver_left(self):
        order = self._held(31000)
        self._decide(order, "Purchasing", self.manager)
        self._decide(order, "Finance", self.finance, "approve_with_conditions", conditions=[self._condition()])
        obligation = order.sudo().approval_request_id.obligation_ids
        obligation.with_user(self.buyer).action_report("Done")
        self.finance.active = False
        obligation.with_user(self.finance_2).action_confirm()
        self.assertEqual(obligation.state, "met")

    # -------------------------------------------------------------- escalation

    def test_overdue_once(self):
        order, obligation = self._approve_on()
        obligations = self.env["distribution.approval.obligation"]
        obligations._cron_escalate()
        self.assertFalse(obligation.escalated_at)
        with freeze_time(fields.Datetime.now() + timedelta(days=40)):
            obligation.invalidate_recordset()
            obligations._cron_escalate()
            self.assertTrue(obligation.escalated_at)
            obligations._cron_escalate()
            self.assertEqual(obligation.step_ids.mapped("kind").count("overdue"), 1)
            self.assertIn(obligation, obligations.search([("is_overdue", "=", True)]))
            case = self.env["distribution.case"].search([("dedup_key", "=", f"condition_overdue:{obligation.id}")])
            self.assertEqual((case.res_model, case.res_id), ("purchase.order", order.id))
            notices = self.env["mail.message"].search(
                [("model", "=", "distribution.approval.request"), ("res_id", "=", obligation.request_id.id)]
            )
            told = notices.filtered(lambda message: "was due on" in message.body).notified_partner_ids
            self.assertIn(self.manager.partner_id, told)

    def test_the_owners_manager_hears_of_it(self):
        boss = new_test_user(self.env, login="t_boss", groups="base.group_user")
        chief = self.env["hr.employee"].create({"name": "Boss", "user_id": boss.id})
        self.env["hr.employee"].create({"name": "Buyer", "user_id": self.buyer.id, "parent_id": chief.id})
        _order, obligation = self._approve_on()
        with freeze_time(fields.Datetime.now() + timedelta(days=40)):
            obligation.invalidate_recordset()
            self.env["distribution.approval.obligation"]._cron_escalate()
        notices = self.env["mail.message"].search(
            [("model", "=", "distribution.approval.request"), ("res_id", "=", obligation.request_id.id)]
        )
        self.assertIn(boss.partner_id, notices.notified_partner_ids)

    def test_one_bad_record_does_not_stop_the_others(self):
        _order, one = self._approve_on()
        _order, other = self._approve_on()
        obligations = type(self.env["distribution.approval.obligation"])
        original = obligations._step

        def broken(self, kind, comment=""):
            if self == one:
                raise ValueError("broken")
            return original(self, kind, comment)

        self.patch(obligations, "_step", broken)
        with (
            freeze_time(fields.Datetime.now() + timedelta(days=40)),
            mute_logger("odoo.addons.distribution_approval.models.approval_batch"),
        ):
            (one | other).invalidate_recordset()
            self.env["distribution.approval.obligation"]._cron_escalate()
            self.assertFalse(one.escalated_at)
            self.assertTrue(other.escalated_at)

    # ----------------------------------------------------------------- attacks

    def test_forged_conditions(self):
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        archived = new_test_user(self.env, login="t_gone", groups="base.group_user")
        archived.active = False
        portal = new_test_user(self.env, login="t_portal_2", groups="base.group_portal")
        abroad = self.env["res.company"].create({"name": "Abroad"})
        stranger = new_test_user(
            self.env,
            login="t_stranger",
            groups="base.group_user",
            company_id=abroad.id,
            company_ids=[(6, 0, abroad.ids)],
        )
        good = self._condition()
        for conditions in (
            None,
            [],
            {},
            "x",
            7,
            [None],
            ["x"],
            [{}],
            [{**good, "state": "met"}],
            [{**good, "text": "  "}],
            [{**good, "text": 7}],
            [{**good, "text": "x" * 3000}],
            [{**good, "owner_id": None}],
            [{**good, "owner_id": True}],
            [{**good, "owner_id": str(self.buyer.id)}],
            [{**good, "owner_id": 999999999}],
            [{**good, "owner_id": archived.id}],
            [{**good, "owner_id": portal.id}],
            [{**good, "owner_id": stranger.id}],
            [{**good, "owner_id": 1}],
            [{**good, "due_date": None}],
            [{**good, "due_date": "soon"}],
            [{**good, "due_date": 7}],
            [{**good, "due_date": "2020-01-01"}],
            [good] * 21,
        ):
            with self.subTest(conditions=str(conditions)[:60]), self.assertRaises(UserError):
                task.action_decide("approve_with_conditions", task.digest, conditions=conditions)
        for outcome in ("approve", "reject", "request_revision", "escalate"):
            with self.subTest(outcome=outcome), self.assertRaises(UserError):
                task.action_decide(outcome, task.digest, comment="x", conditions=[good])
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    def test_nobody_writes_conditions(self):
        _order, obligation = self._approve_on()
        step = obligation.step_ids
        for user in (self.buyer, self.manager, self.ops_desk, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda user: obligation.with_user(user).write({"state": "met"}),
                    lambda user: obligation.with_user(user).write({"due_date": "2099-01-01"}),
                    lambda user: obligation.with_user(user).unlink(),
                    lambda user: obligation.with_user(user).copy(),
                    lambda user: obligation.with_user(user).create({"text": "x"}),
                    lambda user: step.with_user(user).create({"obligation_id": obligation.id, "kind": "met"}),
                    lambda user: step.with_user(user).write({"kind": "met"}),
                    lambda user: step.with_user(user).unlink(),
                ):
                    with self.assertRaises(UserError):
                        attempt(user)
        for values in ({"due_date": "2099-01-01"}, {"owner_id": self.manager.id}, {"text": "Nothing"}):
            with self.subTest(values=values), self._refused_by_database():
                obligation.sudo().write(values)
                obligation.flush_recordset()
        obligation.with_user(self.manager).action_waive("Not needed")
        with self._refused_by_database():
            obligation.sudo().write({"state": "open"})
            obligation.flush_recordset()
        self.assertEqual(obligation.with_user(self.auditor).state, "waived")

    @contextmanager
    def _refused_by_database(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            yield
        self.env.invalidate_all()

    def test_the_superuser_is_nobody(self):
        _order, obligation = self._approve_on()
        with self.assertRaises(AccessError):
            obligation.with_user(1).action_report("x")
        with self.assertRaises(AccessError):
            obligation.sudo().with_user(self.other_buyer).sudo().action_report("x")

    def test_strangers_see_nothing(self):
        _order, obligation = self._approve_on()
        obligations = self.env["distribution.approval.obligation"].with_user(self.employee)
        self.assertFalse(obligations.search([("id", "=", obligation.id)]))
        with self.assertRaises(AccessError):
            obligation.with_user(self.employee).read(["text"])
        with self.assertRaises(AccessError):
            obligation.with_user(self.employee).action_report("x")

    def test_reasons_by_type_and_outcome(self):
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        reasons = self.env["distribution.approval.reason"]
        reasons.create({"name": "Old", "code": "t_old", "active": False})
        reasons.create({"name": "Return", "code": "t_return", "outcome": "request_revision"})
        fit = reasons.create({"name": "Fits", "code": "t_fit", "document_type": "purchase_order", "outcome": "reject"})
        for code in ("t_old", "t_return"):
            with self.subTest(code=code), self.assertRaises(UserError):
                task.action_decide("reject", task.digest, comment="x", reason_code=code)
        self.env.cr.execute("UPDATE distribution_approval_reason SET document_type = 'other' WHERE id = %s", fit.ids)
        fit.invalidate_recordset()
        with self.assertRaises(UserError):
            task.action_decide("reject", task.digest, comment="x", reason_code="t_fit")
        fit.document_type = "purchase_order"
        task.action_decide("reject", task.digest, comment="x", reason_code="t_fit")
        self.assertEqual(order.sudo().approval_request_id.decision_ids.reason_id, fit)
