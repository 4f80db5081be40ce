"""Send files, or parts of them, in pieces as the client takes them.

A piece is read by one of a few threads, so that a slow disk stops no other answer, and handed to the
connection; the next is read when the client has taken it. So an answer holds `PIECE` bytes of memory,
however large the file and however slow the client. The connection aborts a client that stands still
(`docs/explanation/server.md`).

A file is never compressed: it is already. Its Cache-Control should say `no-transform` (RFC 9111, section
5.2.2.6), since proxies that make pictures smaller remove what is written in them.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from time import time
from typing import Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from syndicate.store.files.opened_file import OpenedFile
from syndicate.web.server.range_header import ByteRange, RangeNotSatisfiable, requested_range
from syndicate.web.server.response_cache import (
    header_value,
    matches_weakly,
    not_modified_since,
    parse_http_date,
)
from syndicate.web.server.responses import REQUEST_ID, Headers, Reply, encode_head

PIECE: Final = 128 * 1024
"""Bytes that are read and handed over at once."""
PRIVATE_FILE: Final = ("Cache-Control", "private, no-cache, no-transform")
"""Cache-Control of a licensed file: the reader may keep it, and revalidates it before each use."""

SENT: web.RequestKey[int] = web.RequestKey("sent", int)
"""Bytes of a file that were handed to the connection so far. It grows when the client has read."""

_SURE_AFTER: Final = 2.0
"""Seconds after which the file cannot change any more within the second that Last-Modified names."""

_READERS: Final = ThreadPoolExecutor(4, thread_name_prefix="media-read")

_log = structlog.get_logger("syndicate.web")


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file as it leaves: the same bytes for the same `sha256` (hex), which is its strong validator.

    `modified` (aware) is since when it has these bytes. `disposition` is a whole Content-Disposition.
    `headers` go into every answer, also a 304: Cache-Control, Vary, Link.
    """

    opened: OpenedFile
    content_type: str
    sha256: str
    modified: datetime
    disposition: str | None = None
    headers: Headers = field(default=(PRIVATE_FILE,))

    @property
    def etag(self) -> str:
        """The strong validator, quoted."""
        return f'"{self.sha256[:32]}"'

    @property
    def digest(self) -> str:
        """The value of a digest field of the whole file (RFC 9530)."""
        return f"sha-256=:{b64encode(bytes.fromhex(self.sha256)).decode()}:"


def file_reply(request: web.Request, file: DeliveredFile) -> Reply:
    """Answer 200, 206 or 304 (RFC 9110, sections 13.2.2 and 14.2).

    Nothing is sent yet: look at `status` and `body_length`, write what must be written before the first
    byte, then return it. The file is closed when it is sent. Raises HTTPPreconditionFailed (If-Match,
    If-Unmodified-Since) and HTTPRequestRangeNotSatisfiable, and has closed the file.
    """
    try:
        if _not_modified(request, file):
            file.opened.close()
            return Reply(304, encode_head([*_validators(file), *file.headers]), b"")
        part = None
        if request.method == "GET" and "Range" in request.headers and _may_be_partial(request, file):
            part = requested_range(header_value(request, "Range"), file.opened.size)
    except RangeNotSatisfiable as refused:
        file.opened.close()
        size = {"Content-Range": f"bytes */{refused.size}"}
        raise web.HTTPRequestRangeNotSatisfiable(headers=size) from None
    except Exception:
        file.opened.close()
        raise
    whole = ByteRange(0, file.opened.size)
    headers = [
        ("Content-Type", file.content_type),
        ("Content-Length", str((part or whole).length)),
        *([("Content-Range", part.content_range(file.opened.size))] if part else []),
        ("Accept-Ranges", "bytes"),
        ("Repr-Digest", file.digest),
        *([] if part else [("Content-Digest", file.digest)]),
        *([("Content-Disposition", file.disposition)] if file.disposition else []),
        *_validators(file),
        *file.headers,
    ]
    return FileReply(206 if part else 200, encode_head(headers), file.opened, part or whole)


