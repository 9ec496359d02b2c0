"""The inbox: what other systems called, and what became of it."""

import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, MissingError, UserError

from ..compat import check_access
from ..engine import idempotency, operation
from ..engine.api_body import mistakes
from ..engine.problem import Problem
from ..turns import in_turn
from .distribution_case import OPEN_STATES

_logger = logging.getLogger(__name__)

#: How long calls are kept that were applied or refused; the idempotency of their keys lasts as long.
DAYS_PARAMETER = 'distribution_core.api_call_days'
DEFAULT_DAYS = 90
#: Calls that the job works off in one run.
BATCH = 200


@dataclass
class Answer:
    """What a call is answered."""

    status: int
    document: dict
    headers: dict = field(default_factory=dict)


class DistributionApiCall(models.Model):
    """A call with a body, as it was received.

    * *Applied*: done, in the transaction of the call.
    * *Waiting*: taken (202), to be applied when an addon can, or looked at by a person: it has a case.
    * *Refused*: the caller was told why, and nothing was changed. It stays refused: the caller knows.
    * *Failed*: something is broken here; it can be applied again.
    """

    _name = 'distribution.api.call'
    _description = "API Call"
    _order = 'id desc'
    _rec_name = 'operation'

    api_key_id = fields.Many2one('distribution.api.key', "System", required=True, readonly=True, ondelete='restrict')
    operation = fields.Char(required=True, readonly=True, index=True)
    company_id = fields.Many2one('res.company', readonly=True, index=True)
    user_id = fields.Many2one('res.users', "Acted as", required=True, readonly=True, ondelete='restrict')
    received_at = fields.Datetime(required=True, readonly=True, index=True)
    state = fields.Selection(
        [('applied', "Applied"), ('waiting', "Waiting"), ('refused', "Refused"), ('failed', "Failed")],
        required=True,
        readonly=True,
        index=True,
    )
    body = fields.Text(readonly=True, help="As it was received; one-use tokens are covered.")
    body_text = fields.Text("Content", compute='_compute_texts')
    idempotency_key = fields.Char(readonly=True)
    fingerprint = fields.Char(readonly=True, help="SHA-256 of operation and body.")
    identity = fields.Char(readonly=True, help="SHA-256 of what names the fact, such as source and id of an event.")
    is_signed = fields.Boolean("Signed", readonly=True)
    status = fields.Integer("HTTP Status", readonly=True)
    answer = fields.Text(readonly=True)
    answer_text = fields.Text("Answered", compute='_compute_texts')
    reason = fields.Char(compute='_compute_texts', help="Why it was refused, or waits.")
    case_id = fields.Many2one('distribution.case', readonly=True, ondelete='set null', index='btree_not_null')
    res_model = fields.Char("Document Model", readonly=True)
    res_id = fields.Many2oneReference("Document Number", model_field='res_model', readonly=True)
    document_name = fields.Char("Document", compute='_compute_document_name', compute_sudo=False)
    applied_at = fields.Datetime(readonly=True)
    attempts = fields.Integer(readonly=True)

    def init(self):
        # One row per system and idempotency key, and per fact that was taken; whoever is quicker.
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_api_call_once
                   ON distribution_api_call (api_key_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
               CREATE UNIQUE INDEX IF NOT EXISTS distribution_api_call_fact
                   ON distribution_api_call (api_key_id, operation, identity)
                WHERE identity IS NOT NULL AND state <> 'refused';
               CREATE INDEX IF NOT EXISTS distribution_api_call_document
                   ON distribution_api_call (res_id, res_model) WHERE res_id IS NOT NULL"""
        )

    # ------------------------------------------------------------
    # Shown to people
    # ------------------------------------------------------------

    @api.depends('operation')
    def _compute_display_name(self):
        for call in self:
            call.display_name = f'{call.operation} {call.id}'

    @api.depends('body', 'answer')
    def _compute_texts(self):
        for call in self:
            answer = json.loads(call.answer or '{}')
            call.body_text = _pretty(json.loads(call.body)) if call.body else False
            call.answer_text = _pretty(answer) if answer else False
            call.reason = answer.get('detail') or _first_error(answer) or answer.get('title') or False

    @api.depends('res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_document_name(self):
        labels = self.env['distribution.event']._document_labels((call.res_model, call.res_id) for call in self)
        for call in self:
            call.document_name = labels.get((call.res_model, call.res_id), False)

    def action_open_document(self):
        """Show the document that the call made or changed."""
        self.ensure_one()
        return self.env['distribution.event']._document_action(self.res_model, self.res_id)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("What was called, and what became of it, is written by the API only."))
        return super().write(vals)

    def unlink(self):
        if not self.env.su:
            raise AccessError(_("Calls are kept as long as the settings say."))
        return super().unlink()

    @api.autovacuum
    def _gc_calls(self):
        parameter = self.env['ir.config_parameter'].sudo().get_param(DAYS_PARAMETER, '')
        days = int(parameter) if parameter.isdigit() else DEFAULT_DAYS
        # sudo: the job keeps what still has to be done
        old = self.sudo().search(
            [
                ('received_at', '<', fields.Datetime.now() - timedelta(days=days)),
                ('state', 'in', ('applied', 'refused')),
            ],
            limit=10_000,
        )
        old.unlink()

    # ------------------------------------------------------------
    # Taking a call in
    # ------------------------------------------------------------

    @api.model
    def _receive(self, key, contract, body, idempotency_key=None, is_signed=False):
        """Take a call in and answer it; once per idempotency key.

        :param key: the key that was identified; superuser's environment
        :param contract: :class:`~..engine.operation.Operation`
        :raises Problem: nothing was kept
        """
        fingerprint = idempotency.fingerprint(contract.name, body)
        values = {'fingerprint': fingerprint, 'is_signed': is_signed}
        own = [('api_key_id', '=', key.id)]
        known = idempotency_key and self.search([*own, ('idempotency_key', '=', idempotency_key)], limit=1)
        if known:
            return known._answer_again(contract, body, fingerprint)
        errors = mistakes(contract.body, body)
        if errors:
            # Kept for people to see; its idempotency key may be used for the corrected body.
            call = self._insert(key, contract, body, {**values, 'company_id': key._company().id})
            return call._refuse(Problem('body-invalid', errors=errors))
        company = key._company(_company_number(body))
        identity = operation.identity(contract, body, company.id)
        same = identity and self.search(
            [*own, ('operation', '=', contract.name), ('identity', '=', identity), ('state', '!=', 'refused')], limit=1
        )
        if same and same.fingerprint != fingerprint:
            raise Problem('conflict', f"Call {same.id} told something else under the same {_words(contract)}.")
        if same:
            return same._answer_again(contract, body, fingerprint)
        values.update(company_id=company.id, idempotency_key=idempotency_key, identity=identity)
        return self._insert(key, contract, body, values)._apply(contract, body)

    def _answer_again(self, contract, body, fingerprint):
        """The answer of the first call to the second one."""
        self.ensure_one()
        if self.fingerprint != fingerprint:
            raise Problem('idempotency-mismatch', call_id=self.id)
        if self.state == 'failed':
            return self._apply(contract, body)  # the caller was told to try again
        return Answer(self.status, json.loads(self.answer), {'Idempotent-Replayed': 'true'})

    @api.model
    def _insert(self, key, contract, body, more):
        """The row of a call. Whoever uses the same idempotency key at the same time waits here, and then, by
        Odoo's retry of serialization failures, begins again and finds this row."""
        values = {
            **more,
            'api_key_id': key.id,
            'operation': contract.name,
            'user_id': key.user_id.id,
            'received_at': fields.Datetime.now(),
            'state': 'waiting',
            'body': json.dumps(operation.visible(contract, body) if isinstance(body, dict) else body),
            'attempts': 0,
            'create_uid': key.user_id.id,
            'write_uid': key.user_id.id,
        }
        columns = ', '.join(values)
        self.env.cr.execute(
            f"""INSERT INTO distribution_api_call ({columns}, create_date, write_date)
                     VALUES ({', '.join(['%s'] * len(values))}, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
                ON CONFLICT DO NOTHING RETURNING id""",
            list(values.values()),
        )
        row = self.env.cr.fetchone()
        if not row:
            raise Problem('busy', headers={'Retry-After': '1'})
        return self.browse(row[0])

    # ------------------------------------------------------------
    # Applying
    # ------------------------------------------------------------

    def _apply(self, contract, body, is_later=False):
        """Have the operation act on this call, all or nothing, and answer.

        :param is_later: the caller was told already that it is taken: what cannot be applied becomes a case
        """
        self.ensure_one()
        acting = self.api_key_id._acting(self.company_id)
        handler = acting._handler(contract.name)
        if not handler:
            return self._wait()
        wants_case = is_later or contract.wants_case(body)
        try:
            result = self._act(handler, acting.env, body)
        except Problem as problem:
            return self._refuse(problem, wants_case)
        except AccessError as error:
            return self._refuse(Problem('not-allowed', _text(error)), is_later)
        except (UserError, MissingError) as error:
            return self._refuse(Problem('not-applicable', _text(error)), wants_case)
        except psycopg2.IntegrityError as error:
            return self._refuse(Problem('conflict', _constraint(error)), wants_case)
        except psycopg2.DataError:
            return self._refuse(Problem('not-applicable', "A value is too large, or of the wrong kind."), wants_case)
        except psycopg2.OperationalError:
            raise  # Odoo tries the whole call again
        except Exception as error:  # pylint: disable=broad-except
            if type(error).__name__ == 'ConcurrencyError':
                raise  # the same on 19.0
            _logger.exception("API call %s (%s) failed", self.id, contract.name)
            return self._fail(error, wants_case)
        if isinstance(result, Problem):
            return self._refuse(result, is_later)
        return self._done(result or {})

    def _act(self, handler, env, body):
        with self.env.cr.savepoint():
            result = handler(self.with_env(env), body)
            env.flush_all()
        return result

    def _about(self, record):
        """Called by the handler: the document that the call made or changed."""
        # sudo: the account of the key does not write the inbox
        self.sudo().write({'res_model': record._name, 'res_id': record.id})

    def _answered(self, state, status, document, **values):
        self.write(
            {
                'state': state,
                'status': status,
                'answer': json.dumps(document),
                'attempts': self.attempts + 1,
                **values,
            }
        )
        if state != 'refused':
            self._record_taken()
        return Answer(status, document)

    def _done(self, result):
        document = {'call_id': self.id, 'state': 'applied', 'result': result}
        return self._answered('applied', 200, document, applied_at=fields.Datetime.now())

    def _wait(self, case=None):
        document = {'call_id': self.id, 'state': 'waiting'}
        if case:
            document['case_id'] = case.id
        return self._answered('waiting', 202, document, case_id=case.id if case else False)

    def _refuse(self, problem, wants_case=False):
        """Tell the caller why not, or, when they asked for that, keep it for a person."""
        if wants_case:
            detail = '\n'.join([problem.detail, *(f"{one['pointer']}: {one['detail']}" for one in problem.errors)])
            case = self._open_case('api_call_not_applied', detail.strip())
            if case:
                return self._wait(case)
        problem.more['call_id'] = self.id
        answer = self._answered('refused', problem.status, problem.document())
        answer.headers.update(problem.headers)
        return answer

    def _fail(self, error, wants_case):
        """Something is broken here: kept, with a case for those who run the system."""
        case = self._open_case('api_call_failed', type(error).__name__)
        if wants_case and case:
            return self._wait(case)
        problem = Problem('internal-error', call_id=self.id)
        return self._answered('failed', problem.status, problem.document(), case_id=case.id)

    def _open_case(self, code, detail):
        return self.env['distribution.case']._open(
            code,
            self,
            _("%(operation)s from %(system)s", operation=self.operation, system=self.api_key_id.name),
            detail=detail,
            dedup_key=f'api_call:{self.id}',
        )

    def _record_taken(self):
        def facts(call):
            told = {'operation': call.operation, 'state': call.state, 'key_id': call.api_key_id.id}
            if call.case_id:
                told['case_id'] = call.case_id.id
            if call.res_model:
                told.update({'document_model': call.res_model, 'document_id': call.res_id})
            return told

        # The actor is the account of the system, also when somebody of operations pushed the button.
        account = self.with_user(self.user_id).sudo()
        account.env['distribution.event']._record(
            'distribution.api_call.taken.v1',
            account,
            facts,
            correlation=lambda call: f'{call.res_model},{call.res_id}' if call.res_model else None,
        )

    # ------------------------------------------------------------
    # Later
    # ------------------------------------------------------------

    def action_apply(self):
        """Apply calls that wait or failed, as the accounts of their systems; the rest is left alone."""
        user = self.env.user
        if not any(user.has_group(f'distribution_core.group_{role}') for role in ('operations', 'administrator')):
            raise AccessError(_("Calls are applied again by operations or administrators."))
        check_access(self, 'read')
        # sudo: the roles above; each call acts as the account of its key
        calls = self.sudo().filtered(lambda call: call.state in ('waiting', 'failed')).sorted('id')
        for call in calls:
            call._apply_later()
        done = calls.filtered(lambda call: call.state == 'applied')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if done == calls else 'warning',
                'message': _("%(done)s of %(all)s applied.", done=len(done), all=len(calls)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def action_refuse(self):
        """Give calls up that wait or failed: they are never applied, and their cases are closed."""
        user = self.env.user
        if not any(user.has_group(f'distribution_core.group_{role}') for role in ('operations', 'administrator')):
            raise AccessError(_("Calls are given up by operations or administrators."))
        check_access(self, 'read')
        # sudo: the roles above
        for call in self.sudo().filtered(lambda call: call.state in ('waiting', 'failed')):
            call._refuse(Problem('not-applicable', "It was looked at, and given up."))
            if call.case_id.state in OPEN_STATES:
                call.case_id.write({'state': 'cancelled', 'resolution': _("The call was given up.")})
        return True

    def _apply_later(self):
        """Apply a call that was taken before; what cannot be applied goes on waiting, with its case."""
        self.ensure_one()
        contract = self.env['distribution.api.operation']._operations().get(self.operation)
        if not contract or contract.hidden or self.api_key_id._account_reason():
            return
        body = json.loads(self.body)
        errors = mistakes(contract.body, body)
        if errors:  # the contract changed meanwhile
            self._refuse(Problem('body-invalid', errors=errors), wants_case=True)
            return
        self._apply(contract, body, is_later=True)
        if self.state == 'applied' and self.case_id.state in OPEN_STATES:
            self.case_id.write({'state': 'resolved', 'resolution': _("The call was applied.")})

    @api.model
    def _cron_apply(self, commit=True):
        """Apply what waits for nothing but an addon that acts on it, each in a transaction of its own.

        :param commit: False: everything in the caller's transaction, for tests
        """
        registry = self.env['distribution.api.operation']
        acted_on = [name for name in registry._operations() if registry._handler(name)]
        last = done = 0
        while done < BATCH and (
            last := in_turn(self.env, lambda after=last: self._apply_next(acted_on, after), commit)
        ):
            done += 1
        return done

    @api.model
    def _apply_next(self, acted_on, after):
        """Apply the next call behind number ``after``; its number, 0 when there is none."""
        self.flush_model(['state', 'case_id'])
        # Several workers take different calls.
        self.env.cr.execute(
            """SELECT id FROM distribution_api_call
                WHERE state = 'waiting' AND case_id IS NULL AND operation = ANY(%s) AND id > %s
             ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED""",
            [acted_on, after],
        )
        (number,) = self.env.cr.fetchone() or (0,)
        if number:
            self.browse(number)._apply_later()
        return number


def _company_number(body):
    number = body.get('company_id', body.get('companyid'))
    return None if number is None else int(number)


def _words(contract):
    return " and ".join(contract.identity)


def _pretty(value):
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _text(error):
    """What an error of Odoo says to people."""
    return str(error.args[0] if error.args else error)[:1000]


def _first_error(answer):
    errors = answer.get('errors') or [{}]
    return ': '.join(filter(None, (errors[0].get('pointer'), errors[0].get('detail'))))


def _constraint(error):
    """Which constraint of the database said no; its words name values that are not the caller's to see."""
    name = error.diag.constraint_name if error.diag else ''
    return f"The database refuses it ({name})." if name else "The database refuses it."
