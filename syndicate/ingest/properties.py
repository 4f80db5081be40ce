"""Read the properties of a ninjs object, check their types, and keep every fault."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from syndicate.characters import clean, line
from syndicate.errors import Fault
from syndicate.ingest.text import words
from syndicate.language import Text
from syndicate.strict_json import MOST_FAULTS

KNOWN: Final = words(
    "altIds associations bodies by contentCreated copyrightHolder copyrightNotice descriptions"
    " digitalSourceType edNote embargoedUntil eventDetails events expires firstCreated genres headlines"
    " infoSources language located objects organisations people places plannedCoverage profile pubStatus"
    " renditions representationType rightsInfo slugline standard subjects title trustIndicators type"
    " urgency uri usageTerms version versionCreated"
    # Not of the standard, and harmless: where the schema is, and the keywords that 3.1 has no place for.
    " $schema keywords"
)
"""Every property of ninjs 3.1. An unknown one may be a misspelt `embargoedUntil`, so it is refused."""
_LARGEST_NUMBER: Final = 1_000_000_000
_OLDER: Final = {
    "headline": "headlines",
    "body_html": "bodies",
    "body_text": "bodies",
    "byline": "by",
    "embargoed": "embargoedUntil",
    "$standard": "standard",
    "altids": "altIds",
    "person": "people",
    "subject": "subjects",
    "infosource": "infoSources",
    "genre": "genres",
    "object": "objects",
    "place": "places",
    "event": "events",
    "organisation": "organisations",
}
_LOWER: Final = {name.lower(): name for name in KNOWN}


class Properties:
    """One object of the document at `path`, and the faults found while it was read."""

    def __init__(self, values: Mapping[str, Any], faults: list[Fault], path: str = "") -> None:
        self._values = values
        self._path = path
        self.faults = faults

    def apart(self) -> Properties:
        """Return the same object with faults of its own."""
        return Properties(self._values, [], self._path)

    def refuse_unknown(self, also: Collection[str] = ()) -> None:
        """Keep a fault for every property that ninjs 3.1 does not have, with its name there."""
        for name in self._values:
            if name not in KNOWN and name not in also:
                now = _OLDER.get(name) or _LOWER.get(name.lower())
                hint = Text(f"；3.1 版为 {now}", f"; it is {now} there") if now else Text("", "")
                said = Text("不是 ninjs 3.1 的属性", "no property of ninjs 3.1") + hint
                self.fault("unknown_field", line(name)[:60] or "?", said)

    def text(self, name: str) -> str:
        """Return a cleaned text on one line; empty where it is absent."""
        return line(self.raw(name))

    def raw(self, name: str) -> str:
        """Return a text with its lines, cleaned; empty where it is absent."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault("invalid_type", name, Text("应为文本", "expected a text"))
            return ""
        return clean(value)

    def number(self, name: str) -> float:
        """Return a number; 0 where it is absent."""
        value = self._values.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault("invalid_type", name, Text("应为数字", "expected a number"))
            return 0
        return float(min(max(value, 0), _LARGEST_NUMBER))

    def objects(self, name: str) -> list[Properties]:
        """Return the objects of an array; none where it is absent."""
        return [
            Properties(one, self.faults, f"{self._path}{name}[{place}].")
            for place, one in enumerate(self._array(name))
            if self._is(one, dict, name, Text("应为对象", "expected objects"))
        ]

    def texts(self, name: str) -> list[str]:
        """Return the cleaned texts of an array; none where it is absent."""
        return [
            line(one)
            for one in self._array(name)
            if self._is(one, str, name, Text("应为文本", "expected texts"))
        ]

    def inner(self, name: str) -> Properties:
        """Return an object; an empty one where it is absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            self.fault("invalid_type", name, Text("应为对象", "expected an object"))
        return Properties(value if isinstance(value, dict) else {}, self.faults, f"{self._path}{name}.")

    def _array(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is not None and not isinstance(value, list):
            self.fault("invalid_type", name, Text("应为数组", "expected an array"))
        return value if isinstance(value, list) else []

    def _is(self, value: object, wanted: type, name: str, expected: Text) -> bool:
        if not isinstance(value, wanted):
            self.fault("invalid_type", name, expected)
        return isinstance(value, wanted)

    def fault(self, code: str, name: str, text: Text) -> None:
        """Keep a fault about this property."""
        fault = Fault(code, f"{self._path}{name}", text)
        if len(self.faults) < MOST_FAULTS and fault not in self.faults:
            self.faults.append(fault)
