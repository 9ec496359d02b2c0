"""KPIs with owners and a past, the library of reports in force, and what a few reports said lately."""

import os
import tempfile
from calendar import monthrange
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import Command

from odoo.addons.reporting_workflows.engine import FORMATS, Content, Edition, Words, render

from ..engine import reporting_cases as cases
from .clock import at, moment


def build(env, _plan, directory):
    """Numbers first: reports show them."""
    users = directory.users
    _as_it_was(env)
    _owners(env, users)
    company_day = env.company._day_of(moment(0, 0))
    env["distribution.kpi.snapshot"]._take_past(
        env.company, company_day - timedelta(days=cases.NUMBER_DAYS), company_day - timedelta(days=1)
    )
    _sign(env, users)
    with at(moment(cases.PUBLISHED_ON_DAY, 11)):
        drafts = _install(env, users)
        _publish(env, users, drafts)
    _forgotten_invoice(env, directory)
    _run_all(env, users)
    env["distribution.kpi.current"]._refresh(env.company, env["distribution.kpi"].search([("version_id", "!=", False)]))
    # What was due before is what is shown here; the schedule goes on from now.
    env["distribution.report"].search([])._plan(moment(0, 0))


def _as_it_was(env):
    """Plain SQL: what was loaded in one go was created, promised and entered before it was done."""
    env.flush_all()
    env.cr.execute(
        """UPDATE stock_picking done
              SET create_date = ordered.date_order, date_deadline = ordered.date_order + %s * interval '1 day'
             FROM sale_order ordered
            WHERE ordered.id = done.sale_id AND done.state = 'done' AND done.create_date > done.date_done
        RETURNING done.id""",
        (cases.PROMISED_DAYS,),
    )
    loaded = [row[0] for row in env.cr.fetchall()]
    env.cr.execute(
        """UPDATE stock_move move
              SET create_date = done.create_date, date_deadline = done.date_deadline, first_deadline = NULL
             FROM stock_picking done WHERE done.id = move.picking_id AND done.id = ANY(%s)""",
        (loaded,),
    )
    env.cr.execute(
        """UPDATE account_move bill SET create_date = compared.at - %s * interval '1 hour'
             FROM (SELECT bill_ref, min(matched_at) AS at FROM distribution_match_line GROUP BY bill_ref) compared
            WHERE compared.bill_ref = bill.id AND bill.create_date > compared.at""",
        (cases.TOOK_HOURS,),
    )
    for table, finished in (("purchase_order", "date_approve"), ("distribution_case", "closed_at")):
        env.cr.execute(
            f"UPDATE {table} SET create_date = {finished} - %s * interval '1 hour' WHERE create_date > {finished}",
            (cases.TOOK_HOURS,),
        )
    env.invalidate_all()


def _owners(env, users):
    kpis = env["distribution.kpi"].with_user(users["admin"]).with_context(tracking_disable=True)
    for family, (owner, backup) in cases.KPI_OWNERS.items():
        kpis.search([("family", "=", family)]).write({"owner_id": users[owner].id, "backup_owner_id": users[backup].id})


def _month(env, ago):
    """First and last day of the month ``ago`` months before the present one, which is so until bills can be entered.

    Bills of the last days wait for somebody: were their month over, one posted invoice would not complete it.
    """
    last = env.company._day_of(moment(0, 0)) - timedelta(days=cases.BILLS_WAIT_DAYS)
    for _month_before in range(ago):
        last = last.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last.replace(day=monthrange(last.year, last.month)[1])


def _sign(env, users):
    """The last four weeks that are over."""
    last = env.company._day_of(moment(0, 0)) - timedelta(days=1)
    first = last - timedelta(days=27)
    snapshots = env["distribution.kpi.snapshot"]
    for kpi in env["distribution.kpi"].search([("code", "in", cases.SIGNED)]):
        seen = snapshots._digest_of(kpi, env.company, first, last)
        kpi.with_user(kpi.owner_id).action_sign_off(first, last, seen, cases.SIGNATURE)


