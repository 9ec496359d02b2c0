"""Vendor bills under approval: what is owed, and what may be paid.

Guarded: posting (bills, refunds and purchase receipts). A bill that needs approval stays a draft
with its hold in sight, so that nothing unapproved is ever among what is due: no payment list,
batch or wizard finds it. The same release carries the payment (see ``account_payment.py``).

Controlled: company, kind of document, vendor, currency, bank account to be paid, payment terms,
reference (however it is written), total, taxes; on lines product, quantity, unit, price, discount,
taxes, order line, and which lines there are. Not controlled, because normal work changes them:
dates, number, notes, accounts and analytics, payment state and reconciliation, followers.
Exempt lines: sections, notes, and what Odoo works out itself (taxes and due amounts count in the
header; rounding, valuation and discount lines follow from the others).

Posted and reset to draft: the release is void. Two bills for one delivery that are posted at the
same instant take turns.
"""

from decimal import Decimal

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.turns import each_in_turn

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, seal
from ..engine.bill_match import normal_reference
from ..models.gate_frame import frame_of, gate_frame
from .vendor_bill_match import BILL_TYPES

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("move_type", "Kind"),
    ControlledField("partner_id", "Vendor", model="res.partner"),
    ControlledField("currency_id", "Currency", model="res.currency"),
    ControlledField("partner_bank_id", "Bank Account"),
    ControlledField("invoice_payment_term_id", "Payment Terms", model="account.payment.term"),
    ControlledField("ref", "Bill Reference"),
    ControlledField("amount", "Untaxed Amount", "amount"),
    ControlledField("payable", "Amount Due"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("uom", "Unit of Measure", model="uom.uom"),
    ControlledField("taxes", "Taxes", model="account.tax"),
    ControlledField("order_line", "Order Line", model="purchase.order.line"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("price_unit", "Unit Price", "amount"),
    ControlledField("discount", "Discount", "discount"),
    ControlledField("value", "Value", "amount"),
)
CONTROLLED = frozenset(
    {
        "company_id",
        "journal_id",
        "move_type",
        "partner_id",
        "currency_id",
        "partner_bank_id",
        "invoice_payment_term_id",
        "ref",
    }
)

#: Documents that are judged by what is paid: where none of them is governed, the payment status is Odoo's own affair.
JUDGED_BY_PAYMENTS = ("vendor_bill", "sale_order", "credit_release", "delivery_hold", "customer_credit_note")
#: What a person may write as payment status, and instead of what.
BLOCKING = {"blocked": ("not_paid", "partial", "blocked"), "not_paid": ("not_paid", "blocked")}


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "distribution.approval.mixin"]

    _approval_type = "vendor_bill"
    _approval_guarded_states = ("posted",)
    _approval_ask_action = "action_post"
    _approval_controlled = CONTROLLED | {"invoice_line_ids", "line_ids"}
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"invoice_user_id"})
    _approval_line_field = "invoice_line_ids"
    _approval_header = HEADER
    _approval_line = LINE
    _approval_not_shown = frozenset({"company_id", "taxes"})

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Vendor Bill")

    @api.model
    def _approval_fact_specs(self):
        partner = self.env["res.partner"]
        kinds = tuple(option for option in self._fields["move_type"].selection if option[0] in BILL_TYPES)
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount",
                    "Amount",
                    FactType.MONEY,
                    unit="company currency",
                    help="What is to be paid (of a refund: given back), taxes included, at today's rate.",
                ),
                FactSpec(
                    "bill_kind",
                    "Kind of bill",
                    FactType.SELECTION,
                    options=kinds,
                ),
                FactSpec(
                    "order_variance",
                    "Beyond the order",
                    FactType.MONEY,
                    unit="company currency",
                    help="What the lines cost beyond the quantities and prices ordered. "
                    "A cheaper line does not pay for a dearer one.",
                ),
                FactSpec(
                    "order_variance_percent",
                    "Beyond the order, worst line",
                    FactType.PERCENT,
                    unit="%",
                    help="Of what the order allows on that line.",
                ),
                FactSpec(
                    "receipt_variance",
                    "Beyond the receipts",
                    FactType.MONEY,
                    unit="company currency",
                    help="Value of what is billed and was not received. Lines that are billed as ordered have none.",
                ),
                FactSpec(
                    "receipt_variance_percent",
                    "Beyond the receipts, worst line",
                    FactType.PERCENT,
                    unit="%",
                    help="Share of that line's value that was not received.",
                ),
                FactSpec("without_order", "A line has no order", FactType.FLAG),
                FactSpec(
                    "value_without_order",
                    "Value without order",
                    FactType.MONEY,
                    unit="company currency",
                    help="Untaxed.",
                ),
                FactSpec(
                    "order_not_confirmed",
                    "An order is not in force",
                    FactType.FLAG,
                    help="A line bills an order that is not confirmed, or cancelled.",
                ),
                FactSpec(
                    "other_vendor",
                    "Ordered from another vendor",
                    FactType.FLAG,
                    help="A line bills an order that was placed with somebody else.",
                ),
                FactSpec(
                    "duplicate_reference",
                    "Reference was billed already",
                    FactType.FLAG,
                    help="The vendor's reference is on another bill, however it is written. "
                    "Of two drafts the later one is the duplicate.",
                ),
                FactSpec(
                    "duplicate_amount",
                    "Same amount and date billed already",
                    FactType.FLAG,
                    help="Another bill of the vendor has the same total in the same currency and the same bill date.",
                ),
                FactSpec("no_reference", "Has no vendor reference", FactType.FLAG),
                FactSpec(
                    "tax_difference",
                    "Tax beyond the order",
                    FactType.MONEY,
                    unit="company currency",
                    help="Taxes of the bill against those of the order's lines (without an order: those of its own "
                    "lines), whichever is larger.",
                ),
                FactSpec("vendor", "Vendor", FactType.REFERENCE, model="res.partner"),
                FactSpec(
                    "vendor_status",
                    "Vendor status",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_status"].selection),
                ),
                FactSpec(
                    "vendor_risk_tier",
                    "Vendor risk",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_risk_tier"].selection),
                ),
                FactSpec(
                    "foreign_bank_account",
                    "Bank account of somebody else",
                    FactType.FLAG,
                    help="The bank account chosen on the bill does not belong to the vendor.",
                ),
                FactSpec(
                    "terms_differ",
                    "Payment terms differ",
                    FactType.FLAG,
                    help="Not the terms of the order (without an order: of the vendor).",
                ),
                FactSpec("foreign_currency", "In foreign currency", FactType.FLAG),
                FactSpec(
                    "currency_differs",
                    "Not in the order's currency",
                    FactType.FLAG,
                    help="A line was ordered in another.",
                ),
                FactSpec(
                    "negative_line", "Has a negative line", FactType.FLAG, help="A line lowers the total of the bill."
                ),
                FactSpec(
                    "categories",
                    "Product categories",
                    FactType.SET,
                    model="product.category",
                    help="Categories of the products, with the categories above them.",
                ),
                FactSpec("site", "Receiving site", FactType.REFERENCE, model="stock.warehouse", optional=True),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    @api.model
    def _approval_guarded_domain(self):
        return [("state", "=", "posted"), ("move_type", "in", BILL_TYPES)]

    def _approval_is_guarded(self):
        self.ensure_one()
        move = self.sudo()
        return move.state == "posted" and move.move_type in BILL_TYPES

    def _approval_governed(self):
        """Bills only: what else is a journal entry is none of this gate's business, and costs nothing."""
        bills = self._approval_bills()
        return super(AccountMove, bills)._approval_governed() if bills else bills

    def _approval_bills(self):
        return self.browse(move.id for move in self.sudo() if move.move_type in BILL_TYPES)

    def _approval_waits(self):
        return self.sudo().state == "draft"

    def _approval_name(self):
        """The vendor's reference: a draft has no number of its own."""
        self.ensure_one()
        if self.state == "posted" and self.name:
            return self.name
        return _("%(kind)s %(ref)s", kind=self._approval_label(), ref=self.ref or "#%s" % self.id)

    def _approval_partner(self):
        return self.commercial_partner_id

    def _approval_owners(self):
        return self.invoice_user_id | self.create_uid

    def _approval_site(self):
        return self._approval_order_lines().order_id.picking_type_id.warehouse_id[:1]

    def _approval_context(self):
        orders = self._approval_order_lines().order_id
        warehouses = orders.picking_type_id.warehouse_id.sorted("id")
        return {
            "warehouse_manager": [(warehouse, warehouse.manager_id) for warehouse in warehouses],
            "region_manager": [(region, region.manager_id) for region in warehouses.region_id.sorted("id")],
            "category_manager": [
                (category, category._approval_manager())
                for category in self._approval_lines().product_id.categ_id.sorted("id")
            ],
        }

    # ------------------------------------------------------ controlled values

    def _approval_lines(self):
        """The lines that bill something."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and (line.quantity or line.product_id)
        )

    def _approval_order_lines(self):
        return self._approval_lines().purchase_line_id

    def _approval_line_values(self):
        """``{line id: untaxed value in bill currency}``; follows from what is billed, not from subtotals."""
        return {line.id: as_decimal(line._approval_value()) for line in self._approval_lines()}

    def _approval_payable(self):
        """What the vendor gets (of a refund: gives back; of a credit note: the customer), in the currency of the
        document, as it is on the books."""
        self.ensure_one()
        due = self.line_ids.filtered(lambda line: line.display_type == "payment_term")
        return as_decimal(self.currency_id.round(abs(sum(due.mapped("amount_currency")))))

    def _approval_snapshots(self):
        self.invoice_line_ids.mapped("tax_ids")  # for all at once
        return {bill.id: bill._approval_snapshot() for bill in self}

    def _approval_snapshot(self):
        self.ensure_one()
        values = self._approval_line_values()
        return seal(
            {
                "company_id": self.company_id.id,
                "move_type": self.move_type,
                "partner_id": self.partner_id.id or None,
                "currency_id": self.currency_id.id,
                "partner_bank_id": self.partner_bank_id.id or None,
                "invoice_payment_term_id": self.invoice_payment_term_id.id or None,
                "ref": normal_reference(self.ref) or None,
                "amount": sum(values.values(), Decimal(0)),
                "payable": self._approval_payable(),
            },
            {
                str(line.id): {
                    "product_id": line.product_id.id or None,
                    "uom": line.product_uom_id.id or None,
                    "taxes": sorted(line.tax_ids.ids),
                    "order_line": line.purchase_line_id.id or None,
                    "quantity": as_decimal(line.quantity),
                    "price_unit": as_decimal(line.price_unit),
                    "discount": as_decimal(line.discount),
                    "value": values[line.id],
                }
                for line in self._approval_lines()
            },
        )

    @api.model
    def _approval_name_of(self, field, value):
        if field == "partner_bank_id" and value:
            # Never in full: whoever sees the request need not see the number.
            number = self.env["res.partner.bank"].sudo().browse(int(value)).exists().acc_number or ""
            return _("account ending in %s", number.replace(" ", "")[-4:]) if number else _("deleted account")
        return super()._approval_name_of(field, value)

    # ------------------------------------------------------------------ facts

    def _approval_facts(self, names):
        """See :meth:`distribution.approval.mixin._approval_facts`; queries are constant per batch."""
        names = set(names) | {"amount"}
        self._approval_read_ahead()
        amounts = self._approval_amounts()
        compared = not _COMPARED.isdisjoint(names)
        matches = self._approval_matches() if compared else {}
        repeats = self._approval_repeats() if names & {"duplicate_reference", "duplicate_amount"} else {}
        facts = {}
        for bill in self:
            lines = bill._approval_lines()
            orders = lines.purchase_line_id.order_id
            warehouse = bill._approval_site()
            vendor = bill.commercial_partner_id
            match = matches.get(bill.id)
            same_reference, same_amount = repeats.get(bill.id, ((), ()))
            read = {
                "amount": lambda bill=bill: amounts[bill.id],
                "bill_kind": lambda bill=bill: bill.move_type,
                "order_variance": lambda bill=bill, match=match: bill._approval_match_money(match, "order_variance"),
                "order_variance_percent": lambda match=match: _of_match(match, "worst_order_percent"),
                "receipt_variance": lambda bill=bill, match=match: bill._approval_match_money(
                    match, "receipt_variance"
                ),
                "receipt_variance_percent": lambda match=match: _of_match(match, "worst_receipt_percent"),
                "without_order": lambda match=match: _of_match(match, "has_line_without_order"),
                "value_without_order": lambda bill=bill, match=match: bill._approval_match_money(
                    match, "without_order"
                ),
                "order_not_confirmed": lambda orders=orders: any(not order._approval_is_guarded() for order in orders),
                "other_vendor": lambda orders=orders, vendor=vendor: bool(
                    orders.partner_id.commercial_partner_id - vendor
                ),
                "duplicate_reference": lambda same=same_reference: bool(same),
                "duplicate_amount": lambda same=same_amount: bool(same),
                "no_reference": lambda bill=bill: not normal_reference(bill.ref),
                "tax_difference": lambda bill=bill: bill._approval_tax_difference(),
                "vendor": lambda vendor=vendor: vendor.id or Unknown("the bill names no vendor"),
                "vendor_status": lambda vendor=vendor: vendor.vendor_status or Unknown("the vendor has no status"),
                "vendor_risk_tier": lambda vendor=vendor: (
                    vendor.vendor_risk_tier or Unknown("the vendor has no risk tier")
                ),
                "foreign_bank_account": lambda bill=bill: bill._approval_foreign_bank_account(),
                "terms_differ": lambda bill=bill, orders=orders: bill._approval_terms_differ(orders),
                "foreign_currency": lambda bill=bill: bill.currency_id != bill.company_id.currency_id,
                "currency_differs": lambda bill=bill, orders=orders: bool(orders.currency_id - bill.currency_id),
                "negative_line": lambda bill=bill: any(value < 0 for value in bill._approval_line_values().values()),
                "categories": lambda lines=lines: lines.product_id.categ_id._approval_with_parents(),
                "site": lambda warehouse=warehouse: warehouse.id or None,
                "region": lambda warehouse=warehouse: warehouse.region_id.id or None,
                "requester": lambda: self.env.uid,
            }
            facts[bill.id] = {name: read[name]() for name in names}
        return facts

    def _approval_amounts(self):
        """``{id: what is to be paid in company currency at today's rate, or Unknown}``.

        A negative line lowers what is paid, so it lowers the amount; that there is one is a fact
        of its own. The date typed on the bill does not choose the rate.
        """
        return {
            bill.id: self._approval_in_company_currency(bill._approval_payable(), bill.currency_id, bill.company_id)
            for bill in self
        }

    def _approval_match_money(self, match, name):
        value = _of_match(match, name)
        if isinstance(value, Unknown):
            return value
        return self._approval_in_company_currency(value, self.currency_id, self.company_id)

    def _approval_foreign_bank_account(self):
        """Whether the money would go to an account of somebody else (refunds come to our own)."""
        if not self.partner_bank_id or self.move_type == "in_refund":
            return False
        return self.partner_bank_id.partner_id.commercial_partner_id != self.commercial_partner_id

    def _approval_terms_differ(self, orders):
        agreed = orders.payment_term_id
        if not orders:
            agreed = self.commercial_partner_id.with_company(self.company_id).property_supplier_payment_term_id
        return bool(self.invoice_payment_term_id - agreed) or bool(agreed and not self.invoice_payment_term_id)

    def _approval_tax_difference(self):
        """How far the taxes are from what the order's taxes would give on the billed values; company currency."""
        taxed = self.line_ids.filtered(lambda line: line.display_type == "tax")
        actual = abs(as_decimal(self.currency_id.round(sum(taxed.mapped("amount_currency")))))
        expected = sum((line._approval_expected_tax() for line in self._approval_lines()), Decimal(0))
        difference = abs(actual - abs(expected))
        if difference < len(self._approval_lines()) * as_decimal(self.currency_id.rounding):
            return Decimal(0)  # taxes are rounded by line or in total
        return self._approval_in_company_currency(difference, self.currency_id, self.company_id)

    # -------------------------------------------------------------- core flow

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._approval_refuse_payment_state({**self._approval_default_payment_state(), **vals})
        # Core works out taxes and due amounts after its own create: the review waits for that.
        with gate_frame(self.env):
            return super().create(vals_list)

    def write(self, vals):
        self._approval_refuse_payment_state(vals)
        if not self._approval_watched & vals.keys():
            return super().write(vals)
        with gate_frame(self.env):
            return super().write(vals)

    def _approval_refuse_payment_state(self, vals):
        """What was paid follows from payments: a bill that says so by hand would look paid, or as if it were none."""
        if "payment_state" not in vals or self.env.su:
            return
        activation = self.env["distribution.approval.activation"]
        if not any(activation._governed_places(document_type) for document_type in JUDGED_BY_PAYMENTS):
            return
        # 19.0 has a button that blocks what is unpaid of a bill, and lets it go again.
        allowed = BLOCKING.get(vals["payment_state"], ())
        if any(state not in allowed for state in self.mapped("payment_state") or ["not_paid"]):
            raise AccessError(_("Payment Status: it follows from payments and credit notes, nobody writes it."))

    @api.model
    def _approval_default_payment_state(self):
        default = self.env.context.get("default_payment_state")
        return {"payment_state": default} if default else {}

    def _post(self, soft=True):
        """Post what policy or people released; file requests for the rest, which stay drafts.

        Every way to post passes here: buttons, the validation wizard, auto-posting, reversals,
        server actions, code that runs as superuser. Writing the state itself meets the review.
        """
        with gate_frame(self.env) as frame:
            day = fields.Date.context_today(self)
            asked = self.filtered(lambda move: move.state == "draft" and not (soft and move.date > day))
            asked = asked._approval_governed()
            asked._approval_check_complete()
            held = asked._approval_screen("action_post")
            if held and held == self:
                return self.browse()
            # Posting writes the bill itself: nothing else has to mark it for who works on it at the same time.
            frame.serialized.update((bill._name, bill.id) for bill in asked - held)
            return super(AccountMove, self - held)._post(soft=soft)

    def _approval_note_editors(self):
        """What core works out while it posts is nobody's edit: the review compares it with what was promised."""
        promises = frame_of(self.env).promises
        super(AccountMove, self.filtered(lambda move: (move._name, move.id) not in promises))._approval_note_editors()

    def _approval_check_complete(self):
        """What core would ask for when it posts is asked for before anybody has to judge the bill."""
        for bill in self.sudo():
            if not bill.partner_id:
                raise UserError(_("%s: choose the vendor before you confirm.", bill._approval_name()))
            if not bill.invoice_date:
                raise UserError(_("%s: enter the bill date before you confirm.", bill._approval_name()))

    def _approval_before_asked(self):
        self._approval_check_complete()

    def _approval_hold(self):
        """A held bill stays a draft. The request posts it when it is approved, not the scheduled job."""
        self.filtered(lambda bill: bill.auto_post == "at_date").write({"auto_post": "no"})

    def _approval_resume(self, action):
        """Post a released bill: everything that core and other addons do then."""
        with gate_frame(self.env):
            return self.action_post()

    @api.model
    def _cron_approval_judge_held(self, commit=None):
        """Ask policy again about bills that wait: a receipt or a refund may have made them match.

        What passes now is released; for the rest the people who were asked go on. One transaction each.

        :param commit: default: unless tests run
        """
        waiting = self.search([("state", "=", "draft"), ("approval_state", "=", "pending")], order="id")
        # Somebody may work on a bill at this moment: then it looks again.
        each_in_turn(self.env, [bill._approval_judge_held for bill in waiting._approval_governed()], commit)

    def _approval_judge_held(self):
        """Ask policy again about this bill that waits, and release it when it passes now."""
        request = self._approval_release_request()
        if self.state != "draft" or request.state != "pending":
            return
        judgement = request._judgement(request.version_id)
        if judgement.verdict.outcome == "pass":
            request._say(_("It matches now: within policy without a decision."))
            request._take_up(judgement, self._approval_snapshots()[self.id])

    def button_draft(self):
        with gate_frame(self.env):
            return super().button_draft()

    def button_cancel(self):
        with gate_frame(self.env):
            return super().button_cancel()

    # ------------------------------------------------------------- for people

    @api.model
    def _approval_standing(self, request):
        """Line by line: billed, ordered, received; what repeats it; what else of the vendor is open."""
        bill = self.sudo().browse(request.res_id).exists()
        if not bill:
            return False
        vendor = request.partner_id.sudo()
        repeats = bill._approval_repeats()[bill.id]
        open_bills = self.sudo().search(
            [
                ("company_id", "=", request.company_id.id),
                ("commercial_partner_id", "=", vendor.id),
                ("move_type", "=", "in_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("id", "!=", bill.id),
            ]
        )
        return self.env["ir.qweb"]._render(
            "distribution_approval.vendor_bill_standing",
            {
                "bill": bill,
                "vendor": vendor,
                "status": dict(vendor._fields["vendor_status"]._description_selection(self.env)).get(
                    vendor.vendor_status
                ),
                "risk": dict(vendor._fields["vendor_risk_tier"]._description_selection(self.env)).get(
                    vendor.vendor_risk_tier
                ),
                "lines": bill._approval_match_words(),
                "same_reference": self.sudo().browse(repeats[0]),
                "same_amount": self.sudo().browse(repeats[1]),
                "open_count": len(open_bills),
                "open_total": abs(sum(open_bills.mapped("amount_residual_signed"))),
                "currency": request.currency_id,
            },
        )


#: Facts that need the comparison with orders and receipts.
_COMPARED = frozenset(
    {
        "order_variance",
        "order_variance_percent",
        "receipt_variance",
        "receipt_variance_percent",
        "without_order",
        "value_without_order",
    }
)


def _of_match(match, name):
    return match if isinstance(match, Unknown) else getattr(match, name)
