"""What goes between the server and a process that reads media files: a job there, its end back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from syndicate.errors import SyndicateError
from syndicate.media.worker_limits import WorkerLimits

READY: Final = "ready"
"""The first answer: everything is imported, and what ends the process now is a file."""


@dataclass(frozen=True, slots=True)
class Job:
    """A function of a module to call about the file that goes by `name`."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    limits: WorkerLimits


@dataclass(frozen=True, slots=True)
class Done:
    """What the function returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """What it raised: a SyndicateError, or an OSError of the disk."""

    error: SyndicateError | OSError
