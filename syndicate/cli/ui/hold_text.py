"""What holds an item back, in words for people and as values for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from syndicate.cli.ui.output import Output, iso
from syndicate.language import Text
from syndicate.model.holds import Holds, in_force
from syndicate.model.item import Item, medium_name

if TYPE_CHECKING:
    from syndicate.services.newsroom.story_media import LeftMedia

NOTHING = Text("未作限制，按协议供稿", "nothing holds it back; licences decide who gets it")


def holds_as_json(holds: Holds, now: datetime) -> dict[str, object]:
    """The holds for programs: `holds` names those in force now."""
    embargo, exclusive, recall = holds.embargo, holds.exclusive, holds.recall
    return {
        "holds": in_force(holds, now),
        "embargo": None if embargo is None else iso(embargo.until),
        "exclusive": None
        if exclusive is None
        else {"partner": exclusive.partner, "until": iso(exclusive.until)},
        "recall": None
        if recall is None
        else {
            "reason": recall.reason.value,
            "note": recall.note,
            "at": iso(recall.at),
            "deadline": iso(recall.deadline),
        },
    }


def item_state(item: Item, now: datetime, voice: Output) -> str:
    """What keeps an item from readers, for people: its holds, and a publication that is still to come."""
    parts = [hold_state(item.holds, now, voice)]
    if item.published > now:
        from_ = voice.moment(item.published)
        parts.append(
            Text(f"未到发布时间，{from_} 起可见", f"not yet published, seen from {from_}").in_(voice.lang)
        )
    return Text("，", ", ").in_(voice.lang).join(part for part in parts if part)


def hold_state(holds: Holds, now: datetime, voice: Output) -> str:
    """The holds for people; empty where there are none."""
    if holds.recall is not None:
        # Here, not above: the policy is loaded for a recalled item only.
        from syndicate.policy.reasons import RECALLS

        return RECALLS[holds.recall.reason].in_(voice.lang)
    said: list[Text] = []
    for kind in in_force(holds, now):
        if kind == "embargo" and holds.embargo is not None:
            until = voice.exactly(holds.embargo.until)
            said.append(Text(f"禁发至 {until}", f"under embargo until {until}"))
        elif kind == "exclusive" and holds.exclusive is not None:
            until = voice.exactly(holds.exclusive.until)
            whose = holds.exclusive.partner
            said.append(Text(f"{whose} 独家至 {until}", f"exclusive to {whose} until {until}"))
        else:
            said.append(Text("扣发", "withheld"))
    return Text("，".join(one.zh for one in said), ", ".join(one.en for one in said)).in_(voice.lang)


def left_text(left: LeftMedia) -> Text:
    """Say that an act about a story left one of its media, and why."""
    from syndicate.services.newsroom.story_media import WhyLeft

    kind, id = medium_name(left.item.medium), left.item.id
    named = Text(f"未动{kind.zh} {id}：", f"{kind.en} {id} was left: ")
    match left.why:
        case WhyLeft.SHARED:
            zh, en = "、".join(left.stories), ", ".join(left.stories)
            return named + Text(f"其他稿件也在用：{zh}", f"other stories have it: {en}")
        case WhyLeft.STANDALONE:
            return named + Text("单独收入的，不随稿件", "it was taken in by itself")
        case WhyLeft.RECALLED:
            return named + Text("已另行撤回", "it was recalled by itself")
        case WhyLeft.HELD:
            return named + Text("已另行扣住", "it is held by itself")
        case WhyLeft.ASKED:
            return named + Text("只对稿件执行", "only the story was asked for")
    assert_never(left.why)
