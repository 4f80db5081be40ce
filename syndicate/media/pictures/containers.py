"""What the files of pictures have in common: picture data, and blocks of metadata around it.

The readers are strict: they keep only what they know, and raise `Damaged` at the first byte that does not
fit. Nothing is decoded here, so no pixel changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.language import Text

MOST_BLOCKS: Final = 65_536
"""Segments or chunks of one file. A film of ten thousand frames has fewer."""
LONGEST_TEXT: Final = 4 << 20
"""Bytes of metadata that one compressed block may become."""


class Damaged(Exception):
    """A file is not what its first bytes promise; `text` says where it breaks."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The blocks of metadata in a file, as they stand: there may be several of a kind.

    `exif` begins with the TIFF header, `xmp` is a packet, `iim` a stream of data sets; `texts` are named
    texts (PNG), each a keyword and bytes.
    """

    exif: Sequence[bytes] = ()
    xmp: Sequence[bytes] = ()
    iim: Sequence[bytes] = ()
    texts: Sequence[tuple[str, bytes]] = ()
