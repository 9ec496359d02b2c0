"""The head of operations looks at the numbers: how they stand, what they mean, and what is behind them.

A colleague who reads no numbers is told so; on a phone nothing is cut off; the keyboard reaches everything.
"""

import pytest
import rules_in_force as rules

DASHBOARDS = {
    "control_tower": "service_level",
    "approvals": "approvals_waiting",
    "procurement": "supplier_otif",
    "integration": "webhook_delivered",
}
TILE = ".o_kpi_tile[data-kpi={}]"


def opens(worker, code):
    worker.opens(f"reporting_workflows.action_dashboard_{code}")
    worker.page.wait_for_selector(".o_dashboard_when")
    return worker


@pytest.fixture
def fortnight(rpc, sql):
    """Two weeks of every KPI, of the company and its sites, where the demo company has none yet.

    They end with yesterday where the company works; where the database is, that may be another day.
    """
    sql(
        """INSERT INTO distribution_kpi_snapshot (kpi_id, version_id, company_id, site_id, day, revision, is_measured,
                                                  value, numerator, denominator, rows, taken_at)
           SELECT kpi.id, kpi.version_id, company.id, site.id, %s::date - step, 0, true, 90 + step %% 7,
                  90 + step %% 7,
                  CASE WHEN version.kind = 'percent' THEN 100 ELSE 1 END, 100, now() AT TIME ZONE 'UTC'
             FROM distribution_kpi kpi JOIN distribution_kpi_version version ON version.id = kpi.version_id,
                  (SELECT min(id) AS id FROM res_company) company, generate_series(1, 14) step,
                  (SELECT id FROM stock_warehouse WHERE company_id = (SELECT min(id) FROM res_company)
                   UNION ALL SELECT NULL) site
           ON CONFLICT DO NOTHING RETURNING id""",
        (rules.company_day(rpc),),
    )


def test_each_dashboard_opens_and_leads_to_the_documents(person, fortnight, pictures):
    worker = person("operations_manager")
    page = worker.page
    for code, kpi in DASHBOARDS.items():
        opens(worker, code)
        assert page.locator(TILE.format(kpi)).count() == 1, code
        assert "queries" in page.inner_text(".o_dashboard_load_time")
        worker.takes_picture(pictures, f"dashboard-{code}")

    # What was measured just now, and the cases behind the number.
    opens(worker, "control_tower")
    page.select_option("select[name=period]", "today")
    worker.settles()
    worker.presses("measure")
    assert page.locator(TILE.format("cases_open")).locator(".o_kpi_value").count() == 1
    page.locator(TILE.format("cases_open")).locator(".o_kpi_value").click()
    page.wait_for_selector(".o_list_view")
    worker.settles()
    assert "Open Exceptions" in page.inner_text(".o_control_panel")
    page.go_back()
    page.wait_for_selector(".o_kpi_dashboard")
    worker.settles()
    assert page.input_value("select[name=period]") == "today", "it is shown as it was left"

    # What a number means: its course, and the days that it is made of.
    page.select_option("select[name=period]", "last_7_days")
    worker.settles()
    page.locator(TILE.format("service_level")).locator(".o_kpi_title").click()
    page.wait_for_selector(".o_kpi_chart canvas")
    worker.settles()
    worker.takes_picture(pictures, "dashboard-detail")
    assert "How it is counted" in page.inner_text(".modal")
    page.click(".modal button[name=daily]")
    page.wait_for_selector(".o_list_view .o_data_row")
    assert page.locator(".o_data_row").count() == 7


def test_sites_keyboard_and_what_is_refused(person, fortnight, rpc):
    worker = opens(person("operations_manager"), "control_tower")
    page = worker.page
    (site,) = rpc("operations_manager")("stock.warehouse", "search_read", [("code", "=", "CEN")], fields=["name"])
    page.select_option("select[name=place]", f"site-{site['id']}")
    worker.settles()
    assert "Whole company" not in page.locator("select[name=place] option:checked").inner_text()

    def after(*keys):
        """The number (from 0) and the place of the title that has the focus after these keys."""
        for key in keys:
            page.keyboard.press(key)
        return page.evaluate(
            """() => {
                const titles = [...document.querySelectorAll(".o_kpi_title")];
                const place = document.activeElement.getBoundingClientRect();
                return { number: titles.indexOf(document.activeElement), left: place.left, top: place.top };
            }"""
        )

    page.locator(".o_kpi_title").first.focus()
    first = after()
    second = after("ArrowRight")
    assert (first["number"], second["number"]) == (0, 1)
    below = after("ArrowDown")
    assert below["top"] > second["top"] and below["number"] > 1
    assert after("ArrowUp")["top"] == second["top"]
    assert after(*["ArrowLeft"] * 9)["number"] == 0, "to the first, and no further"
    page.keyboard.press("Enter")
    page.wait_for_selector(".modal")
    page.keyboard.press("Escape")
    page.wait_for_selector(".modal", state="detached")
    page.locator(TILE.format("cases_open")).locator(".o_kpi_title").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".o_list_view")
    page.go_back()
    page.wait_for_selector(".o_kpi_dashboard")
    worker.settles()

    page.select_option("select[name=period]", "custom")
    worker.settles()
    last = page.input_value("input[name=last]")
    page.fill("input[name=first]", last)
    page.dispatch_event("input[name=first]", "change")
    worker.settles()
    page.fill("input[name=last]", "2020-01-01")
    page.dispatch_event("input[name=last]", "change")
    page.wait_for_selector(".o_dashboard_error:has-text('comes before')")


def test_who_reads_no_numbers_is_told_so(person, fortnight):
    worker = opens(person("sales_rep"), "procurement")
    assert worker.page.locator(".o_kpi_tile").count() == 0
    assert "No numbers for you here" in worker.reads(".o_dashboard_empty")


def test_on_the_way(person, fortnight, phone, pictures):
    worker = opens(person("operations_manager", size=phone), "control_tower")
    worker.takes_picture(pictures, "dashboard-phone")
    wide = worker.page.evaluate(
        "document.querySelector('.o_dashboard_content').scrollWidth - "
        "document.querySelector('.o_dashboard_content').clientWidth"
    )
    assert wide <= 0, "nobody has to scroll sideways"
