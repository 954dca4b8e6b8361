"""The log of requests: list it, explain one, export it."""

import re
from functools import partial
from typing import Any, Protocol

from modelgate.control import request_reference as reference
from modelgate.control.actions import Action, Call
from modelgate.control.cursors import decode_cursor, encode_cursor
from modelgate.control.errors import NoSuchObject, refused
from modelgate.control.explaining import CandidatesNow, explain_price, explain_refusal, explain_route
from modelgate.control.request_csv import ROWS_AT_ONCE, CsvExport
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.log import LogEntry, LogFilter, LogPage, LogPosition, LogRow

ID_LENGTH = 28
_CSV_HEADERS = HeaderBlock.of(
    ("content-type", "text/csv; charset=utf-8"),
    ("content-disposition", 'attachment; filename="requests.csv"'),
    ("cache-control", "no-store"),
)
_BEGINNING = re.compile(r"req_[0-9a-f]{0,24}")


class RequestLog(Protocol):
    """Where calls are read from."""

    async def page(self, wanted: LogFilter, *, limit: int, after: LogPosition | None) -> LogPage:
        """Return what is behind a position, newest first."""
        ...

    async def find(self, request_id: str, *, account: str) -> list[LogRow]:
        """Return the calls of one request, of an account (empty: of any)."""
        ...

    async def entries(self, row: LogRow) -> list[LogEntry]:
        """Return the entries of the ledger that a call is part of."""
        ...


def request_actions(log: RequestLog, candidates: CandidatesNow) -> tuple[Action, ...]:
    """Return the actions. `candidates` tells who serves a model now."""
    calls = _Calls(log, candidates)
    return (
        Action(endpoint=reference.LIST_REQUESTS, handle=calls.list_them),
        Action(endpoint=reference.EXPORT_REQUESTS, handle=calls.export),
        Action(endpoint=reference.GET_REQUEST, handle=calls.explain),
    )


class _Calls:
    def __init__(self, log: RequestLog, candidates: CandidatesNow) -> None:
        self._log = log
        self._candidates = candidates

    async def list_them(self, call: Call) -> reference.LogList:
        query: reference.LogListQuery = call.query
        after = decode_cursor(query.after, LogPosition) if query.after else None
        page = await self._log.page(_filter_of(call, query), limit=query.limit, after=after)
        return reference.LogList(data=[_shown(row) for row in page.rows], next=encode_cursor(page.next) if page.next is not None else None)

    async def export(self, call: Call) -> HttpResponse:
        wanted = _filter_of(call, call.query)
        read = partial(self._log.page, wanted, limit=ROWS_AT_ONCE)
        return HttpResponse(status=200, headers=_CSV_HEADERS, body=CsvExport(lambda after: read(after=after)))

    async def explain(self, call: Call) -> reference.ExplainedCall:
        request_id = call.values["request"]
        if len(request_id) > ID_LENGTH * 2:
            raise NoSuchObject
        found = await self._log.find(request_id, account=call.scope())
        if not found:
            raise NoSuchObject
        row = found[0]
        facts = row.facts
        candidates = await self._candidates(row.book, row.model, row.endpoint) if row.model else ()
        counted = {"input_tokens": row.input_tokens, "output_tokens": row.output_tokens, "cached_tokens": row.cached_tokens}
        return reference.ExplainedCall(
            **_columns(row),
            units={name: count for name, count in {**counted, **(facts.units if facts else {})}.items() if count},
            hold_nanos=row.hold_nanos,
            overrun_nanos=row.overrun_nanos,
            price=explain_price(row),
            route=explain_route(row, candidates) if row.model else [],
            refusal=explain_refusal(row),
            ledger=[_entry(one) for one in await self._log.entries(row)],
            note=facts.note if facts else "",
        )


def _filter_of(call: Call, query: reference.LogQuery) -> LogFilter:
    account = call.scope(query.account)
    id_from = id_to = ""
    if query.search:
        id_from, id_to = _ids_of(query.search.strip())
    return LogFilter(
        books=(query.book,),
        account=account,
        key=query.key,
        model=query.model,
        upstream=query.upstream,
        endpoint=query.endpoint,
        status=int(query.status) if query.status.isdecimal() else query.status,  # type: ignore[arg-type]  # the pattern says which
        since=query.since,
        until=query.until,
        id_from=id_from,
        id_to=id_to,
    )


def _ids_of(search: str) -> tuple[str, str]:
    """Return the first and last id that begin so. Raises InvalidRequest: nothing else is searched for."""
    text = search.lower()
    if not _BEGINNING.fullmatch(text):
        raise refused("search", "it is not the id of a request, such as req_01a1f0e2b3c7f29a4d1e0b63, or its beginning")
    return text.ljust(ID_LENGTH, "0"), text.ljust(ID_LENGTH, "f")


_SHOWN = tuple(name for name in reference.LoggedCall.__struct_fields__ if name != "task")


def _columns(row: LogRow) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _SHOWN}, "task": row.task or None}


def _shown(row: LogRow) -> reference.LoggedCall:
    return reference.LoggedCall(**_columns(row))


def _entry(entry: LogEntry) -> reference.LedgerPart:
    return reference.LedgerPart(
        at=entry.at, kind=entry.kind, debit=entry.debit, credit=entry.credit, amount_nanos=entry.amount_nanos, cause=entry.cause
    )
