"""What an account has, what it spent, and the entries of the ledger that changed its balance."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, NoSuchObject, refused
from modelgate.control.lists import DEFAULT_ROWS, MAX_FILTER_LENGTH, AccountName, After, BookName, Limit, Next, page_of
from modelgate.core.endpoints import Case
from modelgate.core.listings import AccountListing, LedgerLine
from modelgate.core.money import Book

DAY_S = 86_400
WEEK_DAYS = 7
MONTH_DAYS = 30
MAX_CURSOR_DIGITS = 18
KINDS = (
    "credit",
    "adjust",
    "refund",
    "grant",
    "return",
    "cover",
    "close",
    "abandon",
    "late_charge",
    "task_hold",
    "task_return",
    "task_cover",
)
"""The kinds of entries that change a balance (docs/money.md)."""


class WalletStore(Protocol):
    """Money of accounts; reads only."""

    async def accounts(self, account_id: str = "") -> list[AccountListing]: ...

    async def spent_since(self, account_id: str, *, book: Book, midnights: Sequence[float]) -> list[int]:
        """Return what an account spent since each of these midnights (UTC) until now, nano-USD."""
        ...

    async def ledger(self, account_id: str, *, book: Book, kinds: Sequence[str], limit: int, after: int) -> list[LedgerLine]:
        """Return entries of an account's balance (empty: of all), latest first, behind the entry of number `after` (0: from the start)."""
        ...


class WalletQuery(Struct, frozen=True, kw_only=True):
    """Whose wallet."""

    book: BookName = "live"
    account: Annotated[str, Meta(max_length=MAX_FILTER_LENGTH, description="The account, by its id; empty: your own.")] = ""


class Wallet(Struct, frozen=True, kw_only=True):
    """What an account has in one book, and what it spent there. Days are UTC; the current one is counted among the 7 and the 30."""

    account: Annotated[str, Meta(description="Id of the account.")]
    account_name: Annotated[str, Meta(description="Its name.")]
    book: BookName
    balance_nanos: Annotated[int, Meta(description="What may be spent, nano-USD; below zero it is owed.")]
    set_aside_nanos: Annotated[
        int, Meta(description="Out of the balance for requests and tasks under way; what they do not use comes back.")
    ]
    credit_limit_nanos: Annotated[int | None, Meta(description="How far below zero the balance may go: 0 is prepaid, null has no bound.")]
    spent_today_nanos: Annotated[int, Meta(description="Spent since midnight, UTC.")]
    spent_7d_nanos: Annotated[int, Meta(description="Spent today and on the 6 days before.")]
    spent_30d_nanos: Annotated[int, Meta(description="Spent today and on the 29 days before.")]
    object: Annotated[Literal["wallet"], Meta(description="Always `wallet`.")] = "wallet"


class LedgerQuery(Struct, frozen=True, kw_only=True):
    """Which entries."""

    book: BookName = "live"
    account: AccountName = ""
    kind: Annotated[str, Meta(max_length=MAX_FILTER_LENGTH, description="Only entries of these kinds, separated by commas.")] = ""
    limit: Limit = DEFAULT_ROWS
    after: After = ""


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """One change of a balance. What a relay is granted is set aside; what it spends of that is no further change."""

    id: Annotated[int, Meta(description="Number of the entry.")]
    at: Annotated[float, Meta(description="When, seconds since the epoch.")]
    account: Annotated[str, Meta(description="Whose balance.")]
    book: BookName
    kind: Annotated[str, Meta(description=f"Why: one of {', '.join(f'`{kind}`' for kind in KINDS)}.")]
    amount_nanos: Annotated[int, Meta(description="Nano-USD; above zero it came in, below zero it went out.")]
    cause: Annotated[str, Meta(description="What it was for: a payment's key, a task, a relay's lease.")]
    note: Annotated[str, Meta(description="What was written beside it.")]


