"""What carriers tell by the API: where deliveries are, and which of them are late."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..compat import IS_17, USER_GROUPS, storable_product_values
from .api_case import ApiCase

STATUSES = 'carrier-statuses'


@tagged('post_install', '-at_install')
class TestCarrierStatus(ApiCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.write({USER_GROUPS: [Command.link(cls.env.ref('stock.group_stock_user').id)]})
        cls.site = cls.env['stock.warehouse'].create({'name': "Carried", 'code': 'CAR'})
        cls.product = cls.env['product.product'].create({'name': "Parcel goods", **storable_product_values()})
        cls.now = fields.Datetime.now().replace(microsecond=0)
        cls.delivery = cls.new_delivery('1Z999')
        cls.cases = cls.env['distribution.case']

    @classmethod
    def new_delivery(cls, reference=False, **values):
        customers = cls.env.ref('stock.stock_location_customers')
        places = {'location_id': cls.site.lot_stock_id.id, 'location_dest_id': customers.id}
        move = {
            'name' if IS_17 else 'description_picking': "Goods",
            'product_id': cls.product.id,
            'product_uom': cls.product.uom_id.id,
            'product_uom_qty': 1,
            **places,
        }
        return cls.env['stock.picking'].create({
            'picking_type_id': cls.site.out_type_id.id,
            'carrier_tracking_ref': reference,
            'move_ids': [Command.create(move)],
            **places,
            **values,
        })  # fmt: skip

    def at(self, hours):
        """So many hours from now, as carriers write it."""
        return (self.now + timedelta(hours=hours)).strftime('%Y-%m-%dT%H:%M:%SZ')

    def tell(self, status, hours=-1, expected=None, status_code=200, **body):
        sent = {'tracking_reference': '1Z999', 'status': status, 'occurred_at': self.at(hours), **body}
        if expected is not None:
            sent['expected_at'] = self.at(expected)
        answer = self.assertAnswer(self.post(STATUSES, sent), status_code)
        self.env.invalidate_all()
        return answer

    def case(self, delivery=None, **values):
        delivery = delivery or self.delivery
        domain = [('res_model', '=', 'stock.picking'), ('res_id', '=', delivery.id)]
        return self.cases.search([*domain, ('type_id.code', '=', 'carrier_delay')], order='id')

    # ---------------------------------------------------------------- messages

    def test_a_delivery_on_its_way(self):
        answer = self.tell('picked_up', -5, expected=20, carrier="Speedy")
        self.assertEqual(
            answer['result'],
            {'transfer_id': self.delivery.id, 'status': 'picked_up', 'is_late': False, 'is_new': True},
        )
        call = self.Call.browse(answer['call_id'])
        self.assertEqual((call.res_model, call.res_id), ('stock.picking', self.delivery.id))
        self.assertEqual(self.delivery.carrier_promised_at, self.now + timedelta(hours=20))
        self.assertEqual(self.delivery.carrier_handed_at, self.now - timedelta(hours=5))
        self.tell('out_for_delivery', -2)
        self.tell('delivered', -1)
        self.assertEqual(self.delivery.carrier_delivered_at, self.now - timedelta(hours=1))
        self.assertFalse(self.case())
        event = self.env['distribution.event']._last_for(self.delivery, 'distribution.delivery.carrier_reported.v1')
        self.assertEqual(event.user_ref, self.account.id)

    def test_the_order_in_which_they_come_does_not_matter(self):
        told = [('announced', -30, 10), ('picked_up', -20, None), ('delayed', -10, 40), ('in_transit', -5, None)]
        for status, hours, expected in reversed(told):
            self.tell(status, hours, expected)
        seen = self.delivery
        self.assertEqual((seen.carrier_status, seen.is_carrier_late), ('in_transit', True))
        self.assertEqual(
            (seen.carrier_handed_at, seen.carrier_promised_at, seen.carrier_expected_at),
            tuple(self.now + timedelta(hours=hours) for hours in (-20, 10, 40)),
        )

    def test_the_same_message_is_told_once(self):
        self.tell('picked_up')
        again = self.tell('picked_up')
        self.assertFalse(again['result']['is_new'])
        self.assertEqual(len(self.delivery.carrier_status_ids), 1)
        self.tell('picked_up', place="Depot 4")
        self.assertEqual(len(self.delivery.carrier_status_ids), 2, "what else it says is kept")

    def test_parcels_of_one_delivery(self):
        named = {'transfer': {'name': self.delivery.name}}
        self.tell('in_transit', -9, tracking_reference='2Z', **named)
        self.tell('delivered', -2)
        self.assertEqual((self.delivery.carrier_status, self.delivery.carrier_tracking_ref), ('in_transit', '1Z999'))
        self.assertFalse(self.delivery.carrier_delivered_at)
        self.tell('delivered', -1, tracking_reference='2Z')
        self.assertEqual(self.delivery.carrier_delivered_at, self.now - timedelta(hours=1))
        fresh = self.new_delivery()
        self.tell('picked_up', tracking_reference='3Z', transfer={'id': fresh.id})
        self.assertEqual(fresh.carrier_tracking_ref, '3Z')

    # ---------------------------------------------------------------- nobody's

    def test_an_unknown_reference_waits_for_a_person(self):
        answer = self.tell('picked_up', -3, status_code=202, tracking_reference='9Z')
        call = self.Call.browse(answer['call_id'])
        self.assertEqual((call.state, call.case_id.type_id.code), ('waiting', 'api_call_not_applied'))
        self.assertIn('/tracking_reference', call.case_id.description)
        sent = {'tracking_reference': '9Z', 'status': 'picked_up', 'occurred_at': self.at(-3)}
        self.assertProblem(self.post(STATUSES, {**sent, 'accept_as_case': False}), 422, 'not-applicable')
        late = self.new_delivery('9Z')
        call.with_user(self.user('carrier_operator', 'operations')).action_apply()
        self.env.invalidate_all()
        self.assertEqual((call.state, call.case_id.state, late.carrier_status), ('applied', 'resolved', 'picked_up'))

    def test_what_it_is_not_told_of(self):
        self.new_delivery('1Z999')
        answer = self.tell('picked_up', status_code=202)
        self.assertIn("several deliveries", self.cases.browse(answer['case_id']).description)
        for body in (
            {'transfer': {'id': self.delivery.id}, 'occurred_at': self.at(48)},
            {'transfer': {'id': self.env['stock.picking'].create({
                'picking_type_id': self.site.in_type_id.id,
                'location_id': self.env.ref('stock.stock_location_suppliers').id,
                'location_dest_id': self.site.lot_stock_id.id,
            }).id}},
        ):  # fmt: skip
            sent = {'tracking_reference': 'X', 'status': 'delivered', 'occurred_at': self.at(-1), **body}
            self.assertProblem(self.post(STATUSES, {**sent, 'accept_as_case': False}), 422, 'not-applicable')
        self.assertFalse(self.delivery.carrier_status)

    def test_an_account_that_may_not_read_deliveries(self):
        self.account.write({USER_GROUPS: [Command.unlink(self.env.ref('stock.group_stock_user').id)]})
        sent = {'tracking_reference': '1Z999', 'status': 'delivered', 'occurred_at': self.at(-1)}
        self.assertProblem(self.post(STATUSES, sent), 403, 'not-allowed')

    def test_deliveries_of_another_company(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        self.delivery.sudo().with_context(active_test=False).write({'carrier_tracking_ref': False})
        site = self.env['stock.warehouse'].search([('company_id', '=', company.id)], limit=1)
        self.new_delivery(
            'ELSE', picking_type_id=site.out_type_id.id, company_id=company.id, location_id=site.lot_stock_id.id,
            move_ids=[],
        )  # fmt: skip
        self.tell('picked_up', status_code=202, tracking_reference='ELSE')

    # ---------------------------------------------------------------- evidence

    def test_nobody_writes_where_a_delivery_is(self):
        self.tell('picked_up', -5, expected=-2)
        person = self.user('carrier_warehouse')
        person.write({USER_GROUPS: [Command.link(self.env.ref('stock.group_stock_manager').id)]})
        delivery = self.delivery.with_user(person)
        for values in ({'carrier_delivered_at': self.now}, {'carrier_status': False}, {'carrier_promised_at': False}):
            with self.assertRaises(AccessError):
                delivery.write(values)
        with self.assertRaises(AccessError):
            delivery.copy({'carrier_status': 'delivered'})
        told = delivery.carrier_status_ids
        for act in (lambda: told.write({'status': 'delivered'}), told.unlink, lambda: told.copy()):
            with self.assertRaises(AccessError):
                act()
        delivery.carrier_tracking_ref = 'corrected'
        self.assertFalse(delivery.copy().carrier_status)

    # ------------------------------------------------------------------- cases

    def test_a_delay_opens_a_case_that_follows_it(self):
        self.tell('picked_up', -30, expected=5)
        self.tell('delayed', -20, expected=30, reason_code='WEATHER')
        case = self.case()
        self.assertEqual((case.state, case.site_id), ('open', self.site))
        self.assertIn('WEATHER', case.description)
        before = case.description
        self.tell('in_transit', -10, expected=50, place="Hof")
        self.assertEqual(self.case(), case)
        self.assertNotEqual(case.description, before)
        self.assertIn('Hof', case.description)
        self.tell('delivered', -1)
        self.assertEqual((case.state, case.resolution_id.code), ('resolved', 'mended'))

    def test_an_old_message_reopens_nothing(self):
        self.tell('picked_up', -30, expected=5)
        self.tell('delivered', -1)
        self.tell('delayed', -20, expected=30)
        self.assertFalse(self.case())
        self.assertEqual(self.delivery.carrier_status, 'delivered')

    def test_a_case_that_somebody_closed_takes_worse_news(self):
        self.tell('picked_up', -30, expected=5)
        self.tell('delayed', -20, expected=30)
        self.case().action_cancel()
        self.tell('delayed', -20, expected=30, place="Hof")
        self.env['stock.picking']._cron_carrier_promises(commit=False)
        self.assertEqual(len(self.case()), 1)
        self.tell('delayed', -10, expected=60)
        self.assertEqual(self.case().mapped('state'), ['cancelled', 'open'])

    def test_goods_that_come_back(self):
        self.tell('picked_up', -30, expected=5)
        self.tell('returned', -1)
        self.assertIn("comes back", self.case().name)
        self.assertFalse(self.delivery.is_carrier_late)

    def test_a_promise_that_passes_in_silence(self):
        self.tell('picked_up', -30, expected=-2)
        silent = self.case()
        self.assertEqual(len(silent), 1, "told after its promise")
        quiet = self.new_delivery('2Z')
        self.tell('picked_up', -3, expected=2, tracking_reference='2Z')
        nothing = self.new_delivery('3Z')
        deliveries = self.env['stock.picking']
        deliveries._cron_carrier_promises(commit=False)
        self.assertFalse(self.case(quiet))
        quiet.carrier_promised_at = self.now - timedelta(minutes=1)
        for _again in range(2):
            deliveries._cron_carrier_promises(commit=False)
        self.assertEqual(len(self.case(quiet)), 1)
        late = deliveries.search([('is_carrier_late', '=', True), ('picking_type_id.warehouse_id', '=', self.site.id)])
        self.assertEqual(late, self.delivery + quiet)
        self.assertEqual((late + nothing).filtered('is_carrier_late'), late)
        self.assertIn(nothing, deliveries.search([('is_carrier_late', '!=', True)]))
