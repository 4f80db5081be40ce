"""Ingest documents of the newsroom as items, correct items, and show them to staff."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from syndicate.access.rights_cache import Clock
from syndicate.errors import Fault, Faulty, Unknown
from syndicate.ingest.addresses import normal
from syndicate.ingest.identity import agree, is_weak, item_id
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.events import DocumentRefused, ItemIngested
from syndicate.model.holds import Embargo, Holds
from syndicate.model.item import Item, ItemId, tag_uri
from syndicate.model.lifecycle_events import ItemCorrected, ItemHeld
from syndicate.model.notes import Note
from syndicate.model.parties import Publisher
from syndicate.model.records import Entry
from syndicate.services.newsroom.hold_notes import local_time, newly_held
from syndicate.services.newsroom.hold_service import note_faults
from syndicate.store.protocol import Change, Place, Selection, Store, Writing

if TYPE_CHECKING:
    from syndicate.ingest.draft import Parsed


class Action(StrEnum):
    """What ingest did with a document."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Taken:
    """The result for one document: the item and version that it is now, or every fault."""

    action: Action
    item: Item | None
    faults: tuple[Fault, ...] = ()
    notes: tuple[Note, ...] = ()


_CLAIMED = Fault(
    "uri_claimed",
    "uri",
    Text(
        "这个 URI 属于本网另一媒体的稿件，来源不符；请核对 infoSources 或换用自己的 URI",
        "this URI is that of an item of another outlet: check infoSources, or use a URI of its own",
    ),
)


@dataclass(frozen=True, slots=True)
class Keep:
    """The holds to place on documents at ingest."""

    embargo: datetime | None = None
    withheld: bool = False


def _alike(before: Item, after: Item) -> bool:
    """Whether the policy treats both versions alike, so that no partner loses the item by the change."""
    return (before.outlet, before.channel, before.medium, before.published) == (
        after.outlet,
        after.channel,
        after.medium,
        after.published,
    )


def _spelled(key: str) -> str:
    """The key in the spelling of this release: older ones kept addresses with `www.` and all parameters."""
    kind, _, address = key.partition(":")
    return f"{kind}:{normal(address)}" if kind == "address" else key


def _address(item: Item, before: Item) -> str | None:
    """The address of a new version: another spelling of the same page's changes nothing."""
    if item.address is None or before.address is None:
        return item.address or before.address
    return before.address if normal(item.address) == normal(before.address) else item.address


def _doubted(holds: Holds, words: str | None) -> Holds:
    """Withheld where the document has embargo words without a certain end: other ones than before."""
    digest = hashlib.sha256(words.encode()).hexdigest() if words is not None else holds.doubted
    if digest == holds.doubted:
        return holds
    if holds.recall is not None:
        return replace(holds, doubted=digest, withheld_later=True)
    return replace(holds, doubted=digest, withheld=True)


