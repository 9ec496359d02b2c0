"""What a newcomer reads leads somewhere: links and pictures of the documents exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DOCUMENTS = sorted(
    path
    for place in ("*.md", "docs/**/*.md", "addons/*/*.md", "tools/**/*.md", "tests/**/*.md", "n8n/**/*.md")
    for path in ROOT.glob(place)
)


def links(document: Path):
    """Targets inside the repository, without their anchors."""
    for target in LINK.findall(document.read_text()):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]


def test_there_are_documents():
    assert ROOT / "README.md" in DOCUMENTS
    assert list(links(ROOT / "README.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    broken = [target for target in links(document) if not (document.parent / target).exists()]
    assert not broken, f"{document.relative_to(ROOT)} refers to what does not exist: {broken}"
