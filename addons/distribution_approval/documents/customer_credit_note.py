"""Credit notes to customers: a document of its own, linked to the journal entry.

Guarded: posting a customer credit note, by its button, in a batch, by the reversal wizard or a write. A posted
one stays as it was released. It is judged by its prices or by what is booked, whichever is more.
It has a record model of its own because journal entries have another document type already (bills);
both meet in ``_post``, each looks at its own kind of entry only.
"""

from datetime import datetime, time
from decimal import Decimal

import pytz
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import INVOICE_REVERSALS, check_access

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal, seal
from ..models.approval_activation import EVERYWHERE
from ..models.approval_past import looks_back
from ..models.approval_policy import day_of
from ..models.gate_frame import frame_of, gate_frame, in_frame, written_directly

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Customer", model="res.partner"),
    ControlledField("currency_id", "Currency", model="res.currency"),
    ControlledField("reversed_entry_id", "Invoice", model="account.move"),
    ControlledField("return_reason_id", "Return Reason", model="distribution.return.reason"),
    ControlledField("amount", "Untaxed Amount", "amount"),
    ControlledField("payable", "Amount Credited"),
)
LINE = (
    ControlledField("product_id", "Product", model="product.product"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("price_unit", "Unit Price", "amount"),
    ControlledField("discount", "Discount", "discount"),
    ControlledField("taxes", "Taxes", model="account.tax"),
    ControlledField("value", "Value", "amount"),
)
#: What is written on the entry and bears on its content.
CONTROLLED = frozenset(
    {
        "company_id",
        "currency_id",
        "invoice_line_ids",
        "journal_id",
        "line_ids",
        "move_type",
        "partner_id",
        "return_reason_id",
        "reversed_entry_id",
    }
)
WATCHED = CONTROLLED | {"state"}


class CustomerCreditNote(models.Model):
    _name = "distribution.customer.credit.note"
    _description = "Customer Credit Note"
    _inherit = ["distribution.approval.mixin"]
    _rec_name = "move_id"
    _order = "id desc"

    _approval_type = "customer_credit_note"
    _approval_watched = frozenset({"move_id", "company_id"})
    _approval_controlled = frozenset({"move_id", "company_id"})
    _approval_header = HEADER
    _approval_line = LINE
    _approval_of_customer = True
    _approval_header_later = frozenset({"payable", "return_reason_id"})
    _approval_not_shown = frozenset({"company_id", "taxes"})

    move_id = fields.Many2one("account.move", string="Credit Note", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    state = fields.Selection(related="move_id.state")

    _sql_constraints = [("move_unique", "UNIQUE (move_id)", "This credit note has its document already.")]

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Customer Credit Note")

    @api.model
    def _approval_guarded_domain(self):
        return [("move_id.state", "=", "posted")]

    def _approval_is_guarded(self):
        self.ensure_one()
        return self.sudo().move_id.state == "posted"

    def _approval_is_cancelled(self):
        self.ensure_one()
        return self.sudo().move_id.state == "cancel"

    def _approval_name(self):
        self.ensure_one()
        return self.move_id.name if self.move_id.name not in (False, "/") else _("Credit note %s", self.move_id.id)

    def _approval_partner(self):
        return self.move_id.commercial_partner_id

    def _approval_owners(self):
        return self.move_id.invoice_user_id | self.move_id.create_uid | self.create_uid

    def _approval_site(self):
        return self.move_id._credit_note_site()

    def _approval_context(self):
        lines = self._approval_lines()
        # Who sold is on the invoice; a credit note may name whoever made it.
        sold = self.move_id.reversed_entry_id or self.move_id
        return {
            "account_owner": self._approval_partner()._approval_account_owners(sold),
            "category_manager": [
                (category, category._approval_manager()) for category in lines.product_id.categ_id.sorted("id")
            ],
        }

    def _approval_form(self):
        return self.move_id

    def _approval_check_asker(self):
        check_access(self.env["account.move"].browse(self.sudo().move_id.ids), "write")

    def _approval_lines(self):
        return self.move_id.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _approval_snapshots(self):
        return {document.id: document._approval_snapshot() for document in self}

    def _approval_snapshot(self):
        self.ensure_one()
        move = self.move_id
        lines = self._approval_lines()
        return seal(
            {
                **{
                    name: move[name].id or None
                    for name in ("company_id", "partner_id", "currency_id", "reversed_entry_id", "return_reason_id")
                },
                "amount": sum((as_decimal(line._approval_value()) for line in lines), Decimal(0)),
                "payable": move._approval_payable(),
            },
            {
                str(line.id): {
                    "product_id": line.product_id.id or None,
                    "quantity": as_decimal(line.quantity),
                    "price_unit": as_decimal(line.price_unit),
                    "discount": as_decimal(line.discount or 0),
                    "taxes": sorted(line.tax_ids.ids),
                    "value": as_decimal(line._approval_value()),
                }
                for line in lines
            },
        )

    def _approval_amounts(self):
        return {
            document.id: document._approval_at_booked_rate(document._approval_credited())
            if looks_back(self.env)
            else self._approval_in_company_currency(
                document._approval_credited(), document.move_id.currency_id, document.company_id
            )
            for document in self
        }

    def _approval_at_booked_rate(self, value):
        """``value`` in company currency, at the rate at which this credit note is booked."""
        self.ensure_one()
        lines = self.move_id.line_ids
        foreign = sum((abs(as_decimal(line.amount_currency)) for line in lines), Decimal(0))
        own = sum((abs(as_decimal(line.balance)) for line in lines), Decimal(0))
        if not value or self.move_id.currency_id == self.company_id.currency_id:
            return value
        if not foreign:
            return Unknown(_("nothing is booked that tells the exchange rate of then"))
        return as_decimal(self.company_id.currency_id.round(float(value * own / foreign)))

    def _approval_credited(self):
        """Untaxed, in the currency of the credit note: what its prices say or what is booked, whichever is more.

        Negative lines do not lower it.
        """
        self.ensure_one()
        lines = self._approval_lines()
        priced = [as_decimal(line._approval_value()) for line in lines]
        taxes = sum((line._approval_tax(line.tax_ids) for line in lines), Decimal(0))
        booked = self.move_id._approval_payable() - taxes
        if booked - sum(priced) < len(lines) * as_decimal(self.move_id.currency_id.rounding):
            booked = Decimal(0)  # taxes are rounded by line or in total
        on_lines = (as_decimal(line.amount_currency) for line in lines)
        return max(_positive(priced), _positive(on_lines), booked)

    # ------------------------------------------------------------------ facts

    @api.model
    def _approval_fact_specs(self):
        return {
            spec.name: spec
            for spec in (
                FactSpec("amount", "Amount", FactType.MONEY, unit="company currency", help="Untaxed, at today's rate."),
                FactSpec(
                    "without_invoice",
                    "No invoice is reversed",
                    FactType.FLAG,
                    help="The credit note is not the reversal of a posted invoice of this customer.",
                ),
                FactSpec(
                    "over_invoice",
                    "More than was invoiced",
                    FactType.FLAG,
                    help="With earlier credit notes, more is credited than the invoice was for.",
                ),
                FactSpec(
                    "goods_returned",
                    "The goods are back",
                    FactType.FLAG,
                    help="Of every product credited, at least as much was returned and not credited yet.",
                ),
                FactSpec(
                    "return_reason",
                    "Return reason",
                    FactType.REFERENCE,
                    model="distribution.return.reason",
                    optional=True,
                    help="Empty: none is given.",
                ),
                FactSpec("age_of_invoice", "Age of the invoice", FactType.NUMBER, unit="days", optional=True),
                FactSpec(
                    "age_of_sale",
                    "Age of the sale",
                    FactType.NUMBER,
                    unit="days",
                    help="Since the oldest of what is credited was delivered, or ordered when it is no goods; unknown "
                    "when it cannot be told.",
                ),
                FactSpec(
                    "in_warranty",
                    "Under warranty",
                    FactType.FLAG,
                    help="All goods credited were delivered within the warranty of their product category; unknown "
                    "when that cannot be told.",
                ),
                FactSpec(
                    "customer_tier",
                    "Customer tier",
                    FactType.SELECTION,
                    options=tuple(self.env["res.partner"]._fields["customer_tier"].selection),
                ),
                FactSpec("customer", "Customer", FactType.REFERENCE, model="res.partner"),
                FactSpec("categories", "Product categories", FactType.SET, model="product.category"),
                FactSpec(
                    "site",
                    "Delivering site",
                    FactType.REFERENCE,
                    model="stock.warehouse",
                    help="Of the order that is credited; unknown without one, or when there are several.",
                ),
                FactSpec("region", "Region", FactType.REFERENCE, model="distribution.region", optional=True),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_facts(self, names):
        if not {"over_invoice", "goods_returned"}.isdisjoint(names):
            self._approval_take_turn()
        self.move_id.invoice_line_ids.sale_line_ids.move_ids.mapped("state")  # read for all at once
        self.move_id.reversed_entry_id[INVOICE_REVERSALS].mapped("state")
        amounts = self._approval_amounts()
        facts = {}
        for document in self:
            invoice = document._approval_invoice()
            customer = document._approval_partner()
            read = {
                "amount": lambda document=document: amounts[document.id],
                "without_invoice": lambda invoice=invoice: not invoice,
                "over_invoice": lambda document=document, invoice=invoice: document._approval_over(invoice),
                "goods_returned": lambda document=document: document._approval_goods_returned(),
                "age_of_invoice": lambda document=document, invoice=invoice: (
                    (document._approval_judged_on() - invoice.invoice_date).days if invoice else None
                ),
                "return_reason": lambda document=document: document.move_id.return_reason_id.id or None,
                "age_of_sale": lambda document=document: document._approval_age_of_sale(),
                "in_warranty": lambda document=document: document._approval_in_warranty(),
                "site": lambda document=document: document._approval_sold_from("id"),
                "region": lambda document=document: document._approval_sold_from("region_id"),
                "customer_tier": lambda customer=customer: customer.customer_tier,
                "customer": lambda customer=customer: customer.id,
                "categories": lambda document=document: (
                    document._approval_lines().product_id.categ_id._approval_with_parents()
                ),
                "requester": lambda: self.env.uid,
            }
            facts[document.id] = {name: read[name]() for name in {*names, "amount"}}
        return facts

    def _approval_facts_of_past(self, names):
        self._approval_prefetch_past()
        return super()._approval_facts_of_past(names)

    def _approval_prefetch_past(self):
        """Read what the facts look at for all of very many credit notes at once, not one by one."""
        invoices = self.move_id.reversed_entry_id
        (self.move_id | invoices | invoices[INVOICE_REVERSALS]).line_ids.mapped("balance")
        lines = self.move_id.invoice_line_ids
        lines.tax_ids.mapped("amount")
        sold = lines.sale_line_ids
        (sold.move_ids.location_id | sold.move_ids.location_dest_id).mapped("usage")
        sold.invoice_lines.mapped("parent_state")
        sold.invoice_lines.move_id.mapped("state")
        sold.order_id.warehouse_id.mapped("region_id")
        lines.product_id.mapped("type")
        lines.product_id.uom_id.mapped("rounding")
        lines.product_id.categ_id._approval_prefetch_parents()
        self.move_id.commercial_partner_id.mapped("customer_tier")

    def _approval_invoice(self):
        """The posted invoice of the same customer that is reversed, or an empty recordset."""
        self.ensure_one()
        return self.move_id.reversed_entry_id.filtered(
            lambda move: (
                move.state == "posted"
                and move.move_type == "out_invoice"
                and move.commercial_partner_id == self.move_id.commercial_partner_id
            )
        )

    def _approval_over(self, invoice):
        """Whether the invoice is credited beyond its amount; without an invoice it always is.

        By what is booked, and for this credit note by its prices as well: totals are stored, and anybody
        who writes the entry can set them.
        """
        if not invoice or invoice.currency_id != self.move_id.currency_id:
            return True
        others = self._approval_until_then(
            invoice[INVOICE_REVERSALS].filtered(lambda move: move.state == "posted") - self.move_id
        )
        credited = sum((move._approval_payable() for move in others), self._approval_total())
        return credited > invoice._approval_payable() + as_decimal(invoice.currency_id.rounding) / 2

    def _approval_sold_at(self):
        """``[(line, moment)]``: when the goods on each line were delivered, what is no goods was ordered; or None."""
        moments = []
        for line in self._approval_lines():
            sold = line.sale_line_ids
            if line.product_id.type == "service":
                known = sold.order_id.mapped("date_order")
            else:
                deliveries = self._approval_moved_until_then(sold.move_ids).filtered(
                    lambda move: move.location_dest_id.usage == "customer"
                )
                known = deliveries.mapped("date")
            moments.append((line, min(filter(None, known), default=None)))
        return moments

    def _approval_days_since(self, moment):
        return (self._approval_judged_on() - day_of(self.company_id, moment)).days

    def _approval_age_of_sale(self):
        moments = [moment for _line, moment in self._approval_sold_at()]
        if not moments or None in moments:
            return Unknown(_("it is not known when everything that is credited was sold"))
        return self._approval_days_since(min(moments))

    def _approval_in_warranty(self):
        goods = [(line, moment) for line, moment in self._approval_sold_at() if line.product_id.type != "service"]
        if not goods or not all(line.product_id and moment for line, moment in goods):
            return Unknown(_("it is not known when the goods that are credited were delivered"))
        return all(
            self._approval_days_since(moment) <= line.product_id.categ_id._approval_warranty_days()
            for line, moment in goods
        )

    def _approval_sold_from(self, name):
        """The id that the one site has in its field ``name``, or Unknown."""
        sites = self._approval_lines().sale_line_ids.order_id.warehouse_id
        if len(sites) != 1:
            return Unknown(_("no order, or more than one, says which site delivered what is credited"))
        return (sites.id if name == "id" else sites[name].id) or None

    def _approval_total(self):
        """With taxes, in the currency of the credit note: what is booked or what its prices say, whichever is more."""
        self.ensure_one()
        lines = self._approval_lines()
        booked = self.move_id._approval_payable()
        priced = sum(
            (as_decimal(line._approval_value()) + line._approval_tax(line.tax_ids) for line in lines), Decimal(0)
        )
        # Taxes are rounded by line or in total.
        slack = len(lines) * as_decimal(self.move_id.currency_id.rounding)
        return priced if priced - booked > slack else booked

    def _approval_take_turn(self):
        """Credit notes for one invoice, or for one order's goods, that are judged at the same instant take turns.

        Only where it counts: outside of a frame somebody merely looks.
        """
        if not in_frame(self.env):
            return
        rows = set()
        for document in self:
            company, move = document.company_id.id, document.move_id
            rows |= {(self._approval_type, company, invoice.id) for invoice in move.reversed_entry_id}
            orders = move.invoice_line_ids.sale_line_ids.order_id
            rows |= {(f"{self._approval_type}_goods", company, order.id) for order in orders}
        self.env["distribution.approval.turn"]._take_rows(rows)

    def _approval_goods_returned(self):
        """Whether for every product line the goods came back and were not credited before."""
        wanted = {}
        for line in self._approval_lines():
            if line.product_id.type == "service":
                continue
            for sold in line.sale_line_ids[:1]:
                wanted[sold] = wanted.get(sold, Decimal(0)) + as_decimal(
                    line.product_uom_id._compute_quantity(line.quantity, line.product_id.uom_id, round=False)
                )
            if not line.sale_line_ids:
                return False
        for sold, quantity in wanted.items():
            back = sum(
                as_decimal(move.product_uom._compute_quantity(move.quantity, move.product_id.uom_id, round=False))
                for move in self._approval_moved_until_then(sold.move_ids)
                if move.location_id.usage == "customer"
            )
            earlier = self._approval_until_then(sold.invoice_lines.move_id - self.move_id)
            credited = sum(
                as_decimal(line.product_uom_id._compute_quantity(line.quantity, line.product_id.uom_id, round=False))
                for line in sold.invoice_lines
                if line.parent_state == "posted" and line.move_type == "out_refund" and line.move_id in earlier
            )
            if quantity > back - credited:
                return False
        return True

    # -------------------------------------------------------------- looking back

    @api.model
    def _approval_past_words(self):
        return _(
            "Credit notes posted before governance began are simulated as well, as of the end of their day and at the "
            "exchange rate at which they are booked."
        )

    @api.model
    def _approval_past_ids(self, companies, since, after=0, limit=None):
        self.env["account.move"].flush_model(["move_type", "state", "company_id", "invoice_date"])
        self.flush_model(["move_id"])
        self.env.cr.execute(
            """SELECT move.id
                 FROM account_move move
                WHERE move.move_type = 'out_refund' AND move.state = 'posted' AND move.company_id = ANY(%s)
                  AND move.invoice_date >= %s AND move.id > %s
                  AND NOT EXISTS (SELECT 1 FROM distribution_customer_credit_note document
                                   WHERE document.move_id = move.id)
             ORDER BY move.id
                LIMIT %s""",
            (companies.ids, since.date(), after, limit),
        )
        return [move_id for (move_id,) in self.env.cr.fetchall()]

    @api.model
    def _approval_past_rows(self, source_ids):
        """Only the day of a credit note is kept: what happened on it was there."""
        zones = {}

        def end_of_day(move):
            zone = zones.setdefault(move.company_id, pytz.timezone(move.company_id._approval_time_zone()))
            last = zone.localize(datetime.combine(move.invoice_date, time(23, 59, 59)))
            return last.astimezone(pytz.utc).replace(tzinfo=None)

        return [
            {
                "move_id": move.id,
                "company_id": move.company_id.id,
                "create_uid": move.create_uid.id or None,
                "create_date": end_of_day(move),
            }
            for move in self.env["account.move"].browse(source_ids)
        ]

    def _approval_until_then(self, moves):
        """Those of these entries that were there when this one is judged: of a day, the lower ids came first."""
        if not looks_back(self.env):
            return moves
        own = self.move_id
        day = own.invoice_date or self._approval_judged_on()
        return moves.filtered(lambda move: (move.invoice_date or day, move.id) < (day, own.id))

    def _approval_moved_until_then(self, moves):
        """Those of these stock moves that were done when this credit note is judged."""
        done = moves.filtered(lambda move: move.state == "done")
        if not looks_back(self.env):
            return done
        moment = self._approval_judged_at()
        return done.filtered(lambda move: move.date <= moment)

    # ------------------------------------------------------------- core flow

    def _approval_note_editors(self):
        """What core works out while it posts is nobody's edit."""
        promises = frame_of(self.env).promises
        open_documents = self.filtered(lambda document: (document._name, document.id) not in promises)
        super(CustomerCreditNote, open_documents)._approval_note_editors()

    def _approval_resume(self, action):
        for document in self:
            self.env["account.move"].browse(document.sudo().move_id.id).action_post()

    def _approval_review_open(self, frame):
        """A draft may change: posting compares it. What was in force and left it needs a new release."""
        left = self.filtered(lambda d: frame.was_guarded.get((d._name, d.id)) and d.approval_state)
        left._approval_void_all(_("The credit note was taken back to draft."))
        (self - left).filtered(lambda d: (d._name, d.id) in frame.promises)._approval_set_state(False)


class AccountMove(models.Model):
    _inherit = "account.move"

    credit_note_document_ids = fields.One2many(
        "distribution.customer.credit.note", "move_id", string="Credit Note for Approval", readonly=True, copy=False
    )
    credit_note_state = fields.Selection(
        selection=lambda self: self.env["distribution.customer.credit.note"]._fields["approval_state"].selection,
        compute="_compute_credit_note_state",
        search="_search_credit_note_state",
        compute_sudo=True,
        string="Approval of the Credit Note",
    )
    credit_note_banner = fields.Html(compute="_compute_credit_note_banner", sanitize=False)
    return_reason_id = fields.Many2one(
        "distribution.return.reason",
        copy=False,
        ondelete="restrict",
        help="Why the customer is credited; the policy on credit notes decides by it.",
    )

    @api.model
    def _approval_shown_models(self):
        return {**super()._approval_shown_models(), "distribution.customer.credit.note": "move_id"}

    @api.depends("credit_note_document_ids.approval_state")
    def _compute_credit_note_state(self):
        for move in self:
            move.credit_note_state = move.credit_note_document_ids.approval_state

    @api.model
    def _search_credit_note_state(self, operator, value):
        # sudo: the documents tell ids of entries only; the reader's own rules on these still hold
        documents = self.env["distribution.customer.credit.note"].sudo()
        wanted = [value] if value is False or isinstance(value, str) else list(value)
        domain = [("id", "in", documents.search([("approval_state", "in", [*filter(None, wanted)])]).move_id.ids)]
        if not all(wanted):
            asked = documents.search([("approval_state", "!=", False)]).move_id.ids
            domain = ["|", *domain, ("id", "not in", asked)]
        return ["!", *domain] if operator in ("!=", "not in") else domain

    @api.depends_context("uid")
    @api.depends("credit_note_document_ids.approval_state")
    def _compute_credit_note_banner(self):
        for move in self:
            request = move.sudo().credit_note_document_ids.approval_request_id
            move.credit_note_banner = request._banner() if request else False

    @api.model
    def _search_approval_to_decide(self, operator, value):
        """What waits for a decision on the entry itself (a bill), or on its credit note."""
        own = super()._search_approval_to_decide(operator, value)
        # sudo: the documents tell ids of entries only; the reader's own rules on these still hold
        notes = self.env["distribution.customer.credit.note"].sudo().search([("approval_to_decide", "=", True)])
        if own[0][1] == "in":
            return ["|", *own, ("id", "in", notes.move_id.ids)]
        return ["&", *own, ("id", "not in", notes.move_id.ids)]

    @api.depends_context("uid")
    @api.depends("credit_note_document_ids.approval_state")
    def _compute_approval_banner(self):
        """Whoever is asked about a credit note, or asked, acts in its own form."""
        super()._compute_approval_banner()
        for move in self:
            request = move._credit_note_asked().approval_request_id
            if request:
                move.approval_can_decide = move.approval_to_decide = bool(request._my_task())
                move.approval_can_withdraw = request._may_withdraw(self.env.user)

    def _compute_approval_request(self):
        super()._compute_approval_request()
        for move in self:
            if document := move._credit_note_asked():
                move.approval_request_count = document.approval_request_count

    @api.depends("approval_state", "credit_note_state")
    def _compute_hide_post_button(self):
        """Who waits for a decision does not press again; on hold, and after a revision, they do."""
        super()._compute_hide_post_button()
        for move in self:
            if not {"pending", "question"}.isdisjoint((move.approval_state, move.credit_note_state)):
                move.hide_post_button = True

    def _credit_note_asked(self):
        """The document of this entry, if policy was asked about it as a credit note."""
        # sudo: whoever works on the credit note need not read its document; what they may do is asked of the request
        return self.sudo().credit_note_document_ids.filtered("approval_state")

    def action_approval_open(self):
        document = self._credit_note_asked()
        return document.action_approval_open() if document else super().action_approval_open()

    def action_approval_decide(self):
        document = self._credit_note_asked()
        return document.action_approval_decide() if document else super().action_approval_decide()

    def action_approval_withdraw(self):
        for move in self:
            document = move._credit_note_asked()
            if document:
                document.action_approval_withdraw()
            else:
                super(AccountMove, move).action_approval_withdraw()
        return True

    def _credit_notes_governed(self):
        """Those of these entries that are customer credit notes under approval."""
        activation = self.env["distribution.approval.activation"]
        if not activation._governed_places("customer_credit_note"):
            return self.browse()
        refunds = self.filtered(lambda move: move.move_type == "out_refund")
        places = {
            company.id: activation._governed_sites("customer_credit_note", company) for company in refunds.company_id
        }

        def governed(move):
            place = places[move.company_id.id]
            return place is EVERYWHERE or (
                place
                # About which policy was asked once stays governed. sudo: nobody need read document and order
                and (
                    any(move.sudo().credit_note_document_ids.mapped("approval_state"))
                    or move.sudo()._credit_note_site().id in place
                )
            )

        return refunds.filtered(governed)

    def _credit_note_site(self):
        """The site that delivered what is credited."""
        return self.invoice_line_ids.sale_line_ids.order_id.warehouse_id[:1]

    def _credit_note_documents(self):
        """The documents of these credit notes, created where missing; nobody has the right to write them."""
        documents = self._credit_note_documents_known()
        missing = self - self.browse(documents.sudo().move_id.ids)
        return documents | documents.browse(missing._credit_note_documents_new().ids)

    def _credit_note_documents_known(self):
        documents = self.env["distribution.customer.credit.note"]
        # sudo: whoever works on the credit note need not read its document
        return documents.browse(documents.sudo().search([("move_id", "in", self.ids)]).ids if self else [])

    def _credit_note_documents_new(self):
        # sudo: nobody has the right to create them
        documents = self.env["distribution.customer.credit.note"].sudo()
        return documents.create([{"move_id": move.id, "company_id": move.company_id.id} for move in self])

    def _credit_notes_changing(self, changed=False, missing=True):
        """The documents of those governed credit notes that are posted, or about which policy was asked.

        :param changed: whether the content has changed already
        :param missing: whether posted ones count that policy was not asked about, and get a document
        """
        governed = self._credit_notes_governed()
        documents = governed._credit_note_documents_known()
        if not missing:
            return documents.filtered(lambda document: document.sudo().approval_state)
        posted = governed.filtered(lambda move: move.state == "posted")
        undocumented = posted - self.browse(documents.sudo().move_id.ids)
        if undocumented:
            new = documents.browse(undocumented._credit_note_documents_new().ids)
            if not changed:
                # Posted before governance: what it is now is what it was.
                frame = frame_of(self.env)
                frame.unborn(
                    new.filtered(lambda document: (self._name, document.sudo().move_id.id) not in frame.created)
                )
            documents |= new
        return documents

    def _credit_notes_touch(self, vals, changed=False):
        """Have those that ``vals`` are written on, or were, reviewed when the frame closes."""
        documents = self._credit_notes_changing(changed)
        if documents:
            frame_of(self.env).touch(documents, changed=changed)
            if CONTROLLED & vals.keys():
                documents._approval_note_editors()

    def _post(self, soft=True):
        governed = self.filtered(lambda move: move.state != "posted")._credit_notes_governed()
        if not governed:
            return super()._post(soft=soft)
        with gate_frame(self.env) as frame:
            documents = governed._credit_note_documents()
            frame.touch(documents)
            held = documents._approval_screen("action_post").sudo().move_id
            if held and self.env.context.get("move_reverse_cancel"):
                raise UserError(
                    _(
                        "The credit note for %s needs approval before it can be posted. "
                        "Reverse the invoice without a new one, confirm the credit note, and invoice again "
                        "when it is approved.",
                        ", ".join(held.reversed_entry_id.mapped("name")),
                    )
                )
            return super(AccountMove, self - self.browse(held.ids))._post(soft=soft)

    def write(self, vals):
        if not WATCHED & vals.keys():
            return super().write(vals)
        becomes = vals.get("move_type") == "out_refund"
        governed = self._credit_notes_governed()
        if not governed and not becomes:
            return super().write(vals)
        with gate_frame(self.env) as frame:
            governed._credit_notes_touch(vals)
            if vals.get("state") == "posted":
                documents = governed.filtered(lambda move: move.state != "posted")._credit_note_documents()
                frame.touch(documents)
                if documents._approval_screen("action_post"):
                    raise UserError(_("These credit notes cannot be posted like this: they need approval first."))
            result = super().write(vals)
            self._credit_notes_touch(vals, changed=True)
            return result

    def _approval_watch_columns(self, names):
        super()._approval_watch_columns(names)
        if not WATCHED.isdisjoint(names):
            documents = self.sudo()._credit_notes_changing(missing=False)
            if documents:
                written_directly(documents)

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        posted = moves.filtered(lambda move: move.state == "posted")._credit_notes_governed()
        if posted:
            with gate_frame(self.env) as frame:
                frame.touch(posted._credit_note_documents(), changed=True)
        return moves


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _approval_other_documents(self, changed=False, missing=True):
        return self.move_id._credit_notes_changing(changed, missing)


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    return_reason_id = fields.Many2one("distribution.return.reason")

    def _prepare_default_reversal(self, move):
        values = super()._prepare_default_reversal(move)
        return {**values, "return_reason_id": self.return_reason_id.id} if move.move_type == "out_invoice" else values


def _positive(values):
    return sum((max(value, Decimal(0)) for value in values), Decimal(0))
