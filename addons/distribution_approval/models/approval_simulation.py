"""What a policy version would do to the documents of the last months. It changes nothing.

Facts are those that were recorded when a document was judged; what no rule asked about then is worked
out from the document as it is today, and counted. Both the simulated version and the one in force are
applied to the same facts, with their fast paths: document by document, each counting against the ceilings
of the day on which it was judged.

What was done before governance began, and has no document therefore, is judged as well (``approval_past.py``).
What nothing tells afterwards is unknown, and the result says what, why and for how many documents.

Each batch is judged inside a savepoint that is rolled back: whatever reading facts may do leaves no
trace. Then its result lines are written, and the batch is committed on its own, so that a stopped
run goes on where it was.
"""

import json
import logging
import time
from collections import Counter
from decimal import Decimal

import psycopg2
from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.compat import may

from ..engine import EngineError, Unknown, decode_facts
from .approval_fast_path import SITE_FACT, by_fast_path, room_left, scenario_of
from .approval_mixin import NOT_ASKED
from .approval_past import looking_back
from .approval_policy import day_of, document_models

_logger = logging.getLogger(__name__)

#: Documents of one batch.
BATCH = 1000
#: Up to so many documents the user waits for the result; more are left to a scheduled action.
AT_ONCE = 200
#: Seconds after which the scheduled action makes room for others and has itself called again.
TURN = 240

OUTCOMES = [("pass", "Passes"), ("require", "Needs approval"), ("refuse", "Refused"), ("hold", "Held")]
#: What a person says when asking for a simulation; everything else is the result.
ASKED = {"version_id", "months", "company_ids"}
#: What is counted document by document, and how far that is.
COUNTED = (
    "done",
    "last_ref",
    "passed",
    "fast",
    "routed",
    "refused",
    "held",
    "changed",
    "facts_of_today",
    "past",
    "unknown",
)
RESULTS = (*COUNTED, "since", "total", "started_at", "finished_at", "error", "digest", "tally")


