"""Server actions of the suite: open a case, emit an event – configured, not programmed."""

import json
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..models import distribution_event as event_module
from .common import LedgerCase

HOUSE_TYPE = 'acme.vendor.looked_at.v1'


@tagged('post_install', '-at_install')
class TestServerActions(LedgerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = cls.user('action_buyer', 'buyer')
        cls.grant(cls, cls.buyer, 'base.group_partner_manager')

    def action(self, model='res.partner', **values):
        return self.env['ir.actions.server'].create(
            {'name': "Look at vendors", 'model_id': self.env['ir.model']._get_id(model), **values}
        )

    def fields_of(self, model, *names):
        return [Command.set([self.env['ir.model.fields']._get(model, name).id for name in names])]

    def run_on(self, action, records, user=None):
        context = {'active_model': records._name, 'active_id': records[:1].id, 'active_ids': records.ids}
        return action.with_user(user or self.buyer).with_context(**context).run()

    def cases_of(self, records):
        return self.env['distribution.case'].search(
            [('res_model', '=', records._name), ('res_id', 'in', records.ids)], order='res_id'
        )

    # -------------------------------------------------------------- open a case

    def case_action(self, **values):
        return self.action(
            state='distribution_case',
            case_type_id=self.env.ref('distribution_core.case_type_policy_missing').id,
            **{'case_summary': "Look at {name} ({type}) in {country_id.code}", **values},
        )

    def test_open_a_case_per_record(self):
        self.partners[0].country_id = self.env.ref('base.be')
        action = self.case_action(case_severity='3', case_detail="Parent: {parent_id}.")
        self.run_on(action, self.partners[:2])
        cases = self.cases_of(self.partners)
        self.assertEqual(cases.mapped('name'), ["Look at Vendor 0 (Contact) in BE", "Look at Vendor 1 (Contact) in "])
        self.assertEqual((cases[0].severity, cases[0].description), ('3', "Parent: ."))
        self.run_on(action, self.partners[:3])
        self.assertEqual(len(self.cases_of(self.partners)), 3, "one open case per record")
        action.case_once = False
        self.run_on(action, self.partners[:1])
        self.assertEqual(len(self.cases_of(self.partners)), 4)

    def test_what_a_case_action_must_say(self):
        for values, problem in (
            ({'case_type_id': False}, "Case Type"),
            ({'case_summary': " "}, "Summary"),
            ({'case_summary': "{no_such_field}"}, "no_such_field"),
            ({'case_summary': "{name.code}"}, "name.code"),
            ({'case_detail': "{signup_token}"}, "signup_token"),
        ):
            if 'signup_token' in str(values) and 'signup_token' not in self.env['res.partner']._fields:
                continue
            with self.subTest(problem), self.assertRaisesRegex(ValidationError, problem), self.env.cr.savepoint():
                self.case_action().write(values)

    def test_on_the_form(self):
        """Nothing but choices: what an administrator sees is enough to make one."""
        form = Form(
            self.env['ir.actions.server'].with_context(default_model_id=self.env['ir.model']._get_id('res.partner'))
        )
        form.name = "Look"
        form.state = 'distribution_case'
        form.case_type_id = self.env.ref('distribution_core.case_type_policy_missing')
        form.case_summary = "{name}"
        action = form.save()
        self.run_on(action, self.partners[:1])
        self.assertEqual(self.cases_of(self.partners[:1]).name, "Vendor 0")

    # -------------------------------------------------------------- emit an event

    def event_action(self, **values):
        return self.action(
            state='distribution_event',
            **{
                'event_type_name': HOUSE_TYPE,
                'event_description': "Somebody looked at a vendor.",
                'event_field_ids': self.fields_of('res.partner', 'color', 'country_id', 'category_id', 'active'),
                **values,
            },
        )

    def test_emit_an_event_per_record(self):
        self.partners[0].write({'color': 4, 'country_id': self.env.ref('base.be').id})
        action = self.event_action()
        declared = self.env['distribution.event.type'].search([('name', '=', HOUSE_TYPE)])
        self.assertTrue(declared.is_house and declared.is_active)
        self.assertEqual(json.loads(declared.schema)['required'], ['active', 'category_id', 'color', 'country_id'])
        with patch.object(event_module, 'checks_payloads', lambda: False):  # as in production
            self.run_on(action, self.partners[:2])
        events = self.Event.search([('type', '=', HOUSE_TYPE)], order='id')
        self.assertEqual(events.mapped('res_id'), self.partners[:2].ids)
        self.assertEqual(
            json.loads(events[0].data),
            {'active': True, 'category_id': [], 'color': 4, 'country_id': self.env.ref('base.be').id},
        )
        self.assertIsNone(json.loads(events[1].data)['country_id'])
        self.assertEqual(events[0].user_ref, self.buyer.id)
        self.assertEqual(events[0].type_title, "Somebody looked at a vendor")

    def test_the_schema_is_kept_true(self):
        self.event_action()
        with self.assertRaisesRegex(UserError, "does not fit its schema"):
            self.Event._record(HOUSE_TYPE, self.partners[:1], {'color': 'red'})
        with (
            self.assertRaisesRegex(ValidationError, "exists already and carries active, category_id"),
            self.env.cr.savepoint(),
        ):
            self.event_action(event_field_ids=self.fields_of('res.partner', 'color'))
        self.event_action()  # the same facts: shared
        self.env['distribution.event.type']._load_catalogue(force=True)
        self.assertTrue(self.env['distribution.event.type'].search([('name', '=', HOUSE_TYPE)]).is_active)

    def test_what_is_not_emitted(self):
        self.event_action()
        for values, problem in (
            ({'event_type_name': 'distribution.purchase_order.approved.v1'}, "belongs to the suite"),
            ({'event_type_name': 'distribution.mine.v1'}, "belongs to the suite"),
            ({'event_type_name': 'Looked at'}, "small letters"),
            ({'event_type_name': False}, "small letters"),
            *(
                ({'event_field_ids': self.fields_of('res.partner', name)}, "the ledger does not keep")
                for name in ('name', 'email', 'phone', 'comment', 'vat')
            ),
            ({'event_field_ids': self.fields_of('res.users', 'login')}, "no field of the model|does not keep"),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, problem), self.env.cr.savepoint():
                self.event_action(**values)

    # -------------------------------------------------------------- whoever sets it off

    def test_rights_of_whoever_sets_it_off(self):
        """As any server action: who may not write the record does not run it; the role Administrator makes none."""
        case_action, event_action = self.case_action(), self.event_action()
        reader = self.user('action_reader')
        for action in (case_action, event_action):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                self.run_on(action, self.partners[:1], reader)
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                action.with_user(self.user(f'action_admin_{action.id}', 'administrator')).write({'name': "Mine"})

    # -------------------------------------------------------------- scheduled

    def test_a_scheduled_action_acts_on_its_domain(self):
        cron = self.env['ir.cron'].create(
            {
                'name': "Look at marked vendors",
                'model_id': self.env['ir.model']._get_id('res.partner'),
                'state': 'distribution_case',
                'case_type_id': self.env.ref('distribution_core.case_type_policy_missing').id,
                'case_summary': "{name}",
                'suite_domain': "[('color', '=', 7), ('id', '>', 0), ('create_date', '>', "
                "(context_today() - relativedelta(days=1)).strftime('%Y-%m-%d'))]",
                'interval_number': 1,
                'interval_type': 'days',
            }
        )
        self.partners[:2].color = 7
        self.run_as_scheduled(cron)
        self.run_as_scheduled(cron)
        self.assertEqual(self.cases_of(self.partners).mapped('name'), ["Vendor 0", "Vendor 1"])
        cron.suite_domain = False
        self.run_as_scheduled(cron)
        self.assertEqual(len(self.cases_of(self.partners)), 2)
        with self.assertRaisesRegex(ValidationError, "On Records"):
            cron.suite_domain = "[('no_such_field', '=', 1)]"

    def run_as_scheduled(self, cron):
        cron.ir_actions_server_id.with_user(cron.user_id).run()

    def test_decimal_numbers_are_text(self):
        self.partners[0].write({'partner_latitude': 51.5})
        action = self.event_action(
            event_type_name='acme.vendor.placed.v1', event_field_ids=self.fields_of('res.partner', 'partner_latitude')
        )
        self.run_on(action, self.partners[:2])
        events = self.Event.search([('type', '=', 'acme.vendor.placed.v1')], order='id')
        self.assertEqual(events.mapped('data'), ['{"partner_latitude":"51.5"}', '{"partner_latitude":"0"}'])
