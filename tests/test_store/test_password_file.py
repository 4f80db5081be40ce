"""A refused login names where the password came from and what is wrong there, and prints no password."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndicate.errors import StoreFault
from syndicate.store.sql_store import open_store
from tests.support.databases import PostgresqlServer, postgresql_binaries
from tests.support.servers import command

SECRET = "right-and-hushed"


@pytest.fixture(scope="module")
def guarded() -> Iterator[PostgresqlServer]:
    """A server that wants a password of the user `guarded`."""
    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL binaries not found: apt-get install postgresql")
    server = PostgresqlServer(binaries)
    try:
        server.make()
        server.sql(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        server.sql("SELECT pg_reload_conf()")
        server.sql("CREATE DATABASE news OWNER guarded TEMPLATE template0")
        yield server
    finally:
        server.remove()


def address(server: PostgresqlServer, password: str = "") -> str:
    return f"postgresql+asyncpg://guarded{password}@127.0.0.1:{server.port}/news"


def refused(address: str) -> StoreFault:
    """The fault of `open`, which is also that of `create`, in both languages without a password."""
    faults = []
    for attempt in (open_store(address).open, open_store(address).create):
        with pytest.raises(StoreFault) as fault:
            asyncio.run(attempt())
        assert fault.value.code == "store_not_admitted"
        for said in (fault.value.text.zh, fault.value.text.en):
            assert "hushed" not in said
        faults.append(fault.value)
    assert faults[0].text == faults[1].text
    return faults[0]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where PGPASSFILE points; not there yet."""
    path = tmp_path / "syndicate.pgpass"
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(path))
    return path


def entry(server: PostgresqlServer, password: str = SECRET, user: str = "guarded") -> str:
    return f"# for tests\n127.0.0.1:{server.port}:news:{user}:{password}\n"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_a_file_that_others_may_read_is_named_with_its_mode(guarded: PostgresqlServer, file: Path) -> None:
    write(file, entry(guarded), 0o644)
    fault = refused(address(guarded))
    for said in (fault.text.zh, fault.text.en):
        assert f"chmod 600 {file}" in said
        assert "0644" in said
        assert "PGPASSFILE" in said
        assert "SYNDICATE_DATABASE" not in said


def test_a_wrong_password_is_told_from_a_missing_entry_and_a_missing_file(
    guarded: PostgresqlServer, file: Path
) -> None:
    assert (
        f"the password file {file} that PGPASSFILE names is not there" in refused(address(guarded)).text.en
    )
    wanted = f"127.0.0.1:{guarded.port}:news:guarded"
    write(file, entry(guarded, user="other"))
    assert f"has no password for {wanted}" in refused(address(guarded)).text.en
    write(file, entry(guarded, "not-it-hushed"))
    assert f"has a password for {wanted} that is wrong" in refused(address(guarded)).text.en
    file.unlink()
    file.mkdir()
    assert "is not a plain file" in refused(address(guarded)).text.en


def test_the_file_in_the_home_folder_is_named_where_pgpassfile_is_not_set(
    guarded: PostgresqlServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("HOME", str(file.parent))
    assert "set PGPASSFILE" in refused(address(guarded)).text.en
    write(file.parent / ".pgpass", entry(guarded), 0o640)
    assert f"chmod 600 {file.parent / '.pgpass'}" in refused(address(guarded)).text.en


def test_a_password_in_the_address_or_environment_is_looked_for_there(
    guarded: PostgresqlServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, entry(guarded))
    said = refused(address(guarded, ":not-it-hushed")).text.en
    assert "SYNDICATE_DATABASE" in said
    assert "PGPASSFILE" not in said
    monkeypatch.setenv("PGPASSWORD", "not-it-hushed")
    assert "PGPASSWORD" in refused(address(guarded)).text.en


def test_the_right_file_opens_and_the_driver_warns_of_nothing(
    guarded: PostgresqlServer, file: Path, tmp_path: Path
) -> None:
    environ = {"SYNDICATE_DATABASE": address(guarded), "PGPASSFILE": str(file)}

    def run() -> subprocess.CompletedProcess[str]:
        return command("--lang", "en", "init", data=tmp_path / "var", environ=environ)

    write(file, entry(guarded), 0o644)
    said = run()
    assert said.returncode == 1
    assert "chmod 600" in said.stderr
    assert "asyncpg" not in said.stderr
    assert "Warning" not in said.stderr
    file.chmod(0o600)
    assert run().returncode == 0
