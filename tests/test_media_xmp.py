"""The stamp as an XMP packet, and the packets of strangers: read where they are plain, else not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syndicate.media.file_stamp import FileStamp
from syndicate.media.xmp import LONGEST_PACKET, read_xmp, xmp_packet

STAMP = FileStamp(
    stamp="稿件来源:萧山网",
    credit="萧山网",
    headline="湘湖晨雾 <初冬> & “三江”",
    caption="第一行\n第二行",
    alt="雾中的湖面，远处有三座桥",
    byline="王小明",
    source="萧山日报",
    copyright_notice="© 2026 萧山日报社",
    usage_terms="未经授权不得转载",
    terms_url="https://feeds.xsnet.example/terms",
    licensor_name="萧山网",
    licensor_url="https://feeds.xsnet.example/",
    digital_source_type="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    uri="tag:feeds.xsnet.example,2026:item:a",
    version="3",
    created=datetime(2026, 11, 29, 8, 0, tzinfo=UTC),
)
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def described(inside: str, head: str = "") -> bytes:
    return (
        f'{head}<rdf:RDF {RDF}><rdf:Description rdf:about="">{inside}</rdf:Description></rdf:RDF>'.encode()
    )


def test_what_the_stamp_says_is_read_back() -> None:
    fields = read_xmp(xmp_packet(STAMP))
    assert fields is not None
    assert fields.values == {
        "dc:rights": ("稿件来源:萧山网 · © 2026 萧山日报社",),
        "dc:creator": ("王小明",),
        "dc:title": ("湘湖晨雾 <初冬> & “三江”",),
        "dc:description": ("第一行\n第二行",),
        "Iptc4xmpCore:AltTextAccessibility": ("雾中的湖面，远处有三座桥",),
        "dc:date": ("2026-11-29T08:00:00+00:00",),
        "dc:identifier": ("tag:feeds.xsnet.example,2026:item:a",),
        "xmpMM:VersionID": ("3",),
        "photoshop:Headline": ("湘湖晨雾 <初冬> & “三江”",),
        "photoshop:Credit": ("萧山网",),
        "photoshop:Source": ("萧山日报",),
        "photoshop:Instructions": ("稿件来源:萧山网",),
        "xmpRights:Marked": ("True",),
        "xmpRights:UsageTerms": ("未经授权不得转载",),
        "xmpRights:WebStatement": ("https://feeds.xsnet.example/terms",),
        "plus:DataMining": ("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED",),
        "Iptc4xmpExt:DigitalSourceType": ("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",),
    }
    assert b"<plus:LicensorURL>https://feeds.xsnet.example/</plus:LicensorURL>" in xmp_packet(STAMP)


def test_the_same_stamp_gives_the_same_bytes_and_a_stamp_alone_is_enough() -> None:
    assert xmp_packet(STAMP) == xmp_packet(STAMP)
    fields = read_xmp(xmp_packet(FileStamp(stamp="稿件来源:萧山网")))
    assert fields is not None
    assert fields.first("dc:rights") == "稿件来源:萧山网"
    assert b"Licensor" not in xmp_packet(FileStamp(stamp="稿件来源:萧山网"))


def test_characters_that_xml_forbids_do_not_reach_the_packet() -> None:
    fields = read_xmp(xmp_packet(FileStamp(stamp="稿件来源:萧山网", headline="湘\x00湖\x1b\ud800\u202e")))
    assert fields is not None
    assert fields.first("photoshop:Headline") == "湘湖"


def test_lists_alternatives_and_attributes_are_read() -> None:
    packet = described(
        "<dc:subject><rdf:Bag><rdf:li>湘湖</rdf:li><rdf:li> </rdf:li><rdf:li>雾</rdf:li></rdf:Bag>"
        '</dc:subject><dc:title><rdf:Alt><rdf:li xml:lang="en">Fog</rdf:li>'
        '<rdf:li xml:lang="x-default">雾</rdf:li></rdf:Alt></dc:title>'
        '<photoshop:City xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">杭州</photoshop:City>'
        '<dc:relation rdf:resource="https://a.example/"/>'
        "<dc:creator><rdf:Description><dc:rights>别的</dc:rights></rdf:Description></dc:creator>"
        '<secret xmlns="urn:x">1</secret>'
    ).replace(b'rdf:about=""', b'rdf:about="" dc:format="image/jpeg"')
    fields = read_xmp(packet)
    assert fields is not None
    assert fields.values == {
        "dc:format": ("image/jpeg",),
        "dc:subject": ("湘湖", "雾"),
        "dc:title": ("雾", "Fog"),
        "photoshop:City": ("杭州",),
        "dc:relation": ("https://a.example/",),
    }


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "packet",
    [
        described("<dc:title>&l9;</dc:title>", f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>'),
        described("<dc:title>&f;</dc:title>", '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
        described("<dc:title>a</dc:title>", '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">'),
        described("<dc:title>&unknown;</dc:title>"),
        described("<dc:title>")[:-30],
        described("<dc:title>" + "<a>" * 100_000),
        b"",
        b"\x00" * 64,
        b"\xff\xfe<\x00",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"<a>" + b" " * LONGEST_PACKET + b"</a>",
    ],
    ids=[
        "laughs",
        "file",
        "dtd",
        "entity",
        "cut",
        "deep",
        "empty",
        "zeros",
        "utf16",
        "encoding",
        "long",
    ],
)
def test_a_packet_that_is_hostile_or_broken_is_not_read(packet: bytes) -> None:
    assert read_xmp(packet) is None


def test_a_property_with_very_many_or_very_long_values_is_bounded() -> None:
    many = "".join(f"<rdf:li>{n}</rdf:li>" for n in range(10_000))
    fields = read_xmp(described(f"<dc:subject><rdf:Bag>{many}</rdf:Bag></dc:subject>" * 3))
    assert fields is not None
    assert len(fields.all("dc:subject")) == 200
    fields = read_xmp(described(f"<dc:title>{'长' * 1_000_000}</dc:title>"))
    assert fields is not None
    assert len(fields.first("dc:title") or "") == 20_000
