"""What stories and attacks share that speak XML-RPC, as any outside program does."""

import threading
from xmlrpc.client import Fault

import pytest

# Goods that a reordering rule replenishes belong to the demo company: runs order them, vendors promise them, customers
# wait for them. Tests take their goods from the others, so that neither is in the other's way.

#: Of what :func:`contract_goods` chooses from: vendors that no rule looks at twice.
LOW_RISK = ("partner_id.vendor_risk_tier", "=", "low")


def refused(client, *call, **keywords):
    """The call is refused with a message for people, not with a traceback. Returns the message."""
    with pytest.raises(Fault) as caught:
        client(*call, **keywords)
    words = caught.value.faultString
    assert "Traceback" not in words, words
    assert words.strip(), "a refusal says why"
    return words


def tried(client, *call, **keywords):
    """Call, whatever comes of it: what counts is the state afterwards."""
    try:
        return client(*call, **keywords)
    except Fault as fault:
        if "cannot marshal None" in fault.faultString:
            return None  # done; a button that returns nothing has no answer in XML-RPC
        assert "Traceback" not in fault.faultString, fault.faultString
        return fault.faultString


def at_once(*calls):
    """Run the calls in threads, at the same instant; results or Faults."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number, call):
        barrier.wait(20)
        try:
            results[number] = call()
        except Fault as fault:
            results[number] = fault

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def contract_goods(buyer, *more):
    """The cheapest goods at contract price of an approved vendor, in company currency, that no reordering rule
    replenishes: ``{"vendor", "product", "price"}``. ``more`` limits the vendor prices further."""
    rules = buyer("stock.warehouse.orderpoint", "search_read", [], fields=["product_id"])
    replenished = sorted({rule["product_id"][0] for rule in rules})
    (company,) = buyer("res.company", "search_read", [], fields=["currency_id"], limit=1)
    (price,) = buyer(
        "product.supplierinfo",
        "search_read",
        [
            ("contract_state", "=", "contract"),
            ("partner_id.vendor_status", "=", "approved"),
            ("currency_id", "=", company["currency_id"][0]),
            ("min_qty", "<=", 1),
            ("price", "<", 100),
            ("product_tmpl_id.product_variant_ids", "not in", replenished),
            *more,
        ],
        fields=["partner_id", "product_tmpl_id", "price"],
        order="price, id",
        limit=1,
    )
    (product,) = buyer("product.product", "search", [("product_tmpl_id", "=", price["product_tmpl_id"][0])], limit=1)
    return {"vendor": price["partner_id"][0], "product": product, "price": price["price"]}


def order_of(client, goods, amount, **values):
    """Id of a draft order of about ``amount``."""
    quantity = max(1, round(amount / goods["price"]))
    line = {"product_id": goods["product"], "product_qty": quantity, "price_unit": goods["price"]}
    values = {"partner_id": goods["vendor"], "order_line": [(0, 0, line)], **values}
    return client("purchase.order", "create", values)