class FileReply(Reply):
    """A response whose body is a part of an open file, which it closes."""

    def __init__(self, status: int, head: bytes, file: OpenedFile, part: ByteRange) -> None:
        super().__init__(status, head, b"")
        self._file, self._part = file, part

    @property
    def content_range(self) -> str | None:
        """The part that is sent, as Content-Range says it; None for the whole file."""
        return self._part.content_range(self._file.size) if self.status == 206 else None

    @property
    def body_length(self) -> int:
        """Bytes of the body, were it a GET."""
        return self._part.length

    def with_headers(self, headers: Headers) -> Reply:
        """Return the same response with more headers in front of its own."""
        return FileReply(self.status, super().with_headers(headers).head, self._file, self._part)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the head, then the body piece by piece. Raises ConnectionError where the client goes."""
        try:
            writer = await super().prepare(request)
            if writer is not None and request.method != "HEAD":
                await self._send(request, writer)
        finally:
            self._file.close()
        return writer

    async def _send(self, request: web.BaseRequest, writer: AbstractStreamWriter) -> None:
        loop = asyncio.get_running_loop()
        at, end = self._part.start, self._part.start + self._part.length
        while at < end:
            piece = await loop.run_in_executor(_READERS, self._file.read, min(PIECE, end - at), at)
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the client has closed the connection")
            if not piece:
                # The client must see that this is not the end: the length that it was told does not come.
                _log.error("file_cut_short", request_id=request.get(REQUEST_ID, ""), missing=end - at)
                transport.abort()
                raise ConnectionAbortedError("the file is shorter than it was")
            transport.write(piece)
            at += len(piece)
            writer.output_size += len(piece)
            request[SENT] = at - self._part.start
            del piece  # the connection has it, or a copy of what the kernel did not take
            await writer.drain()


def _validators(file: DeliveredFile) -> Headers:
    return [
        ("ETag", file.etag),
        ("Last-Modified", format_datetime(_second(file.modified).astimezone(UTC), usegmt=True)),
    ]


def _second(exact: datetime) -> datetime:
    return exact.astimezone(UTC).replace(microsecond=0)


def _not_modified(request: web.Request, file: DeliveredFile) -> bool:
    """Whether the answer is 304. Raises HTTPPreconditionFailed."""
    if_match = header_value(request, "If-Match")
    unmodified_since = request.headers.get("If-Unmodified-Since")
    if if_match is not None:
        if not _matches_strongly(if_match, file.etag):
            raise web.HTTPPreconditionFailed
    elif unmodified_since is not None:
        since = parse_http_date(unmodified_since)
        if since is not None and _second(file.modified) > since:
            raise web.HTTPPreconditionFailed
    if_none_match = header_value(request, "If-None-Match")
    if if_none_match is not None:
        return matches_weakly(if_none_match, file.etag)
    modified_since = request.headers.get("If-Modified-Since")
    return modified_since is not None and not_modified_since(_second(file.modified), modified_since)


def _may_be_partial(request: web.Request, file: DeliveredFile) -> bool:
    """Whether the file is still what the client has a part of (If-Range, RFC 9110, section 13.1.5)."""
    if_range = header_value(request, "If-Range")
    if if_range is None:
        return True
    if '"' in if_range:
        return if_range.strip() == file.etag
    # A date counts only where the file cannot have changed twice in that second (section 8.8.2.2).
    asked, modified = parse_http_date(if_range), _second(file.modified)
    return asked == modified and time() - modified.timestamp() >= _SURE_AFTER


def _matches_strongly(if_match: str, etag: str) -> bool:
    """Strong comparison (RFC 9110, section 8.8.3.2) with each listed validator, or `*`."""
    return if_match.strip() == "*" or etag in (one.strip() for one in if_match.split(","))
