"""Explain why a recipient may have an item or not: now or at another time, by the records of any time.

Rights are superseded and never overwritten, so every question has two times: the time that the answer
applies to, and the time whose records it is judged by.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from syndicate.access.rights_cache import Clock
from syndicate.errors import Conflict, Fault, Faulty, NotYetKnown, Unknown
from syndicate.language import Text
from syndicate.model.events import Event, ItemIngested, PartnerAdded
from syndicate.model.item import Item, ItemId
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId, Publisher, Recipient
from syndicate.model.records import Line
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Use
from syndicate.policy import Clearance, Refusal, Verdict
from syndicate.services.audit.past_state import Known, has_file, recipient_in, same
from syndicate.services.audit.quota_use import QuotaUse, quota_use
from syndicate.services.audit.recorded_decision import Decided, decided
from syndicate.services.rights.licence_trial import Trial, Trying, stand_in
from syndicate.store.protocol import Store

_PARTNER, _ITEM, _FILE = Text("授权媒体", "partner"), Text("稿件", "item"), Text("媒体文件", "file")


@dataclass(frozen=True, slots=True)
class MediaExplained:
    """A picture, sound or film of a story, and the verdict about it for the same recipient and use.

    `place` is the number of body blocks that stand before it. `renditions` are the files that may be had.
    """

    item: Item
    place: int
    verdict: Verdict
    renditions: tuple[RenditionName, ...]


def _files_of(item: Item, verdict: Verdict) -> tuple[RenditionName, ...]:
    """The files of a media item that a verdict gives, as the item has them."""
    if isinstance(verdict, Refusal):
        return ()
    return tuple(
        one.name
        for one in item.renditions
        if one.name in verdict.renditions and one.stamped_size is not None
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict and the question that it answers, for staff.

    `at` is the time it applies to, `known` the time whose records it was judged with; `register`
    and `item` are those records. `until` is when the answer will change if nobody does anything; None if
    it never will. (A verdict's own `until` is when it has to be asked again.) `now` is what would
    be said of the same time with what is on record today, where that differs.

    `obstacles` lists every refusal in the way, the verdict first; empty where the verdict is a clearance.
    `quota` is the count that a request would be charged to, also where only a hold or a suspension stands
    in the way; None where no quota applies. The policy does not count: a clearance whose quota is
    exceeded is answered 429 all the same, so `allowed` is the whole answer.

    With `rendition` it is about that file. `media` are the pictures, sounds and films of a story.
    """

    verdict: Verdict
    recipient: Recipient
    item: Item
    use: Use | None
    at: datetime
    known: datetime
    register: Register
    until: datetime | None
    now: Verdict | None
    obstacles: tuple[Refusal, ...]
    quota: QuotaUse | None
    present: bool
    """Whether the question was about now, or later, with what is on record now."""
    rendition: RenditionName | None
    media: tuple[MediaExplained, ...]

    @property
    def renditions(self) -> tuple[RenditionName, ...]:
        """The files of a media item that may be had."""
        return _files_of(self.item, self.verdict)

    @property
    def allowed(self) -> bool:
        """Whether a request at this time is answered with the item."""
        return isinstance(self.verdict, Clearance) and not self.quota_exceeded

    @property
    def quota_exceeded(self) -> bool:
        """Whether the item does not fit into its quota any more."""
        return self.quota is not None and self.quota.exceeded


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision of the trail, and the policy's verdict when judged again; None if there was no item."""

    decided: Decided
    verdict: Verdict | None

    @property
    def agrees(self) -> bool:
        """Whether the recorded decision and the new verdict agree."""
        return self.decided.agrees(self.verdict)


@dataclass(frozen=True, slots=True)
class Replay:
    """The decisions of one trail line, repeated."""

    line: Line
    partner: PartnerId
    decisions: tuple[Replayed, ...]

    @property
    def agrees(self) -> bool:
        """Whether every decision agrees with its new verdict."""
        return all(one.agrees for one in self.decisions)


