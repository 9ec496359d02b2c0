"""What the web client asks for: every menu of the suite as every role, and each policy tried on its documents."""

import re

from lxml import etree
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools.safe_eval import datetime, safe_eval, time

from odoo.addons.distribution_core.compat import may

from ..engine import make_plan

SUITE = ("distribution_", "procurement_automation.", "reporting_workflows.")
#: Views that show records one by one; the others count.
READING = ("tree", "list", "kanban", "form")
PAGE = 80


@tagged("post_install", "-at_install")
class TestScreens(TransactionCase):
    def test_every_role_opens_every_menu_that_it_is_shown(self):
        opened = 0
        for login, env, action in self._menus():
            with self.subTest(login=login, action=action["xml_id"]):
                self._open(env, action)
            opened += 1
        self.assertGreater(opened, 300)

    def _menus(self):
        """``(login, env, action)`` of each menu of the suite that opens a view, for each role."""
        for login in ["admin", *(person.login for person in make_plan().people if not person.left)]:
            env = self.env(user=self.env["res.users"].search([("login", "=", login)]))
            for menu in env["ir.ui.menu"].load_web_menus(False).values():
                if menu["xmlid"].startswith(SUITE) and menu["actionModel"] == "ir.actions.act_window":
                    # The web client's controller reads actions for everybody.
                    yield login, env, env["ir.actions.act_window"].sudo().browse(menu["actionID"])._get_action_dict()

    def _words(self, env):
        return {
            "uid": env.uid,
            "time": time,
            "datetime": datetime,
            "context_today": datetime.date.today,
            "active_id": False,
            "active_ids": [],
        }

    def _open(self, env, action):
        """What the web client asks the server for when a menu is chosen, and the first record of its list."""
        words = self._words(env)
        model = env[action["res_model"]].with_context(**safe_eval(action["context"] or "{}", words))
        views = model.get_views([*action["views"], (False, "search")])["views"]
        if action["target"] == "new":
            model.default_get(list(_asked_of(model, views["form"]["arch"])))
            return
        records = model.search(safe_eval(action["domain"] or "[]", words), limit=PAGE)
        for kind in READING:
            if kind in views:
                # Each call of the web client begins with an empty cache: not with what somebody else may read.
                env.invalidate_all()
                shown = records[:1] if kind == "form" else records
                shown.web_read(_asked_of(model, views[kind]["arch"]))

    def test_what_a_form_leads_to_is_readable_for_whoever_sees_the_button(self):
        pressed = 0
        for login, env, action in self._menus():
            views = {kind: view for view, kind in action["views"]}
            model = env[action["res_model"]]
            record = model.search(safe_eval(action["domain"] or "[]", self._words(env)), limit=1)
            if "form" not in views or action["target"] == "new" or not record:
                continue
            arch = model.get_views([(views["form"], "form")])["views"]["form"]["arch"]
            for button in etree.fromstring(arch).xpath("//div[@name='button_box']//button[@type='object']"):
                env.invalidate_all()
                if _is_hidden(record, button):
                    continue
                with self.subTest(login=login, model=model._name, button=button.get("name")):
                    opened = getattr(record, button.get("name"))()
                    if opened["type"] == "ir.actions.act_window":
                        self.assertTrue(may(env[opened["res_model"]], "read"), opened["res_model"])
                    pressed += 1
        self.assertGreater(pressed, 100)

    def test_every_empty_list_says_what_it_is_for(self):
        actions = self.env["ir.actions.act_window"].search(
            [("res_model", "=like", "distribution.%"), ("target", "!=", "new"), ("view_mode", "!=", "form")]
        )
        self.assertTrue(actions)
        names = actions.get_external_id()
        silent = [names[action.id] for action in actions if not action.help and names[action.id].startswith(SUITE)]
        self.assertFalse(silent)

    def test_every_card_that_can_be_pressed_opens_something(self):
        dead = []
        for action in self.env["ir.actions.act_window"].search([("res_model", "=like", "distribution.%")]):
            kinds = [kind for _view, kind in action.views]
            if "kanban" in kinds and "form" not in kinds:
                views = [view for view in action.views if view[1] == "kanban"]
                arch = etree.fromstring(self.env[action.res_model].get_views(views)["views"]["kanban"]["arch"])
                pressed = arch.xpath("//*[contains(@class, 'oe_kanban_global_click')]")
                if pressed and not arch.get("action"):
                    dead.append(action.get_external_id()[action.id])
        self.assertFalse(dead)

    def test_every_field_of_a_form_has_its_label(self):
        # The web client leaves labels out of a group that has groups in it.
        forms = self.env["ir.ui.view"].search([("type", "=", "form"), ("mode", "=", "primary")])
        ours = forms.filtered(lambda view: (view.model or "").startswith("distribution."))
        odoos = self.env.ref("base.view_server_action_form") | self.env.ref("base.ir_cron_view_form")
        for view in ours | odoos:
            with self.subTest(view.name):
                arch = etree.fromstring(view.get_combined_arch())
                bare = arch.xpath("//group[group]/field[not(@nolabel) and not(@invisible='1' or @invisible='True')]")
                # Odoo's own editor of a planned activity has a placeholder instead.
                self.assertFalse({field.get("name") for field in bare} - {"activity_note"})

    def test_the_library_counts_its_reports_where_there_is_one_company(self):
        author = self.env["res.users"].search([("login", "=", "policy_author")])
        library = Form(self.env["distribution.report.library"].with_user(author))
        self.assertEqual((library.missing, library.present), (0, 18))

    def test_whoever_is_asked_and_the_auditor_open_the_document(self):
        auditor = self.env["res.users"].search([("login", "=", "auditor")])
        opened = set()
        for task in self.env["distribution.approval.task"].search([("state", "=", "open")]):
            document = task.request_id._document()
            for user in task.user_ids | auditor:
                if (document._name, user) in opened:
                    continue
                with self.subTest(document=str(document), login=user.login):
                    self.env.invalidate_all()
                    own = document.with_user(user)
                    form = own.get_views([(False, "form")])["views"]["form"]
                    own.web_read(_asked_of(own, form["arch"]))
                opened.add((document._name, user))
        self.assertGreater(len({model for model, _user in opened}), 8)

    def test_the_auditor_tries_each_policy_on_a_document_of_its_kind(self):
        auditor = self.env["res.users"].search([("login", "=", "auditor")])
        versions = self.env["distribution.approval.policy.version"].search([("state", "=", "published")])
        tried = set()
        for version in versions:
            with self.subTest(version.display_name):
                trial = self.env["distribution.approval.try"].with_user(auditor).create({"version_id": version.id})
                self.assertNotEqual(trial.hindrance, "closed")
                if trial.document_ref:
                    self.assertIn(trial.document_ref.sudo().display_name, trial.result)
                    tried.add(version.document_type)
        self.assertGreater(len(tried), 8)


def _is_hidden(record, button):
    """Whether the web client would leave the button out for this record."""
    hidden = button.get("invisible") or "0"
    values = {name: record[name] for name in re.findall(r"\w+", hidden) if name in record._fields}
    return safe_eval(hidden, {**values, "id": record.id, "context": {}, "parent": {}})


def _asked_of(model, arch):
    """What the web client wants to know of each record for the view `arch`, as `web_read` takes it."""
    asked = {}
    for node in etree.fromstring(arch).xpath("//field[not(ancestor::field)]"):
        field = model._fields[node.get("name")]
        views = [child for child in node if child.tag in READING]
        if views and field.type in ("one2many", "many2many"):
            lines = model.env[field.comodel_name]
            asked[field.name] = {"fields": _asked_of(lines, etree.tostring(views[0]))}
        elif field.type in ("many2one", "one2many", "many2many"):
            asked[field.name] = {"fields": {"display_name": {}}}
        else:
            asked[field.name] = {}
    return asked
