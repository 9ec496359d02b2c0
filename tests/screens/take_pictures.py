"""`make screens`: pictures of the demo company as each role sees it, at desktop and phone width.

They are left in ``.run/pictures`` to be looked at; those that the documentation shows are
copied to ``docs/pictures`` by hand.
"""

import pytest

VIEW = ".o_view_controller"
FORM = ".o_form_view"
ROLES = (
    "buyer",
    "buyer_branch",
    "purchasing_manager",
    "finance_controller",
    "operations_manager",
    "compliance_officer",
    "category_manager",
    "sales_rep",
    "sales_manager",
    "warehouse_operator",
    "warehouse_manager",
    "policy_author",
    "policy_publisher",
    "auditor",
    "integration",
    "admin",
)
OVERSEERS = ("auditor", "admin")
# name of the picture, who looks, where, and what must be there before the shutter opens;
# what stands in braces is looked up in the demo company
SCREENS = [
    *(("home", login, "/web", ".o_main_navbar") for login in ROLES),
    *(
        ("inbox", login, "/web#action=distribution_approval.action_approval_inbox", VIEW)
        for login in ("purchasing_manager", "finance_controller", "operations_manager", "category_manager")
    ),
    ("inbox", "compliance_officer", "/web#action=distribution_approval.action_approval_inbox", VIEW),
    ("orders", "buyer", "/web#action=purchase.purchase_rfq", ".o_list_view, .o_kanban_view"),
    ("order", "buyer", "/web#id={order}&model=purchase.order&view_type=form", FORM),
    ("order", "finance_controller", "/web#id={order}&model=purchase.order&view_type=form", FORM),
    ("requests", "buyer", "/web#action=distribution_approval.action_approval_request", VIEW),
    ("request", "auditor", "/web#id={request}&model=distribution.approval.request&view_type=form", FORM),
    ("policies", "policy_author", "/web#action=distribution_approval.action_approval_policy", VIEW),
    ("version", "policy_author", "/web#id={version}&model=distribution.approval.policy.version&view_type=form", FORM),
    ("governance", "policy_publisher", "/web#action=distribution_approval.action_approval_activation", VIEW),
    ("releases", "auditor", "/web#action=distribution_approval.action_approval_release", VIEW),
    ("vendor", "compliance_officer", "/web#id={vendor}&model=res.partner&view_type=form", FORM),
    # Money for vendors.
    ("held-bills", "accountant", "/web#action=distribution_approval.action_held_bills", VIEW),
    ("bill", "accountant", "/web#id={bill}&model=account.move&view_type=form", FORM),
    ("bill", "purchasing_manager", "/web#id={bill}&model=account.move&view_type=form", FORM),
    ("bill-task", "purchasing_manager", "/web#id={bill_task}&model=distribution.approval.task&view_type=form", FORM),
    ("bill-paid", "accountant", "/web#id={bill_posted}&model=account.move&view_type=form", FORM),
    *(
        ("vendor-change", login, "/web#id={change}&model=distribution.vendor.change&view_type=form", FORM)
        for login in ("accountant", "finance_controller", "compliance_officer", "auditor")
    ),
    ("vendor-changes", "accountant", "/web#action=distribution_approval.action_vendor_change", VIEW),
    ("vendor-change-new", "accountant", "/web#action=distribution_approval.action_vendor_change_propose", VIEW),
    *(
        ("onboarding", login, "/web#id={onboarding}&model=distribution.vendor.onboarding&view_type=form", FORM)
        for login in ("buyer", "compliance_officer", "auditor")
    ),
    ("onboardings", "buyer", "/web#action=distribution_approval.action_vendor_onboarding", VIEW),
    ("vendor-governed", "accountant", "/web#id={vendor_changed}&model=res.partner&view_type=form", FORM),
    *(
        ("freight", login, "/web#id={freight}&model=distribution.freight.request&view_type=form", FORM)
        for login in ("buyer", "purchasing_manager", "auditor")
    ),
    ("freights", "buyer", "/web#action=distribution_approval.action_freight_request", VIEW),
    ("cases", "operations_manager", "/web#action=distribution_core.distribution_case_action", VIEW),
    *(
        ("health", login, "/web#action=distribution_core.distribution_health_sign_action", VIEW)
        for login in ("operations_manager", *OVERSEERS)
    ),
    ("metrics-tokens", "admin", "/web#action=distribution_core.distribution_metrics_token_action", VIEW),
    # What leaves the company, what comes back, and what is counted.
    ("sales", "sales_rep", "/web#action=sale.action_quotations_with_onboarding", ".o_list_view, .o_kanban_view"),
    *(
        (name, login, f"/web#id={{{place}}}&model={model}&view_type=form", FORM)
        for name, place, model, logins in (
            ("sale", "sale", "sale.order", ("sales_rep", "sales_manager", "auditor")),
            ("sale-refused", "sale_refused", "sale.order", ("sales_rep",)),
            ("sale-deliveries-held", "sale_on_hold", "sale.order", ("sales_manager", "finance_controller")),
            ("delivery", "delivery", "stock.picking", ("warehouse_operator", "operations_manager", "auditor")),
            ("credit", "credit", "stock.picking", ("warehouse_operator", "finance_controller", "sales_manager")),
            ("return", "return", "stock.picking", ("warehouse_operator", "sales_manager")),
            ("scrap", "scrap", "stock.scrap", ("warehouse_operator", "category_manager", "auditor")),
            ("transfer", "transfer", "stock.picking", ("warehouse_operator", "warehouse_manager")),
            ("site-transfer", "site_transfer", "distribution.site.transfer", ("operations_manager", "auditor")),
            (
                "adjustment",
                "adjustment",
                "distribution.inventory.adjustment",
                ("warehouse_manager", "operations_manager", "auditor"),
            ),
        )
        for login in logins
    ),
    ("counts", "warehouse_manager", "/web#action=stock.action_view_inventory_tree", VIEW),
    *(
        ("task", login, f"/web#id={{task_{login}}}&model=distribution.approval.task&view_type=form", FORM)
        for login in ("sales_manager", "finance_controller", "operations_manager", "category_manager")
    ),
    *(
        (name, "auditor", f"/web#action=distribution_approval.action_{name}", VIEW)
        for name in ("delivery_hold", "credit_release", "customer_return", "site_transfer", "inventory_adjustment")
    ),
    *(("access-reviews", login, "/web#action=distribution_approval.action_access_review", VIEW) for login in OVERSEERS),
    *(
        ("access-review", login, "/web#id={review}&model=distribution.access.review&view_type=form", FORM)
        for login in OVERSEERS
    ),
    *(
        ("access-lines", login, "/web#action=distribution_approval.action_access_review_line", VIEW)
        for login in OVERSEERS
    ),
    ("access-duties", "auditor", "/web#action=distribution_approval.action_access_duty", VIEW),
    ("access-conflicts", "admin", "/web#action=distribution_approval.action_access_conflict", VIEW),
    *(
        ("register", login, "/web#action=distribution_core.distribution_automation_open_action", VIEW)
        for login in ("auditor", "admin", "operations_manager")
    ),
    *(
        ("automation", login, "/web#id={automation}&model=distribution.automation&view_type=form", FORM)
        for login in OVERSEERS
    ),
    *(
        ("outside-checks", login, "/web#action=distribution_approval.action_approval_outside_check", VIEW)
        for login in ("auditor", "admin", "policy_author")
    ),
    *(
        ("outside-check", login, "/web#id={check}&model=distribution.approval.outside.check&view_type=form", FORM)
        for login in ("auditor", "admin", "policy_author", "policy_publisher")
    ),
    ("outside-calls", "operations_manager", "/web#action=distribution_approval.action_approval_outside_call", VIEW),
    ("outside-answers", "auditor", "/web#action=distribution_approval.action_approval_outside_answer", VIEW),
    *(
        ("roles-from-outside", login, "/web#action=distribution_core.distribution_external_group_action", VIEW)
        for login in OVERSEERS
    ),
    # Numbers and reports.
    *(
        (f"dashboard-{code}", login, f"/web#action=reporting_workflows.action_dashboard_{code}", ".o_dashboard_when")
        for code in ("control_tower", "approvals", "procurement", "integration")
        for login in ("operations_manager", "warehouse_manager")
    ),
    *(
        (name, "operations_manager", f"/web#action=reporting_workflows.action_{action}", VIEW)
        for name, action in (
            ("kpis", "kpi"),
            ("daily-numbers", "kpi_snapshot"),
            ("numbers-of-today", "kpi_current"),
            ("sign-offs", "kpi_signoff"),
            ("report-runs", "report_run"),
            ("report-editions", "report_edition"),
            ("report-deliveries", "report_delivery"),
        )
    ),
    ("reports", "policy_author", "/web#action=reporting_workflows.action_report", VIEW),
    ("my-reports", "operations_manager", "/web#action=reporting_workflows.action_my_reports", VIEW),
    # From the need to the paid bill.
    *(
        (name, login, f"/web#action=procurement_automation.action_{action}", awaited)
        for name, action, awaited, logins in (
            ("workbench", "buyer_workbench", ".o_workbench_content", ("buyer", "purchasing_manager")),
            ("proposals", "replenishment_proposal", VIEW, ("buyer",)),
            ("demand", "demand_suggestion", VIEW, ("buyer", "purchasing_manager")),
            ("confirmations", "supplier_confirmation", VIEW, ("buyer",)),
            ("ship-notices", "ship_notice", VIEW, ("buyer", "warehouse_operator")),
            ("discrepancies", "receipt_discrepancy", VIEW, ("buyer", "warehouse_operator")),
            ("bill-matches", "match_line", VIEW, ("finance_controller", "purchasing_manager")),
            ("scorecards", "scorecard", VIEW, ("purchasing_manager",)),
            ("scorecard-trend", "scorecard&view_type=graph", VIEW, ("purchasing_manager",)),
            ("requisitions", "requisition", VIEW, ("buyer", "purchasing_manager")),
            ("my-requisitions", "requisition_mine", VIEW, ("sales_rep",)),
            ("budgets", "budget", VIEW, ("finance_controller", "buyer")),
            ("budget-usage", "budget_line", VIEW, ("finance_controller",)),
            ("landed-costs", "landed_cost", VIEW, ("purchasing_manager", "buyer")),
            ("vendor-lists", "vendor_list", VIEW, ("purchasing_manager",)),
            ("transfer-lanes", "transfer_lane", VIEW, ("buyer",)),
            ("scheduled-work", "scheduled_work", VIEW, ("purchasing_manager",)),
        )
        for login in logins
    ),
    *(
        (name, login, f"/web#id={{{place}}}&model={model}&view_type=form", FORM)
        for name, place, model, logins in (
            ("shortage", "shortage", "distribution.replenishment.proposal", ("buyer", "purchasing_manager")),
            ("proposal", "proposal", "distribution.replenishment.proposal", ("buyer",)),
            ("ship-notice", "notice", "distribution.ship.notice", ("buyer", "warehouse_operator")),
            ("ship-notice-conflict", "notice_conflict", "distribution.ship.notice", ("buyer",)),
            ("discrepancy-case", "discrepancy_case", "distribution.case", ("buyer", "operations_manager")),
            ("receipt", "receipt", "stock.picking", ("warehouse_operator", "buyer")),
            ("scorecard", "scorecard", "distribution.scorecard", ("purchasing_manager",)),
            ("vendor-with-scorecard", "scored_vendor", "res.partner", ("purchasing_manager",)),
            ("requisition", "requisition", "distribution.purchase.requisition", ("buyer", "finance_controller")),
            ("budget", "budget", "distribution.budget", ("finance_controller",)),
            ("order-with-landed-cost", "landed_order", "purchase.order", ("buyer",)),
            ("confirmation", "confirmation", "distribution.supplier.confirmation", ("buyer",)),
        )
        for login in logins
    ),
    # The rules of the game, and those who keep the matrices.
    ("my-substitutes", "purchasing_manager", "/web#action=distribution_approval.action_my_substitutes", VIEW),
    ("asked", "purchasing_manager", "/web#action=distribution_approval.action_approval_asked", VIEW),
    ("delegations", "operations_manager", "/web#action=distribution_approval.action_delegations", VIEW),
    ("delegations", "auditor", "/web#action=distribution_approval.action_delegations", VIEW),
    ("conditions", "purchasing_manager", "/web#action=distribution_approval.action_approval_obligation", VIEW),
    ("conditions", "buyer", "/web#action=distribution_approval.action_approval_obligation", VIEW),
    ("emergencies", "operations_manager", "/web#action=distribution_approval.action_approval_emergency", VIEW),
    ("emergencies", "auditor", "/web#action=distribution_approval.action_approval_emergency", VIEW),
    ("fast-paths", "auditor", "/web#action=distribution_approval.action_approval_fast_path_use", VIEW),
    ("links", "auditor", "/web#action=distribution_approval.action_approval_link", VIEW),
    ("evidence", "auditor", "/web#action=distribution_approval.action_approval_exhibit", VIEW),
    ("variants", "policy_author", "/web#action=distribution_approval.action_approval_variant", VIEW),
    ("variants", "policy_publisher", "/web#action=distribution_approval.action_approval_variant", VIEW),
    ("monitored", "policy_author", "/web#action=distribution_approval.action_approval_monitored", VIEW),
    ("simulations", "policy_author", "/web#action=distribution_approval.action_approval_simulation", VIEW),
    ("reviews", "auditor", "/web#action=distribution_approval.action_approval_certification", VIEW),
    ("workload", "operations_manager", "/web#action=distribution_approval.action_approval_workload", VIEW),
    ("bottlenecks", "operations_manager", "/web#action=distribution_approval.action_approval_bottleneck", VIEW),
    ("cycle-times", "policy_author", "/web#action=distribution_approval.action_approval_cycle", VIEW),
    ("deciders", "auditor", "/web#action=distribution_approval.action_approval_deciders", VIEW),
    (
        "freight-with-condition",
        "buyer",
        "/web#id={freight_condition}&model=distribution.freight.request&view_type=form",
        FORM,
    ),
    (
        "freight-in-emergency",
        "buyer",
        "/web#id={freight_emergency}&model=distribution.freight.request&view_type=form",
        FORM,
    ),
    ("freight-by-fast-path", "buyer", "/web#id={freight_fast}&model=distribution.freight.request&view_type=form", FORM),
    (
        "condition",
        "purchasing_manager",
        "/web#id={condition}&model=distribution.approval.obligation&view_type=form",
        FORM,
    ),
    (
        "emergency",
        "operations_manager",
        "/web#id={emergency}&model=distribution.approval.emergency&view_type=form",
        FORM,
    ),
    ("substitute-decided", "auditor", "/web#id={on_behalf}&model=distribution.approval.request&view_type=form", FORM),
    ("task", "purchasing_manager", "/web#id={task}&model=distribution.approval.task&view_type=form", FORM),
    (
        "draft-version",
        "policy_author",
        "/web#id={draft}&model=distribution.approval.policy.version&view_type=form",
        FORM,
    ),
    (
        "draft-version",
        "policy_publisher",
        "/web#id={draft}&model=distribution.approval.policy.version&view_type=form",
        FORM,
    ),
    (
        "variant-out-of-band",
        "policy_author",
        "/web#id={fallen}&model=distribution.approval.variant&view_type=form",
        FORM,
    ),
    ("simulation", "policy_author", "/web#id={simulation}&model=distribution.approval.simulation&view_type=form", FORM),
    (
        "policy-overdue",
        "operations_manager",
        "/web#id={overdue_policy}&model=distribution.approval.policy&view_type=form",
        FORM,
    ),
    ("simulated-documents", "policy_author", "/web#action=distribution_approval.action_approval_simulation_line", VIEW),
    ("work-per-approver", "policy_author", "/web#action=distribution_approval.action_approval_simulation_load", VIEW),
    # Reports, as those see them who write, answer for, release, read and watch them.
    *(
        (name, login, f"/web#id={{{place}}}&model={model}&view_type=form", FORM)
        for name, place, model, logins in (
            ("report", "report", "distribution.report", ("policy_author", "operations_manager", "auditor")),
            ("report-version", "report_version", "distribution.report.version", ("policy_author", "auditor")),
            ("report-run-done", "report_done", "distribution.report.run", ("operations_manager", "auditor")),
            ("report-run-held", "report_held", "distribution.report.run", ("operations_manager",)),
            ("report-run-waiting", "report_waiting", "distribution.report.run", ("sales_rep",)),
            ("report-edition", "edition", "distribution.report.edition", ("operations_manager", "warehouse_manager")),
            ("report-edition-recalled", "edition_recalled", "distribution.report.edition", ("sales_manager",)),
            ("report-release", "report_release", "distribution.report.release", ("sales_manager",)),
            ("report-task", "report_task", "distribution.approval.task", ("sales_manager",)),
            ("kpi", "kpi", "distribution.kpi", ("sales_manager", "auditor")),
            ("dashboard-definition", "dashboard", "distribution.dashboard", ("admin",)),
            ("report-rule", "report_rule", "ir.actions.server", ("admin",)),
        )
        for login in logins
    ),
    ("report-library", "policy_author", "/web#action=reporting_workflows.action_report_library", ".modal-dialog"),
    ("dashboard-definitions", "admin", "/web#action=reporting_workflows.action_dashboard", VIEW),
    ("my-reports", "warehouse_manager", "/web#action=reporting_workflows.action_my_reports", VIEW),
]


