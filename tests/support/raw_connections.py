"""Raw connections to a server in this process: bytes out, answers in, one after the other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.servers import Serving


@dataclass
class Line:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        status = int(first.split()[1])
        length = int(headers.get("content-length", 0)) if body and status != 304 else 0
        return status, headers, await asyncio.wait_for(self.reader.readexactly(length), 5)

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.say(data)
        return await self.hear(body=not data.startswith(b"HEAD"))


@asynccontextmanager
async def connected(here: Serving, *, receive_buffer: int | None = None) -> AsyncIterator[Line]:
    host, _, port = here.address.removeprefix("http://").partition(":")
    client = socket.socket()
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect((host, int(port)))
    line = Line(*await asyncio.open_connection(sock=client))
    try:
        yield line
    finally:
        line.writer.close()
        await line.writer.wait_closed()


def same(one: dict[str, str], other: dict[str, str]) -> bool:
    """Equal but for what differs from answer to answer."""
    varying = ("x-request-id", "date")
    return {n: v for n, v in one.items() if n not in varying} == {
        n: v for n, v in other.items() if n not in varying
    }
