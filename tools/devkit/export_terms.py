"""Writes what can be translated: ``<addon>/i18n/<addon>.pot`` of each addon of the suite, and its languages to match.

Run in the engine's Python with Odoo's own options, by :func:`tools.devkit.i18n.export`.

* Odoo finds the terms. Of an addon that is not in the database those of its code are found, not those of its records.
* The same terms give the same files: no dates, no order but that of the terms.
* A translation of a term that is gone is gone; terms that are new wait without one. Nothing is guessed.
"""

import io
import sys
from pathlib import Path

#: What a catalogue says of itself that differs from run to run.
DATES = ('POT-Creation-Date', 'PO-Revision-Date')
#: Odoo leaves these empty; programs that read catalogues want them.
HEADER = {'Content-Transfer-Encoding': '8bit', 'Plural-Forms': 'nplurals=2; plural=(n != 1);'}


def main(addons_dir: str, *options: str) -> None:
    """Write the catalogues of all addons in `addons_dir`, from the database that Odoo's `options` name."""
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(list(options))
    homes = {file.parent.name: file.parent for file in sorted(Path(addons_dir).glob('*/__manifest__.py'))}
    with Registry(config['db_name']).cursor() as cursor:
        rows = _rows(cursor, list(homes))
    for addon, home in homes.items():
        if rows[addon]:
            template = _template(rows[addon])
            _write(template, home / 'i18n' / f'{addon}.pot')
            for language in sorted((home / 'i18n').glob('*.po')):
                _update(language, template)


def _rows(cursor, names):
    """``{addon: what Odoo's export says of it}``."""
    from odoo.tools.translate import TranslationModuleReader

    class Reader(TranslationModuleReader):
        def _export_translatable_resources(self):
            self._installed_modules = self._modules
            super()._export_translatable_resources()

    # One at a time: of a field that several addons shape, Odoo names one of those that are asked for.
    return {name: [row for row in Reader(cursor, modules=[name]) if '/tests/' not in row[2]] for name in names}


def _template(rows):
    import polib
    from odoo.tools.translate import PoFileWriter

    buffer = io.BytesIO()
    PoFileWriter(buffer, None).write_rows(rows)
    return _settled(polib.pofile(buffer.getvalue().decode()))


def _update(path, template):
    """A language's catalogue with the terms of `template`: no more, no fewer, in the same order."""
    import polib

    language = polib.pofile(str(path))
    language.merge(template)
    order = {(entry.msgid, entry.msgctxt): number for number, entry in enumerate(template)}
    kept = sorted(
        (entry for entry in language if not entry.obsolete), key=lambda entry: order[entry.msgid, entry.msgctxt]
    )
    for entry in kept:
        source = template.find(entry.msgid, msgctxt=entry.msgctxt)
        entry.comment, entry.flags = source.comment, list(source.flags)
    language[:] = kept
    _write(_settled(language), path)


def _settled(catalogue):
    for name in DATES:
        catalogue.metadata.pop(name, None)
    catalogue.metadata.update(HEADER)
    return catalogue


def _write(catalogue, path):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{catalogue}\n' if not str(catalogue).endswith('\n') else str(catalogue))


if __name__ == "__main__":
    main(*sys.argv[1:])
