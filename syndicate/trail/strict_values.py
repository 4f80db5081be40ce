"""Read the values of proof files strictly: only the canonical encoding of each value is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from syndicate.errors import Faulty
from syndicate.model.records import line_bytes
from syndicate.strict_json import InvalidJson, read_object
from syndicate.trail.checkpoint import MOST_LINES, Head, VerifierKey, hashes_decoded, opened
from syndicate.trail.line_verifier import Findings

_RECORD: Final = {"seq": int, "at": str, "actor": str, "kind": str, "event": dict}


def value_of(raw: bytes) -> dict[str, Any]:
    """The JSON object on a line of a file; empty where there is none."""
    try:
        return read_object(raw)
    except InvalidJson:
        return {}


def sealed(raw: bytes, make: Callable[[], bytes]) -> bool:
    """Whether these are exactly the bytes that the writer makes for what was read from them."""
    try:
        return make() == raw
    except (ValueError, RecursionError):
        return False


def count_of(value: object) -> int | None:
    """A count of records; None where the value is none."""
    return value if type(value) is int and 0 <= value <= MOST_LINES else None


def text_of(value: object) -> str | None:
    """A text; None where the value is none."""
    return value if isinstance(value, str) else None


def record_of(value: object) -> tuple[Mapping[str, Any], bytes] | None:
    """A record of the trail and the bytes that were hashed; None where the value is none."""
    if not isinstance(value, dict) or {name: type(one) for name, one in value.items()} != _RECORD:
        return None
    try:
        return value, line_bytes(value)
    except (ValueError, RecursionError):
        return None


def hashes_of(value: object) -> list[bytes] | None:
    """A list of hashes in base64; None where the value is none."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    try:
        return hashes_decoded(value)
    except ValueError:
        return None


def leaf_of(value: object) -> bytes | None:
    """A hash in hexadecimal; None where the value is none."""
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None


def head_of(note: str, keys: Sequence[VerifierKey], findings: Findings, line: int) -> Head | None:
    """The tree head that a checkpoint states; None, with a finding that says why, if it is not valid."""
    try:
        return opened(note, keys)
    except Faulty as refused:
        for fault in refused.faults:
            findings.add(fault.code, fault.field, fault.text, line)
        return None