def _install(env, users):
    """Drafts of the library, with what this company sets itself."""
    wizard = (
        env["distribution.report.library"]
        .with_user(users[cases.INSTALLER])
        .create(
            {
                "company_id": env.company.id,
                "owner_id": users["operations_manager"].id,
                "reader_id": users[cases.READER].id,
            }
        )
    )
    drafts = {version.report_id.code: version for version in wizard._install()}
    for code, (owner, backup) in cases.REPORT_OWNERS.items():
        drafts[code].report_id.write({"owner_id": users[owner].id, "backup_owner_id": users[backup].id})
    for code, limit, field, value in cases.OWN_LIMITS:
        drafts[code].threshold_ids.filtered(lambda one, limit=limit: one.code == limit)[field] = value
    for draft in drafts.values():
        # Notices stay inside Odoo: nothing is mailed.
        systems = draft.recipient_ids.filtered(lambda one: one.kind == "system")
        (draft.recipient_ids - systems).channel = "inbox"
        systems.user_id = users["integration"]
    return drafts


def _publish(env, users, drafts):
    for draft in drafts.values():
        draft.with_user(users[cases.PUBLISHER]).action_publish(draft.draft_digest)


def _forgotten_invoice(env, directory):
    """A draft of last month: as long as it is one, the month is not complete."""
    words, amount = cases.DRAFT_INVOICE
    env["account.move"].with_user(directory.users["accountant"]).create(
        {
            "move_type": "out_invoice",
            "partner_id": next(iter(directory.customers.values())).id,
            "invoice_date": _month(env, 1)[1],
            "invoice_line_ids": [Command.create({"name": words, "quantity": 1, "price_unit": amount})],
        }
    )


# ----------------------------------------------------------------------- runs


def _run_all(env, users):
    """Runs and what people did about them, in the order of their times."""
    events, runs = [], {}
    for number, case in enumerate(cases.RUNS):
        events.append((moment(case.day, case.hour), number, case, None))
        events += [(moment(case.day, step.hour), number, case, step) for step in case.steps]
    requests = type(env["distribution.approval.request"])
    with _drawn_here(env), patch.object(requests, "_resume_after_commit", lambda _request: None):
        for when, number, case, step in sorted(events, key=lambda event: event[:2]):
            with at(when):
                if step:
                    runs[number] = ACTS[step.act](env, users[step.person], runs[number], step.words)
                else:
                    runs[number] = _start(env, case)
                _work(env)


@contextmanager
def _drawn_here(env):
    """Some thirty drawings, one after the other: the libraries are loaded once, not by a process for each."""

    def _render(renderer, content_json, edition_json, formats=FORMATS):
        content = Content.from_json(content_json)
        words = Words(renderer._words(content.language))
        return render(content, Edition.from_json(edition_json), tuple(formats), words)

    with tempfile.TemporaryDirectory() as folder:
        caches = {"MPLCONFIGDIR": folder, "XDG_CACHE_HOME": folder, "MPLBACKEND": "svg"}
        with (
            patch.dict(os.environ, caches),
            patch.object(type(env["distribution.report.renderer"]), "_render", _render),
        ):
            yield


def _start(env, case):
    report = env["distribution.report"].search([("code", "=", case.report)])
    today = env.company._day_of(moment(0, 0))
    first, last = _month(env, case.months) if case.months else (today - timedelta(ago) for ago in case.days)
    return env["distribution.report.run"]._start(
        report.version_id, first, last, origin="schedule", due_at=moment(case.day, case.hour)
    )


def _work(env):
    env["distribution.report.run"]._cron_run(commit=False)
    # One by one: the job would commit in the middle of this installation.
    for delivery in env["distribution.report.delivery"].search([("state", "=", "waiting")]):
        delivery._send()
    env.flush_all()
    env.invalidate_all()


def _decide(env, user, run, words):
    request = run.edition_id.release_id.approval_request_id
    task = request.task_ids.filtered(lambda task: task.state == "open" and user in task.user_ids).ensure_one()
    task.with_user(user).action_decide("approve", task.digest, comment=words)
    request = env["distribution.approval.request"].browse(request.id)
    if request.resume_state == "pending":
        request._resume()
    return run


def _recall(_env, user, run, words):
    run.edition_id.with_user(user).action_recall(words)
    return run


def _again(env, user, run, words):
    action = run.with_user(user).action_run_again(words)
    return env["distribution.report.run"].browse(action["res_id"])


ACTS = {"decide": _decide, "recall": _recall, "again": _again}
