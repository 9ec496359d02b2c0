from xmlrpc.client import Fault
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("ax", Path(__file__).with_name("test_xmlrpc.py"))
ax = importlib.util.module_from_spec(spec); spec.loader.exec_module(ax)
goods, order_of, look = ax.goods, ax.order_of, ax.look
def test_probe(rpc, order_of, look, goods, sql, server):
    buyer, manager = rpc("buyer"), rpc("purchasing_manager")
    order_id = order_of(buyer, 5000)
    buyer("purchase.order", "button_confirm", [order_id])
    (task,) = ax.task_of(manager, order_id, state="open")
    ax.decide(manager, task)
    line = {"order_id": order_id, "product_id": goods["product"], "product_qty": 5, "price_unit": 9}
    r = buyer("purchase.order.line", "create", line, context={})
    print("LOG", vars(server))
    assert False
