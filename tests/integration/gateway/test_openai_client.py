"""The official OpenAI client, unmodified, through a running gateway: what its user sees."""

import base64
import http.client
import io
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
from PIL import Image
from pydantic import BaseModel
from tests.integration.gateway.conftest import Installation

MODEL = "gpt-4o-mini"
BACK_S = 60.0
"""Longest wait for something that happens in the background."""

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}
BOOK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "year": {"type": "integer"}},
    "required": ["title", "tags", "year"],
    "additionalProperties": False,
}


def make_client(installation: Installation, *, key: str = "", max_retries: int = 0, timeout: float = BACK_S) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{installation.base_url}/v1", api_key=key or installation.test_key, max_retries=max_retries, timeout=timeout
    )


@pytest.fixture
def client(installation: Installation) -> Iterator[openai.OpenAI]:
    with make_client(installation) as made:
        yield made


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def eventually(look: Callable[[], Any]) -> Any:
    """Return the first true answer, or the last one."""
    ends = time.monotonic() + BACK_S
    while not (found := look()) and time.monotonic() < ends:
        time.sleep(0.05)
    return found


# Answers.


def test_plain(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model=MODEL, messages=user("Say: good morning"))
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("good morning", "stop")
    assert done.model.startswith(MODEL)
    assert done.usage is not None
    assert (done.usage.completion_tokens, done.usage.total_tokens) == (2, done.usage.prompt_tokens + 2)


def test_stream(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=user("Count to 9"), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


def test_many_streams_on_one_connection(installation: Installation) -> None:
    """One in fifty got no answer: the end of the one before had left the connection to the upstream unread."""
    with make_client(installation) as client:
        for _ in range(200):
            stream = client.chat.completions.create(model=MODEL, messages=user("Say: hello there my friend"), stream=True)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hello there my friend"


def test_no_usage_in_a_stream_unasked(client: openai.OpenAI) -> None:
    """The gateway asks the upstream for the counts in any case; a caller who did not must see nothing of it."""
    for options in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        chunks = list(client.chat.completions.create(model=MODEL, messages=user("Count to 9"), stream=True, extra_body=options))
        assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks)


def test_usage_in_a_stream_when_asked(client: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=MODEL, messages=user("magic: tokens 1000 20"), stream=True, stream_options=options))
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (1000, 20)
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks[:-1])


@pytest.mark.parametrize(("kind", "named"), [("PNG", "PNG"), ("JPEG", "JPEG")])
def test_a_picture_by_base64(client: openai.OpenAI, kind: str, named: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, kind)
    url = f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()
    content: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    done = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    assert done.choices[0].message.content == f"Picture 1 is a {named} of 64x32 pixels; its dominant colour is red."


def test_a_picture_by_url(client: openai.OpenAI) -> None:
    content: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}},
    ]
    done = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    assert "https://example.com/cat.png" in (done.choices[0].message.content or "")


def test_a_tool_and_the_turn_after(client: openai.OpenAI) -> None:
    messages = user("What is the weather in Paris, in celsius?")
    done = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    (call,) = done.choices[0].message.tool_calls or []
    assert done.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "celsius"}
    messages += [done.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "21 degrees, sunny"}]
    ended = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert ended.choices[0].finish_reason == "stop"
    assert "21 degrees, sunny" in (ended.choices[0].message.content or "")


def test_parallel_calls(client: openai.OpenAI) -> None:
    question = user("Get both the weather in Oslo in celsius and the time in Oslo")
    both = client.chat.completions.create(model=MODEL, messages=question, tools=[WEATHER, CLOCK])
    calls = both.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    one = client.chat.completions.create(model=MODEL, messages=question, tools=[WEATHER, CLOCK], parallel_tool_calls=False)
    assert len(one.choices[0].message.tool_calls or []) == 1


