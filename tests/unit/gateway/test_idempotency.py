"""Requests with an `Idempotency-Key` through the pipeline, over scripted upstreams and claims in memory."""

import asyncio
import json
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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
    dropping,
    error_of,
    event,
    playing,
    streaming,
    until,
    words,
)

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict, StoredAnswer
from modelgate.core.errors import InvalidRequest, Overloaded
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.gateway import answer_stream, idempotency
from modelgate.gateway.cached_calls import CachedCalls
from modelgate.gateway.idempotency import MAX_KEY_CHARACTERS, Idempotency, RepeatableCalls, claim_of, digest_of
from modelgate.gateway.recorded_stream import RecordedStream, Room

pytestmark = pytest.mark.anyio


class MemoryClaims:
    """The store's rules on a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Claim, ClaimEnding | None]] = {}
        self.is_away = False

    async def claim(self, claim: Claim) -> ClaimVerdict:
        if self.is_away:
            raise Overloaded(retry_after_s=1.0)
        first, ending = self.rows.setdefault(claim.scope, (claim, None))
        if first is claim:
            return ClaimVerdict(state="granted")
        if first.digest != claim.digest:
            return ClaimVerdict(state="reused")
        if ending is None:
            return ClaimVerdict(state="running")
        return ClaimVerdict(state="stored" if ending.answer else "not_stored", answer=ending.answer)

    async def end(self, ending: ClaimEnding) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise OSError("the database is away")
        first, before = self.rows[ending.scope]
        assert before is None, "a claim was ended twice"
        assert first.request_id == ending.request_id
        if ending.released:
            del self.rows[ending.scope]
        else:
            self.rows[ending.scope] = (first, ending)

    @property
    def kept(self) -> list[StoredAnswer | None]:
        """How each claim ended that has."""
        return [ending.answer for _, ending in self.rows.values() if ending is not None]


class Desk:
    """A house and the idempotency before it; each request has an id of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.claims = MemoryClaims()
        self.faults: list[BaseException] = []
        self.idempotency = Idempotency(
            self.claims, keys=house.gateway._keys, clock=lambda: 0.0, log_fault=lambda error, _: self.faults.append(error)
        )
        self._count = 0

    async def ask(
        self, *, stream: bool = False, key: str = "one", text: str = "Hi", secret: str = SECRET, dialect: str = "openai_chat"
    ) -> Any:
        self._count += 1
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": 9}).encode()
        request = HttpRequest(
            method="POST",
            path="/v1/messages" if dialect == "anthropic_messages" else "/v1/chat/completions",
            headers=HeaderBlock.of(("authorization", f"Bearer {secret}"), *([("Idempotency-Key", key)] if key else [])),
            body=body,
            id=f"req_{self._count}",
        )
        cached = CachedCalls(keys=self.house.gateway._keys, desk=self.house.gateway._desk, hit_price=lambda: "0")
        calls = RepeatableCalls(self.house.gateway, idempotency=self.idempotency, cached=cached)
        return await calls.handle(request, self.house.kinds[dialect])

    async def read(self, response: HttpResponse) -> bytes:
        return await self.house.read_stream(response)


@asynccontextmanager
async def desk_over(upstream: ScriptedUpstream, **more: Any) -> AsyncIterator[Desk]:
    async with playing(upstream, **more) as house:
        desk = Desk(house)
        yield desk
        assert desk.faults == []
        assert desk.idempotency.room.held_bytes == 0


def is_replayed(response: HttpResponse) -> bool:
    return response.headers.get(b"idempotent-replayed") == b"true"


async def test_a_repeat_gets_the_first_answer_without_a_call_a_hold_or_a_charge() -> None:
    upstream = ScriptedUpstream(answering(ANSWER))
    async with desk_over(upstream) as desk:
        first, again = await desk.ask(), await desk.ask()
    assert (again.status, again.body) == (200, ANSWER.encode()) == (first.status, first.body)
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert again.headers.get(b"content-type") == first.headers.get(b"content-type")
    assert len(upstream.requests) == len(desk.house.meter.holds) == len(desk.house.meter.captured) == 1


async def test_without_the_header_nothing_is_claimed() -> None:
    async with desk_over(ScriptedUpstream(answering(ANSWER))) as desk:
        assert [(await desk.ask(key="")).status for _ in range(2)] == [200, 200]
    assert desk.claims.rows == {}
    assert len(desk.house.meter.captured) == 2


