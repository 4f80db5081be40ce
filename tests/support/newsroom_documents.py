"""Make a newsroom's folder of any size from the golden documents: pages, texts, ninjs, copies, bad ones.

The same seed always makes the same files. Every story has a headline, address, date and paragraphs of its
own; one document in twenty corrects an earlier story, one in thirty is a copy of one, one in twenty-five is
one of the odd documents of `golden/newsroom`, refused or noted.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

GOLDEN: Final = Path(__file__).parents[1] / "golden"
_SITE: Final = (
    *("article-template/page.html", "variant-2019/page.html", "forum-template/page.html"),
    *("article-gb18030/page.shtml", "seed-text/page.txt", "ninjs/item.json"),
)
_SHARES: Final = (6, 2, 2, 2, 5, 3)
_FIRST: Final = datetime(2004, 1, 1, 6, tzinfo=UTC)
_OPENING: Final = "新年伊始,每个萧山人都满含着对美好生活的新期待。"
_DATES: Final = (
    ("2018年1月22日&nbsp;8:1", "{0.year}年{0.month}月{0.day}日&nbsp;{0.hour}:{0.minute}"),
    ("2018年1月22日 8:1", "{0.year}年{0.month}月{0.day}日 {0.hour}:{0.minute}"),
    ("2018-01-22 08:01", "{0:%Y-%m-%d %H:%M}"),
    ("2018-01-22T08:01:00", "{0:%Y-%m-%dT%H:%M:%S}"),
)
_TOWNS: Final = (
    "城厢",
    "北干",
    "蜀山",
    "新塘",
    "靖江",
    "瓜沥",
    "衙前",
    "义桥",
    "临浦",
    "河上",
    "戴村",
    "楼塔",
)
_THINGS: Final = (
    "小学",
    "卫生站",
    "菜场",
    "公交站",
    "图书角",
    "桥梁",
    "绿道",
    "泵站",
    "养老中心",
    "文化礼堂",
)
_DEEDS: Final = ("昨天投用", "本月开工", "完成改造", "通过验收", "试运行一周", "迎来首批居民")


def make_folder(folder: Path, count: int, seed: int = 1) -> None:
    """Write `count` documents into a new folder, a thousand to a subfolder."""
    for number, (name, data) in enumerate(documents(count, seed)):
        place = folder / f"{number // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)


def documents(count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of each document; names sort in the order of making."""
    chance = random.Random(seed)
    paragraphs = _paragraphs()
    site = [(GOLDEN / "ingest" / name, _decoded(GOLDEN / "ingest" / name)) for name in _SITE]
    odd = sorted((GOLDEN / "newsroom").glob("*/document.*"))
    for number in range(count):
        pick = chance.random()
        if pick < 0.04:
            file = chance.choice(odd)
            yield f"{number:07}{file.suffix}", file.read_bytes()
            continue
        story, corrected = number, ""
        if number and pick < 0.12:
            story = chance.randrange(max(number - 300, 0), number)
            corrected = f"经核实,第{number}处数字有误,现予更正。" if pick < 0.09 else ""
        own = random.Random(seed * 1_000_003 + story)
        file, text = own.choices(site, _SHARES)[0]
        encoding = "gb18030" if "gb18030" in file.parent.name else "utf-8"
        yield f"{number:07}{file.suffix}", _story(own, text, paragraphs, story, corrected).encode(encoding)


def _paragraphs() -> list[str]:
    """The paragraphs of the article that all golden pages of the site hold, the longest first."""
    expected = json.loads((GOLDEN / "ingest" / "article-template" / "expected.json").read_text("utf-8"))
    found = {text for kind, text, _ in expected["body"] if kind == "paragraph" and text != _OPENING}
    return sorted(found, key=lambda text: (-len(text), text))


def _story(own: random.Random, text: str, paragraphs: list[str], story: int, corrected: str) -> str:
    """This golden text as another story: its clauses in another order, with other numbers."""
    clauses = [clause for one in paragraphs for clause in re.split("[,。;、]", one) if clause]
    for one in paragraphs:
        count = len(re.findall("[,。;]", one)) or 1
        told = ",".join(own.choices(clauses, k=count))
        text = text.replace(one, f"{re.sub('[0-9]+', lambda _: str(own.randrange(2, 999)), told)}。")
    at = _FIRST + timedelta(minutes=97 * story)
    for there, form in _DATES:
        text = text.replace(there, form.format(at))
    things = [f"{own.choice(_TOWNS)}{own.choice(_THINGS)}{own.choice(_DEEDS)}" for _ in range(3)]
    opening = f"{things[0]},记者第{story}次到现场看了看。{things[1]},居民说方便多了。"
    text = text.replace(_OPENING, opening + corrected)
    text = text.replace("系列报道之四", f"系列报道之{story}:{things[2]}")
    return text.replace("2837262", f"{1_000_000 + story}").replace("2018_1/", f"{at.year}_{at.month}/")


def _decoded(file: Path) -> str:
    data = file.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030")