def test_argument_fragments_in_a_stream(client: openai.OpenAI) -> None:
    question = user("Get both the weather and the time in Oslo")
    chunks = list(client.chat.completions.create(model=MODEL, messages=question, tools=[WEATHER, CLOCK], stream=True))
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    assert {part.index for part in parts} == {0, 1}
    for index in (0, 1):
        written = [part.function.arguments or "" for part in parts if part.index == index and part.function is not None]
        assert len(written) > 2, "arguments are to come in fragments"
        assert json.loads("".join(written))
    with client.chat.completions.stream(model=MODEL, messages=question, tools=[WEATHER, CLOCK]) as stream:
        done = stream.get_final_completion()
    calls = done.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert json.loads(calls[1].function.arguments) == {"zone": "Oslo"}


def test_legacy_functions(client: openai.OpenAI) -> None:
    messages = user("weather in Rome?")
    functions: Any = [WEATHER["function"]]
    done = client.chat.completions.create(model=MODEL, messages=messages, functions=functions, function_call="auto")
    call = done.choices[0].message.function_call
    assert call is not None
    assert (done.choices[0].finish_reason, call.name, json.loads(call.arguments)["city"]) == ("function_call", "get_weather", "Rome")
    chunks = list(client.chat.completions.create(model=MODEL, messages=messages, functions=functions, stream=True))
    streamed = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    assert json.loads("".join(part.arguments or "" for part in streamed))["city"] == "Rome"
    messages += [done.choices[0].message, {"role": "function", "name": "get_weather", "content": "rain"}]
    ended = client.chat.completions.create(model=MODEL, messages=messages, functions=functions)
    assert ended.choices[0].message.content == "According to get_weather: rain"


def test_several_choices(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model=MODEL, messages=user("hello"), n=3)
    assert [choice.index for choice in done.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in done.choices}) == 3
    chunks = list(client.chat.completions.create(model=MODEL, messages=user("hello"), n=3, stream=True))
    texts = {index: "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices if c.index == index) for index in range(3)}
    assert texts == {choice.index: choice.message.content for choice in done.choices}


def test_json_object(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model=MODEL, messages=user("Answer in JSON"), response_format={"type": "json_object"})
    assert isinstance(json.loads(done.choices[0].message.content or ""), dict)


def test_json_schema(client: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "book", "schema": BOOK, "strict": True}}
    done = client.chat.completions.create(model=MODEL, messages=user("A book"), response_format=wanted, n=2)
    for choice in done.choices:
        jsonschema.validate(json.loads(choice.message.content or ""), BOOK)
    chunks = client.chat.completions.create(model=MODEL, messages=user("A book"), response_format=wanted, stream=True)
    jsonschema.validate(json.loads("".join(chunk.choices[0].delta.content or "" for chunk in chunks)), BOOK)


class Book(BaseModel):
    title: str
    tags: list[str]
    year: int


def test_json_schema_parsed_by_the_client(client: openai.OpenAI) -> None:
    done = client.chat.completions.parse(model=MODEL, messages=user("A book"), response_format=Book)
    assert isinstance(done.choices[0].message.parsed, Book)


