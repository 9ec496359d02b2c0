"""Vendor status and risk tier."""

import json

from odoo import api
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import LedgerCase

STATUS_EVENT = 'distribution.vendor.status_changed.v1'
TIER_EVENT = 'distribution.vendor.risk_tier_changed.v1'
MERGE_EVENT = 'distribution.partner.merged.v1'


@tagged('post_install', '-at_install')
class TestVendorStanding(LedgerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.governor = cls.user('governor', 'vendor_manager')
        cls.grant(cls, cls.governor, 'base.group_partner_manager')
        cls.clerk = cls.user('clerk', 'buyer', 'administrator')
        cls.grant(cls, cls.clerk, 'base.group_partner_manager')
        cls.vendor = cls.partners[0]
        cls.vendor.is_company = True

    def setUp(self):
        super().setUp()
        if hasattr(self.env.transaction, 'default_env'):
            # 19.0 runs commands on lines as the user whom the request came from; in a test that is the superuser.
            self.addCleanup(setattr, self.env.transaction, 'default_env', self.env.transaction.default_env)
            self.env.transaction.default_env = self.env(user=self.clerk)

    def last(self, partner, event_type):
        return json.loads(self.Event._last_for(partner, event_type).data or '{}')

    def vendor_with(self, status, tier='medium', **values):
        return self.env['res.partner'].create(
            {'name': status, 'is_company': True, 'vendor_status': status, 'vendor_risk_tier': tier, **values}
        )

    def test_nobody_is_signed_in_yet(self):
        """A directory makes a new person: 19.0 has no user then, and nobody sets standing or tier."""
        partners = api.Environment(self.env.cr, None, {}, su=True)['res.partner']
        self.assertFalse(partners._may_set_vendor_standing())
        self.assertFalse(partners._may_set_customer_tier())

    def test_vendor_governance_changes_it_on_record(self):
        self.vendor.with_user(self.governor).write({'vendor_status': 'approved', 'vendor_risk_tier': 'low'})
        self.assertEqual(self.last(self.vendor, STATUS_EVENT), {'before': 'new', 'after': 'approved'})
        self.assertEqual(self.last(self.vendor, TIER_EVENT), {'before': 'medium', 'after': 'low'})
        self.assertEqual(self.Event._last_for(self.vendor, STATUS_EVENT).user_ref, self.governor.id)
        before = self.Event.search_count([])
        self.vendor.with_user(self.governor).write({'vendor_status': 'approved'})
        self.assertEqual(self.Event.search_count([]), before, "no change, no event")

    def test_others_are_refused(self):
        vendor = self.vendor.with_user(self.clerk)
        for attempt in (
            lambda: vendor.write({'vendor_status': 'approved'}),
            lambda: vendor.sudo().write({'vendor_status': 'approved'}),
            lambda: vendor.write({'vendor_risk_tier': 'low'}),
            lambda: vendor.parent_id.create(
                {'name': 'x', 'child_ids': [(1, vendor.id, {'vendor_status': 'approved'})]}
            ),
            lambda: vendor.write({'parent_id': False, 'vendor_status': 'approved'}),
        ):
            with self.assertRaisesRegex(AccessError, 'vendor governance'), self.env.cr.savepoint():
                attempt()
        vendor.write({'vendor_status': 'new', 'comment': "unchanged values do no harm"})

    def test_creation_by_others_starts_as_new(self):
        Partner = self.env['res.partner'].with_user(self.clerk)
        created = Partner.create({'name': 'x', 'vendor_status': 'approved', 'vendor_risk_tier': 'low'})
        by_default = Partner.with_context(default_vendor_status='approved').create({'name': 'x'})
        self.assertEqual((created | by_default).mapped('vendor_status'), ['new', 'new'])
        self.assertEqual(created.vendor_risk_tier, 'medium')
        self.vendor.vendor_status = 'approved'
        self.assertEqual(self.vendor.with_user(self.clerk).copy().vendor_status, 'new')

    def test_import(self):
        Partner = self.env['res.partner'].with_user(self.clerk)
        result = Partner.load(['name', 'vendor_status'], [['Imported', 'approved']])
        self.assertEqual(Partner.browse(result['ids']).vendor_status, 'new')
        result = Partner.load(['.id', 'vendor_status'], [[str(self.vendor.id), 'approved']])
        self.assertFalse(result['ids'])
        self.assertIn('vendor governance', result['messages'][0]['message'])
        self.assertEqual(self.vendor.vendor_status, 'new')

    def test_contacts_carry_the_standing_of_their_company(self):
        self.vendor.vendor_status = 'blocked'
        contact = self.env['res.partner'].with_user(self.clerk).create({'name': 'c', 'parent_id': self.vendor.id})
        self.assertEqual(contact.vendor_status, 'blocked')
        self.vendor.with_user(self.governor).vendor_status = 'approved'
        self.assertEqual(contact.vendor_status, 'approved')
        self.assertFalse(self.Event._last_for(contact, STATUS_EVENT))

    def test_moving_contacts_never_improves_standing(self):
        approved = self.vendor_with('approved', 'low')
        contact = self.env['res.partner'].with_user(self.clerk).create({'name': 'c', 'parent_id': approved.id})
        self.assertEqual(contact.vendor_status, 'approved')
        contact.parent_id = False
        self.assertEqual((contact.vendor_status, contact.vendor_risk_tier), ('new', 'medium'))
        contact.parent_id = approved
        contact.is_company = True
        self.assertEqual(contact.vendor_status, 'new')
        blocked = self.env['res.partner'].create({'name': 'b', 'vendor_status': 'blocked'})
        with self.assertRaisesRegex(AccessError, 'cannot become a contact'), self.env.cr.savepoint():
            blocked.with_user(self.clerk).parent_id = approved
        with self.assertRaisesRegex(AccessError, 'cannot become a contact'), self.env.cr.savepoint():
            self.env['res.partner'].with_user(self.clerk).create({'name': 'p', 'child_ids': [(4, blocked.id)]})

    def test_merge_keeps_the_strictest(self):
        for source, target, expected in (
            (('blocked', 'medium'), ('approved', 'high'), ('blocked', 'high')),
            (('restricted', 'critical'), ('approved', 'low'), ('restricted', 'critical')),
            (('approved', 'low'), ('blocked', 'low'), ('blocked', 'low')),
            (('new', 'medium'), ('approved', 'medium'), ('approved', 'medium')),
            (('approved', 'medium'), ('new', 'medium'), ('new', 'medium')),
        ):
            with self.subTest(source=source, target=target):
                gone, kept = self.vendor_with(*source), self.vendor_with(*target)
                event = self.record(gone)
                digest = event.digest
                self.env['base.partner.merge.automatic.wizard']._merge((gone | kept).ids, kept)
                self.assertFalse(gone.exists())
                self.assertEqual((kept.vendor_status, kept.vendor_risk_tier), expected)
                self.assertEqual(self.last(kept, MERGE_EVENT)['merged_ids'], [gone.id])
                event.invalidate_recordset()
                self.assertEqual((event.res_id, event.digest), (gone.id, digest), "the ledger is not rewritten")
        self.seal()
        self.assertTrue(self.Seal._verify().ok)

    def test_merge_by_a_clerk(self):
        """Odoo lets only managers of access rights merge; they are no vendor governance."""
        self.grant(self.clerk, 'base.group_erp_manager')
        if self.env.ref('account.group_account_readonly', raise_if_not_found=False):
            # With accounting installed, merging reads credit limits.
            self.grant(self.clerk, 'account.group_account_readonly')
        blocked, approved = self.vendor_with('blocked'), self.vendor_with('approved')
        self.env['base.partner.merge.automatic.wizard'].with_user(self.clerk)._merge((blocked | approved).ids, approved)
        self.assertEqual(approved.vendor_status, 'blocked')
        self.assertEqual(self.Event._last_for(approved, MERGE_EVENT).user_ref, self.clerk.id)

    def test_form(self):
        from odoo.tests import Form

        view = 'base.view_partner_form'
        with Form(self.env['res.partner'].with_user(self.clerk), view=view) as form:
            form.name = "Typed"
            with self.assertRaises(AssertionError):
                form.vendor_status = 'approved'
        with Form(form.record.with_user(self.governor), view=view) as form:
            form.vendor_status = 'approved'
        self.assertEqual(form.record.vendor_status, 'approved')
