"""The benchmarks: `make bench`. Ratios side by side in one run, since these machines are noisy.

Each contestant is a server process of its own, alone on one core, loaded from the other by the same
client with the same requests; contestants take turns, round by round. What is compared is the server's
own CPU time per request (user + system, of the process and its children, from /proc), as the ratio to
the others in the same round; the median of the rounds is printed. Traffic goes to loopback only, and
every loop is bounded.

Contestants: this server; the same with its trail held back; a bare aiohttp handler that answers the same
bytes; feedgen at every request; and nginx with the same file, where nginx is installed.

A second table has one row without a server: the time to build a licensed feed where `[[except]]` hides the
newest 6,000 items, as the ratio to the same feed of a partner without the exception, built in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from syndicate.config import load
from syndicate.model.parties import PartnerId
from syndicate.wiring import initialise, opened
from tests.bench_excepted import EXCEPTED_ITEMS, build_times
from tests.support.factories import STAFF
from tests.support.servers import free_port

PROJECT = Path(__file__).parent.parent
ITEMS = 50
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Contestant:
    """One server: its process, its address, and what is asked of it."""

    name: str
    pid: int
    port: int
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One row group of the table: a question, asked of several."""

    name: str
    status: int
    contestants: list[Contestant]
    connections: int = 8


def main() -> None:
    """Build a house with 50 items, measure, print the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=16_000, help="requests a contestant and round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    out = Console()
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as folder, ExitStack() as stack:
        house = Path(folder)
        key = asyncio.run(furnish(house))
        port = stack.enter_context(our_server(house))
        cases = build_cases(stack, house, port, key)
        results = [(case, measure(case, options.requests, options.rounds, out)) for case in cases]
        builds = build_times(house / "excepted", options.rounds)
    out.print(table(results))
    out.print(
        "share of ours: the other's CPU per request / ours, same round, median (min to max); "
        "above 1, ours needs less"
    )
    out.print(build_table(builds))


async def furnish(folder: Path) -> str:
    """A house with 50 items under a mandate, a partner with a licence; its key."""
    settings = load(None, {}, data=folder)
    await initialise(settings, STAFF)
    async with opened(settings) as house:
        await house.rights.add_mandate(
            STAFF,
            'number="B-1"\nholder="萧山日报社"\noutlets=["daily"]\nmedia=["text"]\nexclusive=true\n'
            "valid_from=2015-01-01\n",
            "mandate",
        )
        await house.rights.add_partner(STAFF, "bench", "基准测试")
        await house.rights.add_licence(
            STAFF,
            'number="B-2"\npartner="bench"\nvalid_from=2015-01-01\nvalid_until=2099-01-01\n[[grant]]\n'
            'uses=["reprint"]\noutlets=["daily"]\nmedia=["text"]\n',
            "licence",
        )
        seed = (PROJECT / "syndicate" / "demo" / "seed.txt").read_text("utf-8")
        for number in range(ITEMS):
            text = seed.replace("系列报道之四", f"系列报道之{number}").replace(
                "2018年1月22日", f"2018年1月{number % 28 + 1}日"
            )
            taken = await house.items.take_in(STAFF, text.encode(), f"{number}.txt")
            assert taken.item is not None, taken.faults
        return (await house.keys.issue(STAFF, PartnerId("bench"))).token


@contextmanager
def our_server(folder: Path, module: str = "syndicate") -> Iterator[int]:
    """This server, with one worker; of another module, the same with something held back."""
    port = free_port()
    environ = {"SYNDICATE_BASE_URL": f"http://127.0.0.1:{port}"}
    words = ["--data", str(folder), "serve", "--port", str(port), "--host", "127.0.0.1"]
    with started([sys.executable, "-m", module, *words], port, environ):
        yield port


@contextmanager
def started(command: list[str], port: int, environ: Mapping[str, str] | None = None) -> Iterator[int]:
    """A server process on the first core; its id."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env={**os.environ, **(environ or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {CORES[0]}),
        )
        try:
            _wait(process, port)
            _pids[port] = process.pid
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


