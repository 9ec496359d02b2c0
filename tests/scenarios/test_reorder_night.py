"""A seasonal reorder night for three sites.

Frost is announced. The warehouse manager raises what the sites keep of the winter range; nobody orders anything. At
night the routine happens: what is usual is ordered from the vendors, for each site what it needs; what another site can
spare is moved; what is unusual waits for its buyer in the morning, with the reasons.
"""

import pytest
import rules_in_force as rules
from supplier_desk import ADDON

PROPOSAL = "distribution.replenishment.proposal"
RUN = "distribution.replenishment.run"
RULE = "stock.warehouse.orderpoint"
#: Straight through: (product, site).
ROUTINE = (("WIN-101", "NOR"), ("WIN-102", "NOR"), ("WIN-101", "SOU"), ("WIN-301", "CEN"), ("WIN-302", "CEN"))
UNUSUAL = ("WIM-402", "CEN")
MOVED = ("WIN-303", "NOR")


class Night:
    """``rpc`` and ``sql`` of the file's server."""

    def __init__(self, rpc, sql):
        self.rpc, self.sql = rpc, sql

    def rule(self, code, site):
        ((rule,),) = self.sql(
            """SELECT rule.id FROM stock_warehouse_orderpoint rule
                 JOIN product_product product ON product.id = rule.product_id
                 JOIN stock_warehouse site ON site.id = rule.warehouse_id
                WHERE product.default_code = %s AND site.code = %s AND rule.active""",
            (code, site),
        )
        return rule

    def is_kept(self, code, site, below, above):
        """The site keeps more: its stock by what is known is so much below the minimum, and above that the maximum."""
        rule = self.rule(code, site)
        chief = self.rpc("warehouse_manager")
        (known,) = chief(RULE, "read", [rule], fields=["qty_forecast"])
        minimum = max(known["qty_forecast"], 0) + below
        chief(RULE, "write", [rule], {"product_min_qty": minimum, "product_max_qty": minimum + above})

    def passes(self):
        """The jobs of the night; the counts of its run."""
        rules.run_job(self.rpc, "ir_cron_replenishment_night", ADDON)
        rules.run_job(self.rpc, "ir_cron_replenishment", ADDON)
        fields = ["state", "total", "done", "ordered", "reviewed", "waiting", "failed"]
        (run,) = self.rpc("buyer")(RUN, "search_read", [("origin", "=", "night")], fields=fields, limit=1)
        assert (run["state"], run["done"], run["failed"]) == ("done", run["total"], 0)
        return run

    def proposal(self, run, code, site):
        """The proposal of a run for a rule, None."""
        fields = ["verdict", "state", "reasons", "quantity", "vendor_id", "order_id", "move_id", "reasoning"]
        wanted = [("run_id", "=", run["id"]), ("orderpoint_id", "=", self.rule(code, site))]
        found = self.rpc("buyer")(PROPOSAL, "search_read", wanted, fields=fields)
        return found[0] if found else None

    def bought(self, code, site):
        """(order, state, site, vendor, quantity) of what is on quotations of this product for the site."""
        return self.sql(
            """SELECT po.id, po.state, vendor.ref, line.product_qty::float
                 FROM purchase_order_line line
                 JOIN purchase_order po ON po.id = line.order_id
                 JOIN res_partner vendor ON vendor.id = po.partner_id
                WHERE line.orderpoint_id = %s AND po.state = 'draft'""",
            (self.rule(code, site),),
        )


@pytest.fixture
def night(rpc, sql):
    return Night(rpc, sql)


