"""64 partners' requests at one moment, two worker processes, ten items left: ten items, not one more."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.cluster import Cluster
from tests.support.databases import set_database
from tests.support.raw_http import until
from tests.support.servers import served
from tests.support.shell import Shell, a_page

__all__ = ["set_database"]

AT_ONCE, LEFT = 64, 10
MANDATE = """
number = "HEAD"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""
LICENCE = """
number = "{number}"
partner = "{partner}"
valid_from = 2015-01-01
valid_until = 2099-01-01
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
quota = {{ items = {left}, per = "month" }}
"""


@dataclass(frozen=True)
class Heard:
    """What one request got."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def name(self) -> str:
        return self.headers["X-Request-Id"]


@dataclass(frozen=True)
class Line:
    """A connection that stays open: everything on it is answered by one worker."""

    wire: http.client.HTTPConnection
    key: str

    def get(self, path: str) -> Heard:
        """The answer; asked for again where the server was too busy to give one."""
        heard = self._try(path)
        for _ in range(10):
            if heard.status != 503:
                break
            heard = self._try(path)
        return heard

    def _try(self, path: str) -> Heard:
        try:
            return self._get(path)
        except http.client.RemoteDisconnected:
            # It was idle for too long, and closed just as we spoke; a GET may be said again.
            self.wire.close()
            return self._get(path)

    def _get(self, path: str) -> Heard:
        self.wire.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
        answer = self.wire.getresponse()
        return Heard(answer.status, answer.headers, answer.read())

    def left(self) -> int:
        """What the licence says is left."""
        (licence,) = json.loads(self.get("/licensed/licence").body)["licences"]
        return int(licence["grants"][0]["quota"]["left"])


@dataclass(frozen=True)
class House:
    """64 items behind several workers, and partners with ten left this month."""

    shell: Shell
    cluster: Cluster

    def partner(self, name: str, number: str) -> str:
        """A new partner with this licence: its key."""
        self.shell.good("partner", "add", name, "--name", f"授权媒体 {name}")
        licence = self.shell.data / f"{number}.toml"
        licence.write_text(LICENCE.format(number=number, partner=name, left=LEFT))
        self.shell.good("licence", "add", str(licence))
        return str(self.shell.good("--json", "key", "issue", name).json["token"])


@pytest.fixture(scope="module")
def house(set_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with 64 items, behind two workers."""
    folder = tmp_path_factory.mktemp("house")
    shell = Shell(folder / "var")
    furnish(shell, folder)
    with served(shell.data, workers=2) as server:
        yield House(shell, Cluster([server], 2))


def furnish(shell: Shell, folder: Path) -> None:
    """A mandate and 64 items."""
    shell.good("init")
    (folder / "mandate.toml").write_text(MANDATE)
    shell.good("mandate", "add", str(folder / "mandate.toml"))
    pages = folder / "pages"
    pages.mkdir()
    for number in range(AT_ONCE):
        (pages / f"{number}.txt").write_text(a_page(number))
    shell.good("ingest", str(pages))


