"""A workflow of n8n, as it is exported and imported: nodes, and what is connected with what."""

import json
import uuid
from pathlib import Path

CODE = Path(__file__).parent / "code"
NOTES = Path(__file__).parent / "notes"
NAMESPACE = uuid.UUID("6f2a4c0e-9c1b-4b4e-8d60-0d6c1f6c6a11")
WIDTH, HEIGHT = 240, 200
#: Credentials that a workflow asks for: key → (type, name as it is imported).
CREDENTIALS = {
    "odoo": ("httpBearerAuth", "Distribution API"),
    "supplier": ("httpHeaderAuth", "Supplier"),
    "chat_answers": ("httpHeaderAuth", "Chat answers"),
    "supplier_answers": ("httpHeaderAuth", "Supplier answers"),
    "speedy": ("httpHeaderAuth", "Carrier Speedy"),
    "northline": ("httpHeaderAuth", "Carrier Northline"),
    "mail": ("smtp", "Operations mail"),
}


def credential_id(key: str) -> str:
    """The id of a credential, the same on every machine: an import finds it."""
    return f"distribution_{key}"


class Workflow:
    """Nodes are named; ``after`` says which output of which node leads to a new one.

    :param file: name of the file in ``n8n/``, of the note that is shown beside its nodes, and the id: at most 16
        characters, n8n keeps no data of workflows with longer ones
    """

    def __init__(self, file: str, name: str, **settings):
        self.file, self.name = file, name
        self.nodes, self.connections = [], {}
        self.settings = {"executionOrder": "v1", **settings}
        self._places = {}
        note = (NOTES / f"{file}.md").read_text()
        self.put("About", "stickyNote", 1, {"content": note, "width": 460, "height": 320}, at=(-3, 0))

    def put(self, name, kind, version, parameters, *, after=None, at=None, credential=None, **more):
        """Add a node; returns its name.

        :param after: name of the node before, or ``(name, number of its output)``; a list of them
        :param at: (column, row); default: right of the first node before
        """
        befores = after if isinstance(after, list) else [after] if after else []
        befores = [one if isinstance(one, tuple) else (one, 0) for one in befores]
        if at is None:
            column, row = self._places[befores[0][0]]
            at = (column + 1, row)
        while at in self._places.values():
            at = (at[0], at[1] + 1)
        self._places[name] = at
        node = {
            "id": str(uuid.uuid5(NAMESPACE, f"{self.file}/{name}")),
            "name": name,
            "type": f"n8n-nodes-base.{kind}",
            "typeVersion": version,
            "position": [at[0] * WIDTH, at[1] * HEIGHT],
            "parameters": parameters,
            **more,
        }
        if kind in ("webhook", "wait"):
            node["webhookId"] = node["id"]
        if credential:
            known = CREDENTIALS[credential]
            node["credentials"] = {known[0]: {"id": credential_id(credential), "name": known[1]}}
        self.nodes.append(node)
        for before, output in befores:
            self.connect(before, name, output)
        return name

    def connect(self, before, name, output=0):
        """Lead an output of the node ``before`` to the node ``name``."""
        outputs = self.connections.setdefault(before, {"main": []})["main"]
        while len(outputs) <= output:
            outputs.append([])
        outputs[output].append({"node": name, "type": "main", "index": 0})

    def code(self, name, file, after, *more, **words):
        """Add a Code node with the code of a file; ``words`` are replaced in it, ``more`` files are appended."""
        text = "\n".join((CODE / f"{one}.js").read_text() for one in (file, *more))
        for word, value in words.items():
            text = text.replace(word, value)
        return self.put(name, "code", 2, {"jsCode": text}, after=after)

    def decide(self, name, expression, after):
        """Add an If node: output 0 when the expression is true."""
        condition = {
            "id": str(uuid.uuid5(NAMESPACE, f"{self.file}/{name}/condition")),
            "leftValue": f"={{{{ {expression} }}}}",
            "rightValue": "",
            "operator": {"type": "boolean", "operation": "true", "singleValue": True},
        }
        options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
        conditions = {"options": options, "conditions": [condition], "combinator": "and"}
        return self.put(name, "if", 2.2, {"conditions": conditions, "options": {}}, after=after)

    def text(self) -> str:
        """The file."""
        return (
            json.dumps(
                {
                    "id": self.file,
                    "name": self.name,
                    "nodes": self.nodes,
                    "connections": self.connections,
                    "settings": self.settings,
                    "active": False,
                    "pinData": {},
                    "tags": [],
                },
                indent=2,
                ensure_ascii=False,
            )
            + "\n"
        )
