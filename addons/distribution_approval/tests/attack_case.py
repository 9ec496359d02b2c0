"""What the attacks share: a refusal is an error that the attacker sees, at once or when he commits."""

from contextlib import contextmanager

from odoo.exceptions import RedirectWarning, UserError

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from ..models.gate_frame import review_now
from .common import ApprovalCase


class AttackCase(ApprovalCase):
    @contextmanager
    def _refused(self, at_once=False):
        """What happens inside is refused, with a message for people: at the commit, or ``at_once``."""
        savepoint = self.env.cr.savepoint()
        try:
            yield
            if not at_once:
                self._commit()
        except (UserError, RedirectWarning) as error:
            self.assertTrue(str(error.args[0]).strip(), "refused without a word")
        else:
            self.fail("the attack was not refused")
        finally:
            savepoint.close(rollback=True)

    def _commit(self):
        """What a commit does before it commits."""
        self.env.cr.flush()
        review_now(self.env)

    def _held(self, amount=5000, **values):
        """An order that waits for Purchasing."""
        order = self._order(amount, **values)
        order.button_confirm()
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))
        return order

    def _passed(self, amount=1000, **values):
        """A confirmed order that policy passed."""
        order = self._order(amount, **values)
        order.button_confirm()
        self.assertEqual((order.state, order.approval_state), ("purchase", "passed"))
        return order

    def _approved(self, amount=5000, **values):
        """An order that Purchasing approved and that was released."""
        order = self._held(amount, **values)
        self._decide(order, "Purchasing", self.manager)
        self.assertTrue(self._resume(order))
        self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
        return order

    def _releases(self, order):
        """The releases of ``order`` that count."""
        releases = self.env["distribution.approval.release"]
        return releases._valid_for(order.sudo()).get(order.id, releases)

    def assertNotInForce(self, order):
        order.invalidate_recordset()
        self.assertNotIn(order.sudo().state, PURCHASE_CONFIRMED_STATES)
        self.assertFalse(order.sudo().picking_ids)
        self.assertFalse(self._releases(order))

    def assertContentKept(self, order):
        """The order is what was released, nothing less."""
        order.invalidate_recordset()
        order.order_line.invalidate_recordset()
        release = self._releases(order)[:1]
        self.assertTrue(release._covers(order.sudo()._approval_snapshots()[order.id]))
