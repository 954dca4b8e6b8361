"""Keys as published: types and endpoints."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, NoSuchObject
from modelgate.control.lists import DEFAULT_ROWS, AccountName, After, BookName, Limit, Next
from modelgate.core.endpoints import Case
from modelgate.core.listings import KeyState
from modelgate.core.money import MAX_USD, NANOS_PER_USD, Book
from modelgate.core.records import LimitReset
from modelgate.identity import key_bounds

MAX_NANOS: Final = MAX_USD * NANOS_PER_USD

DEFAULT_GROUP: Final = "default"

_Name = Annotated[str, Meta(min_length=1, max_length=key_bounds.MAX_NAME_LENGTH)]
_Group = Annotated[str, Meta(min_length=1, max_length=key_bounds.MAX_GROUP_LENGTH)]
_Nanos = Annotated[int, Meta(ge=0, le=MAX_NANOS)]
_Models = Annotated[
    tuple[Annotated[str, Meta(max_length=key_bounds.MAX_MODEL_LENGTH)], ...],
    Meta(max_length=key_bounds.MAX_MODELS),
]
_Networks = Annotated[
    tuple[Annotated[str, Meta(max_length=key_bounds.MAX_NETWORK_LENGTH)], ...],
    Meta(max_length=key_bounds.MAX_NETWORKS),
]
_Rate = Annotated[int, Meta(ge=1, le=key_bounds.MAX_RATE_LIMIT)]
_CacheAge = Annotated[int, Meta(ge=1, le=key_bounds.MAX_CACHE_S)]

_NAME = "What to call the key; names need not be unique."
_GROUP = "Price group: the price is multiplied by the group's ratio. Only owners and admins choose another than `default`."
_LIMIT = "Most that the key may spend in a period of `limit_reset`, nano-USD; null is no limit."
_RESET = "When the limit starts anew, UTC: at midnight, on Monday, on the first of the month, or never."
_MODELS = "Models the key may use, by the names that callers use; `gpt-*` is every model whose name begins so, empty is any."
_IPS = "Addresses and networks the key may be used from, such as `192.0.2.7` and `10.0.0.0/8`; empty is any."
_RPM = "Most requests in a minute; null is no limit."
_TPM = "Most tokens in a minute; null is no limit."
_CACHE = "Answer the same request from the cache when the answer is at most this old, seconds; null is no cache."
_EXPIRES = "When the key ends, seconds since the epoch; null is never."


class Key(Struct, frozen=True, kw_only=True):
    """A key. Its secret is not in here: it was shown once, when it was made."""

    id: Annotated[str, Meta(description="Id of the key.")]
    name: Annotated[str, Meta(description=_NAME)]
    hint: Annotated[str, Meta(description="Beginning and end of the secret, to tell keys apart.")]
    account: Annotated[str, Meta(description="Account that pays.")]
    account_name: Annotated[str, Meta(description="Name of that account.")]
    book: BookName
    group: Annotated[str, Meta(description=_GROUP)]
    limit_nanos: Annotated[int | None, Meta(description=_LIMIT)]
    limit_reset: Annotated[LimitReset, Meta(description=_RESET)]
    spent_nanos: Annotated[int, Meta(description="Spent in the current period, nano-USD.")]
    set_aside_nanos: Annotated[
        int, Meta(description="Set aside for requests and tasks under way, nano-USD; what they do not use comes back.")
    ]
    models: Annotated[tuple[str, ...], Meta(description=_MODELS)]
    ips: Annotated[tuple[str, ...], Meta(description=_IPS)]
    rpm: Annotated[int | None, Meta(description=_RPM)]
    tpm: Annotated[int | None, Meta(description=_TPM)]
    cache_s: Annotated[int | None, Meta(description=_CACHE)]
    expires_at: Annotated[float | None, Meta(description=_EXPIRES)]
    disabled: Annotated[bool, Meta(description="Whether somebody disabled it.")]
    created_at: Annotated[float, Meta(description="When it was made, seconds since the epoch.")]
    last_used_at: Annotated[float | None, Meta(description="When it was last used, seconds since the epoch; null: never.")]
    state: Annotated[
        KeyState,
        Meta(description="Whether it can be used, and if not, why. `active`: something is left of its limit, enough for a call or not."),
    ]
    object: Annotated[Literal["key"], Meta(description="Always `key`.")] = "key"


class FreshKey(Key, frozen=True, kw_only=True):
    """A key with its secret, which is shown this once."""

    secret: Annotated[str, Meta(description="The secret: what clients send. It is shown only now and kept nowhere.")]


class KeyList(Struct, frozen=True, kw_only=True):
    """Keys, newest first."""

    data: Annotated[list[Key], Meta(description="The keys.")]
    next: Next
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class KeyQuery(Struct, frozen=True, kw_only=True):
    """Which keys."""

    account: AccountName = ""
    book: Annotated[Book | None, Meta(description="Only keys of this book: `live` or `test`.")] = None
    limit: Limit = DEFAULT_ROWS
    after: After = ""


class KeyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make."""

    name: Annotated[_Name, Meta(description=_NAME, examples=["my app"])]
    book: BookName = "live"
    account: Annotated[str, Meta(max_length=64, description="Account that pays; empty: your own. Only owners and admins name another.")] = (
        ""
    )
    group: Annotated[_Group, Meta(description=_GROUP)] = DEFAULT_GROUP
    limit_nanos: Annotated[_Nanos | None, Meta(description=_LIMIT)] = None
    limit_reset: Annotated[LimitReset, Meta(description=_RESET)] = "never"
    models: Annotated[_Models, Meta(description=_MODELS)] = ()
    ips: Annotated[_Networks, Meta(description=_IPS)] = ()
    rpm: Annotated[_Rate | None, Meta(description=_RPM)] = None
    tpm: Annotated[_Rate | None, Meta(description=_TPM)] = None
    cache_s: Annotated[_CacheAge | None, Meta(description=_CACHE)] = None
    expires_at: Annotated[float | None, Meta(description=_EXPIRES)] = None


class KeyEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change about a key; what is not named stays as it is."""

    name: Annotated[_Name | UnsetType, Meta(description=_NAME)] = UNSET
    group: Annotated[_Group | UnsetType, Meta(description=_GROUP)] = UNSET
    limit_nanos: Annotated[_Nanos | UnsetType | None, Meta(description=_LIMIT)] = UNSET
    limit_reset: Annotated[LimitReset | UnsetType, Meta(description=_RESET)] = UNSET
    models: Annotated[_Models | UnsetType, Meta(description=_MODELS)] = UNSET
    ips: Annotated[_Networks | UnsetType, Meta(description=_IPS)] = UNSET
    rpm: Annotated[_Rate | UnsetType | None, Meta(description=_RPM)] = UNSET
    tpm: Annotated[_Rate | UnsetType | None, Meta(description=_TPM)] = UNSET
    cache_s: Annotated[_CacheAge | UnsetType | None, Meta(description=_CACHE)] = UNSET
    expires_at: Annotated[float | UnsetType | None, Meta(description=_EXPIRES)] = UNSET


class RotateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to give a key a new secret."""

    grace_s: Annotated[
        Annotated[float, Meta(ge=0, le=key_bounds.MAX_GRACE_S)],
        Meta(description="For how many seconds the old secret still works; 0: it stops at once."),
    ] = 0.0


KEY_FIELDS: Final = KeyEdit.__struct_fields__
"""What can be chosen about a key, when it is made and later."""

KEY_ID: Final = "key_5fWq2ZtYb8mXcR3nVsLk9P"
KEY_EXAMPLE: Final = {
    "object": "key",
    "id": KEY_ID,
    "name": "my app",
    "hint": "sk-live-…x7Qp",
    "account": "acct_8hTn4JrKc2pWd6vBqSyM1L",
    "account_name": "default",
    "book": "live",
    "group": "default",
    "limit_nanos": 20_000_000_000,
    "limit_reset": "monthly",
    "spent_nanos": 3_417_250_000,
    "set_aside_nanos": 0,
    "models": ["gpt-5.6-luna", "kling-v1"],
    "ips": ["10.0.0.0/8"],
    "rpm": 60,
    "tpm": None,
    "cache_s": None,
    "expires_at": None,
    "disabled": False,
    "created_at": 1763884920.5,
    "last_used_at": 1763971322.125,
    "state": "active",
}
_FRESH = {
    **KEY_EXAMPLE,
    "spent_nanos": 0,
    "last_used_at": None,
    "secret": "sk-live-…",
}  # as in the handbook: no example holds a whole secret
_AT = {"key": KEY_ID}


