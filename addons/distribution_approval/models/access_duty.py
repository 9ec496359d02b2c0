"""Duties, and which of them one person should not have together. Both tables can be extended."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.distribution_core.compat import group_members

from .approval_policy import document_models

#: ``code: (name, group)`` of the duties that come with the suite; groups of apps that are not there are left out.
DUTIES = {
    "policy_author": ("Writes policies", "distribution_core.group_policy_author"),
    "policy_publisher": ("Publishes policies", "distribution_core.group_policy_publisher"),
    "administrator": ("Configures the suite", "distribution_core.group_administrator"),
    "approver": ("Approves", "distribution_core.group_approver"),
    "vendor_manager": ("Keeps vendor standing and contract prices", "distribution_core.group_vendor_manager"),
    "auditor": ("Audits", "distribution_core.group_auditor"),
    "integration": ("Is an account of another system", "distribution_core.group_integration"),
    "buyer": ("Buys", "distribution_core.group_buyer"),
    "seller": ("Sells", "sales_team.group_sale_salesman"),
    "billing": ("Posts bills and payments", "account.group_account_invoice"),
    "stock_manager": ("Manages stock", "stock.group_stock_manager"),
    "operations": ("Handles cases and reassigns tasks", "distribution_core.group_operations"),
    "emergency_releaser": ("Releases in emergencies", "distribution_approval.group_emergency_releaser"),
    "system": ("Administers Odoo", "base.group_system"),
    "access_rights": ("Grants access rights", "base.group_erp_manager"),
}
#: Code and name of the duty that is found by the groups that policies name.
REVIEWER = ("emergency_reviewer", "Reviews emergency releases")
#: ``code: (one duty, other duty, severity, why)``
CONFLICTS = {
    "author_publisher": (
        "policy_author",
        "policy_publisher",
        "2",
        "One person could write a policy and put it in force.",
    ),
    "administrator_approver": (
        "administrator",
        "approver",
        "2",
        "Who configures does not decide, and the other way round.",
    ),
    "administrator_author": (
        "administrator",
        "policy_author",
        "1",
        "Who gives roles should not write what the roles may do.",
    ),
    "administrator_publisher": (
        "administrator",
        "policy_publisher",
        "2",
        "Who gives roles could put policies in force.",
    ),
    "system_approver": ("system", "approver", "2", "Who can reach every table should not decide."),
    "system_publisher": ("system", "policy_publisher", "3", "Who can reach every table could change what is allowed."),
    "access_approver": ("access_rights", "approver", "2", "Who grants rights could grant the right to decide."),
    "vendor_payment": ("vendor_manager", "billing", "3", "One person could make a vendor acceptable and pay it."),
    "buyer_vendor": ("buyer", "vendor_manager", "2", "One person could make a vendor acceptable and buy from it."),
    "buyer_payment": ("buyer", "billing", "2", "One person could order and pay."),
    "buyer_approves": (
        "buyer",
        "approves_purchase_order",
        "2",
        "Buys and approves purchase orders (never the same one).",
    ),
    "seller_approves": ("seller", "approves_sale_order", "2", "Sells and approves sale orders (never the same one)."),
    "billing_approves_bill": (
        "billing",
        "approves_vendor_bill",
        "2",
        "Posts bills and payments and approves bills that differ (never the same one).",
    ),
    "billing_approves_credit": (
        "billing",
        "approves_customer_credit_note",
        "2",
        "Posts credit notes and approves them (never the same one).",
    ),
    "vendor_approves_change": (
        "vendor_manager",
        "approves_vendor_change",
        "2",
        "Keeps vendors and approves changes of them, bank accounts included (never the same one).",
    ),
    "vendor_approves_onboarding": (
        "vendor_manager",
        "approves_vendor_onboarding",
        "2",
        "Keeps vendor standing and approves new vendors (never the same one).",
    ),
    "stock_approves_adjustment": (
        "stock_manager",
        "approves_inventory_adjustment",
        "2",
        "Counts stock and approves what is missing (never the same count).",
    ),
    "stock_approves_scrap": (
        "stock_manager",
        "approves_scrap",
        "2",
        "Scraps goods and approves write-offs (never the same one).",
    ),
    "stock_approves_transfer": (
        "stock_manager",
        "approves_site_transfer",
        "2",
        "Moves goods between sites and approves such transfers (never the same one).",
    ),
    "emergency_approver": (
        "emergency_releaser",
        "approver",
        "2",
        "Decides by the rules, and can release at once what the rules hold (never the same one).",
    ),
    "emergency_review": (
        "emergency_releaser",
        "emergency_reviewer",
        "3",
        "Releases in emergencies and reviews emergency releases (never the same one).",
    ),
    "operations_approver": (
        "operations",
        "approver",
        "2",
        "Says who decides, and is asked to decide (never by giving a task to themselves).",
    ),
    "auditor_approver": ("auditor", "approver", "2", "Who audits decisions should not take them."),
    "auditor_administrator": (
        "auditor",
        "administrator",
        "2",
        "Who audits should not be able to change what is audited.",
    ),
    "integration_approver": ("integration", "approver", "3", "The account of a system must not decide like a person."),
}


class AccessDuty(models.Model):
    """Something that people do by a role, or by being asked to approve a kind of document."""

    _name = "distribution.access.duty"
    _description = "Duty"
    _order = "name"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            ("group", "Holds a role"),
            ("candidate", "Is asked to approve a kind of document"),
            ("emergency_reviewer", "Reviews emergency releases, by a policy in force"),
        ],
        required=True,
        default="group",
    )
    group_id = fields.Many2one("res.groups", string="Role", ondelete="cascade")
    document_type = fields.Selection(selection="_selection_document_type")

    _sql_constraints = [("code_unique", "UNIQUE (code)", "There is a duty of this code already.")]

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @api.constrains("kind", "group_id", "document_type")
    def _check_kind(self):
        for duty in self:
            if duty.kind == "group" and not duty.group_id:
                raise ValidationError(_("group_id: name the role of the duty “%s”.", duty.name))
            if duty.kind == "candidate" and not duty.document_type:
                raise ValidationError(_("document_type: name the documents of the duty “%s”.", duty.name))

    @api.model
    def _seed(self):
        """Make the duties and conflicts that come with the suite; what somebody archived stays archived."""
        duties = {duty.code: duty for duty in self.sudo().with_context(active_test=False).search([])}
        wanted = [
            {"code": code, "name": name, "kind": "group", "group_id": self.env.ref(group).id}
            for code, (name, group) in DUTIES.items()
            if code not in duties and self.env.ref(group, raise_if_not_found=False)
        ]
        for document_type, model in document_models(self.env).items():
            if f"approves_{document_type}" not in duties:
                label = self.env[model]._approval_label()
                wanted.append(
                    {
                        "code": f"approves_{document_type}",
                        "name": f"Approves: {label}",
                        "kind": "candidate",
                        "document_type": document_type,
                    }
                )
        code, name = REVIEWER
        if code not in duties:
            wanted.append({"code": code, "name": name, "kind": "emergency_reviewer"})
        duties.update({duty.code: duty for duty in self.sudo().create(wanted)})
        conflicts = self.env["distribution.access.conflict"].sudo().with_context(active_test=False)
        known = set(conflicts.search([]).mapped("code"))
        conflicts.create(
            [
                {
                    "code": code,
                    "duty_id": duties[one].id,
                    "other_duty_id": duties[other].id,
                    "severity": severity,
                    "name": why,
                }
                for code, (one, other, severity, why) in CONFLICTS.items()
                if code not in known and one in duties and other in duties
            ]
        )


class AccessConflict(models.Model):
    """Two duties that one person should not have."""

    _name = "distribution.access.conflict"
    _description = "Conflict of Duties"
    _order = "severity desc, id"

    name = fields.Char(string="Why", required=True, translate=True)
    code = fields.Char(copy=False)
    active = fields.Boolean(default=True)
    duty_id = fields.Many2one("distribution.access.duty", required=True, ondelete="cascade")
    other_duty_id = fields.Many2one("distribution.access.duty", required=True, ondelete="cascade")
    severity = fields.Selection([("1", "Low"), ("2", "High"), ("3", "Critical")], required=True, default="2")

    _sql_constraints = [
        ("code_unique", "UNIQUE (code)", "There is a conflict of this code already."),
        ("two_duties", "CHECK (duty_id <> other_duty_id)", "A conflict is between two different duties."),
    ]

    def _words(self):
        severity = dict(self._fields["severity"]._description_selection(self.env))[self.severity]
        return _(
            "%(one)s + %(other)s (%(severity)s): %(why)s",
            one=self.duty_id.name,
            other=self.other_duty_id.name,
            severity=severity,
            why=self.name,
        )


class AccessMap(models.AbstractModel):
    """Who may do what, and who is asked to decide what, at this moment."""

    _name = "distribution.access.map"
    _description = "Access Map"

    @api.model
    def _roles(self):
        """Roles that a review looks at: those of the suite, those of duties, and groups that policies name."""
        data = self.env["ir.model.data"].sudo()
        own = data.search([("model", "=", "res.groups"), ("module", "=like", "distribution%")])
        duties = self.env["distribution.access.duty"].sudo().search([("kind", "=", "group")])
        groups = self.env["res.groups"].sudo().browse(own.mapped("res_id")).exists() | duties.group_id
        versions = self._published_versions()
        named = versions.rule_ids.stage_ids.group_id | versions.fallback_group_id
        return groups | named | versions.emergency_reviewer_group_id

    @api.model
    def _published_versions(self):
        # sudo: an access review looks at every policy, whoever makes it
        return self.env["distribution.approval.policy.version"].sudo().search([("state", "=", "published")])

    @api.model
    def _candidates(self, company):
        """``{user: {document type: [in words, as what]}}`` of who is asked to approve in ``company``."""
        policies = self.env["distribution.approval.policy"].sudo()
        approver = self.env.ref("distribution_core.group_approver").sudo()
        able = group_members(approver).filtered(lambda user: user.active and company in user.company_ids)
        found = {}

        def note(users, document_type, words):
            for user in users & able:
                said = found.setdefault(user, {}).setdefault(document_type, [])
                if words not in said:
                    said.append(words)

        warehouses = self.env["stock.warehouse"].sudo().search([("company_id", "=", company.id)])
        managers = {
            "warehouse_manager": warehouses.manager_id,
            "region_manager": warehouses.region_id.manager_id,
            "requester_manager": self.env["hr.employee"].sudo().search([("child_ids", "!=", False)]).user_id,
            "category_manager": self.env["product.category"].sudo().search([])._approval_all_managers(),
        }
        for document_type in document_models(self.env):
            version = policies._effective_version(document_type, company)
            for stage in version.rule_ids.stage_ids:
                users = {"user": stage.user_id, "group": group_members(stage.group_id) if stage.group_id else able[:0]}
                people = users.get(stage.approver_kind, managers.get(stage.approver_kind, able[:0]))
                note(
                    people,
                    document_type,
                    _("%(stage)s (rule “%(rule)s”)", stage=stage._words(), rule=stage.rule_id.name),
                )
            if version:
                fallback = self.env["distribution.approval.resolver"].sudo()._fallback(version)
                note(fallback, document_type, _("fallback"))
        return found

    @api.model
    def _emergency_reviewers(self):
        """The groups that policies in force name to review emergency releases."""
        return self._published_versions().emergency_reviewer_group_id

    @api.model
    def _conflicts(self, roles, candidacies, reviewers):
        """Conflicts of a person with these roles who is asked about these kinds of documents.

        :param reviewers: groups that review emergency releases
        """
        conflicts = self.env["distribution.access.conflict"].sudo().search([])

        def has(duty):
            if not duty.active:
                return False
            if duty.kind == "emergency_reviewer":
                return any(group in reviewers for group in roles)
            return duty.group_id in roles if duty.kind == "group" else duty.document_type in candidacies

        return conflicts.filtered(lambda conflict: has(conflict.duty_id) and has(conflict.other_duty_id))


class ProductCategory(models.Model):
    _inherit = "product.category"

    def _approval_all_managers(self):
        """Everybody who manages one of these categories."""
        return self.env["res.users"].union(*(category._approval_manager() for category in self))
