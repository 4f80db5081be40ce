"""What is S3's own among kept files: the bucket, the credentials, servers that fail, large files."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import Faulty, StoredFileMissing, StoreFault
from syndicate.store.files import s3_files
from syndicate.store.files.s3_files import PART, S3Files
from syndicate.store.files.source_file import SourceFile
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server
from tests.support.servers import PROJECT, free_port

NOTHING = "0" * 64


def a_file(folder: Path, content: bytes, name: str = "picture.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def must_fail(store: S3Files, path: Path, code: str) -> None:
    """Every use of this store fails with this code, and says where it is but no secret."""
    for act in (store.check(), store.add(path), listed(store)):
        with pytest.raises(StoreFault) as fault:
            await act
        assert fault.value.code == code, fault.value.text.en
        for text in (fault.value.text.zh, fault.value.text.en):
            assert "s3://" in text
            assert SECRET_KEY not in text
            assert "Signature" not in text


async def listed(store: S3Files) -> list[str]:
    return [one.sha256 async for one in store.list()]


def test_a_missing_bucket_is_named(tmp_path: Path) -> None:
    store = S3Files(s3_server().place(bucket="nobody-made-it"))
    asyncio.run(must_fail(store, a_file(tmp_path, b"one"), "store_missing"))
    asyncio.run(must_fail(store, a_file(tmp_path, bytes(PART + 1)), "store_missing"))
    with pytest.raises(StoredFileMissing):
        asyncio.run(store.fetch(NOTHING, tmp_path / "copy"))


@pytest.mark.parametrize(
    "credentials",
    [
        {"access_key_id": "test:tester", "secret_access_key": "wrong"},
        {"access_key_id": "nobody", "secret_access_key": SECRET_KEY},
    ],
    ids=["secret", "user"],
)
def test_wrong_credentials_are_said_and_never_shown(tmp_path: Path, credentials: dict[str, str]) -> None:
    store = S3Files(s3_server().place(credentials=credentials))
    path = a_file(tmp_path, b"one")
    asyncio.run(must_fail(store, path, "store_not_admitted"))
    for act in (store.find(NOTHING), store.size(NOTHING), store.open_local(NOTHING), store.delete(NOTHING)):
        with pytest.raises(StoreFault) as fault:
            asyncio.run(act)
        assert fault.value.code == "store_not_admitted"


def test_no_place_shows_its_credentials() -> None:
    place = s3_server().place()
    assert SECRET_KEY not in repr(place)
    assert SECRET_KEY not in S3Files(place).place
    assert re.fullmatch(r"s3://media/tests/\w+ \(http://127\.0\.0\.1:\d+\)", repr(place))


def test_a_server_that_is_not_there_is_a_fault_soon(tmp_path: Path) -> None:
    store = S3Files(s3_server().place(endpoint=f"http://127.0.0.1:{free_port()}"))
    begun = time.monotonic()
    asyncio.run(must_fail(store, a_file(tmp_path, b"one"), "store_unreachable"))
    asyncio.run(must_fail(store, a_file(tmp_path, bytes(2 * PART)), "store_unreachable"))
    assert time.monotonic() - begun < 20


def test_a_server_that_says_nothing_is_a_fault_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        place = s3_server().place(endpoint=f"http://127.0.0.1:{port}", seconds=0.3, retries=1)
        begun = time.monotonic()
        asyncio.run(must_fail(S3Files(place), a_file(tmp_path, b"one"), "store_unreachable"))
        assert time.monotonic() - begun < 10


@pytest.fixture
def own_server() -> Iterator[S3Server]:
    """A server that a test may kill."""
    folder = Path(tempfile.mkdtemp(prefix="syndicate-swift-"))
    server = S3Server(folder)
    server.begin()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_server_that_dies_in_the_middle_of_a_file_has_nothing_of_it(
    own_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Files(own_server.place(retries=1))
    content = os.urandom(6 * PART)
    read, calls = os.pread, []

    def reading(handle: int, length: int, at: int) -> bytes:
        calls.append(at)
        if calls.count(at) == 2 and at > 3 * PART:  # the second time that it is read
            own_server.kill()
        return read(handle, length, at)

    async def act() -> None:
        small = await store.add(a_file(tmp_path, b"small"))
        monkeypatch.setattr(os, "pread", reading)
        with pytest.raises(StoreFault) as fault:
            await store.add(a_file(tmp_path, content))
        assert fault.value.code == "store_unreachable"
        monkeypatch.undo()
        with pytest.raises(StoreFault) as fault:
            await store.fetch(small.sha256, tmp_path / "copy")
        assert fault.value.code == "store_unreachable"
        assert not (tmp_path / "copy").exists()
        own_server.begin()
        assert await listed(store) == [small.sha256]
        added = await store.add(tmp_path / "picture.jpg")
        await store.fetch(added.sha256, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content

    asyncio.run(act())


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from syndicate.store.files.s3_files import PART, S3Files
from syndicate.store.files.s3_place import S3Place

read, seen = os.pread, set()

def reading(handle, length, at):
    if at > 4 * PART and at in seen:  # it was hashed, and half of it is sent
        os.kill(os.getpid(), signal.SIGKILL)
    seen.add(at)
    return read(handle, length, at)

os.pread = reading
bucket, prefix, endpoint, path = sys.argv[1:]
asyncio.run(S3Files(S3Place(bucket, prefix, endpoint)).add(Path(path)))
"""


