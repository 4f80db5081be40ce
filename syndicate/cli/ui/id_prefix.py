"""Find the one id that the beginning of an id means, as `git` does with commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text

SHORTEST: Final = 4
"""Characters of a prefix, at least: a slip of one key should not close a partner's access."""
_SHOWN: Final = 10


def complete_id(prefix: str, ids: Iterable[str], kind: Text) -> str:
    """Return the id that is `prefix`, or the only one that begins with it.

    Raises Conflict (`ambiguous_id`) with the candidates where several do, Unknown where none does or the
    prefix is shorter than four characters.
    """
    known = sorted(set(ids))
    if prefix in known:
        return prefix
    found = [id for id in known if id.startswith(prefix)] if len(prefix) >= SHORTEST else []
    if not found:
        raise Unknown(kind, prefix)
    if len(found) > 1:
        shown, more = found[:_SHOWN], "…" if len(found) > _SHOWN else ""
        said = Text(
            f"{kind.zh}编号 {prefix} 开头的有 {len(found)} 个，请多写几位：{'、'.join(shown)}{more}",
            f"{len(found)} {kind.en}s begin with {prefix}, write more of the id: {', '.join(shown)}{more}",
        )
        raise Conflict(said, code="ambiguous_id")
    return found[0]
