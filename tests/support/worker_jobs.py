"""Functions that a process for media files is given in tests: each goes wrong in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from syndicate.errors import NotStampable
from syndicate.language import verbatim
from syndicate.media.worker_limits import refused


def double(number: int) -> int:
    return number * 2


def process() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def take_memory(size: int) -> int:
    return len(bytearray(size))


def spin() -> NoReturn:
    while True:
        pass


def wait_for_a_program(pipe: Path) -> None:
    """Start a program that writes a byte into the pipe and then waits, and wait for it."""
    with pipe.open("wb") as said:
        code = "print(1, flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=said) as child:
            child.wait()


def write(path: Path, size: int) -> None:
    path.write_bytes(bytes(size))


def write_into_a_full_disk() -> None:
    with Path("/dev/full").open("wb") as file:
        file.write(bytes(1 << 20))


def die(deaths: Path, times: int) -> int:
    """Die by SIGSEGV, so many times over all; then say how often."""
    with deaths.open("a") as file:
        file.write("x")
    if deaths.stat().st_size <= times:
        os.kill(os.getpid(), signal.SIGSEGV)
    return deaths.stat().st_size


def refuse() -> NoReturn:
    raise refused("a.jpg", "media_damaged", verbatim("damaged"))


def refuse_to_stamp() -> NoReturn:
    raise NotStampable(verbatim("no room"))


def fail() -> NoReturn:
    raise ZeroDivisionError("a library's own fault")


def fail_as_a_library() -> NoReturn:
    raise OSError("image file is truncated")
