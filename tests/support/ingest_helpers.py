"""What the tests of ingest share: a publisher, a moment, and the shortest way to a document's faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from syndicate.errors import Fault, Faulty
from syndicate.ingest.document_parser import parse
from syndicate.ingest.draft import Parsed
from syndicate.model.item import ChannelId, Item, OutletId
from syndicate.model.parties import STAMP, Channel, Outlet, Publisher

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "golden" / "ingest"
NOTICE = (
    "根据萧山网与萧山日报社和萧山广电局的合作协议,萧山网拥有萧山日报、萧山电视台、萧山人民广播电台的所有文字、图片和音视频稿件的"
    "网上独家发布权,版权均属萧山网所有,任何媒体、网站或个人未经本网协议授权不得转载、链接、转贴或以其他方式复制发表。已经本网协议"
    '授权的媒体、网站,在下载使用时必须注明"稿件来源:萧山网",违者本网将依法追究责任。'
)
PUBLISHER = Publisher(
    name="萧山网",
    name_en="Xiaoshan Net",
    stamp=STAMP,
    base_url="http://127.0.0.1:8080",
    authority="xsnet.cn",
    home="https://www.xsnet.cn/",
    outlets=(
        Outlet(OutletId("daily"), "萧山日报", ("萧山网-萧山日报", "萧山日报")),
        Outlet(OutletId("tv"), "萧山电视台", ("萧山网-萧山电视台", "萧山电视台")),
    ),
    channels=(
        Channel(ChannelId("news"), "新闻"),
        Channel(ChannelId("instant"), "即时报"),
        Channel(ChannelId("special"), "专题"),
        Channel(ChannelId("video"), "视频"),
        Channel(ChannelId("health"), "健康"),
    ),
    default_channel=ChannelId("news"),
    abstract_length=120,
    notice=NOTICE,
    notice_en="",
    contact="",
)


def seed() -> bytes:
    """The real page that the package ships."""
    return files("syndicate").joinpath("demo/seed.txt").read_bytes()


def parsed(document: bytes | str | dict[str, Any], name: str = "document") -> Parsed:
    """The document as an item; text is UTF-8, a dict is ninjs."""
    if isinstance(document, dict):
        document = json.dumps(document, ensure_ascii=True)
    data = document.encode() if isinstance(document, str) else document
    return parse(data, name=name, publisher=PUBLISHER, now=NOW)


def item_of(document: bytes | str | dict[str, Any]) -> Item:
    return parsed(document).item


def faults_of(document: bytes | str | dict[str, Any], name: str = "document") -> list[Fault]:
    """Every fault of a document that is refused."""
    with pytest.raises(Faulty) as refused:
        parsed(document, name)
    return list(refused.value.faults)


def codes_of(document: bytes | str | dict[str, Any], name: str = "document") -> set[str]:
    return {fault.code for fault in faults_of(document, name)}


def article(body: str, **parts: str) -> str:
    """A page in the article template; `parts` replaces its head, headline, time, source or breadcrumb."""
    return (
        "<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>"
        "<div class='navigate'><div class='rute'>{rute}</div></div><h1 class='con_title'>{headline}</h1>"
        "<span class='time'>{time}</span><span class='confrom'>{source}</span>"
        "<div class='xs_content'>{body}</div></body></html>"
    ).format(
        body=body,
        **(
            {
                "head": "",
                "rute": "",
                "headline": "湘湖水质再提升",
                "time": "2018年1月22日 8:01",
                "source": "来源:萧山日报",
            }
            | parts
        ),
    )


def ninjs(**values: Any) -> dict[str, Any]:
    """A good ninjs 3.1 document; a property given as None is left out."""
    whole = {
        "uri": "urn:newsml:xsnet.cn:20180122:1001",
        "standard": {"name": "ninjs", "version": "3.1"},
        "type": "text",
        "pubStatus": "usable",
        "language": "zh-CN",
        "firstCreated": "2018-01-22T08:01:00+08:00",
        "headlines": [{"role": "main", "value": "湘湖水质再提升"}],
        "infoSources": [{"name": "萧山日报"}],
        "bodies": [{"role": "main", "contentType": "text/html", "value": "<p>第一段。</p><p>第二段。</p>"}],
    } | values
    return {name: value for name, value in whole.items() if value is not None}
