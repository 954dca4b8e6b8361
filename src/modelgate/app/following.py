"""The configuration of a process that reads the database itself (desk, worker): loaded at start, followed from then on."""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from modelgate.app import snapshots
from modelgate.app.proxies import proxy_for
from modelgate.app.settings import Settings
from modelgate.core.clock import Clock
from modelgate.core.providers import Provider
from modelgate.core.records import Snapshot
from modelgate.gateway.configuration import Configuration
from modelgate.metering.price_list import read_shipped_prices
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database, DatabaseAway
from modelgate.storage.migrations import DatabaseUnusable, schema_state
from modelgate.storage.settings import current_version, keys_changed_since

FOLLOW_CHANGES_S = 0.2
PREPARED_POLL_S = 0.05
PREPARED_WAIT_S = 60.0
"""How long a process waits for the book to prepare the database before it gives up."""

_log = structlog.get_logger("configuration")


def wait_until_prepared(url: str, *, wait_s: float = PREPARED_WAIT_S) -> None:
    """Wait for the book to make the database ready; blocks, at start only.

    Raises:
        DatabaseUnusable: it is not ready in time; the text says what it is instead.
    """
    ends = time.monotonic() + wait_s
    while True:
        try:
            state: str = schema_state(url)
        except DatabaseUnusable as error:
            if time.monotonic() >= ends:
                raise
            state = str(error)
        if state == "current":
            return
        if time.monotonic() >= ends:
            raise DatabaseUnusable(f"the database is {state} after {wait_s:.0f} s; is the book running?")
        time.sleep(PREPARED_POLL_S)


class ConfigurationFollower:
    """Holds the compiled configuration of now."""

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        settings: Settings,
        *,
        providers: Mapping[str, Provider],
        clock: Clock,
        on_keys_changed: Callable[[tuple[str, ...]], None] = lambda _: None,
    ) -> None:
        """`on_keys_changed(ids)` hears which keys to forget; no ids: all."""
        self._database = database
        self._cipher = cipher
        self._settings = settings
        self._providers = providers
        self._clock = clock
        self._on_keys_changed = on_keys_changed
        self._shipped = read_shipped_prices()
        self._version = -1
        self._configuration: Configuration | None = None

    def current(self) -> Configuration:
        """Return the configuration of now; only after `follow` has been awaited once."""
        assert self._configuration is not None
        return self._configuration

    async def run(self) -> None:
        """Follow the feed of changes until cancelled. A database that is away is asked again."""
        while True:
            await asyncio.sleep(FOLLOW_CHANGES_S)
            try:
                await self.follow()
            except DatabaseAway:
                continue
            except SQLAlchemyError as error:
                _log.error("configuration_not_read", reason=type(error).__name__)

    async def follow(self) -> None:
        """Take on what has changed since the last time, everything at first."""
        version = await self._database.fetch(current_version)
        if version == self._version:
            return
        snapshot = await snapshots.load_async(self._database, self._cipher, self._settings)
        keys = await self._database.fetch(keys_changed_since, self._version)
        self._version = snapshot.version
        if keys is None or keys:
            self._on_keys_changed(keys or ())
        self._compile(snapshot)

    def _compile(self, snapshot: Snapshot) -> None:
        ca_file = self._settings.ca_file
        if ca_file:  # tasks read an upstream's own field only
            upstreams = tuple(msgspec.structs.replace(u, ca_file=u.ca_file or ca_file) for u in snapshot.upstreams)
            snapshot = msgspec.structs.replace(snapshot, upstreams=upstreams)
        try:
            self._configuration = Configuration(
                snapshot,
                providers=self._providers,
                shipped=self._shipped,
                now=self._clock(),
                proxy_for=lambda base_url: proxy_for(self._settings, base_url),
            )
        except ValueError as error:
            if self._configuration is None:
                raise
            _log.error("configuration_refused", version=snapshot.version, reason=str(error))  # the last good one stays
