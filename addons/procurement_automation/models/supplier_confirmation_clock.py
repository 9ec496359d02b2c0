"""The clock of confirmations: reminders, to-do, case; asked again before arrival; late.

The ladder is plain Python (:mod:`..engine.ladder`); here it gets working time, and its steps are taken: by a scheduled
action, confirmation by confirmation, each in a transaction of its own.
"""

import json
from datetime import datetime, time, timedelta

import pytz
from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

MINUTES = 60


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    steps = fields.Char(readonly=True, default="{}", help="Steps that were taken for the present question, JSON.")
    next_step_at = fields.Datetime("Next Step", readonly=True, index="btree_not_null")
    reminders_sent = fields.Integer(readonly=True)
    is_overdue = fields.Boolean("No Answer", readonly=True, help="The chain of reminders came to its end.")

    # ------------------------------------------------------------
    # Working time
    # ------------------------------------------------------------

    def _after(self, moment, minutes):
        return self.env["distribution.case"]._after_working_hours(self.company_id, moment, minutes / MINUTES)

    def _before(self, moment, minutes):
        """The moment with ``minutes`` of the company's working time between it and ``moment``."""
        calendar = self.company_id.sudo().resource_calendar_id
        if calendar:
            found = calendar.plan_hours(-minutes / MINUTES, pytz.utc.localize(moment), compute_leaves=True)
            if found:
                return found.astimezone(pytz.utc).replace(tzinfo=None, microsecond=0)
        return moment - timedelta(minutes=minutes)

    def _begin_of(self, day):
        """When ``day`` begins where the company is, naive UTC."""
        zone = pytz.timezone(self.company_id.partner_id.tz or "UTC")
        return zone.localize(datetime.combine(day, time())).astimezone(pytz.utc).replace(tzinfo=None)

    def _taken(self):
        return {name: datetime.fromisoformat(text) for name, text in json.loads(self.steps or "{}").items()}

    # ------------------------------------------------------------
    # Planning
    # ------------------------------------------------------------

    def _unanswered(self):
        """Lines of which the vendor is to say something."""
        if not self.is_asked:
            return self.line_ids.browse()
        return self.line_ids.filtered(lambda line: line.state == "waiting" and line.open_quantity)

    def _expected(self):
        """Lines whose day is watched: the promised one, without a promise the one asked for."""
        return self.line_ids.filtered(
            lambda line: line._watched_day() and line.state != "rejected" and line.open_quantity
        )

    def _plan_steps(self):
        """When to look again."""
        for confirmation in self:
            moments = []
            if confirmation.state not in ("cancelled", "closed"):
                moments = [moment for _step, moment in confirmation._steps_to_come()]
            confirmation.write({"next_step_at": min(moments, default=False)})

    def _steps_to_come(self):
        """``(what is to do, moment)``: the chain's next step, and that of each promised line."""
        self.ensure_one()
        now = fields.Datetime.now()
        if self._unanswered():
            found = self.company_id._confirmation_ladder().next_step(self.asked_at, self._taken(), self._after)
            if found:
                yield found
        watch = self.company_id._confirmation_watch()
        for line in self._expected():
            due = self._begin_of(line._watched_day())
            since = line.promised_at or self.asked_at
            found = watch.next_step(due, since, line._taken_for_day(), self._after, self._before, now)
            if found:
                yield found
        if self.state == "proposed":
            yield "proposal", now + timedelta(hours=1)

    # ------------------------------------------------------------
    # The job
    # ------------------------------------------------------------

    @api.model
    def _cron_chase(self):
        """Take the steps that are due; what one confirmation meets does not stop the others."""
        # sudo: the job acts for nobody
        due = self.sudo().search(
            [("next_step_at", "<=", fields.Datetime.now()), ("state", "not in", ("cancelled", "closed"))],
            order="next_step_at, id",
        )
        self.env["distribution.approval.batch"]._work_off(due, "_chase", "_not_chased")
        return len(due)

    def _not_chased(self, error):
        self.write({"next_step_at": fields.Datetime.now() + timedelta(hours=1)})
        self.env["distribution.case"]._open(
            "confirmation_failed",
            self.order_id or self,
            _("The confirmation of %s could not be followed up", self.name),
            detail=type(error).__name__,
            dedup_key=f"supplier_confirmation_failed:{self.id}",
        )

    def _chase(self):
        self.ensure_one()
        now = fields.Datetime.now()
        if self.state in ("cancelled", "closed"):
            return
        if self.order_id.state not in PURCHASE_CONFIRMED_STATES:
            self._cancel()
            return
        if not any(line.open_quantity for line in self.line_ids):
            self._close()
            return
        self._look_at_proposals()
        if self._unanswered():
            step = self.company_id._confirmation_ladder().outstanding(self.asked_at, self._taken(), self._after, now)
            if step:
                self._take_step(step, now)
        self._watch_promises(now)
        self._plan_steps()

    def _close(self):
        """Everything arrived."""
        self.write({"state": "closed", "next_step_at": False})
        self.link_ids._revoke()
        self.env["distribution.case"]._mend(
            [self._case_key(), *(line._late_key() for line in self.line_ids)], _("Everything arrived.")
        )
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def _look_at_proposals(self):
        """A change that was not approved differs for good; the buyer has to talk to the vendor."""
        waiting = self.line_ids.filtered(lambda line: line.state == "proposed")
        if not waiting:
            return
        live = self.order_id.approval_request_ids.filtered(
            lambda request: (
                request.kind == "amendment" and request.state in ("pending", "question", "on_hold", "revision")
            )
        )
        for line in waiting:
            if not line._order_values():
                line.write({"state": "confirmed"})
            elif not live:
                line.write({"state": "differs", "hindrance": _("The change was not approved.")})
        self._settle()

    def _take_step(self, step, now):
        """One step of the chain while an answer is outstanding."""
        self.write({"steps": json.dumps({**json.loads(self.steps or "{}"), step: now.isoformat()})})
        kind, buyer = step.partition(":")[0], self.order_id._responsible_buyer()
        if kind == "remind":
            self.write({"reminders_sent": self.reminders_sent + 1})
            self.env["distribution.supplier.link"]._queue(self, "remind")
            self._record_fact("reminded", lambda one: {**one._facts(), "step": step})
        elif kind == "call" and buyer:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=_("Call the vendor: %s is not confirmed", self.name),
                user_id=buyer.id,
            )
        elif not self.is_overdue:  # nobody to call: a case at once
            self.write({"is_overdue": True})
            self._record_fact("overdue", lambda one: {**one._facts(), "hours": one._waited_hours(now)})
            self.env["distribution.case"]._open(
                "confirmation_overdue",
                self.order_id,
                _("%s is not confirmed by its vendor", self.name),
                detail=", ".join(self._unanswered().product_id.mapped("display_name")),
                dedup_key=self._case_key(),
                documents=[self],
            )

    def _waited_hours(self, now):
        return round(self.env["distribution.case"]._working_hours(self.company_id, self.asked_at, now), 2)

    def _watch_promises(self, now):
        """Ask again before the promised day; tell what is late."""
        watch = self.company_id._confirmation_watch()
        questions = late = self.env["distribution.supplier.confirmation.line"]
        for line in self._expected():
            due = self._begin_of(line._watched_day())
            since = line.promised_at or self.asked_at
            step = watch.outstanding(due, since, line._taken_for_day(), self._after, self._before, now)
            if step == "check":
                line.write({"checked_day": line.promised_day})
                questions |= line
            elif step == "late":
                line.write({"late_day": line._watched_day()})
                late |= line
        if questions:
            self.env["distribution.supplier.link"]._queue(self, "check")
            self._record_fact("reminded", lambda one: {**one._facts(), "step": "check"})
        for line in late:
            line._tell_late()


