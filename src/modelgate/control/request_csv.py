"""The log as CSV, page after page while the client takes it; no more than a page is held."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from modelgate.core.http import BodySink
from modelgate.core.log import LogPage, LogPosition, LogRow
from modelgate.core.money import render_usd

ROWS_AT_ONCE = 1_000
MAX_ROWS = 1_000_000
COLUMNS = (
    "at",
    "request_id",
    "kind",
    "account",
    "key",
    "key_name",
    "model",
    "upstream_name",
    "endpoint",
    "status",
    "error",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "amount_usd",
    "first_byte_ms",
    "total_ms",
    "stream",
    "estimated",
    "attempts",
    "outcome",
    "task",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

ReadPage = Callable[[LogPosition | None], Awaitable[LogPage]]
"""Reads the page behind a position."""


class CsvExport:
    """The body of an answer. `read` is not called again before what it gave is on its way."""

    def __init__(self, read: ReadPage, *, max_rows: int = MAX_ROWS) -> None:
        self._read = read
        self._max_rows = max_rows
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._task: asyncio.Task[None] | None = None

    def start(self, sink: BodySink) -> None:
        """Begin to read."""
        self._task = asyncio.get_running_loop().create_task(self._run(sink))

    def pause(self) -> None:
        self._may_write.clear()

    def resume(self) -> None:
        self._may_write.set()

    def abort(self) -> None:
        """The client is gone: a page that is being read is the last."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, sink: BodySink) -> None:
        try:
            sink.write(render_lines([COLUMNS]))
            position: LogPosition | None = None
            left = self._max_rows
            while left > 0:
                await self._may_write.wait()
                page = await self._read(position)
                rows = page.rows[:left]
                if rows:
                    sink.write(render_lines([cells_of(row) for row in rows]))
                left -= len(rows)
                position = page.next
                if position is None:
                    break
        except Exception as error:  # noqa: BLE001  # the body's edge: the answer is cut, so that its reader sees that it is not whole
            sink.fail(error)
        else:
            sink.end()


def cells_of(row: LogRow) -> tuple[str, ...]:
    """Return a row's cells in the order of `COLUMNS`."""
    at = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    named = {"at": at, "amount_usd": render_usd(row.amount_nanos)}
    return tuple(named[name] if name in named else _cell(getattr(row, name)) for name in COLUMNS)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else without_formula(str(value))


def without_formula(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: callers choose the names of keys and models."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def render_lines(lines: Sequence[Sequence[str]]) -> bytes:
    """Return lines of CSV (RFC 4180)."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(lines)
    return written.getvalue().encode()