class ItemService:
    """Ingest and correct items. Raises StoreFault; a bad document is a result (`refused`), no exception."""

    def __init__(
        self, store: Store, publisher: Publisher, clock: Clock, refused_notes: frozenset[str] = frozenset()
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._refused_notes = refused_notes

    async def take_in(self, actor: Actor, data: bytes, name: str, keep: Keep | None = None) -> Taken:
        """Make a document an item, or a new version of one.

        The same content again is `unchanged` and leaves nothing behind; a refused document changes
        nothing but the trail. A hold that the document or `keep` asks for is placed in the same
        transaction: the item is never visible without it.
        """
        now = self._clock()
        try:
            parsed = self._parse(data, name, now)
        except Faulty as refused:
            return await self.refuse(actor, name, refused.faults)
        async with self._store.writing() as tx:
            before, key = await self._before(tx, parsed)
            if before is not None and self._claims(parsed, before, key):
                return await self._refuse(tx, actor, name, (_CLAIMED,))
            if before is None:
                item = parsed.item
                if await tx.item(item.id) is not None:
                    # Two stories with one headline in one minute: the address distinguishes the second.
                    day = item.published.astimezone(self._publisher.zone)
                    item = replace(item, id=item_id(day, parsed.keys[0]))
            else:
                item = replace(
                    parsed.item,
                    id=before.id,
                    version=before.version + 1,
                    first_ingested=before.first_ingested,
                    address=_address(parsed.item, before),
                    keywords=parsed.item.keywords or before.keywords,
                    holds=before.holds,
                )
                notes = await self._known(before, item)
                if notes is not None:
                    if not notes and await tx.notes(before.id, before.version) != parsed.notes:
                        await tx.put_notes(before.id, before.version, parsed.notes)
                    held = await self._hold(tx, actor, before, parsed, keep, now)
                    said = (*parsed.notes, *notes, *newly_held(before, held, self._publisher.zone))
                    return Taken(Action.UNCHANGED, held, notes=said)
            await tx.put_item(item, await self._free(tx, item, parsed.keys))
            await tx.put_notes(item.id, item.version, parsed.notes)
            event = ItemIngested(item=item.id, version=item.version, digest=item.digest, document=name)
            await tx.append(Entry(now, str(actor), event))
            await tx.changed(Change.ITEM if before is None or _alike(before, item) else Change.RIGHTS)
            held = await self._hold(tx, actor, item if before is None else before, parsed, keep, now, item)
        action = Action.CREATED if before is None else Action.UPDATED
        return Taken(
            action, held, notes=(*parsed.notes, *newly_held(before or item, held, self._publisher.zone))
        )

    def _parse(self, data: bytes, name: str, now: datetime) -> Parsed:
        """The document, refused also for every note that the settings refuse. Raises Faulty."""
        # Imported with the first document: most commands read none, and the readers take long to load.
        from syndicate.ingest.document_parser import parse

        parsed = parse(data, name=name, publisher=self._publisher, now=now)
        refused = [note for note in parsed.notes if note.code in self._refused_notes]
        if refused:
            raise Faulty(name, [Fault(note.code, note.field, note.text, note.line) for note in refused])
        return parsed

    async def _known(self, before: Item, item: Item) -> tuple[Note, ...] | None:
        """Return the notes for a document that brings nothing new; None where it does.

        A correction is not undone by the file that it corrected, which may still lie in the newsroom's
        folder and be taken in once more.
        """
        if replace(item, note=before.note).digest == before.digest:
            return ()
        if before.note is None:
            return None
        if item.digest not in {one.digest for one in await self._store.versions(before.id)}:
            return None
        said = Text(
            f"文件是更正前的旧稿，未采用；现行为第 {before.version} 版",
            f"the document is what was corrected since: version {before.version} stands",
        )
        return (Note("superseded", "document", said),)

    async def _hold(
        self,
        tx: Writing,
        actor: Actor,
        before: Item,
        parsed: Parsed,
        keep: Keep | None,
        now: datetime,
        item: Item | None = None,
    ) -> Item:
        """Hold the item back as the document or whoever takes it in says, in the same transaction.

        What a document asks for counts when it is another than it asked for before: taken in again it
        undoes nothing that staff did since, and it never shortens what staff hold. What holds a recalled
        item stays as it was when it was recalled, since by that it is judged who may know of it.
        """
        holds, current = before.holds, item or before
        new = before.version == current.version and item is not None
        wanted, asked, embargo = keep or Keep(), parsed.embargo, holds.embargo
        if asked is not None and asked != holds.asked:
            by_staff = embargo is not None and embargo.until != holds.asked and now < embargo.until
            longer = embargo is None or not by_staff or asked > embargo.until
            if holds.recall is not None:
                holds = replace(holds, waiting=asked)
            elif longer and (new or asked > now):
                holds = replace(holds, embargo=Embargo(asked))
            holds = replace(holds, asked=asked)
        holds = _doubted(holds, parsed.withhold)
        if holds.recall is None and wanted.embargo is not None:
            current_embargo = holds.embargo
            longer = current_embargo is None or wanted.embargo > current_embargo.until
            holds = replace(holds, embargo=Embargo(wanted.embargo) if longer else current_embargo)
        if holds.recall is None and wanted.withheld:
            holds = replace(holds, withheld=True)
        if holds == before.holds or (item is None and holds == replace(before.holds, asked=asked)):
            return current
        await tx.put_holds(current.id, holds)
        until = holds.waiting if holds.embargo is None or holds.recall is not None else holds.embargo.until
        if holds.embargo != before.holds.embargo or holds.waiting != before.holds.waiting:
            said = None if until is None else until.isoformat()
            await tx.append(Entry(now, str(actor), ItemHeld(current.id, "embargo", said, None)))
        if (holds.withheld and not before.holds.withheld) or holds.doubted != before.holds.doubted:
            await tx.append(Entry(now, str(actor), ItemHeld(current.id, "withheld", None, None)))
        await tx.changed(Change.RIGHTS)
        return replace(current, holds=holds)

    async def correct(self, actor: Actor, id: ItemId, data: bytes, name: str, note: str) -> Item:
        """Make a document a correction of this item: a new version whose note travels with it.

        Raises Unknown, and Faulty with every fault: of the document, of the note, and for a document
        that corrects nothing, is older than what it would correct, or is another item's.
        """
        now = self._clock()
        before = await self.item(id)
        faults = note_faults(note)
        try:
            parsed = self._parse(data, name, now)
        except Faulty as refused:
            raise Faulty(name, [*refused.faults, *faults]) from None
        async with self._store.writing() as tx:
            before = await tx.item(id) or before
            faults += await self._not_its_correction(tx, before, parsed)
            if faults:
                raise Faulty(name, faults)
            item = replace(
                parsed.item,
                id=id,
                version=before.version + 1,
                first_ingested=before.first_ingested,
                address=_address(parsed.item, before),
                keywords=parsed.item.keywords or before.keywords,
                note=note,
                holds=before.holds,
            )
            await tx.put_item(item, await self._free(tx, item, parsed.keys))
            await tx.put_notes(item.id, item.version, parsed.notes)
            digest = hashlib.sha256(note.encode()).hexdigest()
            event = ItemCorrected(id, item.version, item.digest, name, digest)
            await tx.append(Entry(now, str(actor), event))
            await tx.changed(Change.ITEM if _alike(before, item) else Change.RIGHTS)
            return await self._hold(tx, actor, before, parsed, None, now, item)

    async def _not_its_correction(self, tx: Writing, before: Item, parsed: Parsed) -> list[Fault]:
        """Why this document cannot correct that item; empty where it can."""
        item = parsed.item
        if item.outlet != before.outlet:
            said = Text(
                f"来源“{item.source}”与原稿“{before.source}”不是同一媒体",
                f"the source '{item.source}' is of another outlet than '{before.source}'",
            )
            return [Fault("correction_of_another", "source", said)]
        named = [key for key in parsed.lookup if key.startswith(("address:", "uri:"))]
        found = await tx.find_item(named) if named else None
        if found is not None and found[0].id != before.id:
            said = Text(f"是另一篇稿件 {found[0].id} 的文件", f"is a document of item {found[0].id}")
            return [Fault("correction_of_another", "document", said)]
        if item.published < before.published:
            zone = self._publisher.zone
            published, corrected = local_time(item.published, zone), local_time(before.published, zone)
            said = Text(
                f"发布时间 {published} 早于所更正的稿件 {corrected}",
                f"published {published}, before what it would correct: {corrected}",
            )
            return [Fault("correction_older", "published", said)]
        alike = replace(
            item,
            address=_address(item, before),
            keywords=item.keywords or before.keywords,
        )
        if replace(alike, note=before.note).digest == before.digest:
            said = Text("与现行版本相同，没有更正任何内容", "is what stands already: it corrects nothing")
            return [Fault("correction_unchanged", "document", said)]
        for one in await self._store.versions(before.id):
            if replace(alike, note=one.note).digest == one.digest:
                said = Text(
                    f"是已被取代的第 {one.version} 版，现行为第 {before.version} 版",
                    f"is version {one.version}, which version {before.version} has replaced",
                )
                return [Fault("correction_older", "document", said)]
        return []

    async def refuse(self, actor: Actor, name: str, faults: Sequence[Fault]) -> Taken:
        """Write a refused document to the trail."""
        async with self._store.writing() as tx:
            return await self._refuse(tx, actor, name, faults)

    async def _refuse(self, tx: Writing, actor: Actor, name: str, faults: Sequence[Fault]) -> Taken:
        event = DocumentRefused(document=name, faults=[fault.code for fault in faults])
        await tx.append(Entry(self._clock(), str(actor), event))
        return Taken(Action.REFUSED, None, faults=tuple(faults))

    async def item(self, id: ItemId, version: int | None = None) -> Item:
        """One item for staff. Raises Unknown."""
        found = await self._store.item(id, version)
        if found is None:
            raise Unknown(Text("稿件", "item"), id if version is None else f"{id} v{version}")
        return found

    async def versions(self, id: ItemId) -> list[Item]:
        """All versions of an item for staff, oldest first. Raises Unknown."""
        found = await self._store.versions(id)
        if not found:
            raise Unknown(Text("稿件", "item"), id)
        return found

    async def items(
        self, *, after: Place | None = None, limit: int = 50, noted: bool = False
    ) -> list[Item]:
        """Items, newest publication first, ours or not; `noted`: those alone that have notes of ingest."""
        return await self._store.items(Selection(noted=noted), after=after, limit=limit)

    async def notes(self, item: Item) -> tuple[Note, ...]:
        """What ingest noted on the document that this version was made of."""
        return await self._store.notes(item.id, item.version)

    async def newest_notes(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[Note, ...]]:
        """The notes of the newest versions of these items; items without notes are missing."""
        return await self._store.newest_notes(ids)

    def _claims(self, parsed: Parsed, before: Item, key: str) -> bool:
        """Whether another outlet's document matches our item by nothing but our public URI."""
        return (
            key.startswith(f"uri:tag:{self._publisher.authority},") and parsed.item.outlet != before.outlet
        )

    async def _before(self, tx: Writing, parsed: Parsed) -> tuple[Item | None, str]:
        """The item that this document is another version of, if there is one, and what it is known by.

        A document that names itself (an address, a newsroom's URI) is never matched with an item that
        goes by another name of that kind, however alike their headlines. Two stories may share a passage:
        a match by that alone counts where most of their bodies agrees.
        """
        keys = list(parsed.lookup)
        while keys:
            found = await tx.find_item(keys)
            if found is None:
                return None, ""
            item, key = found
            same = not is_weak(key) or agree(parsed.item.body, item.body)
            if self._names(key) or (same and not await self._named_otherwise(tx, item.id, parsed.keys)):
                return item, key
            keys = keys[keys.index(key) + 1 :]
        return None, ""

    async def _named_otherwise(self, tx: Writing, id: ItemId, keys: Sequence[str]) -> bool:
        known = {key for key in await tx.keys_of(id) if self._names(key)}
        named = {key for key in keys if self._names(key)}
        for kind in ("address:", "uri:"):
            theirs = {_spelled(key) for key in named if key.startswith(kind)}
            ours = {_spelled(key) for key in known if key.startswith(kind)}
            if theirs and ours and not theirs & ours:
                return True
        return False

    async def _free(self, tx: Writing, item: Item, keys: Sequence[str]) -> list[str]:
        """The keys that this item may go by: its own URI, and what is no other item's already."""
        own = f"uri:{tag_uri(self._publisher.authority, item.id)}"
        free = [own]
        for key in keys:
            if key != own and not key.startswith(f"uri:tag:{self._publisher.authority},"):
                found = await tx.find_item([key])
                if found is None or found[0].id == item.id:
                    free.append(key)
        return free

    def _names(self, key: str) -> bool:
        """Whether a key is a name that the document carried: not made of its text, nor by us."""
        ours = f"uri:tag:{self._publisher.authority},"
        return key.startswith(("address:", "uri:")) and not key.startswith(ours)
