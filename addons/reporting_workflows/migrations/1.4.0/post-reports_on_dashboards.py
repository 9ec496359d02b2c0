"""Dashboards list the newest editions of reports: those of the library on the four that came with the addon."""

REPORTS = {
    "control_tower": "daily_service_level, daily_sales, backorders, inbound_risk, warehouse_throughput, "
    "inventory_discrepancy, stock_ageing, slow_dead_stock, stock_valuation_exceptions, exception_ageing, "
    "customer_service_exceptions, executive_summary",
    "approvals": "approval_performance, three_way_match",
    "procurement": "procurement_exceptions, overdue_purchase_orders, inbound_risk, supplier_fill_rate, three_way_match",
    "integration": "integration_health, exception_ageing",
}


def migrate(cr, version):
    if version:
        for code, reports in REPORTS.items():
            cr.execute(
                "UPDATE distribution_dashboard SET reports = %s WHERE code = %s AND reports IS NULL", (reports, code)
            )
