"""Each constraint that the code declares exists in the database.

Odoo 19.0 ignores `_sql_constraints`; the build converts them, and a slip would be silent.
"""

import ast

from tools.devkit import addons, database
from tools.devkit.paths import ADDONS
from tools.devkit.suite import BESIDE_THE_SUITE


def declared_constraints() -> set[str]:
    """Names as PostgreSQL has them: table, underscore, name."""
    found = set()
    for name in addons.all_addons():
        for file in (ADDONS / name).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    found |= _constraints_of(node)
    return found


def _constraints_of(model: ast.ClassDef) -> set[str]:
    attributes = {
        target.id: node.value
        for node in model.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if any(isinstance(base, ast.Attribute) and base.attr == "AbstractModel" for base in model.bases):
        return set()  # it has no table; whoever inherits it has
    constraints = attributes.get("_sql_constraints")
    named = attributes.get("_name") or attributes.get("_inherit")
    if constraints is None or not isinstance(named, ast.Constant):
        return set()
    table = attributes["_table"].value if "_table" in attributes else named.value.replace(".", "_")
    return {f"{table}_{entry.elts[0].value}" for entry in constraints.elts}


def test_every_declared_constraint_exists(workspace, cluster):
    """In the database in which the addons' own tests run: the demo company lacks some of them."""
    template = database.suite(workspace, cluster, [*addons.testable_addons(), *BESIDE_THE_SUITE])
    with database.temporary_copy(workspace, cluster, template, "constraints") as copy:
        existing = {row[0] for row in cluster.query("SELECT conname FROM pg_constraint", database=copy)}
    # PostgreSQL cuts long names, and Odoo then uses a shortened one with a hash.
    declared = {name for name in declared_constraints() if len(name) <= 63}
    assert declared, "the suite declares constraints, so this test looks at the wrong place"
    assert declared <= existing, f"missing: {sorted(declared - existing)}"
