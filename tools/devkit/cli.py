"""The commands behind the Makefile's targets; settings come as environment variables."""

import argparse
import os
import re
import sys

from . import addons, bench, demo, directory, engines, i18n, lint, process, suite
from .console import DevkitError, complain, say

DEFAULT_PORT = 8069
DEFAULT_DATABASE = "distribution_demo"
# How the properties of the plain engines are tried; see tools/plain_tests/plugin.py.
EXAMPLES = ("fixed", "random", "thorough")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.devkit", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS), help="what to do")
    parser.add_argument("words", nargs="*", help="more, for some commands")
    options = parser.parse_args(arguments)
    os.umask(0o022)
    process.turn_signals_into_exceptions()
    try:
        return COMMANDS[options.command](*options.words)
    except DevkitError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def setting(name: str, default: str = "") -> str:
    """A setting given as `make … NAME=value`."""
    return os.environ.get(name, "").strip() or default


def find_engine() -> engines.Engine:
    engine = engines.find(setting("ENGINE"))
    say(f"Engine: {engine}")
    return engine


def run() -> int:
    port = setting("PORT", str(DEFAULT_PORT))
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise DevkitError(f"PORT={port} is no port number.")
    name = setting("DB", DEFAULT_DATABASE)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,50}", name):
        raise DevkitError(f"DB={name}: use lower-case letters, digits and underscores.")
    return demo.run(find_engine(), int(port), name)


def test() -> int:
    only = setting("ONLY")
    if only not in ("", "odoo"):
        raise DevkitError(f"ONLY={only}: use ONLY=odoo, which leaves out what needs no Odoo.")
    _check_examples()
    return suite.everything(find_engine(), without_odoo=not only)


def test_fast() -> int:
    addon = setting("ADDON")
    if not addon:
        raise DevkitError("Name an addon: make test-fast ADDON=distribution_core")
    _check_examples()
    return suite.fast(find_engine(), addon)


def explore() -> int:
    """Other examples for the plain engines, many times as many; one engine with ADDON=."""
    _check_examples()
    return suite.explore([setting("ADDON")] if setting("ADDON") else addons.all_addons())


def _check_examples() -> None:
    if setting("HYPOTHESIS", "fixed") not in EXAMPLES:
        raise DevkitError(f"HYPOTHESIS={setting('HYPOTHESIS')}: use one of {', '.join(EXAMPLES)}.")
    if not setting("TIMES", "1").isdigit():
        raise DevkitError(f"TIMES={setting('TIMES')}: how many times as many examples, a whole number.")


def screens() -> int:
    return suite.pictures(find_engine())


def test_tools() -> int:
    """Only the tools' own tests (for people who work on them)."""
    return suite.report(suite.tooling(find_engine()))


def odoo_tests() -> int:
    return suite.odoo_own(find_engine())


def catalogues() -> int:
    return i18n.export(find_engine())


def test_ldap() -> int:
    return directory.test(find_engine())


def test_n8n() -> int:
    from . import n8n  # reads the compose file, which nothing else needs

    return n8n.test(find_engine())


def test_queue() -> int:
    return suite.job_queue(find_engine())


def has_17() -> int:
    """For `.ci/run`: succeeds when Odoo 17.0 is at hand."""
    return 0 if engines.can_have_17() else 1


def measure() -> int:
    return bench.bench(find_engine())


COMMANDS = {
    "bench": measure,
    "has-17": has_17,
    "run": run,
    "stop": demo.stop,
    "clean": demo.clean,
    "lint": lint.lint,
    "format": lint.format_,
    "i18n": catalogues,
    "test": test,
    "test-fast": test_fast,
    "explore": explore,
    "test-ldap": test_ldap,
    "test-n8n": test_n8n,
    "test-queue": test_queue,
    "screens": screens,
    "test-tools": test_tools,
    "odoo-tests": odoo_tests,
}
