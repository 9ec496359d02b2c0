"""Who may do what in distribution_core."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import LedgerCase

ROLES = (
    'requester',
    'buyer',
    'approver',
    'policy_author',
    'policy_publisher',
    'operations',
    'auditor',
    'integration',
    'vendor_manager',
    'administrator',
)
LEDGER_MODELS = ('distribution.event', 'distribution.event.seal', 'distribution.event.prune')


@tagged('post_install', '-at_install')
class TestAccess(LedgerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = cls.Event._record(
            'distribution.vendor.status_changed.v1', cls.partners, {'before': 'new', 'after': 'approved'}
        )

    def test_ledger_is_read_by_auditor_and_administrator_only(self):
        for role in ROLES:
            user = self.user(f'role_{role}', role)
            for model in LEDGER_MODELS:
                with self.subTest(role=role, model=model):
                    if role in ('auditor', 'administrator'):
                        self.env[model].with_user(user).search([], limit=1).read()
                    else:
                        with self.assertRaises(AccessError):
                            self.env[model].with_user(user).search([], limit=1)

    def test_nobody_writes_the_ledger(self):
        self.seal()
        for role in ROLES:
            user = self.user(f'role_{role}', role)
            for model in LEDGER_MODELS[:2]:
                record = self.env[model].search([], limit=1).with_user(user)
                for method, arguments in (('create', [{}]), ('write', [{'digest': 'x'}]), ('unlink', [])):
                    with self.subTest(role=role, model=model, method=method), self.assertRaises(UserError):
                        getattr(record, method)(*arguments)

    def test_auditor_sees_the_companies_that_are_theirs(self):
        other = self.env['res.company'].create({'name': "Other"})
        partner = self.env['res.partner'].create({'name': "Theirs", 'company_id': other.id})
        event = self.record(partner)
        auditor = self.user('one_company_auditor', 'auditor')
        self.assertNotIn(event, self.Event.with_user(auditor).search([]))
        self.assertIn(self.events[0], self.Event.with_user(auditor).search([]))
        auditor.company_ids |= other
        self.assertIn(event, self.Event.with_user(auditor).search([]))

    def test_auditor_writes_nothing(self):
        auditor = self.user('reading_auditor', 'auditor')
        self.env.cr.execute(
            """
            SELECT model.model FROM ir_model_access access
              JOIN ir_model model ON model.id = access.model_id
             WHERE access.group_id = %s AND (access.perm_write OR access.perm_create OR access.perm_unlink)
        """,
            [self.env.ref('distribution_core.group_auditor').id],
        )
        writable = {model for (model,) in self.env.cr.fetchall()}
        self.assertFalse([model for model in writable if not self.env[model]._transient])
        self.assertFalse(
            self.env['distribution.region'].with_user(auditor).has_access('write')
            if hasattr(self.env['distribution.region'], 'has_access')
            else self.env['distribution.region'].with_user(auditor).check_access_rights('write', False)
        )

    def test_duties_stay_apart(self):
        administrator = self.user('plain_administrator', 'administrator')
        for role in ('approver', 'policy_author', 'policy_publisher', 'auditor', 'vendor_manager'):
            self.assertFalse(administrator.has_group(f'distribution_core.group_{role}'), role)
        self.assertTrue(administrator.has_group('distribution_core.group_operations'))

    def test_regions(self):
        administrator = self.user('region_administrator', 'administrator')
        region = self.env['distribution.region'].with_user(administrator).create({'name': "North", 'code': 'N'})
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', region.company_id.id)], limit=1)
        warehouse.region_id = region
        self.assertEqual(region.warehouse_ids, warehouse)
        buyer = self.user('region_buyer', 'buyer')
        self.assertEqual(region.with_user(buyer).name, "North")
        with self.assertRaises(AccessError):
            region.with_user(buyer).manager_id = buyer
        other = self.env['res.company'].create({'name': "Other"})
        elsewhere = self.env['distribution.region'].create({'name': "South", 'code': 'S', 'company_id': other.id})
        self.assertNotIn(elsewhere, self.env['distribution.region'].with_user(buyer).search([]))
