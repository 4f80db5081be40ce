"""The file that a document names is found beside it, and never outside the folder that was given."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from syndicate.cli.ingestion.document_files import FileKind, documents, files_of, kind_of
from syndicate.cli.ingestion.referenced_files import (
    expected_file,
    media_file,
    referenced_file,
    standing_alone,
)
from syndicate.errors import Fault
from syndicate.ingest.media_elements import tidy_source
from syndicate.ingest.media_references import MediaReference
from syndicate.model.item import Medium


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a page and its files, beside a folder that nothing may be read from."""
    given = tmp_path / "given"
    for name in ("page.html", "a.jpg", "图片/湘湖.jpg", "page_files/b.jpg", "with space/c d.jpg"):
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return given


def found(root: Path, source: str, document: str = "page.html") -> Path | str:
    """The file that is found, below `root`, or the code of the fault."""
    where = media_file(root / document, root, source)
    return where.code if isinstance(where, Fault) else where.relative_to(root.resolve())


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("图片/湘湖.jpg", "图片/湘湖.jpg"),
        ("图片\\湘湖.jpg", "图片/湘湖.jpg"),
        ("with space/c d.jpg", "with space/c d.jpg"),
        ("page_files/b.jpg", "page_files/b.jpg"),
        ("A.JPG", "a.jpg"),
        ("Page_Files/B.jpg", "page_files/b.jpg"),
        ("old name_files/b.jpg", "page_files/b.jpg"),
    ],
)
def test_a_file_beside_the_document_is_found(root: Path, source: str, file: str) -> None:
    assert found(root, source) == Path(file)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("../secret.jpg", "media_outside"),
        ("图片/../../secret.jpg", "media_outside"),
        ("..\\secret.jpg", "media_outside"),
        ("/etc/passwd", "media_outside"),
        ("file:///etc/passwd", "media_outside"),
        ("C:\\Users\\a.jpg", "media_outside"),
        ("\\\\server\\share\\a.jpg", "media_outside"),
        ("//cdn.example/a.jpg", "media_remote"),
        ("https://cdn.example/a.jpg", "media_remote"),
        ("data:image/png;base64,AAAA", "media_remote"),
        ("", "media_name_invalid"),
        (".", "media_name_invalid"),
        (".ssh/id.jpg", "media_name_invalid"),
        ("a\x00.jpg", "media_name_invalid"),
        ("湘" * 250 + ".jpg", "media_name_invalid"),
        ("x/" * 21 + "a.jpg", "media_name_invalid"),
        ("b" * 255, "media_missing"),
        ("a.jpg/b.jpg", "media_missing"),
        ("none/a.jpg", "media_missing"),
        ("图片", "media_not_a_file"),
    ],
)
def test_a_hostile_or_missing_name_is_a_clear_fault(root: Path, source: str, code: str) -> None:
    assert found(root, source) == code


def test_names_of_another_system_are_found_where_one_file_can_be_meant(root: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café é.jpg")
    (root / decomposed).write_bytes(b"x")
    assert found(root, unicodedata.normalize("NFC", "café é.jpg")) == Path(decomposed)
    assert found(root, tidy_source("caf%C3%A9%20%C3%A9.jpg")) == Path(decomposed)
    assert found(root, tidy_source("%CD%BC%C6%AC/%CF%E6%BA%FE.jpg")) == Path("图片/湘湖.jpg")
    (root / "%E6%A1%A5.jpg").write_bytes(b"x")
    assert found(root, tidy_source("%E6%A1%A5.jpg")) == Path("%E6%A1%A5.jpg")


def test_of_names_that_differ_in_case_the_exact_one_counts(root: Path) -> None:
    (root / "A.jpg").write_bytes(b"x")
    assert found(root, "A.jpg") == Path("A.jpg")
    assert found(root, "a.jpg") == Path("a.jpg")
    assert found(root, "a.JPG") == "media_ambiguous"


def test_links_are_followed_inside_the_folder_and_nowhere_else(root: Path, tmp_path: Path) -> None:
    (root / "in.jpg").symlink_to("图片/湘湖.jpg")
    (root / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "up").symlink_to(tmp_path)
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "gone.jpg").symlink_to("nothing.jpg")
    assert found(root, "in.jpg") == Path("图片/湘湖.jpg")
    assert found(root, "out.jpg") == "media_outside"
    assert found(root, "up/secret.jpg") == "media_outside"
    assert found(root, "loop.jpg") == "media_missing"
    assert found(root, "gone.jpg") == "media_missing"
    linked = tmp_path / "linked"
    linked.symlink_to(root)
    assert media_file(linked / "page.html", linked, "a.jpg") == (root / "a.jpg").resolve()


