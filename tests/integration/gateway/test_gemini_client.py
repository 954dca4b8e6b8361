"""The official Gemini client, unmodified, through a running gateway: its own vendor's models and the others'."""

import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pydantic
import pytest
from google import genai
from google.genai import errors, types
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.models import PLAIN, THINKING

MODELS = list(PLAIN.values())
GEMINI = PLAIN["gemini"]
FAILING = ["gemini-2.5-pro", "claude-3-5-haiku-latest", "gpt-4.1-nano"]
LIMITED = ["gemini-2.0-flash", "claude-sonnet-4-0", "gpt-4.1-mini"]
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="The weather of a city",
    parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]),
)
CLOCK = types.FunctionDeclaration(
    name="get_time",
    parameters_json_schema={"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
)


class Book(pydantic.BaseModel):
    title: str
    year: int


def make_client(installation: Installation, *, key: str = "", path: str = "", **options: Any) -> genai.Client:
    http_options = types.HttpOptions(base_url=installation.base_url + path, timeout=60_000, **options)
    return genai.Client(api_key=key or installation.test_key, http_options=http_options)


@pytest.fixture
def client(installation: Installation) -> Iterator[genai.Client]:
    with make_client(installation) as made:
        yield made


@pytest.fixture
async def async_client(installation: Installation) -> AsyncIterator[Any]:
    client = make_client(installation)
    async with client.aio as made:
        yield made
    client.close()


def say(client: genai.Client, contents: Any, *, model: str = GEMINI, streamed: bool = False, **fields: Any) -> Any:
    """Return an answer, a streamed one as its chunks' parts put together."""
    config = types.GenerateContentConfig(**fields)
    if not streamed:
        return client.models.generate_content(model=model, contents=contents, config=config)
    chunks = list(client.models.generate_content_stream(model=model, contents=contents, config=config))
    parts = [
        part for chunk in chunks for candidate in chunk.candidates or [] for part in (candidate.content or types.Content()).parts or []
    ]
    last = chunks[-1]
    assert last.candidates
    last.candidates[0].content = types.Content(role="model", parts=parts)
    return last


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("path", ["", "/", "/v1beta"])
@pytest.mark.parametrize("model", MODELS)
def test_plain(installation: Installation, model: str, path: str) -> None:
    with make_client(installation, path=path) as client:
        done = say(client, "Say: good morning", model=model)
    assert (done.text, done.candidates[0].finish_reason, done.model_version) == ("good morning", types.FinishReason.STOP, model)
    usage = done.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + (usage.thoughts_token_count or 0)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_versions(installation: Installation, version: str) -> None:
    with make_client(installation, api_version=version) as client:
        assert say(client, "Say: hi").text == "hi"


@pytest.mark.parametrize("model", MODELS)
def test_stream(client: genai.Client, model: str) -> None:
    chunks = list(client.models.generate_content_stream(model=model, contents="Count to 9"))
    assert "".join(chunk.text or "" for chunk in chunks) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert len(chunks) > 5
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.candidates_token_count > 10


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
async def test_asynchronous(async_client: Any, model: str) -> None:
    done = await async_client.models.generate_content(model=model, contents="Count to 3")
    assert done.text == "1, 2, 3"
    pieces = [chunk.text or "" async for chunk in await async_client.models.generate_content_stream(model=model, contents="Count to 9")]
    assert "".join(pieces) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert len(pieces) > 5


@pytest.mark.parametrize("model", MODELS)
def test_chat(client: genai.Client, model: str) -> None:
    chat = client.chats.create(model=model, config=types.GenerateContentConfig(system_instruction="Be brief."))
    assert chat.send_message("Say: one").text == "one"
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("Say: two")) == "two"
    assert chat.send_message("Say: three").text == "three"
    # An answer that is not valid in every chunk would be forgotten here, the question with it.
    kept = [(content.role, "".join(part.text or "" for part in content.parts or [])) for content in chat.get_history(curated=True)]
    assert [text for role, text in kept if role == "user"] == ["Say: one", "Say: two", "Say: three"]
    assert "".join(text for role, text in kept if role == "model") == "onetwothree"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [*MODELS, *THINKING.values()])
