"""How far the folder is: one small file, written after what it speaks of is on the disk.

It carries its own SHA-256. A cursor that a bad disk changed by one digit would pass over a recall.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import Field, StrictStr, TypeAdapter, ValidationError

from syndicate.client.change_entries import Action, Cursor, Id, Seq, Version
from syndicate.client.client_errors import RESTART, FolderDamaged
from syndicate.language import Text

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An entry that came without its item: the item is to be fetched."""

    seq: Seq
    action: Action
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that must be known to go on after a crash.

    `server` is whose cursor `after` is. `named` is None in ordinary times; while the folder is gone
    through from the beginning it has the ids that may be held, and what is not among them at the end is
    removed. `owed` is what is still to be fetched, `acks` what is done and not yet acknowledged.
    """

    server: StrictStr
    after: Cursor = 0
    named: frozenset[Id] | None = frozenset()
    owed: Mapping[Id, Owed] = field(default_factory=dict)
    acks: tuple[Seq, ...] = ()
    format: Annotated[int, Field(strict=True)] = _FORMAT


_STATE: Final = TypeAdapter(State)


def written(state: State) -> bytes:
    """The state as a file: a line of JSON, and a line with its SHA-256 in hex."""
    value: dict[str, Any] = {
        "format": state.format,
        "server": state.server,
        "after": state.after,
        "named": None if state.named is None else sorted(state.named),
        "owed": {
            id: {"seq": one.seq, "action": one.action.value, "version": one.version}
            for id, one in state.owed.items()
        },
        "acks": list(state.acks),
    }
    line = json.dumps(value, ensure_ascii=False).encode()
    return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"


def read(data: bytes) -> State:
    """The inverse of `written`. Raises FolderDamaged for anything else, also from a newer client."""
    line, _, rest = data.partition(b"\n")
    if rest.strip() != hashlib.sha256(line).hexdigest().encode():
        raise FolderDamaged(
            Text("文件夹的进度记录已损坏", "the record of how far the folder is, is damaged") + RESTART
        )
    try:
        value = json.loads(line)
        if isinstance(value, dict) and value.get("format") != _FORMAT:
            raise FolderDamaged(
                Text(
                    "文件夹由另一版客户端写成，请升级",
                    "the folder was written by another release of this client",
                )
            )
        return _STATE.validate_python(value)
    except (ValidationError, ValueError):
        raise FolderDamaged(
            Text("文件夹的进度记录不可用", "the record of how far the folder is cannot be used") + RESTART
        ) from None
