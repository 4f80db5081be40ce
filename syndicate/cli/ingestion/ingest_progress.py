"""Show how far `ingest` has come: a bar on a terminal, a line now and then elsewhere, a rate at the end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndicate.cli.ingestion.document_files import FileKind, files_of
from syndicate.cli.ui.output import Output
from syndicate.language import Text, size_text
from syndicate.media.file_types import SUFFIXES

_LONG_WORK: Final = 20
"""Documents from which on a bar shows how far the work has come, and a rate at the end how fast it was."""
_LARGE: Final = 64 << 20
"""Bytes from which on a bar shows it too, in bytes: pictures and films take long, however few they are."""
_EVERY: Final = 10.0
"""Seconds from one line to the next where no terminal shows a bar."""
_TICK: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Work:
    """How many documents there are, and how many bytes with their media."""

    documents: int
    size: int


class IngestProgress:
    """How far ingest of some folders has come.

    `done` gives the number of documents with a result, `read` the bytes that were read of them and of their
    media.
    """

    def __init__(
        self, voice: Output, paths: Iterable[Path], done: Callable[[], int], read: Callable[[], int]
    ) -> None:
        self._voice, self._paths, self._done, self._read = voice, list(paths), done, read
        self._begun = time.monotonic()
        self._total: _Work | None = None
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
        self._total = await asyncio.to_thread(_work, self._paths)
        self._counted.set()

    async def _lines(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            self._voice.aside(self._said())

    def _said(self) -> Text:
        """`12,000 / 50,000 份，每秒 640 份，约剩 1 分钟`; with large files `已读 1.2 GB / 4.8 GB` too."""
        done, total, seconds = self._done(), self._total, time.monotonic() - self._begun
        each = done / max(seconds, 1e-3)
        of = "" if total is None else f" / {max(total.documents, done):,}"
        said = Text(f"已收 {done:,}{of} 份", f"{done:,}{of} documents")
        if total is not None and total.size >= _LARGE:
            bytes_of = f"{size_text(min(self._read(), total.size))} / {size_text(total.size)}"
            said += Text(f"，已读 {bytes_of}", f", {bytes_of} read")
        else:
            said += Text(f"，每秒 {each:,.0f} 份", f", {each:,.0f} a second")
        share = self._share()
        if total is not None and share == 1 and done < total.documents:
            return said + Text("，正在处理", ", working on it")
        if not 0 < share < 1:
            return said
        minutes, left = divmod(round(seconds * (1 - share) / share), 60)
        return said + Text(f"，约剩 {minutes} 分 {left:02} 秒", f", {minutes} min {left:02} s left")

    def _share(self) -> float:
        """How much is done, from 0 to 1: of the bytes where there are many, else of the documents."""
        total = self._total
        if total is None or not total.documents:
            return 0
        if total.size >= _LARGE:
            return min(1, self._read() / total.size)
        return min(1, self._done() / total.documents)

    async def _bar(self) -> None:
        # Here, not above: rich takes long to load.
        from rich.console import Console
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        def row() -> Table:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(
                ProgressBar(total=1, completed=self._share(), width=24),
                self._said().in_(self._voice.lang),
            )
            return grid

        await self._counted.wait()
        total = self._total
        if total is None or (total.documents < _LONG_WORK and total.size < _LARGE):
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


def _work(paths: Iterable[Path]) -> _Work:
    """The documents at and below the paths; media files count where there is nothing else."""
    counted, size = Counter[FileKind](), 0
    for path in paths:
        for file, kind in files_of(path):
            counted[kind] += 1
            page_file = kind is FileKind.PAGE_PART and file.suffix.lower() in SUFFIXES
            if kind in (FileKind.DOCUMENT, FileKind.MEDIA) or page_file:
                with suppress(OSError):  # it has gone meanwhile
                    size += file.stat().st_size
    return _Work(counted[FileKind.DOCUMENT] or counted[FileKind.MEDIA], size)
