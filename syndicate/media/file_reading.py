"""Inspect a media file of any kind, and make its renditions. Runs in a media worker's process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.media.file_types import file_type, name_note
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName


def inspect(path: Path, *, name: str) -> Inspected:
    """Inspect the file; its first bytes say what it is, whatever its name.

    Raises Faulty with every fault, OSError.
    """
    found = file_type(path)
    if found is None:
        said = Text("不是可收的图片、音频或视频文件", "this is no picture, sound or film that is taken")
        raise Faulty(name, [Fault("media_unsupported", "file", said)])
    if found.medium is Medium.PICTURE:
        from syndicate.media.pictures.picture_inspection import inspect_picture

        inspected = inspect_picture(path, found, name=name)
    else:
        from syndicate.media.recordings.recording_inspection import inspect_recording

        inspected = inspect_recording(path, found, name=name)
    note = name_note(name, found)
    return inspected if note is None else replace(inspected, notes=(note, *inspected.notes))


def make_renditions(path: Path, inspected: Inspected, scratch: Path, *, previews: bool) -> list[MadeFile]:
    """Make the files that go beside the original, in the folder `scratch`, without any metadata.

    Of a picture its web version, preview and thumbnail; of a film its poster and thumbnail. With `previews`
    also a copy of low quality of a film or sound, where ffmpeg is there. Raises Faulty, OSError.
    """
    from syndicate.media.pictures.picture_renditions import make_picture_renditions

    match inspected.type.medium:
        case Medium.PICTURE:
            return make_picture_renditions(path, inspected, scratch)
        case Medium.VIDEO | Medium.AUDIO:
            from syndicate.media.recordings.recording_renditions import film_frame, make_preview

            made: list[MadeFile] = []
            frame = film_frame(path, inspected, scratch)
            if frame is not None:
                pictures = make_picture_renditions(frame, inspect(frame, name=frame.name), scratch)
                made += _poster_and_thumbnail(pictures)
            preview = make_preview(path, inspected, scratch) if previews else None
            return made if preview is None else [*made, preview]
        case _:
            return []


def _poster_and_thumbnail(pictures: list[MadeFile]) -> list[MadeFile]:
    found = {one.name: one for one in pictures}
    poster = found.get(RenditionName.WEB) or found.get(RenditionName.PREVIEW)
    made = [] if poster is None else [replace(poster, name=RenditionName.POSTER)]
    return made + [one for one in pictures if one.name is RenditionName.THUMBNAIL]
