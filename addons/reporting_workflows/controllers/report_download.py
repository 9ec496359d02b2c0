"""A file of an edition by its signed link."""

from markupsafe import Markup
from odoo import fields, http
from odoo.exceptions import UserError
from odoo.http import content_disposition, request

from odoo.addons.distribution_approval.controllers.decision_link import HEADERS

from ..models.report_delivery import PATH
from ..models.report_version import FORMATS

CODES = {"unknown": 404, "slow": 429, "copy": 403, "expired": 410, "recalled": 410, "changed": 410}


class ReportDownload(http.Controller):
    @http.route(f"{PATH}<int:number>/<string:kind>", type="http", auth="public", methods=["GET"], sitemap=False)
    def report_download(self, number, kind, expires="", signature="", **_ignored):
        """The file, byte for byte as it was released; or a page that says why there is none."""
        # sudo: whoever holds the link; its signature says what it is for
        delivery, is_blocked = (
            request.env["distribution.report.delivery"]
            .sudo()
            ._find(number, kind, expires, signature, request.httprequest.remote_addr)
        )
        if is_blocked:
            return self._page("slow")
        if not delivery or kind not in FORMATS:
            return self._page("unknown")
        request.update_context(lang=delivery.partner_id.lang or delivery.user_id.lang or request.env.lang)
        status = delivery._status(expires)
        if status != "open":
            return self._page(status, delivery)
        file = delivery.edition_id.file_ids.filtered(lambda one: one.kind == kind)
        if not file:
            return self._page("unknown")
        try:
            raw = file._bytes()
        except UserError:
            return self._page("changed")
        if not delivery.read_at:
            delivery.write({"read_at": fields.Datetime.now()})
        return request.make_response(
            raw,
            [
                ("Content-Type", file.attachment_id.mimetype),
                ("Content-Disposition", content_disposition(file.attachment_id.name)),
                ("ETag", f'"{file.sha256}"'),
                ("X-Content-Type-Options", "nosniff"),
                *((name, HEADERS[name]) for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")),
            ],
        )

    def _page(self, status, delivery=None):
        """A page by itself: no script, nothing loaded from elsewhere, nothing kept by browsers."""
        edition = delivery.edition_id if delivery and status == "recalled" else None
        newer = edition and edition.search([("corrects_id", "=", edition.id), ("state", "=", "released")], limit=1)
        body = (
            request.env["ir.qweb"]
            .sudo()
            ._render("reporting_workflows.report_link_page", {"status": status, "edition": edition, "newer": newer})
        )
        response = request.make_response(
            Markup("<!DOCTYPE html>\n") + body, [("Content-Type", "text/html; charset=utf-8")]
        )
        response.status_code = CODES[status]
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response
