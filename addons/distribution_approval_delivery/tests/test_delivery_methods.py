from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestDeliveryMethods(TransactionCase):
    def test_approvers_read_them_and_no_more(self):
        approver = new_test_user(
            self.env, "carrier_approver", groups="base.group_user,distribution_core.group_approver"
        )
        product = self.env["product.product"].create({"name": "Carriage", "type": "service"})
        carrier = self.env["delivery.carrier"].create({"name": "By truck", "product_id": product.id})
        mine = carrier.with_user(approver)
        self.assertIn(carrier, mine.search([]))
        self.assertEqual(mine.name, "By truck")
        for act in (
            lambda: mine.write({"name": "By boat"}),
            lambda: mine.unlink(),
            lambda: mine.create({"name": "By air", "product_id": product.id}),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_the_warehouse_opens_transfers(self):
        """Odoo 19.0 reads which methods fit by their zip prefixes, which are not the warehouse's."""
        product = self.env["product.product"].create({"name": "Carriage", "type": "service"})
        prefix = self.env["delivery.zip.prefix"].create({"name": "90"})
        carrier = self.env["delivery.carrier"].create(
            {"name": "By truck", "product_id": product.id, "zip_prefix_ids": prefix.ids}
        )
        for login, group in (("clerk", "stock.group_stock_user"), ("approver", "distribution_core.group_approver")):
            with self.subTest(login):
                user = new_test_user(self.env, f"prefix_{login}", groups=f"base.group_user,{group}")
                self.env.invalidate_all()
                mine = carrier.with_user(user).zip_prefix_ids
                self.assertEqual(mine.name, "90")
                with self.assertRaises(AccessError):
                    mine.name = "91"
