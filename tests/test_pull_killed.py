"""The client is killed at 200 moments, the server at 50 others: nothing is lost, doubled or left behind."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.config import Settings
from syndicate.model.changes import TAKEDOWNS
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ChangesDelivered
from syndicate.model.parties import PartnerId
from syndicate.model.records import Line
from syndicate.policy import Clearance, clear_preferred
from syndicate.store.protocol import Selection
from syndicate.wiring import Services, initialise, opened
from tests.support.factories import STAFF
from tests.support.forked_commands import Forge, forge
from tests.support.kill_harness import Mortal, Run, Victim, must_be_new
from tests.support.servers import free_port, settings_for
from tests.support.shell import no_settings
from tests.support.stub_publisher import STAMP

__all__ = ["no_settings"]

SEED = 20260
PULLS, SERVERS, ACTS = 200, 50, 300
MOST_ITEMS = 40
MANDATE = """
number = "HEAD"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""
LICENCE = """
number = "{number}"
partner = "{partner}"
valid_from = 2015-01-01
valid_until = 2099-01-01
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
channels = ["{channel}"]
quota = {{ items = 100000, per = "month" }}
"""


def a_story(number: int, revision: int = 0) -> bytes:
    """A page unlike any other; every third is of the channel 健康."""
    channel = "健康" if number % 3 == 0 else "新闻"
    body = f"湘湖边的第{number}件新鲜事，第{revision}次写成，说到这里为止。"
    return (
        f"您的位置:萧山网 > {channel} > 正文\n\n湘湖边的第{number}件新鲜事\n\n"
        f"2026年1月5日 {8 + number // 60}:{number % 60:02}来源:萧山日报\n\n  {body}\n\n编辑:桂信怡\n"
    ).encode()


class Staff:
    """The newsroom and the rights desk, who go on working whatever dies around them."""

    def __init__(self, house: Services, chance: random.Random) -> None:
        self.house, self.chance = house, chance
        self.items: list[ItemId] = []
        self.recalled: set[ItemId] = set()
        self.withheld: set[ItemId] = set()
        self.acts = 0
        self._ended = 0
        self._licensed = True

    async def work(self, progress: Callable[[], float]) -> None:
        """Act after act, spread over all of `progress` (0 to 1)."""
        while (reached := progress()) < 1:
            if self.acts < ACTS * reached:
                await self.act()
                self.acts += 1
            await asyncio.sleep(self.chance.uniform(0, 0.05))

    async def act(self) -> None:
        """One thing that staff do."""
        kind = self.chance.random()
        if (len(self.items) < MOST_ITEMS and kind < 0.4) or not self.items:
            return await self.take_in()
        number = self.chance.randrange(len(self.items))
        id = self.items[number]
        holds = self.house.holds
        if kind < 0.55:
            await self.house.items.correct(
                STAFF, id, a_story(number, self.acts + 1), "b.txt", f"第{self.acts}次更正"
            )
        elif kind < 0.93 and id in self.recalled:
            await holds.reinstate(STAFF, id)
            self.recalled.remove(id)
        elif kind < 0.93 and id in self.withheld:
            await holds.release(STAFF, id)
            self.withheld.remove(id)
        elif kind < 0.82:
            await holds.recall(
                STAFF, id, self.chance.choice(list(RecallReason)), "事实有误", timedelta(hours=2)
            )
            self.recalled.add(id)
        elif kind < 0.93:
            await holds.withhold(STAFF, id)
            self.withheld.add(id)
        elif self._licensed:
            await self.house.rights.end_licence(STAFF, f"HEALTH-{self._ended}")
            self._ended, self._licensed = self._ended + 1, False
        else:
            await self.license(f"HEALTH-{self._ended}", "zjol", "health")
            self._licensed = True
        return None

    async def take_in(self) -> None:
        """A new story."""
        number = len(self.items)
        taken = await self.house.items.take_in(STAFF, a_story(number), f"{number}.txt")
        assert taken.item is not None, taken.faults
        self.items.append(taken.item.id)

    async def license(self, number: str, partner: str, channel: str) -> None:
        """Grant a channel to a partner."""
        document = LICENCE.format(number=number, partner=partner, channel=channel)
        await self.house.rights.add_licence(STAFF, document, "licence.toml")

    async def open(self, keys: dict[str, Path]) -> None:
        """A mandate, two partners with licences and keys, a few stories."""
        await self.house.rights.add_mandate(STAFF, MANDATE, "mandate.toml")
        for partner, file in keys.items():
            await self.house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
            file.write_text((await self.house.keys.issue(STAFF, PartnerId(partner), days=900)).token)
            file.chmod(0o600)
            await self.license(f"NEWS-{partner}", partner, "news")
        await self.license("HEALTH-0", "zjol", "health")
        for _ in range(8):
            await self.take_in()


