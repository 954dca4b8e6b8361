"""What was spent, asked and answered over time, for charts: from sums that are kept, never from the calls themselves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, refused
from modelgate.control.lists import AccountName, BookName
from modelgate.control.request_reference import Seconds
from modelgate.core.endpoints import Case
from modelgate.core.log import By, Used, UsedPoint
from modelgate.core.money import Book

HOUR_S = 3_600
DAY_S = 86_400
HOURS_UP_TO_S = 3 * DAY_S
"""Longer spans are told by day."""
DEFAULT_SPAN_S = 30 * DAY_S
MAX_SPAN_S = 400 * DAY_S
MAX_SERIES = 8
OTHERS = "others"
BUCKETS_MS = (50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 60_000)
"""Upper ends of the classes of durations (as storage keeps them); what is beyond the last is told as that."""


class UsageStore(Protocol):
    """Sums of what was used."""

    async def used(self, *, book: Book, account: str, since: int, until: int, span_s: int, by: By | None) -> list[UsedPoint]:
        """Return what was used in spans of an hour or a day from `since` to before `until`, by name, in the order of time."""
        ...


class OverviewQuery(Struct, frozen=True, kw_only=True):
    """Of whom, when, and told apart by what."""

    book: BookName = "live"
    account: AccountName = ""
    since: Annotated[
        Seconds | None,
        Meta(description="From the hour or day (UTC) of this time on, seconds since the epoch; null: 30 days before `until`."),
    ] = None
    until: Annotated[Seconds | None, Meta(description="To the hour or day of this time, included; null: now.")] = None
    by: Annotated[By, Meta(description="What series are told apart by.")] = "model"


class Measures(Struct, frozen=True, kw_only=True):
    """What was used in a span of time. Requests are counted when they began, tasks when they ended."""

    spend_nanos: Annotated[int, Meta(description="Spent, nano-USD.")] = 0
    requests: Annotated[int, Meta(description="Requests that were relayed.")] = 0
    errors: Annotated[int, Meta(description="Of these those that failed.")] = 0
    refused: Annotated[int, Meta(description="Calls that were refused before money was held.")] = 0
    input_tokens: Annotated[int, Meta(description="Tokens of prompts.")] = 0
    output_tokens: Annotated[int, Meta(description="Tokens of answers.")] = 0
    tasks: Annotated[int, Meta(description="Tasks that ended.")] = 0
    tasks_failed: Annotated[int, Meta(description="Of these those that failed or expired.")] = 0
    first_byte_ms_mean: Annotated[int | None, Meta(description="Mean milliseconds to the first byte; null: no request.")] = None
    total_ms_p50: Annotated[int | None, Meta(description="Half of the requests took at most so many milliseconds, about.")] = None
    total_ms_p95: Annotated[int | None, Meta(description="95 of 100 requests took at most so many milliseconds, about.")] = None


class OverviewPoint(Measures, frozen=True, kw_only=True):
    """One hour or day."""

    at: Annotated[int, Meta(description="Where it begins, seconds since the epoch.")]


class OverviewSeries(Struct, frozen=True, kw_only=True):
    """One line of a chart."""

    name: Annotated[str, Meta(description="The model, or the id of the key, upstream or account; `others`: all that spent less.")]
    label: Annotated[str, Meta(description="What to call it.")]
    totals: Annotated[Measures, Meta(description="The sums of the whole span.")]
    points: Annotated[list[OverviewPoint], Meta(description="One for each hour or day.")]


class Overview(Struct, frozen=True, kw_only=True):
    """What was used over a span of time."""

    book: BookName
    since: Annotated[int, Meta(description="Begin of the first point, seconds since the epoch.")]
    until: Annotated[int, Meta(description="End of the last point.")]
    span_s: Annotated[int, Meta(description="Seconds of a point: 3600 up to three days, else 86400.")]
    totals: Annotated[Measures, Meta(description="The sums of the span.")]
    previous: Annotated[Measures, Meta(description="The same of the span of equal length before.")]
    points: Annotated[list[OverviewPoint], Meta(description="One for each hour or day.")]
    series: Annotated[list[OverviewSeries], Meta(description=f"The same by `by`, most spent first; at most {MAX_SERIES} and `others`.")]


class Names(Protocol):
    """What ids are called."""

    async def names_of(self, by: By, ids: Sequence[str]) -> dict[str, str]: ...


def overview_actions(store: UsageStore, names: Names) -> tuple[Action, ...]:
    """Return the actions."""

    async def overview(call: Call) -> Overview:
        query: OverviewQuery = call.query
        account = call.scope(query.account)
        since, until, span_s = _span_of(query, call.now)
        points = await store.used(book=query.book, account=account, since=since, until=until, span_s=span_s, by=query.by)
        before = await store.used(book=query.book, account=account, since=2 * since - until, until=since, span_s=span_s, by=None)
        ats = range(since, until, span_s)
        return Overview(
            book=query.book,
            since=since,
            until=until,
            span_s=span_s,
            totals=_measures(_sum(point.used for point in points)),
            previous=_measures(_sum(point.used for point in before)),
            points=_line(points, ats),
            series=await _series(points, ats, query.by, names),
        )

    return (Action(endpoint=GET_OVERVIEW, handle=overview),)


def _span_of(query: OverviewQuery, now: float) -> tuple[int, int, int]:
    """Return begin, end and the length of a point. Raises InvalidRequest."""
    until = query.until if query.until is not None else now
    since = query.since if query.since is not None else until - DEFAULT_SPAN_S
    if not since <= until:
        raise refused("since", "it is after `until`")
    if until - since > MAX_SPAN_S:
        raise refused("since", f"it is more than {MAX_SPAN_S // DAY_S} days before `until`")
    span_s = HOUR_S if until - since <= HOURS_UP_TO_S else DAY_S
    return int(since) // span_s * span_s, (int(until) // span_s + 1) * span_s, span_s


async def _series(points: Sequence[UsedPoint], ats: Sequence[int], by: By, names: Names) -> list[OverviewSeries]:
    of_name: dict[str, list[UsedPoint]] = defaultdict(list)
    for point in points:
        of_name[point.name].append(point)

    def weight(name: str) -> tuple[int, int]:
        return sum(one.used.spend_nanos for one in of_name[name]), sum(one.used.requests + one.used.tasks for one in of_name[name])

    ordered = sorted(of_name, key=lambda name: (*(-one for one in weight(name)), name))
    shown, rest = ordered[:MAX_SERIES], ordered[MAX_SERIES:]
    labels = await names.names_of(by, shown) if by != "model" else {}
    lines = [(name, labels.get(name) or name or "-", of_name[name]) for name in shown]
    if rest:
        lines.append((OTHERS, OTHERS, [point for name in rest for point in of_name[name]]))
    return [
        OverviewSeries(name=name, label=label, totals=_measures(_sum(one.used for one in of)), points=_line(of, ats))
        for name, label, of in lines
    ]


def _line(points: Iterable[UsedPoint], ats: Sequence[int]) -> list[OverviewPoint]:
    """Return a point for every span, those without anything too."""
    by_at: dict[int, list[Used]] = defaultdict(list)
    for point in points:
        by_at[point.at].append(point.used)
    return [_point(at, _sum(by_at[at])) for at in ats]


def _sum(parts: Iterable[Used]) -> Used:
    summed = [0] * (len(Used.__struct_fields__) - 1)
    took = [0] * (len(BUCKETS_MS) + 1)
    for part in parts:
        summed = [total + getattr(part, name) for total, name in zip(summed, _SUMMED, strict=True)]
        took = [total + more for total, more in zip(took, part.took or took, strict=True)] if part.took else took
    return Used(**dict(zip(_SUMMED, summed, strict=True)), took=tuple(took))


_SUMMED = tuple(name for name in Used.__struct_fields__ if name != "took")
_COUNTS = tuple(name for name in Measures.__struct_fields__ if name in Used.__struct_fields__)


def _columns(used: Used) -> dict[str, int | None]:
    fine = sum(used.took)
    return {
        **{name: getattr(used, name) for name in _COUNTS},
        "first_byte_ms_mean": used.first_byte_ms // fine if fine else None,
        "total_ms_p50": quantile_ms(used.took, 0.5),
        "total_ms_p95": quantile_ms(used.took, 0.95),
    }


def _measures(used: Used) -> Measures:
    return Measures(**_columns(used))  # type: ignore[arg-type]  # by the same names


def _point(at: int, used: Used) -> OverviewPoint:
    return OverviewPoint(at=at, **_columns(used))  # type: ignore[arg-type]  # by the same names


def quantile_ms(took: Sequence[int], share: float) -> int | None:
    """Return about how long that share of requests took at most, within its class as if spread evenly; None: there were none."""
    total = sum(took)
    if not total:
        return None
    wanted, below, lower = share * total, 0, 0
    for count, upper in zip(took, (*BUCKETS_MS, BUCKETS_MS[-1]), strict=True):
        if below + count >= wanted and count:
            return round(lower + (upper - lower) * (wanted - below) / count)
        below, lower = below + count, upper
    return BUCKETS_MS[-1]


_EXAMPLE = {
    "spend_nanos": 812_300_000,
    "requests": 1240,
    "errors": 12,
    "refused": 3,
    "input_tokens": 1_480_000,
    "output_tokens": 310_000,
    "tasks": 4,
    "tasks_failed": 0,
    "first_byte_ms_mean": 480,
    "total_ms_p50": 1350,
    "total_ms_p95": 5200,
}
GET_OVERVIEW = declared(
    "GET",
    "/api/overview",
    "get_overview",
    summary="See what was used",
    description=(
        "Spend, requests, errors, tokens, tasks and latency over time and by model, key, upstream or account: by hour up to three days, "
        "else by day, UTC. The sums are kept with the calls themselves and equal them."
    ),
    query=OverviewQuery,
    response=Overview,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="day",
            title="One day by model",
            prose="In a span of more than three days points are days.",
            response={
                "book": "live",
                "since": 1794960000,
                "until": 1795046400,
                "span_s": 86400,
                "totals": _EXAMPLE,
                "previous": {**_EXAMPLE, "spend_nanos": 700_100_000},
                "points": [{"at": 1794960000, **_EXAMPLE}],
                "series": [{"name": "gpt-4o", "label": "gpt-4o", "totals": _EXAMPLE, "points": [{"at": 1794960000, **_EXAMPLE}]}],
            },
        ),
    ),
)
