"""The attribution line can be drawn on a picture's edge; a picture that cannot show it does not leave."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from syndicate.errors import NotStampable
from syndicate.media.file_writing import stamp_file
from syndicate.media.pictures.jpeg_file import jpeg_metadata
from syndicate.media.pictures.line_font import VisibleLine, known_font
from syndicate.media.pictures.visible_line import with_visible_line
from syndicate.media.xmp import xmp_packet
from tests.support.pictures import encoded, full_jpeg, picture
from tests.test_media_xmp import STAMP

PLAIN = encoded(Image.new("RGB", (640, 427), (90, 140, 90)), "JPEG")


@pytest.fixture
def line() -> VisibleLine:
    font = known_font()
    if font is None:
        pytest.skip("no font with Chinese characters found: apt-get install fonts-wqy-microhei")
    return VisibleLine("稿件来源:萧山网", font)


def rows(content: bytes) -> list[tuple[int, int]]:
    """The darkest and the lightest grey of every row."""
    with Image.open(io.BytesIO(content)) as image:
        grey = image.convert("L")
    return [grey.crop((0, row, grey.width, row + 1)).getextrema() for row in range(grey.height)]  # type: ignore[misc]


def test_the_line_stands_light_on_dark_at_the_lower_edge_alone(line: VisibleLine) -> None:
    drawn = rows(with_visible_line(PLAIN, line))
    assert len(drawn) == 427
    above, below = drawn[:380], drawn[-20:]
    assert all(light - dark < 12 for dark, light in above)
    assert max(light for _, light in below) > 200
    assert min(dark for dark, _ in below) < 80


def test_the_same_line_gives_the_same_bytes_and_another_gives_others(line: VisibleLine) -> None:
    once = with_visible_line(PLAIN, line)
    assert with_visible_line(PLAIN, line) == once
    assert with_visible_line(PLAIN, VisibleLine("稿件来源:别的网", line.font)) != once


def test_a_picture_with_a_line_has_the_stamp_inside_too(line: VisibleLine, tmp_path: Path) -> None:
    (tmp_path / "given.jpg").write_bytes(full_jpeg(image=picture(640, 427)))
    stamp_file(tmp_path / "given.jpg", tmp_path / "stamped.jpg", "image/jpeg", STAMP, line)
    content = (tmp_path / "stamped.jpg").read_bytes()
    assert list(jpeg_metadata(content).xmp) == [xmp_packet(STAMP)]
    assert b"SECRET" not in content
    assert max(light for _, light in rows(content)[-20:]) > 200


def test_a_small_picture_gets_a_small_line_and_a_tiny_one_none(line: VisibleLine) -> None:
    assert rows(with_visible_line(encoded(picture(120, 80), "JPEG"), line))
    for size in ((40, 400), (400, 12), (1, 1)):
        with pytest.raises(NotStampable, match="too small"):
            with_visible_line(encoded(Image.new("RGB", size), "JPEG"), line)


def test_a_character_that_the_font_lacks_is_named(line: VisibleLine) -> None:
    with pytest.raises(NotStampable) as caught:
        with_visible_line(PLAIN, VisibleLine("稿件来源:\U000f1234网", line.font))
    assert "\U000f1234" in caught.value.text.zh


@pytest.mark.parametrize("content", [None, b"", b"no font at all"])
def test_a_font_that_is_missing_or_broken_is_named(content: bytes | None, tmp_path: Path) -> None:
    font = tmp_path / "own.ttf"
    if content is not None:
        font.write_bytes(content)
    with pytest.raises(NotStampable) as caught:
        with_visible_line(PLAIN, VisibleLine("稿件来源:萧山网", font))
    assert "own.ttf" in caught.value.text.zh
    assert "fonts-noto-cjk" in caught.value.text.en


def test_only_a_whole_jpeg_takes_a_line(line: VisibleLine, tmp_path: Path) -> None:
    for content, type_ in ((encoded(picture(), "PNG"), "image/png"), (PLAIN[:300], "image/jpeg")):
        (tmp_path / "given").write_bytes(content)
        with pytest.raises(NotStampable):
            stamp_file(tmp_path / "given", tmp_path / "stamped", type_, STAMP, line)
        assert not (tmp_path / "stamped").exists()