def test_a_seasonal_reorder_night_for_three_sites(night, rpc, sql, person, pictures):
    # How long something lasts depends on the month in which this is run: nobody looks at it here. A quiet night.
    (company,) = rpc("admin")("res.company", "search", [], limit=1)
    rpc("admin")("res.company", "write", [company], {"replenishment_cover_days": 0})
    assert night.passes()["ordered"] == 0

    # Frost is announced. Central can do without some of its shovels.
    for code, site in ROUTINE:
        night.is_kept(code, site, below=6, above=14)
    night.is_kept(*UNUSUAL, below=10, above=700)
    central = night.rule("WIN-303", "CEN")
    rpc("warehouse_manager")(RULE, "write", [central], {"product_min_qty": 2, "product_max_qty": 4})
    night.is_kept(*MOVED, below=4, above=6)
    before = {key: night.bought(*key) for key in (*ROUTINE, UNUSUAL, MOVED)}

    run = night.passes()
    assert run["ordered"] == len(ROUTINE) + 1
    assert run["reviewed"] == 1

    # The usual is on quotations, one for each vendor and site.
    orders = {}
    for code, site in ROUTINE:
        proposal = night.proposal(run, code, site)
        assert (proposal["verdict"], proposal["state"], proposal["reasons"]) == ("order", "ordered", False)
        ((order, state, vendor, quantity),) = night.bought(code, site)
        known = sum(row[3] for row in before[code, site])
        assert (state, quantity) == ("draft", known + proposal["quantity"])
        assert proposal["order_id"][0] == order
        orders.setdefault((vendor, site), set()).add(order)
    assert set(orders) == {("saltmere", "NOR"), ("saltmere", "SOU"), ("wexcombe", "CEN")}
    assert all(len(found) == 1 for found in orders.values())
    assert len({order for found in orders.values() for order in found}) == len(orders)
    for (_vendor, site), found in orders.items():
        assert sql(
            """SELECT site.code FROM purchase_order po JOIN stock_picking_type kind ON kind.id = po.picking_type_id
                 JOIN stock_warehouse site ON site.id = kind.warehouse_id WHERE po.id = ANY(%s)""",
            (list(found),),
        ) == [(site,)]

    # A site that has enough gives to one that has not: moved, not bought, and the trail says why.
    moved = night.proposal(run, *MOVED)
    assert (moved["verdict"], moved["state"], moved["order_id"]) == ("transfer", "ordered", False)
    assert night.bought(*MOVED) == before[MOVED] == []
    ((options,),) = sql("SELECT options FROM distribution_replenishment_proposal WHERE id = %s", (moved["id"],))
    assert {option["lost"] for option in options if not option["site"]} == {"dearer"}
    assert "Transfer from Central" in moved["reasoning"]
    ((state, source, destination, quantity),) = sql(
        """SELECT move.state, source.code, destination.code, move.product_uom_qty::float
             FROM stock_move move
             JOIN stock_location here ON here.id = move.location_id
             JOIN stock_location there ON there.id = move.location_dest_id
             JOIN stock_warehouse source ON source.id = here.warehouse_id
             JOIN stock_warehouse destination ON destination.id = there.warehouse_id
            WHERE move.id = %s""",
        (moved["move_id"][0],),
    )
    assert (state, source, destination, quantity) == ("assigned", "CEN", "NOR", moved["quantity"])

    # Seven hundred bottles are nobody's routine.
    unusual = night.proposal(run, *UNUSUAL)
    assert (unusual["verdict"], unusual["state"]) == ("review", "open")
    assert "unusual_quantity" in unusual["reasons"].split()
    assert night.bought(*UNUSUAL) == before[UNUSUAL]

    # The same night once more: nothing is proposed twice.
    again = night.passes()
    assert again["id"] != run["id"]
    assert (again["ordered"], again["reviewed"]) == (0, 0)
    assert again["waiting"] > 0

    # In the morning Clara reads why it waits, takes less of it, and that is ordered.
    buyer = person("buyer")
    buyer.opens("procurement_automation.action_buyer_workbench").sees("Screen Wash")
    buyer.takes_picture(pictures, "reorder-night-workbench")
    buyer.opens_record(PROPOSAL, unusual["id"]).sees("unusual quantity")
    buyer.takes_picture(pictures, "reorder-night-proposal")
    clara = rpc("buyer")
    clara(PROPOSAL, "write", [unusual["id"]], {"quantity": 120})
    clara(PROPOSAL, "action_accept", [unusual["id"]])
    (done,) = clara(PROPOSAL, "read", [unusual["id"]], fields=["state", "quantity", "order_id"])
    assert (done["state"], done["quantity"]) == ("ordered", 120)

    # Quotations meet the policy like any other order: this one is within it.
    ((order,),) = ((order,) for order in orders["wexcombe", "CEN"])
    clara("purchase.order", "button_confirm", [order])
    (found,) = clara("purchase.order", "read", [order], fields=["state", "approval_state"])
    assert (found["state"], found["approval_state"]) == ("purchase", "passed")
