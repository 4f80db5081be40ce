"""HTTP requests to the publisher's server: read changes, fetch an item, acknowledge changes.

An answer outside the specification is an error. Only `ServerUnavailable` is retried, with random
exponential backoff, and never sooner than the server's `Retry-After`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from collections.abc import Sequence as Listed
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay, stop_never
from tenacity.wait import wait_random_exponential
from yarl import URL

import syndicate
from syndicate.client.change_entries import Page, read_answer, read_page
from syndicate.client.client_errors import (
    RESTART,
    CursorUnknown,
    InvalidResponse,
    KeyRefused,
    ServerUnavailable,
)
from syndicate.client.network_errors import insecure, unreachable
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Most bytes of one answer, after decompression."""
MAX_BACKOFF: Final = 60.0
"""Most seconds between two tries, where the server sends no `Retry-After`."""
_RETRY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_PROBLEM_BYTES: Final = 1024 * 1024
_MEDIA_STATUSES: Final = frozenset({200, 206, 304, 416})
_GONE_STATUSES: Final = frozenset({403, 404, 410, 451})
_backoff: Final = wait_random_exponential(multiplier=1, max=MAX_BACKOFF, min=0.2)


@dataclass(frozen=True, slots=True)
class Gone:
    """The server does not give the item (any more): delete any copy. `code` is the problem's."""

    code: str


@dataclass(frozen=True, slots=True)
class QuotaUsedUp:
    """The quota is used up (429). `after`: seconds until it resets, None without `Retry-After`."""

    after: float | None


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes
    after: float | None
    location: str

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document (RFC 9457); empty where there is none."""
        with suppress(InvalidResponse):
            found = read_answer(self.body)
            if isinstance(found, dict):
                return found
        return {}

    @property
    def code(self) -> str:
        """The problem's stable code, or empty."""
        code = self.problem.get("code")
        return code if isinstance(code, str) else ""


