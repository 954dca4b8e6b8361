"""API keys: make, see, change, rotate, disable, delete."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from modelgate.control import key_reference as reference
from modelgate.control.actions import Action, Call
from modelgate.control.errors import NoSuchObject, refused
from modelgate.control.lists import page_of
from modelgate.core.errors import PermissionDenied
from modelgate.core.ids import new_secret
from modelgate.core.listings import KeyListing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey
from modelgate.identity.key_bounds import check_expiry, clean_models, clean_networks
from modelgate.identity.keys import digest_of, hint_of, new_key
from modelgate.identity.roles import may

_CHECKED = {"models": clean_models, "ips": clean_networks}


class KeyStore(Protocol):
    """Keys. Each method is one transaction; a change of a key that is not there raises what the door answers with 404."""

    async def list_of(self, account_id: str, *, book: Book | None, limit: int, after: str, now: float) -> list[KeyListing]:
        """Return keys of an account (empty: of all), newest first, behind the key of id `after`."""
        ...

    async def get(self, key_id: str, *, account_id: str, now: float) -> KeyListing | None:
        """Return a key of an account (empty: of any)."""
        ...

    async def add(self, key: ApiKey, *, now: float) -> None: ...

    async def edit(self, key_id: str, changes: Mapping[str, Any], *, now: float) -> None:
        """Change fields of `ApiKey`, by their names. A lowered limit calls back what relays hold."""
        ...

    async def set_disabled(self, key_id: str, disabled: bool, *, now: float) -> None: ...

    async def rotate(self, key_id: str, *, digest: str, hint: str, grace_s: float, now: float) -> None: ...

    async def delete(self, key_id: str, *, now: float) -> None:
        """Disable it for good and show it nowhere; the history of its money stays."""
        ...


def key_actions(store: KeyStore) -> tuple[Action, ...]:
    """Return the actions."""
    keys = _Keys(store)
    return (
        Action(endpoint=reference.LIST_KEYS, handle=keys.list_them),
        Action(endpoint=reference.CREATE_KEY, handle=keys.create, permission="use", status=201),
        Action(endpoint=reference.GET_KEY, handle=keys.show),
        Action(endpoint=reference.EDIT_KEY, handle=keys.edit, permission="use"),
        Action(endpoint=reference.DELETE_KEY, handle=keys.delete, permission="use"),
        Action(endpoint=reference.ROTATE_KEY, handle=keys.rotate, permission="use"),
        Action(endpoint=reference.DISABLE_KEY, handle=keys.disable, permission="use"),
        Action(endpoint=reference.ENABLE_KEY, handle=keys.enable, permission="use"),
    )


class _Keys:
    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def list_them(self, call: Call) -> reference.KeyList:
        query: reference.KeyQuery = call.query
        account = call.scope(query.account)
        found = await self._store.list_of(account, book=query.book, limit=query.limit + 1, after=query.after, now=call.now)
        shown, more = page_of(found, query.limit)
        return reference.KeyList(data=[show_key(one, now=call.now) for one in shown], next=shown[-1].key.id if more else None)

    async def show(self, call: Call) -> reference.Key:
        return show_key(await self._own(call), now=call.now)

    async def create(self, call: Call) -> reference.FreshKey:
        body: reference.KeyBody = call.body
        wanted = _checked({name: getattr(body, name) for name in reference.KEY_FIELDS}, call, before=reference.DEFAULT_GROUP)
        secret, plain = new_key(account=call.account(body.account), book=body.book, name=wanted.pop("name"))
        key = msgspec.structs.replace(plain, **wanted)
        await self._store.add(key, now=call.now)
        return await self._fresh(key.id, secret, call)

    async def edit(self, call: Call) -> reference.Key:
        before = await self._own(call)
        body: reference.KeyEdit = call.body
        given = {name: value for name in reference.KEY_FIELDS if (value := getattr(body, name)) is not msgspec.UNSET}
        changes = _checked(given, call, before=before.key.group)
        if changes:
            await self._store.edit(before.key.id, changes, now=call.now)
        return await self.show(call)

    async def rotate(self, call: Call) -> reference.FreshKey:
        key = (await self._own(call)).key
        secret = new_secret(test=key.book == "test")
        grace_s: float = call.body.grace_s
        await self._store.rotate(key.id, digest=digest_of(secret), hint=hint_of(secret), grace_s=grace_s, now=call.now)
        return await self._fresh(key.id, secret, call)

    async def disable(self, call: Call) -> reference.Key:
        return await self._set_disabled(call, disabled=True)

    async def enable(self, call: Call) -> reference.Key:
        return await self._set_disabled(call, disabled=False)

    async def delete(self, call: Call) -> None:
        await self._store.delete((await self._own(call)).key.id, now=call.now)

    async def _set_disabled(self, call: Call, *, disabled: bool) -> reference.Key:
        key = (await self._own(call)).key
        await self._store.set_disabled(key.id, disabled, now=call.now)
        return await self.show(call)

    async def _own(self, call: Call) -> KeyListing:
        """Return the key that the path names. Raises NoSuchObject when there is none that the caller may see."""
        found = await self._store.get(call.values["key"], account_id=call.scope(), now=call.now)
        if found is None:
            raise NoSuchObject
        return found

    async def _fresh(self, key_id: str, secret: str, call: Call) -> reference.FreshKey:
        found = await self._store.get(key_id, account_id="", now=call.now)
        if found is None:  # deleted by another at this very moment
            raise NoSuchObject
        return reference.FreshKey(**msgspec.structs.asdict(show_key(found, now=call.now)), secret=secret)


def _checked(given: dict[str, Any], call: Call, *, before: str) -> dict[str, Any]:
    """Return fields as they are kept. `before` is the key's group until now.

    Raises:
        InvalidRequest: one cannot be used. PermissionDenied: a group, which has a price, is chosen by somebody who may not set prices.
    """
    kept = dict(given)
    if "name" in kept:
        kept["name"] = kept["name"].strip()
        if not kept["name"]:
            raise refused("name", "it is empty")
    if kept.get("group", before) != before and not may(call.member, "configure"):
        raise PermissionDenied("A key's price group is chosen by owners and admins.")
    for field, clean in _CHECKED.items():
        if field in kept:
            try:
                kept[field] = clean(kept[field])
            except ValueError as error:
                raise refused(field, str(error)) from None
    try:
        check_expiry(kept.get("expires_at"), now=call.now)
    except ValueError as error:
        raise refused("expires_at", str(error)) from None
    return kept


def show_key(found: KeyListing, *, now: float) -> reference.Key:
    """Return a key as it is shown."""
    key = found.key
    return reference.Key(
        id=key.id,
        name=key.name,
        hint=key.hint,
        account=key.account,
        account_name=found.account_name,
        book=key.book,
        group=key.group,
        limit_nanos=key.limit_nanos,
        limit_reset=key.limit_reset,
        spent_nanos=found.spent_nanos,
        set_aside_nanos=found.set_aside_nanos,
        models=key.models,
        ips=key.ips,
        rpm=key.rpm,
        tpm=key.tpm,
        cache_s=key.cache_s,
        expires_at=key.expires_at,
        disabled=key.disabled,
        created_at=key.created_at,
        last_used_at=found.last_used_at,
        state=found.state_at(now),
    )
