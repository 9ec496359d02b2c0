"""Download links: signed for one recipient and one file, until they expire or the edition is recalled."""

import hashlib
import re
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests.common import HttpCase, new_test_user, tagged

from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportLink(ReportCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.account = new_test_user(
            self.env, login="t_system", groups="base.group_user,distribution_core.group_integration"
        )
        report = self._report(
            recipient_ids=[
                (0, 0, {"kind": "group", "group_id": self.role.id}),
                (0, 0, {"kind": "system", "user_id": self.account.id}),
            ]
        )
        run = self._run(report)
        self._work()
        self.edition = run.edition_id
        raw = b"ref;name\nV1;Vendor 1\n"
        attachment = self.edition._attach("vendors.csv", raw, "csv")
        self.file = (
            self.env["distribution.report.file"]
            .sudo()
            .create(
                {
                    "edition_id": self.edition.id,
                    "kind": "csv",
                    "attachment_id": attachment.id,
                    "sha256": hashlib.sha256(raw).hexdigest(),
                    "size": len(raw),
                }
            )
        )
        self.raw = raw
        self._send()
        self.delivery = self.edition.delivery_ids.filtered(lambda one: one.user_id == self.recipient)
        self.env.flush_all()

    def _path(self, delivery=None):
        url = (delivery or self.delivery)._url("csv")
        return url[url.index("/distribution/report/") :]

    def test_the_link_gives_the_bytes_that_were_released(self):
        answer = self.url_open(self._path())
        self.assertEqual((answer.status_code, answer.content), (200, self.raw))
        self.assertEqual(answer.headers["ETag"], f'"{self.file.sha256}"')
        self.assertIn("no-store", answer.headers["Cache-Control"])
        self.env.invalidate_all()
        self.assertTrue(self.delivery.read_at)
        system = self.edition.delivery_ids.filtered(lambda one: one.channel == "system")
        self.assertEqual(self.url_open(self._path(system)).content, self.raw)

    def test_a_link_that_was_tampered_with(self):
        path = self._path()
        other = self.edition.delivery_ids - self.delivery
        for changed in (
            path.replace("/csv?", "/pdf?"),
            path.replace(f"/{self.delivery.id}/", f"/{other.id}/"),
            re.sub(r"expires=(\d+)", lambda match: f"expires={int(match[1]) + 1}", path),
            re.sub(r"expires=\d+", "expires=²", path),
            re.sub(r"signature=\w+", "signature=é", path),
            path.partition("?")[0],
        ):
            with self.subTest(path=changed):
                answer = self.url_open(changed)
                self.assertEqual(answer.status_code, 404)
                self.assertNotIn(b"Vendor", answer.content)

    def test_a_recalled_link_explains(self):
        path = self._path()
        self.edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.env.flush_all()
        answer = self.url_open(path)
        self.assertEqual(answer.status_code, 410)
        self.assertIn("Returns were counted twice", answer.text)
        self.assertNotIn(b"Vendor 1", answer.content)

    def test_expired(self):
        self.env.cr.execute(
            "UPDATE distribution_report_delivery SET create_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(days=31), self.delivery.id),
        )
        self.env.invalidate_all()
        self.assertEqual(self.url_open(self._path()).status_code, 410)

    def test_who_left_opens_nothing(self):
        path = self._path()
        self.recipient.active = False
        self.env.flush_all()
        self.assertEqual(self.url_open(path).status_code, 410)

    def test_a_file_that_was_exchanged_is_not_handed_out(self):
        path = self._path()
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = NULL, db_datas = 'x' WHERE id = %s", (self.file.attachment_id.id,)
        )
        self.env.invalidate_all()
        self.assertEqual(self.url_open(path).status_code, 410)
        with self.assertRaises(AccessError):
            self.file.attachment_id.write({"raw": b"x"})

    def test_files_that_are_not_kept_any_longer(self):
        self.edition.run_id.version_id.flush_recordset()
        self.env.cr.execute("ALTER TABLE distribution_report_edition DISABLE TRIGGER distribution_keep_released_update")
        self.env.cr.execute(
            "UPDATE distribution_report_edition SET released_at = '2020-01-01' WHERE id = %s", (self.edition.id,)
        )
        self.env.invalidate_all()
        self.edition._cron_retention()
        self.assertFalse(self.file.attachment_id)
        self.assertTrue(self.edition.content)
        self.assertEqual(self.url_open(self._path()).status_code, 410)
