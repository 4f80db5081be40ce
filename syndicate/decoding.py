"""Decode documents: UTF-8, UTF-16, GB18030 or Big5, or a fault where the encoding is uncertain.

UTF-8 first; then what the document declares; then GB18030, which contains GBK and GB2312. Broken UTF-8 is
refused: most of its bytes would pass as GB18030 and come out as other, wrong Chinese characters.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import Final

from syndicate.errors import Fault
from syndicate.language import Text

_MAGIC: Final = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\xd0\xcf\x11\xe0",
    b"RIFF",
    b"Rar!",
    b"7z\xbc\xaf",
    b"ID3",
    b"OggS",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ",
    b"\x7fELF",
)
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_DECLARED: Final = re.compile(rb"""<meta\b[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
}
"""Declared names that we take, with the codec that reads them. GB2312 pages use characters beyond it."""
_PUNCTUATION: Final = re.compile("[，。、；：？！“”‘’（）《》【】—…·\u3000]+")
_WIDE: Final = re.compile("[\u2e80-\U0010ffff]+")


def decode(data: bytes) -> str | Fault:
    """Decode a document, without its byte order mark; a Fault where its encoding is unknown or broken."""
    if data.startswith(_UTF32):
        return _fault("UTF-32", "UTF-32")
    if data.startswith(_UTF16):
        return _strict(data, "utf-16")
    if b"\x00" in data or data.startswith(_MAGIC) or data[4:8] == b"ftyp":
        return Fault(
            "binary",
            "document",
            Text("这是二进制文件，应为文本、HTML 或 ninjs", "a binary file; expected text, HTML or ninjs"),
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = error
    declared = _DECLARED.search(data, 0, 4096)
    name = declared[1].decode("ascii", "replace").lower() if declared else "gb18030"
    codec = _CODECS.get(name)
    if codec == "utf-8" or data.startswith(codecs.BOM_UTF8) or _was_utf8(data, codec or "gb18030"):
        row = data.count(b"\n", 0, broken.start) + 1
        return Fault(
            "encoding",
            "document",
            Text(
                f"UTF-8 编码损坏（字节 {broken.start}），请重新保存",
                f"broken UTF-8 at byte {broken.start}; save the document again",
            ),
            row,
        )
    if codec is None:
        return _fault(name, name)
    text = _strict(data, codec)
    if isinstance(text, str) and codec == "gb18030" and not _reads_as_chinese(text):
        return _fault("未知", "unknown")
    return text


def decode_declared(data: bytes, charset: str) -> str | Fault:
    """Decode bytes in the charset that a header declares; a Fault where it is unknown or does not fit."""
    codec = _CODECS.get(charset.lower())
    if codec is None:
        return _fault(charset, charset)
    return _strict(data.removeprefix(codecs.BOM_UTF8), codec)


def _strict(data: bytes, codec: str) -> str | Fault:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        return Fault(
            "encoding",
            "document",
            Text(
                f"字节 {error.start} 不是有效的 {codec} 编码",
                f"byte {error.start} is not valid {codec}; expected UTF-8 or GB18030",
            ),
            data.count(b"\n", 0, error.start) + 1,
        )


def _fault(zh: str, en: str) -> Fault:
    return Fault(
        "encoding",
        "document",
        Text(f"编码为{zh}，应为 UTF-8 或 GB18030", f"encoding {en}; expected UTF-8 or GB18030"),
    )


def _was_utf8(data: bytes, codec: str) -> bool:
    """Whether the bytes make no less sense as UTF-8 with holes than in the codec.

    Punctuation counts too: in a file of settings or of a licence it may be all that is Chinese.
    """
    as_utf8, as_codec = data.decode("utf-8", "replace"), data.decode(codec, "replace")
    return _everyday(as_utf8) + _punctuation(as_utf8) >= _everyday(as_codec) + _punctuation(as_codec)


@cache
def _common() -> re.Pattern[str]:
    """The 3,755 everyday characters (level 1 of GB 2312): nearly all of any honest Chinese text."""
    characters = "".join(
        bytes((lead, trail)).decode("gb2312")
        for lead in range(0xB0, 0xD8)
        for trail in range(0xA1, 0xFF if lead < 0xD7 else 0xFA)
    )
    return re.compile(f"[{characters}]+")


def _everyday(text: str) -> int:
    return len(text) - len(_common().sub("", text))


def _punctuation(text: str) -> int:
    return len(text) - len(_PUNCTUATION.sub("", text))


def _reads_as_chinese(text: str) -> bool:
    """Whether everyday characters prevail: they do not where other bytes only happen to fit."""
    everyday, wide = _everyday(text), "".join(_WIDE.findall(text))
    return everyday * 2 >= len(wide) or everyday * 2 >= sum(map(str.isalpha, wide))
