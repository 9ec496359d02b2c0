"""Everything behind `make`: engine, database cluster, Python environment, server, tests.

Standard library only: it has to work on a machine where nothing is installed yet.
"""
