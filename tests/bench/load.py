"""The load client: the same requests to every contestant, on kept connections, from the other core.

wrk does it where it is installed: it costs a fraction of what it asks for, so that the server is always
busy. Elsewhere a client of our own does it, which is slower and just as exact: what is compared is the
server's CPU time for each request, not the rate.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import LOAD_CORE, program

_TOLERANCE = 0.05
"""How far the mean length of the answers may be off: a 304 or an error is far shorter."""
_LONGEST = 20
"""Seconds of load where a shorter one had no answer."""
_SCRIPT = """
local ready, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    ready[#ready + 1] = (line:gsub("\\\\r", "\\r"):gsub("\\\\n", "\\n"))
  end
end
function request()
  at = at % #ready + 1
  return ready[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("DONE %d %d %d %d %.1f\\n", summary.requests, summary.bytes, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50)))
end
"""


@dataclass(frozen=True)
class Answer:
    """An answer, as the client read it; `length` in bytes, head and body."""

    status: int
    headers: dict[str, str]
    body: bytes
    length: int


@dataclass(frozen=True)
class Load:
    """What was asked of one server: how many answers came, in how many seconds; the median wait, in ms."""

    answers: int
    seconds: float
    median_ms: float


def request_bytes(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """The request that every contestant gets."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{n}: {v}" for n, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(port: int, path: str, headers: Mapping[str, str]) -> Answer:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(request_bytes(port, path, headers))
        return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    """Read one whole answer. Raises SystemExit where the server closes the connection in the middle."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(status_line.split()[1])
    length = 0 if status == 304 else int(headers.get("content-length", "0"))
    parts, got = [body], len(body)
    while got < length:
        parts.append(_more(connection))
        got += len(parts[-1])
    return Answer(status, headers, b"".join(parts), len(head) + 4 + got)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise SystemExit("a contestant closed the connection in the middle of an answer")
    return data


@dataclass(frozen=True)
class Target:
    """Requests that a server is sent in turn; the status of every answer, and the mean length in bytes."""

    port: int
    requests: Sequence[bytes]
    status: int
    length: float


def target(port: int, asked: Sequence[tuple[str, Mapping[str, str]]], status: int = 200) -> Target:
    """Ask each path with its headers once, and check the status. Raises SystemExit."""
    length = 0
    for path, headers in asked:
        answer = ask(port, path, headers)
        if answer.status != status:
            raise SystemExit(f"{path}: {answer.status} where {status} was expected: {answer.body[:300]!r}")
        length += answer.length
    requests = [request_bytes(port, path, headers) for path, headers in asked]
    return Target(port, requests, status, length / len(asked))


def load(target: Target, *, connections: int, seconds: int) -> Load:
    """Send the requests in turn for so long.

    Raises SystemExit where an answer has another status, or another length on average.
    """
    wrk = program("wrk")
    if wrk is None:
        return _own_load(target, connections, seconds)
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-load-") as folder:
        script, ready = Path(folder) / "load.lua", Path(folder) / "requests"
        script.write_text(_SCRIPT)
        ready.write_text(
            "".join(
                one.decode().replace("\r", "\\r").replace("\n", "\\n") + "\n" for one in target.requests
            )
        )
        # A word of ours after `--` is an argument of the script; one request needs no script to choose it.
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
        command += [f"http://127.0.0.1:{target.port}/", "--", str(ready)]
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + 120,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
        )
        spent = time.perf_counter() - begun
    found = re.search(r"DONE (\d+) (\d+) (\d+) (\d+) ([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"wrk failed: {done.stdout}{done.stderr}")
    answers, sent, bad, broken = (int(found[group]) for group in range(1, 5))
    if not answers and not bad and not broken and seconds < _LONGEST:
        # A busy machine, or a server that was just started: what is measured is CPU, not time.
        return load(target, connections=connections, seconds=_LONGEST)
    if bad or broken or not answers:
        raise SystemExit(f"{bad} answers of {answers} with another status, {broken} broken")
    # Redirects and 304 are no errors to wrk: the length of an answer tells what was answered.
    if abs(sent / answers / target.length - 1) > _TOLERANCE:
        raise SystemExit(f"{sent / answers:.0f} bytes an answer where {target.length:.0f} were expected")
    return Load(answers, spent, float(found[5]) / 1000)


def _own_load(target: Target, connections: int, seconds: int) -> Load:
    """The same without wrk."""
    os.sched_setaffinity(0, {LOAD_CORE})
    opened = [socket.create_connection(("127.0.0.1", target.port), timeout=60) for _ in range(connections)]
    answers, waits = 0, []
    begun = time.perf_counter()
    try:
        while time.perf_counter() - begun < seconds:
            asked = time.perf_counter()
            for number, connection in enumerate(opened):
                connection.sendall(target.requests[(answers + number) % len(target.requests)])
            for connection in opened:
                got = read_answer(connection)
                if got.status != target.status:
                    raise SystemExit(f"{got.status} where {target.status} was expected")
                waits.append(time.perf_counter() - asked)
            answers += len(opened)
    finally:
        for connection in opened:
            connection.close()
    return Load(answers, time.perf_counter() - begun, sorted(waits)[len(waits) // 2] * 1000)
