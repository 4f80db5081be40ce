"""Hold waiting requests for changes, and wake those whose change sequence may have grown.

One timer a worker looks at the change notice, some times a second, for all of them. While nothing happens
the store is asked once a second whether that is so. After a change a task reads once what changed, and
judges it for each partner that waits: a request is woken only where it may find something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import SyndicateError
from syndicate.logger import Logger
from syndicate.model.changes import Progress
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.register import Key, Register
from syndicate.policy import Clearance
from syndicate.policy.coverage import Reach, reach
from syndicate.policy.reasons import Reason
from syndicate.services.changes.change_detector import REFRESH
from syndicate.services.changes.page_builder import Page
from syndicate.services.changes.partner_snapshot import PartnerSnapshot, relevant_mandates
from syndicate.store.protocol import Store

_LOOK_SECONDS = 0.1
"""How often the timer looks at the change notice and at the clock."""
_LOOKS_A_SECOND = round(1 / _LOOK_SECONDS)
_MOST_CHANGED = 500
"""With more items changed since the last look, every request is woken instead."""
_VERDICTS_AT_ONCE = 200
"""Verdicts after which other tasks have their turn."""
_PARKED_SECONDS = 10.0
"""How long the watch goes on for a request that waited in vain."""
_SETTLING = timedelta(seconds=3)
"""How long after a transition an answer that was judged before it may still be recorded."""

_log = Logger("syndicate.services")


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that waits, and up to where it is known that nothing new concerns it.

    `page` is its empty answer, `due` the next time at which something changes by itself. `is_over` says
    that the client has gone or the worker stops. `change` and `register` move on with every look that
    found nothing.
    """

    page: Page
    key: Key
    due: datetime | None
    is_over: Callable[[], bool]
    future: asyncio.Future[bool]
    change: int
    register: Register
    reach: Reach | None
    ages: tuple[set[timedelta], set[timedelta]]

    @property
    def snapshot(self) -> PartnerSnapshot:
        """What the empty answer was judged by."""
        return self.page.snapshot

    @property
    def partner(self) -> PartnerId:
        """The partner that waits."""
        return self.snapshot.partner.id

    @property
    def place(self) -> tuple[PartnerId, int]:
        """The partner, and the cursor behind which there is nothing."""
        return self.partner, self.page.after

    def end(self, *, read_again: bool) -> None:
        """End the wait; `read_again`: there may be something new."""
        if not self.future.done():
            self.future.set_result(read_again)

    def same_rights(self, register: Register) -> bool:
        """Whether key, partner and agreements are in this register what they were in the one before."""
        if register is self.register:
            return True
        licences = register.licences_of(self.partner)
        return (
            register.keys.get(self.key.jti) == self.key
            and register.partners.get(self.partner) == self.snapshot.partner
            and licences == self.register.licences_of(self.partner)
            and (
                register.mandates == self.register.mandates
                or relevant_mandates(register.mandates, licences)
                == relevant_mandates(self.register.mandates, licences)
            )
        )

    def may_reach(self, item: Item) -> bool:
        """Whether any grant of the partner names such items."""
        return self.reach is not None and item in self.reach

    def next_transition(self, item: Item, now: datetime) -> datetime | None:
        """The next time at which the item's verdict may change by itself."""
        published, available = self.ages
        times = [item.published + age for age in published]
        times += [item.available + age for age in available]
        if item.holds.exclusive is not None:
            times.append(item.holds.exclusive.until)
        return min((time for time in times if time > now), default=None)


