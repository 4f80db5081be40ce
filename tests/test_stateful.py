"""Whatever happens, in whatever order: a partner's folder is what the policy says that it may hold.

Hypothesis plays newsroom, rights office, partners and time against a real server, with the partner's real
client and a folder on the disk, and looks for a moment at which something is left behind, missing, told
twice, or told to who was never given it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from syndicate.client.client_errors import KeyRefused
from syndicate.model.changes import ChangeEntry
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Form
from syndicate.policy import Clearance, Refusal
from syndicate.policy.reasons import HIDDEN, Reason
from tests.support.factories import STAFF
from tests.support.full_setup import PARTNERS, Held, Stage, given_in
from tests.support.servers import Answer
from tests.support.stateful import Happenings, partners, picks, spans


class Machine(Happenings):
    """The partners read and pull, and everything is held against the policy."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, list[ChangeEntry]] = {partner: [] for partner in PARTNERS}
        self.cursors = dict.fromkeys(PARTNERS, 0)
        self.knowable: dict[str | None, set[ItemId]] = {partner: set() for partner in (*PARTNERS, None)}

    def teardown(self) -> None:
        try:
            if hasattr(self.stage, "here"):
                self.run(self._at_last())
        finally:
            if hasattr(self.stage, "here"):
                self.run(self.stage.close())
            shutil.rmtree(self.stage.folder)

    async def _at_last(self) -> None:
        for partner in PARTNERS:
            if await self.stage.suspended(partner):
                await self.stage.house.rights.resume(STAFF, PartnerId(partner))
            await self._pull(partner, 100)

    @rule()
    def the_clerk_goes_round(self) -> None:
        self.run(self._round())

    async def _round(self) -> None:
        await self.stage.house.scheduler.round()
        for partner in PARTNERS:
            assert await self.stage.has(partner) <= set(await self.stage.may_hold(partner)), (
                "something stays, and nobody is told"
            )

    @rule(partner=partners, limit=st.sampled_from([100, 1, 3]))
    def pull(self, partner: str, limit: int) -> None:
        self.run(self._pull(partner, limit))

    @rule()
    def everybody_pulls(self) -> None:
        for partner in PARTNERS:
            self.run(self._pull(partner, 100))

    @rule(span=spans)
    def nothing_happens_for_a_while(self, span: timedelta) -> None:
        """What begins and ends by itself is heard of without any change to look at."""
        self.everybody_pulls()
        # First so long that all is judged anew up to here, then until something may have come of age.
        for while_ in (timedelta(minutes=6), span):
            self.stage.clock.move(while_)
            self.run(self._round())
        self.everybody_pulls()

    async def _pull(self, partner: str, limit: int) -> None:
        stage, before = self.stage, self.stage.held(partner)
        done = await stage.pull(partner, limit=limit)
        held, state = stage.held(partner), stage.state(partner)
        if await stage.suspended(partner):
            assert isinstance(done, KeyRefused), "a suspended partner was let in"
            assert (done.code, held) == ("partner_suspended", before)
            return
        assert not isinstance(done, KeyRefused), done
        assert not any(one.action == "reset" for one in done)
        assert (state.acks, state.named) == ((), None)
        assert state.after >= self.cursors[partner], "the cursor went back"
        self.cursors[partner] = state.after
        open_ = await stage.store.takedowns(partner=PartnerId(partner), open_only=True)
        assert open_ == [], "a takedown was not acknowledged"
        await self._compare(partner, held, set(state.owed))
        await self._counted(partner)

    async def _compare(self, partner: str, held: dict[ItemId, Held], owed: set[ItemId]) -> None:
        """The folder against the policy; what is owed must be held back by a quota that is used up."""
        may = await self.stage.may_hold(partner)
        assert set(held) <= set(may), "something is held that may not be"
        assert set(may) - set(held) <= owed, "something is missing"
        whole = sorted(set(held) - owed)
        for id in whole:
            assert (held[id].version, held[id].full) == (may[id].item.version, may[id].form is Form.FULL)
        for id in whole[:1]:
            # Word for word, terms and all, what is given to who asks now.
            answer = await self.stage.ask(partner, f"/licensed/items/{id}")
            assert (answer.status, json.loads(answer.body)) == (200, held[id].ninjs)
        register, _ = await self.stage.standing()
        own = register.licences_of(PartnerId(partner))
        left = await self.stage.house.delivery.quotas.left(PartnerId(partner), own)
        used_up = {one.clause for one in left if one.left == 0}
        # What was told, never given, and may not be had any more stays owed until it is asked for.
        clauses = {may[id].clause for id in owed if id in may}
        assert clauses <= used_up, "something is owed, and no quota forbids it"
        verdicts = (await self.stage.verdicts(partner)).values()
        reasons = {one.reason for one in verdicts if isinstance(one, Refusal)}
        assert Reason.EMBARGO_UNACKNOWLEDGED not in reasons, "an early access was not offered"

    async def _counted(self, partner: str) -> None:
        """No quota was exceeded on any day, and what the partner got is on record."""
        zone = self.stage.house.settings.publisher.zone
        given = [one for _, one in await self.stage.store.deliveries(limit=10_000)]
        mine = [one for one in given if one.partner == partner]
        days = Counter((one.clause, one.at.astimezone(zone).date()) for one in mine)
        register, _ = await self.stage.standing()
        for licence in register.licences_of(PartnerId(partner)):
            for grant in licence.grants:
                counts = [count for (clause, _), count in days.items() if clause == grant.clause]
                assert grant.quota is None or max(counts, default=0) <= grant.quota.items
        assert {id for id, _ in self.stage.given[partner]} <= {one.item for one in mine}
        held = {(id, one.version) for id, one in self.stage.held(partner).items()}
        assert held <= {(one.item, one.version) for one in mine}

    @rule(partner=partners, use=st.sampled_from(["", "?use=link", "?use=reprint"]))
    def read_a_feed(self, partner: str, use: str) -> None:
        self.run(self._read(partner, f"/licensed/feeds/all.json{use}"))

    @rule(partner=partners, month=st.sampled_from(["2026-10", "2026-11", "2026-11-02"]))
    def read_an_archive(self, partner: str, month: str) -> None:
        self.run(self._read(partner, f"/licensed/feeds/all/{month}.json"))

    @precondition(lambda self: self.ids)
    @rule(partner=partners, pick=picks)
    def read_an_item(self, partner: str, pick: int) -> None:
        self.run(self._read(partner, f"/licensed/items/{self.pick(pick)}"))

    @rule(partner=partners)
    def read_the_sequence_from_its_beginning(self, partner: str) -> None:
        self.run(self._read(partner, "/licensed/changes"))

    async def _read(self, partner: str, path: str) -> None:
        answer = await self.stage.ask(partner, path)
        if await self.stage.suspended(partner):
            assert answer.status == 401
            return
        if answer.status == 200 and not path.startswith("/licensed/changes"):
            assert set(given_in(answer)) <= set(await self.stage.may_hold(partner))
        if not path.startswith("/licensed/items"):  # a problem document repeats the address that was asked
            await self._silent(partner, answer)
        await self._counted(partner)

    @rule()
    def the_public_reads(self) -> None:
        self.run(self._public())

    async def _public(self) -> None:
        answer = await self.stage.here.get("/feeds/all.json")
        assert set(given_in(answer)) == set(await self.stage.may_hold(None))
        await self._silent(None, answer)
        past = await self.stage.here.get("/feeds/all/2026-11.json")
        if past.status == 200:
            assert set(given_in(past)) <= set(await self.stage.may_hold(None))
        await self._silent(None, past)

    async def _silent(self, whose: str | None, answer: Answer) -> None:
        """Nothing that was hidden from them at every moment stands anywhere in the answer."""
        _, items = await self.stage.standing()
        for item in items:
            if item.id not in self.knowable[whose]:
                assert item.id not in answer.text
                assert item.headline not in answer.text

    @invariant()
    def sequences_only_grow_and_tell_nobody_what_is_hidden(self) -> None:
        if hasattr(self.stage, "here"):
            self.run(self._sequences())

    async def _sequences(self) -> None:
        for whose, knowable in self.knowable.items():
            knowable |= {
                id
                for id, one in (await self.stage.verdicts(whose)).items()
                if isinstance(one, Clearance) or one.reason not in HIDDEN
            }
        for partner in PARTNERS:
            told, before = await self.stage.told(partner), self.before[partner]
            assert told[: len(before)] == before, "something was put in behind a cursor, or taken out"
            self.before[partner] = told
            await self.stage.has(partner)
            assert {one.item for one in told} <= self.knowable[partner], "told of what is hidden"


