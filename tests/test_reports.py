"""Reports on a real store of both kinds: what each month comes to, and the trail alone says the same."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from syndicate.errors import Faulty, Unknown
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId, Medium
from syndicate.model.names import OutletId, PartnerId
from syndicate.model.parties import Partner
from syndicate.model.statement import Account, Balance, by_owner, month, total
from tests.support.factories import DAILY, OTHER, PUBLISHER, STAFF, TV, ZJOL, an_item
from tests.support.fixtures import LICENSED_FEED, Keys, an_id, visit
from tests.support.report_fixtures import (
    BROADCASTER,
    OPENED,
    PAPER,
    Act,
    Counter,
    counts,
    moment,
    named,
    run,
)
from tests.support.servers import Serving

ONE, TWO, THREE, PICTURE, FILM = (named(number) for number in range(1, 6))
Counts = tuple[int, int, int]


def gives(at: str, item: ItemId = ONE, partner: Partner = ZJOL, version: int = 1) -> Act:
    return lambda here: here.give(moment(at), here.charge(item, partner=partner, version=version))


def recalls(at: str, item: ItemId = ONE) -> Act:
    return lambda here: here.recall(moment(at), item)


def reinstates(at: str, item: ItemId = ONE) -> Act:
    return lambda here: here.reinstate(moment(at), item)


STORIES: dict[str, tuple[list[Act], dict[int, Counts]]] = {
    "an item counts in the month of its delivery": (
        [gives("09-10 08:00")],
        {8: (0, 0, 0), 9: (1, 0, 0), 10: (0, 0, 0)},
    ),
    "fetched again, also in another month, it counts once": (
        [gives("09-10 08:00"), gives("09-10 08:05"), gives("10-01 08:00")],
        {9: (1, 0, 0), 10: (0, 0, 0)},
    ),
    "each version and each partner counts": (
        [gives("09-10 08:00"), gives("09-11 08:00", version=2), gives("09-12 08:00", partner=OTHER)],
        {9: (3, 0, 0)},
    ),
    "a recall in the same month takes it off that month": (
        [gives("09-10 08:00"), recalls("09-11 08:00")],
        {9: (1, 1, 0), 10: (0, 0, 0)},
    ),
    "a recall in a later month takes it off the later month": (
        [gives("09-10 08:00"), recalls("10-11 08:00")],
        {9: (1, 0, 0), 10: (0, 1, 0), 11: (0, 0, 0)},
    ),
    "a recall calls back every version that any partner was given": (
        [
            gives("08-10 08:00"),
            gives("09-10 08:00", version=2),
            gives("09-10 09:00", partner=OTHER),
            gives("09-10 09:00", TWO),
            recalls("10-11 08:00"),
        ],
        {8: (1, 0, 0), 9: (3, 0, 0), 10: (0, 3, 0)},
    ),
    "a recall of what nobody was given counts nothing": (
        [recalls("09-11 08:00"), gives("09-12 08:00", TWO)],
        {9: (1, 0, 0)},
    ),
    "reinstated in the same month, it stands again": (
        [gives("09-10 08:00"), recalls("09-11 08:00"), reinstates("09-12 08:00")],
        {9: (1, 1, 1)},
    ),
    "reinstated in a later month, it is given back in that one": (
        [gives("09-10 08:00"), recalls("09-11 08:00"), reinstates("10-12 08:00")],
        {9: (1, 1, 0), 10: (0, 0, 1)},
    ),
    "reinstated twice": (
        [
            gives("08-10 08:00"),
            recalls("09-11 08:00"),
            reinstates("09-12 08:00"),
            recalls("09-13 08:00"),
            reinstates("10-14 08:00"),
            gives("10-15 08:00"),
        ],
        {8: (1, 0, 0), 9: (0, 2, 1), 10: (0, 0, 1)},
    ),
    "what is first given after a reinstatement is called back by a later recall alone": (
        [
            recalls("08-11 08:00"),
            reinstates("08-12 08:00"),
            gives("08-13 08:00"),
            recalls("09-13 08:00"),
        ],
        {8: (1, 0, 0), 9: (0, 1, 0)},
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_statement_of_every_month(store_address: str, story: str) -> None:
    acts, expected = STORIES[story]

    async def act(here: Counter) -> None:
        for one in acts:
            await one(here)
        for number, said in expected.items():
            made = await here.statement(number)
            assert counts(made) == said, number
            assert made.differences == ()
            assert not made.provisional

    run(store_address, act)


def test_a_month_begins_and_ends_at_midnight_in_xiaoshan(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("10-31 23:59:59"), here.charge(ONE))
        await here.give(moment("11-01 00:00:00"), here.charge(TWO))
        await here.give(moment("11-30 23:59:59.999999"), here.charge(THREE))
        await here.recall(moment("12-01 00:00:00"), THREE)
        assert [counts(await here.statement(number)) for number in (10, 11, 12)] == [
            (1, 0, 0),
            (2, 0, 0),
            (0, 1, 0),
        ]
        within = (await here.statement(11)).within
        assert within.closes is not None
        assert within.opens.isoformat() == "2026-11-01T00:00:00+08:00"
        assert within.closes.isoformat() == "2026-12-01T00:00:00+08:00"
        usage = await here.desk.usage(date(2026, 10, 31), date(2026, 11, 1), check=True)
        assert total(usage.rows) == Balance(1)

    run(store_address, act)


def test_rows_are_by_owner_medium_and_partner_with_totals_and_lines(store_address: str) -> None:
    async def act(here: Counter) -> None:
        film = here.charge(FILM, mandate="HEAD-2")
        old = here.charge(TWO, mandate="", clause="XSW-0#1")
        await here.give_feed(moment("09-01 08:00"), [old], members=4)
        await here.give_feed(moment("09-02 08:00"), [here.charge(ONE), here.charge(PICTURE), film])
        await here.give_changes(moment("09-03 08:00"), [here.charge(THREE), here.charge(ONE)])
        await here.give_changes(moment("09-03 09:00"), [])
        await here.give(moment("09-04 08:00"), here.charge(ONE, partner=OTHER), method="EXPORT")
        await here.recall(moment("09-05 08:00"), ONE)
        made = await here.statement(9)
        first = made.line - 5
        assert {row.account: (row.balance, row.lines) for row in made.rows} == {
            Account(PAPER, Medium.TEXT, OTHER.id): (Balance(1, 1), (first + 4, first + 5)),
            Account(PAPER, Medium.TEXT, ZJOL.id): (Balance(2, 1), (first + 1, first + 2, first + 5)),
            Account(PAPER, Medium.PICTURE, ZJOL.id): (Balance(1), (first + 1,)),
            Account(BROADCASTER, Medium.VIDEO, ZJOL.id): (Balance(1), (first + 1,)),
            Account(None, Medium.TEXT, ZJOL.id): (Balance(1), (first,)),
        }
        assert [row.account.owner for row in made.rows] == [BROADCASTER, PAPER, PAPER, PAPER, None]
        assert by_owner(made.rows) == [
            (BROADCASTER, Balance(1)),
            (PAPER, Balance(4, 2)),
            (None, Balance(1)),
        ]
        assert total(made.rows).net == 4
        assert made.differences == ()

    run(store_address, act)


def test_what_gives_nothing_is_not_counted_again_from_the_trail(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE), method="HEAD")
        await here.give(moment("09-01 08:01"), here.charge(ONE), status=304)
        await here.give_feed(moment("09-01 08:02"), [here.charge(TWO)], status=304)
        assert (await here.statement(9)).rows == ()
        await here.give(moment("09-01 09:00"), here.charge(ONE))
        made = await here.statement(9)
        assert (counts(made), made.differences) == ((1, 0, 0), ())

    run(store_address, act)


def test_a_month_with_nothing_is_an_empty_statement(store_address: str) -> None:
    async def act(here: Counter) -> None:
        made = await here.statement(7)
        assert (made.rows, total(made.rows), made.differences) == ((), Balance(), ())

    run(store_address, act)


def test_a_closed_month_never_changes(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-10 08:00"), here.charge(ONE))
        here.clock.now = moment("10-01 00:00:00")
        closed = await here.desk.statement(2026, 9, lines=True)
        await here.recall(moment("10-02 08:00"), ONE)
        await here.give(moment("10-03 08:00"), here.charge(TWO))
        await here.reinstate(moment("11-04 08:00"), ONE)
        assert await here.desk.statement(2026, 9, lines=True) == closed
        assert not closed.provisional

    run(store_address, act)


def test_a_month_that_is_not_over_is_provisional_and_one_to_come_is_refused(store_address: str) -> None:
    async def act(here: Counter) -> None:
        here.clock.now = moment("09-30 23:59:59")
        assert (await here.desk.statement(2026, 9)).provisional
        with pytest.raises(Faulty) as refused:
            await here.desk.statement(2026, 10)
        assert [fault.code for fault in refused.value.faults] == ["month_not_begun"]
        here.clock.now = moment("10-01 00:00:00")
        assert not (await here.desk.statement(2026, 9)).provisional
        assert (await here.desk.statement(2026, 10)).provisional
        with pytest.raises(Faulty):
            await here.desk.statement(9999, 12)

    run(store_address, act)


def test_usage_is_by_clause_too_and_says_what_is_recalled_now(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        await here.give(moment("09-02 08:00"), here.charge(ONE, clause="XSW-1#2"))
        await here.give(moment("09-03 08:00"), here.charge(TWO))
        await here.give(moment("09-04 08:00"), here.charge(FILM, mandate="HEAD-2", partner=OTHER))
        await here.recall(moment("10-01 08:00"), ONE)
        await here.recall(moment("10-02 08:00"), TWO)
        await here.reinstate(moment("10-03 08:00"), TWO)
        last = await here.store.line_at(moment("12-01 00:00"))
        asked = (date(2026, 9, 1), date(2026, 10, 1))
        made = await here.desk.usage(*asked, lines=True, check=True)
        assert [(row.account, row.balance, row.lines) for row in made.rows] == [
            (Account(BROADCASTER, Medium.VIDEO, OTHER.id, TV, "XSW-1#1"), Balance(1), (last - 3,)),
            (
                Account(PAPER, Medium.TEXT, ZJOL.id, DAILY, "XSW-1#1"),
                Balance(2, 1),
                (last - 6, last - 4, last - 2),
            ),
            (Account(PAPER, Medium.TEXT, ZJOL.id, DAILY, "XSW-1#2"), Balance(1, 1), (last - 5, last - 2)),
        ]
        assert made.differences == ()
        theirs = await here.desk.usage(*asked, partner=OTHER.id, check=True)
        assert [row.account.partner for row in theirs.rows] == [OTHER.id]
        daily = await here.desk.usage(*asked, outlet=DAILY, check=True)
        assert total(daily.rows) == Balance(3, 2)
        assert theirs.differences == daily.differences == ()
        assert (await here.desk.usage(date(2026, 9, 2), date(2026, 9, 3))).rows[0].balance == Balance(1, 1)

    run(store_address, act)


def test_each_version_goes_to_the_outlet_and_medium_that_it_had(store_address: str) -> None:
    async def act(here: Counter) -> None:
        later = an_item(id=ONE, version=3, published=OPENED, outlet=TV, medium=Medium.VIDEO)
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        await here.take_in(later)
        await here.give(moment("09-02 08:00"), here.charge(ONE, version=3, mandate="HEAD-2"))
        made = await here.desk.usage(date(2026, 9, 1), date(2026, 9, 3), check=True)
        assert [(row.account.outlet, row.account.medium) for row in made.rows] == [
            (TV, Medium.VIDEO),
            (DAILY, Medium.TEXT),
        ]
        assert made.differences == ()

    run(store_address, act)


@pytest.mark.parametrize("days", [(date(2026, 9, 2), date(2026, 9, 1)), (date(2026, 9, 1),) * 2])
def test_a_span_that_ends_before_it_begins_is_refused(sqlite_address: str, days: tuple[date, date]) -> None:
    async def act(here: Counter) -> None:
        with pytest.raises(Faulty) as refused:
            await here.desk.usage(*days)
        assert [(fault.code, fault.field) for fault in refused.value.faults] == [("span_empty", "from")]
        with pytest.raises(Faulty) as refused:
            await here.desk.usage(date(1, 1, 1), date(2026, 1, 1))
        assert [fault.code for fault in refused.value.faults] == ["span_too_early"]

    run(sqlite_address, act)


def test_a_partner_or_outlet_there_is_not_is_unknown(sqlite_address: str) -> None:
    async def act(here: Counter) -> None:
        asked = (date(2026, 9, 1), date(2026, 10, 1))
        with pytest.raises(Unknown, match="there is no partner: nobody"):
            await here.desk.usage(*asked, partner=PartnerId("nobody"))
        with pytest.raises(Unknown, match="there is no outlet: moon"):
            await here.desk.usage(*asked, outlet=OutletId("moon"))
        with pytest.raises(Unknown):
            await here.desk.takedowns(PartnerId("nobody"))

    run(sqlite_address, act)


def test_a_report_of_more_than_one_batch_is_whole(store_address: str) -> None:
    items = [named(number) for number in range(1, 6)]

    async def act(here: Counter) -> None:
        everything = [here.charge(item, version=v) for item in items for v in range(1, 301)]
        await here.give_feed(moment("08-01 08:00"), everything)
        await here.give_feed(moment("09-01 08:00"), [here.charge(one, partner=OTHER) for one in items])
        await here.give(moment("09-01 09:00"), *everything[:1100], status=304)
        await here.recall(moment("09-02 08:00"), ONE)
        assert counts(await here.statement(8)) == (1500, 0, 0)
        made = await here.statement(9)
        assert (counts(made), made.differences) == ((5, 301, 0), ())

    run(store_address, act)


def test_what_a_server_gave_by_every_route_is_reckoned_alike(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = ItemId(await an_id(here, "日报新闻"))
        paths = (LICENSED_FEED, f"/licensed/items/{item}", "/licensed/changes?after=0")
        seen: set[int] = set()
        for key in keys.values():
            for path in paths:
                for method in ("HEAD", "GET", "GET"):
                    seen.add((await here.get(path, key=key, method=method)).status)
        assert 200 in seen
        made = await here.house.reports.statement(2026, 11, lines=True, check=True)
        assert made.differences == ()
        assert total(made.rows).delivered > len(made.rows) > 0
        await here.house.holds.recall(STAFF, item, RecallReason.EDITORIAL, "有误", timedelta(hours=2))
        again = await here.house.reports.statement(2026, 11, check=True)
        assert again.differences == ()
        assert total(again.rows).recalled > 0

    visit(tmp_path, act)


def test_every_month_of_the_calendar_follows_the_one_before() -> None:
    spans = [month(2023 + n // 12, n % 12 + 1, PUBLISHER.zone) for n in range(36)]
    assert all(one.closes == other.opens for one, other in pairwise(spans))
    assert str(spans[13].opens) == "2024-02-01 00:00:00+08:00"
    with pytest.raises(ValueError, match="month"):
        month(2026, 13, PUBLISHER.zone)
