"""Show how far work on files has come, in bytes: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from syndicate.cli.ui.output import Output
from syndicate.language import Text, size_text

_EVERY: Final = 10.0
"""Seconds from one line to the next where no terminal shows a bar."""


@contextmanager
def counting_bytes(voice: Output, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of `total` bytes is done; call what this gives with the bytes done since."""
    with _bar(total) if sys.stderr.isatty() else _lines(voice, total) as advance:
        yield advance


@contextmanager
def _lines(voice: Output, total: int) -> Iterator[Callable[[int], None]]:
    done, said = 0, time.monotonic()

    def advance(size: int) -> None:
        nonlocal done, said
        done += size
        if time.monotonic() - said >= _EVERY:
            said = time.monotonic()
            of = f"{size_text(done)} / {size_text(total)}"
            voice.aside(Text(f"已读 {of}", f"{of} read"))

    yield advance


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    # Here, not above: rich takes long to load.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    bar = Progress(
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda size: bar.advance(task, size)
