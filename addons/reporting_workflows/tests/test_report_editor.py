"""The editor of a definition in a real browser, for an author who may not read what the report is about."""

from odoo import Command
from odoo.tests.common import HttpCase, tagged

from .report_case import ReportCase

#: Words of a person in front of the web client. What is not there in time is named.
HANDS = """
const rest = () => new Promise((resume) => setTimeout(resume, 50));
async function sees(find) {
    for (let attempt = 0; attempt < 200; attempt++) {
        const found = find();
        if (found) return found;
        await rest();
    }
    throw new Error(`never seen: ${find}`);
}
const one = (selector, text) =>
    [...document.querySelectorAll(selector)].find((node) => !text || node.textContent.includes(text));
const clicks = async (selector, text) => (await sees(() => one(selector, text))).click();
async function types(selector, text) {
    const box = await sees(() => one(selector));
    box.focus();
    box.value = text;
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    box.dispatchEvent(new Event("change", { bubbles: true }));
}
async function picks(field, text) {
    const place = `.modal .o_field_widget[name=${field}]`;
    await clicks(`${place} input`);
    await types(`${place} input`, text);
    await clicks(".o-autocomplete--dropdown-item:not(.o_m2o_dropdown_option)", text);
}
const page = (name) => clicks(`.o_notebook .nav-link[name=${name}]`);
const closed = () => sees(() => !one(".modal"));
async function keeps() {
    await clicks(".modal .o_form_button_save");
    await closed();
}
"""

FORM = """
(async () => {
    await page("datasets");
    await clicks(".o_data_row .o_data_cell", "Orders");
    await sees(() => one(".modal .o_conditions_not_counted"));
    if (one(".modal", "Invalid domain")) throw new Error("conditions are called invalid");
    await clicks(".modal .o_field_widget[name=conditions] .o-autocomplete input");
    await sees(() => one(".modal .o-autocomplete--dropdown-item", "You may not read these"));
    await clicks(".modal .o_form_button_cancel");
    await closed();

    await clicks(".o_field_widget[name=dataset_ids] .o_field_x2many_list_row_add a");
    await types(".modal .o_field_widget[name=label] input", "Just Added");
    await picks("behind_id", "%(kpi)s");
    await keeps();
    await page("sections");
    await clicks(".o_data_row .o_data_cell", "All Vendors");
    await sees(() => one(".modal .o_field_widget[name=title] input")?.value === "All Vendors");
    await clicks(".modal .o_form_button_cancel");
    await closed();
    await clicks(".o_field_widget[name=section_ids] .o_field_x2many_list_row_add a");
    await types(".modal .o_field_widget[name=title] input", "What Came");
    await picks("dataset_id", "just_added");
    await keeps();
    await clicks(".o_data_row .o_data_cell", "What Came");
    await sees(() => one(".modal .o_field_widget[name=dataset_id] input")?.value.includes("just_added"));
    await clicks(".modal .o_form_button_cancel");
    await closed();
    await clicks(".o_form_button_save");
    await sees(() => !one(".o_form_status_indicator_buttons:not(.invisible) .o_form_button_save"));
    console.log("test successful");
})().catch((error) => console.error(error.message));
"""


@tagged("post_install", "-at_install")
class TestReportEditor(ReportCase, HttpCase):
    def test_an_author_without_rights_on_the_documents(self):
        orders = {
            "code": "orders",
            "label": "Orders",
            "model": "purchase.order",
            "domain": "[('invoice_ids', 'in', [1])]",
            "column_ids": [Command.create({"path": "name"})],
        }
        version = self._report(publish=False, datasets=[orders]).version_ids
        kpi = self.env["distribution.kpi"].search([("code", "=", "backorders")])
        self.browser_js(
            f"/web#id={version.id}&model=distribution.report.version&view_type=form",
            HANDS + FORM % {"kpi": kpi.name},
            ready="Boolean(document.querySelector('.o_form_view .o_notebook'))",
            login=self.author.login,
            timeout=60,
        )
        self.assertEqual(version.section_ids[-1].dataset, "just_added")
        self.assertEqual(version.dataset_ids[-1].behind_id, kpi)
        self.assertEqual(version.dataset_ids[1].domain, orders["domain"], "looking at it changed nothing")
