"""Subscriptions for some sites: which events belong to a site, and who may say so."""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .common import FACTS, TYPE
from .webhook_case import WebhookCase


@tagged('post_install', '-at_install')
class TestWebhookSites(WebhookCase):
    def setUp(self):
        super().setUp()
        self.central, self.branch = self.env['stock.warehouse'].create(
            [{'name': f"{code} warehouse", 'code': code} for code in ('CEN9', 'BRA9')]
        )
        self.subscription.write({'event_types': '*', 'site_ids': [Command.set(self.central.ids)]})
        self.pickings = self.picking(self.central) | self.picking(self.branch)

    def picking(self, warehouse):
        return self.env['stock.picking'].create(
            {
                'picking_type_id': warehouse.int_type_id.id,
                'location_id': warehouse.lot_stock_id.id,
                'location_dest_id': warehouse.lot_stock_id.id,
            }
        )

    def told(self, subscription=None):
        return [
            (one.res_model, one.res_id)
            for one in self.Event.browse(self.deliveries(subscription).mapped('event_id'))
            if one.type == TYPE
        ]

    def about(self, records, facts=FACTS):
        return self.Event._record(TYPE, records, facts)

    def test_events_of_documents_at_the_site(self):
        case = self.env['distribution.case']._open('no_approver', self.pickings[0], "At the central warehouse")
        self.assertEqual(case.site_id, self.central)
        for records in (self.pickings, self.central | self.branch, case, self.partners[:1]):
            self.about(records)
        move = self.env['stock.move'].create(
            {
                'picking_id': self.pickings[0].id,
                'picking_type_id': self.central.int_type_id.id,
                'product_id': self.env['product.product'].create({'name': "Pallet"}).id,
                'location_id': self.central.lot_stock_id.id,
                'location_dest_id': self.central.lot_stock_id.id,
                'product_uom_qty': 1,
                **({'name': "Pallet"} if 'name' in self.env['stock.move']._fields else {}),
            }
        )
        self.about(move)
        self.assertEqual(
            self.told(),
            [
                ('stock.picking', self.pickings[0].id),
                ('stock.warehouse', self.central.id),
                ('distribution.case', case.id),
                ('stock.move', move.id),
            ],
        )

    def test_without_a_site_to_those_who_name_none(self):
        everybody = self.subscribe(self.env, self.to, name="Everything")
        self.about(self.partners[:1] | self.partners[1:2])
        self.assertFalse(self.told())
        self.assertEqual(len(self.told(everybody)), 2)
        self.subscription.site_ids = False
        self.about(self.partners[:1])
        self.assertEqual(len(self.told()), 1)

    def test_an_event_that_names_its_site(self):
        with patch.object(type(self.Event), '_check_payload', lambda *_arguments: None):
            for facts in (
                {'site_id': self.central.id},
                {'site_id': self.branch.id},
                {'site_id': str(self.central.id)},
                {'site_id': True},
                {'site_id': None},
                {'data': {'site_id': self.central.id}},
            ):
                self.about(self.partners[:1], facts)
        self.assertEqual(len(self.told()), 1, "a number of our own, and not what another system calls a site")
        self.assertIn(f'"site_id":{self.central.id}', self.Event.browse(self.deliveries().event_id).data)

    def test_two_sites_and_a_condition(self):
        self.subscription.write(
            {
                'site_ids': [Command.set((self.central | self.branch).ids)],
                'condition_ids': [Command.create({'path': 'after', 'operator': 'eq', 'value': 'blocked'})],
            }
        )
        self.about(self.pickings)
        self.assertFalse(self.told())
        self.about(self.pickings, {**FACTS, 'after': 'blocked'})
        self.assertEqual(len(self.told()), 2)

    def test_what_was_missed_and_what_is_sent_again(self):
        """The jobs judge as the transaction did; a document that is gone belongs to no site."""
        with patch.object(type(self.subscription), '_wants', lambda _self: ()):
            gone = self.picking(self.central)
            events = self.about(self.pickings | gone)
            gone.unlink()
        self.assertFalse(self.told())
        self.subscription.sudo().feed_cursor = False
        horizon = 'odoo.addons.distribution_core.models.distribution_event.current_horizon'
        with patch(horizon, lambda _cr: 2**62):
            self.Delivery._reconcile(self.subscription)
        self.assertEqual(self.told(), [('stock.picking', self.pickings[0].id)])
        self.drain()
        self.subscription._replay(events[0].time - timedelta(minutes=1), events[0].time + timedelta(minutes=1))
        self.Delivery._cron_replay(commit=False)
        self.drain()
        self.assertEqual(self.to.ids().count(events[0].uid), 2)
        self.assertEqual(set(self.to.ids()) & set(events[1:].mapped('uid')), set())

    def test_queries_do_not_grow_with_events(self):
        pickings = self.env['stock.picking'].browse(self.picking(self.central).id for _number in range(20))
        self.about(pickings[:2])
        counts = []
        for size in (2, 20):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.about(pickings[:size])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    def test_a_filter_never_becomes_wider_by_itself(self):
        """Neither by archiving what it names, nor by deleting it."""
        self.central.active = False
        self.about(self.pickings)
        self.assertEqual(self.told(), [('stock.picking', self.pickings[0].id)])
        restricts = """SELECT confdeltype::text FROM pg_constraint
                        WHERE conrelid = 'distribution_webhook_subscription_site_rel'::regclass
                          AND confrelid = 'stock_warehouse'::regclass"""
        self.assertEqual(self.sql(restricts), [('r',)])
        company = self.env['res.company'].create({'name': "Closed soon"})
        self.subscription.write({'site_ids': False, 'company_ids': [Command.set(company.ids)]})
        company.active = False
        self.env.registry.clear_cache()
        self.about(self.partners[:1])
        self.assertEqual(len(self.told()), 1, "only that of before")

    def test_sites_of_other_companies(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        with self.assertRaisesRegex(ValidationError, "not among the companies"), self.env.cr.savepoint():
            self.subscription.company_ids = company
        self.subscription.company_ids = company | self.env.company
        self.about(self.pickings)
        self.assertEqual(len(self.told()), 1)

    def test_who_may_choose_sites(self):
        people = {role: self.user(f'site_{role}', role) for role in ('operations', 'auditor', 'buyer', 'integration')}
        for role in ('operations', 'auditor'):
            self.assertEqual(self.subscription.with_user(people[role]).site_ids, self.central, "they may see it")
        for role in ('buyer', 'integration'):
            with self.assertRaises(AccessError):
                self.subscription.with_user(people[role]).read(['site_ids'])
        for role, person in people.items():
            for command in (Command.clear(), Command.link(self.branch.id), Command.unlink(self.central.id)):
                with self.subTest(role), self.assertRaises(AccessError), self.env.cr.savepoint():
                    self.subscription.with_user(person).write({'site_ids': [command]})
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                self.subscription.with_user(person).create(
                    {'name': "Mine", 'url': self.to.url, 'site_ids': [Command.link(self.branch.id)]}
                )
        self.assertEqual(self.subscription.site_ids, self.central)
        keeper = self.user('site_keeper', 'administrator')
        self.subscription.with_user(keeper).site_ids = self.branch
        self.about(self.pickings)
        self.assertEqual(self.told(), [('stock.picking', self.pickings[1].id)])
