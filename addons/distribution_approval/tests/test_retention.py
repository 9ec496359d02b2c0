"""Retention: what is beyond its period is listed; nothing is deleted."""

import json
from datetime import timedelta

import psycopg2
from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase

DUE, RETENTION = "distribution.approval.retention.due", "distribution.approval.retention"


@tagged("post_install", "-at_install")
class TestRetention(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.administrator = cls.employee.copy({"login": "t_administrator"})
        cls.administrator.write({USER_GROUPS: [(4, cls.env.ref("distribution_core.group_administrator").id)]})
        cls.period = (
            cls.env[RETENTION].with_user(cls.administrator).create({"document_type": "purchase_order", "years": 6})
        )

    def _age(self, order, years):
        """The evidence on ``order`` as if it were from long ago."""
        self.env.flush_all()
        for table, columns in (
            ("distribution_approval_release", ("released_at",)),
            ("distribution_approval_request", ("requested_at", "closed_at")),
        ):
            self.env.cr.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for column in columns:
                self.env.cr.execute(
                    f"UPDATE {table} SET {column} = {column} - make_interval(years => %s) WHERE res_id = %s",
                    (years, order.id),
                )
            self.env.cr.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        self.env.invalidate_all()

    def _due(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env[DUE].with_user(self.auditor).search([])

    def test_lists_what_is_closed_and_old(self):
        old, young, waiting = self._approved(), self._approved(), self._held()
        self._age(old, 7)
        self._age(young, 5)
        self._age(waiting, 7)
        due = self._due()
        self.assertEqual(due.mapped("res_id"), old.ids)
        self.assertEqual(due.retention_id, self.period)
        self.assertFalse(due.packed_at)
        self.period.invalidate_recordset()
        self.assertEqual(self.period.beyond_count, 1)
        # A period of the company goes before that of all.
        own = self.env[RETENTION].create({"document_type": "purchase_order", "company_id": self.company.id, "years": 4})
        self.assertEqual(set(self._due().mapped("res_id")), {old.id, young.id})
        own.years = 30
        self.assertFalse(self._due())

    def test_packs_then_stays(self):
        order = self._approved()
        self._age(order, 7)
        action = self._due().action_make_packs()
        pack = self.env["distribution.approval.evidence.pack"].search(action["domain"])
        self.assertEqual(pack.res_id, order.id)
        self.env.flush_all()
        self.assertTrue(self._due().packed_at)
        # The evidence itself stays, whoever asks.
        request = order.sudo().approval_request_id
        for table in ("request", "decision", "release", "snapshot", "evidence_pack"):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
                self.env.cr.execute(f"DELETE FROM distribution_approval_{table}")
        self.assertTrue(request.exists())

    def test_job_opens_one_case(self):
        self._age(self._approved(), 7)
        self.env.flush_all()
        cases = self.env["distribution.case"].search([])
        for _time in range(2):
            self.env[RETENTION]._cron_review()
        case = self.env["distribution.case"].search([]) - cases
        self.assertEqual(case.mapped("type_id.code"), ["retention_due"])
        self.assertEqual(case.company_id, self.company)
        self.assertIn("Nothing is deleted by itself", case.description)

    def test_ledger_up_to_the_longest_period(self):
        self.assertEqual(self.env[RETENTION]._prunable_seal(), 0)
        # Tests on several connections leave companies behind in which other documents are governed.
        governed = self.env["distribution.approval.activation"].search([]).mapped("document_type")
        for document_type in set(governed) - {"purchase_order"}:
            self.env[RETENTION].create({"document_type": document_type, "years": 6})
        self.env.cr.execute("SELECT max(txid) + 1 FROM distribution_event")
        [beyond] = self.env.cr.fetchone()
        seals = self.env["distribution.event.seal"]
        self.patch(type(seals), "_horizon", lambda self: beyond)
        seal = seals._seal_next_batch()
        self.assertEqual(self.env[RETENTION]._prunable_seal(), 0, "sealed just now")
        self.env.cr.execute("ALTER TABLE distribution_event_seal DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_event_seal SET sealed_at = %s", (fields.Datetime.now() - timedelta(days=7 * 366),)
        )
        self.env.invalidate_all()
        self.assertEqual(self.env[RETENTION]._prunable_seal(), seal.number)
        self.assertIn(f"--to {seal.number} ", self.env[RETENTION]._statement())
        # Another governed kind of document is kept for ever: so is the ledger.
        self.period.with_user(self.administrator).company_id = self.company
        self.assertEqual(self.env[RETENTION]._prunable_seal(), 0)

    def test_changes_are_on_record_and_not_everybodys(self):
        self.period.with_user(self.administrator).years = 2
        event = self.env["distribution.event"]._last_for(self.period)
        self.assertEqual(event.type, "distribution.approval_retention.changed.v1")
        self.assertEqual((json.loads(event.data)["years_before"], json.loads(event.data)["years"]), (6, 2))
        for user in (self.auditor, self.manager, self.publisher, self.buyer):
            with self.assertRaises(AccessError):
                self.period.with_user(user).years = 1
            with self.assertRaises(AccessError):
                self.period.with_user(user).unlink()
        for user in (self.manager, self.buyer, self.employee):
            with self.assertRaises(AccessError):
                self.env[DUE].with_user(user).search([])
        with self.assertRaises(ValidationError):
            self.env[RETENTION].create({"document_type": "purchase_order", "years": 3})
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
            self.period.years = 0
            self.env.flush_all()
