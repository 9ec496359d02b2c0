"""Write the workflows."""

from tools.devkit.paths import ROOT

from .workflows import all_workflows

PLACE = ROOT / "n8n"


def main() -> None:
    for workflow in all_workflows():
        (PLACE / f"{workflow.file}.json").write_text(workflow.text())
        print(f"n8n/{workflow.file}.json: {len(workflow.nodes)} nodes")


if __name__ == "__main__":
    main()
