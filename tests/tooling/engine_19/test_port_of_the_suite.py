"""The whole suite built for 19.0, with Odoo's own converter. Runs with engine 19.0 only."""

import xml.etree.ElementTree as ElementTree

import pytest

from tools.devkit import addons, engines, environment
from tools.devkit.paths import ADDONS
from tools.port import build, rules


@pytest.fixture(scope="module")
def python():
    return environment.for_engine(engines.debian_19()).python


@pytest.fixture(scope="module")
def built(python, tmp_path_factory):
    """The rewritten copy, and how often each rule matched."""
    directory = tmp_path_factory.mktemp("built")
    build.copy(addons.all_addons(), ADDONS, directory)
    return directory, build.rewrite(directory, python)


def test_every_rule_is_needed(built):
    _directory, counts = built
    unused = [name for name, count in counts.items() if not count]
    assert not unused, f"rules that match nothing, delete them: {', '.join(unused)}"
    assert set(counts) == {rule.name for rule in [*rules.BEFORE_CONVERTER, *rules.AFTER_CONVERTER]}


def test_nothing_is_left_over(built):
    directory, _counts = built
    build.check(directory)


def test_manifests_and_xml_are_readable(built):
    directory, _counts = built
    for name in addons.all_addons():
        assert addons.manifest(directory / name)["version"].startswith("19.0.")
    for file in directory.rglob("*.xml"):
        ElementTree.parse(file)


def test_building_twice_gives_the_same_directory_and_leaves_the_source_alone(python):
    before = addons.content_digest(addons.all_addons(), everything=True)
    first = build.tree(python, addons.all_addons(), strict=True)
    assert build.tree(python, addons.all_addons(), strict=True) == first
    assert build.LATEST.resolve() == first
    assert addons.content_digest(addons.all_addons(), everything=True) == before


def test_converter_touches_only_the_given_directory(python, tmp_path):
    """Odoo's own addons stay as they are: the command line would have rewritten them."""
    source = engines.debian_19().source / "odoo" / "addons" / "purchase"
    before = addons.content_digest(["purchase"], source.parent, everything=True)
    module = tmp_path / "sample" / "models.py"
    module.parent.mkdir()
    module.write_text("class A:\n    _sql_constraints = [\n        ('x_uniq', 'unique(x)', 'Taken'),\n    ]\n")
    build.rewrite(tmp_path, python)
    assert "_x_uniq = models.Constraint(" in module.read_text()
    assert addons.content_digest(["purchase"], source.parent, everything=True) == before
