"""The media route of the publisher for tests of the partner's side, and documents that name its files."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TYPES = {"picture": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4"}


def content(seed: str, size: int) -> bytes:
    """A file like no other."""
    return random.Random(seed).randbytes(size)


def a_digest(data: bytes) -> str:
    """`Repr-Digest` of a file (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@dataclass(frozen=True)
class StubFile:
    """A file that the server gives."""

    data: bytes
    content_type: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": self.content_type,
            "ETag": f'"{hashlib.sha256(self.data).hexdigest()}"',
            "Repr-Digest": a_digest(self.data),
            "Accept-Ranges": "bytes",
        }


@dataclass
class StubFiles:
    """The files of media items. Everything may be set by the test's thread."""

    files: dict[tuple[str, str], StubFile] = field(default_factory=dict)
    strange: list[Handler] = field(default_factory=list)
    """Answers to the next requests, in place of the true ones."""
    refusals: dict[tuple[str, str], web.Response] = field(default_factory=dict)
    """Files that are not given, with this answer."""
    cut_after: int | None = None
    """While set, the connection breaks after so many bytes of a body."""
    given: list[tuple[str, int, int]] = field(default_factory=list)
    """What was given: the rendition's name, status and bytes."""

    def add(self, id: str, rendition: str, data: bytes, content_type: str) -> dict[str, Any]:
        """Give a file. Return its ninjs rendition; its address is one that nobody should follow."""
        self.files[id, rendition] = StubFile(data, content_type)
        return {
            "name": rendition,
            "href": f"http://127.0.0.1:9/licensed/media/{id}/{rendition}",
            "contentType": content_type,
            "sizeInBytes": len(data),
            "width": 1600,
            "height": 900,
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the contract says, or as the test wants it."""
        assert request.headers["Accept-Encoding"] == "identity"
        return await (self.strange.pop(0) if self.strange else self.give)(request)

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Answer as the contract says: 200, 206, 304 or a refusal."""
        id, rendition = request.match_info["item"], request.match_info["rendition"]
        if (id, rendition) in self.refusals:
            refusal = self.refusals[id, rendition]
            return web.Response(status=refusal.status, headers=refusal.headers, body=refusal.body)
        file = self.files[id, rendition]
        if request.headers.get("If-None-Match") == file.headers["ETag"]:
            self.given.append((rendition, 304, 0))
            return web.Response(status=304, headers={"ETag": file.headers["ETag"]})
        status, start = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        headers = dict(file.headers)
        if asked and request.headers.get("If-Range") == file.headers["ETag"]:
            status, start = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(file.data) - 1}/{len(file.data)}"
        body = file.data[start:]
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        if self.cut_after is not None and len(body) > self.cut_after:
            await response.write(body[: self.cut_after])
            assert request.transport is not None
            request.transport.close()  # what was written still goes out
            self.given.append((rendition, status, self.cut_after))
            return response
        self.given.append((rendition, status, len(body)))
        await response.write(body)
        return response
