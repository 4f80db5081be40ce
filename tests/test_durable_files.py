"""A file is whole or as it was before, whatever fails while it is written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from syndicate import durable_files
from syndicate.durable_files import PRIVATE, replace_files, replaced_file, sync


def test_files_are_replaced_and_no_draft_is_left(tmp_path: Path) -> None:
    first, second, drafts = tmp_path / "a", tmp_path / "b", tmp_path / "drafts"
    drafts.mkdir()
    first.write_bytes(b"old")
    replace_files({first: b"new", second: b"also new"}, drafts=drafts)
    sync(tmp_path)
    assert (first.read_bytes(), second.read_bytes()) == (b"new", b"also new")
    assert list(drafts.iterdir()) == []


def test_a_private_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    for umask in (0o000, 0o777):
        before = os.umask(umask)
        try:
            replace_files({tmp_path / "key": b"secret"}, mode=PRIVATE)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_full_disk_leaves_every_file_as_it_was_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"old")
    synced: list[int] = []

    def full(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space") as failed:
        replace_files({first: b"new", second: b"new"})
    assert failed.value.filename == str(second)
    assert first.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_draft_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (tmp_path / f".a.{os.getpid()}.tmp").symlink_to(victim)
    replace_files({tmp_path / "a": b"new"})
    assert (victim.read_bytes(), (tmp_path / "a").read_bytes()) == (b"kept", b"new")


def test_a_file_whose_writer_fails_does_not_appear(tmp_path: Path) -> None:
    def write() -> None:
        with replaced_file(tmp_path / "a") as file:
            file.write(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at_once", [True, False])
def test_many_files_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    monkeypatch.setattr(durable_files, "syncs_at_once", lambda _: at_once)
    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) in (1, 6):
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os if not at_once else durable_files, "fsync" if not at_once else "syncfs", full)
    files = {tmp_path / f"{number}": b"old" for number in range(20)}
    with pytest.raises(OSError, match="no space") as failed:
        replace_files(files, drafts=drafts)
    assert failed.value.filename in ({str(drafts)} if at_once else set(map(str, files)))
    assert list(tmp_path.iterdir()) == [drafts]
    assert list(drafts.iterdir()) == []
    calls.append(0)
    monkeypatch.undo()
    replace_files(files, drafts=drafts)
    assert {path: path.read_bytes() for path in files} == files
    assert list(drafts.iterdir()) == []


def test_syncfs_is_used_only_where_the_kernel_reports_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    proc = os.open("/proc", os.O_RDONLY)
    try:
        assert not durable_files.syncs_at_once(proc)
        if durable_files.syncs_at_once(handle):
            durable_files.syncfs(handle)
        release = os.uname()
        for old in ("5.16.20", "4.19.0-27", "unknown"):
            uname = os.uname_result((*release[:2], old, *release[3:]))
            monkeypatch.setattr(os, "uname", lambda uname=uname: uname)
            durable_files._system.cache_clear()
            assert not durable_files.syncs_at_once(handle)
            with pytest.raises(OSError, match="no syncfs"):
                durable_files.syncfs(handle)
    finally:
        durable_files._system.cache_clear()
        os.close(handle)
        os.close(proc)
