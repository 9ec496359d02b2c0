"""What the 19.0 build rewrites beyond Odoo's own converter: short, listed, counted.

A rule that matches nothing in the suite is dead: ``tests/tooling`` fails until it is deleted.
When new code needs a rule, add it here with its reason; prefer ``distribution_core/compat.py``
for what Python code can ask at run time.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True)
class Rule:
    """One rewriting, applied to each file whose path (below the addons) matches `files`.

    >>> Rule("list", "*.xml", r"<tree>", "<list>", why="renamed").apply("<tree><tree>")
    ('<list><list>', 2)
    """

    name: str
    files: str
    pattern: str
    replacement: str | Callable[[re.Match], str]
    why: str

    def applies_to(self, path: str) -> bool:
        return any(fnmatch(path, glob) for glob in self.files.split())

    def apply(self, text: str) -> tuple[str, int]:
        """The rewritten text and how often the rule matched."""
        return re.subn(self.pattern, self.replacement, text, flags=re.MULTILINE)


def _members_field(match: re.Match) -> str:
    return match[0].replace('<field name="users"', '<field name="user_ids"')


def _privilege_per_role(match: re.Match) -> str:
    """A role of the 17.0 kind (a group in a category) as a privilege with one group.

    A privilege offers a choice of *one* of its groups; our roles can be held together.
    """
    record, indent = match[0], match["indent"]
    category = re.search(r'\n?[^\S\n]*<field name="category_id" ref="(?P<ref>[^"]+)"\s*/>', record)
    if not category:
        return record
    privilege = f"{match['id']}_privilege"
    name = re.search(r'<field name="name">[^<]*</field>', record)[0]
    category_field = f'<field name="category_id" ref="{category["ref"]}"/>'
    head = f'{indent}<record id="{privilege}" model="res.groups.privilege">'
    fields = f"\n{indent}    {name}\n{indent}    {category_field}\n{indent}</record>\n"
    return head + fields + record.replace(category_field, f'<field name="privilege_id" ref="{privilege}"/>')


BEFORE_CONVERTER = [
    Rule(
        "list view tags",
        "*.xml",
        r"(</?)tree\b",
        r"\1list",
        why="the view type was renamed; Odoo's converter misses the second tag on a line",
    ),
]

AFTER_CONVERTER = [
    Rule(
        "manifest version",
        "*/__manifest__.py",
        r"""((["'])version\2\s*:\s*["'])17\.0\.""",
        r"\g<1>19.0.",
        why="Odoo silently skips an addon of another series",
    ),
    Rule(
        "roles",
        "*/security/*.xml",
        r'^(?P<indent>[^\S\n]*)<record id="(?P<id>\w+)" model="res\.groups">[\s\S]*?</record>',
        _privilege_per_role,
        why="a group's category became a privilege in that category",
    ),
    Rule(
        "aggregates of fields",
        "*/models/*.py",
        r"\bgroup_operator=",
        "aggregator=",
        why="parameter renamed; the old one warns",
    ),
    Rule(
        "members of roles",
        "*.xml",
        r'<record id="[\w.]+" model="res\.groups">(?:(?!</record>)[\s\S])*?<field name="users"',
        _members_field,
        why="field renamed",
    ),
    Rule(
        "groups of users, views, actions and menus",
        "*.xml *.py *.csv",
        r"\bgroups_id\b",
        "group_ids",
        why="field renamed",
    ),
    Rule(
        "cron repetitions",
        "*.xml",
        r"""\n[^\S\n]*<field name="(?:numbercall|doall)"[^>]*?(?:/>|>[^<]*</field>)""",
        "",
        why="fields removed: scheduled actions always repeat",
    ),
    Rule(
        "kanban template name",
        "*.xml",
        r"""t-name=(["'])kanban-box\1""",
        r"t-name=\1card\1",
        why="a kanban view's template is called card",
    ),
    Rule(
        "chatter",
        "*.xml",
        r"""<div class="oe_chatter">[\s\S]*?</div>""",
        "<chatter/>",
        why="one tag stands for followers, activities and messages",
    ),
]

# In a built tree these would fail late or, worse, silently.
LEFT_OVERS = {
    r"^\s*_sql_constraints\s*=": (
        "19.0 ignores _sql_constraints, and Odoo's converter could not read these: "
        "write plain literals, no `]` inside, no comments"
    ),
    r"</?tree\b": "19.0 has no view type tree",
    r"""\bexpr=(["'])[^"']*(?:^|/)tree\b""": "19.0 has no view type tree: this path finds nothing",
}
