"""Define every error code of a problem document: its status, its title, and what to do about it.

The table `PROBLEMS` is the only place that gives an error its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from syndicate.language import Text


@dataclass(frozen=True, slots=True)
class Problem:
    """What one error code means: its status, its title, and what to do about it."""

    status: HTTPStatus
    title: Text
    help: Text


def _problem(status: int, zh: str, en: str, help_zh: str, help_en: str) -> Problem:
    return Problem(HTTPStatus(status), Text(zh, en), Text(help_zh, help_en))


_NEW_KEY = ("请向本网索取新的密钥。", "Ask the publisher for a new key.")

PROBLEMS: Mapping[str, Problem] = {
    "bad_parameter": _problem(
        400, "参数有误", "Bad parameter", "请按说明改正该参数。", "Correct the parameter that is named."
    ),
    "bad_request": _problem(
        400,
        "请求有误",
        "Bad request",
        "请检查客户端发出的请求行和请求头：它们不是有效的 HTTP，或其中的 Expect 本服务不支持。",
        "Check the request line and the headers that the client sends: they are not valid HTTP, or ask "
        "in Expect for what is not supported here.",
    ),
    "cursor_unknown": _problem(
        400,
        "游标未知",
        "Unknown cursor",
        "after 应为本服务给您的 next 或 seq。请核对网址是否属于同一服务；要从头开始，请用 after=0。",
        "after should be a next or seq that this server gave you. Check that the address is the same "
        "server's; to begin from the beginning, ask with after=0.",
    ),
    "unknown_change": _problem(
        400,
        "变更序号未知",
        "Unknown change",
        "只能确认您自己的变更序列里的序号；未知的见 unknown。这次请求里的一条也没有确认。",
        "Only numbers of your own change sequence can be acknowledged; unknown names the others. Of this "
        "request none was.",
    ),
    "token_missing": _problem(
        401,
        "需要密钥",
        "A key is needed",
        "请在 Authorization 请求头中出示密钥：Bearer，或 Basic（用户名为授权媒体编号，密码为密钥）。"
        "密钥不能放在网址里。",
        "Show your key in the Authorization header: as Bearer, or as Basic with your partner id and the "
        "key as password. A key is never taken from the address.",
    ),
    "token_malformed": _problem(
        401,
        "密钥格式有误",
        "The key is malformed",
        "请用 Bearer 或 Basic，并检查密钥是否完整复制。",
        "Use Bearer or Basic, and check that the key was copied whole.",
    ),
    "token_invalid": _problem(
        401,
        "密钥无效",
        "The key is not valid",
        "请向本网索取新的密钥；用 Basic 时请核对用户名。",
        "Ask the publisher for a new key; with Basic, check the user name.",
    ),
    "token_expired": _problem(401, "密钥已过期", "The key has expired", *_NEW_KEY),
    "key_revoked": _problem(401, "密钥已撤销", "The key was revoked", *_NEW_KEY),
    "partner_suspended": _problem(
        401,
        "授权媒体已暂停",
        "The partner is suspended",
        "请与本网联系。",
        "Get in touch with the publisher.",
    ),
    "address_expired": _problem(
        403,
        "媒体地址已失效",
        "Media address expired",
        "带签名的媒体地址只在短时间内有效：请重新取订阅源或稿件，用其中的新地址。",
        "A signed media address is good for a short time: fetch the feed or the item again and use the new "
        "address in it.",
    ),
    "not_licensed": _problem(
        403,
        "未获授权",
        "Not licensed",
        "授权协议不包含所请求的内容；原因和条款见 reason 和 clause。",
        "Your licence does not cover this; reason and clause say why.",
    ),
    "not_found": _problem(404, "没有找到", "Not found", "请检查网址。", "Check the address."),
    "unknown_feed": _problem(
        404,
        "没有这个订阅源",
        "Unknown feed",
        "全部订阅源见 /feeds.opml。",
        "All feeds are listed in /feeds.opml.",
    ),
    "method_not_allowed": _problem(
        405,
        "不支持这种方法",
        "Method not allowed",
        "可用的方法见 Allow 响应头。",
        "The Allow header names what can be used.",
    ),
    "not_acceptable": _problem(
        406,
        "无法提供所要求的格式",
        "Not acceptable",
        "请放宽 Accept，或改用其他扩展名（.rss、.atom、.json）。",
        "Widen Accept, or use another extension (.rss, .atom, .json).",
    ),
    "recalled": _problem(
        410,
        "稿件已撤回",
        "The item was recalled",
        "请撤下这篇稿件；原因和时间见 reason 和 recalled。",
        "Take the item down; reason and recalled say why and since when.",
    ),
    "precondition_failed": _problem(
        412,
        "文件已有变化",
        "Precondition failed",
        "文件已不是 If-Match 或 If-Unmodified-Since 所指的那一个：请重新取。",
        "The file is no longer the one that If-Match or If-Unmodified-Since names: get it anew.",
    ),
    "too_large": _problem(413, "请求太大", "Content too large", "请缩小请求。", "Send less."),
    "range_not_satisfiable": _problem(
        416,
        "无法提供所要求的范围",
        "Range not satisfiable",
        "Range 只能写一个范围，并从文件末尾之前开始；文件大小见 Content-Range。",
        "Ask in Range for one range, which begins before the end of the file; Content-Range says its size.",
    ),
    "quota_exceeded": _problem(
        429,
        "配额已用完",
        "The quota is used up",
        "请等 Retry-After 所示的秒数过后再取；条款和重新计数的时间见 clause 和 resets。"
        "已经取过的稿件版本再取不计数。",
        "Ask again after the seconds in Retry-After; clause and resets say which quota it is and when it "
        "begins anew. An item version that you had counts only once.",
    ),
    "header_too_large": _problem(
        431,
        "请求头太大",
        "Header fields too large",
        "请求行和每个请求头至多 8 KB。",
        "The request line and each header may have 8 KB at most.",
    ),
    "recalled_legal": _problem(
        451,
        "稿件依法撤下",
        "Taken down by law",
        "请撤下这篇稿件；时间见 recalled。",
        "Take the item down; recalled says since when.",
    ),
    "internal": _problem(
        500,
        "服务器出错",
        "Internal error",
        "请将 request_id 告知本网。",
        "Tell the publisher the request_id.",
    ),
    "unavailable": _problem(503, "暂时无法服务", "Unavailable", "请稍后重试。", "Try again later."),
    "http_version": _problem(
        505,
        "不支持这个 HTTP 版本",
        "HTTP version not supported",
        "请使用 HTTP/1.1 或 HTTP/1.0。",
        "Use HTTP/1.1 or HTTP/1.0.",
    ),
}
"""Every error code that an answer can carry."""
