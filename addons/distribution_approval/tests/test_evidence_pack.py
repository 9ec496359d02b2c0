"""The evidence pack: complete, checkable, only for who may read what it shows."""

import io
import json

import psycopg2
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfReader

from .attack_case import AttackCase
from .test_evidence import TermsCase
from .test_fast_path import fast_rule

PACK = "distribution.approval.evidence.pack"


@tagged("post_install", "-at_install")
class TestEvidencePack(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._a_story()
        cls.env.flush_all()

    @classmethod
    def _a_story(cls):
        """A question, three approvals, a release, an amendment that is turned down."""
        order = cls._order(cls, 31000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        task = request.task_ids.filtered(lambda task: task.state == "open")
        task.with_user(cls.manager).action_ask("For which plant?")
        request.with_user(cls.buyer).action_submit_answer("The new one")
        for name, user in (("Purchasing", cls.manager), ("Finance", cls.finance), ("Operations", cls.operations)):
            task = request.task_ids.filtered(lambda task, name=name: task.name == name)
            task.with_user(user).action_decide("approve", task.digest, comment=f"Fine for {name}")
        request._resume()
        payload = {"order_line": [Command.update(order.order_line.id, {"product_qty": 6000})]}
        cls.env["distribution.approval.amendment"].with_user(cls.buyer)._propose(order, payload, "More of them")
        amendment = order.sudo().approval_request_ids.filtered(lambda r: r.kind == "amendment")
        task = amendment.task_ids.filtered(lambda task: task.state == "open" and task.name == "Purchasing")
        task.with_user(cls.manager).action_decide("reject", task.digest, comment="Enough is enough")
        return order

    def _pack(self, user, document=None):
        document = (document or self.order).with_user(user)
        action = document.action_approval_evidence_pack()
        self.assertEqual(action["report_name"], "distribution_approval.evidence_pack")
        return self.env[PACK].with_user(user).search([("res_id", "=", document.id)], limit=1)

    def _html(self, pack):
        report = self.env["ir.actions.report"].with_user(pack.env.user)
        return report._render_qweb_html("distribution_approval.evidence_pack", pack.ids)[0].decode()

    def test_everything_is_in_it(self):
        pack = self._pack(self.auditor)
        html = self._html(pack)
        request, amendment = self.order.sudo().approval_request_ids.sorted("id")
        for text in (
            self.order.name, "Approved Vendor", request.name, amendment.name, "t_buyer", "t_manager", "t_finance",
            "For which plant?", "The new one", "Fine for Finance", "Enough is enough", "More of them",
            "Purchase policy v1", "Above 25,000", "31,000.00", "6,000", "Vendor status", request.digest,
            self.version.digest, pack.digest, "Bolt",
        ):  # fmt: skip
            self.assertIn(text, html, text)
        manifest = json.loads(pack.sudo().manifest)
        models = {model for model, _id, _digest in manifest["records"]}
        self.assertEqual(
            {name.rpartition(".")[2] for name in models},
            {"request", "snapshot", "decision", "question", "amendment", "release"},
        )
        events = self.env["distribution.event"].search(
            [("res_model", "=", "purchase.order"), ("res_id", "=", self.order.id)]
        )
        self.assertEqual({row[0] for row in manifest["events"]}, set(events.ids))
        for event in events:
            self.assertIn(event.digest, html)

    def test_a_real_pdf(self):
        pack = self._pack(self.auditor)
        report = self.env["ir.actions.report"].with_user(self.auditor).with_context(force_report_rendering=True)
        pdf, kind = report._render_qweb_pdf("distribution_approval.evidence_pack", pack.ids)
        self.assertEqual(kind, "pdf")
        pages = PdfReader(io.BytesIO(pdf)).pages
        text = "".join("".join(page.extract_text().split()) for page in pages)
        self.assertIn(pack.digest, text)
        self.assertIn("Enoughisenough", text)

    def test_making_one_is_in_the_ledger(self):
        pack = self._pack(self.auditor)
        event = self.env["distribution.event"]._last_for(pack)
        self.assertEqual(event.type, "distribution.approval_evidence.pack_made.v1")
        self.assertEqual(event.user_ref, self.auditor.id)
        data = json.loads(event.data)
        self.assertEqual((data["digest"], data["document_id"]), (pack.digest, self.order.id))
        # Printing the same pack again is not making another one, and shows the same.
        html = self._html(pack)
        self.assertEqual(self._html(pack), html)
        self.assertEqual(self.env["distribution.event"]._last_for(pack), event)

    def test_seals_are_named(self):
        pack = self._pack(self.auditor)
        story = self.env["report.distribution_approval.evidence_pack"]._story(pack.sudo())
        self.assertEqual({row["seal"] for row in story["events"]}, {None})
        seal_model = self.env["distribution.event.seal"]
        horizon = self.env["distribution.event"].sudo().search([], limit=1)
        self.env.cr.execute("SELECT txid + 1 FROM distribution_event WHERE id = %s", (horizon.id,))
        [beyond] = self.env.cr.fetchone()
        self.patch(type(seal_model), "_horizon", lambda self: beyond)
        numbers = set()
        while seal := seal_model._seal_next_batch():  # the ledger may hold more than one batch
            numbers.add(seal.number)
        story = self.env["report.distribution_approval.evidence_pack"]._story(pack.sudo())
        named = {row["seal"] for row in story["events"]}
        self.assertNotIn(None, named)
        self.assertLessEqual(named, numbers)

    def test_participants_get_what_they_may_read(self):
        finance = self._pack(self.finance)
        # Finance was asked about both; who was asked about one only gets that one, and the pack says so.
        self.assertEqual(finance.hidden_count, 0)
        outsider = new_test_user(self.env, login="t_late", groups="base.group_user,distribution_core.group_approver")
        first = self.order.sudo().approval_request_ids.sorted("id")[0]
        first.write({"participant_ids": [Command.link(outsider.id)]})
        partial = self._pack(outsider)
        self.assertEqual(partial.hidden_count, 1)
        html = self._html(partial)
        self.assertIn("Not complete", html)
        self.assertNotIn("Enough is enough", html)
        self.assertNotIn("More of them", html)
        listed = {row[0] for row in json.loads(partial.sudo().manifest)["events"]}
        complete = {row[0] for row in json.loads(finance.sudo().manifest)["events"]}
        self.assertTrue(listed and listed < complete)
        for event in self.env["distribution.event"].browse(listed):
            self.assertEqual(json.loads(event.data)["request_id"], first.id)

    def test_of_one_request(self):
        first = self.order.sudo().approval_request_ids.sorted("id")[0]
        first.with_user(self.manager).action_evidence_pack()
        pack = self.env[PACK].with_user(self.manager).search([], limit=1)
        self.assertEqual(pack.request_id, first)
        html = self._html(pack)
        self.assertIn("Fine for Operations", html)
        self.assertNotIn("Enough is enough", html)

    def test_document_that_policy_passed(self):
        order = self._passed(900)
        html = self._html(self._pack(self.buyer, order))
        self.assertIn("No person was asked", html)
        self.assertIn("Within policy", html)
        draft = self._order(100)
        with self.assertRaisesRegex(UserError, "no evidence"):
            draft.with_user(self.buyer).action_approval_evidence_pack()

    def test_strangers_get_nothing(self):
        request = self.order.sudo().approval_request_ids[0]
        for stranger in (self.employee, self.author):
            with self.assertRaises(AccessError):
                self.order.with_user(stranger).action_approval_evidence_pack()
            with self.assertRaises(AccessError):
                request.with_user(stranger).action_evidence_pack()
        # An approver of other documents.
        with self.assertRaises(AccessError):
            self.order.with_user(self.compliance).action_approval_evidence_pack()
        # The number of somebody else's pack.
        pack = self._pack(self.auditor)
        for user in (self.employee, self.finance, self.buyer):
            with self.assertRaises(AccessError):
                self._html(pack.with_user(user))
            with self.assertRaises(AccessError):
                pack.with_user(user).manifest  # noqa: B018

    def test_packs_are_not_forged(self):
        pack = self._pack(self.auditor)
        values = {**pack.sudo().copy_data()[0], "digest": "0" * 64}
        for user in (self.auditor, self.manager, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                self.env[PACK].with_user(user).create(values)
            with self.assertRaises(AccessError):
                pack.with_user(user).write({"digest": "0" * 64})
            with self.assertRaises(AccessError):
                pack.with_user(user).unlink()
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
            self.env.cr.execute("UPDATE distribution_approval_evidence_pack SET manifest = '{}'")

    def test_changed_evidence_is_found_and_said(self):
        pack = self._pack(self.auditor)
        self.assertEqual(pack.action_check_again()["params"]["type"], "success")
        decision = self.order.sudo().approval_request_ids.decision_ids[:1]
        self.env.cr.execute("ALTER TABLE distribution_approval_decision DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_approval_decision SET comment = 'forged' WHERE id = %s", (decision.id,)
        )
        self.env.cr.execute("ALTER TABLE distribution_event DISABLE TRIGGER USER")
        event_id = json.loads(pack.sudo().manifest)["events"][0][0]
        self.env.cr.execute("UPDATE distribution_event SET user_ref = 1 WHERE id = %s", (event_id,))
        self.env.invalidate_all()
        found = dict(pack._differences())
        self.assertEqual(len(found), 2, found)
        self.assertIn(f"Ledger event {event_id}", found)
        self.assertEqual(pack.action_check_again()["params"]["type"], "danger")
        self.assertIn("Do not rely on this pack", self._html(pack))

    def test_print_menu_of_the_document(self):
        bindings = self.env["ir.actions.actions"].with_user(self.buyer).get_bindings("purchase.order")
        self.assertIn("Evidence Pack", [action["name"] for action in bindings.get("report", ())])


@tagged("post_install", "-at_install")
class TestEvidencePackOfTheRules(TermsCase):
    """Conditions, questions to colleagues, links, emergencies and fast paths are told in the pack."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._republish(
            link_mode="mail",
            link_ceiling=10000,
            rule_ids=[fast_rule([("urgent", "is_true", False)], day=10000, name="Standstill")],
        )
        cls.colleague = new_test_user(cls.env, login="t_colleague", groups="base.group_user", name="Colleague")

    def _told(self, order):
        """(HTML of the pack, models in its list)."""
        order.with_user(self.auditor).action_approval_evidence_pack()
        pack = self.env[PACK].with_user(self.auditor).search([("res_id", "=", order.id)], limit=1)
        report = self.env["ir.actions.report"].with_user(self.auditor)
        html = report._render_qweb_html("distribution_approval.evidence_pack", pack.ids)[0].decode()
        self.assertFalse(pack._differences())
        models = {model.rpartition(".")[2] for model, _id, _digest in json.loads(pack.sudo().manifest)["records"]}
        return " ".join(html.split()), models

    def test_conditions_and_questions(self):
        order = self._held()
        task = self._task(order, "Purchasing").with_user(self.manager)
        task.action_ask("Does it fit the machine?", self.colleague.id)
        condition = {"text": "A second quote", "owner_id": self.buyer.id, "due_date": "2099-01-31"}
        task.action_decide("approve_with_conditions", task.digest, conditions=[condition])
        owed = order.sudo().approval_request_id.obligation_ids
        owed.with_user(self.buyer).action_report("It is in the files")
        html, models = self._told(order)
        for words in ("to Colleague", "Not answered", "A second quote", "It is in the files", "Reported as met"):
            self.assertIn(words, html)
        self.assertLessEqual({"obligation", "step"}, models)

    def test_a_link_says_how_it_was_used(self):
        order = self._held()
        link = self._task(order, "Purchasing").link_ids
        link._arm()
        self.env.flush_all()  # sending and deciding are two transactions
        link._decide("approve", "", link.digest)
        html, models = self._told(order)
        self.assertIn("Decision link", html)
        self.assertIn("without login", html)
        self.assertIn("link", models)

    def test_an_emergency_with_its_review(self):
        order = self._held()
        request = order.sudo().approval_request_id
        releaser = new_test_user(
            self.env, login="t_releaser", groups="base.group_user,distribution_approval.group_emergency_releaser"
        )
        mail = self.env["ir.attachment"].with_user(releaser).create({"name": "mail.eml", "raw": b"We stand still"})
        why = "The line at the customer's plant stands still, and nobody of Purchasing answers."
        emergency_id = request.with_user(releaser).action_emergency_release(why, request.digest, mail.ids)
        html, models = self._told(order)
        for words in ("Emergency release", "stands still, and nobody", "not reviewed yet", "mail.eml"):
            self.assertIn(words, html)
        self.assertLessEqual({"emergency", "exhibit"}, models)
        emergency = self.env["distribution.approval.emergency"].browse(emergency_id)
        reviewer = emergency.reviewer_ids[:1]
        emergency.with_user(reviewer).action_review("not_justified", "The van came a day later anyway")
        html, _models = self._told(order)
        for words in ("Not justified", "The van came a day later anyway", reviewer.name):
            self.assertIn(words, html)

    def test_a_fast_path_and_what_was_left(self):
        order = self._order(5000, priority="1")
        order.button_confirm()
        html, models = self._told(order)
        self.assertIn("“Standstill”", html)
        self.assertIn("left of the day's ceiling", html)
        self.assertIn("use", models)
