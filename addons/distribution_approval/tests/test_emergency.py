"""Emergency releases: at once, marked for ever, reviewed by somebody who had no hand in it."""

from datetime import timedelta

import psycopg2
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..engine import Unknown
from .test_evidence import TermsCase

WHY = "The line at the customer's plant stands still; every hour costs 20,000. Nobody of Purchasing answers."


@tagged("post_install", "-at_install")
class TestEmergency(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish(emergency_reviewer_group_id=cls.groups["Finance"].id, emergency_review_days=2)
        cls.releaser = new_test_user(
            cls.env,
            login="t_releaser",
            groups="base.group_user,distribution_approval.group_emergency_releaser",
        )

    def _proof(self, record, user=None):
        return self.env["ir.attachment"].create(
            {"name": "mail.eml", "raw": b"We stand still", "res_model": record._name, "res_id": record.id}
        )

    def _message(self, user=None):
        """What shows the emergency, as whoever releases uploads it."""
        files = self.env["ir.attachment"].with_user(user or self.releaser)
        return files.create({"name": "mail.eml", "raw": b"We stand still"})

    def _release(self, order, user=None, why=WHY, proof=True, reference=None):
        request = order.sudo().approval_request_id
        files = self._message(user).ids if proof else []
        emergency_id = request.with_user(user or self.releaser).action_emergency_release(
            why, request.digest, files, reference
        )
        order.invalidate_recordset()
        return self.env["distribution.approval.emergency"].browse(emergency_id)

    # ------------------------------------------------------------- the story

    def test_at_once_and_marked_for_ever(self):
        order = self._held(31000)
        request = order.sudo().approval_request_id
        action = order.with_user(self.manager).with_context().action_approval_emergency()
        self.assertEqual(action["res_model"], "distribution.approval.emergency.release")
        file = self.env["ir.attachment"].with_user(self.releaser).create({"name": "mail.eml", "raw": b"Still"})
        self.assertTrue(request.with_user(self.releaser).content_text, "the releaser sees what is held")
        self.env["distribution.approval.emergency.release"].with_user(self.releaser).create(
            {
                "request_id": request.id,
                "seen_digest": request.digest,
                "justification": WHY,
                "attachment_ids": [(6, 0, file.ids)],
            }
        ).action_release()
        emergency = request.emergency_ids
        self.assertTrue(self._resume(order))
        self.assertEqual((order.state, order.approval_state, request.resume_state), ("purchase", "released", "done"))
        release = self._releases(order)
        self.assertEqual((release.kind, release.digest), ("emergency", emergency.digest))
        self.assertEqual(release.reason, WHY, "reports on emergency releases say why")
        self.assertEqual(set(request.task_ids.mapped("state")), {"cancelled"})
        self.assertFalse(request.decision_ids)
        self.assertEqual(
            (emergency.user_id, emergency.own_document, emergency.over_refusal), (self.releaser, False, False)
        )
        self.assertIn("Emergency release by", order.approval_notice)
        self.assertIn(order, self.env["purchase.order"].search([("approval_emergency", "=", True)]))
        self.assertNotIn(order, self.env["purchase.order"].search([("approval_emergency", "=", False)]))
        self.assertFalse(order.copy().approval_emergency)
        self.assertEqual(request.exhibit_ids.name, "mail.eml")
        events = self.env["distribution.event"].search(
            [("res_model", "=", "purchase.order"), ("res_id", "=", order.id)]
        )
        self.assertIn("distribution.purchase_order.emergency_released.v1", events.mapped("type"))
        self.assertNotIn("distribution.purchase_order.approved.v1", events.mapped("type"))
        # the review
        self.assertEqual(emergency.reviewer_ids, self.finance | self.finance_2)
        self.assertEqual(emergency.activity_ids.user_id, self.finance | self.finance_2)
        self.assertTrue(emergency.with_user(self.finance).may_review)
        self.env["distribution.approval.emergency.review"].with_user(self.finance).create(
            {"emergency_id": emergency.id, "outcome": "justified", "comment": "Called the customer"}
        ).action_review()
        self.assertEqual(
            (emergency.state, emergency.outcome, emergency.reviewed_by_id), ("reviewed", "justified", self.finance)
        )
        self.assertFalse(emergency.activity_ids)
        order.invalidate_recordset()
        self.assertIn("reviewed by", order.approval_notice)
        self.assertIn("Emergency release", request.timeline)

    def test_the_form_shows_it(self):
        orders = self.env["purchase.order"]
        plain = orders.with_user(self.buyer).get_view(view_type="form")["arch"]
        self.assertIn('title="Emergency"', plain)
        self.assertNotIn("action_approval_emergency", plain)
        both = new_test_user(
            self.env,
            login="t_releasing_buyer",
            groups="purchase.group_purchase_user,distribution_approval.group_emergency_releaser",
        )
        self.assertIn("action_approval_emergency", orders.with_user(both).get_view(view_type="form")["arch"])

    def test_counted_per_person(self):
        for _number in range(2):
            self._release(self._held())
        found = self.env["distribution.approval.emergency"]._read_group(
            [("user_id", "=", self.releaser.id)], ["user_id"], ["number:sum", "amount:sum"]
        )
        self.assertEqual(found, [(self.releaser, 2, 10000)])

    def test_on_hold_too(self):
        """What policy cannot judge is what emergencies are for."""
        self._republish({"evidence_required": True})
        order = self._order(5000)
        order.button_confirm()
        self.assertEqual(order.approval_state, "on_hold")
        self._release(order)
        self.assertTrue(self._resume(order))

    # ---------------------------------------------------------------- refusals

    def test_a_blocked_vendor(self):
        order = self._order(5000, vendor=self.blocked_vendor)
        order.button_confirm()
        self.assertEqual(order.approval_state, "refused")
        with self.assertRaises(UserError):
            self._release(order)
        self.assertFalse(self._releases(order))
        self._republish(emergency_over_refusal=True)
        emergency = self._release(order)
        self.assertTrue(emergency.over_refusal)
        self.assertTrue(order.sudo().approval_request_id._resume())
        self.assertEqual(order.state, "purchase")

    def test_blocked_while_it_waits(self):
        order = self._held()
        self.vendor.write({"vendor_status": "blocked"})
        with self.assertRaises(UserError):
            self._release(order)
        self.assertNotInForce(order)

    def test_a_refusal_that_cannot_be_judged_counts_as_one(self):
        order = self._held()
        orders = type(self.env["purchase.order"])
        facts = orders._approval_facts

        def without_status(documents, names):
            return {
                key: {**known, "vendor_status": Unknown("the register does not answer")}
                for key, known in facts(documents, names).items()
            }

        self.patch(orders, "_approval_facts", without_status)
        with self.assertRaises(UserError):
            self._release(order)

    def test_people_are_not_overruled(self):
        order = self._held()
        request = order.sudo().approval_request_id
        digest = request.digest
        self._decide(order, "Purchasing", self.manager, "reject", comment="No")
        with self.assertRaises(UserError):
            request.with_user(self.releaser).action_emergency_release(WHY, digest, self._message().ids)
        order = self._held()
        self._decide(order, "Purchasing", self.manager, "request_revision", comment="Why?")
        with self.assertRaises(UserError):
            self._release(order)
        passed = self._passed()
        self.assertFalse(passed.approval_request_id)
        approved = self._approved()
        with self.assertRaises(UserError):
            self._release(approved)

    def test_words_and_evidence(self):
        order = self._held()
        for why in (None, "", "  ", "urgent", "x" * 100, "please please please please please please please", 7, {}):
            with self.subTest(why=why), self.assertRaises(UserError):
                self._release(order, why=why)
        order = self._held()
        with self.assertRaises(UserError):
            self._release(order, proof=False)
        reference = {"name": "Mail", "url": "https://archive.example.com/1", "sha256": "cd" * 32}
        for wrong in ({**reference, "url": ""}, {**reference, "sha256": "x"}, {"request_id": 1, **reference}, "x", 7):
            with self.subTest(reference=wrong), self.assertRaises(UserError), self.cr.savepoint():
                self._release(order, proof=False, reference=wrong)
        emergency = self._release(order, proof=False, reference=reference)
        self.assertEqual(emergency.own_exhibit_ids.url, reference["url"])

    def test_evidence_of_the_rules_is_none_of_the_emergency(self):
        """What a rule demands, or somebody attached, says nothing about why this cannot wait."""
        order = self._held()
        request = order.sudo().approval_request_id
        self._proof(order)
        self._proof(request)
        reference = {"name": "Quote", "url": "https://archive.example.com/1", "sha256": "cd" * 32}
        request.with_user(self.buyer).action_add_reference(*reference.values(), "archive")
        with self.assertRaisesRegex(UserError, "evidence of something else"), self.cr.savepoint():
            self._release(order, proof=False)
        with self.assertRaisesRegex(UserError, "“mail.eml” is on"), self.cr.savepoint():
            self._release(order)  # the same file once more
        with self.assertRaisesRegex(UserError, "“Quote” is on"), self.cr.savepoint():
            self._release(order, proof=False, reference=reference)
        empty = self.env["ir.attachment"].with_user(self.releaser).create({"name": "empty.eml", "raw": b""})
        with self.assertRaises(UserError), self.cr.savepoint():
            request.with_user(self.releaser).action_emergency_release(WHY, request.digest, empty.ids)
        for wrong in (7, "7", ["7"], [None], [{}]):
            with self.subTest(wrong), self.assertRaises(UserError), self.cr.savepoint():
                request.with_user(self.releaser).action_emergency_release(WHY, request.digest, wrong)
        self.assertNotInForce(order)
        call = self.env["ir.attachment"].with_user(self.releaser).create({"name": "call.txt", "raw": b"22:40, plant"})
        request.with_user(self.releaser).action_emergency_release(WHY, request.digest, call.ids)
        emergency = request.emergency_ids
        self.assertEqual(emergency.own_exhibit_ids.mapped("name"), ["call.txt"])
        self.assertEqual(emergency.own_exhibit_ids.user_id, self.releaser)
        self.assertGreater(len(request.exhibit_ids), 1, "the rest is evidence of the request")

    def test_a_file_of_somebody_else_is_none(self):
        order = self._held()
        request = order.sudo().approval_request_id
        with self.assertRaisesRegex(UserError, "Upload the file"):
            request.with_user(self.releaser).action_emergency_release(
                WHY, request.digest, self._message(self.finance).ids
            )

    def test_evidence_of_another_request_stays_there(self):
        """What the releaser attached elsewhere is not taken away by its id."""
        elsewhere = self._held(5000).sudo().approval_request_id
        order = self._held(6000)
        request = order.sudo().approval_request_id
        files = self.env["ir.attachment"].with_user(self.releaser)
        taken = files.create({"name": "mail.eml", "raw": b"Still"})
        taken.sudo().write({"res_model": elsewhere._name, "res_id": elsewhere.id})
        with self.assertRaises(UserError):
            self.env["distribution.approval.emergency.release"].with_user(self.releaser).create(
                {
                    "request_id": request.id,
                    "seen_digest": request.digest,
                    "justification": WHY,
                    "attachment_ids": [(6, 0, taken.ids)],
                }
            ).action_release()
        self.assertEqual((taken.sudo().res_id, request.state), (elsewhere.id, "pending"))

    def test_changed_since_it_was_seen(self):
        order = self._held()
        request = order.sudo().approval_request_id
        seen = request.digest
        order.order_line.write({"product_qty": 900})
        self._commit()
        files = self._message().ids
        for digest in (seen, None, "", "0" * 64, True):
            with self.subTest(digest=digest), self.assertRaisesRegex(UserError, "has changed"):
                request.with_user(self.releaser).action_emergency_release(WHY, digest, files)
        self.assertNotInForce(order)

    # ---------------------------------------------------------------- who

    def test_who_releases(self):
        order = self._held()
        request = order.sudo().approval_request_id
        self._proof(order)
        abroad = self.env["res.company"].create({"name": "Abroad"})
        stranger = new_test_user(
            self.env,
            login="t_strange_releaser",
            groups="base.group_user,distribution_approval.group_emergency_releaser",
            company_id=abroad.id,
            company_ids=[(6, 0, abroad.ids)],
        )
        for user in (
            self.buyer,
            self.manager,
            self.finance,
            self.fallback,
            self.auditor,
            self.publisher,
            stranger,
            self.env.ref("base.user_admin"),
            self.env.ref("base.user_root"),
        ):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda request: request.action_emergency_release(WHY, request.sudo().digest),
                    lambda request: request.sudo().action_emergency_release(WHY, request.sudo().digest),
                ):
                    with self.assertRaises(AccessError):
                        attempt(request.with_user(user))
        self.assertNotInForce(order)

    def test_ones_own_document(self):
        releaser_group = self.env.ref("distribution_approval.group_emergency_releaser")
        self.buyer.write({USER_GROUPS: [(4, releaser_group.id)]})
        order = self._held()
        with self.assertRaises(AccessError):
            self._release(order, user=self.buyer)
        self._republish(emergency_own_document=True)
        emergency = self._release(order, user=self.buyer)
        self.assertTrue(emergency.own_document)
        self.assertNotIn(self.buyer, emergency.reviewer_ids)
        edited = self._held()
        edited.order_line.with_user(self.manager).write({"product_qty": 510})
        self._commit()
        self.manager.write({USER_GROUPS: [(4, releaser_group.id)]})
        self.assertTrue(self._release(edited, user=self.manager).own_document)

    def test_who_reviews(self):
        """Nobody with a hand in it: releaser, requester, editor, who decided before."""
        self.releaser.write(
            {
                USER_GROUPS: [
                    (4, self.groups["Finance"].id),
                    (4, self.env.ref("distribution_core.group_approver").id),
                ]
            }
        )
        self.finance.write({USER_GROUPS: [(4, self.env.ref("purchase.group_purchase_user").id)]})
        order = self._order(31000, user=self.finance)
        order.button_confirm()
        emergency = self._release(order)
        self.assertEqual(emergency.reviewer_ids, self.finance_2)
        for user in (
            self.releaser,
            self.finance,
            self.manager,
            self.buyer,
            self.auditor,
            self.operations,
            self.env.ref("base.user_admin"),
            self.env.ref("base.user_root"),
        ):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                emergency.with_user(user).action_review("justified", "Looks fine to me")
        for outcome, comment in (("fine", "x"), (None, "x"), ("justified", ""), ("justified", None), ({}, "x")):
            with self.subTest(outcome=outcome), self.assertRaises(UserError):
                emergency.with_user(self.finance_2).action_review(outcome, comment)
        emergency.with_user(self.finance_2).action_review("not_justified", "It could have waited")
        case = self.env["distribution.case"].search([("dedup_key", "=", f"emergency_not_justified:{emergency.id}")])
        self.assertEqual(case.description, "It could have waited")
        with self.assertRaises(UserError):
            emergency.with_user(self.finance_2).action_review("justified", "On second thought")

    def test_who_decided_a_stage_does_not_review(self):
        self.finance.write({USER_GROUPS: [(4, self.groups["Purchasing"].id)]})
        order = self._held(31000)
        self._decide(order, "Purchasing", self.finance)
        self.assertEqual(self._release(order).reviewer_ids, self.finance_2)

    def test_nobody_to_review_is_a_case(self):
        (self.finance | self.finance_2).active = False
        emergency = self._release(self._held())
        self.assertFalse(emergency.reviewer_ids)
        self.assertTrue(
            self.env["distribution.case"].search([("dedup_key", "=", f"emergency_reviewer:{emergency.id}")])
        )

    # ------------------------------------------------------------------ clock

    def test_the_clock_of_the_review(self):
        with freeze_time("2027-01-08 10:00:00"):  # a Friday
            order = self._held()
            emergency = self._release(order)
            self.assertEqual(str(emergency.review_due), "2027-01-12", "two working days")
        emergencies = self.env["distribution.approval.emergency"]
        for day, overdue in (
            ("2027-01-12 20:00:00", False),
            ("2027-02-15 03:00:00", True),
            ("2027-02-16 03:00:00", True),
        ):
            with freeze_time(day):
                emergency.invalidate_recordset()
                emergencies._cron_escalate()
                self.assertEqual(bool(emergency.escalated_at), overdue)
        self.assertEqual(emergency.escalated_at.day, 15, "once")
        case = self.env["distribution.case"].search([("dedup_key", "=", f"emergency_review_overdue:{emergency.id}")])
        self.assertEqual((case.res_model, case.res_id), ("purchase.order", order.id))
        events = self.env["distribution.event"].search(
            [("type", "=", "distribution.purchase_order.emergency_review_overdue.v1"), ("res_id", "=", order.id)]
        )
        self.assertEqual(len(events), 1)

    def test_the_day_of_the_review_is_over_where_the_company_works(self):
        with freeze_time("2027-01-08 10:00:00"):
            emergency = self._release(self._held())
        self.company.resource_calendar_id.tz = "Pacific/Auckland"
        elsewhere = self.env["res.company"].create({"name": "Where it is still the 12th"})
        elsewhere.resource_calendar_id.tz = "UTC"
        emergencies = emergency.sudo().with_company(elsewhere)
        for moment, is_overdue in (("2027-01-12 10:30:00", False), ("2027-01-12 11:30:00", True)):
            with freeze_time(moment):
                emergency.invalidate_recordset()
                self.assertEqual(emergency.is_overdue, is_overdue)
                self.assertEqual(emergency in emergencies.search([("is_overdue", "=", True)]), is_overdue)
                self.assertEqual(emergency in emergencies.search([("is_overdue", "=", False)]), not is_overdue)

    # --------------------------------------------------------------- evidence

    def test_nobody_rewrites_it(self):
        order = self._held()
        emergency = self._release(order)
        self._resume(order)
        for user in (self.releaser, self.finance, self.buyer, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login):
                for attempt in (
                    lambda user: emergency.with_user(user).write({"state": "reviewed"}),
                    lambda user: emergency.with_user(user).unlink(),
                    lambda user: emergency.with_user(user).copy(),
                    lambda user: emergency.with_user(user).create({"request_id": emergency.request_id.id}),
                ):
                    with self.assertRaises(UserError):
                        attempt(user)
        for values in (
            {"user_id": self.buyer.id},
            {"justification": "x"},
            {"review_due": fields.Date.today() + timedelta(99)},
        ):
            with (
                self.subTest(values=values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                emergency.sudo().write(values)
                emergency.flush_recordset()
        emergency.invalidate_recordset()
        self.assertTrue(emergency.with_user(self.auditor).read(["justification"]))
        self.assertFalse(
            self.env["distribution.approval.emergency"].with_user(self.employee).search([("id", "=", emergency.id)])
        )

    def test_an_emergency_covers_what_was_released_and_no_more(self):
        order = self._held()
        self._release(order)
        order.order_line.sudo().write({"product_qty": 5000})
        self._commit()
        self.assertNotEqual(order.state, "purchase")
        self.assertFalse(self._releases(order))
