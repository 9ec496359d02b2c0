"""Ship notices that a vendor's system sends by the API."""

from datetime import date

from odoo import models

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES
from odoo.addons.distribution_core.engine.api_body import moment
from odoo.addons.distribution_core.engine.problem import Problem

from ..engine import Announced
from .api_supplier_confirmation import ORDER


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    def _apply_ship_notices(self, call, body):
        """Take the notice in. One that does not fit is taken, too: it waits in conflict, with a case."""
        order = self._find_one(
            "purchase.order", body["order"], ORDER, "/order", [("company_id", "=", self.env.company.id)]
        )
        if order.state not in (*PURCHASE_CONFIRMED_STATES, "cancel"):
            raise Problem("conflict", "The order is not in force.")
        expected = moment(body["expected_at"]).replace(microsecond=0) if "expected_at" in body else False
        notice = self.env["distribution.ship.notice"]._take_in(
            order,
            {
                "reference": body["reference"],
                "shipped_at": moment(body["shipped_at"]).replace(microsecond=0),
                "expected_at": expected,
                "carrier": body.get("carrier", False),
                "tracking_reference": body.get("tracking_reference", False),
            },
            [self._announced(row, f"/lines/{number}") for number, row in enumerate(body["lines"])],
        )
        call._about(notice)
        return {
            "ship_notice_id": notice.id,
            "state": notice.state,
            "conflicts": (notice.conflict or "").splitlines(),
        }

    def _announced(self, row, pointer):
        product = self._find_product(row["product"], f"{pointer}/product") if "product" in row else None
        return Announced(
            row["quantity"],
            row.get("line_id"),
            product.id if product else None,
            row.get("lot", ""),
            row.get("package", ""),
            date.fromisoformat(row["expiry_date"]) if "expiry_date" in row else None,
        )
