"""Plain tests: no Odoo, no database, the engine imported on its own.

pytest names a module after the packages around it, so it would import the addon – and
with it Odoo – to collect the doctests of ``engine/``. The modules are therefore
registered under those names, too, before pytest asks for them. The plugin pytest-odoo,
where it is installed, would open a database for every test; it is not for these.
"""

import importlib
import os
import pkgutil
import sys
import types

import pytest
from hypothesis import HealthCheck, settings

import engine

settings.register_profile(
    "default",
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ADDON = "distribution_approval"

if ADDON not in sys.modules:
    addon = types.ModuleType(ADDON)
    addon.__path__ = []
    addon.engine = engine
    sys.modules[ADDON] = addon
    sys.modules[f"{ADDON}.engine"] = engine
    for module in pkgutil.iter_modules(engine.__path__):
        sys.modules[f"{ADDON}.engine.{module.name}"] = importlib.import_module(f"engine.{module.name}")


class WithoutOdoo:
    """What pytest-odoo would do around every test, not done."""

    @pytest.fixture(autouse=True)
    def load_registry(self):
        """No registry."""

    @pytest.fixture(autouse=True)
    def load_http(self):
        """No server."""

    @pytest.fixture(autouse=True)
    def enable_odoo_test_flag(self):
        """No flag."""


def pytest_configure(config):
    if not config.getoption("--odoo-database", None) and "ODOO_RC" not in os.environ:
        config.pluginmanager.register(WithoutOdoo())
