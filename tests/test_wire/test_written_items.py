"""A feed that is joined from items written before is, byte for byte, the feed that is written anew."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from syndicate.formats import FEED_FORMATS, atom, jsonfeed, rss
from syndicate.formats.written_items import OF_THE_AGREEMENT, WrittenItems
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.rights import Clause, Licence, Mandate, Quota, Use
from syndicate.policy import Clearance, clear
from syndicate.stamping import Edition, StampedItem, stamp
from tests.test_wire.cases import (
    CORRECTED,
    EARLY,
    HOSTILE,
    MANDATE,
    NOW,
    PARTNER,
    PUBLISHER,
    SEED,
    TABLES,
    VIDEO,
    a_licence,
    every_edition,
    feed_of,
    for_partner,
    for_public,
    paragraph,
)

OTHER = Partner(PartnerId("other"), "另一家媒体", ())
WRITTEN = {"rss": rss._WRITTEN, "atom": atom._WRITTEN, "json": jsonfeed._WRITTEN}
ITEMS = (SEED, TABLES, VIDEO, HOSTILE, CORRECTED)


@pytest.fixture(autouse=True)
def _nothing_written() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    for written in WRITTEN.values():
        written.clear()


def anew(format: str, edition: Edition) -> bytes:
    """The edition as it is written where nothing was written before."""
    _forget()
    return FEED_FORMATS[format].render(edition).body


def stamped(item: Item, partner: Partner, use: Use, licence: Licence, mandate: Mandate) -> StampedItem:
    verdict = clear(item, partner, (mandate,), (licence,), use, NOW)
    assert isinstance(verdict, Clearance), verdict
    return stamp(verdict, PUBLISHER)


def variants(item: Item) -> list[StampedItem]:
    """The item for the public, and for two partners under several terms."""
    licence = a_licence()
    (grant,) = licence.grants
    quota = replace(grant, clause=Clause("OTHER-1#7"), quota=Quota(5, "day"))
    theirs = replace(licence, number="OTHER-1", partner=OTHER.id, grants=(quota,))
    second = replace(MANDATE, number="HEAD-2")
    return [
        for_public(item),
        for_partner(item),
        for_partner(item, may_edit=True),
        for_partner(item, retain=timedelta(days=90)),
        for_partner(item, Use.LINK),
        stamped(item, OTHER, Use.REPRINT, theirs, MANDATE),
        stamped(item, OTHER, Use.REPRINT, theirs, second),
    ]


@pytest.mark.parametrize("format", WRITTEN)
def test_what_was_written_before_changes_no_byte(format: str) -> None:
    dice = random.Random(5)
    every = [*ITEMS, replace(SEED, version=2, ingested=NOW), replace(SEED, body=(paragraph("别的正文。"),))]
    every.append(replace(SEED, published=SEED.published.astimezone(UTC)))
    every.append(replace(VIDEO, published=VIDEO.published.astimezone(timezone(timedelta(hours=9)))))
    by_recipient: dict[Any, list[StampedItem]] = {}
    for one in (one for item in every for one in variants(item)):
        by_recipient.setdefault(one.recipient, []).append(one)
    by_recipient[PARTNER].append(for_partner(EARLY, early=True))
    editions = [*every_edition().values()]
    for _ in range(60):
        recipient = dice.choice(list(by_recipient))
        chosen = dice.sample(by_recipient[recipient], dice.randint(0, 4))
        edition = feed_of(*chosen, recipient=recipient, feed=dice.choice(["all", "health"]))
        editions.append(replace(edition, updated=NOW + timedelta(seconds=dice.randint(0, 99))))
    expected = [anew(format, edition) for edition in editions]
    _forget()
    for _ in range(2):
        for edition, bytes_ in zip(editions, expected, strict=True):
            assert FEED_FORMATS[format].render(edition).body == bytes_


@pytest.mark.parametrize("format", WRITTEN)
def test_another_publisher_gets_nothing_that_was_written_for_this_one(format: str) -> None:
    edition = feed_of(for_public(SEED), for_public(VIDEO))
    moved = replace(edition, publisher=replace(PUBLISHER, base_url="https://other.example", language="en"))
    expected = anew(format, moved)
    assert anew(format, edition) != expected
    assert FEED_FORMATS[format].render(moved).body == expected


@pytest.mark.parametrize("format", WRITTEN)
def test_an_item_is_written_once_for_every_feed_and_again_where_it_differs(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = {"rss": rss, "atom": atom, "json": jsonfeed}[format]
    calls: list[ItemId] = []
    real = module.render_text

    def render_text(item: StampedItem, publisher: Any) -> Any:
        calls.append(item.id)
        return real(item, publisher)

    monkeypatch.setattr(module, "render_text", render_text)
    kept = [for_public(item) for item in (SEED, TABLES, VIDEO)]
    FEED_FORMATS[format].render(feed_of(*kept))
    assert len(calls) == 3
    calls.clear()
    new = for_public(CORRECTED)
    FEED_FORMATS[format].render(feed_of(new, *[for_public(item) for item in (SEED, TABLES)], feed="news"))
    assert calls == [new.id]
    calls.clear()
    FEED_FORMATS[format].render(feed_of(for_public(replace(SEED, headline="另一个标题")), *kept[1:]))
    assert calls == [SEED.id]


def test_rss_and_atom_are_shared_by_partners_and_say_nothing_of_the_agreement() -> None:
    first, second = for_partner(SEED), variants(SEED)[5]
    assert {name for name in OF_THE_AGREEMENT if getattr(first, name) == getattr(second, name)} == {
        "mandate"
    }
    for format in ("rss", "atom"):
        anew(format, feed_of(first, recipient=PARTNER))
        assert WRITTEN[format].get(second, PUBLISHER) is not None
    anew("json", feed_of(first, recipient=PARTNER))
    assert WRITTEN["json"].get(second, PUBLISHER) is None


def test_what_is_kept_stays_in_its_budget_and_costs_no_more_than_it_is_counted_as() -> None:
    items = [
        for_public(replace(SEED, id=ItemId(f"20180122-{number:010d}"), abstract=f"摘要{number}"))
        for number in range(400)
    ]
    tracemalloc.start()
    try:
        kept = WrittenItems(megabytes=1)
        for number, item in enumerate(items):
            kept.keep(item, PUBLISHER, b"x" * (1500 + number))
        cost = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert cost <= kept.size <= 2**20
    assert kept.get(items[0], PUBLISHER) is None
    assert kept.get(items[-1], PUBLISHER) == b"x" * 1899
    kept.keep(items[-1], PUBLISHER, b"y")
    assert kept.get(items[-1], PUBLISHER) == b"y"
    kept.clear()
    assert kept.size == 0
