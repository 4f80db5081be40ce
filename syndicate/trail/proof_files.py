"""Formats of proof files: an exported range, the proof of one record, the proof of growth.

All are JSON, one value on each line, in canonical form (sorted names, no blanks, UTF-8): the same content
has one encoding, so that no byte can change unnoticed.

`syndicate-trail-export/1`, a range:

    {"format":…,"from":3,"origin":…,"size":9,"to":5}          the range (both ends in it), and whose trail
    {"leaf":"…","line":{"actor":…,"at":…,"event":{…},"kind":…,"seq":3}}     each line, with its leaf hash
    {"content":"…","manifest":"…"}      after the first line that names a kept list (`edition`): the list
    {"checkpoint":"…","outside":["…"]}  the signed checkpoint, and the hashes over all other lines

`syndicate-trail-line/1`, one line with its inclusion path (RFC 9162); `index` counts from 0, `manifest` is
the list that the line names, or null. `syndicate-trail-growth/1`, two checkpoints with the consistency
path from the one to the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from syndicate.model.item import canonical_json
from syndicate.trail.checkpoint import hashes_encoded

EXPORT: Final = "syndicate-trail-export/1"
LINE: Final = "syndicate-trail-line/1"
GROWTH: Final = "syndicate-trail-growth/1"
LONGEST: Final = 16 * 2**20
"""Most bytes of one line of a file, with its line end."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def names_list(event: Mapping[str, Any]) -> str | None:
    """The digest of the kept list that an event names, whatever its kind; None where it names none."""
    edition = event.get("edition")
    return edition if isinstance(edition, str) and _DIGEST.fullmatch(edition) else None


def head_line(origin: str, first: int, last: int, size: int) -> bytes:
    """The first line of an export."""
    return _sealed({"format": EXPORT, "origin": origin, "from": first, "to": last, "size": size})


def trail_line(data: bytes, leaf: bytes) -> bytes:
    """The line of an export for one record; `data` is its `line_bytes`, unchanged, since it was hashed."""
    return b'{"leaf":"%s","line":%s}\n' % (leaf.hex().encode(), data)


def manifest_line(digest: str, content: bytes) -> bytes:
    """The line of an export for a manifest. Raises ValueError for one that is not UTF-8."""
    return _sealed({"manifest": digest, "content": content.decode()})


def foot_line(note: str, outside: Sequence[bytes]) -> bytes:
    """The last line of an export."""
    return _sealed({"checkpoint": note, "outside": hashes_encoded(outside)})


def line_proof(
    data: bytes, manifest: bytes | None, index: int, size: int, path: Sequence[bytes], note: str
) -> bytes:
    """The file that proves that one record is in the trail."""
    before = canonical_json({"checkpoint": note, "format": LINE, "index": index})
    kept = None if manifest is None else manifest.decode()
    after = canonical_json({"manifest": kept, "path": hashes_encoded(path), "size": size})
    return b'%s,"line":%s,%s\n' % (before[:-1], data, after[1:])


def growth_proof(old: str, new: str, path: Sequence[bytes]) -> bytes:
    """The file that proves that records were only added between two checkpoints."""
    return _sealed({"format": GROWTH, "new": new, "old": old, "path": hashes_encoded(path)})


def _sealed(value: Mapping[str, Any]) -> bytes:
    return canonical_json(value) + b"\n"
