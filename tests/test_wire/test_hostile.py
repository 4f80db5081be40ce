"""Whatever a newsroom's text holds, no rendering fails, every output parses, and every item is stamped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from syndicate.formats import FEED_FORMATS, FORMATS, html
from syndicate.formats.clean import clean, one_line
from syndicate.language import Lang
from syndicate.model.item import Block, BlockKind, Item
from syndicate.model.parties import STAMP
from syndicate.model.rights import Form, Use
from syndicate.stamping import StampedItem
from tests.test_wire.cases import HOSTILE, PARTNER, SEED, VIDEO, alone, feed_of, for_partner, for_public
from tests.test_wire.rss_rules import broken_rules

MARK = "QZXBODYQZX"
NASTY = (
    "\x00", "\x08", "\x0b", "\x1f", "\x7f", "\x85", "\x9f", "\r", "\n", "\u2028", "\ud800", "\udfff",
    "\ufdd0", "\ufffe", "\uffff", "\ufeff", "\U0001ffff", "\u202e", "\u2067", "]]>", "<![CDATA[",
    "&", "&amp;", "&#11;", "<", ">", "<!--", "-->", "</script>", "</p>", "<b>", "\"", "'", "\u200d",
    "مرحبا", "稿件来源:新华社", " ", "\u3000", "{{ x }}", "{% if %}", "\\u003c",
)  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=4), st.just("湘湖")), max_size=8
).map("".join)
headlines = texts.filter(lambda text: bool(text.strip()))
zones = st.integers(-14 * 3600, 14 * 3600).map(lambda seconds: timezone(timedelta(seconds=seconds)))
moments = st.builds(
    lambda day, after, zone: datetime(2018, 1, day, tzinfo=zone) + after,
    st.integers(2, 21),
    st.timedeltas(timedelta(0), timedelta(days=1)),
    zones,
)
blocks = st.builds(
    lambda kind, text: Block(kind, MARK + text, MARK + escape(text)), st.sampled_from(BlockKind), texts
)
items = st.builds(
    lambda **said: replace(SEED, **said),
    headline=headlines,
    abstract=texts,
    body=st.lists(blocks, min_size=1, max_size=3).map(tuple),
    source=texts,
    byline=st.none() | texts,
    editor=st.none() | texts,
    address=st.none() | texts.map(lambda text: f"http://www.xsnet.cn/{text}"),
    language=st.sampled_from(["zh-CN", "en", ""]),
    keywords=st.lists(texts, max_size=3).map(tuple),
    published=moments,
    version=st.integers(1, 3),
    note=st.none() | texts,
)


def three(middle: StampedItem) -> tuple[StampedItem, ...]:
    stamped = for_public if not hasattr(middle.recipient, "id") else for_partner
    return (stamped(SEED), middle, stamped(VIDEO))


def check_feeds(middle: StampedItem) -> None:
    edition = feed_of(*three(middle), recipient=middle.recipient)
    identities = [item.uri for item in edition.items]
    bodies = {name: format.render(edition).body for name, format in FEED_FORMATS.items()}
    rss = etree.fromstring(bodies["rss"])
    atom = etree.fromstring(bodies["atom"])
    feed: dict[str, Any] = json.loads(bodies["json"])
    assert [node.text for node in rss.iter("guid")] == identities
    assert [node.findtext("{*}id") for node in atom.findall("{*}entry")] == identities
    assert [item["id"] for item in feed["items"]] == identities
    assert broken_rules(bodies["rss"]) == []
    for item in rss.iter("item"):
        assert (item.findtext("description") or "").endswith(STAMP)
    for entry in atom.findall("{*}entry"):
        assert (entry.findtext("{*}summary") or "").endswith(f"{STAMP}")
    for one in feed["items"]:
        assert one["content_text"].endswith(STAMP)
    if middle.form is Form.SUMMARY:
        assert not any(MARK.encode() in body for body in bodies.values())


def check_item(item: StampedItem) -> None:
    edition = alone(item)
    document = json.loads(FORMATS["ninjs"].render(edition).body)
    for body in document.get("bodies", []):
        assert STAMP in body["value"].rsplit("\n", 1)[-1]
    for lang in Lang:
        page = html.write(edition, lang=lang).decode()
        read = LexborHTMLParser(page)
        assert read.css(".correction *:not(span)") == []
        seal = read.css_first("h1 + .seal")
        assert seal is not None
        assert seal.text() == STAMP
        block = read.css_first("script")
        assert block is not None
        assert json.loads(block.text())["creditText"] == STAMP
        assert (MARK in page) == (item.form is Form.FULL)
    assert (MARK in json.dumps(document)) == (item.form is Form.FULL)


@given(items)
@settings(max_examples=60, deadline=None)
def test_whatever_the_public_s_item_says_the_feed_stays_whole_and_cut(item: Item) -> None:
    item = replace(item, id=HOSTILE.id)
    check_feeds(for_public(item))
    check_item(for_public(item))


@given(items, st.sampled_from(Use))
@settings(max_examples=60, deadline=None)
def test_whatever_a_partner_s_item_says_the_feed_stays_whole_and_stamped(item: Item, use: Use) -> None:
    item = replace(item, id=HOSTILE.id)
    check_feeds(for_partner(item, use))
    check_item(for_partner(item, use))


@given(items)
@settings(max_examples=25, deadline=None)
def test_feedparser_reads_every_item_whatever_it_says(item: Item) -> None:
    edition = feed_of(*three(for_partner(replace(item, id=HOSTILE.id))), recipient=PARTNER)
    for format in ("rss", "atom"):
        read = feedparser.parse(FEED_FORMATS[format].render(edition).body)
        assert not read.bozo
        assert [entry.id for entry in read.entries] == [one.uri for one in edition.items]
        assert all(STAMP in entry.summary and STAMP in entry.content[0].value for entry in read.entries)


@given(texts)
def test_clean_text_can_stand_in_xml_and_in_utf_8(text: str) -> None:
    node = etree.Element("t")
    node.text = clean(text)
    assert etree.fromstring(etree.tostring(node, encoding="UTF-8")).text == (clean(text) or None)


@pytest.mark.parametrize("letter", ["萧", "\u3000", "\t", "\n", "\U0001f600", "\u200d", "<", "\ufeff"])
def test_cleaning_takes_away_nothing_that_xml_can_carry(letter: str) -> None:
    assert clean(f"a{letter}b") == f"a{letter}b"


def test_a_headline_of_nothing_but_refuse_does_not_empty_the_feed() -> None:
    check_feeds(for_public(replace(SEED, id=HOSTILE.id, headline="\x0b\x00")))


def test_every_character_that_xml_forbids_is_left_out_and_every_break_is_one_blank_in_a_field() -> None:
    controls = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF, 0xD800, 0xDFFF)]
    for character in (*controls, *map(chr, range(0xFDD0, 0xFDF0))):
        kept = {"\r": "\n"}.get(character, character) if character in "\t\n\r\x85" else ""
        assert clean(f"湘{character}湖") == f"湘{kept}湖"
        assert one_line(f"湘{character}湖") == (f"湘{' ' if kept else ''}湖")
    assert clean("a\r\nb\u3000c") == "a\nb\u3000c"
    assert one_line(" a\u2028b\u3000 ") == "a b"
