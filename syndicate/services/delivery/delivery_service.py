"""The front desk: what readers and partners ask for. One decision, one stamp, one line in the trail.

A licensed answer goes three steps: it is judged here, rendered outside, and leaves only when `deliver`
has written its line. A line that was judged before the last change of rights is not written, so a key
revoked or a licence ended in between stops the answer, whichever worker holds it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from cachetools import LRUCache

from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import NotLicensed, QuotaExceeded, Recalled, TokenRejected, Unknown
from syndicate.language import Text
from syndicate.model.events import (
    EditionDelivered,
    Event,
    ItemDelivered,
    KeyRejected,
    LicenceShown,
    ReleaseRefused,
)
from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.holds import Recall
from syndicate.model.item import ItemId
from syndicate.model.parties import PUBLIC, Partner, PartnerId, Publisher, Recipient
from syndicate.model.records import Entry
from syndicate.model.register import Key
from syndicate.model.rights import Licence, Use
from syndicate.policy import Refusal
from syndicate.policy.reasons import HIDDEN, REASONS, RECALLS, Reason
from syndicate.services.audit.audit_writer import AuditWriter
from syndicate.services.delivery.editions import CachedEdition, Editions
from syndicate.services.delivery.quotas import Quotas
from syndicate.store.protocol import Outcome, Pending, Store

_REJECTIONS_A_MINUTE = 60
"""Rejections of one key, or of all that were never ours, that are written one by one; the rest are
counted, so that nobody can fill the trail."""


@dataclass(frozen=True, slots=True)
class Session:
    """A partner that showed a good key, as the register knew it at change `judged`."""

    partner: Partner
    jti: str
    judged: int


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The circumstances of one request that its line in the trail names."""

    request: str
    method: str
    format: str


