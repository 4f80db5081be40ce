"""Show how far `ingest` has come: a bar on a terminal, a line now and then elsewhere, a rate at the end."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from syndicate.cli.ingestion.document_files import counts
from syndicate.cli.ui.output import Output
from syndicate.language import Text

_LONG_WORK: Final = 20
"""Documents from which on a bar shows how far the work has come, and a rate at the end how fast it was."""
_EVERY: Final = 10.0
"""Seconds from one line to the next where no terminal shows a bar."""
_TICK: Final = 0.2


class IngestProgress:
    """How far ingest of some folders has come. `done` gives the number of documents with a result."""

    def __init__(self, voice: Output, paths: Iterable[Path], done: Callable[[], int]) -> None:
        self._voice, self._paths, self._done = voice, list(paths), done
        self._begun = time.monotonic()
        self._total: int | None = None
        self._counted = asyncio.Event()

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show it while the block runs; nothing where the work is short."""
        showing = asyncio.ensure_future(self._bar() if sys.stderr.isatty() else self._lines())
        counting = asyncio.ensure_future(self._count())
        try:
            yield
        finally:
            for task in (counting, showing):
                task.cancel()
            await asyncio.gather(counting, showing, return_exceptions=True)

    def rate(self) -> Text | None:
        """How long it took and how fast it was; None for a few documents."""
        done, seconds = self._done(), time.monotonic() - self._begun
        if done < _LONG_WORK:
            return None
        each = done / max(seconds, 1e-3)
        return Text(
            f"用时 {seconds:.1f} 秒，平均每秒 {each:,.0f} 份",
            f"{seconds:.1f} seconds, {each:,.0f} documents a second",
        )

    async def _count(self) -> None:
        self._total = await asyncio.to_thread(lambda: sum(map(_documents_below, self._paths)))
        self._counted.set()

    async def _lines(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            self._voice.aside(self._said())

    def _said(self) -> Text:
        """`12,000 / 50,000 份，每秒 640 份，约剩 1 分钟`."""
        done, seconds = self._done(), time.monotonic() - self._begun
        each = done / max(seconds, 1e-3)
        of = "" if self._total is None else f" / {self._total:,}"
        said = Text(
            f"已收 {done:,}{of} 份，每秒 {each:,.0f} 份", f"{done:,}{of} documents, {each:,.0f} a second"
        )
        if self._total is None or not done:
            return said
        minutes, left = divmod(round(max(self._total - done, 0) / each), 60)
        return said + Text(f"，约剩 {minutes} 分 {left:02} 秒", f", {minutes} min {left:02} s left")

    async def _bar(self) -> None:
        # Here, not above: rich takes long to load.
        from rich.console import Console
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        def row() -> Table:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(
                ProgressBar(total=self._total, completed=self._done(), width=24),
                self._said().in_(self._voice.lang),
            )
            return grid

        await self._counted.wait()
        if self._total is None or self._total < _LONG_WORK:
            return
        # The bar moves aside for lines on stdout only where both are the same screen.
        with Live(
            row(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            auto_refresh=False,
        ) as live:
            while True:
                live.update(row(), refresh=True)
                await asyncio.sleep(_TICK)


def _documents_below(path: Path) -> int:
    """About how many documents a path has: links out of a folder are counted, and left out by ingest."""
    if not path.is_dir():
        return 1
    total = 0
    for _, folders, files in os.walk(path):
        folders[:] = [name for name in folders if counts(name)]
        total += sum(map(counts, files))
    return total
