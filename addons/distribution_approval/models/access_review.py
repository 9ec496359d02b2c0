"""An access review: who may do and decide what, looked at by a person, line by line."""

import base64
import csv
import hashlib
import io

import xlsxwriter
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from pytz import timezone, utc

from odoo.addons.distribution_core.append_only import protect_append_only, protect_columns
from odoo.addons.distribution_core.compat import asks_for, group_members
from odoo.addons.distribution_core.engine.api_table import harmless
from odoo.addons.distribution_core.engine.canonical import canonical_json

from .approval_policy import today

#: Months between two reviews of a company, and days to finish one.
EVERY_PARAMETER, EVERY_MONTHS, DAYS = "distribution_approval.access_review_months", 6, 30
COLUMNS = ("Person", "Login", "Role", "Asked to Decide", "Conflicts", "Last Sign-in", "Result", "By", "On", "Comment")


class AccessReview(models.Model):
    _name = "distribution.access.review"
    _description = "Access Review"
    _inherit = ["distribution.approval.evidence", "mail.thread"]
    _order = "id desc"

    name = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    made_at = fields.Datetime(string="As of", required=True, readonly=True)
    due_date = fields.Date(required=True, readonly=True)
    responsible_id = fields.Many2one(
        "res.users", string="Certified by", readonly=True, ondelete="restrict", tracking=True
    )
    state = fields.Selection(
        [("open", "To Certify"), ("done", "Certified")], default="open", required=True, readonly=True
    )
    closed_at = fields.Datetime(readonly=True)
    line_ids = fields.One2many("distribution.access.review.line", "review_id", readonly=True)
    line_count = fields.Integer(string="Lines", readonly=True)
    conflict_count = fields.Integer(string="People with Conflicts", readonly=True)
    open_count = fields.Integer(string="To Do", compute="_compute_open_count")
    digest = fields.Char(string="SHA-256", readonly=True, help="SHA-256 of the lines as they were found.")
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue", string="Overdue")

    def init(self):
        protect_columns(self.env.cr, self._table, ("company_id", "made_at", "digest", "line_count", "conflict_count"))

    @api.depends("line_ids.state")
    def _compute_open_count(self):
        for review in self:
            review.open_count = len(review.line_ids.filtered(lambda line: line.state in ("open", "proposed")))

    @api.depends("state", "due_date")
    def _compute_is_overdue(self):
        for review in self:
            review.is_overdue = review.state == "open" and review.due_date < today(review.company_id)

    def _search_is_overdue(self, operator, value):
        positive = asks_for(operator, value)
        # East of Greenwich the day after may have begun: each company's own day decides.
        due = self.sudo().search([("state", "=", "open"), ("due_date", "<=", fields.Date.today())])
        return [("id", "in" if positive else "not in", due.filtered("is_overdue").ids)]

    def write(self, vals):
        chatter = {"message_follower_ids", "message_ids", "message_partner_ids", "message_main_attachment_id"}
        if not self.env.su and vals.keys() - chatter:
            raise AccessError(_("An access review is written by its buttons only."))
        return super().write(vals)

    # ------------------------------------------------------------- generating

    def action_generate(self):
        """Make the review of the present company, and show it: who starts it certifies it, or names somebody."""
        user = self.env.user
        if user._is_superuser() or not (
            user.has_group("distribution_core.group_administrator") or user.has_group("distribution_core.group_auditor")
        ):
            raise AccessError(_("An administrator or an auditor starts a review."))
        review = self.sudo()._generate(self.env.company, user)
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": review.id,
            "view_mode": "form",
        }

    @api.model
    def _generate(self, company, responsible=None):
        """Store who may do and decide what in ``company`` now."""
        lines = self._found_lines(company)
        now = fields.Datetime.now()
        day = utc.localize(now).astimezone(timezone(company._approval_time_zone())).date()
        review = self.sudo().create(
            {
                "name": _("Access review %(company)s, %(day)s", company=company.name, day=day),
                "company_id": company.id,
                "made_at": now,
                "due_date": fields.Date.add(day, days=DAYS),
                "responsible_id": (responsible or self.env["res.users"]).id,
                "line_count": len(lines),
                "conflict_count": len({line["user_id"] for line in lines if line["conflict_text"]}),
                "digest": hashlib.sha256(canonical_json(lines).encode()).hexdigest(),
            }
        )
        self.env["distribution.access.review.line"].sudo().create([{**line, "review_id": review.id} for line in lines])
        self.env["distribution.event"].sudo()._record(
            "distribution.access_review.generated.v1",
            review,
            {
                "line_count": review.line_count,
                "conflict_count": review.conflict_count,
                "digest": review.digest,
                "due_date": fields.Date.to_string(review.due_date),
            },
        )
        return review

    @api.model
    def _found_lines(self, company):
        """Values of the lines: one per person and role; queries grow with the roles, not with the people."""
        access = self.env["distribution.access.map"]
        candidates, reviewers = access._candidates(company), access._emergency_reviewers()
        held = {}
        for role in access._roles():
            for user in group_members(role):
                if user.active and not user.share and company in user.company_ids and not user._is_superuser():
                    held.setdefault(user, []).append(role)
        labels = dict(self.env["distribution.approval.policy"]._selection_document_type())
        lines = []
        for user in sorted(held, key=lambda user: user.id):
            asked = candidates.get(user, {})
            conflicts = access._conflicts(held[user], asked, reviewers)
            for role in sorted(held[user], key=_role_name):
                lines.append(
                    {
                        "user_id": user.id,
                        "login": user.login,
                        "group_id": role.id,
                        "role_name": _role_name(role),
                        "candidate_text": "\n".join(
                            f"{labels.get(kind, kind)}: {', '.join(words)}" for kind, words in sorted(asked.items())
                        )
                        if role == self.env.ref("distribution_core.group_approver")
                        else False,
                        "conflict_text": "\n".join(
                            conflict._words()
                            for conflict in conflicts
                            if role in (conflict.duty_id.group_id | conflict.other_duty_id.group_id)
                        )
                        or False,
                        "last_login": user.login_date,
                    }
                )
        return lines

    @api.model
    def _cron_review(self):
        """Start a review where one is due; say which are overdue."""
        months = int(self.env["ir.config_parameter"].sudo().get_param(EVERY_PARAMETER) or EVERY_MONTHS)
        limit = fields.Datetime.subtract(fields.Datetime.now(), months=months)
        governed = self.env["distribution.approval.activation"].sudo().search([("state", "in", ("active", "ending"))])
        for company in governed.company_id:
            last = self.sudo().search([("company_id", "=", company.id)], limit=1)
            if not last or last.made_at <= limit:
                self._generate(company)
        for review in self.sudo().search([("is_overdue", "=", True)]):
            self.env["distribution.case"].sudo()._open(
                "access_review_overdue",
                review,
                _("Overdue: %s", review.name),
                detail=_("%s lines are still to be certified.", review.open_count),
                dedup_key=f"access_review_overdue:{review.id}",
            )

    # ---------------------------------------------------------------- actions

    def action_take(self):
        """Make the present user the person who certifies."""
        user = self.env.user
        if user._is_superuser() or not (
            user.has_group("distribution_core.group_administrator") or user.has_group("distribution_core.group_auditor")
        ):
            raise AccessError(_("An administrator or an auditor takes over a review."))
        return self._appoint(user)

    def action_open_appoint(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Name Who Certifies"),
            "res_model": "distribution.access.appoint",
            "view_mode": "form",
            "target": "new",
            "context": {"default_review_id": self.id},
        }

    def action_appoint(self, user_id):
        """Name who certifies: an administrator names a person of the review's company."""
        if self.env.user._is_superuser() or not self.env.user.has_group("distribution_core.group_administrator"):
            raise AccessError(_("An administrator names who certifies a review."))
        # sudo: only whether this is a person of the company is looked at
        user = self.env["res.users"].sudo().browse(user_id).exists()
        for review in self:
            company = review.sudo().company_id
            if not user or not user.active or user.share or user._is_superuser() or company not in user.company_ids:
                raise ValidationError(
                    _("user_id: name an active person who works in %(company)s.", company=company.name)
                )
        return self._appoint(user)

    def _appoint(self, user):
        for review in self:
            if review.sudo().state != "open":
                raise UserError(_("%s is certified already.", review.sudo().name))
        # sudo: a review is written by its methods only; the callers checked who asks
        self.sudo().write({"responsible_id": user.id})
        return True

    def action_open_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_access_review_line")
        return {**action, "domain": [("review_id", "=", self.id)]}

    def _close_when_done(self):
        for review in self:
            review.invalidate_recordset(["open_count"])
            review.line_ids.invalidate_recordset(["state"])
            if review.state == "open" and not review.open_count:
                review.sudo().write({"state": "done", "closed_at": fields.Datetime.now()})
                self.env["distribution.event"].sudo()._record(
                    "distribution.access_review.completed.v1",
                    review,
                    {
                        "kept": len(review.line_ids.filtered(lambda line: line.state == "kept")),
                        "revoked": len(review.line_ids.filtered(lambda line: line.state == "revoked")),
                        "gone": len(review.line_ids.filtered(lambda line: line.state == "gone")),
                    },
                )

    # ----------------------------------------------------------------- export

    def _rows(self):
        self.ensure_one()
        states = dict(self.env["distribution.access.review.line"]._fields["state"]._description_selection(self.env))
        for line in self.line_ids:
            last = line.certification_ids.sorted("id")[-1:]
            yield (
                line.user_id.sudo().name,
                line.login,
                line.role_name,
                line.candidate_text or "",
                line.conflict_text or "",
                fields.Datetime.to_string(line.last_login) or "never",
                states[line.state],
                last.user_id.sudo().name or "",
                fields.Datetime.to_string(last.certified_at) or "",
                last.comment or "",
            )

    def action_export_xlsx(self):
        self.ensure_one()
        target = io.BytesIO()
        workbook = xlsxwriter.Workbook(
            target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        head = workbook.add_format({"bold": True, "bg_color": "#EEF1F6", "border": 1})
        plain = workbook.add_format({"text_wrap": True, "valign": "top"})
        alarm = workbook.add_format({"text_wrap": True, "valign": "top", "font_color": "#B3261E"})
        sheet = workbook.add_worksheet("Access review")
        sheet.write_string(0, 0, self.name, workbook.add_format({"bold": True, "font_size": 14}))
        sheet.write_string(1, 0, f"As of {self.made_at} UTC, SHA-256 {self.digest}")
        for column, title in enumerate(COLUMNS):
            sheet.write_string(3, column, title, head)
            sheet.set_column(column, column, (22, 20, 34, 44, 50, 20, 20, 20, 20, 36)[column])
        rows = list(self._rows())
        for number, row in enumerate(rows, start=4):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value, alarm if column == 4 and value else plain)
        sheet.freeze_panes(4, 1)
        sheet.autofilter(3, 0, 3 + len(rows), len(COLUMNS) - 1)
        workbook.close()
        return self._download(target.getvalue(), "xlsx")

    def action_export_csv(self):
        self.ensure_one()
        target = io.StringIO()
        writer = csv.writer(target)
        writer.writerow(COLUMNS)
        writer.writerows([harmless(value) for value in row] for row in self._rows())
        return self._download(target.getvalue().encode("utf-8-sig"), "csv")

    def _download(self, content, kind):
        # sudo: who may read the review may have it as a file; the file is read with the rights on the review
        attachment = (
            self.env["ir.attachment"]
            .sudo()
            .create(
                {
                    "name": f"access-review-{self.id}.{kind}",
                    "datas": base64.b64encode(content),
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
        )
        return {"type": "ir.actions.act_url", "url": f"/web/content/{attachment.id}?download=true", "target": "self"}


class AccessReviewLine(models.Model):
    """One role of one person, as it was found. Appended; what a person says about it is beside it."""

    _name = "distribution.access.review.line"
    _description = "Line of an Access Review"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "review_id desc, user_id, role_name, id"
    _rec_name = "role_name"

    review_id = fields.Many2one("distribution.access.review", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="review_id.company_id")
    responsible_id = fields.Many2one(related="review_id.responsible_id")
    user_id = fields.Many2one("res.users", string="Person", required=True, ondelete="restrict", index=True)
    login = fields.Char(required=True)
    group_id = fields.Many2one("res.groups", string="Role", required=True, ondelete="restrict")
    role_name = fields.Char(required=True)
    candidate_text = fields.Text(string="Asked to Decide")
    conflict_text = fields.Text(string="Conflicts")
    last_login = fields.Datetime(string="Last Sign-in")
    certification_ids = fields.One2many("distribution.access.certification", "line_id")
    state = fields.Selection(
        [
            ("open", "To certify"),
            ("kept", "Keep"),
            ("proposed", "To be revoked: a second person confirms"),
            ("revoked", "Revoked"),
            ("gone", "Not held any more"),
        ],
        compute="_compute_state",
        search="_search_state",
    )
    last_comment = fields.Text(compute="_compute_state", string="Comment")
    may_certify = fields.Boolean(compute="_compute_may")
    may_confirm = fields.Boolean(compute="_compute_may")

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.depends("certification_ids.outcome")
    def _compute_state(self):
        holders = {role: group_members(role) for role in self.sudo().group_id}
        for line in self:
            said = line.sudo().certification_ids.sorted("id")
            decided = said.filtered(lambda row: row.outcome != "comment")[-1:]
            state = {"keep": "kept", "revoke": "proposed", "confirm": "revoked", "refuse": "open"}.get(
                decided.outcome, "open"
            )
            held = line.sudo().user_id in holders.get(line.sudo().group_id, ())
            line.state = "gone" if state in ("open", "proposed") and not held else state
            line.last_comment = said[-1:].comment

    @api.depends("state", "review_id.state", "review_id.responsible_id")
    @api.depends_context("uid")
    def _compute_may(self):
        """For the buttons; the methods behind them look again."""
        user = self.env.user
        administrator = user.has_group("distribution_core.group_administrator")
        for line in self:
            engine = line.sudo()
            others = engine.review_id.state == "open" and engine.user_id != user
            line.may_certify = others and (administrator or engine.responsible_id == user)
            line.may_confirm = (
                others and administrator and line.state == "proposed" and line._proposal().user_id != user
            )

    def _search_state(self, operator, value):
        wanted = {value} if isinstance(value, str) else set(value or ())
        found = self.search([]).filtered(lambda line: line.state in wanted)
        return [("id", "in" if operator in ("=", "in") else "not in", found.ids)]

    # ------------------------------------------------------------- certifying

    def action_keep(self):
        return self._certify("keep")

    def action_open_say(self):
        """Say something about the line: revoke, or a comment."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("%(person)s: %(role)s", person=self.login, role=self.role_name),
            "res_model": "distribution.access.say",
            "view_mode": "form",
            "target": "new",
            "context": {"default_line_id": self.id, "default_outcome": self.env.context.get("outcome", "revoke")},
        }

    def action_revoke(self, comment):
        """Propose to take the role away."""
        return self._certify("revoke", comment)

    def action_comment(self, comment):
        return self._certify("comment", comment)

    def action_confirm_revoke(self):
        """The second person: the role is taken away, at once."""
        for line in self:
            proposal = line._proposal()
            line._check_second(proposal)
            engine = line.sudo()
            result = engine.user_id._distribution_change_roles(self.env["res.groups"].sudo(), engine.group_id, "review")
            if result["kept"]:
                raise UserError(
                    _(
                        "%(role)s comes to %(person)s with another role (%(others)s): revoke that one.",
                        role=line.role_name,
                        person=line.login,
                        others=", ".join(line._bringing().mapped("full_name")) or _("see the person's form"),
                    )
                )
            line._append("confirm", proposal.comment)
        self.review_id._close_when_done()
        return True

    def action_refuse_revoke(self):
        """The second person: the role stays for now; somebody looks again."""
        for line in self:
            line._check_second(line._proposal())
            line._append("refuse", False)
        return True

    def _bringing(self):
        """Roles of the person that imply this one."""
        roles = self.env["distribution.access.map"]._roles() | self.env["res.groups"].sudo().search([])
        user, group = self.sudo().user_id, self.sudo().group_id
        return roles.filtered(lambda role: group in role.implied_ids and user in group_members(role))

    def _proposal(self):
        self.ensure_one()
        if self.state != "proposed":
            raise UserError(_("“%(role)s” of %(person)s is not to be revoked.", role=self.role_name, person=self.login))
        return self.sudo().certification_ids.filtered(lambda row: row.outcome == "revoke").sorted("id")[-1:]

    def _check_second(self, proposal):
        user = self.env.user
        if user._is_superuser() or not user.has_group("distribution_core.group_administrator"):
            raise AccessError(_("A second person with the role Administrator confirms."))
        if user == proposal.user_id:
            raise UserError(_("You proposed this yourself: a second person confirms it."))
        if user == self.sudo().user_id:
            raise UserError(_("Nobody certifies their own roles."))

    def _certify(self, outcome, comment=None):
        comment = (comment or "").strip() or False
        if outcome in ("revoke", "comment") and not comment:
            raise ValidationError(_("comment: write in a few words why."))
        user = self.env.user
        for line in self:
            review = line.sudo().review_id
            if user._is_superuser() or (
                user != review.responsible_id and not user.has_group("distribution_core.group_administrator")
            ):
                raise AccessError(_("An administrator certifies, or whom the review names."))
            if user == line.sudo().user_id:
                raise UserError(_("Nobody certifies their own roles: %s", line.role_name))
            if review.state != "open":
                raise UserError(_("%s is certified already.", review.name))
            if outcome in ("keep", "revoke") and line.state in ("revoked", "gone"):
                raise UserError(_("“%(role)s” of %(person)s is gone.", role=line.role_name, person=line.login))
            line._append(outcome, comment)
        self.review_id._close_when_done()
        return True

    def _append(self, outcome, comment):
        """Put it on record. Who certifies a line of the same review at the same instant takes turns: one of them sees
        what the other one said, and whether anything is left."""
        self.ensure_one()
        line = self.sudo()
        self.env["distribution.approval.turn"]._take_rows([("access_review", 0, line.review_id.id)])
        self.env["distribution.access.certification"].sudo().create(
            {
                "line_id": line.id,
                "outcome": outcome,
                "comment": comment,
                "user_id": self.env.uid,
                "certified_at": fields.Datetime.now(),
            }
        )
        self.env["distribution.event"].sudo()._record(
            "distribution.access_review.line_certified.v1",
            line.review_id,
            {"line_id": line.id, "person_id": line.user_id.id, "group_id": line.group_id.id, "outcome": outcome},
        )
        self.invalidate_recordset(["certification_ids", "state", "last_comment"])


class AccessCertification(models.Model):
    """What a person said about a line. Appended, never changed."""

    _name = "distribution.access.certification"
    _description = "Certification of a Role"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "outcome"

    line_id = fields.Many2one("distribution.access.review.line", required=True, ondelete="restrict", index=True)
    outcome = fields.Selection(
        [
            ("keep", "Keep"),
            ("revoke", "Revoke"),
            ("confirm", "Revocation confirmed"),
            ("refuse", "Revocation refused"),
            ("comment", "Comment"),
        ],
        required=True,
    )
    comment = fields.Text()
    user_id = fields.Many2one("res.users", string="By", required=True, ondelete="restrict")
    certified_at = fields.Datetime(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)


class AccessAppoint(models.TransientModel):
    _name = "distribution.access.appoint"
    _description = "Name Who Certifies"

    review_id = fields.Many2one("distribution.access.review", required=True)
    user_id = fields.Many2one("res.users", string="Certified by", required=True, domain="[('share', '=', False)]")

    def action_appoint(self):
        self.ensure_one()
        self.review_id.action_appoint(self.user_id.id)
        return {"type": "ir.actions.act_window_close"}


class AccessSay(models.TransientModel):
    _name = "distribution.access.say"
    _description = "Say Something About a Role"

    line_id = fields.Many2one("distribution.access.review.line", required=True)
    outcome = fields.Selection([("revoke", "Revoke the role"), ("comment", "Comment only")], required=True)
    comment = fields.Text(required=True)

    def action_say(self):
        self.ensure_one()
        if self.outcome == "revoke":
            self.line_id.action_revoke(self.comment)
        else:
            self.line_id.action_comment(self.comment)
        return {"type": "ir.actions.act_window_close"}


def _role_name(role):
    """ "Inventory / User"; the suite's roles, which have a heading each, as "Distribution / Buyer"."""
    heading, _sign, name = role.full_name.rpartition(" / ")
    return f"Distribution / {name}" if heading == name else role.full_name
