"""Render the HTML pages that are not an item's (home, feeds, terms, errors), and load the static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from jinja2 import PackageLoader

from syndicate.errors import Recalled
from syndicate.formats import FEED_FORMATS, HTML, PODCAST, Format, Rendered
from syndicate.formats.attached_media import attached_media
from syndicate.formats.feed_metadata import feed_address, feed_title
from syndicate.formats.html import environment, frame
from syndicate.formats.opml import opml as write_opml
from syndicate.formats.podcast import episodes
from syndicate.formats.rendered_text import CORRECTION, render_text
from syndicate.formats.timestamps import clock_duration, readable, readable_span, rfc3339
from syndicate.language import Lang, Text
from syndicate.model.archives import archive_span
from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.item import Medium, medium_name
from syndicate.model.parties import Publisher
from syndicate.stamping import Edition, StampedItem
from syndicate.web.server.problems import PROBLEMS
from syndicate.web.server.response_cache import PreparedResponse, prepare_response

HEADLINES = 10
"""Headlines on the home page."""

_STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "txt": "text/plain; charset=utf-8",
}

WORDS = {
    "title": Text("稿件订阅与授权", "Feeds and licensing"),
    "lead": Text(
        "本网的标题与摘要，人人可以订阅；全文只供签有授权协议的媒体使用。",
        "Headlines and abstracts are open to everyone; full text is for media that hold a licence.",
    ),
    "newest": Text("最新稿件", "Newest items"),
    "nothing": Text(
        "目前没有可以公开的稿件。收稿之后，只要在独家发布权有效期内，稿件就会出现在这里。",
        "There is nothing to show yet. Items appear here once they are taken in and under a mandate.",
    ),
    "feeds": Text("订阅源", "Feeds"),
    "feeds_help": Text(
        "把网址添加到任何阅读器即可；全部订阅源可以一次导入：",
        "Add an address to any feed reader, or import all of them at once: ",
    ),
    "feed_lead": Text(
        "这是一个订阅源：把下面的网址添加到阅读器，新稿件的标题和摘要就会自动送达，不必再来查看。",
        "This is a feed: add the address below to a feed reader, and new headlines and abstracts come to "
        "you by themselves.",
    ),
    "podcast_lead": Text(
        "这是一个播客：把下面的网址添加到播客应用，有新的音频和视频时就会自动收到。",
        "This is a podcast: add the address below to a podcast app, and new sound and film come to you by "
        "themselves.",
    ),
    "podcast_full": Text(
        "播客里播放的是预览；原件只供签有授权协议的媒体使用。",
        "What the podcast plays are previews; the originals are for media that hold a licence. ",
    ),
    "feed_address": Text("订阅网址", "Feed address"),
    "feed_copy": Text(
        "点一下网址即可全部选中，再复制。", "Click the address to select all of it, then copy."
    ),
    "comma": Text("、", ", "),
    "feed_formats": Text("其他格式：", "Other formats: "),
    "feed_itself": Text("查看订阅源原文", "See the feed as readers get it"),
    "feed_items": Text("订阅源里的稿件", "Items in this feed"),
    "feed_past": Text("这一时期的稿件", "Items of this time"),
    "feed_archive": Text("历史稿件", "Archive"),
    "feed_older": Text("更早的稿件", "Older items"),
    "feed_newer": Text("较新的稿件", "Newer items"),
    "feed_newest": Text("最新的稿件", "Newest items"),
    "feed_nothing": Text(
        "这个订阅源里目前没有稿件。现在订阅，有新稿件时就会收到。",
        "There is nothing in this feed at present. Subscribe now, and new items will reach you.",
    ),
    "feed_full": Text(
        "订阅源里是标题、摘要与来源标注；全文只供签有授权协议的媒体使用。",
        "The feed has headlines, abstracts and the attribution; full text is for media that hold a "
        "licence. ",
    ),
    "correction": CORRECTION,
    "outlets": Text("按媒体", "By outlet"),
    "channels": Text("按频道", "By channel"),
    "media": Text("按类型", "By medium"),
    "partner": Text("成为授权媒体", "Become a partner"),
    "partner_text": Text(
        "与本网签订授权协议后，您会得到一把密钥，凭它读取协议范围内稿件的全文。"
        "每篇稿件都带有来源标注，使用时必须保留。",
        "With a licence you get a key, and with the key the full text of what the licence covers. "
        "Every item carries its attribution, which must stay on it.",
    ),
    "partner_how": Text("拿到密钥后，这样读取：", "With the key, read a licensed feed like this:"),
    "partner_reader": Text(
        "在阅读器里订阅，请用 Basic 认证：用户名为授权媒体编号，密码为密钥。",
        "Feed readers use Basic authentication: your partner id, and the key as password.",
    ),
    "contact": Text("联系本网", "Contact"),
    "terms": Text("版权声明", "Rights notice"),
    "terms_machine": Text(
        "每一份订阅源和稿件都以 rel=license 指向本页。",
        "Every feed and item points to this page with rel=license.",
    ),
    "stamp": Text("来源标注", "Attribution"),
    "stamp_text": Text(
        "经授权使用本网稿件，必须在显著位置注明：",
        "Whoever uses an item under a licence must show, where readers see it:",
    ),
    "why": Text("原因", "Reason"),
    "when": Text("撤回时间", "Recalled"),
    "recalled_text": Text(
        "这篇稿件不再提供。已经使用的，请撤下。",
        "This item is no longer available. Whoever has used it is asked to take it down.",
    ),
    "to_home": Text("阅读其他稿件", "Read other items"),
    "back_home": Text("回到首页", "Back to the home page"),
    "status": Text("状态码", "Status"),
    "code": Text("代码", "Code"),
    "todo": Text("怎么办", "What to do"),
    "request_id": Text("请求编号", "Request id"),
}
"""Every word of these pages, in both languages."""


def formats_of(feed: Feed) -> list[Format[Edition]]:
    """The formats in which a feed is listed: a podcast where all of it may play."""
    plays = feed.medium in (Medium.AUDIO, Medium.VIDEO)
    return [*FEED_FORMATS.values(), *([PODCAST] if plays else [])]


def _listed(item: StampedItem, publisher: Publisher) -> dict[str, Any]:
    """An item as a list of headlines shows it: with a small picture where the public may see one."""
    found = attached_media(item)
    small = next((one.small for one in found if one.small is not None), None)
    own = next((one.main.rendition for one in found if one.item is item), None)
    length = None if own is None else own.duration
    return {
        "item": item,
        "picture": None if small is None else (urlsplit(small.negotiated_address).path, small.rendition),
        "text": render_text(item, publisher),
        "outlet": Text(item.outlet.name, item.outlet.name_en or item.outlet.name),
        "medium": None if item.medium is Medium.TEXT else medium_name(item.medium),
        "duration": None if length is None else clock_duration(length),
        "at": rfc3339(item.published),
        "when": readable(item.published, publisher.zone),
    }


class Pages:
    """The pages of one worker. Those that depend on nothing are rendered once."""

    def __init__(self, publisher: Publisher, terms_url: str) -> None:
        self._publisher, self._terms_url = publisher, terms_url
        self._environment = environment(PackageLoader("syndicate.web"))
        self._prepared: dict[str, PreparedResponse] = {}
        self._feeds = feeds_of(publisher)

    def home(self, edition: Edition, lang: Lang) -> Rendered:
        """Render the home page from the public edition of all items."""
        newest = [_listed(item, self._publisher) for item in edition.items[:HEADLINES]]
        feeds = list(self._feeds.values())
        everything = self._feeds["all"]
        groups = [
            (WORDS["outlets"], [feed for feed in feeds if feed.outlet is not None]),
            (
                WORDS["channels"],
                [feed for feed in feeds if feed.channel is not None and feed.medium is None],
            ),
            (WORDS["media"], [feed for feed in feeds if feed.medium is not None]),
        ]
        return self._page(
            "home.html",
            lang,
            newest=newest,
            everything=everything,
            groups=groups,
            formats_of=formats_of,
        )

    def feed(self, edition: Edition, format: Format[Edition], lang: Lang) -> Rendered:
        """Render the page for a person who opens a public feed in this format, or one of its archive.

        Its autodiscovery links say `as=feed`: whoever got this page by mistake finds the feed by them.
        """
        publisher, feed = self._publisher, edition.feed
        if feed is None:
            raise ValueError("a feed's page needs the edition of a feed")
        formats = [format, *(one for one in formats_of(feed) if one is not format)]
        addresses = {
            one.id: feed_address(publisher, feed.id, one.extension, public=True) for one in formats
        }
        if format is PODCAST:
            edition = episodes(edition)
        title, links = feed_title(publisher, feed), edition.archive
        span = None if links.own is None else archive_span(links.own, publisher.zone)
        discovered = [
            {
                "type": one.media_type,
                "title": f"{title.in_(lang)} ({one.name})",
                "href": f"{addresses[one.id]}?as=feed",
            }
            for one in formats
        ]
        return self._page(
            "feed.html",
            lang,
            discovered=discovered,
            title=title,
            feed=feed,
            format=format,
            lead=WORDS["podcast_lead" if format is PODCAST else "feed_lead"],
            full=WORDS["podcast_full" if format is PODCAST else "feed_full"],
            formats=formats[1:],
            addresses=addresses,
            parts=addresses[format.id].split("/"),
            items=[_listed(item, publisher) for item in edition.items],
            span=None if span is None else readable_span(span, publisher.zone),
            archive=links,
        )

    def terms(self, lang: Lang) -> PreparedResponse:
        """Return the rights notice."""
        return self._once(f"terms-{lang}", lambda: self._page("terms.html", lang), page=True)

    def problem(self, code: str, lang: Lang) -> PreparedResponse:
        """Return the page that explains an error code. Raises KeyError for an unknown code."""
        known = PROBLEMS[code]
        return self._once(
            f"problem-{code}-{lang}",
            lambda: self._page("problem.html", lang, code=code, known=known),
            page=True,
        )

    def error(self, code: str, detail: Text | None, request_id: str, lang: Lang) -> Rendered:
        """Render the page that a browser gets instead of a problem document.

        `detail` replaces the general advice of the code.
        """
        known = PROBLEMS[code]
        return self._page(
            "error.html",
            lang,
            code=code,
            known=known,
            detail=detail or known.help,
            request_id=request_id,
        )

    def recalled(self, recalled: Recalled, lang: Lang) -> Rendered:
        """Render the page of a recalled item: why and when, and nothing of its content."""
        return self._page(
            "recalled.html",
            lang,
            known=PROBLEMS[recalled.code],
            why=recalled.text,
            at=rfc3339(recalled.at, self._publisher.zone),
            when=readable(recalled.at, self._publisher.zone),
        )

    def opml(self) -> PreparedResponse:
        """Return every public feed as OPML."""
        feeds: Sequence[Feed] = list(self._feeds.values())
        return self._once("opml", lambda: write_opml(self._publisher, feeds))

    def static(self, name: str) -> PreparedResponse | None:
        """Return a static file; None for an unknown name."""
        file = resources.files("syndicate.web") / "static" / name
        if name not in self._prepared and not file.is_file():
            return None
        media_type = _STATIC_TYPES[name.rsplit(".", 1)[1]]
        return self._once(name, lambda: Rendered(media_type, file.read_bytes()))

    def _page(self, template: str, lang: Lang, **names: Any) -> Rendered:
        shared = frame(self._publisher, lang)
        shared["words"] = {**shared["words"], **WORDS}
        html = self._environment.get_template(template).render({**shared, **names})
        return Rendered(HTML.content_type, html.encode())

    def _once(self, name: str, render: Callable[[], Rendered], *, page: bool = False) -> PreparedResponse:
        if name not in self._prepared:
            rendered = render()
            content = hashlib.sha256(rendered.body).hexdigest()
            self._prepared[name] = prepare_response(rendered, content, None, self._terms_url, page=page)
        return self._prepared[name]
