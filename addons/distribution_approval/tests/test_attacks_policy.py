"""Attacks on the rules themselves: written, published, switched on and off by fewer people than it takes."""

from contextlib import contextmanager
from datetime import timedelta

import psycopg2
from odoo import SUPERUSER_ID, Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS

from .attack_case import AttackCase

POLICY, VERSION = "distribution.approval.policy", "distribution.approval.policy.version"
ACTIVATION = "distribution.approval.activation"


@tagged("post_install", "-at_install")
class TestAttacksOnPolicy(AttackCase):
    # -------------------------------------------------------------- publishing

    def test_who_cannot_publish(self):
        draft = self._make_policy()
        both = new_test_user(
            self.env,
            login="t_both",
            groups="base.group_user,distribution_core.group_policy_author,distribution_core.group_policy_publisher",
        )
        admin = self.env.ref("base.user_admin")
        for user in (self.author, self.buyer, self.manager, self.auditor, self.employee, admin):
            for record in (draft.with_user(user), draft.with_user(user).sudo()):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    record.action_publish()
        with self.assertRaises(AccessError):
            draft.with_user(SUPERUSER_ID).action_publish()
        # A publisher who touched the draft, wherever.
        for touch in (
            lambda mine: mine.write({"change_summary": "Mine"}),
            lambda mine: mine.rule_ids[0].write({"name": "Mine"}),
            lambda mine: mine.rule_ids[1].condition_ids[0].write({"operator": "not_in"}),
            lambda mine: mine.rule_ids[2].stage_ids[0].write({"quorum": 1}),
            lambda mine: mine.rule_ids[3].stage_ids[0].unlink(),
            lambda mine: mine.rule_ids[4].write({"amount_over": "7"}),
            lambda mine: mine.write({"rule_ids": [Command.create({"name": "x", "outcome": "pass"})]}),
            lambda mine: mine.rule_ids[0].sudo().write({"name": "As superuser"}),
        ):
            draft = self._make_policy()
            touch(draft.with_user(both))
            with self.assertRaises(UserError):
                draft.with_user(both).action_publish()
            # Losing the trace of it.
            for values in (
                {"author_ids": False},
                {"author_ids": [Command.clear()]},
                {"author_ids": [Command.unlink(both.id)]},
            ):
                with self.assertRaises(UserError):
                    draft.with_user(self.author).write(values)
            with self.assertRaises(UserError):
                draft.with_user(both).action_publish()
        copied = draft.with_user(both).copy()
        with self.assertRaises(UserError):
            copied.with_user(both).action_publish()
        draft = self._make_policy()
        draft.with_user(self.publisher).action_publish()
        self.assertEqual(draft.state, "published")

    def test_forged_version(self):
        versions = self.env[VERSION].with_user(self.author)
        policy = self.version.policy_id
        forgeries = {
            "state": "published",
            "content": self.version.content,
            "digest": self.version.digest,
            "published_by_id": self.publisher.id,
            "published_at": fields.Datetime.now(),
            "number": 99,
        }
        for name, value in forgeries.items():
            with self.subTest(name), self.assertRaises(UserError):
                versions.create({"policy_id": policy.id, name: value})
        context = {f"default_{name}": value for name, value in forgeries.items()}
        forged = versions.with_context(**context, default_author_ids=[Command.clear()]).create({"policy_id": policy.id})
        self.assertEqual((forged.state, forged.content, forged.published_by_id.id), ("draft", False, False))
        self.assertEqual(forged.author_ids, self.author)
        for name, value in forgeries.items():
            with self.subTest(name), self.assertRaises(UserError):
                forged.write({name: value})
        with self.assertRaises(UserError):
            self.version.with_user(self.author).copy({"state": "published"})

    def test_published_version_never_changes(self):
        version = self.version
        rule, condition, stage = version.rule_ids[2], version.rule_ids[2].condition_ids, version.rule_ids[2].stage_ids
        draft = self._make_policy()
        admin = self.env.ref("base.user_admin")
        attempts = (
            lambda env: version.with_env(env).write({"tolerance_percent": 100}),
            lambda env: version.with_env(env).write({"valid_to": fields.Date.today()}),
            lambda env: version.with_env(env).write({"state": "draft"}),
            lambda env: version.with_env(env).write({"rule_ids": [Command.clear()]}),
            lambda env: version.with_env(env).write({"rule_ids": [Command.create({"name": "x", "outcome": "pass"})]}),
            lambda env: version.with_env(env).unlink(),
            lambda env: rule.with_env(env).write({"outcome": "pass"}),
            lambda env: rule.with_env(env).write({"version_id": draft.id}),
            lambda env: draft.rule_ids[0].with_env(env).write({"version_id": version.id}),
            lambda env: rule.with_env(env).write({"amount_over": "1000000"}),
            lambda env: rule.with_env(env).unlink(),
            lambda env: rule.with_env(env).copy({"version_id": version.id}),
            lambda env: condition.with_env(env).write({"value": "1000000"}),
            lambda env: condition.with_env(env).unlink(),
            lambda env: condition.with_env(env).copy({"rule_id": rule.id}),
            lambda env: stage.with_env(env).write({"group_id": self.groups["Finance"].id}),
            lambda env: stage.with_env(env).unlink(),
            lambda env: stage.with_env(env).copy({"rule_id": rule.id}),
            lambda env: version.policy_id.with_env(env).unlink(),
            lambda env: version.policy_id.with_env(env).write({"company_id": False}),
        )
        for user in (self.author, self.publisher, admin, self.env.ref("base.user_root")):
            for number, attempt in enumerate(attempts):
                with self.subTest(user=user.login, number=number), self._refused_by_odoo_or_postgresql():
                    attempt(self.env(user=user.id, su=False))
        content = version.content
        self.env.invalidate_all()
        self.assertEqual(version.content, content)
        draft.rule_ids[2].with_user(self.author).outcome = "refuse"  # drafts do

    @contextmanager
    def _refused_by_odoo_or_postgresql(self):
        savepoint = self.env.cr.savepoint()
        try:
            with mute_logger("odoo.sql_db"):
                yield
                self.env.flush_all()
        except (UserError, psycopg2.errors.RestrictViolation):
            pass
        else:
            self.fail("a published version was changed")
        finally:
            savepoint.close(rollback=True)

    def test_running_request_keeps_its_version(self):
        order = self._held()
        lenient = self._make_policy()
        lenient.rule_ids.with_user(self.author).filtered(lambda rule: rule.outcome != "pass").unlink()
        lenient.rule_ids.condition_ids.with_user(self.author).filtered(lambda c: c.fact == "amount").value = "1000000"
        self._publish(lenient)
        self.assertEqual(order.sudo().approval_request_id.version_id, self.version)
        order.order_line.product_qty = 501
        self._commit()
        request = order.sudo().approval_request_id
        self.assertEqual((request.state, request.version_id), ("pending", self.version))
        order.button_confirm()
        self.assertNotInForce(order)
        new = self._order(5000)
        new.button_confirm()
        self.assertEqual(new.state, "purchase", "new orders go by the new version")

    # ------------------------------------------------------- no policy, no passage

    def test_lapsed_policy_holds(self):
        draft = self._make_policy()
        today = fields.Date.context_today(self.env.user)
        draft.with_user(self.author).valid_to = today + timedelta(days=1)
        self._publish(draft)
        passed = self._passed(100)
        self.env.flush_all()
        # The day after tomorrow, as the database would show it then.
        self.env.registry.clear_cache()
        self._lapse(draft)
        order = self._order(1000)
        order.button_confirm()
        self.assertNotInForce(order)
        self.assertEqual(order.approval_state, "on_hold")
        with self._refused():
            order.write({"state": "purchase"})
        with self._refused():
            passed.order_line.price_unit = 99
        case = self.env["distribution.case"].search([("type_id.code", "=", "policy_missing")])
        self.assertEqual(len(case), 1)
        second = self._order(1000)
        second.button_confirm()
        self.assertEqual(len(self.env["distribution.case"].search([("type_id.code", "=", "policy_missing")])), 1)
        renewed = self._make_policy()
        self._publish(renewed)
        self.env["distribution.approval.request"]._cron_retry_on_hold()
        self.assertEqual(order.sudo().approval_request_id.state, "approved")
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "purchase")

    def _lapse(self, version):
        """Let the version's last day have passed; the database does not allow to write that."""
        real = type(version)._is_effective
        self.patch(
            type(version),
            "_is_effective",
            lambda self, day: real(self, day + timedelta(days=5) if self.id == version.id else day),
        )
        self.env.registry.clear_cache()

    def test_sealed_content_that_was_changed_holds(self):
        """Even with the trigger gone: content that does not match its digest decides nothing."""
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE distribution_approval_policy_version DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_approval_policy_version SET content = replace(content, '2500', '9500') WHERE id = %s",
            self.version.ids,
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        order = self._order(1000)
        order.button_confirm()
        self.assertNotInForce(order)
        self.assertEqual(order.approval_state, "on_hold")

    def test_archived_policy_through_the_context(self):
        """``active_test`` comes from the client; an archived policy does not come back with it."""
        self._end()
        policy = self.version.policy_id
        policy.with_user(self.author).active = False
        policy.flush_recordset()
        strict = (
            self.env[POLICY]
            .with_user(self.author)
            .create({"name": "Nothing passes", "document_type": "purchase_order", "company_id": self.company.id})
        )
        version = (
            self.env[VERSION]
            .with_user(self.author)
            .create(
                {
                    "policy_id": strict.id,
                    "fallback_user_id": self.fallback.id,
                    "rule_ids": [
                        Command.create(
                            {
                                "name": "Everything",
                                "outcome": "require",
                                "stage_ids": [Command.create({"group_id": self.groups["Purchasing"].id})],
                            }
                        )
                    ],
                }
            )
        )
        self._publish(version)
        self.addCleanup(setattr, type(self), "activation", self.activation)
        self._govern()
        for context in ({"active_test": False}, {"active_test": True}, {}):
            self.env.registry.clear_cache()
            order = self._order(100)
            order.with_context(**context).button_confirm()
            self.assertNotInForce(order)
            self.assertEqual(order.sudo().approval_request_id.version_id, version)

    def test_one_person_cannot_leave_documents_without_policy(self):
        policy = self.version.policy_id
        for user in (self.author, self.publisher):
            with self.assertRaises(UserError):
                policy.with_user(user).write({"active": False})
        with self.assertRaises(UserError):
            self.version.with_user(self.publisher).action_retire()
        with self.assertRaises(AccessError):
            self.version.with_user(self.author).action_retire()
        order = self._order(1000)
        order.button_confirm()
        self.assertEqual(order.state, "purchase")

    # ---------------------------------------------------------------- activation

    def _end(self):
        self.activation.with_user(self.publisher).action_propose_end()
        self.activation.with_user(self.publisher_2).action_confirm_end()

    def test_switching_off_takes_two(self):
        activation = self.activation.with_user(self.publisher)
        activation.action_propose_end()
        self.assertGoverned()
        with self.assertRaises(UserError):
            activation.action_confirm_end()
        for values in (
            {"end_proposed_by_id": False},
            {"end_proposed_by_id": self.publisher_2.id},
            {"state": "ended"},
            {"state": "draft"},
            {"document_type": False},
            {"company_id": self.env["res.company"].create({"name": "Nowhere"}).id},
        ):
            for record in (activation, activation.sudo(), self.activation.with_user(self.env.ref("base.user_admin"))):
                with self.subTest(**values), self.assertRaises(UserError):
                    record.write(values)
        with self.assertRaises(UserError):
            activation.action_confirm_end()
        for user in (self.author, self.buyer, self.manager, self.auditor, self.employee):
            for method in ("action_confirm_end", "action_keep", "action_propose", "action_propose_end"):
                with self.assertRaises(UserError):
                    getattr(self.activation.with_user(user), method)()
        with self.assertRaises(UserError):
            activation.with_user(SUPERUSER_ID).action_confirm_end()
        with self.assertRaises(UserError):
            activation.unlink()
        self.assertGoverned()
        activation.with_user(self.publisher_2).action_confirm_end()
        order = self._order(9000)
        order.button_confirm()
        self.assertEqual(order.state, "purchase", "two people switched it off")

    def assertGoverned(self):
        order = self._order(9000)
        order.button_confirm()
        self.assertNotInForce(order)

    def test_switching_on_takes_two(self):
        self._end()
        activations = self.env[ACTIVATION].with_user(self.publisher)
        values = {"document_type": "purchase_order", "company_id": self.company.id}
        for forged in (
            {"state": "active"},
            {"state": "proposed", "proposed_by_id": self.publisher_2.id},
            {"proposed_by_id": self.publisher_2.id},
        ):
            with self.assertRaises(UserError):
                activations.create({**values, **forged})
        sly = activations.with_context(
            default_state="proposed", default_proposed_by_id=self.publisher_2.id, default_baseline_count=7
        ).create(values)
        self.assertEqual((sly.state, sly.proposed_by_id.id, sly.baseline_count), ("draft", False, 0))
        with self.assertRaises(UserError):
            sly.action_confirm()
        sly.action_propose()
        with self.assertRaises(UserError):
            sly.action_confirm()
        with self.assertRaises(UserError):
            sly.write({"proposed_by_id": False})
        with self.assertRaises(UserError):
            sly.action_confirm()
        before = self._order(9000)
        before.button_confirm()
        self.assertEqual(before.state, "purchase")
        sly.with_user(self.publisher_2).action_confirm()
        self.assertEqual(before.approval_state, "baseline")
        self.assertGoverned()
        with self._refused():
            before.order_line.price_unit = 11
        with self.assertRaises(UserError):
            sly.with_user(self.publisher_2).action_confirm()

    def test_somebody_who_proposes_for_himself_under_another_hat(self):
        """The administrator and publisher roles of one person are one person."""
        self.publisher.write({USER_GROUPS: [Command.link(self.env.ref("distribution_core.group_administrator").id)]})
        activation = self.activation.with_user(self.publisher)
        activation.action_propose_end()
        with self.assertRaises(UserError):
            activation.sudo().action_confirm_end()
        self.assertGoverned()

    # -------------------------------------------------------------------- trying

    def test_try_it_shows_orders_of_the_reader_only(self):
        secret = self._order(1000)
        wizard = self.env["distribution.approval.try"]
        values = {"version_id": self.version.id, "document_ref": f"purchase.order,{secret.id}"}
        shown = wizard.with_user(self.auditor).create(values)
        self.assertTrue(shown.result)
        for user in (self.author, self.publisher):
            with self.assertRaises(AccessError):
                wizard.with_user(user).create({**values, "way": "document"}).result  # noqa: B018
            for known in (values, {"version_id": self.version.id}):
                closed = wizard.with_user(user).create(known)
                closed.way = "facts"
                self.assertEqual(closed.hindrance, "closed")
                self.assertIn("Such a document", closed.result)
                self.assertNotIn(secret.name, closed.result)
        for user in (self.buyer, self.employee):
            with self.assertRaises(AccessError):
                wizard.with_user(user).create({"version_id": self.version.id})
