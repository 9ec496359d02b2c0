"""The workflows."""

from .parts import (
    ODOO,
    RETRIES,
    SECONDS,
    drop_repeats,
    hand_over,
    hear,
    receive,
    tell_odoo,
    tell_refused,
    when_it_fails,
)
from .workflow import Workflow

CHAT = "={{ $env.DISTRIBUTION_CHAT_URL }}"
FORGETFUL = {
    # One-use tokens pass through: nothing of it stays in n8n's database.
    "saveDataSuccessExecution": "none",
    "saveDataErrorExecution": "none",
    "saveExecutionProgress": False,
    "saveManualExecutions": False,
}


def all_workflows() -> list[Workflow]:
    """All of them, in the order of the README."""
    return [
        approval_notices(),
        approval_answers(),
        supplier_orders(),
        carrier_intake(),
        operations_alerts(),
        daily_summary(),
        report_editions(),
    ]


def approval_notices() -> Workflow:
    workflow = Workflow(
        "approval-notices",
        "Distribution: approvals to chat",
    )
    heard = hear(workflow, "Event of Odoo", "distribution/approvals", "DISTRIBUTION_APPROVALS_SECRET")
    about = workflow.code("About which request", "about_request", heard)
    read, unread, _loop = hand_over(
        workflow, "Request", about, url=ODOO + "{{ CALL.path }}", credential="odoo", method="GET", one=about
    )
    tell_refused(workflow, "Request", unread)
    new = drop_repeats(workflow, "New notices only", "key", workflow.code("Write the notices", "notices", read))
    told, untold, loop = hand_over(workflow, "Chat", new, url=CHAT)
    workflow.connect(told[0], loop, told[1])
    workflow.connect(tell_refused(workflow, "Chat", untold), loop)
    when_it_fails(workflow, 4)
    return workflow


def approval_answers() -> Workflow:
    workflow = Workflow(
        "approval-answers",
        "Distribution: decisions from chat",
        **FORGETFUL,
    )
    came = workflow.put(
        "Answer in the channel",
        "webhook",
        2,
        {
            "httpMethod": "POST",
            "path": "distribution/approval-answers",
            "authentication": "headerAuth",
            "responseMode": "responseNode",
            "options": {},
        },
        at=(0, 0),
        credential="chat_answers",
    )
    read = workflow.code("Read the answer", "read_answer", came)
    replied = workflow.put(
        "Reply at once",
        "respondToWebhook",
        1.1,
        {
            "respondWith": "json",
            "responseBody": "={{ JSON.stringify({response_type: 'ephemeral', text: $json.reply}) }}",
            "options": {"responseCode": 200},
        },
        after=read,
    )
    understood = workflow.decide("Understood?", "$json.understood", replied)
    # In memory only: pauses below 65 seconds are not stored, nor is the token.
    quick = {"hours": 0.25, "pauses": (10, 60)}
    request, unknown, _loop = hand_over(
        workflow,
        "Request",
        understood,
        url=ODOO + "{{ CALL.path }}",
        credential="odoo",
        method="GET",
        one=read,
        **quick,
    )
    seen = workflow.code("What was seen", "check_seen", request)
    asked = workflow.decide("Still asked?", "$json.asked", seen)
    done, refused, _loop = hand_over(
        workflow, "Decision", asked, url=ODOO + "{{ CALL.path }}", credential="odoo", one=seen, **quick
    )
    outcome = workflow.code("Say what became of it", "tell_outcome", [done, refused, unknown])
    told = workflow.put("To the channel", "noOp", 1, {}, after=[outcome, (asked, 1)])
    hand_over(workflow, "Chat", told, url=CHAT, one=told, **quick)
    when_it_fails(workflow, 5)
    return workflow


def supplier_orders() -> Workflow:
    workflow = Workflow(
        "supplier-orders",
        "Distribution: orders to a supplier, confirmations back",
    )
    heard = hear(workflow, "Event of Odoo", "distribution/orders", "DISTRIBUTION_ORDERS_SECRET")
    about = workflow.code("About which order", "about_order", heard)
    read, unread, _loop = hand_over(
        workflow, "Order", about, url=ODOO + "{{ CALL.path }}", credential="odoo", method="GET", one=about
    )
    tell_refused(workflow, "Order", unread)
    written = workflow.code("Write the order", "supplier_message", read)
    sent, unsent, _loop = hand_over(
        workflow,
        "Supplier",
        written,
        url="={{ $env.DISTRIBUTION_SUPPLIER_URL }}",
        credential="supplier",
        one=written,
        hours=72,
    )
    tell_refused(workflow, "Supplier", unsent)
    tell_odoo(workflow, "Tell Odoo that it was sent", workflow.code("What was sent", "order_sent", sent))
    answered = receive(
        workflow, "Confirmation of the supplier", "distribution/supplier-confirmations", "supplier_answers", 5
    )
    translated = workflow.code("Translate the confirmation", "confirmation", answered, "not_understood")
    given, refused, loop = hand_over(
        workflow, "Confirmation", translated, url=ODOO + "{{ CALL.path }}", credential="odoo", hours=72
    )
    workflow.connect(given[0], loop, given[1])
    workflow.connect(tell_refused(workflow, "Confirmation", refused), loop)
    when_it_fails(workflow, 8)
    return workflow