class MediaAnswer:
    """An answer to a request for a file, whose body is read by `chunks`.

    `refused`: the server does not give the file (Gone), or not yet (QuotaUsedUp).
    """

    def __init__(self, answer: aiohttp.ClientResponse, refused: Gone | QuotaUsedUp | None) -> None:
        self._answer, self.refused = answer, refused
        self.status, self.headers = answer.status, answer.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ServerUnavailable where it breaks off."""
        with _network_errors():
            async for chunk in self._answer.content.iter_any():
                yield chunk


OnWait = Callable[[Text, float], None]
"""Callback for a wait: the reason, and the seconds until the next try."""


class ChangeApi:
    """The API of one server, for the partner of one key. `open_change_api` makes it."""

    def __init__(
        self, client: aiohttp.ClientSession, root: URL, patience: float | None, on_wait: OnWait
    ) -> None:
        self._client, self._root, self._on_wait = client, root, on_wait
        self._patience = patience

    async def changes(self, after: int, limit: int, wait: int) -> Page:
        """Read at most `limit` entries after the cursor `after`; wait up to `wait` seconds for the first.

        Raises CursorUnknown, KeyRefused, InvalidResponse, and ServerUnavailable after `patience`.
        """
        query = {"after": str(after), "limit": str(limit), "wait": str(wait)}
        answer = await self._request("GET", "licensed/changes", query, wait=wait)
        if answer.status == 400 and answer.code == "cursor_unknown":
            raise CursorUnknown(
                Text(
                    f"服务器不认识游标 {after}：可能换了服务器，或文件夹属于另一台",
                    f"the server does not know the cursor {after}: the folder may be another server's",
                )
                + RESTART
            )
        return read_page(_success_body(answer), after)

    async def item(self, id: ItemId) -> dict[str, Any] | Gone | QuotaUsedUp:
        """Fetch the ninjs document of an item. Raises as `changes` does."""
        answer = await self._request("GET", f"licensed/items/{id}", {}, accepted=frozenset({429}))
        if answer.status in _GONE_STATUSES:
            return Gone(answer.code)
        if answer.status == 429:
            return QuotaUsedUp(answer.after)
        found = read_answer(_success_body(answer))
        if not isinstance(found, dict):
            raise InvalidResponse(
                Text(f"稿件 {id}：不是 ninjs 文档", f"item {id}: this is no ninjs document")
            )
        return found

    @asynccontextmanager
    async def media(
        self, id: ItemId, rendition: RenditionName, headers: Mapping[str, str], seconds: float
    ) -> AsyncIterator[MediaAnswer]:
        """Request a file of a media item once, for so many seconds at most. The body is not read yet.

        200, 206, 304, 416 and refusals are returned. Raises ServerUnavailable, KeyRefused, InvalidResponse.
        """
        address = self._root.joinpath(f"licensed/media/{id}/{rendition.value}")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=20, sock_read=60)
        asked = {"Accept": "*/*", "Accept-Encoding": "identity", **headers}
        with _network_errors():
            answer = await self._client.get(address, headers=asked, timeout=timeout, allow_redirects=False)
        try:
            if answer.status in _MEDIA_STATUSES:
                yield MediaAnswer(answer, None)
                return
            problem = await _read_response(answer, _MAX_PROBLEM_BYTES)
            if answer.status in _GONE_STATUSES:
                yield MediaAnswer(answer, Gone(problem.code))
            elif answer.status == 429:
                yield MediaAnswer(answer, QuotaUsedUp(problem.after))
            elif answer.status in _RETRY_STATUSES:
                raise _asked_to_wait(problem)
            else:
                _success_body(problem)
                raise AssertionError("200 is a media status")
        finally:
            answer.close()

    async def acknowledge(self, seqs: Listed[int]) -> frozenset[int]:
        """Acknowledge these entries. Return those that the server does not know.

        Where any is unknown, nothing was acknowledged. Raises as `changes` does.
        """
        answer = await self._request("POST", "licensed/changes/ack", {}, body={"ack": list(seqs)})
        if answer.status == 400 and answer.code == "unknown_change":
            strange = _integers(answer.problem.get("unknown")) & frozenset(seqs)
            if strange:
                return strange
        noted = read_answer(_success_body(answer))
        if not isinstance(noted, dict) or not _integers(noted.get("acknowledged")).issuperset(seqs):
            raise InvalidResponse(
                Text("服务器没有确认收到全部回执", "the server did not confirm every acknowledgement")
            )
        return frozenset()

    async def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        *,
        wait: int = 0,
        body: object = None,
        accepted: frozenset[int] = frozenset(),
    ) -> _Response:
        """Send one request, with retries. A status in `accepted` is returned, not retried."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(ServerUnavailable),
            wait=_next_delay,
            stop=stop_never if self._patience is None else stop_before_delay(self._patience),
            before_sleep=self._report_wait,
            reraise=True,
        )
        address = self._root.joinpath(path).with_query(query)

        async def once() -> _Response:
            answer = await self._send(method, address, wait, body)
            if answer.status in _RETRY_STATUSES and answer.status not in accepted:
                raise _asked_to_wait(answer)
            return answer

        return await retrying(once)

    async def _send(self, method: str, address: URL, wait: int, body: object) -> _Response:
        timeout = aiohttp.ClientTimeout(total=600, sock_connect=20, sock_read=wait + 60)
        with _network_errors():
            async with self._client.request(
                method, address, json=body, timeout=timeout, allow_redirects=False
            ) as answer:
                return await _read_response(answer, MAX_ANSWER_BYTES)

    def _report_wait(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, ServerUnavailable):
            self._on_wait(error.text, state.upcoming_sleep)


async def _read_response(answer: aiohttp.ClientResponse, most: int) -> _Response:
    """Read an answer of at most so many bytes."""
    data = bytearray()
    with _network_errors():
        async for part in answer.content.iter_any():
            data += part
            if len(data) > most:
                raise _too_large()
    headers = answer.headers
    return _Response(
        answer.status,
        bytes(data),
        retry_after(headers.get("Retry-After"), headers.get("Date"), datetime.now(UTC)),
        headers.get("Location", ""),
    )


