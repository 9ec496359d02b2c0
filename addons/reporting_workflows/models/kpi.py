"""A KPI: one governed definition of a number, the number itself, and the documents behind it.

Rules, in words
---------------
* What a KPI means is said by its version in force (``kpi_version.py``); how it is counted, by the source that this one
  names (``kpi_source.py``).
* A number is made for whoever asks, of records that they may read, in their present company.
* The owner answers for it and signs it off; the backup owner does when the owner cannot.
"""

from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.compat import check_access, may

from ..engine.kpi import rounded, status

#: Days that the drill-down shows when nobody says which.
SHOWN_DAYS = 30
OWNERS = frozenset({"owner_id", "backup_owner_id"})


class Kpi(models.Model):
    _name = "distribution.kpi"
    _description = "KPI"
    _inherit = ["mail.thread"]
    _order = "family, sequence, code"

    code = fields.Char(required=True, copy=False, help="Technical name; reports and other systems call it by this.")
    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    family = fields.Selection(
        [
            ("service", "Service"),
            ("sales", "Sales"),
            ("stock", "Stock"),
            ("warehouse", "Warehouse"),
            ("procurement", "Procurement"),
            ("approvals", "Approvals"),
            ("finance", "Finance"),
            ("exceptions", "Exceptions"),
            ("integration", "Integration"),
        ],
        required=True,
    )
    owner_id = fields.Many2one(
        "res.users",
        tracking=True,
        ondelete="restrict",
        domain="[('share', '=', False)]",
        help="Answers for the number.",
    )
    backup_owner_id = fields.Many2one(
        "res.users", tracking=True, ondelete="restrict", domain="[('share', '=', False)]", help="When the owner cannot."
    )
    version_ids = fields.One2many("distribution.kpi.version", "kpi_id", readonly=True)
    version_id = fields.Many2one("distribution.kpi.version", "In Force", readonly=True, copy=False, ondelete="restrict")
    draft_count = fields.Integer("Drafts", compute="_compute_draft_count")
    version_number = fields.Integer(related="version_id.number", string="Version Number")
    question = fields.Char(related="version_id.question")
    formula = fields.Text(related="version_id.formula")
    source = fields.Char(compute="_compute_source", help="What is counted, in code.")
    kind = fields.Selection(related="version_id.kind")
    direction = fields.Selection(related="version_id.direction")
    grain = fields.Selection(related="version_id.grain")
    dimensions = fields.Char(related="version_id.dimensions")
    has_target = fields.Boolean(related="version_id.has_target")
    target = fields.Float(related="version_id.target")
    is_judged = fields.Boolean(related="version_id.is_judged")
    warn = fields.Float(related="version_id.warn")
    breach = fields.Float(related="version_id.breach")

    _sql_constraints = [
        ("code_unique", "UNIQUE (code)", "A KPI's code exists only once."),
        (
            "two_owners",
            "CHECK (owner_id IS NULL OR backup_owner_id IS NULL OR owner_id <> backup_owner_id)",
            "Backup Owner: somebody else than the owner.",
        ),
    ]

    @api.depends("version_ids.state")
    def _compute_draft_count(self):
        for kpi in self:
            kpi.draft_count = len(kpi.version_ids.filtered(lambda version: version.state == "draft"))

    @api.depends("version_id.source")
    def _compute_source(self):
        for kpi in self:
            kpi.source = kpi.version_id.source

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
        kpis = super().create(vals_list)
        if any(kpi[name] for kpi in kpis for name in OWNERS):
            self._check_names_owner()
        return kpis

    def write(self, vals):
        self._refuse_protected(vals)
        if "code" in vals and self.filtered("version_id"):
            raise UserError(_("Code: reports name the KPI by it, it stays. Make a new KPI instead."))
        named = OWNERS & vals.keys()
        if named:
            self._check_names_owner()
            if not self.env.su and self.env.uid in (vals.get("owner_id"), vals.get("backup_owner_id")):
                raise AccessError(_("Owner: an administrator names others, who sign the numbers; not themselves."))
        if "active" in vals and self.filtered("version_id") and not self._may("administrator", "policy_publisher"):
            raise AccessError(_("Active: a KPI in force is archived by a policy publisher or an administrator."))
        before = {kpi: [kpi[name] for name in sorted(OWNERS)] for kpi in self} if named else {}
        result = super().write(vals)
        changed = self.filtered(lambda kpi: kpi in before and before[kpi] != [kpi[name] for name in sorted(OWNERS)])
        self.env["distribution.event"].sudo()._record(
            "distribution.kpi.owner_changed.v1",
            changed,
            lambda kpi: {
                "code": kpi.code,
                "owner_id": kpi.owner_id.id or None,
                "backup_owner_id": kpi.backup_owner_id.id or None,
            },
        )
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.filtered("version_id"):
            raise UserError(_("A KPI that was in force stays. Archive it instead."))

    def _may(self, *roles):
        user = self.env.user
        return self.env.su or any(user.has_group(f"distribution_core.group_{role}") for role in roles)

    def _check_names_owner(self):
        if not self._may("administrator"):
            raise AccessError(_("Owner: who answers for a KPI is named by an administrator."))

    def _refuse_protected(self, vals):
        if "version_id" in vals or "version_ids" in vals:
            raise AccessError(_("Versions: they are made with “New Version” and put in force with their own button."))

    # --------------------------------------------------------------- versions

    def action_new_version(self):
        """A draft that begins as the version in force says."""
        self.ensure_one()
        draft = self.version_ids.filtered(lambda version: version.state == "draft")[:1]
        if not draft:
            draft = (
                self.version_id.copy()
                if self.version_id
                else self.env["distribution.kpi.version"].create(
                    {
                        "kpi_id": self.id,
                        "question": _("What do you want to know?"),
                        "formula": _("Say in words how it is counted."),
                        "source": self.env["distribution.kpi.version"]._selection_source()[0][0],
                    }
                )
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": draft._name,
            "res_id": draft.id,
            "view_mode": "form",
        }

    # -------------------------------------------------------------- measuring

    @api.model
    def _measure(self, kpis, since, until, by=(), where=None, grain=None):
        """``{kpi number: [Measure]}`` of the days ``since`` to ``until``, both included, in the present company.

        One query per source, whatever the data. A flow is what happened in the days; a level is how it stands now,
        whatever the days are: what it was is in the snapshots.

        :param by: dimensions to tell apart; without any (and without grain) there is exactly one measure
        :param where: ``{dimension: value or values}``
        :param grain: ``day``, ``week``, ``month``, ``quarter`` or ``year``; buckets without facts are left out
        :raises AccessError: when the user may not read what is counted
        """
        sources = self.env["distribution.kpi.source"]
        window, found = sources._window(since, until), {}
        for key in set(kpis.mapped("source")):
            if key:
                source = sources._source(key)
                found[key] = sources._measure_source(source, window, tuple(by), where, grain)
        return {kpi.id: found.get(kpi.source, []) for kpi in kpis}

    def _judge(self, value):
        """How a value stands against the thresholds in force."""
        self.ensure_one()
        if not self.is_judged:
            return "none"
        return status(value, self.direction, rounded(str(self.warn)), rounded(str(self.breach)))

    def _judge_period(self, value, first, last):
        """How the number of a period stands; a sum of several days is not judged by limits that are for a day."""
        source = self.env["distribution.kpi.source"]._sources().get(self.source)
        is_longer = first != last and self.grain == "day" and source and source.is_sum
        return "none" if is_longer else self._judge(value)

    def _check_answers(self, user):
        """:raises AccessError: unless ``user`` answers for this KPI"""
        self.ensure_one()
        if user not in (self.owner_id, self.backup_owner_id):
            raise AccessError(
                _("%s: only its owner or backup owner may do that. Ask them, or have another owner named.", self.name)
            )

    # ------------------------------------------------------------- drill-down

    def _drill(self, since, until, dimensions=None):
        """``(model, domain)`` of the documents behind the number."""
        self.ensure_one()
        sources = self.env["distribution.kpi.source"]
        source = sources._source(self.source)
        return sources._behind(source, sources._window(since, until), dimensions)

    def action_drill(self, since=None, until=None, dimensions=None):
        """List the documents behind the number, of the last days when none are named.

        :raises UserError: the user may not read such documents
        """
        self.ensure_one()
        check_access(self, "read")
        until = fields.Date.to_date(until) or self.env.company._day_of(fields.Datetime.now())
        since = fields.Date.to_date(since) or until - timedelta(days=SHOWN_DAYS)
        model, domain = self._drill(since, until, dimensions)
        if not may(self.env[model], "read"):
            raise UserError(
                _(
                    "%(name)s: you may read the number, but not the documents behind it (%(model)s). Ask who answers "
                    "for it: %(owner)s.",
                    name=self.name,
                    model=self.env[model]._description,
                    owner=self.owner_id.name or _("nobody yet"),
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": model,
            "domain": domain,
            "view_mode": "tree,form",
            "context": {"create": False, "active_test": False},
        }
