"""Attacks on the records: forged, edited, deleted – by users, by the administrator, by SQL – and read."""

import contextlib

import psycopg2
from lxml import etree
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase

PREFIX = "distribution.approval."
#: What only the engine writes.
EVIDENCE = ("request", "task", "decision", "snapshot", "release", "involvement", "amendment", "question")


@tagged("post_install", "-at_install")
class TestAttacksOnRecords(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._a_story()
        cls.request = cls.order.sudo().approval_request_ids.filtered(lambda request: request.kind == "release")
        cls.env.flush_all()

    @classmethod
    def _a_story(cls):
        """One order with everything: a question, decisions of three people, a release, an amendment."""
        order = cls._order(cls, 31000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        request.task_ids.filtered(lambda task: task.state == "open").with_user(cls.manager).action_ask(
            "For which plant?"
        )
        request.with_user(cls.buyer).action_submit_answer("The new one")
        for name, user in (("Purchasing", cls.manager), ("Finance", cls.finance), ("Operations", cls.operations)):
            task = request.task_ids.filtered(lambda task, name=name: task.name == name)
            task.with_user(user).action_decide("approve", task.digest)
        request._resume()
        payload = {"order_line": [Command.update(order.order_line.id, {"product_qty": 6000})]}
        cls.env[PREFIX + "amendment"].with_user(cls.buyer)._propose(order, payload, "More")
        return order

    def _one(self, name):
        """One record of ``name`` that belongs to the story."""
        model = self.env[PREFIX + name]
        domain = {
            "request": [("id", "=", self.request.id)],
            "task": [("request_id", "=", self.request.id)],
            "decision": [("request_id", "=", self.request.id)],
            "snapshot": [("request_id", "=", self.request.id)],
            "release": [("request_id", "=", self.request.id)],
            "question": [("task_id.request_id", "=", self.request.id)],
            "amendment": [("res_id", "=", self.order.id)],
            "involvement": [],
        }[name]
        found = model.search(domain, limit=1)
        self.assertTrue(found, name)
        return found

    def _forgeries(self):
        """Values of records that would open the gate, or let somebody decide."""
        task, request = self._one("task"), self.request
        now = fields.Datetime.now()
        held = self._held(9000)
        snapshot = held.sudo()._approval_snapshots()[held.id]
        return {
            "decision": {
                "task_id": held.sudo().approval_request_id.task_ids.id,
                "request_id": held.sudo().approval_request_id.id,
                "round": 1,
                "user_id": self.manager.id,
                "outcome": "approve",
                "digest": snapshot.digest,
                "decided_at": now,
            },
            "release": {
                "res_model": "purchase.order",
                "res_id": held.id,
                "document_type": "purchase_order",
                "kind": "approval",
                "released_at": now,
                "company_id": self.company.id,
                "digest": snapshot.digest,
                "content": snapshot.to_json(),
            },
            "request": {
                "name": "AR-forged",
                "res_model": "purchase.order",
                "res_id": held.id,
                "document_type": "purchase_order",
                "company_id": self.company.id,
                "requester_id": self.buyer.id,
                "state": "approved",
                "resume_state": "pending",
            },
            "task": {
                "request_id": request.id,
                "name": "Forged",
                "sequence": 1,
                "quorum": 1,
                "state": "approved",
                "user_ids": [Command.set(self.buyer.ids)],
            },
            "snapshot": {
                "request_id": request.id,
                "round": 1,
                "taken_at": now,
                "user_id": self.buyer.id,
                "outcome": "pass",
                "digest": "0" * 64,
                "content": "{}",
                "facts": "{}",
                "rules": "[]",
            },
            "involvement": {
                "res_model": "purchase.order",
                "res_id": held.id,
                "user_ref": self.manager.id,
                "since": now,
            },
            "amendment": {
                "res_model": "purchase.order",
                "res_id": self.order.id,
                "reason": "x",
                "payload": "{}",
                "before": "{}",
                "after": "{}",
            },
            "question": {"task_id": task.id, "user_id": self.manager.id, "question": "?", "asked_at": now},
        }

    # --------------------------------------------------------------------- ORM

    def test_nobody_writes_evidence(self):
        forgeries = self._forgeries()
        admin = self.env.ref("base.user_admin")
        people = (
            self.buyer,
            self.manager,
            self.finance,
            self.auditor,
            self.author,
            self.publisher,
            self.employee,
            admin,
        )
        edits = {
            "request": {"state": "approved"},
            "task": {"state": "approved"},
            "decision": {"outcome": "reject"},
            "snapshot": {"content": "{}"},
            "release": {"content": "{}"},
            "involvement": {"user_ref": 1},
            "amendment": {"after": "{}"},
            "question": {"question": "x"},
        }
        for name in EVIDENCE:
            record = self._one(name)
            for user in people:
                with self.subTest(model=name, user=user.login):
                    mine = record.with_user(user)
                    with self.assertRaises(AccessError):
                        mine.create(forgeries[name])
                    with self.assertRaises(UserError):
                        mine.write(edits[name])
                    with self.assertRaises(UserError):
                        mine.unlink()
                    with self.assertRaises(UserError):
                        mine.copy()
                    columns = [key for key, value in forgeries[name].items() if isinstance(value, str)]
                    result = self._load(mine, columns, [[forgeries[name][key] for key in columns]])
                    self.assertFalse(result)

    def _load(self, model, columns, rows):
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                return model.load(columns, rows)["ids"]
        except UserError:
            return False

    def test_administrator_who_grants_himself_the_right(self):
        """Access rights are data, and an administrator edits them: evidence is written by the engine all the same."""
        forgeries = self._forgeries()
        admin = self.env.ref("base.user_admin")
        for name in EVIDENCE:
            model = self.env["ir.model"]._get(PREFIX + name)
            self.env["ir.model.access"].with_user(admin).create(
                {
                    "name": "everything",
                    "model_id": model.id,
                    "group_id": self.env.ref("base.group_system").id,
                    **dict.fromkeys(("perm_read", "perm_write", "perm_create", "perm_unlink"), True),
                }
            )
            self.env["ir.rule"].search([("model_id", "=", model.id)]).active = False
        self.env.registry.clear_cache()
        for name in EVIDENCE:
            with self.subTest(model=name):
                mine = self._one(name).with_user(admin)
                with self.assertRaises(AccessError):
                    mine.create(forgeries[name])
                with mute_logger("odoo.sql_db"), self._refused_by_anybody():
                    mine.write(
                        {"request": {"state": "void"}, "task": {"state": "open"}}.get(
                            name,
                            {
                                "decision": {"comment": "x"},
                                "snapshot": {"content": "{}"},
                                "release": {"amount": 1},
                                "involvement": {"user_ref": 1},
                                "amendment": {"after": "{}"},
                                "question": {"answer": "x"},
                            }.get(name),
                        )
                    )
                with mute_logger("odoo.sql_db"), self._refused_by_anybody():
                    mine.unlink()

    def _refused_by_anybody(self):
        """By Odoo or by PostgreSQL."""
        return _Refusal(self, (UserError, psycopg2.Error))

    # --------------------------------------------------------------------- SQL

    def test_sql_as_the_role_of_odoo(self):
        version, rule = self.version, self.version.rule_ids[2]
        condition, stage = rule.condition_ids[0], self.version.rule_ids.stage_ids[0]
        picked = self.version.rule_ids[0].condition_ids  # vendor status: blocked
        option_table = condition._fields["option_ids"].relation
        request, task = self.request, self._one("task")
        event = self.env["distribution.event"].search([("res_id", "=", self.order.id)], limit=1)
        ended = self._ended_activation()
        statements = [
            ("UPDATE distribution_approval_decision SET outcome = 'reject' WHERE id = %s", self._one("decision")),
            ("UPDATE distribution_approval_decision SET user_id = 1 WHERE id = %s", self._one("decision")),
            ("DELETE FROM distribution_approval_decision WHERE id = %s", self._one("decision")),
            ("UPDATE distribution_approval_release SET content = '{}' WHERE id = %s", self._one("release")),
            ("UPDATE distribution_approval_release SET res_id = res_id + 1 WHERE id = %s", self._one("release")),
            ("UPDATE distribution_approval_release SET tolerance_percent = 100 WHERE id = %s", self._one("release")),
            ("DELETE FROM distribution_approval_release WHERE id = %s", self._one("release")),
            ("UPDATE distribution_approval_snapshot SET facts = '{}' WHERE id = %s", self._one("snapshot")),
            ("DELETE FROM distribution_approval_snapshot WHERE id = %s", self._one("snapshot")),
            ("UPDATE distribution_approval_involvement SET user_ref = 1 WHERE id = %s", self._one("involvement")),
            ("DELETE FROM distribution_approval_involvement WHERE id = %s", self._one("involvement")),
            ("UPDATE distribution_approval_amendment SET payload = '{}' WHERE id = %s", self._one("amendment")),
            ("DELETE FROM distribution_approval_amendment WHERE id = %s", self._one("amendment")),
            ("UPDATE distribution_approval_question SET question = 'x' WHERE id = %s", self._one("question")),
            ("UPDATE distribution_approval_question SET answer = 'x' WHERE id = %s", self._one("question")),
            ("DELETE FROM distribution_approval_question WHERE id = %s", self._one("question")),
            ("UPDATE distribution_approval_request SET requester_id = 1 WHERE id = %s", request),
            ("UPDATE distribution_approval_request SET res_id = res_id + 1 WHERE id = %s", request),
            ("DELETE FROM distribution_approval_request WHERE id = %s", request),
            ("UPDATE distribution_approval_task SET quorum = 0 WHERE id = %s", task),
            ("UPDATE distribution_approval_task SET digest = 'x' WHERE id = %s", task),
            ("UPDATE distribution_approval_task SET sequence = 99 WHERE id = %s", task),
            ("UPDATE distribution_approval_task SET state = 'open' WHERE id = %s", task),
            ("DELETE FROM distribution_approval_task WHERE id = %s", task),
            ("UPDATE distribution_approval_policy_version SET content = '{}' WHERE id = %s", version),
            ("UPDATE distribution_approval_policy_version SET tolerance_percent = 100 WHERE id = %s", version),
            ("UPDATE distribution_approval_policy_version SET split_limit = 1e9 WHERE id = %s", version),
            ("UPDATE distribution_approval_policy_version SET valid_to = '2999-01-01' WHERE id = %s", version),
            ("DELETE FROM distribution_approval_policy_version WHERE id = %s", version),
            ("UPDATE distribution_approval_rule SET outcome = 'pass' WHERE id = %s", rule),
            ("UPDATE distribution_approval_rule SET comment_required = true WHERE id = %s", rule),
            ("DELETE FROM distribution_approval_rule WHERE id = %s", rule),
            ("UPDATE distribution_approval_condition SET value = '1000000' WHERE id = %s", condition),
            ("DELETE FROM distribution_approval_condition WHERE id = %s", condition),
            ("UPDATE distribution_approval_stage SET quorum = 9 WHERE id = %s", stage),
            ("UPDATE distribution_approval_stage SET group_id = 1 WHERE id = %s", stage),
            ("DELETE FROM distribution_approval_stage WHERE id = %s", stage),
            (f"DELETE FROM {option_table} WHERE distribution_approval_condition_id = %s", picked),
            (
                "INSERT INTO distribution_approval_stage (rule_id, sequence, approver_kind, quorum) "
                "SELECT id, 1, 'group', 1 FROM distribution_approval_rule WHERE id = %s",
                rule,
            ),
            (
                "INSERT INTO distribution_approval_rule (version_id, name, sequence, outcome, mode) "
                "VALUES (%s, 'forged', 1, 'pass', 'enforce')",
                version,
            ),
            ("UPDATE distribution_approval_activation SET confirmed_by_id = 1 WHERE id = %s", self.activation),
            ("UPDATE distribution_approval_activation SET baseline_count = 9 WHERE id = %s", self.activation),
            ("UPDATE distribution_approval_activation SET state = 'active' WHERE id = %s", ended),
            ("DELETE FROM distribution_approval_activation WHERE id = %s", self.activation),
            ("UPDATE distribution_event SET data = '{}' WHERE id = %s", event),
            ("DELETE FROM distribution_event WHERE id = %s", event),
        ]
        tables = [f"distribution_approval_{name}" for name in EVIDENCE]
        tables += [
            "distribution_approval_policy_version",
            "distribution_approval_rule",
            "distribution_approval_condition",
            "distribution_approval_stage",
            "distribution_approval_activation",
            "distribution_event",
        ]
        statements += [(f"TRUNCATE {table} CASCADE", None) for table in tables]
        self.env.flush_all()
        for statement, record in statements:
            with self.subTest(statement), mute_logger("odoo.sql_db"), _Refusal(self, psycopg2.errors.RestrictViolation):
                self.env.cr.execute(statement, (record.id,) if record else ())
                self.assertTrue(self.env.cr.rowcount, "the statement found nothing to attack")
        # They fire always: also for who switches ordinary triggers off.
        self.env.cr.execute(
            """SELECT relation.relname, trigger.tgname
                 FROM pg_trigger trigger JOIN pg_class relation ON relation.oid = trigger.tgrelid
                WHERE relation.relname = ANY(%s) AND NOT trigger.tgisinternal AND trigger.tgenabled <> 'A'""",
            (tables,),
        )
        self.assertFalse(self.env.cr.fetchall())

    def _ended_activation(self):
        other = self.env["res.company"].create({"name": "Ended"})
        people = self.publisher | self.publisher_2
        people.write({"company_ids": [Command.link(other.id)]})
        activation = (
            self.env[PREFIX + "activation"].sudo().create({"document_type": "purchase_order", "company_id": other.id})
        )
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE distribution_approval_activation
                  SET state = 'ended', ended_by_id = %s, end_proposed_by_id = %s
                WHERE id = %s""",
            (self.publisher.id, self.publisher_2.id, activation.id),
        )
        return activation

    def test_draft_rules_can_still_be_edited_and_deleted(self):
        draft = self._make_policy()
        rule = draft.rule_ids[1].with_user(self.author)
        rule.condition_ids[1].value = "1000"
        rule.stage_ids.unlink()
        draft.rule_ids[2].with_user(self.author).stage_ids.quorum = 2
        self.env.flush_all()
        draft.rule_ids[0].with_user(self.author).unlink()
        draft.with_user(self.author).unlink()
        self.env.flush_all()

    def test_forged_states_by_sql_release_nothing(self):
        """States of open requests and tasks move; a forged one is not believed."""
        order = self._held(31000)
        request = order.sudo().approval_request_id
        self.env.flush_all()
        # A task that claims to be approved, without a decision.
        self.env.cr.execute(
            "UPDATE distribution_approval_task SET state = 'approved' WHERE request_id = %s", request.ids
        )
        self.env.invalidate_all()
        with self._refused():
            self.env[PREFIX + "request"]._cron_refresh_candidates()
        self.assertFalse(self._releases(order))
        # One that leaves one real task.
        other = self._held(32000)
        self._decide(other, "Purchasing", self.manager)
        self._decide(other, "Finance", self.finance)
        self.env.flush_all()
        third = self._held(33000)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_approval_task SET state = 'approved' WHERE request_id = %s AND name <> 'Purchasing'",
            third.sudo().approval_request_id.ids,
        )
        self.env.invalidate_all()
        with self._refused():
            self._decide(third, "Purchasing", self.manager)
        self.assertFalse(self._releases(third))
        # A request that claims to be approved.
        self.env.cr.execute(
            "UPDATE distribution_approval_request SET state = 'approved', resume_state = 'pending' WHERE id = %s",
            request.ids,
        )
        self.env.invalidate_all()
        request._resume()
        self.env.invalidate_all()
        self.assertNotInForce(order)
        # The real one.
        self._decide(other, "Operations", self.operations)
        self.assertTrue(self._resume(other))

    def test_forged_amendment_by_sql_applies_nothing(self):
        request = self.order.sudo().approval_request_ids.filtered(lambda request: request.kind == "amendment")
        self.assertEqual(request.state, "pending")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE distribution_approval_request SET state = 'approved', resume_state = 'pending' WHERE id = %s",
            request.ids,
        )
        self.env.invalidate_all()
        request._resume()
        self.env.invalidate_all()
        self.assertEqual(self.order.order_line.product_qty, 3100)
        self.assertContentKept(self.order)

    def test_document_changed_by_sql_is_found_at_night(self):
        order = self._passed(1000)
        held = self._held(9000)
        self.env.flush_all()
        self.env.cr.execute("UPDATE purchase_order_line SET price_unit = 900 WHERE order_id = %s", order.ids)
        self.env.cr.execute("UPDATE purchase_order SET state = 'purchase' WHERE id = %s", held.ids)
        self.env.invalidate_all()
        self.env[PREFIX + "control"]._cron_find_ungated()
        cases = self.env["distribution.case"].search([("type_id.code", "=", "ungated_document")])
        self.assertLessEqual({order.id, held.id}, set(cases.mapped("res_id")))
        self.assertNotIn(self.order.id, cases.mapped("res_id"))

    # -------------------------------------------------------------------- reading

    def test_approver_reads_what_he_must_judge_and_no_more(self):
        asked, secret = self._held(31000), self._passed(1000)
        other = self._held(9000)  # Purchasing only
        orders = self.env["purchase.order"].with_user(self.finance)
        known = asked | self.order
        self.assertEqual(orders.search([]), known.with_user(self.finance))
        self.assertEqual(orders.search_count([]), 2)
        self.assertEqual({name for name, *_rest in orders.name_search("")}, set(known.ids))
        for hidden in (secret, other):
            mine = hidden.with_user(self.finance)
            with self.assertRaises(AccessError):
                mine.read(["name"])
            with self.assertRaises(AccessError):
                mine.order_line.read(["price_unit"])
            with self.assertRaises(AccessError):
                mine.name  # noqa: B018
            self.assertFalse(orders.search([("id", "=", hidden.id)]))
            self.assertFalse(orders.search([("name", "=", hidden.name)]))
            self.assertFalse(
                self.env["purchase.order.line"].with_user(self.finance).search([("order_id", "=", hidden.id)])
            )
        groups = orders._read_group([], ["partner_id"], ["__count", "amount_total:sum"])
        self.assertEqual(sum(count for _partner, count, _amount in groups), 2)
        lines = self.env["purchase.order.line"].with_user(self.finance)
        self.assertEqual(lines.search([]).order_id, known.with_user(self.finance))
        self.finance.write({USER_GROUPS: [Command.link(self.env.ref("base.group_allow_export").id)]})
        self.assertTrue(asked.with_user(self.finance).export_data(["name"])["datas"])
        with self.assertRaises(AccessError):
            secret.with_user(self.finance).export_data(["name"])
        with self.assertRaises(AccessError):
            self.env["purchase.report"].with_user(self.finance).search([])
        # Of receipts and bills, those of the same orders.
        self.env["account.move"].create({"move_type": "in_invoice", "partner_id": self.vendor.id})
        seen = self.env["purchase.order"]
        for model, lines in (("stock.move", "purchase_line_id"), ("stock.picking", "move_ids.purchase_line_id")):
            seen |= self.env[model].with_user(self.finance).search([]).sudo().mapped(lines).order_id
        self.assertEqual(seen, self.order)
        with contextlib.suppress(AccessError):
            self.assertFalse(self.env["account.move"].with_user(self.finance).search([]))
        # What he must judge he can open: all that the form shows.
        self._open_form(asked.with_user(self.finance))
        for line in asked.order_line.with_user(self.finance):
            line.read(
                ["name", "product_qty", "price_unit", "price_subtotal", "taxes_id" if "taxes_id" in line else "tax_ids"]
            )
        task = (
            asked.sudo()
            .approval_request_id.task_ids.filtered(lambda task: task.name == "Finance")
            .with_user(self.finance)
        )
        self.assertTrue(task.content_text)
        self.assertTrue(task.standing)
        with self.assertRaises(AccessError):
            asked.with_user(self.finance).write({"origin": "x"})

    def _open_form(self, record):
        """Read what the form view of ``record`` shows to its user."""
        view = record.get_view(view_type="form")
        tree = etree.fromstring(view["arch"])
        names = {
            node.get("name")
            for node in tree.iter("field")
            if not any(parent.tag == "field" for parent in node.iterancestors())
        }
        self.assertTrue(record.read(sorted(names)))

    def test_approver_with_the_purchase_application(self):
        secret = self._passed(1000)
        self.assertIn(secret, self.env["purchase.order"].with_user(self.manager).search([]))

    def test_approver_who_was_replaced_keeps_what_he_saw_and_sees_nothing_new(self):
        order = self._held(31000)
        newcomer = new_test_user(self.env, login="t_new", groups="base.group_user,distribution_core.group_approver")
        self.assertFalse(self.env["purchase.order"].with_user(newcomer).search([]))
        newcomer.write({USER_GROUPS: [Command.link(self.groups["Finance"].id)]})
        self.env[PREFIX + "request"]._cron_refresh_candidates()
        self.assertIn(order, self.env["purchase.order"].with_user(newcomer).search([]))

    def test_buyer_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            login="t_stranger",
            groups="base.group_user,purchase.group_purchase_manager,distribution_core.group_approver",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for name in ("request", "task", "decision", "snapshot", "release", "amendment", "question"):
            with self.subTest(name):
                self.assertFalse(self.env[PREFIX + name].with_user(stranger).search([]))
                with self.assertRaises(AccessError):
                    self._one(name).with_user(stranger).read()
        with self.assertRaises(AccessError):
            self.order.with_user(stranger).read(["name"])
        with self.assertRaises(AccessError):
            self.env[PREFIX + "request"].with_user(stranger).with_context(allowed_company_ids=self.company.ids).search(
                []
            )
        # Buyers of this company see them.
        self.assertIn(self.request, self.env[PREFIX + "request"].with_user(self.other_buyer).search([]))

    def test_plain_employee_sees_nothing(self):
        for name in ("request", "task", "decision"):
            model = self.env[PREFIX + name].with_user(self.employee)
            self.assertFalse(model.search([]), name)
            self.assertFalse(model._read_group([], [], ["__count"])[0][0], name)
            with self.assertRaises(AccessError):
                self._one(name).with_user(self.employee).read(["display_name"])
        for name in ("snapshot", "release", "involvement", "amendment", "question"):
            with self.subTest(name), self.assertRaises(AccessError):
                self.env[PREFIX + name].with_user(self.employee).search([])
        with self.assertRaises(AccessError):
            self.env["purchase.order"].with_user(self.employee).search([])
        for method in ("action_withdraw", "action_resubmit", "action_retry_release", "action_find_approvers"):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(self.request.with_user(self.employee), method)()

    def test_auditor_reads_all_and_writes_nothing(self):
        companies = self.env["res.company"].search([])
        self.auditor.write({"company_ids": [Command.set(companies.ids)]})
        self.env = self.env(context={**self.env.context, "allowed_company_ids": companies.ids})
        for name in (*EVIDENCE, "policy", "policy.version", "rule", "condition", "stage", "activation"):
            with self.subTest(name):
                model = self.env[PREFIX + name]
                self.assertEqual(
                    model.with_user(self.auditor).search_count([]), model.sudo().search_count([]), "reads all"
                )
                record = model.search([], limit=1).with_user(self.auditor)
                record.read()
                for operation in ("create", "write", "unlink"):
                    with self.assertRaises(AccessError):
                        record.check_access_rights(operation) if hasattr(
                            record, "check_access_rights"
                        ) else record.check_access(operation)
        orders = self.env["purchase.order"]
        self.assertEqual(orders.with_user(self.auditor).search_count([]), orders.search_count([]))
        self._open_form(self.order.with_user(self.auditor))
        for draft in (self._order(1000), self._order(9000)):
            for method in ("button_confirm", "button_approve", "button_cancel"):
                with self.subTest(method, amount=draft.amount_total), self.assertRaises(AccessError):
                    getattr(draft.with_user(self.auditor), method)()
            self.assertEqual((draft.state, draft.approval_state), ("draft", False))
            self.assertFalse(draft.sudo().approval_request_id, "the auditor asks for nothing")
        with self.assertRaises(AccessError):
            self.order.with_user(self.auditor).write({"origin": "x"})
        with self.assertRaises(AccessError):
            self._held(9000).with_user(self.auditor).action_approval_withdraw()

    def test_public_methods_of_our_models(self):
        """``init`` can be called over RPC like every public method: it must change nothing."""
        for name in EVIDENCE:
            model = self.env[PREFIX + name].with_user(self.employee)
            try:
                with self.env.cr.savepoint():
                    model.init()
            except AccessError:
                pass
        with mute_logger("odoo.sql_db"), _Refusal(self, psycopg2.Error):
            self.env.cr.execute("DELETE FROM distribution_approval_decision WHERE id = %s", self._one("decision").ids)


class _Refusal:
    """``assertRaises`` in a savepoint, for errors of PostgreSQL as well."""

    def __init__(self, case, errors):
        self.case, self.errors = case, errors

    def __enter__(self):
        self.savepoint = self.case.env.cr.savepoint()
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            try:
                self.case.env.flush_all()
            except self.errors as late:
                kind = type(late)
        self.savepoint.close(rollback=True)
        if kind is None:
            self.case.fail("not refused")
        return issubclass(kind, self.errors)
