"""Types that the Store protocol takes and returns: selections, places, acts, pending trail records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from syndicate.model.changes import ChangeEntry, Charge, Holding, Progress
from syndicate.model.feeds import Cell, RecalledCell
from syndicate.model.item import ChannelId, Item, ItemId, Medium, OutletId
from syndicate.model.names import PartnerId
from syndicate.model.notes import Note
from syndicate.model.records import Entry, RepeatedEntry


class Change(StrEnum):
    """What kind of thing a change in the sequence was about."""

    ITEM = "item"
    """Something came: a new item or version. What was judged before it may still leave."""
    RIGHTS = "rights"
    """Something may have been taken away: partners, mandates, licences, keys, signing keys; and whatever
    closes an item. Nothing that was judged before it leaves after it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the change sequence has come: `change` counts all, `rights` is the last rights change."""

    change: int
    rights: int


class HoldState(StrEnum):
    """What a listing needs to know of what holds an item back, so that it need not read the item."""

    OPEN = "open"
    """Nothing that agreements do not decide, except the time of its publication."""
    PART = "part"
    """As OPEN, of an item that came with a story: found in the feeds of its medium alone."""
    TIMED = "timed"
    """An embargo or an exclusive, which ends by itself. The next act about any item opens it."""
    RECALLED = "recalled"
    """Recalled after it was out: it leaves a tombstone."""
    CLOSED = "closed"
    """Withheld, of no outlet of ours, or recalled before it was out: only an act can change that."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items a listing is about. None does not narrow; an empty set selects nothing.

    `outlets`, `media`, `channels` and `published_from` narrow to what an agreement could release at all
    (a hint for speed: the policy still decides on each item), and leave out what only an act can open.
    `noted` narrows to items whose newest version has notes of ingest.
    """

    outlets: frozenset[OutletId] | None = None
    media: frozenset[Medium] | None = None
    channels: frozenset[ChannelId] | None = None
    published_from: datetime | None = None
    noted: bool = False


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """Which items a feed has to be judged for, at `now`.

    Open items of `cells`; items whose hold has ended; recalled items of `recalled`; and all that a hold
    does not hold back from `partner`: its exclusives, and items whose embargo it acknowledged. The last
    three may lie outside the feed.
    """

    cells: tuple[Cell, ...]
    recalled: tuple[RecalledCell, ...]
    partner: PartnerId | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the newest-first order of items: (published, id). A listing continues after it."""

    published: datetime
    id: ItemId


@dataclass(frozen=True, slots=True)
class RecallQuery:
    """Items of `recalled` that stand below `below` in a feed and were recalled after `since`.

    Only those that were out before their recall.
    """

    recalled: tuple[RecalledCell, ...]
    since: datetime
    below: Place


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """What may enter a feed by itself after `now`.

    An open item of a cell enters when the cell's delay has passed since it was out; an item of one of these
    outlets and media may enter when its hold ends. `newer_than` leaves out what is too old to enter.
    """

    delayed: tuple[tuple[timedelta, Cell], ...]
    newer_than: Place | None
    now: datetime


@dataclass(frozen=True, slots=True)
class KeyedItems:
    """Items found by their keys or ids, with all that ingest decides by.

    Attributes:
        owners: whose each key is; a key that is nobody's is missing.
        items: the newest version of each item, with its holds.
        keys: every key that an item goes by.
        notes: the notes of an item's newest version; an item without any is missing.
    """

    owners: Mapping[str, ItemId]
    items: Mapping[ItemId, Item]
    keys: Mapping[ItemId, frozenset[str]]
    notes: Mapping[ItemId, tuple[Note, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAct:
    """One act of ingest, for many to be written at once: what it keeps of an item, and its records.

    Attributes:
        item: the item after the act, with its holds; None where the act is a record alone.
        added: whether the item is new; its first act keeps version 1.
        version: whether `item` is kept as a new version, the next one.
        keys: new keys of the item, each nobody's so far.
        notes: the notes of the version, in place of those it has; None leaves them.
        holds: whether the item's holds are kept as its newest state.
        entries: the records of the act, in order.
        change: what the act announces; None for an act that no reader sees.
    """

    item: Item | None = None
    added: bool = False
    version: bool = False
    keys: tuple[str, ...] = ()
    notes: tuple[Note, ...] | None = None
    holds: bool = False
    entries: tuple[Entry, ...] = ()
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """What may have changed for a reader between two looks.

    Items that a change after `after` was about, that were published or became available within one of the
    spans (from the first time, excluded, to the last), or whose exclusive ended within `exclusive`.
    """

    after: int
    published: tuple[tuple[datetime, datetime], ...]
    available: tuple[tuple[datetime, datetime], ...]
    exclusive: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class SequenceUpdate:
    """New entries of a partner's change sequence, with what the partner holds once it has them.

    `read` is the revision of the partner's progress that they were worked out from; `gone` are items
    that it holds no more. `empty_cursor` is the `next` of an answer without entries: a number that no entry
    has, kept so that the partner may ask with it.
    """

    read: int
    progress: Progress
    entries: tuple[ChangeEntry, ...] = ()
    held: tuple[Holding, ...] = ()
    gone: tuple[ItemId, ...] = ()
    empty_cursor: int | None = None


class Outcome(StrEnum):
    """What became of a line about an answer."""

    WRITTEN = "written"
    """Written and durable: the answer may leave."""
    STALE = "stale"
    """Something changed since it was judged, and nothing was written: judge it again."""
    OVER = "over"
    """It would give more than a quota allows, and nothing was written."""


class Pending(NamedTuple):
    """A trail line about an answer that has not left yet.

    `judged` is the change number that the answer was judged at, or None where the answer depends on no
    rights (a rejected key). `manifest` is the list that an `EditionDelivered` names, kept once.
    """

    entry: Entry | RepeatedEntry
    judged: int | None = None
    manifest: tuple[str, bytes] | None = None
    """(digest, canonical JSON)"""
    charges: tuple[Charge, ...] = ()
    """The item versions that the answer gives: kept as given, and counted against their quotas."""
    links: tuple[Charge, ...] = ()
    """Media items that the answer tells of in their stories: kept as held, so that a recall reaches the
    partner, and counted nowhere."""
    confirms: tuple[Charge, ...] = ()
    """Item versions that the answer says the partner still has (a 304): what it was given before is kept
    as held again, and nothing is counted."""
    sequence: SequenceUpdate | None = None
    """What the answer adds to the partner's change sequence."""
