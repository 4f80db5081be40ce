"""Reads JSON (RFC 8259) without leniency: in UTF-8, no name twice in one object, no NaN.

A lenient reader takes the last of two equal names. The next program may take the first, and the two then
disagree on what was licensed, released or removed.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from syndicate.errors import Fault
from syndicate.language import Text

MOST_FAULTS: Final = 100
"""Faults named in one document."""


class InvalidJson(ValueError):
    """A document that is not strict JSON.

    `faults` are all its faults, at most 100. Their codes are `json_invalid`, `json_duplicate_name` and
    `json_too_deep`; their field is `document`, or the name that occurs twice.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.text.en}" for one in faults))
        self.faults = faults


def read_json(document: str | bytes) -> Any:
    """Return the value of a JSON document; bytes are read as UTF-8. Raises InvalidJson."""
    faults: list[Fault] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            faults.extend(_duplicate(name) for name, count in counts.items() if count > 1)
        return found

    def refuse_constant(name: str) -> None:
        faults.append(_fault(Text(f"{name} 不是 JSON 数值", f"{name} is not a JSON number")))

    try:
        text = document.decode() if isinstance(document, bytes) else document
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse_constant)
    except UnicodeDecodeError:
        raise InvalidJson([_fault(Text("不是 UTF-8 编码", "is not UTF-8"))]) from None
    except json.JSONDecodeError as error:
        text_ = Text("不是有效的 JSON", f"not valid JSON: {error.msg}")
        raise InvalidJson([_fault(text_, line=error.lineno)]) from None
    except ValueError:
        # The one other thing that json refuses: a whole number of thousands of digits.
        raise InvalidJson([_fault(Text("数值过长", "a number with too many digits"))]) from None
    except RecursionError:
        deep = Text("嵌套层数过多", "nested too deeply")
        raise InvalidJson([_fault(deep, code="json_too_deep")]) from None
    if faults:
        raise InvalidJson(faults[:MOST_FAULTS])
    return value


def read_object(document: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a document is. Raises InvalidJson, also for any other JSON value."""
    value = read_json(document)
    if not isinstance(value, dict):
        raise InvalidJson([_fault(Text("应为一个 JSON 对象", "expected one JSON object"))])
    return value


def _duplicate(name: str) -> Fault:
    return Fault("json_duplicate_name", name, Text("名称重复出现", "the name occurs twice in one object"))


def _fault(text: Text, *, code: str = "json_invalid", line: int | None = None) -> Fault:
    return Fault(code, "document", text, line)
