"""`trail list` shows the newest records first, in words and local times, and says how to go on."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.servers import serving
from tests.support.shell import Shell, no_settings
from tests.test_changes import furnish
from tests.test_quotas import fetch, grant, stories

__all__ = ["no_settings"]

ROW = re.compile(r"^(\d+)  ", re.MULTILINE)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, list[str]]:
    """A data folder whose partner `zjol` was refused its second item by a quota, and the items' ids."""
    data = tmp_path_factory.mktemp("afternoon") / "var"

    async def act() -> list[str]:
        async with serving(data) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            items = await stories(here, 8)
            assert (await fetch(here, key, items[0])).status == 200
            assert (await fetch(here, key, items[1])).status == 429
            return [str(item) for item in items]

    return Shell(data), asyncio.run(act())


def test_the_refusals_of_an_item_are_shown(afternoon: tuple[Shell, list[str]]) -> None:
    shell, items = afternoon
    lines = shell.good("trail", "list", "--partner", "zjol", "--item", items[1], "--json").lines
    assert [(one["kind"], one["reason"]) for one in lines] == [("release_refused", "quota_exceeded")]
    about = shell.good("trail", "list", "--item", items[1], "--json").lines
    assert [one["kind"] for one in about] == ["release_refused", "item_ingested"]
    kinds = ("--kind", "item_delivered", "--kind", "release_refused")
    both = shell.good("trail", "list", *kinds, "--json").lines
    assert [one["kind"] for one in both] == ["release_refused", "item_delivered"]


def test_the_newest_come_first_and_the_way_on_is_said(afternoon: tuple[Shell, list[str]]) -> None:
    shell, _ = afternoon
    every = [one["seq"] for one in shell.good("trail", "list", "--json").lines]
    assert every == list(range(len(every), 0, -1))
    seen: list[int] = []
    words: list[str] = []
    while True:
        page = shell.good("trail", "list", "--limit", "4", *words)
        seen += map(int, ROW.findall(page.out))
        more = re.search(r"还有更早的记录，接着看请加 (--before) (\d+)", page.err)
        if more is None:
            break
        words = [more[1], more[2]]
    assert seen == every
    last = shell.good("trail", "list", "--reverse", "--limit", "4", "--lang", "en")
    assert ROW.findall(last.out) == ["1", "2", "3", "4"]
    assert "there are newer ones: add --after 4" in last.err
    assert ROW.findall(shell.good("trail", "list", "--after", "4", "--limit", "2").out) == ["5", "6"]
    full = shell.good("trail", "list", "--limit", str(len(every)))
    assert full.err == ""


def test_days_and_local_times_are_understood(afternoon: tuple[Shell, list[str]]) -> None:
    shell, _ = afternoon
    count = len(shell.good("trail", "list", "--json").lines)

    def found(*words: str) -> int:
        return len(shell.good("trail", "list", *words, "--json").lines)

    # Everything happened at noon in the publisher's zone, 04:00 UTC.
    assert found("--since", "2026-11-02", "--until", "2026-11-03") == count
    assert found("--since", "2026-11-02 12:00") == found("--until", "2026-11-02T12:01") == count
    assert found("--since", "2026-11-02 12:01") == found("--until", "2026-11-02 12:00") == 0
    assert found("--since", "2026-11-02T04:00:00Z") == count
    assert "没有符合条件的记录" in shell.good("trail", "list", "--since", "2026-11-03").out
    for words in (("--since", "yesterday"), ("--until", "2026-13-01"), ("--kind", "gossip")):
        assert shell("trail", "list", *words).code == 2
    assert "日期（2026-11-01）、本地时间" in shell("trail", "list", "--since", "昨天").err


def test_people_read_words_and_local_times(afternoon: tuple[Shell, list[str]]) -> None:
    shell, items = afternoon
    chinese = shell.good("trail", "list").out
    assert re.search(
        r"2026-11-02 12:00 +zhou（命令行） +收稿 +稿件 20261102-\w+；版本 1；散列 \w{16}…；文件", chinese
    )
    assert f"所要 稿件 {items[1]}；原因 配额已用完；条款 L-zjol#1" in chinese
    assert re.search(r"到期 2029-\d\d-\d\d \d\d:\d\d(；|$)", chinese, re.MULTILINE)
    for word in ("cli:", "+00:00", "quota_exceeded", "partner=", "None"):
        assert word not in chinese
    english = shell.good("trail", "list", "--lang", "en").out
    assert f"asked for item {items[1]}; reason the quota is used up" in english
    assert not re.findall(r"[\u4e00-\u9fff]", english.replace("授权媒体 zjol", ""))


def test_one_page_never_misses_what_a_filter_finds(
    afternoon: tuple[Shell, list[str]], tmp_path: Path
) -> None:
    shell, _ = afternoon
    newest = shell.good("trail", "list", "--kind", "item_ingested", "--limit", "3", "--json")
    oldest = shell.good(
        "trail", "list", "--kind", "item_ingested", "--before", str(newest.lines[-1]["seq"]), "--json"
    )
    assert len(newest.lines) + len(oldest.lines) == 8
