"""What governance adds to the queries of a batch: the same documents confirmed with and without it."""


class Overhead:
    """Of a test case that has ``_orders(count)``, ``_confirm_cold(orders)`` and ``_ungoverned()``."""

    #: How many orders a small batch has, and a large one.
    FEW, MANY = 5, 20

    def assertOverheadStays(self, bound):
        """Governance takes no more queries for many orders than for a few, and no more than ``bound``."""
        orders = self._orders(1 + self.FEW + self.MANY)
        governed = self._queries_of_batches(orders)
        self._ungoverned()  # empties the caches of the registry
        plain = self._queries_of_batches(orders)
        few, many = (with_gate - without for with_gate, without in zip(governed, plain))
        words = f"{governed} queries for {self.FEW} and {self.MANY} orders instead of {plain}"
        self.assertLessEqual(many, few, words)
        self.assertLessEqual(many, bound, words)

    def _queries_of_batches(self, orders):
        """``(for a few, for many)``; what is confirmed is taken back at the end."""
        savepoint = self.cr.savepoint()
        self._confirm_cold(orders[0])  # fills the caches of the registry
        counts = self._confirm_cold(orders[1 : 1 + self.FEW]), self._confirm_cold(orders[1 + self.FEW :])
        savepoint.close(rollback=True)
        self.env.invalidate_all()
        return counts
