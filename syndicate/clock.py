"""The server's clock: the machine's time, except that it never goes back and does not jump forward at once.

A clock that is set back would close what was opened, open expired keys, and judge the past anew. So time
goes on by the machine's own counting from the latest time that was ever seen: by this process, or by
the trail before it was started. A clock that jumps forward would open embargoes and end licences, and what
was recorded with its time could not be taken back. So nothing is decided until the new time has stood for a
while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from syndicate.errors import ClockAhead, ClockBehind
from syndicate.language import Text
from syndicate.logger import Logger

MOST_BEHIND: Final = timedelta(days=1)
"""A clock further behind the trail than this is not worked with: somebody has to set it."""
_WORTH_SAYING: Final = timedelta(seconds=30)
"""A difference from the machine's own counting that raises an alarm."""
PAUSE: Final = timedelta(minutes=5)
"""How long a clock that jumped forward must stand by its time before it is believed."""


def wall_clock() -> datetime:
    """The machine's time: aware, in UTC."""
    return datetime.now(UTC)


def boot_counter() -> float:
    """Seconds that the machine counted, those that it slept included; nobody can set them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SteadyClock:
    """A clock that never answers a time before `floor` or before its last answer. Aware, in UTC.

    To make it raises ClockBehind where the machine's clock is more than a day behind `floor`. To call it
    raises ClockAhead for five minutes after the machine's clock jumped forward by more than half a minute;
    a clock that is set right within that time goes on as if nothing had happened.
    """

    def __init__(
        self,
        floor: datetime,
        wall: Callable[[], datetime] = wall_clock,
        counter: Callable[[], float] = boot_counter,
    ) -> None:
        self._wall, self._counter = wall, counter
        self.follows_machine = wall is wall_clock
        """Whether this clock goes on as `time.time()` does, for as long as that does not jump."""
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
        self._jumped: tuple[float, timedelta] | None = None
        """When the clock was first found ahead, by the counter, and by how much."""
        self._look(self._base - now)

    def __call__(self) -> datetime:
        """Now. Raises ClockAhead."""
        now, count = self._wall(), self._counter()
        counted = self._base + timedelta(seconds=count - self._from)
        self._doubt(now - counted, count)
        if now >= counted:
            self._base, self._from = now, count
            self._warned = False
            return now
        self._look(counted - now)
        return counted

    def _doubt(self, ahead: timedelta, count: float) -> None:
        """Raise ClockAhead while a jump forward is not believed yet, with an alarm when it begins."""
        if ahead <= _WORTH_SAYING:
            if self._jumped is not None:
                _log("clock_right_again", ahead)
            self._jumped = None
            return
        if self._jumped is None or abs(ahead - self._jumped[1]) > _WORTH_SAYING:
            self._jumped = count, ahead
            _log("clock_ahead", ahead)
        left = PAUSE - timedelta(seconds=count - self._jumped[0])
        if left > timedelta(0):
            jump, wait = int(ahead.total_seconds()), int(left.total_seconds()) + 1
            raise ClockAhead(
                Text(
                    f"本机时钟突然快了 {jump} 秒，服务已暂停，不作任何记录：请立即校准时钟；"
                    f"如果时钟正确，{wait} 秒后自动恢复，重新启动服务则立即恢复",
                    f"this machine's clock jumped {jump} seconds forward; nothing is served or recorded: "
                    f"set it right now; if it is right, work goes on in {wait} seconds, or at once after a "
                    "restart",
                )
            )
        _log("clock_ahead_believed", ahead)
        self._jumped = None

    def _look(self, behind: timedelta) -> None:
        """Say it aloud, once, where the machine's clock is far behind."""
        if behind >= _WORTH_SAYING and not self._warned:
            self._warned = True
            _log("clock_behind", behind)


def _log(event: str, by: timedelta) -> None:
    Logger("syndicate.clock").error(event, seconds=int(by.total_seconds()))
