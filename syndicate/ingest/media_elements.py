"""Read the pictures, sounds and films of a page: which file an element shows, and which are furniture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from selectolax.lexbor import LexborNode

from syndicate.characters import line
from syndicate.model.item import Medium

Attributes: TypeAlias = Mapping[str, str | None]

_LAZY: Final = (
    "data-original",
    "data-src",
    "data-lazy-src",
    "data-lazyload",
    "data-actualsrc",
    "data-echo",
    "data-url",
    "data-file",
    "original",
    "_src",
)
"""Attributes in which pages keep the address of a picture until a reader comes near it."""
_LONGEST_SOURCE: Final = 2000
_LONGEST_HEADLINE: Final = 300
_SMALLEST: Final = 60
"""Pixels of an edge: what is smaller is an icon, a line or a counter."""
_LARGE: Final = 300
"""Pixels of both edges: what is as large is no icon, whatever its name says."""
_LONGEST_FURNITURE: Final = 12
_MOST_ADDRESSES: Final = 8
_LONGEST_SET: Final = 20_000
_DEEPEST_FIGURE: Final = 8
_LEAST_EMBEDDED: Final = 8_000
"""Characters of a `data:` address: a shorter one is an icon or a placeholder."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//|\\\\")
_DATA: Final = re.compile(r"\s*data:", re.I)
_NO_FILE: Final = re.compile(r"(?:data|blob|about|javascript|mailto):|#", re.I)
_PIXELS: Final = re.compile(r"\s*(\d{1,5})(?:\.\d*)?\s*(?:px)?\s*")
_STYLED: Final = re.compile(r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*(\d{1,5})(?:\.\d*)?px", re.I)
_UNSEEN: Final = re.compile(r"display\s*:\s*none", re.I)
_PLACEHOLDER: Final = re.compile(
    r"(?:^|[/_.-])(?:loading|lazy|lazyload|blank|spacer|space|placeholder|pixel|transparent|gr[ae]y|1x1|none)\d*"
    r"(?:[_-][^/]*)?\.(?:gif|png|jpe?g|svg|webp)$|(?:^|/)s\.gif$",
    re.I,
)
_FURNITURE_NAME: Final = re.compile(
    r"(?:^|[/_.-])(?:logo|icon|icons|ico|favicon|banner|btn|button|qr|qrcode|qr_code|ewm|erweima|weixin|wechat|weibo|avatar"
    r"|spacer|pixel|1x1|emoji|emotion|emot|beian|gongan|police|sprite|arrow|wxcode|barcode)\d{0,3}(?=[/_.-]|$)",
    re.I,
)
_FURNITURE_CLASS: Final = re.compile(
    r"(?:^|[\s_-])(?:logo|icon|ico|avatar|emoji|emotion|qr|qrcode|ewm|banner|ad|ads|advert|share|spacer|tracker)(?:$|[\s_-])",
    re.I,
)
_FURNITURE_WORDS: Final = re.compile(
    r"二维码|徽标|图标|头像|表情|扫码|扫一扫|公众号|小程序码"
    r"|^(?:logo|icon|qr ?code|banner|广告|分享|微信|微博|打印)$",
    re.I,
)
_NAMES_NOTHING: Final = re.compile(
    r"[^\u4e00-\u9fffA-Za-z]*|.{0,200}\.(?:jpe?g|png|gif|webp|bmp|tiff?|mp[34]|heic)|(?:图片?|照片|插图|配图|image|img|photo|picture)s?\W*\d*"
    r"|[0-9a-f_-]{8,}|(?:IMG|DSC[FN]?|WechatIMG|微信图片|QQ图片|屏幕截图|screenshot)[\d_\s-]*",
    re.I,
)
_PLAYED: Final = {"video": Medium.VIDEO, "audio": Medium.AUDIO}
_SETS: Final = ("srcset", "data-srcset")
_CANDIDATE: Final = re.compile(r"\s*,*\s*([^\s,]\S*?)(?:,(?=\s)|(?:\s+([\d.]+)([wxh]))?\s*(?:,|$))")


@dataclass(slots=True)
class Shown:
    """A picture, sound or film that readers of a page see.

    Attributes:
        source: as in `MediaReference`; None where the file is not one that could be taken (it stands in the
            page itself, or the element names none).
        place: how many blocks of its `Extract` stand before it.
        figure: the identity of the `figure` around it; None outside.
        captions: the lines of the figure's caption.
        beside: where the text after it stands, as the page shows it.
        others: as in `MediaReference`.
    """

    source: str | None
    medium: Medium
    place: int
    headline: str | None = None
    figure: int | None = None
    captions: list[str] = field(default_factory=list)
    beside: LexborNode | None = None
    others: tuple[str, ...] = ()


def shown_by(node: LexborNode, tag: str, attributes: Attributes) -> Shown | None:
    """Read the element of a picture, sound or film; None for furniture, which a story does not miss.

    Its place is for the caller to fill in.
    """
    if tag == "map":
        return None
    if tag in _PLAYED:
        return _shown(_played(node, attributes), _PLAYED[tag], attributes, node)
    if tag == "svg":
        drawn = not _is_small(attributes) and not _FURNITURE_CLASS.search(attributes.get("class") or "")
        return Shown(None, Medium.PICTURE, 0, None, _figure(node)) if drawn else None
    picture = node.css_first("img") if tag == "picture" else node
    if picture is None:
        return None
    own = picture.attributes
    if "hidden" in own or _UNSEEN.search(own.get("style") or "") or _is_small(own):
        return None
    sets = [own, *(one.attributes for one in node.css("source"))] if tag == "picture" else [own]
    files = _shown_files(own, sets)
    if not files:
        embedded = max((len(one) for one in own.values() if one and _DATA.match(one)), default=0)
        if embedded < _LEAST_EMBEDDED:
            return None
    elif _is_furniture(files[0], own):
        return None
    return _shown(files, Medium.PICTURE, own, picture)


def _shown(files: Sequence[str], medium: Medium, attributes: Attributes, node: LexborNode) -> Shown:
    sources = list(map(tidy_source, files))
    shown = Shown(sources[0] if sources else None, medium, 0, _headline(attributes), _figure(node))
    shown.others = tuple(sources[1:])
    return shown


def tidy_source(address: str) -> str:
    """Return the address of a file as `MediaReference.source` has it."""
    address = address.strip()
    if _SCHEME.match(address):
        return address
    path = re.split("[?#]", address, maxsplit=1)[0]
    if "%" not in path:
        return path
    data = unquote_to_bytes(path)
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return path


def is_remote(source: str) -> bool:
    """Whether the source is an address with a scheme or a host, and no path beside the document."""
    return _SCHEME.match(source) is not None


def _shown_files(own: Attributes, sets: Sequence[Attributes]) -> list[str]:
    """The addresses of a picture: beside the page before on the web, then from the largest on."""
    largest = [address for _, address in sorted(_offered(sets), key=lambda one: -one[0])]
    lazy = [own.get(name) or "" for name in _LAZY]
    return _beside_first([one for one in (*largest, *lazy, own.get("src") or "") if _is_address(one)])


def _beside_first(addresses: Sequence[str]) -> list[str]:
    found = dict.fromkeys(one.strip() for one in addresses)
    ranked = sorted(found, key=lambda one: 2 if is_remote(one) else 1 if one.startswith("/") else 0)
    return ranked[:_MOST_ADDRESSES]


def _offered(sets: Sequence[Attributes]) -> Iterator[tuple[float, str]]:
    """Give the files of every `srcset`, each with its width or density."""
    for attributes in sets:
        for name in _SETS:
            for found in _CANDIDATE.finditer((attributes.get(name) or "")[:_LONGEST_SET]):
                if _is_address(found[1]):
                    yield float(found[2] or 1), found[1]


def _is_address(text: str) -> bool:
    address = text.strip()
    return (
        0 < len(address) <= _LONGEST_SOURCE
        and not _NO_FILE.match(address)
        and _PLACEHOLDER.search(re.split("[?#]", address, maxsplit=1)[0]) is None
    )


def _played(node: LexborNode, attributes: Attributes) -> list[str]:
    """The files that a player plays. Its poster is no part of the story."""
    sources = [attributes.get("src"), attributes.get("data-src")]
    sources += [one.attributes.get("src") for one in node.css("source")]
    return _beside_first([one for one in sources if one and _is_address(one)])


def _is_furniture(source: str, attributes: Attributes) -> bool:
    """Whether a picture is a button, a logo, a code to scan: by its file's name, its class, its words."""
    if _is_large(attributes):
        return False
    path = tidy_source(re.split("[?#]", source, maxsplit=1)[0])
    said = (attributes.get("alt") or "").strip(), (attributes.get("title") or "").strip()
    return (
        _FURNITURE_NAME.search(re.sub(r"^(?:[A-Za-z][\w+.-]*:)?//[^/]*", "", path)) is not None
        or _FURNITURE_CLASS.search(attributes.get("class") or "") is not None
        or any(_FURNITURE_WORDS.search(one) for one in said if len(one) <= _LONGEST_FURNITURE)
    )


def _edges(attributes: Attributes) -> list[int]:
    """The widths and heights in pixels that an element gives itself."""
    said = (_PIXELS.fullmatch(attributes.get(name) or "") for name in ("width", "height"))
    styled = _STYLED.finditer(attributes.get("style") or "")
    return [int(one[1]) for one in (*said, *styled) if one is not None]


def _is_small(attributes: Attributes) -> bool:
    return any(edge < _SMALLEST for edge in _edges(attributes))


def _is_large(attributes: Attributes) -> bool:
    edges = _edges(attributes)
    return bool(edges) and min(edges) >= _LARGE


def _headline(attributes: Attributes) -> str | None:
    """The alternative text, where it says more than that there is a picture."""
    said = line(attributes.get("alt") or "") or line(attributes.get("title") or "")
    return said if said and len(said) <= _LONGEST_HEADLINE and not _NAMES_NOTHING.fullmatch(said) else None


def _figure(node: LexborNode) -> int | None:
    """The identity of the nearest `figure` around an element."""
    above = node.parent
    for _ in range(_DEEPEST_FIGURE):
        if above is None:
            return None
        if above.tag == "figure":
            return above.mem_id
        above = above.parent
    return None
