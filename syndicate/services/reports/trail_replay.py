"""Compute deliveries a second time from the trail lines and stored manifests alone.

A delivery is the first line that gave a partner an item version under a clause. Whatever cannot be read,
or differs from the table `deliveries`, is reported with its line; reading goes on after a fault.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Final

from cachetools import LRUCache

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.changes import Delivery
from syndicate.model.events import EditionDelivered, Event, ItemDelivered, ItemIngested
from syndicate.model.lifecycle_events import ChangesDelivered, ItemCorrected, ItemRecalled, ItemReinstated
from syndicate.model.media_events import MediaDelivered
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.records import Written, event_from
from syndicate.model.rights import Clause
from syndicate.model.statement import RecallChange
from syndicate.store.protocol import Store

Given = tuple[PartnerId, str, ItemId, int]
"""(partner, clause, item, version): the key of a delivery; each is stored once."""
ItemVersion = tuple[ItemId, int]

_ROWS: Final = 1_000
_LISTS: Final = 10_000
"""How many lists that were read are remembered, so that a feed which stood still is read once."""
_GIVING: Final = frozenset({"GET", "EXPORT"})
_TURNS: Final = frozenset({ItemRecalled.kind, ItemReinstated.kind})
_RELEVANT: Final = _TURNS | {
    ItemDelivered.kind,
    MediaDelivered.kind,
    EditionDelivered.kind,
    ChangesDelivered.kind,
    ItemIngested.kind,
    ItemCorrected.kind,
}


async def turns_between(
    store: Store, after: int, last: int
) -> tuple[dict[ItemId, list[RecallChange]], list[int]]:
    """Return the recalls and reinstatements in the lines after `after` up to `last`, by item, in order.

    The second value lists the lines that should record one and cannot be read.
    """
    turns: dict[ItemId, list[RecallChange]] = {}
    unreadable: list[int] = []
    async for row in _lines(store, after, last):
        if row.kind in _TURNS:
            turn = _turn(row, _event(row))
            if turn is None:
                unreadable.append(row.seq)
            else:
                turns.setdefault(turn.item, []).append(turn)
    return turns, unreadable


async def _lines(store: Store, after: int, last: int) -> AsyncIterator[Written]:
    while after < last and (rows := await store.written(after, min(_ROWS, last - after))):
        for row in rows:
            if row.seq <= last:
                yield row
        after = rows[-1].seq


class TrailReplay:
    """The deliveries that the trail records up to line `last`, and how the table differs from them.

    `contents` are the digests of item versions that a report rests on: the trail says what they should be.
    """

    def __init__(self, store: Store, last: int, contents: Mapping[ItemVersion, str]) -> None:
        self._store, self._last, self._contents = store, last, contents
        self._read: LRUCache[tuple[str, str], bool] = LRUCache(_LISTS)
        self.deliveries: dict[Given, Delivery] = {}
        self.turns: dict[ItemId, list[RecallChange]] = {}
        self.faults: list[Fault] = []

    async def read(self) -> None:
        """Read the trail from its first line to `last`."""
        at = 0
        async for row in _lines(self._store, 0, self._last):
            if row.seq != at + 1:
                self._find("line_missing", "trail", _MISSING, at + 1)
            at = row.seq
            if row.kind in _RELEVANT:
                await self._take(row)
        if at < self._last:
            self._find("line_missing", "trail", _MISSING, at + 1)

    async def compare(self, entry: Delivery) -> None:
        """Compare one stored delivery with the trail; call it once for each."""
        given = (entry.partner, entry.clause, entry.item, entry.version)
        replayed = self.deliveries.pop(given, None)
        if replayed is None:
            if not await self._came_since(entry):
                self._find("not_in_trail", _name(entry), _NOT_IN_TRAIL, entry.line)
            return
        for field, stored, trail in _differing(entry, replayed):
            text = Text(
                f"台账为 {stored}，审计记录为 {trail}", f"the database says {stored}, the trail {trail}"
            )
            self._find("ledger_differs", f"{_name(entry)} {field}", text, replayed.line)

    def close(self) -> None:
        """Report every delivery of the trail that the database lacks."""
        for missing in self.deliveries.values():
            self._find("not_in_ledger", _name(missing), _NOT_IN_LEDGER, missing.line)
        self.deliveries.clear()

    async def _came_since(self, entry: Delivery) -> bool:
        """Whether the entry was written, with its line, while the trail was being read."""
        if entry.line <= self._last:
            return False
        line = await self._store.written(entry.line - 1, 1)
        return [(one.seq, one.at) for one in line] == [(entry.line, entry.at)]

    async def _take(self, row: Written) -> None:
        event = _event(row)
        try:
            match event:
                case ItemRecalled() | ItemReinstated():
                    turn = _turn(row, event)
                    if turn is not None:
                        self.turns.setdefault(turn.item, []).append(turn)
                case ItemDelivered(partner=partner, status=200, method=method) if method in _GIVING:
                    one = [event.item, event.version, event.use, event.clause, event.mandate or ""]
                    self._give(row, partner, one)
                case MediaDelivered(partner=partner, status=200 | 206, method="GET"):
                    one = [event.item, event.version, event.use, event.clause, event.mandate]
                    self._give(row, partner, one)
                case EditionDelivered(partner=partner, status=200, method=method) if method in _GIVING:
                    await self._take_list(row, partner, event.edition)
                case ChangesDelivered(partner=partner) if event.edition:
                    await self._take_list(row, partner, event.edition)
                case ItemIngested() | ItemCorrected():
                    known = self._contents.get((ItemId(event.item), event.version))
                    if known is not None and known != event.digest:
                        self._find("item_differs", f"{event.item} v{event.version}", _ITEM, row.seq)
                case None:
                    self._find("line_unreadable", "trail", _UNREADABLE, row.seq)
                case _:
                    return
        except (LookupError, TypeError, ValueError, RecursionError):
            self._find("line_unreadable", "trail", _UNREADABLE, row.seq)

    async def _take_list(self, row: Written, partner: str, digest: str) -> None:
        if (partner, digest) in self._read:
            return
        self._read[partner, digest] = True
        content = await self._store.manifest(digest)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            self._find("list_missing", digest, _NO_LIST, row.seq)
            return
        values = json.loads(content)
        if values["recipient"] != f"partner:{partner}":
            self._find("list_foreign", digest, _FOREIGN, row.seq)
            return
        for one in values["items"]:
            self._give(row, partner, one)

    def _give(self, row: Written, partner: str, one: list[object]) -> None:
        """An item as lists name it: item, version, use, clause and, since there are mandates, mandate."""
        item, version, use, clause, *mandates = one
        (mandate,) = mandates or ("",)
        if not isinstance(version, int):
            raise TypeError(version)
        name = PartnerId(partner), Clause(str(clause)), ItemId(str(item)), version
        if name not in self.deliveries:
            self.deliveries[name] = Delivery(
                name[0], name[1], name[2], version, str(use), str(mandate), row.at, row.seq
            )

    def _find(self, code: str, field: str, text: Text, line: int) -> None:
        self.faults.append(Fault(code, field, text, line))


def _event(row: Written) -> Event | None:
    """What the line says; None if it cannot be understood."""
    try:
        return event_from(row.kind, json.loads(row.body))
    except (LookupError, TypeError, ValueError, RecursionError):
        return None


def _turn(row: Written, event: Event | None) -> RecallChange | None:
    if not isinstance(event, ItemRecalled | ItemReinstated):
        return None
    return RecallChange(ItemId(event.item), row.seq, row.at, isinstance(event, ItemRecalled))


def _differing(entry: Delivery, replayed: Delivery) -> Iterator[tuple[str, str, str]]:
    for field in ("use", "mandate", "at", "line"):
        stored, trail = getattr(entry, field), getattr(replayed, field)
        if stored != trail:
            yield field, _as_text(stored), _as_text(trail)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value) or "–"


def _name(entry: Delivery) -> str:
    return f"{entry.partner} {entry.clause} {entry.item} v{entry.version}"


_MISSING: Final = Text("审计记录缺少这一条", "the trail lacks this line")
_UNREADABLE: Final = Text("这一条审计记录无法读懂", "this line of the trail cannot be understood")
_NOT_IN_TRAIL: Final = Text(
    "台账有这一笔，审计记录没有", "the database has this delivery, and the trail does not"
)
_NOT_IN_LEDGER: Final = Text(
    "审计记录有这一笔，台账没有", "the trail has this delivery, and the database does not"
)
_NO_LIST: Final = Text(
    "这一条所指的清单缺失或被改动", "the kept list that this line names is missing or was changed"
)
_FOREIGN: Final = Text("这一条所指的清单属于他人", "the kept list that this line names is somebody else's")
_ITEM: Final = Text(
    "稿件的这一版与收稿记录不符", "this version of the item is not the one that was taken in"
)
