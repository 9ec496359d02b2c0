"""People of a test, made at once."""

from odoo import Command

from odoo.addons.distribution_core.compat import USER_GROUPS


def make_users(env, people, prefix='t_', **values):
    """Users as ``new_test_user`` makes them, all in one go: a small part of the time. Nobody is invited by mail.

    :param people: ``{login without the prefix: groups}``, names with commas between, beside *Internal User*
    :param values: of each of them; ``email`` may name their ``{login}``
    :return: them, in that order
    """
    email = values.pop('email', f'{prefix[0]}.{prefix[0]}@example.com')
    rows = []
    for login, groups in people.items():
        groups = ','.join(filter(None, ('base.group_user', groups)))
        name = f'{prefix}{login}'
        rows.append(
            {
                'login': name,
                'name': f'{name} ({groups})',
                'password': name.ljust(8, 'x'),
                'email': email.format(login=login),
                USER_GROUPS: [Command.set([env.ref(group).id for group in groups.split(',')])],
                **values,
            }
        )
    return env['res.users'].with_context(no_reset_password=True).create(rows).with_env(env)
