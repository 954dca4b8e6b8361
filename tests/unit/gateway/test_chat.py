"""The way of a chat against scripted upstreams on real sockets; the meter is a notebook."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey, Credential, PriceRow, RequestFacts, Snapshot, Upstream
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.formats.openai_chat.tap import StreamTap
from modelgate.gateway import answer_stream as answer_stream_module
from modelgate.gateway.call import CallDesk
from modelgate.gateway.calls import CallGateway
from modelgate.gateway.chat import chat_kinds
from modelgate.gateway.chat_inputs import FetchedImages
from modelgate.gateway.configuration import Configuration
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.providers import load_providers
from modelgate.routing.health import Health
from modelgate.transport.client import Transport
from modelgate.transport.guard import GuardedFetcher

pytestmark = pytest.mark.anyio

SECRET = "sk-live-test"
PATIENCE_S = 60.0
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest=digest_of(SECRET), hint="")
USAGE = '"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
ANSWER = (
    f'{{"id":"c","object":"chat.completion","model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}}}}],{USAGE}}}'
)
PRICE = PriceRow(model="m", rates={"input": "1", "output": "2"})  # USD per million: 10 x 1000 + 5 x 2000 nanos
CHARGE = 20_000

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()


def words(count: int) -> bytes:
    chunk = event('{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}],"usage":null}')
    return chunk * count


STOP = event('{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}')
USAGE_CHUNK = event(f'{{"id":"c","model":"m","choices":[],{USAGE}}}')
DONE = event("[DONE]")
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def answering(body: str | bytes, *, status: int = 200, headers: str = "", content_type: str = "application/json") -> Script:
    data = body if isinstance(body, bytes) else body.encode()

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(data)}\r\n{headers}\r\n"
        writer.write(head.encode() + data)

    return script


def streaming(*pieces: bytes, pause_s: float = 0.0) -> Script:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(STREAM_HEAD)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        writer.close()

    return script


async def dropping(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.close()


class ScriptedUpstream:
    """A server that plays one script per request; the last one again and again."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.requests: list[tuple[bytes, bytes]] = []
        self.url = ""
        self.running: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.running.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(HeaderBlock(head).get(b"content-length") or 0)
                body = await reader.readexactly(length)
                self.requests.append((head, body))
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await script(reader, writer, body)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):  # uvloop says RuntimeError of a closed transport
            writer.close()
        finally:
            self.running.discard(writer)

    async def close(self) -> None:
        for writer in self.running:
            writer.transport.abort()
        await until(lambda: not self.running)


class NotedHold:
    def __init__(self, amount_nanos: int) -> None:
        self.amount_nanos = amount_nanos


class NotebookMeter:
    """Resolves each hold once, and says so."""

    def __init__(self) -> None:
        self.holds: list[NotedHold] = []
        self.captured: list[tuple[int, RequestFacts]] = []
        self.released: list[RequestFacts] = []
        self.resolved: set[NotedHold] = set()

    async def open_hold(self, *, amount_nanos: int, **_more: Any) -> NotedHold:
        self.holds.append(NotedHold(amount_nanos))
        return self.holds[-1]

    def capture(self, hold: NotedHold, *, amount_nanos: int, facts: RequestFacts, committed: Callable[[], None]) -> None:
        self._resolve(hold)
        self.captured.append((amount_nanos, facts))
        asyncio.get_running_loop().call_soon(committed)

    def release(self, hold: NotedHold, *, facts: RequestFacts, committed: Callable[[], None]) -> None:
        self._resolve(hold)
        self.released.append(facts)
        asyncio.get_running_loop().call_soon(committed)

    def _resolve(self, hold: NotedHold) -> None:
        assert hold not in self.resolved, "a hold was resolved twice"
        self.resolved.add(hold)


class NoRates:
    def admit(self, _key: ApiKey, *, now: float) -> None:
        return None


class NoMetrics:
    def request_finished(self, **_facts: Any) -> None:
        return None


