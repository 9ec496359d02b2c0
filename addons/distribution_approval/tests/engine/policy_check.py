"""How tests call ``tools/policy-check``: in a process of its own, as another repository's CI does."""

import subprocess
import sys
from pathlib import Path

import pytest

import engine

CHECK = Path(engine.__file__).resolve().parents[3] / "tools" / "policy-check"
IN_THE_REPOSITORY = pytest.mark.skipif(not CHECK.exists(), reason="the addon lies outside the repository")


def policy_check(tmp_path, *words, **texts):
    """``(exit code, output)``; each of ``texts`` is a file named like its keyword."""
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_bytes(text.encode())
    files = [str(tmp_path / f"{name}.yaml") for name in texts]
    done = subprocess.run(
        [sys.executable, str(CHECK), *files, *words], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout
