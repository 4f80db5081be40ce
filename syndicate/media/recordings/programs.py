"""Run ffprobe and ffmpeg on files of strangers: with limits, without a network, on the one file alone.

The program gets no shell, no input, no environment of ours, and no file but the one that it is given:
a playlist that calls itself a film opens nothing. What it says is read up to a limit.
"""

from __future__ import annotations

import resource
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

LARGEST_ANSWER: Final = 1 << 20
_PIECE: Final = 65_536
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
FORMATS: Final = {
    "audio/mpeg": "mp3",
    "audio/mp4": "mov",
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "audio/ogg": "ogg",
    "video/ogg": "ogg",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/webm": "matroska",
    "video/webm": "matroska",
    "video/matroska": "matroska",
}
"""What ffmpeg calls each kind of file. It is told, and never guesses: a text may be a playlist."""


class ProgramFailed(Exception):
    """The program could not read the file, or needed too much; `said` is the end of what it said."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """How much one run may use: seconds on the wall and of processors, bytes of memory, bytes of a file."""

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory: int = 1536 << 20
    file_size: int = 1 << 20


def program(name: str) -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which(name)


def input_options(path: Path, content_type: str) -> list[str]:
    """The options by which ffmpeg and ffprobe open one file as what it is, and nothing else."""
    return [
        *("-protocol_whitelist", "file"),
        *("-f", FORMATS[content_type]),
        *("-i", f"file:{path.absolute()}"),
    ]


def run(command: Sequence[str], limits: ProgramLimits) -> bytes:
    """Run a program and return what it writes to standard output, 1 MiB at most. Raises ProgramFailed."""
    with subprocess.Popen(  # noqa: S603  (no shell; the one file is named by its whole path)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        close_fds=True,
    ) as process:
        try:
            _limit(process.pid, limits)
            assert process.stdout is not None
            assert process.stderr is not None
            answer, said = _read(process.stdout, process.stderr, time.monotonic() + limits.seconds)
            code = process.wait(5)
        except BaseException:
            process.kill()
            raise
    if code:
        raise ProgramFailed(said.decode("utf-8", "replace")[-500:].strip() or f"exit {code}")
    return answer


def _limit(process: int, limits: ProgramLimits) -> None:
    """Set the limits of a process that has just begun; it inherits those of this one until then."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.prlimit(process, kind, (most, most))
        except ProcessLookupError:
            return  # it has ended already


def _read(answer: IO[bytes], errors: IO[bytes], deadline: float) -> tuple[bytes, bytes]:
    """Both outputs until they end; of errors the last part alone. Raises ProgramFailed."""
    found = {answer: b"", errors: b""}
    with selectors.DefaultSelector() as selector:
        for output in found:
            selector.register(output, selectors.EVENT_READ, output)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ProgramFailed("timeout")
            for key, _ in ready:
                stream: IO[bytes] = key.data
                piece = stream.read1(_PIECE)  # type: ignore[attr-defined]
                if not piece:
                    selector.unregister(stream)
                found[stream] += piece
                if len(found[answer]) > LARGEST_ANSWER:
                    raise ProgramFailed("output")
                found[errors] = found[errors][-_PIECE:]
    return found[answer], found[errors]
