"""Keep what was found out about the lines read last: a document's lines are looked at many times.

One line is compared, taken apart and judged for the head, the body, the end and the embargo of its
document, and the lines of a site's frame come back with every page.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Final, TypeVar

_LINES: Final = 1024
_LONGEST: Final = 1000
"""Characters of a line above which nothing is kept of it, so that no document fills the memory."""

T = TypeVar("T")
Rest = TypeVar("Rest", bound=Hashable)


def cached(function: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the results of a pure function for the last 1,024 lines of at most 1,000 characters."""
    kept = lru_cache(_LINES)(function)

    @wraps(function)
    def looked_up(text: str) -> T:
        return kept(text) if len(text) <= _LONGEST else function(text)

    return looked_up


def cached_with(function: Callable[[str, Rest], T]) -> Callable[[str, Rest], T]:
    """`cached` for a function with a second argument, which is part of what the result is kept by."""
    kept = lru_cache(_LINES)(function)

    @wraps(function)
    def looked_up(text: str, rest: Rest) -> T:
        return kept(text, rest) if len(text) <= _LONGEST else function(text, rest)

    return looked_up
