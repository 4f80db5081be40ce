"""The folder of stamped files: made once, whole or not there; what was used longest ago goes first."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
import pytest

from syndicate.errors import NotStampable, StoredFileDamaged, StoredFileMissing, StoreFault
from syndicate.language import Text
from syndicate.store.files.folder_files import FolderFiles
from syndicate.store.files.s3_files import S3Files
from syndicate.store.files.stamped_files import StampedFiles
from tests.support.s3_server import s3_server
from tests.support.servers import PROJECT

MEGABYTE = 1 << 20


@asynccontextmanager
async def stamped(folder: Path, megabytes: int = 100) -> AsyncIterator[StampedFiles]:
    files = StampedFiles(folder, megabytes)
    try:
        yield files
    finally:
        await files.close()


def writes(content: bytes, made: list[str] | None = None) -> Callable[[Path], None]:
    """A maker, and the list to which each of its calls adds."""

    def make(path: Path) -> None:
        if made is not None:
            made.append(path.name)
        path.write_bytes(content)

    return make


async def get(files: StampedFiles, key: str, make: Callable[[Path], None]) -> bytes:
    """The bytes of a file, whose digest is right."""
    found = await files.get(key, make)
    with found.opened as opened:
        content = opened.read(opened.size + 1, 0)
        assert len(content) == opened.size
    assert hashlib.sha256(content).hexdigest() == found.sha256
    return content


def kept(folder: Path) -> list[Path]:
    """Every file in the folder but the locks."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock")]


def test_a_file_is_made_once_for_all_who_ask(tmp_path: Path) -> None:
    made: list[str] = []

    async def act() -> None:
        async with stamped(tmp_path) as files:
            for _ in range(2):
                asked = (get(files, "one", writes(b"1" * 500_000, made)) for _ in range(20))
                assert set(await asyncio.gather(*asked)) == {b"1" * 500_000}
            assert len(made) == 1
            assert await get(files, "two", writes(b"2", made)) == b"2"
        async with stamped(tmp_path) as files:
            assert await get(files, "one", writes(b"never", made)) == b"1" * 500_000
        assert len(made) == 2
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept(tmp_path))

    asyncio.run(act())


PROCESS = """
import asyncio, sys
from pathlib import Path
from syndicate.store.files.stamped_files import StampedFiles

folder, log = Path(sys.argv[1]), Path(sys.argv[2])

def make(path):
    with log.open("a") as file:
        file.write("made\\n")
    with path.open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * 65536)
            file.flush()
        if len(sys.argv) > 3:
            log.with_suffix(".half").touch()
            sys.stdin.read()

async def act():
    files = StampedFiles(folder, 100)
    await files.check()
    sys.stdin.readline() if len(sys.argv) == 3 else None
    found = await files.get("one", make)
    print(found.sha256, found.opened.size)
    found.opened.close()
    await files.close()

asyncio.run(act())
"""


def a_process(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    script = tmp_path / "process.py"
    script.write_text(PROCESS)
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "cache"), str(tmp_path / "log"), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )


def test_a_file_is_made_once_by_several_processes(tmp_path: Path) -> None:
    processes = [a_process(tmp_path) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0] for process in processes}
    content = b"".join(bytes([number]) * 65_536 for number in range(64))
    assert answers == {f"{hashlib.sha256(content).hexdigest()} {len(content)}\n"}
    assert (tmp_path / "log").read_text() == "made\n"
    assert len(kept(tmp_path / "cache")) == 1


def test_a_process_that_is_killed_leaves_no_half_file(tmp_path: Path) -> None:
    cache, half = tmp_path / "cache", tmp_path / "log.half"
    process = a_process(tmp_path, "stops in the middle")
    try:
        until = time.monotonic() + 30
        while not half.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)

        async def others_wait() -> None:
            async with stamped(cache) as files:
                waiting = asyncio.create_task(get(files, "one", writes(b"whole")))
                done, _ = await asyncio.wait([waiting], timeout=0.3)
                assert not done, "two processes make the same file"
                await files.check()
                assert len(kept(cache)) == 1, "what another process makes was removed"
                process.send_signal(signal.SIGKILL)
                assert await waiting == b"whole"
                assert len(kept(cache)) == 2
                await files.check()
                assert len(kept(cache)) == 1

        asyncio.run(others_wait())
    finally:
        process.kill()
        process.communicate()


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    made: list[str] = []

    async def act() -> None:
        async with stamped(tmp_path, megabytes=1) as files:
            for key in ("a", "b", "c"):
                await get(files, key, writes(key.encode() * 300_000, made))
            await get(files, "a", writes(b"", made))
            assert len(made) == 3
            await get(files, "d", writes(b"d" * 300_000, made))
            assert sum(path.stat().st_size for path in kept(tmp_path)) <= MEGABYTE
            await get(files, "a", writes(b"", made))
            assert len(made) == 4, "a was used after b, and is kept"
            await get(files, "b", writes(b"b" * 300_000, made))
            assert len(made) == 5

    asyncio.run(act())


def test_the_room_is_kept(tmp_path: Path) -> None:
    async def act() -> None:
        async with stamped(tmp_path, megabytes=2) as files:
            for number in range(150):
                await get(files, f"{number}", writes(os.urandom(100_000)))
                assert sum(path.stat().st_size for path in kept(tmp_path)) <= 2 * MEGABYTE
        # Also where other processes, or an earlier and larger setting, have filled it.
        async with stamped(tmp_path, megabytes=1) as files:
            await files.check()
            assert sum(path.stat().st_size for path in kept(tmp_path)) <= MEGABYTE

    asyncio.run(act())


