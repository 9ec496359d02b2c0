"""KPIs and editions for tools that analyse them: what a key reads is what its account reads."""

import csv
import hashlib
import io

import jsonschema
from dateutil.relativedelta import relativedelta
from odoo import Command, fields
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.api_case import ApiClient

from .report_case import CORE, ReportCase

ACCOUNT_GROUPS = f"base.group_user,{CORE}integration"
NAMES = ("kpis", "report-editions", "report-edition")


@tagged("post_install", "-at_install")
class TestApiReporting(ApiClient, ReportCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._make_key()
        cls._make_numbers()

    @classmethod
    def _make_key(cls):
        cls.account = new_test_user(cls.env, login="t_bi", groups=ACCOUNT_GROUPS)
        cls.operations = cls.env["distribution.api.operation"].search([("name", "in", NAMES)])
        cls.key = cls._key(cls.account)
        cls.text = cls.key._issue()[0]

    @classmethod
    def _key(cls, account, *names):
        allowed = cls.operations.filtered(lambda one: not names or one.name in names)
        return cls.env["distribution.api.key"].create(
            {
                "name": "BI",
                "user_id": account.id,
                "company_ids": [Command.set(cls.company.ids)],
                "operation_ids": [Command.set(allowed.ids)],
                "per_minute": 10_000,
                "burst": 1_000,
            }
        )

    def _grant(self, *groups):
        self.account.write({USER_GROUPS: [Command.link(self.env.ref(group).id) for group in groups]})

    def _answer(self, path, name):
        """The JSON answer, as the contract of its operation says."""
        answer = self.get(path)
        document = self.assertAnswer(answer, 200)
        schema = self.env["distribution.api.operation"]._operations()[name].answer
        self.assertEqual([error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)], [])
        return document

    def _lines(self, path, **headers):
        answer = self.get(path, headers=headers)
        self.assertEqual((answer.status_code, answer.headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))

    # -------------------------------------------------------------------- KPIs

    @classmethod
    def _make_numbers(cls):
        cls.site = cls.env["stock.warehouse"].create({"name": "North", "code": "=N1", "company_id": cls.company.id})
        cls.other_company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.kpi = cls.env["distribution.kpi"].search([("code", "=", "delivery_on_time")])
        day = {"kpi_id": cls.kpi.id, "version_id": cls.kpi.version_id.id, "taken_at": "2019-02-02 02:00:00"}
        row = {**day, "company_id": cls.company.id, "day": "2019-02-01", "is_measured": True, "rows": 4}
        cls.env["distribution.kpi.snapshot"]._append_rows(
            [
                {**row, "value": 75, "numerator": 3, "denominator": 4},
                {**row, "value": 50, "numerator": 1, "denominator": 2, "site_id": cls.site.id},
                {**row, "day": "2019-02-02", "is_measured": False, "rows": 0, "reason": "Nothing was due"},
                {**row, "company_id": cls.other_company.id, "value": 12},
            ]
        )
        cls.env["distribution.kpi.snapshot"]._append_rows(
            [
                {
                    **row,
                    **{"value": 93.5, "numerator": 187, "denominator": 200, "revision": 1},
                    **{"reason": "Entered late", "taken_at": "2019-02-09 08:00:00"},
                }
            ]
        )

    def test_numbers_in_force_page_by_page(self):
        self._grant("reporting_workflows.group_kpi_reader")
        path = "kpis?code=delivery_on_time&from=2019-02-01&to=2019-02-28"
        whole = self._answer(path, "kpis")
        self.assertEqual([kpi["code"] for kpi in whole["kpis"]], ["delivery_on_time"])
        self.assertEqual(whole["kpis"][0]["warn"], 95)
        values = {(one["day"], one["site"]): one for one in whole["values"]}
        self.assertEqual(set(values), {("2019-02-01", None), ("2019-02-01", "=N1"), ("2019-02-02", None)})
        corrected = values["2019-02-01", None]
        self.assertEqual(
            [corrected[name] for name in ("value", "denominator", "correction", "reason", "status")],
            [93.5, 200, 1, "Entered late", "warn"],
        )
        self.assertIsNone(values["2019-02-02", None]["value"])
        self.assertEqual({one["company_id"] for one in whole["values"]}, {self.company.id})
        # Page by page it is the same; the definitions come once.
        pages, address = [], f"{path}&limit=2"
        while address:
            answer = self.get(address)
            pages.append(answer.json())
            link = answer.headers.get("Link", "")
            self.assertEqual(bool(link), pages[-1]["has_more"])
            address = link and link.partition("/v1/")[2].partition(">")[0]
        self.assertEqual([one for page in pages for one in page["values"]], whole["values"])
        self.assertEqual([len(page["kpis"]) for page in pages], [1, 0])

    def test_as_a_table_and_only_when_it_changed(self):
        self._grant("reporting_workflows.group_kpi_reader")
        path = "kpis?code=delivery_on_time&from=2019-02-01&to=2019-02-28&site=%3DN1"
        head, line = self._lines(path, Accept="text/csv, application/json;q=0.5")
        found = dict(zip(head, line))
        self.assertEqual((found["site"], found["value"], found["reason"]), ("'=N1", "50.0", ""))
        self.assertEqual(self._lines(f"{path}&format=csv", Accept="application/json"), [head, line])
        first = self.get(path)
        again = self.get(path, headers={"If-None-Match": f'W/{first.headers["ETag"]}, "x"'})
        self.assertEqual((again.status_code, again.content), (304, b""))
        self.assertEqual(again.headers["ETag"], first.headers["ETag"])
        self.assertEqual(self.get(f"{path}&limit=9", headers={"If-None-Match": '"x"'}).status_code, 200)
        for since, count in (
            ("2019-02-09T08:00:00Z", 1),
            ("2019-02-09T09:00:00%2B02:00", 1),
            ("2019-02-10T00:00:00Z", 0),
        ):
            path = f"kpis?code=delivery_on_time&to=2019-02-28&changed_since={since}"
            self.assertEqual(len(self._answer(path, "kpis")["values"]), count)

    def test_numbers_that_the_account_may_not_read(self):
        path = "kpis?code=delivery_on_time&to=2019-02-28"
        self.assertEqual(self._answer(path, "kpis")["values"], [])
        self.site.manager_id = self.account
        self.assertEqual([one["site"] for one in self._answer(path, "kpis")["values"]], ["=N1"])
        self.key.operation_ids = self.operations.filtered(lambda one: one.name == "report-edition")
        self.assertProblem(self.get(path), 403, "scope-missing")

    def test_parameters_that_make_no_sense(self):
        self._grant("reporting_workflows.group_kpi_reader")
        for words in (
            *(
                "code=nothing",
                "code=x;y",
                "site=NOWHERE",
                "from=2019-02-30",
                "to=yesterday",
                "changed_since=2019-02-01",
            ),
            *("limit=0", "limit=x", "limit=5000", "cursor=-1", "cursor=1.5", "format=xml", "id=1", "code=a&code=b"),
            *("code=", "site=%00", "cursor=999999999999999999999", "cursor=1%0A", "code=stock_value%0A"),
        ):
            with self.subTest(words):
                self.assertProblem(self.get(f"kpis?{words}"), 400, "query-invalid")
        self.assertEqual(self._answer("kpis?cursor=999999999999999999", "kpis")["values"], [])

    # ---------------------------------------------------------------- editions

    def _hand_out(self):
        """An edition of a report of which the account is the only recipient."""
        self.vendors[0].name = "=HYPERLINK(1)"
        self.recipient.write({"active": False})
        self.account.write({USER_GROUPS: [Command.link(self.role.id)]})
        self.report = self._report()
        self.edition = self._released("2026-11-20")

    def _released(self, day, report=None, **values):
        run = self._run(report or self.report, day, **values)
        self._work()
        self._send()
        self.assertEqual(run.edition_id.state, "released")
        return run.edition_id

    def test_a_recipient_reads_what_was_released(self):
        self._hand_out()
        (listed,) = self._answer("reports/vendors/editions", "report-editions")["editions"]
        self.assertEqual((listed["id"], listed["state"], listed["edition"]), (self.edition.id, "released", 1))
        path = f"reports/vendors/editions/{self.edition.id}"
        found = self._answer(path, "report-edition")
        self.assertEqual(found["edition"], listed)
        self.assertEqual(found["edition"]["digest"], self.edition.digest)
        self.assertEqual(found["rows"], [])  # it has no figures
        page = self._answer(f"{path}?section=all&limit=2", "report-edition")
        self.assertEqual([row[0] for row in page["rows"]], ["V1", "V2"])
        self.assertEqual((page["rows"][0][1], page["rows"][0][3]), ("=HYPERLINK(1)", 1))
        last = self._answer(f"{path}?section=all&cursor={int(page['cursor']) * 2}", "report-edition")
        self.assertEqual([row[0] for row in last["rows"]], ["V5"])
        head, *lines = self._lines(f"{path}?section=all&format=csv")
        self.assertEqual(head, [column["key"] for column in page["columns"]])
        self.assertEqual([line[1] for line in lines][:2], ["'=HYPERLINK(1)", "Vendor 2"])
        tag = self.get(path).headers["ETag"]
        self.assertEqual(self.get(path, headers={"If-None-Match": tag}).status_code, 304)
        self.assertEqual(self._lines("reports/vendors/editions?format=csv")[1][0], str(self.edition.id))
        for words in ("section=nothing", "section=exceptions", "cursor=x", "limit=0", "code=vendors"):
            with self.subTest(words):
                self.assertProblem(self.get(f"{path}?{words}"), 400, "query-invalid")
        for period, count in (("from=2026-11-20&to=2026-11-20", 1), ("from=2026-11-21", 0), ("to=2026-11-19", 0)):
            answer = self._answer(f"reports/vendors/editions?{period}", "report-editions")
            self.assertEqual(len(answer["editions"]), count)

    def test_links_are_signed_for_who_asks_and_stand_in_no_ledger(self):
        self._hand_out()
        raw = b"ref;name\nV1;Vendor 1\n"
        attachment = self.edition._attach("vendors.csv", raw, "csv")
        values = {"kind": "csv", "attachment_id": attachment.id, "sha256": hashlib.sha256(raw).hexdigest()}
        self.env["distribution.report.file"].sudo().create({**values, "edition_id": self.edition.id, "size": len(raw)})
        path = f"reports/vendors/editions/{self.edition.id}"
        (file,) = self._answer(path, "report-edition")["files"]
        address = file["url"][file["url"].index("/distribution/report/") :]
        self.assertEqual(self.url_open(address).content, raw)
        self.account.write({USER_GROUPS: [Command.link(self.env.ref(f"{CORE}operations").id)]})
        self.env.cr.execute("UPDATE distribution_report_delivery SET user_id = %s", (self.stranger.id,))
        self.env.invalidate_all()
        (file,) = self._answer(path, "report-edition")["files"]
        self.assertIsNone(file["url"], "it was handed to somebody else")
        self.assertTrue(self.edition._released_facts()["files"])
        events = self.env["distribution.event"].search([("type", "=like", "distribution.report.%")])
        self.assertTrue(events)
        self.assertNotIn("signature=", "".join([*events.mapped("data"), str(self.edition._released_facts())]))

    def test_an_edition_by_its_name(self):
        self._hand_out()
        first = self.edition
        second = self._released("2026-11-20", reason="Again")
        later = self._released("2026-11-21")
        at_site = self._released("2026-11-21", site=self.site)
        self.assertEqual([one.number for one in (first, second, later, at_site)], [1, 2, 1, 1])

        def read(name):
            return self._answer(f"reports/vendors/editions/{name}", "report-edition")["edition"]

        for name, edition in {
            "2026-11-20:1": first,
            "2026-11-20:2": second,
            "2026-11-20": second,
            "2026-11-21": later,
            "latest": later,
            "2026-11-21?site=%3DN1": at_site,
            "latest?site=%3DN1": at_site,
            f"{at_site.id}": at_site,
            f"{at_site.id}?site=%3DN1": at_site,
        }.items():
            with self.subTest(name):
                found = read(name)
                self.assertEqual(found["id"], edition.id)
                self.assertEqual(found["name"], f"{edition.period}:{edition.number}")
        for listed in self._answer("reports/vendors/editions", "report-editions")["editions"]:
            site = "?site=%3DN1" if listed["site"] else ""
            self.assertEqual(read(f"{listed['name']}{site}"), listed, "each is found by the name that the list tells")
        for name in (
            *("2026-11-20:3", "2026-11-20:0", "2026-11-22", "2026-11", "2026-W47", "2026-11-20..2026-11-21"),
            *("2026-11-20:", ":1", "Latest", "latest:2", "2026-11-20:1%0A", "2026-11-20?site=%3DN1", "9999999999"),
            *(f"{first.id}?site=%3DN1", f"{first.id}:1"),
        ):
            with self.subTest(name):
                self.assertProblem(self.get(f"reports/vendors/editions/{name}"), 404, "not-found")
        # Recalled ones stand behind; by number, or with no other, they say so.
        for edition in (later, second):
            edition.with_user(self.owner).action_recall("Counted twice")
        self.assertEqual(read("2026-11-20")["id"], first.id)
        self.assertEqual(read("latest")["id"], first.id)
        for name in ("2026-11-20:2", "2026-11-21"):
            self.assertProblem(self.get(f"reports/vendors/editions/{name}"), 410, "recalled")

    def test_recalled_and_not_kept(self):
        self._hand_out()
        path = f"reports/vendors/editions/{self.edition.id}"
        self.edition.with_user(self.owner).action_recall("Returns were counted twice")
        gone = self.assertProblem(self.get(path), 410, "recalled")
        self.assertIn("Returns were counted twice", gone["detail"])
        self.assertNotIn("newer", gone)
        newer = self._released("2026-11-20", reason="Corrected")
        self.assertEqual(self.assertProblem(self.get(path), 410, "recalled")["newer"], newer.id)
        listed = self._answer("reports/vendors/editions", "report-editions")["editions"]
        self.assertEqual([one["state"] for one in listed], ["recalled", "released"])
        self.assertEqual((listed[0]["notice"], listed[1]["corrects"]), ("Returns were counted twice", self.edition.id))
        past = fields.Datetime.now() - relativedelta(days=newer.version_id.retention_days + 1)
        self.env.cr.execute("ALTER TABLE distribution_report_edition DISABLE TRIGGER distribution_keep_released_update")
        self.env.cr.execute("UPDATE distribution_report_edition SET released_at = %s WHERE id = %s", (past, newer.id))
        self.env.invalidate_all()
        self.assertProblem(self.get(f"reports/vendors/editions/{newer.id}"), 410, "not-kept")

    def test_editions_that_the_account_may_not_read(self):
        self._hand_out()
        number = self.edition.id
        for path in (
            *(f"reports/other/editions/{number}", "reports/other/editions", f"reports/vendors/editions/{number + 999}"),
            *("reports/vendors/editions/x", "reports/vendors/editions/0", f"reports/Vendors/editions/{number}"),
        ):
            with self.subTest(path):
                self.assertProblem(self.get(path), 404, "not-found")
        # Nobody's: a key of a stranger, and one of another company, whatever roles it has.
        stranger = new_test_user(self.env, login="t_bi2", groups=ACCOUNT_GROUPS)
        other = self.env["res.company"].create({"name": "Faraway"})
        foreigner = new_test_user(
            self.env,
            login="t_bi3",
            groups=f"{ACCOUNT_GROUPS},{CORE}operations,{CORE}auditor",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for account, company in ((stranger, self.company), (foreigner, other)):
            key = self.env["distribution.api.key"].create(
                {
                    "name": "Else",
                    "user_id": account.id,
                    "company_ids": [Command.set(company.ids)],
                    "operation_ids": [Command.set(self.operations.ids)],
                }
            )
            text = key._issue()[0]
            for path in ("reports/vendors/editions", f"reports/vendors/editions/{number}"):
                with self.subTest(path, account=account.login):
                    self.assertProblem(self.get(path, key=text), 404, "not-found")
        # What is handed to a system is read by the keys of its account, and by those of no other system.
        systems = [Command.create({"kind": "system", "user_id": user.id}) for user in (stranger, foreigner)]
        systems.append(Command.create({"kind": "system"}))  # by the event only
        shared = self._released("2026-11-20", self._report(code="shared", recipient_ids=systems))
        handed = {one.user_id: one.state for one in shared.delivery_ids}
        self.assertEqual(handed, {stranger: "sent", foreigner: "failed", self.env["res.users"]: "sent"})
        for account, kind in ((stranger, None), (foreigner, "not-found"), (self.account, "not-found")):
            key = self.env["distribution.api.key"].search([("user_id", "=", account.id)])
            for path in ("reports/shared/editions", f"reports/shared/editions/{shared.id}"):
                with self.subTest(path, account=account.login):
                    answer = self.get(path, key=key._issue()[0])
                    if kind:
                        self.assertProblem(answer, 404, kind)
                    else:
                        self.assertAnswer(answer, 200)
        self.text = self.key._issue()[0]
        # Operations reads internal editions, and no others.
        key = self._key(new_test_user(self.env, login="t_bi4", groups=f"{ACCOUNT_GROUPS},{CORE}operations"))
        text = key._issue()[0]
        self.assertAnswer(self.get(f"reports/vendors/editions/{number}", key=text), 200)
        secret = self._report(code="margins", classification="management")
        released = self._released("2026-11-20", secret)
        self.assertAnswer(self.get(f"reports/margins/editions/{released.id}"), 200)  # its recipient
        self.assertProblem(self.get(f"reports/margins/editions/{released.id}", key=text), 404, "not-found")
        self.assertEqual(self.get("reports/margins/editions", key=text).json()["editions"], [])
        self.key.operation_ids = self.operations.filtered(lambda one: one.name == "kpis")
        self.assertProblem(self.get(f"reports/vendors/editions/{number}"), 403, "scope-missing")

    def test_content_that_was_exchanged(self):
        self._hand_out()
        self.env.cr.execute("ALTER TABLE distribution_report_edition DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE distribution_report_edition SET content = replace(content, 'Vendor 2', 'Vendor X') WHERE id = %s",
            (self.edition.id,),
        )
        self.env.invalidate_all()
        answer = self.get(f"reports/vendors/editions/{self.edition.id}")
        self.assertProblem(answer, 422, "not-applicable")
