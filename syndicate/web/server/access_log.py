"""Write logs as JSON lines on stderr: no key, no signed address, no query string, no client address.

Access log lines are collected and written twice a second: a write per answer would cost as much as the
answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TextIO

import structlog

_KEY = re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*")
"""Whatever looks like a partner's key. Some clients put it into the path, where it is not accepted."""
_ADDRESS = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{65,}")
"""Whatever is long enough for the token of a signed address. A SHA-256 in hex is shorter, and stays."""
_SIGNED_PATH = re.compile(r"(?<!/licensed)/media/.+", re.DOTALL | re.IGNORECASE)
"""What follows the beginning of a signed address, whatever a client made of it."""


def without_secrets(text: str) -> str:
    """Return the text without what opens anything: keys, and tokens of signed addresses."""
    return _ADDRESS.sub("[address]", _KEY.sub("[key]", text))


def configure(stream: TextIO = sys.stderr) -> None:
    """Log one JSON line per event, our own and those of libraries."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_one_line),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(_one_line),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _one_line(event: Mapping[str, object], **options: Any) -> str:
    return without_secrets(json.dumps(event, ensure_ascii=True, **options))


class LineParts(NamedTuple):
    """The parts of a line that are the same for every answer of a kind, as JSON members."""

    request: str
    worker: str


Line = tuple[float, str, float, LineParts]
"""When it was answered (seconds since the epoch), the request's id, seconds that it took, the rest."""


def line_parts(method: str, path: str, status: int, size: int, partner: str) -> LineParts:
    """Return what a line says of request and worker: `path` without query, `size` of the body."""
    whose = f', "partner": {_quoted(partner)}' if partner else ""
    return LineParts(
        f'"method": {_quoted(method)}, "path": {_quoted(path)}, "status": {status}, "bytes": {size}',
        f'"worker": {os.getpid()}{whose}',
    )


class AccessLog:
    """Collects one line per answer and writes them in groups.

    A line is formatted when it is written. What an answer costs here is one tuple in a list.
    """

    def __init__(self, stream: TextIO = sys.stderr, every: float = 0.5) -> None:
        self._stream, self._every = stream, every
        self._lines: list[Line] = []
        self.append = self._lines.append
        """Add one answer of a kind whose parts are known already."""
        self._timer: asyncio.TimerHandle | None = None

    def add(
        self,
        *,
        at: float,
        request_id: str,
        method: str,
        path: str,
        status: int,
        size: int,
        seconds: float,
        partner: str,
    ) -> None:
        """Add one answer: `at` in seconds since the epoch, `path` without query, `size` of the body."""
        self.append((at, request_id, seconds, line_parts(method, path, status, size, partner)))

    def start(self) -> None:
        """Start to write periodically, in the running event loop."""
        self._timer = asyncio.get_running_loop().call_later(self._every, self._write_and_go_on)

    async def stop(self) -> None:
        """Stop, and write what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.write()

    def write(self) -> None:
        """Write all collected lines."""
        if not self._lines:
            return
        text = "".join(_formatted(self._lines))
        self._lines.clear()
        self._stream.write(text)
        self._stream.flush()

    def _write_and_go_on(self) -> None:
        try:
            self.write()
        finally:
            self.start()


_HUNDREDTHS: Final = tuple(f"{number / 100:.2f}" for number in range(1_000))
_THOUSANDTHS: Final = tuple(f"{number:03}" for number in range(1_000))
"""Numbers as text. To format one costs as much as a small part of a small answer."""


def _formatted(lines: Iterable[Line]) -> Iterator[str]:
    second, stamp = -1, ""
    for at, request_id, seconds, (request, worker) in lines:
        if int(at) != second:
            second = int(at)
            stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        hundredths = int(seconds * 100_000 + 0.5)
        took = _HUNDREDTHS[hundredths] if 0 <= hundredths < 1_000 else f"{seconds * 1000:.2f}"
        yield (
            f'{{"event": "request", "request_id": "{request_id}", {request}, "ms": {took}, '
            f'"timestamp": "{stamp}.{_THOUSANDTHS[int((at - second) * 1000)]}+00:00", {worker}}}\n'
        )


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """A JSON string in ASCII, with keys and signed addresses replaced.

    Control and bidi characters are escaped, so that a path can neither forge nor hide a line. Cached,
    since readers send the same paths for hours.
    """
    return json.dumps(_SIGNED_PATH.sub("/media/[address]", without_secrets(text))[:300])
