"""The Merkle tree over the trail (RFC 9162, section 2.1): its root, and inclusion and consistency proofs.

The tree is that of RFC 9162, section 2.1 (and RFC 6962). Every proof is the hashes of some subtrees, each
named by the leaves below it: `Span(3, 5)` is over the leaves 3 and 4, counted from 0. Which subtrees a
proof needs follows from sizes alone (`inclusion`, `consistency`, `outside`); `Gathering` takes their hashes
out of one pass over the leaves; `rebuilt` puts the hashes of adjoining subtrees together again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

EMPTY: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""
HASH_SIZE: Final = 32
"""The length of a hash, in bytes."""


class Span(NamedTuple):
    """The leaves from `begin` up to, and not including, `end`."""

    begin: int
    end: int


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf and knows its root; memory grows with the number of its levels.

    What is kept is one hash for each full subtree on the left edge: as many as `size` has binary ones.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        full, joined = self.size, leaf
        while full & 1:
            joined = node_hash(self._peaks.pop(), joined)
            full >>= 1
        self._peaks.append(joined)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY
        *left, root = self._peaks
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """An independent copy in the same state."""
        other = Frontier()
        other.size, other._peaks = self.size, list(self._peaks)
        return other


def inclusion(index: int, size: int) -> list[Span]:
    """The subtrees of an inclusion path, from the leaf upwards (RFC 9162, section 2.1.3.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("there is no such leaf")
    path: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = _middle(begin, end)
        if index < middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(begin, middle))
            begin = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Span]:
    """The subtrees of a consistency proof between two sizes (RFC 9162, section 2.1.4.1).

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError("no such pair of sizes")
    path: list[Span] = []
    begin, end = 0, new
    while end != old:
        middle = _middle(begin, end)
        if old <= middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(begin, middle))
            begin = middle
    # Where the old tree is one whole subtree of the new one, the verifier has its root already.
    return ([Span(begin, end)] if begin else []) + path[::-1]


def outside(within: Span, size: int) -> list[Span]:
    """The fewest subtrees that hold every leaf outside of `within`, from left to right.

    Raises ValueError unless 0 <= begin < end <= size.
    """
    return _around(within, size)[0]


def inside(within: Span, size: int) -> list[Span]:
    """The fewest subtrees that hold exactly the leaves of `within`. Raises like `outside`."""
    return _around(within, size)[1]


def _around(within: Span, size: int) -> tuple[list[Span], list[Span]]:
    if not 0 <= within.begin < within.end <= size:
        raise ValueError("no such range of leaves")
    without: list[Span] = []
    inner: list[Span] = []
    waiting = [Span(0, size)]
    while waiting:
        begin, end = waiting.pop()
        if end <= within.begin or begin >= within.end:
            without.append(Span(begin, end))
        elif within.begin <= begin and end <= within.end:
            inner.append(Span(begin, end))
        else:
            middle = _middle(begin, end)
            waiting += [Span(middle, end), Span(begin, middle)]
    return without, inner


class Gathering:
    """Collects the hashes of chosen subtrees in one pass over the leaves."""

    def __init__(self, spans: Iterable[Span], start: int = 0) -> None:
        """`spans` do not overlap; the first leaf that is added will be leaf `start`."""
        self._wanted = sorted(spans, reverse=True)
        self._found: dict[Span, bytes] = {}
        self._at = start
        self._frontier = Frontier()

    def add(self, leaf: bytes) -> None:
        """Add the next leaf hash."""
        here, self._at = self._at, self._at + 1
        if not self._wanted or here < self._wanted[-1].begin:
            return
        self._frontier.add(leaf)
        if self._at == self._wanted[-1].end:
            self._found[self._wanted.pop()] = self._frontier.root()
            self._frontier = Frontier()

    def found(self) -> Mapping[Span, bytes]:
        """The chosen subtrees whose leaves have all been added."""
        return self._found


def rebuilt(span: Span, known: Mapping[Span, bytes]) -> bytes:
    """The root over `span` from what is known below it. Raises ValueError where something is missing."""
    if span in known:
        return known[span]
    if span.end - span.begin < 2:
        raise ValueError("a hash is missing")
    middle = _middle(*span)
    return node_hash(rebuilt(Span(span.begin, middle), known), rebuilt(Span(middle, span.end), known))


def root_with(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that this inclusion path leads to (RFC 9162, section 2.1.3.2).

    Raises ValueError for a place that does not exist or a path of another length.
    """
    known = dict(zip(inclusion(index, size), path, strict=True))
    return rebuilt(Span(0, size), known | {Span(index, index + 1): leaf})


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the larger tree is the smaller one with leaves added behind (RFC 9162, section 2.1.4.2)."""
    try:
        known = dict(zip(consistency(old, new), path, strict=True))
    except ValueError:
        return False
    if not any(span.begin == 0 and span.end <= old for span in known):
        known[Span(0, old)] = old_root
    return rebuilt(Span(0, old), known) == old_root and rebuilt(Span(0, new), known) == new_root


def _middle(begin: int, end: int) -> int:
    """Where a tree over these leaves parts: its left side is the largest full one that is not all of it."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))
