"""Fast paths: pre-approved scenarios that pass up to a ceiling per day and per site."""

import contextlib
import json
from dataclasses import replace
from decimal import Decimal

from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine import Problem, Table, Unknown, as_decimal, compile_table
from .approval_policy import today
from .approval_policy_version import _table_from_json
from .gate_frame import in_frame

#: The fact that tells the site of a document, where its type has one.
SITE_FACT = "site"


class ApprovalRule(models.Model):
    """A rule marked as fast path stands outside the decision table.

    Rules, in words:

    * It is asked only when the table says "needs approval": what policy refuses, or cannot judge, takes no
      fast path.
    * When all its conditions are known to be true, and the day's ceiling – and the site's – has room for the
      whole document, the document passes. Else it goes the normal route.
    * Several are asked in their order; the first that matches counts.
    """

    _inherit = "distribution.approval.rule"

    fast_path = fields.Boolean(
        help="A pre-approved scenario: a document that needs approval passes all the same, up to the ceilings."
    )
    fast_path_day = fields.Float(
        string="Ceiling per Day", help="Value of all documents that take this path on one day, in company currency."
    )
    fast_path_site = fields.Float(
        string="Ceiling per Site and Day", help="The same for each site; 0: the ceiling per day only."
    )

    def _frozen_columns(self):
        return (*super()._frozen_columns(), "fast_path", "fast_path_day", "fast_path_site")

    @api.constrains("fast_path", "fast_path_day", "fast_path_site", "outcome", "mode")
    def _check_fast_path(self):
        for rule in self.filtered("fast_path"):
            if rule.outcome != "pass" or rule.mode != "enforce":
                raise ValidationError(
                    _("Fast path “%s”: a fast path passes and is enforced. Choose these, or unmark it.", rule.name)
                )
            if rule.fast_path_day <= 0 or rule.fast_path_site < 0:
                raise ValidationError(_("Fast path “%s”: say up to which amount per day.", rule.name))

    def _fast_draft(self):
        """The table of these fast paths as they are now."""
        return Table(self.version_id._fact_specs(), tuple(rule._to_engine() for rule in self), "FIRST")

    def _demands(self):
        demands = super()._demands()
        if not self.fast_path:
            return demands
        ceilings = {"day": str(as_decimal(self.fast_path_day)), "site": str(as_decimal(self.fast_path_site))}
        return {**demands, "fast_path": ceilings}

    def _no_condition(self):
        return Problem(
            "error",
            str(self.id),
            "",
            _("Fast path “%s” has no condition.", self.name),
            _("Say for which documents it is meant."),
        )


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    def _table_rules(self):
        return super()._table_rules().filtered(lambda rule: not rule.fast_path)

    def _problems(self):
        problems = super()._problems()
        fast = self.rule_ids.filtered("fast_path")
        if fast:
            with contextlib.suppress(UserError):  # said by the table of the others already
                problems += [problem for problem in fast._fast_draft().validate() if problem.severity == "error"]
            problems += [rule._no_condition() for rule in fast if not rule.condition_ids]
        return problems

    def _fast_facts(self):
        """Names of the facts that the fast paths of this version read."""
        table, _ceilings = self._fast_table()
        if not table:
            return frozenset()
        return table.used_facts | ({SITE_FACT} & self._fact_specs().keys())

    def _fast_table(self):
        """(compiled table of the fast paths or None, ``{rule key: (name, ceiling per day, per site)}``)."""
        if not self or self.state == "draft":
            return None, {}
        return self._published_fast_table()

    def _simulated_fast_table(self):
        """The same; of a draft by its present rules."""
        fast = self.rule_ids.filtered("fast_path") if self.state == "draft" else self.rule_ids.browse()
        if not fast:
            return self._fast_table()
        return compile_table(fast._fast_draft()), {
            str(rule.id): (rule.name, as_decimal(rule.fast_path_day), as_decimal(rule.fast_path_site)) for rule in fast
        }

    @tools.ormcache("self.id", "self.digest")
    def _published_fast_table(self):
        # Whoever calls has compiled the version, and thereby compared it with its seal.
        rules = [rule for rule in json.loads(self.content or "{}").get("rules", ()) if _fast(rule)]
        if not rules:
            return None, {}
        table = compile_table(_table_of(rules, self._fact_specs()))
        return table, {
            rule["key"]: (rule["name"], Decimal(_fast(rule)["day"]), Decimal(_fast(rule)["site"])) for rule in rules
        }


