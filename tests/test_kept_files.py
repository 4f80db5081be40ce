"""Kept files against the items that name them: what is missing, damaged or unnamed, and what is removed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syndicate.errors import StoreFault
from syndicate.language import Text
from syndicate.model.actors import Actor, Way
from syndicate.model.events import MediaFilesCollected
from syndicate.model.item import Item, Medium
from syndicate.model.media import Rendition, RenditionName
from syndicate.services.newsroom.kept_files import Collected, Finding, FoundFile, KeptFilesService
from syndicate.store.files.file_store import FileStore, StoredFile
from syndicate.store.files.folder_files import FolderFiles
from syndicate.store.files.s3_files import S3Files
from syndicate.store.protocol import Store
from syndicate.wiring import opened as opened_services
from tests.support.databases import opened
from tests.support.s3_server import s3_server
from tests.support.servers import settings_for
from tests.support.shell import Shell, no_settings
from tests.test_store.samples import an_item, keep_item

__all__ = ["no_settings"]

WHO = Actor(Way.CLI, "zhou")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def a_picture(number: int, *files: StoredFile, version: int = 1) -> Item:
    """A picture whose renditions are these files."""
    named = zip(RenditionName, files, strict=False)
    renditions = tuple(
        Rendition(name=name, content_type="image/jpeg", size=one.size, sha256=one.sha256)
        for name, one in named
    )
    return replace(an_item(number, version=version, medium=Medium.PICTURE), renditions=renditions)


@dataclass
class House:
    """A database, a file store, and the service between them, in two days from now."""

    folder: Path
    store: Store
    files: FileStore
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + 2 * DAY)
    read: int = 0

    def __post_init__(self) -> None:
        self.service = KeptFilesService(self.store, self.files, lambda: self.now)

    async def add(self, content: bytes) -> StoredFile:
        path = self.folder / "new"
        path.write_bytes(content)
        return await self.files.add(path)

    async def keep(self, item: Item) -> None:
        async with self.store.writing() as writing:
            await keep_item(writing, item)

    def progress(self, size: int) -> None:
        self.read += size

    async def found(self) -> list[FoundFile]:
        return [one async for one in self.service.verify(self.progress)]

    async def records(self) -> list[MediaFilesCollected]:
        lines = await self.store.lines(kinds=[MediaFilesCollected.kind], limit=10)
        assert {line.entry.actor for line in lines} <= {"cli:zhou"}
        return [line.entry.event for line in lines if isinstance(line.entry.event, MediaFilesCollected)]

    async def kept(self) -> set[str]:
        return {one.sha256 async for one in self.files.list()}


@asynccontextmanager
async def a_house(tmp_path: Path, address: str, kind: str = "folder") -> AsyncIterator[House]:
    files = FolderFiles(tmp_path / "files") if kind == "folder" else S3Files(s3_server().place())
    async with opened(address) as store:
        yield House(tmp_path, store, files)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_every_file_that_is_missing_damaged_or_unnamed_is_found(
    tmp_path: Path, sqlite_address: str, kind: str
) -> None:
    async def act() -> None:
        async with a_house(tmp_path, sqlite_address, kind) as house:
            assert await house.found() == []
            files = [await house.add(os.urandom(10_000 + number)) for number in range(12)]
            for number, file in enumerate(files[:10]):
                await house.keep(a_picture(number + 1, file))
            await house.keep(a_picture(99, files[0], files[1]))
            total = await house.service.named_bytes()
            assert total == sum(file.size for file in files[:10])
            unnamed = {FoundFile(Finding.UNNAMED, file.sha256, file.size) for file in files[10:]}
            assert set(await house.found()) == unnamed
            assert house.read == total

            await house.files.delete(files[0].sha256)
            if isinstance(house.files, FolderFiles):
                (tmp_path / "files" / files[2].sha256[:2] / files[2].sha256).write_bytes(b"torn")
                link = tmp_path / "files" / files[3].sha256[:2] / files[3].sha256
                link.unlink()
                link.symlink_to("/etc/hostname")
                damaged = {files[2].sha256, files[3].sha256}
            else:
                # An item that says another size than the file has, such as after a wrong restore.
                wrong = replace(files[4], size=files[4].size + 1)
                await house.keep(a_picture(77, wrong))
                damaged = {files[4].sha256}
            found = await house.found()
            by_kind = {one: {file.sha256 for file in found if file.finding is one} for one in Finding}
            assert by_kind[Finding.MISSING] == {files[0].sha256}
            assert by_kind[Finding.DAMAGED] == damaged
            assert by_kind[Finding.UNNAMED] == {file.sha256 for file in files[10:]}
            [missing] = [file for file in found if file.finding is Finding.MISSING]
            assert [(name.item[-2:], name.rendition) for name in missing.names] == [
                ("01", "original"),
                ("99", "original"),
            ]

    asyncio.run(act())


def test_what_an_ingest_does_meanwhile_is_no_finding(tmp_path: Path, sqlite_address: str) -> None:
    async def act() -> None:
        async with a_house(tmp_path, sqlite_address) as house:
            files = sorted(
                [await house.add(os.urandom(100)) for _ in range(8)], key=lambda file: file.sha256
            )
            for number, file in enumerate(files[:4]):
                await house.keep(a_picture(number + 1, file))
            seen = []
            async for one in house.service.verify(house.progress):
                seen.append(one.sha256)
                if len(seen) == 1:
                    # The names were read before, the files are found unnamed one by one: all get a name.
                    for number, file in enumerate(files[4:]):
                        await house.keep(a_picture(number + 20, file))
            assert len(seen) == 1

    asyncio.run(act())


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_only_what_no_version_names_and_is_old_is_collected(
    tmp_path: Path, store_address: str, kind: str
) -> None:
    async def act() -> None:
        async with a_house(tmp_path, store_address, kind) as house:
            named, earlier, free, fresh = [await house.add(f"file {n}".encode()) for n in range(4)]
            await house.keep(a_picture(1, earlier))
            await house.keep(a_picture(1, named, version=2))
            trial = await house.service.collect(WHO, HOUR, dry_run=True)
            assert trial == Collected(2, free.size + fresh.size)
            assert await house.records() == []
            assert await house.kept() == {file.sha256 for file in (named, earlier, free, fresh)}
            # Two days are not over by the clock of the store: nothing is old enough.
            assert await house.service.collect(WHO, 3 * DAY) == Collected(0, 0)
            assert await house.records() == [], "nothing went, nothing is recorded"
            if kind == "folder":
                path = tmp_path / "files" / fresh.sha256[:2] / fresh.sha256
                later = time.time() + 2 * 86_400
                os.utime(path, (later, later))
            else:
                await house.files.delete(fresh.sha256)
            assert await house.service.collect(WHO, HOUR) == Collected(1, free.size)
            [record] = await house.records()
            assert (record.files, record.bytes) == (1, free.size)
            assert datetime.fromisoformat(record.before) == house.now - HOUR
            left = await house.kept()
            assert {named.sha256, earlier.sha256} <= left
            assert free.sha256 not in left
            assert (fresh.sha256 in left) == (kind == "folder")
            assert await house.service.collect(WHO, HOUR) == Collected(0, 0)
            assert len(await house.records()) == 1

    asyncio.run(act())


def test_a_file_that_is_added_or_named_while_others_are_collected_stays(
    tmp_path: Path, sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with a_house(tmp_path, sqlite_address) as house:
            house.now = datetime.now(UTC) + DAY
            added, named, free = [await house.add(f"file {n}".encode()) for n in range(3)]
            for file in (added, named, free):
                old = time.time() - 3600
                os.utime(tmp_path / "files" / file.sha256[:2] / file.sha256, (old, old))
            house.now = datetime.now(UTC)
            delete = FolderFiles.delete

            async def first_an_ingest(
                files: FolderFiles, sha256: str, *, added_before: datetime | None = None
            ) -> bool:
                if sha256 == added.sha256:
                    await house.add(b"file 0")  # the newsroom gave the same picture again, just now
                return await delete(files, sha256, added_before=added_before)

            unnamed, asked = house.store.unnamed, []

            async def then_named(digests: list[str]) -> set[str]:
                asked.append(digests)
                if len(asked) == 2:
                    await house.keep(a_picture(1, named))
                return await unnamed(digests)

            monkeypatch.setattr(FolderFiles, "delete", first_an_ingest)
            monkeypatch.setattr(house.store, "unnamed", then_named)
            done = await house.service.collect(WHO, timedelta(minutes=10))
            assert done == Collected(1, free.size)
            assert await house.kept() == {added.sha256, named.sha256}

    asyncio.run(act())


def test_what_cannot_be_recorded_is_not_removed(
    tmp_path: Path, sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with a_house(tmp_path, sqlite_address) as house:
            free = await house.add(b"free")

            def full() -> object:
                raise StoreFault(Text("磁盘已满", "the disk is full"), code="store_full")

            monkeypatch.setattr(house.store, "writing", full)
            with pytest.raises(StoreFault):
                await house.service.collect(WHO, HOUR)
            assert await house.kept() == {free.sha256}

    asyncio.run(act())


def test_the_commands_say_what_they_found_and_removed(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("init")
    assert shell.good("media", "verify", "--json").json == {
        "bytes": 0, "missing": 0, "damaged": 0, "unnamed": 0,
    }  # fmt: skip

    async def prepare() -> list[StoredFile]:
        async with opened_services(settings_for(shell.data)) as services:
            added = []
            for content in (b"whole", b"torn later", b"lost later", b"nobody's"):
                (tmp_path / "new").write_bytes(content)
                added.append(await services.files.add(tmp_path / "new"))
            async with services.store.writing() as writing:
                for number, file in enumerate(added[:3]):
                    await keep_item(writing, a_picture(number + 1, file))
            return added

    whole, torn, lost, free = asyncio.run(prepare())
    kept = shell.data / "media" / "files"
    said = shell.good("media", "verify")
    assert "全部完好" in said.out
    assert "1 个文件无稿件使用" in said.err
    (kept / torn.sha256[:2] / torn.sha256).write_bytes(b"torn")
    (kept / lost.sha256[:2] / lost.sha256).unlink()
    outcome = shell("media", "verify", "--json")
    assert outcome.code == 1
    *found, counts = outcome.lines
    assert counts == {
        "bytes": whole.size + torn.size + lost.size, "missing": 1, "damaged": 1, "unnamed": 1,
    }  # fmt: skip
    assert {one["sha256"]: one["finding"] for one in found} == {
        torn.sha256: "damaged",
        lost.sha256: "missing",
        free.sha256: "unnamed",
    }
    [missing] = [one for one in found if one["finding"] == "missing"]
    assert missing["named_by"] == [{"item": "20260301-0000000003", "version": 1, "rendition": "original"}]
    english = shell("--lang", "en", "media", "verify")
    assert (english.code, f"missing {lost.sha256} 20260301-0000000003 v1 original" in english.out) == (
        1,
        True,
    )
    assert "1 missing, 1 damaged" in english.out

    for wrong in ("59m", "0d", "x"):
        assert shell("media", "collect", "--older", wrong).code == 2
    assert shell.good("media", "collect", "--json").json == {"files": 0, "bytes": 0, "removed": True}
    old = time.time() - 2 * 86_400
    os.utime(kept / free.sha256[:2] / free.sha256, (old, old))
    trial = shell.good("media", "collect", "--dry-run", "--json").json
    assert trial == {"files": 1, "bytes": free.size, "removed": False}
    done = shell.good("media", "collect", "--actor", "周敏", "--json").json
    assert done == {"files": 1, "bytes": free.size, "removed": True}
    assert not (kept / free.sha256[:2] / free.sha256).exists()
    [record] = shell.good("trail", "list", "--kind", "media_files_collected", "--json").lines
    assert (record["actor"], record["files"], record["bytes"]) == ("cli:周敏", 1, free.size)
