"""An approver who reads German, while the buyer who asks reads English."""

from odoo.tests.common import HttpCase, tagged

from odoo.addons.distribution_core.tests.german import LANGUAGE, load_german

from .link_case import LinkCase


@tagged("post_install", "-at_install")
class TestGerman(LinkCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        load_german(cls.env)
        cls.manager.lang = LANGUAGE

    def _said(self, person):
        messages = self.env["mail.message"].search([("partner_ids", "in", person.partner_id.ids)])
        return " ".join(messages.mapped("body"))

    def test_each_reads_the_notice_in_their_own_language(self):
        order = self._held(5000)
        task = self._task(order, "Purchasing")
        self.assertIn("wartet auf Ihre Entscheidung", self._said(self.manager))
        self.assertNotIn("waits for your decision", self._said(self.manager))
        activity = task.request_id.activity_ids.filtered(lambda one: one.user_id == self.manager)
        self.assertIn("Entscheiden: ", activity.summary)
        self._decide(order, "Purchasing", self.manager, "reject", comment="Zu teuer")
        self.assertIn("Rejected by", self._said(self.buyer), "the buyer reads English")

    def test_the_page_of_a_link(self):
        self._republish(link_mode="mail", link_ceiling=10000, link_hours=24, bulk_limit=0)
        _order, path = self._link()
        page = self.url_open(path).text
        for words in ('lang="de-DE"', "Warum Sie gefragt werden", "Ihre Entscheidung", "Genehmigen", "5.000,00 "):
            self.assertIn(words, page)
        self.assertNotIn("Your decision", page)
        unknown = self.url_open("/distribution/approval/link/nobody").text
        self.assertIn("This link is not valid", unknown, "nobody knows who opens it")
