"""The documents say what the code says."""

import re

from orchestration.landing import REASONS
from orchestration.settings import PROJECT_ROOT


def test_every_link_of_the_documents_leads_to_a_file():
    for page in [*PROJECT_ROOT.glob("*.md"), *PROJECT_ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_page_of_reasons_lists_every_reason_with_its_meaning():
    text = (PROJECT_ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert listed == REASONS
