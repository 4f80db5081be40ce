"""Start one command from a small process, and print what it took: `launcher.py CORES COMMAND ARGUMENT…`.

Prints seconds on the clock, CPU seconds of the command and its children, the most memory that one of them
had (bytes), and the exit code. `CORES` are numbers with commas between them.

The kernel counts to a command's memory what its process held before it became the command: a command that
the benchmarks started themselves would have their own size at least. So this imports next to nothing.
"""

from __future__ import annotations

import os
import sys
import time

cores, *command = sys.argv[1:]
os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
begun = time.perf_counter()
pid = os.posix_spawn(
    command[0],
    command,
    os.environ,
    file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)],
)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - begun
print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, os.waitstatus_to_exitcode(status))
