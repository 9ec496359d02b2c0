"""What Odoo works out about new order lines is written in one statement.

17.0 writes stored computed values record by record: amounts differ from line to line, so every line is a statement of
its own. 19.0 does this itself.
"""

from odoo import api, models
from odoo.models import LOG_ACCESS_COLUMNS

from odoo.addons.distribution_core.compat import IS_17

from .replenishment_known import definers

#: Where the values of a flush are collected, in the cache of the cursor.
COLLECTED = "procurement_automation.lines"
#: Whose ``_write`` was read: the gate of approvals, which is asked here, too.
WRITE_KNOWN = {"distribution_approval", "procurement_automation"}


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    @api.model
    def _flush_at_once(self):
        """Like ``flush_model``."""
        if not IS_17 or not definers(self, "_write") <= WRITE_KNOWN:
            self.flush_model()
            return
        # Nothing reads the table from here to the end: what is to be computed was computed before.
        self._recompute_model()
        collected = self.env.cr.cache.setdefault(COLLECTED, [])
        try:
            self._flush()
        finally:
            del self.env.cr.cache[COLLECTED]
        by_columns = {}
        for ids, vals in collected:
            columns = tuple(sorted(set(vals) - set(LOG_ACCESS_COLUMNS)))
            by_columns.setdefault(columns, []).extend((id_, *(vals[name] for name in columns)) for id_ in ids)
        for columns, rows in by_columns.items():
            self._update_columns(columns, rows)

    def _write(self, vals):
        collected = self.env.cr.cache.get(COLLECTED)
        if collected is None or any(self._fields[name].translate for name in vals):
            return super()._write(vals)
        collected.append((self._ids, vals))
        return None

    def _update_columns(self, columns, rows):
        """``rows``: an id and the values of ``columns`` each."""
        self.browse([row[0] for row in rows])._approval_watch_columns(columns)
        assignments = ", ".join(f'"{name}" = new."{name}"::{self._fields[name].column_type[1]}' for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        for start in range(0, len(rows), 1000):
            part = rows[start : start + 1000]
            self.env.cr.execute(
                f"""UPDATE {self._table} line SET {assignments}, write_uid = %s, write_date = %s
                      FROM (VALUES {", ".join(["%s"] * len(part))}) AS new (id, {names})
                     WHERE line.id = new.id""",
                [self.env.uid, self.env.cr.now(), *part],
            )
