"""How much a media worker may use for one recording: it grows with its length, as an honest one needs."""

from __future__ import annotations

from typing import Final

from syndicate.media.worker_limits import WorkerLimits

SLOWEST_DISK: Final = 5 << 20
"""Bytes a second: what the slowest disk copies that a server should have."""
_ROOM: Final = 256 << 20
"""Bytes that what is made of a small file may have."""
_USUAL: Final = WorkerLimits()


def stamping_limits(size: int) -> WorkerLimits:
    """The limits for writing the stamp into a file of `size` bytes: the copy is as long as the file."""
    seconds = size // SLOWEST_DISK
    return WorkerLimits(
        memory=_USUAL.memory,
        cpu_seconds=_USUAL.cpu_seconds + seconds,
        seconds=_USUAL.seconds + seconds,
        file_size=size + _ROOM,
    )


def rendition_limits(size: int, duration: int | None, *, previews: bool) -> WorkerLimits:
    """The limits for inspecting a recording and making its renditions; `duration` in milliseconds.

    A preview may take twice as long as the recording lasts, an hour where its length is unknown.
    """
    reading = size // SLOWEST_DISK
    encoding = 120 + 2 * (1_800_000 if duration is None else duration) // 1000 if previews else 0
    return WorkerLimits(
        memory=_USUAL.memory,
        cpu_seconds=_USUAL.cpu_seconds + reading,
        seconds=_USUAL.seconds + reading + encoding,
        file_size=max(size, _ROOM),
    )