class Client:
    """A BodySink that can be slow or leave."""

    def __init__(self) -> None:
        self.received = b""
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.first: asyncio.Event = asyncio.Event()

    def write(self, data: bytes) -> None:
        assert not self.ended.done()
        self.received += data
        self.first.set()

    def end(self) -> None:
        self.ended.set_result(None)

    def fail(self, error: Exception) -> None:
        self.ended.set_result(error)


class House:
    """A gateway over scripted upstreams."""

    def __init__(self, upstreams: list[Upstream], *, key: ApiKey = KEY, prices: tuple[PriceRow, ...] = (PRICE,)) -> None:
        self.meter = NotebookMeter()
        self.faults: list[BaseException] = []
        configuration = Configuration(
            Snapshot(version=1, upstreams=tuple(upstreams), prices=prices), providers=load_providers(), shipped=(), now=0.0
        )

        async def lookup(digest: str) -> tuple[ApiKey | None, str, float | None]:
            return (key if digest == key.digest else None), "all", None

        clock = asyncio.get_running_loop().time
        self.desk = CallDesk(meter=self.meter, rates=NoRates(), metrics=NoMetrics(), clock=clock)  # type: ignore[arg-type]
        self.transport = Transport()
        self.images = FetchedImages(GuardedFetcher(self.transport))
        self.kinds = chat_kinds(load_wire_formats(), images=self.images)
        self.gateway = CallGateway(
            keys=KeyTable(lookup, clock=clock),
            desk=self.desk,
            transport=self.transport,
            health=Health(),
            configuration=lambda: configuration,
            log_fault=lambda error, _request_id: self.faults.append(error),
        )

    async def ask(self, body: dict[str, Any] | None = None, *, raw: bytes | None = None, secret: str = SECRET) -> HttpResponse:
        data = (
            raw if raw is not None else json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **(body or {})}).encode()
        )
        headers = HeaderBlock.of(("authorization", f"Bearer {secret}"))
        request = HttpRequest(
            method="POST", path="/v1/chat/completions", headers=headers, body=data, id="req_1", started=asyncio.get_running_loop().time()
        )
        return await self.gateway.handle(request, self.kinds["openai_chat"])

    async def ask_in(self, dialect: str) -> HttpResponse:
        """Ask for a stream."""
        said = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "contents": [{"parts": [{"text": "Hi"}]}]}
        body = {"gemini_content": {"contents": said["contents"]}}.get(dialect) or {"model": "m", "stream": True, **said}
        path = "/v1beta/models/m:streamGenerateContent" if dialect == "gemini_content" else "/v1/x"
        headers = HeaderBlock.of(("authorization", f"Bearer {SECRET}"))
        request = HttpRequest(method="POST", path=path, query="alt=sse", headers=headers, body=json.dumps(body).encode(), id="req_1")
        return await self.gateway.handle(request, self.kinds[dialect])

    async def read_stream(self, response: HttpResponse) -> bytes:
        assert not isinstance(response.body, bytes | bytearray), response
        client = Client()
        response.body.start(client)
        await asyncio.wait_for(client.ended, 30)
        return client.received


def upstream_at(url: str, *, name: str = "up_1", **more: Any) -> Upstream:
    credentials = more.pop("credentials", (Credential(id=f"cred_{name}", secret="sk-vendor"),))
    return Upstream(
        id=name,
        name=name,
        provider="openai",
        base_url=url,
        book="live",
        models=more.pop("models", {"m": "m"}),
        credentials=credentials,
        **more,
    )


@asynccontextmanager
async def playing(*upstreams: ScriptedUpstream, **more: Any) -> AsyncIterator[House]:
    servers = [await asyncio.start_server(upstream.serve, "127.0.0.1", 0) for upstream in upstreams]
    rows = []
    for number, (server, upstream) in enumerate(zip(servers, upstreams, strict=True)):
        upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        rows.append(upstream_at(upstream.url, name=f"up_{number}", priority=-number, **more))
    house = House(rows)
    try:
        yield house
        assert house.faults == []
    finally:
        await house.transport.close()
        for server, upstream in zip(servers, upstreams, strict=True):
            server.close()
            await upstream.close()


def error_of(response: HttpResponse) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    error = json.loads(response.body)["error"]
    assert isinstance(error, dict)
    return error


