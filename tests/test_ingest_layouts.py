"""Documents in the shapes that newsrooms produce: read right, refused or noted, never wrong in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syndicate.errors import Faulty
from syndicate.ingest.second_opinion import MOST_COMPARED, second_opinion
from syndicate.model.item import Block, BlockKind
from tests.support.ingest_helpers import parsed

NEWSROOM = Path(__file__).parent / "golden" / "newsroom"
CASES = sorted(path.name for path in NEWSROOM.iterdir())


def found(document: Path) -> dict[str, Any]:
    """What ingest makes of a document: the fields of its item and its notes, or its faults."""
    try:
        taken = parsed(document.read_bytes(), document.name)
    except Faulty as refused:
        return {"faults": [{"code": fault.code, "line": fault.line} for fault in refused.faults]}
    item = taken.item
    return {
        "headline": item.headline,
        "published": item.published.isoformat(),
        "source": item.source,
        "outlet": item.outlet,
        "byline": item.byline,
        "editor": item.editor,
        "body": [block.text for block in item.body],
        "notes": [{"code": note.code, "line": note.line} for note in taken.notes],
    }


@pytest.mark.parametrize("case", CASES)
def test_a_document_of_a_newsroom_is_read_as_written_down(case: str) -> None:
    (document,) = (NEWSROOM / case).glob("document.*")
    expected = json.loads((NEWSROOM / case / "expected.json").read_text(encoding="utf-8"))
    assert found(document) == expected
    assert (NEWSROOM / case / "why.md").read_text(encoding="utf-8").strip()


def test_there_are_documents_that_are_read_noted_and_refused() -> None:
    expected = [
        json.loads((NEWSROOM / case / "expected.json").read_text(encoding="utf-8")) for case in CASES
    ]
    assert len(expected) >= 60
    refused = [one for one in expected if "faults" in one]
    noted = [one for one in expected if one.get("notes")]
    assert (len(refused) >= 10, len(noted) >= 10) == (True, True)


def test_a_page_that_cannot_be_read_a_second_time_has_no_second_opinion() -> None:
    body = [Block(BlockKind.PARAGRAPH, "湖边的路昨天通了,市民周末就能去走一走。", "")]
    assert second_opinion("", body) == ()
    assert second_opinion("<html></html>", body) == ()
    assert second_opinion("<p>" + "&" * MOST_COMPARED, body) == ()
    assert second_opinion("<div>" * 10_000 + "<p>短。", body) == ()
