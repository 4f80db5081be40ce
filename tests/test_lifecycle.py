"""One story through its whole life, held against one table at every step.

The table says what the public and five partners may have after each step, what each partner's change
sequence tells it there, and which acts the trail writes down. Every route, every format, the sequence, what
a partner that follows it still holds, and every line of the trail are held against it, on both databases,
for a story that asks for its embargo itself (ninjs) and for one that staff hold back as it is taken in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syndicate.model.actors import read_actor
from syndicate.model.events import Event
from syndicate.model.lifecycle_events import TakedownOrdered
from syndicate.model.records import Line, event_fields
from tests.support.lifecycle import GRANTS, Life
from tests.support.recipients import PUBLIC, May
from tests.support.servers import MovableClock, serving

TABLE = """
2026-11-02 12:00  taken in under an embargo until 13:00
    public   absent
    prompt   refused embargo_unacknowledged           told: embargo
    later    absent embargoed
    linker   absent embargoed
    other    absent embargoed
    keeper   absent embargoed
    trail    item_ingested item_held

2026-11-02 12:10  prompt promises to keep the embargo
    public   absent
    prompt   full                                     told: put
    later    absent embargoed
    linker   absent embargoed
    other    absent embargoed
    keeper   absent embargoed
    trail    -

2026-11-02 13:00  the embargo opens by itself
    public   summary
    prompt   full                                     told: put
    later    refused delayed
    linker   summary                                  told: put
    other    refused channel_not_granted
    keeper   refused no_licence without clause
    trail    -

2026-11-02 13:10  keeper gets its licence
    public   summary
    prompt   full
    later    refused delayed
    linker   summary
    other    refused channel_not_granted
    keeper   full                                     told: put
    trail    licence_added

2026-11-02 13:30  the delay passes
    public   summary
    prompt   full
    later    full                                     told: put
    linker   summary
    other    refused channel_not_granted
    keeper   full
    trail    -

2026-11-02 14:00  corrected
    public   summary
    prompt   full                                     told: correct
    later    full                                     told: correct
    linker   summary                                  told: correct
    other    refused channel_not_granted
    keeper   full                                     told: correct
    trail    item_corrected

2026-11-02 15:00  exclusive to keeper until 18:00
    public   absent
    prompt   absent exclusive                         told: withdraw held_back
    later    absent exclusive                         told: withdraw held_back
    linker   absent exclusive                         told: withdraw held_back
    other    absent exclusive
    keeper   full
    trail    item_held takedown_ordered takedown_ordered takedown_ordered

2026-11-02 18:00  the exclusive ends by itself
    public   summary
    prompt   full                                     told: put
    later    full                                     told: put
    linker   summary                                  told: put
    other    refused channel_not_granted
    keeper   full
    trail    -

2026-11-02 19:00  recalled for an editorial reason
    public   gone
    prompt   gone                                     told: recall editorial
    later    gone                                     told: recall editorial
    linker   gone                                     told: recall editorial
    other    gone without clause
    keeper   gone                                     told: recall editorial
    trail    item_recalled takedown_ordered takedown_ordered takedown_ordered takedown_ordered

2026-11-02 20:00  reinstated
    public   summary
    prompt   full                                     told: put
    later    full                                     told: put
    linker   summary                                  told: put
    other    refused channel_not_granted
    keeper   full                                     told: put
    trail    item_reinstated

2026-11-02 21:00  recalled because the law demands it
    public   gone by law
    prompt   gone by law                              told: recall legal
    later    gone by law                              told: recall legal
    linker   gone by law                              told: recall legal
    other    gone by law without clause
    keeper   gone by law                              told: recall legal
    trail    item_recalled takedown_ordered takedown_ordered takedown_ordered takedown_ordered

2026-11-02 22:00  reinstated
    public   summary
    prompt   full                                     told: put
    later    full                                     told: put
    linker   summary                                  told: put
    other    refused channel_not_granted
    keeper   full                                     told: put
    trail    item_reinstated

