"""A German vendor is asked in German, by a buyer who reads English."""

import re

from odoo.tests import HttpCase, tagged

from odoo.addons.distribution_core.tests.german import LANGUAGE, load_german

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestGerman(SupplierCase, HttpCase):
    def test_ask_and_answer(self):
        load_german(self.env)
        self.vendor.lang = LANGUAGE
        order, _confirmation = self._asked()
        (message,), path = self._send()
        self.assertIn(f"Bitte Bestellung {order.name} bestätigen", message["Subject"])
        body = message.get_body(("html",)).get_content()
        self.assertIn("Bestellung ansehen und antworten", body)
        page = self.url_open(path).text
        for words in ('lang="de-DE"', "Alles wie bestellt", "Liefertermin", "Das können wir gar nicht liefern"):
            self.assertIn(words, page)
        self.assertNotIn("Everything as ordered", page)
        token = re.search(r'name="csrf_token" value="([^"]*)"', page)[1]
        digest = re.search(r'name="seen_digest" value="([^"]*)"', page)[1]
        answer = {"csrf_token": token, "seen_digest": digest}
        empty = self.url_open(path, data={**answer, "act": "changes"}).text
        self.assertIn("Es wurde nichts eingegeben.", empty, "what is wrong, too")
        done = self.url_open(path, data={**answer, "act": "as_ordered"}).text
        self.assertIn("Vielen Dank", done)
