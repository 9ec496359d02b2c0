"""Somebody who is no programmer makes a report of KPIs that are there, tries it, and another person publishes it.

Nothing is typed but names and numbers: KPIs, documents, columns and conditions are picked from lists.
"""

import pytest

VERSION = "distribution.report.version"
CELL = ".modal .o_field_widget[name=column_ids] .o_data_row td[name=path]"


@pytest.fixture
def reader(rpc):
    """Whose eyes the report has: somebody who works with what it shows."""
    (user,) = rpc("admin")("res.users", "search_read", [("login", "=", "operations_manager")], fields=["name"])
    return user["name"]


@pytest.fixture
def kpi(rpc):
    def named(code):
        (found,) = rpc("policy_author")("distribution.kpi", "search_read", [("code", "=", code)], fields=["name"])
        return found["name"]

    return named


def opens_page(author, name):
    author.page.click(f".o_notebook .nav-link[name={name}]")


def adds_to(author, field):
    author.page.click(f".o_field_widget[name={field}] .o_field_x2many_list_row_add a")
    author.page.wait_for_selector(".modal .o_form_view")
    author.settles()


def closes_dialog(author):
    author.page.click(".modal .o_form_button_save")
    author.page.wait_for_selector(".modal", state="detached")
    author.settles()


def picks_column(author, name):
    """A column of the documents, by the name that people know."""
    page = author.page
    page.click(".modal .o_field_widget[name=column_ids] .o_field_x2many_list_row_add a")
    page.locator(f"{CELL} .o_model_field_selector").last.click()
    page.fill(".o_model_field_selector_popover_search input", name)
    page.locator(".o_model_field_selector_popover_item_name", has_text=name).first.click()
    author.settles()
    if page.locator(".o_model_field_selector_popover").count():
        page.keyboard.press("Escape")


def test_a_report_of_existing_kpis(person, rpc, reader, kpi, pictures):
    author = person("policy_author")
    page = author.page
    author.opens("reporting_workflows.action_report")
    page.locator(".o_list_button_add >> visible=true").first.click()
    page.fill(".o_field_widget[name=name] :is(input, textarea)", "Morning Round")
    author.presses("action_new_version")
    page.wait_for_selector(".o_field_widget[name=reader_id]")
    author.settles()
    page.fill(".o_field_widget[name=reader_id] input", reader)
    page.click(f".o-autocomplete--dropdown-item:has-text('{reader}')")

    # What it says: a figure, and the documents behind another one.
    opens_page(author, "sections")
    adds_to(author, "section_ids")
    author.fills("title", "How it went")
    author.chooses("kpi_ids", kpi("backorders"))
    closes_dialog(author)
    opens_page(author, "datasets")
    adds_to(author, "dataset_ids")
    author.fills("label", "Open back-orders")
    author.chooses("behind_id", kpi("backorders"))
    author.settles()
    picks_column(author, "Reference")
    author.takes_picture(pictures, "report-dataset")
    closes_dialog(author)
    opens_page(author, "sections")
    adds_to(author, "section_ids")
    author.fills("title", "Which ones")
    author.chooses("dataset_id", "open_back_orders")
    author.takes_picture(pictures, "report-section")
    closes_dialog(author)

    # A check and a limit.
    opens_page(author, "checks")
    adds_to(author, "check_ids")
    author.fills("label", "Not too many to read")
    author.chooses("dataset_id", "open_back_orders")
    author.fills("maximum", "5000")
    closes_dialog(author)
    opens_page(author, "thresholds")
    adds_to(author, "threshold_ids")
    author.fills("label", "More than we can bear")
    author.chooses("kpi_id", kpi("backorders"))
    author.fills("breach", "100000")
    closes_dialog(author)
    page.locator(".o_form_button_save >> visible=true").first.click()
    author.settles()
    (version,) = rpc("policy_author")(
        VERSION, "search_read", [("report_id.code", "=", "morning_round")], fields=["problem_text", "state"]
    )
    assert (version["state"], version["problem_text"]) == ("draft", "")
    author.takes_picture(pictures, "report-definition")

    # Live data, with the rights of who looks; nothing is kept. Who writes need not be allowed to read it.
    manager = person("admin").opens_record(VERSION, version["id"])
    manager.presses("action_preview")
    manager.page.wait_for_selector(".modal .o_field_widget[name=content_html]")
    shown = manager.page.inner_text(".modal")
    assert kpi("backorders") in shown
    assert "Which ones" in shown
    manager.takes_picture(pictures, "report-preview")

    # Who wrote it does not put it in force; somebody else does.
    publisher = person("policy_publisher").opens_record(VERSION, version["id"])
    publisher.presses("action_publish")
    publisher.page.click(".modal-footer .btn-primary")
    publisher.settles()
    (version,) = rpc("policy_author")(VERSION, "read", [version["id"]], fields=["state", "published_by_id"])
    assert version["state"] == "published"
    assert version["published_by_id"][0] == rpc("policy_publisher").uid
