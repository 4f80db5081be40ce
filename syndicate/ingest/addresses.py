"""Check web addresses in documents, and tell whether two of them are the same page."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from syndicate.ingest.line_cache import cached_with
from syndicate.ingest.text import words

_SAFE: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_UGLY: Final = re.compile(r'[\\"<>`{}|^]')
_LONGEST: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
_ESCAPE: Final = re.compile("%[0-9a-fA-F]{2}")
_SHARED: Final = words(
    # Where a reader came from: WeChat, QQ, Weibo, Toutiao, and what their sharing adds.
    "from from_source isappinstalled mpshare sharer_shareinfo sharer_shareinfo_first"
    " share_token share_source share_medium share_plat share_platform share_from share_uid shareuid"
    " share_channel share_time share_user wxshare sharefrom nsukey nsu_key tt_from"
    " is_hit_share_recommend luicode lfid refer_flag sudaref wxfrom wx_header pass_ticket"
    # Advertising and statistics.
    " spm scm hmsr hmpl hmcu hmkw hmci bd_vid qz_gdt gdt_vid fbclid gclid gclsrc dclid msclkid yclid twclid"
    " igshid igsh mc_cid mc_eid _ga _gl _hsenc _hsmi mkt_tok ref_src ref_url"
)
_SHARED_PREFIX: Final = "utm_"
_WECHAT: Final = "mp.weixin.qq.com"
_WECHAT_NAMES: Final = words("__biz mid appmsgid idx itemidx sn")
"""The parameters that name a WeChat article; every other one says how a reader came to it."""
_WECHAT_LEAST: Final = 3
"""How many of them name one article: with fewer, every parameter counts."""
_ROUTE: Final = ("/", "!")
"""How a fragment begins that an application in the page reads as a path: it names the page."""


def absolute(address: str | None) -> str | None:
    """Return an absolute http or https address, in ASCII and without user name; else None."""
    address = (address or "").strip()
    if len(address) > _LONGEST or not _SAFE.fullmatch(address) or _UGLY.search(address):
        return None
    try:
        parts = urlsplit(address)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc.removesuffix(":")
    return address if port_is_fine and _HOST.fullmatch(host) else None


@cached_with
def resolved(href: str, base: str | None) -> str | None:
    """Resolve a link against the page's address where that is known; None if the link must be removed."""
    href = href.strip()
    if base is None:
        return absolute(href)
    try:
        return absolute(urljoin(base, href))
    except ValueError:
        return None


def article(address: str | None) -> str | None:
    """Return the address if it identifies one page; None for a site's front page, which has many."""
    address = absolute(address)
    if address is None:
        return None
    parts = urlsplit(address)
    return address if parts.path.strip("/") or _query(parts) or _route(parts) else None


def normal(address: str) -> str:
    """Return the one normal spelling of an address that `absolute` takes.

    The same page are: http and https, a host with `www.` and without, in any case; a default port or none;
    parameters in any order, and with those that sharing and statistics add; with a fragment that names a
    place in the page. What names an article is kept: every other parameter, and a fragment that is a path
    (`#/news/5`). Of a WeChat article only the parameters that name it are kept.
    """
    parts = urlsplit(address)
    path = _ESCAPE.sub(lambda found: found[0].upper(), parts.path) or "/"
    query, route = _query(parts), _route(parts)
    return f"https://{_host(parts)}{path}{query and f'?{query}'}{route and f'#{route}'}"


def spellings_before(address: str) -> tuple[str, ...]:
    """Return the spellings that releases before 0.3 may have stored for this page, likeliest first."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    found = []
    for query in dict.fromkeys((parts.query, "&".join(one for _, one in _kept(parts)), _query(parts))):
        for name in dict.fromkeys((host, host.removeprefix("www."), f"www.{host.removeprefix('www.')}")):
            literal = f"[{name}]" if ":" in name else name
            found.append(f"https://{literal}{_port(parts)}{parts.path or '/'}{query and f'?{query}'}")
    return tuple(dict.fromkeys(found))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    return (f"[{host}]" if ":" in host else host) + _port(parts)


def _port(parts: SplitResult) -> str:
    return "" if parts.port in (None, _PORTS[parts.scheme.lower()]) else f":{parts.port}"


def _query(parts: SplitResult) -> str:
    """The parameters that name the page, in the order of their names."""
    ordered = sorted(_kept(parts), key=lambda pair: pair[0])
    return "&".join(_ESCAPE.sub(lambda found: found[0].upper(), one) for _, one in ordered)


def _kept(parts: SplitResult) -> list[tuple[str, str]]:
    """The parameters that name the page: name, and name with value as it is written."""
    given = [(unquote(one.partition("=")[0]), one) for one in parts.query.split("&") if one]
    if parts.hostname == _WECHAT:
        named = [(name, one) for name, one in given if name in _WECHAT_NAMES]
        if parts.path.startswith("/s/"):
            return []
        if len(named) >= _WECHAT_LEAST:
            return named
    return [(name, one) for name, one in given if not _is_shared(name.lower())]


def _is_shared(name: str) -> bool:
    return name in _SHARED or name.startswith(_SHARED_PREFIX)


def _route(parts: SplitResult) -> str:
    return parts.fragment if parts.fragment.startswith(_ROUTE) else ""