@pytest.fixture
def here() -> Iterator[Forge]:
    with forge() as made:
        yield made


@pytest.mark.timeout(400)
def test_whoever_is_killed_the_folder_converges(here: Forge, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    data = tmp_path / "var"
    settings = settings_for(data)
    asyncio.run(initialise(settings, STAFF))
    server = Mortal(here, data, free_port(), random.Random(SEED), tmp_path / "serve.log")
    # One of them never begins anew, which would mend whatever it had lost.
    victims = [
        Victim(name, server, tmp_path, random.Random(f"{SEED} {name}"), restarts=name == "hzw")
        for name in ("zjol", "hzw")
    ]
    opened_, done = threading.Event(), threading.Event()

    def progress() -> float:
        return 1.0 if done.is_set() else sum(victim.deaths for victim in victims) / PULLS

    async def staff() -> int:
        async with opened(settings) as house:
            working = Staff(house, random.Random(f"{SEED} staff"))
            await working.open({victim.name: victim.key for victim in victims})
            opened_.set()
            await working.work(progress)
            return working.acts

    with ThreadPoolExecutor(2 + len(victims)) as pool:
        try:
            acts = pool.submit(lambda: asyncio.run(staff()))
            while not opened_.wait(0.1):
                assert not acts.done(), acts.result()
            dying = pool.submit(server.die_often, SERVERS, progress)
            pulling = [pool.submit(victim.die_often, PULLS // len(victims)) for victim in victims]
            for one in pulling:
                one.result()
        finally:
            done.set()
        dying.result()
        acts.result()
    try:
        assert len(server.kills) == SERVERS
        assert [victim.pull().killed for victim in victims] == [False] * len(victims)
        print(report(settings, server, victims, acts.result()))
        for victim in victims:
            asyncio.run(must_have_converged(settings, victim))
            must_be_what_the_server_gives(victim)
            # Another run finds nothing to do, and every byte as it was recorded.
            assert victim.pull("--verify").lines == ()
    finally:
        server.stop()


async def must_have_converged(settings: Settings, victim: Victim) -> None:
    """The folder is what the policy says, and the records of both sides agree about the way there."""
    partner = PartnerId(victim.name)
    async with opened(settings) as house:
        store = house.store
        register = await store.register()
        items = await store.items(Selection(), limit=1000)
        now = house.clock()
        verdicts = {
            item.id: clear_preferred(
                item,
                register.partners[partner],
                register.mandates,
                register.licences_of(partner),
                None,
                now,
            )
            for item in items
        }
        allowed = {id: one.item.version for id, one in verdicts.items() if isinstance(one, Clearance)}
        told = await store.entries_after(partner, 0, 100_000)
        waiting = await store.takedowns(partner=partner, open_only=True)
        given = [one for _, one in await store.deliveries(limit=100_000) if one.partner == partner]
        periods = {f"{one.at.astimezone(settings.publisher.zone):%Y-%m}" for one in given}
        used = await store.used(partner, periods)
        lines = await store.lines(limit=1_000_000)
    assert len(allowed) > 3, f"seed {SEED}: too little is left to say anything"
    assert held(victim) == allowed, f"seed {SEED}"
    # The sequence told it all, in these versions, each number once.
    assert [one.seq for one in told] == sorted({one.seq for one in told})
    replayed: dict[str, int] = {}
    for one in told:
        replayed.update({one.item: one.version})
        if one.action in TAKEDOWNS:
            del replayed[one.item]
    assert allowed.items() <= replayed.items()
    assert waiting == []
    # Nothing was `new` twice; whatever was ever in the folder was counted as given, once.
    assert {key: times for key, times in victim.told().items() if times > 1} == {}
    must_have_been_told_as_it_was(victim)
    versions = [(one.clause, one.item, one.version) for one in given]
    assert len(versions) == len(set(versions)) == sum(used.values())
    kept = {
        (line["id"], line["version"])
        for run in victim.runs
        for line in run.lines
        if line["result"] in {"new", "replaced"}
    }
    assert kept <= {(one.item, one.version) for one in given}
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))


def must_have_been_told_as_it_was(victim: Victim) -> None:
    """Nothing was `new` that was there; no entry came again that its run had saved as done."""
    for run in victim.runs:
        must_be_new(run.lines, run.before)
    for runs in victim.rounds():
        told: dict[tuple[str, int], Run] = {}
        for run in runs:
            for (id, seq), times in run.entries().items():
                assert times == 1, (run, id, seq)
                earlier = told.get((id, seq))
                assert earlier is None or earlier.may_say_again(id, seq), (earlier, run, id, seq)
                told[id, seq] = run


def held(victim: Victim) -> dict[str, int]:
    """What the folder holds: id → version; with nothing beside it that does not belong there."""
    found = {
        path.stem: int(json.loads(path.read_bytes())["version"])
        for path in victim.folder.glob("items/*.json")
    }
    there = {str(path.relative_to(victim.folder)) for path in victim.folder.rglob("*") if path.is_file()}
    expected = {f"items/{id}.{form}" for id in found for form in ("json", "html")}
    expected |= {f".syndicate/held/{id}" for id in found} | {".syndicate/state", ".syndicate/lock"}
    assert there == expected
    return found


def must_be_what_the_server_gives(victim: Victim) -> None:
    """Every document is the one that the server gives now, stamped."""
    for path in victim.folder.glob("items/*.json"):
        request = urllib.request.Request(
            f"{victim.server.address}/licensed/items/{path.stem}",
            headers={"Authorization": f"Bearer {victim.key.read_text()}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.loads(path.read_bytes()) == json.loads(answer.read())
        assert STAMP in path.with_suffix(".html").read_text()


def report(settings: Settings, server: Mortal, victims: list[Victim], acts: int) -> str:
    """Where the kills landed, and how often an answer was committed and never came."""

    async def delivered() -> list[Line]:
        async with opened(settings) as house:
            lines = await house.store.lines(limit=1_000_000)
        return [line for line in lines if isinstance(line.entry.event, ChangesDelivered)]

    lines = asyncio.run(delivered())
    said = [f"seed {SEED}: {acts} acts of staff, {len(server.kills)} servers killed"]
    for victim in victims:
        said.append(f"{victim.name}: {victim.deaths} of {len(victim.runs)} runs killed")
        said += [f"  {count:4}  {where}" for where, count in victim.where().most_common()]
        lost = unheard(lines, server, victim)
        said.append(f"  {lost} answers told by a server that died before they came")
    return "\n".join(said)


def unheard(lines: list[Line], server: Mortal, victim: Victim) -> int:
    """Answers that were committed, with entries, just before a server was killed, and that the partner,
    whose run outlived the server, asked for again with the same cursor."""
    mine = [line for line in lines if line.entry.event.partner == victim.name]  # type: ignore[union-attr]
    found = 0
    for kill in server.kills:
        before = [line for line in mine if line.entry.at.timestamp() <= kill]
        after = [line for line in mine if line.entry.at.timestamp() > kill]
        if not before or not after:
            continue
        last, following = before[-1].entry, after[0].entry
        alive = any(run.begun <= last.at.timestamp() and kill <= run.ended for run in victim.runs)
        same = last.event.after == following.event.after  # type: ignore[union-attr]
        found += alive and same and bool(last.event.count)  # type: ignore[union-attr]
    return found
