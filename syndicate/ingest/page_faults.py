"""Report the faults of a page: it has no valid date, is one page of several, or its text is cut short."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from syndicate.errors import Fault
from syndicate.ingest.dates import PRINTED
from syndicate.ingest.furniture import is_cut_short, is_firm_end, is_prose, names_more_pages
from syndicate.ingest.label_words import DATES, Label
from syndicate.ingest.labels import Labelled
from syndicate.ingest.page_lines import PageLine
from syndicate.language import Text
from syndicate.model.notes import quoted


def date_faults(
    dated: tuple[Label, re.Match[str]] | None,
    published: datetime | None,
    info: Sequence[Labelled],
    page: Sequence[PageLine],
    texts: Sequence[str],
) -> tuple[Fault, ...]:
    """Return the fault of a page without a valid date, with the nearest line; nothing where it has one."""
    if published is not None:
        return ()
    if dated is not None:
        _, match = dated
        number = next((one.number for one, text in zip(page, texts, strict=True) if match[0] in text), None)
        return (invalid_date(match[0], number),)
    unread = next(
        (one.text for one in info if any(label in DATES and value for label, value in one.values)), ""
    )
    if unread:
        number = next((one.number for one, text in zip(page, texts, strict=True) if text == unread), None)
        return (invalid_date(unread, number),)
    return missing_date(page, texts)


def missing_date(page: Sequence[PageLine], texts: Sequence[str]) -> tuple[Fault, ...]:
    """Return the fault of a page that is not dated, naming the line that is nearest to a date, if any."""
    for one, text in zip(page, texts, strict=True):
        if is_prose(text) and not PRINTED.search(text):
            continue
        nearest = PRINTED.search(text) or re.search(
            r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|[〇零一二三四五六七八九]{4}年|\d{4}\s?年|\d{1,2}月\d{1,2}日|\d{1,2}-\d{1,2}\s+\d{1,2}:\d\d|\d+\s?(?:小时|分钟|天)前|[今昨前]天|刚刚",
            text,
        )
        if nearest:
            return (
                Fault(
                    "published_missing",
                    "published",
                    Text(
                        f"没有发布时间；最接近的一行是“{quoted(text)}”，应为“发布时间：2018年1月22日 8:01”",
                        f"no time of publication; the nearest line is “{quoted(text)}”, expected"
                        " 发布时间：2018年1月22日 8:01",
                    ),
                    one.number,
                ),
            )
    return ()


def invalid_date(found: str, number: int | None = None) -> Fault:
    """Return the fault for an incomplete or impossible date."""
    return Fault(
        "published_invalid",
        "published",
        Text(
            f"“{quoted(found)}”不是完整有效的时间；应为 2018年1月22日 8:1",
            f"'{quoted(found)}' is no complete valid time; expected 2018年1月22日 8:1",
        ),
        number,
    )


def incomplete_text(page: Sequence[PageLine]) -> tuple[Fault, ...]:
    """Return the fault of a document that is one page of several, or shows a part; else nothing."""
    after_article = False
    for one in page:
        text = one.block.text.replace("\n", " ")
        if names_more_pages(text):
            return (
                Fault(
                    "page_of_several",
                    "body",
                    Text(
                        f"“{quoted(text)}”：稿件分为多页，此文件只是其中一页；请合并全文后重新收稿",
                        f"“{quoted(text)}”: the story has several pages and this document is one"
                        " of them; join the pages and take it in again",
                    ),
                    one.number,
                ),
            )
        after_article = after_article or is_firm_end(text)
        if is_cut_short(text) and not after_article:
            return (
                Fault(
                    "text_cut_short",
                    "body",
                    Text(
                        f"“{quoted(text)}”：页面没有显示全文；请展开全文，重新保存后再收稿",
                        f"“{quoted(text)}”: the page shows a part of the text; show all of it,"
                        f" save the page"
                        " and take it in again",
                    ),
                    one.number,
                ),
            )
    return ()
