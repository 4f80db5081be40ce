"""How much a process may use for one media file, and the faults that say what a file was refused for."""

from __future__ import annotations

from dataclasses import dataclass

from syndicate.errors import Fault, Faulty
from syndicate.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """Limits of one job, for the worker and for each program that it starts.

    `memory` is address space in bytes, `cpu_seconds` is processor time, `seconds` is time on the wall,
    `file_size` is bytes of any one file that is written.
    """

    memory: int = 1536 << 20
    cpu_seconds: int = 60
    seconds: float = 180.0
    file_size: int = 256 << 20


def refused(name: str, code: str, text: Text) -> Faulty:
    """A media file's refusal for one reason, to be raised."""
    return Faulty(name, [Fault(code, "file", text)])


def too_large(name: str) -> Faulty:
    """The refusal of a file that needs more memory, or more room on the disk, than one may."""
    return refused(
        name,
        "media_too_large",
        Text(
            "处理此文件所需的内存或磁盘空间超出上限；请缩小后再提交",
            "the file needs more memory or disk space than one file may use; hand in a smaller one",
        ),
    )


def too_costly(name: str) -> Faulty:
    """The refusal of a file that takes longer than any honest one."""
    return refused(
        name,
        "media_too_costly",
        Text(
            "处理此文件用时过长，已中止；请重新导出后再提交",
            "the file takes too long to process and was given up; export it again",
        ),
    )


def unreadable(name: str, why: str) -> Faulty:
    """The refusal of a file over which a library failed, or a process died; `why` is for whoever looks."""
    return refused(
        name,
        "media_unreadable",
        Text(
            f"读取此文件时程序出错（{why}）；请重新导出后再提交",
            f"a program failed over this file ({why}); export it again",
        ),
    )