async def test_a_stream_is_replayed_byte_for_byte() -> None:
    upstream = ScriptedUpstream(streaming(words(3), STOP + USAGE_CHUNK[:30], USAGE_CHUNK[30:], DONE))
    async with desk_over(upstream) as desk:
        received = await desk.read(await desk.ask(stream=True))
        again = await desk.ask(stream=True)
    assert again.body == received == words(3) + STOP + DONE
    assert again.headers.get(b"content-type") == b"text/event-stream; charset=utf-8"
    assert again.headers.get(b"cache-control") == b"no-cache"
    assert is_replayed(again)
    assert len(desk.house.meter.captured) == 1


async def test_the_end_of_a_stream_waits_until_it_is_kept() -> None:
    """A client that had its whole answer and asked again at once was told that the first still ran."""
    async with desk_over(ScriptedUpstream(streaming(words(1), STOP + DONE))) as desk:
        client = Client()
        (await desk.ask(stream=True)).body.start(client)
        await asyncio.wait_for(client.ended, 30)
        assert len(desk.claims.kept) == 1


async def test_another_body_is_refused() -> None:
    async with desk_over(ScriptedUpstream(answering(ANSWER))) as desk:
        await desk.ask()
        refused = await desk.ask(text="Something else")
    assert (refused.status, error_of(refused)["code"]) == (422, "idempotency_key_reused")
    assert len(desk.house.meter.holds) == 1


async def test_while_the_first_runs_a_repeat_is_told_to_come_again() -> None:
    async with desk_over(ScriptedUpstream(streaming(words(1), STOP + DONE))) as desk:
        first = await desk.ask(stream=True)
        busy = await desk.ask(stream=True)
        assert (busy.status, error_of(busy)["code"], busy.headers.get(b"retry-after")) == (409, "idempotency_in_progress", b"1")
        assert busy.headers.get(b"x-should-retry") is None
        await desk.read(first)
        assert is_replayed(await desk.ask(stream=True))


@pytest.mark.parametrize("script", [dropping, answering("{}", status=500), answering('{"error":{"message":"no"}}', status=400)])
async def test_a_failure_that_cost_nothing_leaves_the_key_free(script: Any) -> None:
    upstream = ScriptedUpstream(script, script, answering(ANSWER))
    async with desk_over(upstream) as desk:
        failed = await desk.ask()
        while failed.status != 200:
            assert desk.claims.rows == {}
            failed = await desk.ask()
    assert not is_replayed(failed)
    assert [amount for amount, _ in desk.house.meter.captured] == [CHARGE]


async def test_a_stream_without_a_word_cost_nothing_and_leaves_the_key_free() -> None:
    role = event('{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}')
    async with desk_over(ScriptedUpstream(streaming(role), streaming(words(1), STOP, DONE))) as desk:
        assert b'"error"' in await desk.read(await desk.ask(stream=True))
        again = await desk.ask(stream=True)
        assert not is_replayed(again)
        assert (await desk.read(again)).endswith(DONE)
    assert (len(desk.house.meter.captured), len(desk.house.meter.released)) == (1, 1)


async def test_a_stream_that_breaks_off_was_charged_and_is_told_again_as_it_was() -> None:
    async with desk_over(ScriptedUpstream(streaming(words(2)))) as desk:
        received = await desk.read(await desk.ask(stream=True))
        again = await desk.ask(stream=True)
    assert b'"error"' in received
    assert again.body == received
    assert len(desk.house.meter.captured) == 1


async def test_an_answer_whose_client_left_is_kept_once_it_is_drained() -> None:
    async with desk_over(ScriptedUpstream(streaming(*[words(1)] * 5, STOP + USAGE_CHUNK + DONE, pause_s=0.01))) as desk:
        response, client = await desk.ask(stream=True), Client()
        response.body.start(client)
        await client.first.wait()
        response.body.abort()
        response.body.abort()
        await until(lambda: desk.claims.kept)
        again = await desk.ask(stream=True)
    assert again.body == words(5) + STOP + DONE
    assert [facts.note for _, facts in desk.house.meter.captured] == ["client_left"]


@pytest.mark.parametrize("pause_s", [0.0, 0.05])
async def test_a_client_that_left_before_the_first_word_was_taken_makes_no_difference(pause_s: float) -> None:
    async with desk_over(ScriptedUpstream(streaming(words(1), STOP + DONE, pause_s=pause_s))) as desk:
        response = await desk.ask(stream=True)
        await asyncio.sleep(0.02)
        response.body.abort()
        await until(lambda: desk.claims.kept)
        assert (await desk.ask(stream=True)).body == words(1) + STOP + DONE


