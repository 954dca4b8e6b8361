"""What was refused is gathered, within bounds, and only of known keys."""

import msgspec
import pytest
from tests.unit.gateway.test_chat import ANSWER, KEY, ScriptedUpstream, answering, playing
from tests.unit.gateway.test_media import World

from modelgate.core.errors import BalanceExhausted, InvalidRequest, ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey, Refusal
from modelgate.gateway.refusals import MAX_COUNTED_KEYS, MAX_GATHERED, RefusalLog

A_KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest="d", hint="")


def request(key: ApiKey | None = A_KEY, *, number: int = 1) -> HttpRequest:
    return HttpRequest(method="POST", path="/", headers=HeaderBlock(), id=f"req_{number}", started=2.0, key=key)


def test_a_refusal_says_whose_it_was_and_why() -> None:
    log = RefusalLog()
    log.note(request(), BalanceExhausted(), endpoint="openai_chat", model="m")
    (found,) = log.take()
    assert found == Refusal(
        at_ms=2000, request_id="req_1", account="acct_1", key="key_1", book="live", endpoint="openai_chat", model="m", status=429, code="insufficient_quota", message=BalanceExhausted.text,
    )  # fmt: skip
    assert log.take() == ()


def test_calls_of_nobody_leave_nothing() -> None:
    log = RefusalLog()
    log.note(request(None), ModelgateError(), endpoint="openai_chat")
    assert log.take() == ()


def test_beyond_the_bound_refusals_are_counted_by_key_and_keys_are_bounded_too() -> None:
    log = RefusalLog()
    for number in range(MAX_GATHERED + 5):
        log.note(request(number=number), BalanceExhausted(), endpoint="openai_chat")
    for number in range(MAX_COUNTED_KEYS + 100):
        log.note(request(msgspec.structs.replace(A_KEY, id=f"key_x{number}")), BalanceExhausted(), endpoint="openai_chat")
    taken = log.take()
    assert [one.is_counted for one in taken[:MAX_GATHERED]] == [False] * MAX_GATHERED
    assert (taken[MAX_GATHERED].key, taken[MAX_GATHERED].times, taken[MAX_GATHERED].is_counted) == ("key_1", 5, True)
    assert len(taken) == MAX_GATHERED + MAX_COUNTED_KEYS


def test_what_callers_send_fits_its_columns() -> None:
    log = RefusalLog()
    log.note(request(), InvalidRequest("m" * 9_000 + "\0", code="c" * 900), endpoint="e" * 900, model="\ud800\0" + "x" * 900)
    (found,) = log.take()
    assert (len(found.model), len(found.message), len(found.code), len(found.endpoint)) == (199, 500, 100, 100)
    assert found.model.startswith("?x")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raw", "code", "model"),
    [(b'{"model":"nobody","messages":[{"role":"user","content":"Hi"}]}', "model_not_found", "nobody"), (b"{", "invalid_json", "")],
)
async def test_a_chat_that_is_refused_before_money_is_held_is_noted(raw: bytes, code: str, model: str) -> None:
    async with playing(ScriptedUpstream(answering(ANSWER))) as house:
        response = await house.ask(raw=raw)
        noted = house.gateway._desk.refusals.take()
        await house.ask(raw=raw, secret="sk-live-of-nobody")
        assert house.gateway._desk.refusals.take() == (), "of an unknown key nothing is kept"
    (one,) = noted
    assert (one.key, one.account, one.endpoint, one.model) == (KEY.id, KEY.account, "openai_chat", model)
    assert (one.status, one.code) == (response.status, code)


@pytest.mark.anyio
async def test_a_chat_with_a_hold_has_a_record_and_is_not_noted() -> None:
    async with playing(ScriptedUpstream(answering("{}", status=500))) as house:
        assert (await house.ask()).status == 500
        assert house.gateway._desk.refusals.take() == ()
        assert len(house.meter.released) == 1


@pytest.mark.anyio
async def test_tries_that_gave_no_answer_are_in_the_record() -> None:
    first, second = (
        ScriptedUpstream(answering('{"error":{"message":"secret words","code":"busy"}}', status=429)),
        ScriptedUpstream(answering(ANSWER)),
    )
    async with playing(first, second) as house:
        assert (await house.ask()).status == 200
    ((_, facts),) = house.meter.captured
    assert facts.tried == ("up_0:429 rate_limit_exceeded",)
    assert (facts.upstream, facts.attempts) == ("up_1", 2)


@pytest.mark.anyio
async def test_a_task_that_was_refused_is_noted_and_one_that_was_taken_is_not(tmp_path: object) -> None:
    world = World(tmp_path)  # type: ignore[arg-type]  # a folder
    refusals = world.gateway._desk.refusals
    world.store.refusal = BalanceExhausted()
    await world.ask()
    (one,) = refusals.take()
    assert (one.endpoint, one.model, one.code) == ("kling", "painter", "insufficient_quota")
    world.store.refusal = None
    assert (await world.ask()).status == 200
    await world.ask("GET", "/kling/v1/images/generations/none")
    assert refusals.take() == ()
