"""Mistakes that a Chinese keyboard leaves in TOML: full-width punctuation, dates such as 2026年1月1日.

Read only where the TOML parser has refused the text. Quoted strings and comments are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.toml_forms.line_numbers import tokens

ASCII: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys("“”„〝〞＂", '"'),
        **dict.fromkeys("‘’＇", "'"),
        **dict.fromkeys("【［〔〖", "["),
        **dict.fromkeys("】］〕〗", "]"),
        "｛": "{",
        "｝": "}",
        **dict.fromkeys("，、；", ","),
        **dict.fromkeys("：＝", "="),
        **dict.fromkeys("。．", "."),
        "＃": "#",
        **dict.fromkeys("－—", "-"),
        "＿": "_",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        "\u3000": " ",
    }
)
"""What a Chinese keyboard types, and what TOML has in its place."""

_TYPED: Final = re.compile("[" + "".join(map(re.escape, ASCII)) + "]")
_QUOTES: Final = re.compile("[“”„〝〞＂‘’＇]")
_CLOCK: Final = re.compile(r"(?<=[0-9])：(?=[0-9])")
_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})\s*[年./／．-]\s*(?P<month>[0-9]{1,2})\s*[月./／．-]\s*(?P<day>[0-9]{1,2})(?:\s*[日号])?"
)
_BARE_DATE: Final = re.compile(rf"[=＝：][^\S\n]*(?!\d{{4}}-\d{{2}}-\d{{2}}(?:\D|$)){_DATE.pattern}")


def keyboard_mistakes(text: str, field: str, refused: int) -> list[Fault]:
    """The faults of all lines with such mistakes, in order; empty where the text has none.

    `field` is what the faults call the text. `refused` is the 1-based line at which the parser gave up: a
    Chinese quotation mark there is a mistake even where it seems to stand inside a string, since a string
    that it should have closed runs on.
    """
    lines = text.split("\n")
    typed: dict[int, dict[str, str]] = {}
    for at, char, ascii in _typed(text):
        typed.setdefault(at, {})[char] = ascii
    if refused not in typed and refused <= len(lines) and (quotes := _QUOTES.findall(lines[refused - 1])):
        typed[refused] = {quote: ASCII[quote] for quote in quotes}
    faults = [Fault("chinese_punctuation", field, _hint(pairs), line) for line, pairs in typed.items()]
    for number, line in enumerate(lines, start=1):
        bare = _BARE_DATE.search(line)
        if bare is not None and "#" not in line[: bare.start()]:
            message = Text("日期的写法不对", "TOML does not write dates like this")
            faults.append(Fault("date_format", field, message + date_hint(bare.group()), number))
    return sorted(faults, key=lambda fault: fault.line or 0)


def date_hint(text: str) -> Text:
    """How TOML writes the date that was meant: `; write 2026-01-01, without quotes`. Empty for no date."""
    match = _DATE.search(text)
    if match is None:
        return Text("", "")
    try:
        meant = date(int(match["year"]), int(match["month"]), int(match["day"])).isoformat()
    except ValueError:
        return Text("；没有这一天", "; there is no such day")
    return Text(f"；应写成 {meant}，不加引号", f"; write {meant}, without quotes")


def _typed(text: str) -> Iterator[tuple[int, str, str]]:
    """Each full-width character outside strings and comments: line, character, and what TOML has for it."""
    for token in tokens(text, blanks=True):
        if token.kind not in {"string", "comment"}:
            for match in _TYPED.finditer(token.text):
                char, at = match.group(), token.start + match.start()
                ascii = ":" if char == "：" and _CLOCK.match(text, at) else ASCII[char]
                yield token.line, char, ascii


def _hint(pairs: Mapping[str, str]) -> Text:
    zh = "；".join(f"{_shown(char)[0]} 写成 {_shown(ascii)[0]}" for char, ascii in pairs.items())
    en = "; ".join(f"{_shown(char)[1]} → {_shown(ascii)[1]}" for char, ascii in pairs.items())
    return Text(
        f"这里有中文标点或全角字符，请改用英文标点：{zh}",
        f"full-width characters of a Chinese keyboard; use ASCII punctuation: {en}",
    )


def _shown(char: str) -> tuple[str, str]:
    match char:
        case "\u3000":
            return "全角空格", "ideographic space"
        case " ":
            return "半角空格", "space"
        case _:
            return char, char
