"""What is drawn: a preview for who approves, the files of the edition for who gets it."""

import hashlib
import io
import zipfile

from odoo.exceptions import AccessError
from odoo.tests.common import tagged

from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportFiles(ReportCase):
    def setUp(self):
        super().setUp()
        if "distribution.report.renderer" not in self.env:
            self.skipTest("nothing draws reports here")

    def test_the_files_that_go_out_are_those_that_were_drawn(self):
        run = self._run(self._report(release_pattern="finance", as_pdf=True, as_csv=True, as_xlsx=True))
        self._work()
        edition, release = run.edition_id, run.edition_id.release_id
        self.assertEqual(run.state, "waiting", run.error)
        preview = release.with_user(self.finance).preview_id
        self.assertTrue(preview.raw.startswith(b"%PDF"))
        self.assertEqual(hashlib.sha256(preview.raw).hexdigest(), edition.preview_digest)
        with self.assertRaises(AccessError):
            preview.with_user(self.stranger).read(["raw"])
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self._work()
        self.assertEqual(
            (run.state, sorted(edition.file_ids.mapped("kind"))), ("done", ["csv", "pdf", "xlsx"]), run.error
        )
        (message,) = self._send()
        sent = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
        self.assertEqual(
            {hashlib.sha256(raw).hexdigest() for raw in sent.values()}, set(edition.file_ids.mapped("sha256"))
        )
        table = next(raw for name, raw in sent.items() if name.endswith((".csv", ".zip")))
        if table[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(table)) as archive:
                table = b"".join(archive.read(name) for name in archive.namelist())
        self.assertIn(b"Vendor 3", table)

    def test_a_preview_that_was_exchanged_releases_nothing(self):
        run = self._run(self._report(release_pattern="finance", as_pdf=True))
        self._work()
        edition, release = run.edition_id, run.edition_id.release_id
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = NULL, db_datas = 'x' WHERE id = %s", (edition.preview_id.id,)
        )
        self.env.invalidate_all()
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))
