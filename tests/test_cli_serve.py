"""`serve` from outside: it says that it is ready when a request is answered, and not before."""

from __future__ import annotations

import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, s3_server
from tests.support.servers import free_port
from tests.support.shell import Shell, demo, no_settings, prepared, started

__all__ = ["demo", "no_settings", "prepared"]


def test_ready_is_said_once_the_port_answers(demo: Shell) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with started(demo.data, "--json", "serve", "--port", str(port), fresh=True) as server:
        assert server.line()["event"] == "starting"
        assert server.line() == {"event": "ready", "address": address}
        with urllib.request.urlopen(f"{address}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert server.stop(signal.SIGTERM) == 0
        assert f"已就绪：{address}" in server.errors.read_text()


def test_nothing_is_ready_where_the_port_is_taken(demo: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = demo("serve", "--demo", "--port", str(taken.getsockname()[1]))
    assert refused.code == 1
    assert "就绪" not in refused.out + refused.err
    assert "已被占用" in refused.err


def test_the_demonstration_says_what_to_try_once_the_port_answers(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path / "var", "serve", "--demo", "--port", str(port)) as server:
        said = ""
        for line in server.lines():
            said += line
            if "Ctrl-C" in line:
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert server.stop(signal.SIGTERM) == 0
    assert "授权分发已就绪" in said
    assert f"Authorization: Bearer {(tmp_path / 'var' / 'demo.key').read_text().strip()}" in said
    assert "就绪" not in Shell(tmp_path / "var").good("demo", "--message").out


@pytest.mark.parametrize(
    ("media", "said"),
    [("/proc/syndicate", "媒体文件夹"), ("s3://nobody-made-it/files", "没有这个存储桶")],
    ids=["folder", "bucket"],
)
def test_nothing_is_served_where_media_cannot_be_kept(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, media: str, said: str
) -> None:
    settings = f'media = "{media}"\n'
    if media.startswith("s3"):
        server = s3_server()
        settings += f'media_s3_endpoint = "http://127.0.0.1:{server.port}"\n'
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    (tmp_path / "settings.toml").write_text(settings)
    refused = demo("--config", str(tmp_path / "settings.toml"), "serve", "--port", str(free_port()))
    assert refused.code == 1
    assert said in refused.err
    assert media in refused.err
    assert "就绪" not in refused.out + refused.err
