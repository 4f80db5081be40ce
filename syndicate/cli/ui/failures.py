"""What is said when a command does not work: what happened, what to do, and an honest exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

from syndicate.cli.ui.output import Output
from syndicate.errors import Fault, Faulty, KeyEncryptionFault, NotLicensed, SyndicateError
from syndicate.language import Lang, Text

REFUSED = 1
"""Refused or partly failed."""
WRONG_USAGE = 2
"""Wrong usage or configuration."""
TRY_LATER = 75
"""Not yet: the same command succeeds later. `EX_TEMPFAIL` of sysexits.h, which cron and systemd know."""

_WRONG = Text("用法有误：", "wrong usage: ")


class Speaker(Protocol):
    """Who knows how to speak, whatever went wrong."""

    def voice(self) -> Output:
        """How to speak."""


class WrongSettings(Exception):
    """The settings were refused: wrong configuration, not a wrong document."""

    def __init__(self, faulty: Faulty) -> None:
        super().__init__(str(faulty))
        self.faulty = faulty


class WrongValues(Exception):
    """Values on the command line were refused: wrong usage, not a wrong document."""

    def __init__(self, faulty: Faulty) -> None:
        super().__init__(str(faulty))
        self.faulty = faulty


@contextmanager
def typed(undone: Text) -> Iterator[None]:
    """Whatever is found faulty inside was typed on the command line; `undone` says what was not done."""
    try:
        yield
    except Faulty as faulty:
        raise WrongValues(Faulty(undone, faulty.faults)) from None


def guarded(command: Callable[[], Any], speaker: Speaker) -> int:  # noqa: PLR0911 - one return for each kind of error
    """Run a command; its exit code. No expected error leaves as a traceback."""
    _speak_unicode()
    try:
        result = command()
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as help_:
        print(help_.format_message(), file=sys.stderr)
        return WRONG_USAGE
    except WrongValues as values:
        return _values(values.faulty, speaker.voice())
    except click.UsageError as wrong:
        return _usage(wrong, speaker.voice())
    except click.ClickException as failed:
        return _refused(speaker.voice(), "refused", Text(failed.format_message(), failed.format_message()))
    except click.Abort:
        speaker.voice().aside(Text("已中断", "interrupted"))
        return REFUSED
    except WrongSettings as wrong_settings:
        _tell(wrong_settings.faulty, speaker.voice())
        return WRONG_USAGE
    except SyndicateError as error:
        _tell(error, speaker.voice())
        return WRONG_USAGE if isinstance(error, KeyEncryptionFault) else REFUSED
    except OSError as error:
        if error.errno == errno.EPIPE:
            # Whoever reads our output has seen enough; Python must not complain at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return REFUSED
        return _system(error, speaker.voice())
    except Exception as accident:  # noqa: BLE001 - the last line of defence: one line for people
        return _accident(accident, speaker.voice())


def faults_as_json(faults: tuple[Fault, ...], lang: Lang) -> list[dict[str, object]]:
    """Faults for programs."""
    return [
        {"code": one.code, "field": one.field, "line": one.line, "text": one.text.in_(lang)}
        for one in faults
    ]


def _tell(error: SyndicateError, voice: Output) -> None:
    text = error.text
    more: dict[str, object] = {}
    if isinstance(error, Faulty):
        more["faults"] = faults_as_json(error.faults, voice.lang)
    if isinstance(error, NotLicensed):
        more |= {"reason": error.reason, "clause": error.clause}
        if error.clause is not None:
            text = text + Text(f"（条款 {error.clause}）", f" (clause {error.clause})")
    _refused(voice, error.code, text, more)


def _refused(voice: Output, code: str, text: Text, more: dict[str, object] | None = None) -> int:
    voice.give({"error": code, "text": text.in_(voice.lang), **(more or {})})
    voice.aside(text)
    return REFUSED


def _usage(wrong: click.UsageError, voice: Output) -> int:
    text = _WRONG + _what_is_wrong(wrong)
    if wrong.ctx is not None:
        voice.aside(wrong.ctx.get_usage())
        path = wrong.ctx.command_path
        text = text + Text(f"\n用法见：{path} --help", f"\nhow to use it: {path} --help")
    _refused(voice, "usage", text)
    return WRONG_USAGE


def _values(faulty: Faulty, voice: Output) -> int:
    more: dict[str, object] = {"faults": faults_as_json(faulty.faults, voice.lang)}
    _refused(voice, "usage", _WRONG + faulty.text, more)
    return WRONG_USAGE


def _what_is_wrong(wrong: click.UsageError) -> Text:
    """Return click's complaint in both languages; our own complaints are bilingual already."""
    said = wrong.format_message()
    if isinstance(wrong, Bilingual):
        return wrong.text
    if isinstance(wrong, click.NoSuchOption):
        return Text(f"没有选项 {wrong.option_name}", said)
    if isinstance(wrong, click.exceptions.NoSuchCommand):
        return Text(f"没有命令 {wrong.command_name}", said)
    if isinstance(wrong, click.MissingParameter) and wrong.param is not None and wrong.ctx is not None:
        return Text(f"缺少参数 {wrong.param.get_error_hint(wrong.ctx)}", said)
    if isinstance(wrong, click.BadParameter) and wrong.param is not None and wrong.ctx is not None:
        hint, kind = wrong.param.get_error_hint(wrong.ctx), wrong.param.type
        if isinstance(kind, click.Choice):
            return Text(f"参数 {hint} 应为其中之一：{'、'.join(map(str, kind.choices))}", said)
        if isinstance(kind, click.IntRange | click.FloatRange):
            number = "整数" if isinstance(kind, click.IntRange) else "数"
            return Text(f"参数 {hint} 应为{number}，且应{_within(kind.min, kind.max)}", said)
        return Text(f"参数 {hint} 的值不可用：{wrong.message}", said)
    return Text(said, said)


def _within(low: float | None, high: float | None) -> str:
    return f"不小于 {low}" if high is None else f"在 {low} 至 {high} 之间"


class Bilingual(click.UsageError):
    """Wrong usage, said in our own words."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en, click.get_current_context(silent=True))
        self.text = text


def _system(error: OSError, voice: Output) -> int:
    why = error.strerror or str(error)
    if error.filename is None:
        text = Text(f"无法读写：{why}", f"cannot read or write: {why}")
    else:
        name = error.filename
        text = Text(f"无法读写 {name}：{why}", f"cannot read or write {name}: {why}")
    return _refused(voice, "system", text)


def _accident(accident: Exception, voice: Output) -> int:
    if os.environ.get("SYNDICATE_DEBUG") == "1":
        import traceback

        traceback.print_exception(accident)
    said = f"{type(accident).__name__}: {accident}"
    hint = Text("设 SYNDICATE_DEBUG=1 可查看详情", "SYNDICATE_DEBUG=1 shows more")
    text = Text(f"出现意外错误：{said}。", f"something unexpected happened: {said}. ") + hint
    return _refused(voice, "unexpected", text)


def _speak_unicode() -> None:
    """Chinese comes out whole on a terminal that says it knows only Latin letters."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