@pytest.fixture(params=["sqlite", "postgresql"])
def stages(request: pytest.FixtureRequest) -> Iterator[Callable[[], Stage]]:
    """A new stage each time it is asked for one."""
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    if request.param == "sqlite":
        pattern: Path = request.getfixturevalue("sqlite_pattern")

        def sqlite() -> Stage:
            stage = Stage(Path(tempfile.mkdtemp(prefix="syndicate-", dir=where)))
            (stage.folder / "data").mkdir(mode=0o700)
            shutil.copyfile(pattern, stage.folder / "data" / "syndicate.db")
            return stage

        yield sqlite
        return
    server = request.getfixturevalue("postgresql_server")
    names: list[str] = []

    def postgresql() -> Stage:
        names.append(server.database("pattern"))
        return Stage(Path(tempfile.mkdtemp(prefix="syndicate-", dir=where)), server.address(names[-1]))

    yield postgresql
    for name in names:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


STORIES = int(os.environ.get("SYNDICATE_STORIES", "0"))
"""So many stories instead of the usual few, each time others: for a long search by night."""
USUAL = settings(max_examples=4, stateful_step_count=25, derandomize=True, phases=[Phase.generate])
"""A story that fails is shown as it was found: making it shorter takes many minutes."""
LONG = settings(max_examples=STORIES or 1, stateful_step_count=50, phases=[Phase.generate])


@pytest.mark.timeout(0 if STORIES else 300)
def test_no_moment_is_found_at_which_a_folder_differs_from_the_policy(stages: Callable[[], Stage]) -> None:
    with asyncio.Runner() as loop:
        here = type("Here", (Machine,), {"runner": loop, "stages": staticmethod(stages)})
        quiet = settings(
            LONG if STORIES else USUAL,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        run_state_machine_as_test(here, settings=quiet)
