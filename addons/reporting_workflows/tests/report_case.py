"""A company with a report on its vendors: who writes it, who publishes it, who gets it."""

from email.message import EmailMessage

from odoo import Command, fields

from odoo.addons.distribution_approval.tests.document_case import DocumentCase
from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.people import make_users

CORE = "distribution_core.group_"


class ReportCase(DocumentCase):
    """Releases are governed: what is automatic passes, finance signs, two parties for customers, a supervisor above."""

    document_type = "report_release"

    @classmethod
    def _rules(cls):
        return [
            ("Automatic", "pass", [("release_pattern", "in", ["automatic"])], []),
            (
                "Nothing crossed",
                "pass",
                [("release_pattern", "in", ["supervisor"]), ("threshold_crossed", "is_false")],
                [],
            ),
            (
                "Supervisor",
                "require",
                [("release_pattern", "in", ["supervisor"]), ("threshold_crossed", "is_true")],
                ["Operations"],
            ),
            ("Careless", "pass", [("release_pattern", "in", ["category_manager"])], []),
            ("Finance", "require", [("release_pattern", "in", ["finance"])], ["Finance"]),
            ("Two parties", "require", [("release_pattern", "in", ["two_parties"])], ["Finance", "Operations"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()

        people = {
            "owner": "",
            "reader": "purchase.group_purchase_user",
            "recipient": "",
            "stranger": "",
            "watcher": f"{CORE}operations",
        }
        for name, user in zip(people, make_users(cls.env, people, email="{login}@house.example")):
            setattr(cls, name, user)
        cls.role = cls.env["res.groups"].create({"name": "Reads the vendor report"})
        cls.recipient.write({USER_GROUPS: [Command.link(cls.role.id)]})

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.country = cls.env["res.country"].create({"name": "Reportland", "code": "Q1"})
        cls.vendors = cls.env["res.partner"].create(
            [{"name": f"Vendor {n}", "ref": f"V{n}", "country_id": cls.country.id, "color": n} for n in range(1, 6)]
        )

    def _report(self, publish=True, **values):
        """A report on the vendors of our country, published by a second person."""
        report = (
            self.env["distribution.report"]
            .with_user(self.author)
            .create({"name": "Vendors", "code": values.pop("code", "vendors"), "owner_id": self.owner.id})
        )
        version = self._version(report, **values)
        if publish:
            self._publish(version)
        return self.env["distribution.report"].browse(report.id)

    def _version(self, report, **values):
        sets = [
            {
                "code": "vendors",
                "model": "res.partner",
                "domain": f"[('country_id', '=', {self.country.id})]",
                "order": "ref",
                "column_ids": [
                    Command.create({"path": "ref"}),
                    Command.create({"path": "name"}),
                    Command.create({"path": "country_id.name", "label": "Country"}),
                    Command.create({"path": "color", "label": "Score", "total": True}),
                ],
            },
            *values.pop("datasets", ()),
        ]
        return (
            self.env["distribution.report.version"]
            .with_user(self.author)
            .create(
                {
                    "report_id": report.id,
                    "reader_id": self.reader.id,
                    "as_pdf": False,
                    "summary": "{vendors.rows} vendors, score {vendors.color} in {period}",
                    "dataset_ids": [Command.create(one) for one in sets],
                    "section_ids": [
                        Command.create(
                            {
                                "code": "all",
                                "title": "All Vendors",
                                "dataset": "vendors",
                                "chart": "bar",
                                "chart_label": "name",
                                "chart_values": "color",
                            }
                        ),
                        Command.create({"code": "exceptions", "title": "Exceptions", "findings": True}),
                    ],
                    "recipient_ids": [Command.create({"kind": "group", "group_id": self.role.id})],
                    **values,
                }
            )
        )

    def _run(self, report, day="2026-11-20", user=None, **values):
        day = fields.Date.to_date(day)
        runs = self.env["distribution.report.run"].with_user(user or self.owner)
        return runs._start(report.version_id, day, day, **values)

    def _work(self, *runs):
        """Let the scheduled actions do everything that there is to do."""
        self.env["distribution.report.run"]._cron_run(commit=False)
        self.env.invalidate_all()

    def _send(self):
        """Send what waits; returns the messages."""
        sent = []
        servers = type(self.env["ir.mail_server"])
        original = servers.send_email

        def send_email(server, message, *args, **kwargs):
            sent.append(message)
            return original(server, message, *args, **kwargs)

        self.patch(servers, "send_email", send_email)
        self.env["distribution.report.delivery"]._cron_send()
        self.env.invalidate_all()
        return sent

    def _text(self, message: EmailMessage):
        return message.get_body(("html",)).get_content()

    def assertSteps(self, run, expected):
        """``expected``: states by step; steps that are not named are done."""
        states = {step.name: step.state for step in run.sudo().step_ids}
        self.assertEqual(states, {**dict.fromkeys(states, "done"), **expected})
