"""What other systems can call: the contracts of the installed addons, and who acts on them.

An operation is a file in the folder ``operations`` of an addon (:mod:`..engine.operation`). Acting on it is
a method of this model, named after the operation:

``_apply_customer_orders(call, body)``
    for POST; returns the ``result``. Raises :class:`Problem` or Odoo's errors for people: then nothing of
    what it did holds. *Returning* a Problem refuses the call too, but keeps what was written.
``_read_events(key, arguments)``
    for GET; returns the answer

Both run as the account of the key, with the companies of the key. Without a method a POST is kept until an
addon brings one.
"""

import functools
import json
import os

from odoo import api, fields, models
from odoo.modules.module import get_module_path

from ..engine import openapi, operation

FOLDER = 'operations'


@functools.lru_cache(maxsize=64)
def contracts_of(addon):
    """``{name: Operation}`` of the contract files of an addon."""
    folder = os.path.join(get_module_path(addon, display_warning=False) or '', FOLDER)
    if not os.path.isdir(folder):
        return {}
    found = {}
    for filename in sorted(os.listdir(folder)):
        name, extension = os.path.splitext(filename)
        if extension == '.json':
            with open(os.path.join(folder, filename), encoding='utf-8') as contract:
                found[name] = operation.read(name, contract.read())
    return found


class DistributionApiOperation(models.Model):
    _name = 'distribution.api.operation'
    _description = "API Operation"
    _inherit = ['distribution.catalogue']
    _order = 'name'
    _digest_parameter = 'distribution_core.api_catalogue_digest'

    name = fields.Char(required=True, readonly=True, index=True)
    method = fields.Char(required=True, readonly=True)
    path = fields.Char(required=True, readonly=True)
    title = fields.Char(required=True, readonly=True)
    description = fields.Text(readonly=True)
    schema = fields.Text("JSON Schema", readonly=True, help="Of the body, or of the answer of a GET.")
    sample = fields.Text(readonly=True)
    is_free = fields.Boolean("For Every Key", readonly=True)
    is_acted_on = fields.Boolean(
        "Acted On", compute='_compute_is_acted_on', help="Off: calls are kept until an addon acts on them."
    )
    active = fields.Boolean(default=True, readonly=True, help="Off when the addon that offered it is gone.")

    _sql_constraints = [
        ('name_unique', 'unique(name)', "An operation exists only once."),
    ]

    @api.depends('name')
    def _compute_display_name(self):
        for known in self:
            known.display_name = f'{known.method} {known.path}' if known.path else known.name

    def _compute_is_acted_on(self):
        for known in self:
            known.is_acted_on = bool(self._handler(known.name, known.method))

    # ------------------------------------------------------------
    # Registry
    # ------------------------------------------------------------

    @api.model
    def _operations(self):
        """``{name: Operation}`` of the installed addons."""
        found = {}
        for addon in sorted(self.env.registry._init_modules):
            found.update(contracts_of(addon))
        return found

    @api.model
    def _handler(self, name, method='POST'):
        """The method that acts on an operation, bound to this environment; None: there is none yet."""
        prefix = '_apply_' if method == 'POST' else '_read_'
        return getattr(self, prefix + name.replace('-', '_'), None)

    @api.model
    def _openapi(self):
        """The OpenAPI document of what is installed."""
        return openapi.document(self._operations().values())

    # ------------------------------------------------------------
    # Catalogue, for people who give keys
    # ------------------------------------------------------------

    @api.model
    def _found(self):
        return sorted(self._operations().items())

    @api.model
    def _write_catalogue(self, found):
        operations = dict(found)
        known = {row.name: row for row in self.with_context(active_test=False).search([])}
        for name, contract in found:
            values = _prepare(contract)
            if name in known:
                known[name].write(values)
            else:
                self.create({'name': name, **values})
        gone = [row.id for name, row in known.items() if name not in operations]
        self.browse(gone).write({'active': False})


def _prepare(found):
    schema = {key: value for key, value in (found.body or found.answer).items() if key != 'examples'}
    examples = (found.body or {}).get('examples')
    return {
        'method': found.method,
        'path': found.path,
        'title': found.title,
        'description': found.description,
        'schema': json.dumps(schema, indent=2, ensure_ascii=False),
        'sample': json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else False,
        'is_free': found.free,
        'active': True,
    }
