"""Another system, with a key: what stories and attacks about the API share."""

import json

import requests

BASE = "/distribution/api/v1"
KEY = "distribution.api.key"
CALL = "distribution.api.call"
PROBLEM = "urn:distribution:problem:"


class System:
    """Calls with a key; ``system.post("customer-orders", {…})`` → answer."""

    def __init__(self, url, text, key_id=None):
        self.url, self.text, self.key_id = url, text, key_id

    def call(self, method, path, body=None, *, raw=None, headers=None, session=requests):
        sent = {
            "Authorization": f"Bearer {self.text}",
            **({"Content-Type": "application/json"} if method == "POST" else {}),
        }
        sent.update(headers or {})
        content = raw if raw is not None else None if body is None else json.dumps(body)
        return session.request(
            method,
            f"{self.url}{BASE}/{path}",
            data=content,
            headers={name: value for name, value in sent.items() if value is not None},
            timeout=90,
            allow_redirects=False,
        )

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)


def give_key(rpc, url, operations, login="integration", **values):
    """A key for the account ``login``, made by an administrator; ``operations`` None: everything."""
    admin = rpc("admin")
    domain = [] if operations is None else [("name", "in", list(operations))]
    key = admin(
        KEY,
        "create",
        {
            "name": values.pop("name", "The other system"),
            "user_id": rpc(login).uid,
            "operation_ids": [(6, 0, admin("distribution.api.operation", "search", domain))],
            "namespace": "acme",
            "per_minute": 100_000,
            "burst": 10_000,
            **values,
        },
    )
    key = key[0] if isinstance(key, list) else key
    action = admin(KEY, "action_issue", [key])
    system = System(url, action["context"]["shown_secret"], key)
    system.secret = action["context"]["shown_signing_secret"]
    return system


def problem(answer, status, kind):
    """The problem detail of an answer that is one; fails when it is another."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == PROBLEM + kind, document
    assert document["title"] and document["remedy"]
    assert "Traceback" not in answer.text
    return document


def event(number, **values):
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "https://erp.acme.example",
        "type": "acme.truck.arrived.v1",
        "data": {"gate": 4},
        **values,
    }