class ApprovalSimulation(models.Model):
    _name = "distribution.approval.simulation"
    _description = "Simulation of an Approval Policy"
    _order = "id desc"
    _rec_names_search = ["version_id"]

    version_id = fields.Many2one(
        "distribution.approval.policy.version", required=True, ondelete="cascade", index=True, string="Policy Version"
    )
    document_type = fields.Selection(related="version_id.document_type")
    months = fields.Integer(
        default=3,
        required=True,
        string="Months back",
        help="Documents created in the last so many months, or done then before governance began.",
    )
    company_ids = fields.Many2many(
        "res.company",
        "distribution_approval_simulation_company_rel",
        default=lambda self: self.env.companies,
        string="Companies",
    )
    user_id = fields.Many2one("res.users", string="Asked by", default=lambda self: self.env.user, readonly=True)
    state = fields.Selection(
        [
            ("draft", "To start"),
            ("queued", "Queued"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        default="draft",
        required=True,
        readonly=True,
    )
    since = fields.Datetime(readonly=True)
    total = fields.Integer(string="Documents", readonly=True)
    done = fields.Integer(string="Simulated", readonly=True)
    progress = fields.Float(compute="_compute_progress")
    last_ref = fields.Integer(readonly=True, help="Id of the last document that was simulated.")
    started_at = fields.Datetime(readonly=True)
    finished_at = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True)
    digest = fields.Char(readonly=True, help="What was simulated: the digest of the version's content.")
    outdated = fields.Boolean(compute="_compute_outdated", help="The draft was edited after this simulation.")
    passed = fields.Integer(string="Pass", readonly=True)
    fast = fields.Integer(string="of these by Fast Path", readonly=True)
    routed = fields.Integer(string="Need Approval", readonly=True)
    refused = fields.Integer(readonly=True)
    held = fields.Integer(readonly=True)
    changed = fields.Integer(readonly=True, help="Documents for which the version in force says something else.")
    facts_of_today = fields.Integer(
        string="With Facts of Today",
        readonly=True,
        help="Documents for which a fact was not recorded when they were judged: it was worked out from "
        "the document as it is today.",
    )
    past = fields.Integer(
        string="From before Governance",
        readonly=True,
        help="What was done without asking the policy, since this document type was not governed then.",
    )
    unknown = fields.Integer(
        string="With Unknown Facts",
        readonly=True,
        help="Documents for which a fact that rules read is not known: it was not then, or nothing tells it "
        "afterwards. Where the verdict depends on it, it is that of a document that is held.",
    )
    unknown_words = fields.Text(compute="_compute_unknown_words", string="Unknown Facts")
    past_words = fields.Text(compute="_compute_past_words", string="Before Governance")
    tally = fields.Text(readonly=True)
    line_ids = fields.One2many("distribution.approval.simulation.line", "simulation_id", readonly=True)
    load_ids = fields.One2many("distribution.approval.simulation.load", "simulation_id", readonly=True)

    @api.depends("version_id", "months")
    def _compute_display_name(self):
        for simulation in self:
            simulation.display_name = _(
                "%(version)s on %(months)s months", version=simulation.version_id.display_name, months=simulation.months
            )

    @api.depends("total", "done")
    def _compute_progress(self):
        for simulation in self:
            finished = simulation.state == "done"
            simulation.progress = 100.0 * simulation.done / simulation.total if simulation.total else 100.0 * finished

    @api.depends("digest", "version_id.rule_ids")
    def _compute_outdated(self):
        for simulation in self:
            simulation.outdated = bool(simulation.digest) and simulation.digest != simulation._digest_now()

    @api.depends("tally")
    def _compute_unknown_words(self):
        for simulation in self:
            counted = json.loads(simulation.tally or "{}").get("unknown", {})
            specs = simulation._model()._approval_all_fact_specs() if counted else {}
            lines = []
            for name, (count, why) in counted.items():
                label = specs[name].label if name in specs else name
                lines.append(_("%(fact)s: not known for %(count)s (%(why)s)", fact=label, count=count, why=why))
            simulation.unknown_words = "\n".join(lines)

    @api.depends("version_id")
    def _compute_past_words(self):
        for simulation in self:
            simulation.past_words = simulation._model()._approval_past_words() if simulation.version_id else ""

    @api.constrains("months")
    def _check_months(self):
        if any(not 1 <= simulation.months <= 36 for simulation in self):
            raise ValidationError(_("months: choose 1 to 36 months."))

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_results(vals)
            # Explicitly: defaults in the context of the caller would count else.
            vals.update(dict.fromkeys(RESULTS, False), state="draft", user_id=self.env.uid)
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._refuse_results(vals)
            if any(simulation.state != "draft" for simulation in self):
                raise UserError(_("A simulation that was started is not changed. Make a new one."))
        return super().write(vals)

    def _refuse_results(self, vals):
        results = vals.keys() - ASKED
        if results and not self.env.su:
            raise AccessError(_("%s: results are not written by hand.", ", ".join(sorted(results))))

    # --------------------------------------------------------------- actions

    def action_run(self):
        """Start: at once when there are few documents, else as a job that shows its progress."""
        self.ensure_one()
        self._check_role()
        if self.state not in ("draft", "failed", "cancelled"):
            raise UserError(_("This simulation was started already."))
        if self.company_ids - self.env.user.company_ids:
            raise AccessError(_("company_ids: choose companies in which you work."))
        # Whoever may ask for simulations sees results of whole companies; the documents stay closed.
        simulation = self.sudo()
        simulation._start()
        if simulation.total <= AT_ONCE:
            while simulation.state in ("queued", "running"):
                simulation._advance()
        else:
            self.env.ref("distribution_approval.ir_cron_simulation").sudo()._trigger()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id, "view_mode": "form"}

    def action_cancel(self):
        self._check_role()
        self.filtered(lambda simulation: simulation.state in ("queued", "running")).sudo().write({"state": "cancelled"})
        return True

    def action_lines(self):
        """The documents, as pivot, graph and list."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_simulation_line")
        action["domain"] = [("simulation_id", "=", self.id)]
        return action

    def action_load(self):
        """The work per approver as a graph."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_simulation_load")
        action["domain"] = [("simulation_id", "=", self.id)]
        return action

    def _check_role(self):
        user = self.env.user
        if not (
            user.has_group("distribution_core.group_policy_author")
            or user.has_group("distribution_core.group_policy_publisher")
        ):
            raise AccessError(_("Simulating takes the role Policy Author or Policy Publisher."))

    # ------------------------------------------------------------------- job

    @api.model
    def _cron_run(self, commit=True):
        """Work on what is queued, batch by batch, until nothing is left or the turn is over.

        Two workers never take the same batch: the row of a simulation is locked while one of its
        batches is worked out.
        """
        deadline = time.monotonic() + TURN
        while time.monotonic() < deadline:
            simulation = self._next_queued()
            if not simulation:
                return
            simulation_id = simulation.id
            try:
                simulation._advance()
                if commit:
                    # Each batch is finished work: a stopped run goes on behind it.
                    self.env.cr.commit()  # pylint: disable=invalid-commit
            except psycopg2.errors.SerializationFailure:
                if not commit:
                    raise
                self.env.cr.rollback()
            except Exception as error:
                if not commit:
                    raise
                _logger.exception("Simulation %s failed", simulation_id)
                self.env.cr.rollback()
                self.browse(simulation_id).sudo()._fail(str(error))
                self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.ref("distribution_approval.ir_cron_simulation")._trigger()

    @api.model
    def _next_queued(self):
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT id FROM distribution_approval_simulation
                WHERE state IN ('queued', 'running')
             ORDER BY id
                LIMIT 1
           FOR UPDATE SKIP LOCKED"""
        )
        row = self.env.cr.fetchone()
        simulation = self.browse(row[0] if row else ()).sudo()
        simulation.invalidate_recordset()
        return simulation

    def _fail(self, reason):
        self.write({"state": "failed", "error": reason, "finished_at": fields.Datetime.now()})

    def _digest_now(self):
        self.ensure_one()
        version = self.version_id.sudo()
        return version.draft_digest if version.state == "draft" else version.digest

    def _model(self):
        return self.env[document_models(self.env)[self.version_id.document_type]].sudo()

    def _companies(self):
        return self.version_id.company_id or self.company_ids

    def _domain(self):
        model = self._model()
        return [
            ("company_id", "in", self._companies().ids),
            ("create_date", ">=", self.since),
            *model._approval_simulated_domain(),
        ]

    def _start(self):
        self.ensure_one()
        self._compiled_table()  # raises what is wrong with the version
        self.line_ids.unlink()
        self.load_ids.unlink()
        now = fields.Datetime.now()
        self.write(
            {
                **dict.fromkeys(COUNTED, 0),
                "state": "queued",
                "error": False,
                "since": now - relativedelta(months=self.months),
                "started_at": now,
                "finished_at": False,
                "digest": self._digest_now(),
                "tally": json.dumps({"work": [], "fast": [], "hours": self._hours(), "past": 0, "unknown": {}}),
            }
        )
        model = self._model()
        self.total = model.search_count(self._domain()) + len(model._approval_past_ids(self._companies(), self.since))

    def _compiled_table(self):
        version = self.version_id
        try:
            return version._compile_draft() if version.state == "draft" else version._compile()
        except EngineError as error:
            raise UserError(str(error)) from error

    def _hours(self):
        """Median hours from asking to deciding, per approver entry (and of all, under "")."""
        self.env["distribution.approval.task"].flush_model()
        self.env.cr.execute(
            """SELECT concat(approver_kind, ':', approver_key), count(*),
                      percentile_cont(0.5) WITHIN GROUP
                      (ORDER BY extract(epoch FROM closed_at - opened_at) / 3600)
                 FROM distribution_approval_task
                WHERE state IN ('approved', 'rejected') AND opened_at IS NOT NULL AND closed_at IS NOT NULL
                  AND document_type = %s AND company_id = ANY(%s) AND closed_at >= %s
             GROUP BY GROUPING SETS ((approver_kind, approver_key), ())""",
            (
                self.version_id.document_type,
                self._companies().ids,
                fields.Datetime.now() - relativedelta(months=max(self.months, 6)),
            ),
        )
        # The set of all comes as ":" – no approver entry has neither kind nor key.
        return {who: [count, float(hours)] for who, count, hours in self.env.cr.fetchall() if count}

    def _advance(self):
        """Work out one batch. Queries do not depend on the number of its documents."""
        self.ensure_one()
        if self.digest != self._digest_now():
            self._fail(_("The version was edited while it was simulated. Start again."))
            return
        model, tally = self._model(), json.loads(self.tally)
        documents = model.browse()
        if not tally["past"]:
            documents = model.search([("id", ">", self.last_ref), *self._domain()], order="id", limit=BATCH)
        sources = []
        if not documents:
            sources = model._approval_past_ids(self._companies(), self.since, after=tally["past"], limit=BATCH)
        if not documents and not sources:
            self._finish()
            return
        taken = Taken(tally["fast"])
        rows, today = self._judge(documents, sources, tally["hours"], taken)
        work = Counter({tuple(entry[:3]): entry[3] for entry in tally["work"]})
        unknown = tally["unknown"]
        for row in rows:
            work.update(row.pop("work"))
            for name, why in row.pop("unknown").items():
                unknown[name] = [unknown.get(name, [0])[0] + 1, why]
        self.env["distribution.approval.simulation.line"].create(rows)
        outcomes = Counter(row["outcome"] for row in rows)
        self.write(
            {
                "state": "running",
                "done": self.done + len(rows),
                "last_ref": documents.ids[-1] if documents else self.last_ref,
                "past": self.past + len(sources),
                "unknown": self.unknown + sum(bool(row["unknown_facts"]) for row in rows),
                "passed": self.passed + outcomes["pass"],
                "fast": self.fast + sum(bool(row["fast_path"]) for row in rows),
                "routed": self.routed + outcomes["require"],
                "refused": self.refused + outcomes["refuse"],
                "held": self.held + outcomes["hold"],
                "changed": self.changed + sum(row["changed"] for row in rows),
                "facts_of_today": self.facts_of_today + today,
                "tally": json.dumps(
                    {
                        **tally,
                        "fast": taken.stored(),
                        "work": [[*key, count] for key, count in work.items()],
                        "past": sources[-1] if sources else tally["past"],
                        "unknown": unknown,
                    }
                ),
            }
        )
        self.env.flush_all()
        self.env.invalidate_all()
        _logger.info("Simulation %s: %s of %s documents", self.id, self.done, self.total)
        last = len(documents or sources) < BATCH
        if last and (sources or not model._approval_past_ids(self._companies(), self.since, limit=1)):
            self._finish()

    def _finish(self):
        """The work per approver, from the tally of all batches."""
        tally = json.loads(self.tally)
        hours = tally["hours"]
        loads = {}
        for which, who, name, count in tally["work"]:
            load = loads.setdefault(who, {"name": name, "new": 0, "current": 0})
            load[which] += count
        self.env["distribution.approval.simulation.load"].create(
            [
                {
                    "simulation_id": self.id,
                    "approver": who,
                    "name": load["name"],
                    "tasks": load["new"],
                    "current_tasks": load["current"],
                    "difference": load["new"] - load["current"],
                    "decided_before": hours.get(who, [0, 0])[0],
                    "median_hours": _median(hours, who),
                    "waiting_hours": _median(hours, who) * load["new"],
                    "is_estimate_of_all": who not in hours,
                }
                for who, load in sorted(loads.items())
            ]
        )
        self.write({"state": "done", "total": self.done, "finished_at": fields.Datetime.now()})

    # -------------------------------------------------------------- judging

    def _judge(self, documents, sources, hours, taken):
        """``(result lines, how many documents needed a fact of today)``; leaves no trace.

        :param sources: ids of what was done before governance, judged beside ``documents``
        """
        self.env.flush_all()
        savepoint = self.env.cr.savepoint()
        try:
            return self._judge_all(documents | documents._approval_stand_ins(sources), hours, taken)
        finally:
            self.env.invalidate_all(flush=False)
            savepoint.close(rollback=True)

    def _judge_all(self, documents, hours, taken):
        table, stamp = self._compiled_table(), self.version_id._variants_in_force()
        fast = self.version_id._simulated_fast_table()
        current = {company: self._current(documents, company) for company in documents.company_id}
        tables = [table, fast[0]]
        for _version, own_table, _stamp, own_fast in current.values():
            tables += [own_table, own_fast[0]]
        asked = set().union(*(each.used_facts for each in tables if each))
        facts, moments, today = self._facts(documents, asked)
        specs = documents._approval_all_fact_specs()
        rows = []
        for document in documents.sorted(lambda document: (moments[document.id], abs(document.id))):
            known = facts[document.id]
            unknown = {name: known[name].reason for name in asked if isinstance(known.get(name), Unknown)}
            source = document._approval_past_source() if document._approval_is_stand_in() else document
            version, own_table, own_stamp, own_fast = current[document.company_id]
            place = document, known, moments[document.id]
            judgement = self._simulated("new", self.version_id, table, stamp, fast, place, taken)
            new = judgement.verdict
            old = (
                self._simulated("current", version, own_table, own_stamp, own_fast, place, taken).verdict
                if own_table
                else None
            )
            amount = known.get("amount")
            rows.append(
                {
                    "simulation_id": self.id,
                    "res_model": source._name,
                    "res_id": source.id,
                    "document_name": document._approval_name(),
                    "company_id": document.company_id.id,
                    "site_id": document._approval_site().id,
                    "created_on": document.create_date,
                    "amount": 0.0 if amount is None or isinstance(amount, Unknown) else float(amount),
                    "outcome": new.outcome,
                    "fast_path": judgement.fast_path or False,
                    "current_outcome": old.outcome if old else "hold",
                    "changed": old is None or _says(new) != _says(old),
                    "rules": ", ".join(rule.name for rule in new.matched) or " ".join(new.reasons),
                    "current_rules": (", ".join(rule.name for rule in old.matched) or " ".join(old.reasons))
                    if old
                    else "",
                    "approvers": ", then ".join(
                        " and ".join(need.name or need.approver.label for need in stage.requirements)
                        for stage in new.stages
                    ),
                    "tasks": sum(need.quorum for stage in new.stages for need in stage.requirements),
                    "waiting_hours": sum(
                        max(_median(hours, _who(need)) for need in stage.requirements) for stage in new.stages
                    ),
                    "unknown": unknown,
                    "unknown_facts": ", ".join(specs[name].label for name in sorted(unknown) if name in specs),
                    "work": Counter(_work("new", new)) + Counter(_work("current", old) if old else ()),
                }
            )
        return rows, len(today)

    def _simulated(self, which, version, table, stamp, fast, place, taken):
        """What ``version`` says, by a fast path where one has room.

        :param which: "new" or "current": each has ceilings of its own
        :param place: (document, its facts, when it was judged)
        """
        document, known, moment = place
        judgement = self.env["distribution.approval.judge"]._judgement(document, version, table, stamp, known)
        scenario = scenario_of(judgement, fast)
        if not scenario:
            return judgement
        rule, name, ceilings = scenario
        site = known.get(SITE_FACT)
        if SITE_FACT not in known and SITE_FACT in document._approval_all_fact_specs():
            site = document._approval_site().id
        site = None if isinstance(site, Unknown) else site or None
        day = day_of(document.company_id, moment).isoformat()
        if not taken.takes((which, name, document.company_id.id, day), judgement.amount, site, ceilings):
            return judgement
        return by_fast_path(judgement, rule, name)

    def _current(self, documents, company):
        """``(version in force, its table, its local variants, its fast paths)`` for ``company``; no table:
        everything is held."""
        version = self.env["distribution.approval.policy"]._effective_version(documents._approval_type, company)
        try:
            compiled = version._compile() if version else None
            return version, compiled, version._variants_in_force(), version._simulated_fast_table()
        except (UserError, EngineError, LookupError):
            return version, None, "", (None, {})

    def _facts(self, documents, names):
        """``({id: facts}, {id: when it was judged, else made}, ids of documents that needed facts of today)``."""
        specs = documents._approval_all_fact_specs()
        facts, missing, unasked = {}, documents.browse(), set()
        recorded = self._recorded_facts(documents)
        moments = {
            document.id: recorded[document.id][1] if document.id in recorded else document.create_date
            for document in documents
        }
        for document in documents:
            own = decode_facts(specs, json.loads(recorded[document.id][0])) if document.id in recorded else {}
            facts[document.id] = {
                name: value
                for name, value in own.items()
                if name in specs and not (isinstance(value, Unknown) and value.reason == NOT_ASKED)
            }
            lacking = names - facts[document.id].keys()
            if lacking:
                missing |= document
                unasked |= lacking
        with looking_back(self.env, {(documents._name, key): moment for key, moment in moments.items()}):
            for document_id, values in self._facts_of_today(missing, unasked).items():
                facts[document_id] = {**values, **facts[document_id]}
        return facts, moments, missing.ids

    def _recorded_facts(self, documents):
        """``{id: (facts as stored, when)}`` of the last judgement of each document; one query."""
        self.env.cr.execute(
            """SELECT DISTINCT ON (judged.res_id) judged.res_id, judged.facts, judged.moment
                 FROM (SELECT res_id, facts, released_at AS moment, 1 AS rank, id
                         FROM distribution_approval_release
                        WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
                          AND kind IN ('policy', 'fast_path', 'approval') AND facts IS NOT NULL
                        UNION ALL
                       SELECT request.res_id, snapshot.facts, snapshot.taken_at AS moment, 2 AS rank, snapshot.id
                         FROM distribution_approval_snapshot snapshot
                         JOIN distribution_approval_request request ON request.id = snapshot.request_id
                        WHERE request.res_model = %(model)s AND request.res_id = ANY(%(ids)s)
                          AND request.kind = 'release') judged
             ORDER BY judged.res_id, judged.rank, judged.id DESC""",
            {"model": documents._name, "ids": documents.ids},
        )
        return {res_id: (facts, moment) for res_id, facts, moment in self.env.cr.fetchall()}

    def _facts_of_today(self, documents, names):
        if not documents:
            return {}
        try:
            facts = documents._approval_facts_of_past(set(names))
        except (UserError, ValueError, LookupError) as error:
            if len(documents) == 1:
                return {documents.id: {name: Unknown(str(error)) for name in names}}
            return {
                key: values for document in documents for key, values in self._facts_of_today(document, names).items()
            }
        if "requester" in names:
            # Who looks is not who asked.
            nobody = Unknown(_("it is not recorded who did it"))
            for document in documents:
                facts[document.id]["requester"] = document.create_uid.id or nobody
        return facts


class Taken:
    """What fast paths let pass in a simulation, by scenario, company and day; goes on from batch to batch."""

    __slots__ = ("rows",)

    def __init__(self, stored):
        self.rows = {}
        for *scenario, site, amount in stored:
            self._count(tuple(scenario), site, Decimal(amount))

    def _count(self, scenario, site, amount):
        sites = self.rows.setdefault(scenario, {})
        sites[site] = sites.get(site, Decimal(0)) + amount

    def takes(self, scenario, amount, site, ceilings):
        """Whether there is room for ``amount``; then it counts."""
        counted = {("site", place): (taken, place) for place, taken in self.rows.get(scenario, {}).items()}
        if room_left(counted, "this one", amount, site, ceilings) is None:
            return False
        self._count(scenario, site, amount)
        return True

    def stored(self):
        """As JSON keeps it."""
        return [
            [*scenario, site, str(amount)] for scenario, sites in self.rows.items() for site, amount in sites.items()
        ]


def _says(verdict):
    return verdict.outcome, verdict.stages


def _who(need):
    return f"{need.approver.kind}:{need.approver.key}"


def _work(which, verdict):
    return {
        (which, _who(need), need.approver.label or need.name or need.approver.kind): need.quorum
        for stage in verdict.stages
        for need in stage.requirements
    }


def _median(hours, who):
    """Hours from experience with this approver; without any, with all together."""
    return hours.get(who, hours.get(":", [0, 0.0]))[1]


class ApprovalSimulationLine(models.Model):
    _name = "distribution.approval.simulation.line"
    _description = "Simulated Document"
    _log_access = False
    _order = "simulation_id, id"
    _rec_name = "document_name"

    simulation_id = fields.Many2one(
        "distribution.approval.simulation", required=True, readonly=True, ondelete="cascade", index=True
    )
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(string="Document Id", model_field="res_model", readonly=True)
    document_name = fields.Char(string="Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    site_id = fields.Many2one("stock.warehouse", readonly=True, ondelete="set null")
    created_on = fields.Datetime(readonly=True)
    amount = fields.Monetary(readonly=True, help="In company currency, as judged.")
    outcome = fields.Selection(OUTCOMES, readonly=True, string="Simulated")
    current_outcome = fields.Selection(OUTCOMES, readonly=True, string="In Force")
    changed = fields.Boolean(readonly=True)
    fast_path = fields.Char(readonly=True, help="The pre-approved scenario by which it would have passed.")
    rules = fields.Char(readonly=True)
    current_rules = fields.Char(readonly=True, string="Rules in Force")
    approvers = fields.Char(readonly=True)
    unknown_facts = fields.Char(readonly=True, help="Facts that rules read and that are not known.")
    tasks = fields.Integer(string="Approvals", readonly=True)
    waiting_hours = fields.Float(
        string="Waiting (h)", readonly=True, help="Estimated from how long these approvers took so far."
    )

    can_open = fields.Boolean(compute="_compute_can_open", compute_sudo=False)

    @api.depends("res_model")
    @api.depends_context("uid")
    def _compute_can_open(self):
        for line in self:
            line.can_open = line.res_model in self.env and may(self.env[line.res_model], "read")

    def action_open_document(self):
        """Open the document, with the reader's own rights."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }


class ApprovalSimulationLoad(models.Model):
    _name = "distribution.approval.simulation.load"
    _description = "Simulated Work of an Approver"
    _log_access = False
    _order = "simulation_id, tasks desc, id"

    simulation_id = fields.Many2one(
        "distribution.approval.simulation", required=True, readonly=True, ondelete="cascade", index=True
    )
    approver = fields.Char("Approver Key", readonly=True, help="Kind and id of the approver.")
    name = fields.Char(string="Approver", readonly=True)
    tasks = fields.Integer(string="Approvals", readonly=True)
    current_tasks = fields.Integer(string="Approvals in Force", readonly=True)
    difference = fields.Integer(readonly=True)
    decided_before = fields.Integer(string="Decided so far", readonly=True)
    median_hours = fields.Float(string="Median (h)", readonly=True, group_operator="avg")
    waiting_hours = fields.Float(string="Waiting in Total (h)", readonly=True)
    is_estimate_of_all = fields.Boolean(
        string="From All Approvers",
        readonly=True,
        help="This approver has no history yet: the median of all was taken.",
    )


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    def _approval_facts_of_past(self, names):
        """Facts of documents that were not judged at their time, for a simulation.

        As :meth:`_approval_facts`. A document overrides it for what adds up other documents: those
        that are simulated together did not come at the same time.
        """
        return self._approval_all_facts(names)

    @api.model
    def _approval_simulated_domain(self):
        """Which documents a simulation looks at: those in force, and those that asked for approval."""
        return ["|", ("approval_state", "!=", False), *_in_one(self._approval_guarded_domain())]


def _in_one(domain):
    """A domain with its implicit "and" written out, so that it can stand behind an operator."""
    written, open_places = [], 1
    for term in domain:
        if not open_places:
            written.insert(0, "&")
            open_places = 1
        open_places += {"!": 0, "&": 1, "|": 1}.get(term, -1) if isinstance(term, str) else -1
        written.append(term)
    return written or [(1, "=", 1)]


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    simulation_ids = fields.One2many("distribution.approval.simulation", "version_id")
    simulation_count = fields.Integer(compute="_compute_simulation_count")

    @api.depends("simulation_ids")
    def _compute_simulation_count(self):
        for version in self:
            version.simulation_count = len(version.simulation_ids)

    def action_simulate(self):
        """Ask for a simulation of this version."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Simulate: %s", self.display_name),
            "res_model": "distribution.approval.simulation",
            "view_mode": "form",
            "context": {"default_version_id": self.id},
        }

    def action_simulations(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_simulation")
        action["domain"] = [("version_id", "=", self.id)]
        action["context"] = {"default_version_id": self.id}
        return action