@pytest.fixture
def places(rpc, sql):
    """Where the records of the demo company are that the pictures show."""

    def first(statement):
        return sql(statement)[0][0]

    reports = _places_of_reports(sql)
    return {
        **reports,
        "report_rule": _rule_for_a_report(rpc, reports["report"]),
        "order": first(
            "SELECT id FROM purchase_order WHERE state = 'to approve' ORDER BY amount_total DESC, id LIMIT 1"
        ),
        "request": first(
            "SELECT request_id FROM distribution_approval_decision GROUP BY request_id ORDER BY count(*) DESC LIMIT 1"
        ),
        "version": first("SELECT id FROM distribution_approval_policy_version WHERE state = 'published' LIMIT 1"),
        "bill": first("SELECT id FROM account_move WHERE ref = 'CES-77120'"),
        "bill_task": first(
            """SELECT task.id FROM distribution_approval_task task
                 JOIN distribution_approval_request request ON request.id = task.request_id
                WHERE request.res_model = 'account.move' AND task.state = 'open' AND request.state = 'pending'
             ORDER BY task.id LIMIT 1"""
        ),
        "bill_posted": first("SELECT id FROM account_move WHERE ref = 'AFP-2291'"),
        "change": first("SELECT id FROM distribution_vendor_change WHERE state = 'to_approve' ORDER BY id LIMIT 1"),
        "vendor_changed": first(
            "SELECT partner_id FROM distribution_vendor_change WHERE state = 'to_approve' ORDER BY id LIMIT 1"
        ),
        "onboarding": first("SELECT id FROM distribution_vendor_onboarding WHERE state = 'to_approve' LIMIT 1"),
        "freight": first(
            "SELECT id FROM distribution_freight_request WHERE state = 'to_approve' ORDER BY id DESC LIMIT 1"
        ),
        **_places_of_the_rules(first),
        **_places_of_procurement(first),
        "vendor": first(
            "SELECT id FROM res_partner WHERE vendor_status = 'new' AND supplier_rank > 0 ORDER BY id LIMIT 1"
        ),
        **{
            name: first(f"SELECT {column} FROM {table} WHERE approval_state = '{state}' ORDER BY id LIMIT 1")
            for name, table, state, column in (
                ("sale", "sale_order", "pending", "id"),
                ("sale_refused", "sale_order", "refused", "id"),
                ("delivery", "distribution_delivery_hold", "pending", "picking_id"),
                ("credit", "distribution_credit_release", "pending", "picking_id"),
                ("return", "distribution_customer_return", "pending", "picking_id"),
                ("scrap", "stock_scrap", "pending", "id"),
                ("transfer", "distribution_site_transfer", "pending", "picking_id"),
                ("site_transfer", "distribution_site_transfer", "pending", "id"),
                ("adjustment", "distribution_inventory_adjustment", "pending", "id"),
            )
        },
        "sale_on_hold": first("SELECT id FROM sale_order WHERE delivery_hold_reason IS NOT NULL LIMIT 1"),
        **{
            f"task_{login}": first(
                f"""SELECT task.id FROM distribution_approval_task task
                      JOIN distribution_approval_request request ON request.id = task.request_id
                     WHERE task.state = 'open' AND request.res_model = '{model}' ORDER BY task.id LIMIT 1"""
            )
            for login, model in (
                ("sales_manager", "sale.order"),
                ("finance_controller", "distribution.credit.release"),
                ("operations_manager", "distribution.site.transfer"),
                ("category_manager", "stock.scrap"),
            )
        },
        "review": first("SELECT id FROM distribution_access_review ORDER BY id DESC LIMIT 1"),
        "automation": first(
            """SELECT automation.id FROM distribution_automation automation JOIN distribution_automation_run run
                   ON automation.res_model = 'ir.cron' AND automation.res_id = run.cron_id AND run.outcome = 'failed'
                LIMIT 1"""
        ),
        "check": first("SELECT id FROM distribution_approval_outside_check ORDER BY id LIMIT 1"),
    }


