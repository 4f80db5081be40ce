"""Say why a PostgreSQL server refused the login: which password was used, and what is wrong with its file.

The driver finds the password as libpq does (PostgreSQL manual, section 34.16): in the address, in
`PGPASSWORD`, or in the file that `PGPASSFILE` names, `~/.pgpass` without it. A file that others may read it
skips.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from syndicate.errors import StoreFault
from syndicate.language import Text

_CODE: Final = "store_not_admitted"
_REFUSED: Final = Text("数据库服务器拒绝登录：", "the database server refused the login: ")


def silence_driver() -> None:
    """Drop the driver's warnings about the password file: `explained` says the same, with a remedy."""
    warnings.filterwarnings("ignore", message="password file ", category=UserWarning)


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn a refused login into a StoreFault that names where the password came from, not the password."""
    try:
        yield
    except StoreFault as fault:
        if fault.code != _CODE:
            raise
        raise StoreFault(_REFUSED + _reason(url), code=_CODE) from fault.__cause__


def _reason(url: URL) -> Text:
    if url.password is not None:
        return Text(
            "请检查 SYNDICATE_DATABASE 中的用户名和密码", "check user and password in SYNDICATE_DATABASE"
        )
    if "PGPASSWORD" in os.environ:
        return Text(
            "请检查 SYNDICATE_DATABASE 中的用户名和环境变量 PGPASSWORD 中的密码",
            "check the user in SYNDICATE_DATABASE and the password in the environment variable PGPASSWORD",
        )
    named = os.environ.get("PGPASSFILE")
    path = Path(named) if named else Path.home() / ".pgpass"
    if not named and not path.exists():
        return Text(
            "没有给出密码。请把密码写入一个权限为 0600 的文件，并将 PGPASSFILE 设为该文件",
            "no password was given. Put it into a file of mode 0600 and set PGPASSFILE to that file",
        )
    where = Text(
        f"PGPASSFILE 指定的密码文件 {path} " if named else f"密码文件 {path} ",
        f"the password file {path}{' that PGPASSFILE names' if named else ''} ",
    )
    return where + _wrong_with(path, url)


def _wrong_with(path: Path, url: URL) -> Text:
    """What is wrong with the file and what to do, as the end of a sentence about it."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return Text("不是普通文件", "is not a plain file")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            shown = f"{stat.S_IMODE(mode):04o}"
            return Text(
                f"其他用户也能读取（权限 {shown}），因此未被采用。请执行：chmod 600 {path}",
                f"is open to others (mode {shown}) and was not used. Run: chmod 600 {path}",
            )
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return Text("不存在", "is not there")
    except OSError as error:
        return Text(f"无法读取（{error.strerror}）", f"cannot be read ({error.strerror})")
    wanted = (url.host or "localhost", str(url.port or 5432), url.database or "", url.username or "")
    if any(_is_for(line, wanted) for line in lines):
        return Text(
            f"中 {':'.join(wanted)} 的密码不对", f"has a password for {':'.join(wanted)} that is wrong"
        )
    return Text(
        f"中没有 {':'.join(wanted)} 的密码。请加一行 {':'.join(wanted)}:PASSWORD，把 PASSWORD 换成密码",
        f"has no password for {':'.join(wanted)}. Add the line: {':'.join(wanted)}:PASSWORD",
    )


def _is_for(line: str, wanted: tuple[str, str, str, str]) -> bool:
    """Whether a line `host:port:database:user:password` is for this; each of the first four may be `*`."""
    if line.startswith("#"):
        return False
    fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line.strip(), maxsplit=4)]
    return len(fields) == 5 and all(
        field in ("*", value) for field, value in zip(fields[:4], wanted, strict=True)
    )
