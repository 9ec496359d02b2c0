"""The library of reports in force, and each report run from capturing to handing out, by the people it takes."""

import datetime
from collections import defaultdict

from .governance import govern, user
from .setting import Measured

CORE = "distribution_core.group_"
#: Who releases what, as the library asks for it.
RULES = (
    ("Automatic", "pass", [("release_pattern", "in", ("automatic",))], ()),
    (
        "Nothing crossed",
        "pass",
        [("release_pattern", "in", ("supervisor",)), ("threshold_crossed", "is_false")],
        (),
    ),
    (
        "Supervisor",
        "require",
        [("release_pattern", "in", ("supervisor",)), ("threshold_crossed", "is_true")],
        ("Operations",),
    ),
    ("Category", "require", [("release_pattern", "in", ("category_manager",))], ("Category",)),
    ("Finance", "require", [("release_pattern", "in", ("finance",))], ("Finance",)),
    ("Operations", "require", [("release_pattern", "in", ("operations",))], ("Operations",)),
    ("Two parties", "require", [("release_pattern", "in", ("two_parties",))], ("Sales", "Operations")),
)
#: Steps that read the company's data; those behind them work on what was read.
READING = ("capture", "freshness", "checks", "compute", "exceptions")
#: So often is each of them tried: the quickest time counts, with the queries of the first try.
TRIES = 3


class Run:
    """What a run cost and what came of it.

    :param steps: ``{step: (seconds, queries)}``; ``decisions`` is the people's part of the approval
    """

    def __init__(self):
        self.steps = defaultdict(lambda: (0.0, 0))
        self.files, self.held, self.released_by, self.given_to = {}, "", [], 0

    def add(self, step, cost):
        seconds, queries = self.steps[step]
        self.steps[step] = seconds + cost.seconds, queries + cost.queries

    def seconds(self, steps=None):
        return sum(self.steps[step][0] for step in steps or self.steps)

    def queries(self, steps=None):
        return sum(self.steps[step][1] for step in steps or self.steps)


class Desk:
    """Who works with reports: they are written, published, answered for, released and received by different people."""

    def __init__(self, env):
        self.env = env
        self.reader = user(env, "reader", f"{CORE}auditor")
        self.owner = user(env, "owner", f"{CORE}approver")
        self.manager = user(env, "manager", f"{CORE}approver", f"{CORE}operations")
        approvers = {
            "Operations": self.manager,
            "Finance": user(env, "finance", f"{CORE}approver", "account.group_account_invoice"),
            "Category": user(env, "category", f"{CORE}approver", "purchase.group_purchase_manager"),
            "Sales": user(env, "sales", f"{CORE}approver", "sales_team.group_sale_manager"),
        }
        user(env, "warehouse", "stock.group_stock_manager")
        govern(env, "report_release", RULES, approvers)
        author = user(env, "author", f"{CORE}policy_author")
        publisher = user(env, "publisher", f"{CORE}policy_publisher")
        library = env["distribution.report.library"].with_user(author)
        drafts = library.create(
            {"company_id": env.company.id, "owner_id": self.owner.id, "reader_id": self.reader.id}
        )._install()
        # Mailing is not measured: people find their editions in Odoo.
        drafts.recipient_ids.filtered(lambda one: one.kind != "system").channel = "inbox"
        for draft in drafts:
            draft.with_user(publisher).action_publish(draft.draft_digest)
        self.versions = drafts.with_env(env)

    def run_all(self):
        """``{report: Run}`` of the period that each would tell about today."""
        now = datetime.datetime.now()
        days = self.env["distribution.report.working.days"]._of(self.env.company, now)
        today, done = self.env.company._day_of(now), {}
        for version in self.versions.sorted(lambda version: version.report_id.code):
            done[version.report_id.code] = self._run(version, *version._period_of(today, days))
        return done

    def _run(self, version, first, last):
        run = self.env["distribution.report.run"]._start(version, first, last, origin="schedule")
        found = Run()
        while run.state != "done":
            if run.state == "held":
                found.held = run.hold_reason
                run.with_user(self.owner).action_overrule("Looked at: it goes out all the same.")
            elif run.state == "waiting":
                self._decide(run, found)
            elif run.state == "failed":
                raise SystemExit(f"{run.display_name}: {run.error}")
            self._step(run, found)
        edition = run.edition_id
        found.files = {file.kind: file.size for file in edition.file_ids}
        found.released_by = [signed.role for signed in edition._sign_offs()]
        found.given_to = len(edition.delivery_ids)
        return found

    def _step(self, run, found):
        """One step, as the job does it, with nothing known from the one before."""
        name = next(step.name for step in run.step_ids.sorted("sequence") if step.state != "done")
        costs = []
        for _again in range(TRIES - 1 if name in READING else 0):
            savepoint = self.env.cr.savepoint()
            costs.append(self._advance(run))
            self.env.invalidate_all(flush=False)
            savepoint.close(rollback=True)
        costs.append(self._advance(run))
        costs[0].seconds = min(cost.seconds for cost in costs)
        found.add(name, costs[0])

    def _advance(self, run):
        self.env.invalidate_all()
        with Measured(self.env) as cost:
            run._advance()
            self.env.flush_all()
        return cost

    def _decide(self, run, found):
        """Everybody who is asked looks at it and releases it."""
        release = run.edition_id.release_id
        while tasks := release.approval_request_id.task_ids.filtered(lambda task: task.state == "open"):
            task = tasks[0].with_user(tasks[0].user_ids[0])
            self.env.invalidate_all()
            with Measured(self.env) as cost:
                task.action_decide("approve", task.digest)
                self.env.flush_all()
            found.add("decisions", cost)
        if not release.released_at:
            release.approval_request_id._resume()
        self.env["distribution.report.run"]._wake_decided()
