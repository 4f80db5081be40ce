"""Kept files of media: one suite on every kind of store, then what is a folder's own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from syndicate.errors import Faulty, StoredFileDamaged, StoredFileMissing, StoreFault
from syndicate.store.files.file_store import BLOCK, FileStore, StoredFile
from syndicate.store.files.folder_files import FolderFiles
from syndicate.store.files.s3_files import S3Files
from tests.support.s3_server import s3_server
from tests.support.servers import PROJECT

NO_DIGESTS = [
    "",
    "ab",
    "../../etc/passwd",
    "/etc/passwd",
    "a" * 63,
    "a" * 65,
    "A" * 64,
    "a" * 63 + "\n",
    "a" * 63 + "/",
    "١" * 64,
    "ab/" + "a" * 61,
    "a" * 32 + "\0" + "a" * 31,
]
"""What is no name of a file."""


@dataclass
class Kept:
    """One store, with a way to spoil what it keeps behind its back."""

    store: FileStore
    spoil: Callable[[str, bytes], None]


@pytest.fixture(params=["folder", "s3", "older s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param != "folder":
        place = s3_server().place(older=request.param == "older s3")
        store = S3Files(place)

        def put(sha256: str, content: bytes) -> None:
            obstore.put(store._store, f"{sha256[:2]}/{sha256}", content)

        return Kept(store, put)
    folder = tmp_path / "media" / "files"

    def spoil(sha256: str, content: bytes) -> None:
        folder.joinpath(sha256[:2], sha256).write_bytes(content)

    return Kept(FolderFiles(folder), spoil)


def a_file(folder: Path, content: bytes, name: str = "picture.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def whole(store: FileStore, sha256: str) -> bytes:
    return b"".join([block async for block in store.read(sha256)])


async def listed(store: FileStore) -> list[str]:
    return [one.sha256 async for one in store.list()]


SIZES = [0, 1, BLOCK, BLOCK + 1, 9 * BLOCK + 7]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back_as_it_was(kept: Kept, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)

    async def act() -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        added = await kept.store.add(a_file(tmp_path, content))
        assert (added.sha256, added.size) == (digest(content), size)
        assert before <= added.added <= datetime.now(UTC) + timedelta(seconds=2)
        assert await kept.store.size(added.sha256) == size
        assert await kept.store.exists(added.sha256)
        assert await whole(kept.store, added.sha256) == content
        fetched = await kept.store.fetch(added.sha256, tmp_path / "copy")
        assert (fetched.sha256, fetched.size) == (added.sha256, size)
        assert (tmp_path / "copy").read_bytes() == content
        assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
        local = await kept.store.open_local(added.sha256)
        assert local is None or local.read_bytes() == content

    asyncio.run(act())


def test_a_file_is_kept_once_and_counts_as_added_again(kept: Kept, tmp_path: Path) -> None:
    async def act() -> None:
        first = await kept.store.add(a_file(tmp_path, b"one", "a"))
        again = await kept.store.add(a_file(tmp_path, b"one", "b"))
        assert (first.sha256, first.size) == (again.sha256, again.size)
        assert again.added >= first.added
        assert await listed(kept.store) == [first.sha256]

    asyncio.run(act())


def test_the_same_file_is_added_by_many_at_once(kept: Kept, tmp_path: Path) -> None:
    content = os.urandom(2 * BLOCK)
    paths = [a_file(tmp_path, content, f"{number}") for number in range(8)]

    async def act() -> None:
        await kept.store.check()
        added = await asyncio.gather(*(kept.store.add(path) for path in paths))
        assert {one.sha256 for one in added} == {digest(content)}
        assert await listed(kept.store) == [digest(content)]
        assert await whole(kept.store, digest(content)) == content

    asyncio.run(act())


def test_files_are_listed_in_the_order_of_their_names(kept: Kept, tmp_path: Path) -> None:
    contents = [f"picture {number}".encode() for number in range(12)]

    async def act() -> None:
        assert await listed(kept.store) == []
        for content in contents:
            await kept.store.add(a_file(tmp_path, content))
        assert await listed(kept.store) == sorted(map(digest, contents))
        sizes = [one.size async for one in kept.store.list()]
        assert sorted(sizes) == sorted(map(len, contents))

    asyncio.run(act())


@pytest.mark.parametrize("name", [*NO_DIGESTS, "0" * 64])
def test_what_names_no_file_is_no_file(kept: Kept, tmp_path: Path, name: str) -> None:
    async def act() -> None:
        await kept.store.check()
        assert await kept.store.size(name) is None
        assert not await kept.store.exists(name)
        assert await kept.store.find(name) is None
        assert not await kept.store.delete(name)
        with pytest.raises(StoredFileMissing):
            await kept.store.fetch(name, tmp_path / "copy")
        with pytest.raises(StoredFileMissing):
            await whole(kept.store, name)
        with pytest.raises(StoredFileMissing):
            await kept.store.open_local(name)
        assert not (tmp_path / "copy").exists()

    asyncio.run(act())


def test_a_file_that_was_changed_is_not_handed_out_and_is_mended_when_it_is_added_again(
    kept: Kept, tmp_path: Path
) -> None:
    content = os.urandom(1000)
    changed = bytes([content[0] ^ 1]) + content[1:]

    async def act() -> None:
        sha256 = (await kept.store.add(a_file(tmp_path, content))).sha256
        for spoiled in (content[:-1], changed, b""):
            kept.spoil(sha256, spoiled)
            (tmp_path / "copy").write_bytes(b"earlier")
            with pytest.raises(StoredFileDamaged) as fault:
                await kept.store.fetch(sha256, tmp_path / "copy")
            assert (fault.value.code, sha256 in fault.value.text.zh) == ("file_damaged", True)
            assert (tmp_path / "copy").read_bytes() == b"earlier"
            await kept.store.add(a_file(tmp_path, content))
            assert await whole(kept.store, sha256) == content

    asyncio.run(act())


def test_a_file_that_is_deleted_is_gone(kept: Kept, tmp_path: Path) -> None:
    async def act() -> None:
        sha256 = (await kept.store.add(a_file(tmp_path, b"one"))).sha256
        assert await kept.store.delete(sha256)
        assert not await kept.store.delete(sha256)
        assert await listed(kept.store) == []
        assert (await kept.store.add(a_file(tmp_path, b"one"))).sha256 == sha256

    asyncio.run(act())


def test_a_file_that_was_added_since_is_not_deleted(kept: Kept, tmp_path: Path) -> None:
    async def act() -> None:
        one = await kept.store.add(a_file(tmp_path, b"one"))
        assert not await kept.store.delete(one.sha256, added_before=one.added)
        assert await kept.store.exists(one.sha256)
        assert await kept.store.delete(one.sha256, added_before=one.added + timedelta(seconds=2))

    asyncio.run(act())


def _link(path: Path) -> None:
    path.parent.joinpath("there").write_bytes(b"a secret of the machine")
    path.symlink_to(path.parent / "there")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(path))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_link, "file_not_regular"),
        (Path.mkdir, "file_not_regular"),
        (os.mkfifo, "file_not_regular"),
        (_socket, "file_not_regular"),
        (lambda path: None, "file_unreadable"),
    ],
    ids=["link", "folder", "pipe", "socket", "nothing"],
)
def test_only_a_regular_file_is_added(
    kept: Kept, tmp_path: Path, make: Callable[[Path], object], code: str
) -> None:
    make(tmp_path / "odd")

    async def act() -> None:
        await kept.store.check()
        with pytest.raises(Faulty) as refused:
            await kept.store.add(tmp_path / "odd")
        assert [fault.code for fault in refused.value.faults] == [code]
        assert await listed(kept.store) == []

    asyncio.run(act())


@pytest.mark.parametrize("grows", [True, False])
def test_a_file_that_changes_while_it_is_read_is_refused(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grows: bool
) -> None:
    path = a_file(tmp_path, bytes(3 * BLOCK))
    read, calls = os.pread, []

    def reading(handle: int, length: int, at: int) -> bytes:
        calls.append(at)
        if len(calls) == 2:
            with path.open("r+b") as file:
                file.truncate(4 * BLOCK if grows else BLOCK + 5)
        return read(handle, length, at)

    async def act() -> None:
        await kept.store.check()
        with pytest.raises(Faulty) as refused:
            await kept.store.add(path)
        assert [fault.code for fault in refused.value.faults] == ["file_changed"]
        assert await listed(kept.store) == []

    monkeypatch.setattr(os, "pread", reading)
    asyncio.run(act())


def test_two_stores_of_one_place_are_one(kept: Kept, tmp_path: Path) -> None:
    async def act() -> None:
        await kept.store.check()
        added: StoredFile = await kept.store.add(a_file(tmp_path, b"one"))
        await kept.store.check()  # of another process, as a worker that begins
        assert await kept.store.find(added.sha256) == added

    asyncio.run(act())


# A folder's own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media" / "files"


def names(folder: Path) -> set[str]:
    """The files in the folder, but for the lock."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_only_the_server_may_read_the_files(folder: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        sha256 = asyncio.run(FolderFiles(folder).add(a_file(tmp_path, b"one"))).sha256
    finally:
        os.umask(before)
    assert names(folder) == {f"{sha256[:2]}/{sha256}"}
    for path in (folder, folder / sha256[:2]):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (folder / sha256[:2] / sha256).stat().st_mode & 0o777 == 0o600


