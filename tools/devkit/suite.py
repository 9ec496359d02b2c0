"""Runs the tests and counts them: a suite in which nothing ran has failed.

Four kinds, see the suite's README: plain engine tests (no Odoo), the addons' tests inside
Odoo, the tests that look at the running system from outside, and the tools' own tests.
"""

import os
import re
import shutil
import tempfile
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from . import addons, database, debian, environment, process
from .console import DevkitError, say
from .engines import Engine
from .lanes import Lanes
from .paths import ADDONS, LOGS, ROOT, RUN
from .peers import addons_of_others
from .postgres import Cluster
from .server import free_port
from .workspace import Workspace, prepare

NOTHING_COLLECTED = 5
# A suite that hangs has failed; the longest takes half of this.
SUITE_SECONDS = 1500
# Odoo's own tests of what the suite governs: addon → files of its tests; `OWN=` names some of the addons.
ODOO_OWN = {
    "purchase": "test_*.py",
    "purchase_stock": "test_*.py",
    "sale": "test_*.py",
    "sale_stock": "test_*.py",
    "stock": "test_*.py",
    "stock_account": "test_*.py",
    "purchase_requisition": "test_*.py",
    # Payments and vendor bills.
    "account": "test_account*_[pi]*.py",
}
ODOO_OWN_SECONDS = 5400
# Apps of Odoo that the suite does not need, but has to get along with.
BESIDE_THE_SUITE = [
    *("stock_dropshipping", "mrp_subcontracting_purchase"),
    *("sale_project", "hr_holidays"),
]
TRACE_LINES = 40
TOOLING = ROOT / "tests" / "tooling"
TOOLING_19 = TOOLING / "engine_19"
# What is asked of every plain engine.
STANDS_ALONE = ROOT / "tools" / "plain_tests" / "test_stands_alone.py"
# How long a search for examples that refute a property may take, an engine.
EXPLORE_SECONDS = 7200
# Places in tests/ with commands of their own.
NOT_WITH_THE_OTHERS = {"tooling", "n8n", "job_queue"}
# So much runs at the same time.
PARALLEL = 2
# What the tests need of Debian.
PACKAGES = ["postgresql", "wkhtmltopdf", "chromium", *debian.DRAWING]
# The folder in which the lanes note who has begun which file; see tests/conftest.py.
TURNS = "SUITE_TURNS"
# The longest of the files that look at the running system, though it has few tests.
FIRST = "upgrade"
# Tests that need a cluster in which nobody else has a transaction open: they run by themselves.
ALONE = "alone"


@dataclass
class Result:
    """What one suite did.

    >>> Result("engine", passed=3).ok
    True
    >>> Result("engine").ok
    False
    >>> Result("engine", passed=3, failures=["test_x"], failed=1).ok
    False
    """

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.passed > 0 and not self.failed


