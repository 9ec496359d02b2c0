"""Whether somebody is asked to release a report: said where it is written and published, not when it is due.

Rules, in words
---------------
* What a release pattern asks for and what the policy for report releases does are two things: nobody is told that
  finance signs where no rule asks finance.
* The policy in force is asked about an edition of this report as it is on a good day; for what depends on a threshold
  both ways. What a rule wants to know beyond that is not guessed.
* It is asked as it is applied at the place of the report: by its rules for a site and the local variants that count
  there. A report of the whole company may be run for any of its sites: where that makes a difference, it is said.
* Who finance is, policy says and nobody else: a rule that asks people for another reason is no answer to a pattern.
* It is a warning, not a problem: a policy may come later. Until then no edition goes out without those whom its pattern
  asks for; what happens instead is said.
"""

from collections import defaultdict

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_approval.engine import EngineError

from ..engine.run import people_needed
from .report_edition import AUDIENCE

#: A rule that looks at one of these was made for reports of this kind.
NAMING = ("release_pattern", "report")


class Report(models.Model):
    _inherit = "distribution.report"

    release_warning = fields.Text(related="version_id.release_warning")


class ReportVersion(models.Model):
    _inherit = "distribution.report.version"

    release_warning = fields.Text(compute="_compute_release_warning", string="Who Releases It")

    @api.depends("state", "release_pattern", "classification", "site_id", "category_id", "report_id")
    def _compute_release_warning(self):
        for version in self:
            found = version._release_warnings() if version.state != "retired" and version.report_id else ()
            version.release_warning = "\n".join(found) or False

    def _release_warnings(self):
        """What would happen to an edition that nobody releases, each with the remedy; nothing where all is well."""
        self.ensure_one()
        # sudo: whether somebody is asked concerns who writes a report, whoever may read policies
        releases, company = self.env["distribution.report.release"].sudo(), self.company_id
        named = {
            "pattern": dict(self._fields["release_pattern"]._description_selection(self.env))[self.release_pattern]
        }
        people = {crossed: people_needed(self.release_pattern, crossed) for crossed in (False, True)}
        if not releases._is_governed_in(company, self.site_id):
            if not any(people.values()):
                return []
            return [
                _(
                    "Release: “%(pattern)s” takes people, and report releases are not governed in %(company)s. Until "
                    "they are, an edition that takes people stops at its approval and goes to nobody. Turn governance "
                    "on (Configuration / Governance), with a policy whose rules name this release pattern.",
                    company=company.name,
                    **named,
                )
            ]
        policy = self.env["distribution.approval.policy"].sudo()._effective_version(releases._approval_type, company)
        if not policy:
            return [
                _(
                    "Release: no policy for report releases is in force in %(company)s. Until one is, every edition is "
                    "held and nobody is asked. Publish one (Configuration / Approval Policies) whose rules name the "
                    "release pattern “%(pattern)s”.",
                    company=company.name,
                    **named,
                )
            ]
        named["policy"] = policy.policy_id.name
        found = self._warnings_at(policy, self.site_id, people, named)
        elsewhere = defaultdict(list)
        if not self.site_id:
            # sudo: as above; sites are named to whoever writes a report of the whole company
            for site in self.env["stock.warehouse"].sudo().search([("company_id", "=", company.id)]):
                for text in self._warnings_at(policy, site, people, named):
                    if text not in found:
                        elsewhere[text].append(site.name)
        return [*found, *(f"{', '.join(names)}: {text}" for text, names in elsewhere.items())]

    def _warnings_at(self, policy, site, people, named):
        """What would happen to an edition of the site, or of the whole company."""
        said = {crossed: self._release_warning(policy, site, crossed, people[crossed], named) for crossed in people}
        if said[False] == said[True]:
            return [said[True]] if said[True] else []
        when = {False: _("While no threshold is crossed"), True: _("Once a threshold is crossed")}
        return [f"{when[crossed]}: {text}" for crossed, text in said.items() if text]

    def _release_warning(self, policy, site, crossed, people, named):
        """What the policy does with an edition, where that is not what its pattern promises; else nothing."""
        try:
            stamp = policy._variants_in_force()
            local = policy._local_table_at(self.company_id, site.sudo(), stamp) if stamp else None  # sudo: its region
            verdict = (local.compiled if local else policy._compile()).evaluate(self._release_facts(site, crossed))
        except (UserError, EngineError, LookupError, ValueError) as error:
            return _(
                "Release: policy “%(policy)s” cannot be applied (%(error)s): publish it anew.", error=error, **named
            )
        if verdict.outcome == "refuse":
            return _(
                "Release: policy “%(policy)s” refuses editions with “%(pattern)s”: none goes out. Choose another "
                "pattern, or change the rule.",
                **named,
            )
        if verdict.outcome == "hold":
            if verdict.undetermined:
                return ""  # what depends on something that only an edition has is not guessed
            return _(
                "Release: no rule of policy “%(policy)s” says who releases “%(pattern)s”: an edition is held and "
                "nobody is asked. Add a rule for this release pattern, and publish the policy.",
                **named,
            )
        asked = {need.approver for stage in verdict.stages for need in stage.requirements}
        if not people:
            return ""
        if len(asked) >= people:
            if any(one.fact in NAMING for rule in verdict.matched for one in rule.conditions):
                return ""
            return _(
                "Release: policy “%(policy)s” asks %(who)s, and no rule of it names “%(pattern)s”: nothing makes sure "
                "that these are whom it means. Add a rule for this release pattern, and publish the policy.",
                who=", ".join(sorted(one.label or one.kind for one in asked)),
                **named,
            )
        if not asked:
            return _(
                "Release: policy “%(policy)s” lets “%(pattern)s” pass without asking anybody: such an edition stops at "
                "its approval and goes to nobody. Have a rule for this release pattern ask them.",
                **named,
            )
        return _(
            "Release: policy “%(policy)s” asks one party only for “%(pattern)s”: an edition stops after they decided "
            "and goes to nobody. Have the rule ask two, each another group or person.",
            **named,
        )

    def _release_facts(self, site, crossed):
        """The facts of an edition whose inputs are fresh and whose checks passed."""
        report = self.report_id
        return {
            "report": report.code,
            "audience": AUDIENCE[self.classification],
            "failed_checks": 0,
            "stale": False,
            "requester": report.owner_id.id,
            "release_pattern": self.release_pattern,
            "threshold_crossed": crossed,
            "classification": self.classification,
            "exceptions": int(crossed),
            "marked": False,
            "site": site.id or None,
            "category": self.category_id.id or None,
            "correction": False,
        }
