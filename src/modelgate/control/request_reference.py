"""The log of requests as published: types and endpoints."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, NoSuchObject
from modelgate.control.lists import DEFAULT_ROWS, MAX_FILTER_LENGTH, AccountName, BookName, Limit, Next
from modelgate.core.endpoints import Case

MAX_CURSOR_LENGTH = 300
MAX_SECONDS = 1e11
_STATUS_PATTERN = "^(|ok|error|refused|[1-5][0-9][0-9])$"

Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
_Filter = Annotated[str, Meta(max_length=MAX_FILTER_LENGTH)]
Outcome = Literal["answered", "failed", "not_asked"]
_Kind = Literal["request", "task", "refusal"]
_BEGAN = "Only calls that began at this time or later, seconds since the epoch."
_SEARCH = "The id of a request (`req_…`), whole or its beginning."
_STATUS = "A status such as `429`; `ok`; `error`: what failed or was refused; or `refused`: what was refused before money was held."


class LogQuery(Struct, frozen=True, kw_only=True):
    """What of the log is wanted; every filter given must hold."""

    book: BookName = "live"
    account: AccountName = ""
    key: Annotated[_Filter, Meta(description="Only calls with this key, by its id.")] = ""
    model: Annotated[_Filter, Meta(description="Only calls for this model, by the name that was asked for.")] = ""
    upstream: Annotated[_Filter, Meta(description="Only calls that ended at this upstream, by its id.")] = ""
    status: Annotated[str, Meta(pattern=_STATUS_PATTERN, description=_STATUS, examples=["error"])] = ""
    endpoint: Annotated[_Filter, Meta(description="Only calls of this endpoint or family, such as `openai_chat` or `kling`.")] = ""
    since: Annotated[Seconds, Meta(description=_BEGAN)] = 0.0
    until: Annotated[Seconds | None, Meta(description="Only calls that began before; null: until now.")] = None
    search: Annotated[str, Meta(max_length=MAX_FILTER_LENGTH, description=_SEARCH, examples=["req_01a1f0e2b3c7"])] = ""


class LogListQuery(LogQuery, frozen=True, kw_only=True):
    """What of the log is wanted, and how much."""

    limit: Limit = DEFAULT_ROWS
    after: Annotated[str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next` of the page before; empty for the first page.")] = ""


class LoggedCall(Struct, frozen=True, kw_only=True):
    """One call: a request that was relayed, a task, or a refusal."""

    request_id: Annotated[str, Meta(description="Id of the request, as its answer's `x-request-id` said.")]
    kind: Annotated[_Kind, Meta(description="`request`: answered at once; `task`: media; `refusal`: refused before money was held.")]
    at: Annotated[float, Meta(description="When it began, seconds since the epoch.")]
    account: Annotated[str, Meta(description="Id of the account that pays.")]
    key: Annotated[str, Meta(description="Id of the key.")]
    key_name: Annotated[str, Meta(description="Name of the key.")]
    model: Annotated[str, Meta(description="The model that was asked for; empty where it was refused before that was read.")]
    upstream: Annotated[str, Meta(description="Id of the upstream that was asked last; empty: none was.")]
    upstream_name: Annotated[str, Meta(description="Name of that upstream, empty when it is gone.")]
    endpoint: Annotated[str, Meta(description="By which dialect or family it came.")]
    status: Annotated[int, Meta(description="HTTP status of the answer; 202: a task that runs; 0: the relay died in the middle.")]
    error: Annotated[str, Meta(description="Code of the error; empty when there was none.")]
    input_tokens: Annotated[int, Meta(description="Tokens of the prompt, cached ones among them.")]
    output_tokens: Annotated[int, Meta(description="Tokens of the answer.")]
    cached_tokens: Annotated[int, Meta(description="Tokens of the prompt that the vendor had cached.")]
    amount_nanos: Annotated[int, Meta(description="What it cost, nano-USD.")]
    first_byte_ms: Annotated[int, Meta(description="Milliseconds to the first byte of the answer.")]
    total_ms: Annotated[int, Meta(description="Milliseconds to its last byte, or to the end of the task.")]
    stream: Annotated[bool, Meta(description="Whether the answer was streamed.")]
    estimated: Annotated[bool, Meta(description="Whether the charge is an estimate, because the vendor did not count.")]
    attempts: Annotated[int, Meta(description="How many times an upstream was asked.")]
    outcome: Annotated[
        str, Meta(description="`captured`: charged; `released`: not; `orphaned`: its relay died; `refused`; or the state of the task.")
    ]
    task: Annotated[str | None, Meta(description="Id of the task; null for what is none.")] = None


class LogList(Struct, frozen=True, kw_only=True):
    """Calls, newest first."""

    data: Annotated[list[LoggedCall], Meta(description="The calls. May be fewer than `limit` though more follow: looking has a bound.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class PricePart(Struct, frozen=True, kw_only=True):
    """One product of the price's formula."""

    unit: Annotated[str, Meta(description="What was counted, such as `input` or `cached`.")]
    count: Annotated[int, Meta(description="How many; `milliseconds` for what is priced by the second.")]
    rate: Annotated[str, Meta(description="US dollars for `per` of them.")]
    per: Annotated[int, Meta(description="How many the rate is for.")]
    amount_nanos: Annotated[int, Meta(description="What this part cost with the group's ratio, nano-USD, rounded.")]


