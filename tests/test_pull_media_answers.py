"""Whatever a server answers for a file, nothing of it is kept that is not the file that was announced."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from syndicate.client import media_folder
from tests.support.shell import PROJECT, no_settings
from tests.support.stub_media import Handler, StubFile, a_digest, content
from tests.support.stub_publisher import KEY, Partner, an_id, partner, problem, publishing

__all__ = ["no_settings", "partner"]

PICTURE = content("picture", 5_000)
FILM = content("film", 3 * 2**20)


def giving(body: bytes, status: int = 200, **changed: str | None) -> Handler:
    """An answer with the headers of the true one, changed; None leaves one out."""
    named = {name.replace("_", "-"): value for name, value in changed.items()}

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {**StubFile(PICTURE, "image/jpeg").headers, **named}
        kept = {name: value for name, value in headers.items() if value is not None}
        return web.Response(body=body, status=status, headers=kept)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    """A body in chunks, without a length and without an end."""
    response = web.StreamResponse(headers=StubFile(PICTURE, "image/jpeg").headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def too_short(request: web.Request) -> web.StreamResponse:
    """Fewer bytes than its length says."""
    response = web.StreamResponse(headers=StubFile(PICTURE, "image/jpeg").headers)
    response.content_length = len(PICTURE)
    await response.prepare(request)
    await response.write(PICTURE[:100])
    assert request.transport is not None
    request.transport.close()
    return response


WRONG: dict[str, tuple[Handler, str]] = {
    "another content": (giving(b"x" * 5_000), "its content does not match its digest"),
    "another digest": (giving(PICTURE, Repr_Digest=a_digest(b"")), "its content does not match its digest"),
    "no digest": (giving(PICTURE, Repr_Digest=None), "it has no SHA-256 digest"),
    "a weaker digest": (giving(PICTURE, Repr_Digest="md5=:AAAA:"), "it has no SHA-256 digest"),
    "a digest that is none": (giving(PICTURE, Repr_Digest="sha-256=:AAAA:"), "it has no SHA-256 digest"),
    "longer": (giving(PICTURE + b"!"), "it has 5001 bytes, should have 5000"),
    "shorter": (giving(PICTURE[:-1]), "it has 4999 bytes, should have 5000"),
    "without end": (endless, "it has ? bytes, should have 5000"),
    "a page in its place": (
        giving(b"<html>".ljust(5_000), Content_Type="text/html"),
        "it is text/html, should be image/jpeg",
    ),
    "no type": (giving(PICTURE, Content_Type="application/octet-stream"), "should be image/jpeg"),
    "a part that nobody asked for": (
        giving(PICTURE, 206, Content_Range="bytes 0-4999/5000"),
        "206 is no answer to what was asked",
    ),
    "not modified": (giving(b"", 304), "304 is no answer to what was asked"),
    "a range that nobody asked for": (giving(b"", 416), "416 is no answer to what was asked"),
    "a coding": (giving(PICTURE, Content_Encoding="zstd9"), "it has a content coding"),
    "a refusal of the request": (giving(b"{}", 400), "the server refused (400)"),
}


@pytest.mark.parametrize(("answer", "said"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_not_what_was_announced_is_not_kept(
    partner: Partner, answer: Handler, said: str
) -> None:
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.put_media(2)
    partner.server.media.strange = [answer]
    outcome = partner.pull("--lang", "en")
    # One of the two was spoilt: the smallest comes first, and both are as large.
    assert (outcome.code, len(kept(partner))) == (1, 1)
    assert said in outcome.err
    assert "1 files" in outcome.err
    assert parts(partner) == []
    partner.good_media()
    assert len(kept(partner)) == 2


def kept(partner: Partner) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (partner.folder / "media").iterdir()}


def parts(partner: Partner) -> list[Path]:
    return list((partner.folder / ".syndicate" / "parts").iterdir())


def test_an_answer_that_breaks_off_is_asked_for_again(partner: Partner) -> None:
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.media.strange = [too_short]
    outcome = partner.pull()
    assert (outcome.code, kept(partner)) == (0, {f"{an_id(1)}.web.jpg": PICTURE})
    assert "连接中断，应答不完整" in outcome.err


def test_a_server_that_breaks_off_each_time_is_left_after_some_tries(partner: Partner) -> None:
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.media.strange = [too_short] * 9
    assert partner.pull().code == 1
    assert len(partner.server.media.strange) == 6
    partner.server.media.strange.clear()
    partner.good_media()


def rest(start: int, **changed: str) -> Handler:
    """A 206 with what is behind `start`, in the headers of the film, changed."""

    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        headers = StubFile(FILM, "video/mp4").headers
        headers["Content-Range"] = f"bytes {start}-{len(FILM) - 1}/{len(FILM)}"
        return web.Response(status=206, body=FILM[start:], headers={**headers, **named})

    return answer


WRONG_PARTS: dict[str, Callable[[int], Handler]] = {
    "another range": lambda at: rest(at - 1),
    "another total": lambda at: rest(at, Content_Range=f"bytes {at}-{len(FILM)}/{len(FILM) + 1}"),
    "no range": lambda at: rest(at, Content_Range="bytes */3"),
    "another version": lambda at: rest(at, ETag='"other"'),
    "a weak validator": lambda at: rest(at, ETag=f"W/{StubFile(FILM, '').headers['ETag']}"),
    "another digest": lambda at: rest(at, Repr_Digest=a_digest(b"")),
    "another type": lambda at: rest(at, Content_Type="text/html"),
    "a range that cannot be": lambda at: giving(b"", 416),
}


@pytest.mark.parametrize("spoil", WRONG_PARTS.values(), ids=WRONG_PARTS)
def test_a_rest_that_does_not_belong_to_what_came_is_thrown_away_with_it(
    partner: Partner, spoil: Callable[[int], Handler]
) -> None:
    partner.server.put_media(1, medium="video", files={"original": FILM})
    media, spoilt = partner.server.media, 0
    media.cut_after = 2 * 2**20

    def spoil_the_rest(request: web.Request) -> None:
        nonlocal spoilt
        if "Range" in request.headers and not spoilt:
            spoilt = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            media.strange, media.cut_after = [spoil(spoilt)], None

    partner.server.before = spoil_the_rest
    outcome = partner.pull()
    assert (outcome.code, kept(partner), parts(partner)) == (1, {}, [])
    assert spoilt >= 2**20
    partner.good_media()
    assert kept(partner) == {f"{an_id(1)}.original.mp4": FILM}


def test_a_redirect_is_not_followed_and_the_address_of_a_document_is_not_used(partner: Partner) -> None:
    with publishing() as elsewhere:

        async def away(request: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": f"{elsewhere.address}{request.path}"})

        partner.server.put_media(1, files={"web": PICTURE})
        for rendition in partner.server.stories[an_id(1)]["renditions"]:
            rendition["href"] = f"{elsewhere.address}/licensed/media/{an_id(1)}/web"
        partner.server.media.strange = [away]
        outcome = partner.pull()
        assert (outcome.code, kept(partner)) == (1, {})
        assert f"服务器转到 {elsewhere.address}" in outcome.err
        partner.good_media()
        assert elsewhere.asked == []
    assert len(kept(partner)) == 1
    assert KEY not in outcome.out + outcome.err


NOT_KEPT: dict[str, dict[str, Any]] = {
    "a name that climbs": {"name": "../../../etc/cron.d/evil"},
    "a name that nobody knows": {"name": "huge"},
    "a name that is no text": {"name": ["web"]},
    "a page": {"contentType": "text/html"},
    "a script in a picture": {"contentType": "image/svg+xml"},
    "a type that climbs": {"contentType": "image/../x"},
    "no size": {"sizeInBytes": None},
    "a size as a text": {"sizeInBytes": "5000"},
    "a size of nothing": {"sizeInBytes": 0},
    "a size below nothing": {"sizeInBytes": -1},
    "a size as a truth": {"sizeInBytes": True},
    "more than a disk has": {"sizeInBytes": 2**60},
}


@pytest.mark.parametrize("changed", NOT_KEPT.values(), ids=NOT_KEPT)
def test_a_rendition_that_cannot_be_kept_is_not_asked_for(
    partner: Partner, changed: dict[str, Any]
) -> None:
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.stories[an_id(1)]["renditions"][0].update(changed)
    partner.good_media("--renditions", "all")
    assert kept(partner) == {}
    assert not [line for line in partner.server.asked if "/media/" in line]


@pytest.mark.parametrize("renditions", [None, "web", {"name": "web"}, [None, 3, "web", []], [{}]])
def test_renditions_and_associations_of_a_wrong_form_are_none(partner: Partner, renditions: Any) -> None:
    partner.server.put(1, type="picture", renditions=renditions, associations=renditions)
    partner.good_media()
    assert kept(partner) == {}


def test_a_disk_without_room_is_told_and_texts_and_recalls_go_on(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner.server.put(2)
    partner.good()
    monkeypatch.setattr(media_folder, "RESERVE", 2**62)
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.put(3)
    seq = partner.server.recall(2)
    outcome = partner.pull()
    assert (outcome.code, kept(partner)) == (1, {})
    assert "磁盘已满" in outcome.err
    assert "尚欠 1 个文件" in outcome.err
    assert partner.server.acknowledged == [seq]
    monkeypatch.undo()
    partner.good_media()
    assert len(kept(partner)) == 1


def test_a_disk_that_fills_within_a_file_leaves_the_rest_whole(partner: Partner) -> None:
    partner.server.put_media(1, files={"web": PICTURE})
    partner.server.put_media(2, medium="video", files={"original": FILM})

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    done = subprocess.run(
        [sys.executable, "-m", "syndicate", *partner.words, "--json"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        preexec_fn=little_room,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done
    assert "磁盘已满，无法写入" in done.stderr
    assert kept(partner) == {f"{an_id(1)}.web.jpg": PICTURE}
    partner.server.media.given.clear()
    partner.good_media()
    # What came of the film before is gone on with.
    assert [status for _, status, _ in partner.server.media.given] == [206]
    assert len(kept(partner)) == 2


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_server_that_fails_for_one_file_is_asked_again(partner: Partner, status: int) -> None:
    partner.server.put_media(1, files={"web": PICTURE})

    async def failing(request: web.Request) -> web.StreamResponse:
        return problem(status, "busy", {"Retry-After": "0"})

    partner.server.media.strange = [failing, failing]
    partner.good_media()
    assert len(kept(partner)) == 1
