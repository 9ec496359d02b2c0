"""Updates: what was there before is as the new version has it, and a second time nothing happens."""

from pathlib import Path

from odoo.exceptions import AccessError
from odoo.modules.module import get_module_path
from odoo.tests import TransactionCase, new_test_user, tagged

from odoo.addons.distribution_core.tests.migrations import migration_script

from .report_case import ReportCase

SCRIPTS = Path(get_module_path("reporting_workflows")) / "migrations"
COUNTED = ("1.1.0/post-kpi_outcomes", "1.2.0/post-service_level", "1.3.0/post-promised_day", "1.4.0/post-expected_day")
OTHER = ("1.4.0/post-recalled_files", "1.4.0/post-reports_on_dashboards", "1.5.0/post-kpi_rules")
AS_IT_WAS = "As it was."


def script(name):
    return migration_script("reporting_workflows", f"{name}.py")


class MigrationCase:
    def _sql(self, query, values=()):
        """As the rows were; what nobody may change now was written so then."""
        self.env.flush_all()
        self.env.cr.execute(query, values)
        self.env.invalidate_all()

    def _migrate(self, name, version="17.0.1.0.0"):
        self.env.flush_all()
        script(name).migrate(self.env.cr, version)
        self.env.flush_all()
        self.env.invalidate_all()

    def _rows(self, table):
        self.env.flush_all()
        self.env.cr.execute(f"SELECT * FROM {table} ORDER BY id")
        return self.env.cr.fetchall()


@tagged("post_install", "-at_install")
class TestKpiMigrations(MigrationCase, TransactionCase):
    def setUp(self):
        super().setUp()
        self.author = new_test_user(self.env, "kpi_before", "base.group_user,distribution_core.group_policy_author")

    def test_every_script_is_tested(self):
        found = {str(path.relative_to(SCRIPTS).with_suffix("")) for path in SCRIPTS.glob("*/*.py")}
        self.assertEqual(found, {*COUNTED, *OTHER})

    def _counted_by(self, source):
        """The library's KPI in force that counts so."""
        versions = self.env["distribution.kpi.version"].search([("source", "=", source), ("state", "=", "published")])
        return next(kpi for kpi in versions.kpi_id if not kpi.code.startswith("t_"))

    def _before(self, replaced):
        """``{code of the KPI: (version in force, draft)}`` by which the old sources counted, a KPI of one's own with
        each of the library's.
        """
        versions = {}
        for old, (new, _formula) in replaced.items():
            kpi = self._counted_by(new)
            own = self.env["distribution.kpi"].create({"code": f"t_{old}", "name": f"Own {old}", "family": "service"})
            self.env["distribution.kpi.version"].create(
                {"kpi_id": own.id, "question": "Own?", "formula": AS_IT_WAS, "source": new}
            )._publish(self.env.user)
            for one in (kpi, own):
                one.with_user(self.author).action_new_version()
                draft = one.version_ids.filtered(lambda version: version.state == "draft")
                versions[one.code] = old, one.version_id, draft
        self._sql("ALTER TABLE distribution_kpi_version DISABLE TRIGGER USER")
        for old, first, draft in versions.values():
            self._sql(
                "UPDATE distribution_kpi_version SET source = %s, formula = %s WHERE id IN %s",
                (old, f'{{"en_US": "{AS_IT_WAS}"}}', (first.id, draft.id)),
            )
        self._sql("ALTER TABLE distribution_kpi_version ENABLE TRIGGER USER")
        return versions

    def test_what_was_counted_in_another_way_gets_a_new_version(self):
        for name in COUNTED:
            with self.subTest(name):
                replaced, why = script(name).REPLACED, script(name).WHY
                sources = self.env["distribution.kpi.source"]._sources()
                before = self._before(replaced)
                sealed = {first: (first.content, first.digest) for _old, first, _draft in before.values()}
                self._migrate(name)
                for code, (old, first, draft) in before.items():
                    kpi = first.kpi_id
                    source, formula = replaced[old]
                    formula = AS_IT_WAS if code.startswith("t_") else formula
                    self.assertIn(source, sources)
                    self.assertNotIn(old, sources)
                    self.assertEqual((first.state, first.formula, first.source), ("retired", AS_IT_WAS, old))
                    self.assertEqual((first.content, first.digest), sealed[first], "numbers rest on it")
                    self.assertEqual((kpi.source, kpi.formula, kpi.version_id.state), (source, formula, "published"))
                    self.assertEqual((kpi.warn, kpi.breach, kpi.target), (first.warn, first.breach, first.target))
                    self.assertEqual(kpi.version_id.change_summary, why)
                    self.assertIn("Source", kpi.version_id.changes)
                    self.assertEqual((draft.state, draft.source, draft.formula), ("draft", source, formula))
                    self.assertLess(first.number, kpi.version_id.number)
                    self.assertLess(kpi.version_id.number, draft.number, "it is published later")
                once = self._rows("distribution_kpi_version")
                self._migrate(name)
                self.assertEqual(self._rows("distribution_kpi_version"), once)

    def test_the_library_says_what_the_scripts_say(self):
        said = {}
        for name in COUNTED:
            said.update(script(name).REPLACED)
        for source, formula in said.values():
            kpi = self._counted_by(source)
            self.assertEqual(kpi.formula, formula, source)

    def test_a_new_database_has_nothing_to_migrate(self):
        before = self._rows("distribution_kpi_version")
        for name in (*COUNTED, *OTHER):
            self._migrate(name, version=None)
        self.assertEqual(self._rows("distribution_kpi_version"), before)


