"""`licence diff`: what one licence gives that another does not, and what widens and what narrows."""

from __future__ import annotations

from contextlib import suppress

import click

from syndicate.cli.app import Command, with_services
from syndicate.cli.ui.agreement_file import STDIN, document
from syndicate.cli.ui.output import Output
from syndicate.errors import Unknown
from syndicate.language import Text
from syndicate.model.rights import Licence
from syndicate.wiring import Services

DIFFERENT = 1
"""As `diff` has it: something differs."""


@click.command(cls=Command)
@click.argument("old", type=click.Path(allow_dash=True), metavar="OLD")
@click.argument("new", type=click.Path(allow_dash=True), metavar="NEW")
@with_services
async def diff(services: Services, voice: Output, old: str, new: str) -> int:
    """比较两份授权协议 · Show what differs between two licences.

    OLD 和 NEW 为协议编号或文件（.toml，- 表示标准输入）。相同退出码为 0，不同为 1。

    OLD and NEW are numbers or files (.toml; - reads standard input). Exit code 0: the same, 1: different.

    \b
    例 · Example:
      syndicate licence diff XSW-2026-017 draft.toml
    """
    # Here, not above: comparing needs pydantic, which takes long to load.
    from syndicate.agreements.comparison import compare
    from syndicate.cli.ui.difference_words import difference_as_json, difference_text

    before, after = await licence_of(services, old), await licence_of(services, new)
    publisher = services.settings.publisher
    found = compare(before, after, publisher.zone)
    voice.give(
        {
            "same": not found,
            "old": before.number,
            "new": after.number,
            "differences": [difference_as_json(one) for one in found],
        }
    )
    if not found:
        voice.say(
            Text(
                f"{before.number} 与 {after.number} 内容相同",
                f"{before.number} and {after.number} say the same",
            )
        )
        return 0
    for one in found:
        voice.say(difference_text(one, publisher, voice))
    return DIFFERENT


async def licence_of(services: Services, word: str) -> Licence:
    """The licence with this number, or the one that this file says. Raises Unknown, Faulty."""
    if word != STDIN and not word.endswith(".toml"):
        with suppress(Unknown):
            return (await services.rights.licence(word))[0]
        if "/" not in word:
            raise Unknown(Text("授权协议", "licence"), word)
    return await services.rights.draft(*document(word))
