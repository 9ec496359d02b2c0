"""Governance at one site: its goods are governed whoever's operation moves them, and its places stay what they are."""

from odoo.exceptions import UserError
from odoo.tests.common import tagged

from .goods_case import GoodsCase


class SiteCase(GoodsCase):
    """Deliveries and returns of the warehouse are governed, those of the branch are not."""

    document_types = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.env.ref("stock.stock_location_customers")
        for document_type in ("delivery_hold", "customer_return"):
            cls._publish(cls._make_goods_policy(document_type))
            cls._govern_type(document_type, cls.warehouse)

    def _document(self, picking, model="distribution.delivery.hold"):
        return self.env[model].search([("picking_id", "=", picking.id)])

    def _validated(self, quantity, source, destination, picking_type):
        picking = self._picking(self.nut, quantity, source, destination, picking_type)
        picking.button_validate()
        return picking


@tagged("post_install", "-at_install")
class TestAnotherSitesOperation(SiteCase):
    def test_delivery(self):
        """The branch's delivery takes goods of the warehouse."""
        for picking_type in (self.branch.out_type_id, self.branch.int_type_id):
            picking = self._validated(20, self.stock, self.customers, picking_type)
            self.assertTrue(picking.approval_held)
            document = self._document(picking)
            self.assertEqual(document._approval_site(), self.warehouse)
            self.assertEqual(document._approval_facts({"site"})[document.id]["site"], self.warehouse.id)
        self.assertEqual(self._on_hand(self.nut), 50)
        self._decide(document, "Controlling", self.controller)
        self.assertTrue(self._resume(document))
        self.assertEqual((picking.state, self._on_hand(self.nut)), ("done", 30))
        self._commit()

    def test_the_operation_counts_as_well(self):
        """The warehouse's delivery takes goods of the branch."""
        self.env["stock.quant"]._update_available_quantity(self.nut, self.branch.lot_stock_id, 50)
        picking = self._validated(20, self.branch.lot_stock_id, self.customers, self.warehouse.out_type_id)
        self.assertTrue(picking.approval_held)
        elsewhere = self._validated(20, self.branch.lot_stock_id, self.customers, self.branch.out_type_id)
        self.assertEqual(elsewhere.state, "done", "the branch is not governed")
        self.assertFalse(self._document(elsewhere))

    def test_a_line_takes_goods_of_another_site(self):
        self.env["stock.quant"]._update_available_quantity(self.nut, self.branch.lot_stock_id, 50)
        picking = self._picking(self.nut, 20, self.branch.lot_stock_id, self.customers, self.branch.out_type_id)
        picking.move_line_ids.location_id = self.stock
        picking.button_validate()
        self.assertTrue(picking.approval_held)
        self.assertEqual(self._on_hand(self.nut), 50)

    def test_return(self):
        """The branch's receipt brings goods to the warehouse."""
        returns = "distribution.customer.return"
        picking = self._validated(20, self.customers, self.stock, self.branch.in_type_id)
        self.assertTrue(picking.approval_held)
        self.assertEqual(self._document(picking, returns)._approval_site(), self.warehouse)
        elsewhere = self._validated(20, self.customers, self.branch.lot_stock_id, self.branch.in_type_id)
        self.assertEqual(elsewhere.state, "done")
        self.assertFalse(self._document(elsewhere, returns))
        self.assertEqual(self._on_hand(self.nut), 50)

    def test_the_control_finds_it(self):
        """A restore, raw SQL, a time without the addon."""
        done = self._validated(20, self.customers, self.branch.lot_stock_id, self.branch.in_type_id)
        control = self.env["distribution.approval.control"]
        self.assertFalse(control._cron_find_ungated())
        self.env.flush_all()
        for table in ("stock_move", "stock_move_line"):
            self.env.cr.execute(
                f"UPDATE {table} SET location_dest_id = %s WHERE picking_id = %s", (self.stock.id, done.id)
            )
        self.env.cr.execute(
            "UPDATE stock_picking SET date_done = now() AT TIME ZONE 'UTC' + interval '1 hour' WHERE id = %s",
            (done.id,),
        )
        self.env.invalidate_all()
        self.assertEqual(control._cron_find_ungated(), 1)


