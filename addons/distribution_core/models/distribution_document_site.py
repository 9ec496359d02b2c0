"""To which site a document, and so an event, belongs.

Rules, in words
---------------
* An event that says so itself (a fact ``site_id``) belongs to that site.
* Else it belongs to the site of its document: the warehouse itself, or where the document's own field of
  that name, or its kind of transfer, leads to. Addons whose documents know better say so in :meth:`_site`.
* Master data, policies and the ledger's own events belong to no site.
"""

from collections import defaultdict

from odoo import api, models

#: Where documents keep their site, the first one that is filled counts; and the model of the first field.
PATHS = (
    ('site_id', 'stock.warehouse'),
    ('warehouse_id', 'stock.warehouse'),
    ('picking_type_id.warehouse_id', 'stock.picking.type'),
)


class DistributionDocumentSite(models.AbstractModel):
    _name = 'distribution.document.site'
    _description = "Site of a Document"

    @api.model
    def _site(self, record):
        """The site of one record, or an empty recordset."""
        # sudo: where a document belongs, for whoever met it
        record = record.sudo()
        if record._name == 'stock.warehouse':
            return record
        for path, model in PATHS:
            field = record._fields.get(path.partition('.')[0])
            if field is not None and field.comodel_name == model:
                site = record.mapped(path)[:1]
                if site:
                    return site
        return self.env['stock.warehouse'].sudo()

    @api.model
    def _of_events(self, events):
        """``{event number: site number}`` of those that have a site; as many queries for many as for one.

        :param events: ``[(number, facts, model of the document, number of the document)]``
        """
        found, documents = {}, defaultdict(dict)
        for number, facts, res_model, res_id in events:
            told = facts.get('site_id')
            if isinstance(told, int) and not isinstance(told, bool):
                found[number] = told
            elif res_model in self.env and res_id:
                documents[res_model][number] = res_id
        for res_model, wanted in documents.items():
            # sudo: where a document belongs, whoever's event it is; one that was deleted belongs to no site
            records = self.env[res_model].sudo().browse(dict.fromkeys(wanted.values())).exists()
            sites = {record.id: self._site(record).id for record in records}
            found.update({number: sites[res_id] for number, res_id in wanted.items() if sites.get(res_id)})
        return found
