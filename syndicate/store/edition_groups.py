"""Ask for the times of several editions together: what waits at the same time shares its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from syndicate.errors import StoreFault, StoreReadOnly
from syndicate.store.database import Database
from syndicate.store.edition_records import (
    EditionContent,
    answer,
    edition_moments,
    edition_records,
    whole_second,
)

_Waiting = tuple[EditionContent, asyncio.Future[datetime | None]]


class EditionGroups:
    """The requests for times that wait. While one group is answered the next one gathers.

    After a new item many feeds have new content at once. In groups they cost one write and not one each.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def moment(self, content: EditionContent) -> datetime | None:
        """See `Store.edition_moment`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[datetime | None] = loop.create_future()
        self._queue.append((content, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._answer_queue())
        return await future

    async def _answer_queue(self) -> None:
        group: list[_Waiting] = []
        try:
            while self._queue:
                group, self._queue = self._queue, []
                await self._answer(group)
        finally:  # where the task was cancelled, nobody else answers those who wait
            left, self._queue = [*group, *self._queue], []
            for _, future in left:
                future.cancel()

    async def _answer(self, group: Sequence[_Waiting]) -> None:
        """Answer one group. Its failure fails those in it and no others."""
        try:
            moments = await self._moments([content for content, _ in group])
        except Exception as error:  # noqa: BLE001  (raised again where somebody waits for it)
            for _, future in group:
                if not future.done():
                    future.set_exception(_own(error))
            return
        for (_, future), moment in zip(group, moments, strict=True):
            if not future.done():
                future.set_result(moment)

    async def _moments(self, contents: Sequence[EditionContent]) -> list[datetime | None]:
        known = await self._database.read(lambda transaction: edition_records(transaction, contents))
        found = [answer(record, content) for record, content in zip(known, contents, strict=True)]
        new = [content for content, (_, news) in zip(contents, found, strict=True) if news is not None]
        if not new:
            return [since for since, _ in found]
        try:
            written = iter(
                await self._database.transact(
                    lambda transaction: edition_moments(transaction, new), lazily=True
                )
            )
        except StoreReadOnly:
            written = iter([whole_second(content.at) for content in new])
        return [since if news is None else next(written) for since, news in found]


def _own(error: Exception) -> Exception:
    """The error for one of those who wait: each raises one of its own."""
    return type(error)(error.text, code=error.code) if isinstance(error, StoreFault) else error
