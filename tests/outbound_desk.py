"""What stories and attacks about goods and orders need: who sells what, to whom, and what became of it.

Everything is done by the people whose work it is, over XML-RPC; what became of it is read from the
database.
"""

import functools
import time
from xmlrpc.client import Fault

REQUEST = "distribution.approval.request"
TASK = "distribution.approval.task"
#: Documents that are linked to a transfer, with their tables.
PICKING_DOCUMENTS = {
    "distribution.delivery.hold": "distribution_delivery_hold",
    "distribution.credit.release": "distribution_credit_release",
    "distribution.customer.return": "distribution_customer_return",
    "distribution.site.transfer": "distribution_site_transfer",
}


def one(answer):
    """The id of a single record: 19.0 answers with a list where 17.0 answers with a number."""
    return answer[0] if isinstance(answer, list) else answer


class Desk:
    """``rpc`` and ``sql`` of a test file's server, and the words of the trade."""

    def __init__(self, rpc, sql, series):
        self.rpc, self.sql, self.series = functools.cache(rpc), sql, series
        self.given = set()

    def value(self, statement, *parameters):
        """The first value that ``statement`` finds, or None."""
        rows = self.sql(statement, parameters)
        return rows[0][0] if rows else None

    # ------------------------------------------------------------------ places and goods

    def site(self, code):
        """``{"id", "stock", "internal", "out"}`` of a warehouse: itself, its stock, its operation types."""
        return dict(
            zip(
                ("id", "stock", "internal", "out"),
                self.sql(
                    "SELECT id, lot_stock_id, int_type_id, out_type_id FROM stock_warehouse WHERE code = %s", (code,)
                )[0],
            )
        )

    def customer(self, number):
        return self.value("SELECT id FROM res_partner WHERE email = %s", f"customer_{number:02}@example.com")

    def customers_place(self):
        return self.value("SELECT id FROM stock_location WHERE usage = 'customer' AND active ORDER BY id LIMIT 1")

    def loss_place(self):
        return self.place_of("inventory")

    def place_of(self, usage):
        return self.value("SELECT id FROM stock_location WHERE usage = %s AND active ORDER BY id LIMIT 1", usage)

    def goods(self, site="CEN", pieces=10, worth=0, high_value=False):
        """A product of which ``pieces`` (worth ``worth`` at least) lie free at ``site``; each one is given once.

        None that a reordering rule replenishes: see ``over_the_wire``.

        ``{"id", "cost", "quant", "free", "on_hand", "template"}``
        """
        rows = self.sql(
            """SELECT quant.product_id, (array_agg(quant.id ORDER BY coalesce(quant.quantity, 0) DESC, quant.id))[1],
                      sum(coalesce(quant.quantity, 0) - quant.reserved_quantity)::float,
                      sum(quant.quantity)::float, product.product_tmpl_id
                 FROM stock_quant quant
                 JOIN stock_warehouse site ON site.lot_stock_id = quant.location_id
                 JOIN product_product product ON product.id = quant.product_id
                WHERE site.code = %s AND NOT quant.product_id = ANY(%s)
                  AND NOT EXISTS (SELECT 1 FROM stock_warehouse_orderpoint rule
                                   WHERE rule.product_id = quant.product_id)
             GROUP BY quant.product_id, product.product_tmpl_id
               HAVING sum(coalesce(quant.quantity, 0) - quant.reserved_quantity) >= %s
             ORDER BY 3 DESC, 1""",
            (site, list(self.given), pieces),
        )
        fields = ["standard_price", "categ_id", "is_constrained"]
        facts = {
            product["id"]: product
            for product in self.rpc("admin")("product.product", "read", [row[0] for row in rows], fields=fields)
        }
        dear = {category for (category,) in self.sql("SELECT id FROM product_category WHERE is_high_value")}
        for product_id, quant, free, on_hand, template in rows:
            product = facts[product_id]
            cost = product["standard_price"]
            if cost <= 0 or free * cost < worth or product["is_constrained"]:
                continue
            if (product["categ_id"][0] in dear) != high_value:
                continue
            self.given.add(product_id)
            return {
                "id": product_id,
                "cost": cost,
                "quant": quant,
                "free": free,
                "on_hand": on_hand,
                "template": template,
            }
        raise AssertionError(f"{site} has no goods with {pieces} pieces free, worth {worth}")

    def on_hand(self, goods, site="CEN", column="quantity"):
        return float(
            self.value(
                f"SELECT coalesce(sum({column}), 0) FROM stock_quant WHERE product_id = %s AND location_id = %s",
                goods["id"],
                self.site(site)["stock"],
            )
        )

    def reserved(self, goods, site="CEN"):
        return self.on_hand(goods, site, "reserved_quantity")

    # ------------------------------------------------------------------ orders and transfers

    def quotation_values(self, goods, quantity=2, discount=0.0, customer=20, price=None, **values):
        line = {
            "product_id": goods["id"],
            "product_uom_qty": quantity,
            "price_unit": price or round(goods["cost"] * 1.6, 2),
            "discount": discount,
        }
        return {
            "partner_id": self.customer(customer),
            "warehouse_id": self.site("CEN")["id"],
            "order_line": [(0, 0, line)],
            **values,
        }

    def quotation(self, goods, *arguments, seller="sales_rep", **keywords):
        """A quotation of ``sales_rep``; see :meth:`quotation_values`."""
        return self.rpc(seller)("sale.order", "create", self.quotation_values(goods, *arguments, **keywords))

    def order(self, order_id):
        """(state, approval, number of transfers) of a sale order."""
        return self.sql(
            """SELECT state, coalesce(approval_state, ''),
                      (SELECT count(*) FROM stock_picking WHERE sale_id = sale_order.id)
                 FROM sale_order WHERE id = %s""",
            (order_id,),
        )[0]

    def confirmed(self, goods, quantity=2, **keywords):
        """A confirmed order within policy: (order, delivery); the delivery is reserved."""
        order_id = self.quotation(goods, quantity, **keywords)
        self.rpc("sales_rep")("sale.order", "action_confirm", [order_id])
        assert self.order(order_id) == ("sale", "passed", 1), self.order(order_id)
        picking = self.value("SELECT id FROM stock_picking WHERE sale_id = %s", order_id)
        self.rpc("warehouse_operator")("stock.picking", "action_assign", [picking])
        assert self.picking(picking) == "assigned"
        return order_id, picking

    def picking(self, picking_id):
        return self.value("SELECT state FROM stock_picking WHERE id = %s", picking_id)

    def moves(self, picking_id):
        return [move for (move,) in self.sql("SELECT id FROM stock_move WHERE picking_id = %s", (picking_id,))]

    def document(self, model, picking_id):
        """The document of ``model`` that governs a transfer."""
        return self.value(f"SELECT id FROM {PICKING_DOCUMENTS[model]} WHERE picking_id = %s", picking_id)

    def transfer(self, login, goods, quantity, source, destination, picking_type, **values):
        """A transfer, confirmed and reserved, but not validated."""
        client = self.rpc(login)
        move = {
            "product_id": goods["id"],
            "product_uom_qty": quantity,
            "location_id": source,
            "location_dest_id": destination,
            **({"name": "goods"} if self.series == "17.0" else {}),
        }
        picking = client(
            "stock.picking",
            "create",
            {
                "picking_type_id": picking_type,
                "location_id": source,
                "location_dest_id": destination,
                "move_ids": [(0, 0, move)],
                **values,
            },
        )
        client("stock.picking", "action_confirm", [picking])
        client("stock.picking", "action_assign", [picking])
        return picking

    # ------------------------------------------------------------------ governance

    def govern_credit_notes(self):
        """Two people switch governance of credit notes on, unless it is: above 100 Finance decides."""
        if self.value(
            """SELECT id FROM distribution_approval_activation
                WHERE document_type = 'customer_credit_note' AND state = 'active'"""
        ):
            return
        author, publisher, admin = (self.rpc(login) for login in ("policy_author", "policy_publisher", "admin"))
        company = one(author("res.company", "search", [], limit=1))
        finance = self.value("SELECT id FROM res_groups WHERE name->>'en_US' = 'Finance'")
        fallback = self.rpc("operations_manager").uid
        policy = author(
            "distribution.approval.policy",
            "create",
            {"name": "Credit notes", "document_type": "customer_credit_note", "company_id": company},
        )
        rules = [
            {
                "sequence": 10,
                "name": "Up to 100",
                "outcome": "pass",
                "condition_ids": [(0, 0, {"fact": "amount", "operator": "le", "value": "100"})],
            },
            {
                "sequence": 20,
                "name": "Above 100",
                "outcome": "require",
                "condition_ids": [(0, 0, {"fact": "amount", "operator": "gt", "value": "100"})],
                "stage_ids": [
                    (0, 0, {"sequence": 10, "approver_kind": "group", "group_id": finance, "name": "Finance"})
                ],
            },
        ]
        version = author(
            "distribution.approval.policy.version",
            "create",
            {
                "policy_id": policy,
                "hit_policy": "COLLECT",
                "fallback_user_id": fallback,
                "change_summary": "First version.",
                "rule_ids": [(0, 0, rule) for rule in rules],
            },
        )
        publisher("distribution.approval.policy.version", "action_publish", [version])
        activation = publisher(
            "distribution.approval.activation",
            "create",
            {"document_type": "customer_credit_note", "company_id": company, "reason": "Roll-out"},
        )
        publisher("distribution.approval.activation", "action_propose", [activation])
        admin("distribution.approval.activation", "action_confirm", [activation])

    # ------------------------------------------------------------------ deciding

    def approval(self, model, record_id):
        """State of the document's last request, and for whom it waits; None when nothing was asked."""
        rows = self.sql(
            f"""SELECT state, coalesce(reason, '') FROM {REQUEST.replace(".", "_")}
                 WHERE res_model = %s AND res_id = %s ORDER BY id DESC LIMIT 1""",
            (model, record_id),
        )
        return rows[0] if rows else None

    def task(self, login, model, record_id):
        """The open task on a document that waits for this person."""
        client = self.rpc(login)
        tasks = client(
            TASK,
            "search_read",
            [
                ("request_id.res_model", "=", model),
                ("request_id.res_id", "=", record_id),
                ("state", "=", "open"),
                ("user_ids", "in", [client.uid]),
            ],
            fields=["digest"],
        )
        assert tasks, f"nothing on {model} {record_id} waits for {login}"
        return tasks[0]

    def decide(self, login, model, record_id, outcome="approve", **keywords):
        task = self.task(login, model, record_id)
        return self.rpc(login)(TASK, "action_decide", [task["id"]], outcome, task["digest"], **keywords)

    def everybody_approves(self, model, record_id):
        """Whoever is asked approves, one stage after the other."""
        for _task in range(9):
            logins = self.sql(
                """SELECT users.login
                     FROM distribution_approval_task task
                     JOIN distribution_approval_request request ON request.id = task.request_id
                     JOIN distribution_approval_task_user_rel asked ON asked.task_id = task.id
                     JOIN res_users users ON users.id = asked.user_id
                    WHERE request.res_model = %s AND request.res_id = %s AND task.state = 'open' ORDER BY task.id""",
                (model, record_id),
            )
            if not logins:
                return
            self.decide(logins[0][0], model, record_id)
        raise AssertionError(f"{model} {record_id} is asked about without an end")

    def becomes(self, read, wanted):
        """The decision commits first; what it releases follows in a transaction of its own."""
        for _attempt in range(80):
            if read() == wanted:
                return
            time.sleep(0.25)
        raise AssertionError(f"{read()} instead of {wanted}")


def refusal(call, *arguments, **keywords):
    """What a call is answered with when it is refused, as people read it; None when it went through."""
    try:
        call(*arguments, **keywords)
    except Fault as fault:
        assert "Traceback" not in fault.faultString, fault.faultString
        return fault.faultString
    return None
