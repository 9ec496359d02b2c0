"""An order that a vendor is asked to confirm."""

import re
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields

from odoo.addons.distribution_approval.tests.common import ApprovalCase
from odoo.addons.procurement_automation.engine import Promise, Said


class SupplierCase(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"confirmation_asked": True, "resource_calendar_id": cls._calendar().id})
        cls.company.partner_id.tz = "UTC"
        cls.buyer.tz = "UTC"
        cls.vendor.write({"email": "orders@vendor.example", "lang": "en_US"})
        cls.Confirmation = cls.env["distribution.supplier.confirmation"]
        cls.env["distribution.supplier.tolerance"].create(
            {"days_later": 2, "days_earlier": 5, "quantity_percent": 5, "price_percent": 2}
        )

    @classmethod
    def _calendar(cls):
        """Round the clock: distances are what they say."""
        return cls.env["resource.calendar"].create(
            {
                "name": "Always",
                "tz": "UTC",
                "attendance_ids": [(5, 0, 0)]
                + [
                    (
                        0,
                        0,
                        {
                            "name": str(day),
                            "dayofweek": str(day),
                            "hour_from": 0,
                            "hour_to": 24,
                            "day_period": "morning",
                        },
                    )
                    for day in range(7)
                ],
            }
        )

    def _asked(self, lines=None, **values):
        """A released order and its confirmation."""
        order = self._order(lines=lines or [(self.product, 100, 10.0)], date_order=fields.Datetime.now(), **values)
        order.order_line.write({"date_planned": fields.Datetime.now() + timedelta(days=20)})
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        return order, order.sudo().supplier_confirmation_ids

    def _day(self, line, later=0):
        return line.asked_day + timedelta(days=later)

    def _says(self, line, quantity=None, later=0, price=None, **values):
        """``{line: Said}``"""
        if values:
            return {line: Said(**values)}
        quantity = line.asked_quantity if quantity is None else quantity
        return {line: Said([Promise(quantity, self._day(line, later))], price)}

    def _events(self, confirmation, fact):
        return self.env["distribution.event"].search(
            [
                ("type", "=", f"distribution.supplier_confirmation.{fact}.v1"),
                ("res_id", "=", confirmation.id),
                ("res_model", "=", confirmation._name),
            ]
        )

    @contextmanager
    def _outbox(self):
        """What would go out by SMTP."""
        sent = []

        def send_email(server, message, *args, **kwargs):
            sent.append(message)
            return message["Message-Id"]

        with patch.object(type(self.env["ir.mail_server"]), "send_email", send_email):
            yield sent

    def _send(self):
        """Messages that were sent, and the path of the link in the last one."""
        with self._outbox() as sent:
            self.env["distribution.supplier.link"]._cron_send()
        text = "".join(
            part.get_content()
            for message in sent[-1:]
            for part in message.walk()
            if part.get_content_type() == "text/html"
        )
        found = re.search(r"(/distribution/supplier/confirmation/[\w-]+)", text)
        return sent, found and found[1]
