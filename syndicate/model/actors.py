"""Actors: who did what a record of the trail says, and by which way they came in.

The trail keeps an actor as one string. Staff and the server are `WAY:NAME`: `cli:zhou`, `desk:wang`,
`system:scheduler`. A partner is its id, which holds no colon. `unknown` is somebody whose key was not
accepted. Records of 0.2.0 and earlier say `staff` or `system` alone; they stay readable as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UNKNOWN: Final = "unknown"
"""The actor of a request whose key was not accepted."""
LONGEST_NAME: Final = 64
"""Characters of an actor's name."""


class Way(StrEnum):
    """How an actor came in. The value is what the trail keeps: it never changes."""

    CLI = "cli"
    """A command that a person or a script ran."""
    DESK = "desk"
    """The newsroom's HTTP interface."""
    CONSOLE = "console"
    """The console in the browser."""
    WATCH = "watch"
    """`ingest --watch`: documents that arrive in a folder while nobody looks."""
    DEMO = "demo"
    """`demo`, which makes everything needed to try the server."""
    SYSTEM = "system"
    """The server itself, because the time for something has come."""


def valid_name(name: str) -> bool:
    """Whether this can be an actor's name: 1 to 64 visible characters, no white space at either end."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and by which way. `name` is an account, not a person's full name: the trail keeps it.

    Raises ValueError for a name that `valid_name` refuses.
    """

    way: Way
    name: str

    def __post_init__(self) -> None:
        if not valid_name(self.name):
            raise ValueError(f"not an actor's name: {self.name!r}")

    def __str__(self) -> str:
        """The actor as the trail keeps it: `WAY:NAME`."""
        return f"{self.way.value}:{self.name}"


SCHEDULER: Final = Actor(Way.SYSTEM, "scheduler")
"""What the server does by itself: orders to take down, deadlines, suspensions."""


def read_actor(text: str) -> Actor | None:
    """Read an actor as the trail keeps it.

    Returns None for a partner's id, for `unknown`, for the `staff` and `system` of older records, and for a
    way that a later release added.
    """
    way, colon, name = text.partition(":")
    if not colon or way not in set(Way) or not valid_name(name):
        return None
    return Actor(Way(way), name)
