"""Attacks on reports by people with some rights: fields that are forbidden, owners, sites, addresses, releases."""

from datetime import timedelta

from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from .report_case import CORE, ReportCase


@tagged("post_install", "-at_install")
class TestReportAttacks(ReportCase):
    def _waiting(self, pattern="finance", **values):
        run = self._run(self._report(release_pattern=pattern, **values))
        self._work()
        return run, run.edition_id, run.edition_id.release_id

    def _preview(self, **dataset):
        version = self._report(
            publish=False,
            datasets=[{"code": "secret", "model": "res.partner", "order": "id", **dataset}],
        ).version_ids
        return version.with_user(self.author).action_preview()

    def test_forbidden_fields_are_not_read(self):
        """17.0 computes what only some may read for whoever asks; nobody gets a token by a report."""
        self.env.ref("base.user_admin").partner_id.signup_prepare()
        for path in ("signup_token", "user_ids.totp_secret"):
            if path.split(".")[-1] not in {**self.env["res.partner"]._fields, **self.env["res.users"]._fields}:
                continue
            with self.assertRaises(UserError, msg=path):
                self._preview(column_ids=[Command.create({"path": "name"}), Command.create({"path": path})])
        admin = self.env.ref("base.user_admin").partner_id
        self.assertTrue(admin.signup_type, "there is something to read")
        with self.assertRaises(UserError):
            self._preview(domain="[('signup_type', '!=', False)]", column_ids=[Command.create({"path": "name"})])
        with self.assertRaises(UserError):
            self._preview(order="signup_type", column_ids=[Command.create({"path": "name"})])

    def test_who_publishes_sees_whose_eyes_it_is_read_with(self):
        report = self._report()
        report.with_user(self.author).action_new_version()
        draft = report.version_ids.filtered(lambda version: version.state == "draft")
        draft.with_user(self.author).reader_id = self.owner
        self.assertIn(f"{self.reader.name} → {self.owner.name}", draft.diff_text)

    def test_nobody_makes_themselves_the_owner(self):
        report = self._report()
        with self.assertRaises(AccessError):
            report.with_user(self.author).write({"owner_id": self.author.id})
        with self.assertRaises(AccessError):
            report.with_user(self.author).write({"backup_owner_id": self.author.id})
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.author.company_ids |= other
        with self.assertRaises(UserError):
            report.with_user(self.author).write({"company_id": other.id})

    def test_an_author_does_not_silence_a_report_in_force(self):
        report = self._report(schedule_every="day", schedule_at=6.0)
        self.assertTrue(report.next_due_at)
        for user in (self.author, self.owner, self.watcher):
            with self.assertRaises(AccessError):
                report.with_user(user).active = False
        draft = self._report(code="not_yet", publish=False)
        draft.with_user(self.author).active = False
        self.assertFalse(draft.active, "what was never in force is its author's")

        admin = new_test_user(self.env, "t_house_admin", f"base.group_user,{CORE}administrator")
        with freeze_time(report.next_due_at + timedelta(days=3)):
            report.with_user(admin).with_context(tracking_disable=False, mail_notrack=False).active = False
            self.assertFalse(report.next_due_at)
            self.env.flush_all()
            self.env.cr.precommit.run()
            self.assertIn("active", report.message_ids.tracking_value_ids.field_id.mapped("name"))
            self.env["distribution.report"]._cron_schedule()
            report.with_user(admin).active = True
            self.assertGreater(report.next_due_at, fields.Datetime.now(), "nothing is caught up with")
            self.env["distribution.report"]._cron_schedule()
        self.assertFalse(report.run_ids)
        events = self.env["distribution.event"].search([("correlation", "=", f"distribution.report,{report.id}")])
        facts = [event.type.split(".")[2] for event in events.sorted("id")]
        self.assertEqual(facts, ["published", "archived", "restored"])

    def test_a_report_of_one_site_is_not_run_for_another(self):
        sites = self.env["stock.warehouse"].create([{"name": f"S{n}", "code": f"RS{n}"} for n in range(2)])
        report = self._report(site_id=sites[0].id)
        with self.assertRaisesRegex(UserError, "one site only"):
            self._run(report, site=sites[1])
        run = self._run(report, site=sites[0])
        with self.assertRaisesRegex(UserError, "was run already"):
            self._run(report)
        report._plan(fields.Datetime.to_datetime("2026-11-20 12:00:00"))
        self.assertEqual(self._run(report, reason="A count was late").attempt, 2, "the same report of the same site")
        self.assertEqual(report.run_ids - run, run.search([("report_id", "=", report.id), ("attempt", "=", 2)]))
        elsewhere = self.env["stock.warehouse"].search([("company_id", "!=", self.env.company.id)], limit=1)
        if not elsewhere:
            other = self.env["res.company"].create({"name": "Elsewhere"})
            elsewhere = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        with self.assertRaisesRegex(UserError, "another company"):
            self._run(self._report(code="anywhere"), site=elsewhere)

    def test_a_customers_report_goes_to_those_whom_its_version_names(self):
        self.vendors[0].email = "customer@outside.example"
        run, edition, release = self._waiting(
            "two_parties",
            classification="customer",
            recipient_ids=[Command.create({"kind": "partner", "partner_id": self.vendors[0].id})],
        )
        self._decide(release, "Finance", self.finance)
        self._decide(release, "Operations", self.operations)
        self._resume(release)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        with self.assertRaisesRegex(UserError, "no recipient of this report"):
            edition.with_user(self.owner).action_send_to(partner_ids=self.vendors[1].ids)
        contact = self.env["res.partner"].create(
            {"name": "Their clerk", "parent_id": self.vendors[0].id, "email": "clerk@outside.example"}
        )
        edition.with_user(self.owner).action_send_to(partner_ids=contact.ids)
        run.sudo().state = "running"
        with self.assertRaisesRegex(UserError, "released already"):
            run.with_user(self.owner).action_cancel()

    def test_a_release_says_what_its_edition_says(self):
        _run, _edition, release = self._waiting(classification="management")
        with self.assertRaises(AccessError):
            release.with_user(self.watcher).write({"audience": "team"})
        with self.assertRaises(AccessError):
            release.with_user(self.watcher).write({"period": "2020"})
        for values in ({"active": False}, {"is_stale": True}, {"exception_count": 9}, {"user_id": self.watcher.id}):
            with self.assertRaises(AccessError):
                release.with_user(self.watcher).write(values)
        self.assertEqual((release.audience, release.active), ("management", True))

    def test_operations_does_not_stop_what_others_release(self):
        _run, edition, release = self._waiting(classification="management")
        for values in ({"active": False}, {"name": "x"}, {"user_id": self.watcher.id}, {"is_stale": True}):
            with self.subTest(values), self.assertRaises(AccessError):
                release.with_user(self.watcher).write(values)
        with self.assertRaises(AccessError):
            release.with_user(self.watcher).action_archive()
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self._work()
        self.assertEqual((edition.state, release.active), ("released", True))
        with self.assertRaises(AccessError):
            release.with_user(self.watcher).action_archive()
        with self.assertRaisesRegex(AccessError, "Recall the edition"):
            release.sudo().active = False
        edition._check_intact()

    def test_operations_reads_no_words_of_what_is_not_internal(self):
        few = {"code": "few", "label": "Margin of Acme", "kind": "row_count", "dataset": "vendors", "minimum": "6"}
        secret = self._run(
            self._report(code="secret", classification="management", check_ids=[Command.create(few)], on_failed="hold")
        )
        open_ = self._run(self._report(code="open", check_ids=[Command.create(few)]))
        self._work()
        self.assertEqual((secret.state, open_.state), ("held", "held"))
        words = "failed checks: Margin of Acme"
        self.assertEqual(secret.hold_reason, words)
        late = self.env["distribution.report.delivery"].sudo().search([("run_id", "in", (secret | open_).ids)])
        self.assertEqual(set(late.mapped("words")), {words})
        for hidden, shown, field in (
            (secret, open_, "hold_reason"),
            (secret.step_ids, open_.step_ids, "error"),
            (late.filtered(lambda one: one.run_id == secret), late.filtered(lambda one: one.run_id == open_), "words"),
        ):
            with self.subTest(hidden._name):
                with self.assertRaises(AccessError):
                    hidden.with_user(self.watcher).read([field])
                found = hidden.with_user(self.watcher).search([("id", "in", (hidden | shown).ids)])
                self.assertEqual(set(found.ids), set(shown.ids))
                self.assertIn(words, found.mapped(field))
        for attempt in (
            lambda: secret.with_user(self.watcher).action_retry(),
            lambda: secret.with_user(self.watcher).action_overrule("I am curious"),
            lambda: secret.report_id.with_user(self.watcher).action_run(),
        ):
            with self.assertRaises(AccessError):
                attempt()
        events = self.env["distribution.event"].search([("type", "=", "distribution.report_run.held.v1")])
        told = {event.res_id: event.data for event in events if event.res_id in (secret | open_).ids}
        self.assertIn("Acme", told[open_.id])
        self.assertNotIn("Acme", told[secret.id])
        for user in (self.owner, self.auditor):
            self.assertEqual(secret.with_user(user).hold_reason, words)
        open_.with_user(self.watcher).action_retry()

    def test_another_companys_report_is_not_retired(self):
        version = self._report().version_id
        other = self.env["res.company"].create({"name": "Elsewhere"})
        publisher = new_test_user(
            self.env,
            login="t_far_publisher",
            groups="base.group_user,distribution_core.group_policy_publisher",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            version.with_user(publisher).action_retire()
        self.assertEqual(version.state, "published")

    def test_my_reports_are_mine_however_they_are_asked_for(self):
        run = self._run(self._report())
        self._work()
        self._send()
        editions = self.env["distribution.report.edition"].with_user(self.recipient)
        for domain in ([("is_mine", "=", True)], [("is_mine", "!=", False)], [("is_mine", "in", [True])]):
            self.assertEqual(editions.search(domain), run.edition_id.with_user(self.recipient), domain)
        self.assertFalse(editions.search([("is_mine", "=", False)]) & run.edition_id)

    def test_a_version_whose_seal_is_broken_is_told_and_stops_nobody_else(self):
        broken, sound = self._run(self._report()), self._run(self._report(code="sound"))
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE distribution_report_version DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_report_version SET digest = repeat('0', 64) WHERE id = %s", [broken.version_id.id]
        )
        self.env.cr.execute("ALTER TABLE distribution_report_version ENABLE TRIGGER USER")
        self.env.invalidate_all()
        self._work()
        self.assertEqual((broken.state, sound.state), ("failed", "done"))
        case = self.env["distribution.case"].search([("dedup_key", "=", f"report_run,{broken.id}")])
        self.assertTrue(case)