async def test_the_answer_passes_byte_for_byte_and_is_charged_by_its_usage() -> None:
    upstream = ScriptedUpstream(answering(ANSWER))
    async with playing(upstream) as house:
        raw = b'{ "model" : "m", "messages":[{"role":"user","content":"Hi"}], "vendor_extra": 1.50 }'
        response = await house.ask(raw=raw)
    assert (response.status, response.body) == (200, ANSWER.encode())
    head, body = upstream.requests[0]
    assert body == raw
    assert b"authorization: Bearer sk-vendor\r\n" in head
    assert SECRET.encode() not in head
    [(amount, facts)] = house.meter.captured
    assert (amount, facts.input_tokens, facts.output_tokens, facts.upstream, facts.attempts) == (CHARGE, 10, 5, "up_0", 1)


async def test_a_model_known_by_another_name_upstream_is_renamed_both_ways() -> None:
    upstream = ScriptedUpstream(answering(ANSWER.replace('"model":"m"', '"model":"real"')))
    async with playing(upstream, models={"m": "real"}) as house:
        response = await house.ask()
    assert json.loads(upstream.requests[0][1])["model"] == "real"
    assert response.body == ANSWER.encode()


@pytest.mark.parametrize("asked", [True, False])
async def test_a_stream_passes_and_the_usage_chunk_only_when_asked_for(asked: bool) -> None:
    upstream = ScriptedUpstream(streaming(words(3), STOP + USAGE_CHUNK[:30], USAGE_CHUNK[30:], DONE))
    async with playing(upstream) as house:
        response = await house.ask({"stream": True, **({"stream_options": {"include_usage": True}} if asked else {})})
        received = await house.read_stream(response)
    assert received == words(3) + STOP + (USAGE_CHUNK if asked else b"") + DONE
    assert json.loads(upstream.requests[0][1])["stream_options"] == {"include_usage": True}
    assert [amount for amount, _ in house.meter.captured] == [CHARGE]


async def test_a_failing_upstream_is_followed_by_the_next_and_the_hold_is_taken_once() -> None:
    bad, good = ScriptedUpstream(answering("{}", status=500)), ScriptedUpstream(answering(ANSWER))
    async with playing(bad, good) as house:
        response = await house.ask()
    assert response.status == 200
    assert house.meter.captured[0][1].attempts == 2
    assert len(house.meter.holds) == 1


@pytest.mark.parametrize("script", [dropping, answering("{}", status=503), answering("not json"), answering('{"choices":[]}')])
async def test_an_upstream_alone_is_asked_once_more(script: Script) -> None:
    upstream = ScriptedUpstream(script, answering(ANSWER))
    async with playing(upstream) as house:
        response = await house.ask()
    assert response.status == 200
    assert len(upstream.requests) == 2


async def test_a_request_at_fault_is_returned_in_the_upstreams_words_and_tried_nowhere_else() -> None:
    said = '{"error":{"message":"bad temperature","type":"invalid_request_error","param":"temperature","code":"invalid_value"}}'
    bad, good = ScriptedUpstream(answering(said, status=400)), ScriptedUpstream(answering(ANSWER))
    async with playing(bad, good) as house:
        response = await house.ask()
    error = error_of(response)
    assert (response.status, error["param"], error["code"]) == (400, "temperature", "invalid_value")
    assert error["message"].startswith("bad temperature")
    assert good.requests == []
    assert [facts.status for facts in house.meter.released] == [400]


@pytest.mark.parametrize("asked", [True, False])
async def test_symptom_a_caller_was_refused_for_the_usage_that_only_we_had_asked_for(asked: bool) -> None:
    said = '{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error"}}'
    upstream = ScriptedUpstream(answering(said, status=400), streaming(words(3), STOP, DONE))
    async with playing(upstream) as house:
        response = await house.ask({"stream": True, **({"stream_options": {"include_usage": True}} if asked else {})})
        received = error_of(response)["message"] if asked else await house.read_stream(response)
        await until(lambda: house.meter.captured or asked)
    if asked:  # what the caller asks for itself is the caller's
        assert (response.status, "stream_options" in received, len(upstream.requests)) == (400, True, 1)
        return
    assert received == words(3) + STOP + DONE
    assert ["stream_options" in json.loads(body) for _, body in upstream.requests] == [True, False]
    [(amount, facts)] = house.meter.captured
    assert amount > 0
    assert facts.attempts == 2


