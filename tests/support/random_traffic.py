"""A busy house for tests of what is remembered: staff act at random while partners ask, at random too."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from syndicate.errors import (
    Conflict,
    Faulty,
    NotLicensed,
    QuotaExceeded,
    Recalled,
    TokenRejected,
    Unknown,
)
from syndicate.model.changes import Action
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.wiring import Services
from tests.support.factories import STAFF, days, minutes
from tests.support.fixtures import session_for
from tests.support.servers import MovableClock
from tests.test_matrix import page

ASKED = RequestContext("0123456789abcdef", "GET", "rss")
PARTNERS = tuple(PartnerId(name) for name in ("zjol", "hzw", "nbw", "idle", "once"))
SOURCES = ("萧山日报", "萧山网-萧山日报", "萧山日报", "萧山网-萧山电视台", "杭州日报")
CHANNELS = ("新闻", "健康", "网络问政")
FIXED = (
    """
number = "XSW-1"
partner = "zjol"
valid_from = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses = ["reprint", "link"]
outlets = ["daily", "tv"]
media = ["text"]
archive = "P999D"
delay = "PT30M"
[[except]]
channels = ["health"]
""",
    """
number = "XSW-2"
partner = "hzw"
valid_from = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses = ["copy", "repost"]
outlets = ["daily"]
media = ["text"]
channels = ["news"]
archive = "P999D"
retain = "P2D"
quota = { items = 2, per = "day" }
early = true
""",
    """
