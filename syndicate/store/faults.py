"""Turn errors of databases and drivers into our StoreFaults, whose text says what to do."""

from __future__ import annotations

import errno
import sqlite3
import sys
from types import TracebackType
from typing import Final

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
from syndicate.language import Text

PATIENCE: Final = 5.0
"""Seconds that anybody waits for a lock before StoreBusy."""

_BUSY: Final = Text(
    "数据库被其他程序占用超过 5 秒：请稍后重试，或结束占用它的程序",
    "the database was locked by another program for more than 5 seconds: "
    "try again, or end the program that holds it",
)
_READ_ONLY: Final = Text(
    "数据库不可写：请检查数据文件夹的权限和磁盘挂载方式（PostgreSQL：是否连接到了备用服务器）",
    "the database cannot be written: check the permissions of the data folder and how its disk is mounted "
    "(PostgreSQL: whether this is a standby)",
)
_DAMAGED: Final = Text(
    "这不是本系统的数据库，或数据库已损坏：请停止服务，从最近的备份恢复",
    "this is not a database of ours, or it is damaged: stop the server and restore the newest backup",
)
_MISSING: Final = Text(
    "数据库还不存在：请先运行 syndicate init",
    "there is no database yet: run `syndicate init`",
)
_NO_SUCH_DATABASE: Final = Text(
    "PostgreSQL 服务器上没有这个数据库：请先用 createdb 建立，再运行 syndicate init",
    "the PostgreSQL server has no database of this name: make it with createdb, then run `syndicate init`",
)
_FULL: Final = Text(
    "磁盘已满，没有写入任何内容：请腾出空间，服务会自行恢复",
    "the disk is full and nothing was written: make room, the server then goes on by itself",
)
_BROKEN_DISK: Final = Text(
    "读写数据库时磁盘出错：请检查磁盘，然后重新启动服务",
    "the disk failed while the database was read or written: check the disk, then restart the server",
)
_CANNOT_OPEN: Final = Text(
    "无法打开数据库文件：请检查文件和所在文件夹的权限",
    "the database file cannot be opened: check its permissions and those of its folder",
)
_UNREACHABLE: Final = Text(
    "无法连接数据库服务器：请检查它是否在运行，以及 SYNDICATE_DATABASE 中的主机和端口",
    "the database server does not answer: check that it runs, and host and port in SYNDICATE_DATABASE",
)
_NOT_ADMITTED: Final = Text(
    "数据库服务器拒绝登录：请检查 SYNDICATE_DATABASE 中的用户名和密码，或 PGPASSFILE 指定的密码文件",
    "the database server refused the login: check user and password in SYNDICATE_DATABASE, or the file "
    "that PGPASSFILE names",
)
_THREAD_DIED: Final = Text(
    "访问数据库的线程意外终止，本次操作是否完成未经确认：请重试",
    "the thread that uses the database ended unexpectedly and what it was doing is not confirmed: "
    "try again",
)
_POOL_EMPTY: Final = Text(
    "本进程的数据库连接全部在用已超过 5 秒：请稍后重试；若经常如此，请调高 database_connections",
    "all database connections of this process were in use for more than 5 seconds: try again; where it "
    "happens often, raise database_connections",
)
_NO_CONNECTIONS: Final = Text(
    "PostgreSQL 的连接已用完：请调高 max_connections，或减少 --workers 或 database_connections"
    "（每个工作进程最多占用这么多连接）",
    "the PostgreSQL server has no connection left: raise its max_connections, or lower --workers or "
    "database_connections, which is what each worker may take",
)
_CONFLICT: Final = Text(
    "数据库中已有的内容不允许这项操作",
    "what the database already holds forbids this act",
)


def busy() -> StoreBusy:
    """Somebody else has held the database for longer than we wait."""
    return StoreBusy(_BUSY)


def read_only() -> StoreReadOnly:
    """Nothing can be written."""
    return StoreReadOnly(_READ_ONLY)


def damaged() -> StoreDamaged:
    """Not a database of ours, or not whole."""
    return StoreDamaged(_DAMAGED)


def missing() -> StoreMissing:
    """There is no database."""
    return StoreMissing(_MISSING)


def broken_disk() -> StoreFault:
    """A disk read or write failed; written data may be lost."""
    return StoreFault(_BROKEN_DISK, code="store_io")


def thread_died() -> StoreFault:
    """The thread of a connection ended in the middle of its work; the next use gets another one."""
    return StoreFault(_THREAD_DIED, code="store_interrupted")