def closing_line(results: list[Result]) -> str:
    """The last line of `make test`.

    >>> closing_line([Result("a", passed=2), Result("b", passed=1, failed=1, skipped=4)])
    '3 passed, 1 failed, 4 skipped'
    """
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def report(results: list[Result]) -> int:
    """Print what failed, a table of the suites and the closing line; the exit code."""
    for result in results:
        for failure in result.failures:
            print(f"\n✗ {result.suite}: {failure}")
    print(f"\n{'suite':<44} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for result in results:
        remark = "" if result.ok or result.failed else "   NO TEST RAN"
        print(
            f"{result.suite:<44} {result.passed:>7} {result.failed:>7} {result.skipped:>8}"
            f"{remark}{'   ' + result.note if result.note else ''}"
        )
    print(closing_line(results), flush=True)
    return 0 if results and all(result.ok for result in results) else 1


# --- plain engine tests -------------------------------------------------------------------


def plain_engine(addon: str, *, timeout: float = SUITE_SECONDS) -> Result | None:
    """The addon's plain engine: its tests and its doctests; None when it has no engine.

    Each addon in a process of its own: they all call their package `engine`.
    """
    if not (ADDONS / addon / "engine").is_dir():
        return None
    stage = stage_engine(addon)
    say(f"Plain engine of {addon} …")
    words = ["-p", "tools.plain_tests.plugin", "--doctest-modules", ".", str(STANDS_ALONE)]
    places = {"pythonpath": [stage, ROOT], "cwd": stage, "rootdir": stage}
    return run_pytest(f"{addon} engine", words, **places, timeout=timeout)


def stage_engine(addon: str) -> Path:
    """A directory in which the addon's engine is the package `engine`, its tests beside it.

    In its own place the engine cannot be imported without Odoo: pytest and Python would run
    the addon's ``__init__`` first.
    """
    stage = RUN / "plain" / addon
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    (stage / "engine").symlink_to(ADDONS / addon / "engine")
    tests = ADDONS / addon / "tests" / "engine"
    if tests.is_dir():
        (stage / "engine_tests").symlink_to(tests)
    return stage


def run_pytest(
    suite: str,
    words: list[str],
    *,
    pythonpath: list[Path],
    cwd: Path = ROOT,
    variables: dict[str, str] | None = None,
    rootdir: Path = ROOT,
    timeout: float = SUITE_SECONDS,
) -> Result:
    """Run pytest in the tests' environment and count from its JUnit report."""
    tag = re.sub(r"\W+", "-", suite)
    junit = LOGS / f"junit-{tag}.xml"
    junit.unlink(missing_ok=True)
    log = LOGS / f"test-{tag}.log"
    log.unlink(missing_ok=True)
    python = environment.for_tests()
    # A place of its own: each start of pytest takes away what others may do in the one that all share.
    with tempfile.TemporaryDirectory(prefix="suite-") as place:
        code, output = process.attempt(
            [
                *(python.python, "-m", "pytest", "-q", "-ra", "--tb=short", "--import-mode=importlib"),
                *("-p", "no:cacheprovider", f"--rootdir={rootdir}", f"--junitxml={junit}"),
                *("-o", "faulthandler_timeout=300"),
                *words,
            ],
            log=log,
            cwd=cwd,
            timeout=timeout,
            env=python.variables(
                PYTHONPATH=os.pathsep.join(map(str, pythonpath)),
                PYTHONDONTWRITEBYTECODE="1",
                PYTEST_DEBUG_TEMPROOT=place,
                **(variables or {}),
            ),
        )
    result = read_junit(suite, junit)
    if code not in (0, NOTHING_COLLECTED) and not result.failed:
        # pytest itself broke, e.g. on an import or in a fixture's teardown.
        result.failed += 1
        result.failures.append("pytest stopped:\n" + "\n".join(output.splitlines()[-TRACE_LINES:]))
    return result


def read_junit(suite: str, junit: Path) -> Result:
    """Count a JUnit report; no report means that nothing ran."""
    result = Result(suite)
    if not junit.exists():
        return result
    for case in ElementTree.parse(junit).iter("testcase"):
        broken = [*case.findall("failure"), *case.findall("error")]
        if broken:
            result.failed += 1
            trace = "\n".join((broken[0].text or "").splitlines()[-TRACE_LINES:])
            result.failures.append(f"{case.get('classname')}::{case.get('name')}\n{trace}")
        elif case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1
    return result


# --- tests inside Odoo --------------------------------------------------------------------

LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>[^:]+): (?P<text>.*)")
COUNTS = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database")
BROKEN_TEST = re.compile(r"^(?:FAIL|ERROR): (?:Subtest )?(\S+)")
SKIPPED_TEST = re.compile(r"^skipped ")


