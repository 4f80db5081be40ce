"""Files over HTTP, by a real server on a real port: ranges, validators, slow readers, names, nginx.

On the event loop of production: how it buffers is what the slow readers are about.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import uvloop
from aiohttp import web
from aiohttp.multipart import content_disposition_filename, parse_content_disposition

from syndicate.store.files.opened_file import OpenedFile
from syndicate.web.routes import build as build_app
from syndicate.web.server import connection, draining, file_responses
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.connection import Connection, ConnectionServer
from syndicate.web.server.content_disposition import content_disposition
from syndicate.web.server.file_responses import PIECE, DeliveredFile, file_reply
from syndicate.web.server.range_header import ByteRange, RangeNotSatisfiable, requested_range
from syndicate.web.server.responses import Reply
from syndicate.web.server.runner import Runner
from tests.support.nginx import nginx_before
from tests.support.raw_connections import Line, connected
from tests.support.servers import Serving, serving

FILM = bytes(range(256)) * 4096 + b"the end"
"""A bit more than a megabyte, each place of which can be told from those near it."""
SIZE = len(FILM)
DIGEST = hashlib.sha256(FILM).hexdigest()
ETAG = f'"{DIGEST[:32]}"'
MODIFIED = datetime(2026, 3, 1, 8, 0, 0, 500_000, tzinfo=UTC)
LAST_MODIFIED = "Sun, 01 Mar 2026 08:00:00 GMT"
GIGABYTES = 2 << 30

TALKATIVE = {"-error.log crit;": "-error.log info;", "-error.log emerg;": "-error.log info;"}
"""nginx says all that it notices."""

opened_now: list[OpenedFile] = []
"""The files that handlers have opened, in their order."""


def routes(folder: Path) -> list[web.RouteDef]:
    """Every file of the folder, as the film above is described."""

    def answer_of(modified: Callable[[], datetime]) -> Callable[[web.Request], Awaitable[Reply]]:
        async def answer(request: web.Request) -> Reply:
            file = OpenedFile(folder / request.match_info["name"])
            opened_now.append(file)
            name = content_disposition("湘湖 · 夜", ".mp4", attachment=False)
            return file_reply(request, DeliveredFile(file, "video/mp4", DIGEST, modified(), name))

        return answer

    return [
        web.get("/licensed/media/{name}", answer_of(lambda: MODIFIED)),
        web.get("/media/{name}", answer_of(lambda: MODIFIED)),
        web.get("/licensed/fresh/{name}", answer_of(lambda: datetime.now(UTC))),
    ]


@asynccontextmanager
async def films(tmp_path: Path, content: bytes = FILM) -> AsyncIterator[tuple[Serving, Path]]:
    """A server with the file `film`."""
    opened_now.clear()
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "film").write_bytes(content)
    async with serving(tmp_path / "data", routes=routes(folder)) as here:
        yield here, folder / "film"


def test_a_whole_file_comes_with_its_digest_and_its_name(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, _):
            whole = await here.get("/licensed/media/film", headers={"Accept-Encoding": "gzip, br"})
            assert (whole.status, whole.body == FILM) == (200, True)
            digest = f"sha-256=:{base64.b64encode(hashlib.sha256(FILM).digest()).decode()}:"
            said = {
                "Content-Type": "video/mp4",
                "Content-Length": str(SIZE),
                "Accept-Ranges": "bytes",
                "ETag": ETAG,
                "Last-Modified": LAST_MODIFIED,
                "Repr-Digest": digest,
                "Content-Digest": digest,
                "Cache-Control": "private, no-cache, no-transform",
                "X-Content-Type-Options": "nosniff",
            }
            assert {name: whole.headers[name] for name in said} == said
            assert "Content-Encoding" not in whole.headers
            head = await here.get("/licensed/media/film", method="HEAD", headers={"Range": "bytes=0-1"})
            assert (head.status, head.body) == (200, b"")
            varying = {"date", "x-request-id"}
            for one, other in ((head, whole), (whole, head)):
                for header, value in one.headers.items():
                    assert header.lower() in varying or other.headers[header] == value

    uvloop.run(act())


WHOLE = None
RANGES: list[tuple[str, object]] = [
    ("bytes=0-0", ByteRange(0, 1)),
    ("bytes=0-", ByteRange(0, SIZE)),
    ("bytes=5-9", ByteRange(5, 5)),
    ("BYTES=5-9", ByteRange(5, 5)),
    ("bytes = 5-9", ByteRange(5, 5)),
    ("bytes= 5-9 , ", ByteRange(5, 5)),
    ("bytes=,,5-9", ByteRange(5, 5)),
    (f"bytes={SIZE - 1}-", ByteRange(SIZE - 1, 1)),
    (f"bytes=5-{SIZE}", ByteRange(5, SIZE - 5)),
    (f"bytes=5-{'9' * 4000}", ByteRange(5, SIZE - 5)),
    ("bytes=0000000000000000000000005-9", ByteRange(5, 5)),
    ("bytes=-1", ByteRange(SIZE - 1, 1)),
    (f"bytes=-{SIZE}", ByteRange(0, SIZE)),
    (f"bytes=-{SIZE + 1}", ByteRange(0, SIZE)),
    (f"bytes=-{'9' * 4000}", ByteRange(0, SIZE)),
    (f"bytes={SIZE}-", RangeNotSatisfiable),
    (f"bytes={SIZE}-{SIZE + 1}", RangeNotSatisfiable),
    (f"bytes={'9' * 4000}-", RangeNotSatisfiable),
    ("bytes=-0", RangeNotSatisfiable),
    ("bytes=0-0,5-9", RangeNotSatisfiable),
    ("bytes=0-0,0-0", RangeNotSatisfiable),
    ("bytes=" + "0-0," * 1000, RangeNotSatisfiable),
    ("bytes=" + "0-," * 1000, RangeNotSatisfiable),
    ("bytes=9-5", WHOLE),
    ("bytes=-", WHOLE),
    ("bytes=", WHOLE),
    ("bytes", WHOLE),
    ("", WHOLE),
    ("=", WHOLE),
    ("=5-9", WHOLE),
    ("bytes=5", WHOLE),
    ("bytes=a-b", WHOLE),
    ("bytes=+5-9", WHOLE),
    ("bytes=5--9", WHOLE),
    ("bytes=5 - 9", WHOLE),
    ("bytes=٥-٩", WHOLE),
    ("bytes=0x5-0x9", WHOLE),
    ("bytes=5-9;q=1", WHOLE),
    ("items=5-9", WHOLE),
    ("seconds=1-2", WHOLE),
]


@pytest.mark.parametrize(("header", "expected"), RANGES, ids=[one[0][:30] for one in RANGES])
def test_a_range_is_read_as_rfc_9110_says(header: str, expected: object) -> None:
    if expected is RangeNotSatisfiable:
        with pytest.raises(RangeNotSatisfiable):
            requested_range(header, SIZE)
    else:
        assert requested_range(header, SIZE) == expected
    assert requested_range(header, 0) is None


def test_parts_of_a_file_are_the_bytes_that_were_asked_for(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, _):
            for header, expected in RANGES:
                # What is longer than 8 KB or not ASCII does not come through the parser; the others do.
                if not header.isascii():
                    continue
                got = await here.get("/licensed/media/film", headers={"Range": header})
                if expected is RangeNotSatisfiable:
                    assert got.status == 416, header
                    assert got.headers["Content-Range"] == f"bytes */{SIZE}"
                    assert got.headers["Content-Type"] == "application/problem+json"
                    assert '"code": "range_not_satisfiable"' in got.text
                elif expected is WHOLE:
                    assert (got.status, got.body == FILM) == (200, True), header
                    assert "Content-Range" not in got.headers
                else:
                    assert isinstance(expected, ByteRange)
                    end = expected.start + expected.length
                    assert (got.status, got.body == FILM[expected.start : end]) == (206, True), header
                    assert got.headers["Content-Range"] == f"bytes {expected.start}-{end - 1}/{SIZE}"
                    assert got.headers["Content-Length"] == str(expected.length)
                    assert got.headers["ETag"] == ETAG
                    assert "Repr-Digest" in got.headers
                    assert "Content-Digest" not in got.headers
            assert all(file.read(1, 0) == b"" for file in opened_now), "every file is closed"

    uvloop.run(act())


A_RANGE = {"Range": "bytes=5-9"}
CONDITIONS: list[tuple[Mapping[str, str], int]] = [
    ({"If-None-Match": ETAG}, 304),
    ({"If-None-Match": f'"x", W/{ETAG}'}, 304),
    ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": '"x"'}, 200),
    ({"If-None-Match": '"x"', "If-Modified-Since": LAST_MODIFIED}, 200),
    ({"If-Modified-Since": LAST_MODIFIED}, 304),
    ({"If-Modified-Since": "Sun, 01 Mar 2026 07:59:59 GMT"}, 200),
    ({"If-Modified-Since": "yesterday"}, 200),
    ({"If-Match": ETAG}, 200),
    ({"If-Match": f'"x", {ETAG}'}, 200),
    ({"If-Match": "*"}, 200),
    ({"If-Match": '"x"'}, 412),
    ({"If-Match": f"W/{ETAG}"}, 412),
    ({"If-Match": '"x"', **A_RANGE}, 412),
    ({"If-Unmodified-Since": LAST_MODIFIED}, 200),
    ({"If-Unmodified-Since": "Sun, 01 Mar 2026 07:59:59 GMT"}, 412),
    ({"If-Unmodified-Since": "yesterday"}, 200),
    ({"If-Match": ETAG, "If-Unmodified-Since": "Sun, 01 Mar 2026 07:59:59 GMT"}, 200),
    ({"If-None-Match": ETAG, **A_RANGE}, 304),
    ({"If-None-Match": '"x"', **A_RANGE}, 206),
    ({"If-Range": ETAG, **A_RANGE}, 206),
    ({"If-Range": LAST_MODIFIED, **A_RANGE}, 206),
    ({"If-Range": f"W/{ETAG}", **A_RANGE}, 200),
    ({"If-Range": '"x"', **A_RANGE}, 200),
    ({"If-Range": f"{ETAG}, {ETAG}", **A_RANGE}, 200),
    ({"If-Range": "Sun, 01 Mar 2026 08:00:01 GMT", **A_RANGE}, 200),
    ({"If-Range": "Sun, 01 Mar 2026 07:59:59 GMT", **A_RANGE}, 200),
    ({"If-Range": "yesterday", **A_RANGE}, 200),
    ({"If-Range": '"x"', "Range": "bytes=99999999-"}, 200),
    ({"If-Range": ETAG, "Range": "bytes=99999999-"}, 416),
    ({"If-Range": ETAG}, 200),
]


def test_conditions_are_looked_at_in_the_order_of_rfc_9110(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, _):
            for headers, status in CONDITIONS:
                got = await here.get("/licensed/media/film", headers=headers)
                assert got.status == status, headers
                if status < 400:
                    assert (got.headers["ETag"], got.headers["Last-Modified"]) == (ETAG, LAST_MODIFIED)
                if status == 304:
                    assert got.body == b""
                if status == 206:
                    assert got.body == FILM[5:10]
                if status == 412:
                    assert '"code": "precondition_failed"' in got.text
            assert all(file.read(1, 0) == b"" for file in opened_now), "every file is closed"

    uvloop.run(act())


def test_a_date_of_this_second_does_not_say_that_parts_belong_together(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, _):
            while True:
                asked = (await here.get("/licensed/fresh/film")).headers["Last-Modified"]
                got = await here.get("/licensed/fresh/film", headers={"If-Range": asked, **A_RANGE})
                assert got.status == 200
                if got.headers["Last-Modified"] == asked:  # else a second ended between the two
                    break

    uvloop.run(act())


NAMES = [
    ("picture", ".jpg", 'attachment; filename="picture.jpg"', "picture.jpg"),
    ("湘湖夜景", ".jpg", None, "湘湖夜景.jpg"),
    ("Café", ".webp", None, "Café.webp"),
    ("../../etc/passwd", "", None, None),
    ('a"b\\c\r\nSet-Cookie: x=1', ".mp3", None, None),
    ("图" * 250, ".mp4", None, None),
    ("\u202egpj.exe", ".jpg", None, "gpj.exe.jpg"),
    ("🎬 100%; a=b", ".mp4", None, None),
    ("", ".jpg", 'attachment; filename="file.jpg"', "file.jpg"),
    (" . ", ".jpg", 'attachment; filename="file.jpg"', "file.jpg"),
    ("\x00\x1f\x7f", ".jpg", 'attachment; filename="file.jpg"', "file.jpg"),
    ("…", ".jpg", None, "….jpg"),
    ("e\u0301te\u0301", ".jpg", None, "été.jpg"),
]


@pytest.mark.parametrize(("name", "suffix", "value", "read"), NAMES, ids=lambda one: repr(one)[:20])
def test_a_name_in_any_script_is_one_safe_header(
    name: str, suffix: str, value: str | None, read: str | None
) -> None:
    header = content_disposition(name, suffix)
    assert value is None or header == value
    assert re.fullmatch(r"[ -~]+", header)
    kind, parameters = parse_content_disposition(header)
    found = content_disposition_filename(parameters)
    assert kind == "attachment"
    assert found is not None
    assert read is None or found == read
    for one in (found, parameters["filename"]):
        assert not re.search(r'[\\/:*?"<>|\x00-\x1f\x7f\u202e]', one)
        assert not one.startswith(".")
        assert one.endswith(suffix)
        assert len(one.encode()) <= 200


def test_a_suffix_that_is_none_is_refused() -> None:
    for suffix in ("jpg", ".", "./x", '."', ".jpg\n", ".jpg;"):
        with pytest.raises(ValueError, match="suffix"):
            content_disposition("a", suffix)


async def asks(line: Line, *headers: str, path: str = "/licensed/media/film") -> dict[str, str]:
    """Ask for the film and return the head of the answer; its body is not read."""
    head = "".join(f"{one}\r\n" for one in ("Host: x", *headers))
    await line.say(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    status, found, _ = await line.hear(body=False)
    assert status in (200, 206)
    return found


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def a_large_film(path: Path) -> None:
    """Two gigabytes that take no room on the disk, but for their last word."""
    with path.open("wb") as file:
        file.truncate(GIGABYTES - 7)
        file.seek(0, os.SEEK_END)
        file.write(b"the end")


@asynccontextmanager
async def closing_all(lines: Sequence[socket.socket]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for line in lines:
            line.close()


def test_fifty_slow_readers_of_two_gigabytes_need_little_memory(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, film):
            a_large_film(film)
            lines: list[socket.socket] = []
            async with connected(here) as first, closing_all(lines):
                await asks(first)
                await first.reader.readexactly(8 * PIECE)
                before = resident()
                for _ in range(50):
                    client = socket.socket()
                    client.setblocking(False)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                    lines.append(client)
                loop = asyncio.get_running_loop()
                host, _, port = here.address.removeprefix("http://").partition(":")
                for client in lines:
                    await loop.sock_connect(client, (host, int(port)))
                    await loop.sock_sendall(client, b"GET /licensed/media/film HTTP/1.1\r\nHost: x\r\n\r\n")
                heard, grown = 0, []
                for round in range(60):
                    for client in lines:
                        heard += len(await loop.sock_recv(client, 16_384))
                    if round % 20 == 19:
                        grown.append(resident() - before)
                assert heard > 50 * 150_000
                # Each has a piece in its connection and one that is read; the allocator keeps some.
                assert grown[-1] < 50 * 4 * PIECE + (8 << 20), f"{grown} bytes"
                assert grown[-1] - grown[0] < 4 << 20, f"it grows with what is read: {grown} bytes"
                # The others get their answers meanwhile, and the last bytes of the film.
                got = await here.get("/licensed/media/film", headers={"Range": "bytes=-7"})
                assert (got.status, got.body) == (206, b"the end")
                assert got.headers["Content-Range"] == f"bytes {GIGABYTES - 7}-{GIGABYTES - 1}/{GIGABYTES}"
                assert (await here.get("/healthz")).status == 200

    uvloop.run(act())


def the_connection(here: Serving) -> Connection:
    [one] = [
        each for each in here.connections.connections
        if isinstance(each, Connection) and each.progress()[1]
    ]  # fmt: skip
    return one


def is_open(one: Connection) -> bool:
    return one.transport is not None and not one.transport.is_closing()


async def settled(one: Connection) -> None:
    """Wait until the server can hand over no more."""
    seen: list[int] = []
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        await asyncio.sleep(0.01)
        request = one._sending
        seen.append(0 if request is None else request.get(file_responses.SENT, 0))


def test_a_slow_reader_goes_on_and_one_that_stands_still_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SWEEP_SECONDS", 3600.0)

    async def act() -> None:
        async with films(tmp_path) as (here, film):
            a_large_film(film)
            async with connected(here, receive_buffer=16_384) as line:
                await asks(line)
                one = the_connection(here)
                await settled(one)
                now = asyncio.get_running_loop().time()
                # A quarter of an hour at 4 KB a second, far beyond the limit for other answers.
                for _ in range(60):
                    one.check_timeout(now)
                    now += 15.0
                    await line.reader.readexactly(60_000)
                    await settled(one)
                    assert is_open(one)
                one.check_timeout(now)
                one.check_timeout(now + connection.FILE_IDLE_SECONDS - 1)
                assert is_open(one)
                one.check_timeout(now + connection.FILE_IDLE_SECONDS)
                assert not is_open(one)
                await until_closed(opened_now[-1])

    uvloop.run(act())


async def until_closed(file: OpenedFile) -> None:
    """The file of an answer that ended is closed soon."""
    until = time.monotonic() + 5
    while file._handle >= 0:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


def test_a_reader_of_a_byte_now_and_then_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SWEEP_SECONDS", 3600.0)

    async def act() -> None:
        async with films(tmp_path) as (here, film):
            a_large_film(film)
            async with connected(here, receive_buffer=16_384) as line:
                await asks(line)
                one = the_connection(here)
                await settled(one)
                start = now = asyncio.get_running_loop().time()
                while is_open(one):
                    one.check_timeout(now)
                    now += 5.0
                    await line.reader.read(100)
                    assert now - start <= connection.MAX_READING_SECONDS + 10
                await until_closed(opened_now[-1])

    uvloop.run(act())


def test_a_file_that_is_removed_while_it_is_read_comes_whole(tmp_path: Path) -> None:
    async def act() -> None:
        content = os.urandom(96 * PIECE)
        async with films(tmp_path, content) as (here, film), connected(here, receive_buffer=16_384) as line:
            await asks(line)
            film.unlink()
            film.write_bytes(b"another")
            assert await line.reader.readexactly(len(content)) == content

    uvloop.run(act())


def test_a_file_that_gets_shorter_while_it_is_read_ends_the_connection(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, film), connected(here, receive_buffer=16_384) as line:
            a_large_film(film)
            await asks(line)
            os.truncate(film, PIECE)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await line.reader.readexactly(GIGABYTES)
            await until_closed(opened_now[-1])

    uvloop.run(act())


def test_a_client_that_goes_away_leaves_no_file_open(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, film):
            a_large_film(film)
            async with connected(here, receive_buffer=16_384) as line:
                await asks(line)
                await line.reader.readexactly(PIECE)
            await until_closed(opened_now[-1])
            # One that is gone before the first byte, too.
            async with connected(here) as line:
                await line.say(b"GET /licensed/media/film HTTP/1.1\r\nHost: x\r\n\r\n")
            async with connected(here) as line:
                await asks(line, "Range: bytes=0-9")
            for file in opened_now:
                await until_closed(file)

    uvloop.run(act())


def test_requests_follow_one_another_on_a_connection(tmp_path: Path) -> None:
    async def act() -> None:
        async with films(tmp_path) as (here, _), connected(here) as line:
            ask = b"GET /licensed/media/film HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-%d\r\n\r\n"
            await line.say(b"".join(ask % (at, at + 4) for at in (0, 256_000, 5)))
            for at in (0, 256_000, 5):
                status, _, body = await line.hear()
                assert (status, body) == (206, FILM[at : at + 5])

    uvloop.run(act())


def test_a_worker_that_stops_finishes_what_is_read_and_cuts_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "GRACE", 0.1)
    monkeypatch.setattr(draining, "DRAIN", 1.5)

    async def act() -> None:
        folder = tmp_path / "files"
        folder.mkdir()
        opened_now.clear()
        (folder / "film").write_bytes(os.urandom(96 * PIECE))
        async with serving(tmp_path / "data") as here:
            app = build_app(here.house, AccessLog(io.StringIO()))
            app.add_routes(routes(folder))
            runner = Runner(app, shutdown_timeout=60)
            await runner.setup()
            listening = socket.create_server(("127.0.0.1", 0))
            listening.setblocking(False)
            site = web.SockSite(runner, listening)
            await site.start()
            assert isinstance(runner.server, ConnectionServer)
            port = listening.getsockname()[1]
            there = Serving(
                here.house, here.clock, f"http://127.0.0.1:{port}", here.client, here.worker, runner.server
            )
            async with (
                connected(there, receive_buffer=16_384) as reads,
                connected(there, receive_buffer=16_384) as stands,
            ):
                await asks(reads)
                await asks(stands)
                begun = time.monotonic()
                stopping = asyncio.create_task(draining.drain(app, runner, site, listening))
                whole = await reads.reader.readexactly(96 * PIECE)
                assert whole == (folder / "film").read_bytes()
                await stopping
                assert time.monotonic() - begun < 10
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await stands.reader.readexactly(96 * PIECE)
            for file in opened_now:
                await until_closed(file)

    uvloop.run(act())


BOTH = ["/licensed/media/film", "/media/film"]
"""Where the film is as if with a key, and as if by a signed address."""


@pytest.mark.parametrize("path", BOTH)
def test_nginx_as_we_ship_it_writes_no_film_to_the_disk_for_a_slow_player(
    tmp_path: Path, path: str
) -> None:
    folder = tmp_path / "nginx"

    async def act() -> None:
        async with (
            films(tmp_path) as (here, film),
            nginx_before(here.address, folder, TALKATIVE) as address,
        ):
            a_large_film(film)
            async with connected(replace(here, address=address), receive_buffer=16_384) as line:
                await asks(line, path=path)
                for _ in range(3):
                    await settled(the_connection(here))
                    await line.reader.readexactly(500_000)
            await until_closed(opened_now[-1])
        assert list((folder / "proxy").iterdir()) == []
        assert "temporary file" not in (folder / "syndicate-error.log").read_text()

    uvloop.run(act())


@pytest.mark.parametrize("path", BOTH)
def test_a_player_seeks_through_nginx_as_we_ship_it(tmp_path: Path, path: str) -> None:
    content = os.urandom(40 * PIECE + 11)
    size = len(content)

    async def act() -> None:
        async with (
            films(tmp_path, content) as (here, _),
            nginx_before(here.address, tmp_path / "nginx") as address,
            aiohttp.ClientSession() as player,
        ):
            film = address + path

            async def get(headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
                async with player.get(film, headers=headers) as answer:
                    return answer.status, answer.headers.copy(), await answer.read()

            # A browser begins, reads a little, and breaks off to look for the index at the end.
            async with player.get(film, headers={"Range": "bytes=0-"}) as begun:
                assert begun.status == 206
                assert begun.headers["Content-Range"] == f"bytes 0-{size - 1}/{size}"
                assert await begun.content.readexactly(30_000) == content[:30_000]
                etag = begun.headers["ETag"]
                begun.close()
            status, headers, body = await get({"Range": f"bytes={size - 65_536}-"})
            assert (status, body == content[-65_536:]) == (206, True)
            # Then it plays on, and seeks forth and back, while the film must not have changed.
            for at in (30_000, 5 * PIECE + 3, 39 * PIECE, 1):
                status, headers, body = await get(
                    {"Range": f"bytes={at}-{at + 99_999}", "If-Range": etag, "Accept-Encoding": "gzip"}
                )
                assert (status, body == content[at : at + 100_000]) == (206, True)
                assert (headers["ETag"], "Content-Encoding" in headers) == (etag, False)
            # Had it changed, the whole would come; a phone that lost its network goes on where it was.
            status, headers, body = await get({"Range": "bytes=9-", "If-Range": '"other"'})
            assert (status, body == content) == (200, True)
            assert headers["Content-Length"] == str(size)
            # Safari asks for two bytes first; curl asks behind the end; others ask for several parts.
            assert (await get({"Range": "bytes=0-1"}))[::2] == (206, content[:2])
            status, headers, _ = await get({"Range": f"bytes={size}-"})
            assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
            assert (await get({"Range": "bytes=0-1,5-6"}))[0] == 416
            assert (await get({"If-None-Match": etag}))[::2] == (304, b"")
            async with player.head(film) as head:
                assert (head.status, head.headers["Content-Length"]) == (200, str(size))
            for file in opened_now:
                await until_closed(file)

    uvloop.run(act())
