"""Ingest documents of the newsroom as items, correct items, and show them to staff."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from syndicate.errors import Conflict, Fault, Faulty, StoreFault, Unknown
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.item import FileState, Item, ItemId, Medium
from syndicate.model.notes import Note
from syndicate.model.parties import Publisher
from syndicate.services.newsroom.document_parsing import (
    ParsedDocument,
    ParsingRules,
    TakenBefore,
    parse_document,
    refused_for_notes,
)
from syndicate.store.protocol import Place, Selection, Store, Writing

if TYPE_CHECKING:
    from syndicate.access.rights_cache import Clock
    from syndicate.services.newsroom.correction import Corrected
    from syndicate.services.newsroom.document_decision import Decider, Taken
    from syndicate.services.newsroom.document_holds import Keep


class ItemService:
    """Ingest and correct items. Raises StoreFault; a bad document is a result (`refused`), no exception."""

    def __init__(
        self, store: Store, publisher: Publisher, clock: Clock, refused_notes: frozenset[str] = frozenset()
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self.rules = ParsingRules(publisher, refused_notes)

    @cached_property
    def _decider(self) -> Decider:
        # Here and below, not above: a command that shows items loads nothing of ingest.
        from syndicate.services.newsroom.document_decision import Decider

        return Decider(self._publisher)

    async def take_in(self, actor: Actor, data: bytes, name: str, keep: Keep | None = None) -> Taken:
        """Make a document an item, or a new version of one.

        The same content again is `unchanged` and leaves nothing behind; a refused document changes
        nothing but the trail. A hold that the document or `keep` asks for is placed in the same
        transaction: the item is never visible without it.
        """
        parsed = refused_for_notes(parse_document(data, name, self.rules, self._clock()), self.rules)
        return (await self.take_in_group(actor, [parsed], keep))[0]

    async def take_in_group(
        self, actor: Actor, documents: Sequence[ParsedDocument], keep: Keep | None = None
    ) -> list[Taken]:
        """`take_in` for parsed documents in their order, in one transaction; the results, once durable.

        Results, records and numbers are those of one by one. Where the database does not take what one of
        them holds, that one alone is refused. Files that were taken in before are `unchanged`.
        """
        from syndicate.services.newsroom.document_decision import unchanged

        if all(isinstance(one.content, TakenBefore) for one in documents):
            return [unchanged(one.content) for one in documents if isinstance(one.content, TakenBefore)]
        try:
            return await self._store.transact(lambda tx: self._decided(tx, str(actor), documents, keep))
        except (Conflict, StoreFault, UnicodeError) as fault:
            if not _is_of_a_document(fault):
                raise
            if len(documents) == 1:
                return [await self.refuse(actor, documents[0].name, [_not_storable()])]
        return [taken for one in documents for taken in await self.take_in_group(actor, [one], keep)]

    async def _decided(
        self, tx: Writing, actor: str, documents: Sequence[ParsedDocument], keep: Keep | None
    ) -> list[Taken]:
        """Decide about each document by what is known and what those before it did; keep all their acts."""
        from syndicate.services.newsroom.known_items import known_items

        decider, keys, ids = self._decider, set[str](), set[ItemId]()
        for document in documents:
            asked = decider.document_lookups(document)
            keys.update(asked[0])
            ids.update(asked[1])
        known = await known_items(tx, keys, ids, self._publisher.authority)
        results, acts = [], []
        for document in documents:
            taken, new = decider.decide(known, document, actor, keep)
            for act in new:
                known.keep(act)
            results.append(taken)
            acts += new
        await tx.put_acts(acts)
        files: dict[FileState, ItemId] = {}
        for document, taken in zip(documents, results, strict=True):
            # With media beside it, a document alone does not say whether anything is new.
            if document.file is not None and taken.item is not None and not _has_media(document):
                files[document.file] = taken.item.id
        await tx.put_ingested(files)
        return results

    async def taken_before(self, files: Sequence[FileState]) -> dict[FileState, TakenBefore]:
        """What files became that were taken in before, as they are now and by these rules, at this place.

        A file that was changed back is not one of them: its place was last taken in in another state.
        """
        found = await self._store.ingested(files)
        outlines = await self._store.outlines(set(found.values())) if found else {}
        return {file: TakenBefore(outlines[id]) for file, id in found.items() if id in outlines}

    async def correct(self, actor: Actor, id: ItemId, data: bytes, name: str, note: str) -> Item:
        """`correct_with` for a document that nothing lies beside: what media it names are left out."""
        parsed = parse_document(data, name, self.rules, self._clock())
        document = refused_for_notes(parsed, self.rules)
        return (await self.correct_with(actor, id, document, note)).item

    async def correct_with(
        self, actor: Actor, id: ItemId, document: ParsedDocument, note: str
    ) -> Corrected:
        """Make a document a correction of this item: a new version whose note travels with it.

        The story then has the media of the document; a plain text, which can name none, leaves it those
        that it has. Raises Unknown, and Faulty with every fault: of the document, of the note, and for a
        document that corrects nothing, is older than what it would correct, or is another item's.
        """
        from syndicate.services.newsroom.correction import Correction
        from syndicate.services.newsroom.hold_notes import note_faults

        await self.item(id)
        faults = note_faults(note)
        parsed = document.content
        assert not isinstance(parsed, TakenBefore)
        if isinstance(parsed, tuple):
            raise Faulty(document.name, [*parsed, *faults])
        correction = Correction(self._decider, self._publisher, id, document, parsed, note)
        return await self._store.transact(lambda tx: correction.made(tx, str(actor), document.at, faults))

    async def refuse(self, actor: Actor, name: str, faults: Sequence[Fault]) -> Taken:
        """Write a refused document to the trail."""
        from syndicate.services.newsroom.document_decision import refusal

        taken, acts = refusal(str(actor), name, faults, self._clock())
        await self._store.transact(lambda tx: tx.put_acts(acts))
        return taken

    def refused(self, name: str, faults: Sequence[Fault], at: datetime) -> ParsedDocument:
        """A document that is refused before it is parsed, to stand in a group in its order."""
        return ParsedDocument(name, at, tuple(faults))

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
        self,
        *,
        after: Place | None = None,
        limit: int = 50,
        noted: bool = False,
        medium: Medium | None = None,
    ) -> list[Item]:
        """Items, newest publication first, ours or not.

        `noted`: those alone that have notes of ingest; `medium`: those of this medium alone.
        """
        media = None if medium is None else frozenset({medium})
        return await self._store.items(Selection(media=media, noted=noted), after=after, limit=limit)

    async def stories_with(self, item: Item) -> list[Item]:
        """The stories that have this picture, sound or film, as outlines; none for a text."""
        if item.medium is Medium.TEXT:
            return []
        found = await self._store.outlines(await self._store.stories_with(item.id))
        return [found[id] for id in sorted(found)]

    async def notes(self, item: Item) -> tuple[Note, ...]:
        """What ingest noted on the document that this version was made of."""
        return await self._store.notes(item.id, item.version)

    async def newest_notes(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[Note, ...]]:
        """The notes of the newest versions of these items; items without notes are missing."""
        return await self._store.newest_notes(ids)


def _has_media(document: ParsedDocument) -> bool:
    """Whether the document names pictures, sounds or films, taken in or not."""
    content = document.content
    return not isinstance(content, tuple | TakenBefore) and bool(content.media)


def _is_of_a_document(fault: Exception) -> bool:
    """Whether the database may have refused the content of a document, and not all writing."""
    return not isinstance(fault, StoreFault) or (
        type(fault) is StoreFault and fault.code == StoreFault.code
    )


def _not_storable() -> Fault:
    said = Text(
        "数据库不接受这份文件的内容，已退回；请把文件交给技术人员",
        "the database does not take what this document holds: give it to whoever looks after the system",
    )
    return Fault("not_storable", "document", said)
