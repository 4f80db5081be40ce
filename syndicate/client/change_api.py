"""Asking the server: what changed, for an item that is owed, and to note what was done.

Every answer is one that the specification knows, or an error that says what is wrong. Only `Away` is
tried again, with growing pauses of random length, and never sooner than the server asked.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from collections.abc import Sequence as Listed
from contextlib import asynccontextmanager, suppress
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
from syndicate.client.client_errors import RESTART, Away, CursorUnknown, KeyRefused, WrongAnswer
from syndicate.client.network_errors import insecure, unreachable
from syndicate.language import Text
from syndicate.model.item import ItemId

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of one answer, unpacked."""
LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries, where the server names no time."""
_NOT_NOW: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE: Final = frozenset({403, 404, 410, 451})
_backoff: Final = wait_random_exponential(multiplier=1, max=LONGEST_PAUSE, min=0.2)


@dataclass(frozen=True, slots=True)
class Gone:
    """The item is not to be held."""

    code: str


@dataclass(frozen=True, slots=True)
class Later:
    """The quota is used up; `after` is in seconds, None where the server did not say."""

    after: float | None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    after: float | None
    location: str

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document (RFC 9457), as far as there is one."""
        with suppress(WrongAnswer):
            found = read_answer(self.body)
            if isinstance(found, dict):
                return found
        return {}

    @property
    def code(self) -> str:
        """The problem's stable code, or empty."""
        code = self.problem.get("code")
        return code if isinstance(code, str) else ""


Waits = Callable[[Text, float], None]
"""Told why nothing happens for so many seconds."""


class ChangeSequence:
    """The change sequence of one partner on one server. `asking` makes it."""

    def __init__(
        self, client: aiohttp.ClientSession, root: URL, patience: float | None, waits: Waits
    ) -> None:
        self._client, self._root, self._waits = client, root, waits
        self._patience = patience

    async def changes(self, after: int, limit: int, wait: int) -> Page:
        """What follows the cursor `after`: at most `limit` entries, waiting up to `wait` seconds for one.

        Raises CursorUnknown, KeyRefused, WrongAnswer, and Away when patience ends.
        """
        asked = {"after": str(after), "limit": str(limit), "wait": str(wait)}
        answer = await self._ask("GET", "licensed/changes", asked, wait=wait)
        if answer.status == 400 and answer.code == "cursor_unknown":
            raise CursorUnknown(
                Text(
                    f"服务器不认识游标 {after}：可能换了服务器，或文件夹属于另一台",
                    f"the server does not know the cursor {after}: the folder may be another server's",
                )
                + RESTART
            )
        return read_page(_good(answer), after)

    async def item(self, id: ItemId) -> dict[str, Any] | Gone | Later:
        """The ninjs document of an item that is owed. Raises as `changes` does."""
        answer = await self._ask("GET", f"licensed/items/{id}", {}, taken=frozenset({429}))
        if answer.status in _GONE:
            return Gone(answer.code)
        if answer.status == 429:
            return Later(answer.after)
        found = read_answer(_good(answer))
        if not isinstance(found, dict):
            raise WrongAnswer(Text(f"稿件 {id}：不是 ninjs 文档", f"item {id}: this is no ninjs document"))
        return found

    async def acknowledge(self, seqs: Listed[int]) -> frozenset[int]:
        """Say that these entries are done. Those that the server does not know are given back; where there
        are any, nothing was acknowledged. Raises as `changes` does."""
        answer = await self._ask("POST", "licensed/changes/ack", {}, body={"ack": list(seqs)})
        if answer.status == 400 and answer.code == "unknown_change":
            strange = _numbers(answer.problem.get("unknown")) & frozenset(seqs)
            if strange:
                return strange
        noted = read_answer(_good(answer))
        if not isinstance(noted, dict) or not _numbers(noted.get("acknowledged")).issuperset(seqs):
            raise WrongAnswer(
                Text("服务器没有确认收到全部回执", "the server did not confirm every acknowledgement")
            )
        return frozenset()

    async def _ask(
        self,
        method: str,
        path: str,
        asked: dict[str, str],
        *,
        wait: int = 0,
        body: object = None,
        taken: frozenset[int] = frozenset(),
    ) -> _Answer:
        """One request, tried until there is an answer. Statuses in `taken` are answers to the caller."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Away),
            wait=_pause,
            stop=stop_never if self._patience is None else stop_before_delay(self._patience),
            before_sleep=self._say,
            reraise=True,
        )
        address = self._root.joinpath(path).with_query(asked)

        async def once() -> _Answer:
            answer = await self._once(method, address, wait, body)
            if answer.status in _NOT_NOW and answer.status not in taken:
                said = f"{answer.status} {answer.code}".strip()
                raise Away(
                    Text(f"服务器请稍候（{said}）", f"the server asks to wait ({said})"), answer.after
                )
            return answer

        return await retrying(once)

    async def _once(self, method: str, address: URL, wait: int, body: object) -> _Answer:
        timeout = aiohttp.ClientTimeout(total=600, sock_connect=20, sock_read=wait + 60)
        try:
            async with self._client.request(
                method, address, json=body, timeout=timeout, allow_redirects=False
            ) as answer:
                data = bytearray()
                async for part in answer.content.iter_any():
                    data += part
                    if len(data) > LARGEST:
                        raise _too_large()
                headers = answer.headers
                return _Answer(
                    answer.status,
                    bytes(data),
                    retry_after(headers.get("Retry-After"), headers.get("Date"), datetime.now(UTC)),
                    headers.get("Location", ""),
                )
        except aiohttp.ClientSSLError as error:
            head = Text("无法与服务器建立安全连接：", "no secure connection to the server: ")
            raise WrongAnswer(head + insecure(error), code="tls") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            head = Text("无法连接服务器：", "the server cannot be reached: ")
            raise Away(head + unreachable(error)) from None

    def _say(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, Away):
            self._waits(error.text, state.upcoming_sleep)


@asynccontextmanager
async def asking(
    root: URL, key: str, patience: float | None, waits: Waits
) -> AsyncIterator[ChangeSequence]:
    """Speak to the server under `root` with this key, for as long as the block runs.

    `patience` is how many seconds a request may be tried in all before Away leaves, None: for ever.
    """
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, application/problem+json",
        "User-Agent": f"syndicate-pull/{syndicate.__version__}",
    }
    async with aiohttp.ClientSession(
        headers=headers, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), raise_for_status=False
    ) as client:
        yield ChangeSequence(client, root, patience, waits)


def retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Seconds that `Retry-After` (RFC 9110, 10.2.3) asks to wait; None where it says nothing.

    A moment is counted from the answer's own `Date`, so that a client whose clock is wrong waits as long as
    any other.
    """
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    until = _moment(value)
    return None if until is None else max(0.0, (until - (_moment(date) or now)).total_seconds())


