"""The words of the settings (ids, names, notices), each with what is said when one is wrong."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from syndicate.language import Text
from syndicate.toml_forms import wrong

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_MEDIA_TOPIC: Final = re.compile(r"medtop:[0-9]{8}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?")


def id_(word: str) -> str:
    """A word that stands in addresses."""
    if _ID.fullmatch(word):
        return word
    raise wrong(
        "id_format",
        Text(
            "应以小写字母开头，只含小写字母、数字和连字符（最长 64）",
            "expected a small letter first, then small letters, digits and hyphens, at most 64",
        ),
    )


def line(words: str) -> str:
    """One line of text with something in it."""
    if words and words.strip() == words and words.isprintable():
        return words
    raise wrong(
        "blank",
        Text(
            "应为一行文字，不能为空，首尾无空格",
            "expected one line of text, not blank and without blanks at its ends",
        ),
    )


def phrase(words: str) -> str:
    """Some text, perhaps of several lines."""
    if words.strip() and all(char.isprintable() or char == "\n" for char in words):
        return words.strip()
    raise wrong(
        "blank", Text("应为文字，不能为空，不含控制字符", "expected text, without control characters")
    )


def token_name(word: str) -> str:
    """An issuer or audience: compared character by character, so nothing that could be spelled twice."""
    if re.fullmatch(r"https://[!-~]{1,200}", word) and not word.endswith("/"):
        return word
    raise wrong(
        "address",
        Text(
            "应为 https:// 开头的地址，末尾无斜线",
            "expected an https:// address without a slash at its end",
        ),
    )


def timezone(name: str) -> str:
    """A zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        said = Text(
            "没有这个时区；应如 Asia/Shanghai", "no such time zone; expected one like Asia/Shanghai"
        )
        raise wrong("unknown_timezone", said) from None
    return name


def media_topic(code: str) -> str:
    """A concept of the IPTC Media Topics vocabulary, as its QCode."""
    if _MEDIA_TOPIC.fullmatch(code):
        return code
    raise wrong(
        "media_topic",
        Text(
            "应为 IPTC Media Topics 的代码，如 medtop:05000000（medtop: 后加 8 位数字）",
            "expected a code of the IPTC Media Topics, such as medtop:05000000: medtop: and 8 digits",
        ),
    )


def language(tag: str) -> str:
    """A language tag (RFC 5646) as feeds write it."""
    if _LANGUAGE.fullmatch(tag):
        return tag
    raise wrong("language", Text("应为语言标记，如 zh-CN", "expected a language tag such as zh-CN"))
