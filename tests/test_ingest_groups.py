"""Documents written in groups: the same items, versions, holds, records and numbers as one by one."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from syndicate.ingest.draft import Parsed
from syndicate.model.holds import RecallReason
from syndicate.model.item import ChannelId
from syndicate.services.newsroom.document_decision import Action, Taken
from syndicate.services.newsroom.document_holds import Keep
from syndicate.services.newsroom.document_parsing import parse_document
from syndicate.store.protocol import Selection
from tests.support.databases import sqlite_at
from tests.support.factories import NOON, STAFF, days
from tests.support.newsroom_documents import documents
from tests.test_services import BODY, Here, on

ALL = Selection()
Document = tuple[str, bytes]


def story(number: int, *, until: str = "", body: str = BODY) -> Document:
    """One of a few stories of the newspaper, with a line for an embargo where one is given."""
    held = f"禁发至{until}\n\n" if until else ""
    head = f"湖边的新鲜事之{number}\n\n2026年11月1日 8:{number:02}来源:萧山日报\n\n"
    return f"{number}.txt", f"{head}{held}{number}:{body}\n\n编辑:桂信怡\n".encode()


def mixed() -> list[Document]:
    """New stories, copies, corrections of texts and of embargoes, refused ones; in any order."""
    chance = random.Random(4)
    found = list(documents(20, seed=5))
    found += [chance.choice(found) for _ in range(8)]
    for number in range(4):
        found += [story(number, until="2026年12月1日8时"), story(number, until="2027年1月1日8时")]
        found += [story(number, body=BODY + "又有补充。"), story(number, until="解密为止")]
    found += [("no.txt", b"no page at all"), ("binary.txt", b"\x00\x01"), story(7), story(7)]
    chance.shuffle(found)
    return found


async def ingested(
    here: Here, given: Sequence[Document], size: int, keep: Keep | None = None
) -> list[Taken]:
    """Ingest these in groups of this size."""
    items, found = here.house.items, list[Taken]()
    for start in range(0, len(given), size):
        group = [
            parse_document(data, name, items.rules, here.clock())
            for name, data in given[start : start + size]
        ]
        found += await items.take_in_group(STAFF, group, keep)
    return found


async def everything(here: Here) -> list[Any]:
    """What the database holds about items, and its trail."""
    store, found = here.store, list[Any]()
    for item in await store.items(ALL, limit=1000):
        found.append(await store.versions(item.id))
        found += [sorted(await store.keys_of(item.id)), await store.notes(item.id, item.version)]
        found += [await store.item_at(item.id, line) for line in range(1, 90, 22)]
    lines = await store.lines(limit=1000)
    found += [(line.seq, line.entry) for line in lines if line.entry.event.kind != "signing_key_made"]
    return [*found, await store.sequence()]


def test_a_group_leaves_what_one_by_one_leaves(
    store_address: str, sqlite_pattern: Path, tmp_path: Path
) -> None:
    given = mixed()

    async def work(here: Here, many: int, left: list[Any]) -> None:
        taken = await ingested(here, given[:30], many)
        known = next(
            one.item for one in taken if one.item is not None and one.item.headline.endswith("之3")
        )
        data = story(3, body=BODY + "已经更正。")[1]
        await here.house.items.correct(STAFF, known.id, data, "correction.txt", "更正一处数字")
        await here.house.holds.recall(STAFF, known.id, RecallReason.EDITORIAL, "数字有误", days(1))
        here.clock.now += days(1)
        taken += await ingested(here, given[30:], many)
        taken += await ingested(here, given[:10], many, Keep(NOON + days(40)))
        taken += await ingested(here, given[8:16], many, Keep(withheld=True))
        left += [taken, await everything(here)]

    beside = tmp_path / "beside.db"
    shutil.copyfile(sqlite_pattern, beside)
    alone: list[Any] = []
    grouped: list[Any] = []
    on(sqlite_at(beside), tmp_path / "alone", lambda here: work(here, 1, alone))
    on(store_address, tmp_path / "grouped", lambda here: work(here, 9, grouped))
    assert grouped[0] == alone[0]
    assert grouped[1] == alone[1]
    assert {one.action for one in alone[0]} == set(Action)


def test_a_document_that_the_database_refuses_takes_no_other_with_it(
    store_address: str, tmp_path: Path
) -> None:
    async def work(here: Here) -> None:
        rules, now = here.house.items.rules, here.clock()
        good = [parse_document(data, name, rules, now) for name, data in (story(1), story(2), story(3))]
        content = good[1].content
        assert isinstance(content, Parsed)
        # No parser gives half a surrogate: it stands for whatever a database might not take.
        bad = replace(
            good[1], content=replace(content, item=replace(content.item, channel=ChannelId("\ud800")))
        )
        taken = await here.house.items.take_in_group(STAFF, [good[0], bad, good[2]])
        assert [one.action for one in taken] == [Action.CREATED, Action.REFUSED, Action.CREATED]
        assert [fault.code for fault in taken[1].faults] == ["not_storable"]
        kinds = [line.entry.event.kind for line in await here.store.lines(limit=10)]
        assert kinds[1:] == ["item_ingested", "document_refused", "item_ingested"]
        assert len(await here.store.items(ALL)) == 2

    on(store_address, tmp_path, work)
