"""Write trail lines about answers in groups: an answer waits until its line is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from syndicate.errors import StoreFault
from syndicate.store.protocol import Outcome, Pending, Store

_log = structlog.get_logger("syndicate.services")

_MAX_GROUP = 500
"""Lines in one transaction."""
_GATHER_SECONDS = 0.001
"""How long a busy writer waits for more lines before it commits."""

_Waiting = tuple[Pending, asyncio.Future[Outcome]]


class AuditWriter:
    """Collect the lines of concurrent requests and commit them together.

    While one group is being committed the next gathers. So a busy server pays one sync for many answers,
    and an idle one waits for nobody.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._busy = False

    async def write(self, pending: Pending) -> Outcome:
        """Write one line and return what became of it.

        Raises StoreFault where the line cannot be written, and RuntimeError after an unexpected error:
        the answer must not leave.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((pending, future))
        self._start()
        return await future

    async def flush(self) -> None:
        """Wait until nothing is left to write."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_queue())

    async def _write_queue(self) -> None:
        # Let the loop turn once, so that requests which came together are written together. Where the
        # last group had several lines, wait a little longer: a commit costs as much as many lines.
        group: Sequence[_Waiting] = ()
        try:
            await asyncio.sleep(_GATHER_SECONDS if self._busy else 0)
            while self._queue:
                group, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
                self._busy = len(group) > 1
                await self._write_group(group)
        except BaseException as error:
            # The task was cancelled: nobody else will answer those who wait.
            _fail([*group, *self._queue], error)
            self._queue.clear()
            raise

    async def _write_group(self, group: Sequence[_Waiting]) -> None:
        """Commit one group. Its failure fails its own lines and no others."""
        try:
            outcomes = await self._store.record([pending for pending, _ in group])
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
        except StoreFault as fault:
            _fail(group, fault)
        except Exception as error:  # noqa: BLE001  (the lines that queue behind must still be written)
            _log.error("audit_write_failed", lines=len(group), exc_info=error)
            _fail(group, error)


def _fail(group: Sequence[_Waiting], error: BaseException) -> None:
    """Tell everyone who waits, each by an exception of its own."""
    for _, future in group:
        if future.done():
            continue
        if isinstance(error, StoreFault):
            future.set_exception(type(error)(error.text))
        else:
            future.set_exception(RuntimeError(f"the trail could not be written: {error!r}"))
