"""Make one answer of a partner's change sequence, from one state of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syndicate.access.authentication import Session
from syndicate.errors import CursorUnknown, Unstampable
from syndicate.language import Text
from syndicate.logger import Logger
from syndicate.manifests import associated_as, given_as, manifest_digest
from syndicate.model.changes import TAKEDOWNS, Action, ChangeEntry, Charge, Progress
from syndicate.model.item import Item, ItemId, canonical_json
from syndicate.model.parties import Publisher, recipient_id
from syndicate.policy import Clearance, Refusal, clear_with_text
from syndicate.services.changes.change_detector import ChangeDetector, Judged, next_seq
from syndicate.services.changes.partner_snapshot import PartnerSnapshot
from syndicate.services.delivery.associated_media import first, judged_media, media_until
from syndicate.services.delivery.quotas import charges, fitting, links
from syndicate.stamping import (
    ChangesPage,
    Media,
    StampedItem,
    Tombstone,
    make_tombstone,
    stamp,
)
from syndicate.store.protocol import Reads, SequenceUpdate

_log = Logger("syndicate.services")

_MOST_TEXT = 4_000_000
"""Characters of items in one answer, about. Entries behind them come with the next answer."""
_TEXTS_AT_ONCE = 100
"""How many items are read from the store in one query."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer that is not yet recorded as delivered.

    `after` is the cursor of the request, `revision` the change number of the rights it rests on,
    `until` when a decision may change. `update` is what the answer adds to the partner's sequence,
    `manifest` the digest and content of the list that its record names. It was judged by `snapshot`, when
    `last` was the newest number of the partner's sequence.
    """

    page: ChangesPage
    after: int
    revision: int
    until: datetime | None
    charges: tuple[Charge, ...]
    links: tuple[Charge, ...]
    update: SequenceUpdate | None
    manifest: tuple[str, bytes] | None
    snapshot: PartnerSnapshot
    last: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing new, and nothing more to search."""
        return not self.page.entries and not self.page.more

    def still_true(self, change: int, session: Session) -> Page:
        """This empty answer, of which a wait has shown that it is true up to change number `change`."""
        return replace(self, revision=min(session.revision, change))


@dataclass(frozen=True, slots=True)
class _Shown:
    """An entry with the item that goes with it now, and until when that item's verdict holds."""

    entry: ChangeEntry
    item: StampedItem | Tombstone | None = None
    until: datetime | None = None


class _Texts:
    """The items of one answer in their order, read many at a time as they are asked for."""

    def __init__(self, reads: Reads, wanted: Sequence[ItemId]) -> None:
        self._reads, self._wanted = reads, wanted
        self._found: dict[ItemId, Item] = {}
        self._read = 0

    async def of(self, id: ItemId) -> Item | None:
        """The newest version of the item, with its text."""
        while id not in self._found and self._read < len(self._wanted):
            ids = self._wanted[self._read : self._read + _TEXTS_AT_ONCE]
            self._read += len(ids)
            self._found |= await self._reads.newest(ids)
        return self._found.get(id)


