"""The rules of the game stand where the plan says."""

from odoo.tests.common import TransactionCase, tagged

from ..engine import master_cases, rules_cases


@tagged("post_install", "-at_install")
class TestRulesCases(TransactionCase):
    def _case(self, key):
        return self.env["distribution.freight.request"].search([("carrier_reference", "=", key)]).ensure_one()

    def _policy(self):
        return self.env["distribution.approval.policy"].search([("name", "=", master_cases.FREIGHT_POLICY)])

    def test_every_case_is_in_its_stage(self):
        for case in rules_cases.CASES:
            self.assertEqual((case.key, self._case(case.key).approval_state), (case.key, case.stage))

    def test_conditions(self):
        owed = self._case("RULE-CONDITION").approval_request_id.obligation_ids
        self.assertEqual((owed.state, owed.owner_id.login, owed.is_overdue), ("open", "buyer", False))
        self.assertIn(owed.text, self._case("RULE-CONDITION").approval_notice)
        reported = self._case("RULE-REPORTED").approval_request_id.obligation_ids
        self.assertEqual((reported.state, reported.set_by_id.login), ("reported", "purchasing_manager"))

    def test_an_emergency_waits_for_its_review(self):
        emergency = self.env["distribution.approval.emergency"].search([])
        self.assertEqual((emergency.state, emergency.user_id.login), ("pending", rules_cases.EMERGENCY_RELEASER))
        self.assertEqual(emergency.reviewer_ids.mapped("login"), ["operations_manager"])
        self.assertEqual(emergency.exhibit_ids.intact, "yes")
        self.assertTrue(self._case("RULE-EMERGENCY").approval_emergency)

    def test_a_fast_path_has_a_ceiling(self):
        use = self.env["distribution.approval.fast.path.use"].search([])
        self.assertEqual((use.res_id, use.amount, use.room), (self._case("RULE-FAST-1").id, 280, 220))
        self.assertEqual(self._case("RULE-FAST-2").approval_request_id.task_ids.mapped("name"), ["Purchasing"])

    def test_a_substitute_decided(self):
        decision = self._case("RULE-SUBSTITUTE").approval_request_id.decision_ids
        self.assertEqual(
            (decision.user_id.login, decision.on_behalf_id.login), ("purchasing_manager", "category_manager")
        )

    def test_variants(self):
        for planned in rules_cases.VARIANTS:
            variant = self.env["distribution.approval.variant"].search([("warehouse_id.code", "=", planned.site)])
            self.assertEqual((variant.state, variant.out_of_band), ("published", not planned.in_band))
        release = self.env["distribution.approval.release"].search(
            [("res_model", "=", "distribution.freight.request"), ("res_id", "=", self._case("RULE-VARIANT").id)]
        )
        self.assertIn("North", release.local_variant)
        case = self.env["distribution.case"].search([("type_id.code", "=", "variant_out_of_band")])
        self.assertEqual(len(case), 1)

    def test_a_monitored_rule_has_reported(self):
        case = self.env["distribution.case"].search([("type_id.code", "=", "monitored_rules_report")])
        self.assertEqual(len(case), 1)
        self.assertIn("Above 100, on trial", case.description)
        found = self.env["distribution.approval.monitored"].search([("stricter", "=", True)])
        self.assertIn(self._case("RULE-MONITORED").id, found.mapped("res_id"))

    def test_a_simulation_is_there_to_look_at(self):
        simulation = self.env["distribution.approval.simulation"].search([])
        self.assertEqual((simulation.state, simulation.outdated), ("done", False))
        self.assertGreater(simulation.done, 20)
        self.assertTrue(simulation.changed, "the draft says something else than the version in force")
        self.assertTrue(simulation.load_ids)

    def test_a_review_is_overdue(self):
        policy = self._policy()
        self.assertTrue(policy.review_overdue)
        case = self.env["distribution.case"].search([("type_id.code", "=", "policy_review_overdue")])
        self.assertEqual((len(case), case.user_id), (1, policy.owner_id))
        self.assertEqual(policy.current_version_id.number, 2)
