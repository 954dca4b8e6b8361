"""Our words in those of the system API."""

import json
from typing import Any

import msgspec
import pytest

from modelgate.control.yescale_shapes import (
    NUMBER_BITS,
    left_quota,
    mask,
    nanos_of,
    number_of,
    show_key,
    show_log,
    show_task,
    show_user,
    spent_quota,
)
from modelgate.core.listings import AccountUse, KeyListing
from modelgate.core.log import LogPosition, LogRow
from modelgate.core.members import Member, Role
from modelgate.core.money import NANOS_PER_USD
from modelgate.core.records import ApiKey, RequestFacts, Task, TaskOutput, TaskState

NOW = 1_790_000_000.0
BLANK: dict[str, Any] = {**dict.fromkeys(("account", "model", "upstream", "endpoint", "error"), ""), "book": "live", "status": 200}
KEY = ApiKey(
    id="key_1",
    account="acct_a",
    book="live",
    name="my app",
    digest="d",
    hint="sk-live-…a1b2",
    created_at=NOW - 100,
    limit_nanos=NANOS_PER_USD,
)


def test_quota() -> None:
    assert spent_quota(NANOS_PER_USD) == left_quota(NANOS_PER_USD) == 500_000
    assert nanos_of(500_000) == NANOS_PER_USD
    assert [spent_quota(nanos) for nanos in (0, 999, 1000, 1999, 2000)] == [0, 0, 1, 1, 1]
    assert [left_quota(nanos) for nanos in (0, 1999, 2000, -1)] == [0, 0, 1, -1]


def test_numbers_are_stable_and_fit_everywhere() -> None:
    assert number_of("key_1") == number_of("key_1")
    numbers = {number_of(f"key_{number}") for number in range(10_000)}
    assert len(numbers) == 10_000
    assert all(0 < number < 2**NUMBER_BITS for number in numbers)
    assert all(int(float(number)) == number for number in numbers)


@pytest.mark.parametrize(("role", "number"), [("viewer", 1), ("member", 1), ("admin", 10), ("owner", 100)])
def test_a_user(role: Role, number: int) -> None:
    who = Member(id="mem_1", account="acct_a", role=role, email="ada@example.com", name="Ada", access_key_hint="ak-12345…wxyz")
    use = AccountUse(balance_nanos=3 * NANOS_PER_USD, credit_limit_nanos=2 * NANOS_PER_USD, spent_nanos=NANOS_PER_USD, requests=7)
    assert msgspec.to_builtins(show_user(who, use)) == {
        "access_token": "ak-12345…wxyz",
        "display_name": "Ada",
        "email": "ada@example.com",
        "quota": 2_500_000,
        "used_quota": 500_000,
        "request_count": 7,
        "role": number,
        "telegram_id": "",
        "username": "ada@example.com",
    }
    pays_later = msgspec.structs.replace(use, credit_limit_nanos=None, balance_nanos=-NANOS_PER_USD)
    assert show_user(who, pays_later).quota == -500_000


