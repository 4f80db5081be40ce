"""Decide what a parsed document makes of the known items: a new item, a new version, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from syndicate.errors import Conflict, Fault
from syndicate.ingest.addresses import normal
from syndicate.ingest.draft import Parsed
from syndicate.ingest.identity import agree, is_weak, item_id
from syndicate.language import Text
from syndicate.model.events import DocumentRefused, ItemIngested
from syndicate.model.item import Item, ItemId
from syndicate.model.lifecycle_events import ItemHeld
from syndicate.model.media import Association
from syndicate.model.notes import Note
from syndicate.model.parties import Publisher
from syndicate.model.records import Entry
from syndicate.services.newsroom.document_holds import Keep, hold_act
from syndicate.services.newsroom.document_parsing import ParsedDocument, TakenBefore
from syndicate.services.newsroom.hold_notes import newly_held
from syndicate.services.newsroom.known_items import KnownItems, own_key
from syndicate.services.newsroom.media_items import alternative
from syndicate.services.newsroom.story_media import holds_of_story, holds_with_story, new_holds
from syndicate.store.protocol import Change, ItemAct


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
    media: tuple[Taken, ...] = ()
    """What became of the media of a story, in their order."""


_CLAIMED: Final = Fault(
    "uri_claimed",
    "uri",
    Text(
        "这个 URI 属于本网另一媒体的稿件，来源不符；请核对 infoSources 或换用自己的 URI",
        "this URI is that of an item of another outlet: check infoSources, or use a URI of its own",
    ),
)


def alike(before: Item, after: Item) -> bool:
    """Whether the policy treats both versions alike, so that no partner loses the item by the change."""
    return (before.outlet, before.channel, before.medium, before.published) == (
        after.outlet,
        after.channel,
        after.medium,
        after.published,
    )


def next_version(parsed: Item, before: Item, *, keeps_media: bool = False) -> Item:
    """The item that this document makes of its earlier version, with the holds of that one.

    `keeps_media`: the document is one that cannot name media, so that those of the version before stay.
    """
    return replace(
        parsed,
        id=before.id,
        version=before.version + 1,
        first_ingested=before.first_ingested,
        address=_address(parsed, before),
        keywords=parsed.keywords or before.keywords,
        holds=before.holds,
        associations=before.associations if keeps_media else parsed.associations,
    )


def _address(item: Item, before: Item) -> str | None:
    """The address of a new version: another spelling of the same page's changes nothing."""
    if item.address is None or before.address is None:
        return item.address or before.address
    return before.address if normal(item.address) == normal(before.address) else item.address


def refusal(actor: str, name: str, faults: Sequence[Fault], at: datetime) -> tuple[Taken, list[ItemAct]]:
    """The result and the record of a refused document."""
    event = DocumentRefused(document=name, faults=[fault.code for fault in faults])
    return Taken(Action.REFUSED, None, faults=tuple(faults)), [ItemAct(entries=(Entry(at, actor, event),))]


def unchanged(before: TakenBefore) -> Taken:
    """The result for a file that was taken in before as it is now."""
    return Taken(Action.UNCHANGED, before.item)


