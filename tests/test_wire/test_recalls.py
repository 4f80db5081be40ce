"""What is said of items that were called back: that, when, why and in whose name, and nothing of what they
were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, settings
from lxml import etree

from syndicate.errors import ForeignItem
from syndicate.formats import FEED_FORMATS, ninjs
from syndicate.formats.clean import clean
from syndicate.model.holds import RecallReason
from syndicate.model.item import Item
from syndicate.model.parties import PUBLIC, STAMP, PartnerId
from syndicate.policy.reasons import RECALLS
from syndicate.stamping import Edition
from tests.test_feed_readers import newsboat
from tests.test_wire.cases import (
    CALLED_BACK,
    CORRECTED,
    PARTNER,
    PUBLISHER,
    RECALLED_AT,
    SEED,
    feed_cases,
    feed_of,
    for_partner,
    for_public,
    recalled,
    tombstone_of,
)
from tests.test_wire.kit import faults
from tests.test_wire.test_hostile import texts

AT = "{http://purl.org/atompub/tombstones/1.0}"
ATOM = "{http://www.w3.org/2005/Atom}"
NOTE = "事实有误，请勿使用。"
PUBLICS, PARTNERS = feed_cases()["public-corrected"], feed_cases()["partner-corrected"]
GONE = recalled(SEED, RecallReason.EDITORIAL, NOTE)


def atom(edition: Edition) -> etree._Element:
    return etree.fromstring(FEED_FORMATS["atom"].render(edition).body)


def deleted(edition: Edition) -> list[tuple[str | None, str | None]]:
    return [(one.get("ref"), one.get("when")) for one in atom(edition).iter(f"{AT}deleted-entry")]


def recalled_in(edition: Edition) -> list[dict[str, str]]:
    read: list[dict[str, str]] = json.loads(FEED_FORMATS["json"].render(edition).body)["_syndicate"][
        "recalled"
    ]
    return read


@pytest.mark.parametrize("edition", [PUBLICS, PARTNERS])
def test_atom_has_a_tombstone_for_every_recall_before_its_entries(edition: Edition) -> None:
    expected = [(one.uri, "2018-01-24T00:30:00+08:00") for one in edition.tombstones]
    assert deleted(edition) == expected
    order = [child.tag for child in atom(edition) if child.tag in (f"{ATOM}entry", f"{AT}deleted-entry")]
    assert order == [f"{AT}deleted-entry"] * 3 + [f"{ATOM}entry"] * len(edition.items)
    for one in atom(edition).iter(f"{AT}deleted-entry"):
        assert one.findtext(f"{AT}by/{ATOM}name") == PUBLISHER.name


def test_the_tombstones_namespace_is_declared_once_and_only_where_there_are_some() -> None:
    assert FEED_FORMATS["atom"].render(PARTNERS).body.count(b"xmlns:") == 1
    assert b"tombstones" not in FEED_FORMATS["atom"].render(feed_of(for_public(SEED))).body


def test_a_tombstone_says_the_reason_to_all_and_the_note_to_partners_alone() -> None:
    comments = [one.text for one in atom(PUBLICS).iter(f"{AT}comment")]
    assert comments == [RECALLS[reason].zh for reason in RecallReason]
    told = [one.text for one in atom(PARTNERS).iter(f"{AT}comment")]
    assert told == [
        f"稿件因编辑原因撤回：{NOTE}",
        "稿件因版权原因撤回：<b>图片</b> & 权利 人",
        "稿件依法撤下",
    ]
    assert [one.get("note") for one in recalled_in(PUBLICS)] == [None] * 3
    assert [one.get("note") for one in recalled_in(PARTNERS)] == [NOTE, "<b>图片</b> & 权利 人", None]


def test_json_feed_lists_what_was_recalled_when_and_why() -> None:
    said = [(one["id"], one["when"], one["reason"]) for one in recalled_in(PUBLICS)]
    assert said == [(one.uri, "2018-01-24T00:30:00+08:00", one.reason.value) for one in PUBLICS.tombstones]
    assert "recalled" not in json.loads(FEED_FORMATS["json"].render(feed_of()).body)["_syndicate"]


def test_a_recalled_item_is_simply_gone_from_rss() -> None:
    bare = replace(PARTNERS, tombstones=())
    assert FEED_FORMATS["rss"].render(PARTNERS) == FEED_FORMATS["rss"].render(bare)


@pytest.mark.parametrize("format", FEED_FORMATS)
def test_no_word_of_what_was_recalled_is_in_any_feed(format: str) -> None:
    for recipient in (PUBLIC, PARTNER):
        edition = feed_of(recipient=recipient, tombstones=(tombstone_of(GONE, recipient),))
        body = FEED_FORMATS[format].render(edition).body.decode()
        for word in (SEED.headline, SEED.abstract, SEED.byline, SEED.editor, SEED.address):
            assert word is not None
            assert word not in body
        assert (NOTE in body) is (recipient == PARTNER and format != "rss")


def test_a_tombstone_stands_once_for_each_item_and_moment() -> None:
    first = tombstone_of(GONE)
    same_second = replace(first, when=first.when + timedelta(milliseconds=200))
    later = replace(first, when=first.when + timedelta(hours=1))
    edition = feed_of(tombstones=(first, same_second, later, first))
    expected = [(first.uri, "2018-01-24T00:30:00+08:00"), (first.uri, "2018-01-24T01:30:00+08:00")]
    assert deleted(edition) == expected
    assert [(one["id"], one["when"]) for one in recalled_in(edition)] == expected


def test_an_item_that_lives_again_has_no_tombstone_and_is_later_than_the_one_it_had() -> None:
    back = replace(SEED, holds=replace(SEED.holds, reinstated=RECALLED_AT + timedelta(minutes=1)))
    other = tombstone_of(CALLED_BACK[0])
    edition = feed_of(for_public(back), tombstones=(tombstone_of(GONE), other))
    assert [ref for ref, _ in deleted(edition)] == [other.uri]
    assert [one["id"] for one in recalled_in(edition)] == [other.uri]
    assert atom(edition).findtext(f"{ATOM}entry/{ATOM}updated") == "2018-01-23T16:31:00+00:00"


@pytest.mark.parametrize("format", ["rss", "atom"])
@pytest.mark.parametrize("edition", [PUBLICS, PARTNERS])
def test_newsboat_reads_the_living_items_of_a_feed_with_recalls(
    tmp_path: Path, edition: Edition, format: str
) -> None:
    (tmp_path / "feed").write_bytes(FEED_FORMATS[format].render(edition).body)
    found = newsboat(tmp_path, f"file://{tmp_path}/feed")
    assert len(found) == len(edition.items)
    assert all(STAMP in content for _, _, content in found)
    assert any(str(CORRECTED.note).split("<")[0] in content for _, _, content in found)


@given(texts)
@settings(max_examples=40, deadline=None)
def test_whatever_a_recall_s_note_says_the_feed_and_the_document_stay_whole(note: str) -> None:
    tombstone = tombstone_of(recalled(GONE, RecallReason.RIGHTS, note), PARTNER)
    edition = feed_of(for_partner(CORRECTED), recipient=PARTNER, tombstones=(tombstone,))
    read = feedparser.parse(FEED_FORMATS["atom"].render(edition).body)
    assert not read.bozo
    assert [entry.id for entry in read.entries] == [item.uri for item in edition.items]
    (comment,) = atom(edition).iter(f"{AT}comment")
    assert (comment.text or "").startswith(RECALLS[RecallReason.RIGHTS].zh)
    assert len(comment) == 0
    assert len(recalled_in(edition)) == 1
    said = ninjs.canceled(tombstone, PUBLISHER)["edNote"]
    assert said == clean(said) == said.encode().decode()


def test_a_tombstone_of_somebody_else_is_refused() -> None:
    with pytest.raises(ForeignItem):
        feed_of(tombstones=(tombstone_of(GONE, PARTNER),))
    with pytest.raises(ForeignItem):
        feed_of(recipient=replace(PARTNER, id=PartnerId("hzw")), tombstones=(tombstone_of(GONE, PARTNER),))


@pytest.mark.parametrize("item", CALLED_BACK)
def test_a_canceled_document_is_valid_and_has_identity_version_and_stamp_and_no_text(item: Item) -> None:
    tombstone = tombstone_of(item, PARTNER)
    document = ninjs.canceled(tombstone, PUBLISHER)
    assert faults("ninjs/ninjs-schema_3.1.json", document, "ninjs/GeoJSON-schema.json") == []
    assert (document["uri"], document["version"]) == (tombstone.uri, str(tombstone.version))
    assert (document["pubStatus"], document["versionCreated"]) == ("canceled", "2018-01-24T00:30:00+08:00")
    assert document["copyrightNotice"].startswith(STAMP)
    assert [source["literal"] for source in document["infoSources"]] == [STAMP]
    left_out = {"title", "headlines", "bodies", "descriptions", "by", "people", "subjects", "slugline"}
    assert not left_out & set(document)
