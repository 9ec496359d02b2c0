-- The role that alone may prune the event ledger.
--
--   psql -d <database> -v password="'…'" -v odoo_role=odoo -f create_ledger_keeper.sql
--
-- Run by a superuser of the database server, once per database and again after a restore.
-- Give the password to the person who keeps the archive, not to Odoo. Do not grant this role to
-- Odoo's role, and do not run Odoo as a superuser.
\set ON_ERROR_STOP on
BEGIN;
SELECT 'CREATE ROLE distribution_ledger_keeper LOGIN NOINHERIT'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'distribution_ledger_keeper') \gexec
ALTER ROLE distribution_ledger_keeper PASSWORD :password;
GRANT USAGE ON SCHEMA public TO distribution_ledger_keeper;
GRANT SELECT ON distribution_event, distribution_event_seal, distribution_event_epoch TO distribution_ledger_keeper;
GRANT DELETE ON distribution_event TO distribution_ledger_keeper;
-- The record of what was pruned belongs to the keeper: Odoo's role can read it, never write it.
ALTER TABLE distribution_event_prune OWNER TO distribution_ledger_keeper;
REVOKE ALL ON distribution_event_prune FROM PUBLIC;
GRANT SELECT ON distribution_event_prune, distribution_event_prune_id_seq TO :"odoo_role";
COMMIT;
