"""What every run of procurement has in common: who asked for it, how far it is, and that its results are evidence."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

BUYER = "distribution_core.group_buyer"
#: States in which a run has something left to do.
LIVE = ("queued", "running")


class ProcurementRun(models.AbstractModel):
    """A run works batch by batch; one that was stopped or killed goes on behind its last batch.

    A run declares, as class attributes:

    ``_run_asked``
        the fields that a person fills in when asking for it; everything else is the result;
    ``_run_counts``
        its counts, zero at the start;
    ``_run_results``
        what else it writes, empty at the start;
    ``_run_job``
        the scheduled action that works on queued runs (external id).
    """

    _name = "distribution.procurement.run"
    _description = "Procurement Run"
    _order = "id desc"
    _rec_names_search = ["company_id", "user_id"]

    _run_asked = frozenset()
    _run_counts = ()
    _run_results = ()
    _run_job = None

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    origin = fields.Selection([("person", "Started by hand")], default="person", required=True, readonly=True)
    user_id = fields.Many2one("res.users", string="Started by", default=lambda self: self.env.user, readonly=True)
    state = fields.Selection(
        [
            ("draft", "To start"),
            ("queued", "Queued"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Stopped"),
        ],
        default="draft",
        required=True,
        readonly=True,
        index=True,
        copy=False,
    )
    started_at = fields.Datetime(readonly=True, copy=False)
    finished_at = fields.Datetime(readonly=True, copy=False)
    seconds = fields.Float("Working Time (s)", readonly=True, copy=False, help="Without waiting between batches.")
    error = fields.Text(readonly=True, copy=False)
    total = fields.Integer(readonly=True, copy=False)
    done = fields.Integer(readonly=True, copy=False)
    progress = fields.Float(compute="_compute_progress")
    is_stopping = fields.Boolean(compute="_compute_is_stopping")

    @api.depends("company_id", "origin", "started_at", "create_date")
    def _compute_display_name(self):
        origins = dict(self._fields["origin"]._description_selection(self.env))
        for run in self:
            started = fields.Datetime.context_timestamp(run, run.started_at or run.create_date or fields.Datetime.now())
            run.display_name = f"{origins[run.origin]} · {started:%Y-%m-%d %H:%M}"

    @api.depends("total", "done", "state")
    def _compute_progress(self):
        for run in self:
            run.progress = 100.0 * run.done / run.total if run.total else 100.0 * (run.state == "done")

    @api.depends("state")
    def _compute_is_stopping(self):
        asked = self.env["distribution.procurement.stop"]._asked(self)
        for run in self:
            run.is_stopping = run.state in LIVE and run.id in asked

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            results = ("total", "done", *self._run_counts, "started_at", "finished_at", "seconds", "error")
            for vals in vals_list:
                self._refuse_results(vals)
                # Explicitly: defaults in the context of the caller would count else.
                vals.update(dict.fromkeys((*results, *self._run_results), False))
                vals.update(state="draft", origin="person", user_id=self.env.uid)
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._refuse_results(vals)
            if any(run.state != "draft" for run in self):
                raise UserError(_("A run that was started is not changed. Start another one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_drafts(self):
        if any(run.state != "draft" for run in self):
            raise UserError(_("Runs are evidence: only one that was not started can be deleted."))

    def _refuse_results(self, vals):
        results = vals.keys() - self._run_asked
        if results:
            raise AccessError(_("%s: the result of a run is not written by hand.", ", ".join(sorted(results))))

    # --------------------------------------------------------------- actions

    def action_stop(self):
        """Stop behind the present batch; what was done stays done."""
        self._check_buyer()
        # sudo: results are written by the run; the buyer was checked, the company by the record rule
        live = self.filtered(lambda run: run.state in LIVE).sudo()
        at_rest = live._at_rest()
        at_rest._cancel()
        self.env["distribution.procurement.stop"]._ask(live - at_rest)
        return True

    def _at_rest(self):
        """Those that no worker has in hand, until the end of the transaction."""
        self.env.flush_all()
        self.env.cr.execute(
            f"SELECT id FROM {self._table} WHERE id = ANY(%s) AND state IN %s FOR UPDATE SKIP LOCKED",
            (self.ids, LIVE),
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _cancel(self):
        if self:
            self.write({"state": "cancelled", "finished_at": fields.Datetime.now()})
            self._record_fact("cancelled")

    def _is_stopped(self):
        """Whether somebody asked this run to stop; then it has."""
        if not self.env["distribution.procurement.stop"]._consume(self):
            return False
        self._cancel()
        return True

    def action_resume(self):
        """Go on behind the last batch."""
        self._check_buyer()
        self._check_ready()
        # sudo: see action_stop
        again = self.filtered(lambda run: run.state in ("failed", "cancelled")).sudo()
        self.env["distribution.procurement.stop"]._consume(again)
        again.write({"state": "queued", "error": False, "finished_at": False})
        self._wake()
        return True

    def _check_startable(self):
        """Raise unless the present user may start this run, and it can be started."""
        self.ensure_one()
        self._check_buyer()
        if self.state != "draft":
            raise UserError(_("This run was started already."))
        self._check_ready()

    def _check_ready(self):
        """Raise UserError while runs cannot work, with the reason."""

    def _check_buyer(self):
        if not self.env.user.has_group(BUYER):
            name = self.env["ir.model"].sudo()._get(self._name).name  # sudo: a name
            raise AccessError(_("%s: takes the role Buyer.", name))

    def _wake(self):
        """Have the scheduled action work on what is queued."""
        self.env.ref(self._run_job).sudo()._trigger()  # sudo: jobs are the system's

    def _show(self):
        self.ensure_one()
        return {"type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id, "view_mode": "form"}

    # ------------------------------------------------------------------- job

    def _begin(self, **values):
        """Queued, with its counts at zero; ``values`` are written as well."""
        self.ensure_one()
        self.write(
            {
                **dict.fromkeys(("total", "done", "seconds", *self._run_counts), 0),
                **dict.fromkeys(self._run_results, False),
                "state": "queued",
                "error": False,
                "started_at": fields.Datetime.now(),
                "finished_at": False,
                **values,
            }
        )

    def _fail(self, reason):
        """Keep why the run stopped, and open a case."""
        self.write({"state": "failed", "error": reason, "finished_at": fields.Datetime.now()})
        self._record_fact("failed")
        self._open_failure(reason)

    def _open_failure(self, reason):
        """Open the case of a run that stopped."""
        raise NotImplementedError(f"{self._name} does not say which case its failure is")

    def _record_fact(self, fact):
        """Write into the ledger what became of these runs, with :meth:`_fact_data`."""
        self.env["distribution.event"]._record(
            f"{self._name.replace('.run', '_run')}.{fact}.v1",
            self,
            lambda run: {
                "origin": run.origin,
                "sites": run.warehouse_ids.ids,
                **{name: run[name] for name in ("total", "done", *run._run_counts)},
                "currency": run.currency_id.name,
                **run._fact_data(),
            },
        )

    def _fact_data(self):
        """What the ledger keeps beside counts and scope: ``{name: value}``."""
        return {}
