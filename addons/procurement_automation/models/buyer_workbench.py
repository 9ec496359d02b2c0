"""What needs a buyer, from all of procurement, in one call.

Rules, in words
---------------
* Everything is read with the rights of who looks: what a record rule hides is not there, not even as a number.
* A buyer sees what is theirs and what is nobody's; the head of purchasing sees every buyer.
* What comes first is decided in :mod:`..engine.workbench`. Nothing is acted on here: each entry names the methods of
  its own model, which check the person again.
* A case about something that is shown anyway is shown with it, not beside it.
* The number of queries depends on the kinds of entries, not on how many there are.
* Of each kind the first thousand are worked out; what is behind them is counted, by buyer, like everything else.
"""

from collections import Counter, defaultdict

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date, formatLang

from odoo.addons.distribution_approval.documents.vendor_bill_match import BILL_TYPES
from odoo.addons.distribution_core.compat import IS_17, PURCHASE_CONFIRMED_STATES, may
from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES as OPEN_CASES

from ..engine import BLOCKING, Entry, Load, by_service_impact, money_at_risk, urgency, workload
from ..engine.amounts import ZERO
from ..engine.workbench import SECTIONS
from .procurement_run import BUYER
from .supplier_confirmation import OPEN_STATES as OPEN_CONFIRMATIONS

CONFIRMATION = "distribution.supplier.confirmation"
DRIFT = "distribution.lead.time.drift"
MANAGER = "purchase.group_purchase_manager"
#: Entries of one kind that are worked out; those behind them are counted only.
LOOKED_AT = 1000
#: Entries that are handed out at a time.
SHOWN = 200
#: Lines, products and customers that are named in the words of an entry.
NAMED = 3
#: Cases whose subject has a section of its own.
SECTION_OF_CASE = {
    "confirmation_overdue": "confirmations",
    "confirmation_differs": "confirmations",
    "confirmation_rejected": "confirmations",
    "confirmation_not_sent": "confirmations",
    "arrival_late": "arrivals",
    "lead_time_drift": "arrivals",
    "ship_notice_conflict": "notices",
    "receipt_discrepancy": "receipts",
    "receipt_not_compared": "receipts",
    "bill_mismatch": "bills",
}
#: A bill in draft with one of these is held.
HELD = ("pending", "question", "revision", "on_hold", "approved", "refused", "rejected")
#: Requests of colleagues that are purchasing's.
PURCHASING = ("purchase_order", "purchase_requisition", "vendor_bill", "vendor_onboarding", "vendor_change")


