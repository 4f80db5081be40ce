"""Check an exported range of the trail record by record, and name what was changed, lost or added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syndicate.language import Text
from syndicate.model.records import leaf_hash
from syndicate.trail import proof_files
from syndicate.trail.checkpoint import Head, VerifierKey
from syndicate.trail.line_verifier import Findings, LineVerifier, named
from syndicate.trail.merkle import Gathering, Span, inside, outside, rebuilt
from syndicate.trail.strict_values import (
    count_of,
    hashes_of,
    head_of,
    leaf_of,
    record_of,
    sealed,
    text_of,
    value_of,
)

_LINE = {"leaf", "line"}
_MANIFEST = {"manifest", "content"}
_FOOT = {"checkpoint", "outside"}


def check_export(
    first: bytes, rest: Iterator[bytes], keys: Sequence[VerifierKey], findings: Findings
) -> tuple[Head | None, tuple[int, int] | None]:
    """Check a file that begins with `first`: the checkpoint it leads to, and the range it is about."""
    head = value_of(first)
    origin = text_of(head.get("origin"))
    begin, end, size = (count_of(head.get(name)) for name in ("from", "to", "size"))
    if (
        origin is None
        or begin is None
        or end is None
        or size is None
        or not 1 <= begin <= end <= size
        or not sealed(first, lambda: proof_files.head_line(origin, begin, end, size))
    ):
        findings.add("head_malformed", "head", Text("文件开头被改动", "the beginning was changed"), 1)
        return None, None
    reading = _Reading(findings, keys, origin, Span(begin - 1, end), size)
    reading.read(rest)
    return reading.head, (begin, end)


class _Reading:
    """One pass over the lines behind the head."""

    def __init__(
        self, findings: Findings, keys: Sequence[VerifierKey], origin: str, within: Span, size: int
    ) -> None:
        self.head: Head | None = None
        self._findings, self._keys = findings, keys
        self._origin, self._within, self._size = origin, within, size
        self._roll = LineVerifier(findings, within.begin + 1, within.end)
        # Twice: with the leaves as they stand there, and as the lines themselves give them.
        self._stored = Gathering(inside(within, size), within.begin)
        self._told = Gathering(inside(within, size), within.begin)
        self._leaves = 0
        self._outside: list[bytes] = []
        self._known: set[bytes] = set()
        self._owed: str | None = None
        """The digest of a kept list that must come next."""
        self._unsure = False
        """The line before was changed: nobody knows whether it named a list."""

    def read(self, rest: Iterator[bytes]) -> None:
        """Read to the end, and tie what was read to the signed root."""
        ended = False
        for number, raw in enumerate(rest, 2):
            if ended:
                behind(self._findings, number)
                break
            ended = self._take(raw, number)
        if not ended:
            text = Text("文件在结尾之前断开", "the file is cut: its end is missing")
            self._findings.add("file_cut", "foot", text)
        self._settle(None)
        self._roll.close()
        self._join()

    def _take(self, raw: bytes, number: int) -> bool:
        """One line behind the head; True if it is the last."""
        value = value_of(raw)
        if set(value) == _LINE and self._line(raw, value, number):
            return False
        if set(value) == _MANIFEST:
            self._manifest(raw, value, number)
            return False
        if set(value) == _FOOT or (self._owed is None and self._roll.next > self._within.end):
            self._foot(raw, value, number)
            return True
        if self._owed is not None:
            self._spoiled(number)
        else:
            self._roll.unreadable(number)
        return False

    def _line(self, raw: bytes, value: Mapping[str, Any], number: int) -> bool:
        """A line of the trail; False if it cannot be read as one."""
        read, leaf = record_of(value["line"]), leaf_of(value["leaf"])
        if read is None or leaf is None or proof_files.trail_line(read[1], leaf) != raw:
            return False
        record, data = read
        self._settle(number)
        sound = self._roll.answer(record, data, leaf, number)
        self._stored.add(leaf)
        self._told.add(leaf if sound else leaf_hash(data))
        self._leaves += 1
        digest = proof_files.names_list(record["event"])
        self._unsure = not sound
        if sound and digest is not None and bytes.fromhex(digest) not in self._known:
            self._owed = digest
        return True

    def _manifest(self, raw: bytes, value: Mapping[str, Any], number: int) -> None:
        digest, content = text_of(value["manifest"]), text_of(value["content"])
        owed = digest if self._owed is None and self._unsure else self._owed
        if owed is None:
            text = Text("没有记录指向这份清单：被插入", "no line names this list: it was inserted")
            self._findings.add("manifest_inserted", "manifest", text, number)
        elif (
            digest is not None
            and content is not None
            and sealed(raw, lambda: proof_files.manifest_line(digest, content.encode()))
            and hashlib.sha256(content.encode()).hexdigest() == digest == owed
        ):
            self._owed = owed
            self._paid()
        else:
            self._owed = owed
            self._spoiled(number)
        self._unsure = False

    def _foot(self, raw: bytes, value: Mapping[str, Any], number: int) -> None:
        self._settle(number)
        note, hashes = text_of(value.get("checkpoint")), hashes_of(value.get("outside"))
        if note is None or hashes is None or not sealed(raw, lambda: proof_files.foot_line(note, hashes)):
            text = Text("文件结尾被改动", "the end of the file was changed")
            self._findings.add("foot_malformed", "foot", text, number)
            return
        self._outside = hashes
        self.head = head_of(note, self._keys, self._findings, number)

    def _settle(self, number: int | None) -> None:
        """A list that is owed did not come."""
        if self._owed is not None:
            text = Text("缺少记录所指的清单", "the list that a line names is missing")
            self._findings.add("manifest_missing", f"manifest {self._owed}", text, number)
            self._paid()

    def _spoiled(self, number: int) -> None:
        """Something else stands where a list is owed."""
        text = Text(
            "清单与记录所指的散列不符：被改动",
            "the list is not the one that its line names: it was changed",
        )
        self._findings.add("manifest_changed", f"manifest {self._owed}", text, number)
        self._paid()

    def _paid(self) -> None:
        """The list that is owed came, or what came instead was named: it is not asked for again."""
        if self._owed is not None and (raw := leaf_of(self._owed)) is not None:
            self._known.add(raw)
        self._owed = None

    def _join(self) -> None:
        """Tie the lines to the signed root."""
        if self.head is None:
            return
        if (self.head.origin, self.head.size) != (self._origin, self._size):
            text = Text("文件开头与检查点不符", "the beginning does not fit the checkpoint")
            self._findings.add("head_mismatch", "head", text, 1)
            return
        complete = self._roll.in_order and self._leaves == self._within.end - self._within.begin
        if complete and any(self._leads(one) for one in (self._stored, self._told)):
            return
        if not complete and self._findings.count:
            return  # what is missing or out of place was named
        text = Text(
            "这些记录得不出检查点所签的根散列：有内容连同其散列，或结尾的散列，被改动",
            "these lines do not lead to the signed root: some were changed together with their hashes, or "
            "the hashes at the end were changed",
        )
        self._findings.add("root_mismatch", named(self._within.begin + 1, self._within.end), text)

    def _leads(self, gathered: Gathering) -> bool:
        """Whether these leaves and the hashes at the end give the signed root."""
        spans = outside(self._within, self._size)
        if self.head is None or len(spans) != len(self._outside):
            return False
        known = {**dict(zip(spans, self._outside, strict=True)), **gathered.found()}
        return rebuilt(Span(0, self._size), known) == self.head.root


def behind(findings: Findings, line: int) -> None:
    """Something stands behind the end of a file."""
    text = Text("文件结尾之后还有内容：被插入", "something stands behind the end: it was inserted")
    findings.add("file_tail", "foot", text, line)
