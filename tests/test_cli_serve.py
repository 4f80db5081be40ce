"""`serve` from outside: it says that it is ready when a request is answered, and not before."""

from __future__ import annotations

import signal
import socket
import urllib.request
from pathlib import Path

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
