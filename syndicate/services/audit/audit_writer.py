"""Write trail lines about answers in groups: an answer waits until its line is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from syndicate.errors import StoreFault
from syndicate.logger import Logger
from syndicate.store.protocol import Outcome, Pending, Store

_log = Logger("syndicate.services")

_MAX_GROUP = 500
"""Lines in one transaction."""
_MAX_TURNS = 8
"""Turns of the event loop for which a group gathers after the one before it."""

Result = Outcome | StoreFault | RuntimeError
"""What became of a line. A StoreFault where it could not be written, a RuntimeError after an unexpected
error: then the answer must not leave."""
Told = Callable[[Result], None]
"""Is called once what became of a line is durable."""

_Waiting = tuple[Pending, Told]


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
        """Queue one line; the future gets its `Result`, once that is durable: an outcome or an exception.

        Cancelling the future takes nothing out of the queue.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def told(result: Result) -> None:
            if future.done():
                return
            if isinstance(result, Outcome):
                future.set_result(result)
            else:
                future.set_exception(result)

        self.submit_for(pending, told)
        return future

    def submit_for(self, pending: Pending, told: Told) -> None:
        """Queue one line whose answer leaves when `told` is called, before the next group is written."""
        self._queue.append((pending, told))
        if self._task is None or self._task.done():
            # The task begins at the next turn of the loop, with everything that came in this one.
            self._task = asyncio.get_running_loop().create_task(self._write_queue())

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
                group = ()
                await self._gather()
        except BaseException as error:
            # The task was cancelled: nobody else will answer those who wait.
            waiting, self._queue, self._task = [*group, *self._queue], [], None
            _fail(waiting, error)
            raise

    async def _gather(self) -> None:
        """Let those who were just answered ask again, as long as each turn of the loop brings more lines.

        Else two groups take turns, each with half of those who ask, and each answer pays for more syncs.
        """
        await asyncio.sleep(0)  # who waits for a future goes on in this turn
        for _ in range(_MAX_TURNS):
            waiting = len(self._queue)
            await asyncio.sleep(0)
            if len(self._queue) == waiting:
                return

    async def _write_group(self, group: Sequence[_Waiting]) -> None:
        """Commit one group. Its failure fails its own lines and no others."""
        try:
            outcomes = await self._store.record([pending for pending, _ in group])
            for (_, told), outcome in zip(group, outcomes, strict=True):
                _tell(told, outcome)
        except StoreFault as fault:
            _fail(group, fault)
        except Exception as error:  # noqa: BLE001  (the lines that queue behind must still be written)
            _log.error("audit_write_failed", lines=len(group), exc_info=error)
            _fail(group, error)


def _fail(group: Sequence[_Waiting], error: BaseException) -> None:
    """Tell everyone who waits, each by an exception of its own."""
    for _, told in group:
        if isinstance(error, StoreFault):
            _tell(told, type(error)(error.text, code=error.code))
        else:
            _tell(told, RuntimeError(f"the trail could not be written: {error!r}"))


def _tell(told: Told, result: Result) -> None:
    """Tell one of those who wait; an error of its own must not keep it from the others."""
    try:
        told(result)
    except Exception as error:  # noqa: BLE001  (logged; the line is written, and its answer does not leave)
        _log.error("answer_failed_after_its_line", exc_info=error)