@pytest.fixture(autouse=True)
def clear_of_the_turn_of_the_month() -> None:
    """Wait for the next month where it is near: the clock of a real server is not ours to move."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    soon = now + timedelta(seconds=60)
    if soon.month != now.month:
        time.sleep((soon.replace(day=1, hour=0, minute=0, second=0) - now).total_seconds() + 1)


@contextmanager
def dealt(cluster: Cluster, key: str) -> Iterator[list[Line]]:
    """As many open connections as there are items, on all workers."""

    def connect(_: int) -> tuple[str, Line]:
        line = Line(http.client.HTTPConnection("127.0.0.1", cluster.port(), timeout=60), key)
        return line.get("/licensed/licence").name, line

    lines: dict[str, Line] = {}
    each: list[list[Line]] = []
    try:
        with ThreadPoolExecutor(16) as pool:
            for _ in range(8):
                lines.update(pool.map(connect, range(AT_ONCE // 2)))
                until(lambda: lines.keys() <= cluster.worker_of().keys(), 20, "every answer is in the log")
                whose = cluster.worker_of()
                each = [
                    [one for name, one in lines.items() if whose[name] == pid]
                    for pid in set(whose.values())
                ]
                if len(each) == cluster.workers and len(lines) >= AT_ONCE:
                    break
        assert len(each) == cluster.workers, "one worker took every connection"
        chosen: list[Line] = []
        for number, some in enumerate(sorted(each, key=len)):
            chosen += some[: (AT_ONCE - len(chosen)) // (cluster.workers - number)]
        yield chosen
    finally:
        for line in lines.values():
            line.wire.close()


def at_once(lines: list[Line], paths: list[str]) -> list[Heard]:
    """One request on each connection, all at the same moment."""
    ready = threading.Barrier(len(lines))

    def ask(line: Line, path: str) -> Heard:
        ready.wait(60)
        return line.get(path)

    with ThreadPoolExecutor(len(lines)) as pool:
        return list(pool.map(ask, lines, paths))


def test_ten_left_are_ten_items_whoever_asks_whichever_worker(house: House) -> None:
    check_ten_left(house)


def check_ten_left(house: House) -> None:
    """Ask for 64 items at once, of which ten may be given: ten are, by whichever workers."""
    key, cluster = house.partner("zjol", "L-1"), house.cluster
    ids = [one["id"] for one in house.shell.good("--json", "item", "list", "--limit", "100").lines]
    paths = [f"/licensed/items/{id}" for id in ids]
    assert len(paths) == AT_ONCE
    with dealt(cluster, key) as lines:
        assert lines[0].left() == lines[-1].left() == LEFT
        heard = at_once(lines, paths)
        assert sorted({one.status for one in heard}) == [200, 429]
        given = [path for path, one in zip(paths, heard, strict=True) if one.status == 200]
        assert len(given) == LEFT
        for one in heard:
            if one.status == 200:
                assert json.loads(one.body)["pubStatus"] == "usable"
                assert one.headers["RateLimit-Policy"].startswith(f'"L-1#1";q={LEFT};w=')
                assert one.headers["RateLimit"].startswith('"L-1#1";r=')
                continue
            problem = json.loads(one.body)
            assert (problem["code"], problem["clause"]) == ("quota_exceeded", "L-1#1")
            remaining, resets = one.headers["RateLimit"].removeprefix('"L-1#1";r=').split(";t=")
            assert (remaining, 0 < int(resets) <= int(one.headers["Retry-After"])) == ("0", True)
        # The ten are free from now on, on any worker, and all the others are not.
        for line in (lines[0], lines[-1]):
            assert line.left() == 0
            again = {path: line.get(path) for path in paths}
            assert {path for path, one in again.items() if one.status == 200} == set(given), [
                (one.status, one.body) for path, one in again.items() if path in given
            ]
            assert line.left() == 0
    until(lambda: {one.name for one in heard} <= cluster.worker_of().keys(), 20, "all is in the log")
    assert len({cluster.worker_of()[one.name] for one in heard}) == cluster.workers
    usage = house.shell.good("--json", "report", "usage", "--from", "2000-01-01", "--to", "2100-01-01").json
    delivered = {one["clause"]: one["delivered"] for one in usage["rows"]}
    assert delivered["L-1#1"] == LEFT


def test_one_item_asked_for_by_everybody_at_once_counts_once(house: House) -> None:
    check_counted_once(house)


def check_counted_once(house: House) -> None:
    """Ask for one item 64 times at once: it counts once."""
    key, cluster = house.partner("hzw", "L-2"), house.cluster
    id = house.shell.good("--json", "item", "list", "--limit", "1").lines[0]["id"]
    with dealt(cluster, key) as lines:
        heard = at_once(lines, [f"/licensed/items/{id}"] * len(lines))
        assert [one.status for one in heard] == [200] * AT_ONCE
        assert lines[0].left() == lines[-1].left() == LEFT - 1
