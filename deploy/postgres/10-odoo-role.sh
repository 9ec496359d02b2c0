#!/bin/bash
# Runs once, when the database volume is empty. Odoo's role may create databases and is no
# superuser: what the ledger's triggers refuse must not be switched off with a setting.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$ODOO_DB_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE odoo LOGIN CREATEDB NOSUPERUSER NOCREATEROLE PASSWORD :'password';
SQL
