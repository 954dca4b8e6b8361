"""The parts of the dialect that are looked at. Unknown fields are skipped; where bytes pass, they are never lost."""

from typing import Annotated, cast

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

MAX_MODEL_CHARACTERS = 256
NOTHING = msgspec.Raw(b"")


def object_of(value: Json) -> dict[str, Json]:
    """Return a JSON value as an object, an empty one for any other kind."""
    # Cast: the keys of decoded JSON are texts.
    return cast("dict[str, Json]", value) if isinstance(value, dict) else {}


class Conversation(msgspec.Struct, frozen=True):
    id: str


class Peek(msgspec.Struct, frozen=True, kw_only=True):
    """What routing and money need to know of a request, and what its answer says again of it (unread: `Raw`)."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | Conversation | None = None
    instructions: msgspec.Raw = NOTHING
    max_tool_calls: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    parallel_tool_calls: msgspec.Raw = NOTHING
    prompt_cache_key: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    safety_identifier: msgspec.Raw = NOTHING
    temperature: msgspec.Raw = NOTHING
    text: msgspec.Raw = NOTHING
    tool_choice: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING
    top_logprobs: msgspec.Raw = NOTHING
    top_p: msgspec.Raw = NOTHING
    truncation: msgspec.Raw = NOTHING
    user: msgspec.Raw = NOTHING


# A request to be translated.


class InputAudio(msgspec.Struct, frozen=True):
    data: str
    format: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a message or of a tool's output; which fields count depends on `type`."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Json = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the input; which fields count depends on `type`, which a message may leave out."""

    type: str | None = None
    role: str | None = None
    content: Json = None
    id: Json = None
    call_id: str | None = None
    name: str | None = None
    arguments: Json = None
    input: Json = None
    output: Json = None
    summary: Json = None
    encrypted_content: str | None = None
    result: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Json] | None = None
    strict: bool | None = None
    format: Json = None
    search_context_size: str | None = None
    user_location: dict[str, Json] | None = None


class ToolName(msgspec.Struct, frozen=True, kw_only=True):
    type: str | None = None
    name: str | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[ToolName] = []


class TextFormat(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    name: str | None = None
    description: str | None = None
    schema: dict[str, Json] | None = None
    strict: bool | None = None


class TextConfig(msgspec.Struct, frozen=True, kw_only=True):
    format: TextFormat | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as far as it can be translated, and what must be refused when it has to be."""

    model: str
    input: str | list[Item] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    store: bool | None = None
    include: list[str] | None = None
    tools: list[dict[str, Json]] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    previous_response_id: str | None = None
    conversation: Json = None
    prompt: Json = None


# An answer.


class InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None


class UsageBody(msgspec.Struct, frozen=True):
    """The `usage` object. Imitators leave out or null anything, so everything is optional."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class IncompleteDetails(msgspec.Struct, frozen=True):
    reason: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response object as far as it is looked at where bytes pass."""

    id: Json = None
    model: Json = None
    output: msgspec.Raw = NOTHING
    status: str | None = None
    usage: msgspec.Raw = NOTHING
    error: Json = None
    incomplete_details: IncompleteDetails | None = None
    previous_response_id: Json = None
    service_tier: Json = None


class OutputPart(msgspec.Struct, frozen=True, kw_only=True):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Json] | None = None
    logprobs: list[Json] | None = None


class OutputItem(msgspec.Struct, frozen=True, kw_only=True):
    type: str = ""
    id: Json = None
    content: list[OutputPart] | None = None
    summary: list[OutputPart] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Json = None
    input: str | None = None
    result: str | None = None
    output_format: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream; which fields count depends on `type`."""

    type: str = ""
    response: msgspec.Raw = NOTHING
    item: OutputItem | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: Json = None
    input: str | None = None
    annotation: Json = None
    logprobs: list[Json] | None = None
    error: Json = None
    code: Json = None
    message: Json = None
    param: Json = None