def _places_of_reports(sql):
    def first(statement):
        return sql(f"{statement} ORDER BY id LIMIT 1")[0][0]

    daily = "(SELECT id FROM distribution_report WHERE code = 'daily_service_level')"
    found = {
        "report": first("SELECT id FROM distribution_report WHERE code = 'daily_service_level'"),
        "report_version": first(
            f"SELECT id FROM distribution_report_version WHERE state = 'published' AND report_id = {daily}"
        ),
        "report_done": first(f"SELECT id FROM distribution_report_run WHERE state = 'done' AND report_id = {daily}"),
        "edition": first(
            f"SELECT id FROM distribution_report_edition WHERE state = 'released' AND report_id = {daily}"
        ),
        "edition_recalled": first("SELECT id FROM distribution_report_edition WHERE state = 'recalled'"),
        "report_release": first("SELECT release_id AS id FROM distribution_report_edition WHERE state = 'proposed'"),
        "report_task": first(
            """SELECT id FROM distribution_approval_task WHERE state = 'open' AND request_id IN
               (SELECT id FROM distribution_approval_request WHERE document_type = 'report_release')"""
        ),
        "kpi": first("SELECT id FROM distribution_kpi WHERE code = 'sales_ordered'"),
        "dashboard": first("SELECT id FROM distribution_dashboard"),
    }
    for state in ("held", "waiting"):
        found[f"report_{state}"] = first(f"SELECT id FROM distribution_report_run WHERE state = '{state}'")
    return found


