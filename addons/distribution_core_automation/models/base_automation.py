"""Odoo's automation rules are watched like everything that runs by itself."""

from odoo import models


class BaseAutomation(models.Model):
    _name = 'base.automation'
    _inherit = ['base.automation', 'distribution.automation.watch']