class Decider:
    """Decides about documents one by one. Reads and writes nothing: what it decides are acts to keep."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._ours = f"uri:tag:{publisher.authority},"

    def lookups(self, parsed: Parsed) -> tuple[list[str], list[ItemId]]:
        """The keys and ids that the items must be known by before this document is decided about."""
        ids = [parsed.item.id, self._second_id(parsed)]
        own = [own_key(self._publisher.authority, id) for id in ids]
        return [*parsed.lookup, *parsed.keys, *own], ids

    def document_lookups(self, document: ParsedDocument) -> tuple[list[str], list[ItemId]]:
        """`lookups` of a document with its media; none where there is nothing to decide."""
        if isinstance(document.content, tuple | TakenBefore):
            return [], []
        found = [self.lookups(document.content), *(self.lookups(one.parsed) for one in document.media)]
        return [key for keys, _ in found for key in keys], [id for _, ids in found for id in ids]

    def decide(
        self, known: KnownItems, document: ParsedDocument, actor: str, keep: Keep | None
    ) -> tuple[Taken, list[ItemAct]]:
        """What becomes of this document, and the acts that make it so; `known` has none of them yet."""
        parsed, name, at = document.content, document.name, document.at
        if isinstance(parsed, TakenBefore):
            return unchanged(parsed), []
        if isinstance(parsed, tuple):
            return refusal(actor, name, parsed, at)
        media, media_acts = self.media(known, document, actor, keep)
        if document.media:
            parsed = replace(parsed, item=replace(parsed.item, associations=associations(document, media)))
        before, _ = self.earlier(known, parsed)
        taken, acts = self._text(known, parsed, name, at, actor, keep)
        if taken.item is None:
            return taken, acts
        holds = hold_acts_of_media(known, actor, before, taken.item, media, at)
        if taken.action is Action.UNCHANGED:
            return taken, [*acts, *(act for act in holds if not _is_new(act, media))]
        return replace(taken, media=media), [*media_acts, *acts, *holds]

    def _text(
        self, known: KnownItems, parsed: Parsed, name: str, at: datetime, actor: str, keep: Keep | None
    ) -> tuple[Taken, list[ItemAct]]:
        before, key = self.earlier(known, parsed)
        if before is None:
            return self._created(known, parsed, name, at, actor, keep)
        if key.startswith(self._ours) and parsed.item.outlet != before.outlet:
            # Another outlet's document that matches our item by nothing but our public URI.
            return refusal(actor, name, (_CLAIMED,), at)
        item = next_version(parsed.item, before, keeps_media=parsed.plain)
        notes = self._nothing_new(known, before, item)
        if notes is not None:
            acts = []
            if not notes and known.notes(before.id) != parsed.notes:
                acts.append(ItemAct(item=before, notes=parsed.notes))
            hold = hold_act(actor, before, before, parsed, keep, at, new=False)
            held = before if hold is None or hold.item is None else hold.item
            said = (*parsed.notes, *notes, *newly_held(before, held, self._publisher.zone))
            return Taken(Action.UNCHANGED, held, notes=said), [*acts, *([hold] if hold else [])]
        return self._kept(known, parsed, name, at, actor, keep, before=before, item=item)

    def media(
        self, known: KnownItems, document: ParsedDocument, actor: str, keep: Keep | None
    ) -> tuple[tuple[Taken, ...], list[ItemAct]]:
        """What becomes of the media of a story: new items, or those that the same files are already."""
        results: list[Taken] = []
        acts: list[ItemAct] = []
        new: dict[str, Taken] = {}
        for one in document.media:
            before, _ = self.earlier(known, one.parsed)
            if before is not None:
                results.append(Taken(Action.UNCHANGED, before))
            elif one.parsed.keys[0] in new:
                # Two names of the same bytes.
                results.append(replace(new[one.parsed.keys[0]], action=Action.UNCHANGED, notes=()))
            else:
                name = one.parsed.item.file_name or document.name
                taken, made = self._created(known, one.parsed, name, document.at, actor, keep)
                results.append(taken)
                new[one.parsed.keys[0]] = taken
                acts += made
        return tuple(results), acts

    def _created(
        self, known: KnownItems, parsed: Parsed, name: str, at: datetime, actor: str, keep: Keep | None
    ) -> tuple[Taken, list[ItemAct]]:
        item = parsed.item
        if known.item(item.id) is not None:
            # Two stories with one headline in one minute: the address distinguishes the second.
            item = replace(item, id=self._second_id(parsed))
            if known.item(item.id) is not None:
                raise Conflict(
                    Text(
                        f"稿件 {item.id} 已经存在，与这份文件不是同一篇",
                        f"item {item.id} exists, and is another story than this document's",
                    )
                )
        return self._kept(known, parsed, name, at, actor, keep, before=None, item=item)

    def _kept(
        self,
        known: KnownItems,
        parsed: Parsed,
        name: str,
        at: datetime,
        actor: str,
        keep: Keep | None,
        *,
        before: Item | None,
        item: Item,
    ) -> tuple[Taken, list[ItemAct]]:
        event = ItemIngested(item=item.id, version=item.version, digest=item.digest, document=name)
        change = Change.ITEM if before is None or alike(before, item) else Change.RIGHTS
        act = ItemAct(
            item=item,
            added=before is None,
            version=True,
            keys=self.new_keys(known, item, parsed.keys),
            notes=parsed.notes,
            entries=(Entry(at, actor, event),),
            change=change,
        )
        hold = hold_act(actor, before or item, item, parsed, keep, at, new=True)
        held = item if hold is None or hold.item is None else hold.item
        notes = (*parsed.notes, *newly_held(before or item, held, self._publisher.zone))
        action = Action.CREATED if before is None else Action.UPDATED
        return Taken(action, held, notes=notes), [act, *([hold] if hold else [])]

    def _second_id(self, parsed: Parsed) -> ItemId:
        return item_id(parsed.item.published.astimezone(self._publisher.zone), parsed.keys[0])

    def _nothing_new(self, known: KnownItems, before: Item, item: Item) -> tuple[Note, ...] | None:
        """Return the notes for a document that brings nothing new; None where it does.

        A correction is not undone by the file that it corrected, which may still lie in the newsroom's
        folder and be ingested once more.
        """
        if replace(item, note=before.note).digest == before.digest:
            return ()
        if before.note is None or not known.was(before.id, item.digest):
            return None
        said = Text(
            f"文件是更正前的旧稿，未采用；现行为第 {before.version} 版",
            f"the document is what was corrected since: version {before.version} stands",
        )
        return (Note("superseded", "document", said),)

    def earlier(self, known: KnownItems, parsed: Parsed) -> tuple[Item | None, str]:
        """The item that this document is another version of, if there is one, and what it is known by.

        A document that names itself (an address, a newsroom's URI) is never matched with an item that
        goes by another name of that kind, however alike their headlines. Two stories may share a passage:
        a match by that alone counts where most of their bodies agrees.
        """
        keys = list(parsed.lookup)
        while keys:
            found = known.find(keys)
            if found is None:
                return None, ""
            item, key = found
            same = not is_weak(key) or agree(parsed.item.body, item.body)
            if self._names(key) or (same and not self._named_otherwise(known, item.id, parsed.keys)):
                return item, key
            keys = keys[keys.index(key) + 1 :]
        return None, ""

    def _named_otherwise(self, known: KnownItems, id: ItemId, keys: Sequence[str]) -> bool:
        has = {key for key in known.keys_of(id) if self._names(key)}
        named = {key for key in keys if self._names(key)}
        for kind in ("address:", "uri:"):
            theirs = {_spelled(key) for key in named if key.startswith(kind)}
            ours = {_spelled(key) for key in has if key.startswith(kind)}
            if theirs and ours and not theirs & ours:
                return True
        return False

    def new_keys(self, known: KnownItems, item: Item, keys: Sequence[str]) -> tuple[str, ...]:
        """The keys that this item is to go by from now on: its own URI, and what is nobody's yet."""
        own = own_key(self._publisher.authority, item.id)
        wanted = [own, *(key for key in keys if key != own and not key.startswith(self._ours))]
        return tuple(key for key in dict.fromkeys(wanted) if known.owner(key) is None)

    def _names(self, key: str) -> bool:
        """Whether a key is a name that the document carried: not made of its text, nor by us."""
        return key.startswith(("address:", "uri:")) and not key.startswith(self._ours)


def hold_acts_of_media(
    known: KnownItems, actor: str, before: Item | None, story: Item, media: Sequence[Taken], now: datetime
) -> list[ItemAct]:
    """Hold the media of a story back as the story is: those that are new, and those that are its alone.

    `before` is the story as it was. Of those that are not new counts what this document put on the story.
    """
    acts = []
    for one in media:
        item = one.item
        if item is None or item.standalone:
            continue
        if one.action is Action.CREATED:
            kinds = holds_of_story(story.holds, now)
        elif before is not None and not set(known.stories_with(item.id)) - {story.id}:
            kinds = new_holds(before.holds, story.holds, now)
        else:
            continue
        holds, new = holds_with_story(story.holds, kinds, item.holds)
        if new and item.holds.recall is None:
            entries = [Entry(now, actor, ItemHeld(item.id, *hold)) for hold in new]
            held = replace(item, holds=holds)
            acts.append(ItemAct(item=held, holds=True, entries=tuple(entries), change=Change.RIGHTS))
    return acts


def _is_new(act: ItemAct, media: Sequence[Taken]) -> bool:
    """Whether the act is about an item that this document would have made."""
    new = {one.item.id for one in media if one.item is not None and one.action is Action.CREATED}
    return act.item is not None and act.item.id in new


def associations(document: ParsedDocument, media: Sequence[Taken]) -> tuple[Association, ...]:
    """The story's links to its media, each once. A text that the media item has is not said twice."""
    headline = document.content.item.headline if isinstance(document.content, Parsed) else ""
    found: dict[ItemId, Association] = {}
    for one, taken in zip(document.media, media, strict=True):
        if taken.item is not None and taken.item.id not in found:
            own = "\n".join(block.text for block in taken.item.body)
            caption = None if one.caption in (None, own) else one.caption
            alt = alternative(one.alt, headline, taken.item.alt, one.caption, own)
            found[taken.item.id] = Association(
                item=taken.item.id, place=one.place, caption=caption, alt=alt
            )
    return tuple(found.values())


def _spelled(key: str) -> str:
    """The key in the spelling of this release: older ones kept addresses with `www.` and all parameters."""
    kind, _, address = key.partition(":")
    return f"{kind}:{normal(address)}" if kind == "address" else key