def in_odoo(
    workspace: Workspace,
    cluster: Cluster,
    name: str,
    names: list[str],
    tags: list[str],
    *,
    purpose: str,
    beside: list[str] | None = None,
) -> Result:
    """Run the tests that `tags` select with Odoo's own runner on a copy of the suite's template.

    :param names: addons that are installed in the database
    :param beside: addons of the OCA that are installed in the copy first
    """
    try:
        template = database.suite(workspace, cluster, names)
    except DevkitError as error:
        return Result(f"{name} ({workspace.series})", failed=1, failures=[str(error)])
    say(f"{name} on {workspace.engine} …")
    log = LOGS / f"test-{workspace.series}-{purpose}.log"
    log.unlink(missing_ok=True)
    with database.temporary_copy(workspace, cluster, template, purpose) as copy:
        code, output = process.attempt(
            workspace.odoo(
                cluster,
                copy,
                *("--test-tags", ",".join(tags), "--stop-after-init", "--max-cron-threads=0"),
                *("--http-interface", "127.0.0.1", "--http-port", str(free_port())),
                *(("-i", ",".join(beside)) if beside else ()),
                more_addons=[addons_of_others(workspace)] if beside else None,
            ),
            log=log,
            env=workspace.variables(**(database.DEMO_FLAG if addons.DEMO_ADDON in names else {})),
            cwd=workspace.data_dir,
            timeout=SUITE_SECONDS,
        )
    result = read_odoo_log(f"{name} ({workspace.series})", output)
    if code and not result.failed:
        result.failed += 1
        tail = "\n".join(output.splitlines()[-TRACE_LINES:])
        result.failures.append(f"Odoo ended with code {code}:\n{tail}\nLog: {log}")
    return result


def in_shares(
    lanes: Lanes, workspace: Workspace, cluster: Cluster, names: list[str], tested: list[str]
) -> list[Future]:
    """The tests of the addons `tested`, shared out over the lanes; what wants to be alone is not among them.

    :param names: addons that are installed in the databases
    """
    parts = shares({addon: sorted((ADDONS / addon / "tests").glob("test_*.py")) for addon in tested}, PARALLEL)
    return [
        lanes.begin(in_odoo, workspace, cluster, "addons", names, [*tags, f"-{ALONE}"], purpose=f"addons_{number}")
        for number, tags in enumerate(parts, 1)
    ]


def joined(suite: str, parts: list[Result], problems: list[str]) -> Result:
    """The parts of one suite as one result.

    >>> joined("addons", [Result("addons", passed=2), Result("addons", passed=1, failed=1, failures=["x"])], ["lost"])
    Result(suite='addons', passed=3, failed=2, skipped=0, failures=['x', 'lost'], note='')
    """
    return Result(
        suite,
        passed=sum(part.passed for part in parts),
        failed=sum(part.failed for part in parts) + len(problems),
        skipped=sum(part.skipped for part in parts),
        failures=[failure for part in parts for failure in part.failures] + problems,
    )


def shares(files: dict[str, list[Path]], count: int) -> list[list[str]]:
    """Test tags that divide the tests of some addons into `count` parts of about the same size.

    Each test runs in exactly one part: the first part is all that the others do not name, so
    that a test in a file of another name is not lost.

    :param files: addon → its test files

    >>> shares({}, 2)
    [[]]
    """
    sized = sorted(
        (
            (file.read_text().count("def test_"), f"/{addon}/tests/{file.name}")
            for addon in files
            for file in files[addon]
        ),
        reverse=True,
    )
    parts: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(count, len(sized)) or 1)]
    for size, tag in sized:
        smallest = min(range(len(parts)), key=lambda number: parts[number][0])
        parts[smallest] = (parts[smallest][0] + size, [*parts[smallest][1], tag])
    others = [tags for _size, tags in parts[1:]]
    return [[*(f"/{addon}" for addon in files), *(f"-{tag}" for tags in others for tag in tags)], *others]


def read_odoo_log(suite: str, output: str) -> Result:
    """Count what Odoo's test runner reports, and cut out the traces of what failed.

    >>> line = "1 failed, 0 error(s) of 4 tests when loading database 'db'"
    >>> result = read_odoo_log("core", f"2026-01-01 10:00:00,000 7 INFO db odoo.tests.result: {line}")
    >>> result.passed, result.failed
    (3, 1)
    """
    result = Result(suite)
    traces: list[list[str]] = []
    open_trace: list[str] | None = None
    other_errors = []
    for line in output.splitlines():
        found = LOG_LINE.match(line)
        if not found:
            if open_trace is not None and len(open_trace) < 4 * TRACE_LINES:
                open_trace.append(line)
            continue
        open_trace = None
        text = found["text"]
        counts = COUNTS.search(text)
        if counts:
            failed, errors, total = map(int, counts.groups())
            result.failed += failed + errors
            result.passed += total - failed - errors
        elif found["level"] in ("ERROR", "CRITICAL"):
            open_trace = [text]
            (traces if BROKEN_TEST.match(text) else other_errors).append(open_trace)
        elif SKIPPED_TEST.match(text):
            result.skipped += 1
    result.passed = max(0, result.passed - result.skipped)
    for trace in traces:
        result.failures.append("\n".join([trace[0], *trace[1:][-TRACE_LINES:]]))
    if other_errors and not result.failed:
        # Odoo's runner counts these as a failure of the run, not of a test.
        result.failed = len(other_errors)
        result.failures += ["\n".join(trace[-TRACE_LINES:]) for trace in other_errors]
    return result


