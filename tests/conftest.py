"""Fixtures of the tests that look at the running system from outside.

`make test` prepares the demo company's template; each test file gets its own copy of it and
its own server. A test needs no knowledge of Odoo's Python: it speaks XML-RPC, HTTP, SQL, or
sits in front of a browser.
"""

import contextlib
import functools
import os
import shutil
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
import requests

from tools.devkit import database, engines
from tools.devkit.paths import short_digest
from tools.devkit.postgres import PORT, ROLE, Cluster
from tools.devkit.server import Server, test_log
from tools.devkit.workspace import prepare

# What several families share lies beside this file.
sys.path.insert(0, str(Path(__file__).parent))

BROWSER_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# What the browser itself reports and no user suffers from.
HARMLESS_CONSOLE = ("favicon.ico",)
CRON_FIXTURE_MARK = "cron"
# A folder in which several that run the same files note who has begun which.
TURNS = "SUITE_TURNS"


def pytest_configure(config):
    sys.path.insert(0, str(Path(__file__).parent))  # modules that several test files share
    config.addinivalue_line("markers", "cron: the server of this file runs scheduled jobs")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Where several run the same files at the same time, a file belongs to whoever comes to it first, whole."""
    place = os.environ.get(TURNS)
    if not place or _takes(item.path, place):
        return None
    # What was left set up for this one may not be what the next one needs.
    item.session._setupstate.teardown_exact(nextitem)
    return True


@functools.cache
def _takes(file: Path, place: str) -> bool:
    try:
        with Path(place, short_digest(str(file))).open("x") as mark:
            mark.write(str(file))
    except FileExistsError:
        return False
    return True


# --- the system -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def workspace():
    """The engine under test, as `make test` chose it."""
    series = os.environ.get("SUITE_SERIES") or os.environ.get("ENGINE", "")
    return prepare(engines.find(series), "test")


@pytest.fixture(scope="session")
def cluster():
    with Cluster("test", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def demo_template(workspace, cluster):
    """Name of the demo company's template database."""
    from tools.devkit.suite import demo_template as build

    return os.environ.get("SUITE_DEMO_TEMPLATE") or build(workspace, cluster)


@pytest.fixture(scope="module")
def server(request, workspace, cluster, demo_template):
    """A running Odoo over a copy of the demo company, for one test file.

    ``server.url``, ``server.database``, ``server.kill9()``, ``server.restart()``. Scheduled jobs
    run when the file says ``pytestmark = pytest.mark.cron``.
    """
    marks = getattr(request.module, "pytestmark", [])
    names = {mark.name for mark in (marks if isinstance(marks, list) else [marks])}
    # Scenarios and attacks have files of the same name.
    place, _dot, name = request.module.__name__.rpartition(".")
    purpose = f"{place.rpartition('.')[2][:3]}_{name.removeprefix('test_')}"[:24]
    with database.temporary_copy(workspace, cluster, demo_template, purpose) as copy:
        odoo = Server(
            workspace,
            cluster,
            copy,
            cron=1 if CRON_FIXTURE_MARK in names else 0,
            log=test_log(f"{workspace.series}-{purpose}"),
            variables=database.DEMO_FLAG,
        )
        odoo.start()
        try:
            yield odoo
        finally:
            odoo.stop()


# --- XML-RPC and HTTP -----------------------------------------------------------------------


@dataclass(frozen=True)
class RpcClient:
    """Calls models as one user, over XML-RPC like any outside program.

    ``buyer("purchase.order", "search_count", [("state", "=", "draft")])``
    """

    url: str
    database: str
    uid: int
    password: str

    def __call__(self, model: str, method: str, *arguments, **keywords):
        with xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object", allow_none=True) as models:
            try:
                return models.execute_kw(
                    self.database, self.uid, self.password, model, method, list(arguments), keywords
                )
            except xmlrpc.client.Fault as fault:
                # Done and committed, but 17.0 does not know how to say "nothing" over XML-RPC.
                if "cannot marshal None" in fault.faultString:
                    return None
                raise


@pytest.fixture(scope="module")
def rpc(server):
    """``rpc("buyer")`` is a callable that acts as that user (password = login).

    Who has logged in once stays so: to check a password takes a quarter of a second, by design. Odoo looks at it
    again with each call.
    """

    @functools.cache
    def log_in(login: str, password: str | None = None) -> RpcClient:
        password = password or login
        with xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common") as common:
            uid = common.authenticate(server.database, login, password, {})
        assert uid, f"{login} could not log in"
        return RpcClient(server.url, server.database, uid, password)

    return log_in


