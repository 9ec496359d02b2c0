"""How calls name records: by number, or by what people outside know of them; found as the account of the key."""

from odoo import models

from ..engine.problem import Problem

PARTY = {'id': 'id', 'ref': 'ref', 'vat': 'vat'}
PRODUCT = {'id': 'id', 'code': 'default_code', 'barcode': 'barcode'}


class DistributionApiOperation(models.Model):
    _inherit = 'distribution.api.operation'

    def _find_one(self, model, named, ways, pointer, domain=()):
        """The one record that the caller names.

        :param named: ``{way: value}`` with one member
        :param ways: ``{way: field}``
        :param pointer: where in the body it stands
        :raises Problem: there is none that the account may see, or several
        """
        ((way, value),) = named.items()
        found = self.env[model].search([(ways[way], '=', value), *domain], limit=2)
        if len(found) == 1:
            return found
        detail = "several have it: use id" if found else "unknown here"
        raise Problem('not-applicable', errors=[{'pointer': f'{pointer}/{way}', 'detail': detail}])

    def _find_party(self, named, pointer):
        """A customer or vendor, as a company."""
        domain = [] if 'id' in named else [('parent_id', '=', False)]
        return self._find_one('res.partner', named, PARTY, pointer, domain)

    def _find_product(self, named, pointer, domain=()):
        """A product (variant)."""
        return self._find_one('product.product', named, PRODUCT, pointer, domain)