class LedgerList(Struct, frozen=True, kw_only=True):
    """Entries, latest first."""

    data: Annotated[list[LedgerEntry], Meta(description="The entries.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


def wallet_actions(store: WalletStore) -> tuple[Action, ...]:
    """Return the actions."""

    async def wallet(call: Call) -> Wallet:
        query: WalletQuery = call.query
        account = call.account(query.account)
        found = await store.accounts(account)
        if not found:
            raise NoSuchObject
        standing = found[0].live if query.book == "live" else found[0].test
        spent = await store.spent_since(account, book=query.book, midnights=_midnights(call.now))
        return Wallet(
            account=account,
            account_name=found[0].name,
            book=query.book,
            balance_nanos=standing.balance_nanos,
            set_aside_nanos=standing.set_aside_nanos,
            credit_limit_nanos=standing.credit_limit_nanos,
            spent_today_nanos=spent[0],
            spent_7d_nanos=spent[1],
            spent_30d_nanos=spent[2],
        )

    async def ledger(call: Call) -> LedgerList:
        query: LedgerQuery = call.query
        kinds = [kind.strip() for kind in query.kind.split(",") if kind.strip()]
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise refused("kind", f"{unknown[0]!r} is not one of {', '.join(KINDS)}")
        account = call.scope(query.account)
        found = await store.ledger(account, book=query.book, kinds=kinds, limit=query.limit + 1, after=_number_of(query.after))
        shown, more = page_of(found, query.limit)
        return LedgerList(data=[_entry(line) for line in shown], next=str(shown[-1].id) if more else None)

    return (Action(endpoint=GET_WALLET, handle=wallet), Action(endpoint=LIST_LEDGER, handle=ledger))


def _midnights(now: float) -> list[float]:
    """Return the midnights, UTC, that began today, this week of days and this month of days."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    return [today - (days - 1) * DAY_S for days in (1, WEEK_DAYS, MONTH_DAYS)]


def _number_of(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= MAX_CURSOR_DIGITS):
        raise refused("after", "it is not the `next` of a page")
    return int(cursor or 0)


def _entry(line: LedgerLine) -> LedgerEntry:
    return LedgerEntry(
        id=line.id,
        at=line.at,
        account=line.account,
        book=line.book,
        kind=line.kind,
        amount_nanos=line.amount_nanos,
        cause=line.cause,
        note=line.note,
    )


_ACCOUNT_ID = "acct_8hTn4JrKc2pWd6vBqSyM1L"
GET_WALLET = declared(
    "GET",
    "/api/wallet",
    "get_wallet",
    summary="See a wallet",
    description="What an account has in one book, and what it spent today, in 7 and in 30 days.",
    query=WalletQuery,
    response=Wallet,
    errors=(*CALLER_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="own",
            title="Your own wallet",
            prose="Prepaid, with 21.58 US dollars left.",
            response={
                "object": "wallet",
                "account": _ACCOUNT_ID,
                "account_name": "Acme",
                "book": "live",
                "balance_nanos": 21_582_750_000,
                "set_aside_nanos": 40_000_000,
                "credit_limit_nanos": 0,
                "spent_today_nanos": 812_300_000,
                "spent_7d_nanos": 3_417_250_000,
                "spent_30d_nanos": 3_417_250_000,
            },
        ),
    ),
)
LIST_LEDGER = declared(
    "GET",
    "/api/ledger",
    "list_ledger",
    summary="List what changed a balance",
    description=(
        "Every entry of the ledger on the balance of an account, latest first; their sum is the balance. Requests are paid out of what "
        "relays were granted (`grant`) and give back (`return`): what each cost is in the requests' log. Tasks are held (`task_hold`) and "
        "what they did not cost comes back (`task_return`)."
    ),
    query=LedgerQuery,
    response=LedgerList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="credits",
            title="Money that came in",
            prose="With `kind=credit`.",
            response={
                "object": "list",
                "data": [
                    {
                        "id": 4711,
                        "at": 1763884920.5,
                        "account": _ACCOUNT_ID,
                        "book": "live",
                        "kind": "credit",
                        "amount_nanos": 25_000_000_000,
                        "cause": "payment-4711",
                        "note": "invoice 7",
                    }
                ],
                "next": None,
            },
        ),
    ),
)