# --- the commands -------------------------------------------------------------------------


def fast(engine: Engine, addon: str) -> int:
    """`make test-fast`: one addon, its plain engine and its tests inside Odoo."""
    results = [result for result in [plain_engine(addon)] if result]
    workspace = prepare(engine, "test", [addon])
    with Cluster("test", durable=False) as cluster:
        database.remove_left_overs(workspace, cluster)
        tags = os.environ.get("TAGS", "") or f"/{addon}"
        beside = addons.others(addon) if addon in addons.bridges_to_others() else None
        names = [name for name in addons.closure([addon]) if name != addon] if beside else [addon]
        results.append(
            in_odoo(workspace, cluster, addon, names, tags.split(","), purpose=f"fast_{addon}", beside=beside)
        )
    return report(results)


def everything(engine: Engine, *, without_odoo: bool = True) -> int:
    """`make test`: every suite, on one engine.

    While one lane builds environments and databases, the other runs what needs neither. The tests of the running
    system come last: their many files fill the lanes evenly to the end.

    :param without_odoo: also what needs no Odoo, and is the same on every engine
    """
    names = addons.testable_addons()
    both = installed_together()
    with Lanes(PARALLEL) as lanes:
        environments = [lanes.begin(environment.for_tests), lanes.begin(_prepare_all, engine)]
        plain = [lanes.begin(plain_engine, addon) for addon in addons.all_addons()] if without_odoo else []
        _python, workspace = (ready.result() for ready in environments)
        with Cluster("test", durable=False) as cluster, lanes.dropped_on_error():
            database.remove_left_overs(workspace, cluster)
            lanes.begin(_suite_template, workspace, cluster, both)
            tools = lanes.begin(tooling if without_odoo else tooling_19, engine)
            lanes.begin(demo_template, workspace, cluster)
            shared = in_shares(lanes, workspace, cluster, both, names)
            demo, tags = database.demo_addons(), [f"/{addons.DEMO_ADDON}"]
            others = [
                lanes.begin(in_odoo, workspace, cluster, "demo company", demo, tags, purpose="demo"),
                *(
                    lanes.begin(beside_others, workspace, cluster, bridge, names)
                    for bridge in bridges_to_the_oca(workspace)
                ),
            ]
            from_outside = outside(lanes, workspace, cluster)
            results = [result for job in plain if (result := job.result())]
            results += tools.result()
            parts = [outcome(job, "addons") for job in shared]
            results += [outcome(job, "beside the addons") for job in others]
            results.append(from_outside())
            parts.append(in_odoo(workspace, cluster, "addons", both, [ALONE], purpose=f"addons_{ALONE}"))
            lost = ["a share in which no test ran" for part in parts if not part.passed and not part.failed]
            results.append(joined(parts[0].suite, parts, lost))
    return report(results)


def installed_together() -> list[str]:
    """What is in the database in which the addons' tests run."""
    return [*addons.testable_addons(), *BESIDE_THE_SUITE]


def outcome(job: Future, suite: str) -> Result:
    """What a job gave; one that broke is a failure of `suite`, and the others still count."""
    try:
        return job.result()
    except Exception:
        return Result(suite, failed=1, failures=[traceback.format_exc()])


def _prepare_all(engine: Engine) -> Workspace:
    debian.ensure(PACKAGES, why="the tests")
    return prepare(engine, "test")


def _suite_template(workspace: Workspace, cluster: Cluster, names: list[str]) -> None:
    """The template with `names`; its base begins with the demo company's, which has a little less."""
    database.base(workspace, cluster, database.demo_addons())
    database.suite(workspace, cluster, names)


