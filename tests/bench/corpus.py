"""Stories of a newsroom that never was: any number of them, varied, and the same ones at every run.

Their sentences are those of the article that the package ships. A story can be written as a ninjs document,
as a page of HTML, and as the text of a page.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from syndicate.config.defaults import CHANNELS
from syndicate.model.item import Medium

VARIANTS = 240
"""Different bodies, sources, channels and media; headline, time and URI are each story's own."""
SOURCES = (
    *("萧山网-萧山日报",) * 12,
    *("萧山日报",) * 2,
    *("萧山网-萧山电视台",) * 3,
    *("萧山人民广播电台",) * 2,
    "钱江晚报",
)
"""Source lines, as often as they stand here; the last one is none of our outlets."""
_HEADLINES = (
    "民生幸福事",
    "社会治理新办法",
    "医疗资源下沉",
    "名校集团化",
    "湘湖水质",
    "最多跑一次",
    "平安创建",
)
_NAMES = ("周喆", "王小明", "李静", "陈建国", "沈洁")


@dataclass(frozen=True, slots=True)
class Variant:
    """What many stories share."""

    source: str
    channel: str
    channel_name: str
    medium: Medium
    byline: str | None
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One story. `published` has the zone of the newsroom, and whole minutes."""

    number: int
    headline: str
    published: datetime
    variant: Variant

    @property
    def uri(self) -> str:
        """What the newsroom calls it."""
        return f"urn:newsroom:story:{self.number}"


def story(number: int, published: datetime) -> Story:
    """The story of this number."""
    topic = _HEADLINES[number % len(_HEADLINES)]
    return Story(number, f"{topic}报道之{number}", published, variant(number % VARIANTS))


@cache
def variant(number: int) -> Variant:
    """The variant of this number."""
    chance = random.Random(number)
    source = chance.choice(SOURCES)
    media = {"电视台": (Medium.VIDEO, Medium.TEXT), "电台": (Medium.AUDIO, Medium.TEXT)}
    kinds = next(
        (kinds for word, kinds in media.items() if word in source), (Medium.TEXT,) * 9 + (Medium.PICTURE,)
    )
    # News is half of what a newsroom makes.
    channel = CHANNELS[0] if chance.random() < 0.5 else chance.choice(CHANNELS[1:])
    paragraphs = [
        "".join(chance.sample(_sentences(), chance.randint(1, 4))) for _ in range(chance.randint(2, 9))
    ]
    byline = f"记者 {chance.choice(_NAMES)}" if chance.random() < 0.8 else None
    return Variant(source, channel.id, channel.name, chance.choice(kinds), byline, tuple(paragraphs))


@cache
def _sentences() -> tuple[str, ...]:
    """Whole sentences of the article, longer than a heading."""
    article = files("syndicate").joinpath("demo/seed.txt").read_text("utf-8")
    article = article[article.index("新年伊始") : article.index("作者:")]
    found = (one.strip() + "。" for one in re.split(r"[。\n]", article))
    # A date in a line near the head of a text page may be read as the time of publication.
    return tuple(one for one in found if len(one) > 20 and not re.search(r"\d+[年月]", one))


def drawn_paragraphs(number: int, count: int) -> tuple[str, ...]:
    """Paragraphs whose characters are drawn as often as the article has them, the same ones at every run.

    They compress as Chinese prose does, to about half; sentences that come again would compress far better.
    """
    chance = random.Random(number)
    characters = [one for one in "".join(_sentences()) if "\u4e00" <= one <= "\u9fff"]
    return tuple(
        "".join(
            "".join(chance.choices(characters, k=chance.randint(6, 16))) + chance.choice("，，，。")
            for _ in range(chance.randint(6, 14))
        )
        for _ in range(count)
    )


def ninjs(one: Story) -> bytes:
    """The story as a ninjs 3.1 document."""
    body = "".join(f"<p>{escape(text, quote=False)}</p>" for text in one.variant.paragraphs)
    document = {
        "uri": one.uri,
        "standard": {"name": "ninjs", "version": "3.1"},
        "type": one.variant.medium.value,
        "pubStatus": "usable",
        "language": "zh-CN",
        "firstCreated": one.published.isoformat(),
        "headlines": [{"role": "main", "value": one.headline}],
        "infoSources": [{"name": one.variant.source}],
        "subjects": [{"name": one.variant.channel_name}],
        "bodies": [{"role": "main", "contentType": "text/html", "value": body}],
    }
    if one.variant.byline is not None:
        document["by"] = one.variant.byline
    return json.dumps(document, ensure_ascii=False).encode()


def page(one: Story) -> bytes:
    """The story as a page of the site."""
    body = "".join(f"<p>　　{escape(text, quote=False)}</p>" for text in one.variant.paragraphs)
    links = "".join(f"<li><a href='/{n}.shtml'>相关报道 {n}</a></li>" for n in range(40))
    return (
        "<!DOCTYPE html><html><head><meta charset='utf-8'><title>"
        f"{escape(one.headline)}</title></head><body><div class='navigate'><div class='rute'>"
        f"<a href='/'>首页</a> &gt; <a href='/c'>{one.variant.channel_name}</a></div></div>"
        f"<h1 class='con_title'>{escape(one.headline)}</h1><span class='time'>{_time(one)}</span>"
        f"<span class='confrom'>来源:{one.variant.source}</span><div class='xs_content'>{body}</div>"
        f"<ul>{links}</ul></body></html>"
    ).encode()


def text(one: Story) -> bytes:
    """The story as the text of a page, as it is copied from a browser."""
    lines = ["手机网", "微信", "", one.headline, "", f"{_time(one)}来源:{one.variant.source}", ""]
    for paragraph in one.variant.paragraphs:
        lines += [f"  {paragraph}", ""]
    lines += [f"作者:{one.variant.byline or '本报记者'}", "编辑:桂信怡", "", "相关新闻", "", "图片新闻"]
    return "\n".join(lines).encode()


_KINDS = (
    (ninjs, "json"),
    (page, "html"),
    (text, "txt"),
    (page, "html"),
    (text, "txt"),
)
"""What a folder of the newsroom holds, in turn."""


def write_folder(folder: Path, stories: Iterator[Story]) -> int:
    """Write a document for each story, of the kinds in turn; how many bytes they have."""
    folder.mkdir(parents=True)
    size = 0
    for number, one in enumerate(stories):
        write, ending = _KINDS[number % len(_KINDS)]
        data = write(one)
        (folder / f"{one.number:07d}.{ending}").write_bytes(data)
        size += len(data)
    return size


def _time(one: Story) -> str:
    at = one.published
    return f"{at.year}年{at.month}月{at.day}日 {at.hour}:{at.minute:02d}"
