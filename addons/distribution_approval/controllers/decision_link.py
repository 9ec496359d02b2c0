"""The page of a decision link: GET shows, POST decides."""

import logging
import re

from markupsafe import Markup
from odoo import _, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request
from odoo.tools.misc import formatLang
from werkzeug.exceptions import MethodNotAllowed

from ..models.approval_link import LINK_OUTCOMES, TooManyGuesses

_logger = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
#: What a message for other systems begins with: the name of the value that is wrong.
NAMED = re.compile(r"^(comment|outcome|reason_code): (.)")
ROUTE = "/distribution/approval/link/<string:token>"


def only_post():
    """Odoo leads OPTIONS to every route, past the look at the form's token."""
    if request.httprequest.method != "POST":
        raise MethodNotAllowed(valid_methods=["GET", "HEAD", "POST"])


def _for_people(error):
    return NAMED.sub(lambda found: found[2].upper(), str(error.args[0]))


class DecisionLink(http.Controller):
    @http.route(ROUTE, type="http", auth="public", methods=["GET"], sitemap=False)
    def show(self, token, **_ignored):
        """Show what is asked. Mail scanners and previews follow links: opening one decides nothing."""
        link, problem = self._link(token)
        return problem or self._page(link, token)

    @http.route(ROUTE, type="http", auth="public", methods=["POST"], sitemap=False, csrf=True)
    def decide(self, token, outcome="", comment="", reason="", seen_digest="", **_ignored):
        """Decide, once. What is wrong is said on the same page, and the link stays good."""
        only_post()
        link, problem = self._link(token)
        if problem:
            return problem
        status = link._status(self._person())
        if status != "open":
            return self._page(link, token)
        try:
            with request.env.cr.savepoint():
                link._decide(outcome, comment, seen_digest, reason_code=reason or None)
        except (UserError, AccessError, MissingError) as error:
            link.invalidate_recordset()
            return self._page(link, token, error=_for_people(error), comment=comment, reason=reason)
        return self._render("done", 200, {"outcome": outcome, "document": link.task_id.document_name})

    # ---------------------------------------------------------------- helpers

    def _person(self):
        """Who is logged in; nobody for a visitor."""
        user = request.env.user.sudo()
        return user.browse() if user._is_public() else user

    def _link(self, token):
        """(link, None) or (None, page that says what is wrong)."""
        links = request.env["distribution.approval.link"]
        try:
            # sudo: whoever holds the token; what may be shown to whom is decided by the link's status.
            link = links.sudo()._find(token, request.httprequest.remote_addr)
        except TooManyGuesses:
            return None, self._render("slow", 429)
        if not link:
            return None, self._render("unknown", 404)
        if self._person() in (link.user_id, link.user_id.browse()):
            # What is said on the way, errors too, is said in the language of the person of the link.
            request.update_context(lang=link.user_id.lang)
        return link.with_context(lang=request.env.lang), None

    def _page(self, link, token, error=None, comment="", reason=""):
        status = link._status(self._person())
        if status != "open":
            codes = {"other": 403, "login": 401, "copy": 403}
            return self._render(status, codes.get(status, 410), {"path": f"/distribution/approval/link/{token}"})
        person = link.user_id
        task = link.task_id.with_context(lang=person.lang, tz=person.tz)
        return self._render(
            "open",
            200,
            {
                "path": f"/distribution/approval/link/{token}",
                "csrf": request.csrf_token(),
                "digest": link.digest,
                "error": error,
                "comment": comment,
                "reason": reason,
                # sudo: whoever decides may read the codes
                "reasons": task.env["distribution.approval.reason"].sudo()._offered(task.document_type, LINK_OUTCOMES),
                "person": person.name,
                "document": task.document_name,
                "document_type": dict(task._fields["document_type"]._description_selection(task.env)).get(
                    task.document_type, ""
                ),
                "partner": task.partner_id.display_name or "",
                "requester": task.requester_id.name,
                "amount": f"{formatLang(task.env, task.amount)} {task.currency_id.name}"
                if task.request_id.amount_known
                else _("Value not known"),
                "asked_as": task.name,
                "question": task.request_state == "question",
                "rules": Markup(task.rule_text or ""),
                "content": Markup(task.content_text or ""),
                "timeline": Markup(task.timeline or ""),
                "outcomes": LINK_OUTCOMES,
            },
        )

    def _render(self, status, code, values=None):
        """A page by itself: no script, nothing loaded from elsewhere, nothing kept by browsers."""
        body = (
            request.env["ir.qweb"]
            .sudo()
            ._render("distribution_approval.link_page", {"status": status, **(values or {})})
        )
        page = Markup("<!DOCTYPE html>\n") + body
        response = request.make_response(page, [("Content-Type", "text/html; charset=utf-8")])
        response.status_code = code
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response
