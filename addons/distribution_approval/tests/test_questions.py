"""A question to the requester or to a colleague: it decides nothing."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged

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
