"""The demo company as a plan: plain Python, no Odoo, no clock. Same seed, same plan."""

from .plan import SEED, Plan, digest, make_plan
