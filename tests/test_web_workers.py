"""Two workers, one truth: what is ended is ended on both, and a worker that dies is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from syndicate.model.events import EditionDelivered
from syndicate.store.sql_store import open_store
from tests.support.cluster import Cluster
from tests.support.databases import set_database
from tests.support.raw_http import RequestContext, ask, log_lines, until
from tests.support.servers import served
from tests.support.shell import Shell
from tests.test_matrix import page

__all__ = ["set_database"]

CORES = sorted(os.sched_getaffinity(0))
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


@dataclass
class Newsroom:
    """A house behind several workers, and the staff at its command line."""

    shell: Shell
    cluster: Cluster

    def answers(self, **tokens: str) -> dict[str, set[tuple[int, str]]]:
        """What every worker answers to these keys."""
        return self.cluster.answers(FEED, **tokens)

    def partner(self, name: str, closes: str = "2099-01-01") -> tuple[str, str]:
        """A partner with a licence and a key: (token, jti)."""
        self.shell.good("partner", "add", name, "--name", f"授权媒体 {name}")
        file(self.shell, "licence", f"{name}.toml", LICENCE.format(partner=name, until=closes))
        return self.key(name)

    def key(self, name: str) -> tuple[str, str]:
        made = self.shell.good("--json", "key", "issue", name).json
        return made["token"], made["jti"]


def furnish(shell: Shell) -> None:
    """A house with a mandate and an item."""
    shell.good("init")
    file(shell, "mandate", "mandate.toml", MANDATE)
    document = shell.data / "page.txt"
    document.write_bytes(page("日报新闻", "2026年1月5日 8:01", "萧山日报"))
    shell.good("ingest", str(document))


def file(shell: Shell, kind: str, name: str, text: str) -> None:
    """Add this mandate or licence."""
    path = shell.data / name
    path.write_text(text)
    shell.good(kind, "add", str(path))


@pytest.fixture(scope="module")
def newsroom(set_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A furnished house, served by two workers, each on its core, on SQLite and on PostgreSQL."""
    shell = Shell(tmp_path_factory.mktemp("newsroom") / "var")
    furnish(shell)
    with served(shell.data, workers=2, options=["--pin"] if len(CORES) > 1 else []) as server:
        yield Newsroom(shell, Cluster([server], 2))
    assert server.process.code == 0


YES = {(200, "")}


def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(newsroom: Newsroom) -> None:
    (server,) = newsroom.cluster.servers
    token, _ = newsroom.partner("zjol")
    acknowledged: list[RequestContext] = []
    pause = 0.0
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(pause):
            try:
                one = ask(server.port, FEED, token)
            except (OSError, AssertionError):
                continue  # its worker died under it
            acknowledged.append(one)

    assert newsroom.answers(token=token) == {"token": YES}
    pollers = [threading.Thread(target=poll) for _ in range(4)]
    for poller in pollers:
        poller.start()
    try:
        first = {int(one["worker"]) for one in log_lines(server.log)}
        assert len(first) == 2
        until(lambda: len(acknowledged) > 20, 60, "everybody is answered")
        killed = first.pop()
        os.kill(killed, signal.SIGKILL)
        pause = 0.05  # the third worker starts the sooner
        until(
            lambda: len({one["worker"] for one in log_lines(server.log)}) == 3, 60, "a third worker answers"
        )
    finally:
        stop.set()
        for poller in pollers:
            poller.join()
    assert newsroom.answers(token=token) == {"token": YES}
    assert len(log_lines(server.log, "worker_died")) == 1
    living = {int(one["worker"]) for one in log_lines(server.log)} - {killed}
    if len(CORES) > 1:
        pinned = sorted(core for worker in living for core in os.sched_getaffinity(worker))
        assert pinned == CORES[:2], "the one that came later has the core of the one that died"
    assert {one.status for one in acknowledged} == {200}
    written = asyncio.run(requests_in_the_trail(newsroom.shell.data))
    assert {one.name for one in acknowledged} <= written


def test_what_is_ended_is_refused_by_both_workers_at_the_next_request(newsroom: Newsroom) -> None:
    check_endings(newsroom)


def check_endings(newsroom: Newsroom) -> None:
    """End every right in turn: every worker refuses at the next request. Ends the mandate for good."""
    staff = newsroom.shell
    revoked, jti = newsroom.partner("revoked")
    suspended, _ = newsroom.partner("suspended")
    staying, _ = newsroom.partner("staying")
    ending, closes = ending_soon(newsroom)
    before = newsroom.answers(revoked=revoked, suspended=suspended, staying=staying)
    assert set.union(*before.values()) == YES

    staff.good("key", "revoke", jti)
    assert newsroom.answers(revoked=revoked) == {"revoked": {(401, "key_revoked")}}
    staff.good("partner", "suspend", "suspended")
    time.sleep(max(0.0, (closes - datetime.now(UTC)).total_seconds()) + 0.01)
    assert newsroom.answers(revoked=revoked, suspended=suspended, staying=staying, ending=ending) == {
        "revoked": {(401, "key_revoked")},
        "suspended": {(401, "partner_suspended")},
        "staying": YES,
        "ending": {(403, "not_licensed")},
    }

    staff.good("partner", "resume", "suspended")
    (old,) = staff.good("--json", "signing-key", "list").lines
    staff.good("signing-key", "rotate")
    fresh, _ = newsroom.key("staying")
    after = newsroom.answers(fresh=fresh, staying=staying, suspended=suspended)
    assert set.union(*after.values()) == YES, "the overlap"

    staff.good("signing-key", "retire", old["kid"])
    assert newsroom.answers(staying=staying, fresh=fresh) == {
        "staying": {(401, "token_invalid")},
        "fresh": YES,
    }

    staff.good("mandate", "end", "HEAD")
    assert newsroom.answers(fresh=fresh) == {"fresh": {(403, "not_licensed")}}


