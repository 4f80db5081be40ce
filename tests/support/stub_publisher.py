"""A publisher for tests of the partner's side: a small server that speaks the specification of issue 3.

It shares nothing with our server: what a partner's client is held to is the contract.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.shell import Outcome, Running, Shell, started
from tests.support.stub_media import TYPES, StubFiles, content

KEY = "eyJhbGciOiJFZERTQSJ9.a-key-for-tests.c2lnbmF0dXJl"
STAMP = "稿件来源:萧山网"
AT = "2026-01-05T08:00:00+08:00"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def an_id(number: int) -> str:
    """The id of the item of this number."""
    return f"20260105-item{number:06}"


def a_story(id: str, version: int = 1, **changed: Any) -> dict[str, Any]:
    """A ninjs document as the contract describes it."""
    return {
        "uri": f"tag:xsnet.cn,2026-01-05:item:{id}",
        "type": "text",
        "version": str(version),
        "pubStatus": "usable",
        "language": "zh-CN",
        "title": f"湘湖新闻 {id}",
        "headlines": [{"role": "main", "contentType": "text/plain", "value": f"湘湖新闻 {id}"}],
        "bodies": [
            {"role": "main", "contentType": "text/html", "value": f"<p>第 {version} 版</p>\n<p>{STAMP}</p>"}
        ],
        "copyrightNotice": "© 萧山网",
        "infoSources": [
            {
                "name": "萧山网",
                "role": "http://cv.iptc.org/newscodes/contentprodpartyrole/distributor",
                "literal": STAMP,
            }
        ],
        **changed,
    }


def problem(status: int, code: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    """A problem document."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": code, "code": code, **more}
    return web.json_response(body, status=status, headers=headers)