def room_left(counted, key, amount, site, ceilings):
    """What is left of the day's ceiling when one more takes the path; None: there is no room for it.

    :param counted: ``{key: (amount, site)}`` of the day, and of the scenario; the one asked about counts once
    :param ceilings: per day, and per site and day (0: none)
    """
    others = [taken for other, taken in counted.items() if other != key]
    left = ceilings[0] - sum((taken for taken, _place in others), amount)
    at_site = sum((taken for taken, place in others if place == site), amount)
    return None if left < 0 or (ceilings[1] and at_site > ceilings[1]) else left


def by_fast_path(judgement, rule, name):
    """``judgement`` of a document that takes the fast path ``name`` instead of being asked."""
    verdict = replace(judgement.verdict, outcome="pass", matched=(rule, *judgement.verdict.matched), stages=())
    return replace(judgement, verdict=verdict, fast_path=name)


def scenario_of(judgement, fast_table):
    """``(rule, name, ceilings)`` of the fast path that is meant for what was judged, or None."""
    table, scenarios = fast_table
    if not table or judgement.verdict.outcome != "require" or isinstance(judgement.facts.get("amount"), Unknown):
        return None
    verdict = table.evaluate(judgement.facts)
    if verdict.outcome != "pass":
        return None
    name, day, site = scenarios[verdict.matched[0].key]
    return verdict.matched[0], name, (day, site)


def _fast(rule):
    """The ceilings of a published rule that is a fast path, or nothing."""
    return rule.get("demands", {}).get("fast_path")


def _table_of(rules, specs):
    return _table_from_json({"rules": rules, "hit_policy": "FIRST"}, specs)


