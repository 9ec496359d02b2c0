"""The automation register with owners, an access review under way, a check whose service is switched off."""

from datetime import timedelta

from odoo import Command
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..engine import oversight_cases as cases
from .clock import ahead, at, day, moment


def build(env, plan, directory):
    """What auditors, operations and administrators look at."""
    _outside_check(env, directory)
    _role_from_outside(env, directory)
    _register(env, directory)
    _access_review(env, directory)


def _outside_check(env, directory):
    """Written by one person, put in force by another, paused: nothing is asked, no rule needs it."""
    users = directory.users
    inputs = [
        Command.create({"name": name, "source": source, "required": required}) for name, source, required in cases.SENT
    ]
    check = (
        env["distribution.approval.outside.check"]
        .with_user(users["admin"])
        .create({**cases.CREDIT_BUREAU, "input_ids": inputs})
    )
    check.with_user(users["policy_publisher"]).action_activate()
    check.with_user(users["operations_manager"]).action_pause()


def _role_from_outside(env, directory):
    name, role, source = cases.ROLE_FROM_OUTSIDE
    env["distribution.external.group"].with_user(directory.users["admin"]).create(
        {"name": name, "group_id": env.ref(role).id, "source": source}
    )


def _register(env, directory):
    users = directory.users
    failing = _failing_cron(env)
    register = env["distribution.automation"]
    register._sync()
    for owned in cases.OWNERS:
        row = register.with_user(users["admin"]).search(
            [("name", "=", owned.what)]
            if "." not in owned.what
            else [("res_model", "=", "ir.cron"), ("res_id", "=", env.ref(owned.what).id)]
        )
        row.write(
            {"business_owner_id": users[owned.business].id, "technical_owner_id": users[owned.technical].id},
        )
        if owned.reviewed:
            row.action_review()
        row.write({"review_date": day(owned.review_day)})
    row = register.search([("res_model", "=", "ir.cron"), ("res_id", "=", failing.id)])
    row.with_user(users["admin"]).write({"business_owner_id": users[cases.FAILING_OWNER].id})
    _catch_up(env)
    began = moment(1, 6)
    env["distribution.automation.run"]._keep(
        failing.id, began, "failed", UserError(cases.FAILING_ERROR), ended=began + timedelta(seconds=4)
    )
    register._cron_sync()


def _catch_up(env):
    """This company's server was never off: what became due while the database lay about is due now, not late."""
    env.flush_all()
    # Past the application: the scheduler moves its dates in the same way, and that is no change of an automation.
    env.cr.execute(
        "UPDATE ir_cron SET nextcall = date_trunc('second', now() AT TIME ZONE 'UTC') "
        "WHERE active AND nextcall < now() AT TIME ZONE 'UTC'"
    )
    env["ir.cron"].invalidate_model(["nextcall"])


def _failing_cron(env):
    """It runs once a week, and says what is wrong until somebody looks after it."""
    return env["ir.cron"].create(
        {
            "name": cases.FAILING,
            "model_id": env["ir.model"]._get_id("res.partner"),
            "state": "code",
            "code": cases.FAILING_CODE,
            "interval_number": 1,
            "interval_type": "weeks",
            "nextcall": ahead(6),
            "user_id": env.ref("base.user_root").id,
        }
    )


def _access_review(env, directory):
    users = directory.users
    login, role = cases.CONFLICTING
    users[login].write({USER_GROUPS: [Command.link(env.ref(role).id)]})
    auditor = users["auditor"]
    with at(moment(cases.REVIEW_DAY, 10)):
        action = env["distribution.access.review"].with_user(auditor).action_generate()
        lines = env["distribution.access.review"].with_user(auditor).browse(action["res_id"]).line_ids
        lines.filtered(lambda line: line.login in cases.CERTIFIED and not line.conflict_text).action_keep()
        login, role, why = cases.TO_REVOKE
        lines.filtered(lambda line: line.login == login and line.group_id == env.ref(role)).action_revoke(why)
