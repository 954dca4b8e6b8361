"""Accounts and API keys. Each function is one step (see `database`): a whole transaction, safe to repeat from the start."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, and_, exists, func, insert, literal, or_, select, union_all, update

from modelgate.core.ids import new_id
from modelgate.core.money import Book
from modelgate.core.records import Account, ApiKey, LimitReset
from modelgate.storage.changes import lock_changes, record_change
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.ledger import key_limit_lowered
from modelgate.storage.posting import Posting
from modelgate.storage.schema.identity import account, api_key, chosen_limit
from modelgate.storage.schema.money import account_balance, key_period

BOOKS: tuple[Book, ...] = ("test", "live")
KEPT = api_key.c.deleted_at.is_(None)
"""Whether a key is there for anything but the history of its money."""


_KEY_COLUMNS = tuple("price_group" if name == "group" else name for name in ApiKey.__struct_fields__)


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change about a key; what is unset stays as it is. Fields mean what they mean in `ApiKey`."""

    name: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    limit_nanos: int | UnsetType | None = UNSET
    limit_reset: LimitReset | UnsetType = UNSET
    models: tuple[str, ...] | UnsetType = UNSET
    ips: tuple[str, ...] | UnsetType = UNSET
    rpm: int | UnsetType | None = UNSET
    tpm: int | UnsetType | None = UNSET
    expires_at: float | UnsetType | None = UNSET
    cache_s: int | UnsetType | None = UNSET


def create_account(connection: Connection, *, name: str, now: float) -> str:
    """Add an account that pays later in both books, and return its id.

    Raises:
        NameTaken: an account has this name.
    """
    lock_changes(connection)
    if connection.execute(select(account.c.id).where(account.c.name == name)).first() is not None:
        raise NameTaken(f"an account is already called {name!r}")
    account_id = new_id("acct")
    connection.execute(insert(account).values(id=account_id, name=name, created_at=now))
    Posting(connection, at=now).lock_balances((account_id, book) for book in BOOKS)  # makes the rows: no money, no bound
    record_change(connection, "account", account_id, now=now)
    return account_id


def is_limit_chosen(connection: Connection, *, account_id: str, book: Book) -> bool:
    """Whether somebody chose this account's credit limit in this book; if not, it pays later only until its first credit."""
    query = select(chosen_limit.c.at).where(chosen_limit.c.account == account_id, chosen_limit.c.book == book)
    return connection.execute(query).first() is not None


def note_limit_chosen(connection: Connection, *, account_id: str, book: Book, now: float) -> None:
    """Note that somebody chose the credit limit. To be called in the transaction that sets it."""
    if not is_limit_chosen(connection, account_id=account_id, book=book):
        connection.execute(insert(chosen_limit).values(account=account_id, book=book, at=now))


def list_accounts(connection: Connection, *, account_id: str = "") -> tuple[Account, ...]:
    """Return every account, or one, once for each book, oldest first, the test book before the live one."""
    query = (
        select(account, account_balance.c.book, account_balance.c.balance_nanos, account_balance.c.credit_limit_nanos)
        .join(account_balance, account_balance.c.account == account.c.id)
        .order_by(account.c.created_at, account.c.id, account_balance.c.book.desc())
    )
    if account_id:
        query = query.where(account.c.id == account_id)
    return tuple(Account(**row._mapping) for row in connection.execute(query))


def set_aside(connection: Connection) -> dict[tuple[str, Book], int]:
    """Return what has left each (account, book)'s balance for requests and tasks under way, nano-USD; those with nothing left out."""
    query = (
        select(key_period.c.account, key_period.c.book, func.sum(key_period.c.set_aside_nanos))
        .where(key_period.c.set_aside_nanos != 0)
        .group_by(key_period.c.account, key_period.c.book)
    )
    return {(owner, book): int(amount) for owner, book, amount in connection.execute(query)}