async def test_a_refused_vendor_key_is_our_affair_and_never_shown() -> None:
    said = '{"error":{"message":"Incorrect API key provided: sk-vendor","code":"invalid_api_key"}}'
    async with playing(ScriptedUpstream(answering(said, status=401))) as house:
        response = await house.ask()
    assert response.status == 502
    assert "sk-vendor" not in str(error_of(response))


async def test_an_upstream_out_of_credit_is_not_the_callers_empty_purse() -> None:
    said = '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}'
    async with playing(ScriptedUpstream(answering(said, status=429))) as house:
        response = await house.ask()
    assert (response.status, error_of(response)["code"]) == (502, "bad_upstream_response")


async def test_a_long_retry_after_is_told_to_the_caller_and_honoured() -> None:
    upstream = ScriptedUpstream(
        answering('{"error":{"message":"slow down"}}', status=429, headers="retry-after: 30\r\n"), answering(ANSWER)
    )
    async with playing(upstream) as house:
        first, second = await house.ask(), await house.ask()
    assert (first.status, first.headers.get(b"retry-after")) == (429, b"30")
    assert second.status == 429
    assert len(upstream.requests) == 1


async def test_after_repeated_failures_the_other_upstream_goes_first() -> None:
    bad, good = ScriptedUpstream(answering("{}", status=500)), ScriptedUpstream(answering(ANSWER))
    async with playing(bad, good) as house:
        for _ in range(6):
            assert (await house.ask()).status == 200
    assert len(bad.requests) == 3


async def test_a_pooled_connection_found_closed_is_replaced_without_blame() -> None:
    async def answer_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await answering(ANSWER)(reader, writer, body)

    async def vanish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.transport.abort()

    upstream = ScriptedUpstream(answer_then_close, vanish, answering(ANSWER))
    async with playing(upstream) as house:
        assert (await house.ask()).status == 200
        assert (await house.ask()).status == 200
    assert [facts.attempts for _, facts in house.meter.captured] == [1, 1]


async def test_symptom_a_cut_stream_billed_nothing_or_all() -> None:
    """The vendor breaks off without usage: what was streamed is charged as an estimate, and the client is told."""
    async with playing(ScriptedUpstream(streaming(words(4)))) as house:
        received = await house.read_stream(await house.ask({"stream": True}))
    assert received.startswith(words(4))
    assert b'{"error":' in received
    assert b"[DONE]" not in received
    [(amount, facts)] = house.meter.captured
    assert 0 < amount <= house.meter.holds[0].amount_nanos
    assert facts.estimated
    assert "truncated" in facts.note


ROLE = event('{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}')
FILTERS = event('{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}')
BUSY = event('{"error":{"message":"busy","type":"server_error","code":503}}')


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "gemini_content"])
@pytest.mark.parametrize("pieces", [(ROLE,), (ROLE, BUSY), (FILTERS, ROLE, BUSY, DONE)], ids=["cut", "error", "error and end"])
async def test_symptom_a_stream_without_a_word_was_charged_its_prompt(pieces: tuple[bytes, ...], dialect: str) -> None:
    """It broke off behind the chunk that says who speaks: nothing had been delivered, and the docs say that what fails costs nothing."""
    async with playing(ScriptedUpstream(streaming(*pieces, pause_s=0.01))) as house:
        response = await house.ask_in(dialect)
        if not isinstance(response.body, bytes | bytearray):
            assert b"error" in await house.read_stream(response)
    assert house.meter.captured == []
    [facts] = house.meter.released
    assert (facts.status, facts.input_tokens) in {(502, 0), (503, 0)}


