"""The Store protocol: every read and write of the database, documented as an API.

All moments are aware datetimes; they come back in UTC, except `Item.published`, which keeps its offset.
Every method may raise a StoreFault: StoreBusy when the database was locked for longer than five seconds,
StoreReadOnly when it cannot be written, StoreDamaged when it cannot be read, StoreNewer or StoreOlder when
another release has migrated it meanwhile.

One change sequence: each act that changes what a reader may see gets the next number, in the order of
commits. Reads (and the trail lines they leave) do not count as changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from syndicate.model.changes import Delivery, Holding
from syndicate.model.holds import Holds
from syndicate.model.item import FileState, Item, ItemId
from syndicate.model.notes import Note
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.records import Checkpoint, Entry, Line, Written
from syndicate.model.register import Key, Register
from syndicate.model.rights import Licence, Mandate
from syndicate.model.wrapped_keys import KeyPurpose, WrappedKey
from syndicate.store.change_protocol import ChangeReads, ChangeWrites
from syndicate.store.feed_protocol import FeedReads
from syndicate.store.media_protocol import MediaReads
from syndicate.store.requests import (
    CandidateQuery,
    Change,
    EntryQuery,
    FeedQuery,
    ItemAct,
    KeyedItems,
    Outcome,
    Pending,
    Place,
    Reached,
    RecallQuery,
    Selection,
    SequenceUpdate,
)

T = TypeVar("T")

__all__ = [
    "CandidateQuery",
    "Change",
    "EntryQuery",
    "FeedQuery",
    "ItemAct",
    "KeyedItems",
    "Outcome",
    "Pending",
    "Place",
    "Reached",
    "Reads",
    "RecallQuery",
    "Selection",
    "SequenceUpdate",
    "Store",
    "Writing",
]


class ItemReads(Protocol):
    """Items and their versions."""

    async def item(self, id: ItemId, version: int | None = None) -> Item | None:
        """One item: its newest version, or the one asked for."""

    async def outline(self, id: ItemId) -> Item | None:
        """Give the newest version of an item without its text.

        Outlet, channel, medium and times are true, the rest is empty, so that it can be judged and never
        stamped. Costs the same for a long item as for a short one, and nearly the same as for none: what is
        refused is not read.
        """

    async def outlines(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        """`outline` of several items; those there are not are missing."""

    async def newest(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        """The newest version of several items, with its text; those there are not are missing."""

    async def versions(self, id: ItemId) -> list[Item]:
        """All versions of an item, oldest first; empty if there is none."""

    async def find_item(self, keys: Sequence[str]) -> tuple[Item, str] | None:
        """Find the newest version of the first item that goes by any of these keys, and that key.

        The strongest key comes first.
        """

    async def keyed(self, keys: Collection[str], ids: Collection[ItemId]) -> KeyedItems:
        """Find all items that go by any of these keys or have one of these ids."""

    async def ingested(self, files: Collection[FileState]) -> dict[FileState, ItemId]:
        """The items that files became which were last taken in in these states; the others are missing."""

    async def keys_of(self, id: ItemId) -> frozenset[str]:
        """Every key that this item goes by."""

    async def notes(self, id: ItemId, version: int) -> tuple[Note, ...]:
        """What ingest noted on the document that this version was made of; empty for none."""

    async def newest_notes(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[Note, ...]]:
        """The notes of the newest versions of several items; items without notes are missing."""

    async def items(
        self, selection: Selection, *, after: Place | None = None, limit: int = 50
    ) -> list[Item]:
        """Newest versions, newest published first (then by id, descending), continuing after `after`."""

    async def listed(
        self, selection: Selection, *, after: Place | None = None, limit: int = 500
    ) -> list[Item]:
        """Outlines of items, oldest published first (then by id), continuing after `after`."""


class ItemWrites(Protocol):
    """What changes an item."""

    async def put_item(self, item: Item, keys: Iterable[str]) -> None:
        """Keep this version, and remember that the item goes by these keys too.

        Versions are never overwritten: raises Conflict if the version exists.
        """

    async def put_holds(self, id: ItemId, holds: Holds) -> None:
        """From now on this holds the item back; what held it before stays on record."""

    async def put_acts(self, acts: Sequence[ItemAct]) -> None:
        """Keep these acts in their order, each with its records and its number of the change sequence.

        The same as `put_item`, `put_holds`, `put_notes`, `append` and `changed` for one act after the
        other, with few statements for all of them.
        """

    async def put_ingested(self, files: Mapping[FileState, ItemId]) -> None:
        """Remember the state in which each of these files was last taken in. No reader sees it."""

    async def put_notes(self, id: ItemId, version: int, found: Sequence[Note]) -> None:
        """Keep these notes with the version, in place of those it has. They change nothing for readers."""


class RightsReads(Protocol):
    """Partners, mandates, licences and keys as they stand now."""

    async def register(self) -> Register:
        """All rights as they stand now."""

    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        """Keys with their last use, newest issued first."""

    async def signing_keys(self) -> frozenset[str]:
        """The ids of the signing keys that this database knows; empty before it learned of any."""

    async def wrapped_keys(self, purpose: KeyPurpose) -> list[WrappedKey]:
        """The signing keys that the database keeps for this purpose, newest first; empty for none."""

    async def document(self, number: str) -> str | None:
        """The text of the newest file that was added under this mandate's or licence's number."""


class RightsWrites(Protocol):
    """What changes a partner, a mandate, a licence or a key."""

    async def put_partner(self, partner: Partner) -> None:
        """Add the partner or replace its present state; earlier states stay on record."""

    async def put_mandate(self, mandate: Mandate, document: str, at: datetime) -> None:
        """Keep the mandate as its newest revision, known from `at`; earlier revisions stay.

        `document` is the file's text.
        """

    async def put_licence(self, licence: Licence, document: str, at: datetime) -> None:
        """Like `put_mandate`."""

    async def put_key(self, key: Key) -> None:
        """Add the key, or replace its state (`revoked`)."""

    async def put_signing_keys(self, kids: Collection[str]) -> None:
        """Know these signing keys from now on, and no others."""

    async def put_wrapped_keys(self, purpose: KeyPurpose, kept: Collection[WrappedKey]) -> None:
        """Keep exactly these signing keys for this purpose; an empty collection: none any more."""


class TrailReads(Protocol):
    """The audit trail: its records, its Merkle leaves, its checkpoints."""

    async def latest(self) -> datetime:
        """The moment of the trail's newest line; 1970 where there is none."""

    async def lines(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        partner: PartnerId | None = None,
        item: ItemId | None = None,
        kinds: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = False,
    ) -> list[Line]:
        """At most `limit` records of the trail in order of their numbers, the newest first on request.

        Every filter that is not None must hold: number greater than `after` and less than `before`, time in
        [`since`, `until`), one of these `kinds`, about this `partner`, about this `item` (the subject of a
        refusal too; an edition that contains it is not found by it).
        """

    async def written(self, after: int, limit: int) -> list[Written]:
        """Records as they stand in the database, in order of `seq`, after record `after`.

        Never fails on one that cannot be understood.
        """

    async def leaves(self, after: int, limit: int) -> list[bytes]:
        """The Merkle leaves of the lines after line `after`, in order."""

    async def manifest(self, digest: str) -> bytes | None:
        """The kept list that an `EditionDelivered` names."""

    async def checkpoints(self) -> list[Checkpoint]:
        """Every signed checkpoint, smallest first."""