def explore(names: list[str]) -> int:
    """`make explore`: the plain engines of `names`, on other examples than those of `make test`, and many more."""
    os.environ["HYPOTHESIS"] = os.environ.get("HYPOTHESIS") or "thorough"
    return report([result for name in names if (result := plain_engine(name, timeout=EXPLORE_SECONDS))])


def bridges_to_the_oca(workspace: Workspace) -> list[str]:
    """The bridges to addons of the OCA; what a bridge to an addon of Odoo needs has a command of its own."""
    return [
        bridge
        for bridge in addons.bridges_to_others()
        if not any(
            (place / other).is_dir() for other in addons.others(bridge) for place in workspace.engine.core_addons
        )
    ]


def beside_others(workspace: Workspace, cluster: Cluster, bridge: str, names: list[str]) -> Result:
    """The tests of a bridge to an addon of the OCA; it installs itself beside that one."""
    others = addons.others(bridge)
    purpose = bridge.removeprefix("distribution_")
    return in_odoo(
        workspace, cluster, bridge, [*names, *BESIDE_THE_SUITE], [f"/{bridge}"], purpose=purpose, beside=others
    )


def tooling(engine: Engine) -> list[Result]:
    """The tools' own tests and doctests."""
    say("The tools' own tests …")
    doctests = [str(ROOT / place) for place in ("tools/devkit", "tools/port", "deploy")]
    return [
        run_pytest("tools", [str(TOOLING), f"--ignore={TOOLING_19}"], pythonpath=[ROOT]),
        run_pytest("tools doctests", ["--doctest-modules", *doctests], pythonpath=[ROOT]),
        *tooling_19(engine),
    ]


def tooling_19(engine: Engine) -> list[Result]:
    """The tests of the port: they need Odoo's converter, which only 19.0 has."""
    return [run_pytest("tools (19.0)", [str(TOOLING_19)], pythonpath=[ROOT])] if engine.series == "19.0" else []


def outside(lanes: Lanes, workspace: Workspace, cluster: Cluster) -> Callable[[], Result]:
    """The tests in ``tests/`` that look at the running system, tooling apart; call what is returned for the result.

    Each file has a server and a database of its own. Each lane takes one file after the other that no lane has begun.
    """
    files = [
        file
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        if NOT_WITH_THE_OTHERS.isdisjoint(file.relative_to(ROOT / "tests").parts)
    ]
    files.sort(key=lambda file: (FIRST not in file.parts, -file.read_text().count("def test_")))
    begun = Path(tempfile.mkdtemp(prefix="suite-turns-"))
    jobs = [
        lanes.begin(
            _on_running_system,
            f"running system {number} ({workspace.series})",
            *(workspace, cluster, files),
            variables={TURNS: str(begun)},
        )
        for number in range(1, PARALLEL + 1)
    ]

    def result() -> Result:
        parts = [job.result() for job in jobs]
        lost = sorted({str(file) for file in files} - {mark.read_text() for mark in begun.iterdir()})
        shutil.rmtree(begun)
        return joined(f"running system ({workspace.series})", parts, [f"nobody ran {file}" for file in lost])

    return result


def pictures(engine: Engine) -> int:
    """`make screens`: pictures of the demo company in ``.run/pictures``."""
    workspace = prepare(engine, "test")
    with Cluster("test", durable=False) as cluster:
        files = sorted((ROOT / "tests/screens").glob("take_*.py"))
        words = ["-o", "python_files=take_*.py"]
        result = _on_running_system("screens", workspace, cluster, files, words)
    say(f"Pictures are in {RUN / 'pictures'}.")
    return report([result])


def job_queue(engine: Engine) -> int:
    """`make test-queue`: the running system with the OCA's job queue beside it."""
    workspace = prepare(engine, "test")
    with Cluster("test", durable=False) as cluster:
        files = sorted((ROOT / "tests/job_queue").glob("test_*.py"))
        result = _on_running_system("job queue", workspace, cluster, files)
    return report([result])


