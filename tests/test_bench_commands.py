"""What the benchmarks say about a command is about the command, not about who started it."""

from __future__ import annotations

from tests.bench.commands import run


def test_the_memory_of_a_command_is_its_own() -> None:
    ballast = b"1" * (128 << 20)
    cost = run(["--help"])
    assert cost.status == 0
    assert 4 << 20 < cost.memory < len(ballast) // 2
    assert 0 < cost.cpu <= cost.wall * 2


def test_the_exit_code_is_the_command_s() -> None:
    assert run(["no-such-command"]).status == 2
