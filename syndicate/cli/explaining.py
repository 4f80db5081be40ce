"""`explain`: why somebody may or may not have an item, under which clause, and what would change it."""

from __future__ import annotations

from datetime import datetime

import click

from syndicate.cli import naming
from syndicate.cli.app import Command, with_house
from syndicate.cli.failing import Bilingual
from syndicate.cli.remedies import Case, changes
from syndicate.cli.voice import Voice, iso
from syndicate.desk.rights import Explanation
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.rights import Form, Use
from syndicate.policy import REASONS, Clearance, Refusal
from syndicate.wiring import House


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """A moment with its offset; one without could mean two."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Bilingual(
            Text(
                f"--at {value!r} 不是时间，应如 2026-01-01T08:00:00+08:00",
                f"--at {value!r} is no time; expected e.g. 2026-01-01T08:00:00+08:00",
            )
        ) from None
    if at.tzinfo is None:
        raise Bilingual(
            Text(
                f"--at {value!r} 没有写时区，应如 2026-01-01T08:00:00+08:00",
                f"--at {value!r} has no offset; expected e.g. 2026-01-01T08:00:00+08:00",
            )
        )
    return at


@click.command(cls=Command)
@click.option(
    "--partner",
    required=True,
    metavar="P",
    help="授权媒体编号；public 为公众 · partner; public for the public",
)
@click.option("--item", required=True, metavar="ID", help="稿件编号 · item")
@click.option("--use", required=True, type=click.Choice([one.value for one in Use]), help="使用方式 · use")
@click.option(
    "--at",
    callback=_moment,
    metavar="TIME",
    help="判断的时刻，须带时区；默认现在 · moment with its offset; default now",
)
@with_house
async def explain(
    house: House, voice: Voice, partner: str, item: str, use: str, at: datetime | None
) -> None:
    """说明可否及缘由 · Why, and what would change it.

    某授权媒体（或公众）可否以某种方式使用某稿件，依据哪一条款，怎样可以改变。

    按现在登记的权利判断。 Judged with the rights as they stand now.

    \b
    例 · Example:
      syndicate explain --partner zjol --item 20180122-abcdefghij --use reprint
    """
    explained = await house.rights.explain(partner, ItemId(item), Use(use), at)
    verdict = explained.verdict
    if isinstance(verdict, Refusal):
        found, register = await house.news.item(ItemId(item)), await house.rights.register()
        case = Case(found, partner, explained.use, explained.at, register, house.settings.publisher)
        _no(verdict, changes(verdict, case, voice), voice, explained, _about(partner, item, use, explained))
    else:
        _yes(verdict, voice, explained, _about(partner, item, use, explained))


def _about(partner: str, item: str, use: str, explained: Explanation) -> dict[str, object]:
    return {
        "partner": partner,
        "item": item,
        "use": use,
        "at": iso(explained.at),
        "until": iso(explained.until),
    }


def _no(
    refusal: Refusal, remedies: list[Text], voice: Voice, explained: Explanation, about: dict[str, object]
) -> None:
    voice.give(
        {
            "decision": "deny",
            "reason": refusal.reason.value,
            "clause": refusal.clause,
            "changes": [remedy.in_(voice.lang) for remedy in remedies],
            "form": None,
            **about,
        }
    )
    voice.say(Text("不可以：", "No: ") + REASONS[refusal.reason] + Text("。", "."))
    if refusal.clause is not None:
        voice.say(Text(f"依据：{refusal.clause}", f"under: {refusal.clause}"))
    voice.say(Text("怎样可以改变：", "what would change it:"))
    for remedy in remedies:
        voice.say(Text("  - ", "  - ") + remedy)
    if explained.until is not None:
        moment = voice.exactly(explained.until)
        voice.say(Text(f"答案最早自行变化：{moment}", f"the answer may change by itself at {moment}"))


def _yes(clearance: Clearance, voice: Voice, explained: Explanation, about: dict[str, object]) -> None:
    remedies = _ends(clearance, explained.until, voice)
    voice.give(
        {
            "decision": "allow",
            "reason": None,
            "clause": clearance.clause,
            "changes": [remedy.in_(voice.lang) for remedy in remedies],
            "form": clearance.form.value,
            "licence": clearance.licence,
            "mandate": clearance.mandate,
            "may_edit": clearance.may_edit,
            "take_down": iso(clearance.take_down),
            **about,
        }
    )
    voice.say(_allowed(clearance) + Text("。", "."))
    voice.say(Text(f"依据：{clearance.clause}", f"under: {clearance.clause}"))
    voice.say(Text(f"独家发布权：{clearance.mandate}", f"mandate: {clearance.mandate}"))
    for remedy in remedies:
        voice.say(Text("  - ", "  - ") + remedy)


def _allowed(clearance: Clearance) -> Text:
    if clearance.licence is None:
        return naming.PUBLIC_MAY
    full = clearance.form is Form.FULL
    form = Text("全文", "full text") if full else Text("标题和摘要", "headline and abstract")
    return Text("可以：", "Yes: ") + naming.uses([clearance.use]) + Text("，", ", ") + form


def _ends(clearance: Clearance, until: datetime | None, voice: Voice) -> list[Text]:
    """What would turn a yes."""
    ends = [
        Text(
            f"独家发布权 {clearance.mandate} 终止，即不再放行",
            f"it closes when mandate {clearance.mandate} ends",
        )
    ]
    if clearance.licence is not None:
        number = clearance.licence
        ends.append(Text(f"授权协议 {number} 终止，即不再放行", f"it closes when licence {number} ends"))
    if clearance.take_down is not None:
        moment = voice.exactly(clearance.take_down)
        ends.append(Text(f"须于 {moment} 前撤下", f"it must be taken down by {moment}"))
    if until is not None:
        moment = voice.exactly(until)
        ends.append(Text(f"答案最早自行变化：{moment}", f"the answer may change by itself at {moment}"))
    return ends
