"""Tables that show what files of the installed addons say."""

import hashlib
import logging

import psycopg2
from odoo import api, models

_logger = logging.getLogger(__name__)


class DistributionCatalogue(models.AbstractModel):
    """Kept in line with the files whenever a server starts."""

    _name = 'distribution.catalogue'
    _description = "Catalogue"

    #: System parameter with the digest of what was written last.
    _digest_parameter = None

    def _register_hook(self):
        super()._register_hook()
        if not self._abstract:
            self._load_catalogue()

    @api.model
    def _found(self):
        """What the files say, in an order that does not change."""
        raise NotImplementedError(f"{self._name} does not say what its files say")

    @api.model
    def _write_catalogue(self, found):
        """Write it into the table."""
        raise NotImplementedError(f"{self._name} does not write its catalogue")

    @api.model
    def _load_catalogue(self, force=False):
        """Bring the table in line with the files; costs one query when nothing changed."""
        found = self._found()
        digest = hashlib.sha256(repr(found).encode()).hexdigest()
        # sudo: done by the server itself when it starts
        parameters = self.env['ir.config_parameter'].sudo()
        if not force and parameters.get_param(self._digest_parameter) == digest:
            return
        # Several workers start at once: one of them writes, the others find it done.
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [self._digest_parameter])
        if not self.env.cr.fetchone()[0]:
            return
        try:
            with self.env.cr.savepoint():
                self.sudo()._write_catalogue(found)
                parameters.set_param(self._digest_parameter, digest)
        except psycopg2.errors.SerializationFailure:
            _logger.info("%s was brought up to date by another worker.", self._description)
