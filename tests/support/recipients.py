"""One recipient of one story: what every route and format gives it, and what it was told and still holds.

For tests that hold a house against a table. Nothing here knows the policy: a cell of the table says what
must be found, and everything else is read from outside, over HTTP, and from the trail.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, product
from typing import Any

import aiohttp

from syndicate.model.events import EditionDelivered, EditionPolled, Event, ItemDelivered, ReleaseRefused
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ChangesDelivered
from syndicate.services.audit.recorded_decision import Decided, decided
from tests.support.factories import SECRET
from tests.support.feed_contents import FORMATS, entries, tombstones
from tests.support.servers import Answer, Serving

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
STAMP = "稿件来源:萧山网"
PUBLIC = "public"
_CELL = re.compile(
    r"(?P<word>full|summary|refused|absent|gone by law|gone)"
    r"(?: (?P<reason>[a-z_]+))??(?: under (?P<clause>\S+)| (?P<bare>without clause))?"
)


@dataclass(frozen=True)
class May:
    """What a recipient may have of the story: a cell of the table, understood.

    `clause`: under which it is given, refused or gone; None where the trail names none.
    """

    word: str
    reason: str | None
    clause: str | None

    @classmethod
    def read(cls, cell: str, own: str) -> May:
        """`own` is the clause that counts where the cell names none."""
        said = _CELL.fullmatch(cell)
        assert said is not None, f"no cell of the table: {cell!r}"
        bare = said["bare"] is not None or said["word"] == "absent"
        return cls(said["word"], said["reason"], None if bare else said["clause"] or own)

    @property
    def form(self) -> str | None:
        """`full` or `summary` of what is given; None where nothing is."""
        return self.word if self.word in ("full", "summary") else None

    @property
    def status(self) -> int:
        """What the story's own address answers."""
        statuses = {"refused": 403, "absent": 404, "gone": 410, "gone by law": 451}
        return statuses.get(self.word, 200)

    @property
    def entombed(self) -> bool:
        """Whether feeds tell that it is gone: to those who had been released it."""
        return self.word.startswith("gone") and self.clause is not None


@dataclass(frozen=True)
class Story:
    """What must be found of the story, wherever it is given, at one step."""

    id: ItemId
    headline: str
    version: int
    note: str | None
    embargo: str | None
    """`embargoedUntil` as those read it who have the story early."""
    recalled: datetime | None
    recall_note: str | None

    @property
    def uri(self) -> str:
        return f"tag:xsnet.cn,{self.id[:4]}-{self.id[4:6]}-{self.id[6:8]}:item:{self.id}"


Line = Callable[[Event, list[Decided]], None]
"""Holds a line of the trail, with the decisions that it records, against what was answered."""


