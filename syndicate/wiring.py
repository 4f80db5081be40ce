"""Build store, keys, clock and services of a process. Nothing else reads the machine's clock.

A service is imported and built when it is first used, so that a command loads no more than it needs and
`--help` loads nothing. This module and the commands may therefore be imported without the database, the
web framework and the readers of documents.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from syndicate.clock import SteadyClock, wall_clock
from syndicate.clock_reading import clock_floor, store_of
from syndicate.store.private_files import private_folder

if TYPE_CHECKING:
    from syndicate.access.authentication import Authenticator
    from syndicate.access.keyring_storage import KeyringStorage
    from syndicate.access.rights_cache import Clock, RightsCache
    from syndicate.access.signing_keys import SigningKeys
    from syndicate.config import Settings
    from syndicate.media.visible_lines import VisibleLines
    from syndicate.media.worker_pool import MediaWorkers
    from syndicate.model.actors import Actor
    from syndicate.model.wrapped_keys import KeyPurpose
    from syndicate.services.audit.explanation import ExplanationService
    from syndicate.services.audit.proof_service import ProofService
    from syndicate.services.changes.change_detector import ChangeDetector
    from syndicate.services.changes.change_service import ChangeService
    from syndicate.services.changes.takedowns import Takedowns
    from syndicate.services.delivery.delivery_service import DeliveryService
    from syndicate.services.delivery.media_delivery import MediaDelivery
    from syndicate.services.delivery.stamped_media import StampedMedia
    from syndicate.services.newsroom.hold_service import HoldService
    from syndicate.services.newsroom.item_service import ItemService
    from syndicate.services.newsroom.kept_files import KeptFilesService
    from syndicate.services.newsroom.media_intake import MediaIntake
    from syndicate.services.reports.report_service import ReportService
    from syndicate.services.rights.key_service import KeyService
    from syndicate.services.rights.key_wrapping import KeyWrappingService
    from syndicate.services.rights.rights_service import RightsService
    from syndicate.services.scheduler import Scheduler
    from syndicate.store.files.file_store import FileStore
    from syndicate.store.files.stamped_files import StampedFiles
    from syndicate.store.protocol import Store


class Services:
    """The services that commands and handlers use: one of each per process, built at its first use."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings, self.store, self.clock = settings, store, clock

    @cached_property
    def signing_keys(self) -> SigningKeys:
        """The keys that sign partners' keys."""
        from syndicate.access.signing_keys import SigningKeys
        from syndicate.model.wrapped_keys import KeyPurpose

        settings = self.settings
        storage = self._keyring_storage(KeyPurpose.PARTNER_KEYS)
        return SigningKeys(storage, settings.issuer, settings.audience, self.clock)

    def _keyring_storage(self, purpose: KeyPurpose) -> KeyringStorage:
        from syndicate.access.key_encryption import KeyEncryptionKeys
        from syndicate.access.keyring_storage import KeyringStorage
        from syndicate.model.wrapped_keys import KeyPurpose

        settings = self.settings
        folder = settings.keys / "trail" if purpose is KeyPurpose.TRAIL else settings.keys
        keks = KeyEncryptionKeys(settings.key_encryption_key_file, settings.key_encryption_key)
        return KeyringStorage(purpose, folder, keks)

    @cached_property
    def files(self) -> FileStore:
        """The files of media items."""
        return file_store(self.settings)

    @cached_property
    def kept_files(self) -> KeptFilesService:
        """The files of media items checked, and those without an item removed."""
        from syndicate.services.newsroom.kept_files import KeptFilesService

        return KeptFilesService(self.store, self.files, self.clock)

    @cached_property
    def stamped_files(self) -> StampedFiles:
        """The files that were made for delivery."""
        from syndicate.store.files.stamped_files import StampedFiles

        return StampedFiles(self.settings.stamped, self.settings.media_cache_mb)

    @cached_property
    def rights_cache(self) -> RightsCache:
        """The rights in force, read again when they change."""
        from syndicate.access.rights_cache import RightsCache

        machine_time = isinstance(self.clock, SteadyClock) and self.clock.follows_machine
        return RightsCache(self.store, self.clock, looks_ahead=machine_time)

    @cached_property
    def authenticator(self) -> Authenticator:
        """Who makes a request, by its key."""
        from syndicate.access.authentication import Authenticator

        return Authenticator(self.signing_keys, self.rights_cache, self.store, self.clock)

    @cached_property
    def delivery(self) -> DeliveryService:
        """Feeds and items, for readers and partners."""
        from syndicate.services.delivery.delivery_service import DeliveryService

        return DeliveryService(self.store, self.settings.publisher, self.rights_cache, self.clock)

    @cached_property
    def media_workers(self) -> MediaWorkers:
        """The processes that read media files and write the stamp into them."""
        from syndicate.media.worker_pool import MediaWorkers

        return MediaWorkers(2)

    @cached_property
    def media_intake(self) -> MediaIntake:
        """Files of pictures, sound and film become items, alone or of a story."""
        from syndicate.services.newsroom.media_intake import MediaIntake

        return MediaIntake(
            self.files,
            self.stamped_files,
            self.media_workers,
            self.settings.publisher,
            self.visible_lines,
            previews=self.settings.media_previews,
        )

    @cached_property
    def stamped_media(self) -> StampedMedia:
        """Makes the files that leave."""
        from syndicate.services.delivery.stamped_media import StampedMedia

        return StampedMedia(
            self.files,
            self.stamped_files,
            self.media_workers,
            self.settings.publisher,
            self.visible_lines,
        )

    @cached_property
    def visible_lines(self) -> VisibleLines:
        """The line that is drawn on previews, and its font."""
        from syndicate.media.visible_lines import VisibleLines

        settings = self.settings
        return VisibleLines(settings.publisher.stamp, settings.visible_line_font)

    @cached_property
    def media_delivery(self) -> MediaDelivery:
        """Files of media items, for partners and the public."""
        from syndicate.services.delivery.media_delivery import MediaDelivery

        return MediaDelivery(
            self.store, self.settings.publisher, self.rights_cache, self.delivery, self.clock
        )

    @cached_property
    def items(self) -> ItemService:
        """Documents become items; items are shown and corrected."""
        from syndicate.services.newsroom.item_service import ItemService

        settings = self.settings
        return ItemService(self.store, settings.publisher, self.clock, settings.ingest_refuse_notes)

    @cached_property
    def holds(self) -> HoldService:
        """Items are held, released, recalled and reinstated."""
        from syndicate.services.newsroom.hold_service import HoldService

        return HoldService(self.store, self.settings.publisher, self.clock)

    @cached_property
    def rights(self) -> RightsService:
        """Partners, mandates and licences."""
        from syndicate.services.rights.rights_service import RightsService

        return RightsService(
            self.store, self.settings.publisher, self.clock, lambda: self.visible_lines.check()
        )

    @cached_property
    def keys(self) -> KeyService:
        """Partners' keys."""
        from syndicate.services.rights.key_service import KeyService

        return KeyService(self.store, self.signing_keys, self.clock)

    @cached_property
    def key_wrapping(self) -> KeyWrappingService:
        """Signing keys moved into the database and out of it."""
        from syndicate.model.wrapped_keys import KeyPurpose
        from syndicate.services.rights.key_wrapping import KeyWrappingService

        storages = [self._keyring_storage(purpose) for purpose in KeyPurpose]
        return KeyWrappingService(self.store, storages, self.clock)

    @cached_property
    def explanation(self) -> ExplanationService:
        """Why something is allowed or refused."""
        from syndicate.services.audit.explanation import ExplanationService

        return ExplanationService(self.store, self.settings.publisher, self.clock)

    @cached_property
    def proof(self) -> ProofService:
        """The trail verified, signed and proved."""
        from syndicate.access.trail_keys import TrailKeys
        from syndicate.model.wrapped_keys import KeyPurpose
        from syndicate.services.audit.proof_service import ProofService

        keys = TrailKeys(self._keyring_storage(KeyPurpose.TRAIL))
        origin = f"{self.settings.publisher.authority}/syndicate-trail"
        return ProofService(self.store, keys, origin, self.clock)

    @cached_property
    def changes(self) -> ChangeService:
        """The change sequence of each partner."""
        from syndicate.services.changes.change_service import ChangeService

        return ChangeService(
            self.store,
            self.settings.publisher,
            self.rights_cache,
            self.delivery,
            self._detector,
            self._takedowns,
            self.clock,
        )

    @cached_property
    def reports(self) -> ReportService:
        """Usage, monthly statements and open take-downs."""
        from syndicate.services.reports.report_service import ReportService

        return ReportService(self.store, self.settings.publisher, self.clock)

    @cached_property
    def scheduler(self) -> Scheduler:
        """What a server does at set times."""
        from syndicate.services.scheduler import Scheduler

        return Scheduler(self.rights_cache, self._takedowns, self.proof, self.clock)

    @cached_property
    def _detector(self) -> ChangeDetector:
        from syndicate.services.changes.change_detector import ChangeDetector

        return ChangeDetector()

    @cached_property
    def _takedowns(self) -> Takedowns:
        from syndicate.services.changes.takedowns import Takedowns

        publisher = self.settings.publisher
        return Takedowns(self.store, publisher, self._detector, self.rights_cache, self.clock)

    def load(self) -> None:
        """Build what a server uses, before its first request: no request waits for an import."""
        from syndicate.formats.registry import load_serializers

        for name in ("authenticator", "delivery", "changes", "scheduler"):
            getattr(self, name)
        load_serializers()

    async def close(self) -> None:
        """Finish what the services do in the background. The store stays open."""
        if "stamped_files" in self.__dict__:
            await self.stamped_files.close()
        if "media_workers" in self.__dict__:
            self.media_workers.close()
        if "changes" in self.__dict__:
            self.changes.close()
        if "delivery" in self.__dict__:
            await self.delivery.close()
        if "rights_cache" in self.__dict__:
            await self.rights_cache.close()