@pytest.mark.parametrize(
    "pieces",
    [
        (ROLE, words(1)),
        (ROLE, event(f'{{"id":"c","model":"m","choices":[],{USAGE}}}'), BUSY),
        (ROLE, event(json.dumps({"choices": [{"index": 0, "delta": {"audio": {"data": "x" * 5_000}}, "finish_reason": None}]}))),
    ],
    ids=["a word", "counted", "sound"],
)
async def test_what_was_delivered_or_counted_is_charged(pieces: tuple[bytes, ...]) -> None:
    async with playing(ScriptedUpstream(streaming(*pieces))) as house:
        await house.read_stream(await house.ask({"stream": True}))
    assert (len(house.meter.captured), house.meter.released) == (1, [])


async def test_a_client_that_leaves_before_the_first_word_pays_what_the_upstream_read() -> None:
    async with playing(ScriptedUpstream(streaming(ROLE, words(1), pause_s=0.2)), cancel="cancel") as house:
        response = await house.ask({"stream": True})
        assert not isinstance(response.body, bytes | bytearray)
        response.body.start(Client())
        response.body.abort()
        await until(lambda: house.meter.resolved)
    [(amount, facts)] = house.meter.captured
    assert amount > 0
    assert "client_left" in facts.note


async def test_a_streamed_array_ends_in_an_error_of_its_own_shape() -> None:
    """A client of Gemini that did not ask for events reads one JSON array: an event in it would be no JSON."""
    body = b'{"contents":[{"parts":[{"text":"Hi"}]}]}'
    headers = HeaderBlock.of(("authorization", f"Bearer {SECRET}"))
    async with playing(ScriptedUpstream(streaming(words(2)))) as house:
        request = HttpRequest(method="POST", path="/v1beta/models/m:streamGenerateContent", headers=headers, body=body, id="req_1")
        received = await house.read_stream(await house.gateway.handle(request, house.kinds["gemini_content"]))
    first, second, last = json.loads(received)
    assert first["candidates"] == second["candidates"]
    assert last["error"]["code"] == 502


async def test_a_stream_that_breaks_before_its_first_event_is_asked_for_again() -> None:
    upstream = ScriptedUpstream(streaming(), streaming(words(1), STOP, DONE))
    async with playing(upstream) as house:
        received = await house.read_stream(await house.ask({"stream": True}))
    assert received == words(1) + STOP + DONE
    assert len(house.meter.captured) == 1


async def test_an_error_as_first_event_becomes_a_status_and_no_charge() -> None:
    error = event('{"error":{"message":"overloaded","type":"server_error","code":"slow_down"}}')
    async with playing(ScriptedUpstream(streaming(error))) as house:
        response = await house.ask({"stream": True})
    assert (response.status, error_of(response)["code"]) == (503, "slow_down")
    assert house.meter.captured == []
    assert len(house.meter.released) == 1


async def test_symptom_an_error_and_the_end_in_one_read_were_taken_for_an_answer_and_charged() -> None:
    """vLLM says both at once: nobody else was asked, and the prompt was charged though nothing had been said."""
    error = event('{"error":{"message":"no memory","type":"InternalServerError","code":500}}')
    async with playing(ScriptedUpstream(streaming(error + DONE), streaming(words(1), STOP, DONE))) as house:
        received = await house.read_stream(await house.ask({"stream": True}))
    assert received == words(1) + STOP + DONE
    assert len(house.meter.captured) == 1


async def test_symptom_a_refusal_as_first_event_was_asked_of_everybody_and_told_as_our_fault() -> None:
    error = event('{"error":{"message":"too many tools","type":"BadRequestError","code":400}}')
    async with playing(ScriptedUpstream(streaming(error + DONE))) as house:
        response = await house.ask({"stream": True})
    assert (response.status, error_of(response)["type"]) == (400, "BadRequestError")
    assert len(house.meter.released) == 1


PRIVATE = "org-abc at http://10.0.0.7:8000: your credit balance is too low"


