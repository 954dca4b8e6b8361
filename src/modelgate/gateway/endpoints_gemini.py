"""The endpoints of the Gemini family, declared once for each version of its API."""

import re
from typing import Any

from modelgate.core.endpoints import KEY_ERRORS, Case, Endpoint
from modelgate.core.errors import InvalidRequest, NoUpstream, Overloaded, UnknownModel
from modelgate.core.records import Json
from modelgate.formats.gemini_content.models import Model, ModelPage
from modelgate.formats.gemini_content.reference import (
    CountTokensRequest,
    CountTokensResponse,
    ErrorAnswer,
    GenerateContentRequest,
    GenerateContentResponse,
)
from modelgate.formats.gemini_embeddings.schema import (
    BatchEmbedContentsRequest,
    BatchEmbedContentsResponse,
    EmbedContentRequest,
    EmbedContentResponse,
)
from modelgate.gateway.endpoints_chat import FREE_ERRORS, PAID_ERRORS
from modelgate.gateway.parameters import GeminiModelsQuery, GeminiQuery, GeminiStreamQuery

_LIST_ERRORS = (*KEY_ERRORS, InvalidRequest, NoUpstream, Overloaded)
VERSIONS = ("v1beta", "v1")
"""The official client asks for `v1` since its third edition, and for `v1beta` before."""
_UPPER = re.compile(r"[A-Z]")
_FAMILY = "gemini"
_MODEL = {"model": "gemini-2.5-flash"}
_EMBEDDING_MODEL = {"model": "gemini-embedding-001"}
_IMAGE_MODEL = {"model": "gemini-2.5-flash-image"}
_SPEECH_MODEL = {"model": "gemini-2.5-flash-preview-tts"}
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def _question(text: str, *parts: Json, **more: Json) -> dict[str, Json]:
    return {"contents": [{"role": "user", "parts": [{"text": text}, *parts]}], **more}


_WEATHER_TOOL = {
    "functionDeclarations": [
        {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
        }
    ]
}

GENERATE_CASES = (
    Case(name="plain", title="Chat", prose="One question, one answer.", request=_question("Say hello."), path_values=_MODEL),
    Case(
        name="system",
        title="System instruction",
        prose="What the model shall be.",
        request=_question("Say hello.", systemInstruction={"parts": [{"text": "You speak French."}]}),
        path_values=_MODEL,
    ),
    Case(
        name="vision",
        title="Image input",
        prose="A picture as base64 beside the text.",
        request=_question("What is this?", {"inlineData": {"mimeType": "image/png", "data": _DOT}}),
        path_values=_MODEL,
    ),
    Case(
        name="tools",
        title="Function calls",
        prose="The model may call the functions that are declared; send their results back as `functionResponse` parts.",
        request=_question("What is the weather in Paris?", tools=[_WEATHER_TOOL]),
        path_values=_MODEL,
    ),
    Case(
        name="thinking",
        title="Thinking",
        prose="A budget in tokens for thoughts, and a summary of them.",
        request=_question(
            "How many r are in strawberry?", generationConfig={"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}}
        ),
        path_values=_MODEL,
    ),
    Case(
        name="json-schema",
        title="Structured output",
        prose="The answer is JSON valid for the schema.",
        request=_question(
            "One greeting.",
            generationConfig={
                "responseMimeType": "application/json",
                "responseSchema": {"type": "OBJECT", "properties": {"text": {"type": "STRING"}}, "required": ["text"]},
            },
        ),
        path_values=_MODEL,
    ),
    Case(
        name="search",
        title="Grounding with Google Search",
        prose="The model may search the web at the vendor. `groundingMetadata` tells queries, sources, and which words rest on which.",
        request=_question("Which kite flew highest?", tools=[{"googleSearch": {}}]),
        path_values=_MODEL,
    ),
    Case(
        name="url-context",
        title="URL context",
        prose=(
            "The model reads the pages whose addresses stand in the prompt, at the vendor; `urlContextMetadata` tells which were read. The "
            "sandbox takes the tool and reads nothing."
        ),
        request=_question("What is https://example.com about?", tools=[{"urlContext": {}}]),
        path_values=_MODEL,
    ),
    Case(
        name="speech",
        title="Speech",
        prose=(
            "A speech model answers with sound as `inlineData`: raw PCM of 16 bits, mono, 24,000 samples a second. "
            "`multiSpeakerVoiceConfig` in the place of `voiceConfig` gives speakers voices of their own."
        ),
        request=_question(
            "Say cheerfully: Have a nice day!",
            generationConfig={
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            },
        ),
        path_values=_SPEECH_MODEL,
    ),
    Case(
        name="image-output",
        title="Image output",
        prose="Models that draw give pictures as `inlineData` parts beside the text.",
        request=_question("Draw a cat on a sofa.", generationConfig={"responseModalities": ["TEXT", "IMAGE"]}),
        path_values=_IMAGE_MODEL,
    ),
)
STREAM_CASES = (
    Case(
        name="streaming",
        title="Streaming",
        prose="With `alt=sse` in the query the answer arrives as server-sent events, each a whole response with a piece of the text; "
        "without it as one JSON array that grows.",
        request=_question("Say hello."),
        path_values=_MODEL,
        query={"alt": "sse"},
    ),
)
COUNT_CASES = (
    Case(name="contents", title="Count a conversation", prose="Free of charge.", request=_question("Say hello."), path_values=_MODEL),
    Case(
        name="request",
        title="Count a whole request",
        prose="With its instruction and tools.",
        request={"generateContentRequest": {"model": "models/gemini-2.5-flash", **_question("Say hello.", tools=[_WEATHER_TOOL])}},
        path_values=_MODEL,
    ),
)
EMBED_CASES = (
    Case(
        name="one",
        title="Embed a text",
        prose="One text, one vector.",
        request={"content": {"parts": [{"text": "Hello"}]}, "taskType": "SEMANTIC_SIMILARITY"},
        path_values=_EMBEDDING_MODEL,
    ),
)
BATCH_EMBED_CASES = (
    Case(
        name="batch",
        title="Embed several texts",
        prose="What the official client sends, for one text as well.",
        request={
            "requests": [
                {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 256}
                for text in ("Hello", "Good bye")
            ]
        },
        path_values=_EMBEDDING_MODEL,
    ),
)


def _method(
    version: str,
    method: str,
    *,
    summary: str,
    description: str,
    request: Any,
    response: Any,
    cases: tuple[Case, ...],
    price_unit: str,
) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/{version}/models/{{model}}:{method}",
        name=f"gemini_{_UPPER.sub(lambda found: '_' + found[0].lower(), method)}_{version}",
        family=_FAMILY,
        home="relay",
        summary=summary if version == VERSIONS[0] else f"{summary} ({version})",
        description=description,
        request=request,
        response=response,
        query=GeminiStreamQuery if method == "streamGenerateContent" else GeminiQuery,
        error=ErrorAnswer,
        errors=PAID_ERRORS if price_unit else FREE_ERRORS,
        price_unit=price_unit,
        cases=cases,
    )


