"""The official google-genai client, unmodified, straight against the sandbox."""

import asyncio
import base64
import io
import json
import math
from array import array
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from google import genai
from google.genai import errors, types
from PIL import Image

KEY = "AIza-sandbox"
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="The weather of a city.",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={
            "city": types.Schema(type=types.Type.STRING),
            "unit": types.Schema(type=types.Type.STRING, enum=["celsius", "fahrenheit"]),
        },
        required=["city", "unit"],
    ),
)
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}


def make_client(base_url: str, *, key: str = KEY, timeout_ms: int = 60_000, **options: Any) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base_url, timeout=timeout_ms, **options))


@pytest.fixture
def client(base_url: str) -> Iterator[genai.Client]:
    with make_client(f"{base_url}/gemini") as made:
        yield made


def config(**fields: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(**fields)


def generate(client: genai.Client, contents: Any, *, model: str = "gemini-2.5-flash", **fields: Any) -> types.GenerateContentResponse:
    return client.models.generate_content(model=model, contents=contents, config=config(**fields) if fields else None)


def stream(client: genai.Client, contents: Any, *, model: str = "gemini-2.5-flash", **fields: Any) -> list[types.GenerateContentResponse]:
    return list(client.models.generate_content_stream(model=model, contents=contents, config=config(**fields) if fields else None))


def usage_of(done: types.GenerateContentResponse) -> types.GenerateContentResponseUsageMetadata:
    assert done.usage_metadata is not None
    return done.usage_metadata


def first(done: types.GenerateContentResponse) -> types.Candidate:
    assert done.candidates
    return done.candidates[0]


@pytest.mark.parametrize("place", ["", "/gemini"])
@pytest.mark.parametrize("version", [None, "v1beta"])
def test_plain_at_every_place(base_url: str, place: str, version: str | None) -> None:
    with make_client(base_url + place, **({"api_version": version} if version else {})) as client:
        done = generate(client, "Say: good morning")
    assert done.text == "good morning"
    assert first(done).finish_reason == types.FinishReason.STOP
    assert done.model_version == "gemini-2.5-flash"
    usage = usage_of(done)
    assert usage.candidates_token_count == 2
    assert usage.thoughts_token_count == 64
    assert usage.total_token_count == (usage.prompt_token_count or 0) + 2 + 64


def test_async_plain_and_streamed(base_url: str) -> None:
    async def ask() -> tuple[str | None, str]:
        async with make_client(f"{base_url}/gemini").aio as client:
            done = await client.models.generate_content(model="gemini-2.5-flash", contents="Say: good morning")
            chunks = await client.models.generate_content_stream(model="gemini-2.5-flash", contents="Count to 9")
            return done.text, "".join([chunk.text or "" async for chunk in chunks])

    assert asyncio.run(ask()) == ("good morning", "1, 2, 3, 4, 5, 6, 7, 8, 9")


def test_stream(client: genai.Client) -> None:
    chunks = stream(client, "Count to 9")
    assert "".join(chunk.text or "" for chunk in chunks) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert [first(chunk).finish_reason for chunk in chunks[-2:]] == [None, types.FinishReason.STOP]
    assert len({chunk.response_id for chunk in chunks}) == 1
    counts = [usage_of(chunk).candidates_token_count or 0 for chunk in chunks]
    assert counts == sorted(counts)
    whole = usage_of(generate(client, "Count to 9"))
    assert usage_of(chunks[-1]) == whole
    assert all(usage_of(chunk).prompt_token_count == whole.prompt_token_count for chunk in chunks)


def test_pinned_usage(client: genai.Client) -> None:
    usage = usage_of(generate(client, "magic: tokens 900 70 100"))
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.cached_content_token_count) == (900, 70, 100)
    assert (usage.thoughts_token_count, usage.total_token_count) == (None, 970)


def test_a_long_prompt_is_cached(client: genai.Client) -> None:
    text = "These words are cached by the sandbox. " * 300
    generate(client, text)
    usage = usage_of(generate(client, text))
    assert usage.cached_content_token_count
    assert usage.cached_content_token_count < (usage.prompt_token_count or 0)
    assert usage.cache_tokens_details


