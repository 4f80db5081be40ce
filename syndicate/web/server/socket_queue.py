"""What the kernel holds for a client: how much that is, and to let it go."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios

_LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the kernel discards what the client did not read."""


def unreceived(file: int) -> int:
    """Return how many bytes of this socket the client has not received; 0 where the system does not say."""
    if file < 0 or sys.platform != "linux":
        return 0
    try:
        # On a socket, TIOCOUTQ is SIOCOUTQ (tcp(7)).
        held = fcntl.ioctl(file, termios.TIOCOUTQ, b"\0" * 4)
    except OSError:
        return 0
    return int.from_bytes(held, sys.byteorder)


def discard_unread(client: socket.socket) -> None:
    """Make the kernel discard what the client has not read, once the socket is closed."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
