"""Talking to a server byte by byte, for tests of what no HTTP client would send."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = b"Host: feeds.xsnet.example\r\n"


@dataclass(frozen=True)
class Heard:
    """One answer as its bytes said it; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def hear(port: int, said: bytes, *, within: float = 1.0, quiet: float = 0.1) -> bytes:
    """Say this on a new connection and hear what comes back, until the server closes or falls silent.

    `within` is how long to wait for the first word, `quiet` how long for the next, in seconds.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        heard = b""
        # A server may close while we are still talking: what it said before counts.
        with suppress(ConnectionError):
            line.sendall(said)
        line.settimeout(within)
        with suppress(ConnectionError, TimeoutError):
            while some := line.recv(65536):
                heard += some
                line.settimeout(quiet)
        return heard


def answers(heard: bytes, *, head: bool = False) -> list[Heard]:
    """The answers in these bytes, in order; `head` where none has a body. Fails on what is no HTTP."""
    found = []
    while heard:
        top, blank, rest = heard.partition(b"\r\n\r\n")
        assert blank, heard[:200]
        first, *lines = top.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        if status == "100":
            heard = rest
            continue
        named = (one.partition(":") for one in lines)
        headers = {name.lower(): value.strip() for name, _, value in named}
        length = 0 if head or status == "304" else int(headers["content-length"])
        assert len(rest) >= length, "the answer is cut"
        found.append(Heard(int(status), headers, rest[:length]))
        heard = rest[length:]
    return found


def must_be_honest(found: list[Heard]) -> None:
    """No 5xx but 505, a request id, nosniff; every error a problem document of ours."""
    for one in found:
        assert one.status < 500 or one.status == 505, one
        assert len(one.headers["x-request-id"]) == 16, one
        assert one.headers["x-content-type-options"] == "nosniff", one
        if one.status >= 400:
            assert one.headers["content-type"] == "application/problem+json", one
            if one.body:
                problem = json.loads(one.body)
                assert problem["status"] == one.status
                assert problem["request_id"] == one.headers["x-request-id"]


def until(happened: Callable[[], bool], within: float, what: str) -> None:
    """Wait until it has happened."""
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


def log_lines(log: Path, event: str = "request") -> list[dict[str, Any]]:
    """The whole lines of this event that the server has logged so far."""
    found = []
    for line in log.read_text().splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            said = json.loads(line)
            if said["event"] == event:
                found.append(said)
    return found


@dataclass(frozen=True)
class RequestContext:
    """What one request on a connection of its own got: status, code of the problem, request id."""

    status: int
    code: str
    name: str


def ask(port: int, path: str, token: str = "") -> RequestContext:
    """GET this on a new connection. Raises OSError where there is none, AssertionError for a cut answer."""
    key = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{key}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request.encode())
        heard = b""
        while some := line.recv(65536):
            heard += some
    assert heard, "the connection was closed without an answer"
    (one,) = answers(heard)
    code = json.loads(one.body)["code"] if one.status >= 400 and path not in ("/readyz", "/healthz") else ""
    return RequestContext(one.status, code, one.headers["x-request-id"])