class ChangeWatcher:
    """The waiting requests of one worker."""

    def __init__(self, store: Store, rights_cache: RightsCache, clock: Clock) -> None:
        self._store, self._rights_cache, self._clock = store, rights_cache, clock
        self._waiters: set[Waiter] = set()
        self._parked: dict[tuple[PartnerId, int], Waiter] = {}
        """Of `_waiters`, those whose request has been answered."""
        self._due: list[tuple[datetime, int, Waiter]] = []
        self._numbers = count()
        self._settling: dict[PartnerId, datetime] = {}
        self._change: int | None = None
        self._register: Register | None = None
        """The change number and the register up to which every request was judged; None: they differ."""
        self._timer: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._looking: asyncio.Task[None] | None = None

    async def wait(
        self,
        page: Page,
        key: Key,
        due: datetime | None,
        until: float,
        is_over: Callable[[], bool],
    ) -> int | None:
        """Wait until there may be something new for the partner, until event-loop time `until` at most.

        For a request whose answer `page` was empty. Returns the change number up to which that answer is
        still true, or None where the sequence must be read again.
        """
        snapshot, loop = page.snapshot, asyncio.get_running_loop()
        times = [due, self._settling.get(snapshot.partner.id)]
        waiter = Waiter(
            page=page,
            key=key,
            due=min((time for time in times if time is not None and time > snapshot.now), default=None),
            is_over=is_over,
            future=loop.create_future(),
            change=snapshot.change,
            register=snapshot.register,
            reach=reach(snapshot.partner, snapshot.register.mandates, snapshot.licences, snapshot.now),
            ages=snapshot.transition_ages(),
        )
        parked = self.parked(page)
        if parked is not None:
            waiter.change, waiter.register = parked.change, parked.register
        timer = loop.call_at(until, lambda: waiter.end(read_again=False))
        self._add(waiter)
        try:
            read_again = await waiter.future
            if read_again or self._is_due(waiter):
                return None
            self._park(waiter)
            return waiter.change
        finally:
            timer.cancel()
            self._remove(waiter)

    def parked(self, page: Page) -> Waiter | None:
        """The wait that ended in vain behind this very page, if it is still known to be true."""
        parked = self._parked.get((page.snapshot.partner.id, page.after))
        return parked if parked is not None and parked.page.snapshot is page.snapshot else None

    async def known_empty(self, session: Session, after: int) -> Page | None:
        """The empty answer of the partner's last wait behind this cursor, if nothing has happened since.

        A client that waited in vain asks again at once. Up to ten seconds after a wait the watch goes on
        for it, so its next answer, or wait, begins without a search. None: the sequence must be read.
        """
        parked = self._parked.get((session.partner.id, after))
        if parked is None:
            return None
        _, change = await self._rights_cache.read()
        age = abs(self._clock() - parked.snapshot.now)
        if (
            parked.future.done()
            or parked.change != change
            or parked.snapshot.partner != session.partner
            or self._is_due(parked)
            or age >= REFRESH  # so that the watermarks move on
        ):
            return None
        return replace(parked.page, update=None).still_true(change, session)

    def close(self) -> None:
        """End every wait. Those who waited are answered as at the end of their time."""
        for waiter in self._waiters:
            waiter.end(read_again=False)

    def _is_due(self, waiter: Waiter) -> bool:
        return waiter.due is not None and self._clock() >= waiter.due

    def _park(self, waiter: Waiter) -> None:
        """Watch on for a request that waited in vain."""
        loop = asyncio.get_running_loop()
        parked = replace(waiter, future=loop.create_future(), is_over=lambda: False)
        timer = loop.call_later(_PARKED_SECONDS, lambda: parked.end(read_again=False))

        def leave(_: asyncio.Future[bool]) -> None:
            timer.cancel()
            if self._parked.get(parked.place) is parked:
                del self._parked[parked.place]
            self._remove(parked)

        parked.future.add_done_callback(leave)
        before = self._parked.get(parked.place)
        if before is not None:
            before.end(read_again=False)
        self._parked[parked.place] = parked
        self._add(parked)

    def _add(self, waiter: Waiter) -> None:
        if not self._waiters:
            self._change, self._register = waiter.change, waiter.register
        elif self._change != waiter.change or self._register is not waiter.register:
            self._change = None  # look at once: it was judged at another change than the others
        self._waiters.add(waiter)
        self._schedule(waiter)
        if self._timer is None:
            self._set_timer()

    def _remove(self, waiter: Waiter) -> None:
        self._waiters.discard(waiter)
        if not self._waiters:
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._looking is not None:
                self._looking.cancel()
                self._looking = None

    def _schedule(self, waiter: Waiter) -> None:
        if waiter.due is not None:
            heappush(self._due, (waiter.due, next(self._numbers), waiter))

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Wake whose time has come, and begin to look where something may have happened.

        A plain callback, not a task that sleeps: it runs ten times a second, also while nothing happens.
        """
        self._set_timer()
        if self._looking is not None:
            return
        try:
            self._wake_due()
            if self._ticks % _LOOKS_A_SECOND == 0:
                self._end_those_over()
            self._ticks += 1
            if self._change is not None and self._rights_cache.current_revision() == self._change:
                return
        except Exception as error:  # noqa: BLE001  (see `_give_up`)
            self._give_up(error)
            return
        self._looking = asyncio.get_running_loop().create_task(self._look_once())

    async def _look_once(self) -> None:
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001  (see `_give_up`)
            self._give_up(error)
        finally:
            if self._looking is asyncio.current_task():
                self._looking = None

    def _give_up(self, error: Exception) -> None:
        """Wake everybody: nobody else would.

        After an expected error whoever waited meets the same when it reads, and answers with it.
        """
        if not isinstance(error, SyndicateError):
            _log.error("change_watch_failed", exc_info=error)
        self._wake(self._waiters)

    def _wake(self, waiters: set[Waiter] | Sequence[Waiter]) -> None:
        for waiter in waiters:
            waiter.end(read_again=True)

    def _wake_due(self) -> None:
        """Wake every request whose next transition has come."""
        if not self._due:
            return
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            due, _, waiter = heappop(self._due)
            if waiter.due == due and waiter in self._waiters:
                if self._settling.get(waiter.partner) != due:
                    self._settling[waiter.partner] = now + _SETTLING
                waiter.end(read_again=True)

    def _end_those_over(self) -> None:
        for waiter in self._waiters:
            if waiter.is_over():
                waiter.end(read_again=False)

    async def _look(self) -> None:
        """Read what changed since the last look, and wake whom it may concern."""
        register, change = await self._rights_cache.read()
        if change == self._change and register is self._register:
            return
        now = self._clock()
        behind = []
        for waiter in self._waiters:
            if change < waiter.change or not waiter.same_rights(register):
                waiter.end(read_again=True)  # a smaller number: the database was restored from a backup
            elif waiter.change < change and not waiter.future.done():
                behind.append(waiter)
            else:
                waiter.register = register
        if behind:
            await self._judge(behind, register, change, now)
        together = all(one.change == change for one in self._waiting())
        self._change, self._register = (change, register) if together else (None, None)

    def _waiting(self) -> list[Waiter]:
        return [waiter for waiter in self._waiters if not waiter.future.done()]

    async def _judge(
        self, waiters: Sequence[Waiter], register: Register, change: int, now: datetime
    ) -> None:
        """Judge for these requests what changed since each of them was looked at."""
        after = min(waiter.change for waiter in waiters)
        changed = await self._store.changed_since(after, _MOST_CHANGED + 1)
        if len(changed) > _MOST_CHANGED:
            self._wake(waiters)
            return
        holders = await self._store.holders_of([item.id for _, item in changed]) if changed else set()
        progress = await self._store.progress_of({waiter.partner for waiter in waiters})
        verdicts = 0
        for waiter in waiters:
            items = [item for number, item in changed if number > waiter.change]
            verdicts += len(items)
            if verdicts >= _VERDICTS_AT_ONCE:
                verdicts = 0
                await asyncio.sleep(0)
            if _concerns(waiter, register, items, holders, progress, now):
                waiter.end(read_again=True)
                continue
            waiter.register, waiter.change = register, change
            self._bring_forward(waiter, items, now)

    def _bring_forward(self, waiter: Waiter, items: Sequence[Item], now: datetime) -> None:
        """Wake the request earlier if one of these items changes by itself before anything else does."""
        times = [waiter.next_transition(item, now) for item in items if waiter.may_reach(item)]
        first = min((time for time in times if time is not None), default=None)
        if first is not None and (waiter.due is None or first < waiter.due):
            waiter.due = first
            self._schedule(waiter)


def _concerns(
    waiter: Waiter,
    register: Register,
    items: Sequence[Item],
    holders: set[tuple[PartnerId, ItemId]],
    progress: dict[PartnerId, Progress],
    now: datetime,
) -> bool:
    """Whether the partner's sequence has grown, or grows by one of these items.

    It grows by an item that the partner holds (a correction, a removal), may have, or is offered under an
    embargo.
    """
    known = progress.get(waiter.partner)
    if known is not None and known.last > waiter.page.last:
        return True
    if any((waiter.partner, item.id) in holders for item in items):
        return True
    near = [item for item in items if waiter.may_reach(item)]
    if not near:
        return False
    snapshot = replace(waiter.snapshot, register=register, now=now)
    verdicts = (snapshot.verdict(item) for item in near)
    return any(
        isinstance(verdict, Clearance) or verdict.reason is Reason.EMBARGO_UNACKNOWLEDGED
        for verdict in verdicts
    )
