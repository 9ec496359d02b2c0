"""Two workers, and one that is killed: real connections, real commits, in a company of their own."""

import threading
import uuid
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.engine.problem import Problem
from odoo.addons.distribution_core.tests.committed_case import MEETINGS, CommittedCase

from ..engine.run import PAUSE, STEPS, TRIES
from ..models import report_run


@tagged("post_install", "-at_install")
class TestReportConcurrency(CommittedCase):
    def setUp(self):
        super().setUp()
        mark = uuid.uuid4().hex[:6]
        with self.transaction() as env:
            company = env["res.company"].create({"name": f"Reports at once {mark}"})

            def user(login, groups):
                return new_test_user(
                    env,
                    login=f"{login}_{mark}",
                    groups=f"base.group_user,{groups}",
                    company_id=company.id,
                    company_ids=[(6, 0, company.ids)],
                )

            author = user("author", "distribution_core.group_policy_author")
            publisher = user("publisher", "distribution_core.group_policy_publisher")
            reader = user("reader", "purchase.group_purchase_user")
            system = user("system", "distribution_core.group_integration")
            report = (
                env["distribution.report"]
                .with_user(author)
                .create({"name": "At Once", "code": f"at_once_{mark}", "company_id": company.id})
            )
            version = report.version_ids.create(
                {
                    "report_id": report.id,
                    "reader_id": reader.id,
                    "as_pdf": False,
                    "section_ids": [(0, 0, {"code": "words", "title": "Words", "text": "Nothing else."})],
                    "as_csv": True,
                    "recipient_ids": [
                        (0, 0, {"kind": "user", "user_id": reader.id, "channel": "inbox"}),
                        (0, 0, {"kind": "system", "user_id": system.id}),
                    ],
                }
            )
            version.with_user(publisher).action_publish()
            self.version_id, self.report_id = version.id, report.id
            self.company_id, self.system_id = company.id, system.id

    def tearDown(self):
        """Other tests send what waits: nothing of this company does any more."""
        with self.transaction() as env:
            env.cr.execute(
                "UPDATE distribution_report_delivery SET state = 'sent' WHERE company_id = %s", [self.company_id]
            )
        super().tearDown()

    def _start(self, day):
        with self.transaction() as env:
            version = env["distribution.report.version"].browse(self.version_id)
            return env["distribution.report.run"]._start(version, day, day).id

    def _at_once(self, work):
        """What two workers made of it, each on a connection of its own."""
        ready, results = threading.Barrier(2, timeout=30), [None, None]

        def worker(place):
            try:
                with self.transaction() as env:
                    results[place] = work(env, ready)
            except Exception as error:
                results[place] = error

        threads = [threading.Thread(target=worker, args=(place,)) for place in (0, 1)]
        with mute_logger(*MEETINGS):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return results

    def test_two_workers_take_different_runs(self):
        ours = {self._start(date(2026, 11, day)) for day in (1, 2)}

        def take(env, ready):
            run = env["distribution.report.run"]._next()
            ready.wait()  # neither lets go before the other has looked
            run._advance()
            return run.id

        taken = self._at_once(take)
        self.assertEqual(len(set(taken)), 2, taken)
        self.assertEqual(set(taken), ours)
        with self.transaction() as env:
            for run in env["distribution.report.run"].browse(ours):
                self.assertEqual(run.step_ids.mapped("attempts"), [1, 0, 0, 0, 0, 0, 0, 0])
            env["distribution.report.run"].browse(ours).write({"state": "cancelled"})

    def test_a_period_is_started_once(self):
        def start(env, ready):
            version = env["distribution.report.version"].browse(self.version_id)
            known = env["distribution.report.run"]._known(version, date(2026, 10, 1), date(2026, 10, 1))
            self.assertFalse(known)
            ready.wait()
            return env["distribution.report.run"]._start(version, date(2026, 10, 1), date(2026, 10, 1)).id

        results = self._at_once(start)
        self.assertEqual(len([one for one in results if isinstance(one, int)]), 1, results)
        self.assertEqual(len([one for one in results if isinstance(one, IntegrityError | UserError)]), 1, results)
        with self.transaction() as env:
            env["distribution.report"].browse(self.report_id).run_ids.write({"state": "cancelled"})

    def test_a_worker_that_is_killed_between_steps_and_within_one(self):
        run_id = self._start(date(2026, 9, 1))
        with self.transaction() as env:
            env["distribution.report.run"]._next()._advance()
        # Killed within the second step: its transaction never came to its end.
        cr = self.registry.cursor()
        with self.transaction() as env:
            dead = env(cr=cr)["distribution.report.run"]._next()
            self.assertEqual(dead.id, run_id)
            dead._advance()
            self.assertFalse(env["distribution.report.run"]._next(), "nobody else has it meanwhile")
        cr.rollback()
        cr.close()
        with self.transaction() as env:
            run = env["distribution.report.run"].browse(run_id)
            self.assertEqual([step.state for step in run.step_ids][:3], ["done", "pending", "pending"])
            env["distribution.report.run"]._cron_run()
        with self.transaction() as env:
            run = env["distribution.report.run"].browse(run_id)
            self.assertEqual((run.state, run.edition_id.number), ("done", 1))
            self.assertEqual(set(run.step_ids.mapped("attempts")), {1})

    def test_killed_before_the_end_of_every_step(self):
        """Each step is done, lost with its transaction, and done again: nothing is there twice."""
        run_id = self._start(date(2026, 8, 1))
        for _step in STEPS:
            cr = self.registry.cursor()
            with self.transaction() as env:
                dead = env(cr=cr)["distribution.report.run"]._next()
                self.assertEqual(dead.id, run_id)
                dead._advance()
                dead.env.flush_all()
            cr.rollback()
            cr.close()
            with self.transaction() as env:
                env["distribution.report.run"]._next()._advance()
        with self.transaction() as env:
            run = env["distribution.report.run"].browse(run_id)
            self.assertDoneOnce(run)

    def _die(self, run_id):
        """A worker notes that the next step begins, does it, and is killed before its transaction came to its end."""
        cr = self.registry.cursor()
        with self.transaction() as env:
            # Its next try is not waited for.
            env["distribution.report.run"].browse(run_id).next_try_at = False
        with self.transaction() as env:
            dead = env(cr=cr)["distribution.report.run"]._next()
            self.assertEqual(dead.id, run_id)
            self.assertTrue(dead._claim())
            dead._advance()
            dead.env.flush_all()
        cr.rollback()
        cr.close()

    def _first_step(self, env, run_id):
        run = env["distribution.report.run"].browse(run_id)
        return run, run.step_ids[0]

    def test_deaths_are_counted_and_others_come_first(self):
        run_id = self._start(date(2026, 4, 1))
        for deaths in (1, 2):
            self._die(run_id)
            with self.transaction() as env:
                run, step = self._first_step(env, run_id)
                self.assertEqual((step.state, step.interrupted, step.attempts), ("pending", deaths, 0))
                self.assertGreater(run.next_try_at, fields.Datetime.now() + timedelta(seconds=PAUSE * deaths - 30))
                self.assertFalse(env["distribution.report.run"]._next())
        with self.transaction() as env:
            env["distribution.report.run"].browse(run_id).next_try_at = False
        with self.transaction() as env:
            env["distribution.report.run"]._cron_run()
        with self.transaction() as env:
            self.assertDoneOnce(env["distribution.report.run"].browse(run_id))

    def test_who_saves_the_same_at_the_same_moment_delays_nothing(self):
        """The step is looked at again at once: nobody died, and nobody waits for the next try."""
        run_id = self._start(date(2026, 2, 1))
        advance, met = report_run.ReportRun._advance, []

        def meets(run):
            if not met:
                met.append(run.id)
                run.env.cr.execute("SELECT 1")  # what is committed from here on is not seen
                with self.transaction() as other:
                    step = "UPDATE distribution_report_run_step SET write_date = now() WHERE run_id = %s"
                    other.cr.execute(step, [run_id])
            return advance(run)

        meeting = patch.object(report_run.ReportRun, "_advance", meets)
        with meeting, mute_logger(*MEETINGS), self.transaction() as env:
            env["distribution.report.run"]._cron_run()
        self.assertEqual(met, [run_id])
        with self.transaction() as env:
            self.assertDoneOnce(env["distribution.report.run"].browse(run_id))

    def test_a_step_that_kills_its_process_is_not_tried_for_ever(self):
        run_id = self._start(date(2026, 3, 1))
        for _death in range(TRIES):
            self._die(run_id)
        with self.transaction() as env:
            run, step = self._first_step(env, run_id)
            self.assertEqual((step.state, step.interrupted), ("pending", TRIES))
            run.next_try_at = False
        with self.transaction() as env:
            env["distribution.report.run"]._cron_run()
        with self.transaction() as env:
            run, step = self._first_step(env, run_id)
            self.assertEqual((run.state, run.cause, step.interrupted), ("failed", "transformation", 0))
            self.assertIn(f"died {TRIES} times", run.error)
            self.assertTrue(run.late_told_at)
            self.assertTrue(env["distribution.case"].search([("dedup_key", "=", f"report_run,{run_id}")]))
            self.assertFalse(env["distribution.report.run"]._next(), "a person tries it again")
            run.action_retry()
        with self.transaction() as env:
            env["distribution.report.run"]._cron_run()
        with self.transaction() as env:
            self.assertDoneOnce(env["distribution.report.run"].browse(run_id))

    def assertDoneOnce(self, run):
        """Each step once; one edition, one file, a row for each recipient, one event."""
        env, edition = run.env, run.edition_id
        self.assertEqual((run.state, edition.number, edition.state), ("done", 1, "released"), run.error)
        self.assertEqual(set(run.step_ids.mapped("attempts")), {1})
        self.assertEqual(set(run.step_ids.mapped("interrupted")), {0})
        self.assertEqual(env["distribution.report.edition"].search([("run_id", "=", run.id)]), edition)
        self.assertEqual(edition.file_ids.mapped("kind"), ["csv"])
        self.assertEqual(len(edition.delivery_ids), 2)
        events = env["distribution.event"].search(
            [
                ("type", "=", "distribution.report.released.v1"),
                ("res_model", "=", edition._name),
                ("res_id", "=", edition.id),
            ]
        )
        self.assertEqual(len(events), 1)

    def test_two_workers_share_the_runs_and_do_each_step_once(self):
        ours = [self._start(date(2026, 7, day)) for day in (1, 2, 3)]

        def work(env, ready):
            ready.wait()
            env["distribution.report.run"]._cron_run()

        self.assertEqual(self._at_once(work), [None, None])
        with self.transaction() as env:
            for run in env["distribution.report.run"].browse(ours):
                self.assertDoneOnce(run)

    def test_two_attempts_that_are_released_at_once_never_share_a_number(self):
        first = self._start(date(2026, 6, 1))
        with self.transaction() as env:
            version = env["distribution.report.version"].browse(self.version_id)
            runs = env["distribution.report.run"]
            second = runs._start(version, date(2026, 6, 1), date(2026, 6, 1), reason="Entered late").id
        with self.transaction() as env:
            for run in env["distribution.report.run"].browse((first, second)):
                for _step in STEPS[: STEPS.index("approval")]:
                    run._advance()

        def release(env, ready):
            run = env["distribution.report.run"]._next()
            ready.wait()
            run._advance()
            return run.id

        self.assertEqual({type(one) for one in self._at_once(release)}, {int})
        with self.transaction() as env:
            runs = env["distribution.report.run"].browse((first, second))
            self.assertEqual(set(runs.mapped("state")), {"running"}, "the later one waits for its next try")
            runs.write({"next_try_at": False})
        with self.transaction() as env:
            env["distribution.report.run"]._cron_run()
        with self.transaction() as env:
            runs = env["distribution.report.run"].browse((first, second))
            earlier, later = runs
            self.assertEqual(later.state, "done")
            if later.edition_id.number == 1:
                self.assertEqual(earlier.state, "failed", "older numbers never become the newer edition")
                self.assertIn("rests on newer numbers", earlier.error)
            else:
                self.assertEqual((earlier.state, runs.edition_id.mapped("number")), ("done", [1, 2]))

    def test_two_server_actions_ask_for_one_run(self):
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": f"Document {number}"} for number in (1, 2)])
            action = env["ir.actions.server"].create(
                {
                    "name": "Run it",
                    "model_id": env["ir.model"]._get_id("res.partner"),
                    "state": "distribution_run_report",
                    "report_to_run_id": self.report_id,
                }
            )
            documents, action_id = list(partners.ids), action.id

        def happen(env, ready):
            with self.lock:
                partner = env["res.partner"].browse(documents.pop())
            partner.write({"comment": "It happened"})
            env.flush_all()
            ready.wait()  # neither sees what the other does
            context = {"active_model": "res.partner", "active_id": partner.id, "active_ids": partner.ids}
            env["ir.actions.server"].browse(action_id).with_context(**context).run()
            partner.write({"ref": "and goes on"})
            return partner.id

        self.lock = threading.Lock()
        happened = self._at_once(happen)
        self.assertEqual({type(one) for one in happened}, {int}, happened)
        with self.transaction() as env:
            run = env["distribution.report"].browse(self.report_id).run_ids
            self.assertEqual((len(run), run.attempt, run.state), (1, 1, "queued"))
            documents = env["res.partner"].browse(happened)
            self.assertEqual(documents.mapped("ref"), ["and goes on"] * 2)
            self.assertEqual(["It happened" in one for one in documents.mapped("comment")], [True] * 2)
            run.write({"state": "cancelled"})

    def test_a_system_that_asks_as_soon_as_it_hears_gets_its_link(self):
        run_id = self._start(date(2026, 5, 1))

        def heard(env):
            """(events that say it is released, what the system's account is answered)."""
            run = env["distribution.report.run"].browse(run_id)
            events = env["distribution.event"].search_count(
                [
                    ("type", "=", "distribution.report.released.v1"),
                    ("correlation", "=", f"distribution.report,{self.report_id}"),
                ]
            )
            operations = env["distribution.api.operation"].with_user(self.system_id).with_company(self.company_id)
            asked = {"code": run.report_id.code, "edition": str(run.edition_id.id), "limit": 10}
            try:
                return events, operations._read_report_edition(None, asked)
            except Problem as problem:
                return events, problem.kind

        with self.transaction() as env:
            for _step in STEPS[:-1]:
                env["distribution.report.run"].browse(run_id)._advance()
        cr = self.registry.cursor()
        self.addCleanup(cr.close)
        with self.transaction() as env:
            env(cr=cr)["distribution.report.run"].browse(run_id)._advance()
            cr.flush()
            self.assertEqual(heard(env), (0, "not-found"), "neither the event nor the edition before it is committed")
        cr.commit()
        with self.transaction() as env:
            events, answer = heard(env)
            self.assertEqual(events, 1)
            (file,) = answer["files"]
            self.assertIn("signature=", file["url"])
            waiting = env["distribution.report.run"].browse(run_id).edition_id.delivery_ids
            self.assertEqual(waiting.filtered(lambda one: one.channel == "inbox").state, "waiting", "no job ran")
