"""Stop a worker without resetting a connection: end readiness, close the socket, finish the requests."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from contextlib import suppress
from time import monotonic

from aiohttp import web

from syndicate.web.server.connection import ConnectionServer
from syndicate.web.server.worker import WORKER

GRACE = 1.0
"""Seconds for which a stopping worker goes on accepting, and then waits for requests that idle clients may
have sent already."""
DRAIN = 12.0
"""Seconds that requests in progress may still take when a worker stops."""

_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""One instruction of the kernel's packet filter: return 0, keep nothing of any packet."""


async def drain(
    app: web.Application, runner: web.AppRunner, site: web.SockSite, listening: socket.socket
) -> None:
    """Stop without resetting a connection.

    Readiness ends first, while new connections are still accepted, and responses say that the connection
    closes. Then the socket is closed, and the requests in progress are finished. A film that is still being
    read then is cut: its reader sees that it is not whole, and asks the next server for the rest.
    """
    app[WORKER].draining = True
    await asyncio.sleep(GRACE)
    queue = listening.dup()
    _refuse_new_connections(queue)
    await site.stop()
    listener = runner.server
    if isinstance(listener, ConnectionServer):
        await _accept_queued(queue, listener)
        await _wait_until_idle(listener)
        listener.cut_sending()
        await listener.stop()
    await runner.cleanup()


def _refuse_new_connections(queue: socket.socket) -> None:
    """Let the kernel queue no further connection, on any worker.

    A connection that the kernel queues between our last accept and the close would be reset. So the
    kernel drops new SYN packets from here on: the client tries again a second later, and finds the port
    closed, or the next server.
    """
    if sys.platform != "linux":
        return
    instructions = ctypes.create_string_buffer(_DROP_ALL)
    program = struct.pack("HP", 1, ctypes.addressof(instructions))
    queue.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


async def _accept_queued(queue: socket.socket, listener: ConnectionServer) -> None:
    """Accept the connections that the kernel has queued already, then close the socket."""
    last = []
    with queue, suppress(BlockingIOError):
        while True:
            last.append(queue.accept()[0])
    loop = asyncio.get_running_loop()
    for client in last:
        client.setblocking(False)
        with suppress(OSError):  # the client has closed it again
            await loop.connect_accepted_socket(listener, client)


async def _wait_until_idle(listener: ConnectionServer) -> None:
    """Wait until no request is in progress, for `DRAIN` seconds at most."""
    until = monotonic() + DRAIN
    quiet = monotonic() + GRACE
    while monotonic() < until:
        await asyncio.sleep(0.05)
        if listener.busy_count:
            quiet = max(quiet, monotonic() + 0.2)
        elif monotonic() >= quiet:
            return