def carrier_intake() -> Workflow:
    workflow = Workflow(
        "carrier-intake",
        "Distribution: carriers to Odoo",
    )
    speedy = workflow.code(
        "Translate Speedy",
        "carrier_speedy",
        receive(workflow, "Speedy", "distribution/carriers/speedy", "speedy", 0),
        "not_understood",
    )
    northline = workflow.code(
        "Translate Northline",
        "carrier_northline",
        receive(workflow, "Northline", "distribution/carriers/northline", "northline", 2),
        "not_understood",
    )
    given, refused, loop = hand_over(
        workflow, "Odoo", [speedy, northline], url=ODOO + "{{ CALL.path }}", credential="odoo", hours=72
    )
    workflow.connect(given[0], loop, given[1])
    workflow.connect(tell_refused(workflow, "Odoo", refused), loop)
    when_it_fails(workflow, 4)
    return workflow


def operations_alerts() -> Workflow:
    workflow = Workflow(
        "alerts",
        "Distribution: alerts to operations",
    )
    heard = hear(workflow, "Event of Odoo", "distribution/alerts", "DISTRIBUTION_ALERTS_SECRET")
    alert = workflow.code("Worth an alert?", "alert", heard)
    mailed = send_mail(workflow, "Mail", alert, "DISTRIBUTION_ALERT_TO", "title", onError="continueErrorOutput")
    failed = workflow.put("Mail failed", "noOp", 1, {}, after=(mailed, 1))
    tell_odoo(workflow, "Tell Odoo that the mail failed", workflow.code("Which mail", "mail_failed", failed))
    chat = "={{ $env.DISTRIBUTION_ALERT_CHAT_URL || $env.DISTRIBUTION_CHAT_URL }}"
    _told, untold, _loop = hand_over(workflow, "Chat", alert, url=chat, one=alert)
    tell_refused(workflow, "Chat", untold)
    when_it_fails(workflow, 5)
    return workflow


def daily_summary() -> Workflow:
    workflow = Workflow(
        "daily-summary",
        "Distribution: the day by mail",
    )
    every = "={{ $env.DISTRIBUTION_REPORT_CRON || '0 6 * * *' }}"
    begun = workflow.put(
        "Every morning",
        "scheduleTrigger",
        1.2,
        {"rule": {"interval": [{"field": "cronExpression", "expression": every}]}},
        at=(0, 0),
    )
    page = workflow.put("Page", "noOp", 1, {}, after=workflow.code("Where we are", "where_we_are", begun))
    read, unread, _loop = hand_over(
        workflow, "Events", page, url=ODOO + "{{ CALL.path }}", credential="odoo", method="GET", one=page, hours=6
    )
    tell_refused(workflow, "Events", unread)
    counted = workflow.code("Count the page", "count_page", read)
    more = workflow.decide("More?", "$json.has_more", counted)
    workflow.connect(more, page, 0)
    written = workflow.code("Write the summary", "write_summary", (more, 1))
    mailed = send_mail(workflow, "Mail", written, "DISTRIBUTION_REPORT_TO", "subject")
    workflow.code("Remember", "remember", mailed)
    when_it_fails(workflow, 4)
    return workflow


def report_editions() -> Workflow:
    workflow = Workflow(
        "report-editions",
        "Distribution: reports by mail",
    )
    heard = hear(workflow, "Event of Odoo", "distribution/reports", "DISTRIBUTION_REPORTS_SECRET")
    about = workflow.code("About which edition", "about_edition", heard)
    released = workflow.decide("Released?", "$json.released", about)
    read, unread, _loop = hand_over(
        workflow, "Edition", released, url=ODOO + "{{ CALL.path }}", credential="odoo", method="GET", one=about
    )
    # One that was recalled before its event came is not mailed, and nothing is wrong with that.
    wanted = workflow.decide("Recalled meanwhile?", "($json.answer.type || '').endsWith('recalled')", unread)
    tell_refused(workflow, "Edition", (wanted, 1))
    written = workflow.code("Write the mail", "edition_mail", read)
    with_file = workflow.decide("With a file?", "$json.with_file", written)
    # The link is signed: it needs no key, and none is given to it.
    fetched = workflow.put(
        "Fetch the file",
        "httpRequest",
        4.2,
        {
            "method": "GET",
            "url": "={{ $env.DISTRIBUTION_URL }}{{ $json.path }}",
            "options": {
                "timeout": SECONDS * 1000,
                "redirect": {"redirect": {"followRedirects": False}},
                "response": {"response": {"responseFormat": "file", "outputPropertyName": "data"}},
            },
        },
        after=with_file,
        **RETRIES,
    )
    checked = workflow.code("What was released?", "check_file", fetched)
    mails = [
        send_mail(workflow, "Mail with the file", checked, "DISTRIBUTION_REPORT_TO", "subject", attachments="data"),
        send_mail(workflow, "Mail", [(with_file, 1), (released, 1)], "DISTRIBUTION_REPORT_TO", "subject"),
    ]
    workflow.code("Remember who had it", "remember_edition", mails)
    when_it_fails(workflow, 4)
    return workflow


def send_mail(
    workflow: Workflow, name: str, after, to: str, subject: str, *, attachments: str | None = None, **more
) -> str:
    """A mail with the text of the item.

    :param attachments: names of the binary data that go with it
    """
    return workflow.put(
        name,
        "emailSend",
        2.1,
        {
            "fromEmail": "={{ $env.DISTRIBUTION_MAIL_FROM }}",
            "toEmail": f"={{{{ $env.{to} }}}}",
            "subject": f"={{{{ $json.{subject} }}}}",
            "emailFormat": "text",
            "text": "={{ $json.text }}",
            "options": {"appendAttribution": False} | ({"attachments": attachments} if attachments else {}),
        },
        after=after,
        credential="mail",
        **RETRIES,
        **more,
    )
