"""The gate: what a document inherits to be governed."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, RedirectWarning, UserError
from psycopg2 import sql

from odoo.addons.distribution_core.compat import asks_for, check_access

from ..engine import FactType, Unknown, as_decimal, decode_facts, encode_facts, seal
from .approval_activation import EVERYWHERE, NOWHERE
from .approval_declared import declared_values
from .approval_policy import today
from .gate_frame import frame_of, gate_frame, settle, written_directly

#: Display states in which a request or a release of the document is alive.
LIVE_STATES = ("pending", "question", "revision", "on_hold", "approved")
RELEASED_STATES = ("passed", "released", "baseline")


#: Reason of a fact that was not worked out, since no rule reads it.
NOT_ASKED = "not provided"


@dataclass(frozen=True, slots=True)
class Promise:
    """A verdict "within policy", kept until the review sees what has come about."""

    snapshot: Any
    values: dict  #: of the release that it becomes


class ApprovalMixin(models.AbstractModel):
    """Makes a model a governed document.

    A document declares, as class attributes:

    ``_approval_type``
        its document type, such as ``purchase_order``;
    ``_approval_guarded_states``
        the values of ``state`` that it reaches only with a release;
    ``_approval_watched``
        header fields whose change calls for a review: ``state`` and all controlled fields;
    ``_approval_controlled``
        the controlled header fields: who edits one of them cannot approve the document;
    ``_approval_header``, ``_approval_line``
        the :class:`~..engine.ControlledField` of its snapshot's header and lines;

    ``_approval_amount_field``
        the field with its value, when that is a field;

    and implements ``_approval_fact_specs``, ``_approval_fact_readers``, ``_approval_hold``,
    ``_approval_unhold`` and ``_approval_resume``. Facts for which a query per document would be
    too much: override ``_approval_facts``; controlled values that are not fields of the same name:
    override ``_approval_snapshots``. See ``docs/governed_documents.md``.
    """

    _name = "distribution.approval.mixin"
    _description = "Governed Document"

    _approval_type = None
    _approval_guarded_states = ()
    _approval_watched = frozenset()
    _approval_controlled = frozenset()
    _approval_header = ()
    _approval_line = ()
    _approval_amount_field = None
    #: Whether a released document may be changed by an amendment that is approved in turn.
    _approval_amendable = True
    #: Names of controlled fields that people do not need to read.
    _approval_not_shown = frozenset({"company_id"})
    #: Controlled header fields that came with a later version: releases sealed before do not know them.
    _approval_header_later = frozenset()
    #: The controlled field that says what a line is about.
    _approval_line_title = "product_id"
    #: Whether it may concern a customer, whose account owner a rule then can inform.
    _approval_of_customer = False
    #: Fields that say whose document it is; who ever was named in one does not approve it.
    _approval_ownership = frozenset()

    approval_request_ids = fields.One2many(
        "distribution.approval.request",
        "res_id",
        domain=lambda self: [("res_model", "=", self._name)],
        string="Approval Requests",
        copy=False,
    )
    approval_state = fields.Selection(
        [
            ("passed", "Within policy"),
            ("pending", "Waiting for approval"),
            ("question", "Question asked"),
            ("revision", "Revision requested"),
            ("on_hold", "On hold"),
            ("refused", "Refused by policy"),
            ("rejected", "Rejected"),
            ("withdrawn", "Withdrawn"),
            ("approved", "Approved, not released"),
            ("released", "Approved"),
            ("baseline", "Before governance"),
            ("void", "Approval void"),
        ],
        string="Approval",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Where the approval of this document stands. Shown for information; what counts is the release.",
    )
    approval_request_id = fields.Many2one(
        "distribution.approval.request",
        compute="_compute_approval_request",
        search="_search_approval_request_id",
        compute_sudo=True,
    )
    approval_request_count = fields.Integer(compute="_compute_approval_request", compute_sudo=True)
    approval_asked_at = fields.Datetime(
        compute="_compute_approval_request", compute_sudo=True, string="Asked", help="When policy or people were asked."
    )
    approval_banner = fields.Html(compute="_compute_approval_banner", sanitize=False)
    approval_can_decide = fields.Boolean(compute="_compute_approval_banner")
    approval_can_withdraw = fields.Boolean(compute="_compute_approval_banner")
    approval_governed = fields.Boolean(compute="_compute_approval_governed")
    approval_to_decide = fields.Boolean(
        compute="_compute_approval_banner",
        search="_search_approval_to_decide",
        string="Waiting for My Decision",
    )

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        """The document type in words."""
        return self._description

    @api.model
    def _approval_fact_specs(self):
        """``{name: FactSpec}`` of the facts that rules may ask about."""
        raise NotImplementedError(f"{self._name} does not declare its facts")

    def _approval_facts(self, names):
        """``{id: {name: value or Unknown}}`` for ``names``, in sets, never per record."""
        facts = {}
        for document in self:
            readers = document._approval_fact_readers()
            facts[document.id] = {name: readers[name]() for name in {*names, "amount"} & readers.keys()}
        return facts

    def _approval_fact_readers(self):
        """``{name: function without arguments}`` that gives a fact of this document when it is asked for."""
        raise NotImplementedError(f"{self._name} does not provide its facts")

    @api.model
    def _approval_fields(self):
        """The ControlledFields of header and lines: labels, and which of them tolerate change."""
        return (*self._approval_header, *self._approval_line)

    @api.model
    def _approval_guarded_domain(self):
        """Domain of the documents in their guarded state, for the baseline and the nightly control."""
        return [("state", "in", self._approval_guarded_states)]

    def _approval_snapshots(self):
        """``{id: Snapshot}`` of the controlled values as they are now: the declared fields, by name."""
        return {
            document.id: seal(
                declared_values(document, document._approval_header),
                {str(line.id): declared_values(line, document._approval_line) for line in document._approval_lines()},
            )
            for document in self
        }

    def _approval_lines(self):
        """The lines that are controlled."""
        return self[self._approval_line_field] if self._approval_line_field else ()

    def _approval_amounts(self):
        """``{id: value in company currency, or Unknown}``: that of :attr:`_approval_amount_field`, 0 without one."""
        name = self._approval_amount_field
        return {
            document.id: document._approval_in_company_currency(
                as_decimal(document[name] if name else 0),
                document.currency_id if name else document.company_id.currency_id,
                document.company_id,
            )
            for document in self
        }

    def _approval_has_value(self):
        """Whether the amount of this document says what it is about.

        Where it does not – nothing is bought or paid, or goods have no cost – no ceiling covers the document.
        """
        self.ensure_one()
        return True

    def _approval_hold(self):
        """Put documents that wait for a decision into the state in which they wait."""

    def _approval_unhold(self):
        """Give documents back to who works on them (withdrawn, rejected, revision)."""

    def _approval_resume(self, action):
        """Carry on with ``action``, which the hold interrupted, as the present user."""
        raise NotImplementedError(f"{self._name} does not say how to go on")

    def _approval_name(self):
        """What people call this document."""
        self.ensure_one()
        return self[self._rec_name]

    def _approval_partner(self):
        """The vendor or customer of the document (commercial partner), or an empty recordset."""
        return self.env["res.partner"]

    def _approval_owners(self):
        """Users who own the document and therefore do not approve it."""
        return self.env["res.users"]

    def _approval_requester(self):
        """Who asks for the release of this document: in whose name it is resumed."""
        return self.env.user

    def _approval_context(self):
        """``{role: [(record that it belongs to, its users)]}`` that the resolver takes from the document."""
        return {}

    def _approval_site(self):
        """The site (warehouse) to which this document belongs, or an empty recordset."""
        return self.env["stock.warehouse"]

    def _approval_sites(self):
        """All sites at which governance governs this document: any of them is enough."""
        return self._approval_site()

    def _approval_confirmed_at(self):
        """When the document reached its guarded state, if it keeps that: the date of its baseline."""
        return False

    def _approval_is_guarded(self):
        self.ensure_one()
        return self.sudo().state in self._approval_guarded_states

    def _approval_state_words(self):
        """The present state in words; a document may have none."""
        self.ensure_one()
        if "state" not in self._fields:
            return "–"
        state = self.sudo().state
        return dict(self._fields["state"]._description_selection(self.env)).get(state, state)

    def _approval_banner_reasons(self):
        """``{id: why these documents are held, in words}`` beside what the request says; a few queries for all."""
        return {}

    # -------------------------------------------------------------- computes

    def _compute_approval_request(self):
        requests = self.env["distribution.approval.request"].search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids)], order="id"
        )
        by_document = {}
        for request in requests:
            by_document.setdefault(request.res_id, []).append(request)
        for document in self:
            found = by_document.get(document.id, [])
            document.approval_request_id = found[-1] if found else False
            document.approval_request_count = len(found)
            document.approval_asked_at = found[-1].requested_at if found else False

    def _search_approval_request_id(self, operator, value):
        if not value:
            requests = self.env["distribution.approval.request"].search([("res_model", "=", self._name)])
            return [("id", "not in" if operator in ("=", "in") else "in", requests.mapped("res_id"))]
        requests = self.env["distribution.approval.request"].search(
            [("res_model", "=", self._name), ("id", operator, value)]
        )
        return [("id", "in", requests.mapped("res_id"))]

    @api.depends("approval_state")
    @api.depends_context("uid")
    def _compute_approval_banner(self):
        live = self.filtered(lambda document: document.approval_state and document.id)
        for document in self:
            request = document.approval_request_id if document in live else None
            document.approval_banner = request.sudo()._banner() if request else False
            document.approval_can_decide = bool(request and request.sudo()._my_task())
            document.approval_to_decide = document.approval_can_decide
            document.approval_can_withdraw = bool(request and request.sudo()._may_withdraw(self.env.user))

    def _search_approval_to_decide(self, operator, value):
        positive = asks_for(operator, value)
        tasks = (
            self.env["distribution.approval.task"]
            .sudo()
            .search(
                [*self.env["distribution.approval.task"]._inbox_domain(), ("request_id.res_model", "=", self._name)]
            )
        )
        return [("id", "in" if positive else "not in", tasks.request_id.mapped("res_id"))]

    @api.depends_context("uid")
    def _compute_approval_governed(self):
        governed = self._approval_governed()
        for document in self:
            document.approval_governed = document in governed

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._approval_refuse_protected(vals)
            # Explicitly: a default_approval_state in the context of the caller would count else.
            vals["approval_state"] = False
        with gate_frame(self.env) as frame:
            documents = super().create(vals_list)
            frame.born(documents)
            return documents

    def write(self, vals):
        self._approval_refuse_protected(vals)
        if self._approval_ownership & vals.keys():
            self._approval_note_owners()
        if not self._approval_watched & vals.keys():
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(self)
            for document in self:
                frame.attempt(document, vals)
            if self._approval_controlled & vals.keys():
                old = self.filtered(lambda document: (document._name, document.id) not in frame.created)
                old._approval_note_editors()
            return super().write(vals)

    def unlink(self):
        with gate_frame(self.env) as frame:
            frame.touch(self)
            self._approval_close_requests(_("The document was deleted."))
            result = super().unlink()
            frame.forget(self)
            return result

    def _write(self, vals):
        self._approval_watch_columns(vals)
        return super()._write(vals)

    def _write_multi(self, vals_list):
        self._approval_watch_columns({key for vals in vals_list for key in vals})
        return super()._write_multi(vals_list)

    def _approval_watch_columns(self, names):
        if not self._approval_watched.isdisjoint(names):
            written_directly(self)

    def _approval_refuse_protected(self, vals):
        if vals.get("approval_state"):
            raise AccessError(_("The approval state of a document is not written: it follows from the decisions."))
        if "approval_state" in vals:
            vals.pop("approval_state")

    def _approval_set_state(self, state):
        """Show ``state`` on the documents; merged by the ORM with what is written anyway."""
        models.BaseModel.write(self.sudo(), {"approval_state": state})

    def _approval_note_editors(self):
        """Whoever edits controlled values has a hand in the document."""
        governed = self._approval_governed()
        if governed and not self.env.user._is_superuser():
            self.env["distribution.approval.involvement"].sudo()._note(governed)

    def _approval_serialize(self):
        """A change of lines alone leaves no mark on the document: leave one.

        Whoever changes the document at the same time – confirms it, say – fails to serialise, is
        repeated by Odoo, and then sees this change.
        """
        frame = frame_of(self.env)
        marked = frame.created | frame.serialized
        fresh = self._approval_governed().filtered(lambda document: (document._name, document.id) not in marked)
        if fresh.ids:
            self.env.cr.execute(
                sql.SQL("UPDATE {} SET approval_state = approval_state WHERE id = ANY(%s)").format(
                    sql.Identifier(self._table)
                ),
                (fresh.ids,),
            )
            frame.serialized.update((document._name, document.id) for document in fresh)

    def _approval_note_owners(self):
        """Whoever owned the document stays out of its approval, even when it is handed on."""
        for document in self.sudo()._approval_governed():
            owners = document._approval_owners().filtered(lambda user: not user._is_superuser())
            for owner in owners:
                self.env["distribution.approval.involvement"].with_user(owner).sudo()._note(document)

    # ------------------------------------------------------------ governance

    def _approval_governed(self):
        """Those of ``self`` for whose company or site governance of this document type is switched on.

        A document about which policy was asked once stays governed, whatever site it is moved to.
        """
        activation = self.env["distribution.approval.activation"]
        documents = self.sudo()
        sites = {
            company.id: activation._governed_sites(self._approval_type, company) for company in documents.company_id
        }
        if all(place is EVERYWHERE for place in sites.values()):
            return self.browse(document.id for document in documents if document.company_id) if sites else self.browse()
        return self.browse(
            document.id
            for document in documents
            if (place := sites.get(document.company_id.id, NOWHERE)) is EVERYWHERE
            or (place and (document.approval_state or not place.isdisjoint(document._approval_sites().ids)))
        )

    # ---------------------------------------------------------------- screen

    def _approval_screen(self, action, vals=None):
        """Ask policy before core acts. Returns the documents that are held.

        What is within policy gets a promise and goes on; for the rest a request is filed (or the
        one that waits already is kept). Facts are taken here, before core writes anything that
        they could be judged by.

        :param action: name of the method that was asked for and is resumed after approval
        """
        with gate_frame(self.env) as frame:
            # What was promised in this frame is not asked again: the review compares the result.
            open_documents = self.filtered(
                lambda document: (
                    (document._name, document.id) not in frame.promises and not document._approval_is_guarded()
                )
            )
            if not open_documents:
                return self.browse()
            # The engine's own records are written as superuser for the user who really acts.
            documents = open_documents.sudo()
            snapshots = documents._approval_snapshots()
            undecided = documents._approval_without_release(snapshots)
            asked = undecided._approval_keep_live_requests(snapshots)
            # Asking again may have found the document within policy: its release is written.
            held = asked.filtered(lambda document: document.approval_state != "approved")
            held |= (undecided - asked)._approval_judge(frame, action, snapshots)
            if held:
                # The engine writes as superuser: who only reads the document asks for nothing.
                self.browse(held.ids)._approval_check_asker()
                held._approval_hold()
            return self.browse(held.ids)

    def _approval_check_asker(self):
        """Raise AccessError unless the present user has the right to ask for these documents' release."""
        check_access(self, "write")

    def _approval_without_release(self, snapshots):
        """Those that no release covers; nothing is asked of the database for new documents."""
        known = self.filtered("approval_state")
        releases = self.env["distribution.approval.release"]._valid_for(known) if known else {}
        amounts = known._approval_amounts() if releases else {}
        covered = known.filtered(
            lambda document: any(
                release._covers(snapshots[document.id]) and release._rate_holds(amounts.get(document.id))
                for release in releases.get(document.id, ())
            )
        )
        return self - covered

    def _approval_keep_live_requests(self, snapshots):
        """Those whose request is under way: it goes on, and no second one is filed.

        Some of them may turn out to be approved, now that they are asked again.
        """
        known = self.filtered(lambda document: document.approval_state in (*LIVE_STATES, "rejected", "refused"))
        if not known:
            return self.browse()
        asked = self.browse()
        for document in known:
            request = document._approval_release_request()
            if request.state in ("rejected", "refused") and request.digest == snapshots[document.id].digest:
                if len(self) > 1:
                    asked |= document
                    continue
                raise UserError(
                    _(
                        "%(document)s was turned down (%(reason)s). Change what was objected to before you ask again.",
                        document=document.display_name,
                        reason=request._last_words(),
                    )
                )
            if request.state in ("pending", "question"):
                request._follow_content(snapshots[document.id])
                asked |= document
            elif request.state in ("revision", "on_hold"):
                request._resubmit(snapshots[document.id])
                asked |= document
        return asked

    def _approval_release_request(self):
        """The latest request to release this document (amendments are requests of their own)."""
        self.ensure_one()
        return (
            self.env["distribution.approval.request"]
            .sudo()
            .search(
                [("res_model", "=", self._name), ("res_id", "=", self.id), ("kind", "=", "release")],
                order="id desc",
                limit=1,
            )
        )

    def _approval_judge(self, frame, action, snapshots):
        """Let policy decide about documents that nobody decided about; returns those held."""
        held = self.browse()
        if not self:
            return held
        judgements = self.env["distribution.approval.fast.path.use"]._take(self, self._approval_verdicts(), snapshots)
        passed = self.browse()
        requests = []
        for document in self:
            judgement = judgements[document.id]
            if judgement.verdict.outcome == "pass":
                passed |= document
                frame.promises[document._name, document.id] = Promise(
                    snapshots[document.id],
                    document._approval_release_values(
                        judgement, snapshots[document.id], "fast_path" if judgement.fast_path else "policy"
                    ),
                )
            else:
                held |= document
                requests.append((document, judgement, snapshots[document.id], action))
        if passed:
            passed._approval_set_state("passed")
        if requests:
            self.env["distribution.approval.request"]._file(requests)
        return held

    def _approval_verdicts(self, versions=None):
        """``{id: Judgement}`` by the policy in force (or by ``versions``: {company: version})."""
        return self.env["distribution.approval.judge"]._judge(self, versions)

    def _approval_release_values(self, judgement, snapshot, kind):
        """Values of the release that ``judgement`` leads to."""
        self.ensure_one()
        version = judgement.version
        return {
            "res_model": self._name,
            "res_id": self.id,
            "document_type": self._approval_type,
            "document_name": self._approval_name(),
            "kind": kind,
            "released_at": fields.Datetime.now(),
            "user_ref": self.env.uid,
            "company_id": self.company_id.id,
            "partner_ref": self._approval_partner().id,
            "amount": judgement.amount,
            "version_id": version.id,
            "digest": snapshot.digest,
            "content": snapshot.to_json(),
            "facts": json.dumps(encode_facts(self._approval_all_fact_specs(), judgement.facts), sort_keys=True),
            "rules": json.dumps(judgement.rules()),
            **judgement.local_values(),
            "tolerance_percent": version.tolerance_percent,
            "tolerance_amount": version.tolerance_amount,
            "rate_tolerance_percent": version.rate_tolerance_percent,
        }

    # ---------------------------------------------------------------- review

    def _approval_review(self, frame):
        """What is true now: may it be? Called once per batch by the outermost frame."""
        governed = self._approval_governed()
        if not governed:
            return
        guarded = governed.filtered(lambda document: document._approval_is_guarded())
        if guarded:
            guarded._approval_review_guarded(frame)
        (governed - guarded)._approval_review_open(frame)

    def _approval_review_guarded(self, frame):
        """Every document in its guarded state needs a release that covers it as it is."""
        snapshots = frame.snapshots(self)
        promised = self.filtered(
            lambda document: (
                (promise := frame.promises.get((document._name, document.id)))
                and promise.snapshot.digest == snapshots[document.id].digest
            )
        )
        promised._approval_keep_promises(frame)
        settle(promised, snapshots)
        rest = self - promised
        if not rest:
            return
        releases = self.env["distribution.approval.release"]._valid_for(rest)
        arrived = self.browse()
        for document in rest:
            snapshot = snapshots[document.id]
            own = releases.get(document.id, self.env["distribution.approval.release"])
            covering = own.filtered(lambda release, snapshot=snapshot: release._covers(snapshot))
            if not covering:
                if frame.before.get((document._name, document.id)) == snapshot.digest:
                    continue  # it was like this before; the nightly control reports it
                document._approval_refuse(frame, own, snapshot)
            if not frame.was_guarded.get((document._name, document.id)):
                arrived |= document
            # An amendment that has come about replaces what was released before.
            superseded = own.filtered(lambda release, newest=covering[0]: release.id < newest.id)
            if superseded and covering[0].kind == "amendment":
                superseded._void(_("Replaced by an approved amendment."))
        arrived._approval_arrived()

    def _approval_keep_promises(self, frame):
        """Turn promises into releases: one INSERT for the releases, one for their events."""
        if not self:
            return
        promises = [frame.promises.pop((document._name, document.id)) for document in self]
        self.env["distribution.approval.release"]._issue([promise.values for promise in promises])
        by_document = {promise.values["res_id"]: promise.values for promise in promises}
        self._approval_event(
            "passed",
            lambda document: {
                "amount": str(by_document[document.id]["amount"]),
                "policy_version_id": by_document[document.id]["version_id"],
                "digest": by_document[document.id]["digest"],
                "rules": [rule["key"] for rule in json.loads(by_document[document.id]["rules"])],
            },
        )

    def _approval_arrived(self):
        """Documents that reached their guarded state with a release of their own."""
        fresh = self.filtered(lambda document: document.approval_state not in RELEASED_STATES)
        if fresh:
            fresh._approval_set_state("released")
        for document in fresh.filtered("approval_request_id"):
            request = document._approval_release_request()
            if request.state == "approved":
                request._resumed()

    def _approval_refuse(self, frame, releases, snapshot):
        """Say why this document cannot be what it has become, and what to do instead."""
        self.ensure_one()
        if not releases or not frame.was_guarded.get((self._name, self.id)):
            message = _(
                "%(document)s cannot be confirmed like this: it needs a release by the approval policy first. "
                "Use its Confirm button; what is within policy goes straight through, "
                "and for the rest an approval is requested.",
                document=self.display_name,
            )
            if releases:
                message += "\n" + self._approval_words(releases[0], snapshot)
            raise UserError(message)
        payload = self._approval_payload(frame.attempts.get((self._name, self.id), []))
        if not self._approval_amendable or not self._approval_controlled & payload.keys():
            raise UserError(
                _(
                    "%(document)s is approved as it stands and cannot be changed without approval:\n%(changes)s",
                    document=self.display_name,
                    changes=self._approval_words(releases[0], snapshot),
                )
            )
        raise RedirectWarning(
            _(
                "%(document)s is approved as it stands and cannot be changed without approval:\n%(changes)s\n\n"
                "The approved values stay in force. You can propose this change as an amendment.",
                document=self.display_name,
                changes=self._approval_words(releases[0], snapshot),
            ),
            self.env.ref("distribution_approval.action_approval_amend").id,
            _("Propose Amendment"),
            {
                "default_res_model": self._name,
                "default_res_id": self.id,
                "default_payload": json.dumps(payload, default=str),
            },
        )

    def _approval_words(self, release, snapshot):
        """Deviations from a release in words, one per line."""
        return "\n".join(
            f"• {self._approval_deviation_words(deviation)}"
            for deviation in release._deviations(snapshot)
            if deviation.beyond and deviation.field not in ("value", "amount")
        ) or _("• its value in company currency has grown with the exchange rate")

    def _approval_deviation_words(self, deviation):
        """One deviation in words, with names instead of ids."""
        title = self._approval_line_title
        if not deviation.field:
            values = deviation.after if deviation.before is None else deviation.before
            name = self._approval_name_of(title, values.get(title))
            return _("line added: %s", name) if deviation.before is None else _("line removed: %s", name)
        place = self._approval_place_words(deviation.where)
        return _(
            "%(place)s%(label)s: %(before)s → %(after)s",
            place="%s: " % place if place else "",
            label=deviation.label,
            before=self._approval_name_of(deviation.field, deviation.before),
            after=self._approval_name_of(deviation.field, deviation.after),
        )

    def _approval_place_words(self, where):
        """The line with key ``where`` of a snapshot in words; nothing for the header."""
        if not self._approval_line_field:
            return ""
        line = self[self._approval_line_field].filtered(lambda line: str(line.id) == where)
        return line.product_id.display_name if line and "product_id" in line._fields else ""

    @api.model
    def _approval_payload(self, attempts):
        """The values of an amendment: what the caller wrote, lines included."""
        header, lines = {}, []
        for vals in attempts:
            if "line" in vals:
                lines.append(list(vals["line"]))
            else:
                header.update(vals)
        header.pop("state", None)
        if lines:
            header.setdefault(self._approval_line_field, []).extend(lines)
        return header

    #: Name of the one2many to the lines, for amendments.
    _approval_line_field = None

    def _approval_review_open(self, frame):
        """Documents before their guarded state: keep requests and releases true to the content."""
        left = self.filtered(
            lambda document: frame.was_guarded.get((document._name, document.id)) and document.approval_state
        )
        left._approval_void_all(_("The document left its confirmed state."))
        waiting = (self - left).filtered(lambda document: document.approval_state in (*LIVE_STATES, *RELEASED_STATES))
        if not waiting:
            return
        snapshots = waiting._approval_snapshots()
        for document in waiting:
            request = document._approval_release_request()
            if document.approval_state in LIVE_STATES and request:
                if not document._approval_waits() and request.state in ("pending", "question", "on_hold"):
                    document._approval_close_requests(_("The document was cancelled or reset to draft."))
                    document._approval_set_state(False)
                    continue
                if document._approval_is_cancelled():
                    document._approval_void_all(_("The document was cancelled."))
                elif request.state != "revision":
                    request._follow_content(snapshots[document.id])
            elif document.approval_state in RELEASED_STATES:
                # A promise that did not come about, or a release whose document was changed.
                if (document._name, document.id) not in frame.promises:
                    document._approval_void_all(_("The document changed before it was confirmed."))
                else:
                    document._approval_set_state(False)

    def _approval_waits(self):
        """Whether the document is in the state in which it waits for a decision."""
        return True

    def _approval_facts_when_rejected(self):
        """``{id: facts}`` of documents that people rejected and that policy alone does not pass afterwards."""
        return {}

    def _approval_outdated(self):
        """Why what was approved cannot come about any more, in a sentence; usually nothing."""
        return False

    def _approval_form(self):
        """The record whose form people open when they open this document."""
        return self

    def action_open_document(self):
        """Open the form in which people work on this document."""
        self.ensure_one()
        # Only which record it is; opening it takes the right to read it.
        record = self.sudo()._approval_form()
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
        }

    def _approval_waits_for_others(self):
        """Whether a release cannot take effect yet because another document holds the same thing."""
        return False

    def _approval_is_cancelled(self):
        self.ensure_one()
        return "state" in self._fields and self.sudo().state == "cancel"

    def _approval_void_all(self, reason):
        """No release of these documents counts any more, and nothing is asked for them."""
        if not self:
            return
        releases = self.env["distribution.approval.release"]._valid_for(self)
        voided = self.env["distribution.approval.release"].union(*releases.values()) if releases else None
        if voided:
            voided._void(reason)
            self.filtered(lambda document: document.id in releases)._approval_event(
                "release_voided", {"reason": reason}
            )
        self._approval_close_requests(reason)
        self._approval_set_state("void" if voided else False)

    def _approval_close_requests(self, reason):
        requests = (
            self.env["distribution.approval.request"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("state", "in", ("pending", "question", "revision", "on_hold", "approved")),
                ]
            )
        )
        requests.filtered(lambda request: request.state != "approved" or request.resume_state != "done")._void(reason)

    # ------------------------------------------------------------ for people

    @api.model
    def _approval_standing(self, request):
        """What an approver should know beside the document, as HTML (vendor, open orders …)."""
        return False

    @api.model
    def _approval_fact_words(self, stored):
        """``[(label, value in words, known)]`` of facts as :func:`encode_facts` wrote them."""
        specs = self._approval_all_fact_specs()
        words = []
        for name, value in decode_facts(specs, stored).items():
            spec = specs.get(name)
            if isinstance(value, Unknown):
                # Facts that no rule asks about are not worked out.
                if value.reason != NOT_ASKED:
                    words.append((spec.label if spec else name, _("unknown: %s", value.reason), False))
                continue
            words.append((spec.label, self._approval_value_words(spec, value), True))
        return words

    @api.model
    def _approval_value_words(self, spec, value):
        if value is None or value == frozenset():
            return "–"
        if spec.type is FactType.FLAG:
            return _("yes") if value else _("no")
        if spec.type is FactType.MONEY:
            return f"{value:,.2f}"
        if spec.type is FactType.PERCENT:
            return f"{value:.1f} %"
        if spec.model:
            ids = sorted(value) if isinstance(value, frozenset) else [value]
            return ", ".join(self.env[spec.model].sudo().browse(ids).exists().mapped("display_name"))
        if isinstance(value, frozenset):
            return ", ".join(spec.option_label(item) for item in sorted(value))
        return spec.option_label(value) if spec.options else str(value)

    @api.model
    def _approval_name_of(self, field, value):
        """The value of a controlled field in words."""
        if value is None or value == () or value == "":
            return "–"
        model = {item.name: item.model for item in self._approval_fields()}.get(field)
        if model:
            ids = [int(item) for item in (value if isinstance(value, (tuple, list)) else (value,))]
            return ", ".join(self.env[model].sudo().browse(ids).exists().mapped("display_name"))
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, (Decimal, float)):
            return f"{value:,.2f}"
        chosen = self._fields.get(field)
        if chosen and chosen.type == "selection":
            return dict(chosen._description_selection(self.env)).get(value, str(value))
        return str(value)

    @api.model
    def _approval_content_words(self, snapshot, before=None):
        """``{"columns": …, "rows": …, "header": …}`` of a snapshot, names instead of ids.

        :param before: the snapshot that it replaces, to mark what changed
        """
        columns = [field for field in self._approval_line if field.name not in self._approval_not_shown]

        def row(values):
            return [self._approval_name_of(field.name, values.get(field.name)) for field in columns]

        rows = []
        for key, values in snapshot.lines.items():
            old = before.lines.get(key) if before else None
            status = "" if before is None or old == values else "added" if old is None else "changed"
            rows.append({"status": status, "cells": row(values), "before": row(old) if status == "changed" else None})
        if before:
            rows.extend(
                {"status": "removed", "cells": row(values), "before": None}
                for key, values in before.lines.items()
                if key not in snapshot.lines
            )
        header = [
            (
                field.label,
                self._approval_name_of(field.name, snapshot.header.get(field.name)),
                self._approval_name_of(field.name, before.header.get(field.name))
                if before and before.header.get(field.name) != snapshot.header.get(field.name)
                else None,
            )
            for field in self._approval_header
            if field.name not in self._approval_not_shown
        ]
        return {"header": header, "columns": [field.label for field in columns], "rows": rows}

    @api.model
    def _approval_in_company_currency(self, value, currency, company):
        """``value`` (Decimal) of ``currency`` at today's rate: Decimal, or Unknown without a reliable rate."""
        if currency == company.currency_id:
            return value
        doubt = currency._approval_rate_doubt(company)
        if doubt:
            return Unknown(doubt)
        return as_decimal(currency._convert(float(value), company.currency_id, company, today(company)))

    # ----------------------------------------------------------------- events

    def _approval_event(self, fact, data, **kwargs):
        """Record ``distribution.<document>.<fact>.v1`` for each of ``self``; one INSERT."""
        return (
            self.env["distribution.event"]
            .sudo()
            ._record(f"distribution.{self._approval_type}.{fact}.v1", self, data, **kwargs)
        )

    # ---------------------------------------------------------------- actions

    def action_approval_open(self):
        """Open the requests of this document."""
        self.ensure_one()
        requests = self.env["distribution.approval.request"].search(
            [("res_model", "=", self._name), ("res_id", "=", self.id)]
        )
        action = {
            "type": "ir.actions.act_window",
            "name": _("Approvals of %s", self.display_name),
            "res_model": "distribution.approval.request",
            "view_mode": "tree,form",
            "domain": [("id", "in", requests.ids)],
        }
        if len(requests) == 1:
            action.update(view_mode="form", res_id=requests.id)
        return action

    def action_approval_decide(self):
        """Open the task on this document that waits for the present user."""
        self.ensure_one()
        task = self.sudo().approval_request_id._my_task()
        if not task:
            raise UserError(_("Nothing on %s waits for your decision.", self.display_name))
        return {
            "type": "ir.actions.act_window",
            "name": _("Decide"),
            "res_model": "distribution.approval.task",
            "res_id": task.id,
            "view_mode": "form",
        }

    def action_approval_withdraw(self):
        """The requester takes the request back."""
        for document in self:
            request = document.sudo().approval_request_id
            request.with_env(self.env(su=False)).action_withdraw()
        return True
