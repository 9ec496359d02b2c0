"""Exception cases."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LedgerCase


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

    def test_same_cause_is_one_open_case(self):
        case = self.open(dedup_key='k')
        self.assertEqual(self.open(dedup_key='k'), case)
        self.assertNotEqual(self.open(), self.open())
        case.resolution = "Filled the role"
        case.action_resolve()
        self.assertNotEqual(self.open(dedup_key='k'), case)
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'distribution_case_open_key_unique'")
        self.assertIn('UNIQUE', self.env.cr.fetchone()[0])

    def test_case_opened_elsewhere_at_the_same_moment(self):
        """The other transaction's case cannot be seen yet; the constraint still holds."""
        self.open(dedup_key='k')
        search = type(self.Case).search
        self.patch(type(self.Case), 'search', lambda cases, *args, **kwargs: search(cases, [('id', '=', 0)]))
        with mute_logger('odoo.sql_db'):
            self.assertFalse(self.open(dedup_key='k'))

    def test_work_on_it(self):
        operator = self.user('case_operator', 'operations')
        case = self.open().with_user(operator)
        case.action_take()
        self.assertEqual((case.state, case.user_id), ('in_progress', operator))
        with self.assertRaisesRegex(UserError, 'Resolution'):
            case.action_resolve()
        case.resolution = "Done"
        case.action_resolve()
        self.assertTrue(case.closed_at)
        case.action_reopen()
        self.assertFalse(case.closed_at)
        with self.assertRaises(AccessError):
            case.unlink()

    def test_who_sees_cases(self):
        case = self.open()
        self.assertTrue(case.with_user(self.user('case_auditor', 'auditor')).name)
        with self.assertRaises(AccessError):
            case.with_user(self.user('case_buyer', 'buyer')).read(['name'])
        other_company = self.env['res.company'].create({'name': "Other"})
        case.company_id = other_company
        with self.assertRaises(AccessError):
            case.with_user(self.user('case_operator', 'operations')).read(['name'])
