"""Before the first test Odoo makes all scripts and styles of the web client; it took half a minute of each run.

Nothing here opens a browser, and whoever asks for a file gets it made then. Odoo imports this only when it tests.
"""

from odoo.addons.base.models import ir_qweb

# 17.0 and 19.0 spell its class in two ways.
qweb = next(part for name, part in vars(ir_qweb).items() if name.lower() == 'irqweb')
qweb._pregenerate_assets_bundles = lambda self: []
