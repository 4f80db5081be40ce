"""Make folders and files that only the server's user may read, whatever the umask.

What is there already keeps the mode that somebody gave it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = 0o700
FILE: Final = 0o600


def private_folder(path: Path) -> None:
    """Make the folder, and those above it, where they are missing: mode 0700 each. Raises OSError."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        private_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER)
    except FileExistsError:
        if not path.is_dir():
            raise
        return  # another process was first
    path.chmod(FOLDER)


def private_file(path: Path) -> None:
    """Make an empty file, mode 0600, where there is none. Raises OSError."""
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE)
    except FileExistsError:
        return
    try:
        os.fchmod(made, FILE)
    finally:
        os.close(made)
