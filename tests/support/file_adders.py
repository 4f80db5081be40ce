"""A process that adds files to a folder of kept files, and makes stamped ones, until it is killed."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from pathlib import Path

from syndicate.store.files.folder_files import FolderFiles
from syndicate.store.files.stamped_files import StampedFiles

BLOCK = 65_536


def content_of(number: int) -> bytes:
    """What the file of this number holds: up to three megabytes, different for every number."""
    size = (number * 7_919) % 50
    return b"".join(hashlib.sha256(f"{number}/{part}".encode()).digest() * 2048 for part in range(size + 1))


def add_for_ever(root: Path, first: int) -> None:
    """Add one file after the other, from this number on, and make a stamped one of each."""
    asyncio.run(_add(root, first))


async def _add(root: Path, first: int) -> None:
    files, stamped = FolderFiles(root / "files"), StampedFiles(root / "stamped", 20)
    await files.check()
    await stamped.check()
    for number in itertools.count(first):
        source = root / f"source-{first}"
        source.write_bytes(content_of(number))
        added = await files.add(source)
        with await stamped.kept(files, added.sha256) as kept:
            content = kept.read(kept.size, 0)

        def make(path: Path, content: bytes = content) -> None:
            with path.open("wb", buffering=0) as file:
                for at in range(0, len(content), BLOCK):
                    file.write(content[at : at + BLOCK])

        found = await stamped.get(f"number {number % 97}", make)
        found.opened.close()
