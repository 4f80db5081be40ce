"""Transcripts: read WebVTT strictly, and SubRip as what it nearly is; write WebVTT, with the stamp on top.

WebVTT is the W3C's format for words with times (https://www.w3.org/TR/webvtt1/). Notes, styles and regions
of the source are left out: a note may be for editors, a style may name addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndicate.characters import clean, line
from syndicate.decoding import decode
from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.stamp_words import copyright_line, labelled

LARGEST: Final = 10 * 1024 * 1024
"""Bytes of a transcript: some hundred hours."""
_MOST_FAULTS: Final = 100
_TIME: Final = r"(?:([0-9]{2,3}):)?([0-5][0-9]):([0-5][0-9])[.,]([0-9]{3})"
_TIMES: Final = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t]+(.*))?")
_SETTING: Final = re.compile(r"(?:vertical|line|position|size|align):[0-9A-Za-z.,%-]+")
_TAG: Final = re.compile(r"<(/?)(c|i|b|u|v|ruby|rt|lang)((?:\.[^\s.<>&]+)*)(?:[ \t]([^<>]*))?>|<[0-9:.]+>")
_ANY_TAG: Final = re.compile(r"<[^>]*>?")
_SKIPPED: Final = ("NOTE", "STYLE", "REGION")
_COMMENT_END: Final = "-->"


@dataclass(frozen=True, slots=True)
class Cue:
    """Words with their time: `start` and `end` in milliseconds; `text` may have several lines and tags."""

    start: int
    end: int
    text: str
    settings: str = ""


def read_transcript(data: bytes, *, name: str) -> tuple[Cue, ...]:
    """The cues of a WebVTT or SubRip file in their order. Raises Faulty with every fault and its line."""
    if len(data) > LARGEST:
        raise Faulty(name, [_fault("too_large", Text("文字稿过大", "the transcript is too large"))])
    text = decode(data)
    if isinstance(text, Fault):
        raise Faulty(name, [text])
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    web = re.fullmatch("WEBVTT(?:[ \t].*)?", rows[0]) is not None
    faults: list[Fault] = []
    cues = [cue for start, block in _blocks(rows) if (cue := _cue(block, start, web, faults)) is not None]
    if not web and not cues:
        said = Text("应以 WEBVTT 开头，或为 SubRip", "expected WEBVTT as its first word, or SubRip")
        faults = [_fault("transcript_invalid", said)]
    elif not cues and not faults:
        faults.append(_fault("transcript_empty", Text("没有一句话", "there is no cue in it")))
    if faults:
        raise Faulty(name, faults[:_MOST_FAULTS])
    return tuple(cues)


def write_webvtt(cues: Sequence[Cue], stamp: FileStamp | None = None) -> bytes:
    """The cues as WebVTT in UTF-8, with the stamp in a note on top if there is one."""
    blocks = ["WEBVTT"]
    if stamp is not None:
        blocks.append(f"NOTE\n{_note(stamp)}")
    for cue in cues:
        settings = f" {cue.settings}" if cue.settings else ""
        blocks.append(f"{_clock(cue.start)} --> {_clock(cue.end)}{settings}\n{cue.text}")
    return ("\n\n".join(blocks) + "\n").encode()


def stamp_webvtt(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the transcript, the stamp in a note on top. Raises NotStampable, OSError."""
    try:
        with source.open("rb") as file:
            cues = read_transcript(file.read(LARGEST + 1), name=source.name)
        target.write_bytes(write_webvtt(cues, stamp))
        found = target.read_bytes()
        again = read_transcript(found, name=target.name)
    except Faulty as error:
        raise NotStampable(error.faults[0].text) from None
    if again != cues or f"NOTE\n{_note(stamp)}\n\n".encode() not in found:
        raise NotStampable(Text("写入后读不到标注", "the stamp cannot be read back from it"))


def _blocks(rows: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines between empty lines, each with the number of its first line, from 1."""
    block: list[str] = []
    for number, row in enumerate([*rows, ""], start=1):
        if row.strip():
            block.append(row)
        elif block:
            yield number - len(block), block
            block = []


def _cue(block: list[str], start: int, web: bool, faults: list[Fault]) -> Cue | None:
    """The cue in a block; None for what is none, and where there is a fault."""
    if web and (start == 1 or block[0].split(maxsplit=1)[0] in _SKIPPED):
        return None
    at = next((place for place, row in enumerate(block[:2]) if _COMMENT_END in row), None)
    times = None if at is None else _TIMES.fullmatch(block[at].strip())
    if at is None or times is None:
        said = Text("时间应如 00:01.000 --> 00:04.000", "expected times such as 00:01.000 --> 00:04.000")
        faults.append(_fault("cue_times", said, start + (at or 0)))
        return None
    begin, end = _milliseconds(times.groups()[:4]), _milliseconds(times.groups()[4:8])
    text = "\n".join(found for row in block[at + 1 :] if (found := _words(row)))
    if end <= begin:
        faults.append(
            _fault("cue_times", Text("结束应晚于开始", "its end is not after its start"), start + at)
        )
    elif any(_COMMENT_END in row for row in block[at + 1 :]):
        said = Text("两句之间应空一行", "expected an empty line between cues")
        faults.append(_fault("cue_text", said, start + at + 1))
    elif text:
        settings = [one for one in (times[9] or "").split() if _SETTING.fullmatch(one)]
        return Cue(begin, end, text, " ".join(settings))
    return None


def _words(row: str) -> str:
    """A line of a cue, cleaned, with no tags but those of WebVTT."""
    kept = _ANY_TAG.sub(lambda found: found[0] if _TAG.fullmatch(found[0]) else "", clean(row))
    return line(kept)


def _milliseconds(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, thousandths = (int(one or 0) for one in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"


def _note(stamp: FileStamp) -> str:
    """The stamp as the lines of a note, which may hold neither an empty line nor an arrow."""
    values = [
        stamp.stamp,
        copyright_line(stamp),
        *(f"{name}: {one}" for name, one in labelled(stamp).items()),
    ]
    return "\n".join(dict.fromkeys(line(one).replace(_COMMENT_END, "→") for one in values))


def _fault(code: str, text: Text, at: int | None = None) -> Fault:
    return Fault(code, "transcript", text, at)
