"""Copy ranges of bytes from file to file, by the kernel where it can: memory stays flat for any length."""

from __future__ import annotations

import errno
import os
from typing import BinaryIO, Final

_PIECE: Final = 1024 * 1024
_BY_HAND: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
"""Why the kernel may refuse to copy: other file systems, or none that can."""


class SourceChanged(OSError):
    """The source is shorter than it was: it changes while it is read."""


def copy_range(source: BinaryIO, target: BinaryIO, start: int, length: int) -> None:
    """Append `length` bytes of `source` from `start` on to `target`. Raises OSError, SourceChanged."""
    target.flush()
    at, end = start, start + length
    while at < end:
        try:
            copied = os.copy_file_range(source.fileno(), target.fileno(), end - at, at)
        except OSError as error:
            if error.errno not in _BY_HAND:
                raise
            break
        if not copied:
            break
        at += copied
    target.seek(0, os.SEEK_END)
    while at < end:
        piece = os.pread(source.fileno(), min(_PIECE, end - at), at)
        if not piece:
            raise SourceChanged(errno.EIO, "the source became shorter while it was read")
        target.write(piece)
        at += len(piece)


def overwrite_with_zeros(target: BinaryIO, start: int, length: int) -> None:
    """Put zeros in place of `length` bytes from `start` on."""
    target.seek(start)
    for left in range(length, 0, -_PIECE):
        target.write(bytes(min(_PIECE, left)))
