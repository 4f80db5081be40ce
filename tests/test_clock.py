"""The server's clock never goes back, whatever the machine's does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from syndicate.clock import SteadyClock
from syndicate.errors import ClockAhead, ClockBehind
from tests.support.servers import MovableClock, serving
from tests.test_changes import REPRINT, furnish

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Machine:
    """A machine's two clocks: the wall's, that anybody can set, and the one that only counts."""

    def __init__(self) -> None:
        self.wall, self.counted = NOON, 100.0

    def pass_(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.counted += seconds

    def clock(self, floor: datetime = LONG_AGO) -> SteadyClock:
        return SteadyClock(floor, lambda: self.wall, lambda: self.counted)


def test_the_clock_is_the_machines() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_(90)
    assert clock() == NOON + timedelta(seconds=90)


def test_a_clock_that_jumps_back_an_hour_goes_on_from_where_it_was() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_(10)
    clock()
    machine.wall -= timedelta(hours=1)
    assert clock() == NOON + timedelta(seconds=10)
    machine.pass_(5)
    assert clock() == NOON + timedelta(seconds=15)
    machine.wall += timedelta(hours=1)
    assert clock() == NOON + timedelta(seconds=15)


def test_a_jump_forward_is_believed_after_five_minutes_and_then_never_taken_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(hours=3)
    for _ in range(10):
        with pytest.raises(ClockAhead, match="10800 seconds"):
            clock()
        machine.pass_(29)
    machine.pass_(10)
    assert clock() == NOON + timedelta(hours=3, seconds=300)
    machine.wall -= timedelta(hours=3)
    machine.pass_(1)
    assert clock() == NOON + timedelta(hours=3, seconds=301)


def test_a_jump_forward_that_is_set_right_in_time_leaves_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(days=2)
    with pytest.raises(ClockAhead):
        clock()
    machine.pass_(200)
    machine.wall -= timedelta(days=2)
    assert clock() == NOON + timedelta(seconds=200)
    machine.wall += timedelta(days=2)
    machine.pass_(299)
    with pytest.raises(ClockAhead):
        clock()


def test_a_second_jump_during_the_pause_begins_it_anew() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(minutes=10)
    with pytest.raises(ClockAhead):
        clock()
    machine.pass_(299)
    machine.wall += timedelta(days=1)
    for seconds in (0, 298):
        machine.pass_(seconds)
        with pytest.raises(ClockAhead):
            clock()


def test_a_small_step_forward_and_a_long_silence_are_believed_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(seconds=30)
    assert clock() == NOON + timedelta(seconds=30)
    machine.pass_(86_400)
    assert clock() == NOON + timedelta(seconds=86_430)


def test_a_server_whose_clock_jumped_serves_and_records_nothing_until_it_is_set_right(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        machine = Machine()
        steady = machine.clock()
        async with serving(tmp_path, clock=cast("MovableClock", steady)) as here:
            keys = await furnish(here, {"zjol": REPRINT})
            for path in ("/feeds/all.rss", "/feeds/all.rss", "/readyz"):
                assert (await here.get(path)).status == 200
            records = await here.house.store.latest(), len(await here.house.store.lines(limit=1000))
            machine.wall += timedelta(hours=5)
            for path in ("/feeds/all.rss", "/readyz"):
                answer = await here.get(path)
                assert (answer.status, answer.headers.get("Retry-After")) == (503, "5"), path
            for path in ("/licensed/feeds/all.rss", "/licensed/changes?after=0"):
                assert (await here.get(path, key=keys["zjol"])).status == 503
            with pytest.raises(ClockAhead):
                await here.house.proof.checkpoint()
            with pytest.raises(ClockAhead):
                await here.house.scheduler.round()
            assert (
                await here.house.store.latest(),
                len(await here.house.store.lines(limit=1000)),
            ) == records
            assert (await here.get("/healthz")).status == 200
            machine.wall -= timedelta(hours=5)
            assert (await here.get("/readyz")).status == 200
            assert (await here.get("/licensed/feeds/all.rss", key=keys["zjol"])).status == 200

    asyncio.run(act())


def test_a_restart_goes_on_from_the_trails_last_line() -> None:
    machine = Machine()
    clock = machine.clock(floor=NOON + timedelta(minutes=50))
    machine.pass_(60)
    assert clock() == NOON + timedelta(minutes=51)


def test_a_machine_a_day_behind_the_trail_is_not_worked_with() -> None:
    with pytest.raises(ClockBehind) as behind:
        Machine().clock(floor=NOON + timedelta(days=1, seconds=1))
    assert "set the clock" in behind.value.text.en
    assert "校准" in behind.value.text.zh
