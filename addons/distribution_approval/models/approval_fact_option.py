from odoo import fields, models


class ApprovalFactOption(models.Model):
    """One value that a selection fact can take, so that rules are picked, not typed."""

    _name = "distribution.approval.fact.option"
    _description = "Approval Fact Option"
    _order = "fact, sequence, id"

    fact = fields.Char(required=True, index=True)
    code = fields.Char(required=True)
    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)

    _sql_constraints = [("fact_code_unique", "UNIQUE (fact, code)", "This option exists already.")]

    def init(self):
        """Keep the options in step with the facts that the documents declare."""
        # The documents are classes of the registry; asking them needs no table.
        for name, model in self.env.registry.items():
            if getattr(model, "_approval_type", None) and not model._abstract:
                for spec in self.env[name]._approval_fact_specs().values():
                    self._upsert(spec)

    def _upsert(self, spec):
        for sequence, (code, label) in enumerate(spec.options):
            self.env.cr.execute(
                """INSERT INTO distribution_approval_fact_option (fact, code, name, sequence)
                        VALUES (%s, %s, %s, %s)
                   ON CONFLICT (fact, code) DO UPDATE
                           SET name = excluded.name, sequence = excluded.sequence""",
                (spec.name, code, label, sequence),
            )
