"""Decisions said in words and for programs; with `explain --line`, a recorded one beside its replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syndicate.cli.ui.failures import REFUSED
from syndicate.cli.ui.output import Output, iso
from syndicate.language import Text
from syndicate.policy import Clearance, Verdict
from syndicate.policy.reasons import REASONS
from syndicate.services.audit.recorded_decision import NO_SUCH_ITEM, QUOTA, Decided

if TYPE_CHECKING:
    from syndicate.services.audit.explanation import Replay, Replayed

_REASONS = {one.value: text for one, text in REASONS.items()} | {
    NO_SUCH_ITEM: Text("没有这篇稿件", "there is no such item"),
    QUOTA: Text("配额已用完", "the quota is used up"),
}


def said(verdict: Verdict) -> dict[str, object]:
    """A verdict for programs."""
    if isinstance(verdict, Clearance):
        return decision(None, verdict.clause)
    return decision(verdict.reason.value, verdict.clause)


def decision(reason: str | None, clause: str | None) -> dict[str, object]:
    """A decision for programs; no reason is a yes."""
    return {"decision": "allow" if reason is None else "deny", "reason": reason, "clause": clause}


def reason_text(reason: str) -> Text:
    """Why something is refused, in words; also for the reasons that are none of the policy's."""
    return _REASONS[reason]


def in_words(verdict: Verdict) -> Text:
    """A verdict in one line."""
    reason = None if isinstance(verdict, Clearance) else verdict.reason.value
    return answer(reason, verdict.clause)


def answer(reason: str | None, clause: str | None) -> Text:
    """A decision in one line."""
    words = Text("可以", "yes") if reason is None else Text("不可以：", "no: ") + _REASONS[reason]
    return words if clause is None else words + Text(f"（{clause}）", f" ({clause})")


def tell(replay: Replay, voice: Output) -> int:
    """Say what a line recorded, what comes out now, and whether they agree; the exit code."""
    entry = replay.line.entry
    voice.give(
        {
            "line": replay.line.seq,
            "kind": entry.event.kind,
            "at": iso(entry.at),
            "actor": entry.actor,
            "known_line": replay.line.seq - 1,
            "partner": replay.partner,
            "agrees": replay.agrees,
            "decisions": [_decision(one) for one in replay.decisions],
        }
    )
    when = voice.exactly(entry.at)
    voice.say(
        Text(
            f"审计记录第 {replay.line.seq} 条，{when}，授权媒体 {replay.partner}；按此条之前所知重演：",
            f"line {replay.line.seq}, {when}, partner {replay.partner}; with what was known before it:",
        )
    )
    for one in replay.decisions:
        _say(one, voice)
    if replay.agrees:
        voice.say(Text("重演与记录一致。", "The replay agrees with the record."))
        return 0
    voice.say(Text("重演与记录不一致。", "The replay does not agree with the record."))
    return REFUSED


def _decision(one: Replayed) -> dict[str, object]:
    recorded = one.decided
    return {
        "item": recorded.item,
        "version": recorded.version,
        "rendition": None if recorded.rendition is None else recorded.rendition.value,
        "use": _use(recorded),
        "recorded": decision(recorded.reason, recorded.clause),
        "replayed": decision(NO_SUCH_ITEM, None) if one.verdict is None else said(one.verdict),
        "agrees": one.agrees,
    }


def _say(one: Replayed, voice: Output) -> None:
    recorded = one.decided
    version = "" if recorded.version is None else f" v{recorded.version}"
    words = [f"{recorded.item}{version}", _use(recorded), recorded.rendition]
    voice.say("\n" + " ".join(word for word in words if word))
    voice.say(Text("  记录：", "  recorded: ") + answer(recorded.reason, recorded.clause))
    replayed = answer(NO_SUCH_ITEM, None) if one.verdict is None else in_words(one.verdict)
    voice.say(Text("  重演：", "  replayed: ") + replayed)
    if recorded.reason == QUOTA and one.agrees:
        voice.say(
            Text(
                "  条款允许；当时是配额已用完",
                "  the clause allows it; it was the quota that had no room left",
            )
        )
    elif not one.agrees:
        voice.say(Text("  不一致", "  they do not agree"))


def _use(recorded: Decided) -> str | None:
    use = recorded.use or recorded.asked
    return None if use is None else use.value
