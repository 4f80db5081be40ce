"""Describe network and TLS errors in plain words, in both languages."""

from __future__ import annotations

import errno
import ssl
from typing import Final

import aiohttp

from syndicate.language import Text

_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_CUT: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
_CERTIFICATES: Final = {
    9: Text("证书尚未生效，请核对本机时间", "its certificate is not valid yet: check this machine's clock"),
    10: Text("证书已过期", "its certificate has expired"),
    18: Text("证书是自签名的", "its certificate is self-signed"),
    19: Text("证书链中有自签名的证书", "a certificate of its chain is self-signed"),
    20: Text("证书不是由受信任的机构签发的", "its certificate is not issued by a trusted authority"),
    21: Text("证书不是由受信任的机构签发的", "its certificate is not issued by a trusted authority"),
    62: Text("证书与服务器地址不符", "its certificate is for another address"),
    64: Text("证书与服务器地址不符", "its certificate is for another address"),
}
"""Certificate errors, by the number of OpenSSL's `X509_V_ERR_…`."""


def unreachable(error: BaseException) -> Text:
    """Describe why no HTTP answer came. `error` is aiohttp's, or the system's."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Text(
                f"找不到名为 {error.host} 的服务器，请核对地址和本机网络",
                f"no server named {error.host} is found: check the address and this machine's network",
            )
        case aiohttp.ConnectionTimeoutError():
            return Text("连接超时", "the connection took too long")
        case TimeoutError():
            return Text("服务器没有及时应答", "the server did not answer in time")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return Text("连接中断，应答不完整", "the connection broke before the answer was whole")
        case aiohttp.ClientConnectorError():
            where = f"{error.host}:{error.port}"
            return Text(f"{where} ", f"{where}: ") + _system(error.os_error)
        case OSError():
            return _system(error)
        case _:
            return Text("应答不符合 HTTP 协议", "the answer is not HTTP")


def insecure(error: aiohttp.ClientSSLError) -> Text:
    """Describe why the TLS handshake failed."""
    if not isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Text("对方不支持 TLS，或不是 https 地址", "the server does not speak TLS there")
    cause = error.certificate_error
    number = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else None
    unknown = Text(f"证书未通过验证（OpenSSL {number}）", f"its certificate is refused (OpenSSL {number})")
    return _CERTIFICATES.get(number or 0, unknown)


def _system(error: OSError) -> Text:
    """Describe an error of the operating system, by its number."""
    if error.errno == errno.ECONNREFUSED:
        return Text("拒绝连接，服务器可能没有启动", "the connection is refused: is the server running?")
    if error.errno in _NO_ROUTE:
        return Text("网络不通", "there is no route to it")
    if error.errno == errno.ETIMEDOUT:
        return Text("连接超时", "the connection took too long")
    if error.errno in _CUT:
        return Text("连接被对方中断", "the connection was cut")
    number = errno.errorcode.get(error.errno or 0, str(error.errno))
    return Text(f"网络出错（{number}）", f"the network failed ({number})")
