"""Real databases for tests: SQLite in a temp folder, PostgreSQL from the binaries on this machine.

Use `store_address` (each test runs on both) with `opened`:

    def test_something(store_address: str) -> None:
        async def act() -> None:
            async with opened(store_address) as store:
                ...
        asyncio.run(act())
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from syndicate.store.sql_store import SqlStore, open_store

_PATIENCE = 60.0


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[SqlStore]:
    """The store at this address, open."""
    store = open_store(address)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def sqlite_at(path: Path) -> str:
    """The address of this SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def sqlite_file(address: str) -> Path:
    """The file of an SQLite address."""
    return Path(address.removeprefix("sqlite+aiosqlite:///"))


def postgresql_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, if this machine has them."""
    folders = [Path(name) for name in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        folders.insert(0, Path(said.stdout.strip()))
    folders += [Path(name) for name in os.environ.get("PATH", "").split(os.pathsep) if name]
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


class PostgresqlServer:
    """A private server in a temp folder, on a unix socket and a loopback port; not durable by default."""

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self._binaries = binaries
        self._settings = ["shared_buffers=32MB", "max_connections=100"]
        self._settings += [] if durable else ["fsync=off", "full_page_writes=off"]
        self.folder = Path(tempfile.mkdtemp(prefix="syndicate-pg-"))
        # PostgreSQL refuses to run as root.
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _ordinary_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    def address(self, name: str) -> str:
        """The address of this database."""
        return f"postgresql+asyncpg://syndicate:hush@127.0.0.1:{self.port}/{name}"

    def make(self) -> None:
        """Make the server's files, start it, and make the database that others are copied from."""
        command = [str(self._binaries / "initdb"), "-D", str(self.folder / "data"), "-U", "syndicate"]
        command += ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False, **self._user)
        assert done.returncode == 0, done.stderr.decode()
        self.start()
        self.sql("CREATE DATABASE pattern")
        asyncio.run(open_store(self.address("pattern")).create())

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        command += ["-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        for setting in self._settings:
            command += ["-c", setting]
        if shutil.which("setpriv"):  # ends with us, also when we are killed
            command = ["setpriv", "--pdeathsig", "INT", *command]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stderr=log, stdout=log, **self._user)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.sql("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                log_text = (self.folder / "log").read_text(errors="replace")
                assert self._process.poll() is None, log_text
                assert time.monotonic() < deadline, log_text
                time.sleep(0.05)
            else:
                return

    @property
    def pid(self) -> int:
        """The server's first process, the parent of all others."""
        assert self._process is not None
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT cuts connections and shuts down in order, SIGQUIT is a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop, and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement, outside any transaction."""

        async def run() -> str:
            line = await asyncpg.connect(
                host=str(self.folder), port=self.port, user="syndicate", database=database
            )
            try:
                return str(await line.execute(statement))
            finally:
                await line.close()

        return asyncio.run(run())

    def database(self, pattern: str) -> str:
        """A new database, copied from this one: its name."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {pattern}")
        return name


def _ordinary_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for the session (with pytest-xdist: one for each worker)."""
    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL binaries not found: apt-get install postgresql")
    server = PostgresqlServer(binaries)
    try:
        server.make()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of this release, with nothing in it, to copy."""
    path = tmp_path_factory.mktemp("pattern") / "syndicate.db"
    asyncio.run(open_store(sqlite_at(path)).create())
    return path


@pytest.fixture
def sqlite_address(sqlite_pattern: Path, tmp_path: Path) -> str:
    """An SQLite database of this release, with nothing in it."""
    path = tmp_path / "syndicate.db"
    shutil.copyfile(sqlite_pattern, path)
    return sqlite_at(path)


@pytest.fixture
def postgresql_address(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A PostgreSQL database of this release, with nothing in it."""
    name = postgresql_server.database("pattern")
    yield postgresql_server.address(name)
    postgresql_server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_address(request: pytest.FixtureRequest) -> str:
    """A database of this release with nothing in it: on SQLite, then on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_address"))


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database could be made: no file, or a PostgreSQL database without tables."""
    if request.param == "sqlite":
        yield sqlite_at(tmp_path / "data" / "syndicate.db")
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = server.database("template0")
    yield server.address(name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def set_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The settings of a house that a module's tests share: on SQLite, then on PostgreSQL; no others."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("SYNDICATE_") and one != "SYNDICATE_KIT"]:
            patch.delenv(name)
        if request.param == "sqlite":
            yield request.param
            return
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        name = server.database("pattern")
        patch.setenv("SYNDICATE_DATABASE", server.address(name))
        yield request.param
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")
