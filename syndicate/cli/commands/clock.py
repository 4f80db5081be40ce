"""`clock`: whether this machine's clock fits the trail, and how to go on after it was wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import click

from syndicate.cli.app import Command, Group, acting, given
from syndicate.cli.ui.output import Output, iso
from syndicate.clock_reading import ClockReading, accept_clock, read_clock
from syndicate.language import Text


@click.group(cls=Group)
def clock() -> None:
    """核对本机时钟与审计记录 · Compare this machine's clock with the trail."""


@clock.command(cls=Command)
def show() -> int:
    """比较本机时钟与最后一条记录 · Compare the clock with the newest record.

    \b
    例 · Example:
      syndicate clock show
    """
    reading = asyncio.run(read_clock(given().settings()))
    voice = _voice()
    _give(voice, reading)
    return 1 if reading.behind else 0


@clock.command(cls=Command)
@click.option("--reason", required=True, metavar="TEXT", help="为什么，记入审计记录 · why, for the trail")
def accept(reason: str) -> None:
    """确认本机时钟正确并记录在案 · Declare the machine's clock right.

    \b
    例 · Example:
      syndicate clock accept --reason "NTP 故障，时钟一度快了三天，现已校准"
    """
    reading = asyncio.run(accept_clock(given().settings(), acting(), reason))
    voice = _voice()
    _give(voice, reading)
    voice.say(
        Text("已按本机时钟继续，并已记入审计记录", "this machine's clock counts again; the trail says so")
    )


def _voice() -> Output:
    settings = given().settings()
    return replace(given().voice(), zone=settings.publisher.zone)


def _give(voice: Output, reading: ClockReading) -> None:
    voice.give(
        {
            "machine": iso(reading.machine),
            "newest_record": iso(reading.newest_record),
            "behind": reading.behind,
        }
    )
    machine, newest = voice.moment(reading.machine), voice.moment(reading.newest_record)
    voice.aside(
        Text(
            f"本机时钟：{machine}；审计记录最后一条：{newest}",
            f"this machine's clock: {machine}; the trail's newest record: {newest}",
        )
    )
