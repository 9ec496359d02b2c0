"""Technical names made of what people write."""

import re
import unicodedata


def code_of(text: str | None, taken=()) -> str:
    """A technical name for a title: small letters, digits and _, none of ``taken``; empty of what has no letters.

    >>> code_of("Größte Kunden (by sales)"), code_of("Orders", {"orders", "orders_2"}), code_of("—")
    ('groste_kunden_by_sales', 'orders_3', '')
    """
    plain = unicodedata.normalize("NFKD", (text or "").replace("ß", "s")).encode("ascii", "ignore").decode()
    code = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60]
    number, free = 1, code
    while free and free in taken:
        number += 1
        free = f"{code}_{number}"
    return free