class DeliveryService:
    """One per worker. Raises NotLicensed, Unknown, TokenRejected, StoreFault."""

    def __init__(self, store: Store, publisher: Publisher, standing: RightsCache, clock: Clock) -> None:
        self._store, self._publisher, self._standing, self._clock = store, publisher, standing, clock
        self._feeds = feeds_of(publisher)
        self._pen = AuditWriter(store)
        self.quotas = Quotas(store, publisher, clock)
        self.editions = Editions(store, publisher, self.quotas, clock)
        self._counted: LRUCache[tuple[PartnerId, str], int] = LRUCache(10_000)
        self._minute: datetime | None = None
        self._rejections: Counter[str] = Counter()
        self._uncounted: Counter[str] = Counter()

    @property
    def feeds(self) -> dict[str, Feed]:
        """Every feed by its id."""
        return self._feeds

    async def admit(self, partner: PartnerId, jti: str) -> Session:
        """Let a key with a good signature in, or not: it must be known, its partner's, and in force.

        Raises TokenRejected with key_revoked, partner_suspended or token_invalid.
        """
        register, judged = await self._standing.read()
        key = register.keys.get(jti)
        if key is None or key.partner != partner:
            raise TokenRejected("token_invalid", "no such key was issued", partner=partner, jti=jti)
        known = register.partners.get(partner)
        if known is None:
            raise TokenRejected("token_invalid", "no such partner", partner=partner, jti=jti)
        if key.revoked is not None:
            raise TokenRejected("key_revoked", "the key was revoked", partner=partner, jti=jti)
        if known.suspended is not None:
            raise TokenRejected("partner_suspended", "the partner is suspended", partner=partner, jti=jti)
        return Session(known, jti, judged)

    async def public_feed(self, feed: str) -> CachedEdition:
        """The public's edition of a feed: headline, abstract, stamp."""
        register, judged = await self._standing.read()
        return await self.editions.of_feed(self._feed(feed), PUBLIC, None, register, judged)

    def kept_public_feed(self, feed: str) -> CachedEdition | None:
        """The public's edition of a feed if it is at hand and still holds; never waits."""
        judged = self._standing.known()
        return None if judged is None else self.editions.kept(feed, PUBLIC, None, judged)

    async def licensed_feed(self, feed: str, caller: Session, use: Use | None) -> CachedEdition:
        """The partner's edition of a feed: what its licences cover, and nothing else."""
        known = self._feed(feed)
        register, judged = await self._standing.read()
        return await self.editions.of_feed(known, caller.partner, use, register, judged)

    async def public_item(self, item: ItemId) -> CachedEdition:
        """One item as the public may have it. Raises Unknown for all that the public may not know."""
        return await self._item(item, PUBLIC, None)

    async def licensed_item(self, item: ItemId, caller: Session, use: Use | None) -> CachedEdition:
        """One item as the partner may have it.

        Raises NotLicensed with reason and clause; Unknown where nobody may know that it exists.
        """
        return await self._item(item, caller.partner, use)

    async def licence_of(self, caller: Session) -> tuple[tuple[Licence, ...], list[Key]]:
        """The partner's own licences and keys."""
        register, _ = await self._standing.read()
        return register.licences_of(caller.partner.id), await self._store.keys(caller.partner.id)

    async def licences_of(self, caller: Session) -> tuple[Licence, ...]:
        """The partner's own licences."""
        register, _ = await self._standing.read()
        return register.licences_of(caller.partner.id)

    async def deliver(
        self, served: CachedEdition, caller: Session, status: int, asked: RequestContext
    ) -> bool:
        """Write the line for an answer that is about to leave. False: judge it again.

        An answer is judged by the older of the moments at which the key and the content were judged.
        Raises QuotaExceeded for an item that its quota does not allow any more.
        """
        if served.edition.until is not None and self._clock() >= served.edition.until:
            return False
        # What was counted once is counted, and what was given is held, until something changes: it may have
        # been taken back meanwhile. A 304 or the answer to a HEAD gives nothing.
        # By status: what a 304 looked at was given by none, and a body behind it still counts.
        name = (caller.partner.id, f"{served.digest}:{status}")
        counted = self._counted.get(name) == served.judged
        gives = status == 200 and asked.method != "HEAD" and not counted
        confirms = status == 304 and not counted
        items = self.quotas.charges(served.edition.items) if gives or confirms else ()
        pending = Pending(
            self._entry(caller, _delivered(served, caller, status, asked)),
            min(caller.judged, served.judged),
            served.kept(),
            items if gives else (),
            items if confirms else (),
        )
        outcome = await self._write(pending)
        if outcome is Outcome.WRITTEN:
            self._counted.update({name: served.judged} if gives or confirms else {})
        elif outcome is Outcome.STALE:
            self._counted.clear()
        elif served.edition.feed is None:
            raise self.quotas.exceeded(served.edition.items[0])
        else:
            # Others have used the quota meanwhile: the feed is made anew with what is left of it.
            self.editions.forget(served)
        return outcome is Outcome.WRITTEN

    async def show_licence(self, caller: Session, asked: RequestContext) -> bool:
        """Write the line for the partner's look at its own licence. False: judge it again."""
        event = LicenceShown(caller.partner.id, caller.jti, asked.request)
        return await self._write(Pending(self._entry(caller, event), caller.judged)) is Outcome.WRITTEN

    async def tell(self, pending: Pending) -> Outcome:
        """Write the line for an answer of the change sequence, with what it tells."""
        return await self._write(pending)

    async def refuse(
        self,
        caller: Session,
        subject: str,
        use: Use | None,
        refusal: NotLicensed | Unknown | Recalled | QuotaExceeded,
        asked: RequestContext,
    ) -> None:
        """Write the line for a refusal to a known partner: also for what it may not know to exist, and
        in the same way for what does not, so that the two cannot be told apart by the time they take."""
        event = ReleaseRefused(
            partner=caller.partner.id,
            jti=caller.jti,
            subject=subject,
            use=use.value if use is not None else "",
            reason=_reason(refusal),
            clause=None if isinstance(refusal, Unknown) else refusal.clause,
            request=asked.request,
        )
        await self._pen.write(Pending(self._entry(caller, event)))

    async def reject(self, rejected: TokenRejected, asked: RequestContext) -> None:
        """Write the line for a key that did not open; floods of forged ones are counted instead."""
        times = self._times(rejected)
        if times == 0:
            return
        event = KeyRejected(
            code=rejected.code,
            detail=rejected.detail,
            partner=rejected.partner,
            jti=rejected.jti,
            times=times,
            request=asked.request,
        )
        await self._pen.write(Pending(Entry(self._clock(), rejected.partner or "unknown", event)))

    async def rights_changed(self) -> int:
        """A number that differs after a change of rights: partners, agreements, keys, signing keys."""
        register, _ = await self._standing.read()
        return register.seq

    async def close(self) -> None:
        """Wait until every line is written."""
        await self._pen.flush()

    async def ready(self) -> None:
        """Raise a StoreFault unless the store answers."""
        self._standing.forget()
        await self._standing.read()

    async def _item(self, item: ItemId, recipient: Recipient, use: Use | None) -> CachedEdition:
        register, judged = await self._standing.read()
        verdict = await self.editions.of_item(item, recipient, use, register, judged)
        if verdict is None:
            raise Unknown(Text("稿件", "item"), item)
        if isinstance(verdict, Refusal):
            if verdict.recall is not None:
                raise _recalled(verdict, verdict.recall)
            if recipient == PUBLIC or verdict.reason in HIDDEN:
                raise Unknown(Text("稿件", "item"), item, reason=verdict.reason.value)
            raise NotLicensed(verdict.reason.value, verdict.clause, REASONS[verdict.reason])
        return verdict

    def _feed(self, feed: str) -> Feed:
        known = self._feeds.get(feed)
        if known is None:
            raise Unknown(Text("订阅源", "feed"), feed, code="unknown_feed")
        return known

    def _entry(self, caller: Session, event: Event) -> Entry:
        return Entry(self._clock(), caller.partner.id, event)

    async def _write(self, pending: Pending) -> Outcome:
        outcome = await self._pen.write(pending)
        if outcome is Outcome.STALE:
            self._standing.forget()
        return outcome

    def _times(self, rejected: TokenRejected) -> int:
        """How many rejections the line stands for; 0 where there is to be no line now.

        Each key that was ours has its own count, all that were not share one.
        """
        minute = self._clock().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._rejections.clear()
        whose = rejected.jti or ""
        self._rejections[whose] += 1
        if self._rejections[whose] > _REJECTIONS_A_MINUTE:
            self._uncounted[whose] += 1
            return 0
        return 1 + self._uncounted.pop(whose, 0)


def _recalled(refusal: Refusal, recall: Recall) -> Recalled:
    text = RECALLS[recall.reason]
    return Recalled(recall.reason.value, recall.at, text, clause=refusal.clause)


def _reason(refusal: NotLicensed | Unknown | Recalled | QuotaExceeded) -> str:
    """Why, in the trail's words. A recall is one reason of the policy, whatever was behind it."""
    match refusal:
        case Recalled():
            return Reason.RECALLED.value
        case QuotaExceeded(code=code):
            return code
        case _:
            return refusal.reason


def _delivered(served: CachedEdition, caller: Session, status: int, asked: RequestContext) -> Event:
    edition = served.edition
    if edition.feed is not None:
        return EditionDelivered(
            partner=caller.partner.id,
            jti=caller.jti,
            feed=edition.feed.id,
            format=asked.format,
            use=served.use.value if served.use is not None else "",
            edition=served.digest,
            status=status,
            method=asked.method,
            request=asked.request,
        )
    item = edition.items[0]
    return ItemDelivered(
        partner=caller.partner.id,
        jti=caller.jti,
        item=item.id,
        version=item.version,
        use=item.use.value,
        clause=item.clause,
        status=status,
        method=asked.method,
        request=asked.request,
        mandate=item.mandate,
    )
