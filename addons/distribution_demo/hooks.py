"""What installing the demo company does: refuse a real database, then fill a demo one."""

from .generator import build
from .generator.guard import refuse_real_database


def pre_init_hook(env):
    """Refuse before anything is written."""
    refuse_real_database(env)


def post_init_hook(env):
    """Fill the database with the demo company."""
    build(env)
