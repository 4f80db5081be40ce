"""What ingest reads with doubt has a note that names its line and says what to do."""

from __future__ import annotations

import pytest

from tests.support.ingest_helpers import article, ninjs, parsed


def notes_of(document: object, code: str) -> list[tuple[str, int | None]]:
    found = parsed(document)  # type: ignore[arg-type]
    return [(note.field, note.line) for note in found.notes if note.code == code]


@pytest.mark.parametrize("year", [2027, 2028])
def test_a_time_of_publication_that_is_still_to_come_is_noted_with_its_line(year: int) -> None:
    page = "首页\n湘湖水质再提升\n{}年1月22日 8:1来源:萧山日报\n第一段，昨天开园。\n第二段，今天开园。\n"
    assert notes_of(page.format(year), "published_in_future") == [("published", 3)]
    assert notes_of(page.format(2018), "published_in_future") == []
    assert notes_of(article("<p>一段。</p>", time=f"{year}年1月22日 8:01"), "published_in_future") == [
        ("published", None)
    ]
    assert notes_of(ninjs(firstCreated=f"{year}-01-22T08:01:00+08:00"), "published_in_future") == [
        ("published", None)
    ]


@pytest.mark.parametrize("source", ["杭州日报", "萧山日报社", "新华社"])
def test_a_source_that_is_none_of_our_outlets_is_noted_with_its_line(source: str) -> None:
    page = "湘湖水质再提升\n2018年1月22日 8:1来源:{}\n据杭州日报、新华社、萧山日报社报道。\n第二段。\n"
    assert notes_of(page.format(source), "source_not_ours") == [("source", 2)]
    assert notes_of(page.format("萧山日报"), "source_not_ours") == []
    (note,) = [one for one in parsed(page.format(source)).notes if one.code == "source_not_ours"]
    assert source in note.text.zh
    assert source in note.text.en