def _rule_for_a_report(rpc, report):
    """An action as an administrator makes one: it runs the report."""
    admin = rpc("admin")
    known = admin("ir.actions.server", "search", [("name", "=", "Run the daily service level")])
    if known:
        return known[0]
    (model,) = admin("ir.model", "search", [("model", "=", "sale.order")])
    return admin(
        "ir.actions.server",
        "create",
        {
            "name": "Run the daily service level",
            "model_id": model,
            "state": "distribution_run_report",
            "report_to_run_id": report,
        },
    )


def _places_of_the_rules(first):
    """Where the rules of the game are shown, on expedited freight."""

    def freight(key):
        return first(f"SELECT id FROM distribution_freight_request WHERE carrier_reference = '{key}'")

    return {
        "freight_condition": freight("RULE-CONDITION"),
        "freight_emergency": freight("RULE-EMERGENCY"),
        "freight_fast": freight("RULE-FAST-1"),
        "condition": first("SELECT id FROM distribution_approval_obligation WHERE state = 'reported' LIMIT 1"),
        "emergency": first("SELECT id FROM distribution_approval_emergency LIMIT 1"),
        "on_behalf": first(
            "SELECT request_id FROM distribution_approval_decision WHERE on_behalf_id IS NOT NULL LIMIT 1"
        ),
        "task": first(
            """SELECT task.id FROM distribution_approval_task task
                 JOIN distribution_approval_request request ON request.id = task.request_id
                WHERE task.state = 'open' AND task.name = 'Purchasing' AND request.document_type = 'purchase_order'
             ORDER BY request.amount DESC LIMIT 1"""
        ),
        "draft": first("SELECT id FROM distribution_approval_policy_version WHERE state = 'draft' ORDER BY id LIMIT 1"),
        "fallen": first(
            """SELECT variant.id FROM distribution_approval_variant variant
                 JOIN distribution_case found ON found.res_model = 'distribution.approval.variant'
                      AND found.res_id = variant.id LIMIT 1"""
        ),
        "simulation": first("SELECT id FROM distribution_approval_simulation LIMIT 1"),
        "overdue_policy": first("SELECT id FROM distribution_approval_policy WHERE document_type = 'freight_request'"),
    }


