"""Upstreams that answer anything at all, split anywhere, to clients of every dialect: a proper answer or error, and each hold resolved once."""

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import Provider, bearer
from modelgate.core.records import ApiKey, Credential, PriceRow, RequestFacts, Snapshot, Upstream
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.gateway.call import CallDesk
from modelgate.gateway.calls import CallGateway
from modelgate.gateway.chat import chat_kinds
from modelgate.gateway.configuration import Configuration
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.routing import retry
from modelgate.routing.health import Health
from modelgate.transport.errors import ConnectionBroken
from modelgate.transport.framing import ResponseHead
from modelgate.transport.response import UpstreamResponse

SECRET = "sk-live-test"
VENDOR_SECRET = "sk-vendor-secret"
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest=digest_of(SECRET), hint="")
PRICE = PriceRow(model="m", rates={"input": "1", "output": "2", "cached": "0.1", "cache_write": "3", "audio_output": "9"})
DIALECTS = ("openai_chat", "anthropic_messages", "gemini_content", "openai_responses", "openai_completions")
MAX_ANSWER_S = 60.0

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
CHAT_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}, "total_tokens": 14}
CLAUDE_USAGE = {"input_tokens": 9, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 5}
GEMINI_USAGE = {"promptTokenCount": 9, "cachedContentTokenCount": 3, "candidatesTokenCount": 5, "thoughtsTokenCount": 2}
RESPONSES_USAGE = {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 3}, "total_tokens": 14}
OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "xyz"},
    {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"},
]
WHOLE: dict[str, Any] = {
    "openai_chat": {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "tool_calls": [CALL]},
                "finish_reason": "tool_calls",
                "logprobs": {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]},
            }
        ],
        "usage": CHAT_USAGE,
    },
    "anthropic_messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
            {"type": "text", "text": "Hi", "citations": [{"type": "web_search_result_location", "url": "https://a.b", "cited_text": "x"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": CLAUDE_USAGE,
    },
    "gemini_content": {
        "candidates": [
            {
                "index": 0,
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "Hm", "thought": True},
                        {"text": "Hi"},
                        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                    ],
                },
                "finishReason": "STOP",
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "https://a.b", "title": "t"}}],
                    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 2, "text": "Hi"}, "groundingChunkIndices": [0]}],
                },
            }
        ],
        "usageMetadata": GEMINI_USAGE,
        "modelVersion": "m",
        "responseId": "r",
    },
    "openai_responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": OUTPUT,
        "usage": RESPONSES_USAGE,
    },
    "openai_completions": {
        "id": "cmpl",
        "object": "text_completion",
        "model": "m",
        "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop", "logprobs": None}],
        "usage": CHAT_USAGE,
    },
}


