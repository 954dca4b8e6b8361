"""Accounts: who pays, how far below zero, and money that came in."""

from typing import Annotated, Literal, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, AlreadyTaken, Conflict, NoSuchObject, refused
from modelgate.control.lists import BookName, Next
from modelgate.core.endpoints import Case
from modelgate.core.errors import IdempotencyKeyReused
from modelgate.core.ids import new_id
from modelgate.core.listings import AccountListing, BookStanding
from modelgate.core.money import MAX_USD, NANOS_PER_USD, Book
from modelgate.identity.key_bounds import MAX_NAME_LENGTH

MAX_NOTE_LENGTH = 200
MAX_IDEMPOTENCY_KEY_LENGTH = 150
MAX_CREDIT_NANOS = 1_000_000 * NANOS_PER_USD
CreditOutcome = Literal["done", "repeated", "conflict", "too_large"]

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
_CreditLimit = Annotated[int, Meta(ge=0, le=MAX_USD * NANOS_PER_USD)]
_Amount = Annotated[int, Meta(ge=-MAX_CREDIT_NANOS, le=MAX_CREDIT_NANOS)]
_LIMIT = "How far below zero the balance may go, nano-USD: 0 is prepaid, null pays later without bound."


class AccountStore(Protocol):
    """Accounts. Each method is one transaction; a name that is taken or an account that is not there raises what the door answers."""

    async def accounts(self, account_id: str = "") -> list[AccountListing]:
        """Return all accounts, or one, oldest first."""
        ...

    async def add_account(self, name: str, *, prepaid: bool, now: float) -> str:
        """Add an account that may spend nothing until it gets money, or one that pays later; return its id."""
        ...

    async def rename_account(self, account_id: str, name: str, *, now: float) -> None: ...

    async def choose_limit(self, account_id: str, book: Book, limit_nanos: int | None, *, now: float) -> None: ...

    async def credit(self, account_id: str, *, book: Book, amount_nanos: int, cause: str, note: str, now: float) -> CreditOutcome:
        """Book money once for each cause; the first makes an account prepaid unless its limit was chosen."""
        ...


class BookMoney(Struct, frozen=True, kw_only=True):
    """What an account has in one book, nano-USD."""

    balance_nanos: Annotated[int, Meta(description="What may be spent; below zero it is owed.")]
    set_aside_nanos: Annotated[
        int, Meta(description="Out of the balance for requests and tasks under way; what they do not use comes back.")
    ]
    credit_limit_nanos: Annotated[int | None, Meta(description=_LIMIT)]


class AccountObject(Struct, frozen=True, kw_only=True):
    """An account."""

    id: Annotated[str, Meta(description="Id of the account.")]
    name: Annotated[str, Meta(description="Its name; each name once.")]
    created_at: Annotated[float, Meta(description="When it was made, seconds since the epoch.")]
    keys: Annotated[int, Meta(description="How many keys it has.")]
    live: Annotated[BookMoney, Meta(description="Real money.")]
    test: Annotated[BookMoney, Meta(description="The sandbox's.")]
    object: Annotated[Literal["account"], Meta(description="Always `account`.")] = "account"