def test_stop_limits_and_logprobs(client: openai.OpenAI) -> None:
    stopped = client.chat.completions.create(model=MODEL, messages=user("Count to 9"), stop=["5", "8"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("1, 2, 3, 4, ", "stop")
    cut = client.chat.completions.create(model=MODEL, messages=user("Count to 9"), max_completion_tokens=4, logprobs=True, top_logprobs=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("1, 2", "length")
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 4
    assert cut.choices[0].logprobs is not None
    tokens = cut.choices[0].logprobs.content or []
    assert "".join(token.token for token in tokens) == "1, 2"
    assert all(len(token.top_logprobs) == 2 and token.top_logprobs[0].token == token.token for token in tokens)
    older = client.chat.completions.create(model=MODEL, messages=user("Count to 9"), max_tokens=4)
    assert older.choices[0].message.content == "1, 2"


def test_reasoning(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="gpt-5", messages=user("Say: yes"), reasoning_effort="high", max_completion_tokens=100)
    assert done.usage is not None
    assert done.usage.completion_tokens_details is not None
    assert (done.usage.completion_tokens, done.usage.completion_tokens_details.reasoning_tokens) == (100, 100)


@pytest.mark.anyio
async def test_the_async_client(installation: Installation) -> None:
    async with openai.AsyncOpenAI(base_url=f"{installation.base_url}/v1", api_key=installation.test_key, max_retries=0) as client:
        done = await client.chat.completions.create(model=MODEL, messages=user("Say: good morning"))
        assert done.choices[0].message.content == "good morning"
        stream = await client.chat.completions.create(model=MODEL, messages=user("Count to 9"), stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="no-such-model", messages=user("hi"))


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {MODEL, "sandbox-chat", "kling-v1"} <= set(names)
    assert names == sorted(names)
    found = client.models.retrieve(MODEL)
    assert (found.id, found.object) == (MODEL, "model")
    assert found.created > 0
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("no-such-model")
    assert missing.value.code == "model_not_found"


def test_the_request_id(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=user("hi"))
    request_id = raw.headers["x-request-id"]
    assert request_id.startswith("req_")
    assert raw.parse()._request_id == request_id
    stream = client.chat.completions.create(model=MODEL, messages=user("hi"), stream=True)
    assert stream.response.headers["x-request-id"].startswith("req_")
    stream.close()
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=user("hi"))
    assert (missing.value.request_id or "") in missing.value.message


# Errors.


def test_errors_by_class(installation: Installation, client: openai.OpenAI) -> None:
    with make_client(installation, key="sk-test-nobody") as stranger, pytest.raises(openai.AuthenticationError) as unknown:
        stranger.chat.completions.create(model=MODEL, messages=user("hi"))
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=user("hi"))
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as empty:
        client.chat.completions.create(model=MODEL, messages=[])
    assert empty.value.param == "messages"
    with pytest.raises(openai.BadRequestError) as vendors:
        client.chat.completions.create(model=MODEL, messages=user("hi"), temperature=3)
    assert vendors.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as other:
        client.embeddings.create(model=MODEL, input="hi")
    assert (other.value.code, other.value.param) == ("unsupported_operation", "model")
    narrow = installation.key("--test", "--models", "gpt-4o")
    with make_client(installation, key=narrow) as bounded, pytest.raises(openai.PermissionDeniedError) as denied:
        bounded.chat.completions.create(model=MODEL, messages=user("hi"))
    assert denied.value.code == "model_not_allowed"


def test_exhausted_money_is_not_retried(installation: Installation) -> None:
    """The client retries 429 by itself; when there is no money that would only be a nuisance."""
    sent: list[str] = []
    http_client = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(str(request.url))]})
    poor = installation.key("--test", "--limit", "0.000000001")
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=poor, max_retries=3, http_client=http_client) as client:
        with pytest.raises(openai.RateLimitError) as exhausted:
            client.chat.completions.create(model=MODEL, messages=user("hi"))
        assert (exhausted.value.code, exhausted.value.type) == ("insufficient_quota", "insufficient_quota")
    assert len(sent) == 1


def test_exceeded_rates_are_retried(installation: Installation) -> None:
    """`retry-after` tells the client how long to wait; here it would be too long, so that it gives up after its own bound."""
    sent: list[str] = []
    http_client = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(str(request.url))]})
    limited = installation.key("--test", "--rpm", "1")
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=limited, max_retries=0, http_client=http_client) as client:
        first = client.chat.completions.with_raw_response.create(model=MODEL, messages=user("hi"))
        assert first.headers["x-ratelimit-limit-requests"] == "1"
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        with pytest.raises(openai.RateLimitError) as exceeded:
            client.chat.completions.create(model=MODEL, messages=user("hi"))
    assert (exceeded.value.code, exceeded.value.type) == ("rate_limit_exceeded", "requests")
    assert 1 <= int(exceeded.value.response.headers["retry-after"]) <= 120
    assert "x-should-retry" not in exceeded.value.response.headers


# The sandbox's magic, as a user of the gateway sees it.