2026-11-03 09:00  withheld
    public   absent
    prompt   absent withheld                          told: withdraw held_back
    later    absent withheld                          told: withdraw held_back
    linker   absent withheld                          told: withdraw held_back
    other    absent withheld
    keeper   absent withheld                          told: withdraw held_back
    trail    item_held takedown_ordered takedown_ordered takedown_ordered takedown_ordered

2026-11-03 10:00  released, and later's delay counts anew
    public   summary
    prompt   full                                     told: put
    later    refused delayed
    linker   summary                                  told: put
    other    refused channel_not_granted
    keeper   full                                     told: put
    trail    item_released

2026-11-03 10:30  the delay passes
    public   summary
    prompt   full
    later    full                                     told: put
    linker   summary
    other    refused channel_not_granted
    keeper   full
    trail    -

2026-11-09 11:30  keeper's seven days are over
    public   summary
    prompt   full
    later    full
    linker   summary
    other    refused channel_not_granted
    keeper   refused retention_ended                  told: withdraw retention_ended
    trail    takedown_ordered

2026-11-10 12:00  the mandate ends
    public   absent
    prompt   refused mandate_ended under HEAD-1       told: withdraw mandate_ended under HEAD-1
    later    refused mandate_ended under HEAD-1       told: withdraw mandate_ended under HEAD-1
    linker   refused mandate_ended under HEAD-1       told: withdraw mandate_ended under HEAD-1
    other    refused mandate_ended under HEAD-1
    keeper   refused mandate_ended under HEAD-1
    trail    mandate_ended takedown_ordered takedown_ordered takedown_ordered
"""
"""What each may have of the story, after what happens at the left, by the clock of Xiaoshan.

