"""Reason codes that speak of buying are those of purchase orders; where somebody has changed one, it stays."""

BUYING = ("reason_price", "reason_need", "reason_vendor", "reason_quantity", "reason_budget")


def migrate(cr, version):
    if not version:
        return
    cr.execute(
        """UPDATE distribution_approval_reason reason SET document_type = 'purchase_order'
             FROM ir_model_data known
            WHERE known.module = 'distribution_approval' AND known.model = 'distribution.approval.reason'
              AND known.name = ANY(%s) AND known.res_id = reason.id
              AND reason.document_type IS NULL AND reason.write_date = reason.create_date""",
        (list(BUYING),),
    )
