"""Kinds of exception: how bad, how long they may take, who gets them, and who next."""

from collections import Counter
from typing import NamedTuple

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..compat import group_members

SEVERITIES = [('0', "Low"), ('1', "Medium"), ('2', "High"), ('3', "Critical")]
#: Working hours that a new kind of case may take: two days.
SERVICE_HOURS = 16.0


class Step(NamedTuple):
    """One step of the chain behind the due time."""

    after_hours: float
    owner_rule: str
    user: models.BaseModel
    group: models.BaseModel
    raises_severity: bool


class DistributionCaseType(models.Model):
    _name = 'distribution.case.type'
    _description = "Case Type"
    _order = 'name, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Name under which programs open cases of this type.")
    active = fields.Boolean(default=True)
    description = fields.Text(translate=True, help="What happened, and what to do about it.")
    severity = fields.Selection(SEVERITIES, required=True, default='1')
    kind = fields.Selection([('business', "Business"), ('technical', "Technical")], required=True, default='business')
    owner_rule = fields.Selection(
        [
            ('person', "This person"),
            ('least_loaded', "Who of this role has the fewest open cases"),
            ('role', "Nobody yet: whoever of this role takes it"),
            ('site_manager', "The manager of the site"),
        ],
        string="Goes To",
        required=True,
        default='person',
    )
    user_id = fields.Many2one(
        'res.users',
        string="Default Owner",
        domain="[('share', '=', False)]",
        help="New cases of this type go to this person, also when the rule finds nobody.",
    )
    group_id = fields.Many2one('res.groups', string="Role", ondelete='restrict')
    service_hours = fields.Float(
        default=SERVICE_HOURS, help="Working hours of the company in which a case should be closed. 0: no limit."
    )
    escalation_ids = fields.One2many(
        'distribution.case.escalation',
        'type_id',
        copy=True,
        help="Empty: once it is overdue the severity rises by one and its owner is reminded.",
    )

    _sql_constraints = [
        ('code_unique', 'unique(code)', "A case type's code exists only once."),
        ('service_hours_positive', 'CHECK (service_hours >= 0)', "Service Hours: 0 or more."),
    ]

    @api.constrains('owner_rule', 'group_id')
    def _check_role(self):
        for case_type in self:
            if case_type.owner_rule in ('least_loaded', 'role') and not case_type.group_id:
                raise ValidationError(_("Role: choose whose cases “%s” are.", case_type.name))

    @api.model
    def _of_code(self, code):
        """The type with this code, archived or not; raises ValueError when there is none."""
        # sudo: a case is opened for whoever met the problem, whatever their rights
        found = self.sudo().with_context(active_test=False).search([('code', '=', code)], limit=1)
        if not found:
            raise ValueError(f"There is no case type {code!r}.")
        return found

    def _owner(self, company, site, chosen):
        """Who gets a new case; may be nobody.

        :param chosen: ``Counter`` of cases that were given to people meanwhile
        """
        self.ensure_one()
        found = self.env['res.users']
        if self.owner_rule == 'least_loaded':
            found = self._least_loaded(self.group_id, company, chosen)
        elif self.owner_rule == 'site_manager':
            found = site.manager_id
        if not found and self.owner_rule != 'role':
            found = self.user_id
        return found.filtered('active')

    @api.model
    def _least_loaded(self, group, company, chosen=None):
        """The member of ``group`` in ``company`` with the fewest open cases."""
        return self._least(self._loads(group, company), chosen or Counter())

    @api.model
    def _loads(self, group, company):
        """``{member of the group in the company: open cases}``."""
        people = group_members(group).filtered(
            lambda user: user.active and not user.share and not user._is_superuser() and company in user.company_ids
        )
        loads = self.env['distribution.case']._read_group(
            [('user_id', 'in', people.ids), ('closed_at', '=', False)], ['user_id'], ['__count']
        )
        load = Counter({user.id: count for user, count in loads})
        return {user: load[user.id] for user in people}

    @api.model
    def _least(self, loads, chosen):
        """Who of ``loads`` has the fewest cases, with those of ``chosen``; may be nobody."""
        return min(loads, key=lambda user: (loads[user] + chosen[user.id], user.id), default=self.env['res.users'])

    def _step(self, level):
        """The escalation that follows ``level`` earlier ones, or None."""
        self.ensure_one()
        nobody = self.env['res.users'], self.env['res.groups']
        steps = [
            Step(line.after_hours, line.owner_rule, line.user_id, line.group_id, line.raises_severity)
            for line in self.escalation_ids.sorted(lambda line: (line.sequence, line.id))
        ] or [Step(0.0, 'keep', *nobody, True)]
        return steps[level] if level < len(steps) else None
