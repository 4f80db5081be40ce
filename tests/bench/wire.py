"""A client on asyncio streams: many requests at once, each on a connection whose worker is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.bench.load import request_bytes


class Connection:
    """A kept connection to a server."""

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._port, self._reader, self._writer = port, reader, writer
        self.etag = ""
        """The validator of the last answer that had one."""

    @classmethod
    async def to(cls, port: int) -> Connection:
        """Connect. Raises OSError."""
        return cls(port, *await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))

    async def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Ask, and return status and body. Raises OSError where the server closes the connection."""
        self.send(path, headers)
        return await self.answer()

    def send(self, path: str, headers: Mapping[str, str]) -> None:
        """Ask, without waiting for the answer."""
        self._writer.write(request_bytes(self._port, path, headers))

    async def answer(self) -> tuple[int, bytes]:
        """Wait for the answer to what was sent."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(head.split()[1])
            length = 0 if status == 304 else int(head.partition("\r\ncontent-length:")[2].split()[0])
            self.etag = head.partition("\r\netag:")[2].partition("\r\n")[0].strip() or self.etag
            return status, await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise ConnectionError("the server closed the connection") from None

    def worker(self, pids: Sequence[int]) -> int | None:
        """Which of these processes holds the other end; None where none does.

        Told by the inode of its socket, from `/proc/net/tcp` and the process's open files.
        """
        mine = self._writer.get_extra_info("sockname")[1]
        inode = _inode(self._port, mine)
        for pid in pids:
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(file.readlink()) == f"socket:[{inode}]":
                        return pid
        return None

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


def _inode(local: int, remote: int) -> str | None:
    """The inode of the connected socket with these two ports."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == local and int(fields[2].split(":")[1], 16) == remote:
            return fields[9]
    return None


class Workers:
    """Connections to each of several workers, which are among the processes `pids`."""

    def __init__(self, port: int, pids: Sequence[int], workers: int, connections: int) -> None:
        self._port, self._pids, self._workers, self._each = port, pids, workers, connections
        self._found: dict[int, list[Connection]] = {}

    async def connected(self) -> list[list[Connection]]:
        """So many live connections to each worker; those that the server closed as idle are made anew.

        Raises SystemExit where the kernel gives none to one of the workers.
        """
        for worker, connections in self._found.items():
            self._found[worker] = [one for one in connections if await _lives(one)]
        for _ in range(200 * self._workers * self._each):
            if len(self._found) == self._workers and all(
                len(one) == self._each for one in self._found.values()
            ):
                return list(self._found.values())
            connection = await Connection.to(self._port)
            await connection.get("/healthz", {})
            pid = connection.worker(self._pids)
            if pid is None or len(self._found.get(pid, [])) >= self._each:
                connection.close()
            else:
                self._found.setdefault(pid, []).append(connection)
        raise SystemExit(f"no {self._each} connections to each of {self._workers} workers")

    def close(self) -> None:
        """Close every connection."""
        for connections in self._found.values():
            for connection in connections:
                connection.close()


async def _lives(connection: Connection) -> bool:
    try:
        await connection.get("/healthz", {})
    except OSError:
        connection.close()
        return False
    return True
