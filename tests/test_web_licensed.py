"""What a partner gets and what it does not: each refusal, each line, each right at its very end."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from syndicate.model.events import EditionDelivered, ItemDelivered, LicenceShown, ReleaseRefused
from syndicate.model.records import event_fields
from tests.support.factories import SECRET, STAFF, days, minutes
from tests.support.fixtures import LICENSED_FEED, Keys, an_id, code_of, jti_of, line_of, told, visit
from tests.support.servers import BASE_URL, Answer, Serving
from tests.test_matrix import page, read

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_an_item_that_is_hidden_is_not_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        heard = set()
        for item in (
            await an_id(here, "外来稿件"),
            await an_id(here, "未来稿件"),
            "20200101-aaaaaaaaaa",
        ):
            answer = await here.get(
                f"/licensed/items/{item}", key=keys["broad"], headers={"If-None-Match": "*"}
            )
            assert code_of(answer) == (404, "not_found")
            heard.add(json.dumps(told(answer)))
        assert len(heard) == 1
        assert code_of(await here.get("/licensed/feeds/nope.rss", key=keys["broad"])) == (
            404,
            "unknown_feed",
        )

    visit(tmp_path, act)


def test_licensed_answers_are_kept_by_no_shared_cache(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        for path in (
            LICENSED_FEED,
            "/licensed/feeds/news.rss",
            "/licensed/feeds/daily.atom",
            f"/licensed/items/{item}",
        ):
            full = await here.get(path, key=keys["broad"])
            sent = {"If-None-Match": full.headers["ETag"]}
            for answer in (full, await here.get(path, key=keys["broad"], headers=sent)):
                assert answer.headers["Cache-Control"] == "private, no-cache"
                assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
                assert answer.headers["Link"] == f'<{BASE_URL}/terms>; rel="license"'
            assert answer.status == 304
        licence = await here.get("/licensed/licence", key=keys["broad"])
        assert licence.headers["Cache-Control"] == "private, no-store"
        for key in (keys["bare"], None):
            answer = await here.get(LICENSED_FEED, key=key)
            assert "no-store" in answer.headers["Cache-Control"]

    visit(tmp_path, act)


def test_a_refusal_says_why_under_which_clause_and_whom_to_ask(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        health, ask = await an_id(here, "日报健康"), await an_id(here, "日报问政")
        cases = [
            ("bare", LICENSED_FEED, "no_licence", None),
            ("soon", LICENSED_FEED, "licence_not_begun", "L-soon"),
            ("linker", f"{LICENSED_FEED}?use=reprint", "use_not_granted", "L-linker"),
            ("narrow", f"/licensed/items/{health}?use=copy", "excepted", "L-narrow"),
            ("narrow", f"/licensed/items/{ask}?use=copy", "channel_not_granted", "L-narrow#1"),
        ]
        for partner, path, reason, clause in cases:
            answer = await here.get(path, key=keys[partner])
            said = json.loads(answer.body)
            assert code_of(answer) == (403, "not_licensed"), (path, said)
            assert said["reason"] == reason, said
            assert (said["clause"] or "").startswith(clause or ""), said
            assert (said["clause"] is None) is (clause is None)
            assert said["contact"] == here.house.settings.publisher.contact
            line = await line_of(here, answer)
            assert isinstance(line, ReleaseRefused)
            assert (line.partner, line.reason, line.clause) == (partner, reason, said["clause"])
            english = await here.get(path, key=keys[partner], headers={"Accept-Language": "en"})
            assert json.loads(english.body)["detail"].isascii()

    visit(tmp_path, act)


def test_the_use_decides_what_is_in_the_answer(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in (LICENSED_FEED, f"/licensed/items/{await an_id(here, '日报新闻')}"):
            for use, full in (("reprint", True), ("link", False), (None, True)):
                answer = await here.get(path + (f"?use={use}" if use else ""), key=keys["broad"])
                assert answer.status == 200
                assert (SECRET in answer.text) is full, (path, use)
                line = event_fields(await line_of(here, answer))
                assert line["use"] == (use or ("" if path == LICENSED_FEED else "reprint"))
            for wrong in ("nonsense", "", "REPRINT", "reprint&use=link", "reprint%00"):
                answer = await here.get(f"{path}?use={wrong}", key=keys["broad"])
                assert code_of(answer) == (400, "bad_parameter"), wrong
                said = json.loads(answer.body)
                assert said["field"] == "use"
                assert ("只能写一次" in said["detail"]) is ("&" in wrong)

    visit(tmp_path, act)


def test_a_licence_says_whether_it_is_in_force_and_what_is_left_of_its_quota(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        opens, closes = (here.clock.now + days(at) for at in (1, 2))
        document = (
            f'number = "L-counted"\npartner = "bare"\nvalid_from = {opens.isoformat()}\n'
            f'valid_until = {closes.isoformat()}\n[[grant]]\nuses = ["link"]\noutlets = ["daily"]\n'
            'media = ["text"]\nquota = { items = 5, per = "day" }\n'
        )
        await here.house.rights.add_licence(STAFF, document, "licence.toml")
        seen = []
        for _ in range(3):
            told = json.loads((await here.get("/licensed/licence", key=keys["bare"])).body)
            (one,) = told["licences"]
            (quota,) = (grant["quota"] for grant in one["grants"])
            tomorrow = (here.clock.now.astimezone(SHANGHAI) + days(1)).date()
            assert quota == {
                "items": 5,
                "per": "day",
                "left": 5,
                "resets": f"{tomorrow}T00:00:00+08:00",
            }
            seen.append(one["state"])
            here.clock.move(days(1.5))
        assert seen == ["not_begun", "in_force", "ended"]

    visit(tmp_path, act)


def test_every_answer_has_its_line_and_every_list_names_what_was_in_the_body(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        ids = {item.headline: item.id for item in await here.house.items.items(limit=100)}
        seen = 0
        for partner in ("broad", "narrow", "linker"):
            for format in ("rss", "atom", "json"):
                path = f"/licensed/feeds/all.{format}"
                full = await here.get(path, key=keys[partner])
                sent = {"If-None-Match": full.headers["ETag"]}
                answers = [
                    (full, "GET", 200),
                    (await here.get(path, key=keys[partner], method="HEAD"), "HEAD", 200),
                    (await here.get(path, key=keys[partner], headers=sent), "GET", 304),
                    (await here.get(path, key=keys[partner], headers=sent, method="HEAD"), "HEAD", 304),
                ]
                for answer, method, status in answers:
                    assert answer.status == status
                    line = await line_of(here, answer)
                    assert isinstance(line, EditionDelivered)
                    assert (line.partner, line.jti) == (partner, jti_of(keys[partner]))
                    assert (line.feed, line.format) == ("all", format)
                    assert (line.method, line.status) == (method, status)
                    listed = json.loads(await here.house.store.manifest(line.edition) or b"")
                    assert listed["recipient"] == f"partner:{partner}"
                    body = read(format, full.body)
                    assert [one[0] for one in listed["items"]] == [ids[headline] for headline in body]
                    assert all(one[3].startswith(f"L-{partner}") for one in listed["items"])
                    seen += len(listed["items"])
        item = ids["日报新闻"]
        etag = (await here.get(f"/licensed/items/{item}", key=keys["broad"])).headers["ETag"]
        for method, sent, status in (
            ("GET", {}, 200),
            ("HEAD", {}, 200),
            ("GET", {"If-None-Match": etag}, 304),
        ):
            answer = await here.get(
                f"/licensed/items/{item}", key=keys["broad"], headers=sent, method=method
            )
            line = await line_of(here, answer)
            assert isinstance(line, ItemDelivered)
            assert (line.item, line.version, line.clause) == (item, 1, "L-broad#1")
            assert (line.method, line.status) == (method, status)
        looked = await line_of(here, await here.get("/licensed/licence", key=keys["bare"]))
        assert isinstance(looked, LicenceShown)
        assert seen > 20

    visit(tmp_path, act)


def test_no_partner_ever_gets_anothers_edition(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        alone = {}
        for partner in ("broad", "narrow", "linker"):
            alone[partner] = (await here.get(LICENSED_FEED, key=keys[partner])).body
        assert len(set(alone.values())) == 3

        async def one(number: int) -> None:
            partner = ("broad", "narrow", "linker")[number % 3]
            other = ("narrow", "linker", "broad")[number % 3]
            answer = await here.get(LICENSED_FEED, key=keys[partner])
            assert (answer.status, answer.body) == (200, alone[partner])
            line = await here.house.store.lines(limit=1)  # the store goes on answering meanwhile
            assert line
            # A validator that was another's opens no 304: the bodies differ, and so do their names.
            etag = (await here.get(LICENSED_FEED, key=keys[other])).headers["ETag"]
            assert (
                await here.get(LICENSED_FEED, key=keys[partner], headers={"If-None-Match": etag})
            ).status == 200

        await asyncio.gather(*(one(number) for number in range(200)))
        # Also while it is being made anew: a story comes in under 200 requests.
        document = page("半路来的", "2026年11月2日 12:00", "萧山日报", "健康")
        requests = [here.get(LICENSED_FEED, key=keys[("broad", "narrow")[n % 2]]) for n in range(200)]
        answers, _ = await asyncio.gather(
            asyncio.gather(*requests), here.house.items.take_in(STAFF, document, "new.txt")
        )
        for number, answer in enumerate(answers):
            assert answer.status == 200
            if number % 2:
                assert "半路来的" not in answer.text, "its licence excepts that channel"
                assert "电视新闻" not in answer.text
        assert "半路来的" in (await here.get(LICENSED_FEED, key=keys["broad"])).text

    visit(tmp_path, act)


def test_what_ends_by_time_ends_at_its_very_second_also_where_it_was_cached(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        noon = here.clock()
        tick = timedelta(microseconds=1)

        async def at(moment: datetime, partner: str) -> Answer:
            here.clock.now = moment
            return await here.get(LICENSED_FEED, key=keys[partner])

        def headlines(answer: Answer) -> set[str]:
            return set(read("json", answer.body))

        # A delay of half an hour.
        assert headlines(await at(noon + minutes(30) - tick, "narrow")) == set()
        assert headlines(await at(noon + minutes(30), "narrow")) == {"日报新闻"}
        # A licence that begins, on 4 November at midnight in Xiaoshan, and ends two days later.
        opens = datetime.fromisoformat("2026-11-04T00:00:00+08:00")
        before = await at(opens - tick, "soon")
        assert json.loads(before.body)["reason"] == "licence_not_begun"
        assert (await at(opens, "soon")).status == 200
        closes = opens + days(2)
        assert (await at(closes - tick, "soon")).status == 200
        after = await at(closes, "soon")
        assert (after.status, json.loads(after.body)["reason"]) == (403, "licence_ended")
        # A retention of seven days.
        assert headlines(await at(noon + days(7) - tick, "narrow")) == {"日报新闻", "未来稿件"}
        assert headlines(await at(noon + days(7), "narrow")) == {"未来稿件"}
        # A mandate that ends.
        ends = datetime.fromisoformat("2026-11-10T00:00:00+08:00")
        assert "电视新闻" in headlines(await at(ends - tick, "broad"))
        assert "电视新闻" not in headlines(await at(ends, "broad"))

    visit(tmp_path, act)


def test_what_staff_end_is_refused_at_the_next_request(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        paths = (LICENSED_FEED, f"/licensed/items/{item}")
        for path in paths:
            for partner in ("broad", "narrow", "linker"):
                await here.get(path, key=keys[partner])
        here.clock.move(timedelta(hours=1))
        await here.house.rights.end_licence(STAFF, "L-narrow")
        for path in paths:
            answer = await here.get(path, key=keys["narrow"])
            assert json.loads(answer.body)["reason"] == "licence_ended"
        await here.house.rights.end_mandate(STAFF, "HEAD-D")
        for path in paths:
            answer = await here.get(path, key=keys["linker"])
            assert json.loads(answer.body)["reason"] == "mandate_ended"
        assert set(read("json", (await here.get(LICENSED_FEED, key=keys["broad"])).body)) == {"电视新闻"}
        assert (await here.get(f"/items/{item}")).status == 404
        assert "日报新闻" not in (await here.get("/feeds/all.rss")).text

    visit(tmp_path, act)


def test_a_trail_that_cannot_be_written_lets_nothing_out(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        assert (await here.get(LICENSED_FEED, key=keys["broad"])).status == 200
        (name,) = tmp_path.rglob("*.db")
        blocker = await asyncio.create_subprocess_exec(
            *("python3", "-c"),
            "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
            "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()",
            str(name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert blocker.stdout is not None
        await blocker.stdout.readline()
        try:
            licensed, public = await asyncio.gather(
                here.get(LICENSED_FEED, key=keys["broad"]), here.get("/feeds/all.rss")
            )
            assert code_of(licensed) == (503, "unavailable")
            assert licensed.headers["Retry-After"]
            assert SECRET not in licensed.text
            assert public.status == 200, "what is open is read all the same"
        finally:
            await blocker.communicate(b"")
        assert (await here.get(LICENSED_FEED, key=keys["broad"])).status == 200, "it recovers by itself"

    visit(tmp_path, act)
