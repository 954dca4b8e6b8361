"""From our words to those of the system API: quotas, numbers for ids, keys, tasks and log lines. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from modelgate.control.yescale_reference import NEVER, QUOTA_PER_USD, KeyItem, LogItem, TaskItem, User
from modelgate.core.listings import AccountUse, KeyListing, KeyState
from modelgate.core.log import LogKind, LogRow
from modelgate.core.members import Member, Role
from modelgate.core.money import NANOS_PER_USD
from modelgate.core.records import Task, TaskState

NANOS_PER_QUOTA: Final = NANOS_PER_USD // QUOTA_PER_USD
NUMBER_BITS: Final = 53
"""So that programs whose numbers are all floating point read them right."""
ROLES: Final[dict[Role, int]] = {"viewer": 1, "member": 1, "admin": 10, "owner": 100}
KEY_STATUSES: Final[dict[KeyState, int]] = {"active": 1, "disabled": 2, "expired": 3, "exhausted": 4}
TOP_UP, CONSUMPTION, ERROR = 1, 2, 5
LINES_OF_TYPE: Final[dict[int, tuple[tuple[LogKind, ...], Literal["", "ok", "error"]]]] = {
    0: (("request", "task", "credit"), ""),
    TOP_UP: (("credit",), ""),
    CONSUMPTION: (("request", "task"), "ok"),
    ERROR: (("request",), "error"),
}
"""Kinds of rows, and the status of requests, by the type that a query asks for; of others there are none."""
_MASK = "**********"
_STATES: Final[dict[TaskState, str]] = {
    "queued": "QUEUED",
    "submitting": "SUBMITTED",
    "unknown": "UNKNOWN",
    "running": "IN_PROGRESS",
    "waiting_input": "IN_PROGRESS",
    "succeeded": "SUCCESS",
    "failed": "FAILURE",
    "canceled": "FAILURE",
    "expired": "FAILURE",
}


def number_of(row_id: str) -> int:
    """Return the number of what has an id: made of the id itself, so it never changes, and two never meet."""
    digest = hashlib.sha256(row_id.encode()).digest()
    return int.from_bytes(digest[:8]) >> (64 - NUMBER_BITS)


def spent_quota(nanos: int) -> int:
    """Return a charge as quota, to the nearest."""
    return (nanos + NANOS_PER_QUOTA // 2) // NANOS_PER_QUOTA


def left_quota(nanos: int) -> int:
    """Return as quota what may still be spent: not more than there is."""
    return nanos // NANOS_PER_QUOTA


def nanos_of(quota: int) -> int:
    """Return nano-USD."""
    return quota * NANOS_PER_QUOTA


def show_user(member: Member, use: AccountUse) -> User:
    """Return a member and the money of their account."""
    return User(
        access_token=member.access_key_hint,
        display_name=member.name,
        email=member.email,
        quota=left_quota(use.balance_nanos + (use.credit_limit_nanos or 0)),
        used_quota=spent_quota(use.spent_nanos),
        request_count=use.requests,
        role=ROLES[member.role],
        telegram_id="",
        username=member.email,
    )


def mask(hint: str) -> str:
    """Return the masked form of a key, out of what is kept of it."""
    return hint.replace("…", _MASK)


def show_key(found: KeyListing, *, now: float, secret: str = "") -> KeyItem:
    """Return a key, masked unless `secret` is given."""
    key = found.key
    taken = found.spent_nanos + found.set_aside_nanos
    left = 0 if key.limit_nanos is None else max(0, left_quota(key.limit_nanos - taken))
    return KeyItem(
        id=number_of(key.id),
        user_id=number_of(key.account),
        name=key.name,
        key=secret or mask(key.hint),
        status=KEY_STATUSES[found.state_at(now)],
        created_time=int(key.created_at),
        accessed_time=int(found.last_used_at or key.created_at),
        expired_time=NEVER if key.expires_at is None else int(key.expires_at),
        remain_quota=left,
        used_quota=spent_quota(found.spent_nanos),
        unlimited_quota=key.limit_nanos is None,
        group=key.group,
        model_limits_enabled=bool(key.models),
        model_limits=",".join(key.models),
        allow_ips="\n".join(key.ips),
    )


def show_task(task: Task, charge_nanos: int, urls: Sequence[str]) -> TaskItem:
    """Return a task; `urls` are ours, one for each output."""
    outputs = zip(task.outputs, urls, strict=True) if task.state == "succeeded" else ()
    ended_badly = task.finished_at is not None and task.state != "succeeded"
    return TaskItem(
        id=number_of(task.id),
        task_id=task.id,
        platform=task.family,
        user_id=number_of(task.account),
        quota=spent_quota(charge_nanos),
        action=task.operation,
        status=_STATES[task.state],  # type: ignore[arg-type]  # the table's values are those of the field
        fail_reason=(task.error_message or task.error_code or task.state) if ended_badly else "",
        submit_time=int(task.created_at),
        start_time=int(task.submitted_at or 0),
        finish_time=int(task.finished_at or 0),
        progress=f"{100 if task.finished_at is not None else task.progress}%",
        created_at=int(task.created_at),
        updated_at=int(task.updated_at),
        data={"model": task.model, "outputs": [{"kind": output.kind, "url": url, "text": output.text} for output, url in outputs]},
    )


def show_log(row: LogRow, *, account: str, username: str) -> LogItem:
    """Return a line of the log."""
    kind: str = row.kind
    line_id, line_type, content = row.position.tie, TOP_UP, row.note
    other: dict[str, object] = {}
    if row.kind == "request":
        kind, line_type = ("error", ERROR) if row.is_failed else ("request", CONSUMPTION)
        line_id = other["request_id"] = row.request_id
    elif row.kind == "task":
        line_type = CONSUMPTION
        line_id = other["task_id"] = row.task
    facts = row.facts
    if facts is not None:
        other |= {"endpoint": facts.endpoint, "cached_tokens": facts.cached_tokens}
        content = facts.error if row.is_failed else facts.note
    return LogItem(
        id=number_of(f"{kind} {line_id}"),
        user_id=number_of(account),
        created_at=int(row.at),
        type=line_type,
        content=content,
        username=username,
        token_name=row.key_name,
        model_name=row.model,
        quota=spent_quota(row.amount_nanos),
        prompt_tokens=row.input_tokens,
        completion_tokens=row.output_tokens,
        use_time=round(row.total_ms / 1000),
        is_stream=row.stream,
        channel=0,
        token_id=number_of(row.key) if row.key else 0,
        group=row.group,
        ip="",
        other=msgspec.json.encode(other).decode(),
    )
