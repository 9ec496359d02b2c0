"""As whom a report is read, where that makes it smaller.

Rules, in words
---------------
* A report is made of what its reader may read. Where access rules show them less than there is in the company, every
  copy says as whom it was read: a number of some records does not pass for the number of all.
* Daily numbers are of all records, whoever reads them: they are not looked at here.
"""

from odoo import _, api, models


class ReportBuilder(models.AbstractModel):
    _inherit = "distribution.report.builder"

    def _parameters(self, scope):
        """What the report is for, and as whom it was read where this is less than all: ``((label, value), …)``.

        Two counts for each dataset and measured KPI whose model access rules narrow for the reader.
        """
        if not any(self._is_narrowed(model) and self._sees_less(scope, model, domain) for model, domain in scope.read):
            return scope.parameters
        who = _("%s, who does not see all of it", scope.env.user.name)
        return (*scope.parameters, (_("Read as"), who))

    @api.model
    def _outage(self, scope, days):
        """The days of which no report was made: whoever reads this one sees the gap."""
        return ((_("No report was made for"), days),) if days else ()

    def _is_narrowed(self, model):
        """Whether access rules look at more than the company."""
        rules = model.env["ir.rule"]._compute_domain(model._name, "read")
        paths = [leaf[0] for leaf in rules or () if isinstance(leaf, list | tuple) and isinstance(leaf[0], str)]
        return any(path.split(".")[-1] not in ("company_id", "company_ids") for path in paths)

    def _sees_less(self, scope, model, domain):
        # sudo: only whether there are more; of other companies' records nothing is counted
        everything = model.sudo()
        if "company_id" in model._fields:
            domain = [*domain, ("company_id", "in", [scope.company.id, False])]
        return model.search_count(domain) < everything.search_count(domain)
