"""The page of a kept item shows headline, correction and stamp, and runs nothing that came with it."""

from __future__ import annotations

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from syndicate.client.client_errors import InvalidResponse
from syndicate.client.item_page import make_item_files
from syndicate.model.item import ItemId
from tests.support.stub_publisher import STAMP, a_story, an_id

ID = ItemId(an_id(1))


def page(**changed: Any) -> LexborHTMLParser:
    return LexborHTMLParser(make_item_files(ID, a_story(ID, **changed)).html.decode())


def text(tree: LexborHTMLParser, selector: str) -> str:
    found = tree.css_first(selector)
    assert found is not None
    return found.text(strip=True)


def body(html: str) -> dict[str, Any]:
    return {"bodies": [{"role": "main", "contentType": "text/html", "value": html}]}


def test_a_page_shows_headline_and_stamp_and_no_correction_where_there_is_none() -> None:
    tree = page()
    assert text(tree, "h1") == f"湘湖新闻 {ID}"
    assert text(tree, "p.stamp") == STAMP
    assert tree.css_first("p.note") is None


def test_a_correction_is_in_sight() -> None:
    assert "数字有误" in text(page(edNote="数字有误"), "p.note")


def test_nothing_that_came_with_a_body_runs_or_is_fetched() -> None:
    evil = (
        '<p onclick="x()">一</p><script>x()</script><img src="http://t/1.gif"><iframe src="//t"></iframe>'
        '<a href="javascript:x()">二</a><a href="https://a.cn/">三</a><style>p{}</style><p style="x">四</p>'
    )
    inside = page(**body(evil)).css_first("div.body")
    assert inside is not None
    assert inside.text(strip=True) == "一二三四"
    assert "t/1.gif" not in (html := inside.html or "")
    assert not [word for word in ("onclick", "script", "iframe", "style") if word in html]
    assert [link.attributes.get("href") for link in inside.css("a")] == [None, "https://a.cn/"]


def test_headline_note_and_stamp_are_text_whatever_they_look_like() -> None:
    odd = '</title><script>x()</script>"'
    tree = page(headlines=[{"role": "main", "value": odd}], edNote=odd, copyrightNotice=odd)
    assert tree.css("script") == []
    assert text(tree, "h1") == odd


def test_where_the_licence_gives_no_text_the_abstract_stands() -> None:
    tree = page(bodies=[], descriptions=[{"role": "summary", "value": f"摘要<b>\n{STAMP}"}])
    assert [one.text() for one in tree.css("div.body p")] == ["摘要<b>", STAMP]


def test_plain_text_becomes_paragraphs() -> None:
    tree = page(bodies=[{"role": "main", "contentType": "text/plain", "value": "一\n\n二<i>"}])
    assert [one.text() for one in tree.css("div.body p")] == ["一", "二<i>"]


def test_the_same_document_makes_the_same_bytes_whatever_its_order() -> None:
    story = a_story(ID)
    assert make_item_files(ID, story) == make_item_files(ID, dict(reversed(story.items())))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": f"tag:xsnet.cn,2026-01-05:item:{an_id(2)}"},
        {"uri": None},
        {"pubStatus": "canceled"},
        {"pubStatus": "withheld"},
        {"title": " ", "headlines": []},
        {"infoSources": []},
        {
            "infoSources": [
                {"role": "http://cv.iptc.org/newscodes/contentprodpartyrole/originator", "literal": "x"}
            ]
        },
        {"infoSources": "萧山网"},
        {"title": "\ud83d"},
        {"urgency": float("inf")},
        {"genres": nested(5_000)},
    ],
)
def test_a_document_that_is_not_this_items_or_cannot_be_shown_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponse):
        make_item_files(ID, a_story(ID, **changed))


@pytest.mark.parametrize("version", [1, None, "一", "0", "1.0", "9" * 17])
def test_a_document_without_a_version_is_refused(version: object) -> None:
    with pytest.raises(InvalidResponse):
        make_item_files(ID, {**a_story(ID), "version": version})
