"""What the tests of the ledger share."""

from unittest.mock import patch

from odoo import Command
from odoo.tests import TransactionCase, new_test_user

from ..compat import USER_GROUPS
from ..ledger.schema import TRIGGERS

# Any registered type whose facts are a short dict.
TYPE = 'distribution.vendor.status_changed.v1'
# Session setting: how many transactions later than its own a test pretends to be.
LATER = 'distribution_test.later'
FACTS = {'before': 'new', 'after': 'approved'}


class RolesCase(TransactionCase):
    """People with roles."""

    @classmethod
    def user(cls, login, *roles):
        groups = ','.join(['base.group_user', *(f'distribution_core.group_{role}' for role in roles)])
        return new_test_user(cls.env, login, groups=groups)


class LedgerCase(RolesCase):
    """Everything happens in one transaction that is rolled back: nothing of it stays in the ledger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Event = cls.env['distribution.event']
        cls.Seal = cls.env['distribution.event.seal']
        cls.partners = cls.env['res.partner'].create([{'name': f'Vendor {number}'} for number in range(5)])

    def grant(self, user, xml_id):
        user.write({USER_GROUPS: [Command.link(self.env.ref(xml_id).id)]})

    def record(self, partners=None, **options):
        return self.Event._record(TYPE, self.partners if partners is None else partners, FACTS, **options)

    def seal(self):
        """Seal everything, also what this very transaction wrote (in real life: only what was committed).

        What is recorded afterwards counts as a later transaction, announcements included.
        """
        horizon = self.sql(
            "SELECT txid_current() + coalesce(nullif(current_setting(%s, true), ''), '0')::bigint + 1", LATER
        )[0][0]
        self._begin_later_transaction()
        seals = self.Seal.browse()
        with patch.object(type(self.Seal), '_horizon', lambda _self: horizon):
            while seal := self.Seal._seal_next_batch():
                seals |= seal
        return seals

    def _begin_later_transaction(self):
        self.sql(
            "SELECT set_config(%s, (coalesce(nullif(current_setting(%s, true), ''), '0')::bigint + 1)::text, true)",
            LATER,
            LATER,
        )
        ((source,),) = self.sql("SELECT pg_get_functiondef('distribution_event_stamp'::regproc)")
        if LATER not in source:
            self.sql(source.replace('txid_current()', f"txid_current() + current_setting('{LATER}')::bigint"))

    def sql(self, query, *parameters):
        self.env.cr.execute(query, parameters or None)
        return self.env.cr.fetchall() if self.env.cr.description else None

    def as_owner(self, query, *parameters):
        """What only the table's owner can do: set the triggers aside first."""
        as_owner(self.env.cr, query, *parameters)
        self.env.invalidate_all()


def as_owner(cr, query, *parameters):
    """Run a statement past the triggers, as only the owner of the tables can."""
    cr.execute(
        """
        SELECT relation.relname, trigger.tgname FROM pg_trigger trigger JOIN pg_class relation ON relation.oid = tgrelid
         WHERE relation.relname = ANY(%s) AND pg_has_role(current_user, relation.relowner, 'USAGE')
           AND NOT trigger.tgisinternal
    """,
        [list(TRIGGERS)],
    )
    triggers = cr.fetchall()
    for table, trigger in triggers:
        cr.execute(f'ALTER TABLE {table} DISABLE TRIGGER {trigger}')
    cr.execute(query, parameters or None)
    for table, trigger in triggers:
        cr.execute(f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}')