class PageBuilder:
    """Make an answer for one partner by its rights in `snapshot`. Reads no clock and writes nothing.

    `revision` is the change number of the rights that the answer rests on.
    """

    def __init__(
        self,
        publisher: Publisher,
        detector: ChangeDetector,
        snapshot: PartnerSnapshot,
        revision: int,
    ) -> None:
        self._publisher, self._detector = publisher, detector
        self._snapshot, self._revision = snapshot, revision

    async def build(self, reads: Reads, progress: Progress, after: int, limit: int) -> Page:
        """Return the entries after the cursor `after`, at most `limit`. See `ChangeService.read`."""
        snapshot, partner = self._snapshot, self._snapshot.partner
        reset = after != 0 and not await reads.knows_cursor(partner.id, after)
        if reset and after > max(progress.last, next_seq(0, snapshot.now)):
            raise CursorUnknown(
                Text(
                    "游标来自将来或另一台服务器；请从 after=0 重新开始",
                    "this cursor is from the future or of another server; begin again with after=0",
                )
            )
        start = 0 if reset else after
        entries = await reads.entries_after(partner.id, start, limit + 1)
        update, more = None, len(entries) > limit
        judged: Mapping[ItemId, Judged] = {}
        if not more:
            additions = await self._detector.additions(reads, snapshot, progress, limit - len(entries))
            update, more, judged = additions.update, additions.more, additions.judged
            entries += update.entries if update is not None else ()
        shown = await self._show(reads, entries[:limit], judged)
        if len(shown) < len(entries[:limit]):
            more, update = True, _shortened(update, progress, shown[-1].entry.seq)
        cursor = shown[-1].entry.seq if shown else start
        if more and not shown and update is not None:
            cursor = next_seq(max(start, update.progress.last), snapshot.now)
            update = replace(update, progress=replace(update.progress, last=cursor), empty_cursor=cursor)
        page = ChangesPage(
            publisher=self._publisher,
            recipient=partner,
            entries=tuple((one.entry, one.item) for one in shown),
            next=cursor,
            more=more,
            reset=reset,
        )
        given = [one.item for one in shown if isinstance(one.item, StampedItem)]
        return Page(
            page=page,
            after=after,
            revision=self._revision,
            until=min((one.until for one in shown if one.until is not None), default=None),
            charges=charges(given, snapshot.now, self._publisher.zone),
            links=links(given, snapshot.now, self._publisher.zone),
            update=update,
            manifest=_manifest(page, given) if shown else None,
            snapshot=snapshot,
            last=progress.last,
        )

    async def _show(
        self, reads: Reads, entries: Sequence[ChangeEntry], judged: Mapping[ItemId, Judged]
    ) -> list[_Shown]:
        """Each entry with its item, as many as fit into one answer; the first one always.

        The item goes with the newest entry that names it, if the partner may have it now and a quota has
        room. Where a quota has none, the entry goes without it: removals behind it must not wait. `judged`
        has verdicts that were reached already.
        """
        newest = {one.item: one.seq for one in entries}
        unknown = [id for id in newest if id not in judged]
        outlines = await reads.outlines(unknown) if unknown else {}
        verdicts = {id: (one, self._snapshot.verdict(one)) for id, one in outlines.items()} | dict(judged)
        texts = _Texts(
            reads,
            [
                entry.item
                for entry in entries
                if newest[entry.item] == entry.seq
                and entry.item in verdicts
                and isinstance(verdicts[entry.item][1], Clearance)
                and _comes_with_item(entry, verdicts[entry.item][0])
            ],
        )
        shown: list[_Shown] = []
        size = 0
        for entry in entries:
            if entry.item not in verdicts or newest[entry.item] != entry.seq:
                shown.append(_Shown(entry))
                continue
            one = await self._with_item(reads, entry, verdicts[entry.item], texts)
            if isinstance(one.item, StampedItem):
                size += _length(one.item)
                if size > _MOST_TEXT and shown:
                    break
            shown.append(one)
        items = [one.item for one in shown if isinstance(one.item, StampedItem)]
        fits = await fitting(reads, charges(items, self._snapshot.now, self._publisher.zone))
        fitting_ids = dict(zip([item.id for item in items], fits, strict=True))
        return [one if fitting_ids.get(one.entry.item, True) else replace(one, item=None) for one in shown]

    async def _with_item(self, reads: Reads, entry: ChangeEntry, judged: Judged, texts: _Texts) -> _Shown:
        """The entry with its item, or with the notice of its recall."""
        outline, verdict = judged
        if isinstance(verdict, Refusal):
            if entry.action is not Action.RECALL:
                return _Shown(entry)
            return _Shown(entry, make_tombstone(outline, verdict, self._snapshot.partner, self._publisher))
        if not _comes_with_item(entry, outline):
            return _Shown(entry)
        text = await texts.of(entry.item)
        media = await self._media(reads, text)
        until = first(verdict.until, None if text is None else media_until(text, media))
        item = self._stamped(verdict, text, media)
        if item is None:
            return _Shown(entry, until=until)
        if entry.note != item.note:
            entry = replace(entry, note=item.note)
        return _Shown(entry, item, until)

    async def _media(self, reads: Reads, story: Item | None) -> Media:
        stories = [] if story is None else [story]
        return await judged_media(
            stories, self._snapshot.verdict, reads, lambda ones: reads.newest([one.id for one in ones])
        )

    def _stamped(self, outline: Clearance, item: Item | None, media: Media) -> StampedItem | None:
        """The item, stamped; None where it may not leave or cannot be stamped."""
        clearance = None if item is None else clear_with_text(outline, item)
        if item is None or clearance is None:
            return None
        try:
            return stamp(clearance, self._publisher, media)
        except Unstampable as error:
            # The entries behind it must still be delivered, recalls above all.
            _log.warning("item_left_out", item=item.id, why=error.text.en)
            return None


def _shortened(update: SequenceUpdate | None, progress: Progress, last: int) -> SequenceUpdate | None:
    """The update without the entries behind number `last`; they are worked out anew for the next answer."""
    if update is None:
        return None
    entries = tuple(one for one in update.entries if one.seq <= last)
    names = {one.item for one in entries}
    return SequenceUpdate(
        update.read,
        replace(progress, last=max([progress.last, *(one.seq for one in entries)])),
        entries,
        held=tuple(one for one in update.held if one.item in names),
    )


def _comes_with_item(entry: ChangeEntry, outline: Item) -> bool:
    """Whether the entry gives the item in the version that is the newest."""
    return entry.action not in TAKEDOWNS and entry.version == outline.version


def _length(item: StampedItem) -> int:
    """Characters of the item, about."""
    return len(item.abstract) + sum(len(block.text) + len(block.html) for block in item.body)


def _manifest(page: ChangesPage, given: Sequence[StampedItem]) -> tuple[str, bytes]:
    """The list of what the answer says and gives: its digest and its canonical JSON."""
    content = canonical_json(
        {
            "recipient": recipient_id(page.recipient),
            "changes": [[one.seq, one.action.value, one.item, one.version] for one, _ in page.entries],
            "items": [given_as(item) for item in given],
            **associated_as(given),
        }
    )
    return manifest_digest(content), content
