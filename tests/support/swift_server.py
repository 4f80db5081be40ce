"""OpenStack Swift with its S3 API, all its servers in one process: `python -m … FOLDER`; prints its ports.

The second port is of the same store as older releases answer: they refuse to put an object on a condition.
Ends when its standard input ends.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet says that it is no longer developed
    import eventlet

    eventlet.monkey_patch()

from eventlet import wsgi
from swift.common import storage_policy, utils
from swift.common import wsgi as swift_wsgi
from swift.common.ring import RingBuilder
from swift.common.swob import Request

App = Callable[[dict[str, Any], Any], Iterable[bytes]]

BUCKET, ACCOUNT, USER, SECRET = "media", "test", "tester", "secret-of-the-test"
BACKENDS = ("account", "container", "object")
PROXY = """
[pipeline:main]
pipeline = catch_errors proxy-logging listing_formats s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class Memory:
    """What Swift keeps in memcached: it is one process here."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def get(self, key: str, **_: object) -> Any:
        return self._kept.get(key)

    def set(self, key: str, value: object, **_: object) -> None:
        self._kept[key] = value

    def delete(self, key: str, **_: object) -> None:
        self._kept.pop(key, None)

    def incr(self, key: str, delta: int = 1, **_: object) -> int:
        self._kept[key] = self._kept.get(key, 0) + delta
        return int(self._kept[key])


def begin(folder: Path, quiet: logging.Logger) -> App:
    """Begin the servers of accounts, containers and objects, and return the proxy before them."""
    (folder / "devices" / "disk").mkdir(parents=True, exist_ok=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    utils.set_swift_dir(str(folder))
    storage_policy.reload_storage_policies()
    common = f"[DEFAULT]\nswift_dir = {folder}\ndevices = {folder}/devices\nmount_check = false\n"
    common += "log_level = CRITICAL\nlog_address = /nonexistent\n"
    for name in BACKENDS:
        listening = eventlet.listen(("127.0.0.1", 0))
        ring = RingBuilder(2, 1, 1)
        device = {"id": 0, "region": 1, "zone": 1, "device": "disk", "weight": 1.0, "meta": ""}
        ring.add_dev({**device, "ip": "127.0.0.1", "port": listening.getsockname()[1]})
        ring.rebalance(seed=1)
        ring.get_ring().save(str(folder / f"{name}.ring.gz"))
        conf = folder / f"{name}.conf"
        app = f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
        conf.write_text(common + app)
        backend = swift_wsgi.loadapp(str(conf), allow_modify_pipeline=False)
        eventlet.spawn(wsgi.server, listening, backend, quiet, log_output=False, debug=False)
    conf = folder / "proxy.conf"
    conf.write_text(common + PROXY.format(account=ACCOUNT, user=USER, secret=SECRET))
    proxy = swift_wsgi.loadapp(str(conf))
    memory = Memory()

    def with_memory(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        environ["swift.cache"] = memory
        answer: Iterable[bytes] = proxy(environ, start)
        return answer

    return with_memory


def make_bucket(app: App) -> None:
    """Make the bucket by Swift's own API: S3's has no need to be told how."""
    said = {"X-Auth-User": f"{ACCOUNT}:{USER}", "X-Auth-Key": SECRET}
    token = Request.blank("/auth/v1.0", headers=said).get_response(app).headers["X-Auth-Token"]
    path = f"/v1/AUTH_{ACCOUNT}/{BUCKET}"
    made = Request.blank(path, {"REQUEST_METHOD": "PUT"}, {"X-Auth-Token": token}).get_response(app)
    assert made.status_int in (201, 202), made.status


def without_conditions(app: App) -> App:
    """The same as a release answers that cannot put an object on a condition."""

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT" and "HTTP_IF_NONE_MATCH" in environ:
            start("501 Not Implemented", [("Content-Type", "application/xml")])
            return [b"<Error><Code>NotImplemented</Code><Message>not implemented</Message></Error>"]
        return app(environ, start)

    return answer


def end_with_input() -> None:
    """End when the process that began this one has ended, or says so."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(folder: Path, port: int) -> None:
    quiet = logging.getLogger("quiet")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    logging.disable(logging.CRITICAL)
    app = begin(folder, quiet)
    make_bucket(app)
    older = eventlet.listen(("127.0.0.1", 0))
    serving = {"log_output": False, "debug": False, "protocol": swift_wsgi.SwiftHttpProtocol}
    eventlet.spawn(wsgi.server, older, without_conditions(app), quiet, **serving)
    newer = eventlet.listen(("127.0.0.1", port))
    eventlet.patcher.original("threading").Thread(target=end_with_input, daemon=True).start()
    print(newer.getsockname()[1], older.getsockname()[1], flush=True)
    wsgi.server(newer, app, quiet, **serving)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
