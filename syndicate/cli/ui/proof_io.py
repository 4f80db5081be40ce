"""Files of proof come in and go out: line by line, whole or not at all, with a count of what went by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click

from syndicate.cli.ui.output import Output
from syndicate.durable_files import replaced_file
from syndicate.language import Text

PATH: Final = click.Path(path_type=Path)
_STEP: Final = 1_000
"""Lines after which the count on the screen moves."""


@contextmanager
def read(path: Path) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file


@contextmanager
def written(path: Path | None) -> Iterator[BinaryIO]:
    """A file that appears whole or not at all; standard output where there is none."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with replaced_file(path) as file:
        yield file


@contextmanager
def counting(voice: Output) -> Iterator[Callable[[int], None]]:
    """Shows how many lines have gone by, on a terminal."""
    # Here, not above: rich takes long to load.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.completed} " + Text("条", "lines").in_(voice.lang))
    bar = Progress(
        SpinnerColumn(),
        words,
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("", total=None)

        def progress(count: int) -> None:
            if count % _STEP == 0:
                bar.update(task, completed=count)

        yield progress
