"""People: users with the rights of their role, employees with their superiors, approval groups."""

from odoo import Command

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..engine import people

#: The group that sees discounts on the lines of sale orders, on 17.0 and on 19.0.
DISCOUNTS_17, DISCOUNTS_19 = "product.group_discount_per_so_line", "sale.group_discount_per_so_line"


def build(env, plan, directory):
    """Create approval groups, users and employees."""
    for name in people.BOARDS:
        directory.boards[name] = env["res.groups"].create({"name": name})
    # Discounts are what the sales policy judges: everybody sees them on the lines.
    discounts = env.ref(DISCOUNTS_17, raise_if_not_found=False) or env.ref(DISCOUNTS_19)
    env.ref("base.group_user").implied_ids = [Command.link(discounts.id)]
    _users(env, plan, directory)
    _employees(env, plan, directory)
    env.ref("base.user_admin").write(
        {"tz": people.TIMEZONE, "email": "admin@example.com", "notification_type": "inbox"}
    )


def _users(env, plan, directory):
    users = env["res.users"].create(
        [
            {
                "name": person.name,
                "login": person.login,
                "password": person.login,
                "email": f"{person.login}@example.com",
                "tz": people.TIMEZONE,
                # Notices stay inside Odoo: nothing is mailed.
                "notification_type": "inbox",
                "company_id": env.company.id,
                "company_ids": [Command.set(env.company.ids)],
                USER_GROUPS: [
                    Command.set(
                        [
                            env.ref("base.group_user").id,
                            *(env.ref(role).id for role in person.roles),
                            *(directory.boards[board].id for board in person.boards),
                        ]
                    )
                ],
            }
            for person in plan.people
        ]
    )
    directory.users.update((user.login, user) for user in users)
    directory.users["admin"] = env.ref("base.user_admin")


def _employees(env, plan, directory):
    departments = {
        name: env["hr.department"].create({"name": name, "company_id": env.company.id})
        for name in dict.fromkeys(person.department for person in plan.people)
    }
    staff = [person for person in plan.people if person.login != "integration"]
    employees = env["hr.employee"].create(
        [
            {
                "name": person.name,
                "user_id": directory.users[person.login].id,
                "job_title": person.job,
                "work_email": f"{person.login}@example.com",
                "department_id": departments[person.department].id,
                "company_id": env.company.id,
                "tz": people.TIMEZONE,
            }
            for person in staff
        ]
    )
    of = {person.login: employee for person, employee in zip(staff, employees)}
    for person in staff:
        of[person.login].parent_id = of[person.manager] if person.manager else False