def delta(more: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": more, **choice}], "usage": None}


STREAMS: dict[str, list[Any]] = {
    "openai_chat": [
        delta({"role": "assistant", "content": ""}),
        delta({"reasoning_content": "Hm"}),
        delta({"content": "Hi"}),
        delta({"tool_calls": [{"index": 0, **CALL}]}),
        delta({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
        delta({}, finish_reason="stop"),
        {"id": "c", "model": "m", "choices": [], "usage": CHAT_USAGE},
        "[DONE]",
    ],
    "anthropic_messages": [
        {"type": "message_start", "message": {**WHOLE["anthropic_messages"], "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": CLAUDE_USAGE},
        {"type": "message_stop"},
    ],
    "gemini_content": [WHOLE["gemini_content"], WHOLE["gemini_content"]],
    "openai_responses": [
        {"type": "response.created", "response": {**WHOLE["openai_responses"], "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**OUTPUT[0], "summary": []}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "item_id": "rs_1", "delta": "Hm"},
        {"type": "response.output_item.done", "output_index": 0, "item": OUTPUT[0]},
        {"type": "response.output_item.added", "output_index": 1, "item": {**OUTPUT[1], "content": []}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "item_id": "msg_1", "delta": "Hi"},
        {"type": "response.output_item.done", "output_index": 1, "item": OUTPUT[1]},
        {"type": "response.output_item.added", "output_index": 2, "item": OUTPUT[2]},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "item_id": "fc_1", "delta": "{}"},
        {"type": "response.output_item.done", "output_index": 2, "item": OUTPUT[2]},
        {"type": "response.completed", "response": WHOLE["openai_responses"]},
    ],
    "openai_completions": [
        {"id": "c", "object": "text_completion", "model": "m", "choices": [{"index": 0, "text": "Hi", "finish_reason": None}]},
        {"id": "c", "object": "text_completion", "model": "m", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
        {"id": "c", "object": "text_completion", "model": "m", "choices": [], "usage": CHAT_USAGE},
        "[DONE]",
    ],
}
ERROR: Any = {"type": "error", "error": {"message": "bad", "type": "invalid_request_error", "code": "x", "status": "UNAVAILABLE"}}
TOOL = {"name": "f", "description": "d"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def request_of(dialect: str, *, stream: bool) -> HttpRequest:
    path, query, body = "", "", {}
    match dialect:
        case "openai_chat":
            tools = [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]
            path, body = "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": tools}
        case "anthropic_messages":
            messages = [{"role": "user", "content": "Hi"}]
            path, body = "/v1/messages", {"model": "m", "max_tokens": 99, "messages": messages, "tools": [{**TOOL, "input_schema": SCHEMA}]}
        case "gemini_content":
            path, query = f"/v1beta/models/m:{'streamGenerateContent' if stream else 'generateContent'}", "alt=sse" if stream else ""
            body = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [{"functionDeclarations": [{**TOOL, "parameters": SCHEMA}]}]}
        case "openai_responses":
            path, body = "/v1/responses", {"model": "m", "input": "Hi", "tools": [{"type": "function", **TOOL, "parameters": SCHEMA}]}
        case _:
            path, body = "/v1/completions", {"model": "m", "prompt": "Hi"}
    if stream and dialect != "gemini_content":
        body["stream"] = True
    headers = HeaderBlock.of(("authorization", f"Bearer {SECRET}"))
    return HttpRequest(method="POST", path=path, query=query, headers=headers, body=json.dumps(body).encode(), id="req_1", started=0.0)


class Played:
    """What an upstream answers: its pieces one turn of the loop after another, then the end or a cut."""

    def __init__(self, *, status: int, content_type: str, pieces: Sequence[bytes], is_cut: bool, with_head: bool) -> None:
        self.status = status
        self.content_type = content_type
        self.pieces = tuple(pieces)
        self.is_cut = is_cut
        self.with_head = with_head

    def __repr__(self) -> str:
        return f"{self.status} {self.content_type} {self.pieces!r}{' cut' if self.is_cut else ''}{' with head' if self.with_head else ''}"


class Wire:
    """The connection of one answer; what is read after a pause waits for nobody."""

    def __init__(self) -> None:
        self.is_aborted = False

    def hold_reading(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def abort(self) -> None:
        self.is_aborted = True


class PlayedTransport:
    """A transport whose upstreams play the same answer each time they are asked."""

    def __init__(self, played: Played) -> None:
        self.played = played
        self.playing: set[asyncio.Task[None]] = set()

    def prepare(self, *_target: Any, **_head: Any) -> bytes:
        return b""

    async def send_prepared(self, *_target: Any, **_more: Any) -> UpstreamResponse:
        played, wire = self.played, Wire()
        content = HeaderBlock.of(("content-type", played.content_type))
        response = UpstreamResponse(wire, ResponseHead(played.status, content, None, True, True))
        task = asyncio.get_running_loop().create_task(self._play(response, wire))
        if played.with_head:
            await task
        else:
            self.playing.add(task)
            task.add_done_callback(self.playing.discard)
        return response

    async def _play(self, response: UpstreamResponse, wire: Wire) -> None:
        for piece in self.played.pieces:
            await asyncio.sleep(0)
            if wire.is_aborted:
                return
            response.take(piece)
        if not wire.is_aborted and self.played.is_cut:
            response.break_off(ConnectionBroken("cut", sent=True, response_started=True))
        elif not wire.is_aborted:
            response.finish()


class NotebookMeter:
    def __init__(self) -> None:
        self.open: set[object] = set()
        self.captured: list[tuple[int, RequestFacts]] = []
        self.released: list[RequestFacts] = []

    async def open_hold(self, *, amount_nanos: int, **_more: Any) -> Any:
        hold = type("Hold", (), {"amount_nanos": amount_nanos})()
        self.open.add(hold)
        return hold

    def capture(self, hold: Any, *, amount_nanos: int, facts: RequestFacts, committed: Any) -> None:
        self.open.remove(hold)
        assert amount_nanos <= hold.amount_nanos or not facts.estimated
        self.captured.append((amount_nanos, facts))
        asyncio.get_running_loop().call_soon(committed)

    def release(self, hold: Any, *, facts: RequestFacts, committed: Any) -> None:
        self.open.remove(hold)
        self.released.append(facts)
        asyncio.get_running_loop().call_soon(committed)


class NoRates:
    def admit(self, _key: ApiKey, *, now: float) -> None:
        return None


class NoMetrics:
    def request_finished(self, **_facts: Any) -> None:
        return None


class Client:
    """A BodySink that leaves after so many pieces; 0: never."""

    def __init__(self, source: Any, leaves_after: int) -> None:
        self.received = b""
        self.over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._source = source
        self._leaves_after = leaves_after

    def write(self, data: bytes) -> None:
        assert not self.over.done()
        self.received += data
        self._leaves_after -= 1
        if self._leaves_after == 0:
            self.over.set_result(False)
            self._source.abort()

    def end(self) -> None:
        self.over.set_result(True)

    def fail(self, error: Exception) -> None:
        raise AssertionError(f"a stream ends in words of its dialect, not in {error!r}")


WIRE_FORMATS = load_wire_formats()


def configuration_of(spoken: str) -> Configuration:
    provider = Provider(name="chaos", title="Chaos", base_url="http://chaos", formats=(spoken,), sign=bearer)
    upstream = Upstream(
        id="up_1",
        name="up_1",
        provider="chaos",
        base_url="http://chaos/v1",
        book="live",
        models={"m": "their-m"},
        credentials=(Credential(id="cred_1", secret=VENDOR_SECRET),),
    )
    snapshot = Snapshot(version=1, upstreams=(upstream,), prices=(PRICE,), state_key=b"k" * 32)
    return Configuration(snapshot, providers={"chaos": provider}, shipped=(), now=0.0)


CONFIGURATIONS = {dialect: configuration_of(dialect) for dialect in DIALECTS}


class House:
    """A gateway before one played upstream."""

    def __init__(self, spoken: str, played: Played) -> None:
        self.meter = NotebookMeter()
        self.faults: list[BaseException] = []
        self.loop_faults: list[dict[str, Any]] = []
        self.transport = PlayedTransport(played)

        async def lookup(_digest: str) -> tuple[ApiKey | None, str, float | None]:
            return KEY, "all", None

        desk = CallDesk(meter=self.meter, rates=NoRates(), metrics=NoMetrics(), clock=lambda: 1.0)  # type: ignore[arg-type]
        self.kinds = chat_kinds(WIRE_FORMATS, images=None)  # type: ignore[arg-type]  # nobody sends any
        self.gateway = CallGateway(
            keys=KeyTable(lookup, clock=lambda: 1.0),
            desk=desk,
            transport=self.transport,  # type: ignore[arg-type]
            health=Health(),
            configuration=lambda: CONFIGURATIONS[spoken],
            log_fault=lambda error, _request_id: self.faults.append(error),
        )

    async def ask(self, dialect: str, *, stream: bool, leaves_after: int) -> tuple[int, bytes, bool]:
        """Return the status, what was read, and whether it came to its end."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self.loop_faults.append(context))
        response = await self.gateway.handle(request_of(dialect, stream=stream), self.kinds[dialect])
        if isinstance(response.body, bytes | bytearray):
            return response.status, bytes(response.body), True
        client = Client(response.body, leaves_after)
        response.body.start(client)
        is_whole = await client.over
        while self.transport.playing or self.meter.open or self.gateway.open_streams:  # noqa: ASYNC110  # bounded by the caller
            await asyncio.sleep(0)
        return response.status, client.received, is_whole


def events_in(dialect: str, data: bytes) -> list[Any]:
    """Return the events a client reads; whatever is no JSON fails."""
    lines = [line[5:].strip() for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def check(house: House, dialect: str, told: tuple[int, bytes, bool], *, passes: bool, stream: bool) -> None:
    status, body, is_whole = told
    assert house.faults == []
    assert house.loop_faults == []
    assert house.meter.open == set()
    assert len(house.meter.captured) + len(house.meter.released) == 1
    assert VENDOR_SECRET.encode() not in body
    assert bool(house.meter.captured) == (status == 200)
    if status != 200:
        assert 400 <= status < 600
        assert json.loads(body)["error"]
    elif stream:
        if is_whole and not passes:
            assert events_in(dialect, body)
    else:
        assert isinstance(json.loads(body), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.just(10**30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("text", "type", "id", "index", "error", "x")), inner),
    max_leaves=4,
)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in ((value, key), *places_in(inner))]


@st.composite
def mutated(draw: st.DrawFn, sane: Any) -> Any:
    """A JSON value with a few of its places replaced, removed or said in another's stead."""
    value = [copy.deepcopy(sane)]
    for _ in range(draw(st.integers(0, 3))):
        places = places_in(value)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        what = draw(st.sampled_from(("replace", "remove", "swap")))
        if what == "replace":
            container[key] = draw(JSON)
        elif what == "swap":
            other, other_key = draw(st.sampled_from(places))
            container[key] = copy.deepcopy(other[other_key])
        elif isinstance(container, dict):
            del container[key]
    return value[0]


@st.composite
def streams(draw: st.DrawFn, spoken: str) -> bytes:
    """Events of a dialect out of order, repeated, missing and mutated."""
    sane = [*STREAMS[spoken]]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(sane) - 1))
        match draw(st.sampled_from(("drop", "repeat", "mutate", "move", "error"))):
            case "drop" if len(sane) > 1:
                del sane[at]
            case "repeat":
                sane.insert(at, sane[at])
            case "move":
                sane.append(sane.pop(at))
            case "error":
                sane.insert(at, ERROR)
            case _:
                sane[at] = draw(mutated(sane[at]))
    end = draw(st.sampled_from((b"\n\n", b"\r\n\r\n")))
    names = draw(st.booleans())
    told = b""
    for event in sane:
        data = event if isinstance(event, str) else json.dumps(event)
        kind = event.get("type") if isinstance(event, dict) else None
        name = f"event: {kind}{end[: len(end) // 2].decode()}" if names and isinstance(kind, str) and kind.isprintable() else ""
        told += f"{name}data: {data}".encode("utf-8", "replace") + end
    return told


@st.composite
def upstreams(draw: st.DrawFn, spoken: str) -> Played:
    """An upstream of a dialect on a bad day."""
    status = draw(st.sampled_from((200, 200, 200, 200, 200, 200, 400, 401, 404, 418, 429, 500, 529, 204, 302, 999)))
    kind = draw(st.sampled_from(("stream", "stream", "whole", "whole", "error", "bytes")))
    match kind:
        case "stream":
            body = draw(streams(spoken))
        case "bytes":
            body = draw(st.binary(max_size=40))
        case _:
            body = json.dumps(draw(mutated(ERROR if kind == "error" else WHOLE[spoken]))).encode()
    if draw(st.integers(0, 9)) == 0:
        body = body[: draw(st.integers(0, len(body)))]
    content_type = "text/event-stream" if (kind == "stream") != (draw(st.integers(0, 9)) == 0) else "application/json"
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=5)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if a < b]
    is_cut, with_head = draw(st.integers(0, 9)) == 0, draw(st.booleans())
    return Played(status=status, content_type=content_type, pieces=pieces, is_cut=is_cut, with_head=with_head)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time an upstream is asked comes without a pause."""
    monkeypatch.setattr(retry, "FIRST_BACKOFF_S", 0.0)


@contextlib.asynccontextmanager
async def bounded() -> AsyncIterator[None]:
    async with asyncio.timeout(MAX_ANSWER_S):
        yield


@pytest.mark.parametrize("spoken", DIALECTS)
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_an_upstream_says_is_answered_and_its_hold_resolved_once(spoken: str, data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from(DIALECTS if spoken != "openai_completions" else (spoken,)))
    stream, leaves_after = data.draw(st.booleans()), data.draw(st.sampled_from((0, 0, 0, 1, 2)))
    played = data.draw(upstreams(spoken))

    async def run() -> None:
        house = House(spoken, played)
        async with bounded():
            told = await house.ask(dialect, stream=stream, leaves_after=leaves_after)
        check(house, dialect, told, passes=dialect == spoken, stream=stream)

    asyncio.run(run())
