"""The official Anthropic client, unmodified, through a running gateway: its own vendor's models and the others'."""

import base64
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import anthropic
import jsonschema
import pydantic
import pytest
from anthropic.types import Message, ToolUseBlock
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.models import PLAIN, THINKING

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")

MODELS = list(PLAIN.values())
CLAUDE = PLAIN["anthropic"]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK: Any = {"name": "get_time", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}}


class Book(pydantic.BaseModel):
    title: str
    year: int


def make_client(installation: Installation, *, key: str = "", max_retries: int = 0, path: str = "") -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=installation.base_url + path, api_key=key or installation.test_key, max_retries=max_retries, timeout=20
    )


@pytest.fixture
def client(installation: Installation) -> Iterator[anthropic.Anthropic]:
    with make_client(installation) as made:
        yield made


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def say(client: anthropic.Anthropic, text: str, *, model: str = CLAUDE, streamed: bool = False, **fields: Any) -> Message:
    asked = {"model": model, "max_tokens": 3000, "messages": user(text), **fields}
    if not streamed:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: Message) -> list[ToolUseBlock]:
    return [block for block in message.content if block.type == "tool_use"]


@pytest.mark.parametrize("path", ["", "/", "/anthropic"])
@pytest.mark.parametrize("model", MODELS)
def test_plain(installation: Installation, model: str, path: str) -> None:
    with make_client(installation, path=path) as client:
        done = say(client, "Say: good morning", model=model)
    assert (text_of(done), done.stop_reason, done.stop_sequence, done.model) == ("good morning", "end_turn", None, model)
    assert (done.type, done.role) == ("message", "assistant")
    assert done.id.startswith("msg_")
    assert (done._request_id or "").startswith("req_")
    assert done.usage.output_tokens >= 2


def test_a_bearer_will_do(installation: Installation) -> None:
    with anthropic.Anthropic(base_url=installation.base_url, auth_token=installation.test_key, max_retries=0) as client:
        assert text_of(say(client, "Say: hi")) == "hi"


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
async def test_asynchronous(installation: Installation, model: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=installation.base_url, api_key=installation.test_key, max_retries=0) as client:
        done = await client.messages.create(model=model, max_tokens=1000, messages=user("Count to 3"))
        assert text_of(done) == "1, 2, 3"
        async with client.messages.stream(model=model, max_tokens=1000, messages=user("Count to 9")) as stream:
            pieces = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
    assert len(pieces) > 5
    assert "".join(pieces) == text_of(final) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert final.stop_reason == "end_turn"


@pytest.mark.parametrize("model", MODELS)
def test_events_of_a_stream(client: anthropic.Anthropic, model: str) -> None:
    events = list(client.messages.create(model=model, max_tokens=1000, messages=user("magic: tokens 1000 20 300"), stream=True))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    end = events[-2]
    assert end.type == "message_delta"
    assert (end.usage.input_tokens, end.usage.cache_read_input_tokens, end.usage.output_tokens) == (700, 300, 20)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_tools_in_two_turns(client: anthropic.Anthropic, model: str, streamed: bool) -> None:
    question = "Get both the weather and the time in Oslo"
    done = say(client, question, model=model, streamed=streamed, tools=[WEATHER, CLOCK])
    assert done.stop_reason == "tool_use"
    assert [(call.name, call.input) for call in calls_of(done)] == [("get_weather", {"city": "Oslo"}), ("get_time", {"zone": "Oslo"})]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"result {n}"} for n, call in enumerate(calls_of(done))]
    messages = [*user(question), {"role": "assistant", "content": done.content}, {"role": "user", "content": results}]
    ended = say(client, "", model=model, streamed=streamed, messages=messages, tools=[WEATHER, CLOCK])
    assert (text_of(ended), ended.stop_reason) == ("According to get_weather: result 0 According to get_time: result 1", "end_turn")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "any", "disable_parallel_tool_use": True}, ["get_weather"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
        ({"type": "none"}, []),
    ],
)
def test_tool_choice(client: anthropic.Anthropic, model: str, choice: Any, names: list[str]) -> None:
    done = say(client, "weather and time please", model=model, tools=[WEATHER, CLOCK], tool_choice=choice)
    called = [call.name for call in calls_of(done)]
    # Gemini cannot be told to call one tool at a time; it is named in modelgate-ignored.
    assert called == names or (model.startswith("gemini") and called == ["get_weather", "get_time"] and names)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", list(THINKING.values()))
