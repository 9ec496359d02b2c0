"""Three-way match: each bill line against order and receipts, with the tolerances of vendor and category.

The comparison is that of the gate (``distribution_approval``: loaded and compared in sets); here are the tolerances,
the verdict as facts for policies, and its record. A bill that does not match is held by policy, not by this: a rule
“bill matches is false” requires a decision, and the receipt or refund that makes it match releases it.
"""

from collections import defaultdict

from odoo import _, api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from odoo.addons.distribution_approval.documents.vendor_bill_match import BILL_TYPES
from odoo.addons.distribution_approval.engine import FactSpec, FactType, Unknown, as_decimal
from odoo.addons.distribution_approval.engine.bill_verdict import Limit, Terms, Tolerance, judge_bill
from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES, PURCHASE_LINE_TAXES

KINDS = [
    ("quantity", "More than ordered"),
    ("price", "Dearer than ordered"),
    ("receipt", "Not received"),
    ("tax", "Tax"),
    ("freight", "Freight"),
    ("no_order", "Without order"),
    ("total", "All in all"),
]
#: Facts that this adds to the table of vendor bills.
FACTS = frozenset({"bill_matches", "match_amount_beyond", "match_kinds"})
#: SQL, of a row of ``distribution_match_line``: the site for which all orders of its bill were bought. A bill of
#: several sites, without an order, or of goods that go past the sites belongs to none.
SITE_OF_BILL = """(
    SELECT CASE WHEN count(*) = 1 THEN min(bought_for.site_id) END
      FROM (SELECT DISTINCT kind.warehouse_id AS site_id
              FROM distribution_match_line same
              JOIN purchase_order_line ordered ON ordered.id = same.order_line_ref
              JOIN purchase_order purchase ON purchase.id = ordered.order_id
         LEFT JOIN stock_picking_type kind ON kind.id = purchase.picking_type_id
             WHERE same.bill_ref = distribution_match_line.bill_ref) bought_for)"""