def _places_of_procurement(first):
    """Where it is shown how the winter range is bought."""

    def proposal(verdict, state):
        return first(
            f"""SELECT id FROM distribution_replenishment_proposal WHERE verdict = '{verdict}' AND state = '{state}'
              ORDER BY id LIMIT 1"""
        )

    def of_order(origin, table, column="order_id"):
        return first(
            f"""SELECT found.id FROM {table} found JOIN purchase_order ordered ON ordered.id = found.{column}
                 WHERE ordered.origin = '{origin}' ORDER BY found.id LIMIT 1"""
        )

    return {
        "shortage": proposal("transfer", "ordered"),
        "proposal": proposal("review", "open"),
        "notice": of_order("BUY-ON-ITS-WAY", "distribution_ship_notice"),
        "notice_conflict": of_order("BUY-CONFLICT", "distribution_ship_notice"),
        "discrepancy_case": first(
            """SELECT found.id FROM distribution_case found JOIN distribution_case_type kind ON kind.id = found.type_id
                 JOIN res_users owner ON owner.id = found.user_id
                WHERE kind.code = 'receipt_discrepancy' AND owner.login = 'buyer' ORDER BY found.id LIMIT 1"""
        ),
        "receipt": first(
            """SELECT picking_ref FROM distribution_receipt_discrepancy WHERE kind = 'damaged' ORDER BY id LIMIT 1"""
        ),
        "scorecard": first(
            "SELECT id FROM distribution_scorecard WHERE tier <> 'low' AND is_scored ORDER BY period_start DESC LIMIT 1"
        ),
        "scored_vendor": first("SELECT id FROM res_partner WHERE scorecard_tier <> 'low' ORDER BY id LIMIT 1"),
        "requisition": first(
            "SELECT id FROM distribution_purchase_requisition WHERE state = 'to_approve' ORDER BY id LIMIT 1"
        ),
        "budget": first("SELECT budget_id FROM distribution_budget_line WHERE available < 0 LIMIT 1"),
        "landed_order": first("SELECT order_id FROM distribution_landed_cost ORDER BY id DESC LIMIT 1"),
        "confirmation": of_order("BUY-LATER", "distribution_supplier_confirmation"),
    }


@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize(("name", "login", "path", "awaited"), SCREENS)
def test_take_picture(browser_page, phone, pictures, places, name, login, path, awaited, width):
    size = {"size": phone} if width == "phone" else {}
    page = browser_page(login, path.format(**places), **size)
    page.wait_for_selector(awaited)
    page.wait_for_timeout(700)  # until images and badges are in
    page.screenshot(path=pictures / f"{name}-{login}-{width}.png")
