"""Why a server cannot be reached is said in plain words, Chinese in Chinese output."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import threading

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from syndicate.client.network_errors import insecure, unreachable
from tests.support.shell import no_settings
from tests.support.stub_publisher import Partner, partner

__all__ = ["no_settings", "partner"]

WHERE = ConnectionKey("feeds.example.cn", 443, True, True, None, None, None)


def system(number: int) -> OSError:
    return OSError(number, "words of the system")


def connector(number: int) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(WHERE, system(number))


UNREACHABLE: dict[str, tuple[BaseException, str]] = {
    "no such name": (
        aiohttp.ClientConnectorDNSError(WHERE, socket.gaierror(-2, "Name or service not known")),
        "找不到名为 feeds.example.cn 的服务器，请核对地址和本机网络",
    ),
    "refused": (connector(errno.ECONNREFUSED), "feeds.example.cn:443 拒绝连接，服务器可能没有启动"),
    "no route": (connector(errno.EHOSTUNREACH), "feeds.example.cn:443 网络不通"),
    "slow to connect": (aiohttp.ConnectionTimeoutError(), "连接超时"),
    "slow": (aiohttp.SocketTimeoutError("Timeout on reading data from socket"), "服务器没有及时应答"),
    "slow in all": (TimeoutError(), "服务器没有及时应答"),
    "cut": (aiohttp.ServerDisconnectedError(), "连接中断，应答不完整"),
    "cut within": (aiohttp.ClientPayloadError("Response payload is not completed"), "连接中断，应答不完整"),
    "reset": (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), "连接被对方中断"),
    "anything": (aiohttp.ClientOSError(errno.EMFILE, "Too many open files"), "网络出错（EMFILE）"),
    "no HTTP": (aiohttp.ClientError("bad"), "应答不符合 HTTP 协议"),
}


@pytest.mark.parametrize(("error", "said"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_each_way_of_not_being_reached_has_words_of_its_own(error: BaseException, said: str) -> None:
    text = unreachable(error)
    assert text.zh == said
    assert text.en
    assert not re.search("[\u4e00-\u9fff]", text.en)


@pytest.mark.parametrize(
    ("number", "said"),
    [(10, "证书已过期"), (62, "证书与服务器地址不符"), (99, "证书未通过验证（OpenSSL 99）")],
)
def test_a_certificate_that_is_refused_is_named_by_its_fault(number: int, said: str) -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code = number
    assert insecure(aiohttp.ClientConnectorCertificateError(WHERE, cause)).zh == said


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def test_a_port_without_a_server_is_named_in_chinese(partner: Partner) -> None:
    port = free_port()
    outcome = partner.shell("pull", f"http://127.0.0.1:{port}", *partner.words[2:], "--patience", "0")
    assert outcome.code == 1
    assert f"无法连接服务器：127.0.0.1:{port} 拒绝连接，服务器可能没有启动" in outcome.err
    assert "Cannot connect" not in outcome.err


def test_https_where_there_is_only_http_is_named_in_chinese(partner: Partner) -> None:
    address = partner.server.address.replace("http:", "https:")
    outcome = partner.shell("pull", address, *partner.words[2:], "--patience", "0")
    assert outcome.code == 1
    assert "无法与服务器建立安全连接：对方不支持 TLS，或不是 https 地址" in outcome.err


def test_a_server_without_a_word_of_http_is_named_in_chinese(partner: Partner) -> None:
    def greet() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"220 mail.example.cn ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        greeter = threading.Thread(target=greet)
        greeter.start()
        outcome = partner.shell("pull", f"http://127.0.0.1:{port}", *partner.words[2:], "--patience", "0")
        greeter.join(30)
    assert "无法连接服务器：应答不符合 HTTP 协议" in outcome.err