class PriceExplained(Struct, frozen=True, kw_only=True):
    """How the amount came about."""

    formula: Annotated[str, Meta(description="The rates that applied, and the ratio of the key's group.")]
    ratio: Annotated[str, Meta(description="The ratio of the group.")]
    parts: Annotated[list[PricePart], Meta(description="The products.")]
    sum_nanos: Annotated[int | None, Meta(description="Their sum, rounded once; null when the parts are not known.")]
    text: Annotated[str, Meta(description="The same in a sentence, and why the amount is another, where it is.")]


class RouteStep(Struct, frozen=True, kw_only=True):
    """One upstream and what became of it."""

    upstream: Annotated[str, Meta(description="Id of the upstream.")]
    name: Annotated[str, Meta(description="Its name, empty when it is gone.")]
    priority: Annotated[int | None, Meta(description="Its priority as configured now: higher goes first; null: not configured.")]
    weight: Annotated[int | None, Meta(description="Its weight among equals as configured now.")]
    outcome: Annotated[Outcome, Meta(description="What became of it.")]
    why: Annotated[str, Meta(description="Why.")]


class RefusalExplained(Struct, frozen=True, kw_only=True):
    """Why a call got no answer, and what mends it."""

    code: Annotated[str, Meta(description="Code of the error.")]
    message: Annotated[str, Meta(description="What the caller was told.")]
    rule: Annotated[str, Meta(description="The rule that refused it.")]
    fix: Annotated[str, Meta(description="What mends it.")]


class LedgerPart(Struct, frozen=True, kw_only=True):
    """An entry of the ledger that the call is part of. Requests are charged together, one entry for a key and some requests."""

    at: Annotated[float, Meta(description="When, seconds since the epoch.")]
    kind: Annotated[str, Meta(description="Kind of the entry.")]
    debit: Annotated[str, Meta(description="What the money left.")]
    credit: Annotated[str, Meta(description="What it reached.")]
    amount_nanos: Annotated[int, Meta(description="Nano-USD, of all that were charged together.")]
    cause: Annotated[str, Meta(description="What makes the entry unique.")]


class ExplainedCall(LoggedCall, frozen=True, kw_only=True):
    """A call with its reasons: why this route, why this price, why refused."""

    units: Annotated[dict[str, int], Meta(description="Everything that was counted.")]
    hold_nanos: Annotated[int, Meta(description="What was held for it before it began, nano-USD.")]
    overrun_nanos: Annotated[int, Meta(description="What it cost beyond that.")]
    price: Annotated[PriceExplained | None, Meta(description="Why this price; null where nothing has a price.")]
    route: Annotated[list[RouteStep], Meta(description="Why this route: tries in order, then who else serves the model now.")]
    refusal: Annotated[RefusalExplained | None, Meta(description="Why it got no answer; null when it got one.")]
    ledger: Annotated[list[LedgerPart], Meta(description="Its entries of the ledger.")]
    note: Annotated[str, Meta(description="What was out of the ordinary, in words separated by spaces.")]