full, summary: it is given · refused: 403 with this reason · absent: 404, as if it had never been, and why
stands in the trail alone · gone: 410 · gone by law: 451. The clause is the recipient's own, L-PARTNER#1,
for the public the mandate, where the table does not name another; what is absent has none.
`trail`: the acts of staff and of the house, in order; `-` for none. What partners ask for and acknowledge
is checked answer by answer.
"""

FEEDS = ("all", "news", "daily")
ELSEWHERE = ("health", "tv", "pictures")
"""Feeds that the story belongs in, and such that it does not."""
ORDER = ("feeds, then sequence", "sequence, then feeds")


@dataclass(frozen=True)
class Step:
    """One block of the table."""

    at: datetime
    what: str
    may: dict[str, May]
    told: dict[str, str]
    trail: list[str]


def read_table(table: str) -> list[Step]:
    """The blocks of the table, in order."""
    steps = []
    for block in table.strip().split("\n\n"):
        head, *rows = block.splitlines()
        cells, told, trail = {}, {}, []
        for name, row in (line.strip().split(maxsplit=1) for line in rows):
            if name == "trail":
                trail = [] if row == "-" else row.split()
                continue
            cell, _, said = row.partition("told:")
            cells[name] = May.read(cell.strip(), "HEAD-1" if name == PUBLIC else f"L-{name}#1")
            told[name] = said.strip()
        at = datetime.fromisoformat(f"{head[:16]}+08:00")
        steps.append(Step(at, head[16:].strip(), cells, told, trail))
    return steps


STEPS = read_table(TABLE)


ACTS: dict[str, Callable[[Life], Awaitable[None]]] = {
    "taken in under an embargo until 13:00": Life.taken_in,
    "prompt promises to keep the embargo": Life.promised,
    "the embargo opens by itself": Life.nothing,
    "keeper gets its licence": Life.licensed,
    "the delay passes": Life.nothing,
    "corrected": Life.corrected,
    "exclusive to keeper until 18:00": Life.exclusive,
    "the exclusive ends by itself": Life.nothing,
    "recalled for an editorial reason": Life.recalled,
    "reinstated": Life.reinstated,
    "recalled because the law demands it": Life.recalled_by_law,
    "withheld": Life.withheld,
    "released, and later's delay counts anew": Life.released,
    "keeper's seven days are over": Life.nothing,
    "the mandate ends": Life.mandate_ends,
}
"""What is done at each step of the table."""


async def live(life: Life, step: Step, seen: int, order: str) -> int:
    """Take one step, hold everything against it, and answer how far the trail has come."""
    life.here.clock.now = step.at
    await ACTS[step.what](life)
    await life.house.scheduler.round()
    rounds = [looks, follows] if order == ORDER[0] else [follows, looks]
    for everybody in rounds:
        await everybody(life, step)
    await life.house.delivery.close()
    lines = await life.house.store.lines(after=seen, limit=100_000)
    acts = [line for line in lines if read_actor(line.entry.actor) is not None]
    assert [line.entry.event.kind for line in acts] == step.trail
    ordered = {said_of(event) for event in events_of(acts) if isinstance(event, TakedownOrdered)}
    must_go = {(name, told) for name, told in step.told.items() if told.startswith(("recall", "withdraw"))}
    assert ordered == must_go
    asked: dict[str, list[Event]] = {}
    for event in events_of(lines):
        request = event_fields(event).get("request")
        if request is not None and event.kind not in ("changes_acknowledged", "embargo_acknowledged"):
            asked.setdefault(request, []).append(event)
    for recipient in life.recipients.values():
        await recipient.hold_against_trail(asked)
    promises = [event.kind for event in events_of(lines) if event.kind.endswith("_acknowledged")]
    promised = ["changes_acknowledged", "embargo_acknowledged"] if "promises" in step.what else []
    assert promises == promised + ["changes_acknowledged"] * len(must_go)
    return lines[-1].seq


async def looks(life: Life, step: Step) -> None:
    """Everybody asks for everything, at once."""
    async with asyncio.TaskGroup() as asking:
        for name, recipient in life.recipients.items():
            asking.create_task(recipient.look(life.story(name), step.may[name], FEEDS, ELSEWHERE))


async def follows(life: Life, step: Step) -> None:
    """Every partner reads on in its sequence, at once."""
    async with asyncio.TaskGroup() as asking:
        for name in GRANTS:
            recipient = life.recipients[name]
            asking.create_task(recipient.follow(life.story(name), step.may[name], step.told[name]))


def events_of(lines: list[Line]) -> list[Event]:
    return [line.entry.event for line in lines]


def said_of(event: TakedownOrdered) -> tuple[str, str]:
    """An order to take down, as the table tells it."""
    words = [event.action, event.reason]
    if event.clause != f"L-{event.partner}#1":
        words += ["under", str(event.clause)]
    return event.partner, " ".join(words)


@pytest.mark.timeout(400)
def test_a_story_is_at_every_step_of_its_life_what_the_table_says(
    tmp_path: Path, store_address: str
) -> None:
    # On one database a document that asks for its embargo, on the other a page that staff hold back.
    ninjs = store_address.startswith("sqlite")
    order = ORDER[0] if ninjs else ORDER[1]

    async def act() -> None:
        clock = MovableClock(STEPS[0].at - timedelta(minutes=1))
        async with serving(tmp_path / "data", store_address, clock=clock) as here:
            life = Life(here, ninjs=ninjs)
            await life.begin()
            seen = (await here.house.store.lines(limit=100_000))[-1].seq
            for number, step in enumerate(STEPS):
                try:
                    seen = await live(life, step, seen, order)
                except (AssertionError, ExceptionGroup) as differs:
                    differs.add_note(f"at step {number}, {step.at:%d %b %H:%M}: {step.what}")
                    raise

    asyncio.run(act())


def test_the_table_is_whole() -> None:
    """Each step says it of everybody, in order, and everything that can be done is done."""
    everybody = {PUBLIC, *GRANTS}
    assert all(step.may.keys() == everybody for step in STEPS)
    assert {step.what for step in STEPS} == ACTS.keys()
    assert [step.at for step in STEPS] == sorted({step.at for step in STEPS})
