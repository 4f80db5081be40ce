"""Web addresses in documents: which we take, and when two of them are the same page."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

_SAFE: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_UGLY: Final = re.compile(r'[\\"<>`{}|^]')
_LONGEST: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}


def absolute(address: str | None) -> str | None:
    """The address if it is an absolute http or https one, in ASCII, without a user's name; else None."""
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


def resolved(href: str, base: str | None) -> str | None:
    """A link's address, resolved against the page's where that is known; None: the link must go."""
    href = href.strip()
    if base is None:
        return absolute(href)
    try:
        return absolute(urljoin(base, href))
    except ValueError:
        return None


def article(address: str | None) -> str | None:
    """The address if it is of one page: a site's front page is where many items are, and names none."""
    address = absolute(address)
    if address is None:
        return None
    parts = urlsplit(address)
    return address if parts.path.strip("/") or parts.query else None


def normal(address: str) -> str:
    """One spelling for one page: host in lower case, no default port, no fragment, http as https."""
    parts = urlsplit(address)
    scheme = parts.scheme.lower()
    port = "" if parts.port in (None, _PORTS[scheme]) else f":{parts.port}"
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{host}{port}{parts.path or '/'}{query}"
