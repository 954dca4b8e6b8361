"""What moves media tasks, put together once for the desk and for a worker on its own."""

import hashlib
import os
import socket
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import structlog

from modelgate.app.following import ConfigurationFollower
from modelgate.app.proxies import proxy_for
from modelgate.app.settings import Settings
from modelgate.core.clock import Clock, system_clock
from modelgate.core.providers import Provider
from modelgate.core.records import Upstream
from modelgate.formats.media.family import MediaFamily
from modelgate.gateway.callbacks import callback_url
from modelgate.gateway.files import DEFAULT_LIFETIME_DAYS, FileLinks
from modelgate.routing.health import Health
from modelgate.storage.blobs import Blobs, blobs_of
from modelgate.storage.cipher import derive_key
from modelgate.storage.database import Database, DatabaseAway, OutageListener
from modelgate.storage.tasks import DatabaseTaskStore
from modelgate.tasks.advance import Mover
from modelgate.tasks.calls import ProxyFor, TransportCaller
from modelgate.tasks.charges import MeasuredCharges
from modelgate.tasks.outputs import OutputCopier
from modelgate.tasks.places import ConfiguredPlaces
from modelgate.tasks.recorder import Recorder
from modelgate.tasks.submit import Addresses
from modelgate.tasks.worker import Worker
from modelgate.transport.client import Transport
from modelgate.transport.guard import GuardedFetcher

SQLITE_THREADS = 2
"""One may write while another reads."""
POSTGRES_THREADS = 4
SECONDS_PER_DAY = 86_400

_log = structlog.get_logger("tasks")


def open_database(settings: Settings, outage: OutageListener | None = None) -> Database:
    """Return the database with as many threads as it can use; `outage` is the process's."""
    threads = SQLITE_THREADS if settings.database_url.startswith("sqlite") else POSTGRES_THREADS
    return Database(settings.database_url, threads=threads, outage=outage)


def owner_of(role: str, data_path: Path) -> str:
    """Return the name under which a process leases tasks: the same after a restart, so that it resumes its own at once."""
    place = hashlib.sha256(os.fsencode(data_path)).hexdigest()[:8]
    return f"{role}@{socket.gethostname()}/{place}"


def file_links(settings: Settings, secret: bytes) -> FileLinks:
    """Return what signs the addresses of stored files; the same in every process of an installation."""
    return FileLinks(
        base_url=settings.base_url,
        secret=derive_key(secret, purpose="file links"),
        lifetime_s=(settings.file_retention_days or DEFAULT_LIFETIME_DAYS) * SECONDS_PER_DAY,
        clock=system_clock,
        kept_s=settings.file_retention_days * SECONDS_PER_DAY,
    )


def callback_key(secret: bytes) -> bytes:
    """Return the key of the tokens in the addresses that vendors call; the same in every process of an installation."""
    return derive_key(secret, purpose="vendor callbacks")


def addresses_of(settings: Settings, secret: bytes, links: FileLinks) -> Addresses:
    """Return where vendors find us; they are asked to call only where the operator has said by which URL they can."""
    key = callback_key(secret)
    return Addresses(of_file=links.url_of, of_callback=lambda task_id: callback_url(settings.public_url, key, task_id))


def log_task_fault(error: BaseException, task_id: str) -> None:
    """Log what a mover did not expect; the task is tried again when its lease is over. That the database is away has been said."""
    if not isinstance(error, DatabaseAway):
        _log.error("task_fault", task=task_id, exc_info=error)


def log_webhook_fault(error: BaseException, delivery_id: str) -> None:
    """Log what a sender did not expect; the delivery is tried again when its lease is over. That the database is away has been said."""
    if not isinstance(error, DatabaseAway):
        _log.error("webhook_fault", delivery=delivery_id, exc_info=error)


class Workshop:
    """The task rooms of one process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        follower: ConfigurationFollower,
        *,
        role: str,
        providers: Mapping[str, Provider],
        clock: Clock,
        addresses: Addresses,
        families: Iterable[MediaFamily],
    ) -> None:
        """`role` is `desk` or `worker`."""
        self.proxy_for: ProxyFor = partial(proxy_for, settings)
        self._follower = follower
        self.transport = Transport()
        self.blobs: Blobs = blobs_of(settings.blobs or str(settings.blobs_path))
        self.fetcher = GuardedFetcher(self.transport, ports=settings.fetch_ports, proxy_for=self.proxy_for)
        telling = frozenset(family.name for family in families if family.tells_progress)
        self.store = DatabaseTaskStore(database, owner=owner_of(role, settings.data_path), telling=telling)
        places = ConfiguredPlaces(follower.current, providers=providers, health=Health(), clock=clock)
        caller = TransportCaller(self.transport, providers=providers, clock=clock, proxy_for=self.proxy_for)
        copier = OutputCopier(self.fetcher, self.blobs, proxy_for=self.proxy_for)
        self.mover = Mover(
            Recorder(self.store, clock=clock),
            places=places,
            caller=caller,
            blobs=self.blobs,
            copier=copier,
            addresses=addresses,
            charge=MeasuredCharges(follower.current, providers=providers),
        )
        self.worker = Worker(self.store, self.mover, clock=clock, log_fault=log_task_fault)

    def upstreams(self) -> tuple[Upstream, ...]:
        """Return those of now."""
        return self._follower.current().snapshot.upstreams

    async def close(self) -> None:
        """Let go of every connection."""
        await self.transport.close()