@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_a_client_that_leaves_while_it_is_written_to_costs_no_piece(at: int) -> None:
    """It left at the first of the pieces that had come early, and the others were missing in what was kept."""

    class Leaving(Client):
        def write(self, data: bytes) -> None:
            assert self.pieces_left > 0, "it has left"
            self.pieces_left -= 1
            if self.pieces_left == 0:
                response.body.abort()

        pieces_left = at

    async with desk_over(ScriptedUpstream(streaming(words(1), words(1), STOP + DONE, pause_s=0.02))) as desk:
        response = await desk.ask(stream=True)
        await asyncio.sleep(0.01)
        source = response.body._source
        source._early += [words(1), words(1)]
        response.body.start(Leaving())
        await until(lambda: desk.claims.kept)
        assert (await desk.ask(stream=True)).body == words(4) + STOP + DONE


async def test_an_answer_that_is_not_drained_to_its_end_is_not_kept() -> None:
    async with desk_over(ScriptedUpstream(streaming(*[words(1)] * 50, pause_s=0.01)), cancel="cancel") as desk:
        response, client = await desk.ask(stream=True), Client()
        response.body.start(client)
        await client.first.wait()
        response.body.abort()
        await until(lambda: desk.claims.kept)
        refused = await desk.ask(stream=True)
    assert (refused.status, error_of(refused)["code"]) == (409, "idempotency_not_stored")
    assert refused.headers.get(b"x-should-retry") == b"false"
    assert len(desk.house.meter.captured) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("leaves", [False, True])
async def test_an_answer_beyond_the_bound_goes_to_its_client_and_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, stream: bool, leaves: bool
) -> None:
    monkeypatch.setattr(idempotency, "MAX_STORED_BYTES", 50)
    monkeypatch.setattr(answer_stream, "MAX_DRAIN_S", 0.2)
    script = streaming(*[words(1)] * 3, STOP + DONE, pause_s=0.01) if stream else answering(ANSWER)
    async with desk_over(ScriptedUpstream(script)) as desk:
        response = await desk.ask(stream=stream)
        if stream and leaves:
            response.body.abort()
        elif stream:
            assert await desk.read(response) == words(3) + STOP + DONE
        await until(lambda: desk.claims.kept and desk.house.meter.captured)
        refused = await desk.ask(stream=stream)
    assert error_of(refused)["code"] == "idempotency_not_stored"
    assert desk.claims.kept == [None]


async def test_what_all_streams_hold_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MAX_RECORDING_BYTES", len(words(4)))
    async with desk_over(ScriptedUpstream(streaming(words(3), STOP + DONE))) as desk:
        responses = [await desk.ask(stream=True, key=key) for key in ("a", "b")]
        for response in responses:
            response.body.start(Client())
        await until(lambda: len(desk.claims.kept) == 2)
    assert None in desk.claims.kept


async def test_keys_of_others_and_of_other_paths_are_other_keys() -> None:
    request = HttpRequest(method="POST", path="/a", headers=HeaderBlock(b"idempotency-key: one\r\n"), id="req_1")
    other = HttpRequest(method="POST", path="/b", headers=request.headers, id="req_1")
    key = KEY
    scopes = {
        (await claim_of(asked, by)).scope
        for asked in (request, other)
        for by in (key, type(key)(**{**_fields(key), "account": "acct_b"}), type(key)(**{**_fields(key), "book": "test"}))
    }
    assert len(scopes) == 6
    assert (await claim_of(request, type(key)(**{**_fields(key), "id": "key_2"}))).scope in scopes, "an account's keys share"


def _fields(key: Any) -> dict[str, Any]:
    return {name: getattr(key, name) for name in key.__struct_fields__}