def test_tools_with_a_second_turn(client: genai.Client) -> None:
    tools = [types.Tool(function_declarations=[WEATHER])]
    asked = types.Content(role="user", parts=[types.Part(text="What is the weather in Paris and London, in celsius?")])
    done = generate(client, [asked], tools=tools)
    calls = done.function_calls or []
    assert [(call.args or {})["city"] for call in calls] == ["Paris", "London"]
    for call in calls:
        jsonschema.validate(call.args, WEATHER_SCHEMA)
    assert first(done).finish_reason == types.FinishReason.STOP
    answers = [
        types.Part.from_function_response(name=call.name or "", response={"result": f"rain {index}"}) for index, call in enumerate(calls)
    ]
    told = first(done).content
    assert told is not None
    second = generate(client, [asked, told, types.Content(role="user", parts=answers)], tools=tools)
    assert second.text == "According to get_weather: rain 0 According to get_weather: rain 1"
    with pytest.raises(errors.ClientError, match="number of function response parts"):
        generate(client, [asked, told, types.Content(role="user", parts=answers[:1])], tools=tools)


def test_functions_are_called_by_the_client_itself(client: genai.Client) -> None:
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        return f"sunny in {city}"

    done = generate(client, "What is the weather in Paris?", model="gemini-3-pro-preview", tools=[get_weather])
    assert done.text == "According to get_weather: sunny in Paris"


@pytest.mark.parametrize(
    ("mode", "allowed", "called"), [("AUTO", None, ["get_weather"]), ("ANY", ["get_time"], ["get_time"]), ("NONE", None, [])]
)
def test_tool_choice(client: genai.Client, mode: str, allowed: list[str] | None, called: list[str]) -> None:
    clock = types.FunctionDeclaration(name="get_time", parameters_json_schema={"type": "object", "additionalProperties": False})
    chosen = types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(mode), allowed_function_names=allowed)
    )
    done = generate(client, "What is the weather in Paris?", tools=[types.Tool(function_declarations=[WEATHER, clock])], tool_config=chosen)
    assert [call.name for call in done.function_calls or []] == called


@pytest.mark.parametrize("streamed", [False, True])
def test_signatures_go_round(client: genai.Client, streamed: bool) -> None:
    model, tools = "gemini-3-pro-preview", [types.Tool(function_declarations=[WEATHER])]
    asked = types.Content(role="user", parts=[types.Part(text="Weather in Paris and London?")])
    if streamed:
        chunks = stream(client, [asked], model=model, tools=tools)
        parts = [part for chunk in chunks for part in (first(chunk).content or types.Content()).parts or []]
    else:
        parts = (first(generate(client, [asked], model=model, tools=tools)).content or types.Content()).parts or []
    calls = [part for part in parts if part.function_call]
    assert [bool(part.thought_signature) for part in calls] == [True, False]
    assert all(part.function_call.id for part in calls if part.function_call)
    answers = types.Content(
        role="user",
        parts=[
            types.Part(
                function_response=types.FunctionResponse(
                    id=part.function_call.id, name=part.function_call.name, response={"output": "rain"}
                )
            )
            for part in calls
            if part.function_call
        ],
    )
    told = types.Content(role="model", parts=parts)
    assert "rain" in (generate(client, [asked, told, answers], model=model, tools=tools).text or "")
    later = types.Content(role="user", parts=[types.Part(text="Say: thanks")])
    calls[0].thought_signature = b"made up by somebody else"
    with pytest.raises(errors.ClientError, match="not valid"):
        generate(client, [asked, told, answers], model=model, tools=tools)
    calls[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a thought_signature") as caught:
        generate(client, [asked, told, answers], model=model, tools=tools)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert generate(client, [asked, told, answers, later], model=model).text == "thanks"


def test_thoughts(client: genai.Client) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    done = generate(client, "Say: yes", thinking_config=thinking)
    parts = (first(done).content or types.Content()).parts or []
    assert [bool(part.thought) for part in parts] == [True, False]
    assert done.text == "yes"
    usage = usage_of(done)
    assert usage.candidates_token_count == 1
    assert (usage.thoughts_token_count or 0) > 128
    chunks = stream(client, "Say: yes", thinking_config=thinking)
    streamed = [part for chunk in chunks for part in (first(chunk).content or types.Content()).parts or []]
    assert "".join(part.text or "" for part in streamed if part.thought) == parts[0].text
    assert usage_of(chunks[0]).thoughts_token_count == usage.thoughts_token_count
    off = generate(client, "Say: yes", thinking_config=types.ThinkingConfig(thinking_budget=0))
    assert usage_of(off).thoughts_token_count is None


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-2.5-pro", types.ThinkingConfig(thinking_budget=0)),
        ("gemini-2.5-flash", types.ThinkingConfig(thinking_budget=30_000)),
        ("gemini-2.5-flash", types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)),
        ("gemini-3-pro-preview", types.ThinkingConfig(thinking_level=types.ThinkingLevel.MINIMAL)),
        ("gemini-2.0-flash", types.ThinkingConfig(include_thoughts=True)),
    ],
)
def test_thinking_that_a_model_does_not_do(client: genai.Client, model: str, thinking: types.ThinkingConfig) -> None:
    with pytest.raises(errors.ClientError) as caught:
        generate(client, "Hi", model=model, thinking_config=thinking)
    assert caught.value.status == "INVALID_ARGUMENT"


