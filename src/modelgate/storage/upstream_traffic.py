"""What became lately of requests and tasks at each upstream. Reads only; each function is one step."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, case, func, or_, select

from modelgate.core.listings import UpstreamTraffic
from modelgate.storage.request_log import facts_of
from modelgate.storage.schema.money import request_record
from modelgate.storage.schema.tasks import task

MAX_ROWS = 20_000
"""So many of the latest requests, and of the latest tasks, are looked at."""
MILLISECONDS = 1_000
SERVER_FAULT = 500
THEIR_FAULTS = (401, 402, 403, 404, 408, 429)
"""Answers below 500 that are an upstream's own affair: after the last attempt they are the caller's."""
BOOKS = ("live", "test")


def list_traffic(connection: Connection, *, since: float, blameless: Iterable[str] = ()) -> list[UpstreamTraffic]:
    """Return what became of what ended since that time, by upstream; upstreams without any are left out.

    A request counts for the upstream that answered it last. `blameless` are errors of tasks that are their callers' fault.
    """
    by_upstream = _requests(connection, since=since)
    for upstream, more in _tasks(connection, since=since, blameless=blameless).items():
        known = by_upstream.get(upstream)
        by_upstream[upstream] = more if known is None else _joined(known, more)
    return list(by_upstream.values())


def _requests(connection: Connection, *, since: float) -> dict[str, UpstreamTraffic]:
    columns = request_record.c
    latest = (
        select(columns.upstream, columns.status, columns.at_ms, columns.incarnation, columns.hold_seq)
        .where(columns.book.in_(BOOKS), columns.at_ms >= int(since * MILLISECONDS), columns.upstream != "")
        .order_by(columns.at_ms.desc())
        .limit(MAX_ROWS)
        .subquery()
    )
    failed = or_(latest.c.status >= SERVER_FAULT, latest.c.status.in_(THEIR_FAULTS))
    grouped = select(
        latest.c.upstream,
        func.count().label("requests"),
        func.sum(case((failed, 1), else_=0)).label("failed"),
        func.max(case((failed, latest.c.at_ms))).label("failed_ms"),
        func.max(case((~failed, latest.c.at_ms))).label("ok_ms"),
    ).group_by(latest.c.upstream)
    found = {}
    for row in connection.execute(grouped):
        status, error = _last_failure(connection, row) if row.failed else (0, "")
        found[row.upstream] = UpstreamTraffic(
            upstream=row.upstream,
            requests=row.requests,
            failed=int(row.failed),
            last_status=status,
            last_error=error,
            last_failed_at=_seconds(row.failed_ms),
            last_ok_at=_seconds(row.ok_ms),
        )
    return found


def _last_failure(connection: Connection, group: Row[Any]) -> tuple[int, str]:
    columns = request_record.c
    query = select(columns.status, columns.facts).where(
        columns.book.in_(BOOKS), columns.at_ms == group.failed_ms, columns.upstream == group.upstream
    )
    for row in connection.execute(query.order_by(columns.status.desc()).limit(1)):
        facts = facts_of(row.facts)
        return row.status, facts.error if facts is not None else ""
    return 0, ""


def _tasks(connection: Connection, *, since: float, blameless: Iterable[str]) -> dict[str, UpstreamTraffic]:
    columns = task.c
    query = (
        select(columns.upstream, columns.state, columns.error_code, columns.error_message, columns.finished_at)
        .where(columns.finished_at >= since, columns.upstream != "")
        .order_by(columns.finished_at.desc())
        .limit(MAX_ROWS)
    )
    skipped = frozenset(blameless)
    found: dict[str, UpstreamTraffic] = {}
    for row in connection.execute(query):
        is_failed = row.state in ("failed", "expired") and row.error_code not in skipped
        one = UpstreamTraffic(
            upstream=row.upstream,
            requests=1,
            failed=int(is_failed),
            last_error=row.error_code if is_failed else "",
            last_failed_at=row.finished_at if is_failed else None,
            last_ok_at=None if is_failed else row.finished_at,
        )
        known = found.get(row.upstream)
        found[row.upstream] = one if known is None else _joined(known, one)
    return found


def _joined(one: UpstreamTraffic, other: UpstreamTraffic) -> UpstreamTraffic:
    last = max((one, other), key=lambda each: each.last_failed_at or 0.0)
    return UpstreamTraffic(
        upstream=one.upstream,
        requests=one.requests + other.requests,
        failed=one.failed + other.failed,
        last_status=last.last_status,
        last_error=last.last_error,
        last_failed_at=last.last_failed_at,
        last_ok_at=max(one.last_ok_at or 0.0, other.last_ok_at or 0.0) or None,
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / MILLISECONDS
