"""Write trail lines about answers in groups: an answer waits until its line is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from syndicate.errors import StoreFault
from syndicate.logger import Logger
from syndicate.store.protocol import Outcome, Pending, Store

_log = Logger("syndicate.services")

_MAX_GROUP = 500
"""Lines in one transaction."""
_MAX_TURNS = 8
"""Turns of the event loop for which a group gathers after the one before it."""

_Waiting = tuple[Pending, asyncio.Future[Outcome]]


class AuditWriter:
    """Collect the lines of concurrent requests and commit them together.

    A group is whatever waits: while one is being committed the next gathers. So a busy server pays one
    sync for many answers, and an idle one waits for nobody.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def submit(self, pending: Pending) -> asyncio.Future[Outcome]:
        """Queue one line; the future gets what became of it, once that is durable.

        Its exception is a StoreFault where the line cannot be written, and RuntimeError after an unexpected
        error: the answer must not leave. Cancelling the future takes nothing out of the queue.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._queue.append((pending, future))
        if self._task is None or self._task.done():
            # The task begins at the next turn of the loop, with everything that came in this one.
            self._task = loop.create_task(self._write_queue())
        return future

    async def write(self, pending: Pending) -> Outcome:
        """`submit`, and wait."""
        return await self.submit(pending)

    async def flush(self) -> None:
        """Wait until nothing is left to write."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _write_queue(self) -> None:
        group: Sequence[_Waiting] = ()
        try:
            while self._queue:
                group, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
                await self._write_group(group)
                await self._gather()
        except BaseException as error:
            # The task was cancelled: nobody else will answer those who wait.
            _fail([*group, *self._queue], error)
            self._queue.clear()
            raise

    async def _gather(self) -> None:
        """Let those who were just answered ask again, as long as each turn of the loop brings more lines.

        Else two groups take turns, each with half of those who ask, and each answer pays for more syncs.
        """
        await asyncio.sleep(0)  # the answers leave in this turn
        for _ in range(_MAX_TURNS):
            waiting = len(self._queue)
            await asyncio.sleep(0)
            if len(self._queue) == waiting:
                return

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
            future.set_exception(type(error)(error.text, code=error.code))
        else:
            future.set_exception(RuntimeError(f"the trail could not be written: {error!r}"))
