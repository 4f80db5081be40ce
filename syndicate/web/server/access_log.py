"""Write logs as JSON lines on stderr: no token, no query string, no client address.

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
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

import structlog

_TOKEN = re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*")
"""Whatever looks like a partner's key. Some clients put it into the path, where it is not accepted."""


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
            structlog.processors.JSONRenderer(ensure_ascii=True),
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
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class AccessLog:
    """Collects one line per answer and writes them in groups."""

    def __init__(self, stream: TextIO = sys.stderr, every: float = 0.5) -> None:
        self._stream, self._every = stream, every
        self._lines: list[tuple[float, str, str, str, int, int, float, str]] = []
        self._task: asyncio.Task[None] | None = None

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
        self._lines.append((at, request_id, method, path, status, size, seconds, partner))

    def start(self) -> None:
        """Start to write periodically."""
        self._task = asyncio.create_task(self._write_periodically())

    async def stop(self) -> None:
        """Stop, and write what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.write()

    def write(self) -> None:
        """Write all collected lines."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        self._stream.write("".join(_line(*line) for line in lines))
        self._stream.flush()

    async def _write_periodically(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            self.write()


def _line(
    at: float,
    request_id: str,
    method: str,
    path: str,
    status: int,
    size: int,
    seconds: float,
    partner: str,
) -> str:
    whose = f', "partner": {_quoted(partner)}' if partner else ""
    moment = f"{_second(int(at))}.{int(at % 1 * 1000):03}+00:00"
    return (
        f'{{"event": "request", "request_id": "{request_id}", "method": {_quoted(method)}, '
        f'"path": {_quoted(path)}, "status": {status}, "bytes": {size}, "ms": {seconds * 1000:.2f}, '
        f'"timestamp": "{moment}", "worker": {os.getpid()}{whose}}}\n'
    )


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """A JSON string in ASCII, with keys replaced.

    Control and bidi characters are escaped, so that a path can neither forge nor hide a line. Cached,
    since readers send the same paths for hours.
    """
    return json.dumps(_TOKEN.sub("[key]", text)[:300])


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
