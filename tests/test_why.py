"""Why, then: what the trail recorded is decided again, with the rights as they stood, and is the same."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import Conflict, Faulty, NotYetKnown, Unknown
from syndicate.model.events import EditionDelivered, ItemDelivered, ReleaseRefused
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ChangesDelivered
from syndicate.model.records import Entry, Line
from syndicate.model.rights import Use
from syndicate.policy import Clearance, Refusal
from syndicate.policy.reasons import Reason
from syndicate.services.audit.explanation import Replay
from syndicate.services.audit.past_state import Known, same
from syndicate.services.audit.recorded_decision import decided
from syndicate.services.rights.licence_trial import Answer
from syndicate.wiring import build
from tests.support.databases import opened
from tests.support.factories import NOON, STAFF, days, minutes
from tests.support.random_traffic import FIXED, PARTNERS, Bustle
from tests.support.servers import MovableClock, settings_for

PLAIN = f"""
number = "XSW-9"
partner = "{PARTNERS[3]}"
valid_from = 2026-01-01
valid_until = {(NOON + days(60)).isoformat()}
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
"""
QUOTA = 'quota = { items = 1, per = "day" }'
YES = Answer(None, "XSW-9#1", Use.REPRINT)
_DECIDING = (ItemDelivered, EditionDelivered, ChangesDelivered, ReleaseRefused)
_EXPECTED = {None, "unknown", "recalled", "embargoed", "delayed", "licence_ended", "no_licence"}
_KINDS = 16
"""What must have happened, and how many kinds of answers, so that the comparison is worth something."""


def bustling(address: str, folder: Path, act: Callable[[Bustle], Awaitable[None]]) -> None:
    async def inside() -> None:
        clock = MovableClock()
        async with opened(address) as store:
            house = build(settings_for(folder), store, clock)
            await house.keys.make_signing_key(STAFF)
            await house.proof.make_key(STAFF)
            bustle = Bustle(house, clock, random.Random(20261123))
            await bustle.open()
            await act(bustle)
            await house.delivery.close()

    asyncio.run(inside())


async def lines_of(bustle: Bustle) -> list[Line]:
    return await bustle.house.store.lines(limit=1_000_000)


async def replayed(bustle: Bustle, lines: list[Line]) -> list[Replay]:
    found = []
    for line in lines:
        if isinstance(line.entry.event, _DECIDING):
            with suppress(Conflict):  # of a feed that was refused as a whole, or that was empty
                found.append(await bustle.house.explanation.replay(line.seq))
    return found


@pytest.mark.timeout(300)
def test_a_thousand_decisions_of_a_busy_house_come_out_again_as_they_were_recorded(
    store_address: str, tmp_path: Path
) -> None:
    # The decision is no business of the database: on the second one fewer will do.
    wanted = 1_000 if store_address.startswith("sqlite") else 300

    async def story(bustle: Bustle) -> None:
        await crowd(bustle, wanted)
        lines = await lines_of(bustle)
        replays = await replayed(bustle, lines)
        decisions = [(replay, one) for replay in replays for one in replay.decisions]
        wrong = [(replay.line, one) for replay, one in decisions if not one.agrees]
        assert wrong == []
        assert len(decisions) >= wanted
        # The rights have moved on since: judged with what is known now, hundreds would be others.
        register = await bustle.house.store.register()
        others = 0
        for replay, one in decisions:
            item = await bustle.house.store.item(one.decided.item)
            if item is not None and one.verdict is not None:
                now = Known(register, item, register.partners[replay.partner])
                others += not same(now.verdict(one.decided.asked, replay.line.entry.at), one.verdict)
        assert others >= wanted / 10
        shared = Counter(line.entry.at for line in lines)
        assert max(shared.values()) > 5
        await explained(bustle, lines, replays)
        await tried(bustle)

    bustling(store_address, tmp_path, story)


async def crowd(bustle: Bustle, wanted: int) -> None:
    """Acts and requests until the trail has recorded so many decisions, of many kinds."""
    reasons: Counter[str | None] = Counter()
    after = 0
    for _ in range(400):
        await bustle.act()
        await asyncio.gather(*(bustle.ask() for _ in range(6)))
        for line in await bustle.house.store.lines(after=after, limit=1_000):
            reasons.update(one.reason for one in await decided(bustle.house.store, line.entry.event))
            after = line.seq
        if reasons.total() >= wanted and len(reasons) >= _KINDS and set(reasons) >= _EXPECTED:
            return
    raise AssertionError(f"only {reasons}")


async def explained(bustle: Bustle, lines: list[Line], replays: list[Replay]) -> None:
    """Asked for the moment alone, the answer is the recorded one, unless staff acted later in it."""
    acts = {line.entry.at: line.seq for line in lines if not isinstance(line.entry.event, _DECIDING)}
    asked = 0
    for replay in replays:
        (one, *_), at = replay.decisions, replay.line.entry.at
        if acts.get(at, 0) > replay.line.seq or one.verdict is None:
            continue
        asked += 1
        if asked > 60:
            break
        found = await bustle.house.explanation.explain(
            replay.partner, one.decided.item, one.decided.asked, at
        )
        assert one.decided.agrees(found.verdict), replay.line
        assert (found.at, found.known) == (at, min(at, bustle.clock()))
    assert asked >= 20


async def tried(bustle: Bustle) -> None:
    """A draft that says what the licence says changes none of all these answers, quotas and all."""
    house, now = bustle.house, bustle.clock() - NOON + days(1)
    for text in FIXED[:2]:
        trial = await house.explanation.try_licence(
            await house.rights.draft(text, "draft.toml"), house.clock() - now
        )
        assert trial.changed == ()
        assert trial.answers > 100
        assert trial.distinct < trial.answers
        assert trial.instead_of == (trial.draft.number,)


def test_what_is_past_is_judged_with_what_was_known_then(store_address: str, tmp_path: Path) -> None:
    async def story(bustle: Bustle) -> None:
        house, clock = bustle.house, bustle.clock
        item = await plain(bustle)
        clock.move(days(1))
        await house.rights.end_licence(STAFF, "XSW-9")
        ended = clock()
        clock.move(days(1))
        then = await house.explanation.explain(PARTNERS[3], item, Use.REPRINT, ended - minutes(1))
        assert isinstance(then.verdict, Clearance)
        assert (then.verdict.clause, then.known) == ("XSW-9#1", ended - minutes(1))
        assert then.now is None  # what is known now says the same of that moment
        assert then.until == NOON + days(60)  # as far as was known
        now = await house.explanation.explain(PARTNERS[3], item, Use.REPRINT)
        assert isinstance(now.verdict, Refusal)
        assert now.verdict.reason is Reason.LICENCE_ENDED
        known_before = await house.explanation.explain(
            PARTNERS[3], item, Use.REPRINT, None, ended - minutes(1)
        )
        assert isinstance(known_before.verdict, Clearance)
        assert known_before.now is not None
        assert same(known_before.now, now.verdict)
        assert known_before.register.licences_of(PARTNERS[3])[0].window.closes == NOON + days(60)

    bustling(store_address, tmp_path, story)


def test_a_suspension_or_a_recall_does_not_reach_back_before_it_came(
    store_address: str, tmp_path: Path
) -> None:
    async def story(bustle: Bustle) -> None:
        house, clock = bustle.house, bustle.clock
        item = await plain(bustle)
        clock.move(days(1))
        before = clock() - minutes(1)
        await house.rights.suspend(STAFF, PARTNERS[3])
        clock.move(minutes(5))
        knowing = await house.explanation.explain(PARTNERS[3], item, Use.REPRINT, before, clock())
        assert isinstance(knowing.verdict, Clearance)
        assert knowing.until == before + minutes(1)
        assert isinstance(
            (await house.explanation.explain(PARTNERS[3], item, Use.REPRINT)).verdict, Refusal
        )

    bustling(store_address, tmp_path, story)


def test_what_was_not_on_record_then_says_since_when_it_is(store_address: str, tmp_path: Path) -> None:
    async def story(bustle: Bustle) -> None:
        house, clock = bustle.house, bustle.clock
        clock.move(days(2))
        item = await plain(bustle)
        came = clock()
        clock.move(days(2))
        with pytest.raises(NotYetKnown) as unknown:
            await house.explanation.explain(PARTNERS[3], item, Use.REPRINT, came - minutes(1))
        assert unknown.value.since == came
        local = came.astimezone(house.settings.publisher.zone).isoformat()
        assert f"--known {local}" in unknown.value.text.zh
        assert f"--known {local}" in unknown.value.text.en
        with pytest.raises(NotYetKnown) as early:
            await house.explanation.explain(PARTNERS[3], item, Use.REPRINT, NOON - days(1))
        assert early.value.since == NOON
        assert early.value.code == "not_known_then"
        knowing = await house.explanation.explain(PARTNERS[3], item, Use.REPRINT, came - minutes(1), came)
        assert isinstance(knowing.verdict, Refusal)
        assert knowing.verdict.reason is Reason.NOT_PUBLISHED
        for partner, id in (("nobody", item), (PARTNERS[3], ItemId("20261102-zzzzzzzzzz"))):
            with pytest.raises(Unknown) as there_is_none:
                await house.explanation.explain(partner, id, Use.REPRINT, came)
            assert not isinstance(there_is_none.value, NotYetKnown)

    bustling(store_address, tmp_path, story)


def test_the_knowledge_of_a_moment_to_come_is_refused(sqlite_address: str, tmp_path: Path) -> None:
    async def story(bustle: Bustle) -> None:
        item = await plain(bustle)
        later = bustle.clock() + timedelta(seconds=1)
        with pytest.raises(Faulty) as refused:
            await bustle.house.explanation.explain(PARTNERS[3], item, Use.REPRINT, None, later)
        assert [(fault.code, fault.field) for fault in refused.value.faults] == [
            ("known_in_future", "known")
        ]
        to_come = await bustle.house.explanation.explain(PARTNERS[3], item, Use.REPRINT, NOON + days(60))
        assert isinstance(to_come.verdict, Refusal)
        assert (to_come.verdict.reason, to_come.known) == (Reason.LICENCE_ENDED, bustle.clock())

    bustling(sqlite_address, tmp_path, story)


def test_a_line_that_decides_nothing_is_no_decision_and_one_that_is_not_there_is_unknown(
    sqlite_address: str, tmp_path: Path
) -> None:
    async def story(bustle: Bustle) -> None:
        with pytest.raises(Conflict) as nothing:
            await bustle.house.explanation.replay(1)
        assert nothing.value.code == "no_decision"
        with pytest.raises(Unknown):
            await bustle.house.explanation.replay(1_000_000)

    bustling(sqlite_address, tmp_path, story)


def test_a_line_that_is_not_what_was_decided_does_not_agree(store_address: str, tmp_path: Path) -> None:
    async def story(bustle: Bustle) -> None:
        house = bustle.house
        item = await plain(bustle)
        await bustle.fetch(PARTNERS[3], item, Use.REPRINT)
        await bustle.fetch(PARTNERS[3], item, Use.COPY)
        given, refused = (await lines_of(bustle))[-2:]
        assert (await house.explanation.replay(given.seq)).agrees
        assert (await house.explanation.replay(refused.seq)).agrees
        for line, use in ((given, "link"), (refused, "reprint")):
            for name, other in (("clause", "XSW-8#1"), ("use", use), ("reason", "delayed")):
                if hasattr(line.entry.event, name):
                    edited = await edit(bustle, line, name, other)
                    assert not (await house.explanation.replay(edited)).agrees, (line, name)

    bustling(store_address, tmp_path, story)


def test_a_draft_is_tried_answer_by_answer_with_its_quota_and_its_end(
    store_address: str, tmp_path: Path
) -> None:
    async def story(bustle: Bustle) -> None:
        house, clock = bustle.house, bustle.clock
        first, second = await plain(bustle), await plain(bustle)
        for item in (first, second, first):
            await bustle.fetch(PARTNERS[3], item, Use.REPRINT)
        await bustle.fetch(PARTNERS[3], None, Use.LINK)
        clock.move(days(1))
        await bustle.fetch(PARTNERS[3], second, Use.REPRINT)
        await house.rights.end_licence(STAFF, "XSW-9")
        await bustle.fetch(PARTNERS[3], second, Use.REPRINT)
        draft = await house.rights.draft(PLAIN.replace("XSW-9", "XSW-10") + QUOTA, "draft.toml")
        before = await lines_of(bustle)
        counted: list[int] = []
        trial = await house.explanation.try_licence(draft, house.clock() - days(30), told=counted.append)
        changes = [(one.item, one.was, one.would, one.times) for one in trial.changed]
        assert sorted(changes, key=str) == sorted(
            [
                (second, YES, Answer("quota_exceeded", "XSW-10#1"), 1),
                (second, Answer("licence_ended", "XSW-9"), Answer(None, "XSW-10#1", Use.REPRINT), 1),
            ],
            key=str,
        )
        # Four answers about items were given as before: the first item twice, the second a day later.
        assert (trial.answers, trial.distinct, trial.feeds_refused) == (5, 4, 1)
        assert trial.instead_of == ("XSW-9",)
        assert counted == list(range(1, counted[-1] + 1))
        assert await lines_of(bustle) == before
        recent = await house.explanation.try_licence(draft, house.clock() - timedelta(hours=1))
        assert recent.answers == 2
        beside = await house.explanation.try_licence(
            replace(draft, number="XSW-9"), house.clock() - days(30)
        )
        assert beside.instead_of == ("XSW-9",)

    bustling(store_address, tmp_path, story)


async def edit(bustle: Bustle, line: Line, name: str, value: str) -> int:
    """Somebody writes a line that says another thing than what was decided."""
    event = replace(line.entry.event, **{name: value})  # type: ignore[arg-type]
    async with bustle.house.store.writing() as tx:
        return await tx.append(Entry(line.entry.at, line.entry.actor, event))


async def plain(bustle: Bustle) -> ItemId:
    """One licence for sixty days of a partner that has no other, and an item of the daily's under it."""
    house = bustle.house
    if bustle.licences[-1] != "XSW-9":
        await house.rights.add_licence(STAFF, PLAIN, "l.toml")
        bustle.licences.append("XSW-9")
    local = bustle.clock().astimezone(house.settings.publisher.zone)
    said = f"{local.year}年{local.month}月{local.day}日 {local.hour}:{local.minute:02}"
    bustle.headlines.append((f"第{len(bustle.items)}件平常的事", said))
    return await bustle.take_in(len(bustle.items), "萧山日报", "新闻")