def test_what_is_ended_stops_requests_that_are_answered_by_lookup_on_both_workers(
    newsroom: Newsroom,
) -> None:
    """The same bytes on kept connections: the first answer after the command differs."""
    staff = newsroom.shell
    file(staff, "mandate", "mandate-2.toml", MANDATE.replace("HEAD", "HEAD-2"))
    (document,) = staff.good("--json", "item", "list").lines
    revoked, jti = newsroom.partner("looked-up-1")
    suspended, _ = newsroom.partner("looked-up-2")
    ended, _ = newsroom.partner("looked-up-3")
    staying, _ = newsroom.partner("looked-up-4")
    with kept(newsroom.cluster, revoked, suspended, ended, staying) as ask_all:
        assert ask_all() == [{200}] * 4
        staff.good("key", "revoke", jti)
        assert ask_all() == [{401}, {200}, {200}, {200}]
        staff.good("partner", "suspend", "looked-up-2")
        assert ask_all() == [{401}, {401}, {200}, {200}]
        staff.good("licence", "end", "L-looked-up-3")
        assert ask_all() == [{401}, {401}, {403}, {200}]
        assert ask_all(holding="日报新闻的导语") == [{401}, {401}, {403}, {200}]
        staff.good("item", "recall", document["id"], "--reason", "editorial", "--note", "更正")
        assert ask_all(lacking="日报新闻的导语") == [{401}, {401}, {403}, {200}]


@contextmanager
def kept(cluster: Cluster, *tokens: str) -> Iterator[Callable[..., list[set[int]]]]:
    """Connections to every worker for each key, and a function that asks on all of them."""

    etags: dict[str, str] = {}

    def get(line: HTTPConnection, token: str, condition: str = "") -> tuple[int, str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        if condition:
            headers["If-None-Match"] = condition
        try:
            line.request("GET", FEED, headers=headers)
            answer = line.getresponse()
        except RemoteDisconnected:  # it was idle for too long while a command ran
            line.close()
            return get(line, token, condition)
        body = answer.read().decode()
        if answer.status == 200:
            etags[token] = answer.headers["ETag"]
        return answer.status, answer.headers["X-Request-Id"], body

    def workers(token: str) -> set[int]:
        names = {get(line, token)[1] for line in lines[token]}
        until(lambda: names <= cluster.worker_of().keys(), 10, "logged")
        return {worker for name, worker in cluster.worker_of().items() if name in names}

    lines: dict[str, list[HTTPConnection]] = {token: [] for token in tokens}
    with ExitStack() as opened:
        for token in tokens:
            for _ in range(8):
                made = [HTTPConnection("127.0.0.1", cluster.port(), timeout=30) for _ in range(4)]
                for line in made:
                    opened.callback(line.close)
                lines[token] += made
                if len(workers(token)) == cluster.workers:
                    break
            assert len(workers(token)) == cluster.workers, "one worker took every connection"

        def ask_all(holding: str = "", lacking: str = "\0") -> list[set[int]]:
            found = []
            for token in tokens:
                answers = [get(line, token) for line in lines[token] * 3]
                assert all(holding in body for status, _, body in answers if status == 200)
                assert not any(lacking in body for _, _, body in answers)
                polled = {get(line, token, etags[token])[0] for line in lines[token] * 3}
                statuses = {status for status, _, _ in answers}
                assert polled == {304 if status == 200 else status for status in statuses}
                found.append(statuses)
            return found

        yield ask_all


def ending_soon(newsroom: Newsroom) -> tuple[str, datetime]:
    """The key of a partner whom every worker served under a licence that ends soon, and when it ends."""
    for seconds in (2, 6, 18):  # a busy machine needs longer to ask
        closes = datetime.now(UTC) + timedelta(seconds=seconds)
        ending, _ = newsroom.partner(f"ending-{seconds}", closes.isoformat(timespec="milliseconds"))
        asked = newsroom.answers(ending=ending)
        if datetime.now(UTC) < closes:
            assert asked == {"ending": YES}
            return ending, closes
    raise AssertionError("this machine is too slow for this test")


async def requests_in_the_trail(data: Path) -> set[str]:
    address = os.environ.get("SYNDICATE_DATABASE", f"sqlite+aiosqlite:///{data / 'syndicate.db'}")
    store = open_store(address)
    await store.open()
    try:
        lines = await store.lines(limit=1_000_000)
    finally:
        await store.close()
    return {one.entry.event.request for one in lines if isinstance(one.entry.event, EditionDelivered)}