def test_limits_and_stops(client: genai.Client) -> None:
    none = types.ThinkingConfig(thinking_budget=0)
    cut = generate(client, "Count to 9", max_output_tokens=4, thinking_config=none)
    assert (cut.text, first(cut).finish_reason) == ("1, 2", types.FinishReason.MAX_TOKENS)
    stopped = generate(client, "Count to 9", stop_sequences=["5"], thinking_config=none)
    assert stopped.text == "1, 2, 3, 4, "
    eaten = generate(client, "Count to 9", max_output_tokens=10)
    assert (eaten.text, first(eaten).finish_reason) == (None, types.FinishReason.MAX_TOKENS)
    usage = usage_of(eaten)
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (None, 10)
    last = stream(client, "Count to 9", max_output_tokens=10)[-1]
    assert (last.text, first(last).finish_reason) == (None, types.FinishReason.MAX_TOKENS)


def test_structured_output(client: genai.Client) -> None:
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={"city": types.Schema(type=types.Type.STRING), "people": types.Schema(type=types.Type.INTEGER, nullable=True)},
        required=["city", "people"],
        property_ordering=["people", "city"],
    )
    made = json.loads(generate(client, "Berlin has 4 people", response_mime_type="application/json", response_schema=schema).text or "")
    assert list(made) == ["people", "city"]
    assert made["people"] == 4
    real = {
        "type": "object",
        "properties": {"n": {"type": "integer", "exclusiveMinimum": 6}},
        "required": ["n"],
        "additionalProperties": False,
    }
    text = generate(client, "A number", response_mime_type="application/json", response_json_schema=real).text or ""
    jsonschema.validate(json.loads(text), real)
    word = types.Schema(type=types.Type.STRING, enum=["cat", "dog"])
    assert generate(client, "A dog", response_mime_type="text/x.enum", response_schema=word).text == "dog"
    assert isinstance(json.loads(generate(client, "Hi", response_mime_type="application/json").text or ""), dict)


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (220, 30, 30)).save(buffer, kind)
    return buffer.getvalue()


def test_media_is_described(client: genai.Client) -> None:
    shown = types.Part.from_bytes(data=picture(), mime_type="image/png")
    paper = types.Part.from_bytes(data=b"%PDF-1.4\n/Type /Page\n", mime_type="application/pdf")
    done = generate(client, ["What is this?", shown, paper])
    assert done.text == ("Picture 1 is a PNG of 64x32 pixels; its dominant colour is red. Attachment 1 is application/pdf of 21 bytes.")
    details = {str(one.modality).rpartition(".")[2]: one.token_count for one in usage_of(done).prompt_tokens_details or []}
    assert (details["IMAGE"], details["DOCUMENT"]) == (258, 258)
    assert sum(count or 0 for count in details.values()) == usage_of(done).prompt_token_count


@pytest.mark.parametrize(
    "part",
    [
        types.Part.from_bytes(data=picture("GIF"), mime_type="image/gif"),
        types.Part.from_bytes(data=picture("GIF"), mime_type="image/png"),
        types.Part.from_bytes(data=picture("JPEG"), mime_type="image/jpg"),
        types.Part.from_uri(file_uri="https://example.com/cat.png", mime_type="image/png"),
    ],
)
def test_media_that_is_refused(client: genai.Client, part: types.Part) -> None:
    with pytest.raises(errors.ClientError) as caught:
        generate(client, ["What is this?", part])
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_picture_is_made(client: genai.Client, streamed: bool) -> None:
    fields: dict[str, Any] = {"response_modalities": ["TEXT", "IMAGE"], "image_config": types.ImageConfig(aspect_ratio="16:9")}
    contents = ["Draw a cat", types.Part.from_bytes(data=picture("WEBP"), mime_type="image/webp")]
    chunks = (stream if streamed else lambda *args, **more: [generate(*args, **more)])(
        client, contents, model="gemini-2.5-flash-image", **fields
    )
    parts = [part for chunk in chunks for part in (first(chunk).content or types.Content()).parts or []]
    (blob,) = [part.inline_data for part in parts if part.inline_data]
    assert blob.mime_type == "image/png"
    drawn = Image.open(io.BytesIO(blob.data or b""))
    assert (drawn.format, drawn.size) == ("PNG", (1024, 576))
    details = {str(one.modality).rpartition(".")[2]: one.token_count for one in usage_of(chunks[-1]).candidates_tokens_details or []}
    assert details["IMAGE"] == 1290
    assert "TEXT" in details


