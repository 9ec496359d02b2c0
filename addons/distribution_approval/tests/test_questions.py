"""A question to the requester or to a colleague: it decides nothing."""

import psycopg2
from freezegun import freeze_time
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from .attack_case import AttackCase


@tagged("post_install", "-at_install")
class TestQuestions(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, login="t_colleague", groups="base.group_user", name="Colleague")
        cls.outsider = new_test_user(cls.env, login="t_outsider", groups="base.group_user", name="Outsider")

    def _asked(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        task = request.task_ids.with_user(self.manager)
        return order, request, task

    def test_a_colleague_is_asked_and_answers(self):
        order, request, task = self._asked()
        with self.assertRaises(AccessError):
            request.with_user(self.colleague).read(["state"])
        task.action_ask("Does it fit the machine?", self.colleague.id)
        self.assertEqual(request.state, "question")
        self.assertFalse(request.decision_ids)
        mine = request.with_user(self.colleague)
        self.assertTrue(mine.may_answer)
        self.assertIn("Colleague", order.with_user(self.buyer).approval_banner)
        self.assertFalse(request.with_user(self.buyer).may_answer)
        for user in (self.buyer, self.manager, self.outsider):
            with self.assertRaises(UserError):
                request.with_user(user).action_submit_answer("Yes")
        wizard = (
            self.env["distribution.approval.answer"]
            .with_user(self.colleague)
            .create({"request_id": request.id, "answer": "It does"})
        )
        self.assertIn("Does it fit", wizard.question_text)
        wizard.action_confirm()
        self.assertEqual((request.state, request.decision_ids.ids), ("pending", []))
        self.assertIn("Question to Colleague", request.timeline)
        with self.assertRaises(UserError):
            mine.action_submit_answer("Once more")
        event = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.question_asked.v1"), ("res_id", "=", order.id)]
        )
        self.assertIn(f'"asked_id":{self.colleague.id}', event.data.replace(" ", ""))

    def test_it_waits_for_both(self):
        _order, request, task = self._asked()
        task.action_ask("Does it fit?", self.colleague.id)
        task.action_ask("Why now?")
        request.with_user(self.buyer).action_submit_answer("The price rises")
        self.assertEqual(request.state, "question", "the colleague has not answered")
        request.with_user(self.colleague).action_submit_answer("It fits")
        self.assertEqual(request.state, "pending")
        answers = request.task_ids.question_ids.mapped(lambda question: (question.question, question.answer))
        self.assertEqual(set(answers), {("Does it fit?", "It fits"), ("Why now?", "The price rises")})

    def test_who_can_be_asked(self):
        _order, _request, task = self._asked()
        portal = new_test_user(self.env, login="t_q_portal", groups="base.group_portal")
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = new_test_user(
            self.env,
            login="t_q_foreign",
            groups="base.group_user",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        for who in (portal.id, foreign.id, self.manager.id, 0, True, "1", 10**9, [self.colleague.id]):
            with self.subTest(who=who), self.assertRaises(ValidationError):
                task.action_ask("Who are you?", who)
        self.assertFalse(task.question_ids)

    def test_a_wizard_shows_only_ones_own_question(self):
        _order, request, task = self._asked()
        task.action_ask("A secret", self.colleague.id)
        wizard = self.env["distribution.approval.answer"].with_user(self.outsider).new({"request_id": request.id})
        self.assertFalse(wizard.question_text)

    def _asked_on_monday(self, *colleagues):
        with freeze_time("2027-03-01 10:00:00"):
            _order, request, task = self._asked()
            for colleague in colleagues:
                task.action_ask("Does it fit?", colleague)
        return request, task

    def _job_on(self, moment):
        with freeze_time(moment):
            self.env["distribution.approval.question"].sudo()._cron_lapse()

    def _told(self, request, words):
        messages = self.env["mail.message"].search(
            [("model", "=", request._name), ("res_id", "=", request.id), ("body", "ilike", words)]
        )
        return messages.notified_partner_ids.user_ids

    def test_without_an_answer_the_clock_runs_on(self):
        request, _task = self._asked_on_monday(self.colleague.id)
        question = request.task_ids.question_ids
        self.assertTrue(question.due_at)
        self._job_on("2027-03-01 16:00:00")
        self.assertEqual((request.state, question.lapsed_at), ("question", False))
        for moment in ("2027-03-10 16:00:00", "2027-03-11 16:00:00"):
            self._job_on(moment)
            self.assertEqual(request.state, "pending")
            self.assertEqual(str(question.lapsed_at), "2027-03-10 16:00:00", "once, however often the job runs")
        self.assertEqual(self._told(request, "did not answer"), self.manager)
        self.assertFalse(request.decision_ids, "it decides nothing")
        self.assertIn("Not answered in time", request.timeline)
        event = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.question_lapsed.v1"), ("res_id", "=", request.res_id)]
        )
        self.assertEqual(len(event), 1)
        # Better late than never.
        mine = request.with_user(self.colleague)
        self.assertTrue(mine.may_answer)
        mine.action_submit_answer("It does")
        self.assertEqual((question.answer, request.state), ("It does", "pending"))

    def test_a_lapsed_question_does_not_hide_another(self):
        request, task = self._asked_on_monday(self.colleague.id)
        with freeze_time("2027-03-08 10:00:00"):
            task.action_ask("Why now?")
        self._job_on("2027-03-08 12:00:00")
        first, second = request.task_ids.question_ids.sorted("id")
        self.assertTrue(first.lapsed_at)
        self.assertFalse(second.lapsed_at)
        self.assertEqual(request.state, "question", "the requester still has time")
        request.with_user(self.buyer).action_submit_answer("The price rises")
        self.assertEqual(request.state, "pending")

    def test_a_closed_request_is_not_opened_by_an_answer(self):
        request, task = self._asked_on_monday(self.colleague.id)
        self._job_on("2027-03-10 16:00:00")
        task.action_decide("reject", task.digest, comment="Nobody knows", reason_code=None)
        self.assertFalse(request.with_user(self.colleague).may_answer)
        with self.assertRaises(UserError):
            request.with_user(self.colleague).action_submit_answer("It does")
        self.assertEqual(request.state, "rejected")

    def test_the_due_time_is_the_policys_and_stays(self):
        request, _task = self._asked_on_monday(self.colleague.id)
        question = request.task_ids.question_ids
        with self.assertRaises(AccessError):
            question.with_user(self.manager).write({"due_at": "2030-01-01 00:00:00"})
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
            self.env.cr.execute(
                "UPDATE distribution_approval_question SET due_at = '2030-01-01' WHERE id = %s", (question.id,)
            )
        with self.assertRaises(ValidationError):
            self.version.policy_id.with_user(self.author)._draft_next_version().question_hours = 0
