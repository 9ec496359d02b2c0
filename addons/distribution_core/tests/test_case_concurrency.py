"""Jobs that escalate at the same time: real connections, real commits."""

import threading
import time
from datetime import timedelta
from functools import partial
from unittest.mock import patch

from odoo import fields
from odoo.tests.common import new_test_user, tagged
from odoo.tools import html2plaintext, mute_logger

from ..models import distribution_case_clock
from ..turns import each_in_turn
from .committed_case import MEETINGS, CommittedCase

CASES = 24


@tagged('post_install', '-at_install')
class TestCaseConcurrency(CommittedCase):
    """What is committed here is closed in the end; the events stay, for they are evidence."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(distribution_case_clock, 'BATCH', 5))
        with self.transaction() as env:
            groups = 'base.group_user,distribution_core.group_operations'
            owner = new_test_user(env, f'case_at_once_{time.time_ns()}', groups=groups)
            owner.notification_type = 'inbox'
            cases = env['distribution.case'].browse(
                env['distribution.case']._open('no_approver', owner.partner_id, "Nobody decides").id
                for _number in range(CASES)
            )
            cases._assign(owner)
            cases.write({'next_escalation_at': fields.Datetime.now() - timedelta(hours=1)})
            self.owner_id, self.case_ids = owner.id, cases.ids
        self.addCleanup(self._leave)

    def _leave(self):
        with self.transaction() as env:
            env['distribution.case'].browse(self.case_ids).action_cancel()
            env['res.users'].browse(self.owner_id).active = False

    def test_two_jobs_at_once(self):
        done, errors, barrier = [], [], threading.Barrier(2)

        def run():
            try:
                barrier.wait(20)
                with self.transaction() as env:
                    done.append(env['distribution.case']._cron_escalate())
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)

        threads = [threading.Thread(target=run) for _number in range(2)]
        with mute_logger(*MEETINGS):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        self.assertFalse(errors)
        with self.transaction() as env:
            cases = env['distribution.case'].browse(self.case_ids)
            self.assertEqual(set(cases.mapped('escalation_level')), {1})
            events = env['distribution.event'].search(
                [('type', '=', 'distribution.case.escalated.v1'), ('res_id', 'in', cases.ids)]
            )
            self.assertEqual(sorted(events.mapped('res_id')), sorted(cases.ids), "each once")
            self.assertEqual(len(cases.activity_ids), CASES)
        self.assertGreaterEqual(sum(done), CASES)

    def test_what_another_job_has_is_left_to_it(self):
        with self.transaction() as one, self.transaction() as other:
            mine = one['distribution.case']._claim_overdue()
            theirs = other['distribution.case']._claim_overdue()
            self.assertEqual((len(mine), len(theirs)), (5, 5))
            self.assertFalse(set(mine.ids) & set(theirs.ids))

    def test_a_job_that_dies_leaves_its_cases(self):
        with self.assertRaises(ZeroDivisionError), self.transaction() as env:
            env['distribution.case']._escalate_batch()
            raise ZeroDivisionError
        with self.transaction() as env:
            cases = env['distribution.case'].browse(self.case_ids)
            self.assertEqual(set(cases.mapped('escalation_level')), {0})
            self.assertFalse(cases.activity_ids)
            env['distribution.case']._cron_escalate()
            self.assertEqual(set(cases.mapped('escalation_level')), {1})


@tagged('post_install', '-at_install')
class TestReconciliationConcurrency(CommittedCase):
    def test_who_works_on_a_case_at_the_same_moment_is_no_failed_check(self):
        """The job finds that it is mended while somebody writes in it: it looks again, and closes it."""
        key = f'deliveries_stuck:{time.time_ns()}'
        with self.transaction() as env:
            partner = env['res.partner'].create({'name': "Endpoint at once"})
            case_id = env['distribution.case']._open('deliveries_stuck', partner, "Not sent", dedup_key=key).id
        reconciliation = self.registry['distribution.reconciliation']
        check, met = reconciliation._deliveries_stuck, []

        def meets(jobs):
            found = check(jobs)
            if not met:
                met.append(True)
                with self.transaction() as other:
                    other['distribution.case'].browse(case_id).description = "I look after it"
            return found

        with (
            patch.object(reconciliation, '_deliveries_stuck', meets),
            mute_logger(*MEETINGS),
            self.transaction() as env,
        ):
            env['distribution.reconciliation']._cron_reconcile()
        with self.transaction() as env:
            case = env['distribution.case'].browse(case_id)
            self.assertEqual((case.state, case.description), ('resolved', "I look after it"))
            failed = [('dedup_key', '=', 'reconciliation_failed:deliveries_stuck')]
            self.assertFalse(env['distribution.case'].search(failed))


@tagged('post_install', '-at_install')
class TestEachInTurn(CommittedCase):
    def test_one_that_fails_stops_no_other(self):
        """What came before it is kept, what it did is not; the others see what was committed meanwhile."""
        with self.transaction() as env:
            partners = env['res.partner'].create([{'name': "Before"}, {'name': "Fails"}, {'name': "After"}])
            ids = partners.ids
        self.addCleanup(self._forget, ids)

        def step(partner):
            name = partner.name
            partner.comment = f"Seen: {name}"
            partner.env.flush_all()
            if name == "Fails":
                with self.transaction() as other:
                    other['res.partner'].browse(ids[2]).name = "Renamed"
                raise ValueError(name)

        with self.transaction() as env:
            partners = env['res.partner'].browse(ids)
            partners.mapped('name')  # all are in the cache
            with mute_logger('odoo.addons.distribution_core.turns'), self.assertRaisesRegex(ValueError, "Fails"):
                each_in_turn(env, [partial(step, partner) for partner in partners], commit=True)
        with self.transaction() as env:
            comments = [
                comment and html2plaintext(comment) for comment in env['res.partner'].browse(ids).mapped('comment')
            ]
            self.assertEqual(comments, ["Seen: Before", False, "Seen: Renamed"])

    def _forget(self, ids):
        with self.transaction() as env:
            env['res.partner'].browse(ids).unlink()