def test_thoughts_go_round(client: anthropic.Anthropic, model: str, streamed: bool) -> None:
    question = "What is the weather in Paris?"
    fields: Any = {"model": model, "streamed": streamed, "tools": [WEATHER], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    done = say(client, question, **fields)
    (call,) = calls_of(done)
    if model != THINKING["openai"]:
        assert done.content[0].type == "thinking"
        assert done.content[0].signature
    messages = user(question)
    for _ in range(2):
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
        messages += [{"role": "assistant", "content": done.content}, {"role": "user", "content": [result]}]
        done = say(client, "", messages=messages, **fields)
        assert text_of(done) == "According to get_weather: sunny"
        messages += [{"role": "assistant", "content": done.content}, *user("And what is the weather in Rome?")]
        done = say(client, "", messages=messages, **fields)
        if not calls_of(done):
            break
        (call,) = calls_of(done)


@pytest.mark.parametrize("model", MODELS)
def test_pictures(client: anthropic.Anthropic, model: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    done = say(client, "", model=model, messages=[{"role": "user", "content": content}])
    assert text_of(done) == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


@pytest.mark.parametrize("model", MODELS)
def test_structured_answers(client: anthropic.Anthropic, model: str) -> None:
    parsed = client.messages.parse(model=model, max_tokens=3000, messages=user("A book from 1984"), output_format=Book)
    assert isinstance(parsed.parsed_output, Book)
    assert parsed.parsed_output.year == 1984
    schema = anthropic.transform_schema(Book)
    done = say(client, "A book from 1984", model=model, output_config={"format": {"type": "json_schema", "schema": schema}})
    jsonschema.validate(json.loads(text_of(done)), schema)


@pytest.mark.parametrize("model", MODELS)
def test_counting_tokens(client: anthropic.Anthropic, model: str) -> None:
    counted = client.messages.count_tokens(model=model, messages=user("What is the weather?"), system="Be brief.", tools=[WEATHER])
    assert 15 < counted.input_tokens < 120


def test_models(client: anthropic.Anthropic) -> None:
    page = client.models.list(limit=5)
    assert len(page.data) == 5
    assert page.has_more
    listed = {model.id for model in client.models.list(limit=100)}
    assert set(MODELS) <= listed
    found = client.models.retrieve(CLAUDE)
    assert (found.id, found.type) == (CLAUDE, "model")
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nobody-knows")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "gpt-4.1-nano", "gemini-2.5-pro"])
@pytest.mark.parametrize(
    ("word", "kind", "status", "name"),
    [
        ("error-400", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("error-500", anthropic.InternalServerError, 500, "api_error"),
        ("error-529", anthropic.InternalServerError, 529, "overloaded_error"),
    ],
)
def test_an_upstreams_errors(
    client: anthropic.Anthropic, model: str, word: str, kind: type[anthropic.APIStatusError], status: int, name: str, streamed: bool
) -> None:
    with pytest.raises(kind) as caught:
        say(client, f"hi\nmagic: {word}", model=model, streamed=streamed)
    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert (caught.value.body["type"], caught.value.body["error"]["type"]) == ("error", name)
    assert caught.value.request_id == caught.value.body["request_id"]


@pytest.mark.parametrize("model", ["claude-sonnet-4-0", "gpt-4.1-mini", "gemini-2.0-flash"])
def test_an_upstreams_rate_limit(client: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        say(client, "hi\nmagic: error-429", model=model)
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_an_upstreams_rate_limit_is_waited_out(installation: Installation) -> None:
    with make_client(installation, max_retries=2) as client, pytest.raises(anthropic.RateLimitError):
        say(client, "hi\nmagic: error-429", model="claude-sonnet-4-0")


def test_a_prompt_too_long(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        say(client, "hi\nmagic: context-too-long")


def test_ones_own_rate_limit(installation: Installation) -> None:
    with make_client(installation, key=installation.key("--test", "--rpm", "1")) as client:
        first = client.messages.with_raw_response.create(model=CLAUDE, max_tokens=10, messages=user("hi"))
        assert (first.headers["anthropic-ratelimit-requests-limit"], first.headers["anthropic-ratelimit-requests-remaining"]) == ("1", "0")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.headers["anthropic-ratelimit-requests-reset"])
        with pytest.raises(anthropic.RateLimitError) as caught:
            say(client, "hi")
    assert caught.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_no_money_is_final(installation: Installation) -> None:
    """The client would try again for as long as it is told to, and tell of a limit in place of an empty account."""
    sent: list[Any] = []
    http_client = anthropic.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    key = installation.key("--test", "--limit", "0.000000001")
    with (
        anthropic.Anthropic(base_url=installation.base_url, api_key=key, max_retries=3, http_client=http_client) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        say(client, "hi")
    assert caught.value.status_code == 402
    assert len(sent) == 1


def test_a_wrong_key(installation: Installation) -> None:
    with make_client(installation, key="sk-test-nobody") as client:
        with pytest.raises(anthropic.AuthenticationError):
            say(client, "hi")
        with pytest.raises(anthropic.AuthenticationError):
            say(client, "hi", streamed=True)
        with pytest.raises(anthropic.AuthenticationError):
            list(client.models.list())


def test_what_is_wrong_is_named(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        say(client, "hi", model="no-such-model")
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.messages.create(model=PLAIN["openai"], max_tokens=0, messages=user("hi"))
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        client.messages.create(model=PLAIN["openai"], max_tokens=10, messages=[])


@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "gpt-4.1-nano", "gemini-2.5-pro"])
@pytest.mark.parametrize("word", ["error-in-stream", "cut-stream"])
def test_a_stream_that_breaks(client: anthropic.Anthropic, model: str, word: str) -> None:
    received = []
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(model=model, max_tokens=1000, messages=user(f"Count to 40\nmagic: {word}")) as stream,
    ):
        for text in stream.text_stream:
            received.append(text)
    assert len(received) > 3
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["type"] == "error"


def test_what_is_not_served(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.post("/v1/complete", cast_to=object, body={"model": CLAUDE, "prompt": "hi"})
