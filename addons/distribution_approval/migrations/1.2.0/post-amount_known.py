"""Requests from before: an amount above 0 is one that was known, but for documents that have none of their own."""


def migrate(cr, version):
    if version:
        cr.execute(
            """UPDATE distribution_approval_request
                  SET amount_known = TRUE
                WHERE amount > 0 AND document_type NOT IN ('vendor_change', 'report_release')"""
        )
