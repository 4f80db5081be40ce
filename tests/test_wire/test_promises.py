"""What the contract promises of every representation: the stamp, the credits, the terms, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from syndicate.formats import FEED_FORMATS, FORMATS
from syndicate.formats.opml import opml
from syndicate.formats.timestamps import MINUTE, SECOND, rounded_up
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Item
from syndicate.model.parties import STAMP
from syndicate.model.rights import Use
from tests.test_wire.cases import (
    CORRECTED,
    EARLY,
    PARTNER,
    PUBLISHER,
    SEED,
    TABLES,
    VIDEO,
    alone,
    feed_of,
    for_partner,
    for_public,
    paragraph,
)

SECRET = "只在正文里的话"
STORY = replace(SEED, body=(paragraph(SECRET), paragraph(f"{SECRET}之二")))
DC = "{http://purl.org/dc/elements/1.1/}"
ATOM = "{http://www.w3.org/2005/Atom}"
CREDITS = (
    f"原标题：{SEED.headline}",
    "来源：萧山网-萧山日报",
    "原作者：首席记者 周喆",
    "编辑：桂信怡",
    "首发时间：2018年1月22日 08:01",
    f"首发地址：{SEED.address}",
)


def xml(format: str, *items: Any, **of: Any) -> etree._Element:
    return etree.fromstring(FEED_FORMATS[format].render(feed_of(*items, **of)).body)


def json_item(item: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FEED_FORMATS["json"].render(alone(item)).body)["items"][0]
    return read


def ninjs(item: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FORMATS["ninjs"].render(alone(item)).body)
    return read


def texts(item: Any) -> list[str]:
    """The full text in every format that has plain text or HTML with it, without markup."""
    rss = xml("rss", item, recipient=PARTNER)
    atom = xml("atom", item, recipient=PARTNER)
    feed, document = json_item(item), ninjs(item)
    marked = [
        rss.findtext("channel/item/{http://purl.org/rss/1.0/modules/content/}encoded"),
        atom.findtext(f"{ATOM}entry/{ATOM}content"),
        feed["content_html"],
        document["bodies"][0]["value"],
    ]
    plain = [feed["content_text"], document["bodies"][1]["value"]]
    return ["".join(map(str, etree.HTML(one or "").itertext())) for one in marked] + plain


@pytest.mark.parametrize("format", FORMATS)
def test_a_summary_has_no_word_of_the_body_in_any_format(format: str) -> None:
    for item in (for_public(STORY), for_partner(STORY, Use.LINK)):
        body = FORMATS[format].render(alone(item)).body.decode()
        assert SECRET not in body
        assert STAMP in body
    assert SECRET in FORMATS[format].render(alone(for_partner(STORY))).body.decode()


def test_every_full_text_has_its_credits_and_ends_with_the_stamp() -> None:
    for text in texts(for_partner(STORY)):
        body, *rest = text.split("原标题：")
        assert SECRET in body
        assert len(rest) == 1
        for line in CREDITS:
            assert line in text
        assert text.rstrip().endswith(f"\n{STAMP}")


def test_a_missing_name_is_left_out_and_never_made_up() -> None:
    nameless = replace(STORY, byline=None, editor=None)
    for text in texts(for_partner(nameless)):
        assert "原作者" not in text
        assert "编辑：" not in text
    assert "by" not in ninjs(for_partner(nameless))
    assert "people" not in ninjs(for_partner(nameless))
    assert "authors" not in json_item(for_partner(nameless))


def test_the_stamp_is_in_every_field_that_was_made_for_it() -> None:
    item = xml("rss", for_public(SEED)).find("channel/item")
    assert item is not None
    assert item.find(f"{DC}source") is None, "it means the same as source"
    assert item.findtext("source") == STAMP
    assert (item.findtext(f"{DC}rights") or "").startswith(STAMP)
    entry = xml("atom", for_public(SEED)).find(f"{ATOM}entry")
    assert entry is not None
    assert (entry.findtext(f"{ATOM}rights") or "").startswith(STAMP)
    assert entry.findtext(f"{ATOM}source/{ATOM}title") == STAMP
    assert json_item(for_public(SEED))["_syndicate"]["stamp"] == STAMP
    document = ninjs(for_public(SEED))
    assert document["copyrightNotice"].startswith(STAMP)
    assert STAMP in document["usageTerms"]
    assert STAMP in [source["literal"] for source in document["infoSources"]]


def test_names_stand_in_the_fields_that_formats_have_for_them() -> None:
    item = xml("rss", for_partner(SEED), recipient=PARTNER).find("channel/item")
    assert item is not None
    assert (item.findtext(f"{DC}creator"), item.findtext(f"{DC}contributor")) == (SEED.byline, SEED.editor)
    entry = xml("atom", for_partner(SEED), recipient=PARTNER).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == SEED.byline
    assert entry.findtext(f"{ATOM}contributor/{ATOM}name") == SEED.editor
    feed = json_item(for_partner(SEED))
    assert feed["authors"] == [{"name": SEED.byline}]
    assert feed["_syndicate"]["editor"] == SEED.editor
    assert feed["_syndicate"]["source"] == SEED.source
    document = ninjs(for_partner(SEED))
    assert document["by"] == SEED.byline
    assert document["people"] == [{"name": SEED.editor, "rel": "editor"}]
    assert SEED.source in [source["literal"] for source in document["infoSources"]]
    assert {"role": "firstPublication", "value": SEED.address} in document["altIds"]


def test_the_terms_of_the_grant_are_said_in_words_and_fields() -> None:
    strict = for_partner(SEED, retain=timedelta(days=90))
    loose = for_partner(SEED, may_edit=True)
    assert ninjs(strict)["expires"] == "2018-04-22T08:01:00+08:00"
    assert "不得修改文章；须于2018年4月22日 08:01前撤下" in ninjs(strict)["usageTerms"]
    assert "可修改文章" in ninjs(loose)["usageTerms"]
    assert "expires" not in ninjs(loose)
    assert all("须于2018年4月22日 08:01前撤下" in text for text in texts(strict))
    rights = json_item(strict)["_syndicate"]
    assert (rights["licence"], rights["clause"]) == ("XSW-2018-001", "XSW-2018-001#1")
    assert (rights["may_edit"], rights["take_down"]) == (False, "2018-04-22T08:01:00+08:00")


NOTED = f"更正：{CORRECTED.note}"


def summaries(item: Any) -> list[str]:
    """The summary form in every format, without markup."""
    recipient = item.recipient
    description = xml("rss", item, recipient=recipient).findtext("channel/item/description") or ""
    return [
        "".join(map(str, etree.HTML(description).itertext())),
        xml("atom", item, recipient=recipient).findtext(f"{ATOM}entry/{ATOM}summary") or "",
        json_item(item)["summary"],
        ninjs(item)["descriptions"][0]["value"],
    ]


def test_a_correction_says_what_it_corrects_in_every_text_right_before_the_stamp_or_the_credits() -> None:
    for item in (for_public(CORRECTED), for_partner(CORRECTED, Use.LINK), for_partner(CORRECTED)):
        for text in summaries(item):
            assert text.endswith(f"{NOTED}\n{STAMP}")
    for text in texts(for_partner(CORRECTED)):
        assert text.count(f"{NOTED}\n原标题：") == 1
        assert text.rstrip().endswith(f"\n{STAMP}")


def test_a_correction_s_note_stands_in_its_field_and_nowhere_where_there_is_none() -> None:
    for item in (for_public(CORRECTED), for_partner(CORRECTED)):
        assert ninjs(item)["edNote"] == CORRECTED.note
        assert json_item(item)["_syndicate"]["note"] == CORRECTED.note
    for note in (None, "", " \x0b\n\ufffe"):
        plain = for_partner(replace(SEED, note=note))
        assert "edNote" not in ninjs(plain)
        assert "note" not in json_item(plain)["_syndicate"]
        assert not any("更正" in text for text in texts(plain) + summaries(plain))


def test_an_item_given_early_says_until_when_nothing_of_it_may_be_published() -> None:
    # A microsecond past eight: said to be eight, somebody would publish too early.
    moment, line = "2018-01-25T08:00:01+08:00", "禁发至：2018年1月25日 08:01（此前不得发布）"
    early, link = for_partner(EARLY, early=True), for_partner(EARLY, Use.LINK, early=True)
    for item in (early, link):
        assert ninjs(item)["embargoedUntil"] == moment
        assert "2018年1月25日 08:01前不得发布" in ninjs(item)["usageTerms"]
        assert json_item(item)["_syndicate"]["embargoed_until"] == moment
        assert all(text.endswith(f"{line}\n{STAMP}") for text in summaries(item))
    assert all(f"{line}\n原标题：" in text for text in texts(early))
    open_now = for_partner(SEED)
    assert "embargoedUntil" not in ninjs(open_now)
    assert "embargoed_until" not in json_item(open_now)["_syndicate"]
    assert not any("禁发" in text or "不得发布" in text for text in texts(open_now) + summaries(open_now))


def test_a_moment_is_rounded_up_only_where_it_is_not_whole() -> None:
    whole = datetime(2018, 1, 25, 8, 0, tzinfo=UTC)
    assert (rounded_up(whole, SECOND), rounded_up(whole, MINUTE)) == (whole, whole)
    late = whole - timedelta(microseconds=1)
    assert (rounded_up(late, SECOND), rounded_up(late, MINUTE)) == (whole, whole)
    early = whole + timedelta(microseconds=1)
    assert rounded_up(early, SECOND) == whole + timedelta(seconds=1)
    assert rounded_up(early, MINUTE) == whole + timedelta(minutes=1)


@pytest.mark.parametrize("format", FORMATS)
def test_the_public_is_not_told_what_an_agreement_says(format: str) -> None:
    body = FORMATS[format].render(alone(for_public(SEED))).body.decode()
    assert "HEAD-2015-1" not in body
    assert "XSW-2018" not in body


def test_public_and_licensed_feeds_say_their_own_address_and_identity() -> None:
    base = PUBLISHER.base_url
    for format, extension in (("rss", "rss"), ("atom", "atom")):
        for recipient, path in (({}, "feeds"), ({"recipient": PARTNER}, "licensed/feeds")):
            feed = xml(format, feed="news", **recipient)
            found = [link.get("href") for link in feed.iter(f"{ATOM}link") if link.get("rel") == "self"]
            assert found == [f"{base}/{path}/news.{extension}"]
    public = json.loads(FEED_FORMATS["json"].render(feed_of(feed="news")).body)
    assert public["feed_url"] == f"{base}/feeds/news.json"
    own = xml("atom", feed="news").findtext(f"{ATOM}id")
    licensed = xml("atom", feed="news", recipient=PARTNER).findtext(f"{ATOM}id")
    assert own == "tag:xsnet.cn,2018:feed:news"
    assert licensed == "tag:xsnet.cn,2018:licensed-feed:news"


def test_a_public_feed_may_be_kept_for_as_long_as_its_answer_says() -> None:
    assert xml("rss").findtext("channel/ttl") == "5"
    assert xml("rss", recipient=PARTNER).find("channel/ttl") is None


def test_a_feed_is_dated_by_its_edition_and_an_item_by_its_version() -> None:
    feed = xml("rss", for_public(SEED), for_public(TABLES))
    assert feed.findtext("channel/lastBuildDate") == "Tue, 23 Jan 2018 00:30:00 +0000"
    assert [one.findtext(f"{ATOM}updated") for one in feed.iter("item")] == [
        None,
        "2018-01-22T03:00:00+00:00",
    ]
    atom = xml("atom", for_public(SEED), for_public(TABLES))
    assert atom.findtext(f"{ATOM}updated") == "2018-01-23T00:30:00+00:00"


def test_an_item_in_another_language_says_so() -> None:
    entries = xml("atom", for_public(SEED), for_public(VIDEO)).findall(f"{ATOM}entry")
    said = [entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in entries]
    assert said == [None, "en"]


def test_items_stay_in_the_edition_s_order() -> None:
    items = [for_public(SEED), for_public(TABLES), for_public(VIDEO)]
    guids = [guid.text for guid in xml("rss", *items).iter("guid")]
    assert guids == [item.uri for item in items]


def test_an_offset_with_seconds_of_old_zone_data_becomes_one_that_feeds_can_write() -> None:
    old = replace(SEED, published=datetime.fromisoformat("2018-01-22T08:05:43+08:05:43"))
    assert json_item(for_public(old))["date_published"] == "2018-01-22T00:00:00+00:00"


@pytest.mark.parametrize("format", FORMATS)
def test_an_item_s_own_document_needs_exactly_one_item(format: str) -> None:
    edition = alone(for_public(SEED))
    for items in ((), (*edition.items, *edition.items)):
        with pytest.raises(ValueError, match="exactly one item"):
            FORMATS[format].render(replace(edition, items=items))


def test_the_content_types_are_the_whole_header_values() -> None:
    edition = alone(for_public(SEED))
    assert {name: format.render(edition).content_type for name, format in FORMATS.items()} == {
        "rss": "application/rss+xml; charset=utf-8",
        "atom": "application/atom+xml; charset=utf-8",
        "json": "application/feed+json",
        "ninjs": "application/json",
        "html": "text/html; charset=utf-8",
    }


def test_opml_names_every_public_feed_once_under_its_chinese_title() -> None:
    feeds = feeds_of(PUBLISHER)
    made = opml(PUBLISHER, feeds.values())
    outlines = etree.fromstring(made.body).findall("body/outline")
    assert made.content_type == "text/x-opml; charset=utf-8"
    assert [one.get("xmlUrl") for one in outlines] == [
        f"{PUBLISHER.base_url}/feeds/{id_}.rss" for id_ in feeds
    ]
    assert outlines[0].get("text") == "萧山网 · 全部稿件"
    assert {one.get("type") for one in outlines} == {"rss"}


def test_a_version_that_moved_is_dated_when_it_was_taken_in() -> None:
    moved: Item = replace(SEED, version=3, ingested=datetime(2018, 1, 23, tzinfo=UTC))
    document = ninjs(for_public(moved))
    assert (document["version"], document["versionCreated"]) == ("3", "2018-01-23T00:00:00+00:00")
    assert document["firstCreated"] == "2018-01-22T08:01:00+08:00"
