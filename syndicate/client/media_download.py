"""Fetch one file of a media item: resumed by Range, checked by size and digest.

The address is built of the server's root, the item's id and the rendition, never taken from a document: the
key goes nowhere else. A file that was begun goes on where it was only while the server's strong ETag is the
same (`If-Range`, RFC 9110, 13.1.5). It is taken if it has the size that its document says and the SHA-256
of `Repr-Digest` (RFC 9530).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from syndicate.client.change_api import ChangeApi, Gone, MediaAnswer, QuotaUsedUp
from syndicate.client.client_errors import InvalidResponse
from syndicate.client.folder import disk_space
from syndicate.client.media_folder import MediaFolder, digest_of
from syndicate.client.media_index import FileRow
from syndicate.client.to_its_end import to_its_end
from syndicate.language import Text

if TYPE_CHECKING:
    from hashlib import _Hash

RESUMED_FROM: Final = 2**20
"""Files of so many bytes are resumed; smaller ones are fetched again."""
_WRITTEN_AT_ONCE: Final = 2**20
_SLOWEST: Final = 4096
"""Bytes a second: a server that gives fewer is left after some minutes."""
_ETAG: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:;[^,]*)?(?=,|$)")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The whole file is on the disk under its part's name, checked; `row` says what it holds."""

    row: FileRow


@dataclass(frozen=True, slots=True)
class StillCurrent:
    """The file that is kept is what the server has; `row` says what it holds."""

    row: FileRow


Fetch = Fetched | StillCurrent | Gone | QuotaUsedUp


