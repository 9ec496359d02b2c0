"""A company whose vendor master data is governed, with vendors that have accounts."""

from odoo import Command

from ..engine.bank_account import normalized
from .document_case import DocumentCase

GERMAN = "DE89 3704 0044 0532 0130 00"
FRENCH = "FR14 2004 1010 0505 0001 3M02 606"
DUTCH = "NL91 ABNA 0417 1643 00"
BELGIAN = "BE68 5390 0754 7034"
SWISS = "CH93 0076 2011 6238 5295 7"


class VendorCase(DocumentCase):
    document_type = "vendor_change"

    @classmethod
    def _rules(cls):
        accounts = ["account_new", "account_change", "account_trust", "account_remove", "bill_account"]
        return [
            (
                "VAT number, vendor not approved yet",
                "pass",
                [("change_kind", "in", ["vat"]), ("vendor_status", "in", ["new"])],
                [],
            ),
            ("Payment terms", "require", [("change_kind", "in", ["payment_terms"])], ["Purchasing"]),
            (
                "VAT number",
                "require",
                [("change_kind", "in", ["vat"]), ("vendor_status", "in", ["approved"])],
                ["Finance"],
            ),
            ("Bank accounts", "require", [("change_kind", "in", accounts)], ["Finance"]),
            (
                "Bank elsewhere",
                "require",
                [("change_kind", "in", accounts), ("bank_elsewhere", "is_true")],
                ["Compliance"],
            ),
            ("Account of others", "refuse", [("account_of_others", "is_true")], []),
            ("Another one soon", "require", [("other_changes", "ge", "2")], ["Operations"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()
        contacts, validate = "base.group_partner_manager", "account.group_validate_bank_account"
        cls._people(
            clerk=f"{contacts},purchase.group_purchase_user",
            colleague=contacts,
            accountant=f"{contacts},account.group_account_invoice,{validate}",
        )

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        germany = cls.env.ref("base.de")
        cls.vendor.write({"is_company": True, "country_id": germany.id, "vat": "DE123456788"})
        cls.terms = cls.env["account.payment.term"].create({"name": "30 days"})
        cls.terms_60 = cls.env["account.payment.term"].create({"name": "60 days"})
        cls.vendor.property_supplier_payment_term_id = cls.terms
        cls.account = cls.env["res.partner.bank"].create({"acc_number": GERMAN, "partner_id": cls.vendor.id})
        cls.account.allow_out_payment = True
        cls.customer = cls.env["res.partner"].create({"name": "Customer", "is_company": True})

    def _change(self, kind, user=None, propose=True, **values):
        change = (
            self.env["distribution.vendor.change"]
            .with_user(user or self.clerk)
            .create({"partner_id": self.vendor.id, "kind": kind, "reason": "The vendor wrote", **values})
        )
        if propose:
            change.action_propose()
        return change

    def _let_through(self, change, *decisions):
        for name, user in decisions or (("Finance", self.finance),):
            self._decide(change, name, user)
        self.assertTrue(self._resume(change), change.sudo().approval_request_id.reason)
        self.assertEqual((change.state, change.approval_state), ("applied", "released"))

    def _bill(self, vendor=None, **values):
        return self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": (vendor or self.vendor).id,
                "invoice_date": "2026-10-01",
                "ref": f"R{self.env['account.move'].search_count([])}",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Bolts",
                            "quantity": 1,
                            "price_unit": 100,
                            "tax_ids": False,
                            "account_id": self._expense().id,
                        }
                    )
                ],
                **values,
            }
        )

    def assertNowhereInFull(self, *numbers):
        """No notice, mail, event, request, release, case … holds one of ``numbers``, in whatever column.

        Only the proposal itself does, in a field that nobody reads.
        """
        self.env.cr.flush()
        self.env.cr.execute(
            """SELECT table_name FROM information_schema.tables
                WHERE table_schema = current_schema AND table_type = 'BASE TABLE'
                  AND table_name ~ '^(mail|bus|distribution)_' AND table_name <> 'distribution_vendor_change'"""
        )
        found = []
        tables = [table for (table,) in self.env.cr.fetchall()]
        self.assertGreater(len(tables), 50)
        for table in tables:
            self.env.cr.execute(
                f"""SELECT count(*) FROM "{table}" entry
                     WHERE regexp_replace(upper(entry::text), '[^A-Z0-9]', '', 'g') LIKE ANY (%s)""",
                ([f"%{normalized(number)}%" for number in numbers],),
            )
            if self.env.cr.fetchone()[0]:
                found.append(table)
        self.assertFalse(found, "account numbers in full")

    def _expense(self):
        return self.env["account.account"].search(
            [("account_type", "=", "expense"), *self._of_company("account.account")], limit=1
        )

    def _of_company(self, model):
        name = "company_ids" if "company_ids" in self.env[model]._fields else "company_id"
        return [(name, "in", self.company.ids)]