def _of_version(version: str) -> tuple[Endpoint, ...]:
    return (
        _method(
            version,
            "generateContent",
            summary="Generate content",
            description="The Gemini API. Fields that are not listed are passed on untouched where Gemini answers.",
            request=GenerateContentRequest,
            response=GenerateContentResponse,
            cases=GENERATE_CASES,
            price_unit="token",
        ),
        _method(
            version,
            "streamGenerateContent",
            summary="Generate content, streamed",
            description="As server-sent events with `alt=sse`, else as a JSON array.",
            request=GenerateContentRequest,
            response=GenerateContentResponse,
            cases=STREAM_CASES,
            price_unit="token",
        ),
        _method(
            version,
            "countTokens",
            summary="Count tokens",
            description="Counts a conversation or a whole request without answering it.",
            request=CountTokensRequest,
            response=CountTokensResponse,
            cases=COUNT_CASES,
            price_unit="",
        ),
        _method(
            version,
            "embedContent",
            summary="Embed one content",
            description="A text as a vector.",
            request=EmbedContentRequest,
            response=EmbedContentResponse,
            cases=EMBED_CASES,
            price_unit="token",
        ),
        _method(
            version,
            "batchEmbedContents",
            summary="Embed several contents",
            description="Texts as vectors, one for each request of the batch.",
            request=BatchEmbedContentsRequest,
            response=BatchEmbedContentsResponse,
            cases=BATCH_EMBED_CASES,
            price_unit="token",
        ),
    )


GEMINI_ENDPOINTS = tuple(endpoint for version in VERSIONS for endpoint in _of_version(version))

MODELS_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1beta/models",
        name="gemini_list_models",
        family=_FAMILY,
        home="relay",
        summary="List the models this key may use, in Gemini's shape",
        description="Page by page. Under `/v1/` OpenAI's shape answers.",
        response=ModelPage,
        query=GeminiModelsQuery,
        error=ErrorAnswer,
        errors=_LIST_ERRORS,
        cases=(Case(name="list", title="List models", prose="No parameters are needed."),),
    ),
    Endpoint(
        method="GET",
        path="/v1beta/models/{model}",
        name="gemini_get_model",
        family=_FAMILY,
        home="relay",
        summary="One model, in Gemini's shape",
        description="404 when this key may not use it.",
        response=Model,
        query=GeminiQuery,
        error=ErrorAnswer,
        errors=(*_LIST_ERRORS, UnknownModel),
        cases=(Case(name="one", title="One model", prose="By name.", path_values=_MODEL),),
    ),
)
