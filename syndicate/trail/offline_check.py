"""Check an export or proof file offline, with the public key alone.

What is wrong is named, by the line of the file and the number of the trail's line; the file is read once,
line by line, and never held as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.records import leaf_hash
from syndicate.trail import proof_files
from syndicate.trail.checkpoint import MOST_LINES, Head, VerifierKey
from syndicate.trail.export_check import behind, check_export
from syndicate.trail.line_verifier import Findings, named
from syndicate.trail.merkle import consistent, root_with
from syndicate.trail.strict_values import count_of, hashes_of, head_of, record_of, sealed, text_of, value_of


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check: the file is valid if there are no findings.

    `head` is the checkpoint that it leads to, None where that could not be believed; `old` the earlier one
    of a growth; `lines` the first and last line that it is about; `record` the line that it proves.
    """

    format: str | None
    head: Head | None
    old: Head | None
    lines: tuple[int, int] | None
    record: Mapping[str, Any] | None
    faults: tuple[Fault, ...]
    count: int
    """How many things were found; `faults` has the first thousand."""

    @property
    def whole(self) -> bool:
        """Whether every byte is as it was written."""
        return self.count == 0


def check(lines: Iterable[bytes], keys: Sequence[VerifierKey]) -> Checked:
    """Check a file, given as its lines with their ends; one longer than `files.LONGEST` may come cut."""
    rest = iter(lines)
    first = next(rest, b"")
    value = value_of(first)
    form = text_of(value.get("format"))
    findings = Findings()
    head: Head | None = None
    old: Head | None = None
    about: tuple[int, int] | None = None
    record: Mapping[str, Any] | None = None
    match form:
        case proof_files.EXPORT:
            head, about = check_export(first, rest, keys, findings)
        case proof_files.LINE:
            head, record = _line(first, value, keys, findings)
        case proof_files.GROWTH:
            head, old = _growth(first, value, keys, findings)
            about = None if old is None else (1, old.size)
        case _:
            text = Text(
                "第一行不是本系统所出证明文件的开头：文件为空、被改动，或并非证明文件",
                "the first line does not begin a file of ours: it is empty, was changed, or is no proof",
            )
            findings.add("file_unknown", "format", text, 1)
    if form in (proof_files.LINE, proof_files.GROWTH) and next(rest, b""):
        behind(findings, 2)
    if record is not None:
        about = (record["seq"], record["seq"])
    faults = tuple(sorted(findings.faults, key=lambda fault: fault.line or MOST_LINES))
    return Checked(form, head, old, about, record, faults, findings.count)


def _line(
    raw: bytes, value: Mapping[str, Any], keys: Sequence[VerifierKey], findings: Findings
) -> tuple[Head | None, Mapping[str, Any] | None]:
    """The proof of one line."""
    read, path = record_of(value.get("line")), hashes_of(value.get("path"))
    note, index, size = (
        text_of(value.get("checkpoint")),
        count_of(value.get("index")),
        count_of(value.get("size")),
    )
    kept = text_of(value.get("manifest"))
    if (
        read is None
        or path is None
        or note is None
        or index is None
        or size is None
        or not sealed(
            raw, lambda: proof_files.line_proof(read[1], _canonical_bytes(kept), index, size, path, note)
        )
    ):
        _malformed(findings)
        return None, None
    record, data = read
    seq = record["seq"]
    head = head_of(note, keys, findings, 1)
    digest = None if kept is None else hashlib.sha256(kept.encode()).hexdigest()
    if proof_files.names_list(record["event"]) != digest:
        text = Text("清单与记录所指的散列不符", "the list is not the one that the line names")
        findings.add("manifest_changed", "manifest", text, 1)
    if index != seq - 1:
        text = Text("位置与记录的序号不符", "its place does not fit the number of the line")
        findings.add("line_moved", named(seq), text, 1)
    if head is not None and not _leads(data, index, size, path, head):
        text = Text(
            "得不出检查点所签的根散列：记录、位置或路径被改动",
            "does not lead to the signed root: the line, its place or its path was changed",
        )
        findings.add("root_mismatch", named(seq), text, 1)
    return head, record


def _leads(data: bytes, index: int, size: int, path: Sequence[bytes], head: Head) -> bool:
    try:
        return size == head.size and root_with(leaf_hash(data), index, size, path) == head.root
    except ValueError:
        return False


def _growth(
    raw: bytes, value: Mapping[str, Any], keys: Sequence[VerifierKey], findings: Findings
) -> tuple[Head | None, Head | None]:
    """The later and the earlier of two checkpoints, tied together."""
    old, new, path = text_of(value.get("old")), text_of(value.get("new")), hashes_of(value.get("path"))
    if (
        path is None
        or old is None
        or new is None
        or not sealed(raw, lambda: proof_files.growth_proof(old, new, path))
    ):
        _malformed(findings)
        return None, None
    before, after = (head_of(note, keys, findings, 1) for note in (old, new))
    if before is not None and after is not None:
        joined = consistent(before.size, before.root, after.size, after.root, path)
        if before.origin != after.origin or not joined:
            text = Text(
                "后一检查点不是在前一检查点之上只增不改而来，或路径被改动",
                "the later checkpoint is not the earlier one with lines added, or the path was changed",
            )
            findings.add("growth_mismatch", named(1, before.size), text, 1)
    return after, before


def _canonical_bytes(kept: str | None) -> bytes | None:
    return None if kept is None else kept.encode()


def _malformed(findings: Findings) -> None:
    text = Text("文件内容被改动，或不完整", "the file was changed, or is cut")
    findings.add("file_malformed", "file", text, 1)
