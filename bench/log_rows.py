"""The log and the overview over a million requests on SQLite, cold: each question by a process of its own, the file out of the page cache.

`python -m bench.log_rows PATH QUESTION` asks one and prints milliseconds.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert

from modelgate.core.log import LogFilter
from modelgate.core.records import RequestFacts
from modelgate.storage import account_log
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.ledger_drain import _INSERT_BY_PARAMSTYLE
from modelgate.storage.migrations import prepare
from modelgate.storage.overview import used_by
from modelgate.storage.request_log import list_log
from modelgate.storage.schema import money, usage
from modelgate.storage.schema.identity import account, api_key
from modelgate.storage.usage import DAY_S, add_records

ROWS = 1_000_000
BATCH = 5_000
DAYS = 30
END_S = 1_798_675_200  # 2026-12-31
KEYS, ACCOUNTS, MODELS, UPSTREAMS = 40, 10, 12, 4
RARE_KEY, RARE_MODEL = "key_rare", "model-rare"
RARE_EVERY = 20_000
"""One row of so many is of the rare key and model: where they are, no walk in the order of time comes by soon."""
FAILED_EVERY = 30
PAGE = 50
ACCOUNT_PAGE = 100
CSV_ROWS = 1_000
MAX_MS = 300.0
MAX_LONG_MS = 2_000.0
LONG = ("account: 10,000 lines", "account: a rare model", "account: a model, 10,000 deep", "account: key and model, 10,000 deep")
"""What reads ten thousand rows and more, or looks at as many."""
ROUNDS = 3
Question = Callable[[Database], Any]


def _log(**wanted: Any) -> Question:
    limit = wanted.pop("limit", PAGE)
    return lambda database: list_log_of(database, LogFilter(books=("live",), **wanted), limit)


def list_log_of(database: Database, wanted: LogFilter, limit: int) -> int:
    """Return how many rows a page has."""
    return len(database.read(list_log, wanted, limit=limit).rows)


def _lines(**wanted: Any) -> Question:
    """A page by number, as `/yescale/logs` asks for it."""
    offset, limit = wanted.pop("offset", 0), wanted.pop("limit", ACCOUNT_PAGE)
    kinds = wanted.pop("kinds", ("request", "task", "credit"))
    asked = LogFilter(books=("live",), kinds=kinds, account="acct_0", **wanted)
    return lambda database: len(database.read(account_log.list_log, asked, offset=offset, limit=limit))


def _overview(database: Database) -> int:
    until = END_S
    since = until - DAYS * DAY_S
    of = {"book": "live", "account": "", "span_s": DAY_S}
    points = database.read(used_by, since=since, until=until, by="model", **of)  # type: ignore[arg-type]  # by name
    earlier = database.read(used_by, since=since - DAYS * DAY_S, until=since, by=None, **of)  # type: ignore[arg-type]  # by name
    return len(points) + len(earlier)


def request_id_of(number: int) -> str:
    """Return the id of the row with a number."""
    return f"req_{_at_ms(number):011x}{number:013x}"


def _at_ms(number: int) -> int:
    return int((END_S - DAYS * DAY_S + number * DAYS * DAY_S / ROWS) * 1000)


QUESTIONS: dict[str, Question] = {
    "first page": _log(),
    "filter by key": _log(key="key_07"),
    "filter by a rare key": _log(key=RARE_KEY),
    "filter by account": _log(account="acct_3"),
    "filter by model and status": _log(model="model-03", status=429),
    "filter by model and ok": _log(model="model-03", status="ok"),
    "filter by a rare model": _log(model=RARE_MODEL),
    "failed ones": _log(status="error"),
    "search by request id": _log(id_from=request_id_of(123_456), id_to=request_id_of(123_456)),
    "search by its beginning": _log(id_from=request_id_of(123_456)[:14].ljust(28, "0"), id_to=request_id_of(123_456)[:14].ljust(28, "f")),
    "overview, 30 days": _overview,
    "account: first lines": _lines(),
    "account: 100,000 lines deep": _lines(offset=100_000),
    "account: 10,000 lines": _lines(limit=10_000),
    "account: a model nobody used": _lines(model="model-none"),
    "account: a rare model": _lines(model=RARE_MODEL),
    "account: a model, 10,000 deep": _lines(model="model-03", offset=10_000),
    "account: key and model, 10,000 deep": _lines(model="model-03", key_name="key_00", offset=10_000),
    "account: errors, 10,000 deep": _lines(kinds=("request",), status="error", offset=10_000),
    "CSV of a day, first rows": _log(limit=CSV_ROWS, since=float(END_S - 10 * DAY_S), until=float(END_S - 9 * DAY_S)),
}


def measure_log(*, rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Ask every question cold, print the table, and return milliseconds by question: the worst of `rounds`."""
    path = _prepared(rows)
    found: dict[str, Any] = {"rows": rows, "database_mb": round(path.stat().st_size / 1e6)}
    print(f"\nthe log over {rows:,} requests on SQLite ({found['database_mb']} MB), cold, ms:")
    for name in QUESTIONS:
        times = []
        for _ in range(rounds):
            drop_from_page_cache(path)
            command = [sys.executable, "-m", "bench.log_rows", str(path), name]
            times.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        found[name] = round(max(one["ms"] for one in times), 1)
        print(f"  {name:36}{found[name]:8.1f}   {times[0]['rows']} rows", flush=True)
    return found