def rename_account(connection: Connection, account_id: str, name: str, *, now: float) -> None:
    """Give an account another name.

    Raises:
        NoSuchRow: there is none of this id.
        NameTaken: another account has this name.
    """
    lock_changes(connection)
    other = select(account.c.id).where(account.c.name == name, account.c.id != account_id)
    if connection.execute(other).first() is not None:
        raise NameTaken(f"an account is already called {name!r}")
    if connection.execute(update(account).where(account.c.id == account_id).values(name=name)).rowcount == 0:
        raise NoSuchRow(f"no account has the id {account_id!r}")
    record_change(connection, "account", account_id, now=now)


def find_account(connection: Connection, reference: str) -> str:
    """Return the id of the account with this id or this name.

    Raises:
        NoSuchRow: there is none.
    """
    query = select(account.c.id).where(or_(account.c.id == reference, account.c.name == reference)).order_by(account.c.id != reference)
    found: str | None = connection.execute(query).scalars().first()
    if found is None:
        raise NoSuchRow(f"no account has the id or name {reference!r}")
    return found


def create_key(connection: Connection, key: ApiKey, *, now: float) -> ApiKey:
    """Add a key, filled in by the caller but for `slot` and `created_at`, and return it as stored.

    Raises:
        NoSuchRow: no account has the id `key.account`.
    """
    lock_changes(connection)
    if connection.execute(select(account.c.id).where(account.c.id == key.account)).first() is None:
        raise NoSuchRow(f"no account has the id {key.account!r}")
    slot = None if key.disabled else _free_slot(connection)
    connection.execute(insert(api_key).values(**_columns_of(key), slot=slot, created_at=now))
    record_change(connection, "key", key.id, now=now)
    return get_key(connection, key.id)


def find_key(connection: Connection, digest: str) -> ApiKey | None:
    """Return the key whose secret has this digest; one found by its former secret expires when that does."""
    is_its_secret = or_(api_key.c.digest == digest, api_key.c.former_digest == digest)
    row = connection.execute(select(api_key).where(is_its_secret, KEPT)).first()
    if row is None:
        return None
    key = key_of(row)
    if row.digest == digest:
        return key
    ends = row.former_until if key.expires_at is None else min(row.former_until, key.expires_at)
    return msgspec.structs.replace(key, digest=digest, expires_at=ends)


def get_key(connection: Connection, key_id: str) -> ApiKey:
    """Return a key by id.

    Raises:
        NoSuchRow: there is none.
    """
    row = connection.execute(select(api_key).where(api_key.c.id == key_id, KEPT)).first()
    if row is None:
        raise NoSuchRow(f"no key has the id {key_id!r}")
    return key_of(row)


def list_keys(connection: Connection, *, account_id: str | None = None) -> tuple[ApiKey, ...]:
    """Return all keys, or one account's, oldest first."""
    query = select(api_key).where(KEPT).order_by(api_key.c.created_at, api_key.c.id)
    if account_id is not None:
        query = query.where(api_key.c.account == account_id)
    return tuple(key_of(row) for row in connection.execute(query))


def keys_named(connection: Connection, reference: str) -> tuple[ApiKey, ...]:
    """Return the key with this id, or else all keys of this name: names need not be unique."""
    is_meant = or_(api_key.c.id == reference, api_key.c.name == reference)
    query = select(api_key).where(is_meant, KEPT).order_by(api_key.c.created_at, api_key.c.id)
    keys = tuple(key_of(row) for row in connection.execute(query))
    return tuple(key for key in keys if key.id == reference) or keys


def edit_key(connection: Connection, key_id: str, changes: KeyChanges, *, now: float) -> ApiKey:
    """Change a key and return it as it is now. A lowered limit calls back what relays hold of the key's money.

    Raises:
        NoSuchRow: there is none.
    """
    lock_changes(connection)
    before = get_key(connection, key_id)
    wanted = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}
    after = msgspec.structs.replace(before, **wanted)
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(**_columns_of(after)))
    if after.limit_nanos is not None and (before.limit_nanos is None or after.limit_nanos < before.limit_nanos):
        key_limit_lowered(connection, account=before.account, book=before.book, now=now)
    record_change(connection, "key", key_id, now=now)
    return get_key(connection, key_id)