class ApprovalFastPathUse(models.Model):
    """A document that took a fast path: counts against the ceilings of the day. Appended, never changed.

    A document that takes the path again on the same day (it was changed, or confirmed a second time)
    counts once, with its latest value.
    """

    _name = "distribution.approval.fast.path.use"
    _description = "Fast Path Taken"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "document_name"

    policy_id = fields.Many2one("distribution.approval.policy", required=True, ondelete="restrict")
    version_id = fields.Many2one("distribution.approval.policy.version", required=True, ondelete="restrict")
    scenario = fields.Char(required=True, help="Name of the fast path. It goes on counting under a next version.")
    company_id = fields.Many2one("res.company", required=True, ondelete="restrict")
    currency_id = fields.Many2one(related="company_id.currency_id")
    warehouse_id = fields.Many2one("stock.warehouse", string="Site", ondelete="restrict")
    day = fields.Date(required=True, help="Where the company works.")
    document_type = fields.Char(required=True)
    res_model = fields.Char(required=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True, string="Document Number")
    document_name = fields.Char(string="Document")
    amount = fields.Monetary(required=True)
    room = fields.Monetary(string="Left of the Day", help="What was left of the day's ceiling afterwards.")
    digest = fields.Char(required=True, help="SHA-256 of the content that passed.")
    user_id = fields.Many2one("res.users", string="By", required=True, ondelete="restrict")
    taken_at = fields.Datetime(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_approval_fast_path_use_day
                   ON distribution_approval_fast_path_use (policy_id, company_id, day)"""
        )

    @api.model
    def _take(self, documents, judgements, snapshots):
        """Judgements with those replaced that take a fast path. A few queries, whatever their number; none
        where no version has a fast path."""
        candidates = self._candidates(documents, judgements)
        if not candidates or not in_frame(self.env):
            return judgements
        self._take_turns(candidates)
        used = self._used(candidates)
        rows, judgements = [], dict(judgements)
        for document, rule, name, ceilings in candidates:
            judgement = judgements[document.id]
            scenario = judgement.version.policy_id.id, name, document.company_id.id
            counted = used.setdefault(scenario, {})
            site = judgement.facts.get(SITE_FACT)
            site = None if isinstance(site, Unknown) else site
            key = document._name, document.id
            left = room_left(counted, key, judgement.amount, site, ceilings)
            if left is None:
                continue
            counted[key] = judgement.amount, site
            judgements[document.id] = by_fast_path(judgement, rule, name)
            rows.append(
                {
                    "policy_id": judgement.version.policy_id.id,
                    "version_id": judgement.version.id,
                    "scenario": name,
                    "company_id": document.company_id.id,
                    "warehouse_id": site or False,
                    "day": today(document.company_id),
                    "document_type": document._approval_type,
                    "res_model": document._name,
                    "res_id": document.id,
                    "document_name": document._approval_name(),
                    "amount": judgement.amount,
                    "room": left,
                    "digest": snapshots[document.id].digest,
                    "user_id": self.env.uid,
                    "taken_at": fields.Datetime.now(),
                }
            )
        if rows:
            by_document = {use.res_id: use for use in self.sudo().create(rows)}
            documents.filtered(lambda document: document.id in by_document)._approval_event(
                "fast_path_taken",
                lambda document: {
                    "fast_path": by_document[document.id].scenario,
                    "policy_version_id": by_document[document.id].version_id.id,
                    "amount": str(judgements[document.id].amount),
                    "site_id": by_document[document.id].warehouse_id.id or None,
                    "digest": by_document[document.id].digest,
                },
            )
        return judgements

    @api.model
    def _outlook(self, document, judgement):
        """What a fast path would do for ``document`` if it were confirmed now; nothing is counted.

        :return: (the judgement, by the fast path where one has room; the fast path that is meant for the document:
            ``{"name", "day", "site", "left"}`` in company currency, ``left`` being None without room; or None)
        """
        scenario = scenario_of(judgement, judgement.version._simulated_fast_table())
        if not scenario:
            return judgement, None
        rule, name, ceilings = scenario
        used = self._used([(document,)]).get((judgement.version.policy_id.id, name, document.company_id.id), {})
        site = judgement.facts.get(SITE_FACT)
        site = None if isinstance(site, Unknown) else site
        left = room_left(used, (document._name, document.id), judgement.amount, site, ceilings)
        day, at_site = map(float, ceilings)
        outlook = {"name": name, "day": day, "site": at_site, "left": None if left is None else float(left)}
        return (judgement if left is None else by_fast_path(judgement, rule, name)), outlook

    @api.model
    def _candidates(self, documents, judgements):
        """``[(document, rule, name, ceilings)]`` of those that a fast path is meant for, by id."""
        found = []
        for document in documents.sorted("id"):
            judgement = judgements[document.id]
            if judgement.verdict.outcome == "require":
                scenario = scenario_of(judgement, judgement.version._fast_table())
                if scenario:
                    found.append((document, *scenario))
        return found

    @api.model
    def _take_turns(self, candidates):
        """Two transactions that take the same path at the same instant write the same row: one of them starts
        again, and then sees what the other one used."""
        self.env["distribution.approval.turn"]._take_rows(
            (f"fast_path:{document._approval_type}", document.company_id.id, 0) for document, *_rest in candidates
        )

    @api.model
    def _used(self, candidates):
        """``{(policy, scenario, company): {(model, id): (amount, site)}}`` of today; one query."""
        days = {document.company_id.id: today(document.company_id) for document, *_rest in candidates}
        self.flush_model()
        self.env.cr.execute(
            """SELECT policy_id, scenario, company_id, res_model, res_id, amount, warehouse_id
                 FROM distribution_approval_fast_path_use AS used
                 JOIN unnest(%s, %s) AS place (company_ref, place_day)
                   ON used.company_id = place.company_ref AND used.day = place.place_day
             ORDER BY used.id""",
            (list(days), list(days.values())),
        )
        used = {}
        for policy, scenario, company, model, res_id, amount, site in self.env.cr.fetchall():
            used.setdefault((policy, scenario, company), {})[model, res_id] = as_decimal(amount), site
        return used
