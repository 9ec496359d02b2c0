"""Starting other programs, so that none outlives the command that started it."""

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .console import DevkitError, verbose

_PR_SET_PDEATHSIG = 1
# Programs that `attempt` waits for, in whatever thread.
_running: set[subprocess.Popen] = set()


def die_with_parent(death_signal: int = signal.SIGTERM):
    """A `preexec_fn`: the kernel ends the child when this process is gone, even by kill -9."""
    parent = os.getpid()

    def arrange() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def run(
    command: list[str | Path],
    *,
    what: str,
    log: Path | None = None,
    env: dict | None = None,
    cwd: Path | None = None,
    remedy: str = "",
    timeout: float | None = None,
    watch: Callable[[str], None] | None = None,
) -> str:
    """Run `command` to its end and return its output (also appended to `log`, as it comes).

    :param what: what went wrong, in words, if it fails
    :param remedy: what the person can do about a failure
    :param timeout: seconds after which the program is stopped
    :param watch: is given each line of output
    :raises DevkitError: with the end of the output, when the command fails
    """
    code, output = attempt(command, log=log, env=env, cwd=cwd, timeout=timeout, watch=watch)
    if code:
        tail = "\n".join(output.strip().splitlines()[-25:])
        message = f"{what} (exit code {code}).\n{tail}"
        if log:
            message += f"\nThe whole output is in {log}."
        raise DevkitError(message + (f"\n{remedy}" if remedy else ""))
    return output


def attempt(
    command: list[str | Path],
    *,
    log: Path | None = None,
    env: dict | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    watch: Callable[[str], None] | None = None,
) -> tuple[int, str]:
    """Like `run`, but a failure is an answer: returns the exit code and the output."""
    words = [str(word) for word in command]
    asks_for_password = words[0] == "sudo"
    with contextlib.ExitStack() as stack:
        stream = None
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            stream = stack.enter_context(log.open("a"))
            stream.write(f"$ {shlex.join(words)}\n")
        process = subprocess.Popen(
            words,
            stdin=None if asks_for_password else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            start_new_session=not asks_for_password,
            preexec_fn=die_with_parent(),
        )
        _running.add(process)
        stack.callback(_running.discard, process)
        alarm = threading.Timer(timeout or 0, stop, [process, 5])
        if timeout:
            alarm.daemon = True
            alarm.start()
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                if stream:
                    stream.write(line)
                    stream.flush()
                if verbose():
                    print(line, end="", flush=True)
                if watch:
                    watch(line)
            process.wait()
        except BaseException:
            stop(process, grace=5)
            raise
        finally:
            alarm.cancel()
    return process.returncode, "".join(lines)


def stop(process: subprocess.Popen, grace: float = 20) -> None:
    """End `process` and whatever it started in its own session: politely, then not."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5)):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def end_all() -> None:
    """End every program that some thread waits for; those threads go on as after any failure."""
    for process in list(_running):
        stop(process, grace=5)


def alive(pid: int) -> bool:
    """Whether a process with this id runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"


def wait_until(condition, seconds: float, every: float = 0.2) -> bool:
    """Whether `condition()` became true within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return bool(condition())


def turn_signals_into_exceptions() -> None:
    """Ctrl-C, `kill` and a closed terminal all unwind the stack, so that `finally` runs."""

    def interrupt(number, _frame):
        # Once is enough: a second signal must not interrupt the clearing up.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)
