"""Compare the machine's clock with the trail, whose time never decreases, and declare the clock right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.clock import MOST_BEHIND, wall_clock
from syndicate.errors import Conflict, Fault, Faulty
from syndicate.language import Text

if TYPE_CHECKING:
    from syndicate.access.rights_cache import Clock
    from syndicate.config import Settings
    from syndicate.model.actors import Actor
    from syndicate.store.protocol import Store


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The machine's time and that of the trail's newest record, both UTC.

    `behind` says that the difference stops every other command.
    """

    machine: datetime
    newest_record: datetime
    behind: bool


async def read_clock(settings: Settings, wall: Clock = wall_clock) -> ClockReading:
    """Compare the machine's clock with the trail, without a check of either. Raises StoreFault."""
    store = store_of(settings)
    try:
        await store.open()
        return await _reading(store, wall())
    finally:
        await store.close()


async def accept_clock(
    settings: Settings, actor: Actor, reason: str, wall: Clock = wall_clock
) -> ClockReading:
    """Declare the machine's clock right, with a record in the trail; the reading after it.

    Raises Conflict (`clock_not_behind`) where the newest record is not later, Faulty for an empty reason.
    """
    from syndicate.model.events import ClockAccepted
    from syndicate.model.records import Entry

    if not reason.strip():
        text = Text("不能为空：写明时钟出了什么问题", "is empty: say what was wrong with the clock")
        raise Faulty("reason", [Fault("reason_empty", "reason", text)])
    store = store_of(settings)
    try:
        await store.open()
        now = wall()
        async with store.writing() as transaction:
            newest = await transaction.latest()
            if newest <= now:
                raise Conflict(
                    Text(
                        "本机时钟并不落后于审计记录，无需确认",
                        "this machine's clock is not behind the trail: there is nothing to accept",
                    ),
                    code="clock_not_behind",
                )
            event = ClockAccepted(now.isoformat(), newest.isoformat(), reason.strip())
            await transaction.append(Entry(now, str(actor), event))
        return await _reading(store, now)
    finally:
        await store.close()


async def _reading(store: Store, machine: datetime) -> ClockReading:
    floor = await clock_floor(store, machine)
    return ClockReading(machine, await store.latest(), floor - machine > MOST_BEHIND)


async def clock_floor(store: Store, machine: datetime) -> datetime:
    """The time that the clock must not go behind: the newest record's, or the one accepted since."""
    newest = await store.latest()
    if newest <= machine:
        return newest
    from syndicate.model.events import ClockAccepted

    found = await store.lines(kinds=[ClockAccepted.kind], limit=1, newest_first=True)
    for line in found:
        event = line.entry.event
        # A record with a later time was written by a clock that ran ahead again, or by real time.
        if isinstance(event, ClockAccepted) and newest <= line.entry.at:
            return datetime.fromisoformat(event.machine)
    return newest


def store_of(settings: Settings) -> Store:
    """The store of these settings, not yet open."""
    from syndicate.store.sql_store import open_store

    return open_store(settings.database, settings.database_connections)