def test_a_process_that_is_killed_while_it_sends_leaves_nothing_to_see(tmp_path: Path) -> None:
    place = s3_server().place()
    assert place.endpoint is not None
    path = a_file(tmp_path, os.urandom(6 * PART))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, place.bucket, place.prefix, place.endpoint, str(path)],
        env={**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
        cwd=PROJECT,
    )
    assert done.returncode == -9

    async def act() -> None:
        store = S3Files(place)
        assert await listed(store) == []
        added = await store.add(path)
        assert await listed(store) == [added.sha256]
        await store.fetch(added.sha256, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == path.read_bytes()

    asyncio.run(act())


@pytest.mark.parametrize("size", [1000, 3 * PART + 5])
def test_a_file_that_changes_between_its_two_readings_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = a_file(tmp_path, bytes(size))
    hashed = s3_files._hashed

    def then_changed(source: SourceFile) -> tuple[str, str]:
        found, before = hashed(source), path.stat()
        with path.open("r+b") as file:
            file.seek(size // 2)
            file.write(b"x")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # nothing shows it but the bytes
        return found

    monkeypatch.setattr(s3_files, "_hashed", then_changed)
    store = S3Files(s3_server().place())

    async def act() -> None:
        with pytest.raises(Faulty) as refused:
            await store.add(path)
        assert [fault.code for fault in refused.value.faults] == ["file_changed"]
        assert await listed(store) == []

    asyncio.run(act())


def test_a_file_that_is_there_is_not_sent_again_unless_it_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, sent = S3Files._put, []

    async def counted(store: S3Files, source: SourceFile, sha256: str, *, new: bool) -> None:
        sent.append(new)
        await put(store, source, sha256, new=new)

    monkeypatch.setattr(S3Files, "_put", counted)

    async def act() -> None:
        store = S3Files(s3_server().place())
        for content in (b"one", bytes(2 * PART + 1)):
            path = a_file(tmp_path, content)
            first = await store.add(path)
            assert await store.add(path) == first
            assert sent == [True]
            with monkeypatch.context() as later:
                later.setattr(s3_files, "_REFRESH", timedelta(days=-1))
                again = await store.add(path)
            assert (again.sha256, sent) == (first.sha256, [True, False])
            sent.clear()

    asyncio.run(act())


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "film"
    with path.open("wb") as file:
        file.truncate(160 << 20)
        file.write(os.urandom(PART))

    async def act() -> int:
        store = S3Files(s3_server().place())
        await store.add(a_file(tmp_path, bytes(PART + 1)))
        before = resident()
        added = await store.add(path)
        await store.fetch(added.sha256, tmp_path / "copy")
        assert (tmp_path / "copy").stat().st_size == 160 << 20
        return resident() - before

    grown = asyncio.run(act())
    assert grown < 10 * PART, f"{grown / 1e6:.0f} MB"


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
