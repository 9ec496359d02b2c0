"""The company of the concurrency tests with more kinds of documents governed."""

from odoo import Command
from odoo.tests.common import new_test_user

from .test_concurrency import ConcurrencyCase


class DocumentConcurrencyCase(ConcurrencyCase):
    """More people, what they work on, and further policies; what these govern ends with the class."""

    #: ``{name: groups beside those of an employee}`` of further people.
    more_people = {}
    more_activations = ()

    @classmethod
    def _make_company(cls, env):
        super()._make_company(env)
        company = env["res.company"].browse(cls.company_id)
        env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
        for name, groups in cls.more_people.items():
            cls.people[name] = new_test_user(
                env,
                login=f"{name}_{company.id}",
                groups=f"base.group_user,{groups}",
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            ).id
        cls._make_goods(env, company)
        cls._govern_more(env)

    @classmethod
    def _make_goods(cls, env, company):
        """Make what the tests work on, as superuser of the company, and keep its ids on the class."""

    @classmethod
    def _govern_more(cls, env):
        """Put policies in force for what the tests are about, with ``_publish``; purchase orders are governed
        already. It is called once, when people and goods are there, in the transaction that makes them."""
        raise NotImplementedError(f"{cls.__name__} does not say what it governs")

    @classmethod
    def _publish(cls, env, document_type, *rules):
        """Govern ``document_type`` by ``rules``: ``(name, "pass" or "require", (fact, operator, value))``.

        Who is asked is ``manager``.
        """
        user = env["res.users"].browse
        policy = (
            env["distribution.approval.policy"]
            .with_user(user(cls.people["author"]))
            .create({"name": document_type, "document_type": document_type, "company_id": cls.company_id})
        )

        def rule(name, outcome, condition):
            fact, operator, value = condition
            stage = Command.create({"approver_kind": "user", "user_id": cls.people["manager"]})
            return Command.create(
                {
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": [Command.create({"fact": fact, "operator": operator, "value": value})],
                    "stage_ids": [stage] if outcome == "require" else [],
                }
            )

        version = (
            env["distribution.approval.policy.version"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "policy_id": policy.id,
                    "fallback_user_id": cls.people["manager_2"],
                    "rule_ids": [rule(*each) for each in rules],
                }
            )
        )
        version.with_user(user(cls.people["publisher"])).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(user(cls.people["publisher"]))
            .create({"document_type": document_type, "company_id": cls.company_id})
        )
        activation.action_propose()
        activation.with_user(user(cls.people["publisher_2"])).action_confirm()
        cls.more_activations = (*cls.more_activations, activation.id)

    @classmethod
    def _leave(cls):
        for activation_id in cls.more_activations:
            with cls.transaction("publisher") as env:
                env["distribution.approval.activation"].browse(activation_id).action_propose_end()
            with cls.transaction("publisher_2") as env:
                env["distribution.approval.activation"].browse(activation_id).action_confirm_end()
        super()._leave()

    # ---------------------------------------------------------------- helpers

    def _press(self, model, record_id, button, who):
        """For ``_at_once``: ``who`` presses that button of the record."""
        return who, lambda env: getattr(env[model].browse(record_id), button)()

    def _task_of(self, document):
        """Id of the one task that waits for somebody."""
        return document.sudo().approval_request_id.task_ids.filtered(lambda task: task.state == "open").ensure_one().id

    def assertReleases(self, document, kinds):
        """These releases, and no others, were ever given to the document."""
        releases = document.env["distribution.approval.release"].search(
            [("res_model", "=", document._name), ("res_id", "=", document.id)]
        )
        self.assertEqual(releases.mapped("kind"), kinds)

    def assertReleasedAsItIs(self, document):
        """One release is in force, for what the document says now."""
        (release,) = document.env["distribution.approval.release"]._valid_for(document)[document.id]
        self.assertTrue(release._covers(document._approval_snapshots()[document.id]))