def test_slow(client: openai.OpenAI) -> None:
    started = time.monotonic()
    done = client.chat.completions.create(model="sandbox-slow", messages=user("Say: at last"))
    assert done.choices[0].message.content == "at last"
    assert time.monotonic() - started > 2.5


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("word", "kind", "status", "code"),
    [
        ("error-400", openai.BadRequestError, 400, "invalid_value"),
        # The gateway's account at the upstream is not the caller's affair.
        ("error-401", openai.InternalServerError, 502, "bad_upstream_response"),
        ("error-429", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("error-500", openai.InternalServerError, 500, None),
        ("error-529", openai.InternalServerError, 503, "overloaded_error"),
    ],
)
def test_provoked_errors(
    client: openai.OpenAI, word: str, kind: type[openai.APIStatusError], status: int, code: str | None, stream: bool
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"sandbox-{word}", messages=user("hi"), stream=stream)
    assert caught.value.status_code == status
    if code is not None:
        assert caught.value.code == code
    assert (caught.value.request_id or "") in caught.value.message
    assert "sk-sandbox" not in caught.value.message
    assert ("retry-after" in caught.value.response.headers) == (status == 429)


def test_a_cut_stream_ends_in_an_error(client: openai.OpenAI) -> None:
    received = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(model="sandbox-cut-stream", messages=user("Count to 20"), stream=True):
            received.append(chunk.choices[0].delta.content or "")
    assert "".join(received).startswith("1, 2, 3")
    assert "broke off" in caught.value.message
    assert "request id: req_" in caught.value.message


@pytest.mark.parametrize("word", ["cut-stream", "malformed-chunk"])
def test_a_broken_answer_is_never_half_given(client: openai.OpenAI, word: str) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=f"sandbox-{word}", messages=user("Count to 20"))
    assert (caught.value.status_code, caught.value.code) == (502, "bad_upstream_response")


def test_a_malformed_chunk_does_not_hang_or_repeat(client: openai.OpenAI) -> None:
    """Same-format streams pass byte for byte, so the client meets what its vendor's client would meet."""
    received = []
    with pytest.raises((json.JSONDecodeError, openai.APIError)):
        for chunk in client.chat.completions.create(model="sandbox-malformed-chunk", messages=user("Count to 20"), stream=True):
            received.append(chunk.choices[0].delta.content or "")
    assert "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20".startswith("".join(received))


def test_a_stalled_stream_is_the_clients_to_leave(installation: Installation) -> None:
    with make_client(installation, timeout=5, max_retries=9) as impatient:  # asked again when a busy machine does not begin in time
        stream = impatient.chat.completions.create(model="sandbox-stalled-stream", messages=user("Count to 20"), stream=True)
        received = 0
        with pytest.raises(Exception, match=r"(?i)timed out|timeout"):
            for _ in stream:
                received += 1
    assert received > 3


