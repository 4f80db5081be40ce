"""The machine that the benchmarks run on: its cores, its versions, and the CPU time of processes."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its living children, in seconds.

    From the kernel's clock of each process (`clock_getcpuclockid(3)`): to the nanosecond, where the numbers
    in `/proc/PID/stat` are in hundredths of a second. Threads that have ended are counted too.
    """
    total = 0.0
    for one in family(pid):
        with suppress(ProcessLookupError, OSError):  # a child may end meanwhile
            total += time.clock_gettime((~one << 3) | 2)
    return total


def family(pid: int) -> list[int]:
    """The process and its descendants that are alive, the process itself first."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def memory(pid: int) -> tuple[int, int]:
    """RSS and PSS of one process in bytes; PSS counts what several processes share once among them."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = dict(re.findall(r"^(Rss|Pss): +(\d+) kB$", text, re.MULTILINE))
    return int(found["Rss"]) * 1024, int(found["Pss"]) * 1024


class DiskWatch:
    """Watches a folder, and knows how many bytes it held at most."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stop, self.most = folder, threading.Event(), 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> DiskWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(2):
            total = 0
            for folder, _, names in os.walk(self._folder):  # files and folders come and go
                for name in names:
                    with suppress(OSError):
                        total += Path(folder, name).lstat().st_blocks * 512
            self.most = max(self.most, total)


def described() -> list[tuple[str, str]]:
    """What is on this machine, for the head of the table."""
    return [
        ("CPU", f"{_cpu_model()}, {len(CORES)} cores"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        *((name, version(name)) for name in ("aiohttp", "uvloop", "SQLAlchemy")),
        ("nginx", _said("nginx", "-v") or "not installed"),
        ("load client", _said("wrk", "-v") or "our own (wrk is not installed)"),
    ]


def program(name: str) -> str | None:
    """Where a program is installed; None where it is not."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(name: str, option: str) -> str | None:
    """The version that a program says of itself."""
    path = program(name)
    if path is None:
        return None
    done = subprocess.run([path, option], capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return f"{name} {found[0]}" if found else name


def children(pid: int) -> Iterator[int]:
    """The descendants of a process: the workers of a server."""
    yield from family(pid)[1:]
