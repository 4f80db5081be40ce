"""A start that is refused rather than half-right, and a stop that cuts nobody off."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.forked_commands import begun
from tests.support.raw_http import ask, log_lines, until
from tests.support.servers import PROJECT, command, free_port, served
from tests.support.shell import Shell

WITHIN = 15.0


class Load:
    """Clients that ask without a pause, and what went wrong for them."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.stop = threading.Event()
        self.answered = 0
        self.cut: list[str] = []
        self.readiness: list[int | None] = []

    def fresh(self) -> None:
        """A new connection for each request."""
        while not self.stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20):
                    pass
            except ConnectionRefusedError:
                return
            self._note(lambda: ask(self.port, "/licensed/feeds/all.json", self.token).status)

    def kept(self) -> None:
        """One connection for as long as the server says that it stays open."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.stop.is_set():
            try:
                line.connect()
            except ConnectionRefusedError:
                return
            going_on = True
            while going_on and not self.stop.is_set():

                def one() -> int:
                    nonlocal going_on
                    line.request("GET", "/feeds/all.rss")
                    answer = line.getresponse()
                    answer.read()
                    going_on = answer.getheader("Connection") != "close"
                    return answer.status

                if not self._note(one):
                    break
            line.close()

    def ready(self) -> None:
        """Ask whether it is ready, as a load balancer does."""
        while not self.stop.is_set():
            try:
                self.readiness.append(ask(self.port, "/readyz").status)
            except (OSError, AssertionError):
                self.readiness.append(None)
                return
            time.sleep(0.05)

    def _note(self, request: Callable[[], int]) -> bool:
        try:
            status = request()
        except ConnectionRefusedError:
            return False
        except (OSError, AssertionError, http.client.HTTPException) as fault:
            self.cut.append(repr(fault))
            return False
        if status != 200:
            self.cut.append(f"status {status}")
        self.answered += 1
        return True


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_cuts_nobody_off(tmp_path: Path, workers: int) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("demo")
    token = shell.good("--json", "key", "issue", "demo").json["token"]
    with served(shell.data, workers=workers) as server:
        load = Load(server.port, token)
        clients = [
            threading.Thread(target=client)
            for client in (load.fresh, load.fresh, load.fresh, load.kept, load.kept, load.kept, load.ready)
        ]
        for client in clients:
            client.start()
        try:
            # A worker that is stopped before it serves dies of the signal, and the exit code says so.
            until(lambda: len(log_lines(server.log, "serving")) == workers, 60, "all workers serve")
            until(lambda: load.answered > 60 and len(load.readiness) > 1, 60, "everybody is answered")
            before = load.answered
            server.process.send(signal.SIGTERM)
            told = time.monotonic()
            server.process.wait(WITHIN)
            took = time.monotonic() - told
        finally:
            load.stop.set()
            for client in clients:
                client.join()
    assert server.process.code == 0, server.log.read_text()[-2000:]
    assert took < WITHIN
    assert load.cut == []
    assert load.answered > before, "it goes on answering while it stops"
    assert load.readiness[0] == 200
    assert 503 in load.readiness, "readiness ends first, while there is somebody to hear it"
    first = load.readiness.index(503)
    assert set(load.readiness[first:]) <= {503, None}


def test_a_slow_client_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("demo")
    with served(shell.data) as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\nX-A: ")
        server.process.send(signal.SIGTERM)
        assert server.process.wait(WITHIN)
        assert server.process.code == 0


def test_a_start_and_a_stop_are_logged_as_information(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("demo")
    with served(shell.data) as server:
        server.process.send(signal.SIGTERM)
        assert server.process.wait(WITHIN)
        assert server.process.code == 0
    lines = server.log.read_text(encoding="utf-8").splitlines()
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    levels = {line["event"]: line["level"] for line in logged if line["event"] in ("serving", "stopped")}
    assert levels == {"serving": "info", "stopped": "info"}


def refused(data: Path, *words: str) -> str:
    """What `serve` says in both languages when it will not start; the exit code is not 0."""
    port = () if "--port" in words else ("--port", str(free_port()))
    chinese, english = (command("--lang", lang, "serve", *port, *words, data=data) for lang in ("zh", "en"))
    return _both(chinese=(chinese.returncode, chinese.stderr), english=(english.returncode, english.stderr))


IN_BOTH_LANGUAGES = """
import contextlib, io, json, sys
from syndicate.cli import main
for lang in ("zh", "en"):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(["--lang", lang, *sys.argv[1:]])
    print(json.dumps([code, said.getvalue()]))
