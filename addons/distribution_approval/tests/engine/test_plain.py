"""The engine stands on its own."""

import ast
import subprocess
import sys
from pathlib import Path

import engine

SOURCES = sorted(Path(engine.__file__).parent.glob("*.py"))
#: What else a module may import. Nothing that decides is among them.
ALLOWED = {"policy_file.py": {"yaml"}}


def test_only_the_standard_library_is_imported():
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                allowed = sys.stdlib_module_names | ALLOWED.get(source.name, set())
                assert name.split(".")[0] in allowed, (source, name)


def test_what_decides_does_without_yaml():
    """The gate opens on a machine without PyYAML, too."""
    code = "import sys; sys.modules['yaml'] = None; import engine; assert engine.analyse and engine.compile_table"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(engine.__file__).parents[1])


def test_there_is_an_engine_to_test():
    assert len(SOURCES) >= 5


def test_everything_public_is_named():
    assert sorted(engine.__all__) == engine.__all__
    for name in engine.__all__:
        if name in ("OPERATORS", "OUTCOMES"):
            continue
        assert getattr(engine, name).__doc__, name
