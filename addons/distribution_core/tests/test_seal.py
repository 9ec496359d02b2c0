"""Sealing, and finding what the table's owner did past the triggers."""

import base64
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..ledger import sealing
from ..ledger.sealing import ANNOUNCEMENT_TYPE
from .common import LedgerCase

QUIET = 'odoo.addons.distribution_core.models.distribution_event_seal'


@tagged('post_install', '-at_install')
class TestSeal(LedgerCase):
    def test_seal_covers_and_verifies(self):
        self.record()
        seals = self.seal()
        self.assertTrue(seals)
        result = self.Seal._verify()
        self.assertTrue(result.ok, result.problem)
        self.assertGreaterEqual(result.sealed_events, 5)
        announcement = self.Event._last_for(seals[-1], ANNOUNCEMENT_TYPE)
        self.assertIn(seals[-1].digest, announcement.data)

    def test_announcing_a_seal_never_causes_a_seal(self):
        self.record()
        announced = self.seal()
        last = self.Seal.search([], limit=1)
        self.assertTrue(self.Event._last_for(last, ANNOUNCEMENT_TYPE))
        self.assertFalse(self.seal(), "the announcement alone is not sealed …")
        self.record()
        self.assertEqual(self.seal().event_count, len(announced) + 5, "… but with the next event")

    def test_nothing_below_the_horizon_is_no_seal(self):
        self.seal()
        self.record()
        self.assertFalse(self.Seal._seal_next_batch(), "this transaction has not ended")

    @mute_logger(QUIET)
    def test_tampering_is_named(self):
        events = self.record()
        self.seal()
        victim_id, victim_uid = events[2].id, events[2].uid
        attacks = {
            'altered': "UPDATE distribution_event SET data = '{}' WHERE id = %s",
            'altered ': "UPDATE distribution_event SET user_ref = 1, digest = repeat('0', 64) WHERE id = %s",
            'missing': "DELETE FROM distribution_event WHERE id = %s",
            'missing ': "UPDATE distribution_event SET txid = txid + 99 WHERE id = %s",
            'missing  ': "UPDATE distribution_event SET epoch = epoch + 1 WHERE id = %s",
        }
        for what, statement in attacks.items():
            with self.subTest(statement), self._rolled_back():
                self.as_owner(statement, victim_id)
                result = self.Seal._verify()
                self.assertEqual(
                    (result.problem.what, result.problem.event_id, result.problem.uid),
                    (what.strip(), victim_id, victim_uid),
                )
                self.assertTrue(self.env['distribution.case'].search([('type_id.code', '=', 'ledger_broken')]))
        self.assertTrue(self.Seal._verify().ok)

    @mute_logger(QUIET)
    def test_insertion_into_a_sealed_range_is_named(self):
        events = self.record()
        self.seal()
        self.as_owner(
            """
            INSERT INTO distribution_event (uid, type, time, data, txid, epoch, recorded_at, digest)
            SELECT gen_random_uuid(), type, time, data, txid, epoch, recorded_at, digest
              FROM distribution_event WHERE id = %s
        """,
            events[0].id,
        )
        (inserted,) = self.sql("SELECT max(id) FROM distribution_event")[0]
        problem = self.Seal._verify().problem
        self.assertEqual((problem.what, problem.event_id), ('inserted', inserted))

    @mute_logger(QUIET)
    def test_event_of_no_epoch_is_named(self):
        self.record()
        self.seal()
        for epoch in (0, 4711, -1):
            with self.subTest(epoch), self._rolled_back():
                self.as_owner(
                    "INSERT INTO distribution_event_epoch (id, system_identifier, database_oid, database_name)"
                    " SELECT 4711, 'elsewhere', 1, 'x'"
                )
                self.as_owner(
                    """
                    INSERT INTO distribution_event (uid, type, time, data, txid, epoch, recorded_at, digest)
                    VALUES (gen_random_uuid(), 'a.b.v1', now(), '{}', 1, %s, now(), 'x')
                """,
                    epoch,
                )
                self.assertEqual(self.Seal._verify().problem.what, 'inserted')

    @mute_logger(QUIET)
    def test_rewriting_seals_is_found(self):
        self.record()
        first = self.seal()[:1]
        announced = self.Seal.search([], limit=1).digest
        for statement in (
            "UPDATE distribution_event_seal SET digest = repeat('1', 64)",
            "UPDATE distribution_event_seal SET manifest = '', event_count = 0",
            "UPDATE distribution_event_seal SET to_xid = to_xid - 1",
            "UPDATE distribution_event_seal SET number = 1000 + number",
            "UPDATE distribution_event_seal SET epoch = epoch + 1",
            "INSERT INTO distribution_event_seal (number, epoch, from_xid, to_xid, event_count, sealed_at,"
            " previous_digest, digest, algorithm, manifest) SELECT -5, epoch, from_xid, to_xid, event_count,"
            " sealed_at, previous_digest, digest, algorithm, manifest FROM distribution_event_seal LIMIT 1",
        ):
            with self.subTest(statement), self._rolled_back():
                self.as_owner(statement)
                self.assertIn(self.Seal._verify().problem.what, ('seal broken', 'chain broken', 'epoch unknown'))
        with self.subTest("rewritten as a whole"), self._rolled_back():
            self.as_owner("DELETE FROM distribution_event_seal")
            self.as_owner("UPDATE distribution_event SET user_ref = 1 WHERE type = %s", ANNOUNCEMENT_TYPE)
            self.as_owner("DELETE FROM distribution_event WHERE type = %s", ANNOUNCEMENT_TYPE)
            self.seal()
            self.assertTrue(self.Seal._verify().ok, "a chain rewritten to the end is consistent in itself …")
            problem = self.Seal._verify(announced=announced).problem
            self.assertEqual(problem.what, 'chain broken', "… but not with what was announced")
        self.assertTrue(self.Seal._verify(announced=announced.upper() + ' ').ok)
        self.assertTrue(first)

    @mute_logger(QUIET)
    def test_announcement_in_the_ledger_binds_the_chain(self):
        """Who rewrites the chain must rewrite the announcements in it as well, or it shows."""
        self.record()
        self.seal()
        self.record()
        self.seal()  # with the first announcements in it
        self.assertTrue(self.Seal._verify().ok)
        self.as_owner("DELETE FROM distribution_event_seal")
        self.seal()
        self.assertEqual(self.Seal._verify().problem.what, 'announcement differs')

    def test_batches_end_between_transactions(self):
        self.record()
        transactions = self.sql("SELECT count(DISTINCT (epoch, txid)) FROM distribution_event")[0][0]
        with patch.object(sealing.seal_batch, '__defaults__', (None, 1)):
            seals = self.seal()
        self.assertGreaterEqual(len(seals), transactions)
        self.assertTrue(self.Seal._verify().ok)
        self.assertEqual(sum(seals.mapped('event_count')), self.Seal._verify().sealed_events)

    def test_mail_to_the_auditors_once(self):
        auditor = self.user('ledger_auditor', 'auditor')
        auditor.email = 'auditor@example.com'
        self.record()
        seals = self.seal()
        mail = self.Seal._cron_announce()
        self.assertIn(auditor.partner_id, mail.recipient_ids)
        self.assertEqual(mail.state, 'outgoing', "queued, not sent in the transaction")
        for seal in seals:
            self.assertIn(seal.digest, mail.body_html)
        self.assertFalse(self.Seal._cron_announce(), "nothing new, no mail")

    def test_days_without_auditor_are_caught_up(self):
        groups = self.env.ref('distribution_core.group_auditor')
        self.sql("DELETE FROM res_groups_users_rel WHERE gid = %s", groups.id)
        self.env.invalidate_all()
        self.record()
        seal = self.seal()[-1]
        with mute_logger(QUIET):
            self.assertFalse(self.Seal._cron_announce())
        self.user('ledger_auditor', 'auditor').email = 'auditor@example.com'
        self.assertIn(seal.digest, self.Seal._cron_announce().body_html)

    def test_wizard_for_the_auditor(self):
        auditor = self.user('ledger_auditor', 'auditor')
        events = self.record()
        self.seal()
        wizard = self.env['distribution.ledger.verify'].with_user(auditor).create({})
        wizard.action_verify()
        self.assertEqual(wizard.state, 'ok')
        self.assertEqual(
            self.Event._last_for(self.Seal.search([], limit=1), 'distribution.ledger.verified.v1').user_ref, auditor.id
        )
        self.as_owner("UPDATE distribution_event SET data = '{}' WHERE id = %s", events[1].id)
        with mute_logger(QUIET):
            wizard.action_verify()
        self.assertEqual(
            (wizard.state, wizard.what, wizard.event_id, wizard.event_uid),
            ('problem', 'altered', events[1].id, events[1].uid),
        )
        self.assertEqual(wizard.action_open_event()['res_id'], events[1].id)

    def test_export_for_the_auditor(self):
        auditor = self.user('ledger_auditor', 'auditor')
        self.record()
        self.seal()
        wizard = self.env['distribution.ledger.export'].with_user(auditor).create({})
        others = self.env['res.company'].search([]) - auditor.company_ids
        if others:
            with self.assertRaises(AccessError):
                wizard.action_export()
            auditor.company_ids |= others
        wizard.action_export()
        self.assertGreaterEqual(wizard.event_count, 5)
        check = (
            self.env['distribution.ledger.verify']
            .with_user(auditor)
            .create({'export_file': wizard.with_context(bin_size=False).export_file, 'export_name': 'x'})
        )
        check.action_verify()
        self.assertEqual((check.state, check.file_events), ('ok', wizard.event_count))
        damaged = bytearray(base64.b64decode(wizard.with_context(bin_size=False).export_file))
        damaged[len(damaged) // 2] ^= 1
        check.export_file = base64.b64encode(bytes(damaged))
        with self.assertRaisesRegex(Exception, 'damaged|altered|changed'):
            check.action_verify()
            raise AssertionError(check.message)

    def test_verification_memory_and_queries_do_not_follow_the_number_of_events(self):
        """The ledger is read in chunks: some queries per seal and chunk, none per event."""
        self.sql("""
            INSERT INTO distribution_event (uid, type, time, data)
            SELECT gen_random_uuid(), 'a.b.v1', now(), '{}' FROM generate_series(1, 5000)
        """)
        self.seal()
        queries = self.env.cr.sql_log_count
        result = self.Seal._verify()
        self.assertTrue(result.ok)
        self.assertLess(self.env.cr.sql_log_count - queries, 60 + 8 * result.seals)

    def _rolled_back(self):
        case = self

        class RolledBack:
            def __enter__(self):
                case.env.flush_all()
                self.savepoint = case.env.cr.savepoint(flush=False)
                self.savepoint.__enter__()

            def __exit__(self, *_error):
                self.savepoint.rollback()
                self.savepoint.close(rollback=False)
                case.env.invalidate_all()

        return RolledBack()
