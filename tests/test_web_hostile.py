"""Clients that are slow, broken or hostile: dropped or told so, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.raw_http import HOST, answers, hear, log_lines, must_be_honest, until
from tests.support.servers import ServerProcess, served
from tests.support.shell import Shell
from tests.test_wire.kit import faults

MARK = b"XyZZyMaRk"
"""Stands in every hostile request, and in no answer."""
AT_MOST = 15.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The command, serving the demonstration."""
    data = tmp_path_factory.mktemp("hostile") / "var"
    Shell(data).good("demo")
    with served(data) as running:
        yield running
        assert running.process.code is None


def line(text: bytes, *headers: bytes) -> bytes:
    return text + b"\r\n" + HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


HEALTH = b"GET /healthz HTTP/1.1"
POST = b"POST /healthz HTTP/1.1"

NONSENSE: dict[str, tuple[bytes, set[int]]] = {
    "a request line of 14 KB": (line(b"GET /" + MARK * 1600 + b" HTTP/1.1"), {400, 414, 431}),
    "a key of 14 KB": (line(HEALTH, b"Authorization: Bearer " + MARK * 1600), {400, 431}),
    "a header name of 14 KB": (line(HEALTH, MARK * 1600 + b": 1"), {400, 431}),
    "100 headers": (line(HEALTH, *(b"X-%d: " % n + MARK for n in range(100))), {200}),
    "1,000 headers": (line(HEALTH, *(b"X-%d: " % n + MARK for n in range(1000))), {400, 431}),
    "a method that is none": (line(MARK + b" / HTTP/1.1"), {400}),
    "a method in small letters": (line(b"get / HTTP/1.1"), {400}),
    "bytes": (b"\x00\xff\x13" + MARK + b"\r\n\r\n", {400}),
    "a TLS hello": (bytes.fromhex("16030100c8010000c40303") + MARK * 20, {400}),
    "HTTP/0.9": (b"GET /" + MARK + b"\r\n", set()),
    "HTTP/1.2": (line(b"GET /" + MARK + b" HTTP/1.2"), {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + MARK, {400}),
    "OPTIONS *": (line(b"OPTIONS * HTTP/1.1"), {404, 405}),
    "CONNECT": (line(b"CONNECT " + MARK + b".example:443 HTTP/1.1"), {404, 405, 400}),
    "an absolute target": (line(b"GET http://" + MARK + b".example/terms HTTP/1.1"), {200}),
    "an absolute target that is none": (line(b"GET http://[" + MARK + b"/ HTTP/1.1"), {400}),
    "a port that is none": (line(b"GET http://a:99999/" + MARK + b" HTTP/1.1"), {400, 404}),
    "no Host": (HEALTH + b"\r\nX-A: " + MARK + b"\r\n\r\n", {400}),
    "two Hosts": (line(HEALTH, b"Host: " + MARK), {400}),
    "a Host that is none": (b"GET /feeds/all.rss HTTP/1.1\r\nHost: [" + MARK + b"\r\n\r\n", {200, 400}),
    "two lengths": (line(POST, b"Content-Length: 3", b"Content-Length: 9") + MARK, {400}),
    "a length beyond counting": (line(POST, b"Content-Length: " + b"9" * 30) + MARK, {400, 413}),
    "a length below nought": (line(POST, b"Content-Length: -1") + MARK, {400}),
    "a length and chunks": (
        line(POST, b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + line(HEALTH),
        {400},
    ),
    "a coding that is not chunked": (line(POST, b"Transfer-Encoding: " + MARK) + b"0\r\n\r\n", {400}),
    "chunks that are none": (line(POST, b"Transfer-Encoding: chunked") + b"ZZ" + MARK + b"\r\n", {400}),
    "a chunk that does not end": (
        line(POST, b"Transfer-Encoding: chunked") + b"3\r\nabc" + MARK + b"\r\n",
        {400, 405},
    ),
    "a broken gzip body": (
        line(POST, b"Content-Encoding: gzip", b"Content-Length: 9") + MARK,
        {400, 405},
    ),
    "a broken gzip body of a GET": (
        line(HEALTH, b"Content-Encoding: gzip", b"Content-Length: 9") + MARK,
        {200, 400},
    ),
    "a broken br body": (line(POST, b"Content-Encoding: br", b"Content-Length: 9") + MARK, {400, 405}),
    "an expectation": (line(HEALTH, b"Expect: " + MARK), {400, 417}),
    "an expectation of no route": (line(b"GET /" + MARK + b" HTTP/1.1", b"Expect: " + MARK), {400, 417}),
    "an expectation of a wrong method": (line(POST, b"Expect: " + MARK), {400, 417}),
    "NUL in a header": (line(HEALTH, b"X-A: a\0" + MARK), {400}),
    "CR in a header": (line(HEALTH, b"X-A: a\r" + MARK + b": b"), {400}),
    "line feeds alone": (HEALTH + b"\nHost: " + MARK + b"\n\n", {400}),
    "a folded header": (line(HEALTH, b"X-A: a", b" " + MARK), {200, 400}),
    "a header without a name": (line(HEALTH, b": " + MARK), {400}),
    "a blank before the colon": (line(HEALTH, b"X-A : " + MARK), {400}),
    "a path in Latin-1": (line(b"GET /\xff\xfe" + MARK + b" HTTP/1.1"), {400, 404}),
    "a path in UTF-8": (line("GET /新闻".encode() + MARK + b" HTTP/1.1"), {400, 404}),
    "percent signs that mean nothing": (line(b"GET /%ff%zz%0d%0a" + MARK + b" HTTP/1.1"), {404}),
    "a feed named in percent signs": (line(b"GET /feeds/%00%ff" + MARK + b".rss HTTP/1.1"), {404}),
    "a query that means nothing": (line(b"GET /?lang=%ff%zz&%00=" + MARK + b" HTTP/1.1"), {200}),
    "a target without a path": (line(b"GET ?" + MARK + b" HTTP/1.1"), {400, 404}),
    "two slashes": (line(b"GET //" + MARK + b":99999/healthz HTTP/1.1"), {400, 404}),
    "a static name of 5,000 bytes": (line(b"GET /static/" + MARK * 555 + b".css HTTP/1.1"), {404}),
    "a way out of static": (line(b"GET /static/../" + MARK + b".py HTTP/1.1"), {404}),
    "an encoded way out of static": (line(b"GET /static/%2e%2e%2f" + MARK + b".py HTTP/1.1"), {404}),
    "an upgrade": (line(HEALTH, b"Connection: upgrade", b"Upgrade: " + MARK) + MARK, {200, 400}),
    "a key in bytes": (
        line(b"GET /licensed/licence HTTP/1.1", b"Authorization: Bearer \xff" + MARK),
        {401},
    ),
    "cookies that are none": (line(HEALTH, b"Cookie: \x80=\xff;;;=" + MARK), {200}),
    "a language that is none": (line(b"GET /nope HTTP/1.1", b"Accept-Language: \xff" + MARK), {404}),
    "an Accept that is none": (line(b"GET /feeds/all.rss HTTP/1.1", b"Accept: " + MARK), {400}),
    "an Accept-Encoding that is none": (
        line(b"GET /feeds/all.rss HTTP/1.1", b"Accept-Encoding: ;q=" + MARK + b",,;,gzip;q=nan"),
        {200},
    ),
    "validators that are none": (
        line(
            b"GET /feeds/all.rss HTTP/1.1",
            b'If-None-Match: "' + MARK,
            b"If-Modified-Since: Mon, 99 Foo 99999 99:99:99 " + MARK,
        ),
        {200},
    ),
    "a range": (line(b"GET /feeds/all.rss HTTP/1.1", b"Range: bytes=" + MARK), {200}),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_answered_honestly_and_repeated_nowhere(server: ServerProcess, what: str) -> None:
    said, statuses = NONSENSE[what]
    heard = hear(server.port, said)
    assert MARK not in heard
    assert MARK.lower() not in heard.lower()
    found = answers(heard)
    must_be_honest(found)
    assert {one.status for one in found[:1]} <= statuses, heard
    if statuses:
        assert found, "no answer at all"
    assert answers(hear(server.port, line(HEALTH, b"Connection: close")))[0].status == 200


def test_nothing_rides_behind_a_request_that_was_refused(server: ServerProcess) -> None:
    """What stands behind an unreadable request is not read as a request of its own (smuggling)."""
    for headers in (
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length: 0", b"Content-Length: 5"),
        (b"Transfer-Encoding: chunked, identity",),
    ):
        said = line(POST, *headers) + b"0\r\n\r\n" + line(b"GET /terms HTTP/1.1")
        assert [one.status for one in answers(hear(server.port, said))] == [400], headers


def test_a_problem_keeps_to_its_schema(server: ServerProcess) -> None:
    checked = 0
    for said, _ in NONSENSE.values():
        for one in answers(hear(server.port, said)):
            if one.status >= 400:
                assert faults("http/problem-object-rfc9457.json", json.loads(one.body)) == []
                checked += 1
    assert checked > 30


def test_1000_requests_in_one_breath_are_answered_one_by_one(server: ServerProcess) -> None:
    found = answers(hear(server.port, line(HEALTH) * 1000, quiet=3))
    assert [one.status for one in found] == [200] * 1000
    assert len({one.headers["x-request-id"] for one in found}) == 1000


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"GET /", HEALTH + b"\r\n" + HOST, line(HEALTH)[:-2] + b"X-A: ", line(POST)]),
    st.sampled_from([b"", b" HTTP/1.1\r\n" + HOST + b"\r\n", b"\r\n\r\n"]),
)
def test_no_bytes_bring_forth_a_500_or_come_back(
    server: ServerProcess, noise: bytes, before: bytes, after: bytes
) -> None:
    said = before + MARK + noise + after
    heard = hear(server.port, said, within=0.25, quiet=0.05)
    assert MARK not in heard
    must_be_honest(answers(heard, head=noise.startswith(b"HEAD")))


