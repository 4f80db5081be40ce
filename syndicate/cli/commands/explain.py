"""`explain`: why somebody may or may not have an item, under which clause, and what would change it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import click

from syndicate.cli.app import Command, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.access_state import AccessState, access_state
from syndicate.cli.ui.decision_text import decision, in_words, reason_text, said, tell
from syndicate.cli.ui.failures import Bilingual, typed
from syndicate.cli.ui.output import Output, iso
from syndicate.cli.ui.remedies import Case, changes
from syndicate.cli.ui.time_values import TIME, TIME_OR_NOW
from syndicate.language import Text
from syndicate.model.item import ItemId, medium_name
from syndicate.model.media import RenditionName
from syndicate.model.rights import Form, Use
from syndicate.policy import Clearance, Refusal
from syndicate.policy.lined_renditions import lined_renditions
from syndicate.policy.reasons import REASONS
from syndicate.services.audit.recorded_decision import QUOTA
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.audit.explanation import Explanation


@click.command(cls=Command)
@click.option("--partner", metavar="P", help="授权媒体编号；public 为公众 · partner; public for the public")
@click.option("--item", metavar="ID", help="稿件编号 · item")
@click.option("--use", type=click.Choice([one.value for one in Use]), help="使用方式 · use")
@click.option(
    "--rendition",
    type=click.Choice([one.value for one in RenditionName]),
    help="图片、音视频的哪个文件 · which file of a picture, sound or film",
)
@click.option(
    "--at",
    type=TIME,
    metavar="TIME",
    help="按哪一刻判断，默认现在 · as of when; default: now",
)
@click.option(
    "--known",
    type=TIME_OR_NOW,
    metavar="TIME|now",
    help="按哪一刻所知判断；默认与 --at 相同，--at 在将来则为现在 · judge with what was known at this "
    "time; default: the time of --at, or now where that is in the future",
)
@click.option(
    "--line",
    type=click.IntRange(1, 2**63 - 1),
    metavar="SEQ",
    help="重演审计记录这一条的决定 · repeat the decision of this trail record",
)
@with_services
async def explain(
    services: Services,
    voice: Output,
    partner: str | None,
    item: str | None,
    use: str | None,
    rendition: str | None,
    at: datetime | None,
    known: datetime | Literal["now"] | None,
    line: int | None,
) -> int:
    """说明可否使用及原因 · Explain why a use is allowed or refused.

    某授权媒体（或公众）可否以某种方式使用某稿件，依据哪一条款，怎样改变；配额、扣发、暂停和密钥都计算在内。

    过去的时刻按当时所知判断，将来的时刻按现在所知判断；--known 另行指定。

    --line 重演已记录的决定，与记录不符时退出码为 1。

    A past time is judged with what was known then, a future time with what is known now; --known sets
    another time. --line repeats a recorded decision: exit code 1 if the result differs.

    \b
    例 · Example:
      syndicate explain --partner zjol --item 20180122-abcdefghij --use reprint
      syndicate explain --line 120
    """
    if line is not None:
        if any(one is not None for one in (partner, item, use, rendition, at, known)):
            raise Bilingual(Text("--line 不能与其他选项同用", "--line goes with no other option"))
        return tell(await services.explanation.replay(line), voice)
    if partner is None or item is None or use is None:
        missing = [
            name for name, one in (("--partner", partner), ("--item", item), ("--use", use)) if one is None
        ]
        raise Bilingual(Text(f"缺少 {'、'.join(missing)}", f"missing: {', '.join(missing)}"))
    when = services.clock() if known == "now" else known
    with typed(Text("--known 不可用", "--known cannot be used")):
        explained = await services.explanation.explain(
            partner,
            ItemId(item),
            Use(use),
            at,
            when,
            None if rendition is None else RenditionName(rendition),
        )
    state = await access_state(services, explained, voice)
    about = _about(partner, item, use, explained, state)
    if explained.allowed and isinstance(explained.verdict, Clearance):
        lined = lined_renditions(explained.verdict, services.settings.publisher)
        _yes(explained.verdict, voice, explained, state, about, lined)
    else:
        case = Case(
            explained.item, partner, Use(use), explained.at, explained.register, services.settings.publisher
        )
        _no(case, voice, explained, state, about)
    _story_media(explained, voice)
    _times(explained, voice)
    return 0


def _about(
    partner: str, item: str, use: str, explained: Explanation, state: AccessState
) -> dict[str, object]:
    newer = explained.now
    return {
        "partner": partner,
        "item": item,
        "use": use,
        "rendition": None if explained.rendition is None else explained.rendition.value,
        "renditions": [name.value for name in explained.renditions],
        "media": [
            {
                "item": one.item.id,
                "medium": one.item.medium.value,
                "place": one.place,
                **said(one.verdict),
                "renditions": [name.value for name in one.renditions],
            }
            for one in explained.media
        ],
        "at": iso(explained.at),
        "until": iso(explained.until),
        "known": iso(explained.known),
        "superseded": newer is not None,
        "now": None if newer is None else said(newer),
        **state.as_json(),
    }


def _story_media(explained: Explanation, voice: Output) -> None:
    """Which files of each media item of a story may be had."""
    for one in explained.media:
        medium, place = medium_name(one.item.medium), one.place
        about = Text(
            f"{medium.zh} {one.item.id}（第 {place} 段后）：",
            f"{medium.en} {one.item.id} (after block {place}): ",
        )
        files = Text("", "")
        if isinstance(one.verdict, Clearance):
            names = agreement_words.renditions(one.renditions) if one.renditions else Text("无", "none")
            files = Text("，文件规格：", ", renditions: ") + names
        voice.say(about + in_words(one.verdict) + files)


def _times(explained: Explanation, voice: Output) -> None:
    """The two times of the answer, and what would be said today where that is something else."""
    applied, known = voice.exactly(explained.at), voice.exactly(explained.known)
    voice.say(Text(f"适用时刻：{applied}", f"as of: {applied}"))
    voice.say(Text(f"资料截至：{known}", f"with what was known at: {known}"))
    if explained.now is not None:
        words = Text("按现在所知，同一时刻的答案不同：", "with what is known now, it is another answer: ")
        voice.say(words + in_words(explained.now))


def _no(
    case: Case, voice: Output, explained: Explanation, state: AccessState, about: dict[str, object]
) -> None:
    remedies = [remedy for one in explained.obstacles for remedy in changes(one, case, voice)]
    remedies += state.remedies(voice)
    reason, clause = QUOTA, None if explained.quota is None else explained.quota.clause
    if isinstance(explained.verdict, Refusal):
        reason, clause = explained.verdict.reason.value, explained.verdict.clause
    further = explained.obstacles[1:]
    voice.give(
        {
            **decision(reason, clause),
            "changes": [remedy.in_(voice.lang) for remedy in remedies],
            "form": None,
            "further": [{"reason": one.reason.value, "clause": one.clause} for one in further],
            **about,
        }
    )
    voice.say(Text("不可以：", "No: ") + reason_text(reason) + Text("。", "."))
    if clause is not None:
        voice.say(Text(f"依据：{clause}", f"under: {clause}"))
    for one in further:
        voice.say(Text("此外：", "besides: ") + REASONS[one.reason])
    state.say(voice)
    voice.say(Text("怎样改变：", "what would change it:"))
    for remedy in remedies:
        voice.say(Text("  - ", "  - ") + remedy)
    if explained.until is not None:
        until = voice.exactly(explained.until)
        voice.say(Text(f"答案最早可能变化：{until}", f"the answer may change by itself at {until}"))


def _yes(
    clearance: Clearance,
    voice: Output,
    explained: Explanation,
    state: AccessState,
    about: dict[str, object],
    lined: frozenset[RenditionName],
) -> None:
    remedies = state.remedies(voice) + _ends(clearance, explained.until, voice)
    given = frozenset(explained.renditions)
    voice.give(
        {
            **said(clearance),
            "changes": [remedy.in_(voice.lang) for remedy in remedies],
            "form": clearance.form.value,
            "licence": clearance.licence,
            "mandate": clearance.mandate,
            "may_edit": clearance.may_edit,
            "take_down": iso(clearance.take_down),
            "visible_line": sorted(given & lined),
            "further": [],
            **about,
        }
    )
    voice.say(_allowed(clearance) + Text("。", "."))
    voice.say(Text(f"依据：{clearance.clause}", f"under: {clearance.clause}"))
    voice.say(Text(f"独家发布权：{clearance.mandate}", f"mandate: {clearance.mandate}"))
    if given:
        voice.say(Text("文件规格：", "renditions: ") + agreement_words.renditions(given))
    if given & lined:
        named = agreement_words.renditions(given & lined)
        voice.say(Text("带可见标注：", "with the visible line: ") + named)
    state.say(voice)
    for remedy in remedies:
        voice.say(Text("  - ", "  - ") + remedy)


def _allowed(clearance: Clearance) -> Text:
    if clearance.licence is None:
        return agreement_words.PUBLIC_MAY
    full = clearance.form is Form.FULL
    form = Text("全文", "full text") if full else Text("标题和摘要", "headline and abstract")
    return Text("可以：", "Yes: ") + agreement_words.uses([clearance.use]) + Text("，", ", ") + form


def _ends(clearance: Clearance, until: datetime | None, voice: Output) -> list[Text]:
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
        when = voice.exactly(clearance.take_down)
        ends.append(Text(f"须于 {when} 前撤下", f"it must be taken down by {when}"))
    if until is not None:
        when = voice.exactly(until)
        ends.append(Text(f"答案最早可能变化：{when}", f"the answer may change by itself at {when}"))
    return ends
