"""Kept files in a bucket of an S3-compatible store: `PREFIX/ab/abcdef…`.

A small file is put on the condition that it is not there; a large one in parts, of which the store makes
an object once all have come. Both read the file a second time and give up if its bytes are others by then.
So an object is there whole or not at all, and nothing of other bytes is ever replaced but what is damaged.

Files are read and written in pieces of `PART` bytes, each a request of its own with its own timeout and a
few retries. So no request hangs for long, and memory stays flat.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from syndicate.durable_files import PRIVATE, replaced_file
from syndicate.store.files.file_faults import damaged, missing, translating_file_errors
from syndicate.store.files.file_store import BLOCK, OnRead, StoredFile, is_digest
from syndicate.store.files.s3_faults import (
    has_no_conditions,
    no_bucket,
    s3_errors,
    says_no_bucket,
    translating_s3_errors,
)
from syndicate.store.files.s3_place import S3Place
from syndicate.store.files.source_file import SourceFile, changed_meanwhile, opened_source

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Config

PART: Final = 8 << 20
"""Bytes of a part. With it, an object may have 80 GB."""
_UPLOADS: Final = 2
"""Parts of one file that are under way at the same time."""
_REFRESH: Final = timedelta(minutes=10)
"""A file that is added again and is older is put again, so that it counts as added now."""
_PROBE: Final = ".syndicate-check"


class S3Files:
    """A FileStore in a bucket."""

    def __init__(self, place: S3Place) -> None:
        self._place = place
        config: S3Config = {"region": place.region, "virtual_hosted_style_request": place.endpoint is None}
        if place.endpoint is not None:
            config["endpoint"] = place.endpoint
        self._store = S3Store(
            place.bucket,
            prefix=place.prefix or None,
            config=config,
            client_options={
                "allow_http": place.endpoint is not None and place.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(5.0, place.seconds)),
                "timeout": timedelta(seconds=place.seconds),
            },
            retry_config={
                "max_retries": place.retries,
                "retry_timeout": timedelta(seconds=2 * place.seconds),
            },
            **cast("dict[str, Any]", dict(place.credentials)),
        )
        self._conditions = True

    @property
    def place(self) -> str:
        """The bucket's address."""
        return repr(self._place)

    async def check(self) -> None:
        """See FileStore: writes and removes a small object. Parts of broken uploads the bucket removes."""
        try:
            # Without credentials obstore looks for those of a cloud's machine, with patience of its own.
            with translating_s3_errors(self.place, self._place.seconds):
                async with asyncio.timeout(2 * self._place.seconds):
                    await obstore.put_async(self._store, _PROBE, b"", use_multipart=False)
                    await obstore.delete_async(self._store, _PROBE)
        except FileNotFoundError as error:
            raise no_bucket(self.place) from error

    async def add(self, path: Path, on_read: OnRead | None = None) -> StoredFile:
        """See FileStore. Where it was added in the last ten minutes, its time stays.

        What is not there yet is read twice.
        """
        with opened_source(path, on_read) as source:
            sha256, etag = await asyncio.to_thread(_hashed, source)
            there = await self._head(sha256)
            whole = there is not None and there["size"] == source.size and there["e_tag"] == f'"{etag}"'
            if there is None or not whole or datetime.now(UTC) - there["last_modified"] > _REFRESH:
                await self._put(source, sha256, new=there is None)
                there = await self._head(sha256)
            if there is None:
                raise missing(sha256)
            if there["size"] != source.size:
                raise damaged(sha256)
            return _stored(sha256, there)

    async def read(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """See FileStore."""
        found = await self.find(sha256)
        if found is None:
            raise missing(sha256)
        for start in range(0, found.size, PART):
            part = await self._part(sha256, start, min(start + PART, found.size))
            for at in range(0, len(part), BLOCK):
                yield bytes(part[at : at + BLOCK])

    async def fetch(self, sha256: str, target: Path) -> StoredFile:
        """See FileStore."""
        found = await self.find(sha256)
        if found is None:
            raise missing(sha256)
        digest, written = hashlib.sha256(), ExitStack()
        with translating_file_errors(str(target.parent)):
            copy = await asyncio.to_thread(written.enter_context, replaced_file(target, mode=PRIVATE))
            try:
                async with aclosing(self.read(sha256)) as blocks:
                    async for block in blocks:
                        digest.update(block)
                        await asyncio.to_thread(copy.write, block)
                if digest.hexdigest() != sha256:
                    raise damaged(sha256)
            except BaseException:
                written.__exit__(*sys.exc_info())
                raise
            await asyncio.to_thread(written.close)
        return found

    async def open_local(self, sha256: str) -> Path | None:
        """See FileStore: never local."""
        if await self.find(sha256) is None:
            raise missing(sha256)
        return None

    async def find(self, sha256: str) -> StoredFile | None:
        """See FileStore."""
        found = await self._head(sha256) if is_digest(sha256) else None
        return None if found is None else _stored(sha256, found)

    async def exists(self, sha256: str) -> bool:
        """See FileStore."""
        return await self.find(sha256) is not None

    async def size(self, sha256: str) -> int | None:
        """See FileStore."""
        found = await self.find(sha256)
        return None if found is None else found.size

    async def delete(self, sha256: str, *, added_before: datetime | None = None) -> bool:
        """See FileStore.

        S3 cannot tie a deletion to the object's age: one that is added again within the milliseconds
        between the look and the deletion is lost. A file that items name is never deleted.
        """
        found = await self.find(sha256)
        if found is None or (added_before is not None and found.added >= added_before):
            return False
        with translating_s3_errors(self.place, self._place.seconds):
            await obstore.delete_async(self._store, _key(sha256))
        return True

    async def list(self) -> AsyncIterator[StoredFile]:
        """See FileStore. Objects of other names are left out."""
        with translating_s3_errors(self.place, self._place.seconds):
            async for batch in obstore.list(self._store, chunk_size=1000):
                for one in batch:
                    sha256 = one["path"].rpartition("/")[2]
                    if is_digest(sha256) and one["path"] == _key(sha256):
                        yield _stored(sha256, one)

    async def _head(self, sha256: str) -> ObjectMeta | None:
        try:
            with translating_s3_errors(self.place, self._place.seconds):
                return await obstore.head_async(self._store, _key(sha256))
        except FileNotFoundError:
            return None

    async def _part(self, sha256: str, start: int, end: int) -> memoryview:
        try:
            with translating_s3_errors(self.place, self._place.seconds):
                part = await obstore.get_range_async(self._store, _key(sha256), start=start, end=end)
        except FileNotFoundError as error:
            raise no_bucket(self.place) if says_no_bucket(error) else missing(sha256) from error
        return memoryview(part)

    async def _put(self, source: SourceFile, sha256: str, *, new: bool) -> None:
        try:
            with translating_s3_errors(self.place, self._place.seconds):
                if source.size > PART:
                    await obstore.put_async(
                        self._store,
                        _key(sha256),
                        _again(source, sha256),
                        use_multipart=True,
                        chunk_size=PART,
                        max_concurrency=_UPLOADS,
                    )
                else:
                    content = b"".join([block async for block in _again(source, sha256)])
                    await self._put_small(_key(sha256), content, new=new)
        except FileNotFoundError as error:  # a put finds the bucket, or nothing
            raise no_bucket(self.place) from error

    async def _put_small(self, key: str, content: bytes, *, new: bool) -> None:
        if new and self._conditions:
            try:
                await obstore.put_async(self._store, key, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return  # another process was faster; its bytes have the same hash
            except s3_errors() as error:
                if not has_no_conditions(error):
                    raise
                self._conditions = False  # an older server, which cannot do it
            else:
                return
        await obstore.put_async(self._store, key, content, use_multipart=False)


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _stored(sha256: str, found: ObjectMeta) -> StoredFile:
    return StoredFile(sha256, found["size"], found["last_modified"].astimezone(UTC))


def _hashed(source: SourceFile) -> tuple[str, str]:
    """The SHA-256 of a file, and the ETag that S3 gives to an object of its bytes in our parts.

    A server that makes other ETags, as with encryption by its own keys, costs one more upload of a file
    that is added again.
    """
    whole, parts, filled = hashlib.sha256(), [hashlib.md5(usedforsecurity=False)], 0
    for block in source.blocks():
        whole.update(block)
        if filled == PART:
            parts.append(hashlib.md5(usedforsecurity=False))
            filled = 0
        parts[-1].update(block)
        filled += len(block)
    if source.size <= PART:
        return whole.hexdigest(), parts[0].hexdigest()
    of_parts = hashlib.md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
    return whole.hexdigest(), f"{of_parts.hexdigest()}-{len(parts)}"


async def _again(source: SourceFile, sha256: str) -> AsyncIterator[bytes]:
    """Read the file a second time. Raises Faulty, before the end, where its bytes are others now."""
    digest = hashlib.sha256()
    blocks = source.blocks()
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        digest.update(block)
        yield block
    if digest.hexdigest() != sha256:
        raise changed_meanwhile(source.name)
