"""A task worker on its own: several may share a database, each moving what the others do not."""

import asyncio
import signal

import uvloop

from modelgate.app.following import ConfigurationFollower, wait_until_prepared
from modelgate.app.memory import give_large_blocks_back
from modelgate.app.outage import Outage
from modelgate.app.ready import report_failure, report_ready
from modelgate.app.settings import Settings
from modelgate.app.snapshots import installation_secret
from modelgate.app.webhooks import task_encoder, webhook_sender
from modelgate.app.workshop import Workshop, addresses_of, file_links, open_database
from modelgate.core.clock import system_clock
from modelgate.formats.media.family import load_media_families
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher, SecretUnusable, WrongSecret
from modelgate.storage.database import Database
from modelgate.storage.migrations import DatabaseUnusable
from modelgate.telemetry.logs import configure_logs


async def work(settings: Settings, database: Database, secret: bytes, stop: asyncio.Event) -> None:
    """Move tasks until `stop` is set; then let what runs come to its end."""
    providers = load_providers()
    follower = ConfigurationFollower(database, Cipher(secret), settings, providers=providers, clock=system_clock)
    await follower.follow()
    links = file_links(settings, secret)
    addresses = addresses_of(settings, secret, links)
    families = load_media_families()
    workshop = Workshop(
        settings, database, follower, role="worker", providers=providers, clock=system_clock, addresses=addresses, families=families
    )
    following = asyncio.create_task(follower.run())
    report_ready(role="worker")
    encode = task_encoder(families, links)
    sender = webhook_sender(settings, database, secret, workshop=workshop, encode=encode)
    await asyncio.gather(workshop.worker.run(stop), sender.run(stop))
    following.cancel()
    await workshop.close()


def main(settings: Settings) -> None:
    """Work until SIGTERM. Ends with status 1 and one reported line when it cannot begin."""
    configure_logs(level=settings.log_level, format=settings.log_format, role="worker")
    give_large_blocks_back()
    try:
        wait_until_prepared(settings.database_url)
        uvloop.run(_work_until_told(settings, installation_secret(settings)))
    except (DatabaseUnusable, SecretUnusable, WrongSecret, OSError, ValueError) as error:
        report_failure(f"worker: {error}")
        raise SystemExit(1) from error


async def _work_until_told(settings: Settings, secret: bytes) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = open_database(settings, Outage())
    try:
        await work(settings, database, secret, stop)
    finally:
        database.close()
