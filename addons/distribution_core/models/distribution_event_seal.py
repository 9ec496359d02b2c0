"""Seals bind the events into a chain that cannot be rewritten unnoticed."""

import logging

import psycopg2
from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..compat import group_members
from ..ledger.schema import create_ledger
from ..ledger.sealing import ANNOUNCEMENT_TYPE, current_horizon, seal_batch
from ..ledger.verifying import verify_ledger

_logger = logging.getLogger(__name__)

# Number of the last seal that was sent to the auditors.
MAILED_PARAMETER = 'distribution_core.last_mailed_seal'
MAIL_LISTED_SEALS = 1000


class DistributionEventSeal(models.Model):
    _name = 'distribution.event.seal'
    _description = "Ledger Seal"
    _order = 'number desc'
    _rec_name = 'number'
    _log_access = False
    _auto = False  # ledger/schema.py; further columns there: from_xid, to_xid, manifest

    number = fields.Integer(readonly=True)
    epoch = fields.Integer(readonly=True, help="Grows by one when the database is restored from a dump.")
    event_count = fields.Integer("Events", readonly=True)
    sealed_at = fields.Datetime("Sealed On", readonly=True)
    previous_digest = fields.Char(readonly=True)
    digest = fields.Char(readonly=True, help="SHA-256 over the former seal, the range and the events' digests.")
    algorithm = fields.Integer(readonly=True)
    transaction_range = fields.Char("Transactions", compute='_compute_transaction_range')
    is_pruned = fields.Boolean(
        "Pruned", compute='_compute_is_pruned', help="The events were exported and pruned; the seal stays."
    )

    def init(self):
        create_ledger(self.env.cr)

    def _compute_transaction_range(self):
        self.env.cr.execute("SELECT id, from_xid, to_xid FROM distribution_event_seal WHERE id = ANY(%s)", [self.ids])
        ranges = {seal_id: f'{first} – {end - 1}' for seal_id, first, end in self.env.cr.fetchall()}
        for seal in self:
            seal.transaction_range = ranges.get(seal.id)

    def _compute_is_pruned(self):
        self.env.cr.execute(
            """
            SELECT seal.id FROM distribution_event_seal seal
              JOIN distribution_event_prune prune ON seal.number BETWEEN prune.from_seal AND prune.to_seal
             WHERE seal.id = ANY(%s)
        """,
            [self.ids],
        )
        pruned = {seal_id for (seal_id,) in self.env.cr.fetchall()}
        for seal in self:
            seal.is_pruned = seal.id in pruned

    # ------------------------------------------------------------
    # Nothing else writes
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        raise UserError(_("Seals are made by the scheduled job only."))

    def write(self, vals):
        raise UserError(_("Seals are evidence: they cannot be changed."))

    def unlink(self):
        raise UserError(_("Seals are evidence: they cannot be deleted."))

    # ------------------------------------------------------------
    # Scheduled jobs
    # ------------------------------------------------------------

    @api.model
    def _cron_seal(self):
        """Seal what was committed, batch by batch; each batch is committed by itself."""
        count = 0
        while self._seal_next_batch():
            self.env.cr.commit()  # pylint: disable=invalid-commit
            count += 1
            _logger.info("Ledger: %s batch(es) sealed.", count)
        self._record_prunes()

    @api.model
    def _seal_next_batch(self):
        """Seal one batch and announce it; returns the seal, or none when there is nothing to do."""
        try:
            with self.env.cr.savepoint():
                sealed = seal_batch(self.env.cr, horizon=self._horizon())
        except (psycopg2.errors.UniqueViolation, psycopg2.errors.SerializationFailure):
            _logger.info("Ledger: another job is sealing.")
            return self.browse()
        if not sealed:
            return self.browse()
        seal = self.search([('number', '=', sealed.number)])
        self.env['distribution.event']._record(
            ANNOUNCEMENT_TYPE,
            seal,
            {
                'number': sealed.number,
                'epoch': sealed.epoch,
                'event_count': sealed.event_count,
                'digest': sealed.digest,
                'previous_digest': sealed.previous_digest,
            },
        )
        return seal

    @api.model
    def _horizon(self):
        """Transactions below this number have ended."""
        return current_horizon(self.env.cr)

    @api.model
    def _record_prunes(self):
        """The keeper works outside Odoo: put on record here what it pruned."""
        self.env.cr.execute("""
            SELECT id FROM distribution_event_prune prune WHERE NOT EXISTS (
                SELECT FROM distribution_event event
                 WHERE event.res_model = 'distribution.event.prune' AND event.res_id = prune.id)
        """)
        prunes = self.env['distribution.event.prune'].browse(row[0] for row in self.env.cr.fetchall())
        self.env['distribution.event']._record(
            'distribution.ledger.pruned.v1',
            prunes,
            lambda prune: {
                'from_seal': prune.from_seal,
                'to_seal': prune.to_seal,
                'event_count': prune.event_count,
                'file_digest': prune.file_digest,
            },
        )

    @api.model
    def _cron_announce(self):
        """Mail the digests of the new seals to the auditors, once a day; days missed are caught up."""
        parameters = self.env['ir.config_parameter'].sudo()
        last_mailed = int(parameters.get_param(MAILED_PARAMETER, 0))
        seals = self.search([('number', '>', last_mailed)], order='number')
        auditors = group_members(self.env.ref('distribution_core.group_auditor')).filtered(
            lambda user: user.active and user.email
        )
        if not seals:
            return self.env['mail.mail']
        if not auditors:
            _logger.warning("Ledger: %s seals could not be announced, no auditor has a mail address.", len(seals))
            return self.env['mail.mail']
        mail = (
            self.env['mail.mail']
            .sudo()
            .create(
                {
                    'subject': _(
                        "Ledger seals %(first)s to %(last)s of %(database)s",
                        first=seals[0].number,
                        last=seals[-1].number,
                        database=self.env.cr.dbname,
                    ),
                    'body_html': self._announcement_body(seals),
                    'recipient_ids': [(6, 0, auditors.partner_id.ids)],
                    'auto_delete': False,
                }
            )
        )
        parameters.set_param(MAILED_PARAMETER, seals[-1].number)
        return mail

    def _announcement_body(self, seals):
        rows = Markup().join(
            Markup("<tr><td>%s</td><td>%s UTC</td><td>%s</td><td><code>%s</code></td></tr>")
            % (seal.number, fields.Datetime.to_string(seal.sealed_at), seal.event_count, seal.digest)
            for seal in seals[-MAIL_LISTED_SEALS:]
        )
        return Markup(
            "<p>%s</p><p>%s<br/><code>%s</code></p>"
            "<table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>%s</table>"
        ) % (
            _(
                "Keep this mail outside the system. “Verify ledger” accepts any digest below and tells whether the "
                "chain was rewritten since."
            ),
            _("Newest digest; it stands for all before it:"),
            seals[-1].digest,
            _("Seal"),
            _("Sealed on"),
            _("Events"),
            _("Digest"),
            rows,
        )

    @api.model
    def _cron_verify(self):
        """Verify the whole ledger and open a case when something is wrong."""
        self._verify()

    # ------------------------------------------------------------
    # Verification
    # ------------------------------------------------------------

    @api.model
    def _verify(self, announced=None):
        """Verify the ledger, put the result on record and return it (a ``Verification``).

        :param announced: digest of a seal as it was announced to the outside
        """
        result = verify_ledger(self.env.cr, announced=announced, progress=_log_progress)
        problem = result.problem
        subject = self.search([], limit=1) or self.env.company
        self.env['distribution.event']._record(
            'distribution.ledger.verified.v1',
            subject,
            {
                'ok': result.ok,
                'seals': result.seals,
                'sealed_events': result.sealed_events,
                'pruned_events': result.pruned_events,
                'unsealed_events': result.unsealed_events,
                'last_digest': result.last_digest,
                'announced_digest': announced or None,
                'problem': problem
                and {
                    'what': problem.what,
                    'seal': problem.seal,
                    'event_id': problem.event_id,
                    'event_uid': problem.uid,
                },
            },
        )
        if problem:
            self.env['distribution.case']._open(
                'ledger_broken',
                self.browse(),
                _("The ledger does not verify: %s", problem.what),
                detail=problem.message,
                dedup_key=f'ledger_broken/{problem.what}/{problem.seal}/{problem.event_id}',
            )
            _logger.error("Ledger: %s", problem.message)
        return result


def _log_progress(checked, total):
    _logger.info("Ledger: %s of %s events verified.", checked, total)
