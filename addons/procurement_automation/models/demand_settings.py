"""What service is asked for, by company and by product category, and how demand is forecast for it."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine.forecast_methods import LIBRARY, is_available

#: Bounds of a service level. All of the demand can never be promised.
LEAST_SERVICE, MOST_SERVICE = 50.0, 99.9


class ResCompany(models.Model):
    _inherit = "res.company"

    demand_is_forecast = fields.Boolean(
        "Forecast Demand Every Month",
        help="After the end of each month the demand of every product and site is forecast, and reordering rules are "
        "suggested to buyers. None is changed without one.",
    )
    demand_service_level = fields.Float(
        "Service Level (%)",
        default=95.0,
        help="Fill rate: of the units that customers ask for, the share that is there when they ask. "
        "Product categories may ask for another one.",
    )
    demand_order_months = fields.Float(
        "An Order Lasts (months)",
        default=1.0,
        help="How many months of demand an order should bring: between the minimum and the maximum of a rule.",
    )
    demand_history_months = fields.Integer(
        "Months to Learn From", default=48, help="A season is seen from about three years on."
    )
    demand_tolerance = fields.Float(
        "Leave As It Is (%)",
        default=10.0,
        help="Minimum and maximum that differ less than this from the suggested ones fit: nothing is suggested.",
    )
    demand_dismissed_days = fields.Integer(
        "Suggestion Dismissed for (days)", default=90, help="The same is not suggested again for so many days."
    )

    @api.constrains("demand_service_level", "demand_order_months", "demand_history_months", "demand_tolerance")
    def _check_demand(self):
        for company in self:
            if not LEAST_SERVICE <= company.demand_service_level <= MOST_SERVICE:
                raise ValidationError(_("Service Level: between %(least)s and %(most)s %%.", **_bounds()))
            if not 12 <= company.demand_history_months <= 60:
                raise ValidationError(_("Months to Learn From: between 12 and 60."))
            if not 0 <= company.demand_order_months <= 12:
                raise ValidationError(_("An Order Lasts: between 0 and 12 months."))
            if not 0 <= company.demand_tolerance < 100:
                raise ValidationError(_("Leave As It Is: from 0 to below 100 %."))

    def _demand_service_levels(self):
        """``{category: fill rate}`` in this company; a category without one has that of the category above it.

        Products without a category are found under False.
        """
        self.ensure_one()
        # sudo: a setting of the company, read for whoever forecasts
        categories = self.env["product.category"].sudo().with_company(self).search([], order="parent_path")
        levels = {False: self.demand_service_level / 100}
        for category in categories:  # parents come before their children
            levels[category.id] = category.demand_service_level / 100 or levels[category.parent_id.id]
        return levels


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    demand_is_forecast = fields.Boolean(related="company_id.demand_is_forecast", readonly=False)
    demand_service_level = fields.Float(related="company_id.demand_service_level", readonly=False)
    demand_order_months = fields.Float(related="company_id.demand_order_months", readonly=False)
    demand_history_months = fields.Integer(related="company_id.demand_history_months", readonly=False)
    demand_tolerance = fields.Float(related="company_id.demand_tolerance", readonly=False)
    demand_dismissed_days = fields.Integer(related="company_id.demand_dismissed_days", readonly=False)
    demand_missing_library = fields.Char(compute="_compute_demand_missing_library")

    @api.depends("company_id")
    def _compute_demand_missing_library(self):
        self.demand_missing_library = False if is_available() else LIBRARY


class ProductCategory(models.Model):
    _inherit = "product.category"

    demand_service_level = fields.Float(
        "Service Level (%)",
        company_dependent=True,
        help="Share of the units asked for that is there when customers ask. 0: that of the category above, or of the "
        "company.",
    )

    @api.constrains("demand_service_level")
    def _check_demand_service_level(self):
        for category in self:
            if category.demand_service_level and not LEAST_SERVICE <= category.demand_service_level <= MOST_SERVICE:
                raise ValidationError(_("Service Level: 0, or between %(least)s and %(most)s %%.", **_bounds()))


def _bounds():
    return {"least": LEAST_SERVICE, "most": MOST_SERVICE}
