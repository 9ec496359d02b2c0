"""Requests from before belong to the site of their document; releases are evidence, and stay as they were written."""

from odoo import SUPERUSER_ID, api

BATCH = 1000


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    cr.execute("SELECT res_model, array_agg(DISTINCT res_id) FROM distribution_approval_request GROUP BY res_model")
    for model, ids in cr.fetchall():
        if model in env and hasattr(env[model], "_approval_site"):
            for start in range(0, len(ids), BATCH):
                _fill(env[model].browse(ids[start : start + BATCH]).exists())
    cr.execute(
        """UPDATE distribution_approval_task task SET site_id = request.site_id
             FROM distribution_approval_request request
            WHERE request.id = task.request_id AND request.site_id IS NOT NULL"""
    )


def _fill(documents):
    sites = {document.id: site.id for document in documents if (site := document._approval_site()[:1])}
    documents.env.cr.execute(
        """UPDATE distribution_approval_request request SET site_id = known.site_id
             FROM unnest(%s::int[], %s::int[]) known (res_id, site_id)
            WHERE request.res_model = %s AND request.res_id = known.res_id AND request.site_id IS NULL""",
        (list(sites), list(sites.values()), documents._name),
    )
