"""Reports from outside: publish one for mailboxes, run it, read what arrived."""

import io
import zipfile

import openpyxl
import pypdf
import rules_in_force as rules

ADDON = "reporting_workflows"
REPORT, VERSION, RUN = "distribution.report", "distribution.report.version", "distribution.report.run"


def by_mail(rpc, code):
    """A version of the report that goes to mailboxes, and every day: written by one, published by another; its id."""
    author, publisher = rpc("policy_author"), rpc("policy_publisher")
    (report,) = author(REPORT, "search", [("code", "=", code)])
    action = author(REPORT, "action_new_version", [report])
    author(VERSION, "write", [action["res_id"]], {"schedule_off_days": "run", "change_summary": "By mail."})
    (draft,) = publisher(VERSION, "read", [action["res_id"]], fields=["recipient_ids", "draft_digest"])
    author("distribution.report.recipient", "write", draft["recipient_ids"], {"channel": "mail"})
    (draft,) = publisher(VERSION, "read", [action["res_id"]], fields=["draft_digest", "problem_text"])
    assert not draft["problem_text"]
    publisher(VERSION, "action_publish", [action["res_id"]], draft["draft_digest"])
    return report


def jobs(rpc, *names):
    """What the scheduler does: carry on with runs, hand out."""
    for name in names or ("run", "delivery"):
        rules.run_job(rpc, f"ir_cron_report_{name}", ADDON)


def start(owner, report, **values):
    """The id of a run that whoever answers for the report starts by hand."""
    wizard = owner("distribution.report.start", "create", {"report_id": report, "reason": "By hand", **values})
    return owner("distribution.report.start", "action_start", [wizard])["res_id"]


def release(person, name, outcome="approve", **more):
    """Decide on the newest report whose name begins so, as seen now."""
    (task,) = person(
        rules.TASK,
        "search_read",
        [("document_type", "=", "report_release"), ("state", "=", "open"), ("document_name", "like", name)],
        fields=["digest"],
        order="id desc",
        limit=1,
    )
    return person(rules.TASK, "action_decide", [task["id"]], outcome, task["digest"], **more)


def letters_to(postbox, login, subject):
    return [
        letter
        for letter in postbox.letters
        if f"{login}@example.com" in str(letter["To"]) and subject in str(letter["Subject"])
    ]


def attachments(letter):
    """``{ending: bytes}``"""
    return {part.get_filename().rpartition(".")[2]: part.get_payload(decode=True) for part in letter.iter_attachments()}


def pdf_text(raw):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(raw)).pages)


def book(raw):
    return openpyxl.load_workbook(io.BytesIO(raw))


def tables(raw):
    """``{name: text}`` of an archive of CSV files."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
