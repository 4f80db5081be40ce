"""ninjs documents become items, or say in their own words why not; our own exports come back unchanged."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syndicate.errors import Faulty
from syndicate.formats import ninjs as wire_ninjs
from syndicate.model.item import Item, Medium, OutletId, tag_uri
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.rights import Clause, Grant, Licence, Mandate, Use, Window
from syndicate.policy import Clearance, clear
from syndicate.stamping import Edition, stamp
from tests.support.ingest_helpers import GOLDEN, NOW, PUBLISHER, codes_of, faults_of, item_of, ninjs, parsed

KIT = os.environ.get("SYNDICATE_KIT")
STAMPED = {"name": "萧山网", "literal": "稿件来源:萧山网"}
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)


def body(value: str, kind: str = "text/html") -> list[dict[str, str]]:
    return [{"role": "main", "contentType": kind, "value": value}]


def exported(item: Item) -> dict[str, Any]:
    """The item as a partner with every right gets it, by the code that serves partners."""
    partner = Partner(PartnerId("zjol"), "浙江在线")
    outlets, media = frozenset({OutletId("daily")}), frozenset(Medium)
    grant = Grant(clause=Clause("1#1"), uses=frozenset(Use), outlets=outlets, media=media)
    licence = Licence("1", partner.id, Window(LONG_AGO), (grant,))
    mandate = Mandate("H", "萧山日报社", outlets, media, True, Window(LONG_AGO))
    verdict = clear(item, partner, [mandate], [licence], Use.REPRINT, NOW)
    assert isinstance(verdict, Clearance)
    edition = Edition(
        publisher=PUBLISHER,
        recipient=partner,
        feed=None,
        items=(stamp(verdict, PUBLISHER),),
        updated=NOW,
        until=None,
    )
    document: dict[str, Any] = json.loads(wire_ninjs.write(edition))
    return document


@pytest.mark.parametrize(
    "case", ["seed-text", "article-template", "article-gb18030", "forum-template", "variant-2019", "ninjs"]
)
def test_an_export_of_ours_comes_back_as_the_same_item_with_the_same_content(case: str) -> None:
    path = next(one for one in (GOLDEN / case).iterdir() if one.stem in ("page", "item"))
    original = parsed(path.read_bytes())
    again = parsed(exported(original.item))
    assert again.item.id == original.item.id
    assert again.item.digest == original.item.digest
    assert f"uri:{tag_uri('xsnet.cn', original.item.id)}" in set(again.keys) & set(original.keys)


def test_a_plain_text_body_of_an_export_comes_back_too() -> None:
    original = item_of(ninjs())
    document = exported(original)
    document["bodies"] = [one for one in document["bodies"] if one["contentType"] == "text/plain"]
    assert item_of(document).body == original.body


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("tag:xsnet.cn,2018-01-22:item:20180122-abcdefghij", True),
        ("tag:zjol.com.cn,2018-01-22:item:20180122-abcdefghij", False),
        ("tag:xsnet.cn,2018-01-23:item:20180122-abcdefghij", False),
        ("tag:xsnet.cn,2018-13-22:item:20181322-abcdefghij", False),
    ],
)
def test_only_a_tag_uri_of_ours_names_an_item_of_ours(uri: str, ours: bool) -> None:
    assert (item_of(ninjs(uri=uri)).id == uri[-19:]) == ours


def test_the_id_of_a_foreign_document_depends_on_its_uri_alone() -> None:
    one = item_of(ninjs())
    assert item_of(ninjs(headlines=[{"value": "另一个标题"}], bodies=body("<p>另一段。</p>"))).id == one.id
    assert item_of(ninjs(uri="urn:newsml:xsnet.cn:20180122:1002")).id != one.id


def test_every_field_finds_its_place() -> None:
    item = item_of(
        ninjs(
            by="首席记者 周喆",
            people=[{"name": "周喆", "rel": "author"}, {"name": "桂信怡", "rel": "editor"}],
            descriptions=[{"role": "summary", "value": "短。稿件来源:萧山网"}],
            subjects=[{"name": "健康", "rel": "channel"}, {"name": "流感", "rel": "about"}],
            altIds=[
                {"role": "guid", "value": "x"},
                {"role": "web", "value": "https://www.xsnet.cn/1.shtml"},
            ],
        )
    )
    assert (item.byline, item.editor, item.abstract) == ("首席记者 周喆", "桂信怡", "短。")
    assert (item.channel, item.keywords) == ("health", ("流感",))
    assert item.address == "https://www.xsnet.cn/1.shtml"
    assert (item.source, item.outlet, item.language) == ("萧山日报", "daily", "zh-CN")


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({"infoSources": [STAMPED, {"name": "x", "literal": "萧山网-萧山日报"}]}, "萧山网-萧山日报"),
        ({"infoSources": [{"name": "萧山日报", "literal": "nd:xsrb"}]}, "萧山日报"),
        ({"infoSources": [{"name": "转发者", "role": "x/distributor"}, {"name": "新华社"}]}, "新华社"),
        ({"infoSources": [STAMPED]}, "萧山网"),
        ({"infoSources": None, "copyrightHolder": "杭州日报"}, "杭州日报"),
    ],
)  # fmt: skip
def test_the_source_is_whose_work_it_is_and_never_the_stamp(values: dict[str, Any], source: str) -> None:
    item = item_of(ninjs(**values))
    assert item.source == source
    assert (item.outlet is not None) == ("萧山日报" in source)


@pytest.mark.parametrize(
    ("kind", "medium"), [("text", "text"), ("picture", "picture"), ("audio", "audio"), ("video", "video")]
)
def test_the_type_is_the_medium(kind: str, medium: str) -> None:
    assert item_of(ninjs(type=kind)).medium == medium


def test_a_picture_needs_no_body_and_its_description_is_its_abstract() -> None:
    item = item_of(ninjs(type="picture", bodies=None, descriptions=[{"value": "湘湖的早晨。"}]))
    assert (item.body, item.abstract) == ((), "湘湖的早晨。")


def test_a_description_that_is_the_whole_text_is_cut_to_half() -> None:
    whole = "湘湖水质持续向好。全区河道水质达标率提升。明年还要再提升。以后也要一直提升下去。"
    item = item_of(ninjs(descriptions=[{"value": whole}], bodies=body(f"<p>{whole}</p>")))
    assert item.abstract == "湘湖水质持续向好。"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"uri": None}, "uri_missing", "uri"),
        ({"uri": "no uri"}, "uri_invalid", "uri"),
        ({"headlines": None}, "headline_missing", "headline"),
        ({"headlines": "标题"}, "invalid_type", "headlines"),
        ({"headlines": [{"value": 7}]}, "invalid_type", "headlines[0].value"),
        ({"bodies": None}, "body_missing", "body"),
        ({"bodies": body("x", "application/pdf")}, "body_unsupported", "body"),
        ({"firstCreated": None}, "published_missing", "published"),
        ({"firstCreated": "2018-01-22T08:01:00"}, "published_invalid", "firstCreated"),
        ({"versionCreated": "2018-01-22 08:01:00+08:00"}, "published_invalid", "versionCreated"),
        ({"firstCreated": "2018-02-30T08:01:00+08:00"}, "published_invalid", "firstCreated"),
        ({"infoSources": None}, "source_missing", "source"),
        ({"type": "composite"}, "medium_unsupported", "type"),
        ({"type": "event"}, "medium_unsupported", "type"),
        ({"pubStatus": "withheld"}, "not_usable", "pubStatus"),
        ({"pubStatus": "canceled"}, "not_usable", "pubStatus"),
        ({"representationType": "partial"}, "partial", "representationType"),
        ({"embargoedUntil": "tomorrow"}, "embargo_invalid", "embargoedUntil"),
        ({"embargoedUntl": "2027-01-01T00:00:00Z"}, "unknown_field", "embargoedUntl"),
        ({"standard": {"name": "ninjs", "version": "2.1"}}, "unsupported_version", "standard.version"),
        ({"language": "not a language"}, "language_invalid", "language"),
    ],
)
def test_what_cannot_be_released_as_it_says_is_refused(
    values: dict[str, Any], code: str, field: str
) -> None:
    assert (code, field) in [(fault.code, fault.field) for fault in faults_of(ninjs(**values))]


def test_a_document_of_an_older_ninjs_is_told_the_names_of_today() -> None:
    faults = faults_of(
        {"uri": "urn:x:1", "headline": "标题", "body_html": "<p>一。</p>", "pubstatus": "usable"}
    )
    said = {fault.field: fault.text.en for fault in faults if fault.code == "unknown_field"}
    assert said["headline"].endswith("it is headlines there")
    assert said["body_html"].endswith("it is bodies there")
    assert said["pubstatus"].endswith("it is pubStatus there")


@pytest.mark.parametrize("until", ["2018-01-22T09:00:00+08:00", "2099-01-01T00:00:00+08:00"])
def test_an_embargo_leaves_the_publication_alone_and_is_the_desks_to_keep(until: str) -> None:
    taken = parsed(ninjs(embargoedUntil=until))
    assert taken.item.published.isoformat() == "2018-01-22T08:01:00+08:00"
    assert taken.embargo == datetime.fromisoformat(until)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"uri":"urn:x:1","uri":"urn:x:2"}', "json_duplicate_name"),
        ('{"uri":"urn:x:1","bodies":[{"value":"a","value":"b"}]}', "json_duplicate_name"),
        ('{"urgency":NaN}', "json_invalid"),
        ('{"urgency":-Infinity}', "json_invalid"),
        ('{"urgency":' + "9" * 5000 + "}", "json_invalid"),
        ('{"uri":', "json_invalid"),
        ("{'uri': 1}", "json_invalid"),
    ],
)
def test_json_is_read_without_leniency(text: str, code: str) -> None:
    assert codes_of(text) == {code}


def test_a_document_of_endless_faults_is_told_a_hundred() -> None:
    assert len(faults_of('{"a":1' + "".join(f',"b{n}":1,"b{n}":2' for n in range(1000)) + "}")) == 100
    assert len(faults_of(ninjs(bodies=[{"value": 1}] * 1000))) <= 102


def test_a_list_is_no_ninjs_document() -> None:
    assert codes_of("[]", "item.json") == {"json_invalid"}


def test_lone_surrogates_are_taken_out() -> None:
    item = item_of(ninjs(headlines=[{"value": "湘\ud800湖"}], bodies=body("<p>一\udfff段。</p>")))
    assert (item.headline, item.body[0].text) == ("湘湖", "一段。")


@pytest.mark.skipif(not KIT, reason="the standards' schemas; SYNDICATE_KIT names the folder, CI has it")
def test_every_good_document_of_the_standard_is_refused_only_for_what_we_need_and_it_lacks() -> None:
    seen = 0
    for path in sorted(Path(KIT or "").glob("ninjs/test_suite/3.*/should_pass/*.json")):
        try:
            parsed(path.read_bytes())
        except Faulty as refused:
            codes = {fault.code for fault in refused.faults}
            assert not codes & {"unknown_field", "invalid_type", "json_invalid", "uri_invalid"}, path
        seen += 1
    assert seen > 10


def test_a_second_version_of_an_export_keeps_the_identity_and_shows_the_change() -> None:
    original = item_of(ninjs())
    document = exported(replace(original, version=2, ingested=NOW))
    document["bodies"] = body("<p>改过的第一段。</p><p>第二段。</p>")
    again = item_of(document)
    assert again.id == original.id
    assert again.digest != original.digest


@pytest.mark.parametrize(
    ("sources", "holder"),
    [
        ([("XINHUA", "originator"), ("萧山日报", "")], ""),
        ([("AFP", "originator")], "萧山日报"),
        ([("Reuters", "")], "萧山日报"),
        ([("XINHUA", "originator"), ("萧山日报", "distributor")], ""),
    ],
)
def test_a_foreign_originator_written_as_a_code_is_never_passed_over_for_ours(
    sources: list[tuple[str, str]], holder: str
) -> None:
    listed = [{"literal": literal, **({"role": f"x/{role}"} if role else {})} for literal, role in sources]
    item = item_of(ninjs(infoSources=listed, copyrightHolder=holder or None))
    assert (item.source, item.outlet) == (sources[0][0], None)


PICTURE: dict[str, Any] = {
    "name": "湖边",
    "rel": "body:1",
    "uri": "urn:newsml:xsnet.cn:20180122:2001",
    "type": "picture",
    "headlines": [{"value": "湘湖樱花"}],
    "by": "记者 甲一",
    "infoSources": [{"name": "萧山日报"}],
    "descriptions": [
        {"role": "caption", "value": "湘湖三期的樱花。"},
        {"role": "altText", "value": "堤岸上一排粉色的树\n"},
    ],
    "renditions": [
        {"name": "web", "href": "湘湖/web.jpg", "width": 1600},
        {"name": "original", "href": "%E6%B9%98%E6%B9%96/a.jpg", "width": 1000},
        {"name": "large", "href": "https://cdn.example/a.jpg", "width": 9000},
    ],
}


def test_an_association_is_a_reference_with_what_it_says_of_itself() -> None:
    found = parsed(
        ninjs(associations=[PICTURE, {**PICTURE, "rel": "body:9", "renditions": [{"href": "b.jpg"}]}])
    )
    first, second = found.media
    assert (first.source, first.medium, first.place) == ("湘湖/a.jpg", Medium.PICTURE, 1)
    assert (first.caption, first.byline, first.headline) == ("湘湖三期的樱花。", "记者 甲一", "湘湖樱花")
    assert first.alt == "堤岸上一排粉色的树"
    assert first.own is not None
    assert (first.own.uri, first.own.source, first.own.faults) == (PICTURE["uri"], "萧山日报", ())
    assert (second.source, second.place) == ("b.jpg", 2)
    assert "associations_left_out" not in {note.code for note in found.notes}


def test_whose_an_association_is_is_carried_and_its_faults_are_its_own() -> None:
    foreign = {
        **PICTURE,
        "infoSources": [{"name": "新华社"}],
        "copyrightHolder": "视觉中国",
        "colour": "red",
    }
    (one,) = parsed(ninjs(associations=[foreign])).media
    assert one.own is not None
    assert (one.own.source, one.credit) == ("新华社", "视觉中国")
    assert [fault.code for fault in one.own.faults] == ["unknown_field"]
    assert (
        parsed(ninjs(associations=[{**PICTURE, "uri": None} | {"copyrightHolder": "萧山网"}]))
        .media[0]
        .credit
        is None
    )


def test_an_association_without_a_file_or_of_another_kind_is_left_out_and_said() -> None:
    for one in (
        {**PICTURE, "renditions": []},
        {**PICTURE, "type": "text"},
        {"name": "x"},
        {**PICTURE, "type": "graphic"},
    ):
        found = parsed(ninjs(associations=[one]))
        assert found.media == ()
        assert "associations_left_out" in {note.code for note in found.notes}
    assert "invalid_type" in codes_of(ninjs(associations=["a.jpg"]))
    assert "invalid_type" in codes_of(ninjs(associations={"a": PICTURE}))


def test_a_picture_names_the_file_that_it_is_itself() -> None:
    (one,) = parsed(ninjs(type="picture", renditions=PICTURE["renditions"])).media
    assert (one.source, one.itself, one.own) == ("湘湖/a.jpg", True, None)
    assert parsed(ninjs(renditions=PICTURE["renditions"])).media == ()


def test_pictures_in_the_body_of_ninjs_are_named_with_their_captions() -> None:
    figure = "<figure><img src='a.jpg'><figcaption>图为湖边。新华社记者 丙丁 摄</figcaption></figure>"
    html = f"<p>第一段。</p>{figure}<p>第二段。</p>"
    found = parsed(ninjs(bodies=[{"contentType": "text/html", "value": html}]))
    (one,) = found.media
    assert (one.source, one.place, one.caption, one.credit) == ("a.jpg", 1, "图为湖边。", "新华社")
    assert [block.text for block in found.item.body] == ["第一段。", "第二段。"]
    both = ninjs(
        bodies=[{"contentType": "text/html", "value": html}],
        associations=[{**PICTURE, "renditions": [{"href": "a.jpg"}]}],
    )
    (one,) = parsed(both).media
    assert (one.place, one.credit, one.own is not None) == (1, "新华社", True)