class ExplanationService:
    """Explain and replay decisions; write nothing. Raises Unknown, Conflict, Faulty, StoreFault."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock

    async def explain(
        self,
        partner: str,
        item: ItemId,
        use: Use | None,
        at: datetime | None = None,
        known: datetime | None = None,
        rendition: RenditionName | None = None,
    ) -> Explanation:
        """Return the policy's verdict on a partner, an item and a use, now or at `at`.

        `partner` may be `public`; without a use, the first use that is granted counts. A past time is
        judged by the records of that time, a future time by those of now; `known` selects the records of
        another time. With `rendition` it is about that file of the item. Raises Unknown for a partner,
        item or file that does not exist, NotYetKnown for one that was not on record then, Faulty (field
        `known`) for a time of records that is in the future.
        """
        now = self._clock()
        at = now if at is None else at
        if known is not None and known > now:
            raise Faulty("known", [_NOT_YET])
        then = min(at, now) if known is None else known
        register, found = await self._store.register(), await self._store.item(item)
        recipient = recipient_in(register, partner)
        if recipient is None:
            raise Unknown(_PARTNER, partner)
        if found is None:
            raise Unknown(_ITEM, item)
        present = Known(register, found, recipient)
        past = present if then == now else await self._at(partner, item, then)
        if rendition is not None and not has_file(past.item, rendition):
            raise Unknown(_FILE, f"{item} {rendition}")
        verdict, newer = past.verdict(use, at, rendition), present.verdict(use, at, rendition)
        obstacles, clearance = past.obstacles(use, at, rendition)
        quota = None
        if clearance is not None:
            on_record = None if then == now else then
            quota = await quota_use(self._store, clearance, at, on_record, self._publisher.zone)
        until = past.turn(use, at, rendition)
        if quota is not None and quota.exceeded and isinstance(verdict, Clearance):
            until = quota.period.ends if until is None else min(until, quota.period.ends)
        return Explanation(
            verdict=verdict,
            recipient=past.recipient,
            item=past.item,
            use=use,
            at=at,
            known=then,
            register=past.register,
            until=until,
            now=None if same(verdict, newer) else newer,
            obstacles=tuple(obstacles),
            quota=quota,
            present=then == now,
            rendition=rendition,
            media=tuple([one async for one in self._media(past, use, at, None if then == now else then)]),
        )

    async def _media(
        self, story: Known, use: Use | None, at: datetime, then: datetime | None
    ) -> AsyncIterator[MediaExplained]:
        """The media of a story, in order, by what was on record at `then` (None: now)."""
        line = None if then is None else await self._store.line_at(then)
        for link in story.item.associations:
            item = await (
                self._store.item(link.item) if line is None else self._store.item_at(link.item, line)
            )
            if item is not None:
                verdict = replace(story, item=item).verdict(use, at)
                yield MediaExplained(item, link.place, verdict, _files_of(item, verdict))

    async def replay(self, seq: int) -> Replay:
        """Repeat the decisions of trail line `seq`, at its time and by the records before it.

        Raises Unknown for a line that does not exist, Conflict (`no_decision`) for one that decided nothing
        about an item.
        """
        lines = await self._store.lines(after=seq - 1, limit=1)
        if not lines or lines[0].seq != seq:
            raise Unknown(Text("审计记录", "line of the trail"), str(seq))
        line = lines[0]
        partner: str | None = getattr(line.entry.event, "partner", None)
        decisions = await decided(self._store, line.entry.event)
        if partner is None or not decisions:
            kind = line.entry.event.kind
            text = Text(
                f"第 {seq} 条（{kind}）没有记录对任何稿件的决定",
                f"line {seq} ({kind}) records no decision about an item",
            )
            raise Conflict(text, code="no_decision")
        register = await self._store.register_at(seq - 1)
        recipient = register.partners.get(PartnerId(partner))
        replayed = []
        for one in decisions:
            item = await self._store.item_at(one.item, seq - 1)
            known = None if item is None or recipient is None else Known(register, item, recipient)
            verdict = None if known is None else known.verdict(one.asked, line.entry.at, one.rendition)
            missing = item is not None and one.rendition is not None and not has_file(item, one.rendition)
            if isinstance(verdict, Clearance) and missing:
                verdict = None
            replayed.append(Replayed(one, verdict))
        return Replay(line, PartnerId(partner), tuple(replayed))

    async def try_licence(
        self,
        draft: Licence,
        since: datetime,
        instead_of: str | None = None,
        told: Callable[[int], None] = lambda _count: None,
    ) -> Trial:
        """Return which answers since this time the draft would have changed for its partner.

        It stands in for the licence with its number, for `instead_of`, or else for all that the partner
        has, and counts as begun. `told` is called with the number of lines gone by. Raises Unknown for a
        licence there is not, Conflict for one of another partner. Nothing is written.
        """
        instead = stand_in(draft, await self._store.register(), instead_of)
        trying = Trying(self._store, self._publisher, draft, since, instead)
        first = await self._store.line_at(since)
        return await trying.walk(first, told)

    async def _at(self, partner: str, item: ItemId, then: datetime) -> Known:
        """Return what was on record at this time. Raises NotYetKnown."""
        line = await self._store.line_at(then)
        register = await self._store.register_at(line)
        recipient = recipient_in(register, partner)
        zone = self._publisher.zone
        if recipient is None:
            since = await self._since(PartnerAdded, partner=PartnerId(partner))
            raise NotYetKnown(_PARTNER, partner, then.astimezone(zone), since.astimezone(zone))
        found = await self._store.item_at(item, line)
        if found is None:
            since = await self._since(ItemIngested, item=item)
            raise NotYetKnown(_ITEM, item, then.astimezone(zone), since.astimezone(zone))
        return Known(register, found, recipient)

    async def _since(
        self, kind: type[Event], *, partner: PartnerId | None = None, item: ItemId | None = None
    ) -> datetime:
        """The time of the first record of this kind about somebody or something that is on record."""
        first = await self._store.lines(limit=1, partner=partner, item=item, kinds=(kind.kind,))
        if first:
            return first[0].entry.at
        raise Unknown(_PARTNER if item is None else _ITEM, str(partner if item is None else item))


_NOT_YET = Fault(
    "known_in_future",
    "known",
    Text("那一刻还没有到，届时会知道什么尚不可知", "expected a time that is not in the future"),
)