@pytest.mark.parametrize(
    "lines",
    [
        b"idempotency-key:\r\n",
        b"idempotency-key: a b\r\n",
        b"idempotency-key: \xc3\xa4\r\n",
        b"idempotency-key: " + b"x" * (MAX_KEY_CHARACTERS + 1) + b"\r\n",
        b"idempotency-key: a\r\nidempotency-key: a\r\n",
    ],
)
async def test_a_key_that_cannot_be_one_is_refused_by_name(lines: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key") as refused:
        await claim_of(HttpRequest(method="POST", path="/a", headers=HeaderBlock(lines)), KEY)
    assert refused.value.param == "Idempotency-Key"


async def test_the_longest_key_is_taken() -> None:
    lines = b"idempotency-key: " + b"x" * MAX_KEY_CHARACTERS + b"\r\n"
    assert (await claim_of(HttpRequest(method="POST", path="/a", headers=HeaderBlock(lines), started=1.5), KEY)).at_ms == 1500


async def test_a_refused_key_is_said_in_the_dialect() -> None:
    async with desk_over(ScriptedUpstream(answering(ANSWER))) as desk:
        refused = await desk.ask(key="x y", dialect="anthropic_messages")
        assert json.loads(refused.body)["error"]["type"] == "invalid_request_error"
        assert (await desk.ask(secret="sk-wrong")).status == 401
        desk.claims.is_away = True
        assert (await desk.ask()).status == 503
        desk.claims.is_away = False
    assert desk.house.meter.holds == []


async def test_a_replay_has_a_request_id_of_its_own_where_the_dialect_shows_one() -> None:
    async with desk_over(ScriptedUpstream(answering(ANSWER))) as desk:
        first = await desk.ask(dialect="anthropic_messages")
        again = await desk.ask(dialect="anthropic_messages")
    assert (first.headers.get_all(b"request-id"), again.headers.get_all(b"request-id")) == ([b"req_1"], [b"req_2"])
    assert again.body == first.body


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same() -> None:
    async with playing(ScriptedUpstream(answering(ANSWER))) as house:
        desk = Desk(house)
        claimed, serve = desk.claims.claim, desk.ask

        async def claim_then_lose(claim: Claim) -> ClaimVerdict:
            verdict = await claimed(claim)
            desk.claims.is_away = True
            return verdict

        desk.claims.claim = claim_then_lose  # type: ignore[method-assign]
        assert (await serve()).status == 200
    assert [type(fault) for fault in desk.faults] == [OSError]


async def test_after_a_fault_of_ours_nobody_knows_what_was_charged() -> None:
    async with playing(ScriptedUpstream(answering(ANSWER))) as house:
        desk = Desk(house)
        request = HttpRequest(
            method="POST", path="/v1/x", headers=HeaderBlock.of(("authorization", f"Bearer {SECRET}"), ("idempotency-key", "a")), id="r"
        )

        async def fail(_caller: Any) -> HttpResponse:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await desk.idempotency.answer(request, house.kinds["openai_chat"], fail)
    assert desk.claims.kept == [None]


def form(boundary: str, text: str = "hello", query: str = "") -> HttpRequest:
    body = f'--{boundary}\r\ncontent-disposition: form-data; name="model"\r\n\r\n{text}\r\n--{boundary}--\r\n'.encode()
    headers = HeaderBlock.of(("content-type", f"multipart/form-data; boundary={boundary}"))
    return HttpRequest(method="POST", path="/a", query=query, headers=headers, body=body)


def test_a_form_sent_again_is_the_same_form_whatever_its_boundary() -> None:
    """Official clients draw a new boundary for each try: their own retry was refused as another request."""
    assert digest_of(form("abc")) == digest_of(form("9f8e7d"))
    assert digest_of(form("abc")) != digest_of(form("abc", "goodbye"))


def test_the_query_counts_and_a_secret_in_it_does_not() -> None:
    assert digest_of(form("a", query="alt=sse")) != digest_of(form("a"))
    assert digest_of(form("a", query="key=sk-1&alt=sse")) == digest_of(form("a", query="alt=sse&key=sk-2"))


async def test_a_long_body_is_hashed_beside_the_loop_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    request = HttpRequest(method="POST", path="/a", headers=HeaderBlock(b"idempotency-key: a\r\n"), body=bytearray(b"x" * 100))
    before = await claim_of(request, KEY)
    monkeypatch.setattr(idempotency, "HASH_IN_THREAD_BYTES", 10)
    assert await claim_of(request, KEY) == before


class Answer:
    """What a copied stream tells its copy to, and nobody else knows."""

    def keep(self, body: bytes | None) -> None:
        pass


def test_a_copied_stream_forgets_its_answer_at_the_end() -> None:
    """Each left its whole request to the collector of cycles, since answer and stream knew each other."""
    answer = Answer()
    known = weakref.ref(answer)
    stream = RecordedStream(None, room=Room(9), max_bytes=9, finish=answer.keep)  # type: ignore[arg-type]  # its source says nothing here
    del answer
    stream.write(b"word")
    assert known() is not None
    stream.end()
    assert known() is None
