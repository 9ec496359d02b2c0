"""What attacks on the rules of the game share."""

import pytest
import rules_in_force as rules

MANAGER = "purchasing_manager"


@pytest.fixture(scope="module")
def goods(rpc):
    """The rules are in force; ``goods.order(5000)`` is an order of the buyer that is held."""
    return rules.begin(rpc)


@pytest.fixture(scope="module")
def postbox(rpc, goods):
    """Mail goes to a post box, and the purchasing manager wants his notices by mail."""
    with rules.Postbox() as box:
        box.open_for(rpc)
        manager = rpc(MANAGER)
        manager("res.users", "write", [manager.uid], {"notification_type": "email"})
        yield box
