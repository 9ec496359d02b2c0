"""Vendor links as vendors – and others – use them, over HTTP."""

import html
import re
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestSupplierLink(SupplierCase, HttpCase):
    def _link(self, **values):
        order, confirmation = self._asked(**values)
        return order, confirmation, self._send()[1]

    def _post(self, path, page=None, act="changes", **values):
        """Submit the page, as its form does."""
        page = page or self.url_open(path).text
        inputs = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        inputs = {name: html.unescape(value) for name, value in inputs.items() if not name.startswith("reject_")}
        return self.url_open(path, data={**inputs, "act": act, **values})

    def _assertSaysNothing(self, response, order):
        for secret in (order.name, self.company.name, "Bolt", self.vendor.name, self.buyer.name):
            self.assertNotIn(secret, response.text)

    def test_look_and_confirm(self):
        order, confirmation, path = self._link()
        for _time in range(3):
            page = self.url_open(path)
            self.assertEqual(page.status_code, 200)
        self.assertFalse(confirmation.answer_ids, "opening never confirms")
        self.assertIn("Bolt", page.text)
        self.assertNotIn("<script", page.text)
        self.assertNotIn(self.buyer.name, page.text)
        for name, part in (
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Frame-Options", "DENY"),
            ("Content-Security-Policy", "default-src 'none'"),
        ):
            self.assertIn(part, page.headers[name])
        done = self._post(path, act="as_ordered")
        self.assertIn("Thank you", done.text)
        confirmation.invalidate_recordset()
        self.assertEqual((confirmation.state, confirmation.answer_ids.door), ("confirmed", "link"))
        self.assertEqual(confirmation.answer_ids.link_ref, confirmation.link_ids.id)

    def test_change_and_correct(self):
        order, confirmation, path = self._link()
        line = confirmation.line_ids
        day = self._day(line, 10).isoformat()
        note = "<script>alert(1)</script> later"
        done = self._post(path, **{f"quantity_{line.id}_1": "80,0", f"day_{line.id}_1": day, "note": note})
        self.assertIn("Thank you", done.text)
        self.env.invalidate_all()
        self.assertEqual((line.promised_quantity, line.promised_day.isoformat(), line.state), (80, day, "differs"))
        self.assertEqual(confirmation.answer_ids.note, note)
        again = self._post(path, act="as_ordered")
        self.assertIn("Thank you", again.text)
        self.env.invalidate_all()
        self.assertEqual((line.state, len(confirmation.answer_ids), line.first_promised_quantity), ("confirmed", 2, 80))

    def test_what_is_wrong_is_said(self):
        order, confirmation, path = self._link()
        line = confirmation.line_ids
        for values in (
            {f"quantity_{line.id}_1": "-5"},
            {f"quantity_{line.id}_1": "many"},
            {f"quantity_{line.id}_1": ""},
            {f"quantity_{line.id}_1": "9" * 30},
            {f"price_{line.id}": "NaN"},
            {f"day_{line.id}_1": "0001-01-01"},
            {f"day_{line.id}_1": "soon<b>"},
            {f"quantity_{line.id + 1000}_1": "1"},
        ):
            page = self._post(path, **values)
            self.assertIn('role="alert"', page.text, values)
            self.assertNotIn("soon<b>", page.text)
        self.env.invalidate_all()
        self.assertFalse(confirmation.answer_ids)
        self.assertIn("Thank you", self._post(path, act="as_ordered").text, "the link stays good")

    def test_lines_of_other_orders_are_out_of_reach(self):
        _order, _confirmation, path = self._link()
        _order, other = self._asked()
        page = self._post(path, **{f"quantity_{other.line_ids.id}_1": "1", f"day_{other.line_ids.id}_1": "2030-01-01"})
        self.assertIn('role="alert"', page.text)
        self.env.invalidate_all()
        self.assertFalse(other.answer_ids)

    def test_only_with_the_page(self):
        order, confirmation, path = self._link()
        page = self.url_open(path).text
        inputs = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        self.assertEqual(self.url_open(path, data={**inputs, "csrf_token": "x", "act": "as_ordered"}).status_code, 400)
        stale = self.url_open(path, data={**inputs, "seen_digest": "x", "act": "as_ordered"})
        self.assertIn("has changed", stale.text)
        self.env.invalidate_all()
        self.assertFalse(confirmation.answer_ids)

    def test_only_by_submitting(self):
        """Odoo leads OPTIONS to every route, and asks for no token then."""
        order, confirmation, path = self._link()
        page = self.url_open(path).text
        inputs = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        for method in ("OPTIONS", "GET", "HEAD", "PUT"):
            self.opener.request(method, self.base_url() + path, params={**inputs, "act": "as_ordered"})
        self.env.invalidate_all()
        self.assertFalse(confirmation.answer_ids)

    def test_the_order_changed_meanwhile(self):
        order, confirmation, path = self._link()
        page = self.url_open(path).text
        order.order_line.with_user(self.buyer).write({"product_qty": 101})
        self.env.flush_all()
        self.assertIn("has changed", self._post(path, page=page, act="as_ordered").text)
        self.env.invalidate_all()
        self.assertFalse(confirmation.answer_ids)

    def test_expired_revoked_cancelled_copied(self):
        order, confirmation, path = self._link()
        link = confirmation.link_ids
        page = self.url_open(path).text
        parameters = self.env["ir.config_parameter"].sudo()

        def refused(code):
            self.env.flush_all()
            for response in (self.url_open(path), self._post(path, page=page, act="as_ordered")):
                self.assertEqual(response.status_code, code)
                self._assertSaysNothing(response, order)
            self.env.invalidate_all()
            self.assertFalse(confirmation.answer_ids)

        expires = link.expires_at
        link.sudo().write({"expires_at": fields.Datetime.now() - timedelta(minutes=1)})
        refused(410)
        link.sudo().write({"expires_at": expires})
        parameters.set_param("database.is_neutralized", "true")
        refused(403)
        parameters.set_param("database.is_neutralized", "false")
        confirmation.with_user(self.buyer).action_revoke_links()
        refused(410)
        link.sudo().write({"state": "sent"})
        order.button_cancel()
        refused(410)

    def test_a_newer_link_replaces_the_older(self):
        order, confirmation, path = self._link()
        confirmation.with_user(self.buyer).action_ask_again()
        newer = self._send()[1]
        self.assertEqual((self.url_open(path).status_code, self.url_open(newer).status_code), (410, 200))

    def test_guesses_are_counted(self):
        order, _confirmation, path = self._link()
        codes = [
            self.url_open(f"/distribution/supplier/confirmation/guess{number}").status_code for number in range(25)
        ]
        self.assertEqual((codes[0], codes[-1]), (404, 429))
        blocked = self.url_open(path)
        self.assertEqual(blocked.status_code, 429)
        self._assertSaysNothing(blocked, order)

    def test_a_flood_of_answers_has_to_wait(self):
        _order, confirmation, path = self._link()
        line = confirmation.line_ids
        codes = [self._post(path, **{f"quantity_{line.id}_1": str(80 + number)}).status_code for number in range(15)]
        self.assertEqual((codes[0], codes[-1]), (200, 429))
        self.env.invalidate_all()
        self.assertLess(len(confirmation.answer_ids), 15)

    def test_the_token_is_kept_nowhere(self):
        _order, _confirmation, path = self._link()
        token = path.rsplit("/", 1)[1]
        self.env.flush_all()
        for table, column in (
            ("mail_message", "body"),
            ("mail_mail", "body_html"),
            ("distribution_event", "data"),
            ("distribution_supplier_link", "token_hash"),
        ):
            self.env.cr.execute(f"SELECT count(*) FROM {table} WHERE {column} LIKE %s", [f"%{token}%"])
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    def test_the_portal_is_for_the_vendor_of_the_order(self):
        order, confirmation = self._asked()
        path = f"/my/purchase/{order.id}/confirmation"
        own = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.vendor.id, "email": "c@vendor.example"}
        )
        new_test_user(self.env, login="t_vendor", groups="base.group_portal", partner_id=own.id)
        new_test_user(self.env, login="t_stranger", groups="base.group_portal")
        order.sudo().message_subscribe(partner_ids=own.ids)
        self.env.flush_all()
        self.authenticate("t_stranger", "t_stranger")
        self.assertEqual(self.url_open(path).status_code, 404)
        self.authenticate("t_buyer", "t_buyerx")
        self.assertEqual(self.url_open(path).status_code, 403)
        self.authenticate("t_vendor", "t_vendor")
        self.assertIn(path, self.url_open(f"/my/purchase/{order.id}").text, "offered on the page of the order")
        page = self.url_open(path)
        self.assertEqual(page.status_code, 200)
        self.assertIn("Thank you", self._post(path, page=page.text, act="as_ordered").text)
        self.env.invalidate_all()
        self.assertEqual((confirmation.state, confirmation.answer_ids.door), ("confirmed", "portal"))
