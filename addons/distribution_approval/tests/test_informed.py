"""Informed parties see and do not decide."""

import psycopg2
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.approval_policy import document_models
from .test_evidence import TermsCase


@tagged("post_install", "-at_install")
class TestInformedParties(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account_owner = new_test_user(
            cls.env, login="t_account_owner", groups="base.group_user,distribution_approval.group_informed"
        )
        cls.version_2 = cls._republish(
            {
                "informed_ids": [
                    Command.create({"kind": "user", "user_id": cls.account_owner.id}),
                    Command.create({"kind": "group", "group_id": cls.groups["Finance"].id}),
                    Command.create({"kind": "warehouse_manager"}),
                ]
            }
        )

    def test_they_read_and_are_told_once(self):
        before = self.env["mail.message"].search([], order="id desc", limit=1).id
        order = self._held()
        request = order.sudo().approval_request_id
        self.assertEqual(request.informed_ids, self.account_owner | self.finance | self.finance_2)
        mine = order.with_user(self.account_owner)
        self.assertEqual(mine.read(["name", "amount_untaxed"])[0]["amount_untaxed"], 5000)
        self.assertTrue(mine.order_line.read(["product_qty"]))
        self.assertIn("Bolt", request.with_user(self.account_owner).content_text)
        order.order_line.write({"product_qty": 600})
        self._commit()
        notices = self.env["mail.message"].search([("id", ">", before), ("body", "ilike", "For your information")])
        self.assertEqual(len(notices), 1)
        self.assertEqual(notices.notified_partner_ids, (self.account_owner | self.finance | self.finance_2).partner_id)
        event = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.parties_informed.v1"), ("res_id", "=", order.id)]
        )
        self.assertEqual(len(event), 1)

    def test_they_do_not_decide(self):
        order = self._held()
        request = order.sudo().approval_request_id
        task = self._task(order, "Purchasing")
        for user in (self.account_owner, self.finance):
            with self.subTest(user=user.login):
                self.assertNotIn(user, task.user_ids)
                for attempt in (
                    lambda task: task.action_decide("approve", task.sudo().digest),
                    lambda task: task.action_ask("Why?"),
                ):
                    with self.assertRaises(AccessError):
                        attempt(task.with_user(user))
                with self.assertRaises(AccessError):
                    request.with_user(user).write({"informed_ids": [(5,)]})
                self.assertFalse(request.with_user(user).my_task_id)
        request._refresh_candidates()
        self.assertNotIn(self.finance, task.user_ids)
        self.assertEqual(task.user_ids, self.manager)

    def test_other_documents_stay_closed(self):
        passed = self._passed(1000)
        self.assertFalse(self.env["purchase.order"].with_user(self.account_owner).search([("id", "=", passed.id)]))
        with self.assertRaises(AccessError):
            passed.with_user(self.account_owner).read(["name"])
        order = self._held()
        for attempt in (
            lambda order: order.write({"notes": "x"}) if "notes" in order._fields else order.write({"note": "x"}),
            lambda order: order.button_cancel(),
            lambda order: order.unlink(),
        ):
            with self.assertRaises(UserError):
                attempt(order.with_user(self.account_owner))

    def test_of_every_kind_only_those_that_they_are_informed_about(self):
        role = self.env.ref("distribution_approval.group_informed")
        for document_type, model in document_models(self.env).items():
            with self.subTest(document_type):
                access = self.env["ir.model.access"].search(
                    [("group_id", "=", role.id), ("model_id.model", "=", model)]
                )
                self.assertEqual(access.mapped("perm_read"), [True])
                self.assertFalse(access.perm_write or access.perm_create or access.perm_unlink)
                rules = self.env["ir.rule"].search([("groups", "=", role.id), ("model_id.model", "=", model)])
                self.assertIn("participant_ids", "".join(rules.mapped("domain_force")))
                self.assertFalse(self.env[model].with_user(self.account_owner).search([], limit=1))

    def test_who_may_not_see_the_company_is_not_informed(self):
        abroad = self.env["res.company"].create({"name": "Abroad"})
        self.account_owner.write({"company_id": abroad.id, "company_ids": [(6, 0, abroad.ids)]})
        order = self._held()
        self.assertNotIn(self.account_owner, order.sudo().approval_request_id.informed_ids)

    def test_published_parties_do_not_change(self):
        party = self.version_2.rule_ids.informed_ids[:1]
        with self.assertRaises(UserError):
            party.with_user(self.author).unlink()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            party.with_user(self.author).copy()
        for query in (
            "DELETE FROM distribution_approval_informed WHERE id = %s",
            "UPDATE distribution_approval_informed SET user_id = 1 WHERE id = %s",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(query, party.ids)
