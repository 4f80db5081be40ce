"""Two workers, one truth: what is ended is ended on both, and a worker that dies is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syndicate.model.events import EditionDelivered
from syndicate.store.sql_store import open_store
from tests.support.raw_http import RequestContext, ask, log_lines, until
from tests.support.servers import ServerProcess, served
from tests.support.shell import Shell
from tests.test_matrix import page

FEED = "/licensed/feeds/all.json"
MANDATE = """
number = "HEAD"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""
LICENCE = """
number = "L-{partner}"
partner = "{partner}"
valid_from = 2015-01-01
valid_until = {until}
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
"""


class Newsroom:
    """A house behind two workers, and the staff at its command line."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def furnish(self) -> None:
        self.shell.good("init")
        self._file("mandate", "mandate.toml", MANDATE)
        document = self.shell.data / "page.txt"
        document.write_bytes(page("日报新闻", "2026年1月5日 8:01", "萧山日报"))
        self.shell.good("ingest", str(document))

    def partner(self, name: str, closes: str = "2099-01-01") -> tuple[str, str]:
        """A partner with a licence and a key: (token, jti)."""
        self.shell.good("partner", "add", name, "--name", f"授权媒体 {name}")
        self._file("licence", f"{name}.toml", LICENCE.format(partner=name, until=closes))
        return self.key(name)

    def key(self, name: str) -> tuple[str, str]:
        made = self.shell.good("--json", "key", "issue", name).json
        return made["token"], made["jti"]

    def _file(self, kind: str, name: str, text: str) -> None:
        path = self.shell.data / name
        path.write_text(text)
        self.shell.good(kind, "add", str(path))


def workers_of(server: ServerProcess, asked: list[RequestContext]) -> set[int]:
    """Which workers answered these."""
    names = {one.name for one in asked}

    def lines() -> list[dict[str, object]]:
        return [one for one in log_lines(server.log) if one["request_id"] in names]

    until(lambda: len(lines()) == len(names), 5, "every answer has its line in the log")
    return {int(str(one["worker"])) for one in lines()}


def on_both(server: ServerProcess, **tokens: str) -> dict[str, set[tuple[int, str]]]:
    """Ask with each key until both workers have answered it, on new connections: all that was answered."""
    asked: dict[str, list[RequestContext]] = {name: [] for name in tokens}
    with ThreadPoolExecutor(12) as pool:
        for _ in range(10):
            turns = [name for _ in range(16) for name in tokens]
            for name, one in zip(
                turns, pool.map(lambda name: ask(server.port, FEED, tokens[name]), turns), strict=True
            ):
                asked[name].append(one)
            if all(len(workers_of(server, found)) == 2 for found in asked.values()):
                return {name: {(one.status, one.code) for one in found} for name, found in asked.items()}
    raise AssertionError("one worker took every connection")


@pytest.fixture(params=["sqlite", "postgresql"])
def newsroom(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A furnished house, on SQLite and on PostgreSQL."""
    for name in [name for name in os.environ if name.startswith("SYNDICATE_") and name != "SYNDICATE_KIT"]:
        monkeypatch.delenv(name)
    if request.param == "postgresql":
        monkeypatch.setenv("SYNDICATE_DATABASE", request.getfixturevalue("postgresql_address"))
    room = Newsroom(Shell(tmp_path / "var"))
    room.furnish()
    return room


YES = {(200, "")}


def test_what_is_ended_is_refused_by_both_workers_at_the_next_request(newsroom: Newsroom) -> None:
    staff = newsroom.shell
    revoked, jti = newsroom.partner("revoked")
    suspended, _ = newsroom.partner("suspended")
    staying, _ = newsroom.partner("staying")
    with served(staff.data, workers=2) as server:
        closes = datetime.now(UTC) + timedelta(seconds=5)
        ending, _ = newsroom.partner("ending", closes.isoformat(timespec="milliseconds"))
        before = on_both(server, revoked=revoked, suspended=suspended, staying=staying, ending=ending)
        assert set.union(*before.values()) == YES
        assert datetime.now(UTC) < closes, "this machine is too slow for this test"

        staff.good("key", "revoke", jti)
        assert on_both(server, revoked=revoked) == {"revoked": {(401, "key_revoked")}}
        staff.good("partner", "suspend", "suspended")
        time.sleep(max(0.0, (closes - datetime.now(UTC)).total_seconds()) + 0.01)
        assert on_both(server, revoked=revoked, suspended=suspended, staying=staying, ending=ending) == {
            "revoked": {(401, "key_revoked")},
            "suspended": {(401, "partner_suspended")},
            "staying": YES,
            "ending": {(403, "not_licensed")},
        }

        staff.good("partner", "resume", "suspended")
        (old,) = staff.good("--json", "signing-key", "list").lines
        staff.good("signing-key", "rotate")
        fresh, _ = newsroom.key("staying")
        after = on_both(server, fresh=fresh, staying=staying, suspended=suspended)
        assert set.union(*after.values()) == YES, "the overlap"

        staff.good("signing-key", "retire", old["kid"])
        assert on_both(server, staying=staying, fresh=fresh) == {
            "staying": {(401, "token_invalid")},
            "fresh": YES,
        }

        staff.good("mandate", "end", "HEAD")
        assert on_both(server, fresh=fresh) == {"fresh": {(403, "not_licensed")}}


def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(newsroom: Newsroom) -> None:
    token, _ = newsroom.partner("zjol")
    acknowledged: list[RequestContext] = []
    stop = threading.Event()

    def poll(port: int) -> None:
        while not stop.is_set():
            try:
                one = ask(port, FEED, token)
            except (OSError, AssertionError):
                continue  # its worker died under it
            acknowledged.append(one)

    with served(newsroom.shell.data, workers=2) as server:
        assert on_both(server, token=token) == {"token": YES}
        pollers = [threading.Thread(target=poll, args=(server.port,)) for _ in range(4)]
        for poller in pollers:
            poller.start()
        try:
            first = {int(one["worker"]) for one in log_lines(server.log)}
            assert len(first) == 2
            victim = first.pop()
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            until(
                lambda: len({one["worker"] for one in log_lines(server.log)}) == 3,
                15,
                "a third worker answers",
            )
            assert time.monotonic() - killed < 10
        finally:
            stop.set()
            for poller in pollers:
                poller.join()
        assert on_both(server, token=token) == {"token": YES}
        assert len(log_lines(server.log, "worker_died")) == 1
    assert server.process.code == 0
    assert {one.status for one in acknowledged} == {200}
    written = asyncio.run(requests_in_the_trail(newsroom.shell.data))
    assert len(acknowledged) > 20
    assert {one.name for one in acknowledged} <= written


async def requests_in_the_trail(data: Path) -> set[str]:
    address = os.environ.get("SYNDICATE_DATABASE", f"sqlite+aiosqlite:///{data / 'syndicate.db'}")
    store = open_store(address)
    await store.open()
    try:
        lines = await store.lines(limit=1_000_000)
    finally:
        await store.close()
    return {one.entry.event.request for one in lines if isinstance(one.entry.event, EditionDelivered)}
