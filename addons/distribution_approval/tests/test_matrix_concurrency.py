"""Variants published at the same instant, and two workers on one simulation: real connections, real commits."""

import psycopg2
from odoo import Command
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.tests.committed_case import LastCase

from ..models import approval_simulation
from . import test_concurrency

VARIANT, SIMULATION = "distribution.approval.variant", "distribution.approval.simulation"


@tagged("post_install", "-at_install")
class TestMatrixConcurrency(LastCase):
    transaction = vars(test_concurrency.ConcurrencyCase)["transaction"]
    _make_company = vars(test_concurrency.ConcurrencyCase)["_make_company"]
    _leave = vars(test_concurrency.ConcurrencyCase)["_leave"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.transaction() as env:
            cls._make_company(env)
        cls.addClassCleanup(cls._leave)
        with cls.transaction("author") as env:
            policy = env["distribution.approval.policy"].search([("company_id", "=", cls.company_id)])
            cls.policy_id = policy.id
            draft = policy._draft_next_version()
            limit = draft.rule_ids.filtered(lambda rule: rule.name == "Small").condition_ids
            limit.write({"threshold": "buyer limit", "band_low": "1000", "band_high": "5000"})
            cls.version_id = draft.id
        with cls.transaction("publisher") as env:
            env["distribution.approval.policy.version"].browse(cls.version_id).action_publish()

    def test_two_variants_at_the_same_instant(self):
        with self.transaction() as env:
            regions = env["distribution.region"].create(
                [{"name": code, "code": code, "company_id": self.company_id} for code in ("A", "B")]
            )
        with self.transaction("author") as env:
            drafts = env[VARIANT].create(
                [
                    {
                        "policy_id": self.policy_id,
                        "company_id": self.company_id,
                        "region_id": region_id,
                        "value_ids": [Command.create({"threshold": "buyer limit", "value": "3000"})],
                    }
                    for region_id in regions.ids
                ]
            )
            first, second = drafts.ids
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.SerializationFailure),
            self.transaction("publisher") as late,
        ):
            late[VARIANT].browse(second).mapped("state")  # its snapshot is that of before
            with self.transaction("publisher") as quick:
                quick[VARIANT].browse(first).action_publish()
            late[VARIANT].browse(second).action_publish()
        with self.transaction("publisher") as again:  # as Odoo repeats it
            again[VARIANT].browse(second).action_publish()
        with self.transaction() as env:
            stamp = env["distribution.approval.policy.version"].browse(self.version_id).variant_stamp
            self.assertEqual(stamp.partition(":")[0], f"{first},{second}")
            self.assertEqual(len(env[VARIANT]._of_stamp(stamp)), 2)

    def test_two_workers_on_one_simulation(self):
        self.patch(approval_simulation, "AT_ONCE", -1)
        with self.transaction("author") as env:
            simulation = env[SIMULATION].create({"version_id": self.version_id, "company_ids": [self.company_id]})
            simulation.action_run()
            simulation_id = simulation.id
        with self.transaction() as one, self.transaction() as other:
            taken = one[SIMULATION]._next_queued()
            self.assertEqual(taken.id, simulation_id)
            self.assertFalse(other[SIMULATION]._next_queued(), "the other worker takes something else")
            taken._advance()
        with self.transaction() as env:
            self.assertEqual(env[SIMULATION].browse(simulation_id).state, "done")
            self.assertFalse(env[SIMULATION]._next_queued())
