"""The trail as proof, from the inside: looked through, signed, and proofs of it written for others."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from syndicate.cli.app import Command, acting, with_services
from syndicate.cli.commands.trail_check import wrong
from syndicate.cli.ui.failures import Bilingual, faults_as_json
from syndicate.cli.ui.output import Output, iso
from syndicate.cli.ui.proof_io import PATH, counting, written
from syndicate.cli.ui.time_values import PLACE
from syndicate.errors import Unknown
from syndicate.language import Text
from syndicate.model.records import Checkpoint
from syndicate.wiring import Services

_SEQ = click.IntRange(1, 2**63 - 1)


@click.command(cls=Command)
@click.option(
    "--checkpoint",
    "saved",
    type=PATH,
    metavar="FILE",
    help="另存在别处的检查点 · a checkpoint that was kept elsewhere",
)
@with_services
async def verify(services: Services, voice: Output, saved: Path | None) -> int:
    """核验全部审计记录 · Verify the whole trail.

    凡被改动、删除、插入或调换的记录都会指名；有所发现时退出码为 1。

    Names every record that was changed, removed, inserted or moved; exit code 1 if there is any.

    \b
    例 · Example:
      syndicate trail verify --checkpoint /mnt/elsewhere/checkpoint.txt
    """
    note = None if saved is None else _note(saved)
    with counting(voice) as progress:
        found = await services.proof.verify(note, progress)
    voice.give(
        {
            "whole": found.whole,
            "lines": found.lines,
            "root": found.root.hex(),
            "signed": found.signed,
            "checkpoints": found.checkpoints,
            "lists": found.lists,
            "count": found.count,
            "findings": faults_as_json(found.faults, voice.lang),
        }
    )
    if not found.whole:
        return wrong(voice, found.faults, found.count)
    voice.say(
        Text(
            f"审计记录完整：{found.lines} 条，{found.checkpoints} 个检查点，{found.lists} 份清单",
            f"the trail is whole: {found.lines} lines, {found.checkpoints} checkpoints, "
            f"{found.lists} lists",
        )
    )
    if found.signed < found.lines:
        behind = found.lines - found.signed
        voice.aside(
            Text(
                f"最后 {behind} 条尚无检查点，请执行：syndicate trail checkpoint",
                f"no checkpoint covers the last {behind} yet: syndicate trail checkpoint",
            )
        )
    return 0


@click.command(cls=Command)
@click.argument("seq", type=_SEQ, metavar="SEQ")
@click.option("--to", "out", type=PATH, metavar="FILE", help="写入文件，默认标准输出 · default: stdout")
@with_services
async def prove(services: Services, voice: Output, seq: int, out: Path | None) -> None:
    """证明一条审计记录 · Prove one record to anybody with the public key.

    \b
    例 · Example:
      syndicate trail prove 120 --to line-120.json
    """
    proof = await services.proof.prove(seq)
    with written(out) as file:
        file.write(proof)
    _wrote(voice, out, 1)


@click.command(cls=Command)
@click.option(
    "--from", "first", type=PLACE, metavar="SEQ|TIME", help="从此条或此时起 · from this record or time on"
)
@click.option(
    "--to",
    "last",
    type=PLACE,
    metavar="SEQ|TIME",
    help="到此条为止（含），或此时之前（不含） · up to and including this record, or before this time",
)
@click.option("--out", type=PATH, metavar="FILE", help="写入文件，默认标准输出 · default: stdout")
@with_services
async def export(
    services: Services,
    voice: Output,
    first: int | datetime | None,
    last: int | datetime | None,
    out: Path | None,
) -> None:
    """导出一段审计记录及其证明 · Write a range of the trail with its proof.

    时间写作 2026-11-01（本网时区当天零时），或带时区的时刻。

    A time is a day (its midnight in the publisher's zone) or a time with its offset.

    \b
    例 · Example:
      syndicate trail export --from 2026-11-01 --to 2026-12-01 --out november.jsonl
    """
    lines = 0
    with counting(voice) as progress, written(out) as file:
        async for piece in services.proof.export(1 if first is None else first, last):
            file.write(piece)
            lines += piece.startswith(b'{"leaf":')
            progress(lines)
    _wrote(voice, out, lines)


@click.command(cls=Command)
@click.option(
    "--since",
    type=PATH,
    metavar="FILE",
    help="另出证明：自该检查点以来只增不改 · prove that records were only added since this checkpoint",
)
@with_services
async def checkpoint(services: Services, voice: Output, since: Path | None) -> None:
    """签署并打印检查点 · Sign a checkpoint of all records and print it.

    请把它存在本系统之外。 Keep it somewhere outside of this system.

    \b
    例 · Example:
      syndicate trail checkpoint > checkpoint.txt
      syndicate trail checkpoint --since checkpoint.txt > growth.json
    """
    if since is not None:
        proof = await services.proof.growth(_note(since))
        with written(None) as file:
            file.write(proof)
        return
    made = await services.proof.checkpoint()
    newest = made or await services.proof.newest()
    if newest is None:
        raise Unknown(Text("记录", "line of the trail"), "1")
    voice.give(_as_json(newest, made is not None))
    if not voice.json:
        sys.stdout.write(newest.note)
        sys.stdout.flush()
    if made is None:
        voice.aside(Text("没有新的记录，检查点仍是这一个", "no line is new: this checkpoint still stands"))


@click.command(cls=Command)
@click.option("--rotate", is_flag=True, help="先换一把新的 · make a new one first")
@click.option(
    "--lost",
    is_flag=True,
    help="与 --rotate 同用：旧密钥已无法解密 · with --rotate: nobody can decrypt the old one any more",
)
@with_services
async def key(services: Services, voice: Output, rotate: bool, lost: bool) -> None:
    """打印检查点的公钥 · Print the verifier keys of checkpoints.

    检验者需要其中之一；新的在前，旧的仍检验旧检查点。

    Whoever checks the trail needs one of them. The newest is first; an older key still checks what it
    signed.

    \b
    例 · Example:
      syndicate trail key > trail-key.txt
    """
    if lost and not rotate:
        raise Bilingual(Text("--lost 需与 --rotate 同用", "--lost goes with --rotate"))
    if rotate:
        await services.proof.rotate_key(acting(), lost=lost)
        voice.aside(Text("请把新公钥告知检验者", "give the new verifier key to those who check"))
    for one in await services.proof.verifier_keys():
        voice.give({"key": str(one), "name": one.name, "hash": one.hash.hex()})
        if not voice.json:
            voice.say(str(one))


def _wrote(voice: Output, out: Path | None, lines: int) -> None:
    if out is not None:
        voice.give({"path": str(out), "lines": lines})
        voice.say(Text(f"已写入 {out}：{lines} 条", f"wrote {out}; lines: {lines}"))


def _as_json(one: Checkpoint, new: bool) -> dict[str, object]:
    return {"size": one.size, "root": one.root.hex(), "at": iso(one.at), "note": one.note, "new": new}


def _note(path: Path) -> str:
    """Read a saved checkpoint; bytes that are no text become empty, which the reader rejects."""
    from syndicate.trail.checkpoint import LONGEST

    with path.open("rb") as file:
        return file.read(LONGEST + 1).decode(errors="replace")
