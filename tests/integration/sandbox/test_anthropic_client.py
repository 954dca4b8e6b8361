"""The official Anthropic client, unmodified, straight against the sandbox."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import jsonschema
import pytest
from anthropic.types import Message, ToolUseBlock
from PIL import Image

ANTHROPIC_KEY = "sk-ant-sandbox"
MODEL = "claude-haiku-4-5"
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}
CLOCK: Any = {"name": "get_time", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture(params=["", "/anthropic"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(base_url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"{base_url}/anthropic", api_key=ANTHROPIC_KEY, max_retries=0, timeout=60) as made:
        yield made


def _user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def _say(client: anthropic.Anthropic, text: str, **fields: Any) -> Message:
    return client.messages.create(**{"model": MODEL, "max_tokens": 2_000, "messages": _user(text), **fields})


def _kinds(message: Message) -> list[str]:
    return [block.type for block in message.content]


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _calls(message: Message) -> list[ToolUseBlock]:
    return [block for block in message.content if block.type == "tool_use"]


def _picture(kind: str = "PNG") -> Any:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, kind)
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def test_plain(base_url: str, place: str) -> None:
    with anthropic.Anthropic(base_url=base_url + place, api_key=ANTHROPIC_KEY, max_retries=0) as client:
        done = _say(client, "Say: good morning")
    assert (_text(done), done.stop_reason, done.stop_sequence, done.model) == ("good morning", "end_turn", None, MODEL)
    assert done.usage.output_tokens == 2
    assert (done.usage.cache_creation_input_tokens, done.usage.cache_read_input_tokens) == (0, 0)
    assert done.id.startswith("msg_01")
    assert (done._request_id or "").startswith("req_")


@pytest.mark.parametrize("kind", ["api_key", "auth_token"])
def test_either_kind_of_key(base_url: str, kind: str) -> None:
    keys: Any = {kind: ANTHROPIC_KEY}
    with anthropic.Anthropic(base_url=base_url, max_retries=0, **keys) as client:
        assert _text(_say(client, "Say: hello")) == "hello"
        assert next(iter(client.models.list())).id == "claude-opus-4-5"


@pytest.mark.anyio
async def test_asynchronous(base_url: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key=ANTHROPIC_KEY, max_retries=0) as client:
        done = await client.messages.create(model=MODEL, max_tokens=100, messages=_user("Count to 3"))
        assert _text(done) == "1, 2, 3"
        async with client.messages.stream(model=MODEL, max_tokens=100, messages=_user("Count to 9")) as stream:
            pieces = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
    assert len(pieces) > 5
    assert ("".join(pieces), _text(final), final.stop_reason) == ("1, 2, 3, 4, 5, 6, 7, 8, 9", "1, 2, 3, 4, 5, 6, 7, 8, 9", "end_turn")


def test_events_of_a_stream(client: anthropic.Anthropic) -> None:
    events = list(client.messages.create(model=MODEL, max_tokens=100, messages=_user("magic: tokens 1000 20 300"), stream=True))
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 20,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start, end = events[0], events[-2]
    assert start.type == "message_start"
    assert (start.message.usage.input_tokens, start.message.usage.cache_read_input_tokens, start.message.usage.output_tokens) == (
        700,
        300,
        1,
    )
    assert start.message.stop_reason is None
    assert end.type == "message_delta"
    assert (end.usage.input_tokens, end.usage.cache_read_input_tokens, end.usage.output_tokens) == (700, 300, 20)


@pytest.mark.parametrize("stream", [False, True])
def test_tools_and_the_turn_after(client: anthropic.Anthropic, stream: bool) -> None:
    messages = _user("What is the weather in Paris, in celsius?")
    fields: Any = {"model": MODEL, "max_tokens": 500, "tools": [WEATHER, CLOCK]}
    if stream:
        with client.messages.stream(messages=messages, **fields) as streamed:
            done = streamed.get_final_message()
    else:
        done = client.messages.create(messages=messages, **fields)
    assert (_kinds(done), done.stop_reason) == (["text", "tool_use"], "tool_use")
    (call,) = _calls(done)
    assert (call.name, call.input) == ("get_weather", {"city": "Paris", "unit": "celsius"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "21 degrees, sunny"}]}
    messages += [{"role": "assistant", "content": done.content}, {"role": "user", "content": [result]}]
    ended = client.messages.create(messages=messages, **fields)
    assert (_text(ended), ended.stop_reason) == ("According to get_weather: 21 degrees, sunny", "end_turn")


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["get_weather", "get_time"]),
        ({"type": "any"}, ["get_weather", "get_time"]),
        ({"type": "any", "disable_parallel_tool_use": True}, ["get_weather"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
        ({"type": "none"}, []),
    ],
)
def test_tool_choice(client: anthropic.Anthropic, choice: Any, names: list[str]) -> None:
    done = _say(client, "weather and time please", tools=[WEATHER, CLOCK], tool_choice=choice)
    assert [call.name for call in _calls(done)] == names
    assert done.stop_reason == ("tool_use" if names else "end_turn")
    assert ("text" in _kinds(done)) == (choice["type"] in ("auto", "none"))


@pytest.mark.parametrize("thinking", [THINKING, {"type": "adaptive"}, {"type": "adaptive", "display": "omitted"}])
@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_go_round(client: anthropic.Anthropic, thinking: Any, stream: bool) -> None:
    messages = _user("What is the weather in Paris, in celsius?")
    fields: Any = {"model": MODEL, "max_tokens": 2_000, "tools": [WEATHER], "thinking": thinking}
    if stream:
        with client.messages.stream(messages=messages, **fields) as streamed:
            done = streamed.get_final_message()
    else:
        done = client.messages.create(messages=messages, **fields)
    assert _kinds(done) == ["thinking", "text", "tool_use"]
    thought = done.content[0]
    assert thought.type == "thinking"
    assert bool(thought.thinking) == ("display" not in thinking)
    assert done.usage.output_tokens_details is not None
    assert 5 < done.usage.output_tokens_details.thinking_tokens < done.usage.output_tokens
    result = {"type": "tool_result", "tool_use_id": _calls(done)[0].id, "content": "sunny"}
    answered = [*messages, {"role": "assistant", "content": done.content}, {"role": "user", "content": [result]}]
    ended = client.messages.create(messages=answered, **fields)
    assert _text(ended) == "According to get_weather: sunny"

    thought.thinking += "!"
    altered = [*messages, {"role": "assistant", "content": done.content}, {"role": "user", "content": [result]}]
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        client.messages.create(messages=altered, **fields)


@pytest.mark.parametrize("stream", [False, True])
def test_redacted_thoughts_go_round(client: anthropic.Anthropic, stream: bool) -> None:
    messages = _user("What is the weather in Paris?\nmagic: redacted-thinking")
    fields: Any = {"model": MODEL, "max_tokens": 2_000, "tools": [WEATHER], "thinking": THINKING}
    if stream:
        with client.messages.stream(messages=messages, **fields) as streamed:
            done = streamed.get_final_message()
    else:
        done = client.messages.create(messages=messages, **fields)
    assert _kinds(done) == ["redacted_thinking", "text", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": _calls(done)[0].id, "content": "sunny"}
    messages += [{"role": "assistant", "content": done.content}, {"role": "user", "content": [result]}]
    assert _text(client.messages.create(messages=messages, **fields)) == "According to get_weather: sunny"
    del messages[1]["content"][0]
    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking` or `redacted_thinking`, but found `text`"):
        client.messages.create(messages=messages, **fields)


def test_structured_answers(client: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "year": {"type": "integer"}},
        "required": ["title", "tags", "year"],
        "additionalProperties": False,
    }
    done = _say(client, "A book", output_config={"format": {"type": "json_schema", "schema": schema}})
    jsonschema.validate(json.loads(_text(done)), schema)


def test_pictures_and_documents(client: anthropic.Anthropic) -> None:
    picture = _picture()
    document = {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "twelve chars"}}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4 /Type /Page").decode()}
    content = [picture, document, {"type": "document", "source": pdf}, {"type": "text", "text": "What is this?"}]
    assert _text(_say(client, "", messages=[{"role": "user", "content": content}])) == (
        "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red. Document 1, “Notes”, is text/plain of 12 characters. "
        "Document 2 is application/pdf of 1 page and 20 bytes."
    )
    far = {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}}
    assert "https://example.com/cat.png" in _text(_say(client, "", messages=[{"role": "user", "content": [far]}]))
    with pytest.raises(anthropic.BadRequestError, match="appears to be a image/jpeg image"):
        _say(client, "", messages=[{"role": "user", "content": [_picture("JPEG")]}])


def test_limits_stops_and_prefill(client: anthropic.Anthropic) -> None:
    stopped = _say(client, "Count to 9", stop_sequences=["5", "8"])
    assert (_text(stopped), stopped.stop_reason, stopped.stop_sequence) == ("1, 2, 3, 4, ", "stop_sequence", "5")
    cut = _say(client, "Count to 9", max_tokens=4)
    assert (_text(cut), cut.stop_reason, cut.usage.output_tokens) == ("1, 2", "max_tokens", 4)
    begun = [*_user("Count to 5"), {"role": "assistant", "content": "1, 2,"}]
    assert _text(_say(client, "", messages=begun)) == " 3, 4, 5"


def test_a_call_is_cut_in_the_middle(client: anthropic.Anthropic) -> None:
    fields: Any = {"model": MODEL, "messages": _user("weather in Reykjavik"), "tools": [WEATHER], "tool_choice": {"type": "any"}}
    whole = client.messages.create(max_tokens=500, **fields)
    limit = whole.usage.output_tokens - 4
    events = list(client.messages.create(max_tokens=limit, stream=True, **fields))
    assert "content_block_stop" not in [event.type for event in events]
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    partial = "".join(delta.partial_json for delta in deltas if delta.type == "input_json_delta")
    assert 0 < len(partial) < len(json.dumps(_calls(whole)[0].input, separators=(",", ":")))
    end = events[-2]
    assert end.type == "message_delta"
    assert (end.delta.stop_reason, end.usage.output_tokens) == ("max_tokens", limit)
    assert _calls(client.messages.create(max_tokens=limit, **fields))[0].input == {}


def test_the_cache_is_written_then_read(client: anthropic.Anthropic) -> None:
    system: Any = [{"type": "text", "text": "cached words " * 1_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first = _say(client, "Hi", system=system).usage
    again = _say(client, "Ho ho ho", system=system).usage
    assert first.cache_creation is not None
    assert first.cache_creation_input_tokens == first.cache_creation.ephemeral_1h_input_tokens > 1_900
    assert (first.cache_read_input_tokens, first.cache_creation.ephemeral_5m_input_tokens) == (0, 0)
    assert (again.cache_read_input_tokens, again.cache_creation_input_tokens) == (first.cache_creation_input_tokens, 0)
    assert 0 < first.input_tokens < again.input_tokens < 30


def test_tokens_are_counted_as_they_are_billed(client: anthropic.Anthropic) -> None:
    fields: Any = {"messages": _user("What is the weather?"), "system": "Be brief.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(model=MODEL, **fields)
    assert counted.input_tokens == client.messages.create(model=MODEL, max_tokens=9, **fields).usage.input_tokens


def test_models(client: anthropic.Anthropic) -> None:
    page = client.models.list(limit=2)
    assert [model.id for model in page.data] == ["claude-opus-4-5", "claude-haiku-4-5"]
    assert page.has_more
    names = [model.id for model in client.models.list(limit=2)]
    assert len(names) == len(set(names))
    assert {"claude-sonnet-4-5", "sandbox-chat", "sandbox-refusal"} <= set(names)
    assert client.models.retrieve("vendor/any-name").id == "vendor/any-name"


@pytest.mark.parametrize("stream", [False, True])
def test_refusals_and_pauses(client: anthropic.Anthropic, stream: bool) -> None:
    def ask(model: str, messages: list[Any]) -> Message:
        if not stream:
            return client.messages.create(model=model, max_tokens=100, messages=messages)
        with client.messages.stream(model=model, max_tokens=100, messages=messages) as streamed:
            return streamed.get_final_message()

    refused = ask("sandbox-refusal", _user("Hi"))
    assert (_text(refused), refused.stop_reason, refused.usage.output_tokens) == ("", "refusal", 0)
    assert refused.stop_details is not None
    empty = ask("sandbox-empty-answer", _user("Hi"))
    assert (empty.content, empty.stop_reason) == ([], "end_turn")
    paused = ask("sandbox-pause-turn", _user("Count to 6"))
    rest = ask("sandbox-pause-turn", [*_user("Count to 6"), {"role": "assistant", "content": paused.content}])
    assert (paused.stop_reason, rest.stop_reason) == ("pause_turn", "end_turn")
    assert _text(paused) + _text(rest) == "1, 2, 3, 4, 5, 6"


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_provoked_errors(client: anthropic.Anthropic, status: int, kind: type[anthropic.APIStatusError], name: str, stream: bool) -> None:
    with pytest.raises(kind) as caught:
        _say(client, "hi", model=f"sandbox-error-{status}", stream=stream)
    assert caught.value.status_code == status
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"], body["request_id"]) == ("error", name, caught.value.request_id)
    assert caught.value.response.headers.get("retry-after") == ("1" if status == 429 else None)
    assert caught.value.response.headers["anthropic-ratelimit-tokens-remaining"] == ("0" if status == 429 else "479999")


def test_other_errors(client: anthropic.Anthropic, base_url: str) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: sandbox-unheard-of"):
        _say(client, "hi", model="sandbox-unheard-of")
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        _say(client, "hi", extra_body={"temperature": 1})
    older = {"anthropic-version": "2023-06-01"}
    assert _text(_say(client, "Say: hi", extra_body={"temperature": 1}, extra_headers=older)) == "hi"
    with pytest.raises(anthropic.BadRequestError, match="temperature: Input should be less than or equal to 1"):
        _say(client, "hi", extra_body={"temperature": 2}, extra_headers=older)
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        _say(client, "magic: context-too-long")
    with anthropic.Anthropic(base_url=base_url, api_key="wrong", max_retries=0) as stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.models.list()


def test_an_error_in_the_middle_of_a_stream(client: anthropic.Anthropic) -> None:
    received = 0
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        for _ in client.messages.create(model="sandbox-error-in-stream", max_tokens=99, messages=_user("Count to 20"), stream=True):
            received += 1
    assert received > 3
    with pytest.raises(anthropic.InternalServerError):
        _say(client, "magic: error-in-stream")


@pytest.mark.parametrize(("word", "symptom"), [("cut-stream", "RemoteProtocolError"), ("malformed-chunk", "JSONDecodeError")])
@pytest.mark.parametrize("stream", [True, False])
def test_broken_answers(client: anthropic.Anthropic, word: str, symptom: str, stream: bool) -> None:
    with pytest.raises(Exception, match=r".") as caught:  # the client lets its transport's own errors out
        answer: Any = client.messages.create(model=f"sandbox-{word}", max_tokens=99, messages=_user("Count to 20"), stream=stream)
        assert not stream or list(answer)
    names = {type(error).__name__ for error in (caught.value, caught.value.__cause__)}
    assert symptom in names


def test_a_stalled_stream_stays_open(base_url: str) -> None:
    with anthropic.Anthropic(base_url=base_url, api_key=ANTHROPIC_KEY, max_retries=9, timeout=5) as impatient:
        stream = impatient.messages.create(model="sandbox-stalled-stream", max_tokens=99, messages=_user("Count to 20"), stream=True)
        received = 0
        with pytest.raises(Exception, match=r"(?i)timed out|timeout"):
            for _ in stream:
                received += 1
        assert received > 3
