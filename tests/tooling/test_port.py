"""The rules of the 19.0 build, each on a small piece of code."""

import pytest

from tools.devkit.console import DevkitError
from tools.port import build, rules

ALL_RULES = [*rules.BEFORE_CONVERTER, *rules.AFTER_CONVERTER]


def rewritten(path: str, text: str) -> str:
    for rule in ALL_RULES:
        if rule.applies_to(path):
            text, _count = rule.apply(text)
    return text


def named(name: str) -> rules.Rule:
    return next(rule for rule in ALL_RULES if rule.name == name)


def test_rules_have_a_name_of_their_own_and_a_reason():
    assert len({rule.name for rule in ALL_RULES}) == len(ALL_RULES)
    assert all(rule.why for rule in ALL_RULES)


def test_two_tags_on_one_line():
    assert rewritten("a/views/v.xml", '<tree><field name="tree_id"/></tree>') == '<list><field name="tree_id"/></list>'


def test_manifest_version():
    assert "'version': '19.0.1.2.3'" in rewritten("a/__manifest__.py", "{'version': '17.0.1.2.3'}")
    assert '"version": "19.0.1.2.3"' in rewritten("a/__manifest__.py", '{"version": "17.0.1.2.3"}')


def test_role_becomes_a_privilege_of_its_own():
    text = rewritten(
        "a/security/groups.xml",
        '<odoo>\n    <record id="group_buyer" model="res.groups">\n'
        '        <field name="name">Buyer</field>\n'
        '        <field name="category_id" ref="category_suite"/>\n'
        "        <field name=\"users\" eval=\"[(4, ref('base.user_admin'))]\"/>\n"
        "    </record>\n</odoo>\n",
    )
    assert '<record id="group_buyer_privilege" model="res.groups.privilege">' in text
    assert text.count('<field name="name">Buyer</field>') == 2
    assert text.count('ref="category_suite"') == 1
    assert '<field name="privilege_id" ref="group_buyer_privilege"/>' in text
    assert '<field name="user_ids"' in text


def test_group_without_a_category_is_left_alone():
    text = '    <record id="g" model="res.groups">\n        <field name="name">X</field>\n    </record>\n'
    assert rewritten("a/security/groups.xml", text) == text


def test_left_over_is_refused_with_its_place(tmp_path):
    model = tmp_path / "a" / "models" / "thing.py"
    model.parent.mkdir(parents=True)
    model.write_text("class Thing:\n    _sql_constraints = [('x', 'check(a[1] > 0)', 'no')]\n")
    with pytest.raises(DevkitError, match=r"a/models/thing\.py:2: 19\.0 ignores _sql_constraints"):
        build.check(tmp_path)


def test_python_that_does_not_compile_is_refused(tmp_path):
    (tmp_path / "broken.py").write_text("def (:\n")
    with pytest.raises(DevkitError, match=r"broken\.py:1: no valid Python"):
        build.check(tmp_path)
