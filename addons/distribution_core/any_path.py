"""Whatever follows in an address, line breaks and slashes included: Odoo's ``path`` stops at a line break."""

from werkzeug.routing import BaseConverter

NAME = 'any_path'


class AnyPath(BaseConverter):
    regex = '(?s:.*)'
    part_isolating = False
