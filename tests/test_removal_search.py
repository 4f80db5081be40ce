"""The scheduler finds every removal that is due, and looks only at what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from syndicate.model.changes import Action, ChangeEntry, Charge, Holding, Progress, Terms
from syndicate.model.events import ItemDelivered
from syndicate.model.item import ItemId, OutletId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry
from syndicate.model.rights import Clause
from syndicate.services.changes import change_detector
from syndicate.services.changes.change_detector import ChangeDetector
from syndicate.services.changes.partner_snapshot import partner_snapshot
from syndicate.services.changes.takedowns import Takedowns
from syndicate.store.protocol import Change, Outcome, Pending, SequenceUpdate
from tests.bench.partners import add_partners
from tests.support.factories import STAFF, days, minutes
from tests.support.indistinguishability import questions_to_database
from tests.support.servers import Serving, serving
from tests.test_changes import MANDATE, page, take_in
from tests.test_store.samples import an_act

MANY = 30
FEW = 16
"""Statements of a round in which nobody, or only a partner or two, may have something to remove."""
EACH = 14
"""Statements for one partner more."""
TELEVISION = MANDATE.replace("HEAD-1", "HEAD-2").replace('"daily"', '"tv"')


def licence(name: str, grant: str) -> str:
    return (
        f'number = "L-{name}"\npartner = "{name}"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
        f'[[grant]]\noutlets = ["daily"]\nmedia = ["text"]\nuses = ["reprint"]\n{grant}'
    )


async def fill(here: Serving) -> list[ItemId]:
    """Many partners that hold the same two items, each by its own licence; one keeps items for a week."""
    for mandate in (MANDATE, TELEVISION):
        await here.house.rights.add_mandate(STAFF, mandate, "mandate.toml")
    ids = [
        await take_in(here, page("一稿")),
        await take_in(here, page("二稿", "2026年11月2日 10:00"), "b.txt"),
    ]
    names = [f"p-{number:03}" for number in range(MANY)]
    await add_partners(here.house, {name: licence(name, grant_of(name)) for name in names})
    async with here.house.store.writing() as tx:
        for name in map(PartnerId, names):
            held = tuple(Holding(name, id, 1, Clause(f"L-{name}#1"), 1, Terms("full")) for id in ids)
            await tx.append_entries(SequenceUpdate(0, Progress(name, last=1), held=held))
        await tx.append(an_act())
    return ids


def grant_of(name: str) -> str:
    return 'retain = "P7D"' if name == "p-007" else 'archive = "P999D"'


async def withdrawn(here: Serving) -> list[tuple[str, str]]:
    """Who was told to remove what, until now."""
    told = await here.house.store.takedowns()
    return sorted(
        (one.entry.partner, one.entry.item) for one in told if one.entry.action is Action.WITHDRAW
    )


async def nothing_stays(here: Serving) -> None:
    """Search the holdings of every partner: none may be held that has ended."""
    store, publisher, detector = here.house.store, here.house.settings.publisher, ChangeDetector()
    register, change = await here.house.rights_cache.read()
    for partner in register.partners.values():
        snapshot = partner_snapshot(partner, register, change, here.clock(), publisher.zone)
        assert not (await detector.removals(store, snapshot, None)).found, partner.id


@contextmanager
def at_most(statements: int) -> Iterator[list[str]]:
    with questions_to_database() as asked:
        yield asked
    assert len(asked) <= statements, f"{len(asked)}: {asked[:40]}"


def a_worker(here: Serving) -> Takedowns:
    """The takedowns of one more worker, which has searched nothing yet."""
    house, publisher = here.house, here.house.settings.publisher
    return Takedowns(house.store, publisher, ChangeDetector(), house.rights_cache, here.clock)


async def move_to_television(here: Serving, id: ItemId) -> None:
    """A version that belongs to another outlet, kept as what came and not as what takes away."""
    async with here.house.store.writing() as tx:
        item = await tx.item(id)
        assert item is not None
        await tx.put_item(replace(item, version=2, outlet=OutletId("tv")), [])
        await tx.append(an_act())
        await tx.changed(Change.ITEM)


def test_a_round_costs_what_has_changed_and_misses_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            first, second = await fill(here)
            takedowns = here.house.scheduler._takedowns
            assert await takedowns.order_all()  # the first search of all moves every watermark
            assert await withdrawn(here) == []
            expected: list[tuple[str, str]] = []

            async def rounds(statements: int, *new: tuple[str, str]) -> None:
                expected.extend(new)
                with at_most(statements):
                    assert await takedowns.order_all()
                assert await withdrawn(here) == sorted(expected)
                await nothing_stays(here)

            await rounds(FEW)
            await here.house.keys.issue(STAFF, PartnerId("p-001"))
            await rounds(FEW + 6)  # the register is read again
            await here.house.rights.end_mandate(STAFF, "HEAD-2")
            await rounds(FEW + 6)
            await here.house.rights.end_licence(STAFF, "L-p-003")
            await rounds(FEW + 6 + EACH + 8, ("p-003", first), ("p-003", second))
            here.clock.now = here.clock() + days(7) - minutes(90)
            await rounds(FEW + EACH + 8, ("p-007", second))
            here.clock.now += minutes(40)
            await rounds(FEW + EACH + 8, ("p-007", first))
            await move_to_television(here, first)
            others = [f"p-{number:03}" for number in range(MANY) if number not in {3, 7}]
            await rounds(MANY * 40, *((name, first) for name in others))
            # A worker that starts now finds all done, by the watermarks of those that looked before it.
            with at_most(FEW):
                assert await a_worker(here).order_all()
            await here.house.rights.end_mandate(STAFF, "HEAD-1")
            await rounds(MANY * 40, *((name, second) for name in others))

    asyncio.run(act())


def test_watermarks_of_partners_to_whom_nothing_happens_move_together(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            await fill(here)
            takedowns = here.house.scheduler._takedowns
            assert await takedowns.order_all()
            await take_in(here, page("三稿", "2026年11月2日 11:30"), "c.txt")
            here.clock.move(minutes(6))
            with at_most(FEW + 4):
                assert await takedowns.order_all()
            _, change = await here.house.rights_cache.read()
            progress = await here.house.store.progress_of([PartnerId("p-001"), PartnerId("p-020")])
            for one in progress.values():
                assert one.removals_until is not None
                assert (one.removals_until.change, one.removals_until.at) == (change, here.clock())
            # Whoever comes second finds them moved, and writes nothing.
            with questions_to_database() as asked:
                assert await a_worker(here).order_all()
            assert not any(statement.startswith("UPDATE") for statement in asked)

    asyncio.run(act())


def test_partners_that_only_read_feeds_have_little_to_search_after_a_start(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            first, second = await fill(here)
            takedowns, store = here.house.scheduler._takedowns, here.house.store
            assert await takedowns.order_all()
            name = PartnerId("p-feeds")
            await add_partners(here.house, {name: licence(name, 'archive = "P999D"')})
            here.clock.move(minutes(1))
            charge = Charge(name, first, 1, Clause(f"L-{name}#1"), "reprint", "HEAD-1")
            line = Entry(
                here.clock(), name, ItemDelivered(name, "k", first, 1, "reprint", "", 200, "GET", "r")
            )
            assert await store.record([Pending(line, charges=(charge,))]) == [Outcome.WRITTEN]
            assert (await store.progress(name)).removals_until is None
            here.clock.move(minutes(6))
            assert await takedowns.order_all()
            mark = (await store.progress(name)).removals_until
            assert mark is not None
            assert mark.at == here.clock()
            with at_most(FEW):
                assert await a_worker(here).order_all()
            await move_to_television(here, first)
            assert await a_worker(here).order_all()
            assert (name, first) in await withdrawn(here)
            assert (name, second) not in await withdrawn(here)
            await nothing_stays(here)

    asyncio.run(act())


def test_a_start_with_nothing_searched_is_spread_over_rounds_and_what_comes_up_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            first, second = await fill(here)
            monkeypatch.setattr("syndicate.services.changes.takedowns._ROUND_SECONDS", 0)
            takedowns = a_worker(here)
            for number in range(5):
                assert not await takedowns.order_all()
                progress = await here.house.store.progress_of(map_names(range(MANY)))
                done = [name for name, one in progress.items() if one.removals_until is not None]
                assert sorted(done) == map_names(range(number + 1))
            await here.house.rights.end_licence(STAFF, "L-p-020")
            assert not await takedowns.order_all()
            assert await withdrawn(here) == []  # p-020 is one of those that are left: after those before it
            monkeypatch.setattr("syndicate.services.changes.takedowns._ROUND_SECONDS", 60)
            assert await takedowns.order_all()
            assert await withdrawn(here) == [("p-020", first), ("p-020", second)]
            await nothing_stays(here)

    asyncio.run(act())


def map_names(numbers: Iterable[int]) -> list[PartnerId]:
    return [PartnerId(f"p-{number:03}") for number in numbers]


def test_a_wave_of_removals_is_found_and_written_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            await here.house.rights.add_mandate(STAFF, MANDATE, "mandate.toml")
            ids = [
                await take_in(here, page(f"第{n}稿", body=f"第{n}次说。"), f"{n}.txt") for n in range(25)
            ]
            await add_partners(here.house, {"zjol": licence("zjol", 'archive = "P999D"')})
            zjol, store = PartnerId("zjol"), here.house.store
            held = tuple(Holding(zjol, id, 1, Clause("L-zjol#1"), 1, Terms("full")) for id in ids)
            async with store.writing() as tx:
                await tx.append_entries(SequenceUpdate(0, Progress(zjol, last=1), held=held))
                await tx.append(an_act())
            await here.house.rights.end_licence(STAFF, "L-zjol")
            monkeypatch.setattr(change_detector, "_BATCH", 3)
            monkeypatch.setattr(change_detector, "_MOST_FOUND", 7)
            register, change = await here.house.rights_cache.read()
            zone = here.house.settings.publisher.zone
            snapshot = partner_snapshot(register.partners[zjol], register, change, here.clock(), zone)
            part = await ChangeDetector().removals(store, snapshot, None)
            assert (len(part.found), part.after) == (9, sorted(ids)[8])
            assert await here.house.scheduler._takedowns.order(register.partners[zjol])
            assert await withdrawn(here) == [("zjol", id) for id in sorted(ids)]
            assert await store.holdings(zjol) == []
            assert (await store.progress(zjol)).removals_until == snapshot.watermark()

    asyncio.run(act())


def test_deadlines_are_followed_up_without_a_question_until_one_may_have_passed(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            ids = await fill(here)
            partner, clause = PartnerId("p-000"), Clause("L-p-000#1")
            holding = Holding(partner, ids[0], 1, clause, 1, Terms("full"))
            entry = ChangeEntry(
                partner=partner,
                seq=2,
                at=here.clock(),
                action=Action.WITHDRAW,
                item=ids[0],
                version=1,
                clause=clause,
                deadline=here.clock() + minutes(30),
            )

            async def kept(update: SequenceUpdate, *, announced: bool = False) -> None:
                async with here.house.store.writing() as tx:
                    progress = await tx.progress(partner)
                    assert await tx.append_entries(replace(update, read=progress.revision))
                    await tx.append(an_act())
                    if announced:
                        await tx.changed(Change.ITEM)

            worker, after = a_worker(here), Progress(partner, last=2)
            await here.house.rights_cache.read()
            with at_most(1) as asked:
                assert await worker.follow_up() == []
            assert asked, "once, to begin with"
            with at_most(0):
                assert await worker.follow_up() == []
            # It is told to remove the item, and is given it again before the deadline.
            await kept(SequenceUpdate(0, after, (entry,), gone=(ids[0],)), announced=True)
            await kept(SequenceUpdate(0, after, held=(holding,)))
            assert await worker.follow_up() == []
            here.clock.move(minutes(31))
            assert await worker.follow_up() == [], "what was put again need not be gone"
            # The holding ends without an entry, which nothing announces.
            await kept(SequenceUpdate(0, after, gone=(ids[0],)))
            assert [one.seq for one in await worker.follow_up()] == [2]
            assert await worker.follow_up() == []
            with at_most(0):
                assert await worker.follow_up() == []

    asyncio.run(act())
