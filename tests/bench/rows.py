"""What one row of the table says, and what every subject is given to measure with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True)
class Row:
    """One row: what was measured, what it was before, what it should be, and what it is now.

    `reached` is None where there is no goal, or where this machine cannot tell.
    """

    name: str
    what: str
    before: str
    goal: str
    now: str
    reached: bool | None
    note: str = ""


@dataclass
class Bench:
    """How much to measure, where things are kept, and where progress is shown."""

    size: int
    partners: int
    rounds: int
    seconds: int
    only: frozenset[str]
    kept: Path
    scratch: Path
    baseline: Path | None
    out: Console
    begun: float = field(default_factory=time.monotonic)

    def say(self, words: str) -> None:
        """Show how far the run has come."""
        self.out.print(f"[{time.monotonic() - self.begun:5.0f} s] {words}", style="dim", highlight=False)

    def wants(self, *names: str) -> bool:
        """Whether one of these rows was asked for; all are where none was named."""
        return not self.only or any(name in self.only for name in names)


def spread(figures: Sequence[float], digits: int = 2) -> str:
    """The median with the smallest and the largest figure."""
    middle = statistics.median(figures)
    return f"{middle:.{digits}f} ({min(figures):.{digits}f} to {max(figures):.{digits}f})"


def ratios(these: Sequence[float], those: Sequence[float]) -> list[float]:
    """The ratios of the same rounds."""
    return [one / other for one, other in zip(these, those, strict=True)]


def percentile(figures: Sequence[float], share: float) -> float:
    """The figure that this share of all is not above (nearest rank)."""
    ordered = sorted(figures)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