def test_every_honest_answer_to_nonsense_is_in_the_log(server: ServerProcess) -> None:
    found = answers(hear(server.port, NONSENSE["a TLS hello"][0]))
    name = found[0].headers["x-request-id"]
    until(
        lambda: name in {one["request_id"] for one in log_lines(server.log)}, 3, "the request is in the log"
    )
    assert log_lines(server.log, "unexpected_error") == []
    assert MARK.decode() not in "".join(json.dumps(x) for x in log_lines(server.log, "Unhandled exception"))


def test_a_client_that_vanishes_in_the_middle_of_a_body_is_no_fault_of_ours(server: ServerProcess) -> None:
    key = (server.log.parent / "demo.key").read_text().strip()
    headers = (f"Authorization: Bearer {key}".encode(), b"Content-Length: 100")
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(line(b"POST /licensed/changes/ack HTTP/1.1", *headers) + b'{"ack":[')

    def logged() -> list[int]:
        return [one["status"] for one in log_lines(server.log) if one["path"] == "/licensed/changes/ack"]

    until(lambda: bool(logged()), 5, "the request is in the log")
    assert logged() == [400]
    assert log_lines(server.log, "unexpected_error") == []


def closed_after(port: int, said: bytes, drip: bytes) -> float:
    """Seconds until the server closed this connection, on which we drip once a second."""
    with socket.create_connection(("127.0.0.1", port)) as slow:
        begun = time.monotonic()
        slow.sendall(said)
        slow.settimeout(1)
        while time.monotonic() - begun < AT_MOST + 3:
            try:
                if drip:
                    slow.sendall(drip)
                if not slow.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - begun


