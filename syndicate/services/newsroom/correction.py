"""Make a document a correction of an item that staff name, or say why it is none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.errors import Fault, Faulty, Unknown
from syndicate.language import Text
from syndicate.model.item import Item, ItemId
from syndicate.model.lifecycle_events import ItemCorrected
from syndicate.model.parties import Publisher
from syndicate.model.records import Entry
from syndicate.services.newsroom.document_decision import (
    Action,
    Decider,
    Taken,
    alike,
    associations,
    hold_acts_of_media,
    next_version,
)
from syndicate.services.newsroom.document_holds import hold_act
from syndicate.services.newsroom.document_parsing import ParsedDocument
from syndicate.services.newsroom.hold_notes import local_time
from syndicate.services.newsroom.known_items import KnownItems, known_items
from syndicate.store.protocol import Change, ItemAct, Writing

if TYPE_CHECKING:
    from syndicate.ingest.draft import Parsed


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected item, what became of the media of the document, and the media that it has no more."""

    item: Item
    media: tuple[Taken, ...] = ()
    dropped: tuple[ItemId, ...] = ()

    @property
    def added(self) -> tuple[Item, ...]:
        """The media that are new."""
        return tuple(
            one.item for one in self.media if one.item is not None and one.action is Action.CREATED
        )


@dataclass(frozen=True, slots=True)
class Correction:
    """A parsed document that is to correct the item `id`; its note travels with the new version.

    `document` has the media that `parsed` names, as far as they were taken in.
    """

    decider: Decider
    publisher: Publisher
    id: ItemId
    document: ParsedDocument
    parsed: Parsed
    note: str

    async def made(self, tx: Writing, actor: str, now: datetime, faults: Sequence[Fault]) -> Corrected:
        """The corrected item. Raises Unknown, and Faulty with these faults and its own."""
        name = self.document.name
        keys, ids = self.decider.document_lookups(self.document)
        known = await known_items(tx, keys, [*ids, self.id], self.publisher.authority)
        before = known.item(self.id)
        if before is None:
            raise Unknown(Text("稿件", "item"), self.id)
        media, media_acts = self.decider.media(known, self.document, actor, None)
        parsed = self.parsed
        if media:
            links = associations(self.document, media)
            parsed = replace(parsed, item=replace(parsed.item, associations=links))
        found = [*faults, *await self._faults(tx, known, before, parsed)]
        if found:
            raise Faulty(name, found)
        item = replace(next_version(parsed.item, before, keeps_media=parsed.plain), note=self.note)
        digest = hashlib.sha256(self.note.encode()).hexdigest()
        event = ItemCorrected(item.id, item.version, item.digest, name, digest)
        act = ItemAct(
            item=item,
            version=True,
            keys=self.decider.new_keys(known, item, parsed.keys),
            notes=parsed.notes,
            entries=(Entry(now, actor, event),),
            change=Change.ITEM if alike(before, item) else Change.RIGHTS,
        )
        hold = hold_act(actor, before, item, parsed, None, now, new=True)
        after = item if hold is None or hold.item is None else hold.item
        holds = hold_acts_of_media(known, actor, before, after, media, now)
        await tx.put_acts([*media_acts, act, *([hold] if hold else []), *holds])
        return Corrected(after, media, _dropped(before, after))

    async def _faults(self, tx: Writing, known: KnownItems, before: Item, parsed: Parsed) -> list[Fault]:
        """Why this document cannot correct that item; empty where it can."""
        item = parsed.item
        if item.outlet != before.outlet:
            said = Text(
                f"来源“{item.source}”与原稿“{before.source}”不是同一媒体",
                f"the source '{item.source}' is of another outlet than '{before.source}'",
            )
            return [Fault("correction_of_another", "source", said)]
        found = known.find([key for key in parsed.lookup if key.startswith(("address:", "uri:"))])
        if found is not None and found[0].id != before.id:
            said = Text(f"是另一篇稿件 {found[0].id} 的文件", f"is a document of item {found[0].id}")
            return [Fault("correction_of_another", "document", said)]
        if item.published < before.published:
            zone = self.publisher.zone
            published, corrected = local_time(item.published, zone), local_time(before.published, zone)
            said = Text(
                f"发布时间 {published} 早于所更正的稿件 {corrected}",
                f"published {published}, before what it would correct: {corrected}",
            )
            return [Fault("correction_older", "published", said)]
        new = next_version(item, before, keeps_media=parsed.plain)
        if replace(new, note=before.note).digest == before.digest:
            said = Text("与现行版本相同，没有更正任何内容", "is what stands already: it corrects nothing")
            return [Fault("correction_unchanged", "document", said)]
        for one in await tx.versions(before.id):
            if replace(new, note=one.note).digest == one.digest:
                said = Text(
                    f"是已被取代的第 {one.version} 版，现行为第 {before.version} 版",
                    f"is version {one.version}, which version {before.version} has replaced",
                )
                return [Fault("correction_older", "document", said)]
        return []


def _dropped(before: Item, after: Item) -> tuple[ItemId, ...]:
    kept = {one.item for one in after.associations}
    return tuple(one.item for one in before.associations if one.item not in kept)
