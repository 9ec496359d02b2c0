"""What people do in the web client, in the words of the scenarios."""

from playwright.sync_api import Error

PURCHASE_ORDERS = "purchase.purchase_rfq"
INBOX = "distribution_approval.action_approval_inbox"
LEDGER = "distribution_core.action_distribution_event"


class Person:
    """Somebody in front of the web client."""

    def __init__(self, page, login):
        self.page = page
        self.login = login
        self._calls = set()
        page.on("request", self._called)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    def _called(self, request):
        # The bus never rests; everything else that the client asks the server ends.
        if request.resource_type in ("fetch", "xhr") and "/websocket" not in request.url:
            self._calls.add(request)

    def _answered(self, request):
        self._calls.discard(request)

    def opens(self, action):
        """Open a menu by its action; the page is loaded anew, as from a bookmark."""
        self.page.goto("about:blank")
        self.page.goto(f"/web#action={action}")
        self.page.wait_for_selector(".o_action_manager .o_view_controller")
        self.settles()
        return self

    def opens_record(self, model, record_id):
        self.page.goto("about:blank")
        self.page.goto(f"/web#model={model}&id={record_id}&view_type=form")
        self.page.wait_for_selector(".o_form_view")
        self.settles()
        return self

    def opens_row(self, text):
        """Click the row (or card, on a phone) that shows ``text``."""
        # The cell with the text: an avatar or a button in the row would open something else.
        self.page.click(f".o_data_row .o_data_cell:has-text('{text}'), .o_kanban_record:has-text('{text}')")
        self.page.wait_for_selector(".o_form_view")
        self.settles()
        return self

    def presses(self, name):
        """Press the button with that technical name; buttons behind "Action" on a phone, too."""
        button = self.page.locator(f"button[name={name}] >> visible=true")
        menu = self.page.locator(".o_statusbar_buttons .dropdown-toggle >> visible=true")
        button.or_(menu).first.wait_for()
        if not button.count():
            menu.first.click()
        button.first.click()
        self.settles()
        return self

    def fills(self, field, text):
        """Type into a field of the dialog."""
        box = self.page.locator(f".modal .o_field_widget[name={field}] :is(input, textarea)").first
        box.fill(text)
        return self

    def chooses(self, field, text):
        """Pick ``text`` in a many2one of the dialog."""
        box = self.page.locator(f".modal .o_field_widget[name={field}] input").first
        box.click()
        box.fill(text)
        self.page.click(f".o-autocomplete--dropdown-item:has-text('{text}')")
        return self

    def picks(self, field, text):
        """Pick ``text`` in a selection of the dialog: 17.0 has the browser's own, 19.0 one of Odoo's."""
        place = self.page.locator(f".modal .o_field_widget[name={field}]")
        place.wait_for()
        if place.locator("select").count():
            place.locator("select").select_option(label=text)
        else:
            place.locator(".o_select_menu_toggler").click()
            self.page.click(f".o_select_menu_item:has-text('{text}')")
        return self

    def sees(self, text):
        self.page.wait_for_selector(f".o_action_manager :text('{text}') >> visible=true")
        return self

    def copies_secret(self, pattern):
        """The secret that a dialog shows once; the question before it may still be closing, so any dialog is read."""
        found = self.page.wait_for_function(
            """pattern => [...document.querySelectorAll(".modal")]
                .filter(dialog => dialog.innerText.includes("not shown again"))
                .map(dialog => dialog.innerText.match(pattern)?.[0]).find(Boolean)""",
            arg=pattern,
        ).json_value()
        self.page.click(".modal-footer button:has-text('Close')")
        return found

    def reads(self, selector=".o_action_manager"):
        return self.page.inner_text(selector)

    def settles(self):
        """Wait until the web client has asked for nothing for a moment."""
        quiet = 0
        for _attempt in range(300):
            self.page.wait_for_timeout(100)
            quiet = 0 if self._calls else quiet + 1
            if quiet >= 4 and self._has_drawn():
                return self
        raise AssertionError(f"still loading: {[request.url for request in self._calls]}")

    def _has_drawn(self):
        """Whether nothing is left to draw, nor asked because of it: a busy machine draws long after the answer came."""
        try:
            self.page.evaluate("() => new Promise(done => requestIdleCallback(() => done(), {timeout: 2000}))")
        except Error:  # on its way to another page
            return False
        return not self._calls

    def takes_picture(self, folder, name):
        self.page.screenshot(path=str(folder / f"{name}.png"))
        return self