number = "XSW-3"
partner = "once"
valid_from = 2026-01-01
valid_until = 2026-11-03
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
""",
)
"""Licences that run all the time; others come and go beside them."""
NOWHERE = ItemId("20261102-zzzzzzzzzz")
_USES = ('["reprint", "link"]', '["copy"]', '["repost", "reprint"]')
_OUTLETS = ('["daily"]', '["daily", "tv"]', '["tv"]')
_QUOTAS = ('quota = { items = 2, per = "day" }', 'quota = { items = 5, per = "month" }')
_MOVES = (timedelta(0), timedelta(0), timedelta(0), minutes(10), minutes(40), timedelta(hours=7), days(1.5))


_HOLDS = ("embargo", "exclusive", "withhold", "recall", "release", "release", "reinstate")
Act = Callable[[], Awaitable[object]]


@dataclass
class Bustle:
    """Random acts and requests, the same for the same seed."""

    house: Services
    clock: MovableClock
    chance: random.Random
    keys: dict[PartnerId, str] = field(default_factory=dict)
    items: list[ItemId] = field(default_factory=list)
    headlines: list[tuple[str, str]] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)
    mandates: list[str] = field(default_factory=list)
    bag: list[Act] = field(default_factory=list)
    touched: ItemId = NOWHERE
    """The item that staff did something about last."""

    async def open(self) -> None:
        """Partners with keys, licences for most, a mandate for each outlet, a few items."""
        for partner in PARTNERS:
            await self.house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
            self.keys[partner] = (await self.house.keys.issue(STAFF, partner, days=900)).key.jti
        for outlet in ("tv", "daily"):
            await self.mandate(outlet)
        for licence in FIXED:
            await self.house.rights.add_licence(STAFF, licence, "l.toml")
        await self.licence(PARTNERS[2])
        for _ in range(20):
            await self.story()

    async def act(self) -> None:
        """One act of staff, or time that passes; every kind of act comes by in turn."""
        if not self.bag:
            kinds: list[Act] = [*[self.pass_time] * 4, *[self.story] * 2, self.turn_mandate]
            kinds += [self.version, self.licence, self.end_licence, self.suspend, self.suspend]
            kinds += [partial(self.hold, kind) for kind in _HOLDS]
            self.bag = self.chance.sample(kinds, len(kinds))
        with suppress(Conflict, Faulty, Unknown):
            await self.bag.pop()()

    async def pass_time(self) -> None:
        self.clock.move(self.chance.choice(_MOVES))

    async def story(self) -> None:
        number = len(self.headlines)
        moment = self.clock() + self.chance.choice(
            (-days(400), -days(3), -minutes(50), -minutes(1), -minutes(1), -minutes(1), minutes(90))
        )
        local = moment.astimezone(self.house.settings.publisher.zone)
        said = f"{local.year}年{local.month}月{local.day}日 {local.hour}:{local.minute:02}"
        self.headlines.append((f"湘湖边的第{number}件新鲜事", said))
        await self.take_in(number, self.chance.choice(SOURCES), self.chance.choice(CHANNELS))

    async def version(self) -> None:
        number = self.chance.randrange(len(self.headlines))
        item = await self.house.items.item(self.items[number])
        channel = self.house.settings.publisher.channel(item.channel)
        assert channel is not None
        name = channel.name if self.chance.random() < 0.6 else self.chance.choice(CHANNELS)
        await self.take_in(number, item.source, name, f"第{item.version + 1}版另有补充。")

    async def take_in(self, number: int, source: str, channel: str, more: str = "") -> ItemId:
        """Ingest the document of story `number`, as it now is."""
        headline, moment = self.headlines[number]
        text = page(headline, moment, source, channel).decode()
        taken = await self.house.items.take_in(
            STAFF, text.replace("\n\n作者", f"{more}\n\n作者").encode(), "a.txt"
        )
        assert taken.item is not None, taken.faults
        if number == len(self.items):
            self.items.append(taken.item.id)
        assert self.items[number] == taken.item.id
        return taken.item.id

    async def mandate(self, outlet: str) -> None:
        number = f"HEAD-{len(self.mandates)}"
        holder = "萧山日报社" if outlet == "daily" else "萧山广电局"
        await self.house.rights.add_mandate(
            STAFF,
            f'number = "{number}"\nholder = "{holder}"\noutlets = ["{outlet}"]\nmedia = ["text"]\n'
            "exclusive = true\nvalid_from = 2015-01-01\n",
            "m.toml",
        )
        self.mandates.append(number)

    async def turn_mandate(self) -> None:
        """The newest ends, partners ask, and another takes its place."""
        await self.house.rights.end_mandate(STAFF, self.mandates[-1])
        for _ in range(3):
            await self.ask()
        await self.mandate("daily")

    async def licence(self, partner: PartnerId | None = None) -> None:
        number = f"L-{len(self.licences)}"
        opens = (self.clock() + self.chance.choice((-days(30), -days(2), days(1)))).isoformat()
        closes = (self.clock() + self.chance.choice((days(1.5), days(3), days(20)))).isoformat()
        text = (
            f'number = "{number}"\npartner = "{partner or self.chance.choice(PARTNERS[1:3])}"\n'
            f"valid_from = {opens}\nvalid_until = {closes}\n"
        )
        for _ in range(self.chance.choice((1, 1, 2))):
            text += self._grant()
        if self.chance.random() < 0.3:
            text += '[[except]]\nchannels = ["health"]\n'
        await self.house.rights.add_licence(STAFF, text, "l.toml")
        self.licences.append(number)

    def _grant(self) -> str:
        some, maybe = self.chance.choice, self.chance.random
        uses, outlets = some(_USES), some(_OUTLETS)
        lines = ["[[grant]]", f"uses = {uses}", f"outlets = {outlets}", 'media = ["text"]']
        lines += [some(("early = true", "early = false"))]
        lines += [some(('channels = ["news"]', 'channels = ["news", "health"]'))] if maybe() < 0.4 else []
        lines += [some(('delay = "PT30M"', 'delay = "PT5H"'))] if maybe() < 0.6 else []
        lines += [some(('archive = "P5D"', 'archive = "P999D"'))] if maybe() < 0.7 else []
        lines += ['retain = "P4D"'] if maybe() < 0.3 else []
        lines += [some(_QUOTAS)] if maybe() < 0.5 else []
        return "\n".join(lines) + "\n"

    async def end_licence(self) -> None:
        await self.house.rights.end_licence(STAFF, self.chance.choice(self.licences))

    async def suspend(self) -> None:
        """Nobody stays suspended for long."""
        for partner in (await self.house.rights.register()).partners.values():
            if partner.suspended is not None:
                await self.house.rights.resume(STAFF, partner.id)
                return
        await self.house.rights.suspend(STAFF, self.chance.choice(PARTNERS))

    async def hold(self, kind: str) -> None:
        """A hold, or its end, on an item of ours that is out."""
        desk, until = self.house.holds, self.clock() + self.chance.choice((minutes(30), days(2)))
        item = self.touched = self.chance.choice(self.items[-8:])
        match kind:
            case "embargo":
                await desk.embargo(STAFF, item, until)
            case "exclusive":
                await desk.exclusive(STAFF, item, self.chance.choice(PARTNERS), until)
            case "withhold":
                await desk.withhold(STAFF, item)
            case "recall":
                await desk.recall(STAFF, item, self.chance.choice(list(RecallReason)), "有误", days(1))
            case "reinstate":
                for one in self.items:
                    with suppress(Conflict):
                        await desk.reinstate(STAFF, one)
            case _:
                for one in self.items:
                    with suppress(Conflict):
                        await desk.release(STAFF, one)
        with suppress(TokenRejected):
            await self.fetch(PARTNERS[0], item, None)

    async def ask(self) -> None:
        """One request of one partner: an item, a feed, or what has changed."""
        partner = self.chance.choice(PARTNERS)
        use = self.chance.choice((None, None, *Use))
        what = self.chance.random()
        try:
            if what < 0.55:
                item = self.chance.choice(
                    [*self.items[-12:], self.touched, self.touched, self.touched, NOWHERE]
                )
                await self.fetch(partner, item, use)
            elif what < 0.93:
                await self.fetch(partner, None, use)
            else:
                await self.changes(partner)
        except TokenRejected as rejected:
            await self.house.delivery.reject(rejected, ASKED)

    async def fetch(self, partner: PartnerId, item: ItemId | None, use: Use | None) -> None:
        """Ask for an item, or for the feed of all, as the routes do it: until the line is written."""
        front = self.house.delivery
        for _ in range(8):
            caller = await session_for(self.house, partner, self.keys[partner])
            try:
                if item is None:
                    served = await front.licensed_feed("all", caller, use)
                else:
                    served = await front.licensed_item(item, caller, use)
                if await front.deliver(served, caller, 200, ASKED):
                    return
            except (NotLicensed, Unknown, Recalled, QuotaExceeded) as refusal:
                subject = "feed:all" if item is None else f"item:{item}"
                await front.refuse(caller, subject, use, refusal, ASKED)
                return
        raise AssertionError(f"{partner} got no answer about {item}")

    async def changes(self, partner: PartnerId) -> None:
        """Read the change sequence to its end, and promise to keep every embargo."""
        desk, after = self.house.changes, 0
        while True:
            caller = await session_for(self.house, partner, self.keys[partner])
            read = await desk.read(caller, after, 50)
            if not await desk.deliver(read, caller, ASKED):
                continue
            offers = [told.seq for told, _ in read.page.entries if told.action is Action.EMBARGO]
            if offers:
                await desk.acknowledge(caller, offers, ASKED)
            after = read.page.next
            if not read.page.more:
                return