def _on_running_system(
    suite: str,
    workspace: Workspace,
    cluster: Cluster,
    files: list[Path],
    words: list[str] | None = None,
    variables: dict[str, str] | None = None,
) -> Result:
    debian.ensure(["chromium"], why="the browser tests")
    try:
        template = demo_template(workspace, cluster)
    except DevkitError as error:
        return Result(suite, failed=1, failures=[str(error)])
    say(f"The running system on {workspace.engine} …")
    variables = {"SUITE_SERIES": workspace.series, "SUITE_DEMO_TEMPLATE": template, **(variables or {})}
    return run_pytest(suite, [*map(str, files), *(words or [])], pythonpath=[ROOT], variables=variables)


def demo_template(workspace: Workspace, cluster: Cluster) -> str:
    """The demo company in the tests' cluster."""
    return database.suite(workspace, cluster, database.demo_addons())


def odoo_own(engine: Engine) -> int:
    """`make odoo-tests`: Odoo's tests of what we govern with our addons installed, no policy published.

    Files with failures run on plain Odoo as well; what fails on both was broken before us.
    ``OWN="sale sale_stock"`` runs those of some addons only.
    """
    wanted = os.environ.get("OWN", "").split() or list(ODOO_OWN)
    if unknown := [name for name in wanted if name not in ODOO_OWN]:
        raise DevkitError(f"OWN={' '.join(unknown)}: not among {', '.join(ODOO_OWN)}.")
    workspace = prepare(engine, "test")
    names = addons.testable_addons()
    files = _odoo_own_files(workspace, wanted)
    with Cluster("test", durable=False) as cluster:
        database.remove_left_overs(workspace, cluster)
        ours = _odoo_own_on(workspace, cluster, "suite", database.suite(workspace, cluster, names), files)
        if asked := [file for file in files if any(file.stem in _test_name(failure) for failure in ours.failures)]:
            plain = _odoo_own_on(workspace, cluster, "plain", database.base(workspace, cluster, names), asked)
            _without_those_broken_before(ours, plain)
    return report([ours])


def _without_those_broken_before(ours: Result, plain: Result) -> None:
    """Take what fails on plain Odoo too out of `ours`, and say so."""
    broken_before = {_test_name(failure) for failure in plain.failures}
    both = [failure for failure in ours.failures if _test_name(failure) in broken_before]
    ours.failures = [failure for failure in ours.failures if failure not in both]
    ours.failed -= len(both)
    ours.note = f"{len(both)} more fail on plain Odoo too" if both else ""
    print(f"\nFiles with failures, on plain Odoo: {closing_line([plain])}")
    for name in sorted(broken_before):
        print(f"  fails there: {name}")


def _test_name(failure: str) -> str:
    return failure.partition("\n")[0]


def _odoo_own_files(workspace: Workspace, wanted: list[str]) -> list[Path]:
    return [
        file
        for name in wanted
        for addons_path in workspace.engine.core_addons
        for file in sorted((addons_path / name / "tests").glob(ODOO_OWN[name]))
    ]


def _odoo_own_on(workspace: Workspace, cluster: Cluster, which: str, template: str, files: list[Path]) -> Result:
    """Odoo's tests in `files` under pytest: unlike Odoo's runner, with all addons loaded."""
    junit = LOGS / f"junit-odoo-own-{workspace.series}-{which}.xml"
    junit.unlink(missing_ok=True)
    log = LOGS / f"test-odoo-own-{workspace.series}-{which}.log"
    log.unlink(missing_ok=True)
    say(f"Odoo's own tests, {len(files)} files, on {which} Odoo …")
    with database.temporary_copy(workspace, cluster, template, f"own_{which}") as copy:
        configuration = workspace.data_dir / f"{copy}.conf"
        configuration.write_text(workspace.configuration(cluster, copy))
        code, output = process.attempt(
            [
                *(workspace.environment.python, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
                *(f"--odoo-config={configuration}", "--odoo-http", f"--junitxml={junit}", *files),
            ],
            log=log,
            env=workspace.variables(ODOO_RC=str(configuration), PYTHONDONTWRITEBYTECODE="1"),
            cwd=workspace.data_dir,
            timeout=ODOO_OWN_SECONDS,
        )
        configuration.unlink()
    result = read_junit(f"Odoo's own tests, {which} ({workspace.series})", junit)
    if not result.passed:
        result.failed += 1
        result.failures.append(f"pytest ended with code {code}\n" + database.essence(output))
    return result
