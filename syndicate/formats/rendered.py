"""What a format gives back: the bytes that leave, and what they are called."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendered:
    """One finished answer. `content_type` is the whole header value; JSON types have no charset."""

    content_type: str
    body: bytes


def json_body(value: object) -> bytes:
    """JSON as partners read it: UTF-8, Chinese as it is, names in the order they were given."""
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
