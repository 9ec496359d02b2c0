"""What a form says for as long as it is true of its documents: conditions not met, an emergency release."""

from lxml import etree
from markupsafe import Markup, escape
from odoo import _, api, fields, models
from odoo.tools import format_date

from odoo.addons.distribution_core.compat import asks_for

from .approval_obligation import OWED


class ApprovalFormMixin(models.AbstractModel):
    """The form on which people see governed documents.

    Usually it is that of the document itself; a transfer shows the documents that govern it, an entry that
    of its credit note.
    """

    _name = "distribution.approval.form.mixin"
    _description = "Form of Governed Documents"

    approval_condition_open = fields.Boolean(
        compute="_compute_approval_condition_open",
        search="_search_approval_condition_open",
        compute_sudo=True,
        string="Conditions Not Met",
    )
    approval_notice = fields.Html(compute="_compute_approval_notice", compute_sudo=True, sanitize=False)

    @api.model
    def _approval_shown_models(self):
        """``{model: field}``: whose documents are shown, and the field that leads from them to the record that shows
        them; no field: they show themselves."""
        return {}

    def _approval_shown(self):
        """``{(model, id) of a document: id of the record of self that shows it}``; a query per linked model."""
        shown = {}
        for name, link in self._approval_shown_models().items():
            if link:
                # sudo: what stands on a form is for everybody who reads the form
                documents = self.env[name].sudo().search([(link, "in", self.ids)], order="id")
                shown.update({(name, document.id): document[link].id for document in documents})
            else:
                shown.update({(name, record_id): record_id for record_id in self.ids})
        return shown

    def _approval_marks(self, model, domain=(), order=None):
        """``[(record of ``model`` about a document, id of the record of self that shows it)]``."""
        shown = self._approval_shown()
        if not shown:
            return []
        about = [
            ("res_model", "in", [*{name for name, _id in shown}]),
            ("res_id", "in", [*{each for _name, each in shown}]),
        ]
        # sudo: see above
        found = self.env[model].sudo().search([*about, *domain], order=order)
        return [(mark, shown[mark.res_model, mark.res_id]) for mark in found if (mark.res_model, mark.res_id) in shown]

    @api.model
    def _approval_marked(self, model, domain, operator, value):
        """Domain of the records with a document that a record of ``model`` in ``domain`` is about."""
        wanted = asks_for(operator, value)
        ids = set()
        for name, link in self._approval_shown_models().items():
            # sudo: the ids tell nothing more; the reader's own rules on these records still hold
            marks = self.env[model].sudo().search([("res_model", "=", name), *domain])
            documents = self.env[name].sudo().browse(marks.mapped("res_id"))
            ids.update(documents.exists()[link].ids if link else documents.ids)
        return [("id", "in" if wanted else "not in", list(ids))]

    def _approval_obligations(self):
        """``[(condition that is not met yet, id of the record that shows it)]``."""
        return self._approval_marks("distribution.approval.obligation", [("state", "in", OWED)])

    def _compute_approval_condition_open(self):
        owing = {record_id for _obligation, record_id in self._approval_obligations()}
        for record in self:
            record.approval_condition_open = record.id in owing

    def _search_approval_condition_open(self, operator, value):
        return self._approval_marked("distribution.approval.obligation", [("state", "in", OWED)], operator, value)

    def _compute_approval_notice(self):
        lines = self._approval_notice_lines()
        for record in self:
            own = lines.get(record.id, [])
            record.approval_notice = Markup("<br/>").join(own) if own else False

    def _approval_notice_lines(self):
        """``{id: [lines as safe HTML]}``, a query or two for all."""
        lines = {}
        for obligation, record_id in self._approval_obligations():
            words = (
                _("Condition, reported as met and to be confirmed by %(by)s: %(text)s (%(owner)s, due %(day)s)")
                if obligation.state == "reported"
                else _("Condition overdue since %(day)s: %(text)s (%(owner)s)")
                if obligation.is_overdue
                else _("Condition: %(text)s (%(owner)s, due %(day)s)")
            )
            lines.setdefault(record_id, []).append(
                escape(
                    words
                    % {
                        "by": obligation.set_by_id.name,
                        "text": obligation.text,
                        "owner": obligation.owner_id.name,
                        "day": format_date(self.env, obligation.due_date),
                    }
                )
            )
        return lines

    # ----------------------------------------------------------------- views

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        """Every view on which governed documents are shown has the notice, and can be filtered by it.

        Here once, and not in a view of each model: none can forget it.
        """
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form":
            self._approval_add_notice(arch)
        elif view_type == "search":
            self._approval_add_filters(arch)
        return arch, view

    @api.model
    def _approval_add_notice(self, arch):
        sheet = arch.find(".//sheet")
        if sheet is None or arch.find(".//field[@name='approval_notice']") is not None:
            return
        self._approval_mark_emergency(arch, sheet)
        sheet.addprevious(
            etree.fromstring(
                '<div class="alert alert-warning mb-0 o_approval_notice" role="status" '
                'invisible="not approval_notice">'
                '<field name="approval_notice" nolabel="1" readonly="1" class="mb-0"/></div>'
            )
        )

    @api.model
    def _approval_mark_emergency(self, arch, sheet):
        """The mark of an emergency release, and the button for who may make one."""
        sheet.insert(
            0,
            etree.fromstring(
                '<widget name="web_ribbon" title="Emergency" bg_color="text-bg-danger" '
                'invisible="not approval_emergency"/>'
            ),
        )
        sheet.insert(0, etree.fromstring('<field name="approval_emergency" invisible="1"/>'))
        header = arch.find(".//header")
        if header is None:
            return
        button = etree.Element(
            "button",
            name="action_approval_emergency",
            type="object",
            string=_("Emergency Release"),
            groups="distribution_approval.group_emergency_releaser",
            invisible="not approval_may_emergency",
        )
        header.insert(0, button)
        header.insert(0, etree.fromstring('<field name="approval_may_emergency" invisible="1"/>'))

    @api.model
    def _approval_add_filters(self, arch):
        place = arch if arch.tag == "search" else arch.find(".//search")
        if place is None or place.find(".//filter[@name='approval_condition_open']") is not None:
            return
        first_group = place.find("group")
        for name, label in self._approval_filters():
            item = etree.Element("filter", name=name, string=label, domain=f"[('{name}', '=', True)]")
            if first_group is not None:
                first_group.addprevious(item)
            else:
                place.append(item)
        separator = etree.Element("separator")
        place.find(f".//filter[@name='{self._approval_filters()[0][0]}']").addprevious(separator)

    @api.model
    def _approval_filters(self):
        """``[(boolean field, label)]`` of the filters that every list of documents offers."""
        return [("approval_condition_open", _("Approval Conditions Not Met"))]


class ApprovalMixin(models.AbstractModel):
    _name = "distribution.approval.mixin"
    _inherit = ["distribution.approval.mixin", "distribution.approval.form.mixin"]

    @api.model
    def _approval_shown_models(self):
        return {**super()._approval_shown_models(), self._name: None}
