"""Where editions are found: a folder with their files, and the dashboards; by who may read them, and nobody else."""

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests.common import HttpCase, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from .report_case import CORE, ReportCase


@tagged("post_install", "-at_install")
class TestReportFolder(ReportCase, HttpCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.foreigner = new_test_user(
            cls.env,
            login="t_foreigner",
            groups=f"base.group_user,{CORE}operations,{CORE}auditor",
            company_id=cls.elsewhere.id,
            company_ids=[Command.set(cls.elsewhere.ids)],
        )
        cls.auditor = new_test_user(cls.env, login="t_folder_auditor", groups=f"base.group_user,{CORE}auditor")
        # Whoever has several companies sees what is of those that they have chosen.
        cls.both = new_test_user(
            cls.env,
            login="t_both",
            groups=f"base.group_user,{CORE}auditor",
            company_ids=[Command.set((cls.elsewhere | cls.env.company).ids)],
        )

    def _released(self, code="vendors", day="2026-11-20", classification="internal", **values):
        report = self.env["distribution.report"].search([("code", "=", code)])
        if not report:
            report = self._report(code=code, as_csv=True, as_xlsx=False, classification=classification, **values)
        run = self._run(report, day=day)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        self._send()
        return run.edition_id

    def _folder(self, user, **context):
        """The files that the menu shows to somebody."""
        action = self.env["ir.actions.act_window"]._for_xml_id("reporting_workflows.action_report_folder")
        files = self.env["distribution.report.file"].with_user(user).with_context(**context)
        return files.search(safe_eval(action["domain"]))

    def _listed(self, user, code="control_tower", company=None):
        dashboards = self.env["distribution.dashboard"].with_user(user)
        return dashboards.with_company(company or self.company).load(code)["editions"]

    def _on_dashboard(self, *codes):
        self.env.ref("reporting_workflows.dashboard_control_tower").reports = ", ".join(codes)

    # ------------------------------------------------------------------ folder

    def test_everybody_finds_the_files_of_what_they_may_read_by_report_and_period(self):
        editions = [self._released(day=day) for day in ("2026-11-19", "2026-11-20")]
        files = editions[0].file_ids | editions[1].file_ids
        for user, shown in (
            (self.recipient, files),
            (self.owner, files),
            (self.watcher, files),
            (self.auditor, files),
            (self.stranger, files.browse()),
            (self.foreigner, files.browse()),
        ):
            self.assertEqual(self._folder(user), shown, user.login)
        own = self._folder(self.recipient)
        folders = own._read_group([("id", "in", own.ids)], ["report_id", "period"], ["__count"])
        report = editions[0].report_id
        self.assertEqual(
            [(found.id, period, count) for found, period, count in folders],
            [(report.id, "2026-11-19", 1), (report.id, "2026-11-20", 1)],
        )
        self.assertEqual(set(own.mapped("name")), {f"vendors_{edition.period}_edition-1.csv" for edition in editions})
        self.assertTrue(all("content" in file.action_download()["url"] for file in own))
        self.assertEqual(own[0].action_edition()["res_id"], own[0].edition_id.id)

    def test_what_is_for_management_is_none_of_operations(self):
        edition = self._released(classification="management")
        self.assertEqual(edition.classification, "management")
        self.assertFalse(self._folder(self.watcher))
        self.assertEqual(self._folder(self.recipient), edition.file_ids)
        with self.assertRaises(AccessError):
            edition.file_ids.with_user(self.watcher).read(["name"])

    def test_a_draft_is_in_no_folder(self):
        run = self._run(self._report(release_pattern="finance", as_csv=True))
        self._work()
        self.assertEqual(run.state, "waiting", run.error)
        self.assertFalse(self._folder(self.finance))
        self.assertFalse(self._folder(self.auditor))

    def test_a_recalled_one_is_marked_and_not_in_force(self):
        edition = self._released()
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.assertEqual(self._folder(self.recipient).mapped("state"), ["recalled"])

    def test_the_file_itself_is_only_for_who_may_read_the_edition(self):
        edition = self._released()
        path = f"/web/content/{edition.file_ids.attachment_id.id}?download=true"
        self.env.flush_all()
        self.authenticate("t_recipient", "t_recipient")
        self.assertEqual(self.url_open(path).content, edition.file_ids._bytes())
        for login in ("t_stranger", "t_foreigner"):
            self.authenticate(login, login)
            answer = self.url_open(path)
            self.assertNotEqual(answer.status_code, 200, login)
            self.assertNotIn(b"Vendor 3", answer.content)

    def test_files_that_are_not_kept_are_not_listed(self):
        edition = self._released()
        edition.file_ids.sudo().write({"attachment_id": False})
        self.assertFalse(self._folder(self.recipient))

    # --------------------------------------------------------------- dashboard

    def test_dashboards_list_the_newest_edition_that_somebody_may_read(self):
        self._on_dashboard("vendors", "nothing_of_the_kind")
        self._released(day="2026-11-19")
        edition = self._released(day="2026-11-20")
        for user, count in ((self.recipient, 1), (self.owner, 1), (self.watcher, 1), (self.stranger, 0)):
            self.assertEqual(len(self._listed(user)), count, user.login)
        (listed,) = self._listed(self.recipient)
        self.assertEqual((listed["id"], listed["name"], listed["period"]), (edition.id, "Vendors", "2026-11-20"))
        self.assertEqual(
            listed["files"],
            [{"kind": "CSV", "url": f"/web/content/{edition.file_ids.attachment_id.id}?download=true"}],
        )
        self.assertTrue(listed["released_text"])
        self.assertFalse(self._listed(self.recipient, "approvals"), "each dashboard lists its own")

    def test_another_company_sees_nothing_of_it(self):
        self._on_dashboard("vendors")
        self._released()
        self.assertFalse(self._listed(self.foreigner, company=self.elsewhere))
        self.assertFalse(self._listed(self.both, company=self.elsewhere))
        self.assertEqual(len(self._listed(self.both)), 1)

    def test_recalled_and_management_editions_are_not_listed(self):
        self._on_dashboard("vendors", "secret")
        edition = self._released()
        secret = self._released(code="secret", classification="management")
        self.assertEqual([one["id"] for one in self._listed(self.watcher)], [edition.id])
        self.assertEqual({one["id"] for one in self._listed(self.recipient)}, {edition.id, secret.id})
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.assertEqual([one["id"] for one in self._listed(self.recipient)], [secret.id])

    def test_as_many_queries_for_many_editions_as_for_one(self):
        self._on_dashboard("vendors", "others")
        dashboards = self.env["distribution.dashboard"].with_user(self.recipient)

        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            return dashboards.load("control_tower")["queries"]

        queries()  # what the registry keeps from now on
        without = queries()
        self._released()
        one = queries()
        for day in ("2026-11-16", "2026-11-17", "2026-11-18"):
            self._released(day=day)
            self._released(code="others", day=day)
        self.assertEqual(queries(), one)
        self.assertLessEqual(one, without + 1)
        self.env.ref("reporting_workflows.dashboard_control_tower").reports = False
        self.assertLessEqual(one - queries(), 4, "one statement, and what the access rules ask")
