"""Errors of the partner's client; their texts say what to do.

SyndicateError
├── ServerUnavailable  no answer now, or one that asks to wait: the only error that is retried
├── InvalidResponse    the server's answer breaks the specification
├── KeyRefused         the server rejects the key (401)
├── CursorUnknown      the server never issued this cursor
├── FolderInUse        another process synchronizes this folder
├── FolderDamaged      the saved state cannot be read, or belongs to another server
├── FolderFull         no room on the disk
└── FolderTampered     (a Faulty) files differ from their records; every difference is named
"""

from __future__ import annotations

from syndicate.errors import Faulty, SyndicateError
from syndicate.language import Text

RESTART = Text(
    "。加 --restart 从头核对一遍即可，不会丢失稿件",
    ". --restart goes through everything from the beginning, and is safe",
)
"""The remedy for every fault of a folder."""


class ServerUnavailable(SyndicateError):
    """The server cannot answer now. `after`: seconds to wait by its `Retry-After`, None without one."""

    code = "server_away"

    def __init__(self, text: Text, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class InvalidResponse(SyndicateError):
    """The server's answer breaks the specification; nothing of it was applied."""

    code = "wrong_answer"


class KeyRefused(SyndicateError):
    """The server rejects the key (401). `code` is the server's, as `key_revoked` or `partner_suspended`."""

    code = "token_invalid"


class CursorUnknown(SyndicateError):
    """The server does not know the cursor: it is too new, or another server's."""

    code = "cursor_unknown"


class FolderInUse(SyndicateError):
    """Another process synchronizes this folder already."""

    code = "folder_in_use"


class FolderDamaged(SyndicateError):
    """The folder's saved state cannot be used."""

    code = "folder_damaged"


class FolderFull(SyndicateError):
    """The disk, or the user's disk quota, is full. Files written before are intact."""

    code = "disk_full"


class FolderTampered(Faulty):
    """Files in the folder are missing, changed, or not written by this client."""

    code = "folder_tampered"
