"""Rows of several tables read together, as the account API lists them. `storage` makes them; nobody stores them.

All money is integer nano-USD, all times are seconds since the epoch (UTC).
"""

from typing import Literal

import msgspec

from modelgate.core.money import Book
from modelgate.core.records import ApiKey, Task, TaskState

KeyState = Literal["active", "disabled", "expired", "exhausted"]


class KeyListing(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its owner's name and what it did. `spent_nanos` and `set_aside_nanos` are of the current period of its limit."""

    key: ApiKey
    account_name: str
    spent_nanos: int = 0
    set_aside_nanos: int = 0
    last_used_at: float | None = None

    def state_at(self, now: float) -> KeyState:
        """Return whether the key can be used, and if not, why; the most lasting reason first.

        What is set aside is not spent: most of it is at the relays, for this key's next requests. So active means that something is left,
        not that it is enough for the next.
        """
        key = self.key
        if key.disabled:
            return "disabled"
        if key.expires_at is not None and key.expires_at <= now:
            return "expired"
        if key.limit_nanos is not None and self.spent_nanos >= key.limit_nanos:
            return "exhausted"
        return "active"


class BookStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The money of an account in one book. `credit_limit_nanos`: as in `Account`."""

    balance_nanos: int
    set_aside_nanos: int
    credit_limit_nanos: int | None


class AccountListing(msgspec.Struct, frozen=True, kw_only=True):
    """An account with its money in both books and the number of its keys."""

    id: str
    name: str
    created_at: float
    live: BookStanding
    test: BookStanding
    keys: int = 0


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger as the balance of an account sees it: `amount_nanos` above zero came in, below zero went out."""

    id: int
    at: float
    account: str
    book: Book
    kind: str
    amount_nanos: int
    cause: str
    note: str


class RedemptionCode(msgspec.Struct, frozen=True, kw_only=True):
    """Credit that whoever brings the code may take, once. Of the code itself only `hint` is kept to tell it by.

    `created_by` and `redeemed_by` are members, `account` is who got the money. `withdrawn_at`: it was taken back before that.
    """

    id: str
    hint: str
    book: Book
    amount_nanos: int
    note: str
    created_at: float
    created_by: str
    expires_at: float | None = None
    redeemed_at: float | None = None
    redeemed_by: str = ""
    account: str = ""
    withdrawn_at: float | None = None


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks; what is empty or None does not matter. `since` is the first moment of their making, `until` the first after it."""

    book: Book
    account: str = ""
    key: str = ""
    model: str = ""
    family: str = ""
    state: str = ""
    upstream: str = ""
    since: float | None = None
    until: float | None = None


class TaskListing(msgspec.Struct, frozen=True, kw_only=True):
    """A task with the names of its account, key and upstream, and how many webhooks it has had."""

    task: Task
    account_name: str
    key_name: str
    upstream_name: str
    deliveries: int


class TaskEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a task's state."""

    state: TaskState
    at: float


class AdminEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner or admin changed. `action` is the endpoint's name, `subject` what its path named, `detail` its body without secrets."""

    id: int
    at: float
    member: str
    email: str
    action: str
    subject: str
    detail: str


class UpstreamTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the requests that ended at an upstream in a span of time. `last_*` are of the latest that failed."""

    upstream: str
    requests: int
    failed: int
    last_status: int = 0
    last_error: str = ""
    last_failed_at: float | None = None
    last_ok_at: float | None = None


class AccountUse(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has in one book, what it spent in all, and how often it asked: requests, and tasks that ended.

    `credit_limit_nanos`: as in `Account`.
    """

    balance_nanos: int
    credit_limit_nanos: int | None
    spent_nanos: int
    requests: int