# Money: three counts of the same requests.


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("sandbox", timeout=BACK_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def sandbox_counts(installation: Installation) -> dict[str, dict[str, Any]]:
    connection = UnixConnection(installation.data / "run" / "sandbox.sock")
    connection.request("GET", "/sandbox/requests")
    entries = json.load(connection.getresponse())["requests"]
    connection.close()
    return {entry["request_id"]: entry for entry in entries}


def records(installation: Installation, request_ids: set[str]) -> dict[str, tuple[int, int, str, bool, int]]:
    marks = ",".join("?" * len(request_ids))
    query = f"SELECT request_id, input_tokens, output_tokens, outcome, estimated, amount_nanos FROM request_record WHERE request_id IN ({marks})"
    database = sqlite3.connect(f"file:{installation.data / 'modelgate.db'}?mode=ro", uri=True)
    rows = database.execute(query, sorted(request_ids)).fetchall()
    database.close()
    assert len({row[0] for row in rows}) == len(rows), "one request has two records"
    return {row[0]: (row[1], row[2], row[3], bool(row[4]), row[5]) for row in rows}


def test_the_client_the_sandbox_and_the_book_count_the_same(installation: Installation, client: openai.OpenAI) -> None:
    seen: dict[str, tuple[int, int]] = {}
    options: Any = {"include_usage": True}
    for text, more in (
        ("Say: one", {}),
        ("Get the weather in Oslo", {"tools": [WEATHER]}),
        ("hello", {"n": 4}),
        ("magic: tokens 777 9 500", {}),
    ):
        done = client.chat.completions.create(model=MODEL, messages=user(text), **more)
        assert done.usage is not None
        assert done._request_id is not None
        seen[done._request_id] = (done.usage.prompt_tokens, done.usage.completion_tokens)
        stream = client.chat.completions.create(model=MODEL, messages=user(text), stream=True, stream_options=options, **more)
        usage = list(stream)[-1].usage
        assert usage is not None
        seen[stream.response.headers["x-request-id"]] = (usage.prompt_tokens, usage.completion_tokens)
    unasked = client.chat.completions.create(model=MODEL, messages=user("magic: tokens 50 5"), stream=True)
    assert list(unasked)
    seen[unasked.response.headers["x-request-id"]] = (50, 5)
    assert eventually(lambda: len(records(installation, set(seen))) == len(seen))
    counted, booked = sandbox_counts(installation), records(installation, set(seen))
    for request_id, usage in seen.items():
        assert (counted[request_id]["prompt_tokens"], counted[request_id]["completion_tokens"]) == usage
        assert booked[request_id][:4] == (*usage, "captured", False)
        assert booked[request_id][4] > 0


def test_failures_cost_nothing_and_a_stream_left_early_is_charged_in_full(installation: Installation, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="sandbox-error-400", messages=user("hi"))
    left = client.chat.completions.create(model=MODEL, messages=user("magic: tokens 300 40"), stream=True)
    next(left)
    left.close()
    failed_id, left_id = refused.value.request_id or "", left.response.headers["x-request-id"]
    assert eventually(lambda: len(records(installation, {failed_id, left_id})) == 2)
    booked = records(installation, {failed_id, left_id})
    assert booked[failed_id] == (0, 0, "released", False, 0)
    assert booked[left_id][:4] == (300, 40, "captured", False)


# Bytes: what the upstream gets is what the client sent.


class Recorder(BaseHTTPRequestHandler):
    """An upstream that remembers what it was sent and answers with something no gateway knows."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(body)
        self.send_response(200)
        stream = json.loads(body).get("stream")
        answer = STREAM if stream else ANSWER
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


ANSWER = (
    b'{"id": "chatcmpl-1",  "object":"chat.completion","created":1,"model":"bytes-1-2026","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"\\u00e9","annotations":[],"reasoning_content":"because"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"odd":1},"service_tier":"default","x_new":{"a":[1e3]}}'
)
STREAM = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bytes-1-2026","choices":[{"index":0,"delta":{"role":"assistant",'
    b'"content":"hey","x_new":1}}],"obfuscation":"abc"}\n\n'
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bytes-1-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bytes-1-2026","choices":[],"usage":{"prompt_tokens":3,'
    b'"completion_tokens":1,"total_tokens":4}}\n\ndata: [DONE]\n\n'
)


@pytest.fixture
def recorder(installation: Installation) -> Iterator[list[bytes]]:
    bodies: list[bytes] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Recording", (Recorder,), {"bodies": bodies}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    installation.run("upstreams", "add", "openai", "--name", "recorder", "--base-url", base_url, "--models", "bytes-1", typed="sk-vendor\n")
    installation.run("prices", "set", "bytes-1", "--input", "1", "--output", "2")
    installation.wait_for_models(installation.key(), "bytes-1")
    yield bodies
    server.shutdown()
    server.server_close()
    installation.run("upstreams", "remove", "recorder")


def test_unknown_fields_travel_both_ways_untouched(installation: Installation, recorder: list[bytes]) -> None:
    sent: list[bytes] = []
    http_client = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request.content)]})
    extra = {"x_vendor": {"deep": [1, 2.50, None, "é"]}, "top_k": 40, "messages_hint": "model"}
    with openai.OpenAI(
        base_url=f"{installation.base_url}/v1", api_key=installation.key(), max_retries=4, http_client=http_client
    ) as client:
        raw = client.chat.completions.with_raw_response.create(model="bytes-1", messages=user("hi"), extra_body=extra)
        assert raw.content == ANSWER
        stream = client.chat.completions.with_raw_response.create(model="bytes-1", messages=user("hi"), extra_body=extra, stream=True)
        assert next(iter(stream.parse())).choices[0].delta.content == "hey"
    assert recorder[0] == sent[-2]
    streamed = json.loads(recorder[1])
    assert streamed.pop("stream_options") == {"include_usage": True}
    assert streamed == json.loads(sent[-1])