def test_models_refuse_outputs_they_do_not_have(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="response modalities"):
        generate(client, "Draw a cat", response_modalities=["IMAGE"])
    with pytest.raises(errors.ClientError, match="response modalities"):
        generate(client, "Say hi", model="gemini-2.5-flash-preview-tts", response_modalities=["TEXT"])


def test_speech(client: genai.Client) -> None:
    voice = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Puck"))
    fields: dict[str, Any] = {"response_modalities": ["AUDIO"], "speech_config": types.SpeechConfig(voice_config=voice)}
    done = generate(client, "three little words", model="gemini-2.5-flash-preview-tts", **fields)
    ((part,),) = [(first(done).content or types.Content()).parts or []]
    assert part.inline_data is not None
    assert part.inline_data.mime_type == "audio/L16;codec=pcm;rate=24000"
    pcm = part.inline_data.data or b""
    assert 0.8 < len(pcm) / 48_000 < 2.0
    assert max(array("h", pcm)) > 5_000  # audible
    chunks = stream(client, "three little words", model="gemini-2.5-flash-preview-tts", **fields)
    pieces = [part.inline_data for chunk in chunks for part in (first(chunk).content or types.Content()).parts or []]
    assert b"".join((piece.data or b"") for piece in pieces if piece) == pcm
    with pytest.raises(errors.ClientError, match="Voice name"):
        bad = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Nobody"))
        generate(
            client,
            "hi",
            model="gemini-2.5-flash-preview-tts",
            response_modalities=["AUDIO"],
            speech_config=types.SpeechConfig(voice_config=bad),
        )


def test_several_candidates_and_logprobs(client: genai.Client) -> None:
    done = generate(client, "hello", candidate_count=3)
    assert [candidate.index for candidate in done.candidates or []] == [0, 1, 2]
    done = generate(client, "Say: good morning", response_logprobs=True, logprobs=2)
    result = first(done).logprobs_result
    assert result is not None
    assert "".join(one.token or "" for one in result.chosen_candidates or []) == "good morning"
    assert all(len(one.candidates or []) == 2 for one in result.top_candidates or [])


def test_the_vendors_own_tools(client: genai.Client) -> None:
    done = generate(client, "Say: grüß", tools=[types.Tool(google_search=types.GoogleSearch())])
    grounding = first(done).grounding_metadata
    assert grounding is not None
    segment = (grounding.grounding_supports or [])[0].segment
    assert segment is not None
    assert segment.end_index == len("grüß".encode())
    done = generate(client, "Say: hi", tools=[types.Tool(code_execution=types.ToolCodeExecution())])
    assert done.executable_code
    assert done.code_execution_result
    assert (usage_of(done).tool_use_prompt_token_count or 0) > 0
    with pytest.raises(errors.ClientError, match="function calling is unsupported"):
        generate(client, "hi", tools=[types.Tool(function_declarations=[WEATHER]), types.Tool(google_search=types.GoogleSearch())])


def test_count_tokens(client: genai.Client) -> None:
    counted = client.models.count_tokens(model="gemini-2.5-flash", contents="Say: good morning")
    usage = usage_of(generate(client, "Say: good morning"))
    assert counted.total_tokens == usage.prompt_token_count


@pytest.mark.parametrize("dimensions", [None, 768, 1536])
def test_embeddings(client: genai.Client, dimensions: int | None) -> None:
    texts = ["The cat sits on the mat.", "A cat sat on a mat.", "Quarterly revenue rose by nine percent."]
    done = client.models.embed_content(
        model="gemini-embedding-001", contents=texts, config=types.EmbedContentConfig(output_dimensionality=dimensions)
    )
    one, two, other = ([*(each.values or [])] for each in done.embeddings or [])
    assert len(one) == (dimensions or 3072)
    assert math.isclose(sum(value * value for value in one), 1, abs_tol=1e-3)
    near, far = (sum(a * b for a, b in zip(one, vector, strict=True)) for vector in (two, other))
    assert near > far + 0.2