def test_what_is_no_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    (root / "folder.jpg").mkdir()
    assert found(root, "pipe.jpg") == "media_not_a_file"
    assert found(root, "folder.jpg") == "media_not_a_file"
    assert media_file(root / "page.html", root, "/dev/zero") != Path("/dev/zero")


def test_a_file_or_folder_that_vanishes_is_missing(root: Path) -> None:
    assert found(root, "a.jpg") == Path("a.jpg")
    (root / "a.jpg").unlink()
    assert found(root, "a.jpg") == "media_missing"
    gone = media_file(root / "no such folder" / "page.html", root, "a.jpg")
    assert isinstance(gone, Fault)
    assert gone.code == "media_missing"
    gone = media_file(root / "page.html", root / "no such root", "page.html")
    assert isinstance(gone, Fault)


def test_where_a_missing_file_would_arrive_is_known(root: Path) -> None:
    assert expected_file(root / "page.html", "图片/桥.jpg") == root / "图片" / "桥.jpg"
    assert expected_file(root / "page.html", "../secret.jpg") is None
    assert expected_file(root / "page.html", "https://cdn.example/a.jpg") is None


def test_a_folder_holds_documents_media_sidecars_and_parts_of_pages(root: Path) -> None:
    ninjs = '{"uri": "urn:x:1", "type": "picture"}'
    for name, content in {
        "story.txt": "",
        "bridge.mp3": "",
        "bridge.toml": "",
        "bridge.vtt": "WEBVTT",
        "lake.JPG": "",
        "lake.JPG.json": '{"caption": "湘湖"}',
        "wire.png": "",
        "wire.json": ninjs,
        "alone.json": '{"caption": "x"}',
        "licence.toml": "",
        "page_files/frame.html": "",
        "page_files/b.toml": "",
    }.items():
        (root / name).write_text(content)
    kinds = {str(file.relative_to(root)): kind for file, kind in files_of(root)}
    assert {name for name, kind in kinds.items() if kind is FileKind.SIDECAR} == {
        "bridge.toml",
        "lake.JPG.json",
    }
    assert [str(file.relative_to(root)) for file in documents(root)] == [
        "alone.json",
        "licence.toml",
        "page.html",
        "story.txt",
        "wire.json",
    ]
    assert kinds["page_files/b.jpg"] is kinds["page_files/frame.html"] is FileKind.PAGE_PART
    assert kinds["bridge.vtt"] is FileKind.TRANSCRIPT
    assert {name: kind_of(root / name, root) for name in kinds} == kinds
    assert list(documents(root / "a.jpg")) == [root / "a.jpg"]


def test_media_stand_alone_with_a_sidecar_or_where_no_document_names_them(root: Path) -> None:
    media = [root / name for name in ("a.jpg", "b.mp3", "c.jpg", "d.jpg", "d.mp3")]
    sidecars = [root / name for name in ("a.jpg.toml", "d.json", "none.toml")]
    referenced = {root / "a.jpg", root / "c.jpg", root / "d.mp3"}
    assert standing_alone(media, referenced, sidecars) == [
        root / name for name in ("a.jpg", "b.mp3", "d.jpg", "d.mp3")
    ]
    assert standing_alone([], referenced, sidecars) == []


def test_another_address_of_a_picture_is_taken_where_the_best_is_missing(root: Path) -> None:
    one = MediaReference(
        source="a-1600.jpg",
        medium=Medium.PICTURE,
        place=0,
        others=("../secret.jpg", "a.jpg", "图片/湘湖.jpg"),
    )
    assert referenced_file(root / "page.html", root, one) == (root / "a.jpg").resolve()
    none = MediaReference(
        source="https://cdn.example/a.jpg", medium=Medium.PICTURE, place=0, others=("b.jpg",)
    )
    fault = referenced_file(root / "page.html", root, none)
    assert isinstance(fault, Fault)
    assert fault.code == "media_remote"
