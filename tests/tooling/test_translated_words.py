"""What people read is in their language: Odoo finds it through the frame in which ``_`` is called.

``_()`` looks for ``self`` among the local names of the frame that calls it. A comprehension, a lambda or a function
without ``self`` has none: text that is written without a request, by a scheduled action say, stays English then, and
19.0 warns of it.
"""

import ast
import re

import pytest

from tools.devkit.paths import ROOT

FUNCTIONS = (ast.FunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: Where nobody's language is known yet, and words that are only collected for their translation.
WITHOUT_READER = ("distribution_demo/generator/guard.py", "reporting_workflows/engine/render_words.py")


def mute_calls(source):
    """Lines in which ``_()`` is called where no ``self`` is known."""
    found = []

    def is_known(scope):
        return scope is not None and any(
            isinstance(node, ast.Name) and node.id == "self" or isinstance(node, ast.arg) and node.arg == "self"
            for node in ast.walk(scope)
        )

    def visit(node, scope):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_" and not is_known(scope):
            found.append(node.lineno)
        if isinstance(node, COMPREHENSIONS):
            # The first iterable belongs to the frame around it.
            visit(node.generators[0].iter, scope)
            inside = [child for child in ast.iter_child_nodes(node) if child is not node.generators[0]]
            for child in (*inside, *node.generators[0].ifs):
                visit(child, node)
        elif isinstance(node, FUNCTIONS):
            for child in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                visit(child, scope)
            for child in node.body if isinstance(node.body, list) else [node.body]:
                visit(child, node)
        else:
            for child in ast.iter_child_nodes(node):
                visit(child, scope)

    if re.search(r"(?<![\w.])_\(", source):
        visit(ast.parse(source), None)
    return sorted(found)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("class A:\n def f(self): return _('x')", []),
        ("class A:\n def f(self): return [_('x') for n in _('ab')]", [2]),
        ("class A:\n def f(self): return [self.g(_('x')) for n in range(2)]", []),
        ("class A:\n def f(self): return {'x': lambda: _('x')}", [2]),
        ("def f(record): return _('x')", [1]),
    ],
)
def test_what_is_looked_for(source, lines):
    assert mute_calls(source) == lines


def test_every_text_knows_its_reader():
    files = [
        path
        for path in sorted((ROOT / "addons").rglob("*.py"))
        if "/tests/" not in str(path) and not str(path).endswith(WITHOUT_READER)
    ]
    mute = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in mute_calls(path.read_text())]
    assert len(files) > 300
    assert not mute, "call _() in a method, beside the comprehension or lambda: " + ", ".join(mute)