def test_tools_in_two_turns(client: genai.Client, model: str, streamed: bool) -> None:
    question = types.Content(role="user", parts=[types.Part(text="Get both the weather and the time in Oslo")])
    tools: list[Any] = [types.Tool(function_declarations=[WEATHER, CLOCK])]
    done = say(client, [question], model=model, streamed=streamed, tools=tools)
    content = done.candidates[0].content
    calls = [part.function_call for part in content.parts if part.function_call]
    assert [(call.name, call.args) for call in calls] == [("get_weather", {"city": "Oslo"}), ("get_time", {"zone": "Oslo"})]
    results = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": f"result {n}"}))
        for n, call in enumerate(calls)
    ]
    ended = say(client, [question, content, types.Content(role="user", parts=results)], model=model, streamed=streamed, tools=tools)
    assert "get_weather: " in ended.text
    assert "result 0" in ended.text
    assert "result 1" in ended.text


@pytest.mark.parametrize("model", [*MODELS, *THINKING.values()])
def test_functions_that_the_client_calls_itself(client: genai.Client, model: str) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "21 degrees"

    done = say(client, "What is the weather in Paris?", model=model, tools=[get_weather])
    assert asked == ["Paris"]
    assert "21 degrees" in done.text


@pytest.mark.parametrize("model", MODELS)
def test_a_function_that_must_be_called(client: genai.Client, model: str) -> None:
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["get_time"])
    fields: Any = {
        "tools": [types.Tool(function_declarations=[WEATHER, CLOCK])],
        "tool_config": types.ToolConfig(function_calling_config=calling),
    }
    done = say(client, "What is the weather in Rome?", model=model, **fields)
    assert [call.name for call in done.function_calls] == ["get_time"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_structured_answers(client: genai.Client, model: str, streamed: bool) -> None:
    done = say(client, "A book from 1984", model=model, streamed=streamed, response_mime_type="application/json", response_schema=Book)
    assert json.loads(done.text)["year"] == 1984
    if not streamed:
        assert isinstance(done.parsed, Book)
    by_schema = say(
        client, "A book from 1984", model=model, response_mime_type="application/json", response_json_schema=Book.model_json_schema()
    )
    assert json.loads(by_schema.text)["year"] == 1984


@pytest.mark.parametrize("model", MODELS)
def test_pictures_in(client: genai.Client, model: str) -> None:
    done = say(client, [types.Part.from_bytes(data=picture(), mime_type="image/png"), "What is this?"], model=model)
    assert done.text == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


@pytest.mark.parametrize("streamed", [False, True])
def test_pictures_out(client: genai.Client, streamed: bool) -> None:
    fields: Any = {"response_modalities": ["TEXT", "IMAGE"], "image_config": types.ImageConfig(aspect_ratio="16:9")}
    done = say(client, "A red kite", model="gemini-2.5-flash-image", streamed=streamed, **fields)
    (blob,) = [part.inline_data for part in done.candidates[0].content.parts if part.inline_data]
    drawn = Image.open(io.BytesIO(blob.data or b""))
    assert (drawn.format, drawn.size) == ("PNG", (1024, 576))
    again = say(client, [types.Part.from_bytes(data=blob.data, mime_type=blob.mime_type), "Make it blue"], model="gemini-2.5-flash-image")
    assert any(part.inline_data for part in again.candidates[0].content.parts)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [THINKING["anthropic"], THINKING["gemini"], GEMINI])
def test_thoughts(client: genai.Client, model: str, streamed: bool) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True)
    if model != GEMINI:
        thinking.thinking_level = types.ThinkingLevel.LOW
    done = say(client, "Say: yes", model=model, streamed=streamed, thinking_config=thinking)
    assert done.text == "yes"
    thoughts = "".join(part.text or "" for part in done.candidates[0].content.parts if part.thought)
    assert "The user says" in thoughts
    assert done.usage_metadata.thoughts_token_count > 5


@pytest.mark.parametrize("model", ["gemini-embedding-001", "text-embedding-3-small"])
def test_embeddings(client: genai.Client, model: str) -> None:
    config = types.EmbedContentConfig(output_dimensionality=768)
    done = client.models.embed_content(model=model, contents=["The cat sits on the mat.", "A cat sat on a mat."], config=config)
    assert [len(each.values or []) for each in done.embeddings or []] == [768, 768]
    (one,) = client.models.embed_content(model=model, contents="The cat sits on the mat.", config=config).embeddings or []
    assert one.values == (done.embeddings or [])[0].values


@pytest.mark.parametrize("model", MODELS)
def test_counting_tokens(client: genai.Client, model: str) -> None:
    counted = client.models.count_tokens(model=model, contents="What is the weather in Paris?")
    assert 5 < (counted.total_tokens or 0) < 20


def test_models(client: genai.Client) -> None:
    names = {model.name for model in client.models.list(config={"page_size": 7})}
    assert {f"models/{model}" for model in MODELS} <= names
    found = client.models.get(model=GEMINI)
    assert found.name == f"models/{GEMINI}"
    assert "generateContent" in (found.supported_actions or [])
    with pytest.raises(errors.ClientError) as caught:
        client.models.get(model="nobody-knows")
    assert caught.value.code == 404


