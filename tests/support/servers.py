"""A real server for tests: in this process with a clock that can be moved, or the command itself."""

from __future__ import annotations

import atexit
import io
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

from syndicate.clock import SteadyClock
from syndicate.config import Settings, load
from syndicate.store.sql_store import open_store
from syndicate.web.routes import build as build_app
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.connection import ConnectionServer
from syndicate.web.server.runner import Runner
from syndicate.web.server.worker import WORKER, Worker
from syndicate.wiring import Services, build, initialise
from tests.support.factories import NOON, STAFF
from tests.support.forked_commands import Process, begun, shared_forge

BASE_URL = "https://feeds.xsnet.example"
PROJECT = Path(__file__).parents[2]


@dataclass
class MovableClock:
    """Stands at noon until it is moved."""

    now: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        return self.now

    def move(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Answer:
    """What a client saw."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Serving:
    """A house with its server on a real port."""

    house: Services
    clock: MovableClock
    address: str
    client: aiohttp.ClientSession
    worker: Worker
    connections: ConnectionServer

    async def get(
        self,
        path: str,
        *,
        key: str | None = None,
        basic: tuple[str, str] | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        if basic is not None:
            sent["Authorization"] = f"Basic {b64encode(':'.join(basic).encode()).decode()}"
        async with self.client.request(
            method, self.address + path, headers=sent, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())


def settings_for(data: Path, database: str | None = None, file: Path | None = None) -> Settings:
    """Settings of a house in this folder; on `database` where one is given, with those of a `file`."""
    environ = {"SYNDICATE_BASE_URL": BASE_URL}
    if database is not None:
        environ["SYNDICATE_DATABASE"] = database
    return load(file, environ, data=data)


@asynccontextmanager
async def serving(
    data: Path,
    database: str | None = None,
    *,
    clock: MovableClock | None = None,
    machine_time: bool = False,
    routes: Sequence[web.RouteDef] = (),
    file: Path | None = None,
) -> AsyncIterator[Serving]:
    """A house that was just made, or that is in `data` already, served in this process.

    With `machine_time` its services go by the machine's clock, as in production, and `clock` stands by.
    `routes` are a test's own, beside the server's. `file` has its settings.
    """
    settings = settings_for(data, database, file)
    if database is None and clock is None and not settings.data.joinpath("syndicate.db").exists():
        shutil.copytree(await _made_at_noon(), data, dirs_exist_ok=True)
    clock = clock or MovableClock()
    await initialise(settings, STAFF, clock)
    store = open_store(settings.database)
    await store.open()
    house = build(settings, store, SteadyClock(clock.now) if machine_time else clock)
    app = build_app(house, AccessLog(io.StringIO()))
    app.add_routes(routes)
    runner = Runner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(auto_decompress=True) as client:
            assert isinstance(runner.server, ConnectionServer)
            yield Serving(house, clock, f"http://127.0.0.1:{port}", client, app[WORKER], runner.server)
    finally:
        await runner.cleanup()
        await house.close()
        await store.close()


_made: list[Path] = []


def new_pattern(name: str) -> Path:
    """A new folder for a house that tests copy; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"syndicate-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


async def _made_at_noon() -> Path:
    """A house that was made at noon, with nothing in it: once for each process."""
    if not _made:
        folder = new_pattern("made")
        await initialise(settings_for(folder), STAFF, MovableClock())
        _made.append(folder)
    return _made[0]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on this port of loopback."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def command(
    *words: str, data: Path, environ: Mapping[str, str] | None = None, module: str = "syndicate"
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as a process of its own; `module` is another that enters it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = shared_forge().begin(
            ["--data", str(data), *words], out.fileno(), err.fileno(), environ=environ, module=module
        )
        code = child.code if child.wait(60) else child.end(signal.SIGKILL)
        assert code is not None
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


@dataclass
class ServerProcess:
    """The command, serving."""

    process: Process
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(
    data: Path,
    *,
    workers: int = 1,
    options: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> Iterator[ServerProcess]:
    """`syndicate serve` on a free port, ready; stopped at the end.

    `fresh` in a Python of its own, as a user starts it, and not forked from one that is warm.
    """
    port = free_port()
    log = data / "serve.log"
    words = ["--data", str(data), "serve", "--host", "127.0.0.1", "--port", str(port)]
    words += ["--workers", str(workers), *options]
    environ = {"SYNDICATE_BASE_URL": f"http://127.0.0.1:{port}", **(environ or {})}
    log.write_bytes(b"")
    process = begun(words, log, log, environ=environ, fresh=fresh)
    try:
        _wait_until_ready(process, port, log)
        yield ServerProcess(process, port, log)
    finally:
        process.send(signal.SIGTERM)
        if not process.wait(25):
            process.end(signal.SIGKILL)
            raise AssertionError(f"the server did not stop in time:\n{log.read_text()}")


def _wait_until_ready(process: Process, port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.code is not None:
            raise AssertionError(f"the server ended with {process.code}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server was not ready in time:\n{log.read_text()}")
