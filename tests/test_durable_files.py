"""A file is whole or as it was before, whatever fails while it is written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

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