def file_store(settings: Settings) -> FileStore:
    """The store of media files that the settings name."""
    if isinstance(settings.media, Path):
        from syndicate.store.files.folder_files import FolderFiles

        return FolderFiles(settings.media)
    from syndicate.store.files.s3_files import S3Files
    from syndicate.store.files.s3_place import credentials_in_file

    return S3Files(replace(settings.media, credentials=credentials_in_file(os.environ)))


def build(settings: Settings, store: Store, clock: Clock = wall_clock) -> Services:
    """The services of one process around a store."""
    return Services(settings, store, clock)


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` made: the database (or its migration), and the ids of new keys; None: no key."""

    database: bool
    signing_key: str | None
    trail_key: str | None
    keys_in_database: bool


async def initialise(settings: Settings, actor: Actor, clock: Clock = wall_clock) -> Initialised:
    """Make folders, database, signing key and trail key where they are missing. Idempotent."""
    private_folder(settings.data)
    store = store_of(settings)
    try:
        made = await store.create()
        await store.open()
        services = build(settings, store, clock)
        # Before anything is made: where the database knows other keys, both refuse.
        await services.keys.check_signing_keys(actor)
        trail = await services.proof.make_key(actor)
        kid = await services.keys.make_signing_key(actor)
        in_database = await services.signing_keys.storage.in_database(store)
    finally:
        await store.close()
    return Initialised(made, kid, trail, in_database)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Open the store and yield every service; close them at the end of the block.

    The services' clock is never behind the newest record of the trail. Raises ClockBehind where the
    machine's clock is more than a day behind it.
    """
    store = store_of(settings)
    try:
        await store.open()
        services = build(settings, store, clock or SteadyClock(await clock_floor(store, wall_clock())))
        yield services
        await services.close()
    finally:
        await store.close()
