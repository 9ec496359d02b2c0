"""Where a document belongs stands on its request, its task and its release: what waits is counted by site."""

from odoo.tests.common import tagged

from odoo.addons.distribution_core.tests.migrations import migration_script

from .delivery_case import DeliveryCase


@tagged("post_install", "-at_install")
class TestRequestSite(DeliveryCase):
    def _held(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        return self._hold(picking).sudo()

    def _release(self, hold):
        return self.env["distribution.approval.release"].sudo()._valid_for(hold)[hold.id][0]

    def test_request_task_and_release(self):
        hold = self._held()
        request = hold.approval_request_id
        self.assertEqual(request.site_id, self.warehouse)
        self.assertEqual(request.task_ids.site_id, self.warehouse)
        self._decide(hold, "Operations", self.operations)
        self.assertEqual(self._release(hold).site_id, self.warehouse)

    def test_what_passes_by_policy(self):
        picking = self._delivery()
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(self._release(self._hold(picking).sudo()).site_id, self.warehouse)

    def test_requests_from_before(self):
        request = self._held().approval_request_id
        script = migration_script("distribution_approval", "1.3.0/post-site.py")
        self.env.flush_all()
        self.cr.execute("UPDATE distribution_approval_request SET site_id = NULL")
        self.cr.execute("UPDATE distribution_approval_task SET site_id = NULL")
        self.env.invalidate_all()
        self.assertFalse(request.site_id)
        for _once_or_twice in range(2):
            script.migrate(self.cr, "17.0.1.2.0")
            self.env.invalidate_all()
            self.assertEqual((request.site_id, request.task_ids.site_id), (self.warehouse, self.warehouse))
