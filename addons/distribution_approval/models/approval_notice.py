"""What a governed document says for as long as it is true: conditions not met, an emergency release."""

from lxml import etree
from markupsafe import Markup, escape
from odoo import _, api, fields, models
from odoo.tools import format_date

from .approval_obligation import OWED


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    approval_condition_open = fields.Boolean(
        compute="_compute_approval_condition_open",
        search="_search_approval_condition_open",
        compute_sudo=True,
        string="Conditions Not Met",
    )
    approval_notice = fields.Html(compute="_compute_approval_notice", compute_sudo=True, sanitize=False)

    def _approval_obligations(self):
        """The conditions of these documents that are not met yet."""
        return (
            self.env["distribution.approval.obligation"]
            .sudo()
            .search([("res_model", "=", self._name), ("res_id", "in", self.ids), ("state", "in", OWED)])
        )

    def _compute_approval_condition_open(self):
        owing = set(self._approval_obligations().mapped("res_id"))
        for document in self:
            document.approval_condition_open = document.id in owing

    def _search_approval_condition_open(self, operator, value):
        wanted = (operator in ("=", "in")) == bool(value if operator in ("=", "!=") else list(value)[0])
        owing = (
            self.env["distribution.approval.obligation"]
            .sudo()
            .search([("res_model", "=", self._name), ("state", "in", OWED)])
        )
        return [("id", "in" if wanted else "not in", owing.mapped("res_id"))]

    def _compute_approval_notice(self):
        lines = self._approval_notice_lines()
        for document in self:
            own = lines.get(document.id, [])
            document.approval_notice = Markup("<br/>").join(own) if own else False

    def _approval_notice_lines(self):
        """``{id: [lines as safe HTML]}``, a query or two for all."""
        lines = {}
        for obligation in self._approval_obligations():
            words = (
                _("Condition, reported as met and to be confirmed by %(by)s: %(text)s (%(owner)s, due %(day)s)")
                if obligation.state == "reported"
                else _("Condition overdue since %(day)s: %(text)s (%(owner)s)")
                if obligation.is_overdue
                else _("Condition: %(text)s (%(owner)s, due %(day)s)")
            )
            lines.setdefault(obligation.res_id, []).append(
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
        """Every view of every governed document shows the notice, and can be filtered by it.

        Here once, and not in a view of each document: none can forget it.
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
