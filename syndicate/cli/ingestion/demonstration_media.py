"""Take in the demonstration's picture, sound and film, and the story that shows the picture."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from syndicate.cli.ingestion.document_files import FileKind, files_of, read
from syndicate.cli.ingestion.document_media import DocumentMedia
from syndicate.errors import Faulty
from syndicate.model.actors import Actor
from syndicate.model.item import Item, Medium
from syndicate.services.newsroom.document_decision import Taken
from syndicate.services.newsroom.document_parsing import ParsedDocument, parse_document
from syndicate.wiring import Services

STORY: Final = "story.html"
_MEDIA: Final = "media"


@dataclass(frozen=True, slots=True)
class DemonstrationMedia:
    """The items of the demonstration's media, and the story of which the picture is a part."""

    story: Item
    picture: Item
    audio: Item
    video: Item


async def take_in_media(services: Services, actor: Actor, shipped: Traversable) -> DemonstrationMedia:
    """Take in what is new of the demonstration's media and story. Raises Faulty for what is refused.

    They go the way of `syndicate ingest`: a file that was taken in before is not read again. The media come
    first, so that the story links to the items that their sidecars make.
    """
    with ExitStack() as stack:
        # A folder, also where the package is in an archive.
        folder = await asyncio.to_thread(stack.enter_context, as_file(shipped))
        found = await asyncio.to_thread(lambda: list(files_of(folder / _MEDIA)))
        sidecars = [file for file, kind in found if kind is FileKind.SIDECAR]
        beside = DocumentMedia(services, [folder])
        media = [
            await beside.standing_alone(file, _name(file), sidecars)
            for file, kind in found
            if kind is FileKind.MEDIA
        ]
        items = [_item(one) for one in await services.items.take_in_group(actor, media)]
        document = await _story(services, beside, folder / STORY)
        (story,) = await services.items.take_in_group(actor, [document])
    by_medium = {item.medium: item for item in items}
    return DemonstrationMedia(
        story=_item(story),
        picture=by_medium[Medium.PICTURE],
        audio=by_medium[Medium.AUDIO],
        video=by_medium[Medium.VIDEO],
    )


async def _story(services: Services, beside: DocumentMedia, file: Path) -> ParsedDocument:
    data = await asyncio.to_thread(read, file)
    place = await asyncio.to_thread(file.absolute)
    (state,) = services.items.rules.file_states([(place, data)])
    now = services.clock()
    if known := (await services.items.taken_before([state])).get(state):
        return ParsedDocument(_name(file), now, known)
    document = parse_document(data, _name(file), services.items.rules, now)
    return await beside.with_media(replace(document, file=state), file)


def _item(taken: Taken) -> Item:
    if taken.item is None:
        raise Faulty(STORY, taken.faults)
    return taken.item


def _name(file: Path) -> str:
    return f"syndicate/demo/{file.name if file.name == STORY else f'{_MEDIA}/{file.name}'}"