def _moment(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _pause(state: RetryCallState) -> float:
    """How long until the next try: random and growing, or a little longer than the server asked."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, Away) and error.after is not None:
        return spread(error.after)
    return _backoff(state)


def spread(seconds: float) -> float:
    """A little later than asked, so that not every client comes back in the same instant."""
    return seconds + random.uniform(0.05, min(30.0, 0.2 + seconds / 10))  # noqa: S311


def _good(answer: _Answer) -> bytes:
    """The body of a 200. Raises for every other status."""
    if answer.status == 200:
        return answer.body
    if answer.status == 401:
        code = answer.code or KeyRefused.code
        raise KeyRefused(
            Text(
                f"密钥无效（{code}）：请核对密钥文件，或向本网申请新密钥",
                f"the key does not open ({code}): compare the key file, or ask the publisher for a new key",
            ),
            code=code,
        )
    if 300 <= answer.status < 400:
        raise WrongAnswer(
            Text(
                f"服务器转到 {answer.location}；为保护密钥，不跟随转址，请直接使用正确的地址",
                f"the server redirects to {answer.location}: not followed, to guard the key",
            ),
            code="redirected",
        )
    said = f"{answer.status} {answer.code}".strip()
    detail = answer.problem.get("detail")
    more = f"：{detail}" if isinstance(detail, str) else ""
    raise WrongAnswer(
        Text(f"服务器拒绝（{said}）{more}", f"the server refused ({said}){more.replace('：', ': ')}"),
        code="refused",
    )


def _numbers(value: object) -> frozenset[int]:
    return frozenset(one for one in value if type(one) is int) if isinstance(value, list) else frozenset()


def _too_large() -> WrongAnswer:
    return WrongAnswer(
        Text(
            f"服务器的回答超过 {LARGEST // 2**20} MiB；可用较小的 --limit",
            f"the server's answer is larger than {LARGEST // 2**20} MiB; try a smaller --limit",
        ),
        code="too_large",
    )
