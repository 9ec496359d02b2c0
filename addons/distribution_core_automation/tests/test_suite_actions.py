"""Automation rules that open cases and emit events."""

from odoo.tests.common import TransactionCase, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestSuiteActions(TransactionCase):
    def test_a_rule_with_both(self):
        model = self.env['ir.model']._get_id('res.partner')
        color = self.env['ir.model.fields']._get('res.partner', 'color')
        rule = self.env['base.automation'].create(
            {
                'name': "Marked red",
                'model_id': model,
                'trigger': 'on_create_or_write',
                'trigger_field_ids': [(6, 0, color.ids)],
                'filter_domain': "[('color', '=', 1)]",
            }
        )
        self.env['ir.actions.server'].create(
            [
                {
                    'name': "Marked red",
                    'model_id': model,
                    'base_automation_id': rule.id,
                    'usage': 'base_automation',
                    'state': 'distribution_case',
                    'case_type_id': self.env.ref('distribution_core.case_type_policy_missing').id,
                    'case_summary': "{name} was marked red",
                },
                {
                    'name': "Partner marked",
                    'model_id': model,
                    'base_automation_id': rule.id,
                    'usage': 'base_automation',
                    'state': 'distribution_event',
                    'event_type_name': 'acme.partner.marked.v1',
                    'event_field_ids': [(6, 0, color.ids)],
                },
            ]
        )
        user = new_test_user(self.env, login='t_marker', groups='base.group_user,base.group_partner_manager')
        partner = self.env['res.partner'].with_user(user).create({'name': "Crate Ltd"})
        cases = self.env['distribution.case'].search([('res_model', '=', 'res.partner'), ('res_id', '=', partner.id)])
        self.assertFalse(cases)
        partner.color = 1
        partner.color = 1
        cases = self.env['distribution.case'].search([('res_model', '=', 'res.partner'), ('res_id', '=', partner.id)])
        self.assertEqual(cases.mapped('name'), ["Crate Ltd was marked red"])
        event = self.env['distribution.event']._last_for(partner, 'acme.partner.marked.v1')
        self.assertEqual((event.data, event.user_ref), ('{"color":1}', user.id))
