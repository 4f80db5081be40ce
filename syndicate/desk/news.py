"""The news desk: documents from the newsroom become items, and items are shown to staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from syndicate.desk.standing import Clock
from syndicate.errors import Fault, Faulty, Unknown
from syndicate.ingest import Parsed, parse
from syndicate.ingest.identity import item_id
from syndicate.language import Text
from syndicate.model.item import Item, ItemId, tag_uri
from syndicate.model.parties import Publisher
from syndicate.model.trail import DocumentRefused, Entry, ItemIngested
from syndicate.store.protocol import Change, Place, Selection, Store, Writing


class Action(StrEnum):
    """What became of a document."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one document: the item and version it is now, or every fault."""

    action: Action
    item: Item | None
    faults: tuple[Fault, ...] = ()
    notes: tuple[Text, ...] = ()


_CLAIMED = Fault(
    "uri_claimed",
    "uri",
    Text(
        "这个 URI 属于本网另一媒体的稿件，来源不符；请核对 infoSources 或换用自己的 URI",
        "this URI is that of an item of another outlet: check infoSources, or use a URI of its own",
    ),
)


def _alike(before: Item, after: Item) -> bool:
    """Whether a new version is to the policy what the old one was: nobody loses it by the change."""
    return (before.outlet, before.channel, before.medium, before.published) == (
        after.outlet,
        after.channel,
        after.medium,
        after.published,
    )


class NewsDesk:
    """Raises StoreFault; a bad document is an answer (`refused`), never an exception."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock

    async def take_in(self, data: bytes, name: str) -> Taken:
        """Make a document an item, or a new version of one.

        The same content again is `unchanged` and leaves nothing behind; a refused document changes
        nothing but the trail.
        """
        now = self._clock()
        try:
            parsed = parse(data, name=name, publisher=self._publisher, now=now)
        except Faulty as refused:
            return await self.refuse(name, refused.faults)
        async with self._store.writing() as tx:
            before, key = await self._before(tx, parsed)
            if before is not None and self._claims(parsed, before, key):
                return await self._refuse(tx, name, (_CLAIMED,))
            if before is None:
                item = parsed.item
                if await tx.item(item.id) is not None:
                    # Two stories with one headline in one minute: the second is told by its address.
                    day = item.published.astimezone(self._publisher.zone)
                    item = replace(item, id=item_id(day, parsed.keys[0]))
            else:
                item = replace(
                    parsed.item,
                    id=before.id,
                    version=before.version + 1,
                    first_ingested=before.first_ingested,
                    address=parsed.item.address or before.address,
                    keywords=parsed.item.keywords or before.keywords,
                )
                if item.digest == before.digest:
                    return Taken(Action.UNCHANGED, before, notes=parsed.notes)
            await tx.put_item(item, await self._free(tx, item, parsed.keys))
            event = ItemIngested(item=item.id, version=item.version, digest=item.digest, document=name)
            await tx.append(Entry(now, "staff", event))
            await tx.changed(Change.ITEM if before is None or _alike(before, item) else Change.RIGHTS)
        action = Action.CREATED if before is None else Action.UPDATED
        return Taken(action, item, notes=parsed.notes)

    async def refuse(self, name: str, faults: Sequence[Fault]) -> Taken:
        """Write down that a document was refused."""
        async with self._store.writing() as tx:
            return await self._refuse(tx, name, faults)

    async def _refuse(self, tx: Writing, name: str, faults: Sequence[Fault]) -> Taken:
        event = DocumentRefused(document=name, faults=[fault.code for fault in faults])
        await tx.append(Entry(self._clock(), "staff", event))
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

    async def items(self, *, after: Place | None = None, limit: int = 50) -> list[Item]:
        """What is in the house, newest publication first, ours or not."""
        return await self._store.items(Selection(), after=after, limit=limit)

    def _claims(self, parsed: Parsed, before: Item, key: str) -> bool:
        """Whether a document that is another outlet's would become our item by nothing but our own URI,
        which every reader of a feed knows."""
        return (
            key.startswith(f"uri:tag:{self._publisher.authority},") and parsed.item.outlet != before.outlet
        )

    async def _before(self, tx: Writing, parsed: Parsed) -> tuple[Item | None, str]:
        """The item that this document is another version of, if there is one, and what it is known by.

        A document that names itself (an address, a newsroom's URI) is never taken for an item that
        goes by another name of that kind, however alike their headlines.
        """
        keys = list(parsed.keys)
        while keys:
            found = await tx.find_item(keys)
            if found is None:
                return None, ""
            item, key = found
            if self._names(key) or not await self._named_otherwise(tx, item.id, parsed.keys):
                return item, key
            keys = keys[keys.index(key) + 1 :]
        return None, ""

    async def _named_otherwise(self, tx: Writing, id: ItemId, keys: Sequence[str]) -> bool:
        known = {key for key in await tx.keys_of(id) if self._names(key)}
        named = {key for key in keys if self._names(key)}
        for kind in ("address:", "uri:"):
            theirs = {key for key in named if key.startswith(kind)}
            ours = {key for key in known if key.startswith(kind)}
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
