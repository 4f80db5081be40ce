"""Send an answer that was not made by aiohttp: straight to the socket."""

from __future__ import annotations

import os
from typing import Protocol


class Sender(Protocol):
    """A connection with nothing left to send."""

    file: int
    """The number of the socket's file, to write to directly."""

    def send_rest(self, head: bytes, body: bytes, sent: int) -> None:
        """Send what the kernel has not taken: everything after the first `sent` bytes of head and body."""


def write_answer(sender: Sender, head: bytes, body: bytes) -> None:
    """Write head and body with one system call.

    To go through the transport costs more than everything else that a repeated answer takes.
    """
    try:
        sent = os.writev(sender.file, (head, body)) if body else os.write(sender.file, head)
    except OSError:  # the kernel takes nothing now, or the client is gone: the transport handles both
        sent = 0
    if sent < len(head) + len(body):
        sender.send_rest(head, body, sent)
