"""Jobs side by side: in order, and none goes on when somebody interrupts."""

import threading
import time

import pytest

from tests.conftest import _takes
from tools.devkit import process, suite
from tools.devkit.lanes import Lanes
from tools.devkit.paths import ROOT


def test_two_at_a_time_in_the_order_given():
    begun, goes_on = [], threading.Event()

    def job(name):
        begun.append(name)
        assert goes_on.wait(20)
        return name

    with Lanes(2) as lanes:
        jobs = [lanes.begin(job, name) for name in "abcd"]
        assert process.wait_until(lambda: len(begun) == 2, 20)
        time.sleep(0.2)
        assert sorted(begun) == ["a", "b"]
        goes_on.set()
        assert [one.result() for one in jobs] == ["a", "b", "c", "d"]


def test_what_a_job_waits_for_has_begun():
    made = threading.Event()
    with Lanes(2) as lanes:
        lanes.begin(made.set)
        waiting = [lanes.begin(made.wait, 20) for _job in range(3)]
        assert all(job.result() for job in waiting)


def test_an_interrupt_ends_what_runs_and_forgets_the_rest(tmp_path):
    mark = tmp_path / "began"
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Lanes(1) as lanes:
        long = lanes.begin(process.attempt, ["sh", "-c", f"touch {mark}; sleep 120"])
        never = lanes.begin(process.attempt, ["true"])
        assert process.wait_until(mark.exists, 20)
        raise KeyboardInterrupt
    assert time.monotonic() - start < 60
    assert long.result()[0] != 0
    assert never.cancelled()


def test_a_job_that_fails_says_so():
    with pytest.raises(ZeroDivisionError), Lanes(1) as lanes:
        lanes.begin(lambda: 1 / 0).result()


def test_a_file_belongs_to_who_comes_first(tmp_path):
    """One of three files is taken already; of the others, which lie in two folders, all tests run."""
    for name in ("one/test_first.py", "one/test_taken.py", "two/test_last.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("def test_a():\n    pass\n\n\ndef test_b():\n    pass\n")
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_protocol\n")
    turns = tmp_path / "turns"
    turns.mkdir()
    assert _takes(tmp_path / "one/test_taken.py", str(turns))
    places = {"pythonpath": [ROOT], "cwd": tmp_path, "rootdir": tmp_path}
    result = suite.run_pytest("turns", [str(tmp_path)], **places, variables={suite.TURNS: str(turns)})
    assert (result.passed, result.failed, result.failures) == (4, 0, [])
    assert sorted(mark.read_text().rpartition("/")[2] for mark in turns.iterdir()) == [
        "test_first.py",
        "test_last.py",
        "test_taken.py",
    ]
