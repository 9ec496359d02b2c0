"""Each addon's engine stands on its own: what decides is plain Python."""

import ast
import sys
from pathlib import Path

import engine

SOURCES = sorted(Path(engine.__file__).parent.glob("*.py"))
ADDON = SOURCES[0].resolve().parents[1].name
#: What else a module may import. Nothing that decides is among them.
ALLOWED = {
    ("distribution_approval", "policy_yaml.py"): {"yaml"},
    ("distribution_core", "api_body.py"): {"jsonschema"},
    # Imported by the job that forecasts, and by nothing that a server starts with.
    ("procurement_automation", "forecast.py"): {"numpy", "scipy"},
    ("procurement_automation", "safety_stock.py"): {"numpy", "scipy"},
    ("reporting_workflows", "definition_file.py"): {"yaml"},
    # Imported by the program that draws reports, which is a process of its own.
    ("reporting_workflows", "render_charts.py"): {"matplotlib"},
    ("reporting_workflows", "render_pdf.py"): {"weasyprint"},
    ("reporting_workflows", "render_values.py"): {"babel"},
    ("reporting_workflows", "render_xlsx.py"): {"xlsxwriter"},
}


def test_there_is_an_engine_to_test():
    assert len(SOURCES) > 1


def test_only_the_standard_library_is_imported():
    for source in SOURCES:
        allowed = sys.stdlib_module_names | ALLOWED.get((ADDON, source.name), set())
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                assert name.split(".")[0] in allowed, (source, name)


def test_everything_public_is_named_in_order_and_described():
    names = getattr(engine, "__all__", [])
    assert sorted(names) == list(names)
    for name in names:
        thing = getattr(engine, name)
        assert thing.__doc__ or not callable(thing), name
