"""Disks, folders, programs and files that fail under `ingest` of media: told, and completed later."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from syndicate.media.recordings import recording_limits
from syndicate.media.worker_limits import WorkerLimits
from tests.support.media_kills import furnished, hand_in, take_in
from tests.support.servers import PROJECT, command
from tests.support.shell import Shell

FILM_BLOCK = 1 << 20
"""The folders of these tests have a film a little longer than this."""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path / "var")
    furnished(made)
    return made


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    return hand_in(tmp_path / "newsroom", 2)


def hampered(shell: Shell, newsroom: Path, **how: str) -> CompletedProcess[str]:
    """Ingest in a process that may do less than it wants."""
    module = "tests.support.hampered_command"
    return command("ingest", str(newsroom), data=shell.data, environ=how, module=module)


def files(shell: Shell) -> list[Path]:
    """The files in the media folder, but for locks."""
    found = [*(shell.data / "media").rglob("*")]
    return [one for one in found if one.is_file() and not one.name.startswith(".lock")]


def completes(shell: Shell, newsroom: Path) -> None:
    """The next run takes in what is missing, and every file is whole."""
    take_in(shell.data, newsroom)
    for medium in ("text", "picture", "audio", "video"):
        assert len(shell.good("item", "list", "--medium", medium, "--json").lines) == 1
    found = shell.good("media", "verify", "--json").lines[-1]
    assert (found["missing"], found["damaged"]) == (0, 0)
    assert [one for one in files(shell) if ".making" in one.parts or one.suffix == ".tmp"] == []


def test_a_disk_that_fills_up_in_the_middle_of_a_film_is_told_and_the_next_run_completes(
    shell: Shell, newsroom: Path
) -> None:
    done = hampered(shell, newsroom, ROOM=str(FILM_BLOCK // 2))
    assert done.returncode == 1
    assert "磁盘已满" in done.stderr
    assert "Traceback" not in done.stderr
    assert [one for one in files(shell) if len(one.name) != 64] == [], "no draft is left"
    assert shell.good("item", "list", "--medium", "video", "--json").lines == []
    completes(shell, newsroom)


FULL_DISK = """
set -e
mount -t tmpfs -o size=16m none "$DISK"
cp -a "$DATA" "$DISK/var"
avail=$(df --output=avail -k "$DISK" | tail -1)
head -c "$(( (avail - 1600) * 1024 ))" /dev/zero > "$DISK/ballast"
"$PYTHON" -m syndicate --data "$DISK/var" ingest "$NEWSROOM" && exit 9
rm "$DISK/ballast"
"$PYTHON" -m syndicate --data "$DISK/var" ingest "$NEWSROOM"
"$PYTHON" -m syndicate --data "$DISK/var" media verify
"""
"""There is room for the film, and none for the copy with the stamp inside. The disk goes with its shell."""


def test_a_real_disk_that_fills_up_while_a_film_is_looked_at_is_told_too(
    shell: Shell, newsroom: Path, tmp_path: Path
) -> None:
    own_disks = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*own_disks, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no disks of our own: unshare --user --mount is not allowed here")
    for name in ("story.html", "lake.jpg", "sound.m4a", "sound.m4a.toml"):
        (newsroom / name).unlink()
    (tmp_path / "disk").mkdir()
    own = {"DISK": tmp_path / "disk", "DATA": shell.data, "NEWSROOM": newsroom, "PYTHON": sys.executable}
    done = subprocess.run(
        [*own_disks, "sh", "-c", FULL_DISK],
        env={**os.environ, **{name: str(value) for name, value in own.items()}},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done
    assert "存放媒体文件的磁盘已满" in done.stderr
    assert "Traceback" not in done.stderr
    assert "全部完好" in done.stdout


def test_a_data_folder_that_cannot_be_written_is_named_and_nothing_is_taken(
    shell: Shell, newsroom: Path
) -> None:
    media = shell.data / "media"
    folders = [media, media / "files", media / "stamped"]
    everything = [shell.data, shell.data / "syndicate.db", *folders]
    for one in folders:
        one.mkdir(0o700)
    for closed, words in ((folders, f"媒体文件夹不可读写：{media}"), (everything, "权限和磁盘挂载方式")):
        modes = {one: one.stat().st_mode for one in closed}
        for one in closed:
            one.chmod(modes[one] & 0o555)
        done = hampered(shell, newsroom, POWERLESS="1")
        for one in closed:
            one.chmod(modes[one])
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert files(shell) == []
        assert shell.good("item", "list", "--json").lines == []
    completes(shell, newsroom)


def test_without_ffmpeg_recordings_are_taken_and_say_what_is_missing(shell: Shell, newsroom: Path) -> None:
    done = command("ingest", str(newsroom), data=shell.data, environ={"PATH": "/nowhere"})
    assert done.returncode == 0
    assert done.stdout.count("apt-get install ffmpeg") == 2
    completes(shell, newsroom)


def test_an_ffprobe_that_hangs_is_ended_and_the_file_is_refused_until_it_does_not(
    shell: Shell, newsroom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    said = tmp_path / "said"
    os.mkfifo(said)
    (programs / "ffprobe").write_text(f"#!/bin/sh\nexec sleep 1000 > {said}\n")
    (programs / "ffprobe").chmod(0o755)
    hears = os.open(said, os.O_RDONLY | os.O_NONBLOCK)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        patch.setattr(recording_limits, "_USUAL", WorkerLimits(seconds=3.0))
        outcome = shell("ingest", str(newsroom / "film.mp4"), "--json")
    assert outcome.code == 1
    (refused,) = outcome.lines
    assert [fault["code"] for fault in refused["faults"]] == ["media_too_costly"]
    os.set_blocking(hears, True)
    with os.fdopen(hears) as pipe:
        assert pipe.read() == "", "it has ended: nobody holds the pipe open any more"
    completes(shell, newsroom)


def test_a_film_that_is_written_while_it_is_read_is_refused_and_taken_when_it_is_whole(
    shell: Shell, newsroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, read = newsroom / "film.mp4", os.pread
    whole = film.read_bytes()
    film.write_bytes(whole[:-70_000])

    def reading(handle: int, length: int, at: int) -> bytes:
        found = read(handle, length, at)
        if at == 0 and os.path.samestat(os.fstat(handle), film.stat()):
            with film.open("ab") as file:
                file.write(whole[-70_000:-60_000])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", reading)
        outcome = shell("ingest", str(newsroom), "--json")
    assert outcome.code == 1
    actions = {Path(one["path"]).name: one for one in outcome.lines}
    assert [fault["code"] for fault in actions["film.mp4"]["faults"]] == ["file_changed"]
    assert {actions[name]["action"] for name in ("story.html", "sound.m4a")} == {"created"}
    film.write_bytes(whole)
    completes(shell, newsroom)


def test_a_film_with_the_longest_name_that_a_disk_takes_is_taken(shell: Shell, newsroom: Path) -> None:
    name = "湘" * 83
    for suffix in (".mp4", ".mp4.toml"):
        shutil.move(newsroom / f"film{suffix}", newsroom / f"{name[:80]}{suffix}")
    completes(shell, newsroom)
    (film,) = shell.good("item", "list", "--medium", "video", "--json").lines
    assert film["headline"] == "湘湖第2次film.mp4", "its sidecar was found"
