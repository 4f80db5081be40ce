"""Count answers that say a feed has not changed, and write the counts into the trail within a second.

Such an answer (304) to the same request gives nothing and confirms nothing new: it need not wait for a
trail record of its own. See decision 0022.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from syndicate.access.rights_cache import Clock
from syndicate.errors import ClockAhead
from syndicate.model.events import EditionPolled
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry
from syndicate.services.audit.audit_writer import AuditWriter
from syndicate.services.delivery.editions import CachedEdition
from syndicate.store.protocol import Outcome, Pending, Store

_log = structlog.get_logger("syndicate.services")

_WRITE_AFTER = 0.5
"""Seconds from the first poll that is counted to the record that says how many there were."""


class Poll(NamedTuple):
    """What is polled: an edition of a feed in a format, with one key."""

    partner: PartnerId
    jti: str
    feed: str
    format: str
    use: str
    edition: str


@dataclass(slots=True)
class _Count:
    """How often something was polled since its last record, from when on, and the newest request."""

    edition: CachedEdition
    since: datetime
    times: int
    request: str


class PollCounter:
    """The polls of one worker that are not in the trail yet: half a second of them, at most."""

    def __init__(self, store: Store, writer: AuditWriter, clock: Clock) -> None:
        self._store, self._writer, self._clock = store, writer, clock
        self._counts: dict[Poll, _Count] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._failing = False

    @property
    def open(self) -> bool:
        """Whether polls may be counted: the notice is exact, and the last counts were written.

        Where they are not, each answer needs a record of its own, which also finds out whether records
        can be written again.
        """
        return self._store.notice_is_exact and not self._failing

    def count(self, poll: Poll, edition: CachedEdition, request: str) -> None:
        """Count one poll. Raises ClockAhead."""
        count = self._counts.get(poll)
        if count is None:
            count = self._counts[poll] = _Count(edition, self._clock(), 0, request)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_WRITE_AFTER, self._write)
        count.times += 1
        count.request = request

    def recovered(self) -> None:
        """Count again from now on: a record was written after all."""
        self._failing = False

    async def flush(self) -> None:
        """Write all counts, and wait until they are durable. What cannot be written is lost, and logged."""
        if self._timer is not None:
            self._write()
        await self._writer.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            _log.error("polls_lost", times=sum(count.times for count in self._counts.values()))

    def _write(self) -> None:
        self._timer = None
        counts, self._counts = self._counts, {}
        for poll, count in counts.items():
            try:
                entry = Entry(self._clock(), poll.partner, _event(poll, count))
            except ClockAhead:
                self._again(poll, count)
                continue
            # It judges nothing: it says what was answered.
            line = self._writer.submit(Pending(entry, None, count.edition.trail_manifest()))
            line.add_done_callback(lambda line, poll=poll, count=count: self._written(line, poll, count))  # type: ignore[misc]

    def _written(self, line: asyncio.Future[Outcome], poll: Poll, count: _Count) -> None:
        if line.cancelled() or line.exception() is not None:
            self._again(poll, count)
        else:
            self._failing = False

    def _again(self, poll: Poll, count: _Count) -> None:
        """Keep what could not be written, and try again."""
        self._failing = True
        newer = self._counts.get(poll)
        if newer is not None:
            count.times, count.request = count.times + newer.times, newer.request
        self._counts[poll] = count
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WRITE_AFTER, self._write)


def _event(poll: Poll, count: _Count) -> EditionPolled:
    return EditionPolled(
        partner=poll.partner,
        jti=poll.jti,
        feed=poll.feed,
        format=poll.format,
        use=poll.use,
        edition=poll.edition,
        since=count.since.isoformat(),
        times=count.times,
        request=count.request,
    )
