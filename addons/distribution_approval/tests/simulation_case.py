"""What tests of simulations share: asking for one, and seeing that it left everything as it was."""

SIMULATION = "distribution.approval.simulation"
#: What a simulation could change if it did more than look.
WORLD = (
    "account_move",
    "account_move_line",
    "purchase_order",
    "purchase_order_line",
    "sale_order",
    "stock_move",
    "stock_move_line",
    "stock_picking",
    "stock_quant",
    "distribution_case",
    "distribution_credit_release",
    "distribution_customer_credit_note",
    "distribution_customer_return",
    "distribution_delivery_hold",
    "distribution_event",
    "distribution_inventory_adjustment",
    "distribution_inventory_adjustment_line",
    "distribution_inventory_adjustment_move_rel",
    "distribution_site_transfer",
    "distribution_approval_release",
    "distribution_approval_request",
    "distribution_approval_task",
    "distribution_approval_snapshot",
    "distribution_approval_turn",
    "distribution_approval_policy_version",
    "distribution_approval_rule",
    "distribution_approval_condition",
    "mail_message",
    "mail_activity",
)


class SimulationCase:
    """For a case with ``cls.author``, who keeps policies."""

    def _simulate(self, version, user=None, **values):
        simulation = self.env[SIMULATION].with_user(user or self.author).create({"version_id": version.id, **values})
        simulation.action_run()
        return simulation

    def _state_of_the_world(self):
        """``{table: (rows, checksum)}``, and how far the sequences of documents of ours are."""
        self.env.flush_all()
        world = {}
        for table in WORLD:
            self.cr.execute(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            world[table] = self.cr.fetchone()
        self.cr.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE sequencename = ANY(%s)",
            [[f"{table}_id_seq" for table in WORLD if table.startswith("distribution")]],
        )
        return {**world, **dict(self.cr.fetchall())}
