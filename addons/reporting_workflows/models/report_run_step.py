"""One step of a run: what it did, how long it took, and why it failed."""

from odoo import fields, models

from ..engine.run import CAUSES, STEP_STATES, STEPS

CAUSE_NAMES = {
    "odoo": "Odoo",
    "outside": "Another system",
    "transformation": "The data or how they are drawn",
    "approval": "Release",
}


class ReportRunStep(models.Model):
    _name = "distribution.report.run.step"
    _description = "Step of a Report Run"
    _inherit = ["distribution.approval.evidence"]
    _order = "run_id, sequence, id"

    run_id = fields.Many2one("distribution.report.run", required=True, readonly=True, ondelete="cascade", index=True)
    sequence = fields.Integer(readonly=True)
    name = fields.Selection([(name, name.capitalize()) for name in STEPS], "Step", required=True, readonly=True)
    state = fields.Selection(
        [(state, state.capitalize()) for state in STEP_STATES], required=True, readonly=True, default="pending"
    )
    started_at = fields.Datetime(readonly=True)
    seconds = fields.Float("Took (s)", readonly=True, digits=(16, 3))
    attempts = fields.Integer(readonly=True)
    interrupted = fields.Integer(readonly=True, help="How often it began and its process died.")
    rows = fields.Integer(readonly=True)
    warning = fields.Text(readonly=True)
    error = fields.Text(readonly=True)
    cause = fields.Selection([(name, CAUSE_NAMES[name]) for name in CAUSES], readonly=True)

    _sql_constraints = [("step_unique", "UNIQUE (run_id, name)", "A run does each step once.")]
