"""The addresses of the settings (server, pages, folders, database), each with what is wrong with one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from syndicate.language import Text
from syndicate.toml_forms import wrong

_HOST: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE
)
_VISIBLE: Final = re.compile(r"[!-~]{1,2000}")
_BUCKET: Final = re.compile(
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9._-]{1,100}){0,5}", re.ASCII
)
_DRIVERS: Final = ("sqlite+aiosqlite", "postgresql+asyncpg")


def base_url(address: str) -> str:
    """What all our addresses begin with: http(s), a host, perhaps a port and a path."""
    parts = _http(address)
    troubles = {
        Text("不能含用户名或密码", "it may not hold a user or password"): "@" in parts.netloc,
        Text("不能含 ? 或 #", "it may not hold ? or #"): "?" in address or "#" in address,
        Text("末尾不能有斜线", "it may not end with a slash"): address.endswith("/"),
    }
    for said, found in troubles.items():
        if found:
            raise wrong(
                "address",
                said + Text("；例如 https://feeds.example.cn", "; such as https://feeds.example.cn"),
            )
    return address


def page_address(address: str) -> str:
    """An absolute http or https address."""
    if "@" in _http(address).netloc:
        raise wrong("address", Text("不能含用户名或密码", "it may not hold a user or password"))
    return address


def authority(name: str) -> str:
    """A domain name in small letters: it is part of every item's identity, for good (RFC 4151)."""
    if _HOST.fullmatch(name) and name == name.lower() and "." in name and len(name) <= 253:
        return name
    raise wrong(
        "authority", Text("应为小写域名，如 xsnet.cn", "expected a domain in small letters: xsnet.cn")
    )


def folder(path: str) -> str:
    """A folder's path; it need not be there yet."""
    if not path.strip() or "\0" in path or "?" in path:
        said = Text(
            "应写明文件夹，不能为空，不含问号", "expected a folder, not blank and without question marks"
        )
        raise wrong("blank", said)
    try:
        whole = Path(path).expanduser()
        fits = whole.is_dir() or not whole.exists()
    except (OSError, RuntimeError):
        fits = False
    if not fits:
        raise wrong("not_a_folder", Text("无法作为文件夹使用", "this cannot be used as a folder"))
    return path


def media(place: str) -> str:
    """A folder, or `s3://BUCKET` or `s3://BUCKET/PREFIX`."""
    if not place.startswith("s3:"):
        return folder(place)
    if _BUCKET.fullmatch(place) and "/." not in place:
        return place
    said = Text(
        "应为文件夹，或 s3://存储桶、s3://存储桶/前缀（小写字母、数字、点和连字符）",
        "expected a folder, or s3://bucket or s3://bucket/prefix (small letters, digits, points, hyphens)",
    )
    raise wrong("bucket", said)


def region(name: str) -> str:
    """The region of an S3-compatible store."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        return name
    raise wrong("region", Text("应如 us-east-1", "expected a region such as us-east-1"))


def file(path: str) -> str:
    """A file's path; whether it is there and fit for its use is seen when it is read."""
    if not path.strip() or "\0" in path:
        raise wrong("blank", Text("应写明文件，不能为空", "expected a file, not blank"))
    try:
        Path(path).expanduser()
    except RuntimeError:
        raise wrong("no_home", Text("找不到这个用户的主目录", "there is no such home folder")) from None
    return path


def database(address: str) -> str:
    """A database's address as SQLAlchemy writes it. No fault quotes it: it may hold a password."""
    driver, _, rest = address.partition("://")
    if driver not in _DRIVERS:
        raise _no_database(Text("开头不对", "it does not begin as it should"))
    if driver == "sqlite+aiosqlite":
        path = rest.partition("?")[0].removeprefix("/")
        if not rest.startswith("/") or not path or ":memory:" in path or path.startswith("file:"):
            raise _no_database(Text("应写明数据库文件", "it names no file"))
        return address
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        said = Text("密码中的特殊字符应写成 %XX", "special characters in the password are written as %XX")
        raise _no_database(said) from None
    if (
        len(parts.path) < 2
        or "/" in parts.path[1:]
        or port == 0
        or parts.fragment
        or not _VISIBLE.fullmatch(address)
    ):
        said = Text(
            "应写明数据库名，特殊字符写成 %XX", "it names no database, or has characters to write as %XX"
        )
        raise _no_database(said)
    return address


def _no_database(why: Text) -> Exception:
    forms = "sqlite+aiosqlite:////srv/syndicate/syndicate.db · postgresql+asyncpg://user@host/name"
    return wrong("database", why + Text(f"；应如 {forms}", f"; expected one like {forms}"))


def _http(address: str) -> SplitResult:
    said = Text(
        "应为 http:// 或 https:// 开头的完整地址（中文域名写成 xn-- 形式）",
        "expected a whole address, http:// or https:// (other scripts' domains as xn--)",
    )
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise wrong("address", said) from None
    host = parts.hostname or ""
    fits = _HOST.fullmatch(host) or re.fullmatch(r"\[[0-9a-fA-F:.]+\](:[0-9]+)?", parts.netloc)
    if parts.scheme not in {"http", "https"} or not fits or port == 0 or not _VISIBLE.fullmatch(address):
        raise wrong("address", said)
    return parts