def test_a_full_disk_in_the_middle_of_a_file_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    path = a_file(tmp_path, bytes(5 * BLOCK))

    async def act() -> None:
        store = FolderFiles(folder)
        await store.check()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * BLOCK + 100, hard))
        try:
            with pytest.raises(StoreFault, match="full") as fault:
                await store.add(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert fault.value.code == "store_full"
        assert names(folder) == set()
        await store.add(path)

    asyncio.run(act())


def test_a_disk_that_does_not_confirm_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreFault) as fault:
        asyncio.run(FolderFiles(folder).add(a_file(tmp_path, b"one")))
    assert fault.value.code == "store_io"
    assert names(folder) == set()


def test_a_draft_of_a_killed_process_is_removed_and_one_that_is_written_stays(folder: Path) -> None:
    store = FolderFiles(folder)
    asyncio.run(store.check())
    (folder / ".123-abc.tmp").write_bytes(b"half")
    (folder / ".keep").write_bytes(b"somebody's")
    with store._root() as root, store._draft(root) as (name, _):
        asyncio.run(store.check())
        assert names(folder) == {name, ".keep"}
    assert names(folder) == {".keep"}


def test_the_folder_may_be_a_link_and_its_parts_may_not(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    store, content = FolderFiles(folder), b"one"
    sha256 = asyncio.run(store.add(a_file(tmp_path, content))).sha256
    part = elsewhere / sha256[:2]
    assert (part / sha256).read_bytes() == content
    part.rename(tmp_path / "aside")
    part.symlink_to(tmp_path / "aside")
    for act in (store.add(a_file(tmp_path, content)), store.size(sha256), store.open_local(sha256)):
        with pytest.raises(StoreFault, match="symbolic link") as fault:
            asyncio.run(act)
        assert fault.value.code == "store_damaged"


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
def test_what_is_no_file_in_place_of_one_is_not_read(
    folder: Path, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    store, sha256 = FolderFiles(folder), digest(b"one")
    asyncio.run(store.check())
    (folder / sha256[:2]).mkdir()
    make(folder / sha256[:2] / sha256)
    with pytest.raises(StoreFault) as fault:
        asyncio.run(store.open_local(sha256))
    assert fault.value.code == "store_damaged"
    with pytest.raises(StoreFault):
        asyncio.run(store.fetch(sha256, tmp_path / "copy"))


def test_a_folder_that_cannot_be_made_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/syndicate")):
        with pytest.raises(StoreFault) as fault:
            asyncio.run(FolderFiles(place).check())
        assert str(place) in fault.value.text.zh
        assert str(place) in fault.value.text.en


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from syndicate.errors import StoreFault
from syndicate.store.files.folder_files import FolderFiles

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
store = FolderFiles(Path(sys.argv[1]))
for act in (store.check(), store.add(Path(sys.argv[2])), store.size(sys.argv[3])):
    try:
        asyncio.run(act)
    except StoreFault as fault:
        print(fault.code)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_user_is_a_clear_fault() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "source").write_bytes(b"one")
        sha256 = asyncio.run(FolderFiles(place / "files").add(place / "source")).sha256
        said = {}
        for mode in (0o700, 0o755):
            (place / "files").chmod(mode)
            done = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, place / "files", place / "source", sha256],
                capture_output=True,
                text=True,
                cwd=PROJECT,
            )
            assert done.returncode == 0, done.stderr
            said[mode] = done.stdout.split()
        assert said == {0o700: ["store_read_only"] * 3, 0o755: ["store_read_only"] * 3}
        assert sorted(path.name for path in place.iterdir()) == ["files", "source"]


def test_names_that_are_none_are_left_alone(folder: Path, tmp_path: Path) -> None:
    store = FolderFiles(folder)
    sha256 = asyncio.run(store.add(a_file(tmp_path, b"one"))).sha256
    (folder / sha256[:2] / "thumbs.db").write_bytes(b"")
    (folder / "zz").mkdir()
    (folder / "zz" / ("0" * 64)).write_bytes(b"")
    assert asyncio.run(listed(store)) == [sha256]
