"""Read TOML files (settings, licences, mandates) and report every mistake with its line.

A form is a TOML text; its shape is a `Form`. Values must have exactly the type that is asked for, and a
key that nobody knows is a mistake: a misspelled limit must not become no limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from syndicate.errors import Fault, Faulty
from syndicate.language import Text

if TYPE_CHECKING:
    from tomlkit.exceptions import TOMLKitError

    from syndicate.toml_forms.line_numbers import Where

_QUOTED: Final = re.compile(r"'.+?'")
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


_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Form(BaseModel):
    """Base of all file schemas: exact types, no unknown keys, frozen."""

    # Built when it is first filled: a form inside another one is never built by itself.
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Written:
    """The values of a TOML file, and the line of each."""

    values: dict[str, Any]
    lines: Mapping[Where, int] = field(default_factory=dict)

    def line(self, path: Where) -> int | None:
        """The line of the value, or of the nearest thing around it that was written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def wrong(code: str, text: Text) -> PydanticCustomError:
    """The error that a validator raises: one mistake, at the place of the value that it checks."""
    return wrongs(code, [((), text)])


def wrongs(code: str, places: Iterable[tuple[Where, Text]]) -> PydanticCustomError:
    """Several mistakes of a kind, each at a place below the value that the validator checks."""
    return PydanticCustomError(code, "refused", {"places": list(places)})


def one_of(word: str, allowed: Sequence[str], code: str, names: Mapping[str, str] = _NO_NAMES) -> str:
    """The allowed word that `word` is or names. A mistake says what is allowed, and what was meant.

    `names` maps Chinese names to the allowed words that they stand for.
    """
    if word in allowed:
        return word
    if word in names:
        return names[word]
    text = Text(f"“{word}”不在可用范围内", f'"{word}" is not among what is allowed')
    raise wrong(code, text + meant(word, allowed, names) + among(allowed, names))


def among(allowed: Sequence[str], names: Mapping[str, str] = _NO_NAMES) -> Text:
    """`; allowed: a, b`, cut short where there are very many; in Chinese with their names."""
    if not allowed:
        return Text("（目前没有可用的值）", " (there is none yet)")
    shown, more = allowed[:30], "…" if len(allowed) > 30 else ""
    first_names = {word: name for name, word in reversed(list(names.items()))}
    zh = [f"{word}（{first_names[word]}）" if word in first_names else word for word in shown]
    return Text("；可用：" + "、".join(zh) + more, "; allowed: " + ", ".join(shown) + more)


def meant(word: str, allowed: Sequence[str], names: Mapping[str, str] = _NO_NAMES) -> Text:
    """A guess at what was meant, empty if there is none."""
    import difflib

    near = difflib.get_close_matches(word[:100], [*allowed, *names], n=1)
    if not near:
        return Text("", "")
    return Text(f"（是否想写 {near[0]}？）", f", did you mean {names.get(near[0], near[0])}?")


def parse(text: str, what: str) -> Written:
    """Parse a TOML text. Raises Faulty with the line of each mistake that it can find."""
    text = text.removeprefix("\ufeff")
    if len(text) > LONGEST:
        message = Text(f"超过 {LONGEST} 个字符", f"longer than {LONGEST} characters")
        raise Faulty(what, [Fault("too_long", what, message)])
    # Here, not above: a command without a settings file parses no TOML.
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from syndicate.toml_forms.keyboard_mistakes import keyboard_mistakes
    from syndicate.toml_forms.line_numbers import lines_of

    try:
        values = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        line = getattr(error, "line", None) or lines_of(text)[1]
        faults = keyboard_mistakes(text, what, line or 0)
        if not faults or (line is not None and line < (faults[0].line or 0)):
            message = Text("不是有效的 TOML：", "not valid TOML: ") + _syntax(error)
            faults.insert(0, Fault("syntax", what, message, line))
        raise Faulty(what, faults) from None
    return Written(values, lines_of(text)[0])


def _syntax(error: TOMLKitError) -> Text:
    """What the parser found, in both languages; it speaks English."""
    from tomlkit import exceptions as found

    match error:
        case found.UnexpectedCharError():
            char = _QUOTED.search(str(error))
            zh = f"出现了不该有的字符 {char.group()}" if char else "出现了不该有的字符"
        case found.EmptyKeyError() | found.EmptyTableNameError():
            zh = "等号左边或方括号里应有名称，名称用英文字母，如 number"
        case found.KeyAlreadyPresent():
            zh = "同一个名称写了两次"
        case (
            found.InvalidNumberError()
            | found.InvalidDateError()
            | found.InvalidDateTimeError()
            | found.InvalidTimeError()
        ):
            zh = "数字、日期或时间的写法不对；日期写成 2026-01-01，文字要加英文引号"
        case found.InvalidControlChar():
            zh = "引号没有成对，或者文字里有控制字符"
        case found.UnexpectedEofError():
            zh = "文件到这里就结束了，引号或括号没有成对"
        case _:
            zh = "语法错误"
    return Text(zh, str(error))


def fill(shape: type[F], written: Written, what: str | Text, context: object = None) -> F:
    """Validate the values against a schema. Raises Faulty with every mistake, in the order of lines."""
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
        kind, message = _message(shape, kind, loc, error["input"])
        places = [((), message)]
    name = loc
    if isinstance(loc[-1], int) and not isinstance(error["input"], dict):
        name = loc[:-1]  # a word in a list goes by the list's name: its line tells which
    return [
        Fault(kind, _field((*name, *more)), message, written.line((*loc, *more)))
        for more, message in places
    ]


def _message(shape: type[Form], kind: str, loc: Where, given: object) -> tuple[str, Text]:
    """Our code and our words for a mistake that pydantic found."""
    if kind == "missing":
        return "missing", Text("缺少这一项，必须写明", "this is required, and is not there")
    if kind == "extra_forbidden":
        known, word = _keys(shape, loc[:-1]), str(loc[-1])
        message = Text("没有这个项目", "there is no such key") + meant(word, known)
        return "unknown_key", message + among(known)
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
    """The place of a value as faults name it, such as `grant[0].outlets`."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return name.removeprefix(".")
