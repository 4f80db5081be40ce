"""A file is whole or not there: also after SIGKILL, a power cut or a full disk.

The file is written aside and brought to the disk, then takes its name in one step. Names themselves are
brought to the disk by `settled`, for many files at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from syndicate.client.client_errors import FolderFull
from syndicate.language import Text

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write(files: Mapping[Path, bytes], aside: Path) -> None:
    """Make each of these files hold exactly these bytes. `aside` is a folder on the same disk, ours alone.

    The files take their names only when all of them are on the disk, one after the other in their order.
    Raises FolderFull, or OSError; then each file is as it was before, or whole and new.
    """
    waiting = {path: aside / path.name for path in files}
    try:
        for path, data in files.items():
            with room_for(path), waiting[path].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, name in waiting.items():
            name.replace(path)
    except (OSError, FolderFull):
        for name in waiting.values():
            name.unlink(missing_ok=True)
        raise


def remove(path: Path) -> bool:
    """Remove the file; whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def settled(*folders: Path) -> None:
    """Bring to the disk which names stand in these folders."""
    for folder in folders:
        with room_for(folder):
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Whatever is written inside may find the disk full, and says so. Raises FolderFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise FolderFull(
            Text(
                f"磁盘已满，无法写入 {path}；腾出空间后再运行即可，已有的稿件完好",
                f"the disk is full: {path} cannot be written. Make room and run again; all else is whole",
            )
        ) from error