@pytest.mark.parametrize("status", [401, 402, 404, 408, 409, 429, 500, 503])
async def test_symptom_callers_read_what_a_vendor_says_to_the_operator(status: int) -> None:
    """Organisations, machines and the state of an account stood in the answers to whoever met a trouble of the upstream's."""
    body = json.dumps({"error": {"message": PRIVATE, "type": "server_error", "code": None}})
    with structlog.testing.capture_logs() as lines:
        async with playing(ScriptedUpstream(answering(body, status=status, headers="retry-after: 9\r\n"))) as house:
            response = await house.ask()
    assert "org-abc" not in str(response)
    assert error_of(response)["message"].startswith("The upstream ")
    (line,) = {(line["upstream"], line["said"], line["request_id"]) for line in lines}
    assert line == ("up_0", PRIVATE, "req_1")


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("before", [b"", words(3)], ids=["first", "in the middle"])
async def test_symptom_callers_read_it_in_streams_too(before: bytes, dialect: str) -> None:
    error = event(json.dumps({"error": {"message": PRIVATE, "type": "server_error", "code": 500}}))
    with structlog.testing.capture_logs() as lines:
        async with playing(ScriptedUpstream(streaming(before + error, DONE))) as house:
            response = await house.ask_in(dialect)
            said = await house.read_stream(response) if before else str(response).encode()
    assert b"org-abc" not in said
    assert b"The upstream failed." in said
    assert {line["said"] for line in lines} == {PRIVATE}