class MatchLine(models.Model):
    """The verdict on a bill line when the bill was confirmed, or first asked to be; kept for ever."""

    _name = "distribution.match.line"
    _description = "Bill Match"
    _inherit = ["distribution.engine.evidence"]
    _about = "bill_id"
    _log_access = False
    _order = "id desc"
    _rec_name = "verdict"

    # Plain numbers: bills in draft may be deleted.
    bill_ref = fields.Integer("Bill Reference", required=True, readonly=True, index=True)
    bill_line_ref = fields.Integer("Bill Line Reference", readonly=True)
    order_line_ref = fields.Integer("Order Line Reference", readonly=True, index=True)
    vendor_ref = fields.Integer("Vendor Reference", readonly=True, index=True)
    bill_id = fields.Many2one("account.move", compute="_compute_bill_id", compute_sudo=False)
    site_id = fields.Many2one(
        "stock.warehouse",
        compute="_compute_site_id",
        search="_search_site_id",
        help="For which all orders of the bill were bought. Empty: for several, or without an order.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    product_id = fields.Many2one("product.product", readonly=True, index="btree_not_null", ondelete="restrict")
    matched_at = fields.Datetime("Compared", required=True, readonly=True, index=True)
    verdict = fields.Selection(
        [
            ("match", "Matches"),
            ("tolerated", "Within Tolerance"),
            ("beyond", "Beyond Tolerance"),
            ("unknown", "Not known"),
        ],
        required=True,
        readonly=True,
    )
    kind = fields.Selection(KINDS, "Difference", readonly=True, help="The largest one.")
    amount = fields.Monetary(readonly=True, help="All differences of the line.")
    amount_beyond = fields.Monetary("Beyond Tolerance", readonly=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.depends("bill_ref")
    def _compute_bill_id(self):
        known = {bill.id: bill for bill in self.env["account.move"].browse(self.mapped("bill_ref")).exists()}
        for row in self:
            row.bill_id = known.get(row.bill_ref)

    @api.depends("bill_ref", "order_line_ref")
    def _compute_site_id(self):
        self._flush_sites()
        self.env.cr.execute(f"SELECT id, {SITE_OF_BILL} FROM {self._table} WHERE id = ANY(%s)", (self.ids,))
        known = dict(self.env.cr.fetchall())
        for row in self:
            row.site_id = known.get(row.id)

    @api.model
    def _search_site_id(self, operator, value):
        if operator in ("=", "!=", "in", "not in") and not isinstance(value, str):
            sites = {site or 0 for site in (value if operator in ("in", "not in") else [value])}
        else:  # what somebody typed
            words = [("name", operator.removeprefix("not "), value)] if isinstance(value, str) else value
            sites = set(self.env["stock.warehouse"].with_context(active_test=False).search(words).ids)
        self._flush_sites()
        query = self._search([])
        # 0 is no site's number: it stands for none.
        query.add_where(SQL(f"COALESCE({SITE_OF_BILL}, 0) = ANY(%s)", list(sites)))  # pylint: disable=sql-injection
        return [("id", "not in" if operator.startswith(("!", "not")) else "in", query)]

    def _flush_sites(self):
        self.flush_model(["bill_ref", "order_line_ref"])
        for model, names in (
            ("purchase.order.line", ["order_id"]),
            ("purchase.order", ["picking_type_id"]),
            ("stock.picking.type", ["warehouse_id"]),
        ):
            self.env[model].flush_model(names)


class SupplierTolerance(models.Model):
    _inherit = "distribution.supplier.tolerance"

    bill_price_percent = fields.Float("Bill: Price (%)", help="Dearer than ordered; of the ordered value.")
    bill_price_amount = fields.Float(
        "Bill: Price (at most)", help="In the currency of the bill; 0: no limit but percent."
    )
    bill_quantity_percent = fields.Float("Bill: Quantity (%)", help="Billed beyond what the order leaves open.")
    bill_receipt_percent = fields.Float("Bill: Not Received (%)", help="Billed and not received.")
    bill_tax_amount = fields.Float("Bill: Tax (at most)", help="Up or down, in the currency of the bill.")
    bill_freight_amount = fields.Float(
        "Bill: Freight beyond Expected (at most)",
        help="For the bill, beyond what its orders led to expect. Where nothing was expected, freight without an order "
        "line is not ordered, whatever stands here.",
    )
    bill_total_amount = fields.Float(
        "Bill: Total (at most)", help="All tolerated differences of a bill together; 0: no limit of its own."
    )

    _sql_constraints = [
        (
            "bill_values_positive",
            "CHECK (bill_price_percent >= 0 AND bill_price_amount >= 0 AND bill_quantity_percent >= 0 "
            "AND bill_receipt_percent >= 0 AND bill_tax_amount >= 0 AND bill_freight_amount >= 0 "
            "AND bill_total_amount >= 0)",
            "Tolerances: 0 or more.",
        ),
    ]

    def _bill_tolerance(self):
        """As the engine takes it; ``self`` may be empty: nothing is tolerated."""
        return Tolerance(
            quantity=Limit(percent=self.bill_quantity_percent or None),
            price=Limit(
                percent=self.bill_price_percent or None,
                amount=(self.bill_price_amount or None) if self.bill_price_percent else None,
            ),
            receipt=Limit(percent=self.bill_receipt_percent or None),
            tax=Limit(amount=self.bill_tax_amount or None),
            freight=Limit(amount=self.bill_freight_amount or None),
            total=Limit(amount=self.bill_total_amount) if self.bill_total_amount else None,
        )


class AccountMove(models.Model):
    _inherit = "account.move"

    # ------------------------------------------------------------
    # Verdict
    # ------------------------------------------------------------

    def _bill_verdicts(self, billing=None):
        """``{id: BillVerdict or Unknown}``; a fixed number of queries, whatever the number of bills.

        :param billing: what ``_approval_billing`` of these bills says, if it was asked already
        """
        billing = self._approval_billing() if billing is None else billing
        matches = self._approval_matches(billing)
        tolerances, terms = self._bill_tolerances(billing), self._bill_terms()
        agreed = self._agreed_freight(billing, terms)
        no_freight = {line_id: own for line_id, own in terms.items() if not own.is_freight}
        verdicts = {}
        for bill in self:
            match = matches[bill.id]
            if isinstance(match, Unknown):
                verdicts[bill.id] = match
                continue
            own = tolerances[bill.company_id, bill.commercial_partner_id]
            verdicts[bill.id] = judge_bill(
                match,
                own[None],
                by_line={row.id: own[row.product] for row in billing[bill.id]},
                terms=terms if bill.id in agreed else no_freight,
                agreed_freight=agreed.get(bill.id, 0),
                coin=as_decimal(bill.currency_id.rounding),
            )
        return verdicts

    def _bill_tolerances(self, billing):
        """``{(company, vendor): {product id: Tolerance}}``; None has that of the bill as a whole."""
        products = defaultdict(set)
        for bill in self:
            products[bill.company_id, bill.commercial_partner_id].update(row.product for row in billing[bill.id])
        named = self.env["product.product"].browse(set().union(*products.values()) - {None})
        known = {product.id: product for product in named} | {None: named.browse()}
        chosen = self.env["distribution.supplier.tolerance"]._for_all(
            {place: [known[product] for product in {*own, None}] for place, own in products.items()}
        )
        engine = {row: row._bill_tolerance() for rows in chosen.values() for row in rows.values()}
        return {
            place: {product.id or None: engine[row] for product, row in rows.items()} for place, rows in chosen.items()
        }

    def _bill_terms(self):
        """``{line id: Terms}`` of the lines that have more to say than nothing: taxes that are not those of the
        order, freight without order, an order of somebody else or not in force."""
        # SQL: of thousands of lines these are few, and looking at each would take most of the time.
        lines, ordered = self.env["account.move.line"], self.env["purchase.order.line"]
        lines.flush_model(["move_id", "product_id", "purchase_line_id", "tax_ids"])
        ordered.flush_model(["order_id", PURCHASE_LINE_TAXES])
        self.env["purchase.order"].flush_model(["state", "partner_id"])
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env["product.template"].flush_model(["landed_cost_ok", "type"])
        self.flush_recordset(["commercial_partner_id"])
        taxes, order_taxes = (
            f"ARRAY(SELECT {field.column2} FROM {field.relation} WHERE {field.column1} = {table}.id ORDER BY 1)"
            for field, table in ((lines._fields["tax_ids"], "line"), (ordered._fields[PURCHASE_LINE_TAXES], "ordered"))
        )
        self.env.cr.execute(
            f"""SELECT * FROM (
                    SELECT line.id, ordered.id IS NOT NULL AND {taxes} <> {order_taxes} AS is_taxed_otherwise,
                           ordered.id IS NULL AND template.landed_cost_ok AND template.type = 'service' AS is_freight,
                           ordered.id IS NOT NULL
                           AND (purchase.state <> ALL(%s)
                                OR vendor.commercial_partner_id IS DISTINCT FROM bill.commercial_partner_id)
                           AS is_foreign
                      FROM account_move_line line
                      JOIN account_move bill ON bill.id = line.move_id
                 LEFT JOIN purchase_order_line ordered ON ordered.id = line.purchase_line_id
                 LEFT JOIN purchase_order purchase ON purchase.id = ordered.order_id
                 LEFT JOIN res_partner vendor ON vendor.id = purchase.partner_id
                 LEFT JOIN product_product product ON product.id = line.product_id
                 LEFT JOIN product_template template ON template.id = product.product_tmpl_id
                     WHERE line.move_id = ANY(%s) AND line.display_type = 'product') found
                WHERE is_taxed_otherwise OR is_freight OR is_foreign""",
            (list(PURCHASE_CONFIRMED_STATES), self.ids),
        )
        found = self.env.cr.fetchall()
        otherwise = lines.browse(line_id for line_id, is_taxed_otherwise, *_rest in found if is_taxed_otherwise)
        tax = otherwise._taxed_otherwise()
        return {
            line_id: Terms(*tax.get(line_id, (0, None)), is_freight=bool(is_freight), is_foreign=bool(is_foreign))
            for line_id, _is_taxed_otherwise, is_freight, is_foreign in found
        }

    def _agreed_freight(self, billing, terms):
        """``{id: freight that orders lead to expect}`` of the bills that have freight and orders of which it is known,
        in their currency. Addons that know it say so; on other bills freight is not ordered."""
        return {}

    # ------------------------------------------------------------
    # Facts
    # ------------------------------------------------------------

    @api.model
    def _approval_fact_specs(self):
        specs = super()._approval_fact_specs()
        for spec in (
            FactSpec(
                "bill_matches",
                "Bill matches order and receipts",
                FactType.FLAG,
                help="Nothing beyond the tolerances of the vendor and the product category (Vendor Tolerances).",
            ),
            FactSpec(
                "match_amount_beyond",
                "Beyond the match tolerances",
                FactType.MONEY,
                unit="company currency",
                help="Sum of the differences that are beyond tolerance.",
            ),
            FactSpec(
                "match_kinds",
                "What does not match",
                FactType.SELECTION,
                options=(("none", "Nothing"), *KINDS),
                help="The largest difference beyond tolerance.",
            ),
        ):
            specs[spec.name] = spec
        return specs

    def _approval_facts(self, names):
        names = set(names)
        facts = super()._approval_facts(names - FACTS)
        own = names & FACTS
        if own:
            for bill_id, verdict in self._bill_verdicts().items():
                read = self.browse(bill_id)._facts_of_verdict(verdict)
                facts[bill_id].update({name: read[name] for name in own})
        return facts

    def _facts_of_verdict(self, verdict):
        self.ensure_one()
        if isinstance(verdict, Unknown):
            return dict.fromkeys(FACTS, verdict)
        worst = max(verdict.beyond, key=lambda found: found.amount, default=None)
        return {
            "bill_matches": verdict.matches,
            "match_amount_beyond": self._approval_in_company_currency(
                verdict.amount_beyond, self.currency_id, self.company_id
            ),
            "match_kinds": worst.what if worst else "none",
        }

    # ------------------------------------------------------------
    # Kept
    # ------------------------------------------------------------

    def _post(self, soft=True):
        """What the comparison says when a bill is confirmed first – released or held – is kept.

        What is beyond tolerance is a case; it closes when a bill that was held is released.
        """
        bills = self.filtered(
            lambda move: move.move_type in BILL_TYPES and move.state == "draft" and move.company_id.bill_match_kept
        )
        held = bills.sudo()._keep_verdicts() if bills else bills  # sudo: found for whoever confirms
        result = super()._post(soft=soft)
        held._mend_match_cases(_("The bill was released."))
        return result

    def button_cancel(self):
        result = super().button_cancel()
        self.filtered(lambda move: move.state == "cancel")._mend_match_cases(_("The bill was cancelled."), "cancel")
        return result

    def unlink(self):
        keys = self._match_keys()
        result = super().unlink()
        if keys:
            self.env["distribution.case"]._mend(keys, _("The bill was deleted."))
        return result

    def _match_keys(self):
        return [f"bill_mismatch:{bill.id}" for bill in self if bill.move_type in BILL_TYPES]

    def _mend_match_cases(self, words, state="posted"):
        """Close the cases of these bills, as far as they are in ``state``."""
        keys = self.filtered(lambda bill: bill.state == state)._match_keys()
        if keys:
            self.env["distribution.case"]._mend(keys, words)

    def _keep_verdicts(self):
        """One row per line; once per bill, so that what was repaired later still shows. Returns those known before."""
        kept = self.env["distribution.match.line"].search([("bill_ref", "in", self.ids)])
        known = self & self.browse(kept.mapped("bill_ref"))
        news = self - known
        if news:
            news._keep_new_verdicts()
        return known

    def _keep_new_verdicts(self):
        billing = self._approval_billing()
        verdicts = self._bill_verdicts(billing)
        rows = {bill: bill._match_rows(billing[bill.id], verdicts[bill.id]) for bill in self}
        self.env["distribution.match.line"]._append([row for own in rows.values() for row in own])
        beyond = self.filtered(lambda bill: any(row["verdict"] == "beyond" for row in rows[bill]))
        for bill in beyond:
            bill._open_match_case(rows[bill])
        for fact, bills in (("mismatched", beyond), ("matched", self - beyond)):
            self.env["distribution.event"]._record(
                f"distribution.vendor_bill.{fact}.v1",
                bills,
                lambda bill: {
                    "vendor_id": bill.commercial_partner_id.id or None,
                    "currency": bill.currency_id.name,
                    "amount": bill.amount_untaxed,
                    "lines": [
                        {
                            "order_line_id": row["order_line_ref"] or None,
                            "verdict": row["verdict"],
                            "difference": row["kind"] or None,
                            "amount": row["amount"],
                        }
                        for row in rows[bill]
                    ],
                },
            )

    def _open_match_case(self, rows):
        """Somebody clears it with the vendor, whether policy holds the bill or not."""
        self.ensure_one()
        orders = self._approval_order_lines().order_id
        self.env["distribution.case"]._open(
            "bill_mismatch",
            self,
            _("Bill %s does not match", self.ref or self._approval_name()),
            detail="\n".join(self._words_beyond(row) for row in rows if row["verdict"] == "beyond"),
            dedup_key=self._match_keys()[0],
            correlation=f"purchase.order,{orders[:1].id}" if orders else None,
            documents=[*orders, *orders.supplier_confirmation_ids],
        )

    def _words_beyond(self, row):
        """One line of the case: what is in dispute."""
        if row["kind"] == "total":
            return _("What is tolerated line by line adds up to more than is allowed for a bill.")
        labels = dict(self.env["distribution.match.line"]._fields["kind"]._description_selection(self.env))
        product = self.env["product.product"].browse(row["product_id"] or ())
        return _(
            "%(what)s – %(difference)s: %(amount)s",
            what=product.display_name or _("without product"),
            difference=labels[row["kind"]],
            amount=formatLang(self.env, row["amount_beyond"], currency_obj=self.currency_id),
        )

    def _match_rows(self, billing, verdict):
        """Values of the rows of one bill; differences of the bill as a whole are a row of their own."""
        self.ensure_one()
        shared = {
            "bill_ref": self.id,
            "vendor_ref": self.commercial_partner_id.id,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
            "matched_at": fields.Datetime.now(),
        }
        if isinstance(verdict, Unknown):
            return [{**shared, **_subject(row), **_outcome([]), "verdict": "unknown"} for row in billing]
        found = defaultdict(list)
        for difference in verdict.differences:
            found[difference.key].append(difference)
        rows = [{**shared, **_subject(row), **_outcome(found[row.id])} for row in billing]
        if found[None]:
            rows.append({**shared, **_subject(None), **_outcome(found[None])})
        return rows

    def action_open_match(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_match_line")
        return {**action, "domain": [("bill_ref", "=", self.id)], "context": {}}


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _taxed_otherwise(self):
        """``{id: (tax, that by the taxes of the order)}``."""
        ordered = self.purchase_line_id.sudo()  # sudo: whoever confirms the bill
        taxes = self.tax_ids | ordered[PURCHASE_LINE_TAXES]
        for names in ("invoice_repartition_line_ids.tag_ids", "refund_repartition_line_ids.tag_ids"):
            taxes.flatten_taxes_hierarchy().mapped(names)
        return {line.id: (line._approval_tax(line.tax_ids), line._approval_expected_tax()) for line in self}


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def _is_in_force_with(self, vendor):
        """Whether this is a confirmed order of ``vendor``, or of one of its addresses."""
        self.ensure_one()
        return self.state in PURCHASE_CONFIRMED_STATES and self.partner_id.commercial_partner_id == vendor


class ResCompany(models.Model):
    _inherit = "res.company"

    bill_match_kept = fields.Boolean(
        "Keep Bill Matches",
        help="What the comparison with orders and receipts says when a bill is confirmed first is kept; the scorecard "
        "of the vendor rests on it.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    bill_match_kept = fields.Boolean(related="company_id.bill_match_kept", readonly=False)


def _subject(row):
    return {
        "bill_line_ref": row.id if row else False,
        "order_line_ref": row and row.order_line or False,
        "product_id": row and row.product or False,
    }


def _outcome(differences):
    beyond = [found for found in differences if not found.within]
    worst = max(beyond or differences, key=lambda found: found.amount, default=None)
    return {
        "verdict": "beyond" if beyond else "tolerated" if differences else "match",
        "kind": worst.what if worst else False,
        "amount": float(sum(found.amount for found in differences if found.what != "total")),
        "amount_beyond": float(sum(found.amount for found in beyond if found.what != "total")),
    }
