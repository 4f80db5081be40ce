"""What is said where the server cannot begin to listen."""

from __future__ import annotations

import socket

import pytest

from syndicate.web.server.runner import CannotServe, listen


def test_a_port_in_use_is_named_with_the_way_to_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe) as refused:
            listen("127.0.0.1", port)
    text = refused.value.text
    assert text.zh == f"端口 {port} 已被占用；可换一个端口，例如 make run PORT=9000"
    assert text.en == f"port {port} is taken; choose another one, for example: make run PORT=9000"


def test_an_address_that_is_not_this_machine_s_is_not_called_a_port_in_use() -> None:
    with pytest.raises(CannotServe) as refused:
        listen("192.0.2.1", 9131)
    assert "192.0.2.1:9131" in refused.value.text.zh
    assert "占用" not in refused.value.text.zh
