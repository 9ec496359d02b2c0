"""An edition: what a report said about a period, who released it, and exactly what was handed out.

Rules, in words
---------------
* The content is sealed by its digest, the files by their SHA-256. Both are checked before anything is sent.
* The release is about the content itself: its file is the canonical JSON, so that the release's own SHA-256 *is* the
  digest. What policy is told – classification, release pattern, thresholds – is taken from here, not from the release.
* The number is given when it is released: of a report, a period and its parameters, from 1 on.
* Read by its recipients, who answers for the report, who is asked to release it, and auditors; Operations reads
  internal ones.
* A recalled edition stays; its links say so, and those who had it hear why.
"""

import hashlib
from datetime import timedelta

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import asks_for

from ..engine import Content, Edition, SignOff
from ..engine.run import parties
from .report_run import StepFailed
from .report_version import CLASSIFICATIONS, FORMATS

#: The audience of a release by the classification of the report.
AUDIENCE = {"internal": "team", "management": "management", "customer": "customer", "supplier": "supplier"}
#: States of the release in which nobody is asked any more and nothing was released.
REFUSED = ("refused", "rejected", "withdrawn", "void", "revision")
#: Editions that are alike in these are one report of one period: each has a number of its own.
KEY = ("report_id", "period_first", "period_last", "parameters")
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "zip": "application/zip",
    "json": "application/json",
}


