"""`explain` answers what a request would be answered: quota, suspension, holds and keys are counted in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.policy.reasons import Reason
from syndicate.services.audit.explanation import Explanation
from tests.support.factories import STAFF, days, minutes
from tests.support.servers import Serving, serving
from tests.support.shell import Shell, demo, no_settings, prepared
from tests.test_changes import furnish
from tests.test_quotas import fetch, grant, stories

__all__ = ["demo", "no_settings", "prepared"]


async def explained(here: Serving, item: ItemId, **more: object) -> Explanation:
    return await here.house.explanation.explain("zjol", item, Use.REPRINT, **more)  # type: ignore[arg-type]


def test_explain_says_no_where_a_quota_answers_429(tmp_path: Path, store_address: str) -> None:
    async def act() -> None:
        async with serving(tmp_path, store_address) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            first, second = await stories(here, 2)
            for item in (first, second):
                assert (await explained(here, item)).allowed
            here.clock.now += minutes(5)
            assert (await fetch(here, key, first)).status == 200
            taken = here.clock()
            here.clock.now += minutes(5)

            again, refused = await explained(here, first), await explained(here, second)
            assert (await fetch(here, key, first)).status == 200
            assert (await fetch(here, key, second)).status == 429
            assert again.allowed
            assert again.quota is not None
            assert again.quota.charged
            assert not refused.allowed
            assert refused.quota is not None
            assert (refused.quota.clause, refused.quota.used, refused.quota.left) == ("L-zjol#1", 1, 0)
            assert refused.until == refused.quota.period.ends

            # The day after there is room; before the first was taken there was.
            assert (await explained(here, second, at=refused.until)).allowed
            assert (await explained(here, second, at=taken - minutes(1))).allowed
            past = await explained(here, second, at=taken + minutes(1))
            assert (past.allowed, past.quota) == (False, refused.quota)
            here.clock.now += days(1)
            assert (await explained(here, second)).allowed
            assert (await fetch(here, key, second)).status == 200

    asyncio.run(act())


def test_every_obstacle_is_named_and_not_the_first_alone(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            first, second = await stories(here, 2)
            assert (await fetch(here, key, first)).status == 200
            await here.house.holds.withhold(STAFF, second)
            await here.house.rights.suspend(STAFF, PartnerId("zjol"))
            found = await explained(here, second)
            assert [one.reason for one in found.obstacles] == [Reason.WITHHELD, Reason.SUSPENDED]
            assert found.verdict == found.obstacles[0]
            assert found.quota_exceeded

            await here.house.rights.end_licence(STAFF, "L-zjol")
            ended = await explained(here, second)
            assert [one.reason for one in ended.obstacles][-1] is Reason.LICENCE_ENDED
            assert ended.quota is None

    asyncio.run(act())


def test_the_command_tells_what_is_used_and_when_it_is_counted_anew(tmp_path: Path) -> None:
    async def before() -> tuple[str, str]:
        async with serving(tmp_path / "var") as here:
            key = (await furnish(here, {"zjol": grant(1, "month")}))["zjol"]
            first, second = await stories(here, 2)
            assert (await fetch(here, key, first)).status == 200
            here.clock.now += minutes(1)
            return second, here.clock().isoformat()

    item, at = asyncio.run(before())
    shell = Shell(tmp_path / "var")
    words = ["explain", "--partner", "zjol", "--item", item, "--use", "reprint", "--at", at]
    said = shell.good(*words, "--json").json
    assert (said["decision"], said["reason"], said["clause"]) == ("deny", "quota_exceeded", "L-zjol#1")
    assert said["until"] == said["quota"]["resets"] == "2026-12-01T00:00:00+08:00"
    assert said["quota"] == {
        "clause": "L-zjol#1",
        "items": 1,
        "per": "month",
        "used": 1,
        "left": 0,
        "charged": False,
        "resets": "2026-12-01T00:00:00+08:00",
    }
    assert "2026-12-01 00:00:00 +08:00 配额重新计数" in said["changes"][0]
    people = shell.good(*words).out
    assert people.startswith("不可以：配额已用完。\n依据：L-zjol#1\n")
    assert "配额：每月 1 篇，已用 1 篇，还剩 0 篇，2026-12-01 00:00 重新计数" in people
    english = shell.good(*words, "--lang", "en").out
    assert english.isascii()
    assert "quota: 1 items a month, 1 used, 0 left" in english


def test_a_partner_without_a_usable_key_is_told_of(demo: Shell) -> None:
    story = str(demo.good("item", "list", "--json").json["id"])
    words = ["explain", "--partner", "demo", "--item", story, "--use", "reprint"]
    said = demo.good(*words, "--json").json
    assert (said["decision"], said["usable_keys"], said["suspended"], said["holds"]) == (
        "allow",
        1,
        None,
        [],
    )
    assert not any("key issue" in one for one in said["changes"])
    (key,) = demo.good("key", "list", "demo", "--json").lines
    demo.good("key", "revoke", key["jti"])
    said = demo.good(*words, "--json").json
    assert (said["decision"], said["usable_keys"]) == ("allow", 0)
    assert "syndicate key issue demo" in said["changes"][0]
    assert "可用密钥：0 把" in demo.good(*words).out


@pytest.mark.parametrize("hold", [["--withhold"], ["--embargo", "2999-01-01T00:00:00+08:00"]])
def test_a_suspension_does_not_hide_a_hold(demo: Shell, hold: list[str]) -> None:
    story = str(demo.good("item", "list", "--json").json["id"])
    demo.good("item", "hold", story, *hold)
    demo.good("partner", "suspend", "demo")
    words = ["explain", "--partner", "demo", "--item", story, "--use", "reprint"]
    said = demo.good(*words, "--json").json
    assert (said["reason"], said["further"]) == (
        "withheld" if hold == ["--withhold"] else "embargoed",
        [{"reason": "partner_suspended", "clause": None}],
    )
    assert (len(said["holds"]), said["suspended"] is not None) == (1, True)
    assert any("partner resume demo" in one for one in said["changes"])
    assert any(f"item release {story}" in one for one in said["changes"])
    people = demo.good(*words).out
    assert "此外：该授权媒体已暂停" in people
    assert "授权媒体已暂停：自 " in people
