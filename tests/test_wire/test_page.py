"""The page of an item, for people: what stands on it, in both languages, and what can never run on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jinja2 import DictLoader, UndefinedError
from selectolax.lexbor import LexborHTMLParser

from syndicate.formats import html
from syndicate.language import Lang
from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.parties import STAMP
from syndicate.stamping import StampedItem
from tests.test_wire import cases
from tests.test_wire.cases import (
    CORRECTED,
    EARLY,
    FILM,
    HOSTILE,
    ILLUSTRATED,
    MANDATE,
    PICTURE,
    PUBLISHER,
    SEED,
    SOUND,
    TABLES,
    alone,
    for_partner,
    for_public,
    item_cases,
    rendition,
)


def page(item: StampedItem, lang: Lang = Lang.ZH) -> LexborHTMLParser:
    return LexborHTMLParser(html.write(alone(item), lang=lang).decode())


def said(of: LexborHTMLParser, selector: str) -> str:
    node = of.css_first(selector)
    assert node is not None, selector
    return node.text(strip=True)


def attribute(of: LexborHTMLParser, selector: str, name: str) -> str | None:
    node = of.css_first(selector)
    assert node is not None, selector
    return node.attributes[name]


def data(of: LexborHTMLParser) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(said(of, 'script[type="application/ld+json"]'))
    return read


def test_the_stamp_stands_right_under_the_headline() -> None:
    for lang in Lang:
        assert said(page(for_public(SEED), lang), "h1 + .seal") == STAMP


def test_the_stamp_is_in_the_page_s_fields() -> None:
    read = page(for_public(SEED))
    assert attribute(read, 'meta[name="source"]', "content") == STAMP
    assert data(read)["creditText"] == STAMP
    assert str(data(read)["copyrightNotice"]).startswith(STAMP)
    assert (attribute(read, 'meta[property="og:description"]', "content") or "").endswith(STAMP)


def test_the_public_page_has_headline_abstract_source_names_and_time_and_no_body() -> None:
    read = page(for_public(SEED))
    assert said(read, "h1") == SEED.headline
    assert SEED.abstract in said(read, ".abstract")
    credits = said(read, ".credits")
    for word in (SEED.source, SEED.byline, SEED.editor, "2018年1月22日 08:01"):
        assert word is not None
        assert word in credits
    assert attribute(read, "time", "datetime") == "2018-01-22T08:01:00+08:00"
    assert attribute(read, 'link[rel="canonical"]', "href") == SEED.address
    assert read.css_first(".body") is None
    assert read.css_first('meta[name="robots"]') is None


def test_a_full_text_page_has_the_body_and_is_not_for_search_engines() -> None:
    read = page(for_partner(SEED))
    assert len(read.css(".body > p")) == 15
    assert len(read.css(".body > h2")) == 3
    assert attribute(read, 'meta[name="robots"]', "content") == "noindex, nofollow"
    tables = page(for_partner(TABLES))
    assert [node.tag for node in tables.css(".body > *")] == ["blockquote", "ul", "table", "p"]


def test_the_page_speaks_english_where_it_was_asked_to() -> None:
    read = page(for_public(SEED), Lang.EN)
    assert attribute(read, "html", "lang") == "en"
    assert attribute(read, "h1", "lang") == "zh-CN"
    assert "First published" in said(read, ".credits")
    assert "22 January 2018, 08:01 (UTC+08:00)" in said(read, ".credits")
    assert "property of Xiaoshan Net" in said(read, "footer")
    assert said(read, ".conditions p").startswith("Without an agreement it may not be reprinted")
    assert said(read, ".conditions p").endswith("in any other way.")
    assert attribute(read, 'a[href="?lang=zh"]', "hreflang") == "zh-CN"
    assert attribute(page(for_public(SEED)), 'a[href="?lang=en"]', "hreflang") == "en"


def test_a_correction_stands_under_the_headline_and_the_stamp_in_both_languages() -> None:
    for lang, label in ((Lang.ZH, "更正"), (Lang.EN, "Correction")):
        read = page(for_public(CORRECTED), lang)
        assert said(read, "h1 + .seal + .correction") == f"{label}{CORRECTED.note}"
        assert attribute(read, ".correction span + span", "lang") == "zh-CN"
        assert data(read)["correction"] == {
            "@type": "CorrectionComment",
            "text": CORRECTED.note,
            "datePublished": data(read)["dateModified"],
        }
        assert page(for_public(TABLES), lang).css_first(".correction") is None
        assert "correction" not in data(page(for_public(TABLES), lang))


def test_the_end_of_an_embargo_stands_there_for_who_has_the_item_early() -> None:
    early = for_partner(EARLY, early=True)
    assert said(page(early), "h1 + .seal + .embargo") == "禁发至2018年1月25日 08:01"
    assert said(page(early, Lang.EN), ".embargo") == "Embargoed until25 January 2018, 08:01 (UTC+08:00)"
    assert "must not be published before 25 January 2018, 08:01" in said(
        page(early, Lang.EN), ".conditions p"
    )
    assert page(for_public(SEED)).css_first(".embargo") is None


def test_a_note_with_markup_is_read_as_text() -> None:
    read = page(for_public(HOSTILE))
    assert "<script>alert(1)</script>" in said(read, ".correction")
    assert [node.tag for node in read.css(".correction *")] == ["span", "span"]


def test_a_file_has_caption_credit_stamp_length_and_size_under_it_and_leads_to_a_licence() -> None:
    read = page(for_public(SOUND))
    assert said(read, "figcaption .credit") == f"记者 王五·{STAMP}"
    assert said(read, "figcaption .file").startswith("音频 12:34 · 904.0 KB · 预览；")
    assert attribute(read, "figcaption .file a", "href") == "/#partner"
    assert attribute(read, "audio", "controlslist") == "nodownload"
    assert said(read, ".abstract h2") == "内容简介"
    assert said(page(for_public(PICTURE), Lang.EN), ".abstract h2") == "About the picture"
    story = page(for_public(ILLUSTRATED), Lang.EN)
    assert [node.text(strip=True) for node in story.css("figcaption .caption")] == [
        PICTURE.abstract,
        FILM.headline,
    ]
    links = [node.attributes["href"] for node in story.css("figcaption .file a")]
    assert links == [
        f"/items/{PICTURE.id}?lang=en",
        "/?lang=en#partner",
        f"/items/{FILM.id}?lang=en",
        "/?lang=en#partner",
    ]
    for forbidden in (for_public(SEED), for_partner(PICTURE), for_partner(ILLUSTRATED)):
        assert page(forbidden).css("figure, img, audio, video") == []


def previews(of: LexborHTMLParser) -> list[tuple[str | None, str | None]]:
    """What the page offers for a card that links to it: `og:` and `twitter:` fields of media."""
    found = [(node.attributes.get("property"), node.attributes.get("content")) for node in of.css("meta")]
    return [(name, value) for name, value in found if name and name.startswith(_MEDIA_FIELDS)]


_MEDIA_FIELDS = ("og:image", "og:audio", "og:video")


@pytest.mark.parametrize("item", [SEED, PICTURE, SOUND, FILM, ILLUSTRATED], ids=lambda item: item.medium)
def test_search_engines_hear_nothing_of_a_file_that_not_everybody_may_have(
    item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MANDATES", (MANDATE,))
    for stamped in (for_public(item), for_partner(item)):
        read = page(stamped)
        assert not {"image", "audio", "video"} & set(data(read))
        assert previews(read) == []
        assert read.css_first('meta[name="twitter:card"][content="summary_large_image"]') is None
        for trace in ("contentUrl", "thumbnailUrl", "/preview", "/licensed/media"):
            assert trace not in (read.html or ""), trace
    monkeypatch.undo()
    assert not {"image", "audio", "video"} & set(data(page(for_partner(item))))


def test_search_engines_are_told_whose_a_preview_is_and_where_to_get_a_licence() -> None:
    read = page(for_public(PICTURE))
    address = f"{PUBLISHER.base_url}/items/{PICTURE.id}/preview.jpg"
    owner = {"@type": "NewsMediaOrganization", "name": PUBLISHER.name, "url": PUBLISHER.home}
    assert data(read)["image"] == [
        {
            "@type": "ImageObject",
            "name": PICTURE.headline,
            "caption": PICTURE.abstract,
            "contentUrl": address,
            "thumbnailUrl": address,
            "encodingFormat": "image/jpeg",
            "contentSize": "64.0 KB",
            "width": 640,
            "height": 427,
            "uploadDate": "2018-01-20T12:00:00+08:00",
            "creator": {"@type": "Person", "name": "记者 李四"},
            "copyrightHolder": owner,
            "creditText": STAMP,
            "copyrightNotice": data(read)["copyrightNotice"],
            "license": f"{PUBLISHER.base_url}/terms",
            "acquireLicensePage": f"{PUBLISHER.base_url}/#partner",
            "url": f"{PUBLISHER.base_url}/items/{PICTURE.id}",
        }
    ]
    assert previews(read) == [
        ("og:image", address),
        ("og:image:type", "image/jpeg"),
        ("og:image:width", "640"),
        ("og:image:height", "427"),
        ("og:image:alt", PICTURE.abstract),
    ]
    assert attribute(read, 'meta[name="twitter:card"]', "content") == "summary_large_image"


def test_sound_and_film_say_their_length_and_a_story_names_what_it_shows() -> None:
    for item, kind in ((SOUND, "audio"), (FILM, "video")):
        read = page(for_public(item))
        (told,) = data(read)[kind]
        assert told["@type"] == f"{kind.capitalize()}Object"
        assert told["contentUrl"] == f"{PUBLISHER.base_url}/items/{item.id}/preview"
        assert told["duration"] == {"audio": "PT754S", "video": "PT61S"}[kind]
        assert told["uploadDate"].startswith(f"{item.published:%Y-%m-%dT%H:%M}")
        assert "thumbnailUrl" not in told
        assert [name for name, _ in previews(read)] == [f"og:{kind}", f"og:{kind}:type"]
        assert attribute(read, 'meta[name="twitter:card"]', "content") == "summary"
    story = data(page(for_public(ILLUSTRATED)))
    assert [one["url"][-len(PICTURE.id) :] for one in story["image"] + story["video"]] == [
        PICTURE.id,
        FILM.id,
    ]
    assert "audio" not in story
    poster_only = replace(FILM, renditions=(rendition(RenditionName.THUMBNAIL, "image/jpeg", 9_000),))
    read = page(for_public(poster_only))
    (told,) = data(read)["video"]
    assert told["thumbnailUrl"].endswith(f"{FILM.id}/preview.jpg")
    assert "contentUrl" not in told
    assert [name for name, _ in previews(read)] == ["og:image", "og:image:type", "og:image:alt"]


def test_no_caption_ends_the_data_block_or_a_field_of_a_card() -> None:
    odd = "</script><script>alert(1)</script><!-- \" ' & \u2028 ]]>"
    hostile = replace(PICTURE, headline=odd, abstract=odd, byline=odd, alt=odd)
    source = html.write(alone(for_public(hostile))).decode()
    read = LexborHTMLParser(source)
    assert len(read.css("script")) == 1
    assert source.count("<script") == source.count("</script") == 1
    (told,) = data(read)["image"]
    shown = odd.replace("\u2028", " ")
    assert (told["name"], told["creator"]["name"]) == (shown, shown)
    assert ("og:image:alt", shown) in previews(read)
    assert attribute(read, "figure img", "alt") == shown


def test_the_page_leads_to_the_feeds_and_the_terms() -> None:
    read = page(for_public(TABLES))
    found = {node.attributes["href"] for node in read.css('link[rel="alternate"]')}
    assert found == {
        f"{PUBLISHER.base_url}/feeds/{feed}.{extension}"
        for feed in ("all", "health")
        for extension in ("rss", "atom", "json")
    }
    assert attribute(read, 'link[rel="license"]', "href") == f"{PUBLISHER.base_url}/terms"


def test_a_server_under_a_path_finds_its_style_sheet() -> None:
    under = replace(PUBLISHER, base_url="https://www.xsnet.example/syndicate")
    edition = replace(alone(for_public(SEED)), publisher=under)
    read = LexborHTMLParser(html.write(edition).decode())
    assert attribute(read, 'link[rel="stylesheet"]', "href") == "/syndicate/static/syndicate.css"


def test_nothing_on_a_page_needs_more_than_its_content_security_policy_gives() -> None:
    for edition in item_cases().values():
        for lang in Lang:
            read = LexborHTMLParser(html.write(edition, lang=lang).decode())
            assert [node.attributes.get("type") for node in read.css("script")] == ["application/ld+json"]
            assert read.css("style, iframe, object, img, form, [style]") == []
            for node in read.css("*"):
                assert not [name for name in node.attributes if name.startswith("on")]


def test_no_text_of_an_item_becomes_an_element_or_ends_the_data_block() -> None:
    read = page(for_partner(HOSTILE))
    assert data(read)["headline"] == said(read, "h1")
    assert "</script><!--" in said(read, "h1")
    assert read.css("h1 *, .abstract p *") == []
    assert said(read, ".seal") == STAMP


def test_another_page_extends_the_frame_and_may_forget_no_name() -> None:
    templates = {
        "home.html": '{% extends "base.html" %}{% block main %}<p>{{ greeting }}</p>{% endblock %}'
    }
    home = html.environment(DictLoader(templates)).get_template("home.html")
    shared = html.frame(PUBLISHER, Lang.EN)
    assert "<p>&lt;hello&gt;</p>" in home.render({**shared, "greeting": "<hello>"})
    with pytest.raises(UndefinedError, match="greeting"):
        home.render(shared)
