"""The page on which a vendor confirms: by link, without login, or by its own portal login. GET shows, POST answers."""

from markupsafe import Markup
from odoo import _, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from odoo.addons.distribution_approval.controllers.decision_link import only_post
from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.supplier_form import MAX_TEXT
from ..models.supplier_link import PATH

HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
#: What no text has that a person typed.
CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
CODES = {"open": 200, "done": 200, "unknown": 404, "slow": 429, "copy": 403, "login": 403}


class SupplierConfirmationPage(CustomerPortal):
    # ------------------------------------------------------------ by link

    @http.route(f"{PATH}<string:token>", type="http", auth="public", methods=["GET"], sitemap=False)
    def supplier_link_show(self, token, **_ignored):
        """Show what is asked. Mail scanners and previews follow links: opening one answers nothing."""
        link, problem = self._supplier_link(token)
        return problem or self._supplier_page(link.confirmation_id, f"{PATH}{token}")

    @http.route(f"{PATH}<string:token>", type="http", auth="public", methods=["POST"], sitemap=False, csrf=True)
    def supplier_link_answer(self, token, **form):
        """Take the answer in. What is wrong is said on the same page, and the link stays good."""
        only_post()
        link, problem = self._supplier_link(token)
        if problem:
            return problem
        if not link._take_turn():
            return self._supplier_render("slow")
        return self._supplier_answer(link.confirmation_id, f"{PATH}{token}", "link", form, link)

    def _supplier_link(self, token):
        """(link, None) or (nothing, page that says what is wrong)."""
        link, is_blocked = request.env["distribution.supplier.link"]._find(token, request.httprequest.remote_addr)
        if is_blocked:
            return link, self._supplier_render("slow")
        if not link:
            return link, self._supplier_render("unknown")
        link = self._supplier_reads(link, link.confirmation_id)
        status = link._status()
        return link, None if status == "open" else self._supplier_render(status)

    # ---------------------------------------------------------- by portal

    @http.route("/my/purchase/<int:order_id>/confirmation", type="http", auth="user", methods=["GET"], sitemap=False)
    def supplier_portal_show(self, order_id, **_ignored):
        confirmation, problem = self._supplier_own(order_id)
        return problem or self._supplier_page(confirmation, f"/my/purchase/{order_id}/confirmation")

    @http.route(
        "/my/purchase/<int:order_id>/confirmation", type="http", auth="user", methods=["POST"], sitemap=False, csrf=True
    )
    def supplier_portal_answer(self, order_id, **form):
        only_post()
        confirmation, problem = self._supplier_own(order_id)
        path = f"/my/purchase/{order_id}/confirmation"
        return problem or self._supplier_answer(confirmation, path, "portal", form)

    def _supplier_own(self, order_id):
        """The confirmation of an order of the vendor who is logged in; tokens of documents do not count here."""
        nothing = request.env["distribution.supplier.confirmation"]
        try:
            order = self._document_check_access("purchase.order", order_id)
        except (AccessError, MissingError):
            return nothing, self._supplier_render("unknown")
        user = request.env.user
        if user._is_internal() or order.partner_id.commercial_partner_id != user.partner_id.commercial_partner_id:
            return nothing, self._supplier_render("login")
        confirmation = order.sudo().supplier_confirmation_ids  # sudo: its own order, as was looked at
        if not confirmation or not confirmation._is_open():
            return nothing, self._supplier_render("closed")
        return self._supplier_reads(confirmation, confirmation), None

    # --------------------------------------------------------------- both

    def _supplier_answer(self, confirmation, path, door, form, link=None):
        error = None
        form = _texts(form)
        if form.get("seen_digest") != confirmation._digest():
            return self._supplier_page(confirmation, path, error="changed")
        try:
            with request.env.cr.savepoint():
                if form.get("act") == "as_ordered":
                    said = confirmation._said_as_ordered()
                else:
                    said = confirmation._said_by_form(form)
                if not said:
                    raise UserError(_("Nothing was entered."))
                confirmation._answer(
                    door,
                    said,
                    vendor_reference=(form.get("vendor_reference") or "").strip()[:64] or None,
                    note=(form.get("note") or "").strip()[:MAX_TEXT] or None,
                    link=link,
                )
        except (UserError, AccessError, MissingError) as problem:
            confirmation.invalidate_recordset()
            error = str(problem.args[0])
        if error:
            return self._supplier_page(confirmation, path, error=error, form=form)
        return self._supplier_render(
            "done",
            {
                "order": confirmation.name,
                "path": path,
                "currency": confirmation.currency_id.name,
                "lines": [line for line in confirmation._form_lines() if line["said"] or line["rejected"]],
                "is_examined": confirmation.state in ("differs", "proposed"),
            },
        )

    def _supplier_reads(self, record, confirmation):
        """The record in the language of the vendor, in which all is said from here on, errors too."""
        language = confirmation.order_id.partner_id.lang or confirmation.company_id.partner_id.lang
        request.update_context(lang=language)
        return record.with_context(lang=language)

    def _supplier_page(self, confirmation, path, error=None, form=None):
        return self._supplier_render(
            "open",
            {
                "path": path,
                "csrf": request.csrf_token(),
                "digest": confirmation._digest(),
                "error": error,
                "order": confirmation.name,
                "company": confirmation.company_id.name,
                "currency": confirmation.currency_id.name,
                "lines": confirmation._form_lines(),
                "typed": form or {},
                "vendor_reference": (form or {}).get("vendor_reference", confirmation.vendor_reference or ""),
                "note": (form or {}).get("note", ""),
            },
        )

    def _supplier_render(self, status, values=None):
        """A page by itself: no script, nothing loaded from elsewhere, nothing kept by browsers."""
        body = (
            request.env["ir.qweb"]
            .sudo()
            ._render("procurement_automation.supplier_page", {"status": status, **(values or {})})
        )
        response = request.make_response(
            Markup("<!DOCTYPE html>\n") + body, [("Content-Type", "text/html; charset=utf-8")]
        )
        response.status_code = CODES.get(status, 410)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response


def _texts(form):
    """The fields of a form that are text; files, and characters that nobody types, are left out."""
    return {name: text.translate(CONTROL) for name, text in form.items() if isinstance(text, str)}
