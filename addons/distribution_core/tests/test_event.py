"""Recording events."""

import json

import psycopg2
from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine.chain import EVENT_COLUMNS, event_digest
from ..ledger.schema import column_texts
from .common import FACTS, TYPE, LedgerCase


@tagged('post_install', '-at_install')
class TestEvent(LedgerCase):
    def test_one_insert_whatever_the_number(self):
        many = self.env['res.partner'].create([{'name': f'Many {number}'} for number in range(100)])
        self.env.flush_all()
        self.record(many)  # warm caches
        many.mapped('company_id')
        for partners in (many[:1], many):
            before = self.env.cr.sql_log_count
            events = self.record(partners)
            self.assertEqual(self.env.cr.sql_log_count - before, 1)
            self.assertEqual(len(events), len(partners))

    def test_envelope(self):
        buyer = self.user('ledger_buyer', 'buyer')
        partner = self.partners[0]
        event = (
            self.Event.with_user(buyer)
            .sudo()
            ._record(
                TYPE, partner, FACTS, correlation='case-7', causation=self.record(partner), on_behalf=self.env.user
            )
        )
        self.assertEqual((event.res_model, event.res_id), ('res.partner', partner.id))
        self.assertEqual(event.user_ref, buyer.id, "who really acted, also under sudo")
        self.assertEqual(event.on_behalf_ref, self.env.uid)
        envelope = event._to_cloudevent()
        self.assertEqual(envelope['specversion'], '1.0')
        self.assertEqual(envelope['id'], event.uid)
        self.assertEqual(envelope['type'], TYPE)
        self.assertRegex(envelope['source'], r'^urn:uuid:[0-9a-f-]{36}$')
        self.assertRegex(envelope['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$')
        self.assertEqual(envelope['data'], FACTS)
        self.assertEqual(envelope['correlationid'], 'case-7')
        self.assertTrue(envelope['causationid'])
        self.assertTrue(
            all(name.isalnum() and name == name.lower() for name in envelope), "CloudEvents attribute names"
        )
        self.assertNotIn(buyer.name, json.dumps(envelope))

    def test_facts_per_record(self):
        by_id = self.Event._record(
            TYPE,
            self.partners[:2],
            {
                partner.id: {**FACTS, 'before': before}
                for partner, before in zip(self.partners, ('blocked', 'restricted'))
            },
        )
        by_function = self.Event._record(
            TYPE, self.partners[:2], lambda partner: FACTS, correlation=lambda partner: f'case-{partner.id}'
        )
        self.assertEqual([json.loads(event.data)['before'] for event in by_id], ['blocked', 'restricted'])
        self.assertEqual(by_function.mapped('correlation'), [f'case-{partner.id}' for partner in self.partners[:2]])
        self.assertFalse(self.Event._record(TYPE, self.partners[:0], FACTS))

    def test_data_is_written_verbatim(self):
        event = self.Event._record(TYPE, self.partners[0], {'before': 'new', 'after': 'approved'})
        self.assertEqual(
            self.sql("SELECT data FROM distribution_event WHERE id = %s", event.id),
            [('{"after":"approved","before":"new"}',)],
        )

    def test_rollback_leaves_no_event(self):
        before = self.sql("SELECT count(*) FROM distribution_event")
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.record()
            raise ZeroDivisionError
        self.assertEqual(self.sql("SELECT count(*) FROM distribution_event"), before)

    def test_last_for(self):
        first, second = self.record(self.partners[0]), self.record(self.partners[0])
        self.assertEqual(self.Event._last_for(self.partners[0]), second)
        self.assertEqual(self.Event._last_for(self.partners[0], TYPE), second)
        self.assertFalse(self.Event._last_for(self.partners[0], 'distribution.case.opened.v1'))
        self.assertGreater(second.id, first.id)

    def test_payload_is_checked_in_test_runs(self):
        with self.assertRaisesRegex(ValueError, 'does not fit its schema'):
            self.Event._record(TYPE, self.partners, {'before': 'new', 'after': 'splendid'})
        with self.assertRaisesRegex(ValueError, 'does not fit its schema'):
            self.Event._record(TYPE, self.partners, {**FACTS, 'name': "Nobody's business"})
        with self.assertRaisesRegex(ValueError, 'not registered'):
            self.Event._record('distribution.never.heard.v1', self.partners, {})
        with self.assertRaisesRegex(ValueError, 'no event type'):
            self.Event._record('Something', self.partners, {})

    def test_orm_cannot_write(self):
        event = self.record(self.partners[0])
        for call in (
            lambda: self.Event.create({'type': TYPE}),
            lambda: event.write({'data': '{}'}),
            lambda: event.unlink(),
            lambda: event.copy(),
            lambda: self.Seal.create({'number': 1}),
        ):
            with self.assertRaises(UserError):
                call()

    def test_database_stamps_the_row(self):
        """What the client claims about epoch, transaction, time of record and digest does not count."""
        (row,) = self.sql("""
            INSERT INTO distribution_event (uid, type, time, data, txid, epoch, recorded_at, digest)
            VALUES (gen_random_uuid(), 'a.b.v1', '2001-01-01', '{}', 1, 99, '2001-01-01', 'mine')
            RETURNING txid = txid_current(), epoch = distribution_current_epoch(),
                      recorded_at > now() - interval '1 hour', digest
        """)
        self.assertEqual(row[:3], (True, True, True))
        self.assertRegex(row[3], '^[0-9a-f]{64}$')

    def test_database_and_engine_compute_the_same_digest(self):
        self.record(self.partners[:1], correlation='Ünïcode – ✓ “x”')
        self.sql("SET LOCAL TimeZone = 'Asia/Kolkata'")
        self.sql("SET LOCAL DateStyle = 'German'")
        rows = self.sql(f"SELECT {', '.join(column_texts('event'))}, digest FROM distribution_event event")
        for row in rows:
            self.assertEqual(event_digest(row[:-1]), row[-1])
        self.assertEqual(len(rows[0]), len(EVENT_COLUMNS) + 1)

    @mute_logger('odoo.sql_db')
    def test_refused_by_the_database(self):
        """As Odoo's own database role, with plain SQL."""
        event = self.record(self.partners[0])
        self.seal()
        statements = [
            f"UPDATE distribution_event SET data = '{{}}' WHERE id = {event.id}",
            f"UPDATE distribution_event SET user_ref = {SUPERUSER_ID}",
            f"DELETE FROM distribution_event WHERE id = {event.id}",
            "TRUNCATE distribution_event",
            "UPDATE distribution_event_seal SET digest = repeat('0', 64)",
            "DELETE FROM distribution_event_seal",
            "TRUNCATE distribution_event_seal CASCADE",
            "UPDATE distribution_event_epoch SET database_oid = 0",
            "DELETE FROM distribution_event_epoch",
            "TRUNCATE distribution_event_epoch CASCADE",
            "INSERT INTO distribution_event_prune (from_seal, to_seal, event_count, file_name, file_digest)"
            " VALUES (1, 1, 1, 'x', 'x')",
            "INSERT INTO distribution_event (id, uid, type, time, data)"
            f" VALUES ({event.id}, '{event.uid}', 'a.b.v1', now(), '{{}}')"
            " ON CONFLICT (id) DO UPDATE SET data = 'forged'",
        ]
        for statement in statements:
            with self.subTest(statement), self.assertRaises(psycopg2.errors.RestrictViolation), self.env.cr.savepoint():
                self.sql(statement)
        for way_around in (
            "SET session_replication_role = replica",
            "ALTER SYSTEM SET session_replication_role = replica",
            "SET ROLE distribution_ledger_keeper",
        ):
            with self.subTest(way_around), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
                self.sql(way_around)

    def test_people_and_documents_are_resolved_when_shown(self):
        user = self.user('ledger_leaver')
        name = user.name
        event = (
            self.Event.with_user(user).sudo()._record(TYPE, self.partners[0], FACTS).sudo(False).with_user(SUPERUSER_ID)
        )
        self.assertEqual(event.actor_name, name)
        self.assertIn(event, self.Event.search([('actor_name', 'ilike', 'ledger_leaver')]))
        self.assertEqual(event.type_title, "Vendor status changed")
        self.assertIn("Vendor 0", event.document_name)
        digest = event.digest
        user.unlink()
        self.partners[0].unlink()
        event.invalidate_recordset()
        self.assertIn("deleted", event.actor_name)
        self.assertIn("deleted", event.document_name)
        self.assertEqual((event.digest, event.user_ref), (digest, event.user_ref))
        self.seal()
        self.assertTrue(self.Seal._verify().ok)

    def test_lists_cost_the_same_for_many_rows(self):
        many = self.env['res.partner'].create([{'name': f'Many {number}'} for number in range(80)])
        few_events, many_events = self.record(many[:4]), self.record(many)
        fields = ['type_title', 'document_name', 'actor_name', 'on_behalf_name', 'company_name', 'time']
        counts = []
        for events in (few_events, few_events, many_events):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            events.read(fields)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_feed_follows_the_order_of_seals(self):
        position = None
        seen = []
        while True:
            events, position = self.Event._feed(position, limit=3)
            if not events:
                break
            seen += events.ids
        self.assertEqual(
            seen,
            [
                row[0]
                for row in self.sql("""
                SELECT id FROM distribution_event WHERE txid < txid_snapshot_xmin(txid_current_snapshot())
                 ORDER BY epoch, txid, id""")
            ],
        )
        self.record()
        self.assertFalse(self.Event._feed(position)[0], "not before the transaction has ended")
        with self.assertRaises(ValueError):
            self.Event._feed('nonsense')
