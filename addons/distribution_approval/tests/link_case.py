"""A held order, and the decision link that its approver was sent."""

import re
from contextlib import contextmanager
from unittest.mock import patch

from .test_evidence import TermsCase


class LinkCase(TermsCase):
    @contextmanager
    def _outbox(self):
        """What would go out by SMTP."""
        sent = []

        def send_email(server, message, *args, **kwargs):
            sent.append(message)
            return message["Message-Id"]

        with patch.object(type(self.env["ir.mail_server"]), "send_email", send_email):
            yield sent

    def _link(self, amount=5000, order=None):
        """(order, path of the link that the purchasing manager got)."""
        order = order or self._held(amount)
        with self._outbox() as sent:
            self.env["distribution.approval.link"]._cron_send()
        text = "".join(
            part.get_content() for message in sent for part in message.walk() if part.get_content_type() == "text/html"
        )
        token = re.search(r"/distribution/approval/link/([\w-]+)", text)[1]
        return order, f"/distribution/approval/link/{token}"
