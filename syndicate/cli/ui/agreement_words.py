"""Name uses, media, outlets, channels, durations and periods in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from syndicate.cli.ui.output import Output
from syndicate.language import Text, verbatim
from syndicate.model.item import Medium, medium_name
from syndicate.model.media import RenditionName, rendition_title
from syndicate.model.parties import Publisher
from syndicate.model.rights import Use, Window, use_name


def outlet_name(outlet: str | None, publisher: Publisher) -> Text:
    """Return an outlet's name, or 'none of ours' if `outlet` is None."""
    if outlet is None:
        return Text("非本网媒体", "none of ours")
    known = next((one for one in publisher.outlets if one.id == outlet), None)
    return verbatim(outlet) if known is None else Text(known.name, known.name_en or known.name)


def channel_name(channel: str, publisher: Publisher) -> Text:
    """Return a channel's name, or its id if it is unknown."""
    known = publisher.channel(channel)
    return verbatim(channel) if known is None else Text(known.name, known.name_en or known.name)


def uses(of: Iterable[Use]) -> Text:
    """Return the names of several uses, in the order of `Use`."""
    named = set(of)
    return listed(use_name(use) for use in Use if use in named)


def media(of: Iterable[Medium]) -> Text:
    """Return the names of several media, in the order of `Medium`."""
    named = set(of)
    return listed(medium_name(medium) for medium in Medium if medium in named)


def renditions(of: Iterable[RenditionName]) -> Text:
    """Return the names of several renditions, in the order of `RenditionName`."""
    named = set(of)
    return listed(rendition_title(name) for name in RenditionName if name in named)


def outlets(of: Iterable[str], publisher: Publisher) -> Text:
    """Return the names of several outlets, sorted by id."""
    return listed(outlet_name(one, publisher) for one in sorted(of))


def channels(of: Iterable[str], publisher: Publisher) -> Text:
    """Return the names of several channels, sorted by id."""
    return listed(channel_name(one, publisher) for one in sorted(of))


def listed(names: Iterable[Text]) -> Text:
    """Join names into a list, such as `甲、乙` or `a, b`."""
    names = list(names)
    return Text("、".join(one.zh for one in names), ", ".join(one.en for one in names))


def duration_text(of: timedelta) -> Text:
    """Return a duration in words, such as `1 天 12 小时` or `1 day 12 hours`; `none` for zero."""
    seconds = of.days * 86_400 + of.seconds
    parts = []
    for size, zh, en in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(Text(f"{count} {zh}", f"{count} {en}{'' if count == 1 else 's'}"))
    if not parts:
        return Text("无", "none")
    return Text(" ".join(one.zh for one in parts), " ".join(one.en for one in parts))


def period_text(of: Window, output: Output) -> str:
    """Return `start → end` in the publisher's zone, with 'further notice' for an open end."""
    closes = Text("另行通知为止", "further notice") if of.closes is None else None
    end = closes.in_(output.lang) if closes is not None else output.moment(of.closes)
    return f"{output.moment(of.opens)} → {end}"


_UNITS = ((86_400, "天", "day"), (3_600, "小时", "hour"), (60, "分钟", "minute"), (1, "秒", "second"))

PUBLIC_MAY = Text(
    "公众可以阅读标题和摘要；转载、链接等使用仍须授权",
    "the public may read headline and abstract; reprinting, linking and other uses need a licence",
)
"""What the public may do without a licence, and what it may not."""

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
"""The names of states, by their values in JSON."""


def quota(items: int, per: str) -> Text:
    """Return a quota in words, such as `每日 10 篇` or `10 items a day`."""
    day = per == "day"
    return Text(f"{'每日' if day else '每月'} {items} 篇", f"{items} items a {'day' if day else 'month'}")
