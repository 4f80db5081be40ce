"""Run a command of this program, or of an earlier release, and measure what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants import PROJECT
from tests.bench.machine import CORES

BEFORE = "71b94cd"
"""The commit that the table compares with."""


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, CPU seconds of it and its children, memory in bytes."""

    wall: float
    cpu: float
    memory: int
    status: int


def run(words: Sequence[str], *, checkout: Path = PROJECT, cores: Sequence[int] = CORES) -> Cost:
    """Run `syndicate` with these words, of this checkout; what it prints is thrown away."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "syndicate", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        preexec_fn=lambda: os.sched_setaffinity(0, set(cores)),
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, process.returncode)


def checked(words: Sequence[str], *, checkout: Path = PROJECT, cores: Sequence[int] = CORES) -> Cost:
    """The same; raises SystemExit where the command fails."""
    cost = run(words, checkout=checkout, cores=cores)
    if cost.status != 0:
        raise SystemExit(f"syndicate {' '.join(words)}: exit code {cost.status}")
    return cost


def earlier(given: Path | None, kept: Path) -> Path | None:
    """A checkout of the commit to compare with: the one given, else unpacked from this repository.

    None where the repository does not have that commit (a shallow clone, an archive).
    """
    if given is not None:
        return given
    folder = kept / f"release-{BEFORE}"
    if not folder.exists():
        packed = subprocess.run(
            ["git", "archive", BEFORE, "syndicate"], cwd=PROJECT, capture_output=True, check=False
        )
        if packed.returncode != 0:
            return None
        unfinished = kept / f".unpacking-{os.getpid()}"
        unfinished.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(unfinished)], input=packed.stdout, check=True)
        unfinished.rename(folder)
    return folder
