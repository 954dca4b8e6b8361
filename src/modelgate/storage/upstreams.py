"""Upstreams and their credentials, secrets encrypted. Each function is one step."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select, update

from modelgate.core.ids import new_id
from modelgate.core.listings import UpstreamTraffic
from modelgate.core.records import Credential, Upstream
from modelgate.storage.changes import lock_changes, record_change
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.schema.settings import upstream, upstream_credential
from modelgate.storage.upstream_traffic import list_traffic


class UpstreamChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change about an upstream; what is unset stays as it is. `secrets` replaces all its credentials."""

    name: str | UnsetType = UNSET
    base_url: str | UnsetType = UNSET
    models: dict[str, str] | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    weight: int | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    free: bool | UnsetType = UNSET
    cancel: str | UnsetType = UNSET
    timeout_s: float | UnsetType = UNSET
    ca_file: str | UnsetType = UNSET
    max_concurrent: int | UnsetType = UNSET
    secrets: tuple[str, ...] | UnsetType = UNSET


def add_upstream(connection: Connection, cipher: Cipher, record: Upstream, *, now: float) -> None:
    """Add an upstream; the secrets of its credentials are taken in the clear and stored encrypted.

    Raises:
        NameTaken: an upstream has this name.
    """
    lock_changes(connection)
    _insist_on_free_name(connection, record.name)
    connection.execute(insert(upstream).values(**_columns_of(record), created_at=now))
    _insert_credentials(connection, cipher, record.id, record.credentials, now=now)
    record_change(connection, "upstream", record.id, now=now)


def free_name(connection: Connection, wanted: str) -> str:
    """Return a name that no upstream has: the wanted one, or that with a number."""
    taken = set(connection.execute(select(upstream.c.name)).scalars())
    return wanted if wanted not in taken else next(name for n in range(2, len(taken) + 3) if (name := f"{wanted}-{n}") not in taken)


def list_upstreams(connection: Connection, cipher: Cipher | None = None) -> tuple[Upstream, ...]:
    """Return all upstreams, oldest first; with a cipher, their secrets in the clear, without one, empty.

    Raises:
        WrongSecret: the secrets were encrypted with another secret.
    """
    credentials: dict[str, list[Credential]] = {}
    for row in connection.execute(select(upstream_credential).order_by(upstream_credential.c.upstream, upstream_credential.c.position)):
        secret = "" if cipher is None else cipher.decrypt(row.secret, row_id=row.id)
        credentials.setdefault(row.upstream, []).append(Credential(id=row.id, secret=secret, disabled=row.disabled))
    rows = connection.execute(select(upstream).order_by(upstream.c.created_at, upstream.c.id))
    return tuple(_upstream_of(row, tuple(credentials.get(row.id, ()))) for row in rows)


def get_upstream(connection: Connection, reference: str, cipher: Cipher | None = None) -> Upstream:
    """Return the upstream with this id or this name.

    Raises:
        NoSuchRow: there is none.
        WrongSecret: its secrets were encrypted with another secret.
    """
    everything = list_upstreams(connection, cipher)
    for found in (*(one for one in everything if one.id == reference), *(one for one in everything if one.name == reference)):
        return found
    raise NoSuchRow(f"no upstream has the id or name {reference!r}")


def edit_upstream(connection: Connection, cipher: Cipher, reference: str, changes: UpstreamChanges, *, now: float) -> Upstream:
    """Change an upstream and return it as it is now, without secrets.

    Raises:
        NoSuchRow: there is none.
        NameTaken: another upstream has the new name.
    """
    lock_changes(connection)
    before = get_upstream(connection, reference)
    wanted = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}
    secrets = wanted.pop("secrets", None)
    if wanted.get("name", before.name) != before.name:
        _insist_on_free_name(connection, wanted["name"])
    after = msgspec.structs.replace(before, **wanted)
    connection.execute(update(upstream).where(upstream.c.id == before.id).values(**_columns_of(after)))
    if secrets is not None:
        connection.execute(delete(upstream_credential).where(upstream_credential.c.upstream == before.id))
        fresh = tuple(Credential(id=new_id("cred"), secret=secret) for secret in secrets)
        _insert_credentials(connection, cipher, before.id, fresh, now=now)
    record_change(connection, "upstream", before.id, now=now)
    return get_upstream(connection, before.id)


def remove_upstream(connection: Connection, reference: str, *, now: float) -> Upstream:
    """Forget an upstream and its credentials, and return what it was.

    Raises:
        NoSuchRow: there is none.
    """
    lock_changes(connection)
    before = get_upstream(connection, reference)
    connection.execute(delete(upstream_credential).where(upstream_credential.c.upstream == before.id))
    connection.execute(delete(upstream).where(upstream.c.id == before.id))
    record_change(connection, "upstream", before.id, now=now)
    return before


def _insist_on_free_name(connection: Connection, name: str) -> None:
    if connection.execute(select(upstream.c.id).where(upstream.c.name == name)).first() is not None:
        raise NameTaken(f"an upstream is already called {name!r}")


def _insert_credentials(
    connection: Connection, cipher: Cipher, upstream_id: str, credentials: tuple[Credential, ...], *, now: float
) -> None:
    for position, credential in enumerate(credentials):
        connection.execute(
            insert(upstream_credential).values(
                id=credential.id,
                upstream=upstream_id,
                position=position,
                secret=cipher.encrypt(credential.secret, row_id=credential.id),
                disabled=credential.disabled,
                created_at=now,
            )
        )


def _columns_of(record: Upstream) -> dict[str, Any]:
    values = msgspec.structs.asdict(record)
    del values["credentials"]
    values["models"] = msgspec.json.encode(record.models).decode()
    return values


def _upstream_of(row: Row[Any], credentials: tuple[Credential, ...]) -> Upstream:
    values = dict(row._mapping)
    del values["created_at"]
    values["models"] = msgspec.json.decode(values["models"], type=dict[str, str])
    return Upstream(**values, credentials=credentials)


class DatabaseUpstreams:
    """The store of upstreams over a database (see `control/upstreams.py` for what is asked of it). Raises NameTaken and NoSuchRow."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def list_of(self) -> tuple[Upstream, ...]:
        return await self._database.fetch(list_upstreams)

    async def get(self, reference: str) -> Upstream:
        """Return an upstream with its secrets in the clear."""
        return await self._database.fetch(get_upstream, reference, self._cipher)

    async def add(self, record: Upstream, *, is_named: bool, now: float) -> None:
        await self._database.call(_add_named, self._cipher, record, is_named=is_named, now=now)

    async def edit(self, reference: str, changes: Mapping[str, Any], *, now: float) -> Upstream:
        return await self._database.call(edit_upstream, self._cipher, reference, UpstreamChanges(**changes), now=now)

    async def remove(self, reference: str, *, now: float) -> None:
        await self._database.call(remove_upstream, reference, now=now)

    async def traffic(self, *, since: float, blameless: Iterable[str]) -> list[UpstreamTraffic]:
        return await self._database.fetch(list_traffic, since=since, blameless=tuple(blameless))


def _add_named(connection: Connection, cipher: Cipher, record: Upstream, *, is_named: bool, now: float) -> None:
    if not is_named:
        record = msgspec.structs.replace(record, name=free_name(connection, record.name))
    add_upstream(connection, cipher, record, now=now)
