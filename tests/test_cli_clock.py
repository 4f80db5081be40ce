"""A clock that ran ahead and wrote to the trail: nothing works until a person says that it is right now."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syndicate import clock as clocks
from syndicate import wiring
from syndicate.clock import wall_clock
from tests.support.shell import Shell, no_settings

__all__ = ["no_settings"]


def ahead() -> datetime:
    return wall_clock() + timedelta(days=3)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A trail whose newest record is three days in the future."""
    shell = Shell(tmp_path / "var")
    shell.good("init")
    with monkeypatch.context() as wrong:
        wrong.setattr(wiring, "SteadyClock", lambda floor: clocks.SteadyClock(floor, ahead))
        shell.good("partner", "add", "hzw", "--name", "杭州网")
    return shell


def test_a_clock_that_ran_ahead_is_accepted_again_with_a_record(house: Shell) -> None:
    refused = house("--json", "--lang", "en", "partner", "list")
    assert refused.code == 1
    assert refused.json["error"] == "clock_behind"
    assert "syndicate clock accept" in refused.json["text"]
    shown = house("--json", "clock", "show")
    assert (shown.code, shown.json["behind"]) == (1, True)

    accepted = house.good("--json", "clock", "accept", "--reason", "NTP was down").json
    assert accepted["behind"] is False
    house.good("partner", "list")
    key = house.good("--json", "key", "issue", "hzw", "--days", "1").json
    assert datetime.fromisoformat(key["expires"]) < wall_clock() + timedelta(days=1, minutes=1)
    records = house.good("--json", "trail", "list").lines
    (record,) = [one for one in records if one["kind"] == "clock_accepted"]
    assert record["reason"] == "NTP was down"
    times = [datetime.fromisoformat(one["at"]) for one in sorted(records, key=lambda one: one["seq"])]
    assert times == sorted(times)
    house.good("trail", "checkpoint")
    house.good("trail", "verify")
    assert house.good("--json", "clock", "show").json["behind"] is False


def test_a_second_jump_needs_a_second_decision(house: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    house.good("clock", "accept", "--reason", "NTP was down")
    with monkeypatch.context() as wrong:
        later = lambda: ahead() + timedelta(days=1)  # noqa: E731
        wrong.setattr(wiring, "SteadyClock", lambda floor: clocks.SteadyClock(floor, later))
        house.good("partner", "suspend", "hzw")
    assert house("partner", "list").code == 1
    house.good("clock", "accept", "--reason", "again")
    assert house.good("--json", "partner", "list").lines[0]["suspended"] is not None


def test_nothing_is_accepted_where_nothing_is_wrong(tmp_path: Path) -> None:
    house = Shell(tmp_path / "var")
    house.good("init")
    assert house.good("--json", "clock", "show").json["behind"] is False
    assert house("--json", "clock", "accept", "--reason", "why not").json["error"] == "clock_not_behind"
    assert house("--json", "clock", "accept", "--reason", " ").json["faults"][0]["code"] == "reason_empty"
