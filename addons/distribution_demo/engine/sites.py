"""The company, its regions and its sites."""

from dataclasses import dataclass

COMPANY = {
    "name": "Larkfield Industrial Supply",
    "street": "1200 Foundry Road",
    "city": "Cleveland",
    "zip": "44114",
    "phone": "+1 216 555 0100",
    "email": "office@example.com",
    "website": "https://www.example.com",
}


@dataclass(frozen=True)
class Region:
    code: str
    name: str
    manager: str


@dataclass(frozen=True)
class Site:
    """A warehouse; ``share`` is the part of purchases and sales that runs over it."""

    code: str
    name: str
    region: str
    manager: str
    buyer: str
    share: float


REGIONS = (
    Region("CS", "Centre and South", "operations_manager"),
    Region("N", "North", "sales_manager"),
)

#: The first one is the company's main warehouse.
SITES = (
    Site("CEN", "Central", "CS", "warehouse_manager", "buyer", 0.6),
    Site("NOR", "North", "N", "operations_manager", "buyer_branch", 0.22),
    Site("SOU", "South", "CS", "warehouse_manager", "buyer_branch", 0.18),
)
