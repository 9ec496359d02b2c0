"""Outside checks against a real HTTP server on loopback: slow, broken, wrong, and back again."""

import json
import os
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import psycopg2
from cryptography.fernet import Fernet
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from odoo.addons.distribution_core import secret_box
from odoo.addons.distribution_core.tests.saved_meanwhile import saved_meanwhile

from ..models.approval_outside_check import ALLOWED_PARAMETER
from .attack_case import AttackCase

CHECK = "distribution.approval.outside.check"
#: Seconds: what answers at once does so within them, on a busy machine too.
PATIENCE = 2
SECRET = "Bearer s3cr3t-t0ken-of-the-bureau"
KEY, OTHER_KEY = (Fernet.generate_key().decode() for _number in range(2))


class Bureau:
    """A credit bureau that does what the test tells it."""

    def __init__(self):
        self.answers, self.seen = [], []
        bureau = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                bureau.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
                answer = bureau.answers.pop(0) if len(bureau.answers) > 1 else bureau.answers[0]
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # the client hung up: what a slow answer deserves

            do_POST = do_GET

            def log_message(self, *args):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def says(value, status=200):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def rating(value):
    return says({"score": {"class": value}})


def slow(handler):
    time.sleep(5 * PATIENCE)
    rating("A")(handler)