class MediaDownload:
    """The way of one file into a folder. `on_bytes` is called with the bytes that came."""

    def __init__(
        self, api: ChangeApi, folder: MediaFolder, on_bytes: Callable[[FileRow, int], None]
    ) -> None:
        self._api, self._folder, self._on_bytes = api, folder, on_bytes

    async def fetch(self, row: FileRow) -> Fetch:
        """Fetch a file, or go on with it.

        Raises ServerUnavailable where the connection broke (what came is kept), InvalidResponse for a wrong
        answer (what came is removed where it is not what was announced), KeyRefused, FolderFull, OSError.
        """
        row, kept = await asyncio.to_thread(self._compared, row)
        offset, hasher = await asyncio.to_thread(self._begun, row)
        if kept:
            headers = {"If-None-Match": row.etag or ""}
        elif offset == row.size and row.part_etag is not None:
            headers = {"If-None-Match": row.part_etag}
        elif offset and row.part_etag is not None:
            headers = {"Range": f"bytes={offset}-", "If-Range": row.part_etag}
        else:
            headers = {}
        seconds = 600 + row.size / _SLOWEST
        async with self._api.media(row.item, row.rendition, headers, seconds) as answer:
            if answer.refused is not None:
                return answer.refused
            if answer.status == 200:
                row = await self._begin(row, answer)
                return await self._read(row, 0, hashlib.sha256(), answer)
            if answer.status == 304 and "If-None-Match" in headers:
                return StillCurrent(row) if kept else await self._checked(row, offset, hasher)
            if answer.status == 206 and "Range" in headers:
                try:
                    self._must_continue(row, offset, answer)
                except InvalidResponse:
                    await asyncio.to_thread(self._drop, row)
                    raise
                return await self._read(row, offset, hasher, answer)
            if answer.status == 416 and "Range" in headers:
                await asyncio.to_thread(self._drop, row)
            status = answer.status
            raise _wrong(row, Text(f"不该应答 {status}", f"{status} is no answer to what was asked"))

    def _compared(self, row: FileRow) -> tuple[FileRow, bool]:
        """Whether the kept file is one that the server gave with an ETag that is known; the row with it."""
        path = self._folder.path(row)
        if (row.sha256 or row.part_sha256) is None or not path.exists():
            return row, False
        found = digest_of(path)
        if found == row.sha256:
            return row, row.etag is not None
        if found == row.part_sha256:  # A run was killed before it could note what it had fetched.
            return replace(row, sha256=row.part_sha256, etag=row.part_etag), row.part_etag is not None
        return row, False

    def _begun(self, row: FileRow) -> tuple[int, _Hash]:
        """How many bytes of the file came before, and their hash."""
        hasher, part = hashlib.sha256(), self._folder.part(row)
        if row.part_etag is None or not part.exists() or part.stat().st_size > row.size:
            return 0, hasher
        with part.open("rb") as file:
            while chunk := file.read(_WRITTEN_AT_ONCE):
                hasher.update(chunk)
            return file.tell(), hasher

    async def _begin(self, row: FileRow, answer: MediaAnswer) -> FileRow:
        """Check what the server says of the whole file, and note what a later run goes on with."""
        headers = answer.headers
        if headers.get("Content-Length") != str(row.size):
            size = headers.get("Content-Length", "?")
            raise _wrong(
                row,
                Text(f"有 {size} 字节，应为 {row.size}", f"it has {size} bytes, should have {row.size}"),
            )
        self._must_be_the_type(row, headers)
        etag = headers.get("ETag", "")
        begun = replace(
            row, part_sha256=_digest(row, headers), part_etag=etag if _ETAG.fullmatch(etag) else None
        )

        def begin() -> None:
            self._drop(row)
            if row.size >= RESUMED_FROM:
                self._folder.begin(begun)

        with disk_space():
            await to_its_end(asyncio.to_thread(begin))
        return begun

    def _must_continue(self, row: FileRow, offset: int, answer: MediaAnswer) -> None:
        """Check that a 206 gives the rest of the file that was begun."""
        headers = answer.headers
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None or [int(part) for part in found.groups()] != [offset, row.size - 1, row.size]:
            raise _wrong(row, Text("给的不是所要的那一段", "it is another range than was asked for"))
        if headers.get("ETag") != row.part_etag or _digest(row, headers) != row.part_sha256:
            raise _wrong(row, Text("文件中途换了", "the file changed in the middle"))
        if headers.get("Content-Length") != str(row.size - offset):
            raise _wrong(row, Text("长度与范围不符", "its length is not that of its range"))
        self._must_be_the_type(row, headers)

    def _must_be_the_type(self, row: FileRow, headers: Mapping[str, str]) -> None:
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != row.content_type:
            wanted = row.content_type
            raise _wrong(
                row,
                Text(
                    f"是 {kind or '无类型'}，应为 {wanted}",
                    f"it is {kind or 'no type'}, should be {wanted}",
                ),
            )
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _wrong(row, Text("被压缩过", "it has a content coding"))

    async def _read(self, row: FileRow, offset: int, hasher: _Hash, answer: MediaAnswer) -> Fetched:
        """Write what comes behind the first `offset` bytes, and check the whole."""
        with disk_space():
            if not self._folder.room_for(row.size - offset):
                raise OSError(28, os.strerror(28), str(self._folder.part(row)))
            file = await asyncio.to_thread(self._folder.part(row).open, "ab" if offset else "wb")
        try:
            done = await self._write(row, offset, hasher, answer, file)
        finally:
            with disk_space():
                await to_its_end(asyncio.to_thread(file.close))
        return await self._checked(row, done, hasher)

    async def _write(
        self, row: FileRow, done: int, hasher: _Hash, answer: MediaAnswer, file: BinaryIO
    ) -> int:
        """Write the answer to the file. Return how many bytes it has then."""
        waiting: list[bytes] = []
        size = 0

        def write(parts: list[bytes]) -> None:
            for part in parts:
                file.write(part)
                hasher.update(part)
            file.flush()

        async def hand_over() -> None:
            nonlocal waiting, size, done
            parts, waiting = waiting, []
            with disk_space(file.name):
                await to_its_end(asyncio.to_thread(write, parts))
            done, size = done + size, 0

        async for chunk in answer.chunks():
            waiting.append(chunk)
            size += len(chunk)
            self._on_bytes(row, len(chunk))
            if done + size > row.size:
                await to_its_end(asyncio.to_thread(self._drop, row))
                raise _wrong(row, Text("比应有的长", "it is longer than it should be"))
            if size >= _WRITTEN_AT_ONCE:
                await hand_over()
        await hand_over()
        return done

    async def _checked(self, row: FileRow, done: int, hasher: _Hash) -> Fetched:
        """The file, brought to the disk, if it is the one that the server announced."""
        if done != row.size or hasher.hexdigest() != row.part_sha256:
            await to_its_end(asyncio.to_thread(self._drop, row))
            raise _wrong(row, Text("内容与摘要不符", "its content does not match its digest"))
        with disk_space():
            await to_its_end(asyncio.to_thread(self._folder.bring_to_disk, row))
        return Fetched(replace(row, sha256=row.part_sha256, etag=row.part_etag))

    def _drop(self, row: FileRow) -> None:
        self._folder.part(row).unlink(missing_ok=True)


def _digest(row: FileRow, headers: Mapping[str, str]) -> str:
    """The SHA-256 of the whole file in hex, by `Repr-Digest`."""
    found = _DIGEST.search(headers.get("Repr-Digest", ""))
    if found is not None:
        return base64.b64decode(found[1]).hex()
    raise _wrong(row, Text("没有 SHA-256 摘要", "it has no SHA-256 digest"))


def _wrong(row: FileRow, text: Text) -> InvalidResponse:
    return InvalidResponse(Text(f"文件 {row.name}：", f"file {row.name}: ") + text)
