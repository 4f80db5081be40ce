"""The registry of formats is what routes, negotiation, pages, OPML and the command line offer."""

from __future__ import annotations

import subprocess
import sys

import click

from syndicate.cli.commands.item import export
from syndicate.formats import CHANGES, FEED_FORMATS, FORMATS, HTML, NINJS, SERVED_FORMATS, accepted_types
from syndicate.web.routes import ROUTES


def test_the_feed_routes_take_the_suffix_of_each_feed_format_and_no_other() -> None:
    paths = [route.path for route in ROUTES if "/feeds/" in route.path]
    archives = [path for path in paths if "{archive:" in path]
    feeds = [path for path in paths if path not in archives]
    assert (len(feeds), len(archives)) == (2, 2)
    assert all(path.endswith("{format:" + "|".join(FEED_FORMATS) + "}") for path in archives)
    assert list(SERVED_FORMATS) == [*FEED_FORMATS, "podcast.rss"]
    assert all(path.endswith("{format:rss|atom|json|podcast\\.rss}") for path in feeds)


def test_the_command_line_exports_every_format() -> None:
    (option,) = [one for one in export.params if one.name == "format"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(FORMATS)


def test_a_feed_may_be_asked_for_by_the_type_of_any_feed_format() -> None:
    for format in FEED_FORMATS.values():
        assert {one.media_type for one in FEED_FORMATS.values()} <= accepted_types(format)
        assert "text/html" not in accepted_types(format)
    assert accepted_types(NINJS) == accepted_types(CHANGES) == {"application/json"}
    assert accepted_types(HTML) == {"text/html", "application/xhtml+xml"}


def test_no_serializer_is_imported_before_it_writes() -> None:
    """The command line lists the formats in `--help`; it must not wait for feedgen, lxml or Jinja."""
    code = (
        "import sys, syndicate.formats\n"
        "print([one for one in ('feedgen', 'lxml', 'jinja2', 'nh3') if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_server_imports_every_serializer_before_its_first_request() -> None:
    code = (
        "import sys; from syndicate.formats.registry import load_serializers; load_serializers();"
        "print({'feedgen', 'lxml', 'jinja2'} <= set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"
