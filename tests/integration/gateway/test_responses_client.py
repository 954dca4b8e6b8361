"""The official OpenAI client makes responses through a running gateway, with models of every vendor."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.models import PLAIN, THINKING

MODELS = list(PLAIN.values())
GPT = PLAIN["openai"]
FAILING = ["gpt-4.1-nano", "claude-3-5-haiku-latest", "gemini-2.5-pro"]
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class Book(pydantic.BaseModel):
    title: str
    year: int


def make_client(installation: Installation, *, key: str = "", max_retries: int = 0, http_client: Any = None) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{installation.base_url}/v1",
        api_key=key or installation.test_key,
        max_retries=max_retries,
        timeout=60,
        http_client=http_client,
    )


@pytest.fixture
def client(installation: Installation) -> Iterator[openai.OpenAI]:
    with make_client(installation) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_plain(client: openai.OpenAI, model: str) -> None:
    made = client.responses.create(model=model, input="Say: good morning", instructions="Be kind")
    assert (made.output_text, made.status, made.model.startswith(model)) == ("good morning", "completed", True)
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.id.startswith("resp_")
    assert (made._request_id or "").startswith("req_")


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
async def test_asynchronous_events(installation: Installation, model: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{installation.base_url}/v1", api_key=installation.test_key, max_retries=0) as client:
        events = [event async for event in await client.responses.create(model=model, input="Count to 9", stream=True)]
        whole = await client.responses.create(model=model, input="Count to 9")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:4]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert [event.type for event in events[-4:]] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    end = events[-1]
    assert end.type == "response.completed"
    assert end.response.output_text == whole.output_text == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert end.response.usage == whole.usage


@pytest.mark.parametrize("model", MODELS)
def test_parsed(client: openai.OpenAI, model: str) -> None:
    made = client.responses.parse(model=model, input="A book from 1984", text_format=Book)
    assert isinstance(made.output_parsed, Book)
    assert made.output_parsed.year == 1984
    with client.responses.stream(model=model, input="A book from 1984", text_format=Book) as stream:
        assert stream.get_final_response().output_parsed == made.output_parsed


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_tools_in_two_turns(client: openai.OpenAI, model: str, streamed: bool) -> None:
    history: Any = [{"role": "user", "content": "Weather in Paris and Oslo?"}]
    if streamed:
        with client.responses.stream(model=model, input=history, tools=[WEATHER]) as stream:
            seen = [event.type for event in stream]
            made: Any = stream.get_final_response()
        assert seen.count("response.function_call_arguments.done") == 2
    else:
        made = client.responses.create(model=model, input=history, tools=[WEATHER])
    calls = [item for item in made.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Oslo"}]
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": f"{n} degrees"} for n, call in enumerate(calls)]
    after = client.responses.create(model=model, input=[*history, *made.output, *outputs], tools=[WEATHER], store=False)
    assert after.output_text == "According to get_weather: 0 degrees According to get_weather: 1 degrees"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("choice", ["none", "required", {"type": "function", "name": "get_weather"}])
def test_tool_choice(client: openai.OpenAI, model: str, choice: Any) -> None:
    made = client.responses.create(model=model, input="Say: hi", tools=[WEATHER], tool_choice=choice)
    assert ("function_call" in [item.type for item in made.output]) == (choice != "none")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [*THINKING.values(), "gpt-5"])
def test_reasoning_goes_round(client: openai.OpenAI, model: str, streamed: bool) -> None:
    """Nothing is kept at the vendor: what it thought comes back encrypted, and it refuses what is not its own."""
    fields: Any = {
        "model": model,
        "tools": [WEATHER],
        "store": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    history: Any = [{"role": "user", "content": "Weather in Paris?"}]
    if streamed:
        with client.responses.stream(input=history, **fields) as stream:
            seen = {event.type for event in stream}
            made: Any = stream.get_final_response()
        assert "response.reasoning_summary_text.delta" in seen or model == THINKING["gemini"]
    else:
        made = client.responses.create(input=history, **fields)
    kinds = [item.type for item in made.output]
    assert kinds[-1] == "function_call"
    if model != THINKING["gemini"]:
        assert kinds[0] == "reasoning"
        assert made.output[0].encrypted_content
    assert made.usage.output_tokens_details.reasoning_tokens > 0
    result = {"type": "function_call_output", "call_id": made.output[-1].call_id, "output": "sunny"}
    history += [*made.output, result]
    after = client.responses.create(input=history, **fields)
    assert after.output_text == "According to get_weather: sunny"
    history += [*after.output, {"role": "user", "content": "Say: thanks"}]
    assert client.responses.create(input=history, **{**fields, "tools": []}).output_text == "thanks"


def test_going_on_from_a_kept_answer(client: openai.OpenAI, installation: Installation) -> None:
    first = client.responses.create(model=GPT, input="Weather in Paris?", tools=[WEATHER])
    (call,) = [item for item in first.output if item.type == "function_call"]
    output: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    after = client.responses.create(model=GPT, input=output, previous_response_id=first.id, tools=[WEATHER])
    assert (after.output_text, after.previous_response_id) == ("According to get_weather: sunny", first.id)
    assert client.responses.retrieve(after.id).output_text == after.output_text
    assert [item.type for item in client.responses.input_items.list(first.id)] == ["message"]
    other = installation.json("accounts", "create", "--name", "another")["id"]
    with make_client(installation, key=installation.key("--test", "--account", other)) as stranger:
        with pytest.raises(openai.NotFoundError):
            stranger.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError) as caught:
            stranger.responses.create(model=GPT, input="hi", previous_response_id=first.id)
        assert caught.value.code == "previous_response_not_found"
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


@pytest.mark.parametrize("model", MODELS)
def test_pictures(client: openai.OpenAI, model: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    content: Any = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url, "detail": "auto"}]
    made = client.responses.create(model=model, input=[{"role": "user", "content": content}])
    assert made.output_text == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


def test_a_picture_as_answer(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gemini-2.5-flash-image", input="A red kite")
    (drawn,) = [item for item in made.output if item.type == "image_generation_call"]
    assert Image.open(io.BytesIO(base64.b64decode(drawn.result or ""))).format == "PNG"


@pytest.mark.parametrize("model", MODELS)
def test_counting_tokens(client: openai.OpenAI, model: str) -> None:
    assert 5 < client.responses.input_tokens.count(model=model, input="What is the weather in Paris?").input_tokens < 25


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", FAILING)
@pytest.mark.parametrize(
    ("word", "kind"),
    [("error-400", openai.BadRequestError), ("error-500", openai.InternalServerError), ("error-529", openai.InternalServerError)],
)
def test_an_upstreams_errors(client: openai.OpenAI, model: str, word: str, kind: type[openai.APIStatusError], streamed: bool) -> None:
    with pytest.raises(kind) as caught:
        client.responses.create(model=model, input=f"hi\nmagic: {word}", stream=streamed)
    assert caught.value.request_id


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "claude-sonnet-4-0", "gemini-2.0-flash"])
def test_an_upstreams_rate_limit(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model=model, input="hi\nmagic: error-429")
    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("model", FAILING)
@pytest.mark.parametrize("word", ["error-in-stream", "cut-stream"])
def test_a_stream_that_breaks(client: openai.OpenAI, model: str, word: str) -> None:
    received = list(client.responses.create(model=model, input=f"Count to 40\nmagic: {word}", stream=True))
    assert received[-1].type == "error"
    assert received[-1].message
    assert len(received) > 6
    assert "response.completed" not in [event.type for event in received]


def test_keys_and_limits(installation: Installation) -> None:
    with make_client(installation, key="sk-test-nobody") as stranger, pytest.raises(openai.AuthenticationError):
        stranger.responses.create(model=GPT, input="hi")
    with make_client(installation, key=installation.key("--test", "--rpm", "1")) as hurried:
        first = hurried.responses.with_raw_response.create(model=PLAIN["anthropic"], input="hi")
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        with pytest.raises(openai.RateLimitError) as caught:
            hurried.responses.create(model=GPT, input="hi")
    assert int(caught.value.response.headers["retry-after"]) >= 1
    sent: list[Any] = []
    http_client = openai.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    poor = installation.key("--test", "--limit", "0.000000001")
    with (
        make_client(installation, key=poor, max_retries=3, http_client=http_client) as client,
        pytest.raises(openai.RateLimitError) as final,
    ):
        client.responses.create(model=GPT, input="hi")
    assert (final.value.code, len(sent)) == ("insufficient_quota", 1)


@pytest.mark.parametrize("model", [*MODELS, "gemini-3-pro-preview"])
def test_the_same_client_chats_with_models_of_every_vendor(client: openai.OpenAI, model: str) -> None:
    tool: Any = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER["parameters"]}}
    messages: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
    with client.chat.completions.stream(model=model, messages=messages, tools=[tool]) as stream:
        done = stream.get_final_completion()
    (call,) = done.choices[0].message.tool_calls or []
    messages += [done.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    ended = client.chat.completions.create(model=model, messages=messages, tools=[tool])
    assert ended.choices[0].message.content == "According to get_weather: sunny"
    parsed = client.chat.completions.parse(model=model, messages=[{"role": "user", "content": "A book from 1984"}], response_format=Book)
    assert parsed.choices[0].message.parsed is not None
    assert parsed.choices[0].message.parsed.year == 1984
