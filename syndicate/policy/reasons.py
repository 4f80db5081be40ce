"""The reasons for which an item is refused, in words, and which of them outsiders must not learn."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from syndicate.language import Text
from syndicate.model.holds import RecallReason


class Reason(StrEnum):
    """Why an item is refused. The order is from furthest from a yes to nearest to it."""

    NOT_OURS = "not_ours"
    NOT_PUBLISHED = "not_published"
    WITHHELD = "withheld"
    EMBARGOED = "embargoed"
    EXCLUSIVE = "exclusive"
    NO_MANDATE = "no_mandate"
    MANDATE_NOT_BEGUN = "mandate_not_begun"
    MANDATE_ENDED = "mandate_ended"
    SUMMARY_ONLY = "summary_only"
    SUSPENDED = "partner_suspended"
    NO_LICENCE = "no_licence"
    LICENCE_ENDED = "licence_ended"
    LICENCE_NOT_BEGUN = "licence_not_begun"
    EXCEPTED = "excepted"
    USE_NOT_GRANTED = "use_not_granted"
    OUTLET_NOT_GRANTED = "outlet_not_granted"
    MEDIUM_NOT_GRANTED = "medium_not_granted"
    CHANNEL_NOT_GRANTED = "channel_not_granted"
    RENDITION_NOT_GRANTED = "rendition_not_granted"
    OUTSIDE_ARCHIVE = "outside_archive"
    RETENTION_ENDED = "retention_ended"
    DELAYED = "delayed"
    EMBARGO_UNACKNOWLEDGED = "embargo_unacknowledged"
    RECALLED = "recalled"


REASONS: Final = {
    Reason.NOT_OURS: Text("来源不属于本网媒体，本网无权授权", "its source is none of our outlets"),
    Reason.NOT_PUBLISHED: Text("尚未到发布时间", "its time of publication has not come"),
    Reason.WITHHELD: Text("稿件已扣发", "staff withhold it"),
    Reason.EMBARGOED: Text("禁发期未满", "its embargo has not ended"),
    Reason.EXCLUSIVE: Text("在独家期内，只供另一家媒体", "it is another partner's exclusively, for now"),
    Reason.NO_MANDATE: Text(
        "没有独家发布权覆盖该媒体和稿件类型", "no mandate covers its outlet and medium"
    ),
    Reason.MANDATE_NOT_BEGUN: Text("独家发布权尚未生效", "the mandate has not begun"),
    Reason.MANDATE_ENDED: Text("独家发布权已终止", "the mandate has ended"),
    Reason.SUMMARY_ONLY: Text(
        "公众只能获得标题和摘要", "the public may have headline and abstract, never more"
    ),
    Reason.SUSPENDED: Text("该授权媒体已暂停", "the partner is suspended"),
    Reason.NO_LICENCE: Text("没有授权协议", "there is no licence"),
    Reason.LICENCE_ENDED: Text("授权协议已终止", "the licence has ended"),
    Reason.LICENCE_NOT_BEGUN: Text("授权协议尚未生效", "the licence has not begun"),
    Reason.EXCEPTED: Text("属于协议的除外条款", "an exception of the licence excludes it"),
    Reason.USE_NOT_GRANTED: Text("协议未授权这种使用方式", "no grant gives this use"),
    Reason.OUTLET_NOT_GRANTED: Text("协议未授权该媒体的稿件", "no grant covers its outlet"),
    Reason.MEDIUM_NOT_GRANTED: Text("协议未授权这类稿件", "no grant covers its medium"),
    Reason.CHANNEL_NOT_GRANTED: Text("协议未授权该频道", "no grant covers its channel"),
    Reason.RENDITION_NOT_GRANTED: Text("协议未授权这一规格的文件", "no grant gives this rendition of it"),
    Reason.OUTSIDE_ARCHIVE: Text(
        "发布时间不在协议允许的范围内", "it was published outside what the grant reaches back to"
    ),
    Reason.RETENTION_ENDED: Text("保留期限已过，应当撤下", "its retention has run out"),
    Reason.DELAYED: Text("延迟发布期未满", "its delay has not passed"),
    Reason.EMBARGO_UNACKNOWLEDGED: Text(
        "禁发期未满：先确认遵守禁发时间，才可提前取得",
        "its embargo has not ended: it may be had early by who acknowledges the embargo first",
    ),
    Reason.RECALLED: Text("稿件已撤回", "it was recalled"),
}
"""Each reason in words."""

HIDDEN: Final = frozenset(
    {Reason.NOT_OURS, Reason.NOT_PUBLISHED, Reason.WITHHELD, Reason.EMBARGOED, Reason.EXCLUSIVE}
)
"""Reasons for which nobody outside may learn that the item exists."""
HIDDEN_IN_REMOVALS: Final = HIDDEN | {Reason.EMBARGO_UNACKNOWLEDGED}
"""Reasons that the change sequence does not name when a partner must remove an item."""


RECALLS: Final = {
    RecallReason.EDITORIAL: Text("稿件因编辑原因撤回", "recalled for an editorial reason"),
    RecallReason.RIGHTS: Text("稿件因版权原因撤回", "recalled for a reason of rights"),
    RecallReason.LEGAL: Text("稿件依法撤下", "taken down by law"),
}
"""Why an item was called back, in the words for everybody."""
