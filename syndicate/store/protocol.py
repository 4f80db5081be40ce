"""The Store protocol: what the rest of the house may ask of the database, documented like an API.

All moments are aware datetimes; they come back in UTC, except `Item.published`, which keeps its offset.
Every method may raise a StoreFault: StoreBusy when the database was locked for longer than five seconds,
StoreReadOnly when it cannot be written, StoreDamaged when it cannot be read, StoreNewer or StoreOlder when
another release has migrated it meanwhile.

One change sequence: each act that changes what a reader may see gets the next number, in the order of
commits. Reads (and the trail lines they leave) do not count as changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from syndicate.model.feeds import Feed
from syndicate.model.item import ChannelId, Item, ItemId, Medium, OutletId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Key, Register
from syndicate.model.rights import Licence, Mandate
from syndicate.model.trail import Entry, Line


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items a listing is about. None does not narrow; an empty set selects nothing.

    `outlets`, `media`, `channels` and `published_from` narrow to what an agreement could release at all
    (a hint for speed: the policy still decides on each item); `published_until` leaves out what lies in
    the future.
    """

    feed: Feed | None = None
    outlets: frozenset[OutletId] | None = None
    media: frozenset[Medium] | None = None
    channels: frozenset[ChannelId] | None = None
    published_until: datetime | None = None
    published_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the newest-first order of items: (published, id). A listing continues after it."""

    published: datetime
    id: ItemId


@dataclass(frozen=True, slots=True)
class Pending:
    """A trail line about an answer that has not left yet.

    `judged` is the change number that the answer was judged at, or None where the answer depends on no
    rights (a rejected key). `manifest` is the list that an `EditionDelivered` names, kept once.
    """

    entry: Entry
    judged: int | None = None
    manifest: tuple[str, bytes] | None = None
    """(digest, canonical JSON)"""


class Writing(Protocol):
    """One transaction: everything in it is written together, or nothing.

    Reads inside it see what it wrote. Every act goes with its line: a transaction that announced a change
    and wrote no trail line is refused with RuntimeError at its end, and leaves nothing.
    """

    async def find_item(self, keys: Sequence[str]) -> tuple[Item, str] | None:
        """The newest version of the first item that goes by any of these keys, strongest key first,
        and the key that found it."""

    async def item(self, id: ItemId) -> Item | None:
        """The newest version of this item."""

    async def keys_of(self, id: ItemId) -> frozenset[str]:
        """Every key that this item goes by."""

    async def put_item(self, item: Item, keys: Iterable[str]) -> None:
        """Keep this version, and remember that the item goes by these keys too. Versions are never
        overwritten: raises Conflict if the version exists."""

    async def put_partner(self, partner: Partner) -> None:
        """Add the partner or replace its present state."""

    async def put_mandate(self, mandate: Mandate, document: str, at: datetime) -> None:
        """Keep the mandate as its newest revision, known from `at`; earlier revisions stay.
        `document` is the file's text."""

    async def put_licence(self, licence: Licence, document: str, at: datetime) -> None:
        """Like `put_mandate`."""

    async def put_key(self, key: Key) -> None:
        """Add the key, or replace its state (`revoked`)."""

    async def register(self) -> Register:
        """All rights as this transaction sees them."""

    async def append(self, entry: Entry) -> int:
        """Write one line of the trail; its number."""

    async def changed(self, change: Change) -> int:
        """Take the next number of the change sequence. Once per act."""


class Store(Protocol):
    """The database. `open` before anything else, `close` at the end."""

    async def create(self) -> bool:
        """Make the database, or bring it to this release; True if anything was done. Idempotent. A
        failed migration leaves the old database whole. Raises StoreNewer."""

    async def open(self) -> None:
        """Check that the database is there, whole, and of this release. Raises StoreMissing,
        StoreOlder, StoreNewer, StoreDamaged."""

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""

    def notice(self) -> int:
        """A number that differs from the last one if anything may have changed since, on this machine
        or (PostgreSQL) on any: cheap, does not block, for every request. Equal numbers promise nothing
        across machines; `sequence` and `record` do."""

    async def sequence(self) -> Reached:
        """How far the change sequence has come."""

    async def register(self) -> Register:
        """All rights as they stand now."""

    async def item(self, id: ItemId, version: int | None = None) -> Item | None:
        """One item: its newest version, or the one asked for."""

    async def outline(self, id: ItemId) -> Item | None:
        """The newest version of an item without its text: outlet, channel, medium and times are true, the
        rest is empty, so that it can be judged and never stamped. Costs the same for a long item as for
        a short one, and nearly the same as for none: what is refused is not read."""

    async def versions(self, id: ItemId) -> list[Item]:
        """All versions of an item, oldest first; empty if there is none."""

    async def items(
        self, selection: Selection, *, after: Place | None = None, limit: int = 50
    ) -> list[Item]:
        """Newest versions, newest published first (then by id, descending), continuing after `after`."""

    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        """Keys with their last use, newest issued first."""

    async def document(self, number: str) -> str | None:
        """The text of the newest file that was added under this mandate's or licence's number."""

    async def lines(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        partner: PartnerId | None = None,
        item: ItemId | None = None,
    ) -> list[Line]:
        """Lines of the trail in order, after line `after`."""

    async def manifest(self, digest: str) -> bytes | None:
        """The kept list that an `EditionDelivered` names."""

    async def edition_moment(
        self, feed: str, recipient: str, digest: str, *, judged: int, at: datetime
    ) -> datetime:
        """Since when this feed has had this content for this recipient, to the second.

        If the content that the store knows is another, it becomes this one from `at` (or one second
        after the last change, whichever is later, so that the moment always grows); a digest judged at
        an older change number than the known one is not taken over, and `at` is answered. All workers
        agree, also after a restart. On a store that cannot be written: `at`, and nothing is kept.
        """

    async def record(self, pending: Sequence[Pending]) -> list[bool]:
        """Write lines about answers, durably, in one transaction.

        The gate of the read path: a line whose `judged` is older than the last change of rights is *not*
        written and answers False: the answer must be judged again. (So does one from beyond the newest
        change: the database was restored meanwhile.) True: written and durable; the answer may leave.
        """

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """One transaction for an act of staff; commits at the end of the block, rolls back on any
        exception. Writers of all processes take turns."""
