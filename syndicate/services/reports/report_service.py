"""Make usage reports over days and monthly statements: what was delivered, by owner and partner.

Reports are read from the table `deliveries`, and from the trail's lines about recalls. With `check`
they are computed a second time from the trail alone, and every difference is listed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from syndicate.access.rights_cache import Clock
from syndicate.errors import Fault, Faulty, Unknown
from syndicate.language import Text
from syndicate.model.changes import Delivery, Takedown
from syndicate.model.lifecycle_events import ItemRecalled, ItemReinstated
from syndicate.model.names import ItemId, OutletId, PartnerId
from syndicate.model.parties import Publisher
from syndicate.model.register import Register
from syndicate.model.rights import Window
from syndicate.model.statement import RecallChange, Row, days, month, statement_movements, usage_movements
from syndicate.services.audit.proof_builder import broken
from syndicate.services.reports.aggregator import Aggregator, Scope
from syndicate.services.reports.trail_replay import TrailReplay, turns_between
from syndicate.store.protocol import Store

_BATCH: Final = 1_000
_INSTANT: Final = timedelta(microseconds=1)
_FAR: Final = datetime.max.replace(tzinfo=UTC)
_EARLIEST: Final = 1970


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of a report, and what they were made from.

    `line` is the last trail line that counted; `provisional` says that the period is not over.
    `differences` is None if no check was requested.
    """

    within: Window
    provisional: bool
    line: int
    rows: tuple[Row, ...]
    differences: tuple[Fault, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A recall or withdrawal that a partner has not acknowledged; `overdue`: its deadline has passed."""

    takedown: Takedown
    overdue: bool


class ReportService:
    """Make usage reports and monthly statements, and list open takedowns.

    Raises Faulty for an empty period, Unknown for a partner or outlet that does not exist, Conflict
    (`trail_broken`) for a line about a recall that cannot be read, StoreFault.
    """

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock

    async def usage(
        self,
        first: date,
        end: date,
        *,
        partner: PartnerId | None = None,
        outlet: OutletId | None = None,
        lines: bool = False,
        check: bool = False,
    ) -> Report:
        """Report what was delivered from the day `first` to the day before `end`, and what is recalled now.

        The rows are by owner, outlet, medium, partner and clause.
        """
        faults = _early("from", first)
        if first >= end:
            text = Text("应早于 --to（不含当日）", "expected a day before --to, which is not in the report")
            faults.append(Fault("span_empty", "from", text))
        if faults:
            raise Faulty(_UNMADE, faults)
        register = await self._store.register()
        if partner is not None:
            _known(register, partner)
        if outlet is not None and not self._has(register, outlet):
            raise Unknown(Text("媒体", "outlet"), outlet)
        within = days(first, end, self._publisher.zone)
        last = await self._store.line_at(_FAR)
        scope = Scope(
            within=within,
            count=usage_movements,
            register=register,
            by_clause=True,
            partner=partner,
            outlet=outlet,
            lines=lines,
        )
        aggregator = Aggregator(self._store, scope, thorough=check)
        turns: dict[ItemId, list[RecallChange]] = {}
        async for batch in self._deliveries(last, since=within.opens, until=within.closes):
            for item in await aggregator.recalled(batch) - turns.keys():
                turns[item] = await self._history(item, last)
            await aggregator.count_batch(batch, turns)
        differences = await self._differences(last, None, aggregator) if check else None
        return self._made(within, last, aggregator, differences)

    async def statement(
        self, year: int, number: int, *, lines: bool = False, check: bool = False
    ) -> Report:
        """Make the statement of a month: what was delivered, recalled and reinstated in it.

        The rows are by owner, medium and partner. The statement of a past month never changes.
        """
        first = date(year, number, 1)
        faults = _early("month", first)
        if datetime(year, number, 1, tzinfo=self._publisher.zone) > self._clock():
            faults.append(
                Fault("month_not_begun", "month", Text("这个月还没有开始", "that month has not begun"))
            )
        if faults:
            raise Faulty(_UNMADE, faults)
        within = month(year, number, self._publisher.zone)
        assert within.closes is not None
        last = await self._store.line_at(within.closes - _INSTANT)
        before = await self._store.line_at(within.opens - _INSTANT)
        turned, unreadable = await turns_between(self._store, before, last)
        if unreadable:
            raise broken(unreadable[0])
        turns = {item: await self._history(item, last) for item in turned}
        register = await self._store.register()
        scope = Scope(within=within, count=statement_movements, register=register, lines=lines)
        aggregator = Aggregator(self._store, scope, thorough=check)
        async for batch in self._deliveries(last, since=within.opens, until=within.closes):
            await aggregator.count_batch(batch, turns)
        for item in turns:
            async for batch in self._deliveries(last, until=within.opens, item=item):
                await aggregator.count_batch(batch, turns)
        differences = await self._differences(last, within.closes, aggregator) if check else None
        return self._made(within, last, aggregator, differences)

    async def takedowns(
        self, partner: PartnerId | None = None, *, overdue: bool = False
    ) -> list[Outstanding]:
        """List takedown orders that partners have not acknowledged, oldest first.

        With `overdue`, list only those whose deadline has passed.
        """
        if partner is not None:
            _known(await self._store.register(), partner)
        now = self._clock()
        found = await self._store.takedowns(partner=partner, open_only=True)
        due = [Outstanding(one, one.overdue is not None or _passed(one, now)) for one in found]
        return [one for one in due if one.overdue or not overdue]

    def _made(
        self, within: Window, last: int, aggregator: Aggregator, differences: tuple[Fault, ...] | None
    ) -> Report:
        provisional = within.closes is None or self._clock() < within.closes
        return Report(within, provisional, last, aggregator.rows(), differences)

    async def _differences(
        self, last: int, until: datetime | None, aggregator: Aggregator
    ) -> tuple[Fault, ...]:
        """Return how stored deliveries and report rows differ from the trail up to line `last`.

        That is the last line before `until`.
        """
        replay = TrailReplay(self._store, last, aggregator.contents())
        await replay.read()
        recomputed = aggregator.empty_copy()
        replayed = list(replay.deliveries.values())
        for start in range(0, len(replayed), _BATCH):
            await recomputed.count_batch(replayed[start : start + _BATCH], replay.turns)
        async for batch in self._deliveries(None, until=until):
            for entry in batch:
                await replay.compare(entry)
        replay.close()
        return (*replay.faults, *aggregator.differing(recomputed))

    async def _deliveries(
        self,
        last: int | None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        item: ItemId | None = None,
    ) -> AsyncIterator[list[Delivery]]:
        """Stored deliveries in batches, up to line `last` (None: all there are)."""
        after = (0, 0)
        while True:
            placed = await self._store.deliveries(
                since=since, until=until, item=item, after=after, limit=_BATCH
            )
            if not placed:
                return
            yield [one for _, one in placed if last is None or one.line <= last]
            after = placed[-1][0]

    async def _history(self, item: ItemId, last: int) -> list[RecallChange]:
        """Return every recall and reinstatement of an item up to line `last`."""
        turns, after = [], 0
        kinds = (ItemRecalled.kind, ItemReinstated.kind)
        while lines := await self._store.lines(after=after, limit=_BATCH, item=item, kinds=kinds):
            for line in lines:
                event = line.entry.event
                if isinstance(event, ItemRecalled | ItemReinstated) and line.seq <= last:
                    turns.append(
                        RecallChange(item, line.seq, line.entry.at, isinstance(event, ItemRecalled))
                    )
            after = lines[-1].seq
        return turns

    def _has(self, register: Register, outlet: OutletId) -> bool:
        """An outlet that the settings name, or that a mandate was once about."""
        return self._publisher.outlet(outlet) is not None or any(
            outlet in one.outlets for one in register.mandates
        )


_UNMADE: Final = Text("未出报表", "no report was made")


def _known(register: Register, partner: PartnerId) -> None:
    if partner not in register.partners:
        raise Unknown(Text("授权媒体", "partner"), partner)


def _early(field: str, first: date) -> list[Fault]:
    if first.year >= _EARLIEST:
        return []
    text = Text(f"应不早于 {_EARLIEST} 年", f"expected no year before {_EARLIEST}")
    return [Fault("span_too_early", field, text)]


def _passed(one: Takedown, now: datetime) -> bool:
    return one.entry.deadline is not None and one.entry.deadline <= now
