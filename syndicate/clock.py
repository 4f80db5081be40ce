"""The server's clock: the machine's time, except that it never goes back.

A clock that is set back would close what was opened, open expired keys, and judge the past anew. So time
goes on by the machine's own counting from the latest moment that was ever seen: by this process, or by
the trail before it was started.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from syndicate.errors import ClockBehind
from syndicate.language import Text

MOST_BEHIND: Final = timedelta(days=1)
"""A clock further behind the trail than this is not worked with: somebody has to set it."""
_WORTH_SAYING: Final = timedelta(seconds=30)


def wall_clock() -> datetime:
    """The machine's time: aware, in UTC."""
    return datetime.now(UTC)


class SteadyClock:
    """A clock that never answers a time before `floor` or before its last answer. Aware, in UTC.

    Raises ClockBehind where the machine's clock is more than a day behind `floor`.
    """

    def __init__(
        self,
        floor: datetime,
        wall: Callable[[], datetime] = wall_clock,
        counter: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._counter = wall, counter
        now = wall()
        if floor - now > MOST_BEHIND:
            raise ClockBehind(
                Text(
                    f"本机时钟（{now.isoformat()}）比审计记录的最后一条（{floor.isoformat()}）早了一天以上："
                    "请先校准时钟；如果时钟正确，请执行 syndicate clock accept --reason …",
                    f"this machine's clock ({now.isoformat()}) is more than a day behind the trail's last "
                    f"line ({floor.isoformat()}): set the clock first; if it is right, run "
                    "`syndicate clock accept --reason …`",
                )
            )
        self._base, self._from = max(now, floor), counter()
        self._warned = False
        self._look(self._base - now)

    def __call__(self) -> datetime:
        """Now."""
        now = self._wall()
        counted = self._base + timedelta(seconds=self._counter() - self._from)
        if now >= counted:
            if now - counted >= _WORTH_SAYING:
                _log("clock_ahead", now - counted)
            self._base, self._from = now, self._counter()
            self._warned = False
            return now
        self._look(counted - now)
        return counted

    def _look(self, behind: timedelta) -> None:
        """Say it aloud, once, where the machine's clock is far behind."""
        if behind >= _WORTH_SAYING and not self._warned:
            self._warned = True
            _log("clock_behind", behind)


def _log(event: str, by: timedelta) -> None:
    # Here, not above: structlog takes long to load, and a command nearly never needs it.
    import structlog

    structlog.get_logger("syndicate.clock").error(event, seconds=int(by.total_seconds()))
