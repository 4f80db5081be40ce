"""A stop that cuts nobody off: readiness ends first, the door closes next, and who is inside is served."""

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
"""Seconds for which a worker that was told to stop goes on accepting, and then for which it waits for
what its idle clients may have sent already."""
DRAIN = 12.0
"""Seconds for answers under way when a worker stops."""

_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""One instruction of the kernel's packet filter: return 0, keep nothing of any packet."""


async def drain(
    app: web.Application, runner: web.AppRunner, site: web.SockSite, listening: socket.socket
) -> None:
    """Stop without resetting anybody.

    Readiness ends first, while new connections are still taken; answers say that the connection
    closes; then the socket is closed, and what is under way is finished.
    """
    app[WORKER].draining = True
    await asyncio.sleep(GRACE)
    waiting_room = listening.dup()
    _shut_the_door(waiting_room)
    await site.stop()
    listener = runner.server
    if isinstance(listener, ConnectionServer):
        await _let_in_the_last(waiting_room, listener)
        await _finish(listener)
        await listener.stop()
    await runner.cleanup()


def _shut_the_door(waiting_room: socket.socket) -> None:
    """Let nobody else into the socket's queue, on any worker.

    A connection that the kernel takes between our last look at the queue and the close would be reset.
    So new ones are not answered at all from here on: whoever knocks tries again a second later, and
    finds the port closed, or the next server.
    """
    if sys.platform != "linux":
        return
    instructions = ctypes.create_string_buffer(_DROP_ALL)
    program = struct.pack("HP", 1, ctypes.addressof(instructions))
    waiting_room.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


async def _let_in_the_last(waiting_room: socket.socket, listener: ConnectionServer) -> None:
    """Take whom the kernel let in already, then close the socket."""
    last = []
    with waiting_room, suppress(BlockingIOError):
        while True:
            last.append(waiting_room.accept()[0])
    loop = asyncio.get_running_loop()
    for line in last:
        line.setblocking(False)
        with suppress(OSError):  # it has gone again
            await loop.connect_accepted_socket(listener, line)


async def _finish(listener: ConnectionServer) -> None:
    """Wait until nothing is under way, for `DRAIN` seconds at most."""
    until = monotonic() + DRAIN
    quiet = monotonic() + GRACE
    while monotonic() < until:
        await asyncio.sleep(0.05)
        if listener.busy:
            quiet = max(quiet, monotonic() + 0.2)
        elif monotonic() >= quiet:
            return
