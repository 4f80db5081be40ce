"""The words of agreements as staff read them: uses, media, outlets, channels, spans and windows of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from syndicate.cli.ui.output import Output
from syndicate.language import Text, verbatim
from syndicate.model.item import Medium, medium_name
from syndicate.model.parties import Publisher
from syndicate.model.rights import Use, Window, use_name


def outlet_name(outlet: str | None, publisher: Publisher) -> Text:
    """An outlet's name; what to say where an item has none."""
    if outlet is None:
        return Text("非本网媒体", "none of ours")
    known = next((one for one in publisher.outlets if one.id == outlet), None)
    return verbatim(outlet) if known is None else Text(known.name, known.name_en or known.name)


def channel_name(channel: str, publisher: Publisher) -> Text:
    """A channel's name."""
    known = publisher.channel(channel)
    return verbatim(channel) if known is None else Text(known.name, known.name_en or known.name)


def uses(of: Iterable[Use]) -> Text:
    """Several uses, in the order of the notice."""
    named = set(of)
    return listed(use_name(use) for use in Use if use in named)


def media(of: Iterable[Medium]) -> Text:
    """Several media, in the order of `Medium`."""
    named = set(of)
    return listed(medium_name(medium) for medium in Medium if medium in named)


def outlets(of: Iterable[str], publisher: Publisher) -> Text:
    """Several outlets, by name."""
    return listed(outlet_name(one, publisher) for one in sorted(of))


def channels(of: Iterable[str], publisher: Publisher) -> Text:
    """Several channels, by name."""
    return listed(channel_name(one, publisher) for one in sorted(of))


def listed(names: Iterable[Text]) -> Text:
    """`甲、乙` and `a, b`."""
    names = list(names)
    return Text("、".join(one.zh for one in names), ", ".join(one.en for one in names))


def span(of: timedelta) -> Text:
    """Return a span in words, such as `1 天 12 小时` and `1 day 12 hours`; `无` and `none` for nothing."""
    seconds = of.days * 86_400 + of.seconds
    parts = []
    for size, zh, en in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(Text(f"{count} {zh}", f"{count} {en}{'' if count == 1 else 's'}"))
    if not parts:
        return Text("无", "none")
    return Text(" ".join(one.zh for one in parts), " ".join(one.en for one in parts))


def window(of: Window, voice: Output) -> str:
    """From when until when, in the publisher's zone."""
    closes = Text("另行通知为止", "further notice") if of.closes is None else None
    end = closes.in_(voice.lang) if closes is not None else voice.moment(of.closes)
    return f"{voice.moment(of.opens)} → {end}"


_UNITS = ((86_400, "天", "day"), (3_600, "小时", "hour"), (60, "分钟", "minute"), (1, "秒", "second"))

PUBLIC_MAY = Text(
    "公众可以阅读标题和摘要；转载、链接等使用仍须授权",
    "the public may read headline and abstract; reprinting, linking and other uses need a licence",
)
"""What everybody has, and what nobody has without a licence."""

STATES = {
    "in_force": Text("有效", "in force"),
    "not_begun": Text("未生效", "not begun"),
    "ended": Text("已终止", "ended"),
    "suspended": Text("已暂停", "suspended"),
    "active": Text("正常", "active"),
    "revoked": Text("已撤销", "revoked"),
    "expired": Text("已过期", "expired"),
    "signing_key_retired": Text("签名密钥已停用", "signing key retired"),
    "signing_key_missing": Text("缺少签名密钥", "signing key missing"),
    "current": Text("使用中", "current"),
    "retiring": Text("退役中", "retiring"),
    "retired": Text("已停用", "retired"),
}
"""States in words, by their names in JSON."""


def quota(items: int, per: str) -> Text:
    """A quota in words."""
    day = per == "day"
    return Text(f"{'每日' if day else '每月'} {items} 篇", f"{items} items a {'day' if day else 'month'}")
