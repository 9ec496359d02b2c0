"""What only the engine writes."""

from odoo import _, api, models
from odoo.exceptions import AccessError


class ApprovalEvidence(models.AbstractModel):
    """Inherited by records that prove something.

    Nobody has the access right to create them. Access rights are data, though, and an
    administrator may grant them: the engine writes these records as superuser, and only so.
    """

    _name = "distribution.approval.evidence"
    _description = "Approval Evidence"

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(_("%s: these records are written by the approval engine only.", self._description))
        return super().create(vals_list)

    @api.model
    def _append(self, values_list):
        """Append records past ``create``; one INSERT whatever their number, and no query beside it.

        Nothing is computed or rounded: the values are those of the columns.

        :param values_list: a value for the same fields in each
        """
        if not values_list:
            return self.sudo()
        columns = [self._fields[name].name for name in sorted(values_list[0])]
        rows = [tuple(None if values[name] is False else values[name] for name in columns) for values in values_list]
        self.env.cr.execute(
            f"""INSERT INTO {self._table} ({", ".join(columns)})
                     VALUES {", ".join(["%s"] * len(rows))}
                  RETURNING id""",
            rows,
        )
        return self.sudo().browse(record_id for (record_id,) in self.env.cr.fetchall())
