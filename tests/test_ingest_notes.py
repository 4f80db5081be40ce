"""What ingest reads with doubt has a note that names its line and says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import syndicate
from syndicate.config import load
from syndicate.errors import Faulty
from syndicate.ingest import markup
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.notes import ACTION_CODES, NOTE_CODES, Note
from syndicate.services.newsroom.document_decision import Action
from syndicate.services.newsroom.item_service import ItemService
from tests.support.factories import STAFF
from tests.support.ingest_helpers import article, ninjs, parsed
from tests.support.shell import Shell
from tests.test_services import Here, on, page, taken_id

DOUBTED = page().decode().replace("来源:萧山日报", "来源:杭州日报").encode()


def notes_of(document: object, code: str) -> list[tuple[str, int | None]]:
    found = parsed(document)  # type: ignore[arg-type]
    return [(note.field, note.line) for note in found.notes if note.code == code]


@pytest.mark.parametrize("year", [2027, 2028])
def test_a_time_of_publication_that_is_still_to_come_is_noted_with_its_line(year: int) -> None:
    page = "首页\n湘湖水质再提升\n{}年1月22日 8:1来源:萧山日报\n第一段，昨天开园。\n第二段，今天开园。\n"
    assert notes_of(page.format(year), "published_in_future") == [("published", 3)]
    assert notes_of(page.format(2018), "published_in_future") == []
    assert notes_of(article("<p>一段。</p>", time=f"{year}年1月22日 8:01"), "published_in_future") == [
        ("published", None)
    ]
    assert notes_of(ninjs(firstCreated=f"{year}-01-22T08:01:00+08:00"), "published_in_future") == [
        ("published", None)
    ]


@pytest.mark.parametrize("source", ["杭州日报", "萧山日报社", "新华社"])
def test_a_source_that_is_none_of_our_outlets_is_noted_with_its_line(source: str) -> None:
    page = "湘湖水质再提升\n2018年1月22日 8:1来源:{}\n据杭州日报、新华社、萧山日报社报道。\n第二段。\n"
    assert notes_of(page.format(source), "source_not_ours") == [("source", 2)]
    assert notes_of(page.format("萧山日报"), "source_not_ours") == []
    (note,) = [one for one in parsed(page.format(source)).notes if one.code == "source_not_ours"]
    assert source in note.text.zh
    assert source in note.text.en


def test_every_code_of_a_note_is_known_and_in_the_reference() -> None:
    sources = Path(syndicate.__file__).parent.rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\bNote\(\s*\"(\w+)\"", text))
    used |= {code for code, _, _ in markup._NOTES.values()}
    assert {"source_not_ours", "media_left_out"} <= used
    assert used <= NOTE_CODES | ACTION_CODES
    with pytest.raises(ValueError, match="no_such_note"):
        Note("no_such_note", "body", Text("", ""))
    reference = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"
    rows = re.findall(r"^\| `(\w+)` \| ", reference.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) >= NOTE_CODES


def test_notes_are_kept_with_the_version_that_they_are_about(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        items = here.house.items
        pictured = page().decode().replace("</p>", "</p><img src='http://www.xsnet.cn/1.jpg'>", 1).encode()
        plain = await items.take_in(STAFF, page("没有提示的稿件", minute=5), "b.html")
        first = await items.take_in(STAFF, pictured, "a.html")
        id = ItemId(taken_id(first))
        assert [note.code for note in first.notes] == ["media_left_out"]
        assert await items.notes(await items.item(id)) == first.notes
        assert [one.id for one in await items.items(noted=True)] == [id]
        assert await items.newest_notes([id, ItemId(taken_id(plain))]) == {id: first.notes}
        # The same content without the picture is no new version, and has no note any more.
        lines = len(await here.store.lines())
        again = await items.take_in(STAFF, page(), "a.html")
        assert (again.action, len(await here.store.lines())) == (Action.UNCHANGED, lines)
        assert await items.notes(await items.item(id)) == ()
        assert await items.items(noted=True) == []
        await items.take_in(STAFF, pictured, "a.html")
        second = await items.take_in(
            STAFF, page(body="更正后的一段,写得同样足够长,摘要只取开头的一句。"), "a.html"
        )
        assert (second.action, await items.items(noted=True)) == (Action.UPDATED, [])
        assert await items.notes(await items.item(id, 1)) == first.notes
        assert await items.notes(await items.item(id, 2)) == ()

    on(store_address, tmp_path, story)


def test_a_setting_refuses_documents_with_chosen_notes(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        publisher = here.house.settings.publisher
        strict = ItemService(here.store, publisher, here.clock, frozenset({"source_not_ours"}))
        refused = await strict.take_in(STAFF, DOUBTED, "a.html")
        assert (refused.action, [fault.code for fault in refused.faults]) == (
            Action.REFUSED,
            ["source_not_ours"],
        )
        good = await strict.take_in(STAFF, page(), "b.html")
        with pytest.raises(Faulty) as error:
            await strict.correct(STAFF, ItemId(taken_id(good)), DOUBTED, "a.html", "更正来源")
        assert [fault.code for fault in error.value.faults] == ["source_not_ours"]
        assert (await here.house.items.take_in(STAFF, DOUBTED, "a.html")).action is Action.CREATED

    on(store_address, tmp_path, story)


def test_the_setting_takes_known_codes_and_names_them_where_one_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('ingest_refuse_notes = ["headline_uncertain", "media_left_out"]\n', encoding="utf-8")
    assert load(file, {}).ingest_refuse_notes == {"headline_uncertain", "media_left_out"}
    file.write_text('\ningest_refuse_notes = ["media_left_out", "withheld"]\n', encoding="utf-8")
    with pytest.raises(Faulty) as error:
        load(file, {})
    (fault,) = error.value.faults
    assert (fault.code, fault.line) == ("unknown_note", 2)
    assert all(code in fault.text.zh and code in fault.text.en for code in NOTE_CODES)


def test_commands_count_list_and_show_notes(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("init")
    story = "湘湖水质提升\n{}\n湘湖边的一段写得足够长，摘要只取开头一句。\n第二段也很长，细节更多。\n"
    for name, line in {
        "a.txt": "2018年1月22日 8:1来源:杭州日报",
        "b.txt": "2018年1月22日 8:2来源:新华社",
        "c.txt": "2099年1月22日 8:1来源:萧山日报",
        "d.txt": "2018年1月22日 8:1来源:萧山日报",
    }.items():
        (tmp_path / name).write_text(story.format(line), encoding="utf-8")
    files = [str(tmp_path / f"{name}.txt") for name in "abcd"]
    zh = shell.good("ingest", *files).err
    assert (
        "有提示 3 份：source_not_ours 2，published_in_future 1；用 syndicate item list --noted 查看" in zh
    )
    en = shell.good("ingest", *files, "--json", "--lang", "en")
    assert "3 with notes: 2 source_not_ours, 1 published_in_future; list them" in en.err
    assert [[note["code"] for note in one["notes"]] for one in en.lines] == [
        ["source_not_ours"],
        ["source_not_ours"],
        ["published_in_future"],
        [],
    ]
    listed = shell.good("item", "list", "--noted", "--json").lines
    assert [one["notes"] for one in listed] == [
        ["published_in_future"],
        ["source_not_ours"],
        ["source_not_ours"],
    ]
    assert len(shell.good("item", "list", "--json").lines) == 4
    table = shell.good("item", "list", "--noted").out
    assert "source_not_ours" in table
    assert "未到发布时间，2099-01-22 08:01 起可见" in table
    shown = shell.good("item", "show", listed[0]["id"])
    assert "第 2 行" in shown.out
    assert "[published_in_future]" in shown.out
    (note,) = shell.good("item", "show", listed[0]["id"], "--json").json["notes"]
    assert (note["code"], note["field"], note["line"]) == ("published_in_future", "published", 2)


def test_the_summary_counts_only_notes_that_are_kept(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("init")
    story = "湘湖水质提升\n2018年1月22日 8:1来源:{}\n湘湖边的一段写得足够长，摘要只取开头一句。\n"
    held, doubted = tmp_path / "held.txt", tmp_path / "doubted.txt"
    held.write_text(story.format("萧山日报"), encoding="utf-8")
    doubted.write_text(story.format("杭州日报"), encoding="utf-8")
    alone = shell.good("ingest", "--withhold", str(held), "--lang", "en")
    assert "[withheld]" in alone.out
    assert "--noted" not in alone.err
    assert shell.good("item", "list", "--noted", "--json").lines == []
    both = shell.good("ingest", "--embargo", "2099-01-01 08:00", str(held), str(doubted), "--lang", "en")
    assert both.out.count("[embargoed]") == 2
    assert "1 with notes: 1 source_not_ours; list them with syndicate item list --noted" in both.err
    assert len(shell.good("item", "list", "--noted", "--json").lines) == 1
