"""What was used, added up again from the rows themselves: what the sums kept beside them must be."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, select

from modelgate.storage.schema.money import request_record, task_hold
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import BUCKET_NAMES, BUCKETS_MS, refusal, usage

Sums = dict[tuple[Any, ...], dict[str, int]]
SPANS_S = (3600, 86400)


def kept_sums(connection: Connection) -> Sums:
    """Return the measures that are not zero, by (book, span, dimension, at, account, name)."""
    rows = connection.execute(select(usage)).mappings().all()
    names = ("book", "span_s", "dimension", "at", "account", "name")
    return {tuple(row[name] for name in names): {k: v for k, v in row.items() if k not in names and v} for row in rows}


def sums_again(connection: Connection) -> Sums:
    """Return the same, from records, tasks and refusals."""
    sums: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(row: Any, at_s: int, upstream: str, **measures: int) -> None:
        for span_s in SPANS_S:
            for dimension, named in (("key", row.key), ("model", row.model), ("upstream", upstream)):
                of = sums[row.book, span_s, dimension, at_s // span_s * span_s, row.account, named]
                for name, value in measures.items():
                    of[name] += value

    for row in connection.execute(select(request_record)):
        add(
            row,
            row.at_ms // 1000,
            row.upstream,
            requests=1,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            amount_nanos=row.amount_nanos,
        )
        if 100 <= row.status < 400:
            bucket = next((name for name, end in zip(BUCKET_NAMES, BUCKETS_MS, strict=False) if row.total_ms <= end), BUCKET_NAMES[-1])
            add(row, row.at_ms // 1000, row.upstream, first_byte_ms=row.first_byte_ms, total_ms=row.total_ms, **{bucket: 1})
        else:
            add(row, row.at_ms // 1000, row.upstream, errors=1)
    captured = {row.task: row.captured_nanos for row in connection.execute(select(task_hold))}
    for row in connection.execute(select(task).where(task.c.finished_at.is_not(None))):
        failed = int(row.state in ("failed", "expired"))
        add(row, int(row.finished_at), row.upstream, tasks=1, tasks_failed=failed, amount_nanos=captured.get(row.id, 0))
    for row in connection.execute(select(refusal)):
        if row.code != "model_not_found":
            add(row, row.at_ms // 1000, "", refused=1)
    return {name: {k: v for k, v in measures.items() if v} for name, measures in sums.items()}
