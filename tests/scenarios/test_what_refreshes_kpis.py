"""What has KPIs measured again are automation rules of Odoo: an administrator finds, extends and adds them there."""

import pytest

RULES = "reporting_workflows.action_open_kpi_rules"
TRIGGER = "What KPIs count has changed"


def offered(page):
    """The triggers that the form offers: 17.0 has the browser's own list, 19.0 one of Odoo's."""
    field = page.locator(".o_field_widget[name=trigger]")
    if field.locator("select").count():
        return field.locator("select").inner_text()
    field.locator(".o_select_menu_toggler").click()
    text = page.locator(".o_select_menu_menu, .o_select_menu_content").first.inner_text()
    page.keyboard.press("Escape")
    return text


def picks_model(admin, name):
    box = admin.page.locator(".o_field_widget[name=model_id] input >> visible=true").first
    box.fill(name)
    admin.page.locator(".o-autocomplete--dropdown-item", has_text=name).first.click()
    admin.settles()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_administrator_finds_them(person, pictures, phone, size):
    admin = person("admin", size=phone) if size == "phone" else person("admin")
    admin.opens(RULES).sees("Orders confirmed, changed or cancelled").sees("Exceptions of deliveries and others")
    admin.takes_picture(pictures, f"kpi-rules-{size}")
    admin.opens_row("Goods moved or promised anew").sees("Mark KPIs as Due")
    assert "Acts once on each document" in admin.reads()
    admin.takes_picture(pictures, f"kpi-rule-{size}")
    if size == "desktop":  # a phone of 19.0 has the buttons of the sheet in a menu
        admin.presses("action_open_marked_kpis").sees("Deliveries on time")


def test_a_rule_of_ones_own(person):
    """Our trigger is offered where KPIs count the documents; those of Odoo are there as before."""
    admin = person("admin")
    admin.opens("base_automation.base_automation_act")
    admin.page.locator(".o-kanban-button-new >> visible=true").first.click()
    admin.page.wait_for_selector(".o_form_view")
    picks_model(admin, "Sales Order")
    triggers = offered(admin.page)
    for trigger in (TRIGGER, "State is set to", "User is set", "On webhook", "After creation"):
        assert trigger in triggers, triggers
    picks_model(admin, "Product Category")
    triggers = offered(admin.page)
    assert TRIGGER not in triggers and "State is set to" not in triggers
    assert "On webhook" in triggers


def test_operations_see_that_they_run(person):
    """Who may not administer Odoo sees them in the register; an order is confirmed, and its rule ran."""
    worker = person("operations_manager").opens(RULES).sees("Orders confirmed, changed or cancelled")
    page = worker.reads()
    assert "What Refreshes KPIs" in page and "Automation rule" in page
