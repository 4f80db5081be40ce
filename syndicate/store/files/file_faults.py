"""Turn errors of the file system into StoreFaults about kept files, whose text says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from syndicate.errors import StoreDamaged, StoredFileDamaged, StoredFileMissing, StoreFault, StoreReadOnly
from syndicate.language import Text

_FULL: Final = Text(
    "存放媒体文件的磁盘已满，没有留下不完整的文件：请腾出空间后重试",
    "the disk of the media files is full; no incomplete file was left: make room and try again",
)
_BROKEN_DISK: Final = Text(
    "读写媒体文件时磁盘出错：请检查磁盘",
    "the disk failed while a media file was read or written: check the disk",
)


def missing(sha256: str) -> StoredFileMissing:
    """No file of this name is kept."""
    return StoredFileMissing(
        Text(
            f"媒体文件丢失：{_shown(sha256)}；请从备份恢复，或重新入库原件",
            f"a media file is missing: {_shown(sha256)}; restore it from the backup, or ingest it again",
        )
    )


def damaged(sha256: str) -> StoredFileDamaged:
    """A file of this name holds something else."""
    return StoredFileDamaged(
        Text(
            f"媒体文件已损坏，内容与名称不符：{_shown(sha256)}；请从备份恢复，或重新入库原件",
            f"a media file is damaged, its bytes are not what its name says: {_shown(sha256)}; restore it "
            "from the backup, or ingest it again",
        )
    )


def not_ours(place: str) -> StoreDamaged:
    """Something stands in the folder that this server did not make."""
    return StoreDamaged(
        Text(
            f"媒体文件夹里有不属于它的内容（例如符号链接）：{place}；请移走",
            f"the media folder has something that does not belong there, such as a symbolic link: {place}; "
            "move it away",
        )
    )


@contextmanager
def translating_file_errors(place: str) -> Iterator[None]:
    """Turn every OSError into a StoreFault that names the `place`. Wrap only calls to the file system."""
    try:
        yield
    except OSError as error:
        raise file_fault(error, place) from error


def file_fault(error: OSError, place: str) -> StoreFault:
    """Translate an error of the file system."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return StoreFault(_FULL, code="store_full")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StoreReadOnly(
                Text(
                    f"媒体文件夹不可读写：{place}；请检查它的权限和磁盘挂载方式",
                    f"the media folder cannot be read and written: {place}; check its permissions and how "
                    "its disk is mounted",
                )
            )
        case errno.EIO:
            return StoreFault(_BROKEN_DISK, code="store_io")
        case errno.ELOOP | errno.ENOTDIR | errno.EISDIR:
            return not_ours(place)
        case _:
            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return StoreFault(
                Text(f"读写媒体文件夹出错（{name}）：{place}", f"the media folder failed ({name}): {place}")
            )


def _shown(sha256: str) -> str:
    """The digest for people; never a text of somebody's choice."""
    return sha256 if len(sha256) == 64 and sha256.isalnum() and sha256.isascii() else "?"
