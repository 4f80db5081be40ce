"""The trail as proof, from the outside: `trail check` needs a file and a public key, nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from syndicate.cli.app import Command, given
from syndicate.cli.ui.failures import REFUSED, faults_as_json, typed
from syndicate.cli.ui.output import Output, iso
from syndicate.cli.ui.proof_io import PATH, counting, read
from syndicate.errors import Fault, Faulty
from syndicate.language import Text, verbatim

if TYPE_CHECKING:
    from syndicate.trail.checkpoint import VerifierKey
    from syndicate.trail.offline_check import Checked


@click.command(cls=Command)
@click.argument("file", type=PATH, metavar="FILE")
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="KEY|FILE",
    help="公钥（trail key 打印的一行）或存有公钥的文件 · verifier key, or a file of them",
)
def check(file: Path, keys: tuple[str, ...]) -> int:
    """检验导出或证明文件 · Check an export or a proof.

    不需要数据文件夹、数据库和设置。 Needs no data folder, no database and no settings.

    \b
    例 · Example:
      syndicate trail check november.jsonl --key trail-key.txt
    """
    # Here, not above: help and completion need no cryptography.
    from syndicate.trail.offline_check import check as checked_file

    voice = given().voice()
    with typed(Text("文件未检验", "the file was not checked")):
        known = [key for word in keys for key in _keys(word)]
    with read(file) as stream, counting(voice) as progress:
        checked = checked_file(_lines(stream, progress), known)
    head = checked.head
    voice.give(
        {
            "whole": checked.whole,
            "format": checked.format,
            "origin": None if head is None else head.origin,
            "first": None if checked.lines is None else checked.lines[0],
            "last": None if checked.lines is None else checked.lines[1],
            "size": None if head is None else head.size,
            "root": None if head is None else head.root.hex(),
            "at": None if head is None else iso(head.at),
            "line": checked.record,
            "count": checked.count,
            "findings": faults_as_json(checked.faults, voice.lang),
        }
    )
    if not checked.whole:
        return wrong(voice, checked.faults, checked.count)
    _right(voice, checked)
    return 0


def _right(voice: Output, checked: Checked) -> None:
    from syndicate.trail import proof_files

    head = checked.head
    if head is None or checked.lines is None:
        return
    first, last = checked.lines
    when = voice.exactly(head.at)
    if checked.format == proof_files.GROWTH:
        voice.say(
            Text(
                f"属实：从 {last} 条到 {head.size} 条，只增不改（{when} 签署）",
                f"true: from {last} lines to {head.size}, lines were only added (signed {when})",
            )
        )
        return
    lines = Text(
        f"第 {first} 条" if first == last else f"第 {first} 至 {last} 条", f"lines {first} to {last}"
    )
    signed = Text(
        f"属于 {head.origin} 于 {when} 签署的 {head.size} 条记录",
        f"among the {head.size} lines that {head.origin} signed at {when}",
    )
    voice.say(Text("属实：", "true: ") + lines + Text("，", ", ") + signed)
    if checked.record is not None:
        record = checked.record
        voice.say(verbatim(f"{record['at']}  {record['actor']}  {record['kind']}"))
        for name, value in record["event"].items():
            voice.say(verbatim(f"  {name}={value}"))


def wrong(voice: Output, faults: tuple[Fault, ...], count: int) -> int:
    """Say what was found, one line each; the exit code."""
    for fault in faults:
        voice.say(fault.said(voice.lang))
    if count > len(faults):
        more = count - len(faults)
        voice.say(Text(f"另有 {more} 处", f"and {more} more"))
    voice.aside(Text(f"不完整：发现 {count} 处问题", f"not whole: {count} found"))
    return REFUSED


def _keys(word: str) -> list[VerifierKey]:
    """The key that this is, or those in the file of this name. Raises Faulty."""
    from syndicate.trail.checkpoint import LONGEST, verifier_key

    path = Path(word)
    try:
        there = path.is_file()
    except OSError:
        there = False
    if not there:
        return [verifier_key(word)]
    with path.open("rb") as file:
        text = file.read(LONGEST).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        said = Text("文件里没有公钥", "the file has no key in it")
        raise Faulty(word, [Fault("key_invalid", "key", said)])
    return [verifier_key(line) for line in lines]


def _lines(stream: BinaryIO, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file, one at a time; one without an end comes in pieces."""
    from syndicate.trail import proof_files

    count = 0
    while line := stream.readline(proof_files.LONGEST):
        yield line
        count += 1
        progress(count)
