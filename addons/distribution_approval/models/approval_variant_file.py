"""Local variants as YAML files: exported canonically, imported as drafts."""

from odoo import Command, _, api, models
from odoo.exceptions import UserError

from ..engine.variant_file import FORMAT, PolicyFileError, dump, load, values_of
from .approval_version_file import Collected


class ApprovalVariant(models.Model):
    _inherit = "distribution.approval.variant"

    def _export_yaml(self):
        """The canonical text of this variant. Raises UserError when its place cannot be named."""
        self.ensure_one()
        portable = self.env["distribution.approval.portable"]
        place = self.sudo()
        standard = place.policy_id
        return dump(
            {
                "format": FORMAT,
                "standard": {
                    "name": standard.name,
                    "document_type": standard.document_type,
                    "company": portable._reference(standard.company_id) if standard.company_id else "",
                },
                "place": {
                    "company": portable._reference(place.company_id),
                    "region": portable._reference(place.region_id, place.company_id) if place.region_id else "",
                    "site": portable._reference(place.warehouse_id, place.company_id) if place.warehouse_id else "",
                },
                "reason": self.reason or "",
                "values": self._texts(),
            },
            self._bands(),
        )

    def action_export(self):
        """Offer this variant as a file."""
        self.ensure_one()
        return self.env["distribution.approval.policy.file"]._offer(self)

    @api.model
    def _import_yaml(self, text):
        """A new draft from the text of a file, written by the present user.

        Its standard is found by document type and company. Whether its values lie within their bands is said on the
        draft, as of every draft: the standard may have gone on since the file was written.

        :raises UserError: with what is wrong
        """
        try:
            content = load(text)
        except PolicyFileError as error:
            raise UserError(_("The file cannot be imported. %s", error)) from error
        portable = self.env["distribution.approval.portable"]
        collected = Collected(self.env)
        _model, _company, standard = self.env["distribution.approval.policy"]._of_file(content)
        if not standard:
            collected.problems.append(
                _(
                    "There is no policy for it here that this could vary (%s): import the standard first.",
                    content["standard"]["document_type"],
                )
            )
        place = content["place"]
        company = portable._dereference("res.company", place["company"])

        def named(key, model):
            if not place.get(key):
                return False
            found = collected.of(f"place.{key}", lambda: portable._dereference(model, place[key], company))
            return found.id if found else False

        values = {
            "policy_id": standard.id,
            "company_id": company.id,
            "region_id": named("region", "distribution.region"),
            "warehouse_id": named("site", "stock.warehouse"),
            "reason": content.get("reason") or False,
            "value_ids": [
                Command.create({"threshold": name, "value": value}) for name, value in values_of(content).items()
            ],
        }
        collected.refuse()
        return self.create(values)