@pytest.mark.parametrize("model", MODELS)
def test_limit_and_stop(client: genai.Client, model: str) -> None:
    fields: Any = {} if model != GEMINI else {"thinking_config": types.ThinkingConfig(thinking_budget=0)}
    cut = say(client, "Count to 99", model=model, max_output_tokens=17, **fields)
    assert cut.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    stopped = say(client, "Count to 9", model=model, stop_sequences=["5"], **fields)
    assert (stopped.text.strip(), stopped.candidates[0].finish_reason) == ("1, 2, 3, 4,", types.FinishReason.STOP)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", FAILING)
@pytest.mark.parametrize(
    ("word", "kind", "status", "name"),
    [
        ("error-400", errors.ClientError, 400, "INVALID_ARGUMENT"),
        ("error-500", errors.ServerError, 500, "INTERNAL"),
        ("error-529", errors.ServerError, 503, "UNAVAILABLE"),
    ],
)
def test_an_upstreams_errors(
    client: genai.Client, model: str, word: str, kind: type[errors.APIError], status: int, name: str, streamed: bool
) -> None:
    with pytest.raises(kind) as caught:
        say(client, f"hi\nmagic: {word}", model=model, streamed=streamed)
    assert (caught.value.code, caught.value.status) == (status, name)


@pytest.mark.parametrize("model", LIMITED)
def test_an_upstreams_rate_limit(client: genai.Client, model: str) -> None:
    with pytest.raises(errors.ClientError) as caught:
        say(client, "hi\nmagic: error-429", model=model)
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    delays = [detail["retryDelay"] for detail in caught.value.details["error"]["details"] if "retryDelay" in detail]
    assert delays == ["1s"]


@pytest.mark.parametrize("streamed", [False, True])
def test_blocked(client: genai.Client, streamed: bool) -> None:
    """Claude's refusal is what Gemini's clients know as SAFETY."""
    done = say(client, "Count to 20\nmagic: refusal", model=PLAIN["anthropic"], streamed=streamed)
    assert done.candidates[0].finish_reason == types.FinishReason.SAFETY
    blocked = client.models.generate_content(model=GEMINI, contents="magic: blocked-prompt")
    assert blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.SAFETY


@pytest.mark.parametrize("model", FAILING)
@pytest.mark.parametrize("word", ["error-in-stream", "cut-stream"])
def test_a_stream_that_breaks(client: genai.Client, model: str, word: str) -> None:
    received = []
    with pytest.raises(errors.APIError) as caught:
        for chunk in client.models.generate_content_stream(model=model, contents=f"Count to 40\nmagic: {word}"):
            received.append(chunk.text)
    assert len(received) > 3
    assert caught.value.code >= 500


def test_keys(installation: Installation) -> None:
    with make_client(installation, key="sk-test-nobody") as stranger:
        for streamed in (False, True):
            with pytest.raises(errors.ClientError) as caught:
                say(stranger, "hi", streamed=streamed)
            assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
        with pytest.raises(errors.ClientError):
            list(stranger.models.list())


def test_ones_own_rate_limit_and_empty_purse(installation: Installation) -> None:
    with make_client(installation, key=installation.key("--test", "--rpm", "1")) as client:
        assert say(client, "Say: hi").text == "hi"
        with pytest.raises(errors.ClientError) as caught:
            say(client, "Say: hi")
        assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    with make_client(installation, key=installation.key("--test", "--limit", "0.000000001")) as client:
        with pytest.raises(errors.ClientError) as caught:
            say(client, "Say: hi")
        assert "INSUFFICIENT_QUOTA" in json.dumps(caught.value.details)


def test_what_is_wrong_is_named(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        say(client, "hi", model="no-such-model")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError, match=r"candidateCount"):
        say(client, "hi", model=PLAIN["anthropic"], candidate_count=2)


def test_base64_survives(client: genai.Client) -> None:
    """The client writes base64 in the other alphabet; other vendors take only the usual one."""
    for side in range(2, 99):
        buffer = io.BytesIO()
        Image.new("RGB", (64, side), (220, 30, 30)).save(buffer, "PNG")
        if b"_" in base64.urlsafe_b64encode(buffer.getvalue()):
            break
    for model in MODELS:
        assert f"PNG of 64x{side}" in say(client, [types.Part.from_bytes(data=buffer.getvalue(), mime_type="image/png")], model=model).text
