"""Files come in as items, with what is made of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from syndicate.cli.ingestion import ingest_progress
from syndicate.cli.ingestion.ingest_progress import IngestProgress
from syndicate.cli.ui.output import Output
from syndicate.language import Lang
from syndicate.media.worker_limits import WorkerLimits
from syndicate.media.worker_pool import MediaWorkers
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.media_delivery import MediaRequest
from syndicate.services.delivery.stamped_media import StampedMedia
from syndicate.store.files.folder_files import FolderFiles
from tests.support.factories import STAFF
from tests.support.media_house import licence, mandate, recording
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


def test_ingest_of_large_files_says_how_many_bytes_it_has_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ingest_progress, "_EVERY", 0.01)
    folder = tmp_path / "in"
    (folder / "页_files").mkdir(parents=True)
    with (folder / "film.mp4").open("wb") as film:
        film.truncate(100_000_000)
    (folder / "film.toml").write_text("")
    (folder / "页_files" / "a.jpg").write_bytes(b"x" * 1000)
    (folder / "页_files" / "script.js").write_bytes(b"x" * 9_000_000)

    async def said(read: int) -> str:
        printed = ""
        async with IngestProgress(Output(Lang.ZH, json=False), [folder], lambda: 0, lambda: read).shown():
            while "MB" not in printed:
                await asyncio.sleep(0.01)
                printed = capsys.readouterr().err
        return printed.splitlines()[-1]

    assert asyncio.run(said(0)) == "已收 0 / 1 份，已读 0 B / 100.0 MB"
    assert asyncio.run(said(50_000_000)).startswith("已收 0 / 1 份，已读 50.0 MB / 100.0 MB，约剩 0 分")
    assert asyncio.run(said(200_000_000)) == "已收 0 / 1 份，已读 100.0 MB / 100.0 MB，正在处理"


def test_a_store_says_how_far_it_has_come_with_a_file(tmp_path: Path) -> None:
    heard: list[int] = []
    (tmp_path / "film").write_bytes(bytes(2_500_000))
    asyncio.run(FolderFiles(tmp_path / "files").add(tmp_path / "film", heard.append))
    assert sum(heard) == 2_500_000
    assert len(heard) > 1


def test_the_log_says_that_a_setting_in_the_stamp_has_changed_since_ingest(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path / "data") as here:
            house = here.house
            sound = await recording(here, "sound.mp3", "萧山网-萧山人民广播电台", Medium.AUDIO)
            await house.rights.add_mandate(STAFF, mandate(), "m.toml")
            await house.rights.add_partner(STAFF, PartnerId("fm"), "电台")
            await house.rights.add_licence(STAFF, licence("fm", '"audio"'), "l.toml")
            register, revision = await house.rights_cache.read()
            partner = register.partners[PartnerId("fm")]
            name = RenditionName.ORIGINAL
            request = MediaRequest(sound.id, name, partner, "", None, register, revision)
            file = await house.media_delivery.judged(request)
            publisher = house.settings.publisher
            for one in (
                publisher,
                replace(publisher, home="https://another.example/with/a/longer/address"),
            ):
                stamped = StampedMedia(
                    house.files, house.stamped_files, house.media_workers, one, house.visible_lines
                )
                with capture_logs() as logs:
                    made = await stamped.file(file.item, file.rendition)
                made.opened.close()
                said = [line for line in logs if line["event"] == "media_size_differs"]
                assert [line["size"] for line in said] == ([] if one == publisher else [made.opened.size])

    asyncio.run(act())
