"""Editions: released as their pattern asks, read by who may, handed out as they were released, recalled."""

import hashlib
from datetime import timedelta

from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from odoo.addons.distribution_core.compat import USER_GROUPS

from .report_case import ReportCase

BREACH = {"code": "t", "label": "Score", "measure": "sum", "dataset": "vendors", "column": "color", "breach": "10"}


@tagged("post_install", "-at_install")
class TestReportEdition(ReportCase):
    def _waiting(self, pattern="finance", **values):
        run = self._run(self._report(release_pattern=pattern, **values))
        self._work()
        return run, run.edition_id, run.edition_id.release_id

    def _released(self, **values):
        run = self._run(self._report(**values))
        self._work()
        self._send()
        self.assertEqual(run.state, "done", run.error)
        return run.edition_id

    # --------------------------------------------------------------- patterns

    def test_finance_signs_and_the_sign_off_is_in_the_edition(self):
        run, edition, release = self._waiting()
        self.assertEqual((run.state, edition.number, edition.digest), ("waiting", 0, release.content_digest))
        self.assertFalse(self._send())
        self._decide(release, "Finance", self.finance)
        self.assertTrue(self._resume(release))
        self._work()
        self.assertEqual((run.state, edition.number, edition.state), ("done", 1, "released"))
        self.assertEqual([(one.role, one.name) for one in edition._sign_offs()], [("Finance", self.finance.name)])
        self.assertEqual(len(self._send()), 1)

    def test_two_parties(self):
        run, _edition, release = self._waiting("two_parties")
        self._decide(release, "Finance", self.finance)
        self._work()
        self.assertEqual(run.state, "waiting")
        self._decide(release, "Operations", self.operations)
        self.assertTrue(self._resume(release))
        self._work()
        self.assertEqual(run.state, "done")

    def test_supervisor_above_a_threshold_only(self):
        run, _edition, release = self._waiting("supervisor", threshold_ids=[Command.create(BREACH)])
        self.assertEqual(run.state, "waiting")
        self.assertTrue(release.is_crossed)
        self.vendors.write({"color": 0})
        below = self._run(run.report_id, day="2026-11-21")
        self._work()
        self.assertEqual((below.state, below.is_crossed), ("done", False))

    def test_rejected(self):
        run, edition, release = self._waiting()
        self._decide(release, "Finance", self.finance, outcome="reject", comment="The margin is wrong")
        self._work()
        self.assertEqual((run.state, run.cause), ("failed", "approval"))
        self.assertEqual(edition.number, 0)
        self.assertFalse([one for one in self._send() if "late" not in one["Subject"]])

    def test_a_request_that_is_taken_back_stops_the_run_and_its_owner_hears(self):
        run, edition, release = self._waiting()
        release.approval_request_id.with_user(self.owner).action_withdraw()
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))
        self.assertIn("Withdrawn", run.error)
        self.assertTrue(self.env["distribution.case"].search([("dedup_key", "=", f"report_run,{run.id}")]))
        self.assertTrue([one for one in self._send() if "late" in one["Subject"]])

    def test_numbers_that_are_taken_anew_are_released_by_nobody(self):
        run, edition, release = self._waiting()
        again = run.browse(run.with_user(self.owner).action_run_again("A vendor was missing")["res_id"])
        self.assertEqual((run.state, edition.state, release.active), ("cancelled", "withdrawn", False))
        self.assertIn("A vendor was missing", run.error)
        self._work()
        self.assertEqual((run.state, again.state), ("cancelled", "waiting"))
        self._decide(again.edition_id.release_id, "Finance", self.finance)
        self._resume(again.edition_id.release_id)
        self._work()
        self.assertEqual((again.state, again.edition_id.number, edition.number), ("done", 1, 0))

    def test_older_numbers_do_not_become_the_newer_edition(self):
        run, edition, release = self._waiting()
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        again = run.browse(run.with_user(self.owner).action_run_again("A vendor was missing")["res_id"])
        self.assertEqual(run.state, "waiting", "it was released before")
        while again.state != "waiting":  # another worker is faster with the second attempt
            again._advance()
        self._decide(again.edition_id.release_id, "Finance", self.finance)
        self._resume(again.edition_id.release_id)
        again.sudo().state = "running"
        while again.state != "done":
            again._advance()
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))
        self.assertIn("newer numbers", run.error)

    def test_a_letter_that_is_sent_twice_is_known_again(self):
        run = self._run(self._report())
        self._work()
        (letter,) = self._send()
        # The process died before it could note that it was sent.
        run.edition_id.delivery_ids.filtered(lambda one: one.channel == "mail").sudo().state = "waiting"
        (second,) = self._send()
        self.assertEqual(letter["Message-Id"], second["Message-Id"])
        run.with_user(self.owner).action_run_again("A vendor was missing")
        self._work()
        (other,) = self._send()
        self.assertNotEqual(letter["Message-Id"], other["Message-Id"])

    def test_the_edition_that_counts_is_named_by_the_one_before(self):
        first = self._released()
        first.run_id.with_user(self.owner).action_run_again("A vendor was missing")
        self._work()
        second = first.report_id.run_ids[0].edition_id
        self.assertEqual((second.number, second._replaced(), first._replaced()), (2, 1, 0))
        self.assertEqual((first.with_user(self.recipient).newer_id, second.newer_id.id), (second, False))
        second.with_user(self.owner).action_recall("Counted twice")
        self.env.invalidate_all()
        self.assertFalse(first.newer_id, "the one before counts again")

    def test_the_owner_does_not_release_alone(self):
        self.owner.write({USER_GROUPS: [Command.link(self.groups["Finance"].id)]})
        _run, _edition, release = self._waiting()
        task = self._task(release, "Finance")
        self.assertNotIn(self.owner, task.user_ids)

    def test_the_approver_sees_what_is_released_and_what_changed(self):
        first = self._released(release_pattern="automatic")
        self.env["res.partner"].create({"name": "The sixth", "country_id": self.country.id, "ref": "V6"})
        version = self._version(first.report_id, release_pattern="finance")
        self._publish(version)
        self._run(first.report_id, day="2026-11-21")
        self._work()
        edition = first.report_id.run_ids[0].edition_id
        seen = edition.release_id.with_user(self.finance)
        self.assertIn("The sixth", seen.content_html)
        self.assertIn("All Vendors: 5 → 6 rows", seen.change_html)
        self.assertIn("The sixth", edition.with_user(self.finance).content_html)
        words = dict(row[:2] for row in seen._approval_content_words(seen._approval_snapshots()[seen.id])["header"])
        self.assertEqual(words["Report"], first.report_id.name)
        request = edition.release_id.approval_request_id
        opened = [request.with_user(user).action_open_document()["res_model"] for user in (self.finance, self.owner)]
        self.assertEqual(opened, [seen._name, edition._name], "its owner reads no releases")
        for user in (self.finance_2, self.compliance):
            if user not in edition.participant_ids:
                with self.assertRaises(AccessError):
                    edition.with_user(user).read(["content"])

    def test_a_correction_is_compared_with_what_it_corrects(self):
        october = self._released()
        sixth = self.env["res.partner"].create({"name": "The sixth", "country_id": self.country.id, "ref": "V6"})
        self._run(october.report_id, day="2026-11-21")
        self._work()
        november = october.report_id.run_ids[0].edition_id
        self.assertIn("All Vendors: 5 → 6 rows", november.change_html)
        sixth.copy()
        october.with_user(self.owner).action_recall("A vendor was missing")
        for number, change in ((2, "All Vendors: 5 → 7 rows"), (3, "Nothing.")):
            october.run_id.with_user(self.owner).action_run_again("Corrected")
            self._work()
            again = october.report_id.run_ids[0].edition_id
            self.assertEqual((again.number, again.period), (number, "2026-11-20"))
            self.assertIn(change, again.change_html)
        self.assertIn("All Vendors: 5 → 6 rows", november.change_html, "as it was when it came out")

    def test_without_governance_nobody_is_skipped(self):
        self._ungovern()
        run = self._run(self._report(release_pattern="finance"))
        self._work()
        self.assertEqual((run.state, run.cause), ("failed", "approval"))
        self.assertIn("not governed", run.error)

    def test_a_policy_that_lets_it_pass_does_not_replace_people(self):
        run = self._run(self._report(release_pattern="category_manager"))
        self._work()
        self.assertEqual((run.state, run.cause), ("failed", "approval"))
        self.assertFalse(run.edition_id, "what policy let go is not kept as released")
        self.assertIn("takes 1 people to release it, each in another role; 0 did", run.error)

    # ------------------------------------------------------------ who is asked

    def _warning(self, pattern, **values):
        """What the form of a draft with this release pattern says about who releases it."""
        self._patterns = getattr(self, "_patterns", 0) + 1
        report = self._report(publish=False, code=f"asked_{self._patterns}", release_pattern=pattern, **values)
        return report.version_ids.with_user(self.author).release_warning or ""

    def test_a_draft_says_when_nobody_would_be_asked(self):
        for pattern in ("automatic", "supervisor", "finance", "two_parties"):
            self.assertEqual(self._warning(pattern), "", pattern)
        held = self._warning("operations")
        self.assertIn("no rule of policy “report_release” says who releases “Operations sign-off”", held)
        self.assertIn("Add a rule for this release pattern", held)
        run, edition, release = self._waiting("operations")
        self.assertEqual((run.state, edition.number, release.approval_request_id.state), ("waiting", 0, "on_hold"))
        self.assertFalse(release.approval_request_id.task_ids, "as the form said: held, and nobody is asked")
        self.assertIn("pass without asking anybody: such an edition stops", self._warning("category_manager"))

    def test_without_governance_publishing_says_that_nobody_is_asked(self):
        self._ungovern()
        self.assertEqual(self._warning("automatic"), "")
        for pattern in ("finance", "supervisor"):
            self.assertIn("report releases are not governed in", self._warning(pattern))
        draft = self._report(publish=False, release_pattern="finance").version_ids.with_user(self.publisher)
        told = draft.action_publish(draft.draft_digest)
        self.assertEqual(
            (draft.state, told["tag"], told["params"]["sticky"]), ("published", "display_notification", True)
        )
        self.assertIn("Turn governance on", told["params"]["message"])
        self.assertIn("not governed", draft.report_id.with_user(self.author).release_warning, "on the report as well")
        self.assertIn("not governed", draft.sudo().message_ids[0].body)
        automatic = self._report(publish=False, code="automatic").version_ids.with_user(self.publisher)
        self.assertIs(automatic.action_publish(automatic.draft_digest), True)

    def test_two_stages_of_one_group_are_one_party(self):
        policies = self.env["distribution.approval.policy"].with_user(self.author)
        policy = policies.search([("document_type", "=", "report_release"), ("company_id", "=", self.company.id)])
        draft = policy._draft_next_version()
        rules = {rule.name: rule for rule in draft.rule_ids}
        finance, operations = rules["Two parties"].stage_ids
        finance.write({"group_id": operations.group_id.id, "name": "Account Manager"})
        rules["Supervisor"].write({"outcome": "refuse", "stage_ids": [Command.clear()]})
        by_audience = self._condition("audience", "in", ["management"])
        rules["Finance"].write({"condition_ids": [Command.clear(), by_audience]})
        self._publish(draft)
        self.assertRegex(
            self._warning("finance", classification="management"), "asks Finance, and no rule of it names “Finance sign"
        )
        self.finance.write({USER_GROUPS: [Command.link(operations.group_id.id)]})
        self.assertIn("asks one party only for “Two parties", self._warning("two_parties"))
        self.assertRegex(self._warning("supervisor"), "^Once a threshold is crossed: .*refuses editions")
        run, edition, release = self._waiting("two_parties")
        self._decide(release, "Account Manager", self.finance)
        self._decide(release, "Operations", self.operations)
        self._resume(release)
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))
        self.assertIn("takes 2 people to release it, each in another role; 1 did", run.error)

    def test_what_is_otherwise_at_a_site_is_said(self):
        """By a rule for the site, or by a local variant of the policy: a report may be run for each."""
        coast = self.env["distribution.region"].create({"name": "Coast", "code": "C", "company_id": self.company.id})
        north, south, west = self.env["stock.warehouse"].create(
            [
                {"name": name, "code": f"RR{name[0]}", "company_id": self.company.id, "region_id": region.id}
                for name, region in (("North", coast), ("South", coast), ("West", coast.browse()))
            ]
        )
        policies = self.env["distribution.approval.policy"].with_user(self.author)
        policy = policies.search([("document_type", "=", "report_release"), ("company_id", "=", self.company.id)])
        draft = policy._draft_next_version()
        rules = {rule.name: rule for rule in draft.rule_ids}
        few = self._condition("exceptions", "ge", "0")
        few[2].update(threshold="few", band_low="0", band_high="5")
        rules["Finance"].write({"condition_ids": [few]})
        not_west = {"fact": "site", "operator": "not_in", "reference_ids": [Command.create({"ref_id": west.id})]}
        rules["Two parties"].write({"condition_ids": [Command.create(not_west)]})
        self._publish(draft)
        self.assertEqual((self._warning("finance"), self._warning("two_parties", site_id=north.id)), ("", ""))
        nobody = "no rule of policy “report_release” says who releases"
        of_west = self._warning("two_parties")
        self.assertRegex(of_west, f"^West: Release: {nobody}")
        self.assertRegex(self._warning("two_parties", site_id=west.id), f"^Release: {nobody}")

        variant = self.env["distribution.approval.variant"].with_user(self.author)
        values = {"threshold": "few", "value": "1"}
        variant = variant.create(
            {
                "policy_id": policy.id,
                "company_id": self.company.id,
                "region_id": coast.id,
                "reason": "Small places",
                "value_ids": [Command.create(values)],
            }
        )
        self.assertEqual(self._warning("finance"), "", "a draft counts nowhere")
        variant.with_user(self.publisher).action_publish()
        of_coast = self._warning("finance")
        self.assertRegex(of_coast, f"^North, South: While no threshold is crossed: Release: {nobody}")
        self.assertNotIn("Once", of_coast, "with an exception it is finance there, too")
        self.assertRegex(
            self._warning("finance", site_id=south.id), f"^While no threshold is crossed: Release: {nobody}"
        )
        self.assertEqual(self._warning("finance", site_id=west.id), "")
        # And so it is.
        report = self._report(code="of_coast", release_pattern="finance")
        for site, state in ((west, "pending"), (north, "on_hold")):
            run = self._run(report, site=site)
            self._work()
            request = run.edition_id.release_id.approval_request_id
            self.assertEqual((run.state, request.state), ("waiting", state), site.name)

    # ---------------------------------------------------------------- attacks

    def test_forged_release(self):
        run, edition, release = self._waiting()
        admin, now = self.env.ref("base.user_admin"), fields.Datetime.now()
        for user in (self.watcher, admin):
            with self._refused():
                release.with_user(user).write({"released_at": now})
            with self._refused():
                release.with_user(user).sudo().write({"released_at": now})
            with self.assertRaises(AccessError):
                release.with_user(user).write({"edition_id": False})
            with self.assertRaises(AccessError):
                release.with_user(user).create(
                    {"name": "F", "report_key": "vendors", "period": "x", "edition_id": edition.id}
                )
            with self.assertRaises(UserError):
                edition.with_user(user).write({"state": "released", "number": 1})
        self.env.flush_all()
        # Past the application: the row says released, but nobody decided.
        self.env.cr.execute("UPDATE distribution_report_release SET released_at = now() WHERE id = %s", (release.id,))
        self.env.invalidate_all()
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))
        self.assertIn("takes 1 people", run.error)

    def test_another_content_is_not_what_was_released(self):
        run, edition, release = self._waiting()
        for attempt in (
            lambda: release.attachment_id.write({"raw": b"{}"}),
            lambda: release.attachment_id.sudo().write({"datas": False}),
            lambda: release.attachment_id.sudo().unlink(),
        ):
            with self._refused():
                attempt()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(IntegrityError, "never changed"),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE distribution_report_edition SET content = '{}' WHERE id = %s", (edition.id,))
        self.env.invalidate_all()
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        # Past the application again: the sealed file is exchanged in the database itself.
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = NULL, db_datas = 'x' WHERE id = %s", (release.attachment_id.id,)
        )
        self.env.invalidate_all()
        self._work()
        self.assertEqual((run.state, run.cause), ("failed", "approval"))
        self.assertFalse(edition.delivery_ids)

    def test_a_definition_that_changes_under_a_pending_release(self):
        run, edition, release = self._waiting()
        report, digest = run.report_id, edition.digest
        version = self._version(report, release_pattern="automatic", recipient_ids=[])
        self._publish(version)
        self.assertEqual(run.version_id.state, "retired")
        self._work()
        self.assertEqual(run.state, "waiting", "asked for by the version that it ran by")
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self._work()
        self.assertEqual((run.state, edition.digest, len(edition.delivery_ids)), ("done", digest, 1))

    def test_who_reads_an_edition(self):
        edition = self._released(classification="management")
        for user in (self.recipient, self.owner, self.auditor):
            self.assertIn("Vendor 1", edition.with_user(user).content_html)
            self.assertEqual(len(edition.with_user(user).search([("id", "=", edition.id)])), 1)
        file = edition.release_id.attachment_id
        self.assertTrue(file.with_user(self.recipient).raw)
        for user in (self.stranger, self.watcher, self.buyer, self.employee):
            with self.subTest(user=user.login):
                self.assertFalse(edition.with_user(user).search([("id", "=", edition.id)]))
                with self.assertRaises(AccessError):
                    edition.with_user(user).read(["content"])
                with self.assertRaises(AccessError):
                    file.with_user(user).read(["raw"])
        release = edition.release_id.with_user(self.watcher)
        self.assertFalse(release.content_html, "Operations sees that there is a release, not what it says")
        internal = self._released(code="internal")
        self.assertTrue(internal.with_user(self.watcher).content_html)

    def test_another_company_reads_nothing(self):
        edition = self._released()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        for groups in ("auditor", "operations", "administrator"):
            user = new_test_user(
                self.env,
                login=f"t_elsewhere_{groups}",
                groups=f"base.group_user,distribution_core.group_{groups}",
                company_id=other.id,
                company_ids=[Command.set(other.ids)],
            )
            self.assertFalse(self.env["distribution.report.edition"].with_user(user).search([]))
            self.assertFalse(self.env["distribution.report.run"].with_user(user).search([]))
            with self.assertRaises(AccessError):
                edition.with_user(user).read(["content"])
        # A recipient who moves to the other company gets nothing any more.
        self.recipient.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        with self.assertRaises(AccessError):
            edition.with_user(self.recipient).read(["content"])

    # ----------------------------------------------------------- distribution

    def test_recipients_outside_the_classification(self):
        edition = self._released()
        with self.assertRaisesRegex(UserError, "outside the house"):
            edition.with_user(self.owner).action_send_to(partner_ids=self.vendors[0].ids)
        with self.assertRaises(AccessError):
            edition.with_user(self.recipient).action_send_to(user_ids=self.stranger.ids)
        portal = new_test_user(self.env, login="t_portal", groups="base.group_portal")
        with self.assertRaisesRegex(UserError, "does not work in"):
            edition.with_user(self.owner).action_send_to(user_ids=portal.ids)
        # A row that somebody wrote past the checks is refused when it is sent.
        delivery = edition.delivery_ids.sudo()._queue(
            edition, [(self.env["res.users"], self.vendors[0], "mail")], joined=True
        )
        self.assertFalse(self._send())
        self.assertEqual(delivery.state, "failed")

    def test_customers_get_what_is_for_customers(self):
        self.vendors[0].email = "customer@outside.example"
        run, edition, release = self._waiting(
            "two_parties",
            classification="customer",
            recipient_ids=[Command.create({"kind": "partner", "partner_id": self.vendors[0].id, "channel": "inbox"})],
        )
        self.assertEqual(release.audience, "customer")
        self._decide(release, "Finance", self.finance)
        self._decide(release, "Operations", self.operations)
        self._resume(release)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        (message,) = self._send()
        self.assertIn("customer@outside.example", message["To"])
        self.assertEqual(edition.delivered_count, 1)

    def test_who_joins_late_gets_the_same_edition(self):
        edition = self._released()
        edition.with_user(self.owner).action_send_to(user_ids=self.stranger.ids)
        edition.with_user(self.owner).action_send_to(user_ids=self.stranger.ids)
        (message,) = self._send()
        self.assertIn("stranger@house.example", message["To"])
        late = edition.delivery_ids.filtered("joined")
        self.assertEqual((late.user_id, late.digest), (self.stranger, edition.digest))
        self.assertTrue(edition.with_user(self.stranger).content_html)
        self.assertTrue(edition.with_user(self.stranger).is_mine)

    @mute_logger("odoo.addons.distribution_approval.models.approval_batch")
    def test_what_is_not_delivered_is_tried_again_and_shown(self):
        self.recipient.email = False
        edition = self._released()
        delivery = edition.delivery_ids
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))
        self.assertIn("no mail address", delivery.error)
        for _number in range(4):
            delivery.next_try_at = False
            self._send()
        self.assertEqual((delivery.state, edition.failed_count), ("failed", 1))
        self.assertTrue(
            self.env["distribution.case"].search([("dedup_key", "=", f"report_delivery,{edition.report_id.id}")])
        )
        with self.assertRaises(AccessError):
            edition.with_user(self.recipient).read(["content"])
        self.recipient.email = "back@house.example"
        delivery.with_user(self.owner).action_retry()
        self.assertEqual(len(self._send()), 1)
        self.assertEqual(delivery.state, "sent")

    def test_recall(self):
        edition = self._released()
        with self.assertRaises(AccessError):
            edition.with_user(self.recipient).action_recall("No")
        with self.assertRaisesRegex(UserError, "Correction notice"):
            edition.with_user(self.owner).action_recall("")
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.assertEqual(edition.state, "recalled")
        (message,) = self._send()
        self.assertIn("Returns were counted twice", self._text(message))
        with self.assertRaises(UserError):
            edition.with_user(self.owner).action_send_to(user_ids=self.stranger.ids)
        edition.run_id.with_user(self.owner).action_run_again("Corrected")
        self._work()
        newer = edition.report_id.run_ids[0].edition_id
        self.assertEqual((newer.number, newer.corrects_id), (2, edition))
        self.assertIn("replaces edition 1", self._text(self._send()[0]))

    def test_who_had_the_recalled_edition_gets_the_corrected_one(self):
        edition = self._released()
        leaver = new_test_user(self.env, login="t_leaver", email="leaver@house.example", groups="base.group_user")
        edition.with_user(self.owner).action_send_to(user_ids=(self.stranger | leaver).ids)
        self.assertEqual(len(self._send()), 2)
        leaver.active = False
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self._send()
        edition.run_id.with_user(self.owner).action_run_again("Corrected")
        self._work()
        letters = {one["To"].split("<")[1]: self._text(one) for one in self._send()}
        self.assertEqual(set(letters), {"recipient@house.example>", "stranger@house.example>"})
        self.assertIn("replaces edition 1", letters["stranger@house.example>"])
        newer = edition.report_id.run_ids[0].edition_id
        self.assertTrue(newer.with_user(self.stranger).content_html)
        # It is recalled before it was sent to anybody: the promise stands.
        newer.delivery_ids.sudo().state = "waiting"
        newer.with_user(self.owner).action_recall("Again")
        edition.run_id.with_user(self.owner).action_run_again("Corrected again")
        self._work()
        self.assertEqual(len(self._send()), 2)

    def test_files_of_a_recalled_edition_are_withheld(self):
        edition = self._released(as_csv=True)
        (file,) = edition.sudo().file_ids
        attachment, before = file.attachment_id, file._bytes()
        sealed = edition.sudo().release_id.attachment_id
        self.assertEqual(attachment.with_user(self.recipient).raw, before)
        self.assertIn(b"Vendor 1", sealed.with_user(self.recipient).raw)
        edition.with_user(self.owner).action_recall("Returns were counted twice")
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTrue(edition.with_user(self.recipient).recall_reason, "what it was, and why it is wrong, stays")
        administrator = new_test_user(
            self.env, login="t_recall_administrator", groups="base.group_user,distribution_core.group_administrator"
        )
        for user in (self.recipient, self.watcher, administrator):
            for one in (attachment, sealed):
                with self.assertRaises(AccessError):
                    one.with_user(user).read(["raw"])
        auditor = new_test_user(
            self.env, login="t_recall_auditor", groups="base.group_user,distribution_core.group_auditor"
        )
        for user in (self.owner, auditor):
            self.assertEqual(attachment.with_user(user).raw, before)
            self.assertIn("RECALLED", attachment.with_user(user).name)
            self.assertIn("RECALLED", sealed.with_user(user).name)
            self.assertEqual(hashlib.sha256(sealed.with_user(user).raw).hexdigest(), edition.digest)
        edition.sudo()._check_intact()
        for one in (attachment, sealed):
            for values in ({"raw": b"x"}, {"res_model": "res.partner", "res_id": 1}):
                with self.assertRaises(AccessError):
                    one.with_user(self.owner).write(values)
            with self._refused():
                one.sudo().write({"raw": b"x"})

    def test_previews_go_with_their_editions(self):
        edition = self._released(as_csv=True, retention_days=30)
        refused = self._waiting(as_csv=True, retention_days=30, code="refused")[1]
        for one in (edition, refused):
            preview = one.sudo()._attach("draft.pdf", b"preview", "pdf")
            one.sudo().write({"preview_id": preview.id, "preview_digest": "0" * 64})
        refused.run_id.with_user(self.owner).action_cancel()
        self.env.flush_all()
        previews = (edition | refused).sudo().preview_id
        self.assertEqual(len(previews), 2)
        editions = self.env["distribution.report.edition"]
        with freeze_time(fields.Datetime.now() + timedelta(days=29)):
            editions._cron_retention()
        self.assertEqual(len(previews.exists()), 2)
        with freeze_time(fields.Datetime.now() + timedelta(days=31)):
            editions._cron_retention()
        self.assertFalse(previews.exists())
        self.assertFalse(edition.sudo().file_ids.attachment_id)
        self.assertTrue(edition.content)

    def test_evidence_stays(self):
        edition = self._released()
        for attempt in (
            lambda: edition.sudo().unlink(),
            lambda: edition.delivery_ids.sudo().unlink(),
            lambda: edition.run_id.sudo().unlink(),
            lambda: edition.with_user(self.owner).write({"recall_reason": "x"}),
            lambda: edition.report_id.sudo().unlink(),
        ):
            with self.assertRaises(UserError):
                attempt()
