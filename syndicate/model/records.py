"""Records of the trail (审计记录), their canonical bytes, and their hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from syndicate.model.item import canonical_json

if TYPE_CHECKING:
    from syndicate.model.events import Event

INDEXED = ("partner", "jti", "item")
"""Names of event fields that the store keeps beside the line, to find it by."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its actor and time, not yet written.

    `actor` is `WAY:NAME` for staff and the server, a partner's id, or `unknown`; see `model.actors`.
    """

    at: datetime
    actor: str
    event: Event


class RepeatedEntry(NamedTuple):
    """What `Entry` is for an event that is recorded again and again: its template and this request's id."""

    at: datetime
    request: str
    template: EventTemplate


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the trail; `seq` grows by the order of writing."""

    seq: int
    entry: Entry


def event_fields(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values."""
    return {name: getattr(event, name) for name in _field_names(event.kind)}


@cache
def _field_names(kind: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(_event_type(kind)))


def _event_type(kind: str) -> type[Event]:
    # Here, not above: most commands read no event, and there are more than thirty types of them.
    from syndicate.model.events import EVENTS

    return EVENTS[kind]


def event_from(kind: str, values: dict[str, Any]) -> Event:
    """The inverse of `event_fields`. Raises KeyError for an unknown kind, TypeError for wrong fields.

    A field that a later release added may be missing: it takes its default.
    """
    event = _event_type(kind)
    names = {field.name for field in fields(event)}
    needed = {field.name for field in fields(event) if field.default is MISSING}
    if not needed <= set(values) <= names:
        raise TypeError(f"{kind}: expected {sorted(names)}, found {sorted(values)}")
    return event(**values)


def line_record(seq: int, at: datetime, actor: str, kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """One record as JSON values, as it is exported and proved; its time in UTC, to the microsecond."""
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"seq": seq, "at": instant, "actor": actor, "kind": kind, "event": dict(event)}


def line_bytes(record: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed for a record: canonical JSON of `line_record`.

    Half a surrogate (in a file's name) has no UTF-8: such a line is written in ASCII with escapes.
    """
    try:
        return canonical_json(record)
    except UnicodeEncodeError:
        return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
"""As `canonical_json`, as text. Made once: it runs for every licensed answer."""


def encode_line(
    seq: int, at: datetime, actor: str, kind: str, event: Mapping[str, Any]
) -> tuple[str, bytes]:
    """The event as canonical JSON text, and the `line_bytes` of its record.

    The event is encoded once for both. Its names and the record's are in alphabetical order.
    """
    body = _encode(event)
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")
    text = f'{{"actor":{_encode(actor)},"at":"{instant}","event":{body},"kind":"{kind}","seq":{seq}}}'
    try:
        return body, text.encode()
    except UnicodeEncodeError:
        if not _is_encodable(body):
            body = json.dumps(event, sort_keys=True, separators=(",", ":"))
        return body, line_bytes(line_record(seq, at, actor, kind, event))


_REQUEST: Final = os.urandom(16).hex()
"""What stands for the id of a request in a template. Nobody can know it, so it is in no other field."""


class EventTemplate:
    """An event of one actor, encoded but for the id of its request, which is all that changes.

    Raises ValueError for an event without a request, and for one that UTF-8 cannot hold.
    """

    __slots__ = ("_after", "_before", "_head", "_tail", "actor", "found_by", "kind")

    def __init__(self, actor: str, event: Event) -> None:
        values = event_fields(event)
        if not isinstance(values.get("request"), str):
            raise ValueError(f"an event without a request: {event.kind}")
        body = _encode({**values, "request": _REQUEST})
        if not _is_encodable(actor + body):
            raise ValueError("UTF-8 cannot hold this event")
        self.actor, self.kind = actor, event.kind
        self.found_by: tuple[str | None, str | None, str | None] = (
            values.get("partner"),
            values.get("jti"),
            values.get("item"),
        )
        self._before, self._after = body.split(_REQUEST)
        self._head = f'{{"actor":{_encode(actor)},"at":"'
        self._tail = f',"kind":"{event.kind}","seq":'

    def encode_line(self, seq: int, at: datetime, request: str) -> tuple[str, bytes]:
        """As `encode_line` for the event of this request, whose id is ASCII letters and digits."""
        body = self._before + request + self._after
        instant = at.astimezone(UTC).isoformat(timespec="microseconds")
        return body, f'{self._head}{instant}","event":{body}{self._tail}{seq}}}'.encode()


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def leaf_hash(data: bytes) -> bytes:
    """The Merkle leaf hash of a record (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\0" + data).digest()


@dataclass(frozen=True, slots=True)
class Written:
    """One record as the database holds it, not decoded, for those who verify the trail.

    `partner`, `jti` and `item` are the copies that lines are found by; `leaf` was written with the line.
    """

    seq: int
    at: datetime
    actor: str
    kind: str
    body: str
    partner: str | None
    jti: str | None
    item: str | None
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that the first `size` records of the trail have this Merkle root.

    `note` is the signed text as it was given out.
    """

    size: int
    root: bytes
    at: datetime
    note: str
