"""Run periodic tasks: removals of items whose rights have ended, overdue marks, signed checkpoints.

Every worker has a scheduler. The first worker that comes to a task does it; the others find it done.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import SyndicateError
from syndicate.logger import Logger
from syndicate.services.changes.takedowns import Takedowns

ROUND_SECONDS = 2.0
"""Seconds between two rounds."""
CHECKPOINTS = timedelta(minutes=55)
"""How old the newest checkpoint of a growing trail may become: with a round's delay, under an hour."""
_AT_LEAST = timedelta(seconds=30)
"""How often removals are looked for although no change was announced: rights also end by time."""

_log = Logger("syndicate.services")


class Checkpoints(Protocol):
    """The service that signs checkpoints of the trail."""

    async def checkpoint(self, at_least: timedelta | None = None) -> object:
        """Sign a checkpoint, if the trail has grown and the last checkpoint is at least as old as this."""


class Scheduler:
    """Run the periodic tasks of one worker."""

    def __init__(
        self,
        rights_cache: RightsCache,
        takedowns: Takedowns,
        checkpoints: Checkpoints | None,
        clock: Clock,
    ) -> None:
        self._rights_cache, self._takedowns, self._clock = rights_cache, takedowns, clock
        self._checkpoints = checkpoints
        self._seen: int | None = None
        self._looked: datetime | None = None

    async def round(self) -> None:
        """Run every task that is due now. Raises StoreFault, KeyringFault."""
        register, _ = await self._rights_cache.read()
        now = self._clock()
        # A new item ends no right: only a change of rights does, and time.
        due = register.seq != self._seen or self._looked is None or abs(now - self._looked) >= _AT_LEAST
        # Removals that are not all written are tried again in the next round.
        if due and await self._takedowns.order_all():
            self._seen, self._looked = register.seq, now
        await self._takedowns.follow_up()
        if self._checkpoints is not None:
            await self._checkpoints.checkpoint(CHECKPOINTS)

    async def work(self) -> None:
        """Run rounds until cancelled, one each `ROUND_SECONDS`. A round that fails is logged."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.round()
            except SyndicateError as error:
                _log.error("scheduler_round_failed", code=error.code, why=error.text.en)
            except Exception as error:  # noqa: BLE001  (without a scheduler no removal is written)
                _log.error("scheduler_round_crashed", exc_info=error)