@dataclass
class Recipient:
    """The public, or a partner that follows its sequence."""

    name: str
    key: str | None
    here: Serving
    cursor: int = 0
    holds: dict[str, str] = field(default_factory=dict)
    """Item → the form in which the follower has it."""
    told: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    """Request → what its line must say."""
    shut: May | None = None
    """Why its feeds are refused as a whole; None while they are not."""
    silent: list[str] = field(default_factory=list)
    """Requests that leave no line."""

    async def get(self, path: str, line: Line | None, method: str = "GET", **headers: str) -> Answer:
        """Ask, and remember what the trail must say of it; of what is open it says nothing."""
        line = None if self.name == PUBLIC else line
        answer = await self.here.get(path, key=self.key, method=method, headers=headers)
        request = answer.headers["X-Request-Id"]
        if line is None:
            self.silent.append(request)
        else:
            self.lines[request] = line
        return answer

    async def look(
        self, story: Story, may: May, feeds: tuple[str, ...], elsewhere: tuple[str, ...]
    ) -> None:
        """Hold every route and format against the table's cell: it is in `feeds`, never in `elsewhere`.

        Everything is asked at once.
        """
        asked = [(feed, format, True) for feed, format in product(feeds, FORMATS)]
        asked += [(feed, format, False) for feed, format in zip(elsewhere, FORMATS, strict=True)]
        async with asyncio.TaskGroup() as asking:
            asking.create_task((self._page if self.name == PUBLIC else self._ninjs)(story, may))
            for feed, format, there in asked:
                asking.create_task(self._feed(feed, format, story, may, there=there))
            for feed, format in zip(feeds, cycle(FORMATS), strict=False):
                asking.create_task(self._archive(feed, format, story, may))

    async def _feed(self, feed: str, format: str, story: Story, may: May, *, there: bool) -> None:
        where = (self.name, feed, format, may)
        path = f"{'' if self.name == PUBLIC else '/licensed'}/feeds/{feed}.{format}"
        line = _edition(story, may, there=there) if self.shut is None else _refused(self.shut)
        answer = await self.get(path, line)
        if self.shut is not None:
            refused(answer, self.shut, where)
            return
        assert answer.status == 200, where
        found, tombs = entries(format, answer.body), tombstones(format, answer.body)
        assert (story.uri in found) is (there and may.form is not None), where
        if story.uri in found:
            self._shown(found[story.uri], story, may, where)
        else:
            unseen(answer, story, where)
        entombed = there and may.entombed and format != "rss"
        assert tombs == ({story.uri: story.recalled} if entombed else {}), where
        if feed == "all":
            polled = _edition(story, may, there=there, polled=True)
            again, head = await asyncio.gather(
                self.get(path, polled, **{"If-None-Match": answer.headers["ETag"]}),
                self.get(path, line, "HEAD"),
            )
            assert (again.status, again.body) == (304, b""), where
            assert (head.status, head.body, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])

    async def _archive(self, feed: str, format: str, story: Story, may: May) -> None:
        """The month of the story: it has the story and nothing else, or is not there."""
        where = (self.name, feed, format, may, "archive")
        month = f"{story.id[:4]}-{story.id[4:6]}"
        path = f"{'' if self.name == PUBLIC else '/licensed'}/feeds/{feed}/{month}.{format}"
        if self.shut is not None:
            refused(await self.get(path, _refused(self.shut)), self.shut, where)
            return
        given = may.form is not None
        answer = await self.get(path, _edition(story, may, there=True) if given else _nothing_there)
        assert answer.status == (200 if given else 404), where
        if given:
            found = entries(format, answer.body)
            assert list(found) == [story.uri], where
            self._shown(found[story.uri], story, may, where)
        else:
            unseen(answer, story, where)

    def _shown(self, text: str, story: Story, may: May, where: object) -> None:
        assert story.headline in text, where
        assert STAMP in text, where
        assert (SECRET in text) is (may.form == "full"), where
        assert story.note is None or story.note in text, where
        if self.name != PUBLIC:
            assert ("禁发至" in text) is (story.embargo is not None), where

    async def _page(self, story: Story, may: May) -> None:
        """The page, in both languages; and the home page."""
        for lang in ("zh", "en"):
            where = (self.name, lang, may)
            answer = await self.get(f"/items/{story.id}?lang={lang}", None, **BROWSER)
            assert answer.status == may.status, where
            assert SECRET not in answer.text, where
            if may.form is None:
                unseen(answer, story, where)
            else:
                self._shown(answer.text, story, may, where)
            assert ('rel="blocked-by"' in answer.headers.get("Link", "")) is (may.status == 451), where
            home = await self.get(f"/?lang={lang}", None)
            assert (story.headline in home.text) is (may.form is not None), where
        answer = await self.get(f"/items/{story.id}", None)
        if may.form is None:
            refused(answer, may, self.name)

    async def _ninjs(self, story: Story, may: May) -> None:
        """The story's own licensed address."""
        path, where = f"/licensed/items/{story.id}", (self.name, may)
        line = _refused(may) if may.form is None else _item(story, may)
        answer = await self.get(path, line)
        head = await self.get(path, line, "HEAD")
        assert (answer.status, head.status, head.body) == (may.status, may.status, b""), where
        if may.form is None:
            refused(answer, may, where)
            unseen(answer, story, where)
            return
        usable(json.loads(answer.body), story, may)
        self._shown(answer.text, story, may, where)
        again = await self.get(path, line, **{"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304, where

    async def follow(self, story: Story, may: May, told: str) -> None:
        """Read on in the sequence, do what it says, and hold what was told and what is held now against
        the table. Recalls and withdrawals are acknowledged."""
        where = (self.name, may, told)
        page = await self._changes(
            self.cursor, _sequence(story, may, given="put" in told or "corr" in told)
        )
        new, self.cursor = page["changes"], page["next"]
        self.told += new
        assert [what_was_told(one, self.name) for one in new] == ([told] if told else []), where
        must_go = []
        for one in new:
            match one["action"]:
                case "put" | "correct":
                    assert one["version"] == story.version, where
                    usable(one["item"], story, may)
                    whole = one["item"]["representationType"] == "full"
                    self.holds[one["id"]] = "full" if whole else "summary"
                case "recall" | "withdraw":
                    del self.holds[one["id"]]
                    assert one["deadline"], where
                    must_go.append(one["seq"])
                case _:
                    assert one["action"] == "embargo", where
            if one["action"] == "recall":
                canceled(one["item"], story)
            elif one["action"] not in ("put", "correct"):
                assert "item" not in one, where
        assert self.holds == ({story.id: may.form} if may.form else {}), where
        if must_go:
            await self.acknowledge(must_go)
        # From the beginning it is all the same again: nothing is missing, and nothing is renumbered.
        whole_story = await self._changes(0, _sequence(story, may, given=may.form is not None))
        assert [(one["seq"], one["action"], one["clause"]) for one in whole_story["changes"]] == [
            (one["seq"], one["action"], one["clause"]) for one in self.told
        ], where

    async def _changes(self, after: int, line: Line) -> dict[str, Any]:
        answer = await self.get(f"/licensed/changes?after={after}", line)
        assert answer.status == 200, answer.text
        page: dict[str, Any] = json.loads(answer.body)
        assert (page["more"], page["reset"]) == (False, False)
        return page

    async def acknowledge(self, seqs: list[int]) -> None:
        """Say that it was done: on a connection of its own, for nobody repeats a POST of itself."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession() as client:
            address = f"{self.here.address}/licensed/changes/ack"
            async with client.post(address, json={"ack": seqs}, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (200, {"acknowledged": seqs})

    async def hold_against_trail(self, by_request: Mapping[str, list[Event]]) -> None:
        """Every answer has its one line, with the clause of the table; what is open leaves none."""
        for request, line in self.lines.items():
            (event,) = by_request.get(request, [])
            line(event, await decided(self.here.house.store, event))
        assert not [one for one in self.silent if one in by_request]
        self.lines.clear()
        self.silent.clear()


def what_was_told(change: Mapping[str, Any], name: str) -> str:
    """An entry of the sequence as the table says it: action, reason, and the clause where it is not the
    recipient's own."""
    own = f"L-{name}#1"
    words = [change["action"], change.get("reason"), None if change["clause"] == own else "under"]
    words.append(None if change["clause"] == own else change["clause"])
    return " ".join(word for word in words if word)


def usable(document: Mapping[str, Any], story: Story, may: May) -> None:
    """The ninjs document of what may be had."""
    assert document["uri"] == story.uri
    assert document["pubStatus"] == "usable"
    assert document["version"] == str(story.version)
    assert document["representationType"] == ("full" if may.form == "full" else "partial")
    assert document.get("edNote") == story.note
    assert document.get("embargoedUntil") == story.embargo


def canceled(document: Mapping[str, Any], story: Story) -> None:
    """The ninjs document of what was recalled."""
    assert document["uri"] == story.uri
    assert document["pubStatus"] == "canceled"
    assert document["version"] == str(story.version)
    assert story.recall_note is not None
    assert story.recall_note in document["edNote"]
    assert "bodies" not in document


def refused(answer: Answer, may: May, where: object) -> None:
    """The problem document of a refusal."""
    said = json.loads(answer.body)
    codes = {403: "not_licensed", 404: "not_found", 410: "recalled", 451: "recalled_legal"}
    assert (answer.status, said["code"]) == (may.status, codes[may.status]), where
    if may.status == 403:
        assert (said["reason"], said["clause"]) == (may.reason, may.clause), where


def unseen(answer: Answer, story: Story, where: object) -> None:
    """Nothing of the text is in an answer that does not give it."""
    for words in (story.headline, SECRET, story.note or SECRET):
        assert words not in answer.text, where


def _given(decisions: list[Decided], story: Story) -> list[tuple[int | None, str | None]]:
    return [(one.version, one.clause) for one in decisions if one.item == story.id and one.reason is None]


def _edition(story: Story, may: May, *, there: bool, polled: bool = False) -> Line:
    """`polled`: of a 304, which may be counted instead of recorded by itself."""
    kinds = (EditionDelivered, EditionPolled) if polled else (EditionDelivered,)

    def line(event: Event, decisions: list[Decided]) -> None:
        assert isinstance(event, kinds)
        given = [(story.version, may.clause)] if there and may.form is not None else []
        assert _given(decisions, story) == given
        gone = [one.item for one in decisions if one.reason == "recalled"]
        assert gone == ([story.id] if there and may.entombed else [])

    return line


def _item(story: Story, may: May) -> Line:
    def line(event: Event, decisions: list[Decided]) -> None:
        assert isinstance(event, ItemDelivered)
        assert _given(decisions, story) == [(story.version, may.clause)]

    return line


def _sequence(story: Story, may: May, *, given: bool) -> Line:
    def line(event: Event, decisions: list[Decided]) -> None:
        assert isinstance(event, ChangesDelivered)
        assert _given(decisions, story) == ([(story.version, may.clause)] if given else [])

    return line


def _nothing_there(event: Event, _: list[Decided]) -> None:
    """The line of what does not exist, or may not be known to."""
    assert isinstance(event, ReleaseRefused)
    assert (event.reason, event.clause) == ("unknown", None)


def _refused(may: May) -> Line:
    def line(event: Event, _: list[Decided]) -> None:
        assert isinstance(event, ReleaseRefused)
        reason = "recalled" if may.word.startswith("gone") else may.reason
        assert (event.reason, event.clause) == (reason, may.clause)

    return line
