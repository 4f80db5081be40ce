"""Mandates and licences for the archives of the benchmarks: of the shapes that partners really have."""

from __future__ import annotations

MANDATES = (
    """
number = "H-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text", "picture"]
exclusive = true
valid_from = 2000-01-01
""",
    """
number = "H-2"
holder = "萧山广电局"
outlets = ["tv", "radio"]
media = ["text", "picture", "audio", "video"]
exclusive = true
valid_from = 2000-01-01
""",
)

UNLIMITED = """
[[grant]]
uses = ["reprint", "link"]
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
"""
"""Everything, as far back as there is anything."""

SHAPES = (
    UNLIMITED,
    """
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
archive = "P90D"
""",
    """
[[grant]]
uses = ["reprint", "link"]
outlets = ["daily"]
media = ["text"]
[[grant]]
uses = ["link"]
outlets = ["tv", "radio"]
media = ["text", "video", "audio"]
[[except]]
channels = ["ask", "property"]
""",
    """
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text", "picture"]
delay = "PT2H"
archive = "P30D"
""",
    """
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
channels = ["news", "instant"]
archive = "P30D"
quota = { items = 2000, per = "day" }
""",
    """
[[grant]]
uses = ["link"]
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
archive = "P365D"
""",
    """
[[grant]]
uses = ["copy", "reprint"]
outlets = ["tv", "radio"]
media = ["text", "video", "audio"]
retain = "P365D"
may_edit = true
""",
    """
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
channels = ["news", "health", "education"]
early = true
[[grant]]
uses = ["link"]
outlets = ["daily"]
media = ["text", "picture"]
delay = "PT30M"
[[except]]
outlets = ["daily"]
media = ["picture"]
""",
)


def licence(number: int, shape: str | None = None) -> str:
    """The licence of the partner of this number, as TOML: of this shape, else of each in turn."""
    return (
        f'number = "L-{number}"\npartner = "{partner(number)}"\nvalid_from = 2000-01-01\n'
        f"valid_until = 2099-01-01\n{SHAPES[number % len(SHAPES)] if shape is None else shape}"
    )


def partner(number: int) -> str:
    """The id of the partner of this number; the first one's licence has no limit."""
    return f"partner-{number}"
