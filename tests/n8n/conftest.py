"""A real n8n with the workflows that we ship, connected with a real Odoo: by their README, as a user does it."""

import json
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import rules_in_force as rules
from api_client import give_key
from standardwebhooks.webhooks import Webhook

from tools.devkit import n8n as devkit_n8n
from tools.devkit.paths import ROOT
from tools.devkit.server import test_log as fresh_log

sys.path.insert(0, str(Path(__file__).parent))

from peers import NOBODY, Peer, waits_for  # noqa: E402

OPERATIONS = (
    "approval-requests",
    "approval-decisions",
    "purchase-orders",
    "supplier-confirmations",
    "ship-notices",
    "carrier-statuses",
    "external-events",
    "events",
    "report-edition",
)
#: Subscription → what it hears; its path and variable are named after it.
SUBSCRIPTIONS = {
    "approvals": "distribution.*.approval_*\ndistribution.*.decision_recorded.v1\ndistribution.*.approved.v1\n"
    "distribution.*.revision_requested.v1",
    "orders": "distribution.purchase_order.released.v1\ndistribution.purchase_order.passed.v1\n"
    "distribution.purchase_order.amended.v1",
    "reports": "distribution.report.released.v1\ndistribution.report.recalled.v1",
    "alerts": "distribution.case.*\ndistribution.*.task_escalated.v1\ndistribution.*.task_expired.v1\nn8n.*",
}
HEADERS = {
    "supplier": ("X-Api-Key", "of the supplier"),
    "chat_answers": ("Authorization", "Token of the chat"),
    "supplier_answers": ("X-Api-Key", "of the answers"),
    "speedy": ("X-Api-Key", "of Speedy"),
    "northline": ("X-Api-Key", "of Northline"),
}
EVERY_SECONDS = 20


class Automation(devkit_n8n.N8n):
    """n8n with the workflows, and how the other sides speak to it."""

    secrets: dict[str, str]

    def call(self, path, body=None, *, credential=None, raw=None, headers=None):
        """POST to a webhook, with the header of a credential."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if credential:
            sent |= dict([HEADERS[credential]])
        content = raw if raw is not None else json.dumps(body)
        return requests.post(f"{self.url}/webhook/distribution/{path}", data=content, headers=sent, timeout=30)

    def signed(self, path, event, secret=None, *, when=None):
        """(body, headers) of an event as Odoo sends it."""
        import datetime

        body = json.dumps(event)
        moment = when or datetime.datetime.now(tz=datetime.timezone.utc)
        signature = Webhook(secret or self.secrets[path]).sign(event["id"], moment, body)
        return body, {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": event["id"],
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
        }

    def rows(self, statement, *parameters):
        """Rows of n8n's own database."""
        with sqlite3.connect(f"file:{self.home}/.n8n/database.sqlite?mode=ro", uri=True) as database:
            return database.execute(statement, parameters).fetchall()

    def start(self):
        super().start()
        # Ready is not yet listening: some seconds later the webhooks are registered.
        assert waits_for(lambda: all(self.call(path, {}).status_code == 401 for path in SUBSCRIPTIONS)), self.log


@pytest.fixture(scope="module")
def goods(rpc):
    """Purchase policy with decision links by mail; what can be ordered."""
    return rules.begin(rpc)


@pytest.fixture(scope="module")
def peers(rpc, goods):
    """The chat, the supplier, the post box of Odoo and the one of n8n."""
    with rules.Postbox() as of_odoo, rules.Postbox() as of_n8n:
        of_odoo.open_for(rpc)
        manager = rpc("purchasing_manager")
        manager("res.users", "write", [manager.uid], {"notification_type": "email"})
        known = SimpleNamespace(chat=Peer(), supplier=Peer(), of_odoo=of_odoo, of_n8n=of_n8n)
        yield known
        known.chat.close()
        known.supplier.close()


@pytest.fixture(scope="module")
def n8n(rpc, server, peers, tmp_path_factory, workspace):
    """n8n, set up and started."""
    devkit_n8n.install()
    home = tmp_path_factory.mktemp("n8n")
    automation = Automation(home, fresh_log(f"n8n-{workspace.series}"))
    connect_odoo(rpc, server, automation)
    automation.variables = {
        "DISTRIBUTION_URL": server.url,
        "DISTRIBUTION_CHAT_URL": peers.chat.url,
        "DISTRIBUTION_CHAT_PEOPLE": json.dumps({rpc("purchasing_manager").uid: "@marcus"}),
        "DISTRIBUTION_SUPPLIER_URL": peers.supplier.url,
        "DISTRIBUTION_MAIL_FROM": "n8n@example.com",
        "DISTRIBUTION_ALERT_TO": "operations@example.com",
        "DISTRIBUTION_REPORT_TO": "managers@example.com",
        "DISTRIBUTION_REPORT_CRON": f"*/{EVERY_SECONDS} * * * * *",
        **{f"DISTRIBUTION_{name.upper()}_SECRET": secret for name, secret in automation.secrets.items()},
    }
    credentials = home / "credentials.json"
    credentials.write_text(json.dumps(filled_in(automation.key.text, peers.of_n8n.server_address[1])))
    automation.command("import:credentials", f"--input={credentials}")
    automation.command("import:workflow", "--separate", f"--input={ROOT / 'n8n'}")
    automation.command("update:workflow", "--all", "--active=true")
    automation.start()
    yield automation
    automation.stop()


def connect_odoo(rpc, server, automation):
    """What an administrator does in Odoo: allow the address, make a key, and three subscriptions."""
    admin = rpc("admin")
    # Once, before jobs run: one that began earlier would put the former value back into the server's cache.
    allowed = f"127.0.0.1:{automation.port},{NOBODY}"
    admin("ir.config_parameter", "set_param", "distribution_core.outbound_allowed_hosts", allowed)
    for role in ("distribution_core.group_operations", "purchase.group_purchase_user", "stock.group_stock_user"):
        rules.give_role(rpc, "integration", role)
    automation.key = give_key(rpc, server.url, OPERATIONS, name="n8n", namespace="n8n")
    automation.secrets, automation.subscriptions = {}, {}
    for name, types in SUBSCRIPTIONS.items():
        url = f"{automation.url}/webhook/distribution/{name}"
        made = admin(
            "distribution.webhook.subscription", "create", {"name": f"n8n: {name}", "url": url, "event_types": types}
        )
        automation.subscriptions[name] = made
        shown = admin("distribution.webhook.subscription", "action_activate", [made])
        automation.secrets[name] = shown["context"]["shown_secret"]


def filled_in(key, smtp_port):
    """The shipped list of credentials, with what belongs in it."""
    credentials = json.loads((ROOT / "n8n/credentials/example.json").read_text())
    for one in credentials:
        name = one["id"].removeprefix("distribution_")
        if one["type"] == "httpBearerAuth":
            one["data"] = {"token": key}
        elif one["type"] == "smtp":
            one["data"] |= {"host": "127.0.0.1", "port": smtp_port, "secure": False, "user": "", "password": ""}
        else:
            one["data"] = dict(zip(("name", "value"), HEADERS[name]))
    return credentials
