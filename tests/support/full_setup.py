"""A whole house for tests that let much happen: newsroom, rights office, partners who pull, and a clock.

What each partner may hold is worked out by the policy alone, from the store as it stands; what it does
hold is read from its folder on the disk.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from yarl import URL

from syndicate.client.change_api import open_change_api
from syndicate.client.client_errors import InvalidResponse, KeyRefused
from syndicate.client.folder import Folder, open_folder
from syndicate.client.media_fetch import FileOutcome
from syndicate.client.sync import Synchronizer
from syndicate.client.sync_outcomes import Outcome, SyncOptions
from syndicate.client.sync_state import State
from syndicate.clock import SteadyClock
from syndicate.errors import Conflict, SyndicateError
from syndicate.language import Text
from syndicate.model.changes import TAKEDOWNS, Action, ChangeEntry
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PUBLIC, PartnerId, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Licence
from syndicate.policy import Clearance, Verdict, clear_preferred
from syndicate.store.protocol import Selection
from tests.support.factories import NOON, STAFF
from tests.support.servers import Answer, MovableClock, Serving, serving

PARTNERS = ("hzw", "sina", "zjol")
SERVER = "https://feeds.xsnet.example"
SOURCES = {"daily": "萧山日报", "tv": "萧山电视台", "": "新华社"}
_MOST = 10_000


@dataclass
class MachineClock(MovableClock):
    """The house's own clock over a machine's that can be set back."""

    counted: float = 0.0
    back: int = 0
    """How many hours the machine is behind."""

    def __post_init__(self) -> None:
        self.restarted(self.now)

    def __call__(self) -> datetime:
        return self._steady()

    def move(self, span: timedelta) -> None:
        self.now += span
        self.counted += span.total_seconds()

    def jump_back(self) -> None:
        """Somebody sets the machine's clock back an hour."""
        self.now -= timedelta(hours=1)
        self.back += 1

    def restarted(self, latest: datetime) -> None:
        """A new process begins, and finds `latest` in the trail."""
        self._steady = SteadyClock(latest, lambda: self.now, lambda: self.counted)


class _Listener:
    """What the client does, as the staff of a partner would see it."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def on_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def on_unreadable(self, id: ItemId, error: InvalidResponse) -> None:
        raise AssertionError(f"{id} cannot be kept: {error.text.en}")

    def on_wait(self, why: Text, seconds: float) -> None:
        """A quota is used up: it is said, and nobody waits."""

    def on_file(self, outcome: FileOutcome) -> None:
        """No media here."""

    def on_file_failed(self, error: SyndicateError, seconds: float | None) -> None:
        """No media here."""

    def on_bytes(self, came: int, left: int) -> None:
        """No media here."""

    def on_synced(self, held: int) -> None:
        """The folder says so itself."""


def document(
    number: int, text: str, published: datetime, *, source: str = "daily", channel: str = "news"
) -> bytes:
    """A newsroom's document of the item of this number; `text` is its body, after what all may read."""
    ninjs = {
        "uri": f"urn:newsroom:story-{number}",
        "firstCreated": published.isoformat(),
        "title": f"第{number}篇稿件",
        "descriptions": [{"role": "summary", "value": f"第{number}篇的摘要。"}],
        "bodies": [
            {"contentType": "text/html", "value": f"<p>第{number}篇的导语。</p><p>正文{text}完。</p>"}
        ],
        "infoSources": [{"name": SOURCES[source], "role": "originator"}],
        "subjects": [{"rel": "channel", "literal": channel}],
    }
    return json.dumps(ninjs, ensure_ascii=False).encode()


def mandate(number: str, outlets: Sequence[str]) -> str:
    """A head agreement in force from long ago."""
    return (
        f'number = "{number}"\nholder = "萧山日报社"\noutlets = {json.dumps(outlets)}\nmedia = ["text"]\n'
        "exclusive = true\nvalid_from = 2015-01-01\n"
    )


@dataclass
class Held:
    """One item in a partner's folder."""

    version: int
    full: bool
    ninjs: Mapping[str, Any]


