"""README, CONTRIBUTING and the pages of the site say a thing once, and their links lead somewhere."""

import re
from collections import Counter

import pytest
from helpers import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

pytestmark = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)


def test_no_long_line_stands_twice(document):
    lines = [line.strip() for line in document.read_text(encoding="utf-8").splitlines()]
    counts = Counter(line for line in lines if len(line) > 60)
    assert [line for line, count in counts.items() if count > 1] == []


def test_no_long_sentence_stands_twice(document):
    sentences = re.split(r"(?<=[.?!:])\s+", document.read_text(encoding="utf-8"))
    counts = Counter(sentence for sentence in sentences if len(sentence) > 60)
    assert [sentence for sentence, count in counts.items() if count > 1] == []


def test_links_to_files_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(((?!http)[^)#]+)", text):
        assert (document.parent / link).exists(), link
    for path in re.findall(r"`((?:tools|tests|docs|notebooks|fmtutorial|benchmarks)/[\w./]+)`", text):
        assert "PART" in path or "NN" in path or (ROOT / path).exists(), path
