"""Cases that turned out to have one cause."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .distribution_case import OPEN_STATES


class DistributionCase(models.Model):
    _inherit = 'distribution.case'

    merged_into_id = fields.Many2one(
        'distribution.case', readonly=True, copy=False, index='btree_not_null', ondelete='restrict'
    )
    merged_case_ids = fields.One2many('distribution.case', 'merged_into_id', string="Merged Cases", readonly=True)

    @api.model
    def _protected_fields(self):
        return super()._protected_fields() | {'merged_into_id', 'merged_case_ids'}

    def _merge_into(self, target):
        """Close these as duplicates of ``target``; their documents become documents of it, too.

        Nothing is lost: each keeps its messages and its events, and ``target`` leads to all of them. When the
        cause of one of them comes up again, ``target`` is the case that is found.
        """
        sources = (self - target)._check_worker(operations_only=True)
        target = target._check_worker(operations_only=True)
        if len(target) != 1 or not sources:
            raise UserError(_("Choose the case that stays, and at least one other that goes into it."))
        (sources | target)._check_open()
        if len((sources | target).company_id) > 1:
            raise UserError(_("Cases of several companies are not merged: each company has its own."))
        references = [
            reference
            for case in sources
            for reference in (
                (case.res_model, case.res_id),
                *((row.res_model, row.res_id) for row in case.document_ids),
            )
        ]
        self.env['distribution.case.document'].sudo()._note(target, references)
        # The chain stays flat: whoever was merged into one of them is found in the one that stays.
        sources.merged_case_ids.write({'merged_into_id': target.id})
        sources.write(
            {
                'state': 'cancelled',
                'merged_into_id': target.id,
                'resolution_id': self._resolution('duplicate').id,
            }
        )
        target.write({'severity': max([target.severity, *sources.mapped('severity')])})
        sources._record_fact('merged', {'into_id': target.id})
        sources.activity_unlink(['mail.mail_activity_data_warning'])
        author = self.env.user.partner_id.id
        for case in sources:
            case.message_post(body=_("Merged into: %s", target._get_html_link()), author_id=author)
        target.message_post(
            body=_("Merged with: %s", ', '.join('%s (%s)' % (case.name, case.id) for case in sources)), author_id=author
        )

    def action_merge(self):
        """Ask which of them stays."""
        self._check_worker(operations_only=True)._check_open()
        return self._ask('distribution.case.merge', _("Merge"))

    def action_reopen(self):
        merged = self.filtered('merged_into_id')
        if merged:
            raise UserError(
                _(
                    "“%(case)s” was merged: work on “%(target)s” (%(number)s) instead.",
                    case=merged[0].name,
                    target=merged[0].merged_into_id.name,
                    number=merged[0].merged_into_id.id,
                )
            )
        return super().action_reopen()

    @api.model
    def _open_one_of(self, dedup_key):
        found = super()._open_one_of(dedup_key)
        if found:
            return found
        merged = self.search(
            [('dedup_key', '=', dedup_key), ('merged_into_id.state', 'in', OPEN_STATES)], order='id desc', limit=1
        )
        return merged.merged_into_id

    def _mended_too(self, dedup_keys):
        """Of cases that others were merged into: those all of whose causes are among ``dedup_keys``."""
        return self.filtered(lambda case: all(one.dedup_key in dedup_keys for one in case | case.merged_case_ids))

    @api.model
    def _mend(self, dedup_keys, words):
        """A case that others were merged into is mended when the causes of all of them are."""
        keys = set(dedup_keys)
        cases = self.sudo().search([('dedup_key', 'in', list(keys)), ('state', 'in', OPEN_STATES)])
        return super()._mend([case.dedup_key for case in cases._mended_too(keys)], words)

    def _story_domain(self):
        domain = super()._story_domain()
        if not self.merged_case_ids:
            return domain
        return ['|', '&', ('res_model', '=', self._name), ('res_id', 'in', self.merged_case_ids.ids), *domain]
