"""Read and write key files: only the server's user can read them, and each is whole or absent.

What is wrong with a file is said with its name and the command that mends it, never with its content.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from syndicate.durable_files import DRAFT, PRIVATE, replace_files, sync
from syndicate.errors import KeyringFault
from syndicate.language import Text, verbatim

LOCK_SECONDS: Final = 5.0
_LARGEST: Final = 1_048_576


SIGNING_KEYS: Final = Text("签名密钥 ", "signing keys: ")


def read(path: Path, mend: Text, kind: Text = SIGNING_KEYS) -> bytes:
    """Read a private file. Raises KeyringFault if it is missing, empty, a link, or open to other users.

    `mend` says what to do about a file that is not what it should be, `kind` what is in it. The file is
    checked through the handle that reads it, so it cannot be exchanged in between.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that somebody put here would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error, mend, kind) from None
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise fault(path, Text("不是普通文件", "is not a plain file"), mend, kind)
        if state.st_mode & 0o077:
            said = Text("其他用户也能访问", f"is open to others (mode {stat.S_IMODE(state.st_mode):04o})")
            raise fault(path, said, command(f"chmod 600 {shlex.quote(str(path))}"), kind)
        if not 0 < state.st_size <= _LARGEST:
            raise fault(path, Text("是空的或过大", "is empty or far too large"), mend, kind)
        return _read_whole(handle)
    except OSError as error:
        raise _unreadable(path, error, mend, kind) from None
    finally:
        os.close(handle)


def write(path: Path, content: bytes) -> None:
    """Write a file durably, with mode 0600 whatever the umask; it is whole or absent.

    Raises KeyringFault if the disk refuses; what was there before is then untouched.
    """
    try:
        replace_files({path: content}, mode=PRIVATE)
        sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


def remove(path: Path) -> None:
    """Delete a file durably; one that is absent is no fault. Raises KeyringFault."""
    try:
        path.unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder for one writer, across processes, and delete drafts that a crash left behind.

    Makes the folder (mode 0700) if it is not there. Raises KeyringFault.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            folder.chmod(0o700)
            sync(folder.parent)
        with FileLock(folder / ".lock", mode=0o600, timeout=LOCK_SECONDS):
            for draft in folder.glob(f".*{DRAFT}"):
                draft.unlink(missing_ok=True)
            yield
    except Timeout:
        said = Text("被另一个进程占用", "is held by another process")
        raise fault(folder, said, Text("请稍后重试", "try again in a moment")) from None
    except OSError as error:
        raise _unwritable(folder, error) from None


def check_folder(folder: Path) -> None:
    """Raise KeyringFault if other users may create files in the folder."""
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise _unreadable(folder, error, restore()) from None
    if mode & 0o022:
        said = Text("其他用户可以在其中放置文件", "lets others put files into it")
        raise fault(folder, said, command(f"chmod 700 {shlex.quote(str(folder))}"))


def exists(path: Path) -> bool:
    """Return whether the name exists, a broken link too. Raises KeyringFault where it cannot be read."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path.parent, error, restore()) from None
    return True


def fault(path: Path, wrong: Text, mend: Text, kind: Text = SIGNING_KEYS) -> KeyringFault:
    """Return `KIND PATH what is wrong. What to do.`."""
    return KeyringFault(kind + verbatim(str(path)) + Text("", " ") + wrong + _STOP + mend)


def command(line: str) -> Text:
    """Return `Run: LINE`."""
    return Text("请执行：", "Run: ") + verbatim(line)


def restore() -> Text:
    """Say what to do about a file that only a backup can replace."""
    return Text(
        "请从备份恢复该文件；系统不会自行生成新密钥替代它",
        "Restore it from a backup; no new key is made in its place",
    )


def replace_key(path: Path) -> Text:
    """Say what to do about a private key's file, with a backup or without."""
    quoted = shlex.quote(str(path))
    return Text(
        f"请从备份恢复该文件；若无备份，请执行：rm -f -- {quoted} && syndicate signing-key rotate",
        f"Restore it from a backup; without one, run: rm -f -- {quoted} && syndicate signing-key rotate",
    )


_STOP: Final = Text("。", ". ")


def _read_whole(handle: int) -> bytes:
    content = b""
    while piece := os.read(handle, _LARGEST + 1 - len(content)):
        content += piece
    return content


def _unreadable(path: Path, error: OSError, mend: Text, kind: Text = SIGNING_KEYS) -> KeyringFault:
    if error.errno == errno.ELOOP:
        return fault(path, Text("是符号链接", "is a symbolic link"), mend, kind)
    if error.errno == errno.ENOENT:
        return fault(path, Text("不存在", "is not there"), mend, kind)
    said = Text(f"无法读取（{error.strerror}）", f"cannot be read ({error.strerror})")
    quoted = shlex.quote(str(path))
    return fault(path, said, command(f'chown "$(id -un)" {quoted}'), kind)


def _unwritable(path: Path, error: OSError) -> KeyringFault:
    said = Text(f"无法写入（{error.strerror}）", f"cannot be written ({error.strerror})")
    return fault(path, said, command(f"ls -ld {shlex.quote(str(path.parent))}; df -h"))