_pids: dict[int, int] = {}


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise SystemExit(f"a contestant ended at once: {process.args!r}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"a contestant did not answer: {process.args!r}")


def build_cases(stack: ExitStack, folder: Path, port: int, key: str) -> list[Case]:
    """What is asked of whom."""
    ours = _pids[port]
    licensed = {"Authorization": f"Bearer {key}"}
    plain = ask(port, "/feeds/all.rss", {})
    full = ask(port, "/licensed/feeds/all.rss", licensed)
    files = folder / "files"
    files.mkdir()
    for name, told in (("public.rss", plain), ("full.rss", full)):
        (files / name).write_bytes(told.body)
        (files / f"{name}.gz").write_bytes(gzip.compress(told.body, 6, mtime=0))
    bare_port, feedgen_port = free_port(), free_port()
    bare = stack.enter_context(
        started([sys.executable, "-m", "tests.bench_bare", str(files), str(bare_port)], bare_port)
    )
    regen = stack.enter_context(
        started(
            [sys.executable, "-m", "tests.bench_bare", str(files), str(feedgen_port), "--feedgen"],
            feedgen_port,
        )
    )
    nginx_port = free_port()
    nginx = start_nginx(stack, folder, nginx_port)
    zipped = {"Accept-Encoding": "gzip"}
    conditional = {"If-None-Match": plain.headers["etag"]}

    def case(name: str, status: int, path: str, file: str, sent: Mapping[str, str]) -> Case:
        contestants = [
            Contestant("syndicate", ours, port, path, sent),
            Contestant("aiohttp, ready bytes", bare, bare_port, f"/{file}", sent),
        ]
        if nginx is not None:
            etag = ask(nginx_port, f"/{file}", {}).headers.get("etag", "")
            own = {**sent, "If-None-Match": etag} if status == 304 else sent
            contestants.append(Contestant("nginx, same file", nginx, nginx_port, f"/{file}", own))
        return Case(name, status, contestants)

    trailless_port = stack.enter_context(our_server(folder, "tests.bench_trailless"))
    trailless = Contestant(
        "the same without its trail",
        _pids[trailless_port],
        trailless_port,
        "/licensed/feeds/all.rss",
        {**zipped, **licensed},
    )
    first = case("public feed, 200", 200, "/feeds/all.rss", "public.rss", {})
    first.contestants.append(Contestant("aiohttp + feedgen each time", regen, feedgen_port, "/feedgen", {}))
    licensed_case = case(
        "licensed feed, gzip, line durable",
        200,
        "/licensed/feeds/all.rss",
        "full.rss",
        {**zipped, **licensed},
    )
    licensed_case.contestants.insert(1, trailless)
    return [
        first,
        case("public feed, 200, gzip", 200, "/feeds/all.rss", "public.rss", zipped),
        case("public feed, 304", 304, "/feeds/all.rss", "public.rss", conditional),
        licensed_case,
        replace(licensed_case, name="licensed feed, the same, 64 at once", connections=64),
    ]


def start_nginx(stack: ExitStack, folder: Path, port: int) -> int | None:
    """nginx with the same files, one process; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        return None
    folder.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000; types {{ application/rss+xml rss; }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; gzip_static on; }}
}}
"""
    )
    return stack.enter_context(started([program, "-c", str(configuration), "-p", str(folder)], port))


@dataclass(frozen=True)
class ChangeEntry:
    """An answer, as the bench's client read it."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(port: int, path: str, headers: Mapping[str, str]) -> ChangeEntry:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request_bytes(port, path, headers))
        return _read(connection)


def request_bytes(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """The request that every contestant gets."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{n}: {v}" for n, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _read(connection: socket.socket) -> ChangeEntry:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 18)
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(status_line.split()[1])
    length = 0 if status == 304 else int(headers.get("content-length", "0"))
    while len(body) < length:
        body += connection.recv(1 << 18)
    return ChangeEntry(status, headers, body)


def load_it(contestant: Contestant, requests: int, status: int, connections: int) -> None:
    """Ask this often, on a few kept connections in turn."""
    wanted = request_bytes(contestant.port, contestant.path, contestant.headers)
    open_ = [socket.create_connection(("127.0.0.1", contestant.port)) for _ in range(connections)]
    try:
        for _ in range(requests // connections):
            for connection in open_:
                connection.sendall(wanted)
            for connection in open_:
                told = _read(connection)
                if told.status != status:
                    raise SystemExit(f"{contestant.name}: {told.status} where {status} was expected")
    finally:
        for connection in open_:
            connection.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(case: Case, requests: int, rounds: int, out: Console) -> dict[str, list[float]]:
    """Microseconds of CPU per request, by contestant, one number a round."""
    os.sched_setaffinity(0, {CORES[-1]})
    taken: dict[str, list[float]] = {contestant.name: [] for contestant in case.contestants}
    for number in range(rounds + 1):
        for contestant in case.contestants:
            # CPU time is told in hundredths of a second: what is quick is asked more often.
            slow = "feedgen" in contestant.name or case.name.startswith("licensed")
            asked = requests // 8 if slow else requests
            before = cpu_seconds(contestant.pid)
            load_it(contestant, asked, case.status, case.connections)
            spent = cpu_seconds(contestant.pid) - before
            if number > 0:  # the first round warms up
                taken[contestant.name].append(spent / asked * 1e6)
        if number > 0:
            out.print(f"{case.name}: round {number} of {rounds}", style="dim")
    return taken


def table(results: list[tuple[Case, dict[str, list[float]]]]) -> Table:
    """The table."""
    made = Table(title="CPU per request, side by side")
    for name in ("case", "server", "µs (median)", "share of ours"):
        made.add_column(name)
    for case, taken in results:
        ours = taken["syndicate"]
        for name, figures in taken.items():
            ratios = [other / own for other, own in zip(figures, ours, strict=True) if own]
            share = (
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                if name != "syndicate" and ratios
                else ""
            )
            made.add_row(case.name, name, f"{statistics.median(figures):.1f}", share)
        made.add_section()
    return made


def build_table(builds: list[tuple[float, float]]) -> Table:
    """The table of build times: without and with the exception, in seconds, a pair a round."""
    made = Table(title="Time to build a feed, side by side")
    for name in ("case", "without (ms, median)", "with (ms, median)", "with / without"):
        made.add_column(name)
    plain, excepting = zip(*builds, strict=True)
    ratios = [one / other for other, one in builds]
    made.add_row(
        f"licensed feed, newest {EXCEPTED_ITEMS:,} items excepted",
        f"{statistics.median(plain) * 1e3:.1f}",
        f"{statistics.median(excepting) * 1e3:.1f}",
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
    )
    return made


if __name__ == "__main__":
    main()