_ROW = {
    "request_id": "req_01a1f0e2b3c7f29a4d1e0b63",
    "kind": "request",
    "at": 1795000000.123,
    "account": "acct_8hTn4JrKc2pWd6vBqSyM1L",
    "key": "key_5fWq8Zt1XbL0nRk7VdCy3A",
    "key_name": "app",
    "model": "gpt-4o",
    "upstream": "up_2mVx9Kq4RsT7bNc1WdJy6H",
    "upstream_name": "west",
    "endpoint": "openai_chat",
    "status": 200,
    "error": "",
    "input_tokens": 1200,
    "output_tokens": 300,
    "cached_tokens": 200,
    "amount_nanos": 5_750_000,
    "first_byte_ms": 410,
    "total_ms": 2150,
    "stream": True,
    "estimated": False,
    "attempts": 2,
    "outcome": "captured",
    "task": None,
}
_EXPLAINED = {
    **_ROW,
    "units": {"input_tokens": 1200, "output_tokens": 300, "cached_tokens": 200},
    "hold_nanos": 40_000_000,
    "overrun_nanos": 0,
    "price": {
        "formula": "input 2.50/M + cached 1.25/M + output 10.00/M",
        "ratio": "1",
        "parts": [
            {"unit": "input", "count": 1000, "rate": "2.50", "per": 1_000_000, "amount_nanos": 2_500_000},
            {"unit": "cached", "count": 200, "rate": "1.25", "per": 1_000_000, "amount_nanos": 250_000},
            {"unit": "output", "count": 300, "rate": "10.00", "per": 1_000_000, "amount_nanos": 3_000_000},
        ],
        "sum_nanos": 5_750_000,
        "text": "1,000 input × 2.50 / 1,000,000 + 200 cached × 1.25 / 1,000,000 + 300 output × 10.00 / 1,000,000 = 0.00575 USD.",
    },
    "route": [
        {
            "upstream": "up_7cRt3Wn5QzP1vLk8XyBd2M",
            "name": "east",
            "priority": 10,
            "weight": 1,
            "outcome": "failed",
            "why": "It answered 429 rate_limit_exceeded.",
        },
        {
            "upstream": "up_2mVx9Kq4RsT7bNc1WdJy6H",
            "name": "west",
            "priority": 0,
            "weight": 1,
            "outcome": "answered",
            "why": "It was asked after the one before and answered.",
        },
    ],
    "refusal": None,
    "ledger": [],
    "note": "",
}

LIST_REQUESTS = declared(
    "GET",
    "/api/requests",
    "list_requests",
    summary="List calls",
    description=(
        "Every call with a known key, newest first: requests, tasks, and what was refused before money was held. Of refusals only so many "
        "are kept (see docs/requests.md), of the rest all. `next` goes on; where filters match little a page may be short and go on all "
        "the same."
    ),
    query=LogListQuery,
    response=LogList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="newest",
            title="The newest calls",
            prose="Of all keys of the account.",
            response={"object": "list", "data": [_ROW], "next": "WzE3OTUwMDAwMDAuMTIzLDAsImluY18xLzciXQ.x"},
        ),
    ),
)
GET_REQUEST = declared(
    "GET",
    "/api/requests/{request}",
    "get_request",
    summary="Explain a call",
    description=(
        "One call by the id of its request: why this route, why this price, why refused. Upstreams, priorities and weights are as "
        "configured now; what happened with each try is as it happened."
    ),
    response=ExplainedCall,
    errors=(*CALLER_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="explained",
            title="A call that went to the second upstream",
            prose="The first said that it was asked too much.",
            path_values={"request": "req_01a1f0e2b3c7f29a4d1e0b63"},
            response=_EXPLAINED,
        ),
    ),
)
EXPORT_REQUESTS = declared(
    "GET",
    "/api/requests.csv",
    "export_requests",
    summary="Export calls as CSV",
    description=(
        "The same list as CSV, UTF-8, with a head line, streamed. At most 1,000,000 lines; go on with `until` of the last. Cells that a "
        "spreadsheet would take for a formula begin with an apostrophe."
    ),
    query=LogQuery,
    content_type="text/csv; charset=utf-8",
    errors=CALLER_ERRORS,
    cases=(Case(name="export", title="Export everything", prose="Of the live book, of all keys."),),
)
