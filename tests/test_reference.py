"""The API reference is what the service's own document says."""

import re
from pathlib import Path

from tests.reference import PAGE, _anchor, document, reference


def test_the_reference_is_made_of_the_document(model_file: Path) -> None:
    assert PAGE.read_text() == reference(document(model_file)), "python -m tests.reference writes it anew"


def test_its_links_lead_to_its_headings() -> None:
    text = PAGE.read_text()
    headings = {_anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert links <= headings
