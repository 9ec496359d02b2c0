"""Plain tests: no Odoo, no database, the addon's engine imported on its own. A plugin of pytest.

`tools.devkit.suite.plain_engine` runs it where the addon's ``engine/`` is the package `engine`. A module's name in
its own place is ``<addon>.engine.<module>``; importing that would import the addon, and with it Odoo. The modules are
therefore known under those names, too, before pytest asks for them.

What the properties are tried on (``HYPOTHESIS``):

- ``fixed``: the same examples on each run, drawn from a seed that belongs to the property. What was accepted once
  cannot be refused later by chance.
- ``random``: other examples on each run.
- ``thorough``: other examples, and `TIMES` as many.
"""

import importlib
import os
import pkgutil
import sys
import types
from pathlib import Path

from hypothesis import HealthCheck, settings

import engine

#: Examples of a property that does not say how many it needs.
EXAMPLES = 250
#: Of those that are the same on each run there are as many as it has time for; `make explore` takes more.
FEW = 100
#: How many times as many a thorough search takes.
TIMES = int(os.environ.get("TIMES") or 20)
MODE = os.environ.get("HYPOTHESIS") or "fixed"

common = settings(
    deadline=None,  # a busy machine is no defect
    max_examples=EXAMPLES,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("fixed", common, derandomize=True, max_examples=FEW)
settings.register_profile("random", common)
settings.register_profile("thorough", common, max_examples=TIMES * EXAMPLES)
settings.load_profile(MODE)

addon = Path(engine.__file__).resolve().parents[1].name
if addon not in sys.modules:
    package = types.ModuleType(addon)
    package.__path__ = []
    package.engine = engine
    sys.modules[addon] = package
    sys.modules[f"{addon}.engine"] = engine
    for module in pkgutil.iter_modules(engine.__path__):
        sys.modules[f"{addon}.engine.{module.name}"] = importlib.import_module(f"engine.{module.name}")


def pytest_collection_modifyitems(items):
    """Properties with a number of examples of their own take as many times more of them."""
    if MODE != "thorough":
        return
    for item in items:
        machine = getattr(item, "cls", None)
        if isinstance(getattr(machine, "settings", None), settings):
            machine.settings = _more(machine.settings)
        elif own := getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None):
            item.obj._hypothesis_internal_use_settings = _more(own)


def _more(own: settings) -> settings:
    if own.max_examples >= TIMES * EXAMPLES:
        return own
    return settings(own, max_examples=TIMES * own.max_examples)
