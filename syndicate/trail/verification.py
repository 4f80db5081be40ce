"""Verify the whole trail as the database holds it, record by record.

Three things must agree: a line's content, the hash that was written with it, and the checkpoints that
were signed over those hashes. Whoever changes a line must change all three, and cannot sign.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syndicate.errors import Faulty
from syndicate.language import Text
from syndicate.model.records import INDEXED, Checkpoint, Written, line_bytes, line_record
from syndicate.trail.checkpoint import Head, VerifierKey, opened
from syndicate.trail.line_verifier import Findings, LineVerifier, named
from syndicate.trail.merkle import Frontier
from syndicate.trail.proof_files import names_list


@dataclass(frozen=True, slots=True)
class _Mark:
    """A root that was signed over the lines so far. `saved` is the one that the user brought."""

    head: Head
    saved: bool = False


class Audit:
    """Verifies records in the order of their numbers; faults are among the findings."""

    def __init__(self, findings: Findings, origin: str, keys: Sequence[VerifierKey]) -> None:
        self.findings = findings
        self.signed = 0
        """Up to which line a checkpoint was found right."""
        self._origin, self._keys = origin, keys
        self._roll = LineVerifier(findings)
        self._stored = Frontier()
        # The tree as the lines themselves give it: another one from the first line that does not fit.
        self._told: Frontier | None = None
        self._marks: dict[int, list[_Mark]] = {}
        self._broken = False
        self._named: set[bytes] = set()

    @property
    def size(self) -> int:
        """The number of records so far."""
        return self._stored.size

    def root(self) -> bytes:
        """The root over the records so far, from the hashes that were written with them."""
        return self._stored.root()

    def expect(self, kept: Sequence[Checkpoint], saved: Head | None) -> None:
        """Set the checkpoints to compare with: those kept with the trail, and one kept elsewhere."""
        for one in kept:
            try:
                head = opened(one.note, self._keys)
            except Faulty as refused:
                for fault in refused.faults:
                    self.findings.add(fault.code, f"checkpoint {one.size}", fault.text)
                continue
            if (head.origin, head.size, head.root, head.at) != (self._origin, one.size, one.root, one.at):
                text = Text(
                    "与其签名的原文不符：被改动", "is not what its signed text says: it was changed"
                )
                self.findings.add("checkpoint_changed", f"checkpoint {one.size}", text)
            self._marks.setdefault(head.size, []).append(_Mark(head))
        if saved is not None:
            if all(mark.head != saved for mark in self._marks.get(saved.size, [])):
                text = Text(
                    "另存的这一检查点由本系统签署，数据库中却没有：被删除，或数据库是从旧备份恢复的",
                    "was signed here and kept elsewhere, and the database does not have it: it was "
                    "removed, or an older backup was restored",
                )
                self.findings.add("checkpoint_missing", f"checkpoint {saved.size}", text)
            self._marks.setdefault(saved.size, []).append(_Mark(saved, saved=True))

    def take(self, row: Written) -> str | None:
        """Check the next record.

        Answers the digest of the manifest that the record names, where it is the first to name it; its
        content is expected by `manifest`.
        """
        event = _event(row.body)
        record = line_record(row.seq, row.at, row.actor, row.kind, event or {})
        if event is None:
            record["event"] = row.body
        data = line_bytes(record)
        sound = self._roll.answer(record, data, row.leaf)
        if sound and b'"event":%s,' % row.body.encode("utf-8", "surrogatepass") not in data:
            text = Text("内容的写法被改动", "is spelt otherwise than it was written: it was changed")
            self.findings.add("line_changed", named(row.seq), text)
        self._compare_columns(row, event or {})
        if not sound and self._told is None:
            self._told = self._stored.copy()
        if self._told is not None:
            self._told.add(hashlib.sha256(b"\0" + data).digest())
        self._stored.add(row.leaf)
        for mark in self._marks.pop(self.size, []):
            self._compare(mark)
        digest = names_list(event or {})
        if digest is None or bytes.fromhex(digest) in self._named:
            return None
        self._named.add(bytes.fromhex(digest))
        return digest

    def manifest(self, seq: int, digest: str, content: bytes | None) -> None:
        """Check the manifest of this digest; record `seq` is the first that names it."""
        if content is None:
            text = Text(f"所指的清单 {digest} 不存在", f"the list that it names, {digest}, is not there")
            self.findings.add("manifest_missing", named(seq), text)
        elif hashlib.sha256(content).hexdigest() != digest:
            text = Text(f"所指的清单 {digest} 被改动", f"the list that it names, {digest}, was changed")
            self.findings.add("manifest_changed", named(seq), text)

    def close(self) -> None:
        """Finish at the end of the trail."""
        self._roll.close()
        beyond = max(self._marks, default=0)
        if beyond > self.size:
            mark = self._marks[beyond][-1]
            text = Text(
                f"末尾缺少记录：{_when(mark)}签署的检查点共有 {beyond} 条，现在只有 {self.size} 条",
                f"lines are missing at the end: the checkpoint of {_when(mark)} counts {beyond}, "
                f"and there are {self.size}",
            )
            self.findings.add("line_missing", named(self.size + 1, beyond), text)

    def _compare_columns(self, row: Written, event: dict[str, Any]) -> None:
        for name in INDEXED:
            found, stated = getattr(row, name), event.get(name)
            if found != stated:
                text = Text(
                    f"索引列 {name} 为 {found!r}，记录中为 {stated!r}：被改动",
                    f"its column {name} holds {found!r}, the line says {stated!r}: it was changed",
                )
                self.findings.add("line_index", named(row.seq), text)

    def _compare(self, mark: _Mark) -> None:
        head = mark.head
        trees = [self._stored] if self._told is None else [self._stored, self._told]
        if any(tree.root() == head.root for tree in trees):
            self.signed = max(self.signed, head.size)
            return
        if mark.saved:
            text = Text(
                f"与另存的检查点（{_when(mark)}）不符：其中的记录在签署之后被改动",
                f"are not the lines of the saved checkpoint ({_when(mark)}): some were changed since",
            )
            self.findings.add("checkpoint_mismatch", named(1, head.size), text)
        elif not self._broken:
            # Every later checkpoint fails too, and says nothing new.
            self._broken = True
            text = Text(
                f"与 {_when(mark)} 签署的检查点不符：其中的记录连同散列在签署之后被改动",
                f"are not the lines that were signed at {_when(mark)}: some were changed since, together "
                "with their hashes",
            )
            self.findings.add("checkpoint_mismatch", named(self.signed + 1, head.size), text)


def _event(body: str) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _when(mark: _Mark) -> str:
    return mark.head.at.isoformat(timespec="seconds")
