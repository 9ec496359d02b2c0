"""Evidence on every kind of document: it counts where people are told to put it, and stays as it was."""

import base64

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from .delivery_case import DeliveryCase

PHOTO = {"name": "photo.jpg", "raw": b"What it looked like"}


@tagged("post_install", "-at_install")
class TestEvidencePlaces(DeliveryCase):
    """For each kind of document: a rule that asks Finance, and demands a photo."""

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.accountant = cls._user(
            "accountant", "account.group_account_manager", "base.group_partner_manager", "stock.group_stock_manager"
        )

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT", document_type="delivery_hold"):
        version = cls._make_version(document_type, document_type, [("Always", "require", [], ["Finance"])])
        version.rule_ids.write({"evidence_required": True, "evidence_text": "a photo"})
        return version

    @classmethod
    def _govern(cls):
        """Each test governs what it is about."""

    def _demand(self, document_type):
        if document_type != self.version.document_type:
            self._publish(self._make_policy(document_type=document_type))
        self._switch_on(document_type)

    def _attached(self, record, user, put=None):
        """A file that ``user`` attaches to ``record``, or puts into its field ``put``."""
        files = self.env["ir.attachment"].with_user(user)
        if not put:
            return files.create({**PHOTO, "res_model": record._name, "res_id": record.id})
        file = files.create(PHOTO)
        record.with_user(user)[put] = [Command.link(file.id)]
        return file

    def _proved(self, ask, document, place, user, put=None, job=False, seen=True, name=None):
        """``document`` is held until the photo is where it is asked for; then it is sealed there.

        :param ask: presses the button that asks
        :param document: gives the document, once it was asked
        :param place: the record where people put the photo, into its field ``put`` if that is said
        :param job: the scheduled action finds it, and nobody asks again
        :param name: what ``place`` is called there, when not by its name
        :param seen: whether the approver reads where it was put
        """
        ask()
        document = document().sudo()
        request = document.approval_request_id
        self.assertEqual((request.state, document.approval_state), ("on_hold", "on_hold"))
        self.assertIn("a photo", request.reason)
        asked = "field “Evidence”" if put else f"Attach it to {name or place.name or document._approval_name()}"
        self.assertIn(asked, request.reason)
        file = self._attached(place, user, put)
        if job:
            request._cron_retry_on_hold()
        else:
            ask()
        self.assertEqual((request.state, document.approval_state), ("pending", "pending"))
        self.assertEqual(request.exhibit_ids.attachment_ref, file.id)
        self._decide(document, "Finance", self.finance)
        if seen:
            self.assertEqual(file.with_user(self.finance).raw, PHOTO["raw"])
        self.assertKept(file, user)
        self.assertTrue(self._resume(document), request.reason)
        self.assertEqual(document.approval_state, "released")
        self.assertKept(file, user)

    def assertKept(self, file, user):
        """Neither who attached it nor an administrator changes or deletes it, nor does a program."""
        for person in (user, self.env.ref("base.user_admin")):
            mine = file.with_user(person)
            for attempt in (
                lambda mine=mine: mine.write({"raw": b"Forged"}),
                lambda mine=mine: mine.sudo().write({"datas": base64.b64encode(b"Forged")}),
                lambda mine=mine: mine.unlink(),
            ):
                with self.assertRaises(UserError):
                    attempt()
        file.sudo().unlink()
        self.assertEqual(file.sudo().exists().raw, PHOTO["raw"])

    # ------------------------------------------------------------ transfers

    def test_delivery_hold(self):
        self._demand("delivery_hold")
        picking = self._delivery()
        self._proved(picking.button_validate, lambda: self._hold(picking), picking, self.clerk, job=True)
        self.assertEqual(picking.state, "done")

    def test_credit_release(self):
        self._demand("credit_release")
        picking = self._delivery()
        self._proved(picking.button_validate, lambda: self._hold(picking, "credit_release"), picking, self.clerk)

    def _transfer(self, source, destination, picking_type):
        picking = (
            self.env["stock.picking"]
            .with_user(self.clerk)
            .create(
                {
                    "partner_id": self.customer.id,
                    "picking_type_id": picking_type.id,
                    "location_id": source.id,
                    "location_dest_id": destination.id,
                    "move_ids": [
                        Command.create(
                            {
                                **({"name": "x"} if "name" in self.env["stock.move"]._fields else {}),
                                "product_id": self.bolt.id,
                                "product_uom_qty": 5,
                                "location_id": source.id,
                                "location_dest_id": destination.id,
                            }
                        )
                    ],
                }
            )
        )
        picking.action_confirm()
        picking.move_ids.quantity = 5
        picking.move_ids.picked = True
        return picking

    def test_customer_return(self):
        self._demand("customer_return")
        customers = self.env.ref("stock.stock_location_customers")
        receipt = self._transfer(customers, self.warehouse.lot_stock_id, self.warehouse.in_type_id)
        self._proved(receipt.button_validate, lambda: receipt.customer_return_ids, receipt, self.clerk)

    def test_site_transfer(self):
        self._demand("site_transfer")
        branch = self.env["stock.warehouse"].create({"name": "Branch", "code": "BRN", "company_id": self.company.id})
        transfer = self._transfer(self.warehouse.lot_stock_id, branch.lot_stock_id, self.warehouse.int_type_id)
        self._proved(transfer.button_validate, lambda: transfer.site_transfer_ids, transfer, self.clerk)

    # ---------------------------------------------------------------- goods

    def _counted(self, counted):
        quant = self.env["stock.quant"].search(
            [("product_id", "=", self.bolt.id), ("location_id", "=", self.warehouse.lot_stock_id.id)]
        )
        quant = quant.with_user(self.accountant).with_context(inventory_mode=True)
        quant.inventory_quantity = counted
        return quant

    def _proved_count(self, job):
        self._demand("inventory_adjustment")
        quant = self._counted(99000)
        self._proved(
            quant.action_apply_inventory,
            lambda: quant.sudo().approval_adjustment_id,
            quant,
            self.accountant,
            "approval_attachment_ids",
            job,
        )
        self.assertEqual((quant.quantity, quant.approval_attachment_ids), (99000, self.env["ir.attachment"]))

    def test_inventory_adjustment(self):
        self._proved_count(job=False)

    def test_a_count_that_the_job_asks_about_again(self):
        self._proved_count(job=True)

    def test_goods_lost_by_a_transfer(self):
        self._demand("inventory_adjustment")
        loss = self.bolt.with_company(self.company).property_stock_inventory
        transfer = self._transfer(self.warehouse.lot_stock_id, loss, self.warehouse.int_type_id)
        adjustments = self.env["distribution.inventory.adjustment"]
        self._proved(
            transfer.button_validate,
            lambda: adjustments.search([("picking_id", "=", transfer.id)]),
            transfer,
            self.clerk,
            seen=False,
        )

    def test_photo_of_another_record(self):
        """A file of another record, or of a count that was released, proves no count."""
        self._demand("inventory_adjustment")
        foreign = self._attached(self.env["res.partner"].create({"name": "Elsewhere"}), self.accountant)
        quant = self._counted(99000)
        quant.approval_attachment_ids = foreign
        quant.action_apply_inventory()
        adjustment = quant.sudo().approval_adjustment_id
        self.assertEqual(adjustment.approval_state, "on_hold")
        file = self._attached(quant, self.accountant, "approval_attachment_ids")
        quant.action_apply_inventory()
        self.assertEqual(adjustment.approval_request_id.exhibit_ids.attachment_ref, file.id)
        self._decide(adjustment, "Finance", self.finance)
        self.assertTrue(self._resume(adjustment))
        again = self._counted(98000)
        again.approval_attachment_ids = file
        again.action_apply_inventory()
        self.assertEqual(again.approval_state, "on_hold")

    def test_photo_of_a_count_within_policy(self):
        """Nobody was asked; what proved it stays all the same."""
        policy = self._make_version("inventory_adjustment", "Counts", [("Always", "pass", [], [])])
        self._publish(policy)
        self._switch_on("inventory_adjustment")
        quant = self._counted(99000)
        file = self._attached(quant, self.accountant, "approval_attachment_ids")
        quant.action_apply_inventory()
        self.assertEqual(quant.quantity, 99000)
        self.assertKept(file, self.accountant)

    def test_scrap(self):
        self._demand("scrap")
        scrap = (
            self.env["stock.scrap"]
            .with_user(self.clerk)
            .create({"product_id": self.bolt.id, "scrap_qty": 5, "location_id": self.warehouse.lot_stock_id.id})
        )
        self._proved(scrap.action_validate, lambda: scrap, scrap, self.clerk, "approval_attachment_ids")

    # ------------------------------------------------- orders, bills, vendors

    def test_customer_credit_note(self):
        self._demand("customer_credit_note")
        invoice = self._order_of().sudo()._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves().with_user(self.accountant)
        refund.invoice_date = fields.Date.today()
        self._proved(refund.action_post, lambda: refund.credit_note_document_ids, refund, self.accountant)
        self.assertEqual(refund.state, "posted")

    def test_sale_order(self):
        self._demand("sale_order")
        order = self._quotation()
        self._proved(order.action_confirm, lambda: order, order, self.seller)

    def test_purchase_order(self):
        self._demand("purchase_order")
        order = self._order()
        self._proved(order.button_confirm, lambda: order, order, self.buyer)

    def test_vendor_bill(self):
        self._demand("vendor_bill")
        line = {"product_id": self.service.id, "quantity": 1, "price_unit": 100, "tax_ids": False}
        bill = (
            self.env["account.move"]
            .with_user(self.accountant)
            .create(
                {
                    "move_type": "in_invoice",
                    "partner_id": self.vendor.id,
                    "invoice_date": fields.Date.today(),
                    "ref": "R-1",
                    "invoice_line_ids": [Command.create(line)],
                }
            )
        )
        self._proved(bill.action_post, lambda: bill, bill, self.accountant, name=bill._approval_name())

    def test_freight_request(self):
        self._demand("freight_request")
        order = self._order()
        order.button_confirm()
        request = (
            self.env["distribution.freight.request"]
            .with_user(self.buyer)
            .create({"purchase_id": order.id, "amount": 50, "reason_code": "late_supplier"})
        )
        self._proved(request.action_authorise, lambda: request, request, self.buyer)

    def test_vendor_onboarding(self):
        self._demand("vendor_onboarding")
        onboarding = (
            self.env["distribution.vendor.onboarding"]
            .with_user(self.buyer)
            .create({"partner_id": self.new_vendor.id, "amount": 50})
        )
        self._proved(onboarding.action_submit, lambda: onboarding, onboarding, self.buyer)

    def _paper(self, onboarding, user=None, **values):
        """A file on the Documents tab, as the form makes it."""
        tab = onboarding.with_user(user or self.buyer)
        lines = tab.document_ids
        values = {"kind": "tax", "content": base64.b64encode(PHOTO["raw"]), "filename": PHOTO["name"], **values}
        tab.document_ids = [Command.create(values)]
        return tab.document_ids - lines

    def _file_of(self, paper):
        return (
            paper.env["ir.attachment"]
            .sudo()
            .search([("res_model", "=", paper._name), ("res_id", "=", paper.id), ("res_field", "=", "content")])
        )

    def _held_onboarding(self):
        self._demand("vendor_onboarding")
        onboarding = (
            self.env["distribution.vendor.onboarding"]
            .with_user(self.buyer)
            .create({"partner_id": self.new_vendor.id, "amount": 50})
        )
        onboarding.action_submit()
        request = onboarding.sudo().approval_request_id
        self.assertEqual(request.state, "on_hold")
        self.assertIn("tab “Documents”", request.reason)
        return onboarding, request

    def test_papers_of_a_vendor(self):
        """What is on the Documents tab proves the vendor, while it is valid."""
        onboarding, request = self._held_onboarding()
        paper = self._paper(onboarding, valid_until="2020-01-31")
        onboarding.action_submit()
        self.assertEqual(request.state, "on_hold", "it has expired")
        paper.valid_until = False
        request._cron_retry_on_hold()
        file = self._file_of(paper)
        self.assertEqual((request.state, request.exhibit_ids.attachment_ref), ("pending", file.id))
        self.assertEqual((request.exhibit_ids.name, request.exhibit_ids.intact), (PHOTO["name"], "yes"))
        self.assertIn(onboarding, onboarding.search([("document_file_ids", "in", file.ids)]))
        self.assertNotIn(onboarding, onboarding.search([("document_file_ids", "=", False)]))
        self._decide(onboarding, "Finance", self.finance)
        self.assertEqual(file.with_user(self.finance).raw, PHOTO["raw"])
        self.assertKept(file, self.buyer)
        self.assertTrue(self._resume(onboarding), request.reason)
        self.assertEqual((onboarding.state, self.new_vendor.vendor_status), ("approved", "approved"))
        self.assertKept(file, self.buyer)
        self.assertEqual(paper.content, base64.b64encode(PHOTO["raw"]))

    def test_papers_of_a_vendor_that_are_replaced(self):
        """Another file takes the place of the one that was asked with; that one stays with the request."""
        onboarding, request = self._held_onboarding()
        paper, other = self._paper(onboarding), self._paper(onboarding, kind="bank", filename="bank.txt")
        onboarding.action_submit()
        files = self._file_of(paper) | self._file_of(other)
        self.assertEqual(set(request.exhibit_ids.mapped("attachment_ref")), set(files.ids))
        self._decide(onboarding, "Finance", self.finance, "request_revision", comment="Blurred")
        paper.content = base64.b64encode(b"Sharp")
        other.unlink()
        onboarding.action_submit()
        request = onboarding.sudo().approval_request_id
        self.assertEqual(request.state, "pending")
        self.assertEqual(self._file_of(paper).raw, b"Sharp")
        sealed = request.exhibit_ids
        self.assertEqual(set(sealed.mapped("attachment_ref")), {*files.ids, *self._file_of(paper).ids})
        self.assertEqual(set(sealed.mapped("intact")), {"yes"})
        self.assertEqual([file.with_user(self.finance).raw for file in files], [PHOTO["raw"]] * 2)

    def test_papers_of_a_vendor_within_policy(self):
        """Nobody was asked; what was looked at stays all the same."""
        self._publish(self._make_version("vendor_onboarding", "Vendors", [("Always", "pass", [], [])]))
        self._switch_on("vendor_onboarding")
        onboarding = (
            self.env["distribution.vendor.onboarding"]
            .with_user(self.buyer)
            .create({"partner_id": self.new_vendor.id, "amount": 50})
        )
        file = self._file_of(self._paper(onboarding))
        onboarding.action_submit()
        self.assertEqual(onboarding.approval_state, "passed")
        self.assertKept(file, self.buyer)

    def test_vendor_change(self):
        self._demand("vendor_change")
        change = (
            self.env["distribution.vendor.change"]
            .with_user(self.accountant)
            .create(
                {
                    "partner_id": self.vendor.id,
                    "kind": "payment_terms",
                    "reason": "The vendor wrote",
                    "new_payment_term_id": self.env["account.payment.term"].create({"name": "60 days"}).id,
                }
            )
        )
        self._proved(change.action_propose, lambda: change, change, self.accountant)

    def test_report_release(self):
        self._demand("report_release")
        reporter = self._user("reporter", "distribution_core.group_operations")
        report = (
            self.env["distribution.report.release"]
            .with_user(reporter)
            .create({"name": "Service level", "report_key": "service", "period": "2026-10", "audience": "team"})
        )
        report.attachment_id = report.env["ir.attachment"].create({"name": "report.txt", "raw": b"97 %"})
        self._proved(report.action_release, lambda: report, report, reporter)

    def test_no_kind_of_document_is_forgotten(self):
        own = {
            model._approval_type
            for model in self.env.values()
            if getattr(model, "_approval_type", None)
            and not model._abstract
            and model._original_module != "procurement_automation"
        }
        missing = {each for each in own if not hasattr(self, f"test_{each}")}
        self.assertFalse(missing)
        self.assertIn("delivery_hold", own)
