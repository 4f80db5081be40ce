"""Write the HTML page of one item; also the template environment that all other pages use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syndicate.formats import feed_metadata
from syndicate.formats.clean import one_line
from syndicate.formats.registry import FEED_FORMATS
from syndicate.formats.rendered_text import CORRECTION, EMBARGO, render_text
from syndicate.formats.shown_media import shown_media
from syndicate.formats.structured_data import news_article
from syndicate.formats.timestamps import readable, rfc3339
from syndicate.formats.usage_terms import conditions, rights_line
from syndicate.language import Lang, Text
from syndicate.model.feeds import Feed
from syndicate.model.item import Medium
from syndicate.model.parties import Publisher
from syndicate.stamping import Edition

WORDS: Final[Mapping[str, Text]] = {
    "site": Text("本站导航", "This site"),
    "skip": Text("跳到正文", "Skip to the text"),
    "home": Text("首页", "Home"),
    "terms": Text("版权声明", "Rights notice"),
    "source": Text("来源", "Source"),
    "author": Text("原作者", "Author"),
    "editor": Text("编辑", "Editor"),
    "published": Text("首发时间", "First published"),
    "updated": Text("更新时间", "Updated"),
    "correction": CORRECTION,
    "embargo": EMBARGO,
    "channel": Text("频道", "Channel"),
    "stamp": Text("来源标注", "Attribution"),
    "abstract": Text("摘要", "Abstract"),
    "about_picture": Text("图片说明", "About the picture"),
    "about_recording": Text("内容简介", "About the recording"),
    "media": Text("图片与音视频", "Pictures, sound and film"),
    "preview": Text("预览；", "a preview; "),
    "preview_original": Text("原件须经授权取得", "the original needs a licence"),
    "original": Text("阅读首发页面", "Read where it was first published"),
    "conditions": Text("使用要求", "Terms of use"),
    "rights": Text("版权声明", "Rights notice"),
}
"""Every word of the frame and of the item's page, in both languages."""

_ABOUT: Final[Mapping[Medium, str]] = {
    Medium.TEXT: "abstract",
    Medium.PICTURE: "about_picture",
    Medium.AUDIO: "about_recording",
    Medium.VIDEO: "about_recording",
}
"""What the abstract of an item is called on its page."""


def environment(*templates: BaseLoader) -> Environment:
    """The Jinja environment for pages: the caller's `templates` first, then `base.html` and `item.html`.

    Everything is escaped, and a name that nobody gave is an error. A page that extends `base.html`
    fills the blocks `title`, `head` and `main`, and is rendered with `frame(…)` and its own names.
    """
    return Environment(
        loader=ChoiceLoader([*templates, PackageLoader("syndicate.formats")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def frame(publisher: Publisher, lang: Lang) -> dict[str, Any]:
    """The variables that `base.html` needs.

    `say` turns a Text into the page's language, `words` has the frame's own, `root` is the path under
    which the server stands (empty, or `/…` without a slash at its end), `query` what a link to another
    page of ours ends with, so that whoever reads English stays with it.
    """
    return {
        "lang": lang.value,
        "html_lang": publisher.language if lang is Lang.ZH else "en",
        "other": Text("English", "中文").in_(lang),
        "other_lang": (Lang.EN if lang is Lang.ZH else Lang.ZH).value,
        "other_html_lang": "en" if lang is Lang.ZH else publisher.language,
        "say": lambda text: text.in_(lang),
        "words": WORDS,
        "publisher": publisher,
        "publisher_name": Text(publisher.name, publisher.name_en or publisher.name),
        "root": urlsplit(publisher.base_url).path.rstrip("/"),
        "query": "" if lang is Lang.ZH else f"?lang={lang.value}",
        "notice": _paragraphs(Text(publisher.notice, publisher.notice_en or publisher.notice).in_(lang)),
        "discovered": _discovered(publisher, lang, Feed("all", Text("全部稿件", "All items"))),
    }


def write(edition: Edition, lang: Lang = Lang.ZH) -> bytes:
    """Write the page of the edition's one item; its body only where the item's form is full.

    Raises ValueError where the edition has another number of items.
    """
    item, publisher = feed_metadata.only_item(edition), edition.publisher
    rendered = render_text(item, publisher)
    shared = frame(publisher, lang)
    media = shown_media(item) if edition.public else []
    channel = Feed(item.channel.id, Text(item.channel.name, item.channel.name_en or item.channel.name))
    page = _ITEM.render(
        {
            **shared,
            "discovered": [*shared["discovered"], *_discovered(publisher, lang, channel)],
            "item": item,
            "rendered": rendered,
            "public": edition.public,
            # Block HTML was cleaned at ingest: the one text that is not escaped here.
            "body": Markup(rendered.body),  # noqa: S704
            "channel": channel.name,
            "outlet": Text(item.outlet.name, item.outlet.name_en or item.outlet.name),
            "published": readable(item.published, publisher.zone),
            "published_at": rfc3339(item.published),
            "updated": readable(item.updated, publisher.zone) if item.version > 1 else None,
            "updated_at": rfc3339(item.updated),
            "conditions": conditions(item, publisher),
            "rights": rights_line(item, publisher),
            "summary": one_line(rendered.summary),
            "about": WORDS[_ABOUT[item.medium]],
            "media": media,
            "card": "summary_large_image" if any(one.element == "img" for one in media) else "summary",
            "json_ld": _data(news_article(item, rendered, publisher)),
        }
    )
    return page.encode()


def _discovered(publisher: Publisher, lang: Lang, feed: Feed) -> list[dict[str, str]]:
    title = feed_metadata.feed_title(publisher, feed).in_(lang)
    return [
        {
            "type": format.media_type,
            "title": title + Text(f"（{format.name}）", f" ({format.name})").in_(lang),
            "href": feed_metadata.feed_address(publisher, feed.id, format.id, public=True),
        }
        for format in FEED_FORMATS.values()
    ]


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _data(value: object) -> Markup:
    """JSON that can stand inside a `script` element: no text in it can end the element (`</`, `<!--`)."""
    written = json.dumps(value, ensure_ascii=False, indent=1)
    for letter in "<>&":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(written)  # noqa: S704


_ITEM: Final = environment().get_template("item.html")
