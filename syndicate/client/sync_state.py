"""The saved state of a folder, in one small file: cursor, items to fetch, acknowledgements to send.

The file carries its own SHA-256: a cursor that a bad disk changed by one digit would skip a recall.
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
    """An entry that came without its item; the item must still be fetched."""

    seq: Seq
    action: Action
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything needed to resume after a crash.

    `after` is the cursor, issued by `server`; entries up to `begun` may be applied already, by a run that
    was killed before it saved the cursor. While all changes are read from the beginning, `named` has the
    ids that may be held, and other items are removed at the end; otherwise, and where nothing was held at
    the beginning, it is None. `owed` has the items still to be fetched, `acks` the applied entries that are
    not acknowledged yet. `media` is the choice of media files (`MediaChoice.code`) by which all held items
    were gone through; empty in a new folder, and in one of a release that fetched none.
    """

    server: StrictStr
    after: Cursor = 0
    begun: Cursor = 0
    named: frozenset[Id] | None = frozenset()
    owed: Mapping[Id, Owed] = field(default_factory=dict)
    acks: tuple[Seq, ...] = ()
    media: StrictStr = ""
    format: Annotated[int, Field(strict=True)] = _FORMAT


_STATE: Final = TypeAdapter(State)


def encode_state(state: State) -> bytes:
    """Encode the state as a file: a line of JSON, and a line with its SHA-256 in hex."""
    value: dict[str, Any] = {
        "format": state.format,
        "server": state.server,
        "after": state.after,
        "begun": state.begun,
        "named": None if state.named is None else sorted(state.named),
        "owed": {
            id: {"seq": one.seq, "action": one.action.value, "version": one.version}
            for id, one in state.owed.items()
        },
        "acks": list(state.acks),
        "media": state.media,
    }
    line = json.dumps(value, ensure_ascii=False).encode()
    return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"


def decode_state(data: bytes) -> State:
    """Decode the bytes of `encode_state`. Raises FolderDamaged for anything else."""
    line, _, rest = data.partition(b"\n")
    if rest.strip() != hashlib.sha256(line).hexdigest().encode():
        raise FolderDamaged(
            Text("文件夹的进度记录已损坏", "the saved state of the folder is damaged") + RESTART
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
            Text("文件夹的进度记录不可用", "the saved state of the folder cannot be used") + RESTART
        ) from None
