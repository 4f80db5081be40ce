"""What the server says where it refuses to start."""

from __future__ import annotations

import asyncio
import os
import socket
import tomllib

import pytest
from aiohttp.web import Application
from aiohttp.web_protocol import RequestHandler

from syndicate.web.server.aiohttp_internals import MINIMUM, SERIES, missing_internals
from syndicate.web.server.runner import CannotServe, cores_for, listen, refuse_unsupported_aiohttp
from tests.support.servers import PROJECT


def test_a_port_in_use_is_named_with_the_way_to_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe) as refused:
            listen("127.0.0.1", port)
    text = refused.value.text
    assert text.zh == f"端口 {port} 已被占用；可换一个端口，例如 make run PORT=9000，或 serve --port 9000"
    said = f"port {port} is taken; choose another one, for example: make run PORT=9000, "
    assert text.en == said + "or serve --port 9000"


def test_an_address_that_is_not_this_machine_s_is_not_called_a_port_in_use() -> None:
    with pytest.raises(CannotServe) as refused:
        listen("192.0.2.1", 9131)
    assert "192.0.2.1:9131" in refused.value.text.zh
    assert "占用" not in refused.value.text.zh


def test_more_pinned_workers_than_cores_are_refused_with_both_numbers() -> None:
    cores = sorted(os.sched_getaffinity(0))
    assert cores_for(len(cores)) == cores
    with pytest.raises(CannotServe) as refused:
        cores_for(len(cores) + 1)
    assert f"本进程可用 {len(cores)} 个，--workers 为 {len(cores) + 1}" in refused.value.text.zh
    assert f"may use {len(cores)}, and --workers is {len(cores) + 1}" in refused.value.text.en


@pytest.mark.parametrize("installed", ["3.15.0", "3.15.0rc1", "4.0.0a1", "3.14.4", "3.13.9", "3.14", ""])
def test_another_aiohttp_is_refused_with_what_is_installed_and_what_is_needed(installed: str) -> None:
    with pytest.raises(CannotServe) as refused:
        refuse_unsupported_aiohttp(installed)
    for text in (refused.value.text.zh, refused.value.text.en):
        assert installed in text
        assert "3.14.5" in text


@pytest.mark.parametrize("installed", ["3.14.5", "3.14.12", "3.14.6.post1"])
def test_a_newer_patch_release_of_the_same_aiohttp_is_taken(installed: str) -> None:
    refuse_unsupported_aiohttp(installed)


def test_every_internal_of_aiohttp_that_is_used_is_there() -> None:
    assert asyncio.run(missing_internals()) == [], "these internals of aiohttp are gone or have changed"


def test_a_missing_internal_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(RequestHandler, "log_exception")
    monkeypatch.delattr(Application, "_make_request")
    with pytest.raises(CannotServe, match=r"RequestHandler\.log_exception") as refused:
        refuse_unsupported_aiohttp("3.14.5")
    assert "Application._make_request" in refused.value.text.en


def test_the_pinned_series_is_the_one_that_the_project_installs() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    (pinned,) = [one for one in project["project"]["dependencies"] if one.startswith("aiohttp")]
    major, minor = SERIES
    assert pinned == f"aiohttp>={'.'.join(map(str, MINIMUM))},<{major}.{minor + 1}"
