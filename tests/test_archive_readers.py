"""Readers that people have read the archive from a real server: the document's program, and newsboat."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndicate.model.item import tag_uri
from syndicate.model.parties import STAMP
from tests.support.servers import PROJECT, ServerProcess, served, serving
from tests.test_feed_readers import newsboat
from tests.test_matrix import furnish
from tests.test_web_archives import _stories, fill


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with stories of many years, and with links that lead to itself."""
    data = tmp_path_factory.mktemp("history")

    async def make() -> None:
        async with serving(data) as here:
            await furnish(here)
            await fill(here)

    asyncio.run(make())
    with served(data) as process:
        yield process


def test_the_program_of_the_document_reads_everything(server: ServerProcess, tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "how-to" / "read-the-archive.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    script = tmp_path / "read_archive.py"
    script.write_text(program, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", str(script), f"http://127.0.0.1:{server.port}/feeds/daily.json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    read = [json.loads(line) for line in run.stdout.splitlines()]
    ids = [item["id"] for item in read]
    assert len(ids) == len(set(ids))
    assert {tag_uri("xsnet.cn", item.id) for item in _stories()} <= set(ids)
    assert all(STAMP in item["content_text"] for item in read)


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_newsboat_reads_a_month(server: ServerProcess, tmp_path: Path, format: str) -> None:
    found = newsboat(tmp_path, f"http://127.0.0.1:{server.port}/feeds/daily/2026-10.{format}")
    october = [item for item in _stories() if f"{item.published:%Y-%m}" == "2026-10"]
    assert {title for _, title, _ in found} == {item.headline for item in october}
    assert all(STAMP in content for _, _, content in found)
