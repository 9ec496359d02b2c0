"""Two workers, and one that is killed: real connections, real commits, in a company of their own."""

import threading
import uuid
from datetime import date

from odoo.exceptions import UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.tests.committed_case import CommittedCase


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
                    "recipient_ids": [(0, 0, {"kind": "user", "user_id": reader.id, "channel": "inbox"})],
                }
            )
            version.with_user(publisher).action_publish()
            self.version_id, self.report_id = version.id, report.id

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
        with mute_logger("odoo.sql_db"):
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
            known = env["distribution.report.run"]._known(version.report_id, date(2026, 10, 1), date(2026, 10, 1))
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
