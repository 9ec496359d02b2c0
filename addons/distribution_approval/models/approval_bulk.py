"""Approving several low-risk tasks together: each decided by itself."""

from odoo import _, models
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.tools import format_amount

#: Most tasks of one call: each is a decision with all its checks.
MAX_TOGETHER = 200


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def action_approve_together(self, seen, comment=None):
        """Approve tasks together where their policy versions allow it.

        Each is decided by itself on the content that was seen; one that fails does not stop the others.

        :param seen: ``{task id: digest}`` as the approver saw them
        :return: ``{task id as text: False, or in words why it was not approved}``
        """
        # As text: XML-RPC knows no other keys.
        return {str(task_id): problem for task_id, problem in self._approve_together(seen, comment).items()}

    def _approve_together(self, seen, comment=None):
        """``{task id: False, or why it was not approved}``"""
        self._check_decider()
        if not isinstance(seen, dict) or not seen:
            raise ValidationError(_("seen: the digest of each task as it was seen is expected."))
        if len(seen) > MAX_TOGETHER:
            raise ValidationError(_("seen: approve at most %s tasks together.", MAX_TOGETHER))
        try:
            seen = {int(task_id): digest for task_id, digest in seen.items()}
        except (TypeError, ValueError) as error:
            raise ValidationError(_("seen: the digest of each task as it was seen is expected.")) from error
        results = {}
        for task in self.browse(sorted(seen)):
            try:
                with self.env.cr.savepoint():
                    task._approve_in_bulk(seen[task.id], comment)
                results[task.id] = False
            except (UserError, AccessError, MissingError) as error:
                self.env.invalidate_all(flush=False)
                results[task.id] = str(error.args[0])
        return results

    def _approve_in_bulk(self, seen_digest, comment):
        self.ensure_one()
        if not self.exists():
            raise UserError(_("This task does not exist."))
        hindrance = self.sudo()._bulk_hindrance()
        if hindrance:
            raise UserError(hindrance)
        self._decide("approve", seen_digest, comment=comment, channel="bulk")

    def _bulk_hindrance(self):
        """Why this task has to be looked at by itself, or an empty text."""
        self.ensure_one()
        request = self.request_id
        limit = request.version_id.bulk_limit
        if not limit:
            return _("The policy wants each of these decided by itself.")
        if request.kind != "release":
            return _("An amendment is decided by itself.")
        if not request.amount_known:
            return _("Its value is not known: the policy lets values up to a limit be approved together.")
        if not request._is_up_to(limit):
            return _(
                "Above %s the policy wants it decided by itself.", format_amount(self.env, limit, request.currency_id)
            )
        if request.state == "question":
            return _("A question is open: look at it by itself.")
        return ""

    def action_open_bulk(self):
        """Look at what is selected, and approve together what may be."""
        waiting = self.filtered("can_decide")
        if not waiting:
            raise UserError(_("None of the selected tasks waits for your decision."))
        wizard = self.env["distribution.approval.bulk"].create(
            {
                "line_ids": [
                    (
                        0,
                        0,
                        {
                            "task_id": task.id,
                            "seen_digest": task.digest,
                            "hindrance": task.sudo()._bulk_hindrance() or False,
                        },
                    )
                    for task in waiting[:MAX_TOGETHER]
                ]
            }
        )
        return wizard._show()
