"""JSON read without leniency: no name twice, no NaN, no nesting without end.

A lenient reader takes the last of two equal names; the next program may take the first, and two systems
then disagree on what was released.
"""

from __future__ import annotations

import json
from typing import Any, Final

from syndicate.errors import Fault
from syndicate.language import Text

MOST_FAULTS: Final = 100
"""Told of one document; who sent a million wrong things learns no more from the next."""


def read_json(text: str) -> dict[str, Any] | list[Fault]:
    """The object that the text is, or every fault that keeps it from being one."""
    faults: list[Fault] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found and len(faults) < MOST_FAULTS:
                faults.append(_twice(name))
            found[name] = value
        return found

    def no_number(name: str) -> None:
        if len(faults) < MOST_FAULTS:
            faults.append(
                _fault("json_invalid", Text(f"{name} 不是 JSON 数值", f"{name} is no JSON number"))
            )

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        return [
            _fault("json_invalid", Text("不是有效的 JSON", f"not valid JSON: {error.msg}"), error.lineno)
        ]
    except ValueError:
        # The one other thing that json refuses: an integer of thousands of digits.
        return [_fault("json_invalid", Text("数值过长", "a number with too many digits"))]
    except RecursionError:
        return [_fault("json_too_deep", Text("嵌套层数过多", "nested too deeply to be a ninjs document"))]
    if faults:
        return faults
    if not isinstance(value, dict):
        return [_fault("json_invalid", Text("应为一个 JSON 对象", "expected one JSON object"))]
    return value


def _twice(name: str) -> Fault:
    return Fault("json_duplicate_name", name, Text("名称重复出现", "the name stands twice in one object"))


def _fault(code: str, text: Text, number: int | None = None) -> Fault:
    return Fault(code, "document", text, number)
