"""What can go wrong on the partner's side, each with what to do about it.

SyndicateError
├── Away               the server does not answer now, or asks to wait: the one fault that is tried again
├── WrongAnswer        the server's answer is not what the specification says
├── KeyRefused         the key does not open
├── CursorUnknown      the server never gave out this cursor
├── FolderInUse        another process keeps this folder
├── FolderDamaged      how far the folder is cannot be read, or the folder belongs to another server
├── FolderFull         no room on the disk
└── FolderTampered     (a Faulty) the folder is not as it was left; every difference is named
"""

from __future__ import annotations

from syndicate.errors import Faulty, SyndicateError
from syndicate.language import Text

RESTART = Text(
    "。加 --restart 从头核对一遍即可，不会丢失稿件",
    ". --restart goes through everything from the beginning, and is safe",
)
"""The remedy for whatever is wrong with a folder."""


class Away(SyndicateError):
    """Not now. `after` is how many seconds the server asked to wait, None where it did not say."""

    code = "server_away"

    def __init__(self, text: Text, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class WrongAnswer(SyndicateError):
    """An answer that cannot be what was asked for; nothing of it was applied."""

    code = "wrong_answer"


class KeyRefused(SyndicateError):
    """401. `code` is the server's: `token_expired`, `key_revoked`, `partner_suspended` …"""

    code = "token_invalid"


class CursorUnknown(SyndicateError):
    """The cursor is from the future, or of another server."""

    code = "cursor_unknown"


class FolderInUse(SyndicateError):
    """One process at a time keeps a folder."""

    code = "folder_in_use"


class FolderDamaged(SyndicateError):
    """The folder's own record cannot be used."""

    code = "folder_damaged"


class FolderFull(SyndicateError):
    """The disk or the quota of its user is full; what was on the disk before is whole."""

    code = "disk_full"


class FolderTampered(Faulty):
    """Files are missing, changed, or not ours."""

    code = "folder_tampered"
