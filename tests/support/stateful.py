"""What happens in a newsroom and its rights office, as steps that hypothesis puts in any order.

The steps act through the house's own desks, as the commands do; what must be true meanwhile stands in
`test_stateful`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from tests.support.factories import STAFF
from tests.support.full_setup import PARTNERS, Stage, attempt, document, mandate

T = TypeVar("T")

partners = st.sampled_from(PARTNERS)
picks = st.integers(0, 7)
spans = st.sampled_from(
    [timedelta(minutes=1), timedelta(minutes=31), timedelta(hours=3), timedelta(days=1), timedelta(days=8)]
)
ages = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=2), -timedelta(hours=2)])
grants = st.builds(
    lambda uses, outlets, *more: "\n".join(["[[grant]]", f"uses = {uses}", f"outlets = {outlets}", *more]),
    st.sampled_from(['["reprint"]', '["reprint", "link"]', '["link"]', '["copy"]']),
    st.sampled_from(['["daily"]', '["daily", "tv"]']),
    st.just('media = ["text"]'),
    st.sampled_from(['archive = "P300D"', "", 'archive = "P2D"']),
    st.sampled_from(["", 'delay = "PT30M"']),
    st.sampled_from(["", 'retain = "P1D"']),
    st.sampled_from(["", "early = true"]),
    st.sampled_from(["", 'quota = { items = 2, per = "day" }']),
    st.sampled_from(["", 'channels = ["news"]']),
)
exceptions = st.sampled_from(["", '[[except]]\nchannels = ["ask"]', '[[except]]\nuses = ["reprint"]'])


class Happenings(RuleBasedStateMachine):
    """A house with three partners. `runner` is the one loop for all; `stages` makes a stage."""

    runner: ClassVar[asyncio.Runner]
    stages: ClassVar[Callable[[], Stage]]

    def __init__(self) -> None:
        super().__init__()
        self.stage = type(self).stages()
        self.ids: list[ItemId] = []
        self.versions = itertools.count(1)
        self.licences: list[str] = []
        self.mandates: list[str] = []

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    @initialize(terms=st.lists(grants, min_size=3, max_size=3), ages=st.lists(ages, min_size=2, max_size=2))
    def begin(self, terms: list[str], ages: list[timedelta]) -> None:
        self.run(self._begin())
        for partner, grant in zip(PARTNERS, terms, strict=True):
            self.license(partner, [grant], "", timedelta(0), timedelta(days=900), False)
        for age in ages:
            self.ingest(age, "daily", "news")

    async def _begin(self) -> None:
        await self.stage.open()
        await self.stage.furnish()
        await self._mandate()

    # The newsroom.

    @rule(
        age=ages,
        source=st.sampled_from(["daily", "daily", "tv", ""]),
        channel=st.sampled_from(["news", "ask"]),
    )
    def ingest(self, age: timedelta, source: str, channel: str) -> None:
        number = len(self.ids)
        self.ids.append(self.run(self._take_in(number, age, source, channel)))

    async def _take_in(self, number: int, age: timedelta, source: str, channel: str) -> ItemId:
        published = (self.stage.clock() - age).replace(second=0, microsecond=0)
        data = document(number, f"{next(self.versions)}", published, source=source, channel=channel)
        taken = await self.stage.house.items.take_in(STAFF, data, "story.json")
        assert taken.item is not None, taken.faults
        return taken.item.id

    def pick(self, number: int) -> ItemId:
        return self.ids[number % len(self.ids)]

    @precondition(lambda self: self.ids)
    @rule(pick=picks, age=ages, channel=st.sampled_from(["news", "ask"]))
    def revise(self, pick: int, age: timedelta, channel: str) -> None:
        number = pick % len(self.ids)
        assert self.run(self._take_in(number, age, "daily", channel)) == self.ids[number]

    @precondition(lambda self: self.ids)
    @rule(pick=picks)
    def correct(self, pick: int) -> None:
        self.run(self._correct(pick % len(self.ids)))

    async def _correct(self, number: int) -> None:
        item = await self.stage.house.items.item(self.ids[number])
        data = document(
            number, f"{next(self.versions)}", item.published, source=item.outlet or "", channel=item.channel
        )
        await self.stage.house.items.correct(STAFF, item.id, data, "correction.json", "数字有误")

    @precondition(lambda self: self.ids)
    @rule(pick=picks, span=spans)
    def embargo(self, pick: int, span: timedelta) -> None:
        until = (self.stage.clock() + span).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.run(attempt(self.stage.house.holds.embargo(STAFF, self.pick(pick), until)))

    @precondition(lambda self: self.ids)
    @rule(pick=picks, partner=partners, span=spans)
    def exclusive(self, pick: int, partner: str, span: timedelta) -> None:
        until = self.stage.clock() + span
        self.run(
            attempt(self.stage.house.holds.exclusive(STAFF, self.pick(pick), PartnerId(partner), until))
        )

    @precondition(lambda self: self.ids)
    @rule(pick=picks)
    def withhold(self, pick: int) -> None:
        self.run(attempt(self.stage.house.holds.withhold(STAFF, self.pick(pick))))

    @precondition(lambda self: self.ids)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        self.run(attempt(self.stage.house.holds.release(STAFF, self.pick(pick))))

    @precondition(lambda self: self.ids)
    @rule(pick=picks, reason=st.sampled_from(list(RecallReason)))
    def recall(self, pick: int, reason: RecallReason) -> None:
        deadline = timedelta(hours=2)
        self.run(
            attempt(self.stage.house.holds.recall(STAFF, self.pick(pick), reason, "事实有误", deadline))
        )

    @precondition(lambda self: self.ids)
    @rule(pick=picks)
    def reinstate(self, pick: int) -> None:
        self.run(attempt(self.stage.house.holds.reinstate(STAFF, self.pick(pick))))

    # The rights office.

    @rule(
        partner=partners,
        terms=st.lists(grants, min_size=1, max_size=2),
        exception=exceptions,
        begins=st.sampled_from([timedelta(0), timedelta(0), -timedelta(days=1)]),
        lasts=st.sampled_from([timedelta(days=900), timedelta(days=9)]),
        strict=st.booleans(),
    )
    def license(
        self,
        partner: str,
        terms: list[str],
        exception: str,
        begins: timedelta,
        lasts: timedelta,
        strict: bool,
    ) -> None:
        number = f"L-{len(self.licences) + 1}"
        opens = self.stage.clock() - timedelta(days=100) if not begins else self.stage.clock() - begins
        head = [
            f'number = "{number}"',
            f'partner = "{partner}"',
            f"valid_from = {opens:%Y-%m-%dT%H:%M:%SZ}",
            f"valid_until = {self.stage.clock() + lasts:%Y-%m-%dT%H:%M:%SZ}",
            'takedown = "PT2H"',
            'overdue = "suspend"' if strict else "",
        ]
        self.run(
            self.stage.house.rights.add_licence(
                STAFF, "\n".join([*head, *terms, exception]), "licence.toml"
            )
        )
        self.licences.append(number)

    @precondition(lambda self: self.licences)
    @rule(pick=picks)
    def end_licence(self, pick: int) -> None:
        self.run(
            attempt(self.stage.house.rights.end_licence(STAFF, self.licences[pick % len(self.licences)]))
        )

    @rule()
    def add_mandate(self) -> None:
        self.run(self._mandate())

    async def _mandate(self) -> None:
        number = f"HEAD-{len(self.mandates) + 1}"
        await self.stage.house.rights.add_mandate(STAFF, mandate(number, ["daily", "tv"]), "mandate.toml")
        self.mandates.append(number)

    @rule(pick=picks)
    def end_mandate(self, pick: int) -> None:
        self.run(
            attempt(self.stage.house.rights.end_mandate(STAFF, self.mandates[pick % len(self.mandates)]))
        )

    @rule(partner=partners)
    def suspend_or_resume(self, partner: str) -> None:
        self.run(self._turn(PartnerId(partner)))

    async def _turn(self, partner: PartnerId) -> None:
        rights = self.stage.house.rights
        await (rights.resume if await self.stage.suspended(partner) else rights.suspend)(STAFF, partner)

    # Time, and the house's own work.

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.stage.clock.move(span)

    @precondition(lambda self: self.stage.clock.back < 20)
    @rule()
    def the_clock_jumps_back(self) -> None:
        self.stage.clock.jump_back()

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    async def _restart(self) -> None:
        await self.stage.close()
        await self.stage.open()
