"""Add up deliveries for one report: count what happened to each, on its owner's account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.changes import Delivery
from syndicate.model.item import Item, Medium
from syndicate.model.names import ItemId, OutletId, PartnerId
from syndicate.model.register import Register
from syndicate.model.rights import Window
from syndicate.model.statement import Account, Balance, Movement, RecallChange, Row, Tally
from syndicate.store.protocol import Store

ItemVersion = tuple[ItemId, int]
Count = Callable[[Delivery, Sequence[RecallChange], Window], Iterable[tuple[Movement, int]]]
"""What happened to a delivery within a period: `statement_movements` or `usage_movements`."""

_MOVEMENTS: Final = ("delivered", "recalled", "reinstated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a report is about, and how finely it is divided."""

    within: Window
    count: Count
    register: Register
    by_clause: bool = False
    """Also split rows by outlet and clause; usage reports do."""
    partner: PartnerId | None = None
    outlet: OutletId | None = None
    lines: bool = False


@dataclass(frozen=True, slots=True)
class _About:
    """What a report needs of an item version; all fields are empty if the version does not exist."""

    outlet: OutletId | None = None
    medium: Medium | None = None
    digest: str = ""


class Aggregator:
    """Add up the deliveries of one report.

    With `thorough`, item versions are read in full, not from the listing of newest versions.
    """

    def __init__(self, store: Store, scope: Scope, *, thorough: bool) -> None:
        self._store, self._scope, self._thorough = store, scope, thorough
        self._holders = {one.number: one.holder for one in scope.register.mandates}
        self._known: dict[ItemVersion, _About] = {}
        self._newest: dict[ItemId, Item | None] = {}
        self._tally = Tally(lines=scope.lines)

    async def count_batch(
        self, batch: Iterable[Delivery], turns: Mapping[ItemId, Sequence[RecallChange]]
    ) -> None:
        """Count these deliveries; `turns` are the recalls and reinstatements of their items."""
        scope = self._scope
        counted = [(one, list(scope.count(one, turns.get(one.item, ()), scope.within))) for one in batch]
        moved = [(one, movements) for one, movements in counted if movements and self._in_scope(one)]
        await self._learn([one for one, _ in moved])
        for one, movements in moved:
            about = self._known[one.item, one.version]
            if scope.outlet is None or about.outlet == scope.outlet:
                account = self._account(one, about)
                for movement, line in movements:
                    self._tally.add(account, movement, line)

    async def recalled(self, batch: Sequence[Delivery]) -> set[ItemId]:
        """Which items of these deliveries are under a recall now."""
        items = {one.item for one in batch if self._in_scope(one)}
        await self._outline(items)
        found = (self._newest[item] for item in items)
        return {one.id for one in found if one is not None and one.holds.recall is not None}

    def rows(self) -> tuple[Row, ...]:
        """Return the sums, one row for each account."""
        return self._tally.rows()

    def empty_copy(self) -> Aggregator:
        """Return an aggregator of the same scope, with nothing added up yet."""
        other = Aggregator(self._store, self._scope, thorough=self._thorough)
        other._known = self._known
        return other

    def contents(self) -> dict[ItemVersion, str]:
        """The digest of each item version that was looked at, where that was done thoroughly."""
        return {name: about.digest for name, about in self._known.items() if about.digest}

    def differing(self, trail: Aggregator) -> Iterator[Fault]:
        """A fault for each count that differs from `trail`, the aggregator filled from the trail."""
        ours, theirs = ({row.account: row.balance for row in one.rows()} for one in (self, trail))
        for account in sorted({*ours, *theirs}, key=lambda one: one.place):
            reported, replayed = ours.get(account, Balance()), theirs.get(account, Balance())
            for name in _MOVEMENTS:
                here, there = getattr(reported, name), getattr(replayed, name)
                if here != there:
                    text = Text(
                        f"报表为 {here}，按审计记录为 {there}",
                        f"the report says {here}, the trail comes to {there}",
                    )
                    yield Fault("row_differs", f"{_name(account)} {name}", text)

    def _in_scope(self, one: Delivery) -> bool:
        return self._scope.partner is None or one.partner == self._scope.partner

    def _account(self, one: Delivery, about: _About) -> Account:
        owner = self._holders.get(one.mandate)
        if not self._scope.by_clause:
            return Account(owner, about.medium, one.partner)
        return Account(owner, about.medium, one.partner, about.outlet, one.clause)

    async def _learn(self, batch: Iterable[Delivery]) -> None:
        wanted: dict[ItemId, set[int]] = {}
        for one in batch:
            if (one.item, one.version) not in self._known:
                wanted.setdefault(one.item, set()).add(one.version)
        if not self._thorough:
            await self._outline(set(wanted))
        for item, versions in wanted.items():
            newest = self._newest.get(item)
            if self._thorough or newest is None or versions != {newest.version}:
                found = {one.version: one for one in await self._store.versions(item)}
            else:
                found = {newest.version: newest}
            for version in versions:
                self._known[item, version] = self._about(found.get(version))

    def _about(self, item: Item | None) -> _About:
        if item is None:
            return _About()
        return _About(item.outlet, item.medium, item.digest if self._thorough else "")

    async def _outline(self, items: set[ItemId]) -> None:
        wanted = items - self._newest.keys()
        outlines = await self._store.outlines(wanted)
        self._newest.update({item: outlines.get(item) for item in wanted})


def _name(account: Account) -> str:
    medium = None if account.medium is None else account.medium.value
    parts = (account.owner, account.outlet, medium, account.partner, account.clause)
    return " ".join(part for part in parts if part)
