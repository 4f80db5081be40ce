"""Every format is valid by its own standard's schema or grammar, whatever the item says."""

from __future__ import annotations

import copy
import json

import pytest
from lxml import etree

from syndicate.formats import FEED_FORMATS, FORMATS
from tests.test_wire.cases import every_edition, item_cases
from tests.test_wire.kit import faults, kit

EDITIONS = every_edition()
ITEMS = item_cases()


@pytest.mark.parametrize("case", EDITIONS)
def test_atom_is_valid_by_the_grammar_of_rfc_4287(case: str) -> None:
    grammar = etree.RelaxNG(etree.parse(str(kit("atom/atom-rfc4287.rng"))))
    document = etree.fromstring(FEED_FORMATS["atom"].render(EDITIONS[case]).body)
    assert grammar.validate(document), grammar.error_log


@pytest.mark.parametrize("case", EDITIONS)
@pytest.mark.parametrize("schema", ["jsonfeed/feed.json", "jsonfeed/jsonfeed-schema-v1.1.json"])
def test_json_feed_is_valid_by_two_schemas(case: str, schema: str) -> None:
    document = json.loads(FEED_FORMATS["json"].render(EDITIONS[case]).body)
    assert faults(schema, document, "jsonfeed/feed-1.json") == []


@pytest.mark.parametrize("case", ITEMS)
def test_ninjs_is_valid_by_the_iptc_schema(case: str) -> None:
    document = json.loads(FORMATS["ninjs"].render(ITEMS[case]).body)
    assert faults("ninjs/ninjs-schema_3.1.json", document, "ninjs/GeoJSON-schema.json") == []


def test_the_check_of_ninjs_sees_an_unknown_property_a_bare_date_and_no_uri() -> None:
    good = json.loads(FORMATS["ninjs"].render(ITEMS["partner-item"]).body)
    for name, value in {"usageterms": "x", "expires": "2018-04-22 08:01", "uri": "no uri"}.items():
        bad = copy.deepcopy(good) | {name: value}
        assert faults("ninjs/ninjs-schema_3.1.json", bad, "ninjs/GeoJSON-schema.json")


def test_the_check_of_atom_sees_an_entry_without_an_identity() -> None:
    grammar = etree.RelaxNG(etree.parse(str(kit("atom/atom-rfc4287.rng"))))
    document = etree.fromstring(FEED_FORMATS["atom"].render(EDITIONS["public-feed"]).body)
    entry = document.find("{*}entry")
    assert entry is not None
    identity = entry.find("{*}id")
    assert identity is not None
    entry.remove(identity)
    assert not grammar.validate(document)
