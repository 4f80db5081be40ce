"""Documents parsed by several processes: as in one, whatever happens to a process."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from syndicate.services.newsroom.document_parsing import ParsingRules, UnparsedDocument, parse_document
from syndicate.services.newsroom.parser_pool import ParserPool
from tests.support.ingest_helpers import NOW, PUBLISHER
from tests.support.newsroom_documents import documents
from tests.support.shell import a_page

RULES = ParsingRules(PUBLISHER, frozenset({"frames_left_out"}))


def unparsed(name: str, data: bytes) -> UnparsedDocument:
    return UnparsedDocument(name, data, NOW)


def slow(number: int) -> UnparsedDocument:
    """A document that takes a good second to parse."""
    return unparsed(f"slow{number}.txt", a_page(number, paragraphs=6000).encode())


def test_a_pool_parses_as_one_process_does_and_keeps_the_order() -> None:
    given = [unparsed(name, data) for name, data in documents(60, seed=6)]

    async def work() -> None:
        pool = ParserPool(RULES, 2)
        try:
            parts = await asyncio.gather(*(pool.parse(given[start : start + 20]) for start in (0, 20, 40)))
        finally:
            await pool.close()
        found = [one for part in parts for one in part]
        assert found == [parse_document(one.data, one.name, RULES, NOW) for one in given]
        assert {type(one.content).__name__ for one in found} == {"Parsed", "tuple"}
        assert pool.processes == []

    asyncio.run(work())


def test_a_process_that_dies_is_replaced_and_a_document_over_which_two_die_is_refused() -> None:
    async def killed(pool: ParserPool, times: int) -> None:
        """Kill this many processes, each as soon as it is there."""
        seen: set[int] = set()
        deadline = time.monotonic() + 60
        while len(seen) < times and time.monotonic() < deadline:
            for pid in set(pool.processes) - seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.002)
        assert len(seen) == times

    async def work() -> None:
        good = [unparsed(f"{number}.txt", a_page(number).encode()) for number in (1, 2)]
        for times, failed in ((1, False), (2, True)):
            pool = ParserPool(RULES, 1)
            try:
                first, *others = (
                    await asyncio.gather(pool.parse([slow(times), *good]), killed(pool, times))
                )[0]
            finally:
                await pool.close()
            codes = [one.code for one in first.content] if isinstance(first.content, tuple) else []
            assert codes == (["parser_failed"] if failed else [])
            assert others == [parse_document(one.data, one.name, RULES, NOW) for one in good]

    asyncio.run(work())


def test_processes_end_with_who_started_them() -> None:
    async def work() -> list[int]:
        pool = ParserPool(RULES, 1)
        await pool.parse([unparsed("1.txt", a_page(1).encode())])
        (pid,) = pool.processes
        running = asyncio.ensure_future(pool.parse([slow(1)]))
        await asyncio.sleep(0.05)
        await pool.close()
        assert await running == []
        return [pid]

    (pid,) = asyncio.run(work())
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return
    raise AssertionError("it is still there")
