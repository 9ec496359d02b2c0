"""Plain Python of the ledger: no Odoo, no database, no clock."""
