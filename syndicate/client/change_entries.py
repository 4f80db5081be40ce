"""What the server may say: entries of the change sequence, read strictly and all or nothing.

A page that is wrong anywhere is refused whole: an entry that was misread could be the one that says
what must go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictBool, StrictStr, TypeAdapter, ValidationError

from syndicate.client.client_errors import WrongAnswer
from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.strict_json import InvalidJson, read_json

ITEM_ID: Final = "[0-9]{8}-[a-z0-9]{10}"
"""What an id looks like; nothing else becomes the name of a file."""
_MOST_FAULTS: Final = 10


class Action(StrEnum):
    """What an entry asks of a partner."""

    PUT = "put"
    CORRECT = "correct"
    RECALL = "recall"
    WITHDRAW = "withdraw"
    EMBARGO = "embargo"


GIVES: Final = frozenset({Action.PUT, Action.CORRECT})
"""The item may be held, in this version and no other."""
ENDS: Final = frozenset({Action.RECALL, Action.WITHDRAW})
"""The item must be removed, and the removal acknowledged."""


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected a moment (RFC 3339)")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("expected a moment with its offset (RFC 3339)")
    return moment


Seq = Annotated[int, Field(strict=True, ge=1, lt=2**53)]
Cursor = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
Version = Annotated[int, Field(strict=True, ge=1, lt=2**53)]
Id = Annotated[ItemId, Field(strict=True, pattern=f"^{ITEM_ID}$")]
Moment = Annotated[datetime, BeforeValidator(_moment)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change, for one item. Members that we do not know are passed over.

    `clause` is the clause of the licence that it rests on; `reason` and `note` go with corrections and
    recalls; `deadline` is when a recall or withdrawal must be acknowledged; `until` is when an embargo
    ends. `item` is a ninjs document, not looked into here.
    """

    seq: Seq
    action: Action
    id: Id
    version: Version
    at: Moment
    clause: StrictStr | None = None
    reason: StrictStr | None = None
    note: StrictStr | None = None
    deadline: Moment | None = None
    until: Moment | None = None
    item: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: entries in order, the cursor for the next call, and whether more are there already.

    `reset`: the server did not know our cursor, and begins from its beginning.
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
    "value_error": Text("应为带时差的时间（RFC 3339）", "expected a moment with its offset (RFC 3339)"),
}


def read_page(data: bytes, after: int) -> Page:
    """The page that this answer is, to the question what came after `after`.

    Raises WrongAnswer, with every fault, for anything that is not one: other types, ids that are no ids,
    numbers that do not grow, a `next` that would lose entries or go round in a circle.
    """
    try:
        page = _PAGE.validate_python(read_answer(data))
    except ValidationError as error:
        raise _wrong(
            [_fault(*_place(one["loc"]), one["type"], one["msg"]) for one in error.errors()]
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
    """Return the JSON value that an answer is. Raises WrongAnswer where it is not strict JSON."""
    try:
        return read_json(data)
    except InvalidJson as error:
        head = Text("服务器的应答不是合格的 JSON：", "the server's answer is not strict JSON: ")
        raise WrongAnswer(head + error.faults[0].text) from None


def _place(where: tuple[int | str, ...]) -> tuple[str]:
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in where)
    return (path.removeprefix(".") or "answer",)


def _fault(field: str, code: str, said: str) -> Fault:
    return Fault(code, field, _EXPECTED.get(code, Text(said, said)))


def _out_of_order(field: str, before: int) -> WrongAnswer:
    text = Text(f"应大于 {before}，序号只增不减", f"expected more than {before}: the sequence only grows")
    return _wrong([Fault("out_of_order", field, text)])


def _wrong(faults: list[Fault]) -> WrongAnswer:
    head = Text("服务器的回答不合规范：", "the server's answer is not what it should be: ")
    shown = faults[:_MOST_FAULTS]
    said = [Text(f"{one.field} {one.text.zh}", f"{one.field} {one.text.en}") for one in shown]
    zh, en = "；".join(one.zh for one in said), "; ".join(one.en for one in said)
    if len(faults) > len(shown):
        zh, en = f"{zh}；等共 {len(faults)} 处", f"{en}; {len(faults)} in all"
    return WrongAnswer(head + Text(zh, en))