@dataclass
class Publishing:
    """What the server knows, and what was asked of it. Everything may be set by the test's thread."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    stories: dict[str, dict[str, Any]] = field(default_factory=dict)
    lean: set[str] = field(default_factory=set)
    """Items that come only when they are asked for alone."""
    closed: dict[str, int] = field(default_factory=dict)
    """Items that answer with this status."""
    quota_after: str | None = None
    """While set, items asked for alone answer 429 with this Retry-After."""
    restored: bool = False
    """Whether the next question is answered from the beginning, with `reset`."""
    strange: list[Handler] = field(default_factory=list)
    """Answers to the next questions for changes, in place of the true ones."""
    before: Callable[[web.Request], None] = lambda request: None
    """Called with every request, in the server's thread."""
    acknowledged: list[int] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    media: StubFiles = field(default_factory=StubFiles)
    port: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    _seq: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def allowed(self) -> dict[str, int]:
        """What a partner may hold: id → version."""
        return {id: int(story["version"]) for id, story in self.stories.items() if id not in self.closed}

    def put(
        self, number: int, version: int = 1, *, action: str = "put", lean: bool = False, **story: Any
    ) -> int:
        """The item may be held, in this version."""
        id = an_id(number)
        self.stories[id] = a_story(id, version, **story)
        self.closed.pop(id, None)
        (self.lean.add if lean else self.lean.discard)(id)
        note = story.get("edNote")
        return self.add(action, id, version, reason=None, note=note)

    def put_media(
        self,
        number: int,
        version: int = 1,
        medium: str = "picture",
        files: dict[str, bytes] | None = None,
        **story: Any,
    ) -> int:
        """A media item may be held, in this version, with these files: rendition → content."""
        id = an_id(number)
        given = files if files is not None else {"web": content(f"{id} {version}", 5_000)}
        types = {"poster": "image/jpeg", "transcript": "text/vtt"}
        renditions = [
            self.media.add(id, name, data, types.get(name, TYPES[medium])) for name, data in given.items()
        ]
        return self.put(number, version, type=medium, renditions=renditions, **story)

    def association(self, number: int, place: int = 1, **changed: Any) -> dict[str, Any]:
        """The association of a story with a media item that its partner may have."""
        id = an_id(number)
        return {
            "name": f"配图 {number}",
            "rel": f"body:{place}",
            **self.stories[id],
            "altIds": [{"role": "item", "value": id}],
            **changed,
        }

    def correct(self, number: int, version: int, note: str, *, lean: bool = False) -> int:
        """A new version, with its note."""
        return self.put(number, version, action="correct", lean=lean, edNote=note)

    def recall(self, number: int, status: int = 410) -> int:
        """It must go, everywhere."""
        id = an_id(number)
        self.closed[id] = status
        return self.add(
            "recall", id, 1, reason="editorial", note="事实有误", deadline="2026-01-05T10:00:00+08:00"
        )

    def withdraw(self, number: int) -> int:
        """The right has ended."""
        id = an_id(number)
        self.closed[id] = 403
        return self.add("withdraw", id, 1, reason="retention_ended", deadline="2026-01-06T08:00:00+08:00")

    def embargo(self, number: int) -> int:
        """Early access is offered."""
        return self.add("embargo", an_id(number), 1, until="2026-02-01T08:00:00+08:00")

    def add(self, action: str, id: str, version: int, **more: Any) -> int:
        """One entry; its number. Numbers grow, with gaps."""
        self._seq += 3
        entry = {
            "seq": self._seq,
            "action": action,
            "id": id,
            "version": version,
            "at": AT,
            "clause": "XSW-1#1",
        }
        self.entries.append({**entry, **more})
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._news.set)
        return self._seq

    async def changes(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if self.strange:
            return await self.strange.pop(0)(request)
        after, limit = int(request.query["after"]), int(request.query["limit"])
        reset, self.restored = self.restored, False
        if reset:
            after = 0
        if after > self._seq:
            return problem(400, "cursor_unknown")
        if wait := float(request.query["wait"]):
            self._news.clear()
            if not self._after(after):
                try:
                    async with asyncio.timeout(wait):
                        await self._news.wait()
                except TimeoutError:
                    pass
        found = self._after(after)
        page = found[:limit]
        return web.json_response(
            {
                "changes": [self._shown(entry, page) for entry in page],
                "next": page[-1]["seq"] if page else after,
                "more": len(found) > limit,
                "reset": reset,
            }
        )

    def _after(self, after: int) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["seq"] > after]

    def _shown(self, entry: dict[str, Any], page: list[dict[str, Any]]) -> dict[str, Any]:
        """The entry as an answer has it: the item is with the last entry of this page that names it, if
        that is of its version and the partner may have it now, whatever entries of later pages say."""
        id, action = entry["id"], entry["action"]
        if action == "recall":
            canceled = {
                "uri": f"tag:xsnet.cn,2026-01-05:item:{id}",
                "version": "1",
                "pubStatus": "canceled",
            }
            return {**entry, "item": canceled}
        newest = [one for one in page if one["id"] == id and one["action"] != "embargo"][-1:]
        given = action in ("put", "correct") and newest == [entry] and id not in self.lean
        if given and self.allowed.get(id) == entry["version"]:
            return {**entry, "item": self.stories[id]}
        return entry

    async def item(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        id = request.match_info["id"]
        if status := self.closed.get(id):
            return problem(status, "recalled")
        if self.quota_after is not None:
            return problem(429, "quota_exceeded", {"Retry-After": self.quota_after})
        return web.json_response(self.stories[id])

    async def file(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if status := self.closed.get(request.match_info["item"]):
            return problem(status, "recalled")
        return await self.media.answer(request)

    async def ack(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        seqs = (await request.json())["ack"]
        if unknown := sorted(self.unknown & set(seqs)):
            return problem(400, "unknown_change", unknown=unknown)
        self.acknowledged += seqs
        return web.json_response({"acknowledged": seqs})

    def _note(self, request: web.Request) -> None:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        self.asked.append(f"{request.method} {request.path_qs}")
        self.before(request)


@contextmanager
def publishing() -> Iterator[Publishing]:
    """The server, on a port of its own, in a thread of its own."""
    server = Publishing()
    loop = asyncio.new_event_loop()
    up = threading.Event()
    app = web.Application()
    app.router.add_get("/licensed/changes", server.changes)
    app.router.add_post("/licensed/changes/ack", server.ack)
    app.router.add_get("/licensed/items/{id}", server.item)
    app.router.add_get("/licensed/media/{item}/{rendition}", server.file)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        server.loop = loop
        up.set()

    def work() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert up.wait(30)
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


def holding(folder: Path) -> dict[str, int]:
    """What the folder holds: id → version; every item with its page, and nothing else."""
    items = folder / "items"
    found = {path.stem: int(json.loads(path.read_bytes())["version"]) for path in items.glob("*.json")}
    assert {path.name for path in items.iterdir()} == {
        f"{id}.{form}" for id in found for form in ("json", "html")
    }
    for id, version in found.items():
        assert f"第 {version} 版" in (items / f"{id}.html").read_text()
    return found


@dataclass
class Partner:
    """A partner with its folder and key file."""

    root: Path
    server: Publishing

    @classmethod
    def at(cls, root: Path, server: Publishing) -> Partner:
        """A partner that was just given its key."""
        key = root / "key"
        key.write_text(f"{KEY}\n")
        key.chmod(0o600)
        return cls(root, server)

    @property
    def folder(self) -> Path:
        return self.root / "稿件"

    @property
    def words(self) -> list[str]:
        return ["pull", self.server.address, "--key-file", str(self.root / "key"), "--to", str(self.folder)]

    def pull(self, *more: str) -> Outcome:
        """One run, with its results as JSON."""
        return self.shell(*self.words, "--json", *more)

    @property
    def shell(self) -> Shell:
        """The command."""
        return Shell(self.root / "var")

    def following(self) -> AbstractContextManager[Running]:
        """A process that goes on."""
        return started(self.root / "var", *self.words, "--json", "--follow")

    def good(self, *more: str) -> list[tuple[str, str, str]]:
        """One run that must end in step: (action, id, result) of every entry."""
        outcome = self.pull(*more)
        assert outcome.code == 0, outcome
        assert holding(self.folder) == self.server.allowed
        return [(line["action"], line["id"], line["result"]) for line in outcome.lines]

    def good_media(self, *more: str) -> None:
        """One run that must end in step, with every file that it owes."""
        outcome = self.pull(*more)
        assert outcome.code == 0, outcome
        assert holding(self.folder) == self.server.allowed


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Partner]:
    """A partner with a key and no folder yet, and its publisher."""
    with publishing() as server:
        yield Partner.at(tmp_path, server)