class _Translating:
    """The context of `translating_errors`. A class, because it runs many times for each licensed answer."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if fault is not None and isinstance(fault, _errors()):
            raise store_fault(fault) from fault


_TRANSLATING: Final = _Translating()


def translating_errors() -> _Translating:
    """Turn every error of a database, its driver or the file system into one of ours.

    Wrap only database calls, never the caller's code inside a transaction.
    """
    return _TRANSLATING


def _errors() -> tuple[type[BaseException], ...]:
    """Every error of a database, its driver or the file system."""
    return (exc.SQLAlchemyError, sqlite3.Error, OSError, *_driver_errors())


def _driver_errors() -> tuple[type[BaseException], ...]:
    """The errors of PostgreSQL's driver; none where it is not loaded, as on SQLite."""
    driver = sys.modules.get("asyncpg")
    return (driver.PostgresError, driver.InterfaceError) if driver is not None else ()


def store_fault(fault: BaseException) -> SyndicateError:
    """Translate a driver's error. The text never holds an address, a statement or a value."""
    if isinstance(fault, exc.TimeoutError):
        return StoreBusy(_POOL_EMPTY)
    if isinstance(fault, exc.DBAPIError):
        if isinstance(fault.orig, sqlite3.Error):
            return _of_sqlite(fault.orig)
        state = getattr(fault.orig, "sqlstate", None)
        if fault.connection_invalidated and state is None:
            return StoreFault(_UNREACHABLE, code="store_unreachable")
        return _of_postgresql(state)
    if isinstance(fault, sqlite3.Error):
        return _of_sqlite(fault)
    if isinstance(fault, _driver_errors()):
        return _of_postgresql(getattr(fault, "sqlstate", None))
    if isinstance(fault, OSError):
        return _of_system(fault)
    return _unforeseen(type(fault).__name__)


def _of_sqlite(fault: sqlite3.Error) -> SyndicateError:
    extended = getattr(fault, "sqlite_errorcode", 0)
    no_room_for_the_log_index = extended == sqlite3.SQLITE_IOERR_SHMSIZE
    if extended & 0xFF == sqlite3.SQLITE_FULL or no_room_for_the_log_index:
        return StoreFault(_FULL, code="store_full")
    match extended & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return busy()
        case sqlite3.SQLITE_READONLY:
            return read_only()
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:
            return damaged()
        case sqlite3.SQLITE_IOERR:
            return broken_disk()
        case sqlite3.SQLITE_CANTOPEN:
            return StoreFault(_CANNOT_OPEN)
        case sqlite3.SQLITE_CONSTRAINT:
            return Conflict(_CONFLICT)
        case _:
            return _unforeseen(getattr(fault, "sqlite_errorname", type(fault).__name__))


def _of_postgresql(state: str | None) -> SyndicateError:
    """By SQLSTATE: the classes of appendix A of the PostgreSQL manual."""
    match state:
        case None:
            return StoreFault(_UNREACHABLE, code="store_unreachable")
        case (
            "55P03"  # lock_not_available
            | "57014"  # query_canceled, by statement_timeout
            | "40001"  # serialization_failure
            | "40P01"  # deadlock_detected
            | "25P03"  # idle_in_transaction_session_timeout
        ):
            return busy()
        case "25006" | "42501":  # read_only_sql_transaction, insufficient_privilege
            return read_only()
        case "3D000":  # invalid_catalog_name: no such database
            return StoreMissing(_NO_SUCH_DATABASE)
        case "53100":  # disk_full
            return StoreFault(_FULL, code="store_full")
        case "58030":  # io_error
            return broken_disk()
        case (
            "XX001"  # data_corrupted
            | "XX002"  # index_corrupted
            | "42P01"  # undefined_table
            | "42703"  # undefined_column
        ):
            return damaged()
        case _:
            return _of_postgresql_class(state)


def _of_postgresql_class(state: str) -> SyndicateError:
    if state == "53300":  # too_many_connections
        return StoreBusy(_NO_CONNECTIONS)
    match state[:2]:
        case "08" | "57":  # connection_exception, operator_intervention
            return StoreFault(_UNREACHABLE, code="store_unreachable")
        case "23":  # integrity_constraint_violation
            return Conflict(_CONFLICT)
        case "28":  # invalid_authorization_specification
            return StoreFault(_NOT_ADMITTED, code="store_not_admitted")
        case _:
            return _unforeseen(state)


def _of_system(fault: OSError) -> StoreFault:
    if isinstance(fault, TimeoutError | ConnectionError):
        return StoreFault(_UNREACHABLE, code="store_unreachable")
    match fault.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return read_only()
        case errno.ENOSPC | errno.EDQUOT:
            return StoreFault(_FULL, code="store_full")
        case errno.EIO:
            return broken_disk()
        case errno.EMFILE | errno.ENFILE | errno.ENOMEM:
            return _unforeseen(errno.errorcode[fault.errno])
        case _:
            return StoreFault(_UNREACHABLE, code="store_unreachable")


def _unforeseen(name: str) -> StoreFault:
    return StoreFault(
        Text(
            f"数据库出错（{name}）：请查看服务日志",
            f"the database failed ({name}): see the server's log",
        )
    )