@tagged("post_install", "-at_install")
class TestPlacesStayWhatTheyAre(SiteCase):
    def _place(self, usage, **values):
        values = {"name": f"A place ({usage})", "usage": usage, "company_id": self.company.id, **values}
        return self.env["stock.location"].with_user(self.chief).create(values)

    def _refuses(self, place, usage):
        before = place.usage
        with self.assertRaisesRegex(UserError, "Make a location of the usage you need"), self.env.cr.savepoint():
            place.with_user(self.chief).usage = usage
        place.invalidate_recordset()
        self.assertEqual(place.usage, before)

    def test_customers(self):
        for usage in ("supplier", "inventory", "internal", "view"):
            self._refuses(self.customers, usage)
        for usage in ("internal", "transit", "supplier", "production"):
            self._refuses(self._place(usage), "customer")
        self._refuses(self.stock, "customer")

    def test_vendors_and_production_with_stock(self):
        for usage in ("supplier", "production"):
            place = self._place(usage)
            place.with_user(self.chief).usage = "internal"
            place.with_user(self.chief).usage = usage
            self.env["stock.quant"]._update_available_quantity(self.nut, place, 5)
            self._refuses(place, "internal")
            shelf = self._place("internal", location_id=self.branch.lot_stock_id.id)
            self.env["stock.quant"]._update_available_quantity(self.nut, shelf, 5)
            self._refuses(shelf, usage)

    def test_nothing_governed_in_the_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        place = self.env["stock.location"].create({"name": "Gate", "usage": "internal", "company_id": other.id})
        place.usage = "customer"
        self.assertEqual(place.usage, "customer")


@tagged("post_install", "-at_install")
class TestPlacesStayAtTheirSite(SiteCase):
    """Deliveries of the warehouse are governed: its goods do not become the branch's by moving the shelf."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.zone = cls.env["stock.location"].create({"name": "Zone", "usage": "view", "location_id": cls.stock.id})
        cls.shelf = cls.env["stock.location"].create({"name": "Shelf", "location_id": cls.zone.id})
        cls.third = cls.env["stock.warehouse"].create({"name": "Third", "code": "T3", "company_id": cls.company.id})

    def _put(self, quantity=5, place=None):
        self.env["stock.quant"]._update_available_quantity(self.nut, place or self.shelf, quantity)

    def _goes(self, place, parent):
        place.with_user(self.chief).location_id = parent
        self.assertEqual(place.location_id, parent)

    def _stays(self, attempt):
        with self.assertRaisesRegex(UserError, "location_id: .*Shelf holds goods"), self.env.cr.savepoint():
            attempt()
        self.env.invalidate_all()
        self.assertEqual(self.shelf.location_id, self.zone)
        self.assertEqual(self.zone.location_id, self.stock)

    def test_with_goods(self):
        self._put()
        branch = self.branch.lot_stock_id
        chief, administrator = self.shelf.with_user(self.chief), self.shelf.sudo()
        self._stays(lambda: chief.write({"location_id": branch.id}))
        self._stays(lambda: administrator.write({"location_id": branch.id}))
        self._stays(lambda: self.zone.with_user(self.chief).write({"location_id": branch.id}))
        self._stays(lambda: chief.write({"location_id": self.warehouse.view_location_id.location_id.id}))
        self._stays(lambda: self.branch.sudo().write({"view_location_id": self.zone.id}))
        other_zone = self.env["stock.location"].create({"name": "Other", "usage": "view", "location_id": self.stock.id})
        self._goes(self.shelf, other_zone)

    def test_into_the_site_that_is_governed(self):
        place = self.env["stock.location"].create({"name": "Shelf B", "location_id": self.branch.lot_stock_id.id})
        self._put(place=place)
        with self.assertRaisesRegex(UserError, "location_id: .*Shelf B holds goods"), self.env.cr.savepoint():
            place.with_user(self.chief).location_id = self.stock

    def test_empty_or_nothing_governed(self):
        self._goes(self.shelf, self.branch.lot_stock_id)
        self._put()
        self._goes(self.shelf, self.third.lot_stock_id)

    def test_stale_sites_of_core_do_not_matter(self):
        """Core keeps the site of a place when the place above it goes."""
        self._goes(self.zone, self.branch.lot_stock_id)
        self._put()
        self._goes(self.zone, self.third.lot_stock_id)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.zone.with_user(self.chief).location_id = self.stock


@tagged("post_install", "-at_install")
class TestScrapOrderThatIsOnlyNamed(GoodsCase):
    document_types = ("site_transfer",)

    def _scrap(self, **values):
        return (
            self.env["stock.scrap"]
            .with_user(self.keeper)
            .create({"product_id": self.nut.id, "scrap_qty": 20, "location_id": self.stock.id, **values})
        )

    def test_a_transfer_is_one_whatever_scrap_order_it_names(self):
        for destination in (self.branch.lot_stock_id, self.company.internal_transit_location_id):
            picking = self._picking(self.nut, 20, self.stock, destination)
            picking.move_ids.write({"scrap_id": self._scrap(picking_id=picking.id).id})
            picking.button_validate()
            self.assertNotEqual(picking.state, "done")
            self.assertTrue(picking.approval_held)
            with self._refused():
                self._run_code(f"env['stock.picking'].sudo().browse({picking.id})._action_done()")
        self.assertEqual(self._on_hand(self.nut), 50)

    def test_scrap_goes_on(self):
        scrap = self._scrap()
        scrap.action_validate()
        self.assertEqual((scrap.state, self._on_hand(self.nut)), ("done", 30))
        self._commit()
