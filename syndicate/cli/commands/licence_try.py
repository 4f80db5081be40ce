"""`licence try`: a draft is tried on what its partner really asked for, and nothing is changed by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Command, with_services
from syndicate.cli.ui.agreement_file import document
from syndicate.cli.ui.decision_text import answer, decision
from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.overlap_text import overlap_as_json, overlaps_now, say_overlaps
from syndicate.cli.ui.proof_io import counting
from syndicate.cli.ui.time_values import AGO
from syndicate.language import Text
from syndicate.model.rights import use_name
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.rights.licence_trial import Answer, Trial, Tried

CHANGES = 1
"""Something would change."""


@click.command("try", cls=Command)
@click.argument("file", type=click.Path(allow_dash=True), metavar="FILE.toml")
@click.option(
    "--since",
    type=AGO,
    required=True,
    metavar="30d|TIME",
    help="重新判断多久以来（或何时以来）的请求 · judge the requests of this span, or since this time",
)
@click.option(
    "--instead-of",
    metavar="NUMBER",
    help="草案代替哪一份协议；默认同编号者，没有则为该媒体的全部协议 · "
    "licence that the draft replaces; default: the one with its number, or else all of the partner's",
)
@with_services
async def try_(
    services: Services, voice: Output, file: str, since: datetime | timedelta, instead_of: str | None
) -> int:
    """试行协议草案 · Show which answers a draft licence would have changed.

    用该授权媒体的真实请求检验草案，不写入任何记录。答案都不变退出码为 0，有变为 1。

    Replays what the partner really asked for; nothing is written.
    Exit code 0: no answer changes, 1: some do.

    \b
    例 · Example:
      syndicate licence try draft.toml --since 30d
    """
    now = services.clock()
    begins = now - since if isinstance(since, timedelta) else since
    if begins > now:
        raise Bilingual(Text("--since 应为过去的时间", "--since should be a time that has passed"))
    draft = await services.rights.draft(*document(file))
    with counting(voice) as progress:
        trial = await services.explanation.try_licence(draft, begins, instead_of, progress)
    for one in trial.changed:
        voice.give(_changed(one))
    register = await services.rights.register()
    found = overlaps_now(draft, register, now, trial.instead_of)
    voice.give({**_total(trial), "overlaps": [overlap_as_json(one) for one in found]})
    _say(trial, voice)
    say_overlaps(found, services.settings.publisher, voice)
    return CHANGES if trial.changed else 0


def _changed(one: Tried) -> dict[str, object]:
    return {
        "item": one.item,
        "version": one.version,
        "rendition": None if one.rendition is None else one.rendition.value,
        "use": one.asked,
        "was": _answer(one.was),
        "would_be": _answer(one.would),
        "times": one.times,
    }


def _answer(of: Answer) -> dict[str, object]:
    return {**decision(of.reason, of.clause), "use": of.use}


def _total(trial: Trial) -> dict[str, object]:
    return {
        "draft": trial.draft.number,
        "partner": trial.draft.partner,
        "since": iso(trial.since),
        "instead_of": list(trial.instead_of),
        "begun_early": trial.begun_early,
        "answers": trial.answers,
        "distinct": trial.distinct,
        "changed": len(trial.changed),
        "answers_changed": _times(trial),
        "feeds_refused": trial.feeds_refused,
    }


def _say(trial: Trial, voice: Output) -> None:
    since = voice.exactly(trial.since)
    old = trial.instead_of
    instead = Text(
        f" 代替 {'、'.join(old)}" if old else "（期间没有可代替的协议）",
        f" in place of {', '.join(old)}" if old else " (no licence to stand in for)",
    )
    voice.say(
        Text(
            f"用草案 {trial.draft.number}{instead.zh}，重新判断授权媒体 {trial.draft.partner} "
            f"自 {since} 以来得到的 {trial.answers} 个答案（去重后 {trial.distinct} 个）",
            f"draft {trial.draft.number}{instead.en}, judged on what partner {trial.draft.partner} was "
            f"answered since {since}; answers: {trial.answers}, distinct: {trial.distinct}",
        )
    )
    if trial.begun_early:
        voice.say(
            Text(
                "草案在此期间尚未生效，按已经生效判断",
                "the draft had not begun then: it is judged as if it had",
            )
        )
    if trial.feeds_refused:
        voice.say(
            Text(
                f"另有 {trial.feeds_refused} 次请求整个订阅源而未放行，不计在内",
                f"refusals of whole feeds, which are not looked at: {trial.feeds_refused}",
            )
        )
    voice.table(
        [
            Column(Text("稿件", "item")),
            Column(Text("版本", "version")),
            Column(Text("使用方式", "use")),
            Column(Text("次数", "times")),
            Column(Text("原来", "was"), tight=False),
            Column(Text("将会", "would be"), tight=False),
        ],
        [_row(one, voice) for one in trial.changed],
        empty=Text("答案都不会变", "no answer would change"),
    )
    if trial.changed:
        count, times = len(trial.changed), _times(trial)
        voice.say(
            Text(
                f"会变的答案：{count} 个，共 {times} 次",
                f"answers that would change: {count}, {times} times",
            )
        )


def _row(one: Tried, voice: Output) -> tuple[str, ...]:
    asked = "" if one.asked is None else use_name(one.asked).in_(voice.lang)
    version = "" if one.version is None else str(one.version)
    was, would = (answer(each.reason, each.clause) for each in (one.was, one.would))
    if one.would.use is not None and one.was.use not in (None, one.would.use):
        would = would + Text("，", ", ") + use_name(one.would.use)
    what = one.item if one.rendition is None else f"{one.item} {one.rendition}"
    return what, version, asked, str(one.times), was.in_(voice.lang), would.in_(voice.lang)


def _times(trial: Trial) -> int:
    return sum(one.times for one in trial.changed)
