"""The house's clock never goes back, whatever the machine's does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syndicate.clock import SteadyClock
from syndicate.errors import ClockBehind

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
    machine.wall += timedelta(hours=2)
    assert clock() == NOON + timedelta(hours=1, seconds=15)


def test_a_jump_forward_is_believed_and_never_taken_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(hours=3)
    assert clock() == NOON + timedelta(hours=3)
    machine.wall -= timedelta(hours=3)
    machine.pass_(1)
    assert clock() == NOON + timedelta(hours=3, seconds=1)


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
