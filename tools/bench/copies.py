"""Rows in bulk: copies of one that Odoo made, written in SQL."""


def copy_row(env, table, template, values, source):
    """One copy of the row `template` for each row of `source`, with other values.

    :param template: id of the row that is copied
    :param values: ``{column: SQL}`` of what differs; without ``id`` the sequence gives one
    :param source: what stands behind ``FROM``, with its conditions behind ``WHERE`` left to joins
    """
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,))
    columns = [name for (name,) in env.cr.fetchall() if name != "id" or "id" in values]
    quoted = ", ".join(f'"{column}"' for column in columns)
    chosen = ", ".join(values.get(column, f'template."{column}"') for column in columns)
    env.cr.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {source} CROSS JOIN {table} template"
        " WHERE template.id = %s",
        (template,),
    )
