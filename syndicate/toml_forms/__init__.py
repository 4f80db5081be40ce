"""Written forms (settings, agreements) are read to their end, and every mistake is named with its line.

A form is a TOML text; its shape is a `Form`. Values must have exactly the type that is asked for, and a
key that nobody knows is a mistake: a misspelled limit must not become no limit.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_args

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from tomlkit.exceptions import TOMLKitError

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.toml_forms.line_numbers import Where, lines_of

LONGEST: Final = 65_536
"""A form is at most this many characters."""

_EXPECTED: Final = {
    "string_type": Text("应为加引号的文字", "expected a text in quotes"),
    "int_type": Text("应为整数，不加引号", "expected a whole number, without quotes"),
    "bool_type": Text("应为 true 或 false，不加引号", "expected true or false, without quotes"),
    "list_type": Text('应为列表，例如 ["…"]', 'expected a list, such as ["…"]'),
    "dict_type": Text("应为表，例如 { … }", "expected a table, such as { … }"),
    "model_type": Text("应为表，例如 { … }", "expected a table, such as { … }"),
}


class Form(BaseModel):
    """Base of all shapes: exact types, no unknown keys, never changed afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Written:
    """What a form says: its values, and the line of each."""

    values: dict[str, Any]
    lines: Mapping[Where, int] = field(default_factory=dict)

    def line(self, path: Where) -> int | None:
        """The line of the value, or of the nearest thing around it that was written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def wrong(code: str, text: Text) -> PydanticCustomError:
    """What a validator of a form raises: one mistake, at the place of the value it looks at."""
    return wrongs(code, [((), text)])


def wrongs(code: str, places: Iterable[tuple[Where, Text]]) -> PydanticCustomError:
    """Several mistakes of a kind, each at a place below the value that the validator looks at."""
    return PydanticCustomError(code, "refused", {"places": list(places)})


def one_of(word: str, allowed: Sequence[str], code: str) -> str:
    """The word, if it is allowed; else a mistake that says what is, and what was probably meant."""
    if word in allowed:
        return word
    text = Text(f"“{word}”不在可用范围内", f'"{word}" is not among what is allowed')
    raise wrong(code, text + meant(word, allowed) + among(allowed))


def among(allowed: Sequence[str]) -> Text:
    """`; allowed: a, b`, cut short where there are very many."""
    if not allowed:
        return Text("（目前没有可用的值）", " (there is none yet)")
    shown, more = allowed[:30], "…" if len(allowed) > 30 else ""
    return Text("；可用：" + "、".join(shown) + more, "; allowed: " + ", ".join(shown) + more)


def meant(word: str, allowed: Sequence[str]) -> Text:
    """A guess at what was meant, empty if there is none."""
    near = difflib.get_close_matches(word[:100], allowed, n=1)
    return Text(f"（是否想写 {near[0]}？）", f", did you mean {near[0]}?") if near else Text("", "")


def parse(text: str, what: str) -> Written:
    """The values of a TOML text and their lines. Raises Faulty naming the line of the first mistake."""
    text = text.removeprefix("\ufeff")
    if len(text) > LONGEST:
        said = Text(f"超过 {LONGEST} 个字符", f"longer than {LONGEST} characters")
        raise Faulty(what, [Fault("too_long", what, said)])
    try:
        values = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        line = getattr(error, "line", None) or lines_of(text)[1]
        said = Text(f"不是有效的 TOML：{error}", f"not valid TOML: {error}")
        raise Faulty(what, [Fault("syntax", what, said, line)]) from None
    return Written(values, lines_of(text)[0])


def fill(shape: type[F], written: Written, what: str | Text, context: object = None) -> F:
    """The form, if it is right. Raises Faulty with every mistake, in the order of its lines."""
    try:
        return shape.model_validate(written.values, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
        faults = [fault for one in details for fault in _faults(shape, written, one)]
    # Raised outside: what pydantic caught may hold a password, and must not hang on to our error.
    raise Faulty(what, sorted(faults, key=lambda fault: fault.line or 0))


def _faults(shape: type[Form], written: Written, error: ErrorDetails) -> list[Fault]:
    kind, loc = error["type"], tuple(error["loc"])
    if "places" in error.get("ctx", {}):
        places: list[tuple[Where, Text]] = error["ctx"]["places"]
    else:
        kind, said = _said(shape, kind, loc, error["input"])
        places = [((), said)]
    name = loc
    if isinstance(loc[-1], int) and not isinstance(error["input"], dict):
        name = loc[:-1]  # a word in a list goes by the list's name: its line tells which
    return [Fault(kind, _field((*name, *more)), said, written.line((*loc, *more))) for more, said in places]


def _said(shape: type[Form], kind: str, loc: Where, given: object) -> tuple[str, Text]:
    """Our code and our words for a mistake that pydantic found."""
    if kind == "missing":
        return "missing", Text("缺少这一项，必须写明", "this is required, and is not there")
    if kind == "extra_forbidden":
        known, word = _keys(shape, loc[:-1]), str(loc[-1])
        said = Text("没有这个项目", "there is no such key") + meant(word, known)
        return "unknown_key", said + among(known)
    if kind == "list_type" and isinstance(given, dict):
        name = loc[-1]
        return "wrong_type", Text(
            f"应写成 [[{name}]]（双方括号）", f"write it as [[{name}]], with two brackets"
        )
    return "wrong_type", _EXPECTED.get(kind, Text("类型不对", "this is of the wrong type"))


def _keys(shape: type[Form], loc: Where) -> list[str]:
    """The keys that a form knows at this place."""
    for name in loc:
        if isinstance(name, int):
            continue
        info = next(f for key, f in shape.model_fields.items() if name in (key, f.alias))
        shape = next(_forms(info.annotation))
    return [info.alias or key for key, info in shape.model_fields.items()]


def _forms(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Form):
        yield annotation
    for inner in get_args(annotation):
        yield from _forms(inner)


def _field(loc: Where) -> str:
    """`grant[0].outlets`"""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return name.removeprefix(".")
