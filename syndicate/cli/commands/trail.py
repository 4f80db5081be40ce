"""`trail`: list the records of what staff and partners did, and prove them to others."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from syndicate.cli.app import Group, with_services
from syndicate.cli.commands import trail_check, trail_proofs
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.time_values import AGO
from syndicate.cli.ui.time_values import before as time_before
from syndicate.cli.ui.trail_text import KINDS, actor_text, details, kind_text
from syndicate.errors import Unknown
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Line, event_fields
from syndicate.wiring import Services

_SEQ = click.IntRange(0, 2**63 - 1)


@click.group(cls=Group)
def trail() -> None:
    """查阅和核验审计记录 · List and prove the records of the trail.

    \b
    例 · Example:
      syndicate trail list --partner zjol
    """


@trail.command("list")
@click.option("--partner", metavar="P", help="只看该授权媒体 · this partner only")
@click.option("--item", metavar="ID", help="只看该稿件，包括未放行的请求 · this item only, refusals too")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    metavar="KIND",
    help="只看这一种，可写多次 · this kind only; may be repeated",
)
@click.option("--since", type=AGO, metavar="TIME|7d", help="此时及以后，或最近多久 · at or after this time")
@click.option("--until", type=AGO, metavar="TIME|7d", help="此时以前，或多久以前 · before this time")
@click.option(
    "--after", type=_SEQ, metavar="SEQ", help="此序号之后，从旧到新 · after this one, oldest first"
)
@click.option("--before", type=_SEQ, metavar="SEQ", help="此序号之前 · before this one")
@click.option("--reverse", is_flag=True, help="从旧到新 · oldest first")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="最多几条 · at most this many",
)
@with_services
async def list_(
    services: Services,
    voice: Output,
    partner: str | None,
    item: str | None,
    kinds: tuple[str, ...],
    since: datetime | timedelta | None,
    until: datetime | timedelta | None,
    after: int | None,
    before: int | None,
    reverse: bool,
    limit: int,
) -> None:
    """列出审计记录，最新的在前 · List records of the trail, newest first.

    时间写作 2026-11-12（本网时区当天零时）、"2026-11-12 08:00" 或带时区的时刻；7d 是最近七天。

    A time is a day (its midnight in the publisher's zone), a local time, a time with its offset, or a
    span before now.

    \b
    例 · Example:
      syndicate trail list --partner zjol --since 7d
      syndicate trail list --item 20180122-abcdefghij --kind release_refused
      syndicate trail list --after 120
    """
    if partner is not None and PartnerId(partner) not in (await services.rights.register()).partners:
        raise Unknown(Text("授权媒体", "partner"), partner)
    if item is not None:
        await services.items.item(ItemId(item))
    newest_first, now = not reverse and after is None, services.clock()
    found = await services.store.lines(
        after=after,
        before=before,
        limit=limit + 1,
        partner=None if partner is None else PartnerId(partner),
        item=None if item is None else ItemId(item),
        kinds=kinds or None,
        since=time_before(now, since),
        until=time_before(now, until),
        newest_first=newest_first,
    )
    lines, more = found[:limit], len(found) > limit
    if voice.json:
        for line in lines:
            voice.give(_line(line))
    else:
        voice.table(
            [
                Column(Text("序号", "seq")),
                Column(Text("时间", "time")),
                Column(Text("何人", "who")),
                Column(Text("何事", "what")),
                Column(Text("详情", "details"), tight=False),
            ],
            [_row(line, voice) for line in lines],
            empty=Text("没有符合条件的记录", "no record matches"),
        )
    if more:
        last = lines[-1].seq
        voice.aside(
            Text(
                f"还有更早的记录，接着看请加 --before {last}", f"there are older ones: add --before {last}"
            )
            if newest_first
            else Text(
                f"还有更新的记录，接着看请加 --after {last}", f"there are newer ones: add --after {last}"
            )
        )


for _command in (
    trail_proofs.verify,
    trail_proofs.prove,
    trail_proofs.export,
    trail_proofs.checkpoint,
    trail_proofs.key,
    trail_check.check,
):
    trail.add_command(_command)


def _line(line: Line) -> dict[str, object]:
    entry = line.entry
    about: dict[str, object] = {"seq": line.seq, "at": iso(entry.at), "actor": entry.actor}
    return {**about, "kind": entry.event.kind, **event_fields(entry.event)}


def _row(line: Line, voice: Output) -> tuple[str, ...]:
    entry = line.entry
    return (
        str(line.seq),
        voice.moment(entry.at),
        actor_text(entry.actor).in_(voice.lang),
        kind_text(entry.event.kind).in_(voice.lang),
        details(event_fields(entry.event), voice),
    )
