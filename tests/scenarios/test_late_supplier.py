"""A late supplier: what it promised first and promises now, which customers it hits, and who hears of it."""

import pytest
import rules_in_force as rules
from outbound_desk import one
from supplier_desk import Desk, Page, in_days

AT_RISK = "procurement_automation.action_supplier_delay_hit"


@pytest.fixture
def desk(rpc, sql):
    with rules.Postbox() as postbox:
        postbox.open_for(rpc)
        yield Desk(rpc, sql, postbox).begin()


def sells(desk, goods, customer, quantity, days):
    """A customer's order, confirmed by the salesperson and promised for a day; (id, name)."""
    seller = desk.rpc("sales_rep")
    ((partner,),) = desk.sql("SELECT id FROM res_partner WHERE email = %s", (f"customer_{customer:02}@example.com",))
    ((site,),) = desk.sql("SELECT id FROM stock_warehouse WHERE code = 'CEN'")
    order = one(
        seller(
            "sale.order",
            "create",
            {
                "partner_id": partner,
                "warehouse_id": site,
                "commitment_date": f"{in_days(days)} 12:00:00",
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "product_id": goods.id,
                            "product_uom_qty": quantity,
                            "price_unit": round(goods.cost * 1.6, 2),
                        },
                    )
                ],
            },
        )
    )
    seller("sale.order", "action_confirm", [order])
    (read,) = desk.sql("SELECT state, name FROM sale_order WHERE id = %s", (order,))
    assert read[0] == "sale", read
    return order, read[1]


def to_dos(desk, model, record_id):
    return desk.sql(
        """SELECT owner.login, activity.summary FROM mail_activity activity
             JOIN res_users owner ON owner.id = activity.user_id
            WHERE activity.res_model = %s AND activity.res_id = %s""",
        (model, record_id),
    )


def test_a_late_supplier_hits_two_customer_orders(desk, http, person, phone, browser, pictures):
    """Clara orders twenty, to arrive in ten days; three customers count on them."""
    goods = desk.goods()
    order = desk.order(goods, 20, days=10)
    # Whatever lies there already is promised to somebody else.
    if goods.on_hand:
        sells(desk, goods, 5, goods.on_hand, days=0)
    first, second = (sells(desk, goods, customer, 8, days=12) for customer in (20, 21))
    third = sells(desk, goods, 22, 4, days=60)

    # The vendor gets a link by mail, looks, and confirms; no login, nothing else to see.
    page = Page(http, desk.sends())
    page.opens()
    assert desk.asked(order)[:2] == ("waiting", 0), "looking confirms nothing"
    for secret in ("customer", first[1], "on hand", goods.name.join("<>")):
        assert secret not in page.text
    page.takes_pictures(browser, pictures, "vendor-page", {"desktop": {"width": 1280, "height": 800}, "phone": phone})
    page.confirms()
    assert desk.asked(order)[:5] == ("confirmed", 1, "confirmed", in_days(10), in_days(10))

    # A week later it writes again: a fortnight later. The first promise stays; order and receipt follow.
    answer = page.promises(order, in_days(25), note="Our machine is down.")
    assert "Thank you" in answer.text
    assert desk.asked(order)[3:5] == (in_days(10), in_days(25))
    ((planned, expected),) = desk.sql(
        """SELECT line.date_planned::date, move.date::date FROM purchase_order_line line
             JOIN stock_move move ON move.purchase_line_id = line.id WHERE line.id = %s""",
        (order.line,),
    )
    assert planned == expected == in_days(25)

    # Two of the three are hit, with customer, promised day and value; Clara and the salesperson hear of it once.
    hit = desk.sql(
        """SELECT hit.sale_order_id, hit.promised_day, hit.ready_day, hit.value > 0
             FROM distribution_supplier_delay_hit hit JOIN distribution_supplier_delay delay ON delay.id = hit.delay_id
            WHERE delay.confirmation_id = %s ORDER BY hit.sale_order_id""",
        (order.confirmation,),
    )
    assert hit == [(sale, in_days(12), in_days(25), True) for sale, _name in (first, second)]
    for sale, _name in (first, second):
        assert to_dos(desk, "sale.order", sale) == [("sales_rep", "At risk: goods arrive later")]
    assert not to_dos(desk, "sale.order", third[0])
    assert to_dos(desk, "purchase.order", order.id) == [("buyer", "Goods arrive later")]
    # It says the same again: nobody hears of it twice.
    page.promises(order, in_days(25))
    assert len(to_dos(desk, "sale.order", first[0])) == 1
    assert desk.sql(
        "SELECT count(*) FROM distribution_supplier_delay WHERE confirmation_id = %s", (order.confirmation,)
    ) == [(1,)]

    # It is beyond what is tolerated: a case, which is Clara's.
    _case, state, owner, words = desk.case(f"supplier_confirmation:{order.confirmation}")
    assert (state, owner) == ("open", "buyer")
    assert goods.name in words

    # What they see.
    seller = person("sales_rep")
    seller.opens(AT_RISK).sees(first[1]).sees(second[1])
    assert third[1] not in seller.reads()
    seller.takes_picture(pictures, "customer-orders-at-risk")
    buyer = person("buyer")
    buyer.opens_record("distribution.supplier.confirmation", order.confirmation).sees(order.name)
    buyer.takes_picture(pictures, "confirmation-differs")

    # She takes it: goods do not come earlier because nobody agreed. The case closes itself.
    buyer.presses("action_accept")
    buyer.page.click(".modal-footer .btn-primary")
    buyer.settles()
    assert desk.asked(order)[0] == "confirmed"
    assert desk.case(f"supplier_confirmation:{order.confirmation}")[1] == "resolved"

    # The day comes, the goods do not: late, told once.
    rules.day_passes(desk.sql, "distribution_supplier_confirmation_line", "promised_day", order.confirmation_line, 27)
    rules.day_passes(desk.sql, "distribution_supplier_confirmation_line", "promised_at", order.confirmation_line, 27)
    for _time in range(2):
        desk.chases(order)
    assert desk.facts("supplier_confirmation.broken", order) == ["distribution.supplier_confirmation.broken.v1"]
    late = desk.case(f"arrival_late:{order.confirmation_line}")
    assert late[1:3] == ("open", "buyer")

    # They arrive: everything about it is closed, and the link with it.
    desk.receives(order, 20)
    desk.chases(order)
    assert desk.asked(order)[0] == "closed"
    assert desk.case(f"arrival_late:{order.confirmation_line}")[1] == "resolved"
    assert page.opens().status_code == 410

    # The auditor reads how it went.
    kinds = [kind.split(".")[2] for kind in desk.facts("supplier_confirmation", order)]
    assert kinds[:2] == ["asked", "answered"]
    assert kinds.count("answered") == 2
    assert "differed" in kinds
    assert desk.facts("purchase_order.delayed", order) == ["distribution.purchase_order.delayed.v1"]
