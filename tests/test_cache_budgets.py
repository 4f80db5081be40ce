"""What a worker keeps costs what it is counted as, is shared where it is the same, stays in its budget."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import json
import random
import tracemalloc
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import brotli
import pytest

from syndicate.formats import Rendered
from syndicate.manifests import manifest, manifest_digest
from syndicate.model.feeds import feeds_of
from syndicate.model.holds import Holds
from syndicate.model.item import Item, ItemId, from_json, to_json
from syndicate.model.parties import Partner, PartnerId
from syndicate.policy import Clearance, clear_preferred
from syndicate.services.delivery.edition_cache import EditionCache
from syndicate.services.delivery.editions import CachedEdition
from syndicate.services.delivery.version_cache import VersionCache
from syndicate.stamping import Edition, stamp
from syndicate.store.protocol import ItemReads
from syndicate.web.server.request_heads import ReadyAnswers
from syndicate.web.server.response_cache import ResponseCache, prepare_response
from tests.support.factories import NOON, PUBLISHER, a_licence, a_mandate, an_item

T = TypeVar("T")
FEED = feeds_of(PUBLISHER)["all"]
LENGTH = 50
ITEMS = 4 * LENGTH
TERMS = "https://a.example/terms"


class FewReads:
    """The part of a store that reads texts: every read makes new strings, as reading a row does."""

    def __init__(self) -> None:
        chance = random.Random(7)
        body = ["".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(200)) for _ in range(5)]
        self.rows = {
            item.id: (item.version, json.dumps(to_json(item), ensure_ascii=False))
            for item in (
                an_item(id=f"20261102-{number:010d}", body=body, published=NOON - timedelta(minutes=number))
                for number in range(ITEMS)
            )
        }
        self.read: list[ItemId] = []

    async def newest(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        self.read += ids
        return {
            id: from_json(
                json.loads(self.rows[id][1]),
                id=id,
                version=self.rows[id][0],
                ingested=NOON,
                first_ingested=NOON,
                holds=Holds(),
            )
            for id in ids
        }


def partner(number: int) -> Partner:
    return Partner(PartnerId(f"partner-{number}"), f"授权媒体 {number}", (), NOON)


def outline(id: str, holds: Holds | None = None) -> Item:
    return replace(an_item(id=id), headline="", body=(), holds=holds or Holds())


def texts(versions: VersionCache, reads: FewReads, ids: Collection[ItemId]) -> list[Item]:
    found = asyncio.run(versions.newest([outline(id) for id in ids], cast("ItemReads", reads)))
    return [found[id] for id in ids]


def an_edition(recipient: Partner, items: Collection[Item]) -> CachedEdition:
    licence, stamped = a_licence(partner=recipient), []
    for item in items:
        verdict = clear_preferred(item, recipient, [a_mandate()], [licence], None, NOON)
        assert isinstance(verdict, Clearance)
        stamped.append(stamp(verdict, PUBLISHER))
    listed = manifest(recipient, FEED, stamped)
    edition = Edition(
        publisher=PUBLISHER, recipient=recipient, feed=FEED, items=tuple(stamped), updated=NOON, until=None
    )
    digest = manifest_digest(listed)
    return CachedEdition(edition, None, digest, digest, listed, 1, None)


def measured(make: Callable[[], T]) -> tuple[T, int]:
    """What it made, and the bytes of memory that are allocated for it."""
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return made, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shares", [True, False], ids=["the same items", "items of their own"])
def test_editions_cost_what_they_are_counted_as(shares: bool) -> None:
    reads = FewReads()
    ids = list(reads.rows)

    def make() -> EditionCache:
        kept, versions = EditionCache(), VersionCache()
        for number in range(40):
            at = 0 if shares else number * 4
            some = texts(versions if shares else VersionCache(), reads, ids[at : at + LENGTH])
            kept.keep(("all", f"partner-{number}", None), an_edition(partner(number), some))
        return kept

    make()  # what the program keeps for good is there before it is measured
    kept, cost = measured(make)
    assert len(kept) == 40
    assert 0.7 < kept.size / cost < 1.2, (kept.size, cost)
    if shares:
        assert cost < 40 * 40_000, "fifty texts, not two thousand"


def test_a_budget_of_editions_holds_and_what_was_used_last_stays() -> None:
    reads, kept = FewReads(), EditionCache(megabytes=1)
    chance = random.Random(3)
    ids = list(reads.rows)
    for number in range(200):
        some = texts(VersionCache(), reads, chance.sample(ids, chance.randrange(1, 12)))
        kept.keep(("all", f"partner-{number}", None), an_edition(partner(number), some))
        assert kept.get(("all", "partner-0", None)) is not None, "it is used all the time"
        assert kept.size <= 2**20
    assert 5 < len(kept) < 150
    for number in range(200):
        kept.discard(("all", f"partner-{number}", None))
    assert (len(kept), kept.size) == (0, 0)


def test_an_edition_that_would_push_out_all_others_is_not_kept() -> None:
    reads, kept = FewReads(), EditionCache(megabytes=1)
    small = an_edition(partner(1), texts(VersionCache(), reads, list(reads.rows)[:1]))
    kept.keep(("all", "partner-1", None), small)
    before = kept.size
    kept.keep(("all", "partner-2", None), an_edition(partner(2), texts(VersionCache(), reads, reads.rows)))
    assert kept.get(("all", "partner-2", None)) is None
    assert (kept.get(("all", "partner-1", None)), kept.size) == (small, before)


def test_a_version_is_read_once_and_its_holds_are_those_of_now() -> None:
    reads, versions = FewReads(), VersionCache()
    id, other = list(reads.rows)[:2]
    (first,) = texts(versions, reads, [id])
    again, new = texts(versions, reads, [id, other])
    assert again is first
    assert reads.read == [id, other]
    held = Holds(opened=NOON)
    changed = asyncio.run(versions.newest([outline(id, held)], cast("ItemReads", reads)))[id]
    assert (changed.holds, changed.body is first.body) == (held, True)
    assert new.id == other


def test_a_newer_version_is_read() -> None:
    reads, versions = FewReads(), VersionCache()
    id = next(iter(reads.rows))
    texts(versions, reads, [id])
    reads.rows[id] = (2, json.dumps(to_json(an_item(headline="更正后的标题")), ensure_ascii=False))
    newer = asyncio.run(versions.newest([replace(outline(id), version=2)], cast("ItemReads", reads)))
    assert (newer[id].version, newer[id].headline) == (2, "更正后的标题")


def test_versions_cost_what_they_are_counted_as_and_stay_in_their_budget() -> None:
    reads = FewReads()

    def make() -> VersionCache:
        versions = VersionCache()
        texts(versions, reads, reads.rows)
        return versions

    make()
    versions, cost = measured(make)
    assert 0.7 < versions.size / cost < 1.4, (versions.size, cost)
    small = VersionCache(megabytes=1)
    for id in reads.rows:
        texts(small, reads, [id])
        assert small.size <= 2**20


def always(rendered: Rendered, _: Edition) -> Rendered:
    return rendered


def a_body(length: int) -> bytes:
    words = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(length // 200)]
    return (" ".join(words) * 4).encode()[:length]


def test_responses_cost_what_they_are_counted_as() -> None:
    def make() -> list[Any]:
        return [
            prepare_response(Rendered("application/rss+xml", a_body(20_000 + n)), "c", NOON, TERMS)
            for n in range(50)
        ]

    make()
    responses, cost = measured(make)
    assert 0.8 < sum(one.size for one in responses) / cost < 1.2


def test_a_response_is_kept_in_the_codings_that_were_asked_for_and_all_are_the_same_text() -> None:
    async def story() -> None:
        responses, whole, rendered = ResponseCache(TERMS), a_body(30_000), 0

        def render(edition: Edition) -> Rendered:
            nonlocal rendered
            rendered += 1
            return Rendered("application/rss+xml", whole)

        edition = an_edition(partner(1), [an_item()])
        first = await responses.prepare(edition, "rss", render, "gzip")
        assert set(first.encodings) == {"gzip"}
        assert first.size < len(whole)
        both = await asyncio.gather(
            responses.prepare(edition, "rss", render, "br"),
            responses.prepare(edition, "rss", render, "identity"),
        )
        kept = responses.cached(edition, "rss")
        assert kept is not None
        assert (rendered, set(kept.encodings)) == (1, {"gzip", "br", "identity"})
        assert {len(one.encodings) for one in both} <= {2, 3}
        bodies = {coding: one.body for coding, one in kept.encodings.items()}
        assert bodies["identity"] == whole
        assert gzip.decompress(bodies["gzip"]) == whole == brotli.decompress(bodies["br"])
        eager = prepare_response(
            Rendered("application/rss+xml", whole), edition.content, NOON, TERMS, public=False
        )
        assert eager.encodings == kept.encodings, "in whatever order, from whatever coding"
        responses.close()

    asyncio.run(story())


def test_a_short_body_is_not_compressed() -> None:
    short = prepare_response(Rendered("text/plain", b"short"), "c", None, TERMS, codings=("gzip",))
    assert set(short.encodings) == {"identity"}
    encoded = short.encoded("br")
    assert encoded is not None
    assert (encoded.body, short.with_coding("br") is short) == (b"short", True)


def test_a_budget_of_responses_holds() -> None:
    async def story() -> None:
        responses = ResponseCache(TERMS, megabytes=1)
        editions = [an_edition(partner(number), [an_item()]) for number in range(60)]
        for number, edition in enumerate(editions):
            for coding in ("gzip", "br", "identity"):
                rendered = Rendered("application/rss+xml", a_body(30_000 + number))
                await responses.prepare(edition, "rss", partial(always, rendered), coding)
                assert responses.size <= 2**20
        found = [one for one in editions if responses.cached(one, "rss") is not None]
        assert editions[-1] in found
        assert 5 < len(found) < 60
        responses.close()

    asyncio.run(story())


class Head:
    """A remembered head."""

    ready = True

    def forget_ready(self) -> None:
        self.ready = False


def test_a_ready_answer_is_let_go_when_its_second_is_over() -> None:
    ready, heads = ReadyAnswers(), [Head() for _ in range(5)]
    for number, head in enumerate(heads):
        ready.keep(head, ends=1.0 + number / 10, now=0.5)
    assert all(head.ready for head in heads)
    ready.keep(heads[0], ends=2.0, now=1.15)  # made again
    assert [head.ready for head in heads] == [True, False, True, True, True]
    ready.keep(Head(), ends=3.0, now=1.95)
    assert [head.ready for head in heads] == [True, False, False, False, False]
    ready.keep(Head(), ends=4.0, now=2.0)
    assert not heads[0].ready
