"""Gaps, overlaps and dead rules of a policy version, for who writes and who publishes it."""

from odoo import _, api, models
from odoo.exceptions import UserError

from ..engine import Problem, Table, analyse

#: Steps that opening a draft may take; the Analyse button takes as many as the engine allows.
STEPS_ON_FORM = 10_000
#: Findings listed on the form of a draft.
SHOWN_ON_FORM = 10


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    def _analysed_table(self):
        """The table as documents meet it: of a draft the live rules, else what was sealed."""
        self.ensure_one()
        if self.state == "draft":
            return self._decision_table()
        compiled = self._compile()
        return Table(compiled.specs, compiled.rules, compiled.hit_policy)

    def _problems(self):
        problems = super()._problems()
        if any(problem.severity == "error" for problem in problems):
            return problems
        table = self._decision_table()
        return problems + self._analysis_problems(analyse(table, max_steps=STEPS_ON_FORM), problems)

    def _analysis_problems(self, found, known=()):
        """What an analysis found, as warnings; ``known`` ones are not said again."""
        told = {problem.rule_key for problem in known if problem.message.startswith("The rule is never reached")}
        warnings = []

        def warn(rule_key, field, message, remedy):
            warnings.append(Problem("warning", rule_key, field, message, remedy))

        for rule, fact in found.contradictory:
            words = _("“%s” never matches: its conditions exclude each other.", rule.name)
            warn(rule.key, fact, words, _("Correct or remove it."))
        for rule, others in found.unreachable:
            if rule.key not in told:
                words = _(
                    "“%(rule)s” never decides: wherever it matches, %(others)s decides.",
                    rule=rule.name,
                    others=", ".join("“%s”" % other.name for other in others),
                )
                warn(rule.key, "sequence", words, _("Change its conditions or its place, or remove it."))
        for region in found.gaps[:SHOWN_ON_FORM]:
            words = _("No rule matches: %s.", region.describe(self._name_of))
            warn("", "rules", words, _("Such documents are held. Add a rule if they should not be."))
        if len(found.gaps) > SHOWN_ON_FORM:
            warn("", "rules", _("There are more gaps than these."), _("Press Analyse to see them."))
        for words in found.cut:
            warn("", "rules", words, _("Press Analyse."))
        return warnings

    def action_analyse(self):
        """Open the analysis of this version."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Analysis: %s", self.display_name),
            "res_model": "distribution.approval.analysis",
            "view_mode": "form",
            "target": "new",
            "context": {"default_version_id": self.id},
        }

    @api.model
    def _dead_rules(self, found, specs):
        """``[(rule, why it never decides)]``."""
        dead = []
        for rule, fact in found.contradictory:
            dead.append((rule, _("its conditions on %s exclude each other", specs[fact].label)))
        for rule, others in found.unreachable:
            names = ", ".join("“%s”" % other.name for other in others)
            dead.append((rule, _("wherever it matches, %s decides", names)))
        return dead

    def _analysis_html(self, adjust=None):
        """The whole analysis for people.

        :param adjust: changes the table first, as a local variant does
        """
        self.ensure_one()
        try:
            table = self._analysed_table()
            table = adjust(table) if adjust else table
            errors = [problem for problem in table.validate() if problem.severity == "error"]
        except UserError as error:
            table, errors = None, [str(error)]
        values = {"errors": errors, "version": self}
        if not errors:
            found = analyse(table)
            values.update(
                found=found,
                gaps=[region.describe(self._name_of) for region in found.gaps],
                overlaps=[(o.decides, o.other, o.region.describe(self._name_of)) for o in found.overlaps],
                dead=self._dead_rules(found, table.specs),
                outcomes={"pass": _("passes"), "require": _("needs approval"), "refuse": _("is refused")},
            )
        return self.env["ir.qweb"]._render("distribution_approval.analysis_result", values)
