"""The configuration as processes use it: what the operator stored, and the sandbox."""

import os
from collections.abc import Mapping

import msgspec

from modelgate.app.sandbox_upstreams import sandbox_upstreams
from modelgate.app.settings import Settings
from modelgate.core.records import Snapshot
from modelgate.storage.cipher import Cipher, load_secret
from modelgate.storage.database import Database
from modelgate.storage.settings import load_snapshot

SECRET_VARIABLE = "MODELGATE_SECRET"  # noqa: S105  # a name, not a secret


def installation_secret(settings: Settings, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the secret everything is derived from: MODELGATE_SECRET, or the file in the data directory, made if absent.

    Raises:
        SecretUnusable: too short, not hex, or not readable.
    """
    return load_secret(settings.data_path, environment.get(SECRET_VARIABLE, ""))


def load(database: Database, cipher: Cipher, settings: Settings) -> Snapshot:
    """Return the configuration with secrets in the clear; blocks on the database. See `load_async` for an event loop.

    Raises:
        WrongSecret: the vendor secrets were encrypted with another secret.
    """
    return with_sandbox(database.read(load_snapshot, cipher), settings, cipher)


async def load_async(database: Database, cipher: Cipher, settings: Settings) -> Snapshot:
    """`load`, from an event loop."""
    return with_sandbox(await database.fetch(load_snapshot, cipher), settings, cipher)


def with_sandbox(snapshot: Snapshot, settings: Settings, cipher: Cipher) -> Snapshot:
    """Return a snapshot with the sandbox's upstreams after the operator's, and the key that seals ids."""
    upstreams = snapshot.upstreams + sandbox_upstreams(settings.sandbox_socket)
    return msgspec.structs.replace(snapshot, upstreams=upstreams, state_key=cipher.state_key)
