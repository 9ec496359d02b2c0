"""The ledger in the database: tables, sealing, verification, export.

Works on a plain psycopg2 cursor and imports no Odoo, so that the keeper's command line
(``ledger_keeper.py``) and tests on scratch databases run the very code that Odoo runs.
"""