def disable_key(connection: Connection, key_id: str, *, disabled: bool = True, now: float) -> ApiKey:
    """Disable a key, or enable it again. A disabled key gives its rate counters up to others.

    Raises:
        NoSuchRow: there is none.
    """
    lock_changes(connection)
    before = get_key(connection, key_id)
    if before.disabled != disabled:
        slot = None if disabled else _free_slot(connection)
        connection.execute(update(api_key).where(api_key.c.id == key_id).values(disabled=disabled, slot=slot))
        record_change(connection, "key", key_id, now=now)
    return get_key(connection, key_id)


def delete_key(connection: Connection, key_id: str, *, now: float) -> None:
    """Disable a key for good and show it nowhere. The history of its money stays.

    Raises:
        NoSuchRow: there is none.
    """
    disable_key(connection, key_id, now=now)
    gone = {"deleted_at": now, "former_digest": None, "former_until": None}
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(**gone))
    record_change(connection, "key", key_id, now=now)


def renew_key(connection: Connection, key: ApiKey, *, grace_s: float, now: float) -> ApiKey:
    """Make a key of this id, or give the one there is this secret and this end; its old secret works for `grace_s` more.

    One that was disabled or deleted is there again, but not its old secret. To be used for keys that renew themselves, with ids made of
    what they are for.
    """
    lock_changes(connection)
    before = connection.execute(select(api_key.c.disabled).where(api_key.c.id == key.id)).first()
    if before is None:
        return create_key(connection, key, now=now)
    grace_s = 0.0 if before.disabled else grace_s
    connection.execute(update(api_key).where(api_key.c.id == key.id).values(deleted_at=None, expires_at=key.expires_at))
    disable_key(connection, key.id, disabled=False, now=now)
    return rotate_key(connection, key.id, digest=key.digest, hint=key.hint, grace_s=grace_s, now=now)


def rotate_key(connection: Connection, key_id: str, *, digest: str, hint: str, grace_s: float = 0.0, now: float) -> ApiKey:
    """Give a key a new secret. The old one stops at once, or after `grace_s`; one from an earlier rotation stops at once.

    Raises:
        NoSuchRow: there is none.
    """
    lock_changes(connection)
    before = get_key(connection, key_id)
    former = (
        {"former_digest": before.digest, "former_until": now + grace_s} if grace_s > 0 else {"former_digest": None, "former_until": None}
    )
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(digest=digest, hint=hint, **former))
    record_change(connection, "key", key_id, now=now)
    return get_key(connection, key_id)


def _free_slot(connection: Connection) -> int:
    # The smallest number no key has: the shared counters stay as small as the number of keys in use.
    taken = union_all(select(literal(-1).label("slot")), select(api_key.c.slot).where(api_key.c.slot.is_not(None))).subquery()
    other = api_key.alias()
    query = select(func.min(taken.c.slot + 1)).where(~exists().where(and_(other.c.slot == taken.c.slot + 1)))
    return int(connection.execute(query).scalar_one())


def _columns_of(key: ApiKey) -> dict[str, Any]:
    values = msgspec.structs.asdict(key)
    values["price_group"] = values.pop("group")
    values["models"] = msgspec.json.encode(key.models).decode()
    values["ips"] = msgspec.json.encode(key.ips).decode()
    del values["slot"], values["created_at"]
    return values


def key_of(row: Row[Any]) -> ApiKey:
    """Return the key of a row that has all columns of a key, and perhaps others."""
    values = {column: row._mapping[column] for column in _KEY_COLUMNS}
    values["group"] = values.pop("price_group")
    values["models"] = msgspec.json.decode(values["models"], type=tuple[str, ...])
    values["ips"] = msgspec.json.decode(values["ips"], type=tuple[str, ...])
    values["slot"] = values["slot"] or 0
    return ApiKey(**values)
