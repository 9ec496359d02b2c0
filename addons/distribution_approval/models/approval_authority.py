"""Authority for the case: what a substitute, and whoever gets a task handed, needs besides the role Approver.

Authority has

* whom the policy version of the request asks about some document of this type of at least this amount
  (see :mod:`..engine.authority`), and its fallback;
* the superiors of those who are asked, to whom an escalation would lead as well;
* to whom an administrator grants it, in a delegation or when reassigning: with a reason, on record.
"""

from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError

from ..engine import EngineError, as_decimal, asked_for_at_least


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def _authorised(self, users):
        """Those of ``users`` who have authority for the case without anybody's grant."""
        self.ensure_one()
        authorised = users & self.request_id._named_for_amount()
        return authorised | (users - authorised) & self._line_of_management() if users - authorised else authorised

    def _line_of_management(self):
        """The superiors of who is asked, and theirs, in the company of the document."""
        return self.env["distribution.approval.resolver"]._superiors(self.user_ids, self.company_id)


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _named_for_amount(self):
        """Whom the policy asks about documents of this type of at least this amount. Rules that cannot be read
        name nobody."""
        self.ensure_one()
        document, version, resolver = self._document().exists(), self.version_id, self._resolver()
        people = resolver._fallback(version)
        if not document:
            return people
        stamp = self.snapshot_id.variant_stamp or ""
        try:
            local = version._local_table(document, stamp) if version and stamp else None
            table = local.compiled if local else self.env["distribution.approval.judge"]._table_of(version, False)
        except (UserError, EngineError, LookupError, ValueError):
            return people
        # An amount that nobody knows is within no limit.
        amount = as_decimal(self.amount) if self.amount_known else Decimal("Infinity")
        for requirement in asked_for_at_least(table.rules, amount) if table else ():
            for _place, _label, users in resolver._named(document, requirement.approver):
                people |= users
        return people
