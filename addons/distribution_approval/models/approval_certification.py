"""Periodic review: somebody who did not write a policy says that it still fits, or what is to be done."""

from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import asks_for

from .approval_policy import day_of, today

OUTCOMES = [
    ("confirmed", "Fits as it is"),
    ("revise", "Needs a new version"),
    ("retire", "No longer needed"),
]
#: Months until the next review when something is to be done.
FOLLOW_UP = 1
MAX_MONTHS = 24


class ApprovalCertification(models.Model):
    """One review of a policy. Appended only."""

    _name = "distribution.approval.certification"
    _description = "Certification of an Approval Policy"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "certified_at"

    policy_id = fields.Many2one("distribution.approval.policy", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="policy_id.company_id")
    version_id = fields.Many2one(
        "distribution.approval.policy.version", string="Version in Force", required=True, ondelete="restrict"
    )
    digest = fields.Char(required=True, help="SHA-256 of the version that was reviewed.")
    variant_stamp = fields.Char(help="The local variants that were in force, with a hash of their contents.")
    user_id = fields.Many2one("res.users", string="Certified by", required=True, ondelete="restrict")
    certified_at = fields.Datetime(required=True)
    outcome = fields.Selection(OUTCOMES, required=True)
    comment = fields.Text()
    next_review = fields.Date(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)