@dataclass
class Stage:
    """The house. `open` it, and `close` it at the end; in between it can be closed and opened again."""

    folder: Path
    database: str | None = None
    clock: MachineClock = field(default_factory=lambda: MachineClock(NOON))
    keys: dict[str, str] = field(default_factory=dict)
    given: dict[str, list[tuple[ItemId, int]]] = field(default_factory=dict)
    """(item, length of the sequence then) for each item that a partner got by a feed or alone."""
    _standing: tuple[int, Register, list[Item]] | None = None

    async def open(self) -> None:
        """Start the server."""
        self._open = AsyncExitStack()
        data = self.folder / "data"
        self.here: Serving = await self._open.enter_async_context(
            serving(data, self.database, clock=self.clock)
        )
        self.house, self.store = self.here.house, self.here.house.store
        self.clock.restarted(await self.store.latest())

    async def close(self) -> None:
        """Stop the server."""
        await self._open.aclose()

    async def furnish(self, partners: Sequence[str] = PARTNERS) -> None:
        """Partners with keys, no agreement yet. An hour passes, so that clocks can go back."""
        for partner in partners:
            await self.house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
            self.keys[partner] = (await self.house.keys.issue(STAFF, PartnerId(partner), days=900)).token
            self.given[partner] = []
        self.clock.move(timedelta(hours=1))

    async def standing(self) -> tuple[Register, list[Item]]:
        """All rights and all items as the database has them; asked for again after every change."""
        change = (await self.store.sequence()).change
        if self._standing is None or self._standing[0] != change:
            items = await self.store.items(Selection(), limit=_MOST)
            self._standing = (change, await self.store.register(), items)
        return self._standing[1], self._standing[2]

    async def verdicts(self, whose: str | None) -> dict[ItemId, Verdict]:
        """What the policy says now about every item, to this partner as if it were not suspended, or to
        the public."""
        register, items = await self.standing()
        recipient: Recipient = PUBLIC
        own: Sequence[Licence] = ()
        if whose is not None:
            partner = PartnerId(whose)
            recipient, own = (
                replace(register.partners[partner], suspended=None),
                register.licences_of(partner),
            )
        now = self.clock()
        return {one.id: clear_preferred(one, recipient, register.mandates, own, None, now) for one in items}

    async def may_hold(self, whose: str | None) -> dict[ItemId, Clearance]:
        """What the policy says that they may hold now."""
        verdicts = await self.verdicts(whose)
        return {id: one for id, one in verdicts.items() if isinstance(one, Clearance)}

    async def suspended(self, partner: str) -> bool:
        """Whether the door is closed to it."""
        register, _ = await self.standing()
        return register.partners[PartnerId(partner)].suspended is not None

    async def told(self, partner: str) -> list[ChangeEntry]:
        """Its whole sequence."""
        return await self.store.entries_after(PartnerId(partner), 0, _MOST)

    async def has(self, partner: str) -> set[ItemId]:
        """What the partner has, by any way, and was not told to remove."""
        deliveries = [one for _, one in await self.store.deliveries(limit=_MOST)]
        delivered = {(one.item, one.version) for one in deliveries if one.partner == partner}
        return has_now(await self.told(partner), self.given.get(partner, []), delivered)

    async def ask(self, partner: str, path: str) -> Answer:
        """One request with the partner's key; what it gives is remembered."""
        answer = await self.here.get(path, key=self.keys[partner])
        if answer.status == 200 and not path.startswith("/licensed/changes"):
            place = len(await self.told(partner))
            self.given[partner] += [(id, place) for id in given_in(answer)]
        return answer

    async def pull(
        self, partner: str, *, limit: int = 100, accept_embargoes: bool = True
    ) -> list[Outcome] | KeyRefused:
        """Run the partner's client until it is in step; what it did, or why its key is rejected."""
        observer = _Listener()
        options = SyncOptions(limit=limit, accept_embargoes=accept_embargoes, patience=0, verify=True)
        with self.opened(partner) as folder:
            root, key = URL(self.here.address), self.keys[partner]
            async with open_change_api(root, key, 0, observer.on_wait) as sequence:
                try:
                    await Synchronizer(folder, sequence, options, observer, time.monotonic).run()
                except KeyRefused as refused:
                    return refused
        return observer.outcomes

    def copy(self, partner: str) -> Path:
        """The partner's folder."""
        return self.folder / "copies" / partner

    def opened(self, partner: str) -> AbstractContextManager[Folder]:
        """The partner's folder, as its client opens it."""
        return open_folder(self.copy(partner), SERVER)

    def state(self, partner: str) -> State:
        """How far the partner's folder is."""
        with self.opened(partner) as folder:
            return folder.state

    def held(self, partner: str) -> dict[ItemId, Held]:
        """What is in the partner's folder."""
        found = {}
        for path in (self.copy(partner) / "items").glob("*.json"):
            ninjs = json.loads(path.read_bytes())
            full = "正文" in json.dumps(ninjs.get("bodies", []), ensure_ascii=False)
            found[ItemId(path.stem)] = Held(int(ninjs["version"]), full, ninjs)
        return found


def given_in(answer: Answer) -> list[ItemId]:
    """The items that a JSON Feed or a ninjs document gives."""
    body = json.loads(answer.body)
    named = [one["id"] for one in body["items"]] if "items" in body else [body["uri"]]
    return [ItemId(name.rpartition(":")[2]) for name in named]


def has_now(
    told: Sequence[ChangeEntry],
    given: Sequence[tuple[ItemId, int]],
    delivered: Container[tuple[ItemId, int]],
) -> set[ItemId]:
    """What a partner has: it was given it, and not since told to remove it. `delivered` are the versions
    that it ever got; what it was told of and never given is not among what it has. Raises AssertionError
    where it was told to remove what it did not have."""
    has: set[ItemId] = set()
    for place, one in enumerate(told):
        has |= {id for id, then in given if then == place}
        if one.action in TAKEDOWNS:
            assert (one.item, one.version) in delivered, (
                f"told to {one.action} what it was never given: {one}"
            )
            has.discard(one.item)
        elif one.action is not Action.EMBARGO and (one.item, one.version) in delivered:
            has.add(one.item)
    return has | {id for id, then in given if then == len(told)}


async def attempt(act: Any) -> bool:
    """Let staff do something; False where the house refuses because things stand otherwise."""
    try:
        await act
    except Conflict:
        return False
    return True
