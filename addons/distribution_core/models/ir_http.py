"""Addresses of the API may contain anything; see :mod:`..any_path`."""

from odoo import models

from ..any_path import NAME, AnyPath


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _get_converters(cls):
        return {**super()._get_converters(), NAME: AnyPath}
