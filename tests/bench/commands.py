"""Run a command of this program, or of an earlier release, and measure what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.contestants import PROJECT
from tests.bench.machine import CORES

BEFORE = "71b94cd"
"""The commit that the table compares with."""

_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, CPU seconds of it and its children, memory in bytes.

    The memory is the most that one of its processes had.
    """

    wall: float
    cpu: float
    memory: int
    status: int


def run(words: Sequence[str], *, checkout: Path = PROJECT, cores: Sequence[int] = CORES) -> Cost:
    """Run `syndicate` with these words, of this checkout; what it prints is thrown away."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), ",".join(map(str, cores))]
    said = subprocess.run(
        [*launcher, sys.executable, "-m", "syndicate", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        check=True,
    ).stdout.split()
    return Cost(float(said[0]), float(said[1]), int(said[2]), int(said[3]))


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
