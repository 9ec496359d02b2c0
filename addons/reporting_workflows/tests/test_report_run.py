"""Runs: step by step, once for a period, held when the data are not good, tried again where they failed."""

from datetime import datetime, timedelta

from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from .report_case import ReportCase

OLD = {
    "code": "in",
    "label": "Vendor master",
    "source": "res.partner",
    "moment": "create_date",
    "warn_hours": 1,
    "stale_hours": 2,
    "datasets": "vendors",
}
FAILS = {"code": "few", "label": "Enough vendors", "kind": "row_count", "dataset": "vendors", "minimum": "6"}


@tagged("post_install", "-at_install")
class TestReportRun(ReportCase):
    def _stale_report(self, **values):
        """A report whose input is older than its limit allows."""
        source = self.env["res.partner"].create({"name": "Old source"})
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET create_date = '2020-01-01' WHERE id = %s", (source.id,))
        self.env.invalidate_all()
        entry = {**OLD, "domain": f"[('id', '=', {source.id})]"}
        return source, self._report(input_ids=[Command.create(entry)], **values)

    def test_from_the_schedule_to_the_mailbox(self):
        report = self._report(schedule_every="day", schedule_at=6.0, schedule_off_days="next")
        report._plan(datetime(2026, 11, 22, 12))
        with freeze_time("2026-11-23 12:00:00"):
            self.env["distribution.report"]._cron_schedule()
        run = report.run_ids
        self.assertEqual((run.period, run.origin, run.state), ("2026-11-22", "schedule", "queued"))
        self._work()
        self.assertSteps(run, {})
        self.assertEqual((run.state, run.progress, run.edition_id.number), ("done", 100, 1))
        self.assertEqual(run.step_ids.filtered(lambda step: step.name == "capture").rows, 5)
        self.assertTrue(all(step.started_at and step.attempts == 1 for step in run.step_ids))
        (message,) = self._send()
        self.assertIn("recipient@house.example", message["To"])
        self.assertIn("5 vendors, score 15 in 2026-11-22", self._text(message))
        self.assertEqual(run.edition_id.delivered_count, 1)
        event = self.env["distribution.event"].search([("type", "=", "distribution.report.released.v1")], limit=1)
        self.assertEqual((event.res_id, event.correlation), (run.edition_id.id, f"distribution.report,{report.id}"))

    def test_a_run_by_hand_does_not_replace_the_scheduled_one(self):
        report = self._report(schedule_every="day", schedule_at=6.0)
        for number, (began, do, attempts) in enumerate(
            (
                ("2026-11-16 15:00:00", lambda run: run._advance(), 2),  # before the day was over
                ("2026-11-18 04:00:00", lambda run: run.with_user(self.owner).action_cancel(), 2),
                ("2026-11-20 04:00:00", lambda run: run._advance(), 1),
            )
        ):
            day = fields.Date.to_date("2026-11-16") + timedelta(days=(0, 1, 3)[number])
            report.next_due_at = False
            report._plan(datetime.combine(day, datetime.min.time()) + timedelta(hours=12))
            with freeze_time(began):
                do(self._run(report, day=str(day)))
            with freeze_time(datetime.combine(day, datetime.min.time()) + timedelta(days=1, hours=12)):
                self.env["distribution.report"]._cron_schedule()
            self._work()
            runs = report.run_ids.filtered(lambda run, day=day: run.period_first == day)
            self.assertEqual(len(runs), attempts, day)
            self.assertEqual(runs.sorted("attempt")[-1].state, "done")
            if attempts > 1:
                self.assertEqual(runs.sorted("attempt")[-1].origin, "schedule")
                self.assertIn("schedule", runs.sorted("attempt")[-1].reason)

    def test_missed_days_are_caught_up_with_once(self):
        report = self._report(schedule_every="day", schedule_at=6.0)
        report._plan(datetime(2026, 11, 15, 12))
        with freeze_time("2026-11-20 12:00:00"):
            self.env["distribution.report"]._cron_schedule()
            self.env["distribution.report"]._cron_schedule()
        self.assertEqual((report.run_ids.period, report.run_ids.missed), ("2026-11-19", 4))
        self.assertEqual(report.next_due_at.date(), fields.Date.to_date("2026-11-21"))
        self._work()
        named = dict(report.run_ids.edition_id._content().parameters)
        self.assertEqual(named["No report was made for"], "2026-11-15, 2026-11-16, 2026-11-17, 2026-11-18")
        self.assertIn("2026-11-17", report.run_ids.edition_id.content_html)

    def test_who_expects_it_hears_once_that_it_is_late(self):
        report = self._report(check_ids=[Command.create(FAILS)])
        run = self._run(report)
        self._work()
        self.assertTrue(self._send())
        again = self._run(report, reason="Once more")
        self._work()
        self.assertTrue(again.late_told_at)
        self.assertFalse(self._send(), "they know already")
        self._run(report, day="2026-11-19")
        self._work()
        self.assertTrue(self._send(), "another period is another report")
        self.env["res.partner"].create({"name": "The sixth", "country_id": self.country.id})
        run.with_user(self.owner).action_cancel()
        again.with_user(self.owner).action_retry()
        self._work()
        self.assertEqual(again.state, "done")

    def test_freshness_in_working_hours(self):
        """From Friday evening to Monday morning nobody works: what came on Friday is fresh."""
        stale = {"code": "in", "source": "res.partner", "moment": "create_date", "stale_hours": 24}
        stale["domain"] = f"[('id', '=', {self.vendors[0].id})]"
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = '2026-11-20 15:00:00' WHERE id = %s", (self.vendors[0].id,)
        )
        self.env.invalidate_all()
        for code, working, expected in (("clock", False, "held"), ("worked", True, "done")):
            report = self._report(code=code, input_ids=[Command.create({**stale, "working_hours": working})])
            with freeze_time("2026-11-23 08:00:00"):
                run = self._run(report)
                self._work()
                self.assertEqual(run.state, expected, run.error)
        self.assertIn("working_hours", report.version_id._export_yaml())

    def test_what_was_run_by_hand_does_not_keep_the_schedule_from_it(self):
        """A run of half a day, and one that was given up, do not serve; one of the whole day does."""
        for code, captured_at, cancels, attempts in (
            ("half", "2026-11-19 14:00:00", (), [1, 2]),
            ("whole", "2026-11-20 07:00:00", (), [1]),
            ("given_up", "2026-11-20 07:00:00", (1,), [1, 2]),
            ("once_is_enough", "2026-11-20 07:00:00", (2,), [1, 2]),
            ("both_given_up", "2026-11-20 07:00:00", (1, 2), [1, 2, 3]),
        ):
            with self.subTest(code):
                report = self._report(code=code, schedule_every="day", schedule_at=6.0)
                report._plan(datetime(2026, 11, 19, 12))
                self._run(report, day="2026-11-19")
                if 1 in cancels:
                    report.run_ids.with_user(self.owner).action_cancel()
                self._work()
                report.run_ids.sudo().write({"captured_at": captured_at})
                if 2 in cancels:
                    self._run(report, day="2026-11-19", reason="Again").with_user(self.owner).action_cancel()
                with freeze_time("2026-11-20 12:00:00"):
                    self.env["distribution.report"]._cron_schedule()
                    self.env["distribution.report"]._cron_schedule()
                self.assertEqual(sorted(report.run_ids.mapped("attempt")), attempts)
                newest = report.run_ids.sorted("attempt")[-1]
                self.assertEqual(newest.period, "2026-11-19")
                if len(attempts) > 1 + (2 in cancels):
                    self.assertEqual((newest.origin, newest.state), ("schedule", "queued"))
                    self._work()
                    self.assertEqual(newest.state, "done", newest.error)

    def test_a_run_that_is_still_going_on_is_the_one_of_the_schedule(self):
        report = self._report(schedule_every="day", schedule_at=6.0)
        report._plan(datetime(2026, 11, 19, 12))
        with freeze_time("2026-11-19 14:00:00"):
            self._run(report, day="2026-11-19")
        with freeze_time("2026-11-20 12:00:00"):
            self.env["distribution.report"]._cron_schedule()
        self.assertEqual(len(report.run_ids), 1, "it takes its numbers from now on")

    def test_a_period_runs_once_and_again_with_a_reason(self):
        report = self._report()
        run = self._run(report)
        with self.assertRaisesRegex(UserError, "was run already"):
            self._run(report)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env.cr.execute(
                """INSERT INTO distribution_report_run (report_id, version_id, company_id, period_first, period_last,
                        period, parameters, attempt, origin, state)
                   SELECT report_id, version_id, company_id, period_first, period_last, period, parameters, attempt,
                        origin, state FROM distribution_report_run WHERE id = %s""",
                (run.id,),
            )
        self._work()
        with self.assertRaisesRegex(UserError, "Reason"):
            run.with_user(self.owner).action_run_again(" ")
        action = run.with_user(self.owner).action_run_again("A vendor was missing")
        again = run.browse(action["res_id"])
        self._work()
        self.assertEqual((again.attempt, again.edition_id.number), (2, 2))
        self._run(report, day="2026-11-21")
        self.assertEqual(len(report.run_ids), 3)

    def test_stale_inputs_hold_and_recipients_hear_once(self):
        source, report = self._stale_report()
        run = self._run(report)
        self._work()
        self.assertSteps(
            run,
            {
                "freshness": "held",
                **dict.fromkeys(("checks", "compute", "exceptions", "approval", "render", "distribute"), "pending"),
            },
        )
        self.assertEqual(
            (run.state, run.hold_reason, run.cause), ("held", "stale inputs: Vendor master", "transformation")
        )
        messages = self._send()
        self.assertEqual(
            {message["To"].split("<")[1] for message in messages}, {"recipient@house.example>", "owner@house.example>"}
        )
        self.assertIn("stale inputs: Vendor master", self._text(messages[0]))
        run.sudo().next_try_at = False
        self._work()
        self.assertEqual(run.state, "held")
        self.assertFalse(self._send(), "they hear it once")
        self.env.cr.execute("UPDATE res_partner SET create_date = now() AT TIME ZONE 'UTC' WHERE id = %s", (source.id,))
        self.env.invalidate_all()
        run.sudo().next_try_at = False
        self._work()
        self.assertEqual((run.state, run.edition_id.is_marked), ("done", False))

    def test_a_job_counts_since_it_ended_well(self):
        name = "reporting_workflows.ir_cron_report_retention"
        job, runs, now = self.env.ref(name), self.env["distribution.automation.run"].sudo(), fields.Datetime.now()
        # Odoo notes when it ran last, whatever became of it.
        self.env.cr.execute("UPDATE ir_cron SET lastcall = %s WHERE id = %s", (now, job.id))
        self.env.cr.execute("DELETE FROM distribution_automation_run WHERE cron_id = %s", (job.id,))
        self.env.invalidate_all()
        runs._keep(job.id, now, "failed", ValueError("no"))
        entry = {"code": "job", "label": "Retention", "kind": "job", "source": name, "stale_hours": 2}
        run = self._run(self._report(input_ids=[Command.create(entry)]))
        self._work()
        self.assertEqual((run.state, run.hold_reason), ("held", "stale inputs: Retention"))
        runs._keep(job.id, now, "ok")
        run.sudo().next_try_at = False
        self._work()
        self.assertEqual(run.state, "done", run.error)

    def test_inputs_are_as_old_as_they_were_when_the_numbers_were_taken(self):
        source, report = self._stale_report()
        run = self._run(report)
        run._advance()
        # It comes after the numbers were taken, and before the step that looks at it.
        self.env.cr.execute("UPDATE res_partner SET create_date = now() AT TIME ZONE 'UTC' WHERE id = %s", (source.id,))
        self.env.invalidate_all()
        run._advance()
        self.assertEqual((run.state, run.hold_reason), ("held", "stale inputs: Vendor master"))

    def test_a_held_report_goes_out_with_a_mark_when_somebody_says_why(self):
        _source, report = self._stale_report()
        run = self._run(report)
        self._work()
        with self.assertRaises(AccessError):
            run.with_user(self.recipient).action_overrule("I want it")
        with self.assertRaisesRegex(UserError, "Reason"):
            run.with_user(self.owner).action_overrule("")
        run.with_user(self.owner).action_overrule("The month has to be closed")
        self._work()
        self.assertEqual(run.state, "done")
        marks = run.edition_id._content().marks
        self.assertEqual(marks[0], "Released with stale inputs: Vendor master")
        self.assertIn("The month has to be closed", marks[1])
        self.assertTrue(any(marks[0] in self._text(message) for message in self._send()))

    def test_who_lets_it_go_lets_go_what_they_saw(self):
        _source, report = self._stale_report(check_ids=[Command.create(FAILS)])
        report.sudo().backup_owner_id = self.stranger
        run = self._run(report)
        self._work()
        self.assertEqual(run.hold_reason, "stale inputs: Vendor master")
        run.with_user(self.owner).action_overrule("The month has to be closed")
        self._work()
        self.assertEqual((run.state, run.hold_reason), ("held", "failed checks: Enough vendors"))
        run.sudo().next_try_at = False
        self._work()
        self.assertEqual(run.state, "held", "nor when it is tried again")
        run.with_user(self.stranger).action_overrule("Five are enough")
        self._work()
        self.assertEqual(run.state, "done", run.error)
        self.assertEqual(
            run.edition_id._content().marks,
            (
                "Released with stale inputs: Vendor master",
                "Released with failed checks: Enough vendors",
                "Let go: The month has to be closed; Five are enough",
            ),
        )
        self.assertLessEqual(self.owner | self.stranger, run.edition_id.release_id._approval_owners())

    def test_marked_and_shortened(self):
        _source, report = self._stale_report(on_stale="mark")
        run = self._run(report)
        self._work()
        self.assertEqual(run.edition_id._content().marks, ("Released with stale inputs: Vendor master",))
        version = self._version(report, on_failed="shorten", check_ids=[Command.create(FAILS)])
        self._publish(version)
        run = self._run(report, day="2026-11-21")
        self._work()
        content = run.edition_id._content()
        self.assertEqual([section.title for section in content.sections], ["Exceptions"])
        self.assertEqual(content.marks[1], "Left out: All Vendors")
        self.assertEqual(run.edition_id.failed_check_count, 1)

    def test_what_is_shortened_is_not_judged_and_not_said(self):
        other = {
            "code": "names",
            "model": "res.partner",
            "domain": f"[('id', 'in', {self.vendors[:2].ids})]",
            "column_ids": [Command.create({"path": "name"}), Command.create({"path": "color"})],
        }
        limits = [
            {"measure": "count", "dataset": "vendors", "code": "many", "label": "Too many vendors"},
            {"measure": "count", "dataset": "names", "code": "two", "label": "Two names"},
            {"kpi": "orders_confirmed", "code": "orders", "label": "Orders", "direction": "above"},
            {"kpi": "deliveries_late", "code": "late", "label": "Late"},
        ]
        sections = [
            {"code": "bad", "title": "Left Out", "kpis": "orders_confirmed"},
            {"code": "mixed", "title": "Mixed", "kpis": "orders_confirmed, deliveries_late", "text": "{names.rows}"},
            {"code": "all", "title": "All", "dataset": "vendors"},
            {"code": "exceptions", "title": "Exceptions", "findings": True, "text": "{vendors.rows} vendors"},
        ]
        values = {
            "datasets": [other],
            "on_failed": "shorten",
            "section_ids": [Command.create(one) for one in sections],
            "check_ids": [Command.create({**FAILS, "kpis": "orders_confirmed"})],
            "threshold_ids": [Command.create({"breach": "-1", "opens_case": True, **one}) for one in limits],
        }
        wide = ("sales_team.group_sale_salesman_all_leads", "stock.group_stock_user")
        self.reader.write({USER_GROUPS: [Command.link(self.env.ref(group).id) for group in wide]})
        today = str(self.company._day_of(fields.Datetime.now()))
        run = self._run(self._report(**values), day=today)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        content = run.edition_id._content()
        self.assertEqual([one.title for one in content.sections], ["Mixed", "Exceptions"])
        self.assertIn("Left out: Left Out, All", content.marks)
        left, good = content.sections[0].figures
        self.assertEqual((left.value, left.status, good.value), (None, "unknown", 0))
        self.assertIn("rests on what is not good", left.note)
        self.assertEqual((content.sections[0].text, content.sections[1].text), ("2", "– vendors"))
        self.assertIn("– vendors, score –", content.summary)
        found = [one.title for one in content.sections[1].findings]
        self.assertEqual(found, ["Two names", "Late", "Enough vendors"])
        self.assertTrue(run.is_crossed)
        cases = self.env["distribution.case"].search([("dedup_key", "=like", f"report_exception,{run.report_id.id},%")])
        self.assertEqual({case.dedup_key.split(",")[2] for case in cases}, {"two", "late"})

    def test_what_is_only_marked_stays(self):
        source, _report = self._stale_report(code="first")
        entry = {**OLD, "domain": f"[('id', '=', {source.id})]", "datasets": ""}
        report = self._report(
            on_stale="shorten",
            on_failed="mark",
            input_ids=[Command.create(entry)],
            check_ids=[Command.create(FAILS)],
        )
        run = self._run(report)
        self._work()
        titles = [section.title for section in run.edition_id._content().sections]
        self.assertEqual(titles, ["All Vendors", "Exceptions"], "the stale input carries nothing; the check only marks")

    def test_a_kpi_that_is_in_no_section_is_not_left_out(self):
        version = self._report(
            publish=False, check_ids=[Command.create({**FAILS, "kpis": "sales_ordered"})]
        ).version_ids
        self.assertIn("Check few: KPIs Wrong where It Fails: “sales_ordered” is in no section", version.problem_text)

    def test_failed_checks_hold(self):
        run = self._run(self._report(check_ids=[Command.create(FAILS)]))
        self._work()
        self.assertEqual((run.state, run.hold_reason), ("held", "failed checks: Enough vendors"))
        self.env["res.partner"].create({"name": "The sixth", "country_id": self.country.id})
        run.with_user(self.owner).action_retry()
        self._work()
        self.assertEqual(run.state, "done")

    def test_the_backup_owner_answers_for_it_as_well(self):
        report = self._report(check_ids=[Command.create(FAILS)], classification="management")
        run = self._run(report)
        self._work()
        with self.assertRaises(AccessError):
            run.with_user(self.stranger).action_retry()
        report.sudo().backup_owner_id = self.stranger
        self._run(report, day="2026-11-21")
        self._work()
        told = {message["To"].split("<")[1] for message in self._send()}
        self.assertIn("stranger@house.example>", told)
        self.env["res.partner"].create({"name": "The sixth", "country_id": self.country.id})
        run.with_user(self.stranger).action_retry()
        self._work()
        self.assertEqual(run.state, "done")
        self.assertTrue(run.edition_id.with_user(self.stranger).content_html)

    def test_only_the_failed_step_is_tried_again(self):
        report = self._report()
        run = self._run(report)
        run._advance()
        captured_at = run.captured_at
        self.reader.active = False
        self._work()
        self.assertEqual((run.state, run.failed_step_id.name, run.cause), ("failed", "freshness", "odoo"))
        self.assertIn("Name a person", run.error)
        case = self.env["distribution.case"].search([("dedup_key", "=", f"report_run,{run.id}")])
        self.assertEqual(case.type_id.code, "report_failed")
        self.assertTrue(run.late_told_at)
        self.reader.active = True
        with self.assertRaises(AccessError):
            run.with_user(self.stranger).action_retry()
        run.with_user(self.owner).action_retry()
        self._work()
        self.assertEqual((run.state, run.captured_at), ("done", captured_at))
        self.assertEqual(run.step_ids.filtered(lambda step: step.name == "capture").attempts, 1)

    def test_what_may_pass_is_tried_again_later(self):
        run = self._run(self._report())
        step = run.step_ids[0]
        step.attempts = 1
        values = run._failure(step, ConnectionError("no route"))
        self.assertEqual((values["state"], values["cause"]), ("pending", "outside"))
        self.assertGreater(run.next_try_at, fields.Datetime.now())
        step.write(values)
        run._settle()
        self._work()
        self.assertEqual(run.progress, 0, "not before its time")
        run.next_try_at = fields.Datetime.now() - timedelta(seconds=1)
        self._work()
        self.assertEqual(run.state, "done")

    def test_thresholds_open_cases(self):
        score = {
            "code": "score",
            "label": "Score",
            "measure": "each_row",
            "dataset": "vendors",
            "column": "color",
            "warn": "3",
            "breach": "4",
            "opens_case": True,
        }
        report = self._report(threshold_ids=[Command.create(score)])
        run = self._run(report)
        self._work()
        self.assertEqual((run.is_crossed, run.edition_id.finding_count), (True, 2))
        case = self.env["distribution.case"].search([("dedup_key", "=", f"report_exception,{report.id},score")])
        self.assertIn("V5", case.description)
        findings = run.edition_id._content().sections[1].findings
        self.assertEqual([(one.severity, one.document) for one in findings], [("breach", "V5"), ("warn", "V4")])
        # Operations works on cases, and does not read what is for the management.
        secret = self._report(code="secret", classification="management", threshold_ids=[Command.create(score)])
        self._run(secret)
        self._work()
        case = self.env["distribution.case"].search([("dedup_key", "=", f"report_exception,{secret.id},score")])
        self.assertIn("is not internal", case.description)
        self.assertNotIn("V5", case.description)

    def test_runs_are_written_by_nobody(self):
        run = self._run(self._report())
        for user in (self.owner, self.watcher, self.env.ref("base.user_admin")):
            for attempt in (
                lambda user=user: run.with_user(user).write({"state": "done"}),
                lambda user=user: run.with_user(user).step_ids.write({"state": "done"}),
                lambda user=user: run.with_user(user).copy(),
                lambda user=user: run.with_user(user).unlink(),
            ):
                with self.assertRaises(UserError):
                    attempt()
        with self.assertRaises(AccessError):
            run.with_user(self.stranger).read(["state"])
        with self.assertRaises(AccessError):
            run.with_user(self.owner).read(["content"])
        self.assertEqual(run.with_user(self.watcher).state, "queued")

    def test_by_hand_from_the_report(self):
        report = self._report()
        wizard = self.env["distribution.report.start"].with_user(self.owner).create({"report_id": report.id})
        self.assertEqual(wizard.period_first, wizard.period_last)
        action = wizard.action_start()
        run = self.env["distribution.report.run"].browse(action["res_id"])
        self.assertEqual((run.origin, run.user_id), ("manual", self.owner))
        with self.assertRaises(AccessError):
            report.with_user(self.stranger).action_run()
        with self.assertRaises(AccessError):
            self.env["distribution.report.start"].with_user(self.stranger).create(
                {"report_id": report.id, "period_first": "2026-01-01", "period_last": "2026-01-01"}
            ).action_start()

    def test_a_cancelled_run_asks_nobody_any_more(self):
        run = self._run(self._report(release_pattern="finance"))
        self._work()
        self.assertEqual(run.state, "waiting")
        run.with_user(self.owner).action_cancel()
        self.assertEqual((run.state, run.edition_id.state), ("cancelled", "withdrawn"))
        self.assertEqual(run.edition_id.release_id.approval_request_ids.state, "void")

    # ---------------------------------------------------------- server actions

    def _action(self, **values):
        model = self.env["ir.model"]._get_id("res.partner")
        return self.env["ir.actions.server"].create({"name": "At night", "model_id": model, **values})

    def _set_off(self, action, user=None):
        context = {"active_model": "res.partner", "active_id": self.vendors[0].id, "active_ids": self.vendors.ids}
        action.with_user(user or self.stranger).with_company(self.company).with_context(**context).sudo().run()

    def test_run_a_report(self):
        report = self._report()
        action = self._action(state="distribution_run_report", report_to_run_id=report.id)
        self._set_off(action)
        (run,) = report.run_ids
        self.assertEqual((run.origin, run.user_id.id, run.state), ("action", False, "queued"))
        self._work()
        self.assertEqual(run.state, "done", run.error)
        self._set_off(action)
        self.assertEqual(report.run_ids, run, "the period was run already")
        action.report_again = True
        self._set_off(action)
        self._set_off(action)  # the second one is still going on
        again = report.run_ids - run
        self.assertEqual((len(again), again.attempt, again.reason), (1, 2, "Server action “At night”"))
        again._advance()
        self._set_off(action)  # what happened is not in the numbers that it has taken
        self.assertEqual(sorted(report.run_ids.mapped("attempt")), [1, 2, 3])
        with self.assertRaisesRegex(ValidationError, "Report: choose"):
            self._action(state="distribution_run_report")

    def test_a_report_without_a_version_in_force_is_not_run(self):
        report = self._report(publish=False)
        self._set_off(self._action(state="distribution_run_report", report_to_run_id=report.id))
        self.assertFalse(report.run_ids)

    def test_capture_a_kpi(self):
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        level = kpis.filtered(lambda kpi: kpi.code == "stock_negative")
        current = self.env["distribution.kpi.current"]
        current._refresh(self.company, kpis)
        self.env.cr.precommit.run()
        current._due(self.company)
        self.assertNotIn(level, current._due(self.company))
        action = self._action(state="distribution_capture_kpi", capture_kpi_ids=[Command.set(level.ids)])
        self._set_off(action)
        self.env.cr.precommit.run()
        self.assertIn(level, current._due(self.company))
        with self.assertRaisesRegex(ValidationError, "KPIs: choose"):
            self._action(state="distribution_capture_kpi")
