"""What people read in Chinese has Chinese punctuation: the stamp alone keeps its ASCII colon."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndicate.formats import feed_metadata
from syndicate.formats.usage_terms import conditions, rights_line, usage_terms
from syndicate.language import Lang, Text
from syndicate.model.parties import STAMP
from syndicate.stamping import StampedItem
from tests.test_wire.cases import PUBLISHER, every_edition, feed_cases

PACKAGE = Path(__file__).parent.parent / "syndicate"
_SAYING = {"Text": slice(1), "_fault": slice(None), "_problem": slice(None)}
"""By what a sentence of ours is said, and which of the arguments may be Chinese."""
_CHINESE = "[\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e“”‘’…]"
_WRONG = re.compile(rf"{_CHINESE}[,;:?!()]|[,;:?!()][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?![\w/])")
_ADDRESS = re.compile(r"[a-z+]+://[^\s,，。；）]+")


def wrong_in(sentence: str) -> str | None:
    """The first half-width mark that touches Chinese, with its neighbours, or the first address with a
    full-width mark; inside an address, as inside the stamp, half-width is right."""
    for address in _ADDRESS.findall(sentence):
        if "：" in address:
            return str(address)
    sentence = _ADDRESS.sub("○", sentence.replace(STAMP, "○"))
    found = _WRONG.search(sentence)
    return None if found is None else sentence[max(0, found.start() - 8) : found.end() + 8]


def sentences() -> Iterator[tuple[str, str]]:
    """Every sentence that the package says by a `Text`, and where: what is put in stands as ○."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAYING:
                for argument in node.args[_SAYING[node.func.id]]:
                    yield from (
                        (f"{path.relative_to(PACKAGE)}:{node.lineno}", said) for said in _said(argument)
                    )


def _said(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(said)):
            yield said
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "○" for part in parts)
        case ast.BinOp(left=left, right=right):
            yield from (*_said(left), *_said(right))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_said(body), *_said(orelse))
        case _:
            pass  # a name, whose words stand elsewhere


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("未经授权,不得转载", True),
        ("全文;摘要", True),
        ("应为: ○", True),
        ("稿件(授权)", True),
        ("用 Basic(用户名", True),
        ("请检查网址.", True),
        (f"使用时必须注明“{STAMP}”；", False),
        ("应为 postgresql://用户：密码@主机/数据库", True),
        ("应为 postgresql://用户:密码@主机/数据库", False),
        ("见 https://feeds.xsnet.example/terms", False),
        ("可改用 .rss、.atom；例如 make run PORT=9000", False),
        ("主机名不能含 ? 或 #", False),
        ("a reprint, or a link (with its stamp)", False),
    ],
)
def test_half_width_punctuation_is_found_where_it_touches_chinese(sentence: str, wrong: bool) -> None:
    assert (wrong_in(sentence) is not None) == wrong


def test_no_chinese_sentence_of_ours_has_half_width_punctuation() -> None:
    said = list(sentences())
    assert len([one for _, one in said if re.search("[\u4e00-\u9fff]", one)]) > 300
    assert [f"{where} {wrong}" for where, one in said if (wrong := wrong_in(one)) is not None] == []


def _items() -> list[StampedItem]:
    return [item for edition in every_edition().values() for item in edition.items]


def test_what_is_put_together_from_pieces_has_chinese_punctuation_too() -> None:
    made: list[Text] = []
    for item in _items():
        made += [make(item, PUBLISHER) for make in (conditions, rights_line, usage_terms)]
    for edition in feed_cases().values():
        made.append(Text(feed_metadata.title(edition) + "\n" + feed_metadata.description(edition), ""))
    assert [wrong for one in made if (wrong := wrong_in(one.in_(Lang.ZH))) is not None] == []


def test_terms_are_whole_sentences_in_both_languages() -> None:
    for item in _items():
        asked = conditions(item, PUBLISHER)
        assert asked.zh.endswith("。")
        assert asked.en.endswith(".")
        assert asked.en[0].isupper()
        assert ".." not in usage_terms(item, PUBLISHER).en
        assert "。。" not in usage_terms(item, PUBLISHER).zh + rights_line(item, PUBLISHER).zh
