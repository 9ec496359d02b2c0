"""What got stuck is found, once, and closed when it is mended."""

import os
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LedgerCase
from .webhook_case import WebhookMixin


@tagged('post_install', '-at_install')
class TestReconciliation(WebhookMixin, LedgerCase):
    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': Fernet.generate_key().decode()}))
        self.to = self.receiver()
        self.allow(self.env, self.to)
        self.subscription = self.subscribe(self.env, self.to)
        self.Reconciliation = self.env['distribution.reconciliation']
        self.Delivery = self.env['distribution.webhook.delivery']
        self.seal()

    def reconcile(self):
        self.Reconciliation._cron_reconcile(commit=False)

    def cases(self, prefix, state='open'):
        return self.env['distribution.case'].search([('dedup_key', '=like', f'{prefix}:%'), ('state', '=', state)])

    def age(self, **columns):
        for column, minutes in columns.items():
            self.sql(
                f"UPDATE distribution_webhook_delivery SET {column} = %s WHERE subscription_id = %s",
                fields.Datetime.now() - timedelta(minutes=minutes),
                self.subscription.id,
            )
        self.env.invalidate_all()

    def test_deliveries_that_nothing_sends(self):
        self.record(self.partners[:2])
        self.age(next_at=14)
        self.reconcile()
        self.assertFalse(self.cases('deliveries_stuck'))
        self.age(next_at=16)
        self.reconcile()
        self.reconcile()
        case = self.cases('deliveries_stuck')
        self.assertEqual((len(case), case.res_id, case.kind), (1, self.subscription.id, 'technical'))
        self.assertIn("2 deliveries are due", case.description)
        self.Delivery._cron_drain(commit=False)
        self.reconcile()
        self.assertEqual((case.state, case.resolution_id.code), ('resolved', 'mended'))
        self.assertEqual(len(self.to.received), 2)

    def test_a_drain_that_died_and_an_endpoint_that_is_left_alone(self):
        self.record(self.partners[:1])
        self.sql("UPDATE distribution_webhook_delivery SET state = 'sending'")
        self.age(lease_until=16)
        self.reconcile()
        case = self.cases('deliveries_stuck')
        self.assertTrue(case)
        # It does not answer: that is another case, and not ours.
        self.subscription.sudo().opened_at = fields.Datetime.now()
        self.reconcile()
        self.assertEqual(case.state, 'resolved')

    def test_what_waits_for_its_turn_is_not_stuck(self):
        self.subscription.in_order = True
        self.record(self.partners[:1], correlation='one')
        self.record(self.partners[:1], correlation='one')
        first = self.Delivery.search([('subscription_id', '=', self.subscription.id)], order='id', limit=1)
        self.age(next_at=60)
        self.sql(
            "UPDATE distribution_webhook_delivery SET next_at = %s WHERE id = %s",
            fields.Datetime.now() + timedelta(hours=1),
            first.id,
        )
        self.reconcile()
        self.assertFalse(self.cases('deliveries_stuck'))

    def test_endpoints_and_dead_letters_that_are_in_order_again(self):
        opened = self.env['distribution.case']._open
        failing = opened('webhook_failing', self.subscription, "x", dedup_key=f'webhook_failing:{self.subscription.id}')
        dead = opened(
            'webhook_dead_letter', self.subscription, "x", dedup_key=f'webhook_dead_letter:{self.subscription.id}'
        )
        self.record(self.partners[:1])
        self.sql("UPDATE distribution_webhook_delivery SET state = 'dead'")
        self.subscription.sudo().opened_at = fields.Datetime.now()
        self.env.invalidate_all()
        self.reconcile()
        self.assertEqual({failing.state, dead.state}, {'open'})
        self.assertFalse(self.cases('webhook_failing') - failing)
        self.subscription.sudo().opened_at = False
        self.Delivery.search([('subscription_id', '=', self.subscription.id)]).action_send_again()
        self.reconcile()
        self.assertEqual({failing.state, dead.state}, {'resolved'})

    def test_an_endpoint_without_a_secret_is_not_in_order(self):
        self.sql("DELETE FROM distribution_webhook_secret WHERE subscription_id = %s", self.subscription.id)
        self.env.invalidate_all()
        self.subscription.sudo()._stop_without_secret()
        self.reconcile()
        case = self.cases('webhook_failing')
        self.assertEqual(case.res_id, self.subscription.id)
        self.subscription.sudo()._new_secret()
        self.reconcile()
        self.assertEqual(case.state, 'resolved')

    def test_events_without_a_seal(self):
        self.reconcile()
        self.assertFalse(self.cases('ledger_unsealed'))
        self.record(self.partners[:1])
        later = fields.Datetime.now() + timedelta(minutes=61)
        with patch.object(fields.Datetime, 'now', lambda *_args: later):
            self.reconcile()
            case = self.cases('ledger_unsealed')
            self.assertEqual((len(case), case.severity), (1, '3'))
            self.reconcile()
            self.assertEqual(self.cases('ledger_unsealed'), case)
        self.seal()
        self.reconcile()
        self.assertEqual(case.state, 'resolved')

    def test_calls_that_nothing_applies(self):
        account = self.user('unapplied_account', 'integration')
        key = self.env['distribution.api.key'].create({'name': "ERP", 'user_id': account.id})
        contracts = self.env['distribution.api.operation']._operations()
        calls = self.env['distribution.api.call']

        def told(name, days, **values):
            body = contracts[name].body['examples'][0]
            call = calls._insert(key, contracts[name], body, {'company_id': self.env.company.id})
            call.sudo().write({'received_at': fields.Datetime.now() - timedelta(days=days), **values})
            return call

        self.reconcile()
        before = self.cases('api_calls_unapplied')
        first = told('ship-notices', 6)
        told('carrier-statuses', 8, state='applied')
        # Who waits for a person has a case already.
        told('carrier-statuses', 8, case_id=self.env['distribution.case']._open('api_call_not_applied', first, "x").id)
        self.reconcile()
        self.assertEqual(self.cases('api_calls_unapplied'), before)
        old = told('ship-notices', 8)
        other = told('supplier-confirmations', 30)
        self.reconcile()
        self.reconcile()
        found = self.cases('api_calls_unapplied') - before
        self.assertEqual(set(found.mapped('dedup_key')), {
            'api_calls_unapplied:ship-notices', 'api_calls_unapplied:supplier-confirmations',
        })  # fmt: skip
        case = found.filtered(lambda case: 'ship' in case.dedup_key)
        self.assertEqual((case.kind, case.res_id), ('technical', first.id))
        self.assertIn("2 calls were taken", case.description)
        self.env['ir.config_parameter'].set_param('distribution_core.api_unapplied_days', '60')
        self.reconcile()
        self.assertEqual(set(found.mapped('state')), {'resolved'})
        self.env['ir.config_parameter'].set_param('distribution_core.api_unapplied_days', '')
        (old | other).sudo().write({'state': 'applied'})
        self.reconcile()
        self.assertEqual(self.cases('api_calls_unapplied'), before)

    def test_a_check_that_fails(self):
        self.record(self.partners[:1])
        self.age(next_at=16)
        self.reconcile()
        stuck = self.cases('deliveries_stuck')

        def fails(_self):
            raise ValueError("no such column")

        with (
            patch.object(type(self.Reconciliation), '_deliveries_stuck', fails),
            mute_logger('odoo.addons.distribution_core.models.distribution_reconciliation'),
        ):
            self.reconcile()
            case = self.cases('reconciliation_failed')
            self.assertIn('no such column', case.description)
        self.assertEqual(stuck.state, 'open')
        self.reconcile()
        self.assertEqual((case.state, stuck.state), ('resolved', 'open'))