class SupplierConfirmationLine(models.Model):
    _inherit = "distribution.supplier.confirmation.line"

    def _watched_day(self):
        """When the goods are expected: as promised, without a promise as asked for."""
        self.ensure_one()
        return self.promised_day or self.asked_day

    def _taken_for_day(self):
        """Steps that were taken for the present day. Nobody is asked whether a promise holds that was not made."""
        self.ensure_one()
        taken = set()
        if not self.promised_day or self.checked_day == self.promised_day:
            taken.add("check")
        if self.late_day and self.late_day == self._watched_day():
            taken.add("late")
        return taken

    def _late_key(self):
        return f"arrival_late:{self.id}"

    def _tell_late(self):
        """The day passed, and something is open."""
        self.ensure_one()
        confirmation = self.confirmation_id
        confirmation._record_fact(
            "broken",
            lambda one: {**one._facts(), "lines": [{**self._promised_facts(), "open_quantity": self.open_quantity}]},
        )
        self.env["distribution.case"]._open(
            "arrival_late",
            confirmation.order_id,
            _("%(order)s: %(product)s did not arrive", order=confirmation.name, product=self.product_id.display_name),
            detail=_(
                "Expected on %(day)s, open: %(quantity)s %(unit)s.",
                day=fields.Date.to_string(self._watched_day()),
                quantity=self.open_quantity,
                unit=self.uom_id.name,
            ),
            dedup_key=self._late_key(),
            documents=[confirmation],
        )
