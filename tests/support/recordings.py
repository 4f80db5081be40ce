"""Sounds and films for tests (tests/media/recordings), and what ffprobe reads of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syndicate.media.file_stamp import FileStamp

RECORDINGS = Path(__file__).parents[1] / "media" / "recordings"
"""Made by tests/media/recordings/make.sh: a second and a half of a tone, or of a test picture with one."""

STAMP = FileStamp(
    stamp="稿件来源:萧山网",
    credit="萧山网",
    headline="湘湖晨声",
    caption="湖边的早晨",
    byline="记者 王琳",
    source="萧山网-萧山人民广播电台",
    copyright_notice="版权归萧山网所有",
    usage_terms="未经本网协议授权不得转载",
    terms_url="http://127.0.0.1:8080/terms",
    licensor_name="萧山网",
    licensor_url="https://www.xsnet.cn/",
    uri="tag:xsnet.cn,2026-01-01:item:20260101-abcdefghij",
    version="1",
    created=datetime(2026, 1, 1, tzinfo=UTC),
)


def ffprobe(path: Path) -> dict[str, Any]:
    """The streams and the container of a file as ffprobe reads them; skips the test where it is absent."""
    if (program := shutil.which("ffprobe")) is None:
        pytest.skip("ffprobe not found: apt-get install ffmpeg")
    command = [program, "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    found = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert not found.stderr, found.stderr
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def ffprobe_tags(path: Path) -> dict[str, str]:
    """The tags of a file as ffprobe reads them, by their names in small letters."""
    found = ffprobe(path)
    tags = [found["format"].get("tags", {}), *(one.get("tags", {}) for one in found["streams"])]
    return {name.lower(): value for one in tags for name, value in one.items()}


def stream_hashes(path: Path) -> str:
    """What ffmpeg hashes of the packets of each stream: the same for the same sound and picture."""
    if (program := shutil.which("ffmpeg")) is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")
    command = [program, "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "streamhash", "-"]
    found = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert not found.stderr, found.stderr
    return found.stdout.decode()
