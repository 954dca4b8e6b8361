"""The parts of the dialect that are looked at while bytes pass. Unknown fields are skipped, never lost: the bytes themselves travel on."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

MAX_CHOICES = 128
MAX_MODEL_CHARACTERS = 256
NO_RAW = msgspec.Raw(b"")


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class Peek(msgspec.Struct, frozen=True):
    """What routing and money need to know of a request before it is sent on."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    messages: Annotated[list[msgspec.Raw], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    tools: msgspec.Raw = NO_RAW
    tool_choice: msgspec.Raw = NO_RAW
    functions: msgspec.Raw = NO_RAW
    function_call: msgspec.Raw = NO_RAW

    @property
    def output_limit(self) -> int | None:
        """See `limit_of`."""
        return limit_of(self.max_completion_tokens, self.max_tokens)


def limit_of(newer: int | None, older: int | None) -> int | None:
    """Return the bound on output tokens per choice that a request itself sets, by the newer field or the older, None when it sets none.

    Of two the larger: vendors differ in which one they heed.
    """
    if newer is None or older is None:
        return older if newer is None else newer
    return newer if newer > older else older


class PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class UsageBody(msgspec.Struct, frozen=True):
    """The `usage` object. Imitators leave out or null anything, so everything is optional; some count cached tokens in places of their own
    (DeepSeek, Moonshot, read 2026-11), or everything by the names of OpenAI's responses (`input_tokens`). The total tells whether thoughts
    are counted among the completion (OpenAI) or beside it (xAI)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """A completion or a chunk, as far as it is looked at."""

    choices: msgspec.Raw = NO_RAW
    usage: UsageBody | None = None


class ErrorDetail(msgspec.Struct, frozen=True):
    """The inside of an error; vendors put numbers and lists where strings belong."""

    message: Json = None
    type: Json = None
    param: Json = None
    code: Json = None


class ErrorBody(msgspec.Struct, frozen=True):
    error: ErrorDetail | str | None = None
    message: Json = None
    detail: Json = None
    type: Json = None
    code: Json = None


class Model(msgspec.Struct, frozen=True):
    """One row of GET /v1/models."""

    id: Annotated[str, Meta(description="Name to give as `model`.", examples=["gpt-4o-mini"])]
    created: Annotated[
        int, Meta(description="When it entered the price list, unix seconds; 0 where the operator priced it.", examples=[1721260800])
    ]
    owned_by: Annotated[str, Meta(description="The vendor it is called at.", examples=["openai"])]
    object: Annotated[str, Meta(description="Always `model`.")] = "model"


class ModelList(msgspec.Struct, frozen=True):
    """The answer of GET /v1/models."""

    data: Annotated[list[Model], Meta(description="The models this key may use, by name.")]
    object: Annotated[str, Meta(description="Always `list`.")] = "list"
