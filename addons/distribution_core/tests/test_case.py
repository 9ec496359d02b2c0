"""Exception cases."""

import json

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..compat import USER_GROUPS, has_access
from .common import TYPE, LedgerCase


@tagged('post_install', '-at_install')
class TestCase(LedgerCase):
    def setUp(self):
        super().setUp()
        self.Case = self.env['distribution.case']

    def open(self, **options):
        return self.Case._open('no_approver', self.partners[0], "Nobody decides", **options)

    def test_open(self):
        owner = self.user('case_owner', 'operations')
        self.env.ref('distribution_core.case_type_no_approver').user_id = owner
        requester = self.user('case_requester', 'requester')
        case = self.Case.with_user(requester)._open('no_approver', self.partners[0], "Nobody decides", detail="Why")
        self.assertEqual((case.user_id, case.severity, case.kind, case.state), (owner, '2', 'business', 'open'))
        self.assertEqual(case.document_name, "Contact Vendor 0")
        self.assertEqual(case.action_open_document()['res_id'], self.partners[0].id)
        event = self.Event._last_for(case, 'distribution.case.opened.v1')
        self.assertEqual(event.user_ref, requester.id)
        self.assertEqual(self.open(severity='3').severity, '3')
        self.assertFalse(self.Case._open('no_approver', self.env['res.partner'], "About nothing").res_id)
        with self.assertRaises(ValueError):
            self.Case._open('unheard_of', self.partners[0], "x")

    def test_a_document_is_called_by_its_number_even_where_it_is_hidden(self):
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', self.env.company.id)], limit=1)
        kind = warehouse.in_type_id
        values = {'picking_type_id': kind.id, 'location_id': kind.default_location_src_id.id}
        values['location_dest_id'] = kind.default_location_dest_id.id or warehouse.lot_stock_id.id
        values['location_id'] = values['location_id'] or self.env.ref('stock.stock_location_suppliers').id
        picking = self.env['stock.picking'].create({**values, 'partner_id': self.partners[0].id})
        stranger = self.user('case_stranger', 'operations')
        self.assertFalse(has_access(picking.with_user(stranger), 'read'))
        case = self.Case._open('no_approver', picking, "Nobody decides", documents=[picking, self.partners[0]])
        self.assertEqual(case.with_user(stranger).document_name, f"Transfer {picking.name}")
        picking.name = False
        case.invalidate_recordset(['document_name'])
        self.assertEqual(case.with_user(stranger).document_name, f"Transfer {picking.id}")

    def test_same_cause_is_one_open_case(self):
        case = self.open(dedup_key='k')
        self.assertEqual(self.open(dedup_key='k'), case)
        self.assertFalse(case.document_ids)
        self.assertEqual(self.Case._open('no_approver', self.partners[1], "Again", dedup_key='k'), case)
        self.assertEqual(case.document_ids.mapped('document_name'), ["Contact Vendor 1"])
        self.assertNotEqual(self.open(), self.open())
        case.action_wait()
        self.assertEqual(self.open(dedup_key='k'), case)
        case._resolve('corrected')
        self.assertNotEqual(self.open(dedup_key='k'), case)
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'distribution_case_live_key_unique'")
        self.assertIn('UNIQUE', self.env.cr.fetchone()[0])
        with self.assertRaisesRegex(UserError, "Another case is open for the same cause"):
            case.action_reopen()

    def test_case_opened_elsewhere_at_the_same_moment(self):
        """The other transaction's case cannot be seen yet; the constraint still holds."""
        self.open(dedup_key='k')
        self.patch(type(self.Case), '_open_one_of', lambda cases, _key: cases.browse())
        with mute_logger('odoo.sql_db'):
            self.assertFalse(self.open(dedup_key='k'))

    def test_work_on_it(self):
        operator = self.user('case_operator', 'operations')
        case = self.open().with_user(operator)
        case.action_take()
        self.assertEqual((case.state, case.user_id), ('in_progress', operator))
        wizard = (
            self.env['distribution.case.resolve'].with_user(operator).with_context(**case.action_resolve()['context'])
        )
        with self.assertRaisesRegex(UserError, 'Resolution'):
            case._resolve(self.env['distribution.case.resolution'])
        explained = self.env.ref('distribution_core.case_resolution_explained')
        with self.assertRaisesRegex(UserError, 'What Was Done'):
            case._resolve(explained)
        with self.assertRaisesRegex(UserError, 'another kind'):
            case._resolve('configured', "It was this setting")
        form = Form(wizard)
        form.resolution_id = explained
        form.words = "The role had been empty for a day"
        form.has_cost = True
        form.cost = 120
        form.save().action_confirm()
        self.assertEqual((case.state, case.resolution_id, case.cost), ('resolved', explained, 120))
        self.assertTrue(case.closed_at)
        with self.assertRaisesRegex(UserError, 'reopen first'):
            case.name = "Nothing happened"
        with self.assertRaisesRegex(UserError, 'Closed already'):
            case.action_take()
        case.action_reopen()
        self.assertFalse(case.closed_at)
        self.assertEqual(case.state, 'open')
        case.action_cancel()
        self.assertEqual(case.resolution_id.code, 'no_problem')
        with self.assertRaises(AccessError):
            case.unlink()

    def test_every_change_is_in_the_ledger(self):
        operator = self.user('case_operator', 'operations')
        other = self.user('case_other', 'operations')
        case = self.open().with_user(operator)
        case.action_take()
        case.write({'severity': '3', 'description': "Mr Smith called"})
        case._assign(other)
        case.action_wait()
        case.action_continue()
        case._resolve('corrected', "Done", cost=12.5)
        case.action_reopen()
        case.sudo().state = 'in_progress'  # whatever the door
        events = self.Event.search([('res_model', '=', case._name), ('res_id', '=', case.id)], order='id')
        facts = [(event.type.split('.')[2], event.data) for event in events]
        self.assertEqual(
            [fact for fact, _data in facts],
            ['opened', 'moved', 'assigned', 'changed', 'assigned', 'moved', 'moved', 'closed', 'changed', 'reopened',
             'moved'],
        )  # fmt: skip
        self.assertNotIn('Smith', ' '.join(data for _fact, data in facts))
        self.assertIn('"severity":{"new":"3","old":"2"}', facts[3][1].replace(' ', ''))
        closed = json.loads(facts[7][1])
        self.assertEqual((closed['resolution'], closed['cost'], closed['on_time']), ('corrected', '12.5', True))
        self.assertEqual(events[1].user_ref, operator.id)
        self.assertEqual(set(events.mapped('correlation')), {f'res.partner,{self.partners[0].id}'})

    def test_who_gets_it(self):
        first, second = (self.user(f'case_member_{number}', 'vendor_manager') for number in (1, 2))
        case_type = self.env.ref('distribution_core.case_type_no_approver')
        with self.assertRaisesRegex(ValidationError, 'Role'), self.env.cr.savepoint():
            case_type.owner_rule = 'least_loaded'
        group = self.env['res.groups'].create({'name': "Night shift"})
        (first | second).write({USER_GROUPS: [Command.link(group.id)]})
        case_type.write({'owner_rule': 'least_loaded', 'group_id': group.id})
        owners = [self.open().user_id for _number in range(3)]
        self.assertEqual(set(owners[:2]), {first, second})
        created = self.Case.create([{'name': "Two", 'type_id': case_type.id} for _number in range(2)])
        self.assertEqual({owner.id for owner in [*owners[2:], *created.user_id]}, {first.id, second.id})
        case_type.write({'owner_rule': 'role'})
        queued = self.open()
        self.assertFalse(queued.user_id)
        self.assertEqual(queued.group_id, group)
        for user, wanted in ((first, True), (self.user('case_stranger', 'buyer'), False)):
            own = self.Case.with_user(user)
            self.assertEqual(queued in own.search([('waits_for_me', '=', True)]), wanted)
        mine = queued.with_user(second)
        self.assertTrue(mine.waits_for_me)
        mine.action_take()
        self.assertEqual(queued.user_id, second)
        with self.assertRaises(AccessError):
            queued.with_user(first).read(['name'])
        site = self.env['stock.warehouse'].search([('company_id', '=', self.env.company.id)], limit=1)
        site.manager_id = first
        case_type.write({'owner_rule': 'site_manager'})
        case = self.Case._open('no_approver', site, "At this site")
        self.assertEqual((case.site_id, case.user_id), (site, first))

    def test_who_sees_cases(self):
        case = self.open()
        auditor = self.user('case_auditor', 'auditor')
        self.assertTrue(case.with_user(auditor).name)
        # Who may only read is shown no button that would refuse.
        self.assertFalse(case.with_user(auditor).may_work)
        operator = self.user('case_operator', 'operations')
        self.assertTrue(case.with_user(operator).may_work)
        buyer = self.user('case_buyer', 'buyer')
        with self.assertRaises(AccessError):
            case.with_user(buyer).read(['name'])
        case._assign(buyer)
        self.assertTrue(case.with_user(buyer).may_work)
        case.with_user(buyer)._resolve('corrected')
        self.assertEqual(case.state, 'resolved')
        other_company = self.env['res.company'].create({'name': "Other"})
        case.company_id = other_company
        with self.assertRaises(AccessError):
            case.with_user(operator).read(['name'])

    def test_events_and_messages_of_the_business_case(self):
        operator = self.user('case_operator', 'operations')
        self.record(self.partners[:1])
        case = self.open().with_user(operator)
        self.assertIn(self.env['distribution.event.type'].search([('name', '=', TYPE)]).title, case.story)
        self.assertEqual(case.message_sent_count, 0)
        self.assertEqual(case.action_open_messages()['res_model'], 'distribution.webhook.delivery')
        with self.assertRaises(AccessError):  # the ledger itself is the auditor's
            self.Event.with_user(operator).search(case.action_open_events()['domain'])
        # Of a document that the owner may not open, nothing is told.
        secret = self.env['ir.config_parameter'].create({'key': 'case.secret', 'value': '1'})
        hidden = self.Case._open('no_approver', secret, "x").with_user(operator)
        self.assertEqual(hidden._correlations(), [f'distribution.case,{hidden.id}'])

    # -------------------------------------------------------------- attacks

    def test_fields_are_not_written_around_the_buttons(self):
        operator, owner = self.user('case_operator', 'operations'), self.user('case_owner', 'buyer')
        case = self.open(dedup_key='k')
        case._assign(owner)
        values = {
            'state': 'resolved', 'user_id': operator.id, 'group_id': False, 'closed_at': False, 'dedup_key': 'other',
            'res_model': 'res.users', 'res_id': 2, 'correlation': 'x', 'due_at': '2099-01-01 00:00:00',
            'resolution_id': self.env.ref('distribution_core.case_resolution_corrected').id,
            'waiting_since': '2020-01-01 00:00:00', 'escalation_level': 9, 'next_escalation_at': False,
            'merged_into_id': case.id, 'document_ids': [(5, 0, 0)],
            'company_id': self.env['res.company'].create({'name': "Elsewhere"}).id,
        }  # fmt: skip
        protected = self.Case._protected_fields() - {'kind', 'merged_case_ids'}
        self.assertEqual(protected | {'company_id'}, set(values), "a protected field without an attack")
        for user in (operator, owner, self.user('case_auditor', 'auditor')):
            for name, value in values.items():
                with self.subTest(user=user.login, field=name), self.assertRaises(AccessError):
                    case.with_user(user).with_context(force=True, su=True, tracking_disable=True).write({name: value})
        for name in ('state', 'user_id', 'dedup_key', 'due_at', 'resolution_id', 'res_model'):
            with self.subTest(create=name), self.assertRaises(AccessError):
                self.Case.with_user(operator).create(
                    {'name': "Forged", 'type_id': case.type_id.id, 'severity': '1', name: values[name]}
                )
        with self.assertRaises(AccessError):
            self.env['distribution.case.document'].with_user(operator).create(
                {'case_id': case.id, 'res_model': 'res.partner', 'res_id': 1}
            )
        result = self.Case.with_user(operator).load(['.id', 'state'], [[str(case.id), 'resolved']])
        self.assertFalse(result['ids'])
        self.assertEqual(case.state, 'open')

    def test_buttons_are_for_who_works_on_it(self):
        case = self.open()
        case._assign(self.user('case_owner', 'buyer'))
        owner = case.with_user(case.user_id)
        for action in (owner.action_assign, owner.action_merge):
            with self.assertRaises(AccessError):  # handing over and merging are for operations
                action()
        for role in ('buyer', 'auditor', 'integration', 'approver', 'policy_publisher', 'requester'):
            stranger = case.with_user(self.user(f'case_{role}', role))
            for name in ('take', 'assign', 'wait', 'continue', 'resolve', 'cancel', 'merge', 'reopen'):
                with self.subTest(role=role, action=name), self.assertRaises(AccessError):
                    getattr(stranger, f'action_{name}')()
            wizard = self.env['distribution.case.resolve'].with_user(stranger.env.user)
            with self.assertRaises(AccessError):
                wizard.create(
                    {
                        'case_ids': [(6, 0, case.ids)],
                        'resolution_id': self.env.ref('distribution_core.case_resolution_corrected').id,
                    }
                ).action_confirm()
        operator = case.with_user(self.user('case_operator', 'operations'))
        for person, why in (
            (self.env.ref('base.public_user'), 'no active internal user'),
            (self.user('case_elsewhere', 'buyer'), 'does not work for'),
        ):
            if why == 'does not work for':
                company = self.env['res.company'].create({'name': "Elsewhere"})
                person.write({'company_ids': [(6, 0, company.ids)], 'company_id': company.id})
            with self.subTest(why), self.assertRaisesRegex(UserError, why):
                operator._assign(person)
