"""Decision links as their receivers – and others – use them, over HTTP."""

import re
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .link_case import LinkCase


@tagged("post_install", "-at_install")
class TestDecisionLinks(LinkCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish(link_mode="mail", link_ceiling=10000, link_hours=24, bulk_limit=0)
        cls.integration = new_test_user(
            cls.env, login="t_integration", groups="base.group_user,distribution_core.group_integration"
        )

    # ---------------------------------------------------------------- helpers

    def _post(self, path, outcome="approve", page=None, **values):
        """Submit the page, as its form does."""
        page = page or self.url_open(path).text
        found = {
            name: (re.search(rf'name="{name}" value="([^"]*)"', page) or [None, ""])[1]
            for name in ("csrf_token", "seen_digest")
        }
        return self.url_open(path, data={**found, "outcome": outcome, **values})

    def _assertSaysNothing(self, response, order):
        for secret in (order.name, order.partner_id.name, "5,000", "Bolt", "Above 2,500", self.manager.name):
            self.assertNotIn(secret, response.text)

    # --------------------------------------------------------------- the story

    def test_look_and_decide(self):
        order, path = self._link()
        request = order.sudo().approval_request_id
        link = self._task(order, "Purchasing").link_ids
        self.assertEqual((link.user_id, link.state, link.login_required), (self.manager, "sent", False))
        for _time in range(3):
            page = self.url_open(path)
            self.assertEqual(page.status_code, 200)
        self.assertIn("Bolt", page.text)
        self.assertIn("width=device-width", page.text)
        self.assertNotIn("<script", page.text)
        closed = ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY")
        for name, part in closed:
            self.assertIn(part, page.headers[name])
        self.assertFalse(request.decision_ids, "opening never decides")
        done = self._post(path)
        self.assertEqual(done.status_code, 200)
        self.assertIn("Thank you", done.text)
        decision = request.decision_ids
        self.assertEqual(
            (decision.user_id, decision.outcome, decision.channel, decision.digest),
            (self.manager, "approve", "link", link.digest),
        )
        link.invalidate_recordset()
        self.assertEqual((link.state, link.decision_id), ("used", decision))
        self.assertEqual(request.state, "approved")

    def test_reject_takes_a_comment(self):
        order, path = self._link()
        page = self._post(path, "reject")
        self.assertIn("comment", page.text)
        self.assertIn('role="alert"', page.text)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        self.assertFalse(self._task(order, "Purchasing").link_ids.used_at, "the link stays good")
        page = self._post(path, "reject", comment="<b>Too much</b>")
        self.assertEqual(page.status_code, 200)
        request = order.sudo().approval_request_id
        request.invalidate_recordset()
        self.assertEqual((request.state, request.decision_ids.comment), ("rejected", "<b>Too much</b>"))

    def test_revision(self):
        order, path = self._link()
        self._post(path, "request_revision", comment="Two vendors, please")
        self.env.invalidate_all()
        self.assertEqual(order.sudo().approval_request_id.state, "revision")

    # --------------------------------------------------- nothing is kept of it

    def test_the_token_is_kept_nowhere(self):
        order, path = self._link()
        token = path.rsplit("/", 1)[1]
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT count(*) FROM mail_message WHERE body LIKE %s OR subject LIKE %s", (f"%{token}%", f"%{token}%")
        )
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.env.cr.execute("SELECT count(*) FROM mail_mail WHERE body_html LIKE %s", (f"%{token}%",))
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        link = self._task(order, "Purchasing").link_ids
        self.assertNotIn(token, str(link.read()))
        self.assertFalse(order.message_ids.filtered(lambda message: "waits for your decision" in (message.body or "")))

    def test_one_notice_per_person(self):
        """The link is the notice; who does not take mails gets the usual one."""
        order = self._held()
        notices = order.sudo().approval_request_id.message_ids.filtered(
            lambda message: "waits for your decision" in message.body
        )
        self.assertNotIn(self.manager.partner_id, notices.notified_partner_ids)
        self.manager.notification_type = "inbox"
        order = self._held()
        self.assertFalse(self._task(order, "Purchasing").link_ids)

    def test_a_message_that_cannot_be_sent_holds_no_token(self):
        order = self._held()
        link = self._task(order, "Purchasing").link_ids

        def broken(*args, **kwargs):
            raise ConnectionError("no mail server")

        links = self.env["distribution.approval.link"]
        with (
            patch.object(type(self.env["ir.mail_server"]), "send_email", broken),
            mute_logger("odoo.addons.distribution_approval.models.approval_batch"),
        ):
            for _attempt in range(4):
                links._cron_send()
                self.assertEqual((link.state, link.token_hash), ("to_send", False))
            links._cron_send()
        self.assertEqual((link.state, link.attempts), ("failed", 5))
        self.assertTrue(self.env["distribution.case"].search([("dedup_key", "=", f"link_not_sent:{link.id}")]))

    def test_what_is_decided_meanwhile_is_not_sent(self):
        order = self._held()
        link = self._task(order, "Purchasing").link_ids
        self._decide(order, "Purchasing", self.manager)
        with self._outbox() as sent:
            self.env["distribution.approval.link"]._cron_send()
        self.assertFalse(sent)
        self.assertEqual(link.state, "needless")

    def test_no_links_unless_the_policy_says_so(self):
        self._republish(link_mode="none")
        order = self._held()
        self.assertFalse(self._task(order, "Purchasing").link_ids)

    # ------------------------------------------------------- the wrong person

    def test_somebody_else_is_logged_in(self):
        order, path = self._link()
        for user in (self.finance, self.buyer, self.employee, self.auditor):
            self.authenticate(user.login, user.login.ljust(8, "x"))
            with self.subTest(user=user.login):
                page = self.url_open(path)
                self.assertEqual(page.status_code, 403)
                self._assertSaysNothing(page, order)
                page = self.url_open(path, data={"csrf_token": "x", "outcome": "approve"})
                self.assertIn(page.status_code, (400, 403))
                self._assertSaysNothing(page, order)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    def test_above_the_ceiling_it_takes_the_persons_own_session(self):
        self._republish(link_ceiling=4000)
        order, path = self._link()
        self.assertTrue(self._task(order, "Purchasing").link_ids.login_required)
        page = self.url_open(path)
        self.assertEqual(page.status_code, 401)
        self._assertSaysNothing(page, order)
        self.assertIn(f"/web/login?redirect={path}", page.text)
        self._post(path, page=page.text, seen_digest=self._task(order, "Purchasing").digest)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        self.authenticate("t_finance", "t_finance")
        self._assertSaysNothing(self.url_open(path), order)
        self.authenticate("t_manager", "t_manager")
        self.assertIn("Bolt", self.url_open(path).text)
        self._post(path)
        self.env.invalidate_all()
        self.assertEqual(order.sudo().approval_request_id.decision_ids.user_id, self.manager)

    def test_csrf(self):
        order, path = self._link()
        digest = self._task(order, "Purchasing").digest
        with mute_logger("odoo.http"):
            for token in ("", "x", "o" * 40):
                page = self.url_open(path, data={"csrf_token": token, "seen_digest": digest, "outcome": "approve"})
                self.assertEqual(page.status_code, 400)
            page = self.url_open(path, data={"seen_digest": digest, "outcome": "approve"})
            self.assertEqual(page.status_code, 400)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    def test_only_by_submitting(self):
        """Odoo leads OPTIONS to every route, and asks for no token then."""
        order, path = self._link()
        digest = self._task(order, "Purchasing").digest
        for method in ("OPTIONS", "GET", "HEAD", "PUT"):
            form = {"seen_digest": digest, "outcome": "approve"}
            self.opener.request(method, self.base_url() + path, params=form)
        self.env.invalidate_all()
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    # ------------------------------------------------------- at the wrong time

    def test_replay(self):
        order, path = self._link()
        page = self.url_open(path).text
        self._post(path, page=page)
        again = self._post(path, page=page)
        self.assertEqual(again.status_code, 410)
        self.assertIn("was used", again.text)
        self.assertIn("was used", self.url_open(path).text)
        self._assertSaysNothing(again, order)
        self.env.invalidate_all()
        self.assertEqual(len(order.sudo().approval_request_id.decision_ids), 1)

    def test_dead_links_say_why(self):
        def expired(order, link):
            link.sudo().write({"expires_at": fields.Datetime.now() - timedelta(minutes=1)})

        def inactive(order, link):
            self.manager.active = False

        def withdrawn(order, link):
            order.action_approval_withdraw()

        def changed(order, link):
            order.order_line.sudo().write({"price_unit": 10.2})
            self._commit()

        def decided(order, link):
            self._decide(order, "Purchasing", self.manager)

        def not_yours(order, link):
            self.manager.write(
                {
                    "groups_id" if "groups_id" in self.manager._fields else "group_ids": [
                        (3, self.env.ref("distribution_core.group_approver").id)
                    ]
                }
            )

        def copy(order, link):
            self.env["ir.config_parameter"].sudo().set_param("database.is_neutralized", "true")

        words = {
            expired: "has expired",
            inactive: "not active",
            withdrawn: "Nothing to decide",
            changed: ("not yours", "has changed"),
            decided: ("Nothing to decide", "decided already"),
            not_yours: "not yours",
            copy: "copy of the system",
        }
        for act, expected in words.items():
            with self.subTest(act.__name__):
                savepoint = self.env.cr.savepoint()
                order, path = self._link()
                page = self.url_open(path).text
                self.assertIn("Bolt", page)
                link = self._task(order, "Purchasing").link_ids
                act(order, link)
                self.env.flush_all()
                before = len(order.sudo().approval_request_id.decision_ids)
                response = self.url_open(path)
                self.assertIn(response.status_code, (403, 410))
                self.assertTrue(
                    any(word in response.text for word in ((expected,) if isinstance(expected, str) else expected)),
                    response.text[-900:],
                )
                self._assertSaysNothing(response, order)
                self._assertSaysNothing(self._post(path, page=page), order)
                self.env.invalidate_all()
                self.assertEqual(len(order.sudo().approval_request_id.decision_ids), before)
                savepoint.close(rollback=True)

    def test_the_digest_of_the_page(self):
        order, path = self._link()
        page = self._post(path, seen_digest="0" * 64)
        self.assertIn("changed", page.text)
        self.assertFalse(order.sudo().approval_request_id.decision_ids)
        for outcome in ("", "escalate", "approve_with_conditions", "pass", "APPROVE"):
            self._post(path, outcome)
        self.env.invalidate_all()
        self.assertFalse(order.sudo().approval_request_id.decision_ids)

    # -------------------------------------------------------------- guessing

    def test_guessing(self):
        order, path = self._link()
        for number in range(20):
            self.assertEqual(self.url_open(f"/distribution/approval/link/guess{number}").status_code, 404)
        self.assertEqual(self.url_open("/distribution/approval/link/guess21").status_code, 429)
        blocked = self.url_open(path)
        self.assertEqual(blocked.status_code, 429, "else guessing could go on behind the limit")
        self._assertSaysNothing(blocked, order)
        self.env.cr.execute("UPDATE distribution_approval_link_guess SET since = since - interval '2 hours'")
        self.assertEqual(self.url_open(path).status_code, 200)

    # ------------------------------------------------------------------ chat

    def test_chat(self):
        order = self._held()
        task = self._task(order, "Purchasing")
        given = task.with_user(self.integration).action_chat_link(self.manager.id)
        self.assertEqual(given["user_id"], self.manager.id)
        self.assertNotIn(order.name, str(given))
        path = "/distribution/approval/link/" + given["url"].rsplit("/", 1)[1]
        page = self.url_open(path)
        self.assertEqual(page.status_code, 401, "whoever passes it on cannot use it")
        self._assertSaysNothing(page, order)
        self.authenticate("t_integration", "t_integration")
        self._assertSaysNothing(self.url_open(path), order)
        second = task.with_user(self.integration).action_chat_link(self.manager.id)
        self.authenticate("t_manager", "t_manager")
        self.assertIn("has expired", self.url_open(path).text)
        path = "/distribution/approval/link/" + second["url"].rsplit("/", 1)[1]
        self._post(path)
        self.env.invalidate_all()
        self.assertEqual(order.sudo().approval_request_id.decision_ids.user_id, self.manager)

    def test_who_gets_a_chat_link(self):
        task = self._task(self._held(), "Purchasing")
        for caller, user in (
            (self.finance, self.manager),
            (self.buyer, self.manager),
            (self.env.ref("base.user_admin"), self.manager),
        ):
            with self.subTest(caller=caller.login), self.assertRaises(AccessError):
                task.with_user(caller).action_chat_link(user.id)
        for user_id in (self.finance.id, self.buyer.id, self.integration.id, 1, 999999999, True, "7", {}):
            with self.subTest(user_id=user_id), self.assertRaises(UserError):
                task.with_user(self.integration).action_chat_link(user_id)
        with self.assertRaises(AccessError):
            task.with_user(1).action_chat_link(self.manager.id)
        self.assertTrue(task.with_user(self.manager).action_chat_link()["url"])

    # --------------------------------------------------------------- records

    def test_links_are_evidence(self):
        order, _path = self._link()
        link = self._task(order, "Purchasing").link_ids
        for user in (self.buyer, self.manager, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda user: link.with_user(user).write({"user_id": user.id}),
                    lambda user: link.with_user(user).unlink(),
                    lambda user: link.with_user(user).create({"task_id": link.task_id.id, "user_id": user.id}),
                ):
                    with self.assertRaises(UserError):
                        attempt(user)
        with self.assertRaises(AccessError):
            link.with_user(self.manager).read(["token_hash"])
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            link.sudo().write({"user_id": self.finance.id})
            link.flush_recordset()