def test_a_file_in_use_may_go_and_is_read_to_its_end(tmp_path: Path) -> None:
    async def act() -> None:
        async with stamped(tmp_path, megabytes=1) as files:
            content = os.urandom(900_000)
            found = await files.get("a", writes(content))
            for number in range(4):
                await get(files, f"{number}", writes(bytes(500_000)))
            assert not found.opened.path.exists()
            with found.opened as opened:
                assert opened.read(opened.size, 0) == content
            assert found.opened.read(1, 0) == b""

    asyncio.run(act())


def test_a_file_larger_than_the_room_is_handed_out(tmp_path: Path) -> None:
    async def act() -> None:
        async with stamped(tmp_path, megabytes=1) as files:
            asked = (get(files, "film", writes(b"f" * 3_000_000)) for _ in range(5))
            assert set(await asyncio.gather(*asked)) == {b"f" * 3_000_000}
            await get(files, "picture", writes(b"p"))
            assert [path.stat().st_size for path in kept(tmp_path)] == [1]

    asyncio.run(act())


def test_a_maker_that_fails_leaves_nothing_and_the_next_one_is_asked(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_bytes(b"half")
        raise LookupError("cannot be stamped")

    async def act() -> None:
        async with stamped(tmp_path) as files:
            asked = [files.get("one", fails) for _ in range(3)]
            for error in await asyncio.gather(*asked, return_exceptions=True):
                assert isinstance(error, LookupError)
            assert kept(tmp_path) == []
            with pytest.raises(StoreFault):
                await files.get("one", lambda path: None)
            assert await get(files, "one", writes(b"whole")) == b"whole"

    asyncio.run(act())


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with stamped(tmp_path) as files:
            await files.check()
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            try:
                with pytest.raises(StoreFault) as fault:
                    await files.get("one", writes(bytes(500_000)))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert fault.value.code == "store_full"
            assert kept(tmp_path) == []

    asyncio.run(act())


def test_a_scratch_folder_is_on_the_same_disk_and_goes_at_the_end_also_where_the_work_fails(
    tmp_path: Path,
) -> None:
    async def work(files: StampedFiles, seen: list[Path]) -> None:
        async with files.scratch() as folder:
            seen.append(folder)
            (folder / "draft").write_bytes(b"x")
            raise NotStampable(Text("坏", "bad"))

    async def act() -> None:
        seen: list[Path] = []
        async with stamped(tmp_path) as files:
            with pytest.raises(NotStampable):
                await work(files, seen)
            assert seen[0].is_relative_to(tmp_path)
            assert not seen[0].exists()

    asyncio.run(act())


def test_who_does_not_wait_any_more_does_not_stop_the_making(tmp_path: Path) -> None:
    going_on, made = threading.Event(), []

    def make(path: Path) -> None:
        assert going_on.wait(30)
        made.append(path)
        path.write_bytes(b"whole")

    async def act() -> None:
        async with stamped(tmp_path) as files:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(files.get("one", make), 0.1)
            going_on.set()
            assert await get(files, "one", make) == b"whole"
            assert len(made) == 1

    asyncio.run(act())


def test_a_kept_file_of_a_folder_is_opened_where_it_is(tmp_path: Path) -> None:
    async def act() -> None:
        store = FolderFiles(tmp_path / "files")
        (tmp_path / "one").write_bytes(b"one")
        async with stamped(tmp_path / "cache") as files:
            one = await store.add(tmp_path / "one")
            with await files.kept(store, one.sha256) as opened:
                assert opened.path == tmp_path / "files" / one.sha256[:2] / one.sha256
                assert opened.read(10, 0) == b"one"
            (tmp_path / "files" / one.sha256[:2] / one.sha256).write_bytes(b"two")
            with pytest.raises(StoredFileDamaged):
                await files.kept(store, one.sha256)
            await store.delete(one.sha256)
            with pytest.raises(StoredFileMissing):
                await files.kept(store, one.sha256)
        assert kept(tmp_path / "cache") == []

    asyncio.run(act())


def test_a_kept_file_of_a_bucket_is_copied_once(tmp_path: Path) -> None:
    async def act() -> None:
        store = S3Files(s3_server().place())
        content = os.urandom(3 * MEGABYTE)
        (tmp_path / "one").write_bytes(content)
        async with stamped(tmp_path / "cache") as files:
            one = await store.add(tmp_path / "one")
            for opened in await asyncio.gather(*(files.kept(store, one.sha256) for _ in range(5))):
                with opened:
                    assert opened.read(opened.size, 0) == content
            assert [path.stat().st_size for path in kept(tmp_path / "cache")] == [len(content)]
            obstore.put(store._store, f"{'0' * 2}/{'0' * 64}", b"something else")
            with pytest.raises(StoredFileDamaged):
                await files.kept(store, "0" * 64)
            with pytest.raises(StoredFileMissing):
                await files.kept(store, "1" * 64)
            assert len(kept(tmp_path / "cache")) == 1

    asyncio.run(act())


def test_a_folder_that_cannot_be_made_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", Path("/proc/syndicate")):
        files = StampedFiles(place, 1)
        with pytest.raises(StoreFault) as fault:
            asyncio.run(files.check())
        assert str(place) in fault.value.text.zh
