"""What Odoo warns of when it loads the suite, and people stumble over: labels that say two things."""

from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class TestRegistry(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        core = cls.env.ref('base.module_distribution_core')
        cls.addons = set((core | core.downstream_dependencies()).mapped('name'))

    def _is_ours(self, field):
        return field.base_field._module in self.addons or field.model_name.startswith('distribution.')

    def test_a_label_names_one_field(self):
        """Filters and exports offer the fields of a model by their labels only."""
        alike, ours = [], 0
        for model in self.env.values():
            by_label = {}
            for field in model._fields.values():
                ours += self._is_ours(field)
                other = by_label.setdefault(field.string, field)
                if other is not field and (self._is_ours(field) or self._is_ours(other)):
                    alike.append(f'{model._name}: {other.name} and {field.name} are both {field.string!r}')
        self.assertGreater(ours, 200, "or the test looks at nothing")
        self.assertFalse(alike, '\n'.join(alike))

    def test_what_is_linked_is_found_by_name(self):
        """Without a name to search, typing in a link, or filtering by one, finds everything."""
        linked = {
            field.comodel_name
            for model in self.env.values()
            for field in model._fields.values()
            if field.type in ('many2one', 'many2many') and field.comodel_name
        }
        nameless = sorted(
            name
            for name in linked
            if self.env[name]._original_module in self.addons
            and not self.env[name].is_transient()
            and not (self.env[name]._rec_name or self.env[name]._rec_names_search)
        )
        self.assertFalse(nameless)

    def test_every_table_says_who_reads_it(self):
        """A model that only code reaches has a row that grants nothing: nobody forgot it."""
        self.env.cr.execute('SELECT DISTINCT model_id FROM ir_model_access')
        known = {model_id for (model_id,) in self.env.cr.fetchall()}
        forgotten = [
            name
            for name, model in self.env.items()
            if not model._abstract
            and model._original_module in self.addons
            and self.env['ir.model']._get_id(name) not in known
        ]
        self.assertFalse(forgotten)
