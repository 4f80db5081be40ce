"""Files come in as items, with what is made of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from syndicate.media.worker_limits import WorkerLimits
from syndicate.media.worker_pool import MediaWorkers
from syndicate.model.item import Medium
from tests.support.media_house import recording
from tests.support.servers import serving


def test_a_recording_may_be_longer_than_what_a_worker_writes_of_other_files(tmp_path: Path) -> None:
    """A film of two gigabytes was refused, since its stamped copy passed the limit for pictures."""

    async def act() -> None:
        async with serving(tmp_path / "data") as here:
            here.house.__dict__["media_workers"] = MediaWorkers(1, WorkerLimits(file_size=1024))
            film = await recording(here, "film.mp4", "萧山网-萧山电视台", Medium.VIDEO)
            assert [one.name for one in film.renditions if one.stamped_size is None] == []
            assert all(one.size > 1024 for one in film.renditions)

    asyncio.run(act())
