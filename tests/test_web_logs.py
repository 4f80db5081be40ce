"""The log: one JSON line an event, with a request id, and nothing in it that is secret or that deceives."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from pathlib import Path

import structlog

from syndicate.web.server.access_log import AccessLog, configure
from tests.support.raw_http import HOST, answers, ask, hear, log_lines, until
from tests.support.servers import served
from tests.support.shell import Shell

FEED = "/licensed/feeds/all.json"


def access_line(path: str) -> str:
    stream = io.StringIO()
    log = AccessLog(stream)
    log.add(
        at=0.0, request_id="f" * 16, method="GET", path=path, status=200, size=1, seconds=0.1, partner="p"
    )
    log.write()
    return stream.getvalue()


def test_every_line_is_one_object_and_no_secret_is_in_any(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("demo")
    token = shell.good("--json", "key", "issue", "demo").json["token"]
    header, claims, signature = token.split(".")
    asked = []
    with served(shell.data) as server:
        for path in (
            FEED,
            f"{FEED}?use=link&secret=QUERYQUERY",
            f"/feeds/all.rss?key={token}",
            f"/licensed/{token}",
            f"/licensed/feeds/{token}.rss",
            "/nope?QUERYQUERY",
            "/%0a%0d%00%1b[31m%e2%80%ae%c2%85%e2%80%a8x",
        ):
            asked += [ask(server.port, path, key) for key in (token, f"{token}x", "")]
        for said in (
            b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + token.encode() * 40 + b"\r\n\r\n",
            b"GET /" + token.encode() * 40 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Expect: " + token.encode() + b"\r\n\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nBODYBODYB",
        ):
            (one,) = answers(hear(server.port, said))
            names = {line["request_id"] for line in log_lines(server.log)}
            name = one.headers["x-request-id"]
            until(
                lambda name=name: name in {line["request_id"] for line in log_lines(server.log)},  # type: ignore[misc]
                3,
                "the answer is in the log",
            )
            assert name not in names
    text = server.log.read_text()
    lines = text.splitlines()
    events = lines[next(number for number, line in enumerate(lines) if line.startswith("{")) :]
    for line in events:
        event = json.loads(line)
        assert {"event", "timestamp"} <= set(event), line
        assert line.isascii(), "control and bidi characters are escaped"
    logged = {line["request_id"]: line for line in log_lines(server.log)}
    for one_asked in asked:
        assert logged[one_asked.name]["status"] == one_asked.status
    assert logged[asked[0].name]["partner"] == "demo"
    assert "partner" not in logged[asked[1].name], "a name that nobody proved"
    for secret in (token, header, claims, signature, "QUERYQUERY", "BODYBODY", "Authorization", "secret="):
        assert secret not in text, secret


def test_a_path_can_neither_forge_nor_hide_a_line() -> None:
    for path in (
        '/"}\n{"event": "request"}',
        "/\r\x00\x1b[2K",
        "/\u202e\u2066\u2028\x85",
        "/\ud800",
        "/" * 9000,
    ):
        line = access_line(path)
        assert line.count("\n") == 1
        assert line.isascii()
        assert len(line) < 4000
        assert json.loads(line)["event"] == "request"


def test_what_looks_like_a_key_is_not_logged_wherever_it_stands() -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ6am9sIn0.c2lnbmF0dXJl"
    for path in (f"/{token}", f"/a/{token}/b", f"/licensed/feeds/all.rss;{token}", f"/{token[:40]}"):
        line = access_line(path)
        assert "eyJ" not in line
        assert "[key]" in line
    assert access_line("/a" * 149 + f"/{token}").count("eyJ") == 0, "not cut before it is seen"


SIGNED = "Zm9-_A" * 25
"""Of the form of a signed address."""


def test_a_signed_address_is_not_logged_whatever_a_client_made_of_it() -> None:
    for path in (
        f"/media/{SIGNED}",
        f"/media/{SIGNED}.mp3",
        f"/MEDIA/{SIGNED[:40]}.jpg",
        f"//media/{SIGNED}/",
    ):
        line = access_line(path)
        assert SIGNED[:12] not in line
        assert '/media/[address]"' in line
    for path in (f"/{SIGNED}", f"/feeds/{SIGNED}.rss", f"/licensed/media/{SIGNED}", f"/x;{SIGNED[:70]}"):
        line = access_line(path)
        assert SIGNED[:12] not in line
        assert "[address]" in line
    known = f"/licensed/media/20261102-abcdefghij/original/{'0a' * 32}"
    assert known in access_line(known)


def test_no_event_holds_a_key_or_a_signed_address() -> None:
    key, digest = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ6am9sIn0.c2lnbmF0dXJl", "0a" * 32
    stream = io.StringIO()
    logging_before, structlog_before = logging.getLogger().handlers[:], structlog.get_config()
    try:
        configure(stream)
        for log in (structlog.get_logger("x").error, logging.getLogger("x").error):
            try:
                raise ValueError(f"/media/{SIGNED}.mp3 and {key}")
            except ValueError as error:
                log(f"at /media/{SIGNED}", exc_info=error)
            log(f"{digest} of /licensed/{key}")
    finally:
        logging.getLogger().handlers[:] = logging_before
        structlog.configure(**structlog_before)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 4
    assert SIGNED[:12] not in stream.getvalue()
    assert "eyJ" not in stream.getvalue()
    for faulty, other in (lines[:2], lines[2:]):
        assert faulty["event"] == "at /media/[address]"
        assert faulty["exception"].endswith("ValueError: /media/[address].mp3 and [key]")
        assert other["event"] == f"{digest} of /licensed/[key]"


class FullDisk(io.StringIO):
    """A stream that refuses its first write."""

    refused = False

    def write(self, text: str) -> int:
        if not self.refused:
            self.refused = True
            raise OSError(28, "no space left on device")
        return super().write(text)


def test_lines_are_written_soon_and_also_after_a_write_that_failed() -> None:
    async def act() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        stream = FullDisk()
        log = AccessLog(stream, every=0.01)
        log.start()
        for number in range(2):
            log.add(
                at=0.0, request_id=f"{number:016}", method="GET", path="/", status=200, size=1,
                seconds=0.1, partner="",
            )  # fmt: skip
            await asyncio.sleep(0.2)
        await log.stop()
        assert "0000000000000001" in stream.getvalue()
        assert len(faults) == 1

    asyncio.run(act())
