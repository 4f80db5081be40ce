"""A client that asks again before aiohttp's task waits for it: it must not be parsed for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from syndicate.web.server.connection import Connection
from tests.support.fixtures import Keys, visit
from tests.support.raw_connections import connected
from tests.support.servers import Serving


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_what_comes_between_a_response_and_the_wait_for_the_next_request_is_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    """The bytes are handed over when the response is sent and aiohttp's task is not back at its wait."""
    pending: list[bytes] = []
    finish = Connection.finish_response

    async def finish_response(self: Connection, *args: Any) -> Any:
        finished = await finish(self, *args)
        early, pending[:] = list(pending), []
        for data in early:
            asyncio.get_running_loop().call_soon(self.data_received, data)
        return finished

    monkeypatch.setattr(Connection, "finish_response", finish_response)

    async def tell(here: Serving, keys: Keys) -> None:
        cache = here.worker.request_cache
        lines = (
            "GET /licensed/feeds/all.rss HTTP/1.1",
            "Host: a",
            f"Authorization: Bearer {keys['broad']}",
        )
        licensed = ("\r\n".join(lines) + "\r\n\r\n").encode()
        public = b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\n\r\n"
        for head in (licensed, public):
            counted = cache.licensed if head is licensed else cache
            async with connected(here) as line:
                await line.ask(head)
                for number in range(5):
                    # Another spelling, so that the first of the two is parsed.
                    cut = len(head) // pieces
                    early = [head] if pieces == 1 else [head[:cut], head[cut:]]
                    pending[:] = early if pieces < 3 else [head, head]
                    before = counted.hits
                    parsed = head.replace(b"Host: a", b"Host: a%d" % number)
                    first = await line.ask(parsed)
                    second = await line.hear()
                    assert (first[0], second[0], first[2]) == (200, 200, second[2])
                    if pieces == 3:
                        third = await line.hear()
                        assert (third[0], third[2]) == (200, second[2])
                    assert counted.hits == before + (1 if pieces == 1 else 0)
                    assert (await line.ask(head))[2] == second[2]

    visit(tmp_path, tell)


def test_a_client_that_connects_anew_for_each_request_is_looked_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head is there when the connection is made, before aiohttp's task has begun, as with uvloop."""
    first: list[bytes] = []
    begin = Connection.connection_made

    def connection_made(self: Connection, transport: asyncio.BaseTransport) -> None:
        begin(self, transport)
        for data in first:
            self.data_received(data)

    monkeypatch.setattr(Connection, "connection_made", connection_made)

    async def tell(here: Serving, keys: Keys) -> None:
        cache = here.worker.request_cache
        lines = (
            "GET /licensed/feeds/all.rss HTTP/1.1",
            "Host: a",
            f"Authorization: Bearer {keys['broad']}",
        )
        licensed = ("\r\n".join(lines) + "\r\n\r\n").encode()
        public = b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\n\r\n"
        for head, counted in ((licensed, cache.licensed), (public, cache)):
            bodies = set()
            for number in range(6):
                first[:] = [head]
                async with connected(here) as line:
                    status, _, body = await line.hear()
                    assert status == 200
                    bodies.add(body)
                    assert counted.hits == number
                    assert (await line.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))[2] == b"ok\n"
            assert len(bodies) == 1

    visit(tmp_path, tell)
