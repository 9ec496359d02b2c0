"""The time zone in which a company works, without a query for each question."""

from odoo import models, tools


class ResCompany(models.Model):
    _inherit = "res.company"

    @tools.ormcache("self.id")
    def _approval_time_zone(self):
        """Name of the zone of the company's working calendar."""
        self.ensure_one()
        return self.sudo().resource_calendar_id.tz or "UTC"

    def write(self, vals):
        result = super().write(vals)
        if "resource_calendar_id" in vals:
            self.env.registry.clear_cache()
        return result


class ResourceCalendar(models.Model):
    _inherit = "resource.calendar"

    def write(self, vals):
        result = super().write(vals)
        if "tz" in vals:
            self.env.registry.clear_cache()
        return result
