"""Read the file of a licence or mandate, or standard input, as text: UTF-8, UTF-16 or GB18030."""

from __future__ import annotations

import sys

from syndicate.cli.ui.failures import Bilingual
from syndicate.decoding import decode
from syndicate.errors import Fault, Faulty
from syndicate.language import Text

_LARGEST = 1_048_576
STDIN = "-"


def document(file: str) -> tuple[str, str]:
    """(text, name) of the file, `-` for standard input.

    Raises Faulty for what is no agreement's text, and a usage error where there is no file to read.
    """
    name = "stdin" if file == STDIN else file
    try:
        if file == STDIN:
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with open(file, "rb") as opened:  # noqa: PTH123 - the name as it was typed
                data = opened.read(_LARGEST + 1)
    except FileNotFoundError:
        raise Bilingual(Text(f"文件不存在：{name}", f"there is no such file: {name}")) from None
    except OSError as error:
        why = error.strerror or str(error)
        text = Text(f"无法读取 {name}：{why}", f"{name} cannot be read: {why}")
        raise Bilingual(text) from None
    if len(data) > _LARGEST:
        raise _faulty(
            name, "too_large", Text("超过 1 MiB，不是协议文件", "larger than 1 MiB: no agreement")
        )
    read = decode(data)
    if isinstance(read, str):
        return read, name
    binary = Text("这是二进制文件，不是协议文件", "a binary file: no agreement")
    raise _faulty(name, read.code, binary if read.code == "binary" else read.text, read.line)


def _faulty(name: str, code: str, text: Text, line: int | None = None) -> Faulty:
    return Faulty(name, [Fault(code, "file", text, line)])