@tagged("post_install", "-at_install")
class TestReportMigrations(MigrationCase, ReportCase):
    def _released(self, code):
        run = self._run(self._report(code=code, as_csv=True))
        self._work()
        self._send()
        self.assertEqual(run.state, "done", run.error)
        edition = run.edition_id.sudo()
        preview = edition._attach("draft.pdf", b"preview", "pdf")
        edition.write({"preview_id": preview.id, "preview_digest": "0" * 64})
        return edition

    def test_files_of_what_was_recalled_are_withheld(self):
        recalled, gone, released = (self._released(code) for code in ("recalled", "gone", "released"))
        recalled.with_user(self.owner).action_recall("Returns were counted twice")
        gone.with_user(self.owner).action_recall("Twice")
        gone.file_ids.write({"attachment_id": False})
        files = recalled.file_ids.attachment_id | recalled.preview_id
        self.assertEqual(len(files), 2, "the file and the preview")
        # As a recall left them before: where everybody who may read the edition reads them.
        self._sql("DELETE FROM distribution_report_withheld")
        self._sql(
            """UPDATE ir_attachment SET res_model = %s, res_id = %s, name = replace(name, 'RECALLED ', '')
                WHERE id IN %s""",
            ("distribution.report.edition", recalled.id, tuple(files.ids)),
        )
        before = {file: file.raw for file in files}
        files.with_user(self.recipient).read(["raw"])
        for _again in range(2):
            self._migrate("1.4.0/post-recalled_files")
            for file, raw in before.items():
                self.assertEqual(file.with_user(self.owner).raw, raw)
                self.assertTrue(file.name.startswith("RECALLED ") and file.name.count("RECALLED") == 1, file.name)
                with self.assertRaises(AccessError):
                    file.with_user(self.recipient).read(["raw"])
            withheld = self.env["distribution.report.withheld"].sudo().search([])
            self.assertEqual(withheld.edition_id, recalled | gone)
            self.assertEqual(len(withheld), 2)
            self.assertTrue(released.file_ids.attachment_id.with_user(self.recipient).raw)
            self.assertNotIn("RECALLED", released.file_ids.attachment_id[0].name)

    def test_dashboards_list_the_reports_of_the_library(self):
        dashboards = self.env["distribution.dashboard"]
        reports = script("1.4.0/post-reports_on_dashboards").REPORTS
        library = {path.stem for path in (SCRIPTS.parent / "library").glob("*.yaml")}
        named = {code: set(codes.split(", ")) for code, codes in reports.items()}
        self.assertLessEqual(set().union(*named.values()), library)
        shipped = {code: dashboards.search([("code", "=", code)]) for code in reports}
        self.assertEqual({code: dashboard.reports for code, dashboard in shipped.items()}, reports)
        chosen = shipped["approvals"]
        own = dashboards.create({"code": "t_own", "name": "Own"})
        self._sql("UPDATE distribution_dashboard SET reports = NULL WHERE id != %s", (chosen.id,))
        chosen.reports = "daily_sales"
        for _again in range(2):
            self._migrate("1.4.0/post-reports_on_dashboards")
            self.assertEqual(
                {code: dashboard.reports for code, dashboard in shipped.items()},
                {**reports, "approvals": "daily_sales"},
            )
            self.assertFalse(own.reports)


