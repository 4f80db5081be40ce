"""Asked again: a request that was read and answered before is answered by looking its bytes up.

Feed readers send the same request head for hours. When aiohttp's parser has read a head, found a plain
GET of an open feed without a body, and the answer came from a kept edition, the head is remembered with
what it asks. The same octets, alone in one read on a connection that stands between two requests, ask
the same again; everything else goes the ordinary way. Nothing here parses HTTP, and nothing is answered
that the desk does not hold to be good at this moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from cachetools import LRUCache

from syndicate.desk.front import FrontDesk
from syndicate.desk.standing import Clock
from syndicate.web.ready import ReadyAnswers, answer, public_cache
from syndicate.web.replies import Reply

_KEPT = 4_096
LONGEST = 2_048
"""Octets of a head that is worth remembering."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a remembered head asks: an open feed in a format, and the headers that choose the answer."""

    feed: str
    format: str
    path: str
    accept_encoding: str | None
    if_none_match: str | None
    if_modified_since: str | None


class Repeats:
    """One per worker: heads that were read before."""

    def __init__(self, front: FrontDesk, ready: ReadyAnswers, clock: Clock) -> None:
        self._front, self._ready, self._clock = front, ready, clock
        self._heads: LRUCache[bytes, Question] = LRUCache(_KEPT)

    def remember(self, head: bytes, question: Question) -> None:
        """These octets, whole and alone, ask this."""
        self._heads[head] = question

    def asked(self, head: bytes) -> Question | None:
        """What these octets ask, if they were read before."""
        return self._heads.get(head)

    def answer(self, question: Question) -> Reply | None:
        """The answer, if it is at hand and holds at this moment."""
        served = self._front.kept_public_feed(question.feed)
        if served is None:
            return None
        ready = self._ready.kept(served, question.format)
        if ready is None:
            return None
        return answer(
            ready,
            accept_encoding=question.accept_encoding,
            if_none_match=question.if_none_match,
            if_modified_since=question.if_modified_since,
            cache_control=public_cache(served.edition.until, self._clock()),
        )
