"""Counting tests: what did not run has not passed."""

import pytest

from tools.devkit import suite
from tools.devkit.suite import Result

LOG = """\
2026-11-21 03:45:00,001 9 INFO db odoo.addons.core.tests.test_core: Starting TestCore.test_a ...
2026-11-21 03:45:00,002 9 INFO db odoo.addons.core.tests.test_core: skipped TestCore.test_b : no reason
2026-11-21 03:45:00,003 9 ERROR db odoo.addons.core.tests.test_core: FAIL: TestCore.test_c
Traceback (most recent call last):
  File "test_core.py", line 9, in test_c
AssertionError: 1 != 2
2026-11-21 03:45:00,004 9 ERROR db odoo.tests.result: {counts} when loading database 'db'
"""


def test_odoo_log_is_counted_and_failures_are_cut_out():
    result = suite.read_odoo_log("core", LOG.format(counts="1 failed, 0 error(s) of 5 tests"))
    assert (result.passed, result.failed, result.skipped) == (3, 1, 1)
    assert len(result.failures) == 1
    assert result.failures[0].startswith("FAIL: TestCore.test_c")
    assert "AssertionError: 1 != 2" in result.failures[0]


def test_an_error_outside_of_tests_fails_the_run():
    log = (
        "2026-11-21 03:45:00,003 9 ERROR db odoo.addons.core: something broke\n"
        "2026-11-21 03:45:00,004 9 INFO db odoo.tests.result: "
        "0 failed, 0 error(s) of 5 tests when loading database 'db'\n"
    )
    result = suite.read_odoo_log("core", log)
    assert not result.ok
    assert result.failed == 1


def test_a_log_without_counts_is_a_failure():
    assert not suite.read_odoo_log("core", "").ok


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 1),
        ([Result("a")], 1),
        ([Result("a", skipped=3)], 1),
        ([Result("a", passed=3), Result("b")], 1),
        ([Result("a", passed=3), Result("b", passed=1, failed=1)], 1),
        ([Result("a", passed=3), Result("b", passed=1, skipped=1)], 0),
    ],
)
def test_exit_code(results, code, capsys):
    assert suite.report(results) == code
    closing = capsys.readouterr().out.rstrip("\n").splitlines()[-1]
    assert closing == suite.closing_line(results)


def test_a_suite_without_tests_is_named(capsys):
    suite.report([Result("core", passed=1), Result("approval")])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("approval"))
    assert "NO TEST RAN" in line


def test_missing_junit_report_means_that_nothing_ran(tmp_path):
    assert not suite.read_junit("x", tmp_path / "none.xml").ok


def test_pytest_run_without_tests_fails(tmp_path):
    (tmp_path / "test_empty.py").write_text("")
    result = suite.run_pytest("empty", [str(tmp_path)], pythonpath=[tmp_path], cwd=tmp_path, rootdir=tmp_path)
    assert (result.passed, result.failed, result.ok) == (0, 0, False)


def test_pytest_run_that_cannot_import_fails(tmp_path):
    (tmp_path / "test_broken.py").write_text("import no_such_module_anywhere\n")
    result = suite.run_pytest("broken", [str(tmp_path)], pythonpath=[tmp_path], cwd=tmp_path, rootdir=tmp_path)
    assert result.failed == 1
    assert "no_such_module_anywhere" in result.failures[0]


def test_tests_are_shared_out_and_none_is_lost(tmp_path):
    files = {"core": [], "approval": []}
    for addon, name, tests in (("core", "a", 9), ("core", "b", 1), ("approval", "c", 5), ("approval", "d", 4)):
        file = tmp_path / f"test_{addon}_{name}.py"
        file.write_text("    def test_x(self):\n" * tests)
        files[addon].append(file)
    rest, named = suite.shares(files, 2)
    assert rest[:2] == ["/core", "/approval"]
    assert sorted(rest[2:]) == sorted(f"-{tag}" for tag in named), "what one names, the other leaves out"
    assert set(named) == {"/approval/tests/test_approval_c.py", "/approval/tests/test_approval_d.py"}


def test_one_file_is_one_share(tmp_path):
    (tmp_path / "test_only.py").write_text("def test_x(self): pass\n")
    assert suite.shares({"core": [tmp_path / "test_only.py"]}, 2) == [["/core"]]
