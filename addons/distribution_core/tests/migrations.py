"""The scripts of a migration, to be called by tests."""

import importlib.util

from odoo.modules.module import get_module_path


def migration_script(addon, path):
    """The module at ``migrations/path`` of `addon`: its file is no module's name."""
    place = f"{get_module_path(addon)}/migrations/{path}"
    spec = importlib.util.spec_from_file_location(path.rpartition("/")[2].removesuffix(".py").replace("-", "_"), place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