def drips(handler):
    """One byte now and then: each within any time-out of a socket."""
    handler.send_response(200)
    handler.end_headers()
    for _byte in range(50 * PATIENCE):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def redirects(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://169.254.169.254/latest/meta-data")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@tagged("post_install", "-at_install")
class TestOutsideCheck(AttackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {secret_box.VARIABLE: KEY}))
        cls.bureau = Bureau()
        cls.addClassCleanup(cls.bureau.close)
        cls.administrator = new_test_user(
            cls.env, login="t_administrator", groups="base.group_user,distribution_core.group_administrator"
        )
        cls.env["ir.config_parameter"].set_param(ALLOWED_PARAMETER, f"127.0.0.1:{cls.bureau.port}")
        cls.check = (
            cls.env[CHECK]
            .with_user(cls.administrator)
            .create(
                {
                    "name": "Credit bureau",
                    "code": "credit",
                    "document_type": "purchase_order",
                    "fact_type": "selection",
                    "options": "A = low risk\nB = medium risk\nD = high risk",
                    "url": f"http://127.0.0.1:{cls.bureau.port}/v1/{{ref}}",
                    "answer_pointer": "/score/class",
                    "timeout_seconds": PATIENCE,
                    "failure_threshold": 3,
                    "input_ids": [
                        Command.create({"name": "ref", "source": "partner_ref"}),
                        Command.create({"name": "country", "source": "partner_country", "required": False}),
                    ],
                    "secret": SECRET,
                }
            )
        )
        cls.check.with_user(cls.publisher).action_activate()
        cls.vendor.ref = "V 1/2"
        cls._ask_in_policy()

    @classmethod
    def _ask_in_policy(cls):
        """Purchase orders above 1,000 pass only when the bureau says A."""
        draft = cls.version.copy()
        options = cls.env["distribution.approval.fact.option"].search([("fact", "=", "outside_credit")])
        draft.with_user(cls.author).write(
            {
                "rule_ids": [
                    Command.create(
                        {
                            "sequence": 5,
                            "name": "High risk",
                            "outcome": "refuse",
                            "condition_ids": [
                                Command.create({"fact": "amount", "operator": "gt", "value": "1000"}),
                                Command.create(
                                    {
                                        "fact": "outside_credit",
                                        "operator": "in",
                                        "option_ids": [Command.set(options.filtered(lambda o: o.code == "D").ids)],
                                    }
                                ),
                            ],
                        }
                    )
                ]
            }
        )
        cls._publish(draft)

    def setUp(self):
        super().setUp()
        self.bureau.seen.clear()
        self.bureau.answers[:] = [rating("A")]

    def _confirmed(self, amount=2000, **values):
        order = self._order(amount, **values)
        order.button_confirm()
        return order

    def _run(self):
        return self.env["distribution.approval.outside.call"]._cron_call(commit=False)

    def _call(self):
        return self.env["distribution.approval.outside.call"].search([], order="id desc", limit=1)

    def _answers(self):
        return self.env["distribution.approval.outside.answer"].search([("check_id", "=", self.check.id)])

    def _due(self):
        """Time passes until the question is due."""
        self._call().write({"next_at": fields.Datetime.now()})

    # ------------------------------------------------------------ as it should be

    def test_held_asked_released(self):
        order = self._confirmed()
        request = order.sudo().approval_request_id
        self.assertEqual((order.state, request.state), ("to approve", "on_hold"))
        self.assertIn("Credit bureau", request.reason)
        self.assertFalse(self.bureau.seen, "nothing leaves in the user's transaction")
        self.assertTrue(
            self.env["ir.cron.trigger"].search(
                [("cron_id", "=", self.env.ref("distribution_approval.ir_cron_outside").id)]
            )
        )
        self.assertEqual(self._run(), 1)
        self.assertEqual(request.state, "approved")
        self._resume(order)
        self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
        [(method, path, headers, _body)] = self.bureau.seen
        self.assertEqual((method, path.split("?")[0]), ("GET", "/v1/V%201%2F2"))
        self.assertEqual(headers["Authorization"], SECRET)
        answer = self._answers()
        self.assertEqual((answer.outcome, answer.value, answer.status_code), ("ok", '"A"', 200))
        self.assertEqual(json.loads(answer.question)["ref"], "V 1/2")
        facts = json.loads(request.snapshot_ids.sorted("id")[-1].facts)
        self.assertEqual(facts["outside_credit"], "A")
        event = self.env["distribution.event"]._last_for(answer)
        self.assertEqual(json.loads(event.data)["request_ids"], request.ids)
        # The next order of the vendor rests on the same answer: nobody is asked again.
        self.assertEqual(self._confirmed(2100).state, "purchase")
        self.assertEqual(self._run(), 0)

    def test_what_no_rule_needs_is_not_asked(self):
        self.assertEqual(self._confirmed(500).state, "purchase")
        self.assertFalse(self._call())
        self.env["distribution.approval.judge"]._judge(self._order(2000))
        self.assertFalse(self._call(), "looking at policy asks nobody")

    def test_asked_within_the_second_in_which_it_was_queued(self):
        """The job that was woken finds the question, though its clock counts whole seconds only."""
        self._confirmed()
        self._call().write({"next_at": fields.Datetime.now().replace(microsecond=999_999)})
        self.env.flush_all()
        self.assertEqual(self._run(), 1)

    def test_bad_news_refuses(self):
        self.bureau.answers[:] = [rating("D")]
        order = self._confirmed()
        self._run()
        self.assertEqual(order.sudo().approval_request_id.state, "refused")
        self.assertNotInForce(order)

    def test_one_question_for_many_orders(self):
        orders = [self._confirmed(2000 + n) for n in range(3)]
        self.assertEqual(self._run(), 1)
        for order in orders:
            self.assertEqual(order.sudo().approval_request_id.state, "approved")
        self.assertEqual(len(self.bureau.seen), 1)

    def test_stale_answer_is_asked_again(self):
        self._confirmed()
        self._run()
        self.env.cr.execute("ALTER TABLE distribution_approval_outside_answer DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_approval_outside_answer SET answered_at = answered_at - interval '25 hours'"
        )
        order = self._confirmed(2200)
        self.assertEqual(order.sudo().approval_request_id.state, "on_hold")
        self.assertEqual(self._run(), 1)

    def test_post(self):
        self.check.with_user(self.administrator).write({"method": "POST"})
        self.check.with_user(self.publisher).action_activate()
        self._confirmed()
        self._run()
        [(method, _path, headers, body)] = self.bureau.seen
        self.assertEqual((method, headers["Content-Type"]), ("POST", "application/json"))
        self.assertEqual(json.loads(body), {"country": ""})

    def test_missing_value_is_said(self):
        order = self._confirmed(vendor=self.new_vendor)
        reason = order.sudo().approval_request_id.reason
        self.assertIn("Our reference of the partner is missing", reason)
        self.assertFalse(self._call())

    def test_amendment_waits_too(self):
        order = self._confirmed(500)
        payload = {"order_line": [Command.update(order.order_line.id, {"product_qty": 200})]}
        self.env["distribution.approval.amendment"].with_user(self.buyer)._propose(order, payload, "More")
        request = order.sudo().approval_request_id
        self.assertEqual((request.kind, request.state), ("amendment", "on_hold"))
        self.assertEqual(self._run(), 1)
        self.assertEqual(request.state, "approved")

    # ------------------------------------------------------------------- trouble

    def _fails(self, answer, outcome):
        self.bureau.answers[:] = [answer]
        order = self._confirmed()
        request = order.sudo().approval_request_id
        started = time.monotonic()
        self.assertEqual(self._run(), 1)
        self.assertLess(time.monotonic() - started, 4 * PATIENCE)
        self.assertEqual(self._answers()[:1].outcome, outcome)
        self.assertEqual((order.state, request.state), ("to approve", "on_hold"))
        self.assertIn("asked 1 times", request.reason)
        call = self._call()
        self.assertGreater(call.next_at, fields.Datetime.now() + timedelta(seconds=10))
        self.assertEqual(self._run(), 0, "not before its time")
        # It comes back: the document goes on by itself.
        self.bureau.answers[:] = [rating("A")]
        self._due()
        self.assertEqual(self._run(), 1)
        self.assertEqual(request.state, "approved")
        return call

    def test_slow(self):
        self._fails(slow, "timeout")

    def test_dripping(self):
        self._fails(drips, "timeout")

    def test_server_error(self):
        call = self._fails(says({"error": f"no {SECRET}"}, 500), "status")
        self.assertEqual(call.state, "answered")
        # What the other side echoes is not how a credential gets read.
        for answer in self._answers():
            self.assertNotIn(SECRET.split()[1], answer.body)

    def test_garbage(self):
        for body in (b"<html>", b"", b"\xff\xfe\x00", b"[" * 5000, b'{"score": {}}', b"x" * 100_000):
            with self.subTest(body=body[:10]):
                self.env.cr.execute("SAVEPOINT garbage")
                self._fails(says(body), "garbage")
                self.env.invalidate_all()
                self.env.cr.execute("ROLLBACK TO SAVEPOINT garbage")

    def test_wrong_type(self):
        for value in ("C", 7, None, True, ["A"], {"class": "A"}, "a", "A "):
            with self.subTest(value=value):
                self.env.cr.execute("SAVEPOINT wrong")
                self._fails(rating(value), "wrong_type")
                self.env.invalidate_all()
                self.env.cr.execute("ROLLBACK TO SAVEPOINT wrong")

    def test_redirects_are_not_followed(self):
        self._fails(redirects, "status")

    def test_nobody_there(self):
        order = self._confirmed()
        self.bureau_port = self.bureau.port
        self.patch(type(self.check), "_address", lambda self, values: ("http://127.0.0.1:9/x", {}))
        self.env["ir.config_parameter"].set_param(ALLOWED_PARAMETER, "127.0.0.1")
        self._run()
        self.assertEqual(self._answers()[:1].outcome, "unreachable")
        self.assertEqual(order.sudo().approval_request_id.state, "on_hold")

    def test_flapping_opens_the_breaker(self):
        self.bureau.answers[:] = [says({}, 503)]
        order = self._confirmed()
        for attempt in range(3):
            self._due()
            self.assertEqual(self._run(), 1, attempt)
        self.assertEqual(self.check.breaker, "open")
        self._due()
        self.assertEqual(self._run(), 0, "left alone")
        self.assertEqual(len(self.bureau.seen), 3)
        # One probe after the cool-down; it fails: open again.
        self.check._set({"opened_at": fields.Datetime.now() - timedelta(minutes=6)})
        self.assertEqual(self.check.breaker, "half_open")
        self.assertEqual(self._run(), 1)
        self.check.invalidate_recordset()
        self.assertEqual(self.check.breaker, "open")
        case = self.env["distribution.case"].search([("dedup_key", "=", f"outside_check_failed:{self.check.id}")])
        self.assertEqual(len(case), 1)
        # It works again: closed, and the document goes on.
        self.bureau.answers[:] = [rating("A")]
        self.check._set({"opened_at": fields.Datetime.now() - timedelta(minutes=6)})
        self._due()
        self.assertEqual(self._run(), 1)
        self.assertEqual((self.check.breaker, self.check.failures), ("closed", 0))
        self.assertEqual(order.sudo().approval_request_id.state, "approved")

    def test_a_wrong_question_does_not_open_the_breaker(self):
        self.bureau.answers[:] = [says({}, 404)]
        self._confirmed()
        for _attempt in range(5):
            self._due()
            self._run()
        self.assertEqual(self.check.breaker, "closed")

    def test_nobody_waits_any_more(self):
        self.bureau.answers[:] = [says({}, 500)]
        order = self._confirmed()
        order.sudo().approval_request_id.with_user(self.buyer).action_withdraw()
        self._run()
        self.assertEqual(self._call().state, "dropped")

    # ------------------------------------------------------------------ attacks

    def test_internal_addresses(self):
        order = self._confirmed()
        self.env["ir.config_parameter"].set_param(ALLOWED_PARAMETER, "")
        self._run()
        self.assertEqual(self._answers()[:1].outcome, "blocked")
        self.assertFalse(self.bureau.seen)
        self.assertEqual(order.sudo().approval_request_id.state, "on_hold")
        for url in (
            "ftp://x/",
            "https://u:p@x/",
            "file:///etc/passwd",
            "https://{ref}.example/",
            "https://x y/",
            "{ref}",
        ):
            with self.subTest(url=url), self.assertRaises(ValidationError):
                self.check.with_user(self.administrator).write({"url": url})

    def test_values_cannot_leave_the_path(self):
        self.vendor.ref = "../../admin?x=1#y@evil\r\nHost: evil"
        self._confirmed()
        self._run()
        [(_method, path, headers, _body)] = self.bureau.seen
        self.assertTrue(path.startswith("/v1/..%2F..%2Fadmin%3Fx%3D1%23y%40evil%0D%0AHost%3A%20evil"), path)
        self.assertEqual(headers["Host"], f"127.0.0.1:{self.bureau.port}")

    def test_credentials_do_not_come_back(self):
        everything = [self.administrator, self.publisher, self.auditor, self.env.ref("base.user_admin"), self.env.user]
        for user in everything:
            check = self.check.with_user(user)
            self.assertFalse(check.secret)
            self.assertTrue(check.has_secret)
            self.assertNotIn(SECRET, str(check.read()))
            # A search answers the same, whether the guess is right or wrong.
            with mute_logger("odoo.osv.expression", "odoo.models", "odoo.domains"):
                guesses = []
                for guess in ("Bearer s3cr3t%", "Bearer nonsense%"):
                    try:
                        guesses.append(check.search([("secret", "=like", guess)]).ids)
                    except (ValueError, UserError, NotImplementedError) as error:
                        guesses.append(type(error))
            self.assertEqual(*guesses)
        self.assertNotIn(
            SECRET, str(self.check.with_user(self.env.ref("base.user_admin")).export_data(["secret", "name"]))
        )
        copied = self.check.with_user(self.administrator).copy({"code": "copy"})
        self.assertFalse(copied.has_secret)
        for event in self.env["distribution.event"].search([("res_model", "=", CHECK)]):
            self.assertNotIn("s3cr3t", event.data)
        # Nor does the table hold it.
        ((ciphertext,),) = self._stored()
        self.assertNotIn("s3cr3t", ciphertext)
        self.assertEqual(secret_box.SecretBox().decrypt(ciphertext), SECRET)
        # To another host it does not go along.
        self.check.with_user(self.administrator).url = "https://evil.example/{ref}"
        self.assertFalse(self.check.has_secret)

    def _stored(self):
        self.env.cr.execute("SELECT ciphertext FROM distribution_approval_outside_secret")
        return self.env.cr.fetchall()

    def _with_key(self, keys):
        return patch.dict(os.environ, {secret_box.VARIABLE: keys})

    def test_credentials_stored_in_clear_before(self):
        self.env.cr.execute("SELECT 'distribution_approval_outside_secret'::regclass::oid")
        before = self.env.cr.fetchall()
        self.env.cr.execute(
            "ALTER TABLE distribution_approval_outside_secret RENAME ciphertext TO value;"
            "UPDATE distribution_approval_outside_secret SET value = %s",
            (SECRET,),
        )
        for _time in range(2):
            self.check.init()
            ((ciphertext,),) = self._stored()
            self.assertNotIn("s3cr3t", ciphertext)
            self.assertEqual(self.check._credential(), SECRET)
        self.env.cr.execute("SELECT 'distribution_approval_outside_secret'::regclass::oid")
        self.assertNotEqual(self.env.cr.fetchall(), before, "nothing in clear stays behind in the table's file")
        secret_box.check_keys(self.env.cr)

    def test_a_credential_that_cannot_be_read(self):
        self.check.with_user(self.administrator).max_attempts = 1
        order = self._confirmed()
        request = order.sudo().approval_request_id
        with self._with_key(OTHER_KEY):
            with self.assertRaisesRegex(secret_box.SecretKeyProblem, "former key.*DELETE FROM"):
                secret_box.check_keys(self.env.cr)
            self.assertEqual(self._run(), 1)
        self.assertFalse(self.bureau.seen, "nothing goes out without its credential")
        self.assertEqual((self._answers().outcome, request.state), ("credential", "on_hold"))
        self.assertRegex(self._answers().error, "Credit bureau.*former key.*Configuration / Outside Checks")
        case = self.env["distribution.case"].search([("dedup_key", "=", f"outside_check_failed:{self.check.id}")])
        self.assertIn("Add the former key", case.description)
        # The remedy: the former key behind the present one.
        self._due()
        with self._with_key(f"{OTHER_KEY},{KEY}"):
            self.assertEqual(self._run(), 1)
        self.assertEqual(request.state, "approved")
        # The other one: type it again.
        with self._with_key(OTHER_KEY):
            self.check.with_user(self.administrator).secret = SECRET
            self.assertEqual(self.check._credential(), SECRET)

    def test_without_a_key_no_credential_is_taken(self):
        with (
            self._with_key(""),
            patch.object(secret_box, "_key_file", lambda: Path("/nonexistent/key")),
            self.assertRaisesRegex(UserError, secret_box.VARIABLE),
        ):
            self.check.with_user(self.administrator).secret = "Bearer new"

    def test_a_neutralized_copy_asks_nobody(self):
        order = self._confirmed()
        with file_open("distribution_approval/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual((self.check.state, self.check.has_secret), ("paused", False))
        self.assertFalse(self._stored())
        self.assertEqual(self._run(), 0)
        self.assertEqual(order.sudo().approval_request_id.state, "on_hold")

    def test_takes_two_people(self):
        mighty = new_test_user(
            self.env,
            login="t_mighty",
            groups="base.group_user,distribution_core.group_administrator,distribution_core.group_policy_publisher",
        )
        check = self.check.with_user(mighty)
        check.write({"answer_pointer": "/free"})
        self.assertEqual(check.state, "draft")
        with self.assertRaisesRegex(UserError, "yourself"):
            check.action_activate()
        with self.assertRaises(AccessError):
            self.check.with_user(self.administrator).action_activate()
        for values in ({"state": "active"}, {"editor_ids": [Command.clear()]}, {"failures": 0, "state": "active"}):
            with self.assertRaises(AccessError):
                self.check.with_user(self.administrator).write(values)
        with self.assertRaises(AccessError):
            self.env[CHECK].with_user(mighty).create(
                {"name": "x", "code": "x", "document_type": "purchase_order", "url": "https://x/", "state": "active"}
            )
        # A draft is asked nothing, and what it said before does not count any more.
        order = self._confirmed()
        self.assertIn("switched off", order.sudo().approval_request_id.reason)
        check.with_user(self.publisher).action_activate()
        # Through the list of values it goes no more than through the form.
        self.check.input_ids[0].with_user(mighty).write({"source": "partner_name"})
        self.assertEqual(self.check.state, "draft")

    def test_answers_are_not_forged(self):
        order = self._confirmed()
        call = self._call()
        forged = {
            "check_id": self.check.id, "question": call.question, "question_digest": call.question_digest,
            "definition_digest": self.check._definition_digest(), "attempt": 1, "outcome": "ok", "value": '"A"',
            "answered_at": fields.Datetime.now(),
        }  # fmt: skip
        admin = self.env.ref("base.user_admin")
        for user in (self.buyer, self.manager, self.administrator, self.publisher, self.auditor, admin):
            with self.assertRaises(AccessError):
                self.env["distribution.approval.outside.answer"].with_user(user).create(forged)
            with self.assertRaises(AccessError):
                call.with_user(user).write({"state": "answered"})
        self._run()
        for statement in (
            "UPDATE distribution_approval_outside_answer SET value = '\"A\"'",
            "DELETE FROM distribution_approval_outside_answer",
        ):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
                self.env.cr.execute(statement)
        with self.assertRaises(UserError):
            self.check.with_user(self.administrator).unlink()
        self.assertEqual(order.sudo().approval_request_id.state, "approved")

    def test_who_may_do_what(self):
        for user in (self.buyer, self.employee, self.manager):
            with self.assertRaises(AccessError):
                self.check.with_user(user).read(["url"])
            with self.assertRaises(AccessError):
                self.check.with_user(user).action_pause()
        self.check.with_user(self.administrator).action_pause()
        order = self._confirmed()
        self.assertIn("switched off", order.sudo().approval_request_id.reason)
        self.check.with_user(self.administrator).action_resume()
        order.sudo().approval_request_id._judge_hold_again()
        self.assertEqual(self._run(), 1)
        self.assertEqual(order.sudo().approval_request_id.state, "approved")

    def test_a_policy_that_asks_nobody_pays_nothing(self):
        """With an active check beside it, an order that policy passes costs not one query more."""
        self._publish_plain()

        def queries():
            order = self._order(500)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            order.button_confirm()
            self.env.flush_all()
            self.assertEqual(order.state, "purchase")
            return self.cr.sql_log_count - before

        queries()
        with_check = queries()
        self.patch(type(self.check), "_specs_for", lambda checks, document_type: {})
        self.assertEqual(with_check, queries())

    def _publish_plain(self):
        draft = self.version.copy()
        self._publish(draft)

    def test_simulating_asks_nobody(self):
        """Orders of the past that were not asked about are held in the simulation; nothing leaves, nothing waits."""
        for amount in (500, 2000):
            self._order(amount)
        self._confirmed(700)
        self.env.flush_all()
        triggers = self.env["ir.cron.trigger"].search_count([])
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        draft.rule_ids.condition_ids.filtered(lambda c: c.fact == "amount" and c.value == "1000").value = "600"
        simulation = (
            self.env["distribution.approval.simulation"].with_user(self.author).create({"version_id": draft.id})
        )
        simulation.action_run()
        self.assertEqual((simulation.state, simulation.held), ("done", 1))
        self.assertFalse(self._call())
        self.assertFalse(self.bureau.seen)
        self.assertEqual(self.env["ir.cron.trigger"].search_count([]), triggers)

    def test_what_rules_name_stays(self):
        check = self.check.with_user(self.administrator)
        for change in (
            lambda: check.write({"code": "other"}),
            lambda: check.write({"document_type": "sale_order"}),
            check.unlink,
        ):
            with self.assertRaisesRegex(UserError, "High risk"), self.env.cr.savepoint():
                change()
        check.write({"name": "Bureau of credit"})
        spec = self.env["purchase.order"]._approval_all_fact_specs()["outside_credit"]
        self.assertEqual(spec.label, "Bureau of credit", "no stale name in memory")
        for header in ("Host", "transfer-encoding"):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                check.write({"header_name": header})

    def test_who_saves_a_held_order_at_the_same_moment_does_not_cost_the_answer(self):
        """The answer is stored again from the start; it is neither a case, nor lost to the order."""
        request = self._confirmed().sudo().approval_request_id
        call = self._call()
        answer = self.check._send(self.check._message(call.question))
        with saved_meanwhile(self, "distribution_approval_request"):
            call._store(self.check._understand(answer))
        self.assertEqual((call.state, request.state), ("queued", "on_hold"))
        call._store(self.check._understand(answer))
        self.assertEqual((call.state, request.state), ("answered", "approved"))
        self.assertFalse(self.env["distribution.case"].search([("dedup_key", "=", f"outside_judge:{request.id}")]))

    def test_an_answer_that_cannot_be_stored_is_a_case(self):
        """The job goes on, and so does the next question."""
        self._confirmed()
        call = self._call()
        self.patch(self.env.cr, "commit", lambda: None)
        self.patch(self.env.cr, "rollback", lambda: None)

        def fails(calls, result):
            raise ValueError("disk full")

        self.patch(type(call), "_store", fails)
        with mute_logger("odoo.addons.distribution_approval.models.approval_outside_call"):
            call._keep_answer(self.check._send(self.check._message(call.question)))
        case = self.env["distribution.case"].search([("dedup_key", "=", f"outside_store:{call.id}")])
        self.assertIn("disk full", case.description)

    def test_facts_of_many_take_constant_queries(self):
        def queries(count):
            orders = self.env["purchase.order"].browse()
            for _number in range(count):
                orders |= self._order(2000)
            self.env.flush_all()
            self.env.invalidate_all()
            orders._approval_all_facts({"amount"})
            before = self.cr.sql_log_count
            orders._approval_all_facts({"amount", "outside_credit"})
            return self.cr.sql_log_count - before

        self.assertLessEqual(queries(12), queries(3))
