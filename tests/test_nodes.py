"""Several nodes on one PostgreSQL, each with a data folder of its own: one truth, also through a restart.

`SYNDICATE_TEST_NODES=4` runs it with four.
"""

from __future__ import annotations

import base64
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, nodes_served
from tests.support.databases import PostgresqlServer, postgresql_server
from tests.support.raw_http import RequestContext, ask, until
from tests.support.shell import Shell
from tests.test_quotas_workers import (
    House,
    check_counted_once,
    check_ten_left,
    clear_of_the_turn_of_the_month,
    furnish,
)
from tests.test_web_workers import FEED, YES, Newsroom, check_endings

__all__ = ["clear_of_the_turn_of_the_month", "postgresql_server"]

# The servers and their database are started within the first test's time.
pytestmark = pytest.mark.timeout(300)

NODES = int(os.environ.get("SYNDICATE_TEST_NODES", "2"))
RECOVERED_WITHIN = 5.0


@pytest.fixture(scope="module")
def nodes(
    postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Shell, Cluster]]:
    """The nodes, and staff at the command line of the first. The signing keys are in the database."""
    folder = tmp_path_factory.mktemp("nodes")
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("SYNDICATE_") and one != "SYNDICATE_KIT"]:
            patch.delenv(name)
        name = postgresql_server.database("pattern")
        patch.setenv("SYNDICATE_DATABASE", postgresql_server.address(name))
        patch.setenv("SYNDICATE_KEY_ENCRYPTION_KEY", base64.b64encode(os.urandom(32)).decode())
        folders = [folder / f"node-{number}" for number in range(NODES)]
        shell = Shell(folders[0])
        furnish(shell, folder)
        for one in folders[1:]:
            assert Shell(one).good("--json", "init").json["signing_key"] is None
        with nodes_served(folders) as cluster:
            yield shell, cluster
        assert not list(folder.rglob("*.pem")), "no node has a file of a signing key"
        postgresql_server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_ten_left_are_ten_items_whichever_node_is_asked(nodes: tuple[Shell, Cluster]) -> None:
    check_ten_left(House(*nodes))


def test_one_item_asked_of_all_nodes_at_once_counts_once(nodes: tuple[Shell, Cluster]) -> None:
    check_counted_once(House(*nodes))


def test_a_recalled_item_is_gone_from_every_node_at_the_next_request(nodes: tuple[Shell, Cluster]) -> None:
    staff, cluster = nodes
    token, _ = Newsroom(staff, cluster).partner("recalling")
    id = staff.good("--json", "item", "list", "--limit", "1").lines[0]["id"]
    paths = (f"/licensed/items/{id}", f"/items/{id}")
    assert {one for path in paths for one in cluster.answers(path, token=token)["token"]} == YES
    staff.good("item", "recall", id, "--reason", "editorial", "--note", "事实有误")
    for path in paths:
        assert cluster.answers(path, token=token) == {"token": {(410, "recalled")}}


def test_every_node_answers_again_soon_after_the_database_server_was_killed(
    nodes: tuple[Shell, Cluster], postgresql_server: PostgresqlServer
) -> None:
    staff, cluster = nodes
    newsroom = Newsroom(staff, cluster)
    token, _ = newsroom.partner("restarting")
    stop, down = threading.Event(), threading.Event()
    heard: list[tuple[int, RequestContext, bool]] = []

    def poll(port: int) -> None:
        while not stop.wait(0.01):
            began_down = down.is_set()
            one = ask(port, FEED, token)
            heard.append((port, one, began_down and down.is_set()))

    pollers = [threading.Thread(target=poll, args=(one.port,)) for one in cluster.servers for _ in range(2)]
    for poller in pollers:
        poller.start()
    try:
        until(lambda: len(heard) > 10 * NODES, 30, "every node is asked")
        down.set()
        postgresql_server.stop(signal.SIGQUIT)
        count = len(heard)
        until(lambda: len(heard) > count + 4 * NODES, 30, "every node is asked without a database")
        down.clear()
        postgresql_server.start()
        began = time.monotonic()
        for server in cluster.servers:
            until(
                lambda port=server.port: ask(port, FEED, token).status == 200,  # type: ignore[misc]
                RECOVERED_WITHIN - (time.monotonic() - began),
                f"the node on port {server.port} answers again",
            )
    finally:
        stop.set()
        for poller in pollers:
            poller.join()
    assert {one.status for _, one, _ in heard} == {200, 503}
    assert not [one for _, one, in_the_dark in heard if in_the_dark and one.status == 200]
    assert {port for port, one, _ in heard if one.status == 503} == {one.port for one in cluster.servers}
    asked = {one.name for _, one, _ in heard if one.status == 200}
    lines = staff.good("--json", "trail", "list", "--kind", "edition_delivered", "--limit", "10000").lines
    assert asked <= {line["request"] for line in lines}, "every body that left has its line"
    assert newsroom.answers(token=token) == {"token": YES}


def test_what_is_ended_is_refused_by_every_node_at_the_next_request(nodes: tuple[Shell, Cluster]) -> None:
    """Signing keys too: a rotation and a retirement on one node count on all at once."""
    check_endings(Newsroom(*nodes))