"""


def refused_by_a_python(data: Path, **environ: str) -> str:
    """The same of a Python that began with these variables, which no running one can be made into."""
    done = subprocess.run(
        [sys.executable, "-c", IN_BOTH_LANGUAGES, "--data", str(data), "serve", "--port", str(free_port())],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
        env={**os.environ, **environ},
        timeout=60,
    )
    assert '"serving"' not in done.stderr, "it served for a moment"
    chinese, english = (json.loads(line) for line in done.stdout.splitlines())
    return _both(chinese=tuple(chinese), english=tuple(english))


def _both(*, chinese: tuple[int, str], english: tuple[int, str]) -> str:
    for code, said in (chinese, english):
        assert code in (1, 2), said
        assert "Traceback" not in said
        assert '"serving"' not in said, "it served for a moment"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese[1])
    assert chinese[1] != english[1]
    return english[1]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    Shell(tmp_path / "var").good("init")
    return tmp_path / "var"


def test_no_start_without_a_database(tmp_path: Path) -> None:
    assert "syndicate init" in refused(tmp_path / "nothing")


def test_no_start_on_the_database_of_a_newer_release(house: Path) -> None:
    with sqlite3.connect(house / "syndicate.db") as database:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE '%release%' OR name LIKE '%version%'"
        ).fetchone()
        (column,) = (row[1] for row in database.execute(f"PRAGMA table_info({table})").fetchmany(1))
        database.execute(f"UPDATE {table} SET {column} = '9999'")
    database.close()
    assert "newer" in refused(house)


def test_no_start_with_a_signing_key_that_others_can_read(house: Path) -> None:
    (key,) = (house / "keys").glob("*.pem")
    key.chmod(0o644)
    said = refused(house)
    assert key.name in said
    assert "chmod" in said or "0600" in said


def test_no_start_without_a_signing_key(house: Path) -> None:
    (key,) = (house / "keys").glob("*.pem")
    key.unlink()
    assert key.name in refused(house)


def test_no_start_on_a_port_in_use(house: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in refused(house, "--port", port, "--workers", "2")


def test_no_start_on_an_address_that_is_not_ours(house: Path) -> None:
    assert "192.0.2.1" in refused(house, "--host", "192.0.2.1")


def test_no_start_without_the_strict_parser(house: Path) -> None:
    assert "AIOHTTP_NO_EXTENSIONS" in refused_by_a_python(house, AIOHTTP_NO_EXTENSIONS="1")


def test_no_start_where_checks_are_left_out(house: Path) -> None:
    assert "python -O" in refused_by_a_python(house, PYTHONOPTIMIZE="1")


def test_workers_end_with_the_process_that_minds_them(house: Path) -> None:
    with served(house, workers=2) as server:
        children = (
            Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        )
        server.process.end(signal.SIGKILL)
        deadline = time.monotonic() + WITHIN
        while any(serves(int(pid)) for pid in children):
            assert time.monotonic() < deadline, "a worker goes on without anybody who minds it"
            time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_workers_are_still_starting_is_a_stop_in_order(
    house: Path, how: signal.Signals
) -> None:
    words = ["--data", str(house), "serve", "--port", str(free_port()), "--workers", "2"]
    log = house / "serve.log"
    process = begun(words, log, log)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    # Both workers, and the process with which multiprocessing tracks what they share.
    until(lambda: len(children.read_text().split()) == 3, WITHIN, "two workers")
    for pid in children.read_text().split()[1:]:
        os.kill(int(pid), how)  # as a terminal and systemd do, to everybody at once
    assert process.end(how) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def serves(pid: int) -> bool:
    """Whether this process is there and alive."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
