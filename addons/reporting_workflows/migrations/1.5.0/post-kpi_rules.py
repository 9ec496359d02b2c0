"""What refreshes KPIs was five switches of our own: they are automation rules of Odoo from now on."""

from odoo import SUPERUSER_ID, api

OLD = "distribution.kpi.trigger"
#: ``{name of the switch: name of the rule}``
RULES = {f"kpi_trigger_{name}": f"kpi_rule_{name}" for name in ("sale", "stock", "purchase", "bill", "case")}


def migrate(cr, version):
    """What was switched off is off, and its row of the register – owners, review, chatter – is the rule's."""
    cr.execute("SELECT to_regclass('distribution_kpi_trigger')")
    if not version or not cr.fetchone()[0]:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    register = env["distribution.automation"].with_context(active_test=False)
    cr.execute(
        """SELECT data.name, trigger.id, trigger.active FROM distribution_kpi_trigger trigger
             JOIN ir_model_data data ON data.model = %s AND data.res_id = trigger.id
            WHERE data.module = 'reporting_workflows'""",
        [OLD],
    )
    for name, trigger_id, active in cr.fetchall():
        rule = env.ref(f"reporting_workflows.{RULES.get(name)}", raise_if_not_found=False)
        if not rule:
            continue
        rule.active = active
        register.search([("res_model", "=", rule._name), ("res_id", "=", rule.id)]).unlink()
        row = register.search([("res_model", "=", OLD), ("res_id", "=", trigger_id)])
        row.write({"kind": "rule", "res_model": rule._name, "res_id": rule.id})
    register.search([("res_model", "=", OLD)]).unlink()
    env.flush_all()
    # What is left of the model itself – access rules, views, fields – goes at the end of the update.
    cr.execute("DELETE FROM ir_model_data WHERE model = %s", [OLD])
    cr.execute("DROP TABLE distribution_kpi_trigger")