LIST_KEYS: Final = declared(
    "GET",
    "/api/keys",
    "list_keys",
    summary="List keys",
    description="Keys of your account, newest first; owners and admins see those of every account. Secrets are never in it.",
    query=KeyQuery,
    response=KeyList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="keys",
            title="All keys",
            prose="`next` is null: there are no more.",
            response={"object": "list", "data": [KEY_EXAMPLE], "next": None},
        ),
    ),
)
CREATE_KEY: Final = declared(
    "POST",
    "/api/keys",
    "create_key",
    summary="Make a key",
    description="Makes a key and answers with its secret, this once. Limits, models, addresses and rates restrict what it may do.",
    request=KeyBody,
    response=FreshKey,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="restricted",
            title="A key with a monthly limit",
            prose="20 US dollars a month, for two models, from one network.",
            request={
                "name": "my app",
                "limit_nanos": 20_000_000_000,
                "limit_reset": "monthly",
                "models": ["gpt-5.6-luna", "kling-v1"],
                "ips": ["10.0.0.0/8"],
                "rpm": 60,
            },
            response=_FRESH,
            status=201,
        ),
    ),
)
GET_KEY: Final = declared(
    "GET",
    "/api/keys/{key}",
    "get_key",
    summary="See a key",
    description="Answers with one key. Another account's is as absent as one that never was.",
    response=Key,
    errors=(*CALLER_ERRORS, NoSuchObject),
    cases=(Case(name="key", title="One key", prose="`spent_nanos` is of the current month.", response=KEY_EXAMPLE, path_values=_AT),),
)
EDIT_KEY: Final = declared(
    "PATCH",
    "/api/keys/{key}",
    "edit_key",
    summary="Change a key",
    description=(
        "Changes what is named and leaves the rest. Every process follows within a second. A limit below what was spent is allowed: "
        "the key is exhausted until the period ends or the limit is raised."
    ),
    request=KeyEdit,
    response=Key,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="lower-limit",
            title="Lower the limit",
            prose="Null takes a bound away.",
            request={"limit_nanos": 20_000_000_000, "tpm": None},
            response=KEY_EXAMPLE,
            path_values=_AT,
        ),
    ),
)
DELETE_KEY: Final = declared(
    "DELETE",
    "/api/keys/{key}",
    "delete_key",
    summary="Delete a key",
    description="The key stops working within a second, for good, and is listed no more. What it spent stays in the books and the logs.",
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(Case(name="delete", title="Delete it", prose="The answer is empty.", status=204, path_values=_AT),),
)
ROTATE_KEY: Final = declared(
    "POST",
    "/api/keys/{key}/rotate",
    "rotate_key",
    summary="Give a key a new secret",
    description="Limits, spending and name stay with the key. The old secret stops at once, or after `grace_s` seconds.",
    request=RotateBody,
    response=FreshKey,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="with-grace",
            title="With an hour's grace",
            prose="Both secrets work for an hour, so that clients can be changed one by one.",
            request={"grace_s": 3600},
            response={**_FRESH, "spent_nanos": 3_417_250_000},
            path_values=_AT,
        ),
    ),
)
DISABLE_KEY: Final = declared(
    "POST",
    "/api/keys/{key}/disable",
    "disable_key",
    summary="Disable a key",
    description="The key is refused everywhere within a second, until it is enabled.",
    response=Key,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="disable",
            title="Disable it",
            prose="Requests under way are finished.",
            response={**KEY_EXAMPLE, "disabled": True, "state": "disabled"},
            path_values=_AT,
        ),
    ),
)
ENABLE_KEY: Final = declared(
    "POST",
    "/api/keys/{key}/enable",
    "enable_key",
    summary="Enable a disabled key",
    description="The key works again, if nothing else keeps it from that: see `state` in the answer.",
    response=Key,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(Case(name="enable", title="Enable it", prose="It works again.", response=KEY_EXAMPLE, path_values=_AT),),
)
