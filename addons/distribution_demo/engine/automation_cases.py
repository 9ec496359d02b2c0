"""What runs by itself at Larkfield: the rules and the scheduled action that somebody configured, no code in them."""

CASE_TYPES = (
    {
        "name": "Receipt called off",
        "code": "receipt_called_off",
        "severity": "1",
        "kind": "business",
        "owner_rule": "site_manager",
        "service_hours": 8.0,
        "description": "A receipt was cancelled. Find out whether the goods still come, and tell who waits for them.",
    },
    {
        "name": "Receipt overdue",
        "code": "receipt_overdue",
        "severity": "1",
        "kind": "business",
        "owner_rule": "site_manager",
        "service_hours": 24.0,
        "description": "Goods should have come two weeks ago. Ask the vendor for a day, or cancel the rest.",
    },
)

#: An order that was sent to the vendor is decided about while the vendor reads it.
ASK_WHEN_SENT = "Orders sent to vendors: ask for approval meanwhile"
#: Somebody calls off a receipt: whoever runs the site looks.
CALLED_OFF = "Receipts called off: open a case"
#: The other systems of the house hear of goods that came.
RECEIVED = "Receipts done: tell the other systems"
RECEIVED_TYPE = "larkfield.receipt.completed.v1"
RECEIVED_FACTS = ("picking_type_id", "partner_id", "date_done", "backorder_id", "state")
#: Once a day.
OVERDUE = "Receipts two weeks late: open cases"
OVERDUE_DOMAIN = (
    "[('picking_type_code', '=', 'incoming'), ('state', 'in', ('assigned', 'confirmed', 'waiting')), "
    "('scheduled_date', '<', (context_today() - relativedelta(days=14)).strftime('%Y-%m-%d'))]"
)
