"""For `make bench` alone: this server with its gate held open, so that what the trail costs is seen.

`python -m tests.bench.trailless --data DIR serve …` takes the commands of `syndicate`. Answers leave with
no line, no count and no look at what changed: no product, only something to compare with.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from syndicate.cli import main
from syndicate.store.protocol import Outcome, Pending
from syndicate.store.sql_store import SqlStore


async def _held_open(self: SqlStore, pending: Sequence[Pending]) -> list[Outcome]:
    """Write down nothing."""
    return [Outcome.WRITTEN] * len(pending)


if __name__ == "__main__":
    SqlStore.record = _held_open  # type: ignore[method-assign]
    sys.exit(main())
