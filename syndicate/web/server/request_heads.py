"""Decide which request heads may be answered by looking their bytes up, without parsing them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from aiohttp import web

MAX_HEADS: Final = 4_096
"""Heads that one worker remembers of open feeds, and as many of partners."""
MAX_HEAD_BYTES: Final = 2_048
"""Size of a head that is worth remembering."""

_NEVER: Final = (
    *("Connection", "Content-Length", "Expect", "If-Range", "Keep-Alive", "Range"),
    *("TE", "Trailer", "Transfer-Encoding", "Upgrade"),
)
"""Headers that may ask for more than the answer's bytes: of the connection, of a body, of a part."""


@runtime_checkable
class HasRequestHead(Protocol):
    """A connection that can return the bytes of the current request's head."""

    def request_head(self) -> bytes | None:
        """Return the bytes, if they came whole, alone and on an idle connection."""


class ForgetsReady(Protocol):
    """A remembered head that may have an answer ready."""

    def forget_ready(self) -> None:
        """Let the ready answer go."""


class ReadyAnswers:
    """The heads that have a ready answer, oldest first.

    A ready answer holds its body in memory, also when the response cache has let it go. So those whose time
    is over are dropped.
    """

    def __init__(self) -> None:
        self._heads: OrderedDict[ForgetsReady, float] = OrderedDict()

    def keep(self, head: ForgetsReady, ends: float, now: float) -> None:
        """Note that the head's answer was just made, good until `ends`; drop those whose time is over."""
        heads = self._heads
        heads.pop(head, None)
        while heads:
            oldest = next(iter(heads))
            if heads[oldest] > now:
                break
            del heads[oldest]
            oldest.forget_ready()
        heads[head] = ends


Head = TypeVar("Head")


class RememberedHeads(Generic[Head]):
    """What each of the newest `MAX_HEADS` heads asks for, by its bytes."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self.get = self._heads.get
        """Returns what these bytes ask for; None where they are not remembered."""

    def remember(self, request: web.Request, asked: Callable[[], Head]) -> None:
        """Remember the head of this request, if the same bytes may be answered without parsing them.

        The head that was remembered first is forgotten for it where there are too many.
        """
        head = repeatable_head(request)
        if head is None:
            return
        if len(self._heads) >= MAX_HEADS and head not in self._heads:
            del self._heads[next(iter(self._heads))]
        self._heads[head] = asked()


def repeatable_head(request: web.Request) -> bytes | None:
    """Return the bytes of this request's head if the same bytes always ask the same; None if not.

    Only a GET of HTTP/1.1 without a body, without a Range, and without a word about the connection.
    """
    if request.method != "GET" or request.version != (1, 1):
        return None
    if any(name in request.headers for name in _NEVER):
        return None
    protocol = request.protocol
    head = protocol.request_head() if isinstance(protocol, HasRequestHead) else None
    return head if head is not None and len(head) <= MAX_HEAD_BYTES else None
