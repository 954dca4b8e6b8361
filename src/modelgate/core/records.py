"""Records that live in the database, as every room sees them. `storage` reads and writes them; nobody subclasses them.

All money is integer nano-USD, all times are seconds since the epoch (UTC) unless the name says `_ms`.
"""

from typing import Any, Literal

import msgspec

from modelgate.core.money import Book

Json = Any
"""Opaque vendor JSON, the one place where Any is meant."""

LimitReset = Literal["never", "daily", "weekly", "monthly"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays. Money lives apart for each book.

    `credit_limit_nanos`: how far below zero the balance may go: None is "pays later, no bound", 0 is prepaid.
    """

    id: str
    name: str
    created_at: float
    book: Book
    balance_nanos: int
    credit_limit_nanos: int | None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """The secret that speaks for an account. The secret itself is kept only as `digest` (SHA-256, hex).

    `slot` indexes the shared rate counters of a node. `models`, `ips`: empty means any; ips are addresses or networks.
    `limit_nanos` None: no limit. `rpm`, `tpm` None: no limit. `expires_at` None: never. `cache_s`: how old an answer from the cache may
    be; None: it has no cache.
    """

    id: str
    account: str
    book: Book
    name: str
    digest: str
    hint: str
    group: str = "default"
    limit_nanos: int | None = None
    limit_reset: LimitReset = "never"
    models: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    expires_at: float | None = None
    disabled: bool = False
    created_at: float = 0.0
    slot: int = 0
    cache_s: int | None = None


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One secret of an upstream. In the database it is encrypted; `secret` is set only where it is needed."""

    id: str
    secret: str = ""
    disabled: bool = False


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """One account at a vendor, or a server of one's own.

    `provider` names a file in `providers/`. `models` maps the name callers use to the name the upstream uses; empty:
    every model priced for that provider. `priority`: higher goes first; `weight` shares among equals. `socket` is a
    Unix socket path used instead of the network (the sandbox). `trusted` exempts it from the URL guard.
    `cancel`: what a client's disconnect does to a running answer. `max_concurrent` 0: unbounded.
    """

    id: str
    name: str
    provider: str
    base_url: str
    book: Book
    models: dict[str, str] = {}
    credentials: tuple[Credential, ...] = ()
    priority: int = 0
    weight: int = 1
    disabled: bool = False
    free: bool = False
    socket: str = ""
    cancel: Literal["drain", "cancel"] = "drain"
    timeout_s: float = 600.0
    ca_file: str = ""
    max_concurrent: int = 0


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A price the operator set for a model, laid over the shipped list. `rates` maps a unit to a decimal string in USD
    (`input`, `output`, `cached`, `cache_write` … per million tokens; `image`, `call`, `second` each); `free` means zero.
    """

    model: str
    rates: dict[str, str] = {}
    free: bool = False


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration every relay and desk works from, replaced whole.

    `version` rises with each change. `groups` maps a group's name to its price multiplier, a decimal string; an absent one is 1.
    `settings` are the operator's (see docs/settings.md). `state_key` seals the ids of what upstreams keep; the same on every node.
    """

    version: int
    upstreams: tuple[Upstream, ...] = ()
    prices: tuple[PriceRow, ...] = ()
    groups: dict[str, str] = {}
    settings: dict[str, str] = {}
    state_key: bytes = b""


TaskState = Literal["queued", "submitting", "unknown", "running", "waiting_input", "succeeded", "failed", "canceled", "expired"]
TERMINAL_STATES: frozenset[TaskState] = frozenset(("succeeded", "failed", "canceled", "expired"))


class TaskOutput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One result file: the vendor's address, and once copied the key in our blob store.

    One without an address (and not a text) was made and is withheld by the vendor. `vendor_id` is its name there, by which later work may
    build on it; `details` are what the vendor says about it. `is_extra`: it only goes along with the results, such as the cover of a song,
    and may be missing.
    """

    kind: Literal["image", "video", "audio", "text"]
    url: str = ""
    blob: str = ""
    content_type: str = ""
    size_bytes: int = 0
    text: str = ""
    vendor_id: str = ""
    duration_ms: int = 0
    details: dict[str, Json] = {}
    is_extra: bool = False


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One durable media job.

    `family` is the client dialect it came in by (`kling`), `operation` the neutral work (`image`, `video`, …), `request`
    the neutral media request as JSON bytes, `facts` what the family needs to render the task again (JSON bytes).
    `attempt` counts submits that are known not to have been taken. `due_at` is when the worker looks next;
    `deadline_at` ends it whatever happens. `amount_nanos` is the hold, and of a task that succeeded the charge. `version` rises with every
    write.
    `details` is what the vendor says about the job beside its results (JSON bytes). `parent` is the task it builds on, `pinned` the only
    upstream that may have it. `callback_url` is where its caller wants to hear of changes.
    `weight` is what it counts for against its upstream's `max_concurrent`. `poll_errors` counts the tries in a row that ended in
    `error_code` while the task still runs.
    """

    id: str
    account: str
    key: str
    book: Book
    family: str
    operation: str
    model: str
    state: TaskState
    request: bytes
    facts: bytes = b"{}"
    amount_nanos: int = 0
    weight: int = 1
    upstream: str = ""
    credential: str = ""
    vendor_task: str = ""
    progress: int = 0
    error_code: str = ""
    error_message: str = ""
    outputs: tuple[TaskOutput, ...] = ()
    attempt: int = 0
    poll_errors: int = 0
    request_id: str = ""
    created_at: float = 0.0
    submitted_at: float | None = None
    finished_at: float | None = None
    updated_at: float = 0.0
    due_at: float = 0.0
    deadline_at: float = 0.0
    version: int = 0
    details: bytes = b"{}"
    parent: str = ""
    pinned: str = ""
    callback_url: str = ""


CALLBACK_STATES: frozenset[TaskState] = frozenset(("running", "waiting_input", *TERMINAL_STATES))
"""States whose begin is told to a task's caller, if it gave an address."""
DeliveryState = Literal["pending", "sending", "delivered", "failed", "gone", "skipped"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a task's state on its way to the address its caller gave.

    `id` is the same for every try. `version` is the task's when it changed: of one task's deliveries only that with the highest is sent.
    `attempts` counts tries, the one under way included. `due_at` is the next try, or the end of the lease of the one under way.
    `ended_at` is set with `delivered`, `failed` (given up), `gone` (the address said 410) and `skipped` (a newer state took its place).
    `answer_status` and `error` are of the last try, 0 and empty where there is none.
    """

    id: str
    task: str
    account: str
    task_state: TaskState
    version: int
    state: DeliveryState = "pending"
    attempts: int = 0
    due_at: float = 0.0
    created_at: float = 0.0
    sent_at: float | None = None
    ended_at: float | None = None
    answer_status: int = 0
    error: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call with a known key that was refused before any money was held for it; it has no request record.

    `model` is as the caller spelled it, empty where it was refused before that was read. `is_counted`: there were too many to keep
    each, and this one stands for as many of the same key as `times` says.
    """

    at_ms: int
    request_id: str
    account: str
    key: str
    book: Book
    endpoint: str
    model: str
    status: int
    code: str
    message: str
    times: int = 1
    is_counted: bool = False

    @property
    def is_unknown_model(self) -> bool:
        """Whether the model is none of ours, so that its name says nothing."""
        return self.code == "model_not_found"


class RequestFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of one request beside its money. Written by the relay into the journal, posted by the book.

    `at_ms` is the start, milliseconds since the epoch; `first_byte_ms` and `total_ms` are spans. `note` names what was
    out of the ordinary: `client_left`, `truncated`, `estimated`, …

    Encoded as an array: half the time and half the bytes of a map, for every request there ever was. So the order of the fields
    stays, and new ones come last, with a default. `tried` names the tries that gave no answer, in order: the upstream's id, a colon, why.
    """

    model: str
    at_ms: int
    request_id: str
    account: str
    key: str
    book: Book
    endpoint: str
    status: int = 200
    upstream: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    first_byte_ms: int = 0
    total_ms: int = 0
    estimated: bool = False
    upstream_model: str = ""
    attempts: int = 1
    stream: bool = False
    cached_tokens: int = 0
    units: dict[str, int] = {}
    price: str = ""
    error: str = ""
    note: str = ""
    tried: tuple[str, ...] = ()
