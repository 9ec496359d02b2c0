"""Links in the event of a release: for the account that it was handed to, until it is recalled; never in the ledger."""

import json
import os
import re
from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.webhook_case import SECRET_KEY, WebhookMixin

from ..models.report_webhook import RELEASED
from .report_case import CORE, ReportCase


@tagged("post_install", "-at_install")
class TestReportWebhook(WebhookMixin, ReportCase, HttpCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()

        def account(login):
            return new_test_user(cls.env, login=login, groups=f"base.group_user,{CORE}integration")

        cls.account, cls.other_account = account("t_warehouse_system"), account("t_other_system")

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(os.environ, {"DISTRIBUTION_SECRET_KEY": SECRET_KEY}))
        self.to = self.receiver()
        self.allow(self.env, self.to)
        self.subscription = self.subscribe(
            self.env, self.to, event_types="distribution.report.*", report_account_id=self.account.id
        )

    def _release(self, account=None, also=()):
        recipients = [*also, Command.create({"kind": "system", "user_id": (account or self.account).id})]
        report = self._report(as_csv=True, as_xlsx=False, recipient_ids=recipients)
        run = self._run(report)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        return run.edition_id

    def _sent(self):
        """The released events that were sent, in order."""
        self.env["distribution.webhook.delivery"]._cron_drain(commit=False)
        messages = [json.loads(body) for _headers, body in self.to.received]
        return [message for message in messages if message["type"] == RELEASED]

    def _url(self):
        (file,) = self._sent()[-1]["data"]["files"]
        return file["url"]

    def _open(self, url):
        self.env.flush_all()
        return self.url_open(url[url.index("/distribution/report/") :])

    def test_the_link_opens_the_file_and_stands_in_no_ledger(self):
        edition = self._release()
        url = self._url()
        answer = self._open(url)
        self.assertEqual((answer.status_code, answer.content), (200, edition.file_ids._bytes()))
        self.assertSigned(self.to.received[0], self.subscription._secrets()[self.subscription.id])
        event = self.env["distribution.event"].search([("type", "=", RELEASED)], limit=1)
        self.assertNotIn("signature=", event.data)
        self.assertEqual(json.loads(event.data)["files"][0]["url"], None)
        self.assertNotIn("signature=", self.env["distribution.webhook.delivery"].search([])[0].body_text)

    def test_an_account_with_a_role_that_gets_the_report_hears_as_a_system(self):
        """It is handed to it with the event, not later by the job that fills inboxes; and once."""
        operations = self.env.ref("distribution_core.group_operations")
        self.account.write({USER_GROUPS: [Command.link(operations.id)]})
        edition = self._release(also=[Command.create({"kind": "group", "group_id": operations.id, "channel": "inbox"})])
        (own,) = edition.delivery_ids.filtered(lambda one: one.user_id == self.account)
        self.assertEqual((own.channel, own.state), ("system", "sent"))
        self.assertEqual(self._open(self._url()).status_code, 200)

    def test_every_try_sends_the_same_body(self):
        self.to.answers = [(500, {}, b""), (200, {}, b"")]
        self._release()
        self._sent()
        self.env.cr.execute("UPDATE distribution_webhook_delivery SET next_at = now() - interval '1 day'")
        self.env.invalidate_all()
        first, second = self._sent()
        self.assertTrue(first["data"]["files"][0]["url"])
        self.assertEqual(first, second)

    def test_an_account_gets_links_to_what_was_handed_to_it_only(self):
        self._release(account=self.other_account)
        self.assertIsNone(self._url())

    def test_without_an_account_there_is_no_link(self):
        self.subscription.report_account_id = False
        self._release()
        self.assertIsNone(self._url())

    def test_an_account_of_another_company_gets_none(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.account.write(
            {"company_ids": [Command.set(elsewhere.ids)], "company_id": elsewhere.id},
        )
        edition = self._release()
        self.assertEqual(edition.delivery_ids.state, "failed", "it was not handed out")
        self.assertIsNone(self._url())

    def test_who_leaves_the_company_opens_nothing(self):
        self._release()
        url = self._url()
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.account.write({"company_ids": [Command.set(elsewhere.ids)], "company_id": elsewhere.id})
        self.assertEqual(self._open(url).status_code, 410)

    def test_a_recall_ends_the_link(self):
        edition = self._release()
        url = self._url()
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        answer = self._open(url)
        self.assertEqual(answer.status_code, 410)
        self.assertNotIn(b"Vendor 3", answer.content)

    def test_what_is_sent_after_the_recall_has_no_link(self):
        edition = self._release()
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.assertIsNone(self._url())

    def test_after_three_days_it_opens_nothing(self):
        edition = self._release()
        url = self._url()
        expires = int(re.search(r"expires=(\d+)", url)[1])
        self.assertEqual(expires, int((edition.delivery_ids.create_date + timedelta(days=3)).timestamp()))
        self.env.cr.execute(
            "UPDATE distribution_report_delivery SET create_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(days=4), edition.delivery_ids.id),
        )
        self.env.invalidate_all()
        old = edition.delivery_ids._url("csv")
        self.assertEqual(self._open(old).status_code, 410)
        later = re.sub(r"expires=\d+", f"expires={expires}", old)
        self.assertEqual(self._open(later).status_code, 404, "the signature is of its end")

    def test_a_link_that_was_tampered_with(self):
        edition = self._release()
        url = self._url()
        other = self._report(code="others", recipient_ids=[Command.create({"kind": "group", "group_id": self.role.id})])
        self._run(other)
        self._work()
        strange = other.run_ids.edition_id.delivery_ids
        for changed in (
            url.replace("/csv?", "/xlsx?"),
            url.replace(f"/{edition.delivery_ids.id}/", f"/{strange.id}/"),
            re.sub(r"signature=\w", "signature=", url),
            url.partition("&signature")[0],
        ):
            with self.subTest(url=changed):
                self.assertEqual(self._open(changed).status_code, 404)

    def test_guessing_has_to_wait(self):
        edition = self._release()
        url = self._url()
        for number in range(60):
            answer = self._open(re.sub(r"signature=\w+", f"signature={number:064x}", url))
            if answer.status_code == 429:
                break
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(self._open(url).status_code, 429, "also with the right one, for a while")
        self.assertTrue(edition)

    def test_only_an_account_of_a_system_is_named_by_an_administrator(self):
        with self.assertRaisesRegex(ValidationError, "no account of another system"):
            self.subscription.report_account_id = self.recipient
        with self.assertRaises(AccessError):
            self.subscription.with_user(self.watcher).report_account_id = self.other_account