@contextmanager
def _network_errors() -> Iterator[None]:
    """Turn errors of the network into ServerUnavailable, those of TLS into InvalidResponse."""
    try:
        yield
    except aiohttp.ClientSSLError as error:
        head = Text("无法与服务器建立安全连接：", "no secure connection to the server: ")
        raise InvalidResponse(head + insecure(error), code="tls") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        head = Text("无法连接服务器：", "the server cannot be reached: ")
        raise ServerUnavailable(head + unreachable(error)) from None


def _asked_to_wait(answer: _Response) -> ServerUnavailable:
    status = f"{answer.status} {answer.code}".strip()
    return ServerUnavailable(
        Text(f"服务器要求稍候（{status}）", f"the server asks to wait ({status})"), answer.after
    )


@asynccontextmanager
async def open_change_api(
    root: URL, key: str, patience: float | None, on_wait: OnWait
) -> AsyncIterator[ChangeApi]:
    """Open an HTTP session with the server under `root`, authenticated by this key.

    A request is retried for `patience` seconds before it raises ServerUnavailable; None retries for ever.
    """
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, application/problem+json",
        "Accept-Encoding": "br, gzip",
        "User-Agent": f"syndicate-pull/{syndicate.__version__}",
    }
    async with aiohttp.ClientSession(
        headers=headers, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), raise_for_status=False
    ) as client:
        yield ChangeApi(client, root, patience, on_wait)


def retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` (RFC 9110, 10.2.3) asks to wait; None without a valid value.

    A date is compared with the answer's own `Date`, so that a wrong clock of the client does not matter.
    """
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    until = _http_date(value)
    return None if until is None else max(0.0, (until - (_http_date(date) or now)).total_seconds())


def _http_date(value: str | None) -> datetime | None:
    try:
        instant = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _next_delay(state: RetryCallState) -> float:
    """Seconds until the next try: random exponential backoff, or a little more than `Retry-After`."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, ServerUnavailable) and error.after is not None:
        return with_jitter(error.after)
    return _backoff(state)


def with_jitter(seconds: float) -> float:
    """Add a random part to a wait, so that clients do not all come back at once."""
    return seconds + random.uniform(0.05, min(30.0, 0.2 + seconds / 10))  # noqa: S311


def _success_body(answer: _Response) -> bytes:
    """Return the body of a 200. Raises for every other status."""
    if answer.status == 200:
        return answer.body
    if answer.status == 401:
        code = answer.code or KeyRefused.code
        raise KeyRefused(
            Text(
                f"密钥无效（{code}）：请核对密钥文件，或向本网申请新密钥",
                f"the server rejects the key ({code}): check the file, or ask the publisher for a new key",
            ),
            code=code,
        )
    if 300 <= answer.status < 400:
        raise InvalidResponse(
            Text(
                f"服务器转到 {answer.location}；为保护密钥，没有跟随跳转；请直接使用正确的地址",
                f"the server redirects to {answer.location}: not followed, to guard the key",
            ),
            code="redirected",
        )
    status = f"{answer.status} {answer.code}".strip()
    detail = answer.problem.get("detail")
    more = f"：{detail}" if isinstance(detail, str) else ""
    raise InvalidResponse(
        Text(f"服务器拒绝（{status}）{more}", f"the server refused ({status}){more.replace('：', ': ')}"),
        code="refused",
    )


def _integers(value: object) -> frozenset[int]:
    return frozenset(one for one in value if type(one) is int) if isinstance(value, list) else frozenset()


def _too_large() -> InvalidResponse:
    return InvalidResponse(
        Text(
            f"服务器的应答超过 {MAX_ANSWER_BYTES // 2**20} MiB；请改用较小的 --limit",
            f"the server's answer is larger than {MAX_ANSWER_BYTES // 2**20} MiB; try a smaller --limit",
        ),
        code="too_large",
    )