def dropped_after(port: int, said: bytes) -> float:
    """Seconds until the server threw away a connection whose answers we never read."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        begun = time.monotonic()
        slow.settimeout(1)
        with suppress(OSError):
            slow.sendall(said)
        established = 1
        while time.monotonic() - begun < AT_MOST + 3:
            (state,) = struct.unpack_from("B", slow.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8))
            if state != established:
                break
            time.sleep(0.2)
        return time.monotonic() - begun


def test_slow_clients_are_dropped_within_15_seconds_and_good_ones_never_wait(server: ServerProcess) -> None:
    slow: dict[str, tuple[bytes, bytes]] = {
        "who says nothing": (b"", b""),
        "whose head drips in": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: ", b"a"),
        "whose headers drip in": (b"GET /healthz HTTP/1.1\r\n" + HOST, b"X-A: a\r\n"),
        "whose body drips in": (line(POST, b"Content-Length: 1000"), b"a"),
        "whose chunks drip in": (line(POST, b"Transfer-Encoding: chunked"), b"1\r\na\r\n"),
        "who stays after its answer": (line(HEALTH), b""),
        "who upgrades and stays": (line(HEALTH, b"Connection: upgrade", b"Upgrade: websocket"), b""),
    }
    never_reads = line(b"GET /feeds/all.json HTTP/1.1") * 3000

    async def together() -> tuple[list[float], list[float]]:
        waits: list[float] = []
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(len(slow) + 1)
        gone = asyncio.gather(
            *(
                loop.run_in_executor(threads, closed_after, server.port, said, drip)
                for said, drip in slow.values()
            ),
            loop.run_in_executor(threads, dropped_after, server.port, never_reads),
        )
        while not gone.done():
            begun = time.monotonic()
            heard = await asyncio.to_thread(hear, server.port, line(HEALTH, b"Connection: close"))
            assert answers(heard)[0].status == 200
            waits.append(time.monotonic() - begun)
            await asyncio.sleep(0.2)
        return await gone, waits

    gone, waits = asyncio.run(together())
    late = dict(zip([*slow, "who never reads"], gone, strict=True))
    assert max(late.values()) <= AT_MOST, late
    assert late["who never reads"] >= 5, "it was dropped for another reason"
    assert len(waits) > 20
    assert max(waits) < 1.0


def test_dropped_connections_leave_nothing_open(server: ServerProcess) -> None:
    """Runs after the slow clients: no descriptor of theirs is left."""

    def open_files() -> int:
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    for _ in range(50):
        hear(server.port, b"\x16\x03garbage")
    before = open_files()
    for _ in range(200):
        hear(server.port, b"\x16\x03garbage")
    until(lambda: open_files() <= before + 2, 3, "descriptors are given back")
