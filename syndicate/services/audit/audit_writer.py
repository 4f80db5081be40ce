"""The trail's pen: lines about answers are written in groups, and an answer waits for its line."""

from __future__ import annotations

import asyncio

from syndicate.errors import StoreFault, SyndicateError
from syndicate.store.protocol import Outcome, Pending, Store

_MOST = 500
"""Lines in one transaction at most."""
_GATHER = 0.001
"""Seconds for which a busy server waits for more lines before it commits."""


class AuditWriter:
    """Collects the lines of requests under way and commits them together.

    While one group is being committed the next gathers, so a busy server pays one sync for many
    answers, and an idle one waits for nobody.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Pending, asyncio.Future[Outcome]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._busy = False

    async def write(self, pending: Pending) -> Outcome:
        """Write one line; what became of it.

        Raises StoreFault where the line cannot be written: the answer must not leave.
        """
        written: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((pending, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def flush(self) -> None:
        """Wait until nothing is left to write."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])

    async def _write_all(self) -> None:
        # One turn of the loop, so that requests which came together are written together; where several
        # came together last time, a moment more: a commit costs as much as many lines.
        await asyncio.sleep(_GATHER if self._busy else 0)
        while self._waiting:
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._busy = len(group) > 1
            try:
                results = await self._store.record([pending for pending, _ in group])
            except SyndicateError as fault:
                self._fail(group, fault)
                continue
            except BaseException as accident:
                self._fail(group, accident)
                raise
            for (_, written), result in zip(group, results, strict=True):
                if not written.done():
                    written.set_result(result)

    @staticmethod
    def _fail(group: list[tuple[Pending, asyncio.Future[Outcome]]], fault: BaseException) -> None:
        for _, written in group:
            if not written.done():
                if isinstance(fault, StoreFault):
                    written.set_exception(type(fault)(fault.text))
                else:
                    written.set_exception(RuntimeError(f"the trail could not be written: {fault!r}"))
