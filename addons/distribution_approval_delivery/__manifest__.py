{
    "name": "Distribution Approval: Delivery Methods",
    "summary": "Approvers open transfers where delivery methods are used",
    "version": "17.0.1.1.0",
    "category": "Supply Chain",
    "author": "Distribution Suite",
    "license": "LGPL-3",
    "depends": ["distribution_approval", "stock_delivery"],
    "data": ["security/ir.model.access.csv"],
    "auto_install": True,
}
