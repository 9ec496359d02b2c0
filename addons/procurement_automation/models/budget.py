"""Budgets per owner, category and period: what is spent, ordered and asked for, worked out in sets.

Put in force by a budget manager who is not its owner; changed after that by such a person only, on record. The figures
follow from bills, orders and requisitions: nobody writes them.

Which period pays, in the days of the company's own time zone:

* a requisition: that of its day of need, for that is when it is spent; one that is overdue or has no day counts today;
* an order: that of its confirmation, which nobody chooses; as far as it is for a requisition and that is needed later,
  the period that was approved for the requisition;
* a bill: that of its accounting date.
"""

from collections import defaultdict

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from ..engine import BudgetBook, BudgetLine, Usage, left
from .kept_fields import without_defaults

MANAGER = "procurement_automation.group_budget_manager"
FIGURES = ("actual", "committed", "reserved", "waiting", "available", "used_percent")
#: What somebody in force changes on record only.
TERMS = frozenset({"amount", "category_id", "budget_id"})


class DistributionBudget(models.Model):
    _name = "distribution.budget"
    _description = "Budget"
    _inherit = ["mail.thread"]
    _order = "date_from desc, id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    owner_id = fields.Many2one(
        "res.users",
        index=True,
        tracking=True,
        help="Empty: pays for whatever has no owner, or whose owner has no budget.",
    )
    date_from = fields.Date("From", required=True, tracking=True)
    date_to = fields.Date("To", required=True, tracking=True)
    state = fields.Selection(
        [("draft", "Draft"), ("active", "In Force"), ("closed", "Closed")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    line_ids = fields.One2many("distribution.budget.line", "budget_id", string="Lines", copy=True)
    amount = fields.Monetary(compute="_compute_totals", string="Budget")
    available = fields.Monetary(compute="_compute_totals")
    refreshed_at = fields.Datetime(readonly=True, copy=False)

    _sql_constraints = [("period", "CHECK (date_to >= date_from)", "To: not before From.")]

    @api.depends("line_ids.amount", "line_ids.available")
    def _compute_totals(self):
        for budget in self:
            budget.amount = sum(budget.line_ids.mapped("amount"))
            budget.available = sum(budget.line_ids.mapped("available"))

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_state(vals)
            # Explicitly: a default in the context of the caller would count else.
            vals.setdefault("state", "draft")
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and {"state", "refreshed_at"} & vals.keys():
            raise AccessError(_("A budget comes into force, and is closed, by its buttons."))
        scope = {"owner_id", "date_from", "date_to", "company_id"} & vals.keys()
        if scope and not self.env.su and any(budget.state != "draft" for budget in self):
            raise UserError(_("A budget in force keeps its owner and period: close it and make another one."))
        return super().write(vals)

    def _refuse_state(self, vals):
        if not self.env.su and (vals.get("state", "draft") != "draft" or "refreshed_at" in vals):
            raise AccessError(_("A budget comes into force by its button."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.filtered(lambda budget: budget.state != "draft"):
            raise UserError(_("Close the budget instead: what was in force stays on record."))

    # --------------------------------------------------------------- actions

    def action_activate(self):
        """Put it in force. Nobody does that with their own budget."""
        self._check_manager()
        for budget in self.filtered(lambda budget: budget.state == "draft"):
            if budget.owner_id == self.env.user:
                raise UserError(_("%s: somebody else puts your own budget in force.", budget.name))
            if not budget.line_ids:
                raise UserError(_("%s – Lines: enter an amount.", budget.name))
            budget._check_overlap()
            # sudo: set by this button only, the role was checked
            budget.sudo().write({"state": "active"})
            budget._record("activated")
        self.action_refresh()
        return True

    def action_close(self):
        self._check_manager()
        active = self.filtered(lambda budget: budget.state == "active")
        # sudo: set by this button only, the role was checked
        active.sudo().write({"state": "closed"})
        active._record("closed")
        return True

    def action_refresh(self):
        """Work the figures out anew."""
        # sudo: sums over documents that the reader of a budget may not open one by one
        self.sudo()._refresh()
        return True

    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group(MANAGER):
            raise AccessError(_("Budgets are put in force and closed by a Budget Manager."))

    def _check_overlap(self):
        """One line pays for something: two in force do not hold for the same owner, category and day."""
        self.ensure_one()
        others = self.sudo().line_ids.search(
            [
                ("budget_id.state", "=", "active"),
                ("budget_id", "!=", self.id),
                ("company_id", "=", self.company_id.id),
                ("owner_id", "=", self.owner_id.id),
                ("category_id", "in", [line.category_id.id for line in self.line_ids]),
                ("date_from", "<=", self.date_to),
                ("date_to", ">=", self.date_from),
            ],
            limit=1,
        )
        if others:
            raise UserError(
                _("%(budget)s: %(other)s is in force for the same.", budget=self.name, other=others.display_name)
            )

    def _record(self, fact):
        # sudo: the ledger is written by the suite
        self.env["distribution.event"].sudo()._record(
            f"distribution.budget.{fact}.v1",
            self,
            lambda budget: {
                "owner_id": budget.owner_id.id or None,
                "from": str(budget.date_from),
                "until": str(budget.date_to),
                "currency": budget.currency_id.name,
                "lines": [
                    {"line_id": line.id, "category_id": line.category_id.id or None, "amount": str(line.amount)}
                    for line in budget.line_ids
                ],
            },
        )

    # ---------------------------------------------------------------- figures

    @api.model
    def _cron_refresh(self):
        self.search([("state", "=", "active")])._refresh()

    def _refresh(self):
        """Figures of these budgets; as many queries for a hundred as for one of a company."""
        for company in self.company_id:
            budgets = self.filtered(lambda budget, company=company: budget.company_id == company)
            usage = self._usage(company)[1]
            rows = [
                (line.id, figures, left(line._to_engine(), figures))
                for line in budgets.line_ids
                for figures in (usage.get(line.id) or Usage(),)
            ]
            self.env.flush_all()
            self.env.cr.execute(
                """UPDATE distribution_budget_line line
                      SET actual = known.actual, committed = known.committed, reserved = known.reserved,
                          waiting = known.waiting, available = known.available,
                          used_percent = CASE WHEN line.amount > 0
                                              THEN 100 * (line.amount - known.available) / line.amount ELSE 0 END
                     FROM unnest(%s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[])
                          AS known (id, actual, committed, reserved, waiting, available)
                    WHERE line.id = known.id""",
                (
                    [row[0] for row in rows],
                    *([getattr(row[1], name) for row in rows] for name in FIGURES[:4]),
                    [row[2] for row in rows],
                ),
            )
            budgets.line_ids.invalidate_recordset(FIGURES)
            budgets.write({"refreshed_at": fields.Datetime.now()})

    @api.model
    def _usage(self, company, without_orders=(), without_requisitions=(), without_bills=()):
        """``(book, {line id: Usage})`` of the budgets in force of ``company``; five queries.

        :param without_orders: ids of purchase orders that do not count, since they are what is judged
        :param without_requisitions: ids of requisitions that do not count
        :param without_bills: ids of bills of which what has no order does not count
        """
        book, asked = self._book(company)
        usage = defaultdict(Usage)
        if not book:
            return book, usage
        asked.update(
            orders=list(without_orders) or [0],
            requisitions=list(without_requisitions) or [0],
            bills=list(without_bills) or [0],
        )
        self.env.flush_all()
        paths = self.env["product.category"]._budget_paths()
        for figure, statement in (("actual", ACTUAL), ("committed", COMMITTED), ("asked", ASKED), ("asked", HELD)):
            self.env.cr.execute(statement, asked)
            for owner, category, day, state, amount in self.env.cr.fetchall():
                line = book.line_for(owner, paths.get(category, ()), day)
                if line:
                    name = figure if figure != "asked" else "reserved" if state in ("approved", "done") else "waiting"
                    if figure == "actual" and state == "draft":
                        name = "committed"
                    setattr(usage[line.key], name, getattr(usage[line.key], name) + float(amount or 0))
        return book, usage

    @api.model
    def _book(self, company, also=None):
        """``(book, what the statements below are asked)`` of the budgets in force of ``company``.

        :param also: budget lines that are looked at beside them, such as those of a closed budget
        """
        # sudo: which line pays is the same for everybody
        lines = (
            self.env["distribution.budget.line"]
            .sudo()
            .search([("company_id", "=", company.id), ("budget_id.state", "=", "active")])
        )
        lines = (also or lines.browse()) | lines
        asked = {
            "company": company.id,
            "zone": company._approval_time_zone(),
            "today": today(company),
            "first": min(lines.mapped("date_from"), default=None),
            "last": max(lines.mapped("date_to"), default=None),
            "confirmed": PURCHASE_CONFIRMED_STATES,
            "orders": [0],
            "requisitions": [0],
            "bills": [0],
        }
        return BudgetBook(line._to_engine() for line in lines), asked


#: Posted bills and refunds, on their accounting date; what has no order is paid by whom the bill names. Drafts for an
#: order take from what is committed as soon as they are made, and are committed themselves until they are posted.
ACTUAL = """
    SELECT coalesce(asked.budget_owner_id, po.budget_owner_id, CASE WHEN line.id IS NULL THEN move.budget_owner_id END),
           template.categ_id, item.date, move.state, sum(item.balance)
      FROM account_move_line item
      JOIN account_move move ON move.id = item.move_id
 LEFT JOIN product_product product ON product.id = item.product_id
 LEFT JOIN product_template template ON template.id = product.product_tmpl_id
 LEFT JOIN purchase_order_line line ON line.id = item.purchase_line_id
 LEFT JOIN purchase_order po ON po.id = line.order_id
 LEFT JOIN distribution_purchase_requisition_line need ON need.id = line.requested_line_id
 LEFT JOIN distribution_purchase_requisition asked ON asked.id = need.requisition_id
     WHERE item.company_id = %(company)s AND item.display_type = 'product'
       AND move.move_type IN ('in_invoice', 'in_refund', 'in_receipt')
       AND (move.state = 'posted' OR (move.state = 'draft' AND item.purchase_line_id IS NOT NULL))
       AND (item.purchase_line_id IS NOT NULL OR move.id <> ALL(%(bills)s))
       AND item.date BETWEEN %(first)s AND %(last)s
  GROUP BY 1, 2, 3, 4"""
#: Lines of confirmed orders, with the day whose period pays.
CONFIRMED = """
      FROM purchase_order_line line
      JOIN purchase_order po ON po.id = line.order_id
      JOIN product_product product ON product.id = line.product_id
      JOIN product_template template ON template.id = product.product_tmpl_id
 LEFT JOIN distribution_purchase_requisition_line need ON need.id = line.requested_line_id
 LEFT JOIN distribution_purchase_requisition asked ON asked.id = need.requisition_id
CROSS JOIN LATERAL (
               SELECT greatest(
                          (coalesce(po.date_approve, po.create_date) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date,
                          coalesce(need.needed_by, asked.needed_by)) AS day) bound
     WHERE po.company_id = %(company)s AND po.state IN %(confirmed)s AND line.product_qty <> 0
       AND bound.day BETWEEN %(first)s AND %(last)s AND po.id <> ALL(%(orders)s)"""
#: Of confirmed orders: what was not billed and still comes. Of a line whose goods were received or called off
#: altogether, what came counts, not what was ordered.
COMMITTED = (
    """
    SELECT coalesce(asked.budget_owner_id, po.budget_owner_id), template.categ_id, bound.day, po.state,
           sum(line.price_subtotal / line.product_qty / coalesce(nullif(po.currency_rate, 0), 1)
               * greatest(0, CASE WHEN line.qty_received_method = 'stock_moves' AND NOT EXISTS (
                                       SELECT 1 FROM stock_move move WHERE move.purchase_line_id = line.id
                                          AND move.state NOT IN ('done', 'cancel'))
                                  THEN line.qty_received ELSE line.product_qty END - line.qty_invoiced))"""
    + CONFIRMED
    + """
  GROUP BY 1, 2, 3, 4"""
)
#: Which orders these are.
ORDERS = (
    """
    SELECT DISTINCT coalesce(asked.budget_owner_id, po.budget_owner_id), template.categ_id, bound.day, po.id"""
    + CONFIRMED
)
#: Requisitions, on their day of need, as far as they are not on confirmed orders.
ASKED = """
    SELECT asked.budget_owner_id, coalesce(template.categ_id, line.category_id), bound.day, asked.state,
           sum(greatest(0, line.quantity - line.qty_ordered) * line.price_unit)
      FROM distribution_purchase_requisition_line line
      JOIN distribution_purchase_requisition asked ON asked.id = line.requisition_id
 LEFT JOIN product_product product ON product.id = line.product_id
 LEFT JOIN product_template template ON template.id = product.product_tmpl_id
CROSS JOIN LATERAL (SELECT greatest(%(today)s, coalesce(line.needed_by, asked.needed_by)) AS day) bound
     WHERE asked.company_id = %(company)s AND asked.state IN ('to_approve', 'approved') AND line.drop_reason IS NULL
       AND bound.day BETWEEN %(first)s AND %(last)s AND asked.id <> ALL(%(requisitions)s)
  GROUP BY 1, 2, 3, 4"""
#: Orders that wait for their approval and that no requisition stands for: they would be confirmed today.
HELD = """
    SELECT po.budget_owner_id, template.categ_id, %(today)s, po.state,
           sum(line.price_subtotal / coalesce(nullif(po.currency_rate, 0), 1))
      FROM purchase_order_line line
      JOIN purchase_order po ON po.id = line.order_id
      JOIN product_product product ON product.id = line.product_id
      JOIN product_template template ON template.id = product.product_tmpl_id
     WHERE po.company_id = %(company)s AND po.state = 'to approve' AND line.requested_line_id IS NULL
       AND po.id <> ALL(%(orders)s)
  GROUP BY 1, 2, 3, 4"""


class DistributionBudgetLine(models.Model):
    _name = "distribution.budget.line"
    _description = "Budget Line"
    _order = "budget_id, id"
    _rec_names_search = ["budget_id", "category_id"]

    budget_id = fields.Many2one("distribution.budget", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="budget_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="budget_id.currency_id")
    owner_id = fields.Many2one(related="budget_id.owner_id", store=True)
    date_from = fields.Date(related="budget_id.date_from", store=True)
    date_to = fields.Date(related="budget_id.date_to", store=True)
    state = fields.Selection(related="budget_id.state", store=True)
    category_id = fields.Many2one(
        "product.category", index=True, ondelete="restrict", help="With those below it. Empty: everything else."
    )
    amount = fields.Monetary("Budget Amount", required=True)
    actual = fields.Monetary(readonly=True, copy=False, help="Posted bills, less refunds.")
    committed = fields.Monetary(readonly=True, copy=False, help="Confirmed orders that are not billed yet.")
    reserved = fields.Monetary(readonly=True, copy=False, help="Approved requisitions that are not ordered yet.")
    waiting = fields.Monetary(readonly=True, copy=False, help="Waits for approval. Uses nothing up.")
    available = fields.Monetary(readonly=True, copy=False, help="Budget less actual, committed and reserved.")
    used_percent = fields.Float("Used (%)", readonly=True, copy=False, digits=(16, 1), group_operator="avg")

    _sql_constraints = [("amount_positive", "CHECK (amount >= 0)", "Budget: not negative.")]

    @api.depends("category_id", "budget_id.name")
    def _compute_display_name(self):
        for line in self:
            scope = line.category_id.display_name or _("everything else")
            line.display_name = f"{line.budget_id.name}: {scope}"

    @api.constrains("category_id", "budget_id")
    def _check_once(self):
        for budget in self.budget_id:
            categories = [line.category_id.id for line in budget.line_ids]
            if len(categories) != len(set(categories)):
                raise ValidationError(_("%s – Category: one line for each.", budget.name))

    def _to_engine(self):
        return BudgetLine(
            self.id, self.amount, self.date_from, self.date_to, self.owner_id.id or None, self.category_id.id or None
        )

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        self = without_defaults(self, FIGURES)
        for vals in vals_list:
            self._refuse_figures(vals)
            vals["available"] = vals.get("amount") or 0.0
        lines = super().create(vals_list)
        lines.filtered(lambda line: line.budget_id.state != "draft")._check_change()
        lines._record_change({line.id: 0.0 for line in lines})
        return lines

    def write(self, vals):
        self._refuse_figures(vals)
        if not TERMS & vals.keys():
            return super().write(vals)
        self._check_change()
        before = {line.id: line.amount for line in self}
        result = super().write(vals)
        self._check_change()
        self._record_change(before)
        self.budget_id.filtered(lambda budget: budget.state == "active").action_refresh()
        return result

    def unlink(self):
        if not self.env.su and any(line.budget_id.state != "draft" for line in self):
            raise UserError(_("A line in force stays: set its amount to what is left of it."))
        return super().unlink()

    def _refuse_figures(self, vals):
        if not self.env.su and set(FIGURES) & vals.keys():
            raise AccessError(_("Figures of a budget follow from bills, orders and requisitions."))

    def _check_change(self):
        """In force, amounts are changed by a budget manager who is not the owner; what is closed stays."""
        live = self.filtered(lambda line: line.budget_id.state != "draft")
        if not live or self.env.su:
            return
        if any(line.budget_id.state == "closed" for line in live):
            raise UserError(_("A closed budget is not changed."))
        live.budget_id._check_manager()
        if self.env.user in live.owner_id:
            raise UserError(_("Somebody else changes your own budget."))
        for budget in live.budget_id:
            budget._check_overlap()

    def _record_change(self, before):
        changed = self.filtered(lambda line: line.budget_id.state != "draft" and line.amount != before[line.id])
        # sudo: the ledger is written by the suite; who may do this was checked
        self.env["distribution.event"].sudo()._record(
            "distribution.budget.changed.v1",
            changed,
            lambda line: {
                "budget_id": line.budget_id.id,
                "category_id": line.category_id.id or None,
                "before": str(before[line.id]),
                "after": str(line.amount),
                "currency": line.currency_id.name,
            },
        )

    def action_documents(self):
        """The orders that this line pays for."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "purchase.order",
            "view_mode": "tree,form",
            "domain": [("id", "in", self._orders_paid())],
        }

    def _orders_paid(self):
        """Ids of the confirmed orders of which this line pays something."""
        # sudo: which of them are shown is decided by the rights of who opens the list
        book, asked = self.env["distribution.budget"].sudo()._book(self.company_id, also=self.sudo())
        paths = self.env["product.category"]._budget_paths()
        self.env.flush_all()
        self.env.cr.execute(ORDERS, asked)
        paid = set()
        for owner, category, day, order_id in self.env.cr.fetchall():
            line = book.line_for(owner, paths.get(category, ()), day)
            if line and line.key == self.id:
                paid.add(order_id)
        return sorted(paid)


class ProductCategory(models.Model):
    _inherit = "product.category"

    @api.model
    def _budget_paths(self):
        """``{category id: ids from it upward}`` of all categories; one query."""
        self.flush_model(["parent_path"])
        self.env.cr.execute("SELECT id, parent_path FROM product_category")
        return {
            category_id: tuple(int(part) for part in reversed((path or "").split("/")) if part)
            for category_id, path in self.env.cr.fetchall()
        }

    def _budget_path(self):
        """Ids from this category upward."""
        return tuple(int(part) for part in reversed((self.parent_path or "").split("/")) if part)