class ReportEdition(models.Model):
    _name = "distribution.report.edition"
    _description = "Report Edition"
    _inherit = ["mail.thread", "distribution.approval.evidence"]
    _order = "id desc"
    _rec_names_search = ["report_id", "period"]

    report_id = fields.Many2one("distribution.report", required=True, readonly=True, ondelete="restrict", index=True)
    run_id = fields.Many2one("distribution.report.run", required=True, readonly=True, ondelete="restrict", index=True)
    version_id = fields.Many2one("distribution.report.version", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    site_id = fields.Many2one("stock.warehouse", readonly=True)
    category_id = fields.Many2one("product.category", readonly=True)
    classification = fields.Selection(CLASSIFICATIONS, required=True, readonly=True)
    release_pattern = fields.Char(required=True, readonly=True)
    period_first = fields.Date("From", required=True, readonly=True)
    period_last = fields.Date("To", required=True, readonly=True)
    period = fields.Char(required=True, readonly=True)
    parameters = fields.Char(required=True, readonly=True)
    number = fields.Integer("Edition", required=True, readonly=True, default=0, help="0: not released.")
    state = fields.Selection(
        [
            ("proposed", "Waiting for Release"),
            ("released", "Released"),
            ("recalled", "Recalled"),
            ("withdrawn", "Not Released"),
        ],
        required=True,
        readonly=True,
        default="proposed",
        index=True,
    )
    content = fields.Text(required=True, readonly=True, prefetch=False, help="What it says, canonical JSON.")
    digest = fields.Char(required=True, readonly=True, help="SHA-256 of the content.")
    finding_count = fields.Integer("Exceptions", readonly=True)
    failed_check_count = fields.Integer("Failed Checks", readonly=True)
    is_stale = fields.Boolean("Stale Data", readonly=True)
    is_crossed = fields.Boolean("Threshold Crossed", readonly=True)
    is_marked = fields.Boolean("Marked", readonly=True)
    preview_id = fields.Many2one(
        "ir.attachment", readonly=True, ondelete="restrict", help="As the approver sees it: without number and names."
    )
    preview_digest = fields.Char(readonly=True, help="SHA-256 of the preview.")
    release_id = fields.Many2one("distribution.report.release", readonly=True, ondelete="restrict")
    participant_ids = fields.Many2many(
        "res.users", compute="_compute_participant_ids", search="_search_participant_ids", compute_sudo=True
    )
    released_at = fields.Datetime(readonly=True)
    corrects_id = fields.Many2one("distribution.report.edition", readonly=True, help="The recalled one it replaces.")
    newer_id = fields.Many2one(
        "distribution.report.edition", compute="_compute_newer_id", string="Newer Edition", help="Of the same period."
    )
    recalled_at = fields.Datetime(readonly=True)
    recalled_by_id = fields.Many2one("res.users", readonly=True)
    recall_reason = fields.Text("Correction Notice", readonly=True)
    file_ids = fields.One2many("distribution.report.file", "edition_id", readonly=True)
    delivery_ids = fields.One2many("distribution.report.delivery", "edition_id", readonly=True)
    delivered_count = fields.Integer(compute="_compute_delivered", compute_sudo=True, string="Delivered")
    failed_count = fields.Integer(compute="_compute_delivered", compute_sudo=True, string="Not Delivered")
    content_html = fields.Html(compute="_compute_content_html", sanitize=False, string="Shown")
    change_html = fields.Html(compute="_compute_change_html", sanitize=False, string="Since the Last Edition")
    is_mine = fields.Boolean(compute="_compute_is_mine", search="_search_is_mine", string="For Me")
    can_work = fields.Boolean(compute="_compute_can_work")

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_report_edition_number
                   ON distribution_report_edition (report_id, period_first, period_last, parameters, number)
                WHERE number > 0"""
        )
        protect_columns(
            self.env.cr,
            self._table,
            (
                "report_id",
                "run_id",
                "version_id",
                "company_id",
                "site_id",
                "classification",
                "release_pattern",
                "period_first",
                "period_last",
                "parameters",
                "content",
                "digest",
                "is_crossed",
            ),
        )
        protect_columns(
            self.env.cr, self._table, ("number", "released_at", "release_id"), when="OLD.number > 0", name="released"
        )
        protect_columns(
            self.env.cr,
            self._table,
            ("preview_digest",),
            when="OLD.preview_digest IS NOT NULL",
            name="preview",
        )

    @api.depends("report_id.name", "period", "number", "state")
    def _compute_display_name(self):
        for edition in self:
            what = _("edition %s", edition.number) if edition.number else _("draft")
            edition.display_name = f"{edition.report_id.sudo().name} {edition.period}, {what}"  # sudo: a name

    def _compute_participant_ids(self):
        for edition in self:
            edition.participant_ids = edition.release_id.approval_request_ids.participant_ids

    @api.model
    def _search_participant_ids(self, operator, value):
        # sudo: finds the editions of requests that a person takes part in; used by the record rule
        requests = (
            self.env["distribution.approval.request"]
            .sudo()
            .search([("document_type", "=", "report_release"), ("participant_ids", operator, value)])
        )
        return [("release_id", "in", requests.mapped("res_id"))]

    @api.depends("delivery_ids.state")
    def _compute_delivered(self):
        for edition in self:
            own = edition.delivery_ids.filtered(lambda delivery: delivery.kind == "edition")
            edition.delivered_count = len(own.filtered(lambda delivery: delivery.state == "sent"))
            edition.failed_count = len(own.filtered(lambda delivery: delivery.state == "failed"))

    def _compute_content_html(self):
        for edition in self:
            edition.content_html = edition._to_html()

    def _compute_change_html(self):
        for edition in self:
            changes = edition._changes()
            edition.change_html = (
                Markup("<ul>%s</ul>") % Markup().join(Markup("<li>%s</li>") % change for change in changes)
                if changes
                else Markup("<p>%s</p>") % _("This is the first edition.")
            )

    @api.depends_context("uid")
    def _compute_is_mine(self):
        for edition in self:
            edition.is_mine = self.env.user in edition.sudo().delivery_ids.user_id  # sudo: who looks is one of them

    @api.model
    def _search_is_mine(self, operator, value):
        # sudo: only which editions were handed to who asks
        mine = (
            self.env["distribution.report.delivery"]
            .sudo()
            .search([("user_id", "=", self.env.uid), ("kind", "=", "edition"), ("state", "=", "sent")])
        )
        return [("id", "in" if asks_for(operator, value) else "not in", mine.edition_id.ids)]

    @api.depends_context("uid")
    def _compute_can_work(self):
        for edition in self:
            edition.can_work = edition.report_id.sudo()._is_runner_of(self.env.user)  # sudo: a recipient asks

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Editions are written by their run and never changed."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Editions are evidence and are kept. Recall what is wrong."))

    # --------------------------------------------------------------- proposing

    @api.model
    def _propose(self, run):
        """The edition of a run that wants to be released, its release and, where people are asked, its preview."""
        content = Content.from_json(run.content)
        version = run.version_id
        edition = self.create(
            {
                "report_id": run.report_id.id,
                "run_id": run.id,
                "version_id": version.id,
                "company_id": run.company_id.id,
                "site_id": run._site_id(),
                "category_id": run.category_id.id or version.category_id.id,
                "classification": version.classification,
                "release_pattern": version.release_pattern,
                "period_first": run.period_first,
                "period_last": run.period_last,
                "period": run.period,
                "parameters": run.parameters,
                "content": run.content,
                "digest": content.digest(),
                "finding_count": run.step_ids.filtered(lambda step: step.name == "exceptions").rows,
                "failed_check_count": len([check for check in content.checks if check.state == "failed"]),
                "is_stale": any(one.state == "stale" for one in content.inputs),
                "is_crossed": run.is_crossed,
                "is_marked": bool(content.marks),
                "corrects_id": self._recalled(run).id,
            }
        )
        edition._check_governed()
        edition._ask()
        if not edition.release_id.released_at:
            edition._draw_preview()
        return edition

    def _recalled(self, run):
        """The newest recalled edition of the same report, period and parameters."""
        return self.search([*_same_period(run), ("state", "=", "recalled")], order="number desc", limit=1)

    @api.depends("number", "state")
    def _compute_newer_id(self):
        for edition in self:
            # sudo: who reads this one may know that another one counts
            newer = edition.sudo().search(
                [*_same_period(edition), ("state", "=", "released"), ("number", ">", edition.number)],
                order="number desc",
                limit=1,
            )
            edition.newer_id = newer if edition.state == "released" else False

    def _replaced(self):
        """Number of the edition that still counted when this one was released; 0: none."""
        older = [*_same_period(self), ("state", "=", "released"), ("number", "<", self.number)]
        return self.search(older, order="number desc", limit=1).number

    def _check_governed(self):
        """A report that people have to release needs governance of releases to be on: else nobody would be asked."""
        needs_people = self.release_pattern != "automatic" and (self.release_pattern != "supervisor" or self.is_crossed)
        if needs_people and not self.env["distribution.report.release"]._is_governed_in(self.company_id, self.site_id):
            raise StepFailed(
                _(
                    "People have to release this report, but report releases are not governed in %s. Turn "
                    "governance on under Approvals, with a policy that asks them.",
                    self.company_id.name,
                ),
                "approval",
            )

    def _draw_preview(self):
        formats = self._formats()
        if "pdf" not in formats:
            return
        drawn = self.env["distribution.report.renderer"]._render(self.content, Edition().to_json(), ("pdf",))["pdf"]
        preview = self._attach(f"{self.report_id.code}_{self.period}_draft.pdf", drawn, "pdf")
        self.write({"preview_id": preview.id, "preview_digest": hashlib.sha256(drawn).hexdigest()})

    def _ask(self):
        """File the release: what policy lets go is released now, for the rest people are asked."""
        report, run = self.report_id, self.run_id
        # Who started it prepared it, else who answers for it: neither releases it.
        requester = run.user_id or report.owner_id
        sealed = self._attach(f"{report.code}_{self.period}.json", self.content.encode(), "json")
        # sudo: who starts a report need not have rights on releases; asked in their name
        release = self.env["distribution.report.release"].with_user(requester).sudo().with_company(self.company_id)
        release = release.create(
            {
                "name": self.display_name,
                "report_key": report.code,
                "period": f"{self.period} ({run.attempt})" if run.attempt > 1 else self.period,
                "audience": AUDIENCE[self.classification],
                "company_id": self.company_id.id,
                "user_id": report.owner_id.id,
                "attachment_id": sealed.id,
                "exception_count": self.failed_check_count,
                "is_stale": self.is_stale,
                "edition_id": self.id,
            }
        )
        self.release_id = release.id
        release.action_release()

    def _attach(self, name, raw, kind):
        return self.env["ir.attachment"].create(
            {"name": name, "raw": raw, "mimetype": MEDIA_TYPES[kind], "res_model": self._name, "res_id": self.id}
        )

    def _formats(self):
        text = self.version_id._sealed()["definition"].get("settings", {}).get("formats", "")
        return tuple(name for name in FORMATS if name in text.replace(" ", "").split(","))

    # ----------------------------------------------------------------- release

    def _decided(self):
        """``released``, ``refused`` or nothing yet."""
        self.ensure_one()
        release = self.release_id
        if release.released_at:
            return "released"
        if not release.active or release.approval_state in REFUSED:
            return "refused"
        return None

    def _refusal(self):
        words = dict(self.release_id._fields["approval_state"]._description_selection(self.env))
        return _(
            "%(report)s is not released: %(state)s. Correct the data and run it again.",
            report=self.display_name,
            state=words.get(self.release_id.approval_state, _("withdrawn")),
        )

    def _check_released(self, people):
        """Raise StepFailed unless exactly this was released, by as many people as its pattern asks for.

        A release that somebody wrote by hand, or one of another content, releases nothing.
        """
        release = self.release_id
        seal = release.attachment_id.raw
        if (
            not release.released_at
            or not release.active
            or release.edition_id != self
            or hashlib.sha256(seal or b"").hexdigest() != self.digest
            or hashlib.sha256(self.content.encode()).hexdigest() != self.digest
            or (self.preview_id and hashlib.sha256(self.preview_id.raw or b"").hexdigest() != self.preview_digest)
        ):
            raise StepFailed(
                _("%s: what was released is not this content. Run it again.", self.display_name), "approval"
            )
        parties = self._parties()
        if parties < people:
            raise StepFailed(
                _(
                    "%(report)s takes %(people)s people to release it, each in another role; %(number)s did. Correct "
                    "the policy for report releases, or who holds its roles, then run it again.",
                    report=self.display_name,
                    people=people,
                    number=parties,
                ),
                "approval",
            )

    def _parties(self):
        """How many people released it, each in a role of their own: two of one role are one party, whatever their
        stages are called, and so are two who stood in for roles that nobody holds.
        """
        return parties((_role(decision.task_id), decision.user_id.id) for decision in self._approving())

    def _approving(self):
        """Decisions of people that released it."""
        request = self.release_id.approval_request_id
        if self.release_id.approval_state != "released":
            return request.decision_ids.browse()
        return request.decision_ids._approving().filtered(lambda decision: decision.round == request.round)

    def _sign_offs(self):
        return tuple(
            SignOff(decision.task_id.name or "", decision.user_id.name, decision.decided_at)
            for decision in self._approving().sorted("id")
        )

    def _number(self):
        """Give it its number; one after the other, whoever releases at the same time."""
        self.ensure_one()
        if self.number:
            return
        # Two editions of one report wait for each other here; the index would refuse the second one.
        self.env.cr.execute("SELECT id FROM distribution_report WHERE id = %s FOR NO KEY UPDATE", (self.report_id.id,))
        others = self.search(_same_period(self), order="number desc")
        newest = others[:1]
        later = others.filtered(lambda one: one.state == "released" and one.run_id.attempt > self.run_id.attempt)
        if later:
            raise StepFailed(
                _(
                    "%s was released meanwhile and rests on newer numbers: this one is not handed out.",
                    later[0].display_name,
                ),
                "approval",
            )
        self.write({"number": newest.number + 1, "state": "released", "released_at": self.release_id.released_at})

    def _withdraw(self, _reason):
        """Nobody is asked any more about editions that were not released."""
        for edition in self.filtered(lambda edition: edition.state == "proposed"):
            if not edition.release_id.released_at:
                edition.release_id.active = False
            edition.state = "withdrawn"

    # ------------------------------------------------------------------- files

    def _render(self):
        """Draw the released content with its number and signatures; returns how many files there are."""
        self.ensure_one()
        formats = self._formats()
        if formats and not self.file_ids:
            edition = Edition(
                self.number, self.released_at, self._sign_offs(), self.corrects_id.number, self._replaced()
            )
            drawn = self.env["distribution.report.renderer"]._render(self.content, edition.to_json(), formats)
            for kind in formats:
                ending = _ending(kind, drawn[kind])
                name = f"{self.report_id.code}_{self.period}_edition-{self.number}.{ending}"
                self.env["distribution.report.file"].create(
                    {
                        "edition_id": self.id,
                        "kind": kind,
                        "attachment_id": self._attach(name, drawn[kind], ending).id,
                        "sha256": hashlib.sha256(drawn[kind]).hexdigest(),
                        "size": len(drawn[kind]),
                    }
                )
        return len(self.file_ids)

    def _check_intact(self):
        """Raise UserError unless content and files are what was released."""
        self._check_released(0)
        for file in self.file_ids:
            file._bytes()

    # ------------------------------------------------------------ distribution

    def _distribute(self):
        """Hand it out: a row for each recipient, sent by a job of its own. Returns how many there are."""
        self.ensure_one()
        if self.state != "released":
            raise StepFailed(_("%s was recalled or withdrawn: it is not handed out.", self.display_name), "approval")
        self._check_intact()
        deliveries = self.env["distribution.report.delivery"]
        made = deliveries._queue(self, self._recipients())
        self._record("released", self._released_facts())
        people = made.filtered(lambda one: one.channel != "system").user_id
        self.message_subscribe(people.partner_id.ids)
        return len(self.delivery_ids)

    def _recipients(self):
        """``[(user, partner, channel)]`` by the definition, each person once; of a correction also whoever else had
        what was recalled.

        The account of another system hears as a system, also where it has a role that gets the report.
        """
        found, seen = [], set()
        groups = self.env["res.groups"]
        entries = self.version_id._sealed()["ids"]["recipients"]
        for entry in sorted(entries, key=lambda one: one["kind"] != "system"):
            people = [(self.env["res.users"], self.env["res.partner"])]
            if entry["kind"] == "group":
                members = groups.browse(entry["id"]).exists()._report_members(self.company_id)
                people = [(user, user.partner_id) for user in members]
            elif entry["kind"] in ("user", "system") and entry["id"]:
                user = self.env["res.users"].browse(entry["id"])
                people = [(user, user.partner_id)]
            elif entry["kind"] == "partner":
                people = [(self.env["res.users"], self.env["res.partner"].browse(entry["id"]))]
            for user, partner in people:
                if partner not in seen:
                    seen.add(partner)
                    # Who is outside the house has no inbox here.
                    channel = {"system": "system", "partner": "mail"}.get(entry["kind"], entry["channel"] or "mail")
                    found.append((user, partner, channel))
        return found + [who for who in self._had_what_was_recalled() if who[1] not in seen]

    def _had_what_was_recalled(self):
        """``[(user, partner, channel)]`` of the people whom a correction was promised, each once."""
        if not self.corrects_id:
            return []
        recalled = self.search([*_same_period(self), ("state", "=", "recalled")])
        had = recalled.delivery_ids.filtered(
            lambda one: (one.kind, one.state) == ("edition", "sent") and one.channel != "system"
        )
        return [(own[0].user_id, partner, own[0].channel) for partner, own in had.grouped("partner_id").items()]

    def _released_facts(self):
        return {
            "edition_id": self.id,
            "digest": self.digest,
            "classification": self.classification,
            "released_at": self.released_at,
            "exceptions": self.finding_count,
            "marked": self.is_marked,
            "corrects": self.corrects_id.number or None,
            # Without links: the ledger stays and many read it. The API signs one for who may read the edition.
            "files": [
                {"format": file.kind, "sha256": file.sha256, "size": file.size, "url": None} for file in self.file_ids
            ],
        }

    def _record(self, fact, facts):
        self.env["distribution.event"].sudo()._record(
            f"distribution.report.{fact}.v1",
            self,
            {
                "report": self.report_id.code,
                "period": self.period,
                "edition": self.number,
                "site_id": self.site_id.id or None,
                **facts,
            },
            correlation=f"distribution.report,{self.report_id.id}",
        )

    def action_send_to(self, user_ids=(), partner_ids=()):
        """Hand the same edition to who joined late."""
        self.ensure_one()
        self._check_worker()
        if self.state != "released":
            raise UserError(_("%s is not released.", self.display_name))
        edition = self.sudo()  # sudo: the role was checked; deliveries are written by nobody
        users = edition.env["res.users"].browse(user_ids).exists()
        partners = edition.env["res.partner"].browse(partner_ids).exists()
        wanted = [(user, user.partner_id, "mail") for user in users]
        wanted += [(edition.env["res.users"], partner, "mail") for partner in partners]
        for user, partner, _channel in wanted:
            problem = edition.env["distribution.report.delivery"]._problem(edition, user, partner)
            if problem:
                raise UserError(problem)
        named = edition.env["res.partner"].browse(
            entry["id"] for entry in edition.version_id._sealed()["ids"]["recipients"] if entry["kind"] == "partner"
        )
        strangers = partners.filtered(
            lambda partner: partner.commercial_partner_id not in named.exists().commercial_partner_id
        )
        if strangers:
            raise UserError(
                _("%s is no recipient of this report. Publish a version that names them.", strangers[0].display_name)
            )
        edition.env["distribution.report.delivery"]._queue(edition, wanted, joined=True)
        return True

    def action_recall(self, reason):
        """Take it back: links say so, and those who had it hear why."""
        self.ensure_one()
        self._check_worker()
        if self.state != "released":
            raise UserError(_("%s is not released, or was recalled already.", self.display_name))
        if not (reason or "").strip():
            raise UserError(_("Correction notice: say what is wrong; everybody who had it reads this."))
        edition = self.sudo()  # sudo: the role was checked; editions are written by nobody
        edition.write(
            {
                "state": "recalled",
                "recalled_at": fields.Datetime.now(),
                "recalled_by_id": self.env.uid,
                "recall_reason": reason.strip(),
            }
        )
        edition._withhold_files()
        edition._record("recalled", {"digest": self.digest})
        edition.env["distribution.report.delivery"]._tell_recall(edition)
        return True

    def _withhold_files(self):
        """The files of a recalled edition say so, and are read by who answers for it and who audits only: also the
        sealed content, whose bytes stay what was released.
        """
        withheld = self.env["distribution.report.withheld"].create({"edition_id": self.id})
        for attachment in self.file_ids.attachment_id | self.preview_id | self.release_id.attachment_id:
            name = _("RECALLED %s", attachment.name)
            attachment.write({"name": name, "res_model": withheld._name, "res_id": withheld.id})

    def _check_worker(self):
        if not self.can_work:
            raise AccessError(
                _(
                    "%s: takes its owner, its backup owner or, if it is internal, Operations.",
                    self.report_id.sudo().name,
                )
            )

    def action_ask(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "distribution.report.reason",
            "view_mode": "form",
            "target": "new",
            "context": {"default_edition_id": self.id, "default_purpose": self.env.context.get("purpose", "recall")},
        }

    def action_release_form(self):
        """Open the release that was asked for."""
        self.ensure_one()
        release = self.sudo().release_id  # sudo: only which one; opening it takes the right to read it
        return {
            "type": "ir.actions.act_window",
            "res_model": release._name,
            "res_id": release.id,
            "view_mode": "form",
        }

    def _show(self):
        self.ensure_one()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id, "view_mode": "form"}

    # ----------------------------------------------------------------- reading

    def _content(self):
        self.ensure_one()
        return Content.from_json(self.content)

    def _to_html(self):
        return self.env["distribution.report.renderer"]._html(self._content())

    def _changes(self):
        """What is different from the edition before, in words: of a correction from what it corrects, whatever came out
        about later periods meanwhile.
        """
        self.ensure_one()
        # sudo: who may read this edition may read how it compares with the one before of the same report
        before = self.sudo().search(
            [
                ("report_id", "=", self.report_id.id),
                ("parameters", "=", self.parameters),
                ("state", "in", ("released", "recalled")),
                ("id", "<", self.id),
                ("period_last", "<=", self.period_last),
            ],
            order="period_last desc, number desc",
            limit=1,
        )
        if not before:
            return []
        return list(self._differences(before._content(), self._content())) or [_("Nothing.")]

    @api.model
    def _differences(self, before, after):
        """Lines that say what changed between two contents."""
        show = self.env["distribution.report.renderer"]._writer_of(after)
        old = {figure.code: figure for section in before.sections for figure in section.figures}
        for section in after.sections:
            for figure in section.figures:
                earlier, value = old.get(figure.code), show(figure.value, figure.kind, figure.currency)
                if earlier is None:
                    yield _("%(figure)s is new: %(value)s", figure=figure.label, value=value)
                elif earlier.value != figure.value:
                    yield f"{figure.label}: {show(earlier.value, earlier.kind, earlier.currency)} → {value}"
        tables = {section.code: section for section in before.sections if section.table}
        for section in after.sections:
            earlier = tables.get(section.code)
            if section.table and earlier:
                counts = [len(one.table.rows) + one.table.left_out for one in (earlier, section)]
                if counts[0] != counts[1]:
                    yield _("%(title)s: %(old)s → %(new)s rows", title=section.title, old=counts[0], new=counts[1])
                elif earlier.table.rows != section.table.rows:
                    yield _("%s: other rows or values", section.title)
        titles = [[section.title for section in content.sections] for content in (before, after)]
        for title in titles[1]:
            if title not in titles[0]:
                yield _("New section: %s", title)
        for title in titles[0]:
            if title not in titles[1]:
                yield _("Without section: %s", title)
        if before.marks != after.marks:
            yield _("Marks: %s", "; ".join(after.marks) or _("none any more"))

    # --------------------------------------------------------------- retention

    @api.model
    def _cron_retention(self):
        """Remove the files of editions that are older than their definition keeps them, and what approvers saw of
        them; the edition stays. Of what was never released the preview goes as late.
        """
        editions = self.sudo().search(
            [("state", "!=", "proposed"), "|", ("file_ids.attachment_id", "!=", False), ("preview_id", "!=", False)]
        )
        for edition in editions:
            if not edition._is_kept():
                files = edition.file_ids.attachment_id
                attachments = files | edition.preview_id
                edition.file_ids.write({"attachment_id": False})
                edition.preview_id = False
                attachments.unlink()
                if files:
                    edition._record("expired", {"files": len(files)})

    def _is_kept(self):
        """Whether it is not older than its definition keeps editions."""
        self.ensure_one()
        # sudo: a recipient need not read definitions
        days = self.sudo().version_id.retention_days
        return not days or (self.released_at or self.create_date) >= fields.Datetime.now() - timedelta(days=days)


class ReportWithheld(models.Model):
    """Where the files of a recalled edition belong: who may read this may read them, and nobody else."""

    _name = "distribution.report.withheld"
    _description = "Files of a Recalled Edition"
    _inherit = ["distribution.approval.evidence"]
    _rec_name = "edition_id"

    edition_id = fields.Many2one(
        "distribution.report.edition", required=True, readonly=True, ondelete="restrict", index=True
    )


class ReportFile(models.Model):
    """A file of an edition, as it was drawn."""

    _name = "distribution.report.file"
    _description = "File of a Report Edition"
    _inherit = ["distribution.approval.evidence"]
    _order = "edition_id, id"
    _rec_name = "kind"

    edition_id = fields.Many2one("distribution.report.edition", required=True, readonly=True, index=True)
    kind = fields.Selection([(name, name.upper()) for name in FORMATS], "Format", required=True, readonly=True)
    attachment_id = fields.Many2one("ir.attachment", "File", readonly=True, ondelete="restrict")
    sha256 = fields.Char("SHA-256", required=True, readonly=True)
    size = fields.Integer("Size (bytes)", readonly=True)
    name = fields.Char("File Name", related="attachment_id.name")
    # Stored: folders are made of them.
    report_id = fields.Many2one(related="edition_id.report_id", store=True, index=True)
    period = fields.Char(related="edition_id.period", store=True)
    classification = fields.Selection(related="edition_id.classification", store=True)
    state = fields.Selection(related="edition_id.state", store=True)
    released_at = fields.Datetime(related="edition_id.released_at", store=True)
    number = fields.Integer("Edition Number", related="edition_id.number")

    _sql_constraints = [("kind_unique", "UNIQUE (edition_id, kind)", "An edition has one file of a format.")]

    def init(self):
        protect_columns(self.env.cr, self._table, ("edition_id", "kind", "sha256", "size"))

    def _bytes(self):
        """The bytes that were drawn. Raises UserError where they are gone or changed."""
        self.ensure_one()
        raw = self.attachment_id.raw
        if not raw:
            raise UserError(_("%s is not kept any more.", self.edition_id.display_name))
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise UserError(
                _("%s: the file is not what was released; it is not handed out.", self.edition_id.display_name)
            )
        return raw

    def action_edition(self):
        """Open the edition that it belongs to."""
        return self.edition_id._show()

    def action_download(self):
        self.ensure_one()
        # Odoo checks that who asks may read the edition that the attachment belongs to.
        return {"type": "ir.actions.act_url", "url": f"/web/content/{self.attachment_id.id}?download=true"}


def _role(task):
    """In which role a task is decided: the group or person that the rule asks."""
    return "fallback" if task.is_fallback else (task.approver_kind, task.approver_key)


def _same_period(record):
    """Domain: editions of the report, period and parameters of a run or an edition."""
    return [(name, "=", record[name].id if name == "report_id" else record[name]) for name in KEY]


def _ending(kind, raw):
    """A report of several tables comes as an archive of CSV files."""
    return "zip" if kind == "csv" and raw[:4] == b"PK\x03\x04" else kind
