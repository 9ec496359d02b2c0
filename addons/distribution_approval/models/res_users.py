from odoo import _, api, fields, models

#: How the fields begin that grant and take groups (17.0 has one per choice on the form).
GROUP_KEYS = ("groups", "group_ids", "in_group_", "sel_groups")


class ResUsers(models.Model):
    _inherit = "res.users"

    distribution_notice = fields.Selection(
        [("each", "One message per task"), ("digest", "One message a day"), ("none", "Only my inbox")],
        string="Approval Notices",
        default="each",
        required=True,
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "distribution_notice"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "distribution_notice"]

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals or any(key.startswith(GROUP_KEYS) for key in vals):
            self._approval_leave_tasks()
        return result

    def _approval_leave_tasks(self):
        """Who left, or lost the role, no longer blocks a task: others are asked at once."""
        tasks = (
            self.env["distribution.approval.task"]
            .sudo()
            .search([("user_ids", "in", self.ids), ("state", "in", ("open", "waiting"))])
        )
        tasks.request_id._refresh_candidates()

    def _approval_reads_all(self, model):
        """Whether a role other than Approver lets this user read ``model``.

        An approver sees the documents that they must judge, and no more; who has the document's
        own application sees what that application shows.
        """
        self.ensure_one()
        access = (
            self.env["ir.model.access"]
            .sudo()
            .search([("model_id.model", "=", model), ("perm_read", "=", True), ("active", "=", True)])
        )
        own = (
            self.env.ref("distribution_core.group_approver")
            | self.env.ref("distribution_core.group_auditor")
            | self.env.ref("distribution_approval.group_informed")
        )
        groups = access.group_id - own
        mine = self.sudo()[_all_groups(self)]
        if self._approval_has_own_rules(model, mine - own):
            return False
        return bool(groups & mine) or any(not row.group_id for row in access)

    def _approval_has_own_rules(self, model, groups):
        """Whether the application's own record rules say what a member of ``groups`` reads.

        Odoo joins the rules of a person's groups with "or": "all" from ours would open all to a
        salesperson who sees their own orders only.
        """
        rules = self.env["ir.rule"].sudo().search([("model_id.model", "=", model), ("perm_read", "=", True)])
        return any(rule.groups & groups for rule in rules)

    @api.model
    def _cron_approval_digest(self):
        """Once a day: one message to each person who chose the digest and has something to decide."""
        tasks = self.env["distribution.approval.task"].sudo()
        for user in self.sudo().search([("distribution_notice", "=", "digest"), ("share", "=", False)]):
            waiting = tasks.with_user(user).sudo(False).search(tasks.with_user(user)._inbox_domain())
            if waiting:
                user.with_context(lang=user.lang)._distribution_tell_waiting(waiting.sudo().mapped("display_name"))

    def _distribution_tell_waiting(self, names):
        """The digest, in the language of this environment."""
        body = _("%s decisions wait for you:", len(names)) + "\n" + "\n".join(names)
        self.partner_id.message_notify(
            partner_ids=self.partner_id.ids, body=body, subject=_("%s decisions wait for you", len(names))
        )


def _all_groups(user):
    """Field with all groups of a user, implied ones included: 19.0 keeps them apart."""
    return "all_group_ids" if "all_group_ids" in user._fields else "groups_id"