class TrailWrites(Protocol):
    """What is appended to the audit trail."""

    async def append(self, entry: Entry) -> int:
        """Write one line of the trail; its number."""

    async def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a signed checkpoint. It is no act: it needs no line and announces nothing."""


class DeliveryReads(Protocol):
    """Which item versions partners were given, and what that used of their quotas."""

    async def given(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[str, ItemId, int]]:
        """Which versions of these items the partner was given: (clause, item, version)."""

    async def given_to(self, item: ItemId) -> list[Holding]:
        """Who was ever given this item, by partner, with the newest version and its clause.

        Includes partners that have been told since to remove it.
        """

    async def used(self, partner: PartnerId, periods: Collection[str]) -> Mapping[tuple[str, str], int]:
        """How much of its quotas the partner used, by (clause, period)."""

    async def deliveries(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        item: ItemId | None = None,
        after: tuple[int, int] = (0, 0),
        limit: int = 1000,
    ) -> list[tuple[tuple[int, int], Delivery]]:
        """What partners were given first within [since, until), in the order of records.

        Continues after a place; each delivery comes with its own place.
        """


class HistoryReads(Protocol):
    """Rights and items as they were known after a record of the trail."""

    async def line_at(self, moment: datetime) -> int:
        """The newest line at this moment: what was known then. 0 before the first."""

    async def register_at(self, line: int) -> Register:
        """All rights as they were known after this line; of keys, none."""

    async def item_at(self, id: ItemId, line: int) -> Item | None:
        """The newest version of an item known after this line, with what held it back then."""


class Reads(
    ItemReads,
    FeedReads,
    MediaReads,
    RightsReads,
    TrailReads,
    ChangeReads,
    DeliveryReads,
    HistoryReads,
    Protocol,
):
    """Every read. Each call on a `Store` is a transaction of its own; those on a `Writing` share one."""


class Writing(Reads, ItemWrites, RightsWrites, TrailWrites, ChangeWrites, Protocol):
    """One transaction: everything in it is written together, or nothing.

    Reads inside it see what it wrote. Every act goes with its line: a transaction that announced a change
    and wrote no trail line is refused with RuntimeError at its end, and leaves nothing.
    """

    async def reached(self) -> Reached:
        """How far the change sequence has come, with what this transaction has announced."""

    async def changed(self, change: Change) -> int:
        """Take the next number of the change sequence. Once per act."""


class Store(Reads, Protocol):
    """The database. `open` before anything else, `close` at the end."""

    async def create(self) -> bool:
        """Make the database, or bring it to this release; True if anything was done. Idempotent.

        A failed migration leaves the old database whole. Raises StoreNewer.
        """

    async def open(self) -> None:
        """Check that the database is there, whole, and of this release.

        Raises StoreMissing, StoreOlder, StoreNewer, StoreDamaged.
        """

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""

    def notice(self) -> int:
        """A number that differs from the last one if anything may have changed since.

        On this machine, or (PostgreSQL) on any: cheap, does not block, for every request. Equal numbers
        promise nothing across machines; `sequence` and `record` do.
        """

    @property
    def notice_is_exact(self) -> bool:
        """Whether `notice` differs for everybody before a change is reported as done to whoever made it.

        True on SQLite, where all processes share one file; false on PostgreSQL, whose notifications take
        a while.
        """

    async def sequence(self) -> Reached:
        """How far the change sequence has come."""

    async def edition_moment(
        self, feed: str, recipient: str, digest: str, *, judged: int, at: datetime
    ) -> datetime | None:
        """Since when this feed has had this content for this recipient, in UTC, to the second.

        If the store knows other content, this one replaces it from `at` on, or from one second after the
        last replacement, whichever is later: the time always grows. None where the other content was
        judged at a newer change number than `judged`: the caller's content is out of date and must be
        judged again. All workers get the same time, also after a restart; after a power failure it may be a
        later one. On a store that cannot be written: `at`, and nothing is kept.
        """

    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        """Write lines about answers, durably, in one transaction, with what they give and tell.

        The gate of the read path: a line whose `judged` is older than the last change of rights is *not*
        written: STALE, the answer must be judged again. (So must one from beyond the newest change: the
        database was restored meanwhile; and one that tells a sequence which moved on.) OVER: what it
        gives anew does not fit into a quota; quotas are counted here and nowhere else.
        """

    async def read(self, work: Callable[[Reads], Awaitable[T]]) -> T:
        """Do several reads of one state of the database, cheaper than one by one; the result of `work`.

        `work` awaits nothing but the methods of its `Reads`: on SQLite it runs in a thread without a loop.
        """

    async def transact(self, work: Callable[[Writing], Awaitable[T]]) -> T:
        """Do an act of staff in one transaction; the result of `work`, once it is durable.

        The rules are those of `writing`, and it is cheaper. `work` awaits nothing but the methods of the
        `Writing` that it is given: on SQLite it runs in a thread without an event loop. Where the caller
        is cancelled meanwhile, the transaction is finished first.
        """

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """One transaction for an act of staff: commits at the end of the block.

        Rolls back on any exception. Writers of all processes take turns.
        """
