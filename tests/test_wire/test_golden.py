"""The same edition is the same bytes: golden files, and processes that differ in all they can."""

from __future__ import annotations

import hashlib
import json
import locale
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_wire.cases import rendered
from tests.test_wire.regolden import GOLDEN

ROOT = Path(__file__).parent.parent.parent
RENDERED = rendered()
DIGESTS = """
import hashlib, json, locale, sys
locale.setlocale(locale.LC_ALL, "")
from tests.test_wire.cases import rendered
json.dump({name: hashlib.sha256(one.body).hexdigest() for name, one in rendered().items()}, sys.stdout)
"""


def digests() -> dict[str, str]:
    return {name: hashlib.sha256(one.body).hexdigest() for name, one in rendered().items()}


def in_another_process(**settings: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        cwd=ROOT,
        env=environment | settings,
        check=True,
        capture_output=True,
        timeout=60,
    )
    made: dict[str, str] = json.loads(done.stdout)
    return made


@pytest.mark.parametrize("name", RENDERED)
def test_the_bytes_are_the_golden_file(name: str) -> None:
    assert RENDERED[name].body == (GOLDEN / name).read_bytes()


def test_every_golden_file_is_of_a_case_and_every_case_says_why() -> None:
    found = {str(path.relative_to(GOLDEN)) for path in GOLDEN.glob("*/expected.*")}
    assert found == set(RENDERED)
    assert all((GOLDEN / name).with_name("why.md").read_text("utf-8").strip() for name in RENDERED)


def test_rendering_again_gives_the_same_bytes() -> None:
    assert digests() == digests()


@pytest.mark.parametrize(("seed", "zone"), [("1", "America/St_Johns"), ("4711", "Asia/Shanghai")])
def test_another_process_hash_seed_and_time_zone_give_the_same_bytes(seed: str, zone: str) -> None:
    assert in_another_process(PYTHONHASHSEED=seed, TZ=zone) == digests()


def test_a_chinese_locale_gives_the_same_bytes(tmp_path: Path) -> None:
    compiler = shutil.which("localedef")
    if compiler is None or not Path("/usr/share/i18n/locales/zh_CN").exists():
        pytest.skip("there is no source of the locale zh_CN: apt-get install locales")
    target = tmp_path / "zh_CN.UTF-8"
    subprocess.run(
        [compiler, "--no-archive", "-i", "zh_CN", "-f", "UTF-8", str(target)], check=True, timeout=60
    )
    assert in_another_process(LOCPATH=str(tmp_path), LC_ALL="zh_CN.UTF-8") == digests()


def test_rendering_never_switches_the_locale_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise AssertionError("other threads would see it")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert rendered()
