"""Odoo's scheduler and the runs: one of them acts.

In companies whose stock is replenished by runs, Odoo's scheduler finds no reordering rules, and a confirmed move
does not order in the transaction of whoever confirms it: it leaves a wake-up for the rules concerned.
"""

from collections import defaultdict

from odoo import api, fields, models

from odoo.addons.distribution_core.compat import PROCUREMENT_MODEL

from .replenishment_known import definers

#: Whose versions of what follows the confirmation of moves were read.
SCHEDULER_KNOWN = {"stock", "procurement_automation"}


class ProcurementScheduler(models.Model):
    _inherit = PROCUREMENT_MODEL

    @api.model
    def _get_orderpoint_domain(self, company_id=False):
        domain = super()._get_orderpoint_domain(company_id=company_id)
        return [*domain, ("company_id.replenishment_by", "!=", "suite")]


class StockMove(models.Model):
    _inherit = "stock.move"

    def _trigger_scheduler(self):
        # sudo: whether somebody else orders is no secret of the company
        ours = self.filtered(lambda move: move.company_id.sudo().replenishment_by == "suite")
        ours._wake_replenishment()
        return super(StockMove, (self - ours)._with_automatic_rules())._trigger_scheduler()

    def _with_automatic_rules(self):
        """Those of products that an automatic rule of their company is for: Odoo looks for a rule move by move.

        Asked with the rights of the present user, as Odoo does.
        """
        if len(self) < 2 or not definers(self, "_trigger_scheduler") <= SCHEDULER_KNOWN:
            return self
        if self.env["ir.config_parameter"].sudo().get_param("stock.no_auto_scheduler"):
            return self
        rules = self.env["stock.warehouse.orderpoint"].search(self._automatic_rules_domain())
        ruled = {(rule.product_id.id, rule.company_id.id) for rule in rules}
        return self.filtered(lambda move: (move.product_id.id, move.company_id.id) in ruled)

    def _automatic_rules_domain(self):
        return [
            ("product_id", "in", self.product_id.ids),
            ("company_id", "in", self.company_id.ids),
            ("trigger", "=", "auto"),
        ]

    def _wake_replenishment(self):
        """Leave a wake-up for the automatic rules that these moves take stock from."""
        # sudo: reordering rules are not for whoever confirms a delivery
        moves = self.sudo().filtered("company_id.replenishment_immediate")
        parameters = self.env["ir.config_parameter"].sudo()
        if not moves or parameters.get_param("stock.no_auto_scheduler"):
            return
        rules = defaultdict(list)
        for rule in self.env["stock.warehouse.orderpoint"].sudo().search(moves._automatic_rules_domain()):
            rules[rule.product_id.id, rule.company_id.id].append((rule.location_id.parent_path, rule.id))
        concerned = {
            rule_id
            for move in moves
            for path, rule_id in rules.get((move.product_id.id, move.company_id.id), ())
            if move.location_id.parent_path.startswith(path) and not move.location_dest_id.parent_path.startswith(path)
        }
        self.env["distribution.replenishment.wakeup"]._leave(concerned)


class ReplenishmentWakeup(models.Model):
    """A rule to look at now. Rows are only ever inserted and consumed: nobody waits for anybody."""

    _name = "distribution.replenishment.wakeup"
    _description = "Replenishment Wake-up"
    _log_access = False
    _rec_name = "orderpoint_ref"

    orderpoint_ref = fields.Integer(required=True)

    @api.model
    def _leave(self, orderpoint_ids):
        if not orderpoint_ids:
            return
        self.env.cr.execute(
            "INSERT INTO distribution_replenishment_wakeup (orderpoint_ref) SELECT unnest(%s)",
            (sorted(orderpoint_ids),),
        )
        # sudo: the job belongs to nobody
        self.env.ref("procurement_automation.ir_cron_replenishment").sudo()._trigger()

    @api.model
    def _consume(self):
        """Take the wake-ups that nobody else is taking; returns the rules."""
        self.env.cr.execute(
            """DELETE FROM distribution_replenishment_wakeup
                WHERE id IN (SELECT id FROM distribution_replenishment_wakeup FOR UPDATE SKIP LOCKED)
            RETURNING orderpoint_ref"""
        )
        return self.env["stock.warehouse.orderpoint"].browse({row[0] for row in self.env.cr.fetchall()}).exists()
