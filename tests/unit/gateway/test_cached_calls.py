"""The cache before the pipeline, over scripted upstreams."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.unit.gateway.test_chat import (
    ANSWER,
    CHARGE,
    DONE,
    KEY,
    SECRET,
    STOP,
    USAGE_CHUNK,
    Client,
    House,
    ScriptedUpstream,
    answering,
    error_of,
    playing,
    streaming,
    until,
    words,
)

from modelgate.core.errors import BalanceExhausted, RateExceeded
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey
from modelgate.gateway import cached_calls
from modelgate.gateway.cached_calls import CachedCalls
from modelgate.gateway.idempotency import RepeatableCalls
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable

pytestmark = pytest.mark.anyio

OTHER_SECRET = "sk-live-" + "z" * 40


class Shop:
    """A house whose keys have a cache, or not, and the cache before it."""

    def __init__(self, house: House, *, cache_s: int | None = 60) -> None:
        self.house = house
        self.hit_price = "0"
        self.now = 1000.0
        keys = {secret: msgspec.structs.replace(KEY, cache_s=cache_s) for secret in (SECRET, OTHER_SECRET)}
        keys[OTHER_SECRET] = msgspec.structs.replace(keys[OTHER_SECRET], id="key_other", models=("other",))
        by_digest = {digest_of(secret): msgspec.structs.replace(key, digest=digest_of(secret)) for secret, key in keys.items()}

        async def lookup(wanted: str) -> tuple[ApiKey | None, str, float | None]:
            return by_digest.get(wanted), "all", None

        gateway = house.gateway
        desk = gateway._desk
        desk.clock = lambda: self.now
        gateway._keys = KeyTable(lookup, clock=lambda: self.now)
        self.cached = CachedCalls(keys=gateway._keys, desk=desk, hit_price=lambda: self.hit_price)
        gateway._by_cache = self.cached
        self._calls = RepeatableCalls(gateway, idempotency=None, cached=self.cached)  # type: ignore[arg-type]  # nobody names a key here

    async def ask(self, *, cache: str | None = None, secret: str = SECRET, dialect: str = "openai_chat", **body: Any) -> Any:
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, **body}
        lines = [("authorization", f"Bearer {secret}")] + ([("modelgate-cache", cache)] if cache is not None else [])
        path = "/v1/messages" if dialect == "anthropic_messages" else "/v1/chat/completions"
        request = HttpRequest(
            method="POST", path=path, headers=HeaderBlock.of(*lines), body=json.dumps(asked).encode(), id="req_1", started=self.now
        )
        return await self._calls.handle(request, self.house.kinds[dialect])

    @property
    def notes(self) -> list[tuple[int, str]]:
        return [(amount, facts.note) for amount, facts in self.house.meter.captured]


@asynccontextmanager
async def shop_over(upstream: ScriptedUpstream, *, cache_s: int | None = 60, **more: Any) -> AsyncIterator[Shop]:
    async with playing(upstream, **more) as house:
        shop = Shop(house, cache_s=cache_s)
        yield shop
        assert shop.cached.room.held_bytes == 0


def said(response: HttpResponse) -> bytes | None:
    values = response.headers.get_all(b"modelgate-cache")
    assert len(values) <= 1
    return values[0] if values else None


async def test_the_same_request_is_answered_from_the_cache() -> None:
    upstream = ScriptedUpstream(answering(ANSWER))
    async with shop_over(upstream) as shop:
        first = await shop.ask()
        shop.now += 7.9
        again = await shop.ask()
        other = await shop.ask(temperature=0.5)
    assert [said(response) for response in (first, again, other)] == [b"stored", b"hit", b"stored"]
    assert again.body == first.body == ANSWER.encode()
    assert again.headers.get(b"age") == b"7"
    assert again.headers.get(b"content-type") == first.headers.get(b"content-type")
    assert len(upstream.requests) == 2
    assert shop.notes == [(CHARGE, ""), (0, "cache_hit"), (CHARGE, "")]
    hit = shop.house.meter.captured[1][1]
    assert (hit.model, hit.status, hit.upstream, hit.input_tokens, hit.output_tokens) == ("m", 200, "", 0, 0)


async def test_an_answer_that_is_too_old_is_asked_for_anew() -> None:
    upstream = ScriptedUpstream(answering(ANSWER))
    async with shop_over(upstream) as shop:
        await shop.ask()
        shop.now += 61
        assert said(await shop.ask()) == b"stored"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("include", [False, True])
async def test_a_stream_is_given_again_as_it_came(include: bool) -> None:
    upstream = ScriptedUpstream(streaming(words(3), STOP + USAGE_CHUNK, DONE))
    more = {"stream": True, **({"stream_options": {"include_usage": True}} if include else {})}
    async with shop_over(upstream) as shop:
        first = await shop.ask(**more)
        received = await shop.house.read_stream(first)
        again = await shop.ask(**more)
    assert (said(first), said(again)) == (b"stored", b"hit")
    assert again.body == received == words(3) + STOP + (USAGE_CHUNK if include else b"") + DONE
    assert again.headers.get(b"content-type") == b"text/event-stream; charset=utf-8"
    assert len(upstream.requests) == 1


async def test_a_stream_whose_client_left_is_kept_when_it_is_drained() -> None:
    async with shop_over(ScriptedUpstream(streaming(*[words(1)] * 3, STOP + DONE, pause_s=0.01))) as shop:
        client, response = Client(), await shop.ask(stream=True)
        response.body.start(client)
        await client.first.wait()
        response.body.abort()
        await until(lambda: shop.house.meter.captured)
        await asyncio.sleep(0.01)
        assert (await shop.ask(stream=True)).body == words(3) + STOP + DONE


@pytest.mark.parametrize("script", [streaming(words(2)), answering("{}", status=500), answering('{"error":{"message":"no"}}', status=400)])
async def test_what_is_not_complete_is_not_kept(script: Any) -> None:
    async with shop_over(ScriptedUpstream(script)) as shop:
        for _ in range(2):
            response = await shop.ask(stream=True)
            if response.status == 200:
                await shop.house.read_stream(response)
            assert said(response) == (b"stored" if response.status == 200 else None)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    monkeypatch.setattr(cached_calls, "MAX_ANSWER_BYTES", 20)
    script = streaming(words(3), STOP + DONE) if stream else answering(ANSWER)
    async with shop_over(ScriptedUpstream(script)) as shop:
        for _ in range(2):
            response = await shop.ask(stream=stream)
            if stream:
                assert await shop.house.read_stream(response) == words(3) + STOP + DONE
            assert said(response) != b"hit"


async def test_a_long_request_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_calls, "MAX_REQUEST_BYTES", 20)
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        assert [said(await shop.ask()) for _ in range(2)] == [b"miss", b"miss"]


@pytest.mark.parametrize(
    ("cache_s", "header", "words_said"),
    [
        (None, None, (None, None)),
        (60, "off", (None, None)),
        (60, "0", (None, None)),
        (None, "30", (b"stored", b"hit")),
        (60, "5", (b"stored", b"stored")),
    ],
)
async def test_a_request_may_say_otherwise_than_its_key(cache_s: int | None, header: str | None, words_said: tuple[Any, Any]) -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER)), cache_s=cache_s) as shop:
        first = await shop.ask(cache=header)
        shop.now += 6
        assert (said(first), said(await shop.ask(cache=header))) == words_said


@pytest.mark.parametrize("header", ["soon", "-1", "86401", "1.5", ""])
async def test_a_header_that_is_no_age_is_refused_by_name(header: str) -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        refused = await shop.ask(cache=header)
        assert (await shop.ask(cache="5", secret="sk-wrong")).status == 401
    assert refused.status == 400
    assert error_of(refused)["param"] == "modelgate-cache"


@pytest.mark.parametrize(("share", "amount"), [("0", 0), ("0.5", (CHARGE + 1) // 2), ("1", CHARGE)])
async def test_a_hit_costs_its_share_of_the_original_charge(share: str, amount: int) -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        shop.hit_price = share
        for _ in range(3):
            await shop.ask()
    assert [charged for charged, _ in shop.notes] == [CHARGE, amount, amount]
    assert [hold.amount_nanos for hold in shop.house.meter.holds[1:]] == [amount, amount]


async def test_a_key_that_may_not_use_the_model_is_refused_what_another_asked() -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        await shop.ask()
        refused = await shop.ask(secret=OTHER_SECRET)
    assert (refused.status, error_of(refused)["code"]) == (403, "model_not_allowed")


async def test_a_hit_that_cannot_be_paid_is_refused() -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        await shop.ask()

        async def refuse(**_: Any) -> None:
            raise BalanceExhausted

        shop.house.meter.open_hold = refuse  # type: ignore[assignment,method-assign]
        refused = await shop.ask()
    assert (refused.status, error_of(refused)["code"]) == (429, "insufficient_quota")


async def test_a_hit_counts_against_the_rate_of_its_key() -> None:
    async with shop_over(ScriptedUpstream(answering(ANSWER))) as shop:
        await shop.ask()

        def full(_key: ApiKey, *, now: float) -> None:
            raise RateExceeded("too many", dimension="requests", retry_after_s=3.0)

        shop.house.gateway._desk.rates.admit = full  # type: ignore[method-assign,assignment]
        refused = await shop.ask()
    assert (refused.status, refused.headers.get(b"retry-after")) == (429, b"3")


async def test_a_translated_answer_is_given_again_with_a_request_id_of_its_own() -> None:
    upstream = ScriptedUpstream(answering(ANSWER))
    async with shop_over(upstream) as shop:
        first, again = [await shop.ask(dialect="anthropic_messages", top_k=3) for _ in range(2)]
    assert again.body == first.body
    assert again.headers.get_all(b"request-id") == [b"req_1"]
    assert again.headers.get(b"modelgate-ignored") == first.headers.get(b"modelgate-ignored")
    assert len(upstream.requests) == 1
