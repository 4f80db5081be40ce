"""Feed readers that people have, reading from the real server: each sees the stamp in every item."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import feedparser
import pytest

from tests.support.servers import ServerProcess, command, served

PROJECT = Path(__file__).parent.parent
READERS = PROJECT / "tests" / "readers"
STAMP = "稿件来源:萧山网"
DEEP = "打造共建共治共享的萧山样板"
"""The last words of the seed's story: only the full text has them."""


@dataclass(frozen=True)
class Shop:
    """The demonstration's house, served, with its partner's key."""

    server: ServerProcess
    key: str

    def address(self, path: str, *, with_key: bool = False) -> str:
        login = f"demo:{self.key}@" if with_key else ""
        return f"http://{login}127.0.0.1:{self.server.port}{path}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    data = tmp_path_factory.mktemp("demo")
    made = command("demo", data=data)
    assert made.returncode == 0, made.stderr
    with served(data) as server:
        yield Shop(server, (data / "demo.key").read_text().strip())


def newsboat(folder: Path, *addresses: str) -> list[tuple[str, str, str]]:
    """(feed address, title, content) of every item that newsboat stored."""
    program = shutil.which("newsboat")
    if program is None:
        pytest.skip("newsboat not found: apt-get install newsboat")
    (folder / "urls").write_text("\n".join(addresses) + "\n")
    (folder / "config").write_text("http-auth-method basic\n")
    run = subprocess.run(
        [program, "-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    with sqlite3.connect(folder / "cache.db") as cache:
        return list(cache.execute("SELECT feedurl, title, content FROM rss_item"))


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_newsboat_reads_the_public_feed(shop: Shop, tmp_path: Path, extension: str) -> None:
    ((_, title, content),) = newsboat(tmp_path, shop.address(f"/feeds/all.{extension}"))
    assert "保障和改善民生" in title
    assert STAMP in content
    assert DEEP not in content


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_newsboat_reads_the_licensed_feed_with_basic(shop: Shop, tmp_path: Path, extension: str) -> None:
    ((_, title, content),) = newsboat(
        tmp_path, shop.address(f"/licensed/feeds/all.{extension}", with_key=True)
    )
    assert "保障和改善民生" in title
    assert STAMP in content
    assert DEEP in content


def test_newsboat_gets_nothing_without_the_key(shop: Shop, tmp_path: Path) -> None:
    assert newsboat(tmp_path, shop.address("/licensed/feeds/all.rss")) == []


@pytest.mark.parametrize("extension", ["rss", "atom", "json"])
def test_feedparser_reads_every_feed_with_and_without_a_key(shop: Shop, extension: str) -> None:
    for path, full in ((f"/feeds/all.{extension}", False), (f"/licensed/feeds/all.{extension}", True)):
        body = fetch(shop, path, with_key=full)
        if extension == "json":
            texts = [json.dumps(entry, ensure_ascii=False) for entry in json.loads(body)["items"]]
        else:
            feed = feedparser.parse(body)
            assert not feed.bozo
            texts = [str(entry) for entry in feed.entries]
        assert len(texts) == 1
        assert all(STAMP in text for text in texts)
        assert all((DEEP in text) is full for text in texts)


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_a_reader_from_npm_fetches_and_reads_with_basic(shop: Shop, extension: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node not found: apt-get install nodejs npm")
    if not (READERS / "node_modules" / "rss-parser").is_dir():
        pytest.skip("rss-parser not found: cd tests/readers && npm ci")
    basic = b64encode(f"demo:{shop.key}".encode()).decode()
    script = f"""
      const Parser = require('rss-parser');
      const parser = new Parser({{headers: {{Authorization: 'Basic {basic}'}}}});
      parser.parseURL('{shop.address(f"/licensed/feeds/all.{extension}")}')
        .then(feed => console.log(JSON.stringify(feed.items)));
    """
    run = subprocess.run(
        [node, "-e", script], cwd=READERS, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    items = json.loads(run.stdout)
    assert len(items) == 1
    assert all(STAMP in json.dumps(item, ensure_ascii=False) for item in items)
    assert all(DEEP in json.dumps(item, ensure_ascii=False) for item in items)


def fetch(shop: Shop, path: str, *, with_key: bool = False) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{shop.server.port}{path}")
    if with_key:
        request.add_header("Authorization", f"Bearer {shop.key}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())
