"""Three-way match: our verdicts beside those of a competent batched ORM version, on the same bills.

Bills of ten lines are written with what happens to bills: dearer, more than ordered, not received, sent back, billed
before, billed in dozens, without order, two lines for one order line, another tax; tolerances by vendor and category.
Both judge them in turn, 1,000 bills at a time, and their verdicts are compared: each difference to the cent, and
whether it is within tolerance. Then the verdicts are kept. The exit code is 1 when a limit is broken or a verdict
differs::

    make bench BENCH=bill_match            # or, by hand, in the setting that it prepares:
    python -m tools.bench.bench_bill_match [--lines 1000|10000|100000] [--pairs 5]
"""

import argparse
import gc
import resource
import time
from collections import defaultdict

from . import benchmarks_document
from .copies import copy_row
from .pairs import ratio
from .setting import SUITE, Measured, odoo, series, versions

LINES, PAIRS = 100_000, 5
LINES_PER_BILL, BATCH = 10, 1000
VENDORS, CATEGORIES, PRODUCTS = 40, 8, 200
#: Times the competent version, at the upper end of the interval; queries for 1,000 bills.
SLOWER, QUERIES = 2.0, 60


# ------------------------------------------------------------------ company


def generate(env, lines):
    """``lines`` lines of draft bills, each with its order and receipts; returns the bills."""
    from odoo import Command

    from odoo.addons.distribution_core.compat import PURCHASE_LINE_TAXES, storable_product_values

    company = env.company
    company.bill_match_kept = True
    categories = env["product.category"].create([{"name": f"Category {number}"} for number in range(CATEGORIES)])
    products = env["product.product"].create(
        [
            {"name": f"Part {number}", "categ_id": categories[number % CATEGORIES].id, "purchase_method": "receive"}
            | storable_product_values()
            for number in range(PRODUCTS)
        ]
    )
    vendors = env["res.partner"].create([{"name": f"Vendor {number}"} for number in range(VENDORS)])
    env["distribution.supplier.tolerance"].create(
        [
            {"bill_price_percent": 1, "bill_receipt_percent": 1},
            {"vendor_id": vendors[3].id, "bill_price_percent": 2, "bill_price_amount": 5, "bill_total_amount": 20},
            {"category_id": categories[2].id, "bill_quantity_percent": 5, "bill_tax_amount": 3},
            {"vendor_id": vendors[4].id, "category_id": categories[1].id, "bill_price_percent": 8},
        ]
    )
    tax = env["account.tax"].create({"name": "Bench 15", "amount": 15, "type_tax_use": "purchase"})
    order = env["purchase.order"].create(
        {
            "partner_id": vendors[0].id,
            "order_line": [
                Command.create(
                    {
                        "product_id": products[0].id,
                        "product_qty": 10,
                        "price_unit": 10,
                        PURCHASE_LINE_TAXES: [Command.set(tax.ids)],
                    }
                )
            ],
        }
    )
    order.button_confirm()
    order.picking_ids.move_ids.write({"quantity": 10, "picked": True})
    order.picking_ids._action_done()
    bill = env["account.move"].create(
        {
            "move_type": "in_invoice",
            "partner_id": vendors[0].id,
            "invoice_date": "2024-01-31",
            "invoice_line_ids": [
                Command.create(
                    {
                        "product_id": products[0].id,
                        "quantity": 10,
                        "price_unit": 10,
                        "purchase_line_id": order.order_line.id,
                        "tax_ids": [Command.set(tax.ids)],
                    }
                )
            ],
        }
    )
    env.flush_all()
    first = _write(env, lines, order, bill, tax, vendors, products, PURCHASE_LINE_TAXES)
    env.invalidate_all()
    env.cr.execute("ANALYZE")
    return env["account.move"].browse(range(first + 1, first + 1 + lines // LINES_PER_BILL))


def _write(env, lines, order, bill, tax, vendors, products, line_taxes):
    """Copies of ``order``, its receipt and ``bill``: what becomes of a line follows from its number.

    Something happens on every third bill.
    """
    cursor, dozen = env.cr, env.ref("uom.product_uom_dozen")
    move, order_line, bill_line = order.picking_ids.move_ids, order.order_line, bill.invoice_line_ids
    count = lines // LINES_PER_BILL
    first = {}
    for table in ("purchase_order", "purchase_order_line", "account_move", "account_move_line"):
        cursor.execute(f"SELECT max(id) FROM {table}")
        [first[table]] = cursor.fetchone()
    cursor.execute(
        """CREATE TEMP TABLE billed ON COMMIT DROP AS
           SELECT one.*, in_dozens, (%(vendors)s)[1 + mod(bill, cardinality(%(vendors)s))] AS vendor,
                  CASE WHEN in_dozens THEN ceil(quantity / 12.0) ELSE quantity END AS in_unit,
                  round(price * CASE WHEN in_dozens THEN 12 ELSE 1 END
                        * CASE WHEN mod(fate, 13) = 0 THEN 1.005 WHEN mod(fate, 19) = 0 THEN 1.05 ELSE 1 END, 4)
                  AS billed_price
             FROM (SELECT number, bill, fate, 10 + mod(number, 90) AS ordered,
                          1 + mod(number * 7, 500) / 4.0 AS price,
                          (%(products)s)[1 + mod(number, cardinality(%(products)s))] AS product,
                          10 + mod(number, 90) + CASE WHEN mod(fate, 29) = 0 THEN 2 ELSE 0 END AS quantity
                     FROM generate_series(1, %(lines)s) AS number
                    CROSS JOIN LATERAL (SELECT 1 + (number - 1) / %(each)s AS bill) of
                    CROSS JOIN LATERAL (SELECT CASE WHEN mod(bill, 3) = 0 THEN number ELSE 2 END AS fate) what) one
            CROSS JOIN LATERAL (SELECT mod(fate, 37) = 0 AS in_dozens) unit""",
        {"each": LINES_PER_BILL, "vendors": vendors.ids, "products": products.ids, "lines": lines},
    )
    cursor.execute("ANALYZE billed")
    bills = "(SELECT DISTINCT bill, vendor FROM billed) AS billed"
    of_order, of_bill = f"{first['purchase_order']} + bill", f"{first['account_move']} + bill"
    of_order_line = f"{first['purchase_order_line']} + number"
    named = {"id": of_order, "partner_id": "vendor", "name": "'bench ' || bill"}
    copy_row(env, "purchase_order", order.id, named, bills)
    ordered = {
        **dict.fromkeys(("product_qty", "product_uom_qty", "qty_received"), "ordered"),
        "price_unit": "price",
        "price_subtotal": "round(ordered * price, 2)",
        "price_tax": "round(ordered * price * 0.15, 2)",
        "price_total": "round(ordered * price * 1.15, 2)",
    }
    whose = {"id": of_order_line, "order_id": of_order, "partner_id": "vendor", "product_id": "product"}
    copy_row(env, "purchase_order_line", order_line.id, {**whose, **ordered}, "billed")
    quantities = ("product_uom_qty", "product_qty", "quantity")
    moved = dict.fromkeys(quantities, "ordered - CASE WHEN mod(fate, 17) = 0 THEN 3 ELSE 0 END")
    whose = {"product_id": "product", "purchase_line_id": of_order_line}
    copy_row(env, "stock_move", move.id, {**whose, **moved}, "billed")
    back = {
        "location_id": str(move.location_dest_id.id),
        "location_dest_id": str(move.location_id.id),
        "to_refund": "TRUE",
        **dict.fromkeys(quantities, "2"),
    }
    copy_row(env, "stock_move", move.id, {**whose, **back}, _every(23))
    from_vendor = {"partner_id": "vendor", "commercial_partner_id": "vendor"}
    kind = "CASE WHEN mod(bill, 50) = 0 THEN 'in_refund' ELSE 'in_invoice' END"
    draft = {**from_vendor, "id": of_bill, "ref": "'bench ' || bill", "move_type": kind}
    copy_row(env, "account_move", bill.id, draft, bills)
    # A line in 43 names no order; one in 47 names that of its neighbour.
    whose |= {"partner_id": "vendor", "purchase_line_id": of_order_line}
    linked = {
        "purchase_line_id": f"CASE WHEN mod(fate, 43) = 0 THEN NULL ELSE {of_order_line} "
        f"+ CASE WHEN mod(fate, 47) = 1 AND mod(number, {LINES_PER_BILL}) > 0 THEN 1 ELSE 0 END END"
    }
    amounts = {
        "quantity": "in_unit",
        "price_unit": "billed_price",
        "product_uom_id": f"CASE WHEN in_dozens THEN {dozen.id} ELSE {bill_line.product_uom_id.id} END",
        "price_subtotal": "round(in_unit * billed_price, 2)",
        "price_total": "round(in_unit * billed_price, 2) + CASE WHEN mod(fate, 41) = 0 THEN 0 "
        "ELSE round(in_unit * billed_price * 0.15, 2) END",
    }
    row = {"id": f"{first['account_move_line']} + number", "move_id": of_bill}
    copy_row(env, "account_move_line", bill_line.id, {**whose, **linked, **amounts, **row}, "billed")
    # Before that, four of ten of some were billed already.
    of_bill = f"{first['account_move'] + count} + bill"
    posted = {"id": of_bill, "state": "'posted'", "name": "'BENCH/' || bill"}
    copy_row(env, "account_move", bill.id, {**from_vendor, **posted}, bills)
    partly = {"move_id": of_bill, "quantity": "floor(ordered * 0.4)", "parent_state": "'posted'"}
    partly["id"] = f"{first['account_move_line'] + lines} + number"
    copy_row(env, "account_move_line", bill_line.id, {**whose, **partly}, _every(31))
    for record, field, only in ((order_line, line_taxes, ""), (bill_line, "tax_ids", "WHERE mod(fate, 41) > 0")):
        own = record._fields[field]
        cursor.execute(
            f"INSERT INTO {own.relation} ({own.column1}, {own.column2}) SELECT %s + number, %s FROM billed {only}",
            (first[record._table], tax.id),
        )
    return first["account_move"]


def _every(number):
    return f"(SELECT * FROM billed WHERE mod(fate, {number}) = 0) AS billed"


# --------------------------------------------------------------------- peer


def competent(bills):
    """``{bill: {(line or None, kind): (amount, within)}}`` as one who knows the ORM writes it: read groups, prefetch.

    For bills in the currency of the order with plain receipts and returns; without freight.
    """
    from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_LINE_TAXES

    env = bills.env
    order_lines = bills.invoice_line_ids.purchase_line_id
    # Read for all at once what is looked at bill by bill.
    bills.invoice_line_ids.product_id.mapped("categ_id.parent_path")
    bills.invoice_line_ids.mapped("tax_ids.price_include")
    order_lines.mapped(f"{PURCHASE_LINE_TAXES}.price_include")
    billed, received = _billed(env, order_lines, LINE_UOM), _received(env, order_lines, LINE_UOM)
    tolerances = env["distribution.supplier.tolerance"].search([("company_id", "in", bills.company_id.ids)])
    chosen, taken = {}, defaultdict(float)

    def limits(vendor, category):
        if (vendor, category) not in chosen:
            chosen[vendor, category] = _limits(tolerances, vendor, category)
        return chosen[vendor, category]

    def as_ordered(line):
        """Quantity of the bill line in the unit of its order line."""
        unit = line.purchase_line_id[LINE_UOM] or line.product_uom_id
        if line.product_uom_id == unit:
            return line.quantity
        return line.product_uom_id._compute_quantity(line.quantity, unit, round=False)

    def judged(bill):
        coin, vendor, sign = bill.currency_id.rounding, bill.partner_id, -1 if bill.move_type == "in_refund" else 1
        found = {}

        def tell(line, kind, amount, of, percent=0, most=0):
            amount = bill.currency_id.round(amount)
            if amount >= coin:
                within = (percent or most) and (not percent or amount * 100 <= of * percent + 1e-9)
                found[line.id, kind] = (amount, bool(within and (not most or amount <= most)))

        lines = bill.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        billed_now = {line: as_ordered(line) for line in lines}
        for line in lines.sorted(lambda line: (line.price_subtotal / billed_now[line], billed_now[line], str(line.id))):
            limit, order_line = limits(vendor, line.product_id.categ_id), line.purchase_line_id
            quantity, value = sign * billed_now[line], sign * line.price_subtotal
            tax = expected = line.price_total - line.price_subtotal
            if not order_line:
                tell(line, "no_order", value, 0)
                continue
            price = order_line.price_subtotal / order_line.product_qty
            before = billed[order_line] + taken[order_line]
            taken[order_line] += quantity
            if order_line[PURCHASE_LINE_TAXES] != line.tax_ids:
                taxed = order_line[PURCHASE_LINE_TAXES].compute_all(
                    line.price_unit * (1 - line.discount / 100),
                    bill.currency_id,
                    line.quantity,
                    line.product_id,
                    vendor,
                    is_refund=sign < 0,
                )
                expected = taxed["total_included"] - taxed["total_excluded"]
            tell(line, "tax", abs(tax - expected), expected, most=limit.bill_tax_amount)
            percent, most = limit.bill_price_percent, limit.bill_price_percent and limit.bill_price_amount
            if quantity < 0:
                tell(line, "price", value - quantity * price, -quantity * price, percent, most)
                continue
            open_by_order = min(max(order_line.product_qty - before, 0), quantity)
            ordered, of = quantity * price, open_by_order * price
            tell(line, "quantity", min(ordered - of, value), of, limit.bill_quantity_percent)
            tell(line, "price", value - ordered, ordered, percent, most)
            if order_line.product_id.purchase_method != "purchase":
                missing = quantity - min(max(received[order_line] - before, 0), quantity)
                tell(line, "receipt", min(missing * price, value), ordered, limit.bill_receipt_percent)
        total = limits(vendor, env["product.category"]).bill_total_amount
        if total and found:
            amount = bill.currency_id.round(sum(amount for amount, _within in found.values()))
            found[None, "total"] = (amount, amount <= total)
        return found

    return {bill.id: judged(bill) for bill in bills}


def _billed(env, order_lines, line_uom):
    """``{order line: quantity on posted bills}`` in its unit."""
    billed = defaultdict(float)
    for types, sign in (("in_invoice", "in_receipt"), 1), (("in_refund",), -1):
        domain = [("purchase_line_id", "in", order_lines.ids), ("parent_state", "=", "posted")]
        domain += [("display_type", "=", "product"), ("move_id.move_type", "in", types)]
        groups = env["account.move.line"]._read_group(domain, ["purchase_line_id", "product_uom_id"], ["quantity:sum"])
        for line, unit, quantity in groups:
            billed[line] += sign * unit._compute_quantity(quantity, line[line_uom], round=False)
    return billed


def _received(env, order_lines, line_uom):
    """``{order line: quantity received and not sent back}`` in its unit."""
    received = defaultdict(float)
    back = [("location_dest_id.usage", "=", "supplier"), ("to_refund", "=", True)]
    for where, sign in ([("location_id.usage", "=", "supplier")], 1), (back, -1):
        domain = [("purchase_line_id", "in", order_lines.ids), ("state", "=", "done"), *where]
        groups = env["stock.move"]._read_group(domain, ["purchase_line_id", "product_uom"], ["quantity:sum"])
        for line, unit, quantity in groups:
            received[line] += sign * unit._compute_quantity(quantity, line[line_uom], rounding_method="HALF-UP")
    return received


def _limits(tolerances, vendor, category):
    """The narrowest tolerance: vendor and category, vendor, nearest category, everything."""
    above = [int(part) for part in (category.parent_path or "").split("/") if part]
    fitting = tolerances.filtered(
        lambda row: row.vendor_id.id in (False, vendor.id) and (not row.category_id or row.category_id.id in above)
    )
    return fitting.sorted(
        lambda row: (not row.vendor_id, not row.category_id, -above.index(row.category_id.id) if row.category_id else 0)
    )[:1]


# ----------------------------------------------------------------- measured


def ours(bills):
    """As :func:`competent`, by the suite."""
    return {
        bill_id: {(found.key, found.what): (float(found.amount), found.within) for found in verdict.differences}
        for bill_id, verdict in bills._bill_verdicts().items()
    }


def timed(act, bills):
    """``(seconds, queries, result)`` of ``act`` on all ``bills``, `BATCH` at a time, with empty caches."""
    env, result, seconds, queries = bills.env, {}, 0.0, 0
    gc.collect()
    gc.disable()  # as in the other benches: whose turn it is would be chance
    try:
        for start in range(0, len(bills), BATCH):
            env.invalidate_all()
            with Measured(env) as cost:
                found = act(bills[start : start + BATCH])
            result.update(found)
            seconds += cost.seconds
            queries = max(queries, cost.queries)
    finally:
        gc.enable()
    return seconds, queries, result


def different(one, other):
    """How many bills have another verdict, with the first of them."""
    bills = [
        key
        for key in one.keys() | other.keys()
        if {place: (round(found[0], 2), found[1]) for place, found in one.get(key, {}).items()}
        != {place: (round(found[0], 2), found[1]) for place, found in other.get(key, {}).items()}
    ]
    return len(bills), [(one.get(key), other.get(key)) for key in sorted(bills)[:3]]


def kept(bills):
    """Queries that judging and keeping takes for `BATCH` bills that match; a bill that does not opens a case each."""
    env = bills.env
    verdicts = bills._bill_verdicts()
    match = bills.filtered(lambda bill: verdicts[bill.id].matches)
    env.invalidate_all()
    with Measured(env) as cost:
        match._keep_verdicts()
    return len(match), cost


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=LINES, help="1,000, 10,000 or 100,000")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    with odoo(SUITE) as env:
        bills, about, broken = generate(env, options.lines), versions(env), []
        print(f"{options.lines:,} lines on {len(bills):,} bills written", flush=True)
        for act in (competent, ours):  # once, so that neither pays for what is loaded once
            act(bills[:10])
        pairs = []
        for _number in range(options.pairs):
            pairs.append((timed(competent, bills), timed(ours, bills)))
            (theirs, their_queries, theirs_found), (mine, queries, found) = pairs[-1]
            print(
                f"competent {theirs:.2f} s, {their_queries} queries; ours {mine:.2f} s, {queries} queries", flush=True
            )
        wrong, examples = different(theirs_found, found)
        kinds = defaultdict(int)
        for verdict in found.values():
            for (_line, kind), _found in verdict.items():
                kinds[kind] += 1
        matching, keeping = kept(bills[:BATCH])
    compared = ratio([mine[0] for _theirs, mine in pairs], [theirs[0] for theirs, _mine in pairs])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if wrong:
        broken.append(f"{wrong:,} of {len(bills):,} bills have another verdict, such as {examples}")
    if compared["high"] > SLOWER:
        broken.append(f"{benchmarks_document.times_of(compared)} times the competent version, limit {SLOWER}")
    for what, asked in (("judging", queries), ("judging and keeping", keeping.queries)):
        if asked > QUERIES:
            broken.append(f"{what}: {asked} queries for {BATCH:,} bills, limit {QUERIES}")
    text = "\n".join(
        [
            f"{benchmarks_document.measured(about)}.",
            "",
            f"{options.lines:,} lines on {len(bills):,} bills of {VENDORS} vendors, {BATCH:,} bills at a time, with "
            f"their orders and receipts: {sum(kinds.values()):,} differences of {len(kinds)} kinds. The competent "
            "version reads groups and prefetches, and judges the same tolerances; verdicts are the same, line by "
            "line, to the cent.",
            "",
            "| | suite | competent version | limit |",
            "|---|---:|---:|---:|",
            f"| time | {benchmarks_document.times_of(compared)} | 1 | {SLOWER:.2f} at the upper end |",
            f"| queries for {BATCH:,} bills | {queries} | {their_queries} | {QUERIES} |",
            f"| judging and keeping those of {matching:,} that match | {keeping.queries} | – | {QUERIES} |",
            "",
            f"{memory} MB at most.",
            "",
            benchmarks_document.verdict(broken),
        ]
    )
    print(text)
    print(f"kept {matching} in {keeping.seconds:.2f} s", time.strftime("%H:%M"))
    if (options.lines, options.pairs) == (LINES, PAIRS):
        benchmarks_document.write(series(), "Three-way match", text)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
