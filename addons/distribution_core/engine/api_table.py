"""The rows of an answer as CSV, for tools that read tables.

Rules, in words
---------------
* RFC 4180: comma, double quotes, CRLF; UTF-8 without a byte order mark; the first line holds the columns' keys.
* Numbers with a decimal point, ``true``/``false``, an empty field for what is not there.
* A text that a spreadsheet would run as a formula gets an apostrophe in front.

>>> table_csv(['site', 'value'], [{'site': '=A1', 'value': 1.5}, ['N,S', None]]).split()
[b'site,value', b"'=A1,1.5", b'"N,S",']
"""

import csv
import io
from decimal import Decimal

#: What makes a spreadsheet take a text for a formula, also in the wide forms of East Asian keyboards.
RUNS_AS_FORMULA = ('=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠')


def table_csv(columns, rows):
    """The bytes of a CSV file.

    :param columns: keys, in their order
    :param rows: each a ``{key: value}``, or the values in the order of ``columns``
    """
    out = io.StringIO(newline='')
    writer = csv.writer(out, lineterminator='\r\n')
    writer.writerow([harmless(column) for column in columns])
    for row in rows:
        values = [row.get(column) for column in columns] if isinstance(row, dict) else row
        writer.writerow([cell(value) for value in values])
    return out.getvalue().encode()


def cell(value):
    """A value as it stands in the file."""
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, float | Decimal):
        return format(Decimal(str(value)), 'f')
    return str(value) if isinstance(value, int) else harmless(str(value))


def harmless(text):
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RUNS_AS_FORMULA) else text
