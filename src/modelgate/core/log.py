"""What was asked and what it used, as the account API lists and draws it. `storage` makes these; nobody stores them.

All money is integer nano-USD.
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from modelgate.core.money import Book
from modelgate.core.records import RequestFacts

LogKind = Literal["request", "task", "refusal", "credit"]
By = Literal["model", "key", "upstream", "account"]


class LogPosition(msgspec.Struct, frozen=True, array_like=True):
    """A place in the log, newest first: behind everything later than `at` (seconds), and of what is at `at` behind `source` and `tie`."""

    at: float
    source: int
    tie: str


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What of the log is wanted; what is empty or None is not asked about.

    `status`: a status, `ok`, `error` (failed requests and tasks, and refusals) or `refused`. `id_from` to `id_to`: ids of requests, both
    included, of the same length. `since` to `until` are seconds, the latter excluded. `key_name`: of any key of the account with this name.
    """

    books: tuple[Book, ...]
    kinds: Collection[LogKind] = ("request", "task", "refusal")
    account: str = ""
    key: str = ""
    key_name: str = ""
    model: str = ""
    upstream: str = ""
    endpoint: str = ""
    status: int | Literal["", "ok", "error", "refused"] = ""
    since: float = 0.0
    until: float | None = None
    id_from: str = ""
    id_to: str = ""


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call: a relayed request, a task, or a refusal; or money that came in (below zero: went) by hand.

    `lease` is (incarnation, period, batch) of a request, for its ledger entries. `note`: of money what it was for, of a task its operation.
    """

    kind: LogKind
    position: LogPosition
    request_id: str
    account: str
    key: str
    book: Book
    model: str
    upstream: str
    endpoint: str
    status: int
    error: str
    key_name: str = ""
    group: str = ""
    upstream_name: str = ""
    message: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    amount_nanos: int = 0
    hold_nanos: int = 0
    overrun_nanos: int = 0
    first_byte_ms: int = 0
    total_ms: int = 0
    stream: bool = False
    estimated: bool = False
    attempts: int = 0
    outcome: str = ""
    task: str = ""
    note: str = ""
    lease: tuple[str, str, int] | None = None
    facts: RequestFacts | None = None

    @property
    def at(self) -> float:
        """When it began, seconds since the epoch."""
        return self.position.at

    @property
    def is_failed(self) -> bool:
        """Whether its status is that of an error; 0 is that of an orphan. As `storage.schema.money.FAILED`."""
        return not 100 <= self.status <= 399  # classes of statuses


class LogPage(msgspec.Struct, frozen=True):
    """Rows, newest first. `next` None: there are no more. A page may be short, even empty, and yet have a next: looking has a bound."""

    rows: list[LogRow]
    next: LogPosition | None


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger that a request or task is part of."""

    at: float
    kind: str
    debit: str
    credit: str
    amount_nanos: int
    cause: str


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of a span of time. `took`: requests that were no errors, by classes of their duration."""

    spend_nanos: int = 0
    requests: int = 0
    errors: int = 0
    refused: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    first_byte_ms: int = 0
    total_ms: int = 0
    took: tuple[int, ...] = ()


class UsedPoint(msgspec.Struct, frozen=True):
    """What was used in the span that begins at `at`, by one name of what it is grouped by."""

    at: int
    name: str
    used: Used