def test_a_key() -> None:
    found = KeyListing(key=KEY, account_name="default", spent_nanos=NANOS_PER_USD // 4, set_aside_nanos=NANOS_PER_USD // 4)
    assert msgspec.to_builtins(show_key(found, now=NOW)) == {
        "id": number_of("key_1"),
        "user_id": number_of("acct_a"),
        "name": "my app",
        "key": "sk-live-**********a1b2",
        "status": 1,
        "created_time": int(NOW) - 100,
        "accessed_time": int(NOW) - 100,
        "expired_time": -1,
        "remain_quota": 250_000,
        "used_quota": 125_000,
        "unlimited_quota": False,
        "group": "default",
        "model_limits_enabled": False,
        "model_limits": "",
        "allow_ips": "",
        "DeletedAt": None,
    }


@pytest.mark.parametrize(
    ("about", "spent", "status"),
    [
        ({}, 0, 1),
        ({"disabled": True, "expires_at": NOW - 1}, NANOS_PER_USD, 2),
        ({"expires_at": NOW}, NANOS_PER_USD, 3),
        ({"expires_at": NOW + 1}, 0, 1),
        ({}, NANOS_PER_USD, 4),
        ({"limit_nanos": None}, NANOS_PER_USD, 1),
    ],
)
def test_the_status_of_a_key(about: dict[str, object], spent: int, status: int) -> None:
    found = KeyListing(key=msgspec.structs.replace(KEY, **about), account_name="default", spent_nanos=spent)
    assert show_key(found, now=NOW).status == status


def test_a_key_without_limit_and_with_bounds() -> None:
    key = msgspec.structs.replace(KEY, limit_nanos=None, models=("a", "b"), ips=("192.0.2.1", "10.0.0.0/8"), expires_at=NOW + 5.5)
    shown = show_key(KeyListing(key=key, account_name="default", last_used_at=NOW - 1), now=NOW, secret="sk-live-whole")
    assert (shown.unlimited_quota, shown.remain_quota, shown.model_limits_enabled, shown.model_limits) == (True, 0, True, "a,b")
    assert (shown.allow_ips, shown.expired_time, shown.accessed_time) == ("192.0.2.1\n10.0.0.0/8", int(NOW) + 5, int(NOW) - 1)
    assert shown.key == "sk-live-whole"
    assert mask(KEY.hint).isascii()


def task(state: TaskState, **about: object) -> Task:
    made = Task(
        id="task_1",
        account="acct_a",
        key="key_1",
        book="live",
        family="kling",
        operation="image",
        model="kling-v1",
        state=state,
        request=b"{}",
        created_at=NOW,
        updated_at=NOW + 9,
        due_at=NOW,
        deadline_at=NOW,
        progress=45,
        outputs=(TaskOutput(kind="image", blob="task_1-0.png"),),
    )
    return msgspec.structs.replace(made, **about)


@pytest.mark.parametrize(
    ("state", "status", "ended"),
    [
        ("queued", "QUEUED", False),
        ("submitting", "SUBMITTED", False),
        ("unknown", "UNKNOWN", False),
        ("running", "IN_PROGRESS", False),
        ("waiting_input", "IN_PROGRESS", False),
        ("succeeded", "SUCCESS", True),
        ("failed", "FAILURE", True),
        ("canceled", "FAILURE", True),
        ("expired", "FAILURE", True),
    ],
)
def test_a_task(state: TaskState, status: str, ended: bool) -> None:
    shown = show_task(task(state, finished_at=NOW + 9 if ended else None, submitted_at=NOW + 1), 3500, ["https://g.example/files/x"])
    assert (shown.id, shown.task_id, shown.platform, shown.action) == (number_of("task_1"), "task_1", "kling", "image")
    assert (shown.status, shown.progress, shown.quota) == (status, "100%" if ended else "45%", 2)
    assert (shown.submit_time, shown.start_time, shown.finish_time) == (int(NOW), int(NOW) + 1, int(NOW) + 9 if ended else 0)
    outputs = [{"kind": "image", "url": "https://g.example/files/x", "text": ""}] if state == "succeeded" else []
    assert shown.data == {"model": "kling-v1", "outputs": outputs}
    assert shown.fail_reason == (state if status == "FAILURE" else "")


def test_why_a_task_failed() -> None:
    assert show_task(task("failed", finished_at=NOW, error_code="c", error_message="No."), 0, []).fail_reason == "No."


def test_lines_of_the_log() -> None:
    facts = RequestFacts(
        model="gpt-4o",
        at_ms=1,
        request_id="req_1",
        account="acct_a",
        key="key_1",
        book="live",
        endpoint="/v1/chat/completions",
        stream=True,
    )
    line = LogRow(
        **{**BLANK, "model": "gpt-4o"},
        kind="request",
        position=LogPosition(NOW, 0, "inc_1/7"),
        request_id="req_1",
        key="key_1",
        key_name="my app",
        group="default",
        amount_nanos=840_000,
        input_tokens=120,
        output_tokens=54,
        total_ms=1600,
        stream=True,
        facts=facts,
    )
    shown = show_log(line, account="acct_a", username="ada@example.com")
    assert msgspec.to_builtins(shown) == {
        "id": number_of("request req_1"),
        "user_id": number_of("acct_a"),
        "created_at": int(NOW),
        "type": 2,
        "content": "",
        "username": "ada@example.com",
        "token_name": "my app",
        "model_name": "gpt-4o",
        "quota": 420,
        "prompt_tokens": 120,
        "completion_tokens": 54,
        "use_time": 2,
        "is_stream": True,
        "channel": 0,
        "token_id": number_of("key_1"),
        "group": "default",
        "ip": "",
        "other": '{"request_id":"req_1","endpoint":"/v1/chat/completions","cached_tokens":0}',
    }
    failed = msgspec.structs.replace(line, status=504, facts=msgspec.structs.replace(facts, error="upstream_timeout"))
    assert (show_log(failed, account="a", username="u").type, show_log(failed, account="a", username="u").content) == (
        5,
        "upstream_timeout",
    )
    assert show_log(failed, account="a", username="u").id == number_of("error req_1")
    task_row = LogRow(**BLANK, kind="task", position=LogPosition(NOW, 1, "task_1"), request_id="req_2", key="", task="task_1", note="image")
    made = show_log(task_row, account="a", username="u")
    assert (made.type, made.content, json.loads(made.other), made.token_id) == (2, "image", {"task_id": "task_1"}, 0)
    assert made.id == number_of("task task_1")
    money = LogRow(
        **BLANK, kind="credit", position=LogPosition(NOW, 3, "9"), request_id="", key="", amount_nanos=NANOS_PER_USD, note="note 7"
    )
    credit = show_log(money, account="a", username="u")
    assert (credit.type, credit.quota, credit.content, json.loads(credit.other)) == (1, 500_000, "note 7", {})
    assert credit.id == number_of("credit 9")
