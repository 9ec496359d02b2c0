"""Where a delivery is, as its carrier tells; see :mod:`..engine.carrier`.

Rules, in words
---------------
* What the carrier told is written by its messages only. The same message again changes nothing.
* A delay opens a case, and what is told later is added to it. Once somebody closed it, it takes worse news to open
  another one. It is closed when the delivery arrives, or is expected in time again.
* A promise that passes without any message opens the case as well: the job looks for those.
"""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from ..compat import asks_for
from ..engine.carrier import TROUBLE, UNDER_WAY, Standing, standing
from ..turns import in_turn
from .distribution_carrier_status import LABELS
from .distribution_case import OPEN_STATES

#: Written by what carriers tell, never by hand.
KEPT = frozenset({
    'carrier_status', 'carrier_status_at', 'carrier_handed_at', 'carrier_promised_at', 'carrier_expected_at',
    'carrier_delivered_at', 'carrier_told_at', 'carrier_status_ids',
})  # fmt: skip
DELAY = 'carrier_delay'
#: Deliveries that the job looks at together.
BATCH = 200


class StockPicking(models.Model):
    _inherit = 'stock.picking'

    # The same field as that of Odoo's delivery methods, where these are installed.
    carrier_tracking_ref = fields.Char("Tracking Reference", copy=False, index='btree_not_null')
    carrier_status = fields.Selection(LABELS, "At the Carrier", readonly=True, copy=False, index='btree_not_null')
    carrier_status_at = fields.Datetime("Since", readonly=True, copy=False)
    carrier_handed_at = fields.Datetime("Handed Over", readonly=True, copy=False)
    carrier_promised_at = fields.Datetime(
        "Promised by the Carrier",
        readonly=True,
        copy=False,
        help="The arrival that the carrier named first, before it told of trouble.",
    )
    carrier_expected_at = fields.Datetime("Expected", readonly=True, copy=False, help="As the carrier told last.")
    carrier_delivered_at = fields.Datetime("Delivered", readonly=True, copy=False)
    carrier_told_at = fields.Datetime("Last Heard", readonly=True, copy=False)
    carrier_status_ids = fields.One2many('distribution.carrier.status', 'picking_id', "Told", readonly=True, copy=False)
    is_carrier_late = fields.Boolean(
        "Late at the Carrier", compute='_compute_is_carrier_late', search='_search_is_carrier_late'
    )

    @api.depends('carrier_status', 'carrier_handed_at', 'carrier_promised_at', 'carrier_expected_at')
    def _compute_is_carrier_late(self):
        now = fields.Datetime.now()
        for picking in self:
            picking.is_carrier_late = picking._carrier_standing().is_late(now)

    @api.model
    def _search_is_carrier_late(self, operator, value):
        wanted = asks_for(operator, value)
        self.flush_model()
        # One column is compared with another: no domain says that. Which of them may be read is said by the search.
        self.env.cr.execute(
            """SELECT id FROM stock_picking
                WHERE carrier_handed_at IS NOT NULL AND carrier_status = ANY(%(under_way)s)
                  AND (carrier_status = ANY(%(trouble)s)
                       OR carrier_promised_at < %(now)s
                       OR carrier_expected_at > carrier_promised_at)""",
            {'under_way': list(UNDER_WAY), 'trouble': list(TROUBLE), 'now': fields.Datetime.now()},
        )
        return [('id', 'in' if wanted else 'not in', [row[0] for row in self.env.cr.fetchall()])]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_carrier_facts(name for vals in vals_list for name, value in vals.items() if value)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_carrier_facts(vals)
        return super().write(vals)

    def _refuse_carrier_facts(self, names):
        if not self.env.su and KEPT.intersection(names):
            raise AccessError(_("Where a delivery is, is written by what its carrier tells. Note it in the chatter."))

    # ------------------------------------------------------------
    # Messages
    # ------------------------------------------------------------

    def _take_carrier_status(self, told):
        """Take in what the carrier told about this delivery; superuser's environment.

        :param told: values of a ``distribution.carrier.status``, without those that the delivery knows
        :returns: False when the same was told before
        """
        self.ensure_one()
        if any(
            all((known[name] or False) == value for name, value in told.items()) for known in self.carrier_status_ids
        ):
            return False
        now = fields.Datetime.now()
        before = self._carrier_standing()
        self.env['distribution.carrier.status'].create(
            {**told, 'picking_id': self.id, 'company_id': self.company_id.id, 'told_at': now}
        )
        after = standing(self.carrier_status_ids._told())
        self.write({
            'carrier_status': after.status,
            'carrier_status_at': after.since,
            'carrier_handed_at': after.handed_at,
            'carrier_promised_at': after.promised_at,
            'carrier_expected_at': after.expected_at,
            'carrier_delivered_at': after.delivered_at,
            # Always another value: of two messages at once the second begins anew, and sees what the first told.
            'carrier_told_at': now,
            **({} if self.carrier_tracking_ref else {'carrier_tracking_ref': told['tracking_reference']}),
        })  # fmt: skip
        is_late = after.is_late(now)
        self.env['distribution.event']._record(
            'distribution.delivery.carrier_reported.v1',
            self,
            {
                'tracking_reference': told['tracking_reference'],
                'told': told['status'],
                'occurred_at': told['occurred_at'],
                'status': after.status,
                'promised_at': after.promised_at,
                'expected_at': after.expected_at,
                'delivered_at': after.delivered_at,
                'is_late': is_late,
            },
        )
        news = (after.status, after.expected_at)
        is_worse = not before.is_late(now) or news != (before.status, before.expected_at)
        self._follow_carrier(is_late or after.status == 'returned', is_worse)
        return True

    def _carrier_standing(self):
        """What is known of it, as the engine has it."""
        self.ensure_one()
        return Standing(
            self.carrier_status or 'announced',
            self.carrier_status_at or None,
            self.carrier_handed_at or None,
            self.carrier_promised_at or None,
            self.carrier_expected_at or None,
            self.carrier_delivered_at or None,
        )

    # ------------------------------------------------------------
    # Cases
    # ------------------------------------------------------------

    def _carrier_case_key(self):
        self.ensure_one()
        return f'{DELAY}:{self.id}'

    def _follow_carrier(self, has_trouble, is_worse=True):
        """Open, continue or close the case of one delivery."""
        self.ensure_one()
        cases = self.env['distribution.case']
        if not has_trouble:
            cases._mend([self._carrier_case_key()], _("The carrier delivered, or expects to in time."))
            return
        known = cases.search([('dedup_key', '=', self._carrier_case_key()), ('state', 'in', OPEN_STATES)])
        words = self._carrier_words()
        if known:
            if known.description != words:
                known.write({'description': words})
        elif is_worse:
            cases._open(
                DELAY,
                self,
                _("%(delivery)s is late at the carrier", delivery=self.name)
                if self.carrier_status != 'returned'
                else _("%(delivery)s comes back from the carrier", delivery=self.name),
                detail=words,
                dedup_key=self._carrier_case_key(),
            )

    def _carrier_words(self):
        """What is known, for whoever works on the case; moments in UTC, as nobody in particular reads it."""
        self.ensure_one()
        last = self.carrier_status_ids.sorted(lambda row: (row.occurred_at, row.id))[-1:]
        labels = dict(self._fields['carrier_status']._description_selection(self.env))
        told = [
            (_("Status"), labels.get(self.carrier_status)),
            (_("Since"), self.carrier_status_at),
            (_("Carrier"), last.carrier),
            (_("Reason"), last.reason_code),
            (_("Place"), last.place),
            (_("Promised"), self.carrier_promised_at),
            (_("Expected"), self.carrier_expected_at),
        ]
        return '\n'.join(
            f"{label}: {f'{value:%Y-%m-%d %H:%M} UTC' if hasattr(value, 'year') else value}"
            for label, value in told
            if value
        )

    @api.model
    def _cron_carrier_promises(self, commit=True):
        """Open a case for each delivery whose promise passed and for which there never was one."""
        # sudo: the job acts for nobody
        job, last, done = self.sudo(), 0, 0
        while True:
            late = job.search([('is_carrier_late', '=', True), ('id', '>', last)], order='id', limit=BATCH)
            if not late:
                return done
            last = late[-1].id
            known = (
                self.env['distribution.case']
                .sudo()
                ._read_group(
                    [('res_model', '=', self._name), ('res_id', 'in', late.ids), ('type_id.code', '=', DELAY)],
                    ['res_id'],
                )
            )
            found = late - late.browse(number for (number,) in known)
            in_turn(self.env, lambda found=found: [one._follow_carrier(True) for one in found], commit)
            done += len(found)