def judge_log(found: dict[str, Any]) -> list[str]:
    """Return a line for each question that takes too long."""
    bounds = {name: MAX_LONG_MS if name in LONG else MAX_MS for name in QUESTIONS}
    return [f"{name}: {found[name]:.0f} ms, at most {bound:.0f}" for name, bound in bounds.items() if found[name] > bound]


def drop_from_page_cache(path: Path) -> None:
    """Have the kernel forget what it keeps of the file, as far as somebody without privileges may ask for it."""
    for each in (path, path.with_name(path.name + "-wal")):
        if each.exists():
            descriptor = os.open(each, os.O_RDONLY)
            os.fsync(descriptor)  # only what is written is dropped
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _prepared(rows: int) -> Path:
    """Return the database, made once for each schema of it and number of rows."""
    digest = hashlib.sha256(Path(str(money.__file__)).read_bytes() + Path(str(usage.__file__)).read_bytes()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"modelgate-bench-log-{os.getuid()}-{digest}-{rows}"
    path = folder / "modelgate.db"
    if not (folder / "done").exists():
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        began = time.monotonic()
        fill(path, rows)
        (folder / "done").touch()
        print(f"{rows:,} requests written in {time.monotonic() - began:.0f} s")
    return path


def fill(path: Path, rows: int) -> None:
    """Write accounts, keys and request records, with what is summed of them, as the book does."""
    prepare(sqlite_url(path))
    database = Database(sqlite_url(path), synchronous="OFF")
    chance = random.Random(7)

    def identities(connection: Any) -> None:
        connection.execute(insert(account), [{"id": f"acct_{n}", "name": f"account {n}", "created_at": 0.0} for n in range(ACCOUNTS)])
        names = [*(f"key_{n:02}" for n in range(KEYS)), RARE_KEY]
        blank = {
            "book": "live",
            "hint": "",
            "price_group": "default",
            "limit_reset": "never",
            "models": "[]",
            "ips": "[]",
            "disabled": False,
        }
        rows = [{**blank, "id": one, "name": one, "digest": one, "account": _account_of(one), "created_at": 0.0} for one in names]
        connection.execute(insert(api_key), rows)

    def records(connection: Any, start: int) -> None:
        found = [_row(number, chance) for number in range(start, min(start + BATCH, rows))]
        connection.exec_driver_sql(_INSERT_BY_PARAMSTYLE["qmark"], found)
        add_records(connection, found)

    database.run(identities)
    for start in range(0, rows, BATCH):
        database.run(records, start)
    database.close()  # the last connection moves the WAL into the database


def _account_of(key: str) -> str:
    return "acct_0" if key == RARE_KEY else f"acct_{int(key[-2:]) % ACCOUNTS}"


def _row(number: int, chance: random.Random) -> tuple[object, ...]:
    rare = number % RARE_EVERY == 0
    key = RARE_KEY if rare else f"key_{int(chance.random() ** 2 * KEYS):02}"
    model = RARE_MODEL if rare else f"model-{int(chance.random() ** 2 * MODELS):02}"
    status = chance.choice((400, 429, 500, 502)) if number % FAILED_EVERY == 7 else 200
    at_ms, upstream = _at_ms(number), f"up_{chance.randrange(UPSTREAMS):022}"
    tokens, answer, total_ms = chance.randrange(5_000), chance.randrange(1_000), chance.randrange(20_000)
    amount = tokens * 2_500 + answer * 10_000 if status == 200 else 0
    first_ms = total_ms // 5
    request_id, owner = request_id_of(number), _account_of(key)
    names = (model, at_ms, request_id, owner, key, "live", "chat", status, upstream)
    facts = RequestFacts(
        *names, tokens, answer, first_ms, total_ms, False, f"vendor/{model}", 1, number % 3 == 0, price="input 2.50/M + output 10.00/M"
    )
    money = (amount, amount * 2, 0, "captured" if status == 200 else "released", False)
    begin = ("inc_0000000000000000000000", number, request_id, at_ms, owner, key, "all", "live", model, upstream, status)
    return (*begin, tokens, answer, *money, first_ms, total_ms, number // BATCH * BATCH + BATCH, msgspec.msgpack.encode(facts))


def main() -> None:
    """Ask one question with a fresh connection, and print how long it took."""
    path, name = sys.argv[1:]
    database = Database(sqlite_url(Path(path)))
    began = time.perf_counter()
    rows = QUESTIONS[name](database)
    print(json.dumps({"ms": (time.perf_counter() - began) * 1000, "rows": rows}))
    database.close()


if __name__ == "__main__":
    main()