@pytest.fixture
def desk(rpc, sql, workspace):
    """Hands that sell, count, move and decide; see ``outbound_desk``."""
    from outbound_desk import Desk

    return Desk(rpc, sql, workspace.series)


@pytest.fixture
def other_system():
    """A receiver of webhooks on loopback."""
    from other_system import OtherSystem

    system = OtherSystem()
    yield system
    system.close()


class HttpSession(requests.Session):
    """Requests with paths instead of addresses: ``http.get("/distribution/health")``."""

    def __init__(self, base: str):
        super().__init__()
        self.base = base

    def request(self, method, url, *arguments, **keywords):
        keywords.setdefault("timeout", 60)
        return super().request(method, self.base + url, *arguments, **keywords)

    def call(self, route: str, **parameters):
        """A JSON-RPC route, as the web client calls it; raises on an error answer."""
        answer = self.post(route, json={"jsonrpc": "2.0", "method": "call", "params": parameters}).json()
        if "error" in answer:
            raise AssertionError(answer["error"]["data"]["message"])
        return answer.get("result")

    def log_in(self, database: str, login: str, password: str | None = None) -> "HttpSession":
        """Become `login`, with a session cookie."""
        self.call("/web/session/authenticate", db=database, login=login, password=password or login)
        return self


@pytest.fixture
def http(server):
    """An HTTP client without a login; ``http.log_in(server.database, "buyer")`` gets one."""
    with HttpSession(server.url) as session:
        yield session


# --- SQL ------------------------------------------------------------------------------------


@pytest.fixture
def second_connection(server, cluster):
    """``second_connection()`` opens one more connection as Odoo's own database role."""
    with contextlib.ExitStack() as stack:

        def connect():
            connection = psycopg2.connect(host=str(cluster.socket), port=PORT, user=ROLE, dbname=server.database)
            stack.callback(connection.close)
            return connection

        yield connect


@pytest.fixture
def sql(second_connection):
    """``sql("SELECT …", parameters)`` → rows, committed at once, as Odoo's own database role."""
    connection = second_connection()
    connection.autocommit = True

    def query(statement: str, parameters=None):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            # A query that asks for no column has a description as well, an empty one.
            return cursor.fetchall() if cursor.description is not None else []

    return query


# --- a browser ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser():
    """A real browser without a window."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSER_PROGRAMS)), None)
    assert program, "no chromium on this machine: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def browser_page(browser, server):
    """``browser_page("buyer")`` is a page in the web client, logged in as that user.

    The test fails when the page reports an error on its console. ``size=PHONE`` for a phone;
    ``page.screenshot(path=…)`` for a picture.
    """
    complaints: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_page(login: str, path: str = "/web", size: dict = DESKTOP, password: str | None = None):
            client = HttpSession(server.url).log_in(server.database, login, password)
            context = browser.new_context(
                base_url=server.url, viewport=size, has_touch=size is PHONE, is_mobile=size is PHONE
            )
            stack.callback(context.close)
            context.set_default_timeout(30_000)
            context.add_cookies(
                [{"name": cookie.name, "value": cookie.value, "url": server.url} for cookie in client.cookies]
            )
            page = context.new_page()
            page.on("console", lambda message: _note(complaints, login, message))
            page.on("pageerror", lambda error: complaints.append(f"{login}: {error}"))
            page.goto(path)
            page.wait_for_selector(".o_web_client, .o_portal, #wrapwrap")
            return page

        yield open_page
    assert not complaints, "the browser's console shows errors:\n" + "\n".join(complaints)


def _note(complaints: list[str], login: str, message) -> None:
    text = f"{message.text} {message.location.get('url', '')}"
    if message.type == "error" and not any(part in text for part in HARMLESS_CONSOLE):
        complaints.append(f"{login}: {text}")


@pytest.fixture
def phone():
    """The size of a phone, for ``browser_page(login, size=phone)``."""
    return PHONE


@pytest.fixture
def pictures() -> Path:
    """Where tests may leave screenshots to look at."""
    from tools.devkit.paths import RUN

    place = RUN / "pictures"
    place.mkdir(parents=True, exist_ok=True)
    return place