class BuyerWorkbench(models.AbstractModel):
    _name = "distribution.buyer.workbench"
    _description = "Buyer Workbench"

    @api.model
    def load(self, scope="mine", section=None):
        """What is shown: entries, counts, who has how much.

        :param scope: ``mine``, ``nobody``, and for the head of purchasing ``all`` or the id of a buyer
        :param section: name of a section; entries of the others are counted only
        :raises AccessError: the user is no buyer, or asks for a colleague's work
        :return: plain values, ready to be shown
        """
        is_manager = self._check_scope(scope)
        behind = Counter()  # {(section, buyer): entries that are not worked out}
        found = self._find(is_manager, behind)
        own = [one for one in found if self._is_in(one["entry"].buyer, scope)]
        shown = [one for one in own if not section or one["section"] == section]
        by_entry = {(one["section"], one["entry"].key): one for one in shown}
        order = by_service_impact(one["entry"] for one in shown)
        entries = [one["entry"] for one in own]
        counts = Counter(one["section"] for one in own)
        unseen = Counter()
        for (name, buyer), number in behind.items():
            if self._is_in(buyer, scope):
                unseen[name] += number
        counts += unseen
        labels = self._section_labels()
        return {
            "scope": scope,
            "section": section or False,
            "user_id": self.env.uid,
            "is_manager": is_manager,
            "items": [self._shown(by_entry[entry.section, entry.key]) for entry in order[:SHOWN]],
            "more": max(len(order) - SHOWN, 0) + (unseen[section] if section else unseen.total()),
            "total": counts.total(),
            "urgent": sum(urgency(entry) == "urgent" for entry in entries),
            "late": sum(urgency(entry) == "late" for entry in entries),
            "at_risk": self._money_text(money_at_risk(entries)),
            "sections": [{"name": name, "label": labels[name], "count": counts[name]} for name in SECTIONS],
            "workload": self._workload([one["entry"] for one in found], behind),
            "nobody": sum(one["entry"].buyer is None for one in found)
            + sum(number for (_name, buyer), number in behind.items() if buyer is None),
        }

    # ------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------

    def _check_scope(self, scope):
        """Whether the user sees every buyer. Raises AccessError for what is not theirs to see."""
        user = self.env.user
        if not user.has_group(BUYER):
            raise AccessError(_("The workbench is for people with the role Buyer."))
        is_manager = user.has_group(MANAGER)
        if isinstance(scope, bool) or not (scope in ("mine", "nobody", "all") or isinstance(scope, int)):
            raise UserError(_("scope: “mine”, “nobody”, “all” or the number of a buyer."))
        if not is_manager and scope not in ("mine", "nobody", self.env.uid):
            raise AccessError(_("The work of other buyers is shown to the head of purchasing."))
        return is_manager

    def _is_in(self, buyer, scope):
        if scope == "all":
            return True
        if scope == "nobody":
            return buyer is None
        return buyer == (self.env.uid if scope == "mine" else scope)

    def _of(self, name, is_manager):
        """Domain: of every buyer, or of the user and of nobody."""
        return [] if is_manager else ["|", (name, "=", self.env.uid), (name, "=", False)]

    # ------------------------------------------------------------
    # What is found
    # ------------------------------------------------------------

    @api.model
    def _section_labels(self):
        return {
            "arrivals": _("Arrivals"),
            "confirmations": _("Confirmations"),
            "proposals": _("Replenishment"),
            "requisitions": _("Requisitions"),
            "notices": _("Ship Notices"),
            "receipts": _("Receipts"),
            "bills": _("Bills"),
            "requests": _("Approvals"),
            "cases": _("Cases"),
            "demand": _("Demand"),
        }

    def _find(self, is_manager, behind):
        """All entries that the user may see, cases where they belong. ``behind``: see :meth:`_first`."""
        delays = self._delays()
        found = [
            *self._arrivals(is_manager, behind, delays),
            *self._confirmations(is_manager, behind, delays),
            *self._proposals(is_manager, behind),
            *self._requisitions(is_manager, behind),
            *self._notices(is_manager, behind, delays),
            *self._bills(is_manager, behind),
            *self._requests(is_manager, behind),
            *self._tasks(behind),
            *self._demand(is_manager, behind),
        ]
        by_cause = {cause: one for one in found for cause in one["causes"]}
        ids = []
        for case in self._cases(is_manager):
            told = by_cause.get(case.dedup_key) if case.dedup_key else None
            if told:
                told["case"] = {"id": case.id, "name": case.name}
            else:
                ids.append(case.id)
        alone = self._first(
            self.env["distribution.case"].browse(ids),
            behind,
            lambda case: SECTION_OF_CASE.get(case.type_id.code, "cases"),
            lambda case: case.user_id,
        )
        values = self._case_values(alone)
        return [*found, *(self._case_entry(case, values.get((case.res_model, case.res_id), 0.0)) for case in alone)]

    def _first(self, records, behind, section, buyer_of):
        """The first of ``records``, which are worked out; the others are counted in ``behind``.

        :param section: name of the section, or a function of a record
        """
        for one in records[LOOKED_AT:]:
            behind[section if isinstance(section, str) else section(one), buyer_of(one).id or None] += 1
        return records[:LOOKED_AT]

    def _readable(self, name):
        """The model, empty, where the user may read it; else None."""
        model = self.env[name]
        return model if may(model, "read") else None

    def _delays(self):
        """``{order line: delay}``: the newest one of each line whose goods are not here."""
        delays = self._readable("distribution.supplier.delay")
        if delays is None:
            return {}
        found = delays.search([("confirmation_id.state", "in", OPEN_CONFIRMATIONS)], order="id")
        newest = {delay.line_id: delay for delay in found}
        return {
            line.order_line_id: delay for line, delay in newest.items() if line.order_line_id and line.open_quantity
        }

    def _risk(self, delays, order_lines):
        """Money of customer orders that these order lines put at risk."""
        own = [delays[line] for line in order_lines if line in delays]
        return sum(self._money(delay.value_at_risk, delay.currency_id) for delay in own)

    def _arrivals(self, is_manager, behind, delays):
        """Orders of which something is late, or will come too late for customers."""
        lines = self._readable("purchase.order.line")
        if lines is None:
            return
        now = fields.Datetime.now()
        # Whose day is over: an order is expected on a day where its company works.
        over = ["|"] * (len(self.env.companies) - 1)
        for company in self.env.companies:
            day = company._day_of(now)
            over += ["&", ("company_id", "=", company.id), ("date_planned", "<", company._moments_of(day, day)[0])]
        late = self._still_to_come(
            lines.search(
                [
                    ("order_id.state", "in", PURCHASE_CONFIRMED_STATES),
                    ("order_id.receipt_status", "in", ("pending", "partial")),
                    ("display_type", "=", False),
                    *over,
                    *self._of("order_id.user_id", is_manager),
                ]
            )
        )
        risky = lines.browse(
            [
                line.id
                for line, delay in delays.items()
                if delay.value_at_risk and (is_manager or line.order_id.user_id.id in (self.env.uid, False))
            ]
        )
        by_order = defaultdict(list)
        for line in risky | late:  # what customers wait for is never behind
            by_order[line.order_id].append(line.id)
        orders = self.env["purchase.order"].browse([order.id for order in by_order])
        late_ids = set(late.ids)
        for order in self._first(orders, behind, "arrivals", lambda order: order.user_id):
            own = lines.browse(by_order[order])
            late_ones = own.filtered(lambda line: line.id in late_ids)
            day_of = order.company_id._day_of
            days = max(((day_of(now) - day_of(line.date_planned)).days for line in late_ones), default=0)
            told = [delays[line] for line in own if line in delays and delays[line].value_at_risk]
            confirmation = order.supplier_confirmation_ids if may(self.env[CONFIRMATION], "read") else None
            words = []
            if late_ones:
                words.append(
                    _(
                        "Due since %(day)s: %(what)s",
                        day=format_date(self.env, day_of(min(late_ones.mapped("date_planned")))),
                        what=self._names(late_ones.product_id.mapped("display_name")),
                    )
                )
            hits = self.env["distribution.supplier.delay.hit"].union(*(delay.hit_ids for delay in told))
            if hits:
                words.append(_("Customers who wait: %s", self._names(hits.customer_id.mapped("display_name"))))
            if confirmation:
                act = self._act(_("Ask Vendor Again"), confirmation, "action_ask_again", True)
            else:
                act = self._act(_("Write to Vendor"), order, "action_rfq_send", True)
            value = sum(
                (line.product_qty - line.qty_received) * line.price_subtotal / line.product_qty
                for line in own
                if line.product_qty
            )
            yield self._entry(
                "arrivals",
                order,
                title=f"{order.name} · {order.partner_id.display_name}",
                words=words,
                about=order,
                buyer=order.user_id,
                at_risk=self._risk(delays, own),
                days_late=days,
                value=self._money(value, order.currency_id),
                acts=[act],
                causes=[f"arrival_late:{line.id}" for line in confirmation.line_ids] if confirmation else [],
            )

    def _still_to_come(self, lines):
        """Those of these order lines of which not everything was received, by day; there may be very many."""
        lines.flush_model(["product_qty", "qty_received", "date_planned"])
        self.env.cr.execute(
            """SELECT id FROM purchase_order_line
                WHERE id = ANY(%s) AND product_qty > coalesce(qty_received, 0)
             ORDER BY date_planned, id""",
            (lines.ids,),
        )
        return lines.browse([row[0] for row in self.env.cr.fetchall()])

    def _confirmations(self, is_manager, behind, delays):
        """Orders whose vendor does not answer, or promises something else."""
        confirmations = self._readable(CONFIRMATION)
        if confirmations is None:
            return
        today = fields.Date.context_today(self)
        found = confirmations.search(
            [
                ("state", "in", ("waiting", "partial", "differs")),
                "|",
                ("state", "=", "differs"),
                ("is_overdue", "=", True),
                *self._of("user_id", is_manager),
            ],
            order="asked_at, id",
        )
        for one in self._first(found, behind, "confirmations", lambda one: one.user_id):
            differing = one.line_ids.filtered(lambda line: line.state in ("differs", "rejected"))
            if differing:
                words = [
                    f"{line.product_id.display_name}: {line.hindrance or line.difference}" for line in differing[:NAMED]
                ]
                days = max(0, *differing.mapped("days_late"))
                acts = [self._act(_("Ask Again"), one, "action_ask_again")]
                if any(line.state == "differs" for line in differing):
                    acts.insert(0, self._act(_("Accept"), one, "action_accept", True))
            else:
                since = fields.Datetime.context_timestamp(self, one.asked_at).date()
                words = [
                    _(
                        "No answer since %(day)s, %(number)s reminders sent",
                        day=format_date(self.env, since),
                        number=one.reminders_sent,
                    )
                ]
                days = (today - since).days
                acts = [self._act(_("Remind Vendor"), one, "action_ask_again", True)]
            value = sum(line.asked_quantity * line.asked_price for line in one.line_ids)
            yield self._entry(
                "confirmations",
                one,
                title=f"{one.name} · {one.partner_id.display_name}",
                words=words,
                about=one.order_id or one,
                buyer=one.user_id,
                at_risk=self._risk(delays, one.line_ids.order_line_id),
                days_late=days,
                value=self._money(value, one.currency_id),
                acts=acts,
                causes=[one._case_key()],
            )

    def _proposals(self, is_manager, behind):
        """What a run may not order without a buyer; it belongs to the buyer of the vendor."""
        proposals = self._readable("distribution.replenishment.proposal")
        if proposals is None:
            return
        found = proposals.search([("state", "=", "open"), *self._of_vendors(is_manager)], order="runs_out_on, id")
        for one in self._first(found, behind, "proposals", lambda one: one.vendor_id.buyer_id):
            product = one.product_id
            missing = max(-one.forecast, 0.0)
            words = [one.reason_text] if one.reason_text else []
            if one.runs_out_on:
                words.append(_("stock runs out on %s", format_date(self.env, one.runs_out_on)))
            acts = [self._act(_("Dismiss"), one, "action_dismiss")]
            if not set((one.reasons or "").split()) & BLOCKING and one.quantity > 0:
                acts.insert(0, self._act(_("Order"), one, "action_accept", True))
            yield self._entry(
                "proposals",
                one,
                title=_(
                    "%(quantity)s %(unit)s %(product)s",
                    quantity=self._number(one.quantity),
                    unit=one.uom_id.name,
                    product=product.display_name,
                )
                if one.quantity
                else product.display_name,
                where=" · ".join(filter(None, [one.warehouse_id.name, one.vendor_id.display_name])),
                words=words,
                about=one,
                buyer=one.vendor_id.buyer_id,
                # Wanted by the horizon and not there, at the price of sale.
                at_risk=self._money(missing * product.lst_price, product.currency_id),
                # Days without stock if it is ordered today.
                days_late=(one.horizon - one.runs_out_on).days if one.runs_out_on and one.horizon else 0,
                value=self._money(one.value, one.currency_id),
                acts=acts,
            )

    def _of_vendors(self, is_manager):
        """Domain: what comes of the vendors of the user, or of vendors that are nobody's; all of it for the head."""
        return [] if is_manager else ["|", ("vendor_id", "=", False), *self._of("vendor_id.buyer_id", False)]

    def _requisitions(self, is_manager, behind):
        """What is approved and waits to be ordered."""
        requisitions = self._readable("distribution.purchase.requisition")
        if requisitions is None:
            return
        today = fields.Date.context_today(self)
        found = requisitions.search(
            [("state", "=", "approved"), ("line_ids.qty_open", ">", 0), *self._of("user_id", is_manager)],
            order="needed_by, id",
        )
        for one in self._first(found, behind, "requisitions", lambda one: one.user_id):
            lines = one.line_ids.filtered("qty_open")
            days = [day for day in (line._day_of_need() for line in lines) if day]
            words = [
                self._names(
                    [
                        _(
                            "%(quantity)s %(unit)s %(product)s",
                            quantity=self._number(line.qty_open),
                            unit=line.uom_id.name,
                            product=line.name,
                        )
                        for line in lines
                    ]
                )
            ]
            if days:
                words.append(_("needed by %s", format_date(self.env, min(days))))
            if one.priority == "1":
                words.append(_("urgent: %s", one.justification))
            yield self._entry(
                "requisitions",
                one,
                title=f"{one.name} · {one.requester_id.name}",
                where=one.warehouse_id.name,
                words=words,
                about=one,
                buyer=one.user_id,
                days_late=(today - min(days)).days if days else 0,
                value=self._money(sum(line.qty_open * line.price_unit for line in lines), one.currency_id),
                acts=[
                    self._act(_("Order"), one, "action_order", True),
                    self._act(_("Do Not Buy"), lines, "action_drop"),
                ],
            )

    def _demand(self, is_manager, behind):
        """Reordering rules that do not fit what customers ask for; nobody is harmed today, so they come last."""
        suggestions = self._readable("distribution.demand.suggestion")
        if suggestions is None:
            return
        found = suggestions.search([("state", "=", "new"), *self._of_vendors(is_manager)])
        for one in self._first(found, behind, "demand", lambda one: one.vendor_id.buyer_id):
            words = [
                _(
                    "minimum %(old_minimum)s → %(minimum)s, maximum %(old_maximum)s → %(maximum)s",
                    old_minimum=self._number(one.present_minimum),
                    minimum=self._number(one.minimum),
                    old_maximum=self._number(one.present_maximum),
                    maximum=self._number(one.maximum),
                ),
                _(
                    "service %(present)s %% → %(expected)s %%, stock value %(sign)s%(effect)s",
                    present=formatLang(self.env, one.present_service, digits=1),
                    expected=formatLang(self.env, one.expected_service, digits=1),
                    sign="−" if one.stock_value_effect < 0 else "+",
                    effect=formatLang(self.env, abs(one.stock_value_effect), currency_obj=one.currency_id),
                ),
            ]
            yield self._entry(
                "demand",
                one,
                title=one.product_id.display_name,
                where=" · ".join(filter(None, [one.warehouse_id.name, one.vendor_id.display_name])),
                words=words,
                about=one,
                buyer=one.vendor_id.buyer_id,
                acts=[
                    self._act(_("Accept"), one, "action_accept", True),
                    self._act(_("Dismiss"), one, "action_dismiss"),
                ],
            )

    def _notices(self, is_manager, behind, delays):
        notices = self._readable("distribution.ship.notice")
        if notices is None:
            return
        today = fields.Date.context_today(self)
        found = notices.search([("state", "=", "conflict"), *self._of("user_id", is_manager)], order="id")
        for one in self._first(found, behind, "notices", lambda one: one.user_id):
            order = one.order_id
            yield self._entry(
                "notices",
                one,
                title=f"{one.reference} · {one.partner_id.display_name}",
                where=order.name,
                words=(one.conflict or "").splitlines()[:NAMED],
                about=order,
                buyer=one.user_id,
                at_risk=self._risk(delays, order.order_line),
                days_late=(today - fields.Datetime.context_timestamp(self, one.told_at).date()).days,
                value=self._money(order.amount_untaxed, order.currency_id),
                acts=[
                    self._act(_("Compare Again"), one, "action_compare", True),
                    self._act(_("Cancel Notice"), one, "action_cancel", confirm=_("Nothing comes of this notice?")),
                ],
                causes=[one._case_key()],
            )

    def _bills(self, is_manager, behind):
        """Bills that policy holds; they belong to the buyer of their order."""
        bills = self._readable("account.move")
        if bills is None or not may(self.env["purchase.order.line"], "read"):
            return
        today = fields.Date.context_today(self)
        states = dict(bills._fields["approval_state"]._description_selection(self.env))
        found = bills.search(
            [("move_type", "in", BILL_TYPES), ("state", "=", "draft"), ("approval_state", "in", HELD)],
            order="invoice_date_due, id",
        )
        if not is_manager:
            found = found.filtered(lambda bill: self._order_of(bill).user_id.id in (self.env.uid, False))
        for bill in self._first(found, behind, "bills", lambda bill: self._order_of(bill).user_id):
            order = self._order_of(bill)
            due = bill.invoice_date_due
            acts = [
                self._act(_("Comparison"), bill, "action_open_match"),
                self._act(_("Request"), bill, "action_approval_open"),
            ]
            if not IS_17 and self._has_goods_without_order(bill):
                acts.insert(0, self._act(_("Match with Orders"), bill, "action_purchase_matching", True))
            yield self._entry(
                "bills",
                bill,
                title=" · ".join(filter(None, [bill.ref or _("Bill"), bill.partner_id.display_name])),
                where=order.name or _("without order"),
                words=[_("Held: %s", states[bill.approval_state])],
                about=bill,
                buyer=order.user_id,
                days_late=(today - due).days if due else 0,
                value=self._money(abs(bill.amount_total), bill.currency_id),
                acts=acts,
                causes=bill._match_keys(),
            )

    def _has_goods_without_order(self, bill):
        lines = bill.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        return any(line.product_id and not line.purchase_line_id for line in lines)

    def _order_of(self, bill):
        return bill.invoice_line_ids.purchase_line_id.order_id[:1]

    def _requests(self, is_manager, behind):
        """Requests that came back to who asked."""
        requests = self._readable("distribution.approval.request")
        if requests is None:
            return
        mine = [("requester_id", "=", self.env.uid)]
        states = dict(requests._fields["state"]._description_selection(self.env))
        found = requests.search(
            [
                "|",
                ("state", "in", ("revision", "on_hold", "question")),
                ("resume_state", "=", "failed"),
                *(["|", ("document_type", "in", PURCHASING), *mine] if is_manager else mine),
            ],
            order="id",
        )
        for one in self._first(found, behind, "requests", lambda one: one.requester_id):
            failed = one.resume_state == "failed"
            own = one.requester_id == self.env.user
            acts = [self._act(_("Open Document"), one, "action_open_document", True)]
            if own and one.state in ("revision", "on_hold"):
                acts.append(self._act(_("Submit Again"), one, "action_resubmit"))
            if own and failed:
                acts.append(self._act(_("Retry"), one, "action_retry_release"))
            yield self._entry(
                "requests",
                one,
                title=" · ".join(filter(None, [one.document_name, one.partner_id.display_name])),
                words=[_("Approved, but not released") if failed else states[one.state], one.reason or ""],
                about=f"{one.res_model},{one.res_id}",
                buyer=one.requester_id,
                value=self._money(one.amount, one.currency_id),
                acts=acts,
            )

    def _tasks(self, behind):
        """What waits for the user's own decision."""
        tasks = self._readable("distribution.approval.task")
        if tasks is None:
            return
        found = tasks.search(tasks._inbox_domain())
        for task in self._first(found, behind, "requests", lambda _task: self.env.user):
            yield self._entry(
                "requests",
                task,
                title=" · ".join(filter(None, [task.document_name, task.partner_id.display_name])),
                words=[_("Your decision: %s", task.name), task.why or ""],
                about=task,
                buyer=self.env.user,
                value=self._money(task.amount, task.currency_id),
            )

    def _cases(self, is_manager):
        cases = self._readable("distribution.case")
        if cases is None:
            return self.env["distribution.case"]
        mine = cases._waiting_for_me()
        domain = ["|", "&", ("state", "in", OPEN_CASES), ("type_id.owner_rule", "=", "buyer"), *mine]
        return cases.search(domain if is_manager else mine, order="due_at, id")

    def _case_values(self, cases):
        """``{(model, id): money}`` that is in dispute on receipts and bills with a case."""
        values = {}
        for model, kept, name, measure in (
            ("stock.picking", "distribution.receipt.discrepancy", "picking_ref", "value"),
            ("account.move", "distribution.match.line", "bill_ref", "amount_beyond"),
        ):
            numbers = [case.res_id for case in cases if case.res_model == model]
            if numbers and self._readable(kept) is not None:
                groups = self.env[kept]._read_group([(name, "in", numbers)], [name], [f"{measure}:sum"])
                values.update({(model, number): value for number, value in groups})
        return values

    def _case_entry(self, case, value):
        acts = [self._act(_("Resolve"), case, "action_resolve")]
        if case.user_id != self.env.user:
            acts = []
        if not case.user_id:
            acts = [self._act(_("Take"), case, "action_take", True)]
        if case.res_id:
            acts.append(self._act(_("Open Document"), case, "action_open_document"))
        if case.res_model == DRIFT and may(self.env["product.supplierinfo"], "write"):
            confirm = _("Plan with the lead times that the vendor keeps?")
            drift = self.env[DRIFT].browse(case.res_id)
            acts.insert(0, self._act(_("Adjust Lead Times"), drift, "action_adjust", True, confirm))
        late = (fields.Datetime.now() - case.due_at).days + 1 if case.is_overdue else 0
        return self._entry(
            SECTION_OF_CASE.get(case.type_id.code, "cases"),
            case,
            title=case.name,
            where=case.type_id.name,
            words=(case.description or "").splitlines()[:NAMED],
            about=f"{case.res_model},{case.res_id}" if case.res_id else case,
            buyer=case.user_id,
            days_late=late,
            value=value,
            acts=acts,
        )

    # ------------------------------------------------------------
    # Words and money
    # ------------------------------------------------------------

    def _entry(
        self,
        section,
        record,
        title,
        words,
        about,
        buyer,
        at_risk=0.0,
        days_late=0,
        value=0.0,
        where="",
        acts=(),
        causes=(),
    ):
        """One entry: what decides its place, and what is shown."""
        subject = about if isinstance(about, str) else f"{about._name},{about.id}"
        return {
            "entry": Entry(
                (record._name, record.id), section, subject, buyer.id or None, at_risk, max(days_late, 0), value
            ),
            "section": section,
            "model": record._name,
            "id": record.id,
            "title": title,
            "where": where,
            "words": [text for text in words if text],
            "buyer": buyer.name if buyer else False,
            "acts": list(acts),
            "causes": list(causes),
            "case": False,
        }

    def _shown(self, one):
        entry = one["entry"]
        return {
            **{
                name: one[name]
                for name in ("section", "model", "id", "title", "where", "words", "buyer", "acts", "case")
            },
            "key": f"{one['section']},{one['model']},{one['id']}",
            "level": urgency(entry),
            "days_late": entry.days_late,
            "at_risk": self._money_text(entry.at_risk) if entry.at_risk else False,
            "value": self._money_text(entry.value) if entry.value else False,
        }

    @api.model
    def _act(self, label, records, method, primary=False, confirm=False):
        """A method of the record's own model that a button calls."""
        return {
            "label": label,
            "model": records._name,
            "ids": records.ids,
            "method": method,
            "primary": primary,
            "confirm": confirm,
        }

    def _names(self, names):
        """Some names, and how many more."""
        text = ", ".join(names[:NAMED])
        return _("%(names)s and %(number)s more", names=text, number=len(names) - NAMED) if len(names) > NAMED else text

    def _number(self, number):
        """Without decimals where there are none."""
        return formatLang(self.env, number, digits=2).removesuffix("00").rstrip(".,")

    def _money(self, amount, currency):
        """In the currency of the present company, at the rate of today; a query per currency at most."""
        target = self.env.company.currency_id
        if not amount or not currency or currency == target:
            return amount or 0.0
        return target.round(amount * target.rate / currency.rate)

    def _money_text(self, amount):
        return formatLang(self.env, float(amount), currency_obj=self.env.company.currency_id)

    def _workload(self, entries, behind):
        loads = workload(entries)
        more = Counter()
        for (_section, buyer), number in behind.items():
            more[buyer] += number
        loads += [Load(buyer, 0, 0, 0, ZERO) for buyer in more.keys() - {load.buyer for load in loads}]
        # sudo: names of colleagues only
        names = {
            user.id: user.name for user in self.env["res.users"].sudo().browse([x.buyer for x in loads if x.buyer])
        }
        return [
            {
                "buyer": load.buyer or False,
                "name": names[load.buyer] if load.buyer else _("Nobody's"),
                "entries": load.entries + more[load.buyer],
                "urgent": load.urgent,
                "late": load.late,
                "at_risk": self._money_text(load.at_risk) if load.at_risk else False,
            }
            for load in loads
        ]
