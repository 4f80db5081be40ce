"""The result of a serializer: bytes and their content type."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendered:
    """One serialized body. `content_type` is the whole header value; JSON types have no charset."""

    content_type: str
    body: bytes


def json_body(value: object) -> bytes:
    """Encode JSON for an answer: UTF-8, Chinese not escaped, names in the order given."""
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
