"""The official OpenAI client, unmodified, straight against the sandbox."""

import base64
import io
import json
from typing import Any

import jsonschema
import openai
import pytest
from PIL import Image

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
        },
    },
}
CLOCK: Any = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}


def _user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_plain(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="gpt-4o", messages=_user("Say: good morning"))
    assert done.choices[0].message.content == "good morning"
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert (done.usage.completion_tokens, done.usage.total_tokens) == (2, done.usage.prompt_tokens + 2)
    again = client.chat.completions.create(model="gpt-4o", messages=_user("Say: good morning"))
    assert again.choices[0].message.content == done.choices[0].message.content


def test_stream(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=_user("Count to 9"), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_stream_usage_only_when_asked(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-4o", messages=_user("magic: tokens 1000 20"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (1000, 20)
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks[:-1])
    assert len(chunks) == 1 + 20 + 1 + 1


def test_tools_and_the_turn_after(client: openai.OpenAI) -> None:
    messages = _user("What is the weather in Paris, in celsius?")
    done = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    (call,) = done.choices[0].message.tool_calls or []
    assert done.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "celsius"}
    messages += [done.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "21 degrees, sunny"}]
    ended = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    assert ended.choices[0].finish_reason == "stop"
    assert "21 degrees, sunny" in (ended.choices[0].message.content or "")


def test_parallel_tools_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="gpt-4o", messages=_user("Get both the weather and the time in Oslo"), tools=[WEATHER, CLOCK]
    ) as stream:
        done = stream.get_final_completion()
    calls = done.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert json.loads(calls[1].function.arguments) == {"zone": "Oslo"}
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize(
    ("choice", "parallel", "names", "reason"),
    [
        ("none", True, [], "stop"),
        ("required", True, ["get_weather", "get_time"], "tool_calls"),
        ("auto", False, ["get_weather"], "tool_calls"),
        ({"type": "function", "function": {"name": "get_time"}}, True, ["get_time"], "stop"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [CLOCK]}}, True, ["get_time"], "tool_calls"),
    ],
)
def test_tool_choice_is_respected(client: openai.OpenAI, choice: Any, parallel: bool, names: list[str], reason: str) -> None:
    done = client.chat.completions.create(
        model="gpt-4o", messages=_user("weather and time please"), tools=[WEATHER, CLOCK], tool_choice=choice, parallel_tool_calls=parallel
    )
    calls = done.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == names
    assert done.choices[0].finish_reason == reason


def test_legacy_functions(client: openai.OpenAI) -> None:
    messages = _user("weather in Rome?")
    functions: Any = [WEATHER["function"]]
    done = client.chat.completions.create(model="gpt-4o", messages=messages, functions=functions)
    call = done.choices[0].message.function_call
    assert call is not None
    assert (done.choices[0].finish_reason, json.loads(call.arguments)["city"]) == ("function_call", "Rome")
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=messages, functions=functions, stream=True))
    streamed = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    assert streamed[0].name == "get_weather"
    assert json.loads("".join(part.arguments or "" for part in streamed))["city"] == "Rome"
    messages += [done.choices[0].message, {"role": "function", "name": "get_weather", "content": "rain"}]
    ended = client.chat.completions.create(model="gpt-4o", messages=messages, functions=functions)
    assert ended.choices[0].message.content == "According to get_weather: rain"


def test_json_answers(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "year": {"type": "integer"}},
        "required": ["title", "tags", "year"],
        "additionalProperties": False,
    }
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "book", "schema": schema, "strict": True}}
    done = client.chat.completions.create(model="gpt-4o", messages=_user("A book"), response_format=wanted, n=2)
    for choice in done.choices:
        jsonschema.validate(json.loads(choice.message.content or ""), schema)
    plain = client.chat.completions.create(model="gpt-4o", messages=_user("Answer in JSON"), response_format={"type": "json_object"})
    assert isinstance(json.loads(plain.choices[0].message.content or ""), dict)


def test_pictures_are_described(client: openai.OpenAI) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    content: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    done = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}])
    assert done.choices[0].message.content == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."
    content[1]["image_url"]["url"] = "https://example.com/cat.png"
    far = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}])
    assert "https://example.com/cat.png" in (far.choices[0].message.content or "")


def test_n_stop_limits_and_logprobs(client: openai.OpenAI) -> None:
    several = client.chat.completions.create(model="gpt-4o", messages=_user("hello"), n=3)
    assert len({choice.message.content for choice in several.choices}) == 3
    stopped = client.chat.completions.create(model="gpt-4o", messages=_user("Count to 9"), stop=["5", "8"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("1, 2, 3, 4, ", "stop")
    cut = client.chat.completions.create(
        model="gpt-4o", messages=_user("Count to 9"), max_completion_tokens=4, logprobs=True, top_logprobs=2
    )
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("1, 2", "length")
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 4
    assert cut.choices[0].logprobs is not None
    tokens = cut.choices[0].logprobs.content or []
    assert "".join(token.token for token in tokens) == "1, 2"
    assert all(len(token.top_logprobs) == 2 and token.top_logprobs[0].token == token.token for token in tokens)


def test_reasoning_counts_inside_the_limit(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="gpt-5", messages=_user("Say: yes"), reasoning_effort="high", max_completion_tokens=100)
    assert done.usage is not None
    assert done.usage.completion_tokens_details is not None
    assert (done.choices[0].finish_reason, done.choices[0].message.content) == ("length", "")
    assert (done.usage.completion_tokens, done.usage.completion_tokens_details.reasoning_tokens) == (100, 100)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_provoked_errors(client: openai.OpenAI, status: int, kind: type[openai.APIStatusError], stream: bool) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"sandbox-error-{status}", messages=_user("hi"), stream=stream)
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert caught.value.response.headers.get("retry-after") == ("1" if status == 429 else None)


def test_other_errors(client: openai.OpenAI, base_url: str) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="sandbox-unheard-of", messages=_user("hi"))
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as invalid:
        client.chat.completions.create(model="gpt-4o", messages=_user("hi"), temperature=3)
    assert invalid.value.param == "temperature"
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key="wrong", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names
    assert "sandbox-error-429" in names
    assert client.models.retrieve("vendor/any-name").id == "vendor/any-name"


@pytest.mark.parametrize(("word", "symptom"), [("cut-stream", "RemoteProtocolError"), ("malformed-chunk", "JSONDecodeError")])
@pytest.mark.parametrize("stream", [True, False])
def test_broken_answers(client: openai.OpenAI, word: str, symptom: str, stream: bool) -> None:
    with pytest.raises(Exception, match=r".") as caught:  # the client lets its transport's own errors out
        answer = client.chat.completions.create(model=f"sandbox-{word}", messages=_user("Count to 20"), stream=stream)
        assert not stream or list(answer)
    names = {type(error).__name__ for error in (caught.value, caught.value.__cause__)}
    assert symptom in names


def test_a_stalled_stream_stays_open(base_url: str) -> None:
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key="sk-x", max_retries=9, timeout=5) as impatient:
        stream = impatient.chat.completions.create(model="sandbox-stalled-stream", messages=_user("Count to 20"), stream=True)
        received = 0
        with pytest.raises(Exception, match=r"(?i)timed out|timeout"):
            for _ in stream:
                received += 1
        assert received > 3


def test_an_error_in_the_middle_of_a_stream(client: openai.OpenAI) -> None:
    received = 0
    with pytest.raises(openai.APIError, match="server had an error"):
        for _ in client.chat.completions.create(model="sandbox-error-in-stream", messages=_user("Count to 20"), stream=True):
            received += 1
    assert received > 3
