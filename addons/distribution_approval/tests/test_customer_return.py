"""Returns and credit notes: by every door, judged by reason, age, warranty and value."""

import re
from datetime import timedelta

from odoo import SUPERUSER_ID, Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from ..engine import Unknown, seal
from .delivery_case import DeliveryCase


@tagged("post_install", "-at_install")
class TestCustomerReturn(DeliveryCase):
    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        cls.damaged = cls.env.ref("distribution_approval.return_reason_damaged")
        cls.not_needed = cls.env.ref("distribution_approval.return_reason_not_needed")
        version = cls._make_version(
            "customer_return",
            "Returns",
            [
                (
                    "Small and under warranty",
                    "pass",
                    [("amount", "le", "500"), ("in_warranty", "is_true"), ("more_than_delivered", "is_false")],
                    [],
                ),
                ("Large", "require", [("amount", "gt", "500")], ["Sales"]),
                ("Out of warranty", "require", [("in_warranty", "is_false")], ["Sales"]),
                ("More than delivered", "require", [("more_than_delivered", "is_true")], ["Finance"]),
            ],
        )
        cls.category.warranty_days = 30
        return version

    @classmethod
    def _govern(cls):
        cls.activation = cls._switch_on("customer_return")

    def _delivered(self, quantity=50, days_ago=0):
        order = self._order_of(quantity)
        picking = order.sudo().picking_ids
        picking.action_assign()
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        picking.move_ids.date = fields.Datetime.now() - timedelta(days=days_ago)
        return picking

    def _returned(self, delivery, quantity, reason=None):
        """The receipt that the return wizard makes."""
        return self._taken_back(delivery.with_user(self.clerk), quantity, return_reason_id=reason and reason.id)

    def _document(self, receipt):
        return receipt.sudo().customer_return_ids

    def test_small_and_under_warranty_passes(self):
        receipt = self._returned(self._delivered(), 10, self.damaged)
        self.assertEqual(receipt.return_reason_id, self.damaged)
        receipt.button_validate()
        self.assertEqual((receipt.state, self._document(receipt).approval_state), ("done", "passed"))
        self.assertEqual(self._releases(self._document(receipt)).amount, 100)

    def test_held_and_released(self):
        receipt = self._returned(self._delivered(days_ago=90), 10, self.not_needed)
        receipt.button_validate()
        self.assertHeld(receipt)
        document = self._document(receipt)
        self.assertIn("Out of warranty", receipt.approval_banner)
        self.assertIn("Not needed any more", document._approval_standing(document.approval_request_id))
        self._decide(document, "Sales", self.sales_manager)
        self.assertTrue(self._resume(document))
        self.assertEqual((receipt.state, document.approval_state), ("done", "released"))
        with self._refused():
            receipt.sudo().return_reason_id = self.damaged
        with self._refused():
            receipt.sudo().move_line_ids.quantity = 40

    def test_another_reason_than_released_is_asked_again(self):
        receipt = self._returned(self._delivered(days_ago=90), 10, self.not_needed)
        receipt.button_validate()
        document = self._document(receipt)
        self._decide(document, "Sales", self.sales_manager)
        receipt.sudo().return_reason_id = self.damaged
        self.assertFalse(self._resume(document))
        self.assertHeld(receipt)

    def test_facts(self):
        delivery = self._delivered(50, days_ago=40)
        receipt = self._returned(delivery, 20, self.damaged)
        model = self.env["distribution.customer.return"].sudo()
        document = model.browse(model._approval_documents_of(receipt.sudo().move_ids).ids)
        facts = document._approval_facts(set(model._approval_fact_specs()))[document.id]
        self.assertEqual(set(facts), set(model._approval_fact_specs()))
        names = ("amount", "age_of_sale", "in_warranty", "without_delivery", "more_than_delivered")
        self.assertEqual([facts[name] for name in names], [200, 40, False, False, False])
        self.assertEqual(facts["return_reason"], self.damaged.id)
        self.category.warranty_days = 0
        self.category.parent_id = self.env["product.category"].create({"name": "Hardware", "warranty_days": 60})
        self.assertTrue(document._approval_facts({"in_warranty"})[document.id]["in_warranty"])

    def test_more_than_delivered(self):
        delivery = self._delivered(50)
        self._returned(delivery, 30, self.damaged).button_validate()
        again = self._returned(delivery, 30, self.damaged)
        again.button_validate()
        self.assertHeld(again)
        self.assertEqual(self._document(again).approval_request_id.waiting_for, "Finance")

    # ---------------------------------------------------------------- attacks

    def test_the_delivery_of_somebody_else(self):
        """Old goods come back under a fresh delivery of the same product to another customer."""
        stranger = self.env["res.partner"].create({"name": "Roofers", "is_company": True})
        fresh = self._order_of(50, partner_id=stranger.id).sudo().picking_ids
        fresh.action_assign()
        fresh.button_validate()
        receipt = self._returned(self._delivered(days_ago=90), 10, self.damaged)
        for attempt in (
            lambda: receipt.move_ids.write({"origin_returned_move_id": fresh.move_ids.id}),
            lambda: fresh.with_user(self.clerk).write({"partner_id": self.customer.id}),
        ):
            attempt()
            receipt.button_validate()
            self.assertHeld(receipt)
            facts = self._document(receipt)._approval_facts({"age_of_sale", "in_warranty", "without_delivery"})
            facts = facts[self._document(receipt).id]
            self.assertIsInstance(facts["age_of_sale"], Unknown)
            self.assertEqual((facts["in_warranty"], facts["without_delivery"]), (False, True))

    def test_a_contact_of_the_customer_sends_it_back(self):
        contact = self.env["res.partner"].create({"name": "Ann", "parent_id": self.customer.id})
        receipt = self._returned(self._delivered(), 10, self.damaged)
        receipt.sudo().partner_id = contact
        receipt.button_validate()
        self.assertEqual(receipt.state, "done")

    def test_the_day_of_a_delivery_is_rewritten(self):
        delivery = self._delivered(days_ago=90)
        receipt = self._returned(delivery, 10, self.damaged)
        day, now = delivery.move_ids.date, fields.Datetime.now()
        for actor in (self.clerk, self._user("chief", "stock.group_stock_manager"), self.env.ref("base.user_admin")):
            for moment in (now, fields.Datetime.to_string(now), False):
                with self.assertRaises(AccessError):
                    delivery.move_ids.with_user(actor).sudo(False).write({"date": moment})
        delivery.move_ids.with_user(self.clerk).sudo(False).write({"date": day})
        receipt.button_validate()
        self.assertHeld(receipt)
        self.assertEqual(self._document(receipt)._approval_age(self._document(receipt)._approval_moved()), 90)

    def test_which_delivery_came_back_is_rewritten(self):
        """Else the same delivery could come back again and again."""
        delivery = self._delivered()
        receipt = self._returned(delivery, 50, self.damaged)
        receipt.button_validate()
        self.assertEqual(receipt.state, "done")
        with self.assertRaises(AccessError):
            receipt.move_ids.write({"origin_returned_move_id": False})

    def _direct(self, origin=None, quantity=10):
        """A receipt from a customer, made without the wizard."""
        customers = self.env.ref("stock.stock_location_customers")
        receipt = self.env["stock.picking"].create(
            {
                "picking_type_id": self.warehouse.in_type_id.id,
                "location_id": customers.id,
                "location_dest_id": self.warehouse.lot_stock_id.id,
                "partner_id": self.customer.id,
            }
        )
        values = {
            "product_id": self.bolt.id,
            "product_uom_qty": quantity,
            "picking_id": receipt.id,
            "location_id": customers.id,
            "location_dest_id": self.warehouse.lot_stock_id.id,
            "origin_returned_move_id": origin and origin.move_ids.id,
            **({"name": "x"} if "name" in self.env["stock.move"]._fields else {}),
        }
        self.env["stock.move"].create(values)
        receipt.action_confirm()
        receipt.move_ids.quantity = quantity
        receipt.move_ids.picked = True
        return receipt

    def test_a_receipt_without_the_wizard(self):
        receipt = self._direct()
        receipt.button_validate()
        self.assertHeld(receipt)
        facts = self._document(receipt)._approval_facts({"without_delivery", "age_of_sale"})
        facts = facts[self._document(receipt).id]
        self.assertTrue(facts["without_delivery"])
        self.assertIsInstance(facts["age_of_sale"], Unknown)
        real = self._direct(self._delivered())
        real.button_validate()
        self.assertEqual(real.state, "done")

    def test_doors(self):
        receipt = self._returned(self._delivered(days_ago=90), 10, self.not_needed)
        receipt.button_validate()
        moves = receipt.sudo().move_ids
        line = {
            "product_id": self.bolt.id,
            "location_id": moves.location_id.id,
            "location_dest_id": moves.location_dest_id.id,
        }
        bare = {
            **line,
            "product_uom_qty": 5,
            "state": "done",
            **({"name": "x"} if "name" in moves._fields else {}),
        }
        for attempt in (
            lambda: receipt._action_done(),
            lambda: receipt.with_user(SUPERUSER_ID)._action_done(),
            lambda: moves._action_done(),
            lambda: moves.move_line_ids._action_done(),
            lambda: moves.write({"state": "done"}),
            lambda: receipt.sudo().write({"state": "done"}),
            lambda: self.env["stock.move"].create(bare),
            lambda: self.env["stock.move"].create({**bare, "picking_id": receipt.id}),
        ):
            with self._refused():
                attempt()
            self.assertHeld(receipt)

    def test_a_forged_origin(self):
        """The origin has to be a delivery of the same product to a customer."""
        other = self._delivered()
        receipt = self._direct(other)
        receipt.move_ids.origin_returned_move_id = self.env["stock.move"].search(
            [("product_id", "!=", self.bolt.id)], limit=1
        )
        receipt.button_validate()
        self.assertHeld(receipt)