@tagged("post_install", "-at_install")
class TestRuleMigrations(MigrationCase, TransactionCase):
    OLD = "distribution.kpi.trigger"

    def _switches(self, **active):
        """The switches that 1.4.0 had, with their rows of the register. Returns ``{name: (its id, id of the row)}``."""
        self._sql("CREATE TABLE distribution_kpi_trigger (id serial PRIMARY KEY, active boolean)")
        found = {}
        for name, is_active in active.items():
            self.env.cr.execute("INSERT INTO distribution_kpi_trigger (active) VALUES (%s) RETURNING id", [is_active])
            (switch_id,) = self.env.cr.fetchone()
            self._sql(
                "INSERT INTO ir_model_data (module, name, model, res_id, noupdate) VALUES (%s, %s, %s, %s, true)",
                ("reporting_workflows", f"kpi_trigger_{name}", self.OLD, switch_id),
            )
            self.env.cr.execute(
                """INSERT INTO distribution_automation
                          (name, kind, res_model, res_id, active, review_months, review_date, business_owner_id)
                   VALUES (%s, 'kpi_trigger', %s, %s, true, 3, '2030-01-01', %s) RETURNING id""",
                (name, self.OLD, switch_id, self.env.ref("base.user_admin").id),
            )
            found[name] = switch_id, self.env.cr.fetchone()[0]
        self.env.invalidate_all()
        return found

    def test_switches_became_rules(self):
        register = self.env["distribution.automation"].with_context(active_test=False)
        register._sync()
        switches = self._switches(sale=False, stock=True, purchase=True, bill=False, case=True, gone=True)
        rules = {name: self.env.ref(f"reporting_workflows.kpi_rule_{name}") for name in switches if name != "gone"}
        ledger = self._rows("distribution_event")
        for _again in range(2):
            self._migrate("1.5.0/post-kpi_rules", version="17.0.1.4.0")
            self.assertEqual(
                {name: rule.active for name, rule in rules.items()},
                {"sale": False, "stock": True, "purchase": True, "bill": False, "case": True},
            )
            for name, rule in rules.items():
                row = register.search([("res_model", "=", rule._name), ("res_id", "=", rule.id)])
                self.assertEqual((row.id, row.kind, row.review_months), (switches[name][1], "rule", 3))
                self.assertEqual((str(row.review_date), row.business_owner_id.login), ("2030-01-01", "admin"))
            self.assertFalse(register.search([("res_model", "=", self.OLD)]))
            self.assertFalse(self.env["ir.model.data"].search([("model", "=", self.OLD)]))
            self.env.cr.execute("SELECT to_regclass('distribution_kpi_trigger')")
            self.assertIsNone(self.env.cr.fetchone()[0])
        self.assertEqual(self._rows("distribution_event")[: len(ledger)], ledger)
        register._sync()
        self.assertEqual(register.browse(switches["sale"][1]).name, rules["sale"].name)

    def test_who_had_no_switches(self):
        rules = self.env["base.automation"].with_context(active_test=False).search([])
        before = {rule: rule.active for rule in rules}
        self._migrate("1.5.0/post-kpi_rules", version="17.0.1.3.0")
        self.assertEqual({rule: rule.active for rule in rules}, before)
