"""Verify that every record of a range is there, in its place and unchanged, and name each that is not.

Used for the database and for exported files alike. A line is known by its leaf: the hash that was written
together with it. What no longer fits its leaf was changed, or stands under another line's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.records import leaf_hash, line_bytes
from syndicate.trail.merkle import Span

_MOST: Final = 1_000
_MOST_ODD: Final = 200


class Findings:
    """The faults that a check found: all are counted, the first thousand are kept."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.count = 0

    def add(self, code: str, field: str, text: Text, line: int | None = None) -> None:
        """Add one fault. `line` is the line of the file, `field` the place in the trail (`seq 12`)."""
        self.take([Fault(code, field, text, line)])

    def take(self, faults: Iterable[Fault]) -> None:
        """Add several faults."""
        for fault in faults:
            self.count += 1
            if len(self.faults) < _MOST:
                self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class _Odd:
    """A line that does not fit its leaf, under the number where it stands."""

    seq: int
    record: Mapping[str, Any]
    leaf: bytes
    line: int | None


class LineVerifier:
    """Verifies records from `first` on; with `last`, no record is expected after it."""

    def __init__(self, findings: Findings, first: int = 1, last: int | None = None) -> None:
        self.findings = findings
        self.next = first
        """The number that is expected now."""
        self.in_order = True
        """Whether every line so far stood in its place, changed or not."""
        self._last = last
        self._gaps: list[Span] = []
        self._odd: list[_Odd] = []
        self._latest = ""

    def answer(self, record: Mapping[str, Any], data: bytes, leaf: bytes, line: int | None = None) -> bool:
        """Check the next record: `data` is its `line_bytes`; `line`, where it stands in a file.

        Answers whether it fits its leaf. A line of a file that does not cannot be trusted about its number
        either: it counts as the one that was expected.
        """
        sound = leaf_hash(data) == leaf
        seq = int(record["seq"]) if sound or line is None else self.next
        if not sound:
            self._keep_odd(_Odd(seq, record, leaf, line))
        elif record["at"] < self._latest:
            text = Text("时间早于前一条", "its time is before that of the line before it")
            self.findings.add("line_time_back", named(seq), text, line)
        else:
            self._latest = record["at"]
        self._place(seq, line)
        return sound

    def unreadable(self, line: int | None = None) -> None:
        """Note that something that is no record stands where one was expected."""
        text = Text(
            "这里应为一条审计记录，却无法读作记录：被改动",
            "a line of the trail should stand here, and this cannot be read as one: it was changed",
        )
        self.findings.add("line_malformed", named(self.next), text, line)
        self.next += 1

    def close(self) -> None:
        """Finish: name the records that are missing, and those that were out of place."""
        if self._last is not None and self.next <= self._last:
            self._gap(self.next, self._last + 1)
        edges = {edge for gap in self._gaps[:_MOST_ODD] for edge in (gap.begin, gap.end - 1)}
        for odd in self._odd:
            self._explain(odd, edges | {one.seq for one in self._odd})
        for gap in self._gaps:
            many = Text(f"缺少 {gap.end - gap.begin} 条记录", f"{gap.end - gap.begin} lines are missing")
            text = Text("缺少这一条记录", "the line is missing") if gap.end - gap.begin == 1 else many
            self.findings.add("line_missing", named(gap.begin, gap.end - 1), text)
        self._odd, self._gaps = [], []

    def _place(self, seq: int, line: int | None) -> None:
        if seq == self.next:
            self.next += 1
            return
        self.in_order = False
        if self._last is not None and seq > self._last:
            text = Text(
                "不在文件所述范围之内：被插入", "is outside the range of this file: it was inserted"
            )
            self.findings.add("line_inserted", named(seq), text, line)
        elif seq > self.next:
            self._gap(self.next, seq)
            self.next = seq + 1
        elif self._fill(seq):
            text = Text("不在应在的位置：次序被改动", "is not in its place: the order was changed")
            self.findings.add("line_moved", named(seq), text, line)
        else:
            text = Text("这一序号已出现过：被插入", "this number was there already: the line was inserted")
            self.findings.add("line_inserted", named(seq), text, line)

    def _gap(self, begin: int, end: int) -> None:
        self.in_order = False
        self._gaps.append(Span(begin, end))

    def _fill(self, seq: int) -> bool:
        for n, gap in enumerate(self._gaps):
            if gap.begin <= seq < gap.end:
                around = (Span(gap.begin, seq), Span(seq + 1, gap.end))
                self._gaps[n : n + 1] = [one for one in around if one.begin < one.end]
                return True
        return False

    def _keep_odd(self, odd: _Odd) -> None:
        if len(self._odd) < _MOST_ODD:
            self._odd.append(odd)
        else:
            self._explain(odd, ())

    def _explain(self, odd: _Odd, numbers: Iterable[int]) -> None:
        for seq in sorted({*numbers, odd.seq - 1, odd.seq + 1}):
            if leaf_hash(line_bytes({**odd.record, "seq": seq})) == odd.leaf:
                text = Text(
                    f"原为第 {seq} 条：序号被改动", f"was written as line {seq}: its number was changed"
                )
                self.findings.add("line_moved", named(odd.seq), text, odd.line)
                return
        text = Text(
            "内容与写入时的散列不符：内容或散列被改动",
            "does not fit the hash that was written with it: the line or the hash was changed",
        )
        self.findings.add("line_changed", named(odd.seq), text, odd.line)


def named(first: int, last: int | None = None) -> str:
    """The name of a range of records: `seq 12`, `seq 12-15`."""
    return f"seq {first}" if last is None or last == first else f"seq {first}-{last}"
