"""Parse the answer of `GET /licensed/changes` strictly.

A page with any fault is rejected whole: an entry that was misread could be a recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictBool, StrictStr, TypeAdapter, ValidationError

from syndicate.client.client_errors import InvalidResponse
from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.strict_json import InvalidJson, read_json

ITEM_ID: Final = "[0-9]{8}-[a-z0-9]{10}"
"""Pattern of an item's id. Ids are file names here, so nothing else is accepted."""
_MOST_FAULTS: Final = 10


class Action(StrEnum):
    """What a partner must do with the item of an entry."""

    PUT = "put"
    CORRECT = "correct"
    RECALL = "recall"
    WITHDRAW = "withdraw"
    EMBARGO = "embargo"


DELIVERY_ACTIONS: Final = frozenset({Action.PUT, Action.CORRECT})
"""The item may be held, in this version and no other."""
REMOVAL_ACTIONS: Final = frozenset({Action.RECALL, Action.WITHDRAW})
"""The item must be removed, and the removal acknowledged."""


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected a time (RFC 3339)")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("expected a time with its offset (RFC 3339)")
    return moment


Seq = Annotated[int, Field(strict=True, ge=1, lt=2**53)]
Cursor = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
Version = Annotated[int, Field(strict=True, ge=1, lt=2**53)]
Id = Annotated[ItemId, Field(strict=True, pattern=f"^{ITEM_ID}$")]
Instant = Annotated[datetime, BeforeValidator(_instant)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change of one item. Unknown members are ignored.

    `clause` is the clause of the licence that allows it; `reason` and `note` go with corrections and
    recalls; `deadline` is when a recall or withdrawal must be acknowledged; `until` is when an embargo
    ends. `item` is a ninjs document, not validated here.
    """

    seq: Seq
    action: Action
    id: Id
    version: Version
    at: Instant
    clause: StrictStr | None = None
    reason: StrictStr | None = None
    note: StrictStr | None = None
    deadline: Instant | None = None
    until: Instant | None = None
    item: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of entries in order, the cursor for the next request, and whether more are ready.

    `reset`: the server discarded our cursor and starts from the beginning.
    """

    changes: tuple[Entry, ...]
    next: Cursor
    more: StrictBool
    reset: StrictBool = False


_PAGE: Final = TypeAdapter(Page)
_EXPECTED: Final = {
    "missing": Text("缺少", "is missing"),
    "int_type": Text("应为整数", "expected a whole number"),
    "bool_type": Text("应为 true 或 false", "expected true or false"),
    "string_type": Text("应为文字", "expected a text"),
    "dict_type": Text("应为对象", "expected an object"),
    "dataclass_type": Text("应为对象", "expected an object"),
    "tuple_type": Text("应为列表", "expected a list"),
    "enum": Text(
        "是这一版客户端不认识的动作，请升级", "is an action that this client does not know: upgrade it"
    ),
    "string_pattern_mismatch": Text("不是稿件编号", "is not the id of an item"),
    "value_error": Text("应为带时区的时间（RFC 3339）", "expected a time with its offset (RFC 3339)"),
}


def read_page(data: bytes, after: int) -> Page:
    """Parse the answer to a request for the entries after the cursor `after`.

    Raises InvalidResponse, with every fault, for wrong types, invalid ids, sequence numbers that
    do not grow, and a `next` that would skip entries or loop.
    """
    try:
        page = _PAGE.validate_python(read_answer(data))
    except ValidationError as error:
        raise _wrong(
            [_fault(*_path(one["loc"]), one["type"], one["msg"]) for one in error.errors()]
        ) from None
    before = 0 if page.reset else after
    for number, entry in enumerate(page.changes):
        if entry.seq <= before:
            raise _out_of_order(f"changes[{number}].seq", before)
        before = entry.seq
    if page.next < before:
        raise _out_of_order("next", before - 1)
    if page.more and page.next <= (0 if page.reset else after):
        raise _out_of_order("next", after)
    return page


def read_answer(data: bytes) -> Any:
    """Parse an answer as JSON. Raises InvalidResponse where it is not strict JSON."""
    try:
        return read_json(data)
    except InvalidJson as error:
        head = Text("服务器的应答不是合格的 JSON：", "the server's answer is not strict JSON: ")
        raise InvalidResponse(head + error.faults[0].text) from None


def _path(where: tuple[int | str, ...]) -> tuple[str]:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in where)
    return (path.removeprefix(".") or "answer",)


def _fault(field: str, code: str, message: str) -> Fault:
    return Fault(code, field, _EXPECTED.get(code, Text(message, message)))


def _out_of_order(field: str, before: int) -> InvalidResponse:
    text = Text(f"应大于 {before}，序号只增不减", f"expected more than {before}: the sequence only grows")
    return _wrong([Fault("out_of_order", field, text)])


def _wrong(faults: list[Fault]) -> InvalidResponse:
    head = Text("服务器的应答不合规范：", "the server's answer is not what it should be: ")
    shown = faults[:_MOST_FAULTS]
    message = [Text(f"{one.field} {one.text.zh}", f"{one.field} {one.text.en}") for one in shown]
    zh, en = "；".join(one.zh for one in message), "; ".join(one.en for one in message)
    if len(faults) > len(shown):
        zh, en = f"{zh}；等共 {len(faults)} 处", f"{en}; {len(faults)} in all"
    return InvalidResponse(head + Text(zh, en))
