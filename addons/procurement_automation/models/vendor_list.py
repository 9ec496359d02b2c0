"""Approved vendor lists: which vendors may supply a product or a category, at a site or everywhere.

A buyer proposes a vendor, vendor governance approves it – somebody else than who proposed it –, and both are in the
ledger. A list in force is closed to everybody who is not on it, also when its last entry has ended. What that means
is for others to say: replenishment and requisitions do not order past it, for orders it is a fact of the policy.
"""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_approval.models.approval_policy import today

from ..engine import ListEntry, VendorBook, VendorList

MANAGER = "distribution_core.group_vendor_manager"


class DistributionVendorList(models.Model):
    _name = "distribution.vendor.list"
    _description = "Approved Vendor List"
    _order = "company_id, category_id, product_tmpl_id, warehouse_id"
    _check_company_auto = True
    _rec_names_search = ["product_tmpl_id", "category_id", "warehouse_id"]

    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    category_id = fields.Many2one("product.category", index=True, ondelete="restrict", help="With those below it.")
    product_tmpl_id = fields.Many2one(
        "product.template", string="Product", index=True, ondelete="restrict", check_company=True
    )
    warehouse_id = fields.Many2one(
        "stock.warehouse", string="Site", check_company=True, help="Empty: all sites that have no list of their own."
    )
    state = fields.Selection(
        [("draft", "Draft"), ("active", "In Force"), ("closed", "Closed")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    note = fields.Text(help="Why these vendors: specification, certificate, framework contract.")
    entry_ids = fields.One2many("distribution.vendor.list.entry", "list_id", string="Vendors", copy=True)
    vendor_count = fields.Integer(compute="_compute_vendor_count", string="Vendors Now")

    _sql_constraints = [
        (
            "one_scope",
            "CHECK ((category_id IS NULL) <> (product_tmpl_id IS NULL))",
            "Product or Category: a list is for one of them.",
        ),
    ]

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_vendor_list_in_force_unique
                   ON distribution_vendor_list (company_id, COALESCE(category_id, 0), COALESCE(product_tmpl_id, 0),
                                                COALESCE(warehouse_id, 0))
                WHERE state = 'active'"""
        )

    @api.depends("category_id", "product_tmpl_id", "warehouse_id")
    def _compute_display_name(self):
        for one in self:
            subject = one.product_tmpl_id.display_name or one.category_id.display_name or _("New")
            one.display_name = f"{subject} · {one.warehouse_id.name}" if one.warehouse_id else subject

    @api.depends("entry_ids.state", "entry_ids.date_start", "entry_ids.date_end")
    def _compute_vendor_count(self):
        for one in self:
            day = today(one.company_id)
            one.vendor_count = len(one.entry_ids.filtered(lambda entry, day=day: entry._is_valid(day)).partner_id)

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_state(vals)
            # Explicitly: a default in the context of the caller would count else.
            vals.setdefault("state", "draft")
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and "state" in vals:
            raise AccessError(_("A list comes into force, and is closed, by its buttons."))
        scope = {"company_id", "category_id", "product_tmpl_id", "warehouse_id"} & vals.keys()
        if scope and not self.env.su:
            if any(one.state != "draft" for one in self):
                raise UserError(
                    _("A list that was in force is for what it was made for: close it and make another one.")
                )
            if self.entry_ids.filtered(lambda entry: entry.state != "proposed"):
                raise UserError(
                    _(
                        "Product, Category, Site: vendors were approved for this list as it is. Make another list, and "
                        "propose them there."
                    )
                )
        return super().write(vals)

    def _refuse_state(self, vals):
        if not self.env.su and vals.get("state", "draft") != "draft":
            raise AccessError(_("A list comes into force by its button."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.filtered(lambda one: one.state != "draft" or one.entry_ids.filtered("decided_at")):
            raise UserError(_("Close the list instead: who was approved stays on record."))

    # --------------------------------------------------------------- actions

    def action_activate(self):
        """From now on only the vendors on it may supply."""
        self._check_manager()
        for one in self:
            if one.state == "active":
                continue
            clash = self.sudo().search(
                [
                    ("state", "=", "active"),
                    ("company_id", "=", one.company_id.id),
                    ("category_id", "=", one.category_id.id),
                    ("product_tmpl_id", "=", one.product_tmpl_id.id),
                    ("warehouse_id", "=", one.warehouse_id.id),
                ],
                limit=1,
            )
            if clash:
                raise UserError(_("%s: a list for the same is in force. Change that one.", one.display_name))
            if not one.vendor_count:
                raise UserError(_("%s: approve a vendor first, or nothing can be bought.", one.display_name))
        self._set_state("active", "opened")
        return True

    def action_close(self):
        """The list does not count any more: the next wider one does, or none."""
        self._check_manager()
        self.filtered(lambda one: one.state == "active")._set_state("closed", "closed")
        return True

    def _set_state(self, state, fact):
        # sudo: set by these buttons only, the role was checked
        self.sudo().write({"state": state})
        self.env["distribution.event"].sudo()._record(
            f"distribution.vendor_list.{fact}.v1",
            self,
            lambda one: {
                "category_id": one.category_id.id or None,
                "product_template_id": one.product_tmpl_id.id or None,
                "site_id": one.warehouse_id.id or None,
                "vendors": sorted(one.entry_ids.filtered(lambda entry: entry.state == "approved").partner_id.ids),
            },
        )

    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group(MANAGER):
            raise AccessError(_("Approved vendors are the business of vendor governance: ask a Vendor Manager."))

    # --------------------------------------------------------------- business

    @api.model
    def _book(self, company):
        """The lists in force of ``company`` as the engine takes them; two queries."""
        # sudo: who may supply is the same for everybody
        lists = self.sudo().search([("company_id", "=", company.id), ("state", "=", "active")])
        return VendorBook(
            VendorList(
                one.id,
                product=one.product_tmpl_id.id or None,
                category=one.category_id.id or None,
                site=one.warehouse_id.id or None,
                entries=tuple(
                    ListEntry(entry.partner_id.id, entry.date_start or None, entry.date_end or None)
                    for entry in one.entry_ids
                    if entry.state == "approved"
                ),
            )
            for one in lists
        )

    @api.model
    def _permits(self, book, product, site, vendor, day):
        """Whether ``vendor`` may supply ``product`` at ``site`` on ``day``."""
        if not book:
            return True
        path = [int(part) for part in (product.categ_id.parent_path or "").split("/") if part]
        return book.permits(product.product_tmpl_id.id, path[::-1], site.id, vendor.commercial_partner_id.id, day)


class DistributionVendorListEntry(models.Model):
    _name = "distribution.vendor.list.entry"
    _description = "Vendor on an Approved List"
    _order = "list_id, state, date_start, id"

    list_id = fields.Many2one("distribution.vendor.list", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="list_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Vendor",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("parent_id", "=", False)],
    )
    vendor_status = fields.Selection(related="partner_id.vendor_status")
    date_start = fields.Date("From")
    date_end = fields.Date("Until", help="The last day.")
    reason = fields.Char(help="Why this vendor: audit, certificate, sample, contract.")
    state = fields.Selection(
        [("proposed", "Proposed"), ("approved", "Approved"), ("withdrawn", "Withdrawn")],
        default="proposed",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    decided_by = fields.Many2one("res.users", readonly=True, copy=False)
    decided_at = fields.Datetime(readonly=True, copy=False)

    _sql_constraints = [
        (
            "dates",
            "CHECK (date_end IS NULL OR date_start IS NULL OR date_end >= date_start)",
            "Until: not before From.",
        ),
    ]

    @api.constrains("partner_id")
    def _check_partner(self):
        for entry in self:
            if entry.partner_id != entry.partner_id.commercial_partner_id:
                raise ValidationError(_("Vendor: list the company, not a contact of it."))

    def _is_valid(self, day):
        return (
            self.state == "approved"
            and (not self.date_start or self.date_start <= day)
            and (not self.date_end or self.date_end >= day)
        )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_decision(vals)
            vals.setdefault("state", "proposed")
            vals["decided_by"] = vals["decided_at"] = False
        entries = super().create(vals_list)
        entries._record("proposed")
        return entries

    def write(self, vals):
        # Whatever the value: who could write "proposed" would undo what was approved.
        if not self.env.su and {"state", "decided_by", "decided_at"} & vals.keys():
            raise AccessError(_("A vendor is approved and withdrawn by the buttons, by vendor governance."))
        decided = self.filtered(lambda entry: entry.state != "proposed")
        if not self.env.su and decided and {"partner_id", "date_start", "date_end", "list_id", "reason"} & vals.keys():
            raise UserError(_("What was approved stays as it is: withdraw it and propose it anew."))
        return super().write(vals)

    def _refuse_decision(self, vals):
        if not self.env.su and (
            vals.get("state", "proposed") != "proposed" or vals.get("decided_by") or vals.get("decided_at")
        ):
            raise AccessError(_("A vendor is approved by the button, by vendor governance."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        if self.filtered(lambda entry: entry.state != "proposed"):
            raise UserError(_("Withdraw it instead: who was approved stays on record."))

    # --------------------------------------------------------------- actions

    def action_approve(self):
        """Let these vendors supply. Nobody approves what they proposed."""
        self.env["distribution.vendor.list"]._check_manager()
        for entry in self.filtered(lambda entry: entry.state == "proposed"):
            if entry.create_uid == self.env.user or entry.write_uid == self.env.user:
                raise UserError(_("%s: somebody else approves what you proposed.", entry.partner_id.display_name))
            if entry.partner_id.vendor_status != "approved":
                raise UserError(_("%s is not an approved vendor: onboard it first.", entry.partner_id.display_name))
        self.filtered(lambda entry: entry.state == "proposed")._decide("approved")
        return True

    def action_withdraw(self):
        """They may not supply any more."""
        self.env["distribution.vendor.list"]._check_manager()
        self.filtered(lambda entry: entry.state != "withdrawn")._decide("withdrawn")
        return True

    def _decide(self, state):
        # sudo: set by these buttons only, the role was checked
        self.sudo().write({"state": state, "decided_by": self.env.uid, "decided_at": fields.Datetime.now()})
        self._record(state)

    def _record(self, fact):
        self.env["distribution.event"].sudo()._record(
            f"distribution.vendor_list.vendor_{fact}.v1",
            self,
            lambda entry: {
                "list_id": entry.list_id.id,
                "vendor_id": entry.partner_id.id,
                "category_id": entry.list_id.category_id.id or None,
                "product_template_id": entry.list_id.product_tmpl_id.id or None,
                "site_id": entry.list_id.warehouse_id.id or None,
                "from": str(entry.date_start) if entry.date_start else None,
                "until": str(entry.date_end) if entry.date_end else None,
            },
        )


class VendorPermission(models.AbstractModel):
    _inherit = "distribution.vendor.permission"

    @api.model
    def _problems(self, wanted, company, site, day=None):
        wanted = list(wanted)
        problems = super()._problems(wanted, company, site, day)
        lists = self.env["distribution.vendor.list"]
        book = lists._book(company)
        day = day or today(company)
        for product, vendor in wanted:
            if not lists._permits(book, product, site, vendor, day):
                problems.setdefault((product.id, vendor.id), "not_listed")
        return problems

    @api.model
    def _words(self, code):
        if code == "not_listed":
            return _("the vendor is not on the approved list for this product")
        return super()._words(code)
