"""The export: pages one after the other as they are taken, and nothing that a spreadsheet would run."""

import asyncio
import csv
import io

import pytest

from modelgate.control.request_csv import COLUMNS, CsvExport, cells_of, render_lines, without_formula
from modelgate.core.log import LogPage, LogPosition, LogRow

pytestmark = pytest.mark.anyio


def row(number: int, **changes: object) -> LogRow:
    values = {
        "kind": "request",
        "position": LogPosition(1_795_000_000.5 - number, 0, str(number)),
        "request_id": f"req_{number}",
        "account": "acct_1",
        "key": "key_1",
        "book": "live",
    }
    return LogRow(**{**values, "model": "m", "upstream": "up_1", "endpoint": "openai_chat", "status": 200, "error": "", **changes})  # type: ignore[arg-type]  # by name


class Sink:
    def __init__(self) -> None:
        self.data = b""
        self.ended = asyncio.Event()
        self.failure: Exception | None = None

    def write(self, data: bytes) -> None:
        self.data += data

    def end(self) -> None:
        self.ended.set()

    def fail(self, error: Exception) -> None:
        self.failure = error
        self.ended.set()

    @property
    def lines(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.data.decode(), newline="")))


class Pages:
    """Three pages, the second empty: looking has a bound."""

    def __init__(self) -> None:
        self.read: list[LogPosition | None] = []

    async def __call__(self, after: LogPosition | None) -> LogPage:
        self.read.append(after)
        number = len(self.read)
        rows = [] if number == 2 else [row(number * 10), row(number * 10 + 1)]
        return LogPage(rows, LogPosition(float(number), 3, "") if number < 3 else None)


async def test_every_page_is_written() -> None:
    sink, pages = Sink(), Pages()
    CsvExport(pages).start(sink)
    await sink.ended.wait()
    assert sink.failure is None
    assert sink.lines[0] == list(COLUMNS)
    assert [line[1] for line in sink.lines[1:]] == ["req_10", "req_11", "req_30", "req_31"]
    assert pages.read == [None, LogPosition(1.0, 3, ""), LogPosition(2.0, 3, "")]


async def test_it_has_a_bound() -> None:
    sink = Sink()
    CsvExport(Pages(), max_rows=3).start(sink)
    await sink.ended.wait()
    assert len(sink.lines) == 1 + 3


async def test_nothing_is_read_for_a_client_that_does_not_take_it() -> None:
    sink, pages = Sink(), Pages()
    export = CsvExport(pages)
    export.pause()
    export.start(sink)
    await asyncio.sleep(0.01)
    assert pages.read == []
    export.resume()
    await sink.ended.wait()
    assert len(pages.read) == 3


async def test_a_client_that_leaves_ends_it() -> None:
    sink, pages = Sink(), Pages()
    export = CsvExport(pages)
    export.pause()
    export.start(sink)
    export.abort()
    export.resume()
    await asyncio.sleep(0.01)
    assert pages.read == []


async def test_a_database_that_is_away_cuts_the_answer() -> None:
    async def broken(_: LogPosition | None) -> LogPage:
        raise OSError("away")

    sink = Sink()
    CsvExport(broken).start(sink)
    await sink.ended.wait()
    assert isinstance(sink.failure, OSError)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "|cmd", "%x"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Callers name keys and models: `=HYPERLINK(…)` as a model would be run by whoever opens the export."""
    assert without_formula(text) == f"'{text}"
    (line,) = csv.reader(io.StringIO(render_lines([cells_of(row(1, model=text, key_name=text))]).decode(), newline=""))
    assert line[COLUMNS.index("model")] == line[COLUMNS.index("key_name")] == f"'{text}"


def test_what_is_no_formula_stays() -> None:
    assert without_formula('gpt-4o, "new"\nline') == 'gpt-4o, "new"\nline'
    cells = cells_of(row(1, amount_nanos=1_500_000_000, stream=True))
    assert cells[0] == "2026-11-18T11:06:39.500Z"
    assert (cells[COLUMNS.index("amount_usd")], cells[COLUMNS.index("stream")]) == ("1.50", "true")
