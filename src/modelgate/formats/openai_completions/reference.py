"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.openai_chat.reference import CompletionUsage


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text to be continued. Fields that are not listed travel on as they are, where the upstream speaks this dialect."""

    model: Annotated[str, Meta(description="Name of the model; GET /v1/models lists them.", max_length=256)]
    prompt: Annotated[Json, Meta(description="A text, texts, the tokens of a text, or those of several.")]
    max_tokens: Annotated[int, Meta(ge=0, description="Bound on the tokens of each text; 16 when left out.")] | None = None
    n: Annotated[int, Meta(ge=1, le=128, description="How many texts for each prompt.")] | None = None
    best_of: Annotated[int, Meta(ge=0, le=20, description="So many are made, and paid, for the best `n` of them.")] | None = None
    stream: Annotated[bool | None, Meta(description="Send the text in pieces, as server-sent events.")] = None
    stream_options: Annotated[Json, Meta(description="`include_usage` asks for a last chunk with the counts; only with `stream`.")] = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop: str | list[str] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    echo: bool | None = None
    suffix: str | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    seed: int | None = None
    user: str | None = None


class TextChoice(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    index: Annotated[int, Meta(description="Texts of the second prompt are numbered from `n`.")]
    finish_reason: Literal["stop", "length", "content_filter"] | None
    logprobs: Json = None


class TextCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """The texts."""

    id: str
    created: Annotated[int, Meta(description="Unix seconds.")]
    model: str
    choices: list[TextChoice]
    usage: CompletionUsage
    object: Literal["text_completion"] = "text_completion"