@tagged("post_install", "-at_install")
class TestCustomerCreditNote(DeliveryCase):
    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.accountant = cls._user("accountant", "account.group_account_invoice")

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        return cls._make_version(
            "customer_credit_note",
            "Credit notes",
            [
                (
                    "Small, of an invoice",
                    "pass",
                    [("amount", "le", "500"), ("over_invoice", "is_false"), ("without_invoice", "is_false")],
                    [],
                ),
                ("Large", "require", [("amount", "gt", "500")], ["Finance"]),
                ("More than invoiced", "require", [("over_invoice", "is_true")], ["Finance"]),
            ],
        )

    @classmethod
    def _govern(cls):
        cls.activation = cls._switch_on("customer_credit_note")

    def _invoiced(self, quantity=100):
        order = self._order_of(quantity)
        invoice = order.sudo()._create_invoices()
        invoice.action_post()
        self.assertEqual(invoice.state, "posted", "invoices are not asked")
        return invoice

    def _reversed(self, invoice, quantity=None, reason=None):
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "return_reason_id": reason and reason.id})
        )
        action = (wizard.reverse_moves if hasattr(wizard, "reverse_moves") else wizard.refund_moves)()
        refund = self.env["account.move"].browse(action["res_id"])
        if quantity:
            refund.invoice_line_ids.quantity = quantity
        return refund.with_user(self.accountant)

    def test_small_passes_large_is_held(self):
        invoice = self._invoiced()
        small, large = self._reversed(invoice, 10), self._reversed(self._invoiced())
        (small | large).action_post()
        self.assertEqual((small.state, large.state), ("posted", "draft"))
        self.assertEqual(large.credit_note_state, "pending")
        self.assertIn("Large", large.credit_note_banner)
        document = large.sudo().credit_note_document_ids
        with self.assertRaises(AccessError):
            document.with_user(self.accountant).write({"move_id": small.id})
        self._decide(document, "Finance", self.finance)
        self.assertTrue(self._resume(document))
        self.assertEqual((large.state, document.approval_state), ("posted", "released"))
        self._commit()

    def test_the_form_offers_what_the_person_can_do(self):
        """Not "Confirm" while others decide: they decide in it, the requester takes the request back."""
        refund = self._reversed(self._invoiced())
        self.assertFalse(refund.hide_post_button)
        refund.action_post()
        refund.invalidate_recordset()
        own, of_finance = refund, refund.with_user(self.finance).sudo()
        self.assertTrue(own.hide_post_button)
        self.assertEqual((own.approval_can_decide, own.approval_can_withdraw), (False, True))
        self.assertEqual((of_finance.approval_can_decide, of_finance.approval_can_withdraw), (True, False))
        request = refund.sudo().credit_note_document_ids.approval_request_id
        self.assertEqual(refund.approval_request_count, 1)
        self.assertEqual(refund.action_approval_open()["res_id"], request.id)
        self.assertIn(of_finance.action_approval_decide()["res_id"], request.task_ids.ids)
        with self.assertRaises(UserError):
            own.action_approval_decide()
        own.action_approval_withdraw()
        self.assertEqual((request.state, refund.credit_note_state), ("withdrawn", "withdrawn"))
        self.assertFalse(refund.hide_post_button)

    def test_doors(self):
        refund = self._reversed(self._invoiced())
        for attempt in (
            lambda: refund.sudo().write({"state": "posted"}),
            lambda: refund.with_user(SUPERUSER_ID).write({"state": "posted"}),
        ):
            with self._refused():
                attempt()
        for post in ("_post", "action_post"):
            getattr(refund.with_user(SUPERUSER_ID), post)()
            self.assertEqual(refund.state, "draft")
        values = {
            "move_type": "out_refund",
            "partner_id": self.customer.id,
            "invoice_date": fields.Date.today(),
            "invoice_line_ids": [Command.create({"name": "Bonus", "quantity": 1, "price_unit": 100, "tax_ids": False})],
        }
        direct = self.env["account.move"].create(values)
        direct.action_post()
        self.assertEqual((direct.state, direct.credit_note_state), ("draft", "pending"), "no invoice behind it")
        with self._refused():
            self.env["account.move"].create({**values, "state": "posted"})

    def _posted_refund(self, quantity=10):
        refund = self._reversed(self._invoiced(), quantity)
        refund.action_post()
        self.assertEqual((refund.state, refund.credit_note_state), ("posted", "passed"))
        self._commit()
        return refund

    def test_a_posted_one_cannot_be_rewritten(self):
        refund = self._posted_refund()
        line = refund.invoice_line_ids
        other = self.env["res.partner"].create({"name": "Somebody Else"})
        bonus = {"name": "Bonus", "quantity": 1, "price_unit": 10000, "tax_ids": False}
        attacks = {
            "price": lambda: refund.write({"invoice_line_ids": [Command.update(line.id, {"price_unit": 10000})]}),
            "price of the line": lambda: line.write({"price_unit": 10000}),
            "quantity": lambda: line.write({"quantity": 1000}),
            "line added": lambda: refund.write({"invoice_line_ids": [Command.create(bonus)]}),
            "customer": lambda: refund.write({"partner_id": other.id}),
            "invoice": lambda: refund.write({"reversed_entry_id": False}),
            "what is booked": lambda: refund.write(
                {
                    "line_ids": [
                        Command.update(booked.id, {"amount_currency": booked.amount_currency * 1000})
                        for booked in refund.line_ids
                    ]
                }
            ),
        }
        for name, attack in attacks.items():
            with self.subTest(name), self._refused(at_once=True):
                attack()
        self.assertEqual((refund.amount_untaxed, refund.state), (100, "posted"))
        refund.write({"narration": "Thank you"})
        line.write({"name": "Bolts"})
        self._commit()

    def test_one_line_of_a_posted_one_removed(self):
        refund = self._reversed(self._invoiced(), 10)
        refund.write(
            {"invoice_line_ids": [Command.create({"name": "Less", "price_unit": -20, "tax_ids": False, "quantity": 1})]}
        )
        refund.action_post()
        self.assertEqual(refund.state, "posted")
        less = refund.invoice_line_ids.filtered(lambda line: line.price_unit < 0)
        with self._refused(at_once=True):
            refund.sudo().with_context(dynamic_unlink=True, force_delete=True).write(
                {"invoice_line_ids": [Command.delete(less.id)]}
            )

    def test_posted_before_governance(self):
        """It has no release: it may be paid and printed, not rewritten."""
        self._switch_off()
        refund = self._reversed(self._invoiced())
        refund.action_post()
        self.assertEqual(refund.state, "posted")
        self._switch_on("customer_credit_note")
        refund.invoice_line_ids.write({"price_unit": refund.invoice_line_ids.price_unit, "name": "Bolts"})
        self._commit()
        with self._refused(at_once=True):
            refund.invoice_line_ids.write({"price_unit": 10000})

    def _booked(self, refund):
        self.env.flush_all()
        self.env.invalidate_all()
        due = refund.line_ids.filtered(lambda line: line.display_type == "payment_term")
        return -sum(due.mapped("balance"))

    def test_judged_by_what_is_booked(self):
        """The price says 10 each, the books say more."""
        for factor in (100, 1.5):
            refund = self._reversed(self._invoiced(), 40)
            booked = {line: line.balance * factor for line in refund.line_ids}
            forging = refund.line_ids.with_context(check_move_validity=False, skip_invoice_sync=True)
            for line in forging:
                line.write({"amount_currency": booked[line], "balance": booked[line]})
            self.assertEqual(self._booked(refund), 400 * factor)
            self.assertEqual(refund.invoice_line_ids.price_unit, 10)
            amounts = refund._credit_note_documents().sudo()._approval_amounts()
            self.assertEqual(float(next(iter(amounts.values()))), 400 * factor)
            refund.action_post()
            self.assertEqual((refund.state, refund.credit_note_state), ("draft", "pending"))

    def test_booked_beside_the_price(self):
        """Written on the line alone: core keeps the books to the price, or the credit note is held."""
        refund = self._reversed(self._invoiced(), 40)
        refund.invoice_line_ids.write({"amount_currency": 40000})
        self._booked(refund)
        refund.action_post()
        if refund.state == "posted":
            self.assertEqual((self._booked(refund), refund.amount_total), (400, 400))
        else:
            self.assertEqual(refund.credit_note_state, "pending")

    def test_who_edits_a_held_one_does_not_approve_it(self):
        refund = self._reversed(self._invoiced())
        refund.action_post()
        document = refund.sudo().credit_note_document_ids
        refund.sudo().with_user(self.env.ref("base.user_admin")).invoice_line_ids.write({"quantity": 90})
        involved = self.env["distribution.approval.involvement"]._user_ids(document)
        self.assertIn(self.env.ref("base.user_admin").id, involved)

    def test_releases_of_an_earlier_version_still_count(self):
        """They were sealed without what is booked."""
        refund = self._posted_refund()
        document = refund.sudo().credit_note_document_ids
        release = self._releases(document)
        snapshot = document._approval_snapshots()[document.id]
        earlier = seal({name: value for name, value in snapshot.header.items() if name != "payable"}, snapshot.lines)
        values = {**release._copy_values(), "content": earlier.to_json(), "digest": earlier.digest}
        release._void("Sealed again as before")
        self.env["distribution.approval.release"]._issue([values])
        self.assertTrue(self._releases(document)._covers(snapshot))
        with self._refused(at_once=True):
            refund.invoice_line_ids.write({"price_unit": 10000})

    def test_reverse_and_invoice_again(self):
        invoice = self._invoiced()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        with self.assertRaises(UserError):
            wizard.modify_moves()

    def test_changed_after_approval(self):
        refund = self._reversed(self._invoiced(), 60)
        refund.action_post()
        document = refund.sudo().credit_note_document_ids
        self._decide(document, "Finance", self.finance)
        refund.invoice_line_ids.quantity = 90
        self.assertFalse(self._resume(document))
        self.assertEqual(refund.state, "draft")
        refund.action_post()
        self.assertEqual((refund.state, refund.credit_note_state), ("draft", "pending"))

    def test_credited_twice(self):
        invoice = self._invoiced(40)
        self._reversed(invoice).action_post()
        again = self._reversed(invoice, 5)
        again.action_post()
        self.assertEqual((again.state, again.credit_note_state), ("draft", "pending"))

    def test_stored_totals_do_not_decide(self):
        invoice = self._invoiced(40)
        first = self._reversed(invoice)
        first.action_post()
        again = self._reversed(invoice, 5)
        invoice.sudo().write({"amount_total": 1e6})
        (first | again).sudo().write({"amount_total": 0})
        self._commit()
        again.action_post()
        self.assertEqual((again.state, again.credit_note_state), ("draft", "pending"), "more than was invoiced")

    # ------------------------------------------------------------------ facts

    def _facts(self, refund):
        document = refund._credit_note_documents().sudo()
        facts = document._approval_facts(set(document._approval_fact_specs()))[document.id]
        self.assertEqual(set(facts), set(document._approval_fact_specs()))
        return facts

    def test_facts_of_the_sale(self):
        damaged = self.env.ref("distribution_approval.return_reason_damaged")
        self.category.warranty_days = 30
        self.warehouse.region_id = self.env["distribution.region"].create({"name": "North", "code": "NOR"})
        invoice = self._invoiced(20)
        refund = self._reversed(invoice, 5, damaged)
        self.assertEqual(refund.return_reason_id, damaged)
        facts = self._facts(refund)
        self.assertEqual(facts["return_reason"], damaged.id)
        self.assertEqual((facts["site"], facts["region"]), (self.warehouse.id, self.warehouse.region_id.id))
        for name in ("age_of_sale", "in_warranty"):
            self.assertIsInstance(facts[name], Unknown, "nothing was delivered yet")
        picking = invoice.invoice_line_ids.sale_line_ids.order_id.picking_ids
        picking.action_assign()
        picking.button_validate()
        for days, in_warranty in ((20, True), (40, False)):
            picking.move_ids.date = fields.Datetime.now() - timedelta(days=days)
            facts = self._facts(refund)
            self.assertEqual((facts["age_of_sale"], facts["in_warranty"]), (days, in_warranty))

    def test_without_a_sale_its_facts_are_unknown(self):
        line = {"name": "Bonus", "quantity": 1, "price_unit": 100, "tax_ids": False}
        refund = self.env["account.move"].create(
            {"move_type": "out_refund", "partner_id": self.customer.id, "invoice_line_ids": [Command.create(line)]}
        )
        facts = self._facts(refund)
        for name in ("age_of_sale", "in_warranty", "site", "region"):
            self.assertIsInstance(facts[name], Unknown, name)
        self.assertIsNone(facts["return_reason"])

    def test_another_reason_than_released_is_asked_again(self):
        damaged = self.env.ref("distribution_approval.return_reason_damaged")
        refund = self._reversed(self._invoiced(), reason=damaged)
        refund.action_post()
        document = refund.sudo().credit_note_document_ids
        self._decide(document, "Finance", self.finance)
        refund.return_reason_id = self.env.ref("distribution_approval.return_reason_not_needed")
        self.assertFalse(self._resume(document))
        self.assertEqual(refund.state, "draft")
        posted = self._posted_refund()
        with self._refused(at_once=True):
            posted.return_reason_id = damaged

    def test_found_in_the_list(self):
        """The filters of the list, for somebody who reads entries and nothing else."""
        held, turned_down = self._reversed(self._invoiced()), self._reversed(self._invoiced())
        (held | turned_down).action_post()
        document = turned_down.sudo().credit_note_document_ids
        self._decide(document, "Finance", self.finance, "reject", comment="No")
        self.assertEqual(
            self.env["account.move"].with_user(self.finance).search([("approval_to_decide", "=", True)]), held
        )
        reader = self._user("reader", "account.group_account_readonly")
        arch = self.env.ref("account.view_account_invoice_filter").get_combined_arch()
        domains = dict(re.findall(r'<filter name="(approval_\w+)"[^>]*domain="([^"]*)"', arch))
        ours = [("id", "in", (held | turned_down | self._posted_refund()).ids)]
        moves = self.env["account.move"].with_user(reader)
        for name, found in (("approval_held", held), ("approval_back", turned_down)):
            self.assertEqual(moves.search([*ours, *safe_eval(domains[name])]).ids, found.ids)
        self.assertEqual(len(moves.search([*ours, ("credit_note_state", "!=", "rejected")])), 2)
        self.assertEqual(len(moves.search([*ours, ("credit_note_state", "=", False)])), 0)

    def test_goods_returned(self):
        invoice = self._invoiced(20)
        refund = self._reversed(invoice, 5)
        document = refund._credit_note_documents().sudo()
        self.assertFalse(document._approval_goods_returned())
        picking = invoice.invoice_line_ids.sale_line_ids.order_id.picking_ids
        picking.action_assign()
        picking.button_validate()
        self._taken_back(picking.with_env(self.env), 5).button_validate()
        self.assertTrue(document._approval_goods_returned())

    def test_back_to_draft_needs_a_new_release(self):
        refund = self._reversed(self._invoiced(), 10)
        refund.action_post()
        document = refund.sudo().credit_note_document_ids
        self.assertTrue(self._releases(document))
        refund.with_user(self.env.ref("base.user_admin")).button_draft()
        self.assertFalse(self._releases(document))

    def test_an_approver_opens_it(self):
        refund = self._reversed(self._invoiced())
        refund.action_post()
        task = self._task(refund.sudo().credit_note_document_ids, "Finance").with_user(self.finance)
        self.assertEqual(task.action_open_document()["res_model"], "account.move")
        self.assertEqual(refund.with_user(self.finance).read(["name", "amount_total"])[0]["amount_total"], 1000)
        self.assertTrue(Form)
