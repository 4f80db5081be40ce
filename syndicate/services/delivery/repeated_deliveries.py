"""Deliver again what was delivered before, from memory: what is current is found without waiting.

Nothing here makes an edition, gives a partner something new, or asks the store for anything but to write
the trail line. Where that is not enough the methods return None, and `DeliveryService` delivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cachetools import LRUCache

from syndicate.access.authentication import Session, session_of
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import TokenRejected
from syndicate.model.parties import PUBLIC, PartnerId
from syndicate.model.records import EventTemplate, RepeatedEntry
from syndicate.model.rights import Use
from syndicate.services.audit.audit_writer import AuditWriter, Result, Told
from syndicate.services.delivery.delivery_events import Delivery, RequestContext, delivered_event
from syndicate.services.delivery.editions import CachedEdition, Editions
from syndicate.services.delivery.poll_counter import Poll, PollCounter
from syndicate.store.protocol import Outcome, Pending

ChargedEditions = LRUCache[tuple[PartnerId, str], int]
"""Revision at which an edition was last charged and recorded, by partner and digest with status."""


@dataclass(frozen=True, slots=True)
class CurrentEdition:
    """A cached edition that is current at `now`, and stays current while nothing changes.

    It may be delivered again for `seconds` from `now`, while the generation and the notice of the rights
    stay as they are.
    """

    edition: CachedEdition
    now: datetime
    seconds: float
    generation: int


@dataclass(frozen=True, slots=True)
class CurrentDelivery(CurrentEdition):
    """A `CurrentEdition` of a partner, and the session of the key that asks for it."""

    session: Session


@dataclass(frozen=True, slots=True)
class RepeatedDelivery:
    """An answer that gives nothing new: its partner was given the same at this revision."""

    edition: CachedEdition
    template: EventTemplate
    """Of its trail line."""
    manifest: tuple[str, bytes] | None
    poll: Poll | None
    """What is counted where the answer is a 304 about a feed; None for every other answer."""
    until: datetime
    """When the key expires or the edition may change, whichever comes first."""


class RepeatedDeliveries:
    """What one worker can deliver again."""

    def __init__(
        self,
        rights: RightsCache,
        editions: Editions,
        charged: ChargedEditions,
        writer: AuditWriter,
        polls: PollCounter,
        clock: Clock,
    ) -> None:
        self.rights, self.polls = rights, polls
        self._rights, self._editions, self._charged = rights, editions, charged
        self._writer, self._clock = writer, clock

    def public_feed(self, feed: str) -> CurrentEdition | None:
        """Return the public edition of a feed if it is cached and current. Raises ClockAhead."""
        rights = self._rights.current()
        edition = None if rights is None else self._editions.cached(feed, PUBLIC, None, rights.revision)
        if rights is None or edition is None:
            return None
        now = self._clock()
        until = edition.edition.until
        left = rights.seconds if until is None else (until - now).total_seconds()
        return CurrentEdition(edition, now, min(rights.seconds, left), rights.generation)

    def licensed(
        self, name: str, partner: PartnerId, jti: str, use: Use | None, seq: int
    ) -> CurrentDelivery | None:
        """Return the partner's edition of this feed id or `item:` id, if this key may have it right now.

        None where the store or the signing keys have to be asked: the edition is not cached or not current,
        rights changed after change `seq`, when the key's signature was verified, or the key is not accepted
        any more. None also where a quota is in any of the partner's licences, because the answer says what
        is left of it. Raises ClockAhead.
        """
        rights = self._rights.current()
        if rights is None or rights.register.seq != seq:
            return None
        try:
            session = session_of(partner, jti, rights.register, rights.revision)
        except TokenRejected:
            return None
        licences = rights.register.licences_of(partner)
        if any(grant.quota is not None for licence in licences for grant in licence.grants):
            return None
        edition = self._editions.cached(name, session.partner, use, rights.revision)
        if edition is None:
            return None
        now = self._clock()
        left = (_end_of(edition, session) - now).total_seconds()
        if left <= 0:
            return None
        return CurrentDelivery(edition, now, min(rights.seconds, left), rights.generation, session)

    def repeated(self, current: CurrentDelivery, status: int, format: str) -> RepeatedDelivery | None:
        """Return this answer as one that gives nothing new; None where it may give or confirm something."""
        edition, session = current.edition, current.session
        if self._charged.get((session.partner.id, f"{edition.digest}:{status}")) != edition.revision:
            return None
        poll = _poll(edition, session, format) if status == 304 else None
        partner, jti = session.partner.id, session.key.jti
        context = RequestContext("", "GET", format)
        event = delivered_event(Delivery(edition, partner, jti, partner, session.revision, status, context))
        return RepeatedDelivery(
            edition,
            EventTemplate(partner, event),
            edition.trail_manifest(),
            poll,
            _end_of(edition, session),
        )

    def count_poll(self, repeated: RepeatedDelivery, request_id: str) -> bool:
        """Count this answer if it may leave without a trail record of its own. Raises ClockAhead.

        It is a 304 about a feed, and the change notice, which was read for this request, is exact: nothing
        was taken away that its maker was told is done.
        """
        if repeated.poll is None or not self.polls.open:
            return False
        self.polls.count(repeated.poll, repeated.edition, request_id)
        return True

    def submit_repeated(self, repeated: RepeatedDelivery, request_id: str, told: Told) -> bool:
        """Begin to write the trail line of one more such answer to a GET. False where its time is over.

        The answer may leave if `was_written` says so of what is told. Raises ClockAhead.
        """
        now = self._clock()
        if now >= repeated.until:
            return False
        entry = RepeatedEntry(now, request_id, repeated.template)
        self._writer.submit_for(Pending(entry, repeated.edition.revision, repeated.manifest), told)
        return True

    def was_written(self, result: Result) -> bool:
        """Whether this lets the answer leave. After STALE the rights are read again."""
        if result is Outcome.STALE:
            self._rights.expire()
            self._charged.clear()
        written = result is Outcome.WRITTEN
        if written:
            self.polls.recovered()
        return written


def _poll(edition: CachedEdition, session: Session, format: str) -> Poll | None:
    feed, use = edition.edition.feed, edition.use
    if feed is None:
        return None
    named = "" if use is None else use.value
    return Poll(session.partner.id, session.key.jti, feed.id, format, named, edition.digest)


def _end_of(edition: CachedEdition, session: Session) -> datetime:
    """When this edition may change or the key expires. A token names whole seconds."""
    expires = session.key.expires.replace(microsecond=0)
    until = edition.edition.until
    return expires if until is None else min(until, expires)
