"""Two houses that differ in nothing but what the second never had, and what one can ask them from outside.

Both stand on one clock, are given the same inputs in the same order, and share their signing keys. Whoever
asks both the same question may not see a difference, for as long as everything that the first has more is
held back.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Engine, event

from syndicate.model.feeds import feeds_of
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.services.newsroom.document_holds import Keep
from tests.support.factories import NOON, STAFF, minutes
from tests.support.feed_contents import FORMATS
from tests.support.fixtures import jti_of
from tests.support.servers import Answer, MovableClock, Serving, serving

OPENS = NOON + minutes(60)
"""When the embargoes end."""
MADE_UP = "20261102-zzzzzzzzzz"
"""The id of an item that no house ever had."""
SEEN = ("看得见的新闻", "看得见的健康", "看得见而后撤回")
HIDDEN: Mapping[str, str] = {
    "禁发的电文": "under embargo until 13:00, as its document asks",
    "禁发的版面": "under embargo until 13:00, as staff said when it was taken in",
    "禁发而更正": "under embargo until 13:00, and corrected meanwhile",
    "禁发而撤回": "under embargo until 13:00, and recalled meanwhile",
    "扣发的稿件": "withheld",
    "扣发而撤回": "withheld, and recalled meanwhile",
    "独家的稿件": "exclusively for the partner keeper",
    "未到的稿件": "to be published at 13:30",
    "外来的稿件": "from an outlet that is not ours",
}
"""What the first house has and the second never had: headline, and why nobody may know of it."""

_MANDATE = """
number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text", "picture"]
exclusive = true
valid_from = 2015-01-01
"""
_LICENCES = {
    "wide": 'uses = ["reprint", "link", "repost", "copy"]',
    "counted": 'uses = ["reprint"]\nquota = { items = 20, per = "day" }',
    "linker": 'uses = ["link"]\ndelay = "PT10M"',
    "early": 'uses = ["reprint"]\nearly = true',
    "keeper": 'uses = ["reprint"]',
}
OBSERVERS = ("wide", "counted", "linker", "bare")
"""Partners from whom everything is hidden; `bare` has a key and no licence."""


@dataclass(frozen=True, eq=False)
class Question:
    """What somebody asks: `who` is a partner, or None for the public."""

    path: str
    who: str | None = None
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class House:
    """One of the two."""

    here: Serving
    full: bool
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, ItemId] = field(default_factory=dict)

    async def ask(self, question: Question) -> Answer:
        """The answer as a client sees it, which comes again where a busy machine sends it away."""
        answer = await self._ask(question)
        while answer.status == 503 and question.path != "/readyz":
            answer = await self._ask(question)
        return answer

    async def _ask(self, question: Question) -> Answer:
        headers = dict(question.headers)
        if question.who is not None:
            headers["Authorization"] = f"Bearer {self.keys[question.who]}"
        address = self.here.address + question.path
        async with AsyncExitStack() as stack:
            client = self.here.client
            if question.method == "POST":
                # On a connection of its own: nobody repeats a POST of itself where an idle one was closed.
                client = await stack.enter_async_context(aiohttp.ClientSession())
            asking = client.request(question.method, address, headers=headers, data=question.body or None)
            answer = await stack.enter_async_context(asking)
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    def told(self, answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
        """All of an answer, but for what is masked: status, header lines in order, body."""
        masked = {name.lower() for name in MASKED}
        lines = [(name, value) for name, value in answer.headers.items() if name.lower() not in masked]
        body = answer.body.replace(answer.headers["X-Request-Id"].encode(), b"")
        for partner, key in self.keys.items():
            body = body.replace(jti_of(key).encode(), partner.encode())
        return answer.status, lines, body

    async def ask_counted(self, question: Question) -> tuple[Answer, object, list[str]]:
        """The answer, all of it that is compared, and the statements that it put to the database."""
        with questions_to_database() as statements:
            answer = await self.ask(question)
        return answer, self.told(answer), statements

    async def take_in(self, headline: str, document: bytes, keep: Keep | None = None) -> None:
        """Into this house, unless it is the one that never had it."""
        if headline in SEEN or self.full:
            taken = await self.here.house.items.take_in(STAFF, document, headline, keep)
            assert taken.item is not None, taken.faults
            self.ids[headline] = taken.item.id

    async def changes(self, partner: str) -> list[dict[str, Any]]:
        """All that a partner is told."""
        answer = await self.ask(Question("/licensed/changes", partner))
        changes: list[dict[str, Any]] = json.loads(answer.body)["changes"]
        return changes


MASKED: Mapping[str, str] = {
    "Date": "the second at which the transport wrote the answer",
    "X-Request-Id": "random for each request; the same in a problem's request_id",
    "jti": "random for each key; only in the body of /licensed/licence",
}
"""What is not compared, and why. The signing keys are the same in both houses, tokens are in no answer."""


@dataclass
class Pair:
    """The house that has it, and the one that never did."""

    full: House
    bare: House
    clock: MovableClock

    @property
    def both(self) -> tuple[House, House]:
        return self.full, self.bare

    async def ask(self, question: Question) -> tuple[Answer, Answer]:
        """Both, at the same time."""
        full, bare = await asyncio.gather(self.full.ask(question), self.bare.ask(question))
        return full, bare

    async def compare(self, question: Question) -> Answer:
        """Ask both: the answers are the same to the letter."""
        full, bare = await self.ask(question)
        same(question, self.full.told(full), self.bare.told(bare))
        return full

    async def compare_statements(self, question: Question) -> Answer:
        """Ask one after the other: also the statements put to the database are the same."""
        answer, *full = await self.full.ask_counted(question)
        _, *bare = await self.bare.ask_counted(question)
        same(question, full, bare)
        return answer


def same(question: Question, one: object, other: object) -> None:
    """Fail with what differs."""
    assert one == other, f"{question} was answered with\n{one}\nand with\n{other}"


@asynccontextmanager
async def two_houses(folder: Path, addresses: tuple[str, str]) -> AsyncIterator[Pair]:
    """Both at noon, with everything taken in."""
    clock = MovableClock(NOON - minutes(30))
    async with AsyncExitStack() as stack:
        first = serving(folder / "full", addresses[0], clock=clock)
        full = House(await stack.enter_async_context(first), True)
        shutil.copytree(folder / "full" / "keys", folder / "bare" / "keys")
        (folder / "bare").chmod(0o700)
        second = serving(folder / "bare", addresses[1], clock=clock)
        bare = House(await stack.enter_async_context(second), False)
        pair = Pair(full, bare, clock)
        for house in pair.both:
            await furnish(house)
        clock.now = NOON
        for house in pair.both:
            await fill(house)
        yield pair


async def furnish(house: House) -> None:
    """The mandate, the partners with licences and keys."""
    rights, keys = house.here.house.rights, house.here.house.keys
    await rights.add_mandate(STAFF, _MANDATE, "mandate.toml")
    for partner in dict.fromkeys((*_LICENCES, *OBSERVERS)):
        await rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
        house.keys[partner] = (await keys.issue(STAFF, PartnerId(partner), days=90)).token
    for partner, grant in _LICENCES.items():
        await rights.add_licence(
            STAFF,
            f'number = "L-{partner}"\npartner = "{partner}"\nvalid_from = 2026-01-01\n'
            f'valid_until = 2027-01-01\n[[grant]]\noutlets = ["daily"]\nmedia = ["text"]\n{grant}\n',
            "licence.toml",
        )


def page(
    headline: str,
    moment: str = "11:00",
    source: str = "萧山日报",
    said: str = "如常",
    channel: str = "新闻",
) -> bytes:
    """A saved page of today."""
    body = f"  {headline}的导语写在这里，一切{said}。\n\n  {headline}的正文写在这里，一切{said}。"
    head = f"您的位置:萧山网 > {channel} > 正文\n\n{headline}\n\n2026年11月2日 {moment}来源:{source}"
    return f"{head}\n\n{body}\n\n编辑:桂信怡\n".encode()


def _dispatch(headline: str) -> bytes:
    """A ninjs document that asks for an embargo."""
    document = {
        "uri": "urn:newsml:xsnet.cn:20261102:7",
        "standard": {"name": "ninjs", "version": "3.1"},
        "firstCreated": "2026-11-02T11:00:00+08:00",
        "embargoedUntil": OPENS.isoformat(),
        "headlines": [{"value": headline}],
        "infoSources": [{"name": "萧山日报"}],
        "bodies": [{"contentType": "text/html", "value": f"<p>{headline}的正文写在这里。</p>"}],
    }
    return json.dumps(document).encode()


async def fill(house: House) -> None:
    """Take in what is seen and, between it, what is hidden; each hidden from its first moment."""
    await house.take_in(SEEN[0], page(SEEN[0]))
    await house.take_in("禁发的电文", _dispatch("禁发的电文"))
    for headline in ("禁发的版面", "禁发而更正", "禁发而撤回"):
        await house.take_in(headline, page(headline), Keep(embargo=OPENS))
    await house.take_in(SEEN[1], page(SEEN[1], channel="健康"))
    # Published later than all the others: a partner's delay of ten minutes passes for it alone at 12:09.
    await house.take_in("扣发的稿件", page("扣发的稿件", "11:59"), Keep(withheld=True))
    await house.take_in("扣发而撤回", page("扣发而撤回"), Keep(withheld=True))
    await house.take_in("独家的稿件", page("独家的稿件"))
    if house.full:
        exclusive = house.here.house.holds.exclusive
        await exclusive(STAFF, house.ids["独家的稿件"], PartnerId("keeper"), NOON + timedelta(days=9))
    await house.take_in("未到的稿件", page("未到的稿件", "13:30"))
    await house.take_in("外来的稿件", page("外来的稿件", source="杭州日报"))
    await house.take_in(SEEN[2], page(SEEN[2]))


async def go_on(house: House) -> None:
    """What is hidden is worked on, and others have what is theirs of it; what is seen changes too."""
    news, holds = house.here.house.items, house.here.house.holds
    await news.correct(STAFF, house.ids[SEEN[0]], page(SEEN[0], said="改好"), "b.txt", "更正一处")
    await holds.recall(STAFF, house.ids[SEEN[2]], RecallReason.EDITORIAL, "尚未核实", timedelta(hours=2))
    if house.full:
        await news.correct(
            STAFF, house.ids["禁发而更正"], page("禁发而更正", said="改好"), "b.txt", "更正一处"
        )
        for headline in ("禁发而撤回", "扣发而撤回"):
            await holds.recall(
                STAFF, house.ids[headline], RecallReason.LEGAL, "依法院裁定", timedelta(hours=2)
            )
    seqs = [one["seq"] for one in await house.changes("early") if one["action"] == "embargo"]
    assert bool(seqs) is house.full
    if seqs:
        body = json.dumps({"ack": seqs}).encode()
        await house.ask(Question("/licensed/changes/ack", "early", "POST", body=body))
    for partner in ("early", "keeper"):
        told = await house.changes(partner)
        assert any(one["id"] not in (house.ids[name] for name in SEEN) for one in told) is house.full
        await house.ask(Question("/licensed/feeds/all.atom", partner))


def open_questions(pair: Pair) -> Iterator[Question]:
    """What the public can ask."""
    pages = ("/", "/?lang=en", "/terms", "/feeds.opml", "/healthz", "/readyz", "/.well-known/jwks.json")
    feeds = feeds_of(pair.full.here.house.settings.publisher)
    paths = [*pages, *(f"/feeds/{name}.{format}" for name in feeds for format in FORMATS)]
    yield from (Question(path) for path in paths)
    yield from (Question(f"/feeds/{name}") for name in _archives(pair))
    items = [f"/items/{id}" for id in (*pair.full.ids.values(), MADE_UP)]
    months = [f"/feeds/all/{month}.rss" for month in MONTHS]
    for path in ("/", "/feeds/all.rss", "/feeds/news.atom", "/feeds/daily.json", *months, *items):
        yield from (Question(path, headers=headers) for headers in CONDITIONS)
        yield Question(path, method="HEAD")
    for path in items:
        yield from (Question(path, method=method) for method in ("POST", "OPTIONS"))


def _archives(pair: Pair) -> Iterator[str]:
    """Documents of archives: of whole months, and beginning at each item, hidden or made up."""
    for format, feed in zip(cycle(FORMATS), ("all", "news", "daily", "pictures"), strict=False):
        yield from (f"{feed}/{month}.{format}" for month in (*MONTHS, f"{MONTHS[0]}-02"))
    for id in (*pair.full.ids.values(), MADE_UP):
        yield from (f"all/2026-11-{hour}-0-{id}.json" for hour in ("02T10", "02T12"))


MONTHS = ("2026-11", "2026-10", "2026-12")


def licensed_questions(pair: Pair, who: str) -> Iterator[Question]:
    """What a partner can ask, but for its sequence; of the one with the widest licence, all of it."""
    wide = who == "wide"
    yield Question("/licensed/licence", who)
    names = ("all", "news", "health", "pictures")
    for name in feeds_of(pair.full.here.house.settings.publisher) if wide else names:
        for format in FORMATS:
            yield Question(f"/licensed/feeds/{name}.{format}", who)
    yield from (Question(f"/licensed/feeds/{name}", who) for name in _archives(pair))
    items = [f"/licensed/items/{id}" for id in (*pair.full.ids.values(), MADE_UP)]
    for path in ("/licensed/feeds/all.json", f"/licensed/feeds/all/{MONTHS[0]}.json", *items):
        yield from (Question(path, who, method) for method in ("GET", "HEAD", "POST"))
        yield from (Question(f"{path}?use={use}", who) for use in (USES if wide else USES[:1]))
        yield from (Question(path, who, headers=one) for one in (CONDITIONS if wide else CONDITIONS[:1]))


USES = ("link", "reprint", "repost", "copy", "nothing")
CONDITIONS: tuple[Mapping[str, str], ...] = (
    {"If-None-Match": "*"},
    {"If-None-Match": '"0123456789abcdef01234567"', "Accept-Encoding": "identity"},
    {"If-Modified-Since": "Mon, 02 Nov 2026 03:59:59 GMT", "Accept-Encoding": "br"},
    {"If-Modified-Since": "Mon, 02 Nov 2026 04:00:00 GMT"},
    {"Accept": "text/html", "Accept-Language": "en"},
)
"""Headers that choose an answer."""


def sequence_questions(who: str, now: datetime) -> Iterator[Question]:
    """What a partner can ask of its sequence: from its beginning, in pages, after numbers that it guesses;
    and what it can acknowledge without having been told of it."""
    moments = [NOON, now, now + minutes(1)]
    guesses = [int(one.timestamp() * 1_000_000) + more for one in moments for more in (0, 1, 3)]
    for after in (0, 1, *guesses, 2**53 - 1):
        yield Question(f"/licensed/changes?after={after}", who)
    for limit in (1, 2, 3, 200):
        yield Question(f"/licensed/changes?limit={limit}", who)
    yield Question("/licensed/changes", who, "HEAD")
    for guess in (1, *guesses):
        body = json.dumps({"ack": [guess]}).encode()
        yield Question("/licensed/changes/ack", who, "POST", body=body)


@contextmanager
def questions_to_database() -> Iterator[list[str]]:
    """Every statement that is put to any database of this process, in order."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("SET LOCAL"):  # how long a writer may still wait: the machine's noise
            # How many ids one question names is no other question.
            asked.append(re.sub(r" IN \([^()]*\)", " IN (…)", statement))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)