class ApprovalPolicy(models.Model):
    _inherit = "distribution.approval.policy"

    review_months = fields.Integer(
        string="Reviewed every (months)",
        default=12,
        required=True,
        tracking=True,
        help="Whoever certifies the policy can lengthen it, to at most 24 months.",
    )
    review_date = fields.Date(
        string="Next Review", compute="_compute_review_date", store=True, index="btree_not_null", readonly=True
    )
    review_overdue = fields.Boolean(compute="_compute_review_overdue", search="_search_review_overdue")
    certification_ids = fields.One2many("distribution.approval.certification", "policy_id", readonly=True)
    can_certify = fields.Boolean(compute="_compute_can_certify")

    _sql_constraints = [
        (
            "review_months_range",
            "CHECK (review_months BETWEEN 1 AND 24)",
            "A policy is reviewed every 1 to 24 months.",
        ),
    ]

    @api.depends("review_months", "certification_ids.next_review", "version_ids.published_at")
    def _compute_review_date(self):
        for policy in self:
            last = policy.sudo().certification_ids.sorted("id", reverse=True)[:1]
            published = [version.published_at for version in policy.version_ids if version.published_at]
            first = min(published) if published else False
            if last:
                policy.review_date = last.next_review
            else:
                company = policy.company_id or self.env.company
                policy.review_date = first and day_of(company, first) + relativedelta(months=policy.review_months)

    @api.depends("review_date", "active")
    def _compute_review_overdue(self):
        for policy in self:
            day = today(policy.company_id or self.env.company)
            policy.review_overdue = bool(policy.active and policy.review_date and policy.review_date < day)

    def _search_review_overdue(self, operator, value):
        positive = asks_for(operator, value)
        found = self.search([("review_date", "<=", today(self.env.company) + relativedelta(days=1))])
        return [("id", "in" if positive else "not in", found.filtered("review_overdue").ids)]

    @api.depends("owner_id", "version_ids.state")
    @api.depends_context("uid")
    def _compute_can_certify(self):
        for policy in self:
            policy.can_certify = bool(policy.current_version_id) and not policy._why_not_certify(self.env.user)

    def write(self, vals):
        if "review_date" in vals and not self.env.su:
            raise AccessError(_("review_date: it follows from the last certification."))
        longer = [p for p in self if "review_months" in vals and vals["review_months"] > p.review_months]
        if longer and not self.env.su and any(v.state != "draft" for p in longer for v in p.version_ids):
            raise UserError(
                _("review_months: once a policy was published, who certifies it decides on a longer interval.")
            )
        return super().write(vals)

    # --------------------------------------------------------------- actions

    def action_open_certify(self):
        """Open the dialog in which the present user certifies this policy."""
        self.ensure_one()
        self._check_certifier()
        return {
            "type": "ir.actions.act_window",
            "name": _("Certify %s", self.name),
            "res_model": "distribution.approval.certify",
            "view_mode": "form",
            "target": "new",
            "context": {"default_policy_id": self.id, "default_seen_digest": self.current_version_id.digest},
        }

    def _certify(self, outcome, seen_digest, comment="", months=None):
        """Record a review of the version in force by the present user.

        :param outcome: ``confirmed``, ``revise`` or ``retire``; all but the first need a comment
        :param seen_digest: digest of the version that the person read
        :param months: another interval from now on
        :raises AccessError: when the person wrote the version, or has no say in the policy
        """
        self.ensure_one()
        user = self._check_certifier()
        # Two who certify at the same instant take turns: the next review follows from the later one.
        self.env["distribution.approval.turn"]._take_rows([("certification", 0, self.id)])
        version = self.sudo().current_version_id
        if seen_digest != version.digest:
            raise UserError(_("Another version is in force by now. Read %s first.", version.display_name))
        if outcome not in dict(OUTCOMES):
            raise ValidationError(_("outcome: choose one of %s.", ", ".join(dict(OUTCOMES))))
        comment = (comment or "").strip()
        if outcome != "confirmed" and not comment:
            raise ValidationError(_("comment: write what is to be done."))
        months = months or self.review_months
        if not 1 <= months <= MAX_MONTHS:
            raise ValidationError(_("Next review: choose 1 to %s months.", MAX_MONTHS))
        policy = self.sudo()
        if months != policy.review_months:
            policy.review_months = months
        following = today(policy.company_id or self.env.company) + relativedelta(
            months=months if outcome == "confirmed" else FOLLOW_UP
        )
        # Who may certify was checked above; nobody has the right to write certifications.
        certification = policy.env["distribution.approval.certification"].create(
            {
                "policy_id": policy.id,
                "version_id": version.id,
                "digest": version.digest,
                "variant_stamp": version.variant_stamp,
                "user_id": user.id,
                "certified_at": fields.Datetime.now(),
                "outcome": outcome,
                "comment": comment or False,
                "next_review": following,
            }
        )
        policy.env["distribution.event"]._record(
            "distribution.approval_policy.certified.v1",
            policy,
            {
                "policy_version_id": version.id,
                "digest": version.digest,
                "outcome": outcome,
                "next_review": fields.Date.to_string(following),
            },
        )
        policy.env["distribution.automation"]._policy_certified(certification)
        return certification

    def _check_certifier(self):
        self.ensure_one()
        reason = self._why_not_certify(self.env.user)
        if reason:
            raise AccessError(reason)
        if not self.sudo().current_version_id:
            raise UserError(_("No version of %s is in force: there is nothing to certify.", self.name))
        return self.env.user

    def _why_not_certify(self, user):
        """Why ``user`` cannot certify this policy; nothing when they can."""
        self.ensure_one()
        policy = self.sudo()
        if user._is_superuser() or user.share:
            return _("A certification is given by a person, logged in as themselves.")
        if user != policy.owner_id and not user.has_group("distribution_core.group_policy_publisher"):
            return _("The business owner or a policy publisher certifies a policy.")
        if user in policy.current_version_id.author_ids:
            return _("You wrote in the version in force: somebody else has to say that it fits.")
        return ""

    # ------------------------------------------------------------------- job

    @api.model
    def _cron_review_overdue(self):
        """Daily: one case per policy and missed review date, however late this job runs."""
        for policy in self.sudo().search([("review_date", "!=", False)]).filtered("review_overdue"):
            case = self.env["distribution.case"].sudo()
            key = f"policy_review:{policy.id}:{policy.review_date}"
            if case.search_count([("dedup_key", "=", key)]):
                continue
            opened = case._open(
                "policy_review_overdue",
                policy,
                _("Review overdue since %(day)s: %(policy)s", day=policy.review_date, policy=policy.name),
                detail=_(
                    "The business owner or a policy publisher who did not write in the version in force reads it and "
                    "certifies it with the button Certify on the policy."
                ),
                dedup_key=key,
            )
            if not opened.user_id:
                opened.user_id = policy.owner_id
