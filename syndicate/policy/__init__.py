"""The decision whether a recipient may have an item: `clear` answers with a Clearance or a Refusal."""

from syndicate.policy.decision import (
    Clearance,
    Refusal,
    Verdict,
    admit,
    clear,
    clear_preferred,
    clear_with_text,
)

__all__ = ["Clearance", "Refusal", "Verdict", "admit", "clear", "clear_preferred", "clear_with_text"]
