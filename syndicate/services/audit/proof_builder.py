"""Build proofs from the stored trail: of one line, of a range, of the growth between two checkpoints.

Lines are checked against the checkpoint that they lead to: a trail that was tampered with raises Conflict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from syndicate.model.records import Checkpoint, Written, leaf_hash, line_bytes, line_record
from syndicate.store.protocol import Store
from syndicate.trail import proof_files
from syndicate.trail.checkpoint import Head
from syndicate.trail.merkle import (
    Gathering,
    Span,
    consistency,
    consistent,
    inclusion,
    inside,
    outside,
    rebuilt,
    root_with,
)

_LEAVES: Final = 5_000
_ROWS: Final = 1_000


def broken(seq: int | None = None) -> Conflict:
    """The trail is not what was written, or not what was signed."""
    where = Text("", "") if seq is None else Text(f"第 {seq} 条", f" at line {seq}")
    return Conflict(
        Text("审计记录", "the trail")
        + where
        + Text(
            "与写入或签署时不符，不能据此签署或出证；请执行 syndicate trail verify",
            " is not what was written or signed, and nothing can be signed or proved by it; "
            "run: syndicate trail verify",
        ),
        code="trail_broken",
    )


async def leaves(store: Store, after: int, until: int | None = None) -> AsyncIterator[bytes]:
    """Yield the leaf hashes of the lines after line `after`, up to `until`.

    Raises Conflict if a line in between is missing.
    """
    at = after
    while until is None or at < until:
        batch = await store.leaves(at, _LEAVES if until is None else min(_LEAVES, until - at))
        if not batch:
            break
        at += len(batch)
        # Leaves come without their numbers: the last one tells whether as many lines went by.
        last = await store.written(at - 1, 1)
        if not last or (last[0].seq, last[0].leaf) != (at, batch[-1]):
            raise broken()
        for leaf in batch:
            yield leaf
    if until is not None and at < until:
        raise broken(at + 1)


class Proofs:
    """Build proof files from a store; each leads to a checkpoint."""

    def __init__(self, store: Store, origin: str) -> None:
        self._store, self._origin = store, origin

    async def line(self, seq: int, checkpoint: Checkpoint | None) -> bytes:
        """The proof of one line. Raises Unknown, Conflict."""
        found = await self._store.written(seq - 1, 1) if seq > 0 else []
        if checkpoint is None or not found or seq > checkpoint.size:
            raise _no_line(str(seq))
        data, event = _sound(found[0], seq)
        size = checkpoint.size
        spans = inclusion(seq - 1, size)
        hashes = await self._gathered(spans, 0, size)
        path = [hashes[span] for span in spans]
        if root_with(leaf_hash(data), seq - 1, size, path) != checkpoint.root:
            raise broken()
        digest = proof_files.names_list(event)
        kept = None if digest is None else await self._list(seq, digest)
        return proof_files.line_proof(data, kept, seq - 1, size, path, checkpoint.note)

    async def range(
        self, first: int, last: int | None, checkpoint: Checkpoint | None
    ) -> AsyncIterator[bytes]:
        """Yield the proof of the lines `first` to `last`, both included, in pieces.

        `last` None is the end of the checkpoint. Raises Unknown, and Conflict after some pieces if the
        trail turns out to be broken.
        """
        end = last if last is not None or checkpoint is None else checkpoint.size
        if checkpoint is None or end is None or not 1 <= first <= end <= checkpoint.size:
            raise _no_line(f"{first}-{'' if end is None else end}")
        size, within = checkpoint.size, Span(first - 1, end)
        spans = outside(within, size)
        before = [span for span in spans if span.end <= within.begin]
        hashes = await self._gathered(before, 0, within.begin)
        yield proof_files.head_line(self._origin, first, end, size)
        inner = Gathering(inside(within, size), within.begin)
        named: set[bytes] = set()
        at = first
        while at <= end:
            rows = await self._store.written(at - 1, min(_ROWS, end - at + 1))
            if not rows:
                raise broken(at)
            for row in rows:
                data, event = _sound(row, at)
                yield proof_files.trail_line(data, row.leaf)
                inner.add(row.leaf)
                digest = proof_files.names_list(event)
                if digest is not None and bytes.fromhex(digest) not in named:
                    named.add(bytes.fromhex(digest))
                    yield proof_files.manifest_line(digest, await self._list(row.seq, digest))
                at += 1
        hashes |= await self._gathered([span for span in spans if span not in hashes], end, size)
        if rebuilt(Span(0, size), {**hashes, **inner.found()}) != checkpoint.root:
            raise broken()
        yield proof_files.foot_line(checkpoint.note, [hashes[span] for span in spans])

    async def growth(self, old: str, head: Head, new: Checkpoint) -> bytes:
        """The proof that lines were only added between two checkpoints. Raises Conflict."""
        spans = consistency(head.size, new.size)
        hashes = await self._gathered(spans, 0, new.size)
        path = [hashes[span] for span in spans]
        if not consistent(head.size, head.root, new.size, new.root, path):
            raise broken()
        return proof_files.growth_proof(old, new.note, path)

    async def _gathered(self, spans: Iterable[Span], start: int, end: int) -> dict[Span, bytes]:
        """The hashes of these subtrees, from one pass over the leaves from `start` up to `end`."""
        gathering = Gathering(spans, start)
        async for leaf in leaves(self._store, start, end):
            gathering.add(leaf)
        return dict(gathering.found())

    async def _list(self, seq: int, digest: str) -> bytes:
        content = await self._store.manifest(digest)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise broken(seq)
        return content


def _sound(row: Written, seq: int) -> tuple[bytes, Mapping[str, object]]:
    """The bytes and the event of a line that is the one it should be. Raises Conflict for any other."""
    try:
        event = json.loads(row.body)
        data = line_bytes(line_record(row.seq, row.at, row.actor, row.kind, event))
    except (ValueError, TypeError, RecursionError):
        raise broken(seq) from None
    if row.seq != seq or leaf_hash(data) != row.leaf:
        raise broken(seq)
    return data, event


def _no_line(name: str) -> Unknown:
    return Unknown(Text("记录", "line of the trail"), name)