def test_models(client: genai.Client, base_url: str) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 4})]
    assert names[:2] == ["models/gemini-2.5-flash", "models/gemini-2.5-pro"]
    assert "models/sandbox-error-429" in names
    assert len(set(names)) == len(names) > 8
    assert client.models.get(model="gemini-2.5-flash").input_token_limit == 1_048_576
    with make_client(base_url) as at_root:
        assert [model.name for model in at_root.models.list()] == names
        assert at_root.models.get(model="any-name").name == "models/any-name"


@pytest.mark.parametrize(
    ("status", "seen", "name", "kind"),
    [
        (400, 400, "INVALID_ARGUMENT", errors.ClientError),
        (401, 401, "UNAUTHENTICATED", errors.ClientError),
        (429, 429, "RESOURCE_EXHAUSTED", errors.ClientError),
        (500, 500, "INTERNAL", errors.ServerError),
        (529, 503, "UNAVAILABLE", errors.ServerError),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_provoked_errors(client: genai.Client, status: int, seen: int, name: str, kind: type[errors.APIError], streamed: bool) -> None:
    with pytest.raises(kind) as caught:
        (stream if streamed else generate)(client, "hi", model=f"sandbox-error-{status}")
    assert (caught.value.code, caught.value.status) == (seen, name)
    if status == 429:
        assert caught.value.details["error"]["details"][0]["retryDelay"] == "1s"


def test_other_errors(client: genai.Client, base_url: str) -> None:
    with pytest.raises(errors.ClientError) as missing:
        generate(client, "hi", model="sandbox-unheard-of")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError, match="temperature"):
        generate(client, "hi", temperature=3)
    with make_client(base_url, key="wrong") as stranger, pytest.raises(errors.ClientError, match="API key not valid") as refused:
        generate(stranger, "hi")
    assert refused.value.code == 400
    assert refused.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_blocked(client: genai.Client) -> None:
    blocked = generate(client, "magic: blocked-prompt")
    assert not blocked.candidates
    assert blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    assert len(stream(client, "magic: blocked-prompt")) == 1
    whole = generate(client, "Count to 20\nmagic: blocked-answer")
    assert (whole.text, first(whole).finish_reason) == (None, types.FinishReason.SAFETY)
    chunks = stream(client, "Count to 20\nmagic: blocked-answer")
    text = "".join(chunk.text or "" for chunk in chunks)
    assert text.startswith("1, 2, 3")
    assert "20" not in text
    assert first(chunks[-1]).finish_reason == types.FinishReason.SAFETY
    drawn = generate(client, "A cat\nmagic: blocked-answer", model="gemini-2.5-flash-image")
    assert first(drawn).finish_reason == types.FinishReason.IMAGE_SAFETY


def test_an_error_in_mid_stream(client: genai.Client) -> None:
    received = []
    with pytest.raises(errors.APIError) as caught:
        for chunk in client.models.generate_content_stream(model="sandbox-error-in-stream", contents="Count to 20"):
            received.append(chunk.text)
    assert len(received) > 3
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("word", ["cut-stream", "malformed-chunk"])
def test_broken_answers(client: genai.Client, word: str, streamed: bool) -> None:
    with pytest.raises(
        Exception, match=r"(?i)json|invalid control|peer closed|incomplete|disconnected"
    ):  # the client lets its transport's errors out
        (stream if streamed else generate)(client, "Count to 20", model=f"sandbox-{word}")


def test_a_stalled_stream_stays_open(base_url: str) -> None:
    received, tries = 0, 9
    while not received and (tries := tries - 1):  # asked again when a busy machine does not begin in time
        with make_client(base_url, timeout_ms=5_000) as impatient, pytest.raises(Exception, match=r"(?i)timed out|timeout"):
            for _ in impatient.models.generate_content_stream(model="sandbox-stalled-stream", contents="Count to 20"):
                received += 1
    assert received > 3


def test_base64_survives(client: genai.Client) -> None:
    """Bytes of the client come in either alphabet of base64."""
    tricky = next(picture(size=(64, side)) for side in range(2, 99) if b"_" in base64.urlsafe_b64encode(picture(size=(64, side))))
    assert "PNG of 64x" in (generate(client, [types.Part.from_bytes(data=tricky, mime_type="image/png")]).text or "")