class AccountList(Struct, frozen=True, kw_only=True):
    """Accounts, oldest first."""

    data: Annotated[list[AccountObject], Meta(description="The accounts.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class AccountBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to make."""

    name: Annotated[_Name, Meta(description="What to call it; each name once.", examples=["Acme"])]
    prepaid: Annotated[
        bool, Meta(description="Whether it may spend only what it is given; if not, it pays later until its first credit.")
    ] = False


class AccountEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change about an account; what is not named stays as it is."""

    name: Annotated[_Name | UnsetType, Meta(description="A new name.")] = UNSET
    book: BookName = "live"
    credit_limit_nanos: Annotated[_CreditLimit | UnsetType | None, Meta(description=f"{_LIMIT} In `book`.")] = UNSET


class CreditBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that came in."""

    amount_nanos: Annotated[_Amount, Meta(description="Nano-USD; below zero it is a correction downwards.", examples=[25_000_000_000])]
    book: BookName = "live"
    note: Annotated[Annotated[str, Meta(max_length=MAX_NOTE_LENGTH)], Meta(description="Kept with the entry in the ledger.")] = ""
    idempotency_key: Annotated[
        Annotated[str, Meta(max_length=MAX_IDEMPOTENCY_KEY_LENGTH)],
        Meta(description="Book it at most once under this key, such as a payment's number."),
    ] = ""


def account_actions(store: AccountStore) -> tuple[Action, ...]:
    """Return the actions."""
    accounts = _Accounts(store)
    return (
        Action(endpoint=LIST_ACCOUNTS, handle=accounts.list_them),
        Action(endpoint=CREATE_ACCOUNT, handle=accounts.create, permission="configure", status=201),
        Action(endpoint=EDIT_ACCOUNT, handle=accounts.edit, permission="configure"),
        Action(endpoint=CREDIT_ACCOUNT, handle=accounts.credit, permission="configure"),
    )


class _Accounts:
    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def list_them(self, call: Call) -> AccountList:
        return AccountList(data=[_shown(one) for one in await self._store.accounts(call.scope())])

    async def create(self, call: Call) -> AccountObject:
        body: AccountBody = call.body
        return await self._one(await self._store.add_account(_name_of(body.name), prepaid=body.prepaid, now=call.now))

    async def edit(self, call: Call) -> AccountObject:
        body: AccountEdit = call.body
        account = (await self._one(call.values["account"])).id
        if body.name is not UNSET:
            await self._store.rename_account(account, _name_of(body.name), now=call.now)
        if body.credit_limit_nanos is not UNSET:
            await self._store.choose_limit(account, body.book, body.credit_limit_nanos, now=call.now)
        return await self._one(account)

    async def credit(self, call: Call) -> AccountObject:
        body: CreditBody = call.body
        account = (await self._one(call.values["account"])).id
        if body.amount_nanos == 0:
            raise refused("amount_nanos", "it is zero")
        cause = body.idempotency_key or new_id("credit")
        outcome = await self._store.credit(
            account, book=body.book, amount_nanos=body.amount_nanos, cause=cause, note=body.note, now=call.now
        )
        if outcome == "conflict":
            raise IdempotencyKeyReused(param="idempotency_key")
        if outcome == "too_large":
            raise Conflict("The balance would be larger than can be counted.")
        return await self._one(account)

    async def _one(self, account_id: str) -> AccountObject:
        found = await self._store.accounts(account_id) if account_id else []
        if not found:
            raise NoSuchObject
        return _shown(found[0])


def _name_of(text: str) -> str:
    name = text.strip()
    if not name:
        raise refused("name", "it is empty")
    return name


def _shown(one: AccountListing) -> AccountObject:
    return AccountObject(id=one.id, name=one.name, created_at=one.created_at, keys=one.keys, live=_money(one.live), test=_money(one.test))


def _money(standing: BookStanding) -> BookMoney:
    return BookMoney(
        balance_nanos=standing.balance_nanos,
        set_aside_nanos=standing.set_aside_nanos,
        credit_limit_nanos=standing.credit_limit_nanos,
    )


ACCOUNT_ID = "acct_8hTn4JrKc2pWd6vBqSyM1L"
_ACCOUNT = {
    "object": "account",
    "id": ACCOUNT_ID,
    "name": "Acme",
    "created_at": 1763884920.5,
    "keys": 3,
    "live": {"balance_nanos": 21_582_750_000, "set_aside_nanos": 0, "credit_limit_nanos": 0},
    "test": {"balance_nanos": -4_120_000, "set_aside_nanos": 0, "credit_limit_nanos": None},
}
_AT = {"account": ACCOUNT_ID}
_EMPTY = {"balance_nanos": 0, "set_aside_nanos": 0, "credit_limit_nanos": None}

LIST_ACCOUNTS = declared(
    "GET",
    "/api/accounts",
    "list_accounts",
    summary="List accounts",
    description="Every account with its money, oldest first, for owners and admins; others see their own. All of them come in one answer.",
    response=AccountList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="accounts",
            title="All accounts",
            prose="This one is prepaid in the live book.",
            response={"object": "list", "data": [_ACCOUNT], "next": None},
        ),
    ),
)
CREATE_ACCOUNT = declared(
    "POST",
    "/api/accounts",
    "create_account",
    family="admin",
    summary="Make an account",
    description="Makes an account without money and keys. Unless it is `prepaid`, it pays later until its first credit.",
    request=AccountBody,
    response=AccountObject,
    errors=(*CHANGE_ERRORS, AlreadyTaken),
    cases=(
        Case(
            name="create",
            title="Make an account",
            prose="Give it a key next, or invite somebody into it.",
            request={"name": "Acme"},
            response={**_ACCOUNT, "keys": 0, "live": _EMPTY, "test": _EMPTY},
            status=201,
        ),
    ),
)
EDIT_ACCOUNT = declared(
    "PATCH",
    "/api/accounts/{account}",
    "edit_account",
    family="admin",
    summary="Change an account",
    description="A new name, or how far below zero its balance may go in one book. A lowered limit calls idle money back from every relay.",
    request=AccountEdit,
    response=AccountObject,
    errors=(*CHANGE_ERRORS, NoSuchObject, AlreadyTaken),
    cases=(
        Case(
            name="prepaid",
            title="Make it prepaid",
            prose="0 is prepaid; null lets it pay later without bound.",
            request={"book": "live", "credit_limit_nanos": 0},
            response=_ACCOUNT,
            path_values=_AT,
        ),
    ),
)
CREDIT_ACCOUNT = declared(
    "POST",
    "/api/accounts/{account}/credit",
    "credit_account",
    family="admin",
    summary="Credit an account",
    description=(
        "Books money that came in, as an entry of the ledger. The first credit makes an account prepaid in that book unless its limit was "
        "chosen before. An amount below zero corrects the balance downwards."
    ),
    request=CreditBody,
    response=AccountObject,
    errors=(*CHANGE_ERRORS, NoSuchObject, IdempotencyKeyReused, Conflict),
    cases=(
        Case(
            name="payment",
            title="A payment of 25 US dollars",
            prose="Sent twice with the same `idempotency_key`, it is booked once.",
            request={"amount_nanos": 25_000_000_000, "note": "invoice 7", "idempotency_key": "payment-4711"},
            response=_ACCOUNT,
            path_values=_AT,
        ),
    ),
)
