"""A company with two sites whose deliveries, returns and receipts lie in the past."""

from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.tests import TransactionCase, new_test_user

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import storable_product_values

BUYER_GROUPS = "base.group_user,distribution_core.group_buyer,purchase.group_purchase_user,stock.group_stock_user"


class DemandCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True, "mail_create_nolog": True})
        cls.company = cls.env["res.company"].create({"name": "Demanded", "demand_history_months": 24})
        cls.env.user.company_ids += cls.company
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        cls.company = cls.company.with_env(cls.env)
        cls.site = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.branch = cls.env["stock.warehouse"].create(
            {"name": "Branch", "code": "DBR", "company_id": cls.company.id, "resupply_wh_ids": [(6, 0, cls.site.ids)]}
        )
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.suppliers = cls.env.ref("stock.stock_location_suppliers")
        cls.vendor = cls.env["res.partner"].create({"name": "Vendor", "vendor_status": "approved"})
        cls.present = today(cls.company).replace(day=1)
        cls.History = cls.env["distribution.demand.history"]
        cls.Supply = cls.env["distribution.demand.supply"]
        cls.Run = cls.env["distribution.demand.run"]
        cls.Suggestion = cls.env["distribution.demand.suggestion"]

    @classmethod
    def user(cls, login, groups=BUYER_GROUPS):
        return new_test_user(
            cls.env, login, groups=groups, company_id=cls.company.id, company_ids=[(6, 0, cls.company.ids)]
        )

    @classmethod
    def product(cls, name, delay=10, **values):
        product = cls.env["product.product"].create(
            {"name": name, "standard_price": 10.0, **storable_product_values(), **values}
        )
        if delay is not None:
            cls.env["product.supplierinfo"].create(
                {
                    "product_tmpl_id": product.product_tmpl_id.id,
                    "partner_id": cls.vendor.id,
                    "price": 9,
                    "delay": delay,
                    "company_id": cls.company.id,
                }
            )
        return product

    @classmethod
    def rule(cls, product, minimum, maximum, site=None, location=None):
        site = site or cls.site
        return cls.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": product.id,
                "warehouse_id": site.id,
                "location_id": (location or site.lot_stock_id).id,
                "company_id": cls.company.id,
                "product_min_qty": minimum,
                "product_max_qty": maximum,
            }
        )

    @classmethod
    def at(cls, back, day=10):
        """Noon of a day of the month that is so many months back."""
        return datetime.combine(cls.present - relativedelta(months=back), time(12)) + timedelta(days=day - 1)

    @classmethod
    def move(cls, product, units, back, source=None, dest=None, uom=None, day=10, done=True, **values):
        """``(values of a stock move, its moment, whether it is done)``, for `make`."""
        values = {
            "product_id": product.id,
            "product_uom": (uom or product.uom_id).id,
            "product_uom_qty": units,
            "location_id": (source or cls.site.lot_stock_id).id,
            "location_dest_id": (dest or cls.customers).id,
            "company_id": cls.company.id,
            **({"name": product.name} if "name" in cls.env["stock.move"]._fields else {}),
            **values,
        }
        return values, cls.at(back, day), done

    @classmethod
    def make(cls, moves):
        """Make the moves; those that are done lie in the past with their lines."""
        made = cls.env["stock.move"].create([values for values, _moment, _done in moves])
        made._action_confirm(merge=False)
        done = made.browse(move.id for move, (_values, _moment, is_done) in zip(made, moves) if is_done)
        for move in done:
            move.write({"quantity": move.product_uom_qty, "picked": True})
        done._action_done()
        cls.env.flush_all()
        for move, (_values, moment, _is_done) in zip(made, moves):
            cls.env.cr.execute("UPDATE stock_move SET date = %s WHERE id = %s", (moment, move.id))
            cls.env.cr.execute("UPDATE stock_move_line SET date = %s WHERE move_id = %s", (moment, move.id))
        cls.env.invalidate_all()
        return made

    @classmethod
    def stock(cls, product, units, back, site=None, day=1):
        """A receipt of long ago, without an order."""
        return cls.move(product, units, back, cls.suppliers, (site or cls.site).lot_stock_id, day=day)

    def recorded(self, product, site=None, ruled=()):
        pair = ((site or self.site).id, product.id)
        return self.History._recorded(self.company, [pair], ruled)[pair]

    def forecast(self, **values):
        """A run, finished."""
        run = self.Run.create({"company_id": self.company.id, **values})
        run._start()
        while run.state in ("queued", "running"):
            run._advance()
        return run

    def suggestion(self, product, site=None):
        """The present one."""
        return self.Suggestion.search(
            [
                ("product_id", "=", product.id),
                ("warehouse_id", "=", (site or self.site).id),
                ("state", "in", ("new", "fitting", "unknown")),
            ]
        )

    def days_ago(self, days):
        return fields.Datetime.now() - timedelta(days=days)
