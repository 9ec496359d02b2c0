"""Requisitions that other systems send: each once per channel and reference, asked for at once."""

from datetime import date

from odoo import models

from odoo.addons.distribution_core.engine.idempotency import fingerprint
from odoo.addons.distribution_core.engine.problem import Problem

#: Members of the call that say how it is treated, not what is needed.
TREATMENT = ("accept_as_case", "company_id")
PERSON = {"user_id": "id", "login": "login"}
SITE = {"id": "id", "code": "code"}


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    def _apply_requisitions(self, call, body):
        """Make a requisition as the account of the key and submit it; policy and people decide as about any other."""
        content = {name: value for name, value in body.items() if name not in TREATMENT}
        told = fingerprint(call.operation, content)
        # sudo: the requisition may be another person's; only its number and status are told, to who sent it
        known = (
            self.env["distribution.purchase.requisition"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("channel", "=", body["channel"]),
                    ("channel_reference", "=", body["reference"]),
                ]
            )
        )
        if known:
            call._about(known)
            if known.channel_fingerprint != told:
                raise Problem("conflict", f"{known.name} has this channel and reference, with other content.")
            return self._requisition_answer(known, False)
        requisition = self.env["distribution.purchase.requisition"].create(self._prepare_requisition(body))
        # sudo: nobody else writes these, see the model
        requisition.sudo().write(
            {"channel": body["channel"], "channel_reference": body["reference"], "channel_fingerprint": told}
        )
        call._about(requisition)
        requisition.action_submit()
        return self._requisition_answer(requisition, True)

    def _requisition_answer(self, requisition, is_new):
        return {
            "requisition_id": requisition.id,
            "name": requisition.name,
            "state": requisition.state,
            "lines": [{"line_id": line.id, "status": line.status} for line in requisition.line_ids],
            "is_new": is_new,
        }

    def _prepare_requisition(self, body):
        company = self.env.company
        values = {
            "company_id": company.id,
            "justification": body.get("reason") or f"{body['channel']}: {body['reference']}",
            "line_ids": [
                (0, 0, self._prepare_requisition_line(line, f"/lines/{number}"))
                for number, line in enumerate(body["lines"])
            ],
        }
        if "requester" in body:
            domain = [("share", "=", False), ("company_ids", "in", company.ids)]
            values["requester_id"] = self._find_one("res.users", body["requester"], PERSON, "/requester", domain).id
        if "site" in body:
            site = self._find_one("stock.warehouse", body["site"], SITE, "/site", [("company_id", "=", company.id)])
            values["warehouse_id"] = site.id
        if "needed_by" in body:
            values["needed_by"] = date.fromisoformat(body["needed_by"])
        return values

    def _prepare_requisition_line(self, line, pointer):
        values = {"quantity": line["quantity"], "price_unit": line.get("expected_price", 0.0)}
        if "product" in line:
            product = self._find_product(line["product"], f"{pointer}/product", [("purchase_ok", "=", True)])
            values["product_id"] = product.id
        if "description" in line:
            values["name"] = line["description"]
        return values
