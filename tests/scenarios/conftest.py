import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def person(browser_page):
    """``person("buyer")`` sits down in front of the web client."""
    from web_client import Person

    return lambda login, **keywords: Person(browser_page(login, **keywords), login)


@pytest.fixture
def tour_order(rpc):
    """The draft of the tour: over 30,000, from an approved vendor, owned by ``buyer``."""
    orders = rpc("buyer")(
        "purchase.order", "search_read", [("origin", "=", "TOUR")], fields=["name", "amount_untaxed", "state"]
    )
    assert orders, "the demo company has no order of the tour"
    return orders[0]


@pytest.fixture(scope="module")
def postbox(rpc):
    """The mail server of the company, one for the file: Odoo asks the first that it knows."""
    import rules_in_force as rules

    with rules.Postbox() as box:
        box.open_for(rpc)
        yield box
