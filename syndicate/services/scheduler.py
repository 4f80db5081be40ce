"""The night clerk: what happens by itself because its time has come.

Rights end while nobody asks: orders to take down are put into the sequences of those who hold something.
What is overdue is said aloud. The trail gets its signed checkpoint. Every worker has a clerk, and each
thing is done once, whoever comes first.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import SyndicateError
from syndicate.services.changes.takedowns import Takedowns

ROUND = 2.0
"""Seconds between two rounds."""
CHECKPOINTS = timedelta(minutes=55)
"""How old the newest checkpoint of a growing trail may become: with a round's delay, under an hour."""
_AT_LEAST = timedelta(seconds=30)
"""How often everything is looked through although nothing was announced: rights end with time."""

_log = structlog.get_logger("syndicate.services")


class Proofs(Protocol):
    """The desk that signs checkpoints of the trail."""

    async def checkpoint(self, at_least: timedelta | None = None) -> object:
        """Sign the trail as it stands, if it has grown and the last checkpoint is as old as this."""


class Scheduler:
    """One per worker."""

    def __init__(
        self, standing: RightsCache, takedowns: Takedowns, proofs: Proofs | None, clock: Clock
    ) -> None:
        self._standing, self._takedowns, self._proofs, self._clock = standing, takedowns, proofs, clock
        self._seen: int | None = None
        self._looked: datetime | None = None

    async def round(self) -> None:
        """Do what is due now. Raises StoreFault, KeyringFault."""
        register, _ = await self._standing.read()
        now = self._clock()
        # A new item ends nobody's right: only a change of rights, and time, do.
        if register.seq != self._seen or self._looked is None or abs(now - self._looked) >= _AT_LEAST:
            await self._takedowns.order_all()
            self._seen, self._looked = register.seq, now
        await self._takedowns.follow_up()
        if self._proofs is not None:
            await self._proofs.checkpoint(CHECKPOINTS)

    async def work(self) -> None:
        """Round after round, until cancelled. A round that fails is said aloud and tried again."""
        while True:
            await asyncio.sleep(ROUND)
            try:
                await self.round()
            except SyndicateError as fault:
                _log.error("clerk_round_failed", code=fault.code, why=fault.text.en)
            except Exception as accident:  # noqa: BLE001  (a clerk that stays away orders no take-down)
                _log.error("clerk_accident", exc_info=accident)
