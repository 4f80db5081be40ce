"""Every error of a database becomes one of ours, and says what to do in both languages."""

from __future__ import annotations

import errno
import sqlite3

import asyncpg
import pytest
from sqlalchemy import exc

from syndicate.errors import (
    Conflict,
    StoreBusy,
    StoreDamaged,
    StoreFault,
    StoreMissing,
    StoreReadOnly,
    SyndicateError,
)
from syndicate.store.faults import store_fault, translating_errors


def of_sqlite(code: int) -> exc.DBAPIError:
    fault = sqlite3.OperationalError("secret")
    fault.sqlite_errorcode = code
    return exc.OperationalError("SELECT secret", {}, fault)


def of_postgresql(state: str) -> asyncpg.PostgresError:
    fault = asyncpg.PostgresError("secret")
    fault.sqlstate = state
    return fault


@pytest.mark.parametrize(
    ("fault", "ours", "code"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), StoreBusy, "store_busy"),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), StoreBusy, "store_busy"),
        (of_sqlite(sqlite3.SQLITE_READONLY_DIRECTORY), StoreReadOnly, "store_read_only"),
        (of_sqlite(sqlite3.SQLITE_CORRUPT_INDEX), StoreDamaged, "store_damaged"),
        (of_sqlite(sqlite3.SQLITE_NOTADB), StoreDamaged, "store_damaged"),
        (of_sqlite(sqlite3.SQLITE_FULL), StoreFault, "store_full"),
        (of_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), StoreFault, "store_full"),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), StoreFault, "store_io"),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN), StoreFault, "store"),
        (of_sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE), Conflict, "conflict"),
        (of_sqlite(sqlite3.SQLITE_TOOBIG), StoreFault, "store"),
        (of_postgresql("55P03"), StoreBusy, "store_busy"),
        (of_postgresql("57014"), StoreBusy, "store_busy"),
        (of_postgresql("53300"), StoreBusy, "store_busy"),
        (of_postgresql("25006"), StoreReadOnly, "store_read_only"),
        (of_postgresql("3D000"), StoreMissing, "store_missing"),
        (of_postgresql("53100"), StoreFault, "store_full"),
        (of_postgresql("58030"), StoreFault, "store_io"),
        (of_postgresql("XX001"), StoreDamaged, "store_damaged"),
        (of_postgresql("23505"), Conflict, "conflict"),
        (of_postgresql("28P01"), StoreFault, "store_not_admitted"),
        (of_postgresql("57P01"), StoreFault, "store_unreachable"),
        (of_postgresql("08006"), StoreFault, "store_unreachable"),
        (of_postgresql("42601"), StoreFault, "store"),
        (asyncpg.InterfaceError("connection is closed"), StoreFault, "store_unreachable"),
        (exc.TimeoutError("pool"), StoreBusy, "store_busy"),
        (exc.InvalidRequestError("secret"), StoreFault, "store"),
        (PermissionError(errno.EACCES, "secret"), StoreReadOnly, "store_read_only"),
        (OSError(errno.EROFS, "secret"), StoreReadOnly, "store_read_only"),
        (OSError(errno.ENOSPC, "secret"), StoreFault, "store_full"),
        (OSError(errno.EIO, "secret"), StoreFault, "store_io"),
        (OSError(errno.EMFILE, "secret"), StoreFault, "store"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "secret"), StoreFault, "store_unreachable"),
        (TimeoutError(), StoreFault, "store_unreachable"),
    ],
)
def test_an_error_is_named_for_what_it_means(
    fault: Exception, ours: type[SyndicateError], code: str
) -> None:
    found = store_fault(fault)
    assert type(found) is ours
    assert found.code == code
    assert found.text.zh
    assert found.text.en
    assert "secret" not in str(found.text)
    with pytest.raises(ours) as raised, translating_errors():
        raise fault
    assert raised.value.__cause__ is fault


def test_other_peoples_errors_are_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), translating_errors():
        raise ZeroDivisionError