@pytest.mark.parametrize("stream", [False, True])
async def test_symptom_requests_at_one_instant_went_beyond_the_bound_of_an_upstream(stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room was looked for when a request was planned and taken after money was held for it: meanwhile all others had found it too."""
    held = asyncio.Event()

    async def when_all_are_planned(self: NotebookMeter, *, amount_nanos: int, **_more: Any) -> NotedHold:
        hold = NotedHold(amount_nanos)
        self.holds.append(hold)
        if len(self.holds) == 4:
            held.set()
        await held.wait()
        return hold

    monkeypatch.setattr(NotebookMeter, "open_hold", when_all_are_planned)
    script = streaming(words(1), STOP + USAGE_CHUNK + DONE, pause_s=0.2) if stream else answering(ANSWER)
    upstream = ScriptedUpstream(script)
    async with playing(upstream, max_concurrent=1) as house:
        responses = await asyncio.gather(*(house.ask({"stream": stream}) for _ in range(4)))
        assert sorted(response.status for response in responses) == [200, 503, 503, 503]
        assert len(upstream.requests) == 1
        for response in responses:
            if response.status == 503:
                assert error_of(response)["code"] == "no_upstream"
                assert response.headers.get(b"retry-after") == b"1"
            elif stream:
                await house.read_stream(response)
        if not stream:
            assert (await house.ask()).status == 200  # there is room again


async def test_symptom_a_failure_that_one_caller_had_the_sandbox_play_was_everybodys(tmp_path: Path) -> None:
    """After a magic 429 whoever asked for the model within its `retry-after` was told to come back later."""
    upstream = ScriptedUpstream(answering("{}", status=429, headers="retry-after: 9\r\n"), answering(ANSWER))
    path = tmp_path / "sandbox.sock"
    server = await asyncio.start_unix_server(upstream.serve, path)
    house = House([upstream_at("http://sandbox/v1", socket=str(path))])
    try:
        played = await house.ask()
        assert (played.status, played.headers.get(b"retry-after")) == (429, b"9")
        assert (await house.ask()).status == 200
    finally:
        await house.transport.close()
        server.close()
        await upstream.close()


async def test_symptom_a_client_that_leaves_streams_for_free() -> None:
    """The upstream is drained after the client left, and the charge is the vendor's own count."""
    async with playing(ScriptedUpstream(streaming(words(1), words(1), STOP + USAGE_CHUNK + DONE, pause_s=0.02))) as house:
        response = await house.ask({"stream": True})
        assert not isinstance(response.body, bytes | bytearray)
        client = Client()
        response.body.start(client)
        response.body.abort()
        await until(lambda: house.meter.captured)
    assert [amount for amount, _ in house.meter.captured] == [CHARGE]
    assert house.meter.captured[0][1].note == "client_left"


async def test_what_was_read_of_a_request_does_not_stay_as_long_as_its_stream_but_is_read_again_to_be_counted() -> None:
    counted: list[list[str]] = []

    async def count_tokens(texts: list[str]) -> list[int]:
        counted.append(texts)
        return [len(text) for text in texts]

    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hello there"}]}
    async with playing(ScriptedUpstream(streaming(words(1), words(1) + STOP + DONE, pause_s=0.1))) as house:
        house.desk.count_tokens = count_tokens
        request = HttpRequest(
            method="POST",
            path="/v1/messages",
            headers=HeaderBlock.of(("authorization", f"Bearer {SECRET}")),
            body=json.dumps(body).encode(),
            id="req_1",
        )
        response = await house.gateway.handle(request, house.kinds["anthropic_messages"])
        gc.collect()
        assert not any(isinstance(each, ChatRequest) for each in gc.get_objects())
        await house.read_stream(response)
    assert counted == [["Hello there", "word word "]]


async def test_symptom_a_connection_was_lost_for_good_when_the_answer_ended_before_its_last_chunk() -> None:
    """All of the answer came in one read, so reading paused until the client was there; then nobody wanted to read the end of the body."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        data = words(1) + STOP + USAGE_CHUNK + DONE
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head + b"%x\r\n%b\r\n" % (len(data), data))
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    upstream = ScriptedUpstream(script)
    async with playing(upstream) as house:
        for _ in range(2):
            await house.read_stream(await house.ask({"stream": True}))
            await until(lambda: [pool for pool in house.transport._pools.values() if pool._idle])
        assert len(upstream.running) == 1


async def test_by_policy_cancel_a_left_stream_is_dropped_and_estimated() -> None:
    async with playing(
        ScriptedUpstream(streaming(words(2), words(2), words(2), STOP + USAGE_CHUNK + DONE, pause_s=0.2)), cancel="cancel"
    ) as house:
        response = await house.ask({"stream": True})
        assert not isinstance(response.body, bytes | bytearray)
        response.body.start(Client())
        response.body.abort()
        await until(lambda: house.meter.captured)
    assert house.meter.captured[0][1].estimated
    assert "drain_ended" in house.meter.captured[0][1].note


async def test_the_drain_of_a_left_stream_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_stream_module, "MAX_DRAIN_S", 0.05)
    async with playing(ScriptedUpstream(streaming(words(1), *([words(1)] * 100), pause_s=0.02))) as house:
        response = await house.ask({"stream": True})
        assert not isinstance(response.body, bytes | bytearray)
        response.body.start(Client())
        response.body.abort()
        await until(lambda: house.meter.captured)
    assert "drain_ended" in house.meter.captured[0][1].note


async def test_symptom_the_piece_that_ended_a_drain_was_charged_twice_when_it_held_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound was reached within the last piece: the stream ended for the bound, and once more for its `[DONE]`."""
    monkeypatch.setattr(answer_stream_module, "MAX_DRAIN_BYTES", 10)
    async with playing(ScriptedUpstream(streaming(words(1), words(1) + STOP + USAGE_CHUNK + DONE, pause_s=0.05))) as house:
        response = await house.ask({"stream": True})
        assert not isinstance(response.body, bytes | bytearray)
        response.body.start(Client())
        response.body.abort()
        await until(lambda: house.meter.captured and not house.gateway.open_streams)
    assert len(house.meter.captured) == 1


@pytest.mark.parametrize("at", ["feed", "finish"])
async def test_symptom_a_fault_in_the_last_piece_of_a_stream_left_its_client_waiting_for_ever(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection was done with the answer, nobody ended it, and its hold stayed open."""

    def spoiled(self: StreamTap, *_data: bytes) -> bytes:
        if at == "finish" or self.events:
            raise RuntimeError("cannot be read")
        return feed(self, *_data)

    feed = StreamTap.feed
    monkeypatch.setattr(StreamTap, at, spoiled)
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))

    async def in_one_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        first, last = words(1), words(1)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(first + last)}\r\n\r\n"
        writer.write(head.encode() + first)
        await asyncio.sleep(0.05)
        writer.write(last)

    async with playing(ScriptedUpstream(in_one_body)) as house:
        received = await house.read_stream(await house.ask({"stream": True}))
    assert received.startswith(words(1))
    assert b'"internal_error"' in received
    assert len(house.meter.captured) == 1
    assert len(faults) == 1


@pytest.mark.parametrize(("characters", "beside"), [(1_000, False), (300_000, True)])
async def test_symptom_a_large_request_in_another_dialect_held_the_loop_for_seconds(characters: int, beside: bool) -> None:
    """A body of 20 MB in a million small parts took 7 s to translate, and no stream moved meanwhile."""
    threads: dict[str, bool] = {}

    def noted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*given: Any) -> Any:
            threads[name] = threading.current_thread() is not threading.main_thread()
            return work(*given)

        return noting

    formats = load_wire_formats()
    claude, chat = formats["anthropic_messages"], formats["openai_chat"]
    formats["anthropic_messages"] = msgspec.structs.replace(claude, decode_request=noted("decode", claude.decode_request))
    formats["openai_chat"] = msgspec.structs.replace(chat, encode_request=noted("encode", chat.encode_request))
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a" * characters}]}
    upstream = ScriptedUpstream(answering(ANSWER))
    async with playing(upstream) as house:
        request = HttpRequest(
            method="POST",
            path="/v1/messages",
            headers=HeaderBlock.of(("authorization", f"Bearer {SECRET}")),
            body=json.dumps(body).encode(),
            id="req_1",
        )
        response = await house.gateway.handle(request, chat_kinds(formats, images=house.images)["anthropic_messages"])
    assert response.status == 200
    assert threads == {"decode": beside, "encode": beside}
    assert json.loads(upstream.requests[0][1])["messages"] == [{"role": "user", "content": "a" * characters}]


async def test_absurd_usage_is_refused_and_recorded() -> None:
    said = ANSWER.replace('"prompt_tokens":10', '"prompt_tokens":-10')
    async with playing(ScriptedUpstream(answering(said))) as house:
        assert (await house.ask()).status == 200
    [(amount, facts)] = house.meter.captured
    assert 0 < amount <= house.meter.holds[0].amount_nanos
    assert (facts.estimated, facts.note) == (True, "usage_refused")


@pytest.mark.parametrize(
    ("prices", "book", "model", "status", "code"),
    [
        ((PRICE,), "live", "other", 404, "model_not_found"),
        ((), "live", "m", 403, "model_not_priced"),
        ((PRICE,), "test", "m", 404, "model_not_found"),
    ],
)
async def test_models_that_cannot_be_used_say_why(prices: tuple[PriceRow, ...], book: Any, model: str, status: int, code: str) -> None:
    key = ApiKey(id="key_1", account="acct_1", book=book, name="k", digest=digest_of(SECRET), hint="")
    house = House([upstream_at("http://127.0.0.1:9/v1")], key=key, prices=prices)
    response = await house.ask({"model": model})
    assert (response.status, error_of(response)["code"]) == (status, code)
    assert house.meter.holds == []


async def test_symptom_absurd_usage_of_a_stream_left_no_note() -> None:
    said = USAGE_CHUNK.replace(b'"prompt_tokens":10', b'"prompt_tokens":-10')
    async with playing(ScriptedUpstream(streaming(words(3), STOP + said, DONE))) as house:
        assert (await house.read_stream(await house.ask({"stream": True}))).endswith(DONE)
    [(_, facts)] = house.meter.captured
    assert (facts.estimated, facts.note) == (True, "usage_refused")


async def test_an_upstream_that_is_down_is_a_502_and_the_hold_comes_back() -> None:
    house = House([upstream_at("http://127.0.0.1:9/v1")])
    response = await house.ask()
    assert (response.status, error_of(response)["code"]) == (502, "upstream_unreachable")
    assert len(house.meter.released) == 1


async def test_a_wrong_key_is_told_apart_from_none() -> None:
    house = House([])
    wrong, none = await house.ask(secret="sk-live-wrong"), await house.ask(secret="")
    assert (wrong.status, error_of(wrong)["code"]) == (401, "invalid_api_key")
    assert (none.status, error_of(none)["code"]) == (401, None)


async def until(ready: Callable[[], object]) -> None:
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while not ready():
        assert asyncio.get_running_loop().time() < ends, "it never happened"
        await asyncio.sleep(0.01)
