"""Which methods the set-based evaluation stands in for, and whose versions of them were read.

Where an addon that is not listed here changes one of them, the evaluation does not guess what that does:
Odoo's own fields are used for every rule, which is right and slow, and the run says why.
"""

#: ``{model: {method: addons that define it and are accounted for}}``; a method may not exist on every series.
KNOWN = {
    "product.product": {
        "_compute_quantities": {"stock", "purchase_stock"},
        "_compute_quantities_dict": {"stock", "mrp", "product_expiry", "purchase_stock"},
        "_get_domain_locations": {"stock"},
        "_get_domain_locations_new": {"stock"},
        "_get_rules_from_location": {"stock"},
        "_select_seller": {"product", "procurement_automation"},
        "_get_filtered_sellers": {"product"},
        "_prepare_sellers": {"product", "purchase_requisition", "mrp_subcontracting"},
    },
    "product.supplierinfo": {
        "_get_filtered_supplier": {"product", "purchase", "purchase_requisition", "mrp_subcontracting"}
    },
    "stock.rule": {
        "_get_lead_days": {"stock", "purchase_stock", "mrp", "mrp_subcontracting_purchase", "procurement_automation"},
        "_get_rule": {"stock", "procurement_automation"},
        "_get_rule_domain": {"stock", "stock_dropshipping"},
        "_search_rule_for_warehouses": {"stock"},
        "_filter_warehouse_routes": {"stock", "purchase_stock", "mrp"},
        "_check_intercomp_location": {"stock"},
    },
    "procurement.group": {
        "_get_rule": {"stock", "procurement_automation"},
        "_get_rule_domain": {"stock", "stock_dropshipping"},
        "_search_rule_for_warehouses": {"stock"},
    },
    "stock.warehouse.orderpoint": {
        "_compute_qty": {"stock", "purchase_stock"},
        "_compute_qty_to_order": {"stock", "purchase_stock"},
        "_compute_qty_to_order_computed": {"stock", "purchase_stock", "mrp"},
        "_get_qty_to_order": {"stock"},
        "_compute_rules": {"stock"},
        "_compute_lead_days": {"stock", "purchase_stock"},
        "_compute_days_to_order": {"stock", "purchase_stock", "mrp"},
        "_compute_visibility_days": {"stock", "purchase_stock", "mrp"},
        "_get_lead_days_values": {"stock", "purchase_stock", "mrp"},
        "_get_product_context": {"stock"},
        "_get_orderpoint_procurement_date": {"stock"},
        "get_horizon_days": {"stock"},
        "_get_multiple_rounded_qty": {"stock"},
        "_get_replenishment_multiple_alternative": {"stock", "purchase_stock", "mrp"},
        "_quantity_in_progress": {
            "stock",
            "purchase_stock",
            "purchase_requisition_stock",
            "mrp",
            "procurement_automation",
        },
    },
}


def definers(model, method):
    """Addons whose version of ``method`` takes part."""
    found = set()
    for cls in type(model).__mro__:
        parts = cls.__module__.split(".")
        if method in vars(cls) and parts[:2] == ["odoo", "addons"]:
            found.add(parts[2])
    return found


def unknown_changes(env):
    """``addon: model.method`` of what the evaluation does not account for, sorted."""
    return sorted(
        f"{addon}: {model}.{method}"
        for model, methods in KNOWN.items()
        if model in env
        for method, known in methods.items()
        for addon in definers(env[model], method) - known
    )
