"""What several workflows are made of."""

from .workflow import CREDENTIALS, Workflow

ODOO = "={{ $env.DISTRIBUTION_URL }}/distribution/api/v1/"
#: A node that failed is tried again by n8n itself, as often and as long as n8n lets it.
RETRIES = {"retryOnFail": True, "maxTries": 5, "waitBetweenTries": 5000}
SECONDS = 30


def hear(workflow: Workflow, name: str, path: str, secrets: str, row: int = 0) -> str:
    """An event of Odoo arrives: believed or refused, answered at once, and dropped when it was here already.

    :param secrets: the environment variable with the secret of the subscription; several with blanks between
    :return: the node after which ``{id, event, began}`` is worked on
    """
    came = workflow.put(
        name,
        "webhook",
        2,
        {"httpMethod": "POST", "path": path, "responseMode": "responseNode", "options": {"rawBody": True}},
        at=(0, row),
    )
    verified = workflow.code("Verify the signature", "verify", came, SECRETS=secrets)
    genuine = workflow.decide("Genuine?", "$json.genuine", verified)
    taken = workflow.put(
        "Answer: taken",
        "respondToWebhook",
        1.1,
        {"respondWith": "noData", "options": {"responseCode": 204}},
        after=genuine,
    )
    workflow.put(
        "Answer: refused",
        "respondToWebhook",
        1.1,
        {
            "respondWith": "text",
            "responseBody": "={{ $json.reason }}",
            "options": {"responseCode": "={{ $json.status }}"},
        },
        after=(genuine, 1),
    )
    return drop_repeats(workflow, "Drop repeats", "id", taken)


def drop_repeats(workflow: Workflow, name: str, field: str, after) -> str:
    """Only what was not here before goes on.

    Two executions that begin the list at the same moment: n8n lets one of them fail, and it looks again.
    """
    return workflow.put(
        name,
        "removeDuplicates",
        2,
        {
            "operation": "removeItemsSeenInPreviousExecutions",
            "dedupeValue": f"={{{{ $json.{field} }}}}",
            "options": {"historySize": 10000},
        },
        after=after,
        **RETRIES | {"waitBetweenTries": 500},
    )


def receive(workflow: Workflow, name: str, path: str, credential: str, row: int) -> str:
    """A message of somebody else arrives with the header that was agreed with them, and is answered at once."""
    came = workflow.put(
        name,
        "webhook",
        2,
        {
            "httpMethod": "POST",
            "path": path,
            "authentication": "headerAuth",
            "responseMode": "responseNode",
            "options": {},
        },
        at=(0, row),
        credential=credential,
    )
    return workflow.put(
        f"{name}: taken",
        "respondToWebhook",
        1.1,
        {"respondWith": "noData", "options": {"responseCode": 202}},
        after=came,
    )


def request(
    workflow: Workflow, name: str, after, *, method, url, call, credential=None, never_error=True, **more
) -> str:
    """An HTTP request.

    :param call: expression of what is sent: ``{body, key}``
    """
    parameters = {"method": method, "url": url, "sendHeaders": True}
    headers = [{"name": "Accept", "value": "application/json"}]
    if credential:
        parameters |= {"authentication": "genericCredentialType", "genericAuthType": CREDENTIALS[credential][0]}
    if method == "POST":
        headers.append({"name": "Idempotency-Key", "value": f"={{{{ {call}.key || {call}.body.id }}}}"})
        parameters |= {
            "sendBody": True,
            "contentType": "json",
            "specifyBody": "json",
            "jsonBody": f"={{{{ JSON.stringify({call}.body) }}}}",
        }
    parameters["headerParameters"] = {"parameters": headers}
    answer = {"fullResponse": True, "neverError": never_error, "responseFormat": "text", "outputPropertyName": "data"}
    parameters["options"] = {
        "timeout": SECONDS * 1000,
        "redirect": {"redirect": {"followRedirects": False}},
        "response": {"response": answer},
    }
    return workflow.put(name, "httpRequest", 4.2, parameters, after=after, credential=credential, **RETRIES, **more)


def hand_over(
    workflow: Workflow,
    name: str,
    after,
    *,
    url: str,
    credential: str | None = None,
    method: str = "POST",
    one: str | None = None,
    hours: float = 24,
    pauses: tuple[int, int] = (70, 1800),
) -> tuple[tuple[str, int], tuple[str, int], str]:
    """Calls that are made until they arrive, each by itself.

    Pauses of 65 seconds and more are kept in n8n's database: they survive a restart of n8n.

    :param after: the node that gives ``{body, key, began, …}``
    :param one: name of the node before, when it gives one item only: there is no loop then
    :param pauses: the shortest and the longest pause between tries, in seconds
    :return: where what was done goes on, where what was refused goes on, and the node to come back to (loop)
    """
    if one:
        loop, call = None, f"$('{one}').first()"
        before = after
    else:
        loop = workflow.put(f"{name}: one by one", "splitInBatches", 3, {"options": {}}, after=after)
        call, before = f"$('{loop}').first(1)", (loop, 1)
    sent = request(
        workflow,
        f"{name}: send",
        before,
        method=method,
        url=url.replace("CALL", f"{call}.json"),
        call=f"{call}.json",
        credential=credential,
        onError="continueErrorOutput",
    )
    judged = workflow.code(
        f"{name}: what came of it",
        "judge",
        [sent, (sent, 1)],
        SOURCE=call,
        PATIENCE=str(int(hours * 3600)),
        SHORTEST=str(pauses[0]),
        LONGEST=str(pauses[1]),
    )
    ways = workflow.put(
        f"{name}: done, refused or again",
        "switch",
        3.2,
        {
            "mode": "expression",
            "numberOutputs": 3,
            "output": "={{ ['done', 'refused', 'again'].indexOf($json.outcome) }}",
        },
        after=judged,
    )
    waited = workflow.put(
        f"{name}: wait",
        "wait",
        1.1,
        {"resume": "timeInterval", "amount": "={{ $json.pause }}", "unit": "seconds"},
        after=(ways, 2),
    )
    workflow.connect(waited, sent)
    return (ways, 0), (ways, 1), loop


def tell_odoo(workflow: Workflow, name: str, after) -> str:
    """An event for Odoo's ledger; when it does not arrive, the execution fails."""
    return request(
        workflow,
        name,
        after,
        method="POST",
        url=ODOO + "external-events",
        call="$json",
        credential="odoo",
        never_error=False,
    )


def tell_refused(workflow: Workflow, name: str, after) -> str:
    """What was refused for good becomes an event."""
    return tell_odoo(workflow, f"{name}: tell Odoo", workflow.code(f"{name}: what was refused", "refused", after))


def when_it_fails(workflow: Workflow, row: int) -> None:
    """An execution of this workflow that fails becomes an event, too: n8n starts this part of the same workflow."""
    failed = workflow.put("When an execution fails", "errorTrigger", 1, {}, at=(0, row))
    tell_odoo(workflow, "Tell Odoo that it failed", workflow.code("What failed", "failed", failed))
