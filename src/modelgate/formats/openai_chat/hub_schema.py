"""The dialect as the hub reads it: requests strictly by type, answers as tolerantly as their makers are careless."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.openai_chat.schema import MAX_CHOICES, NO_RAW

MAX_STOPS = 64


class CacheControl(msgspec.Struct, frozen=True):
    ttl: str | None = None


class ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct, frozen=True):
    data: str
    format: str | None = None


class FileBody(msgspec.Struct, frozen=True):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None


class RequestPart(msgspec.Struct, frozen=True):
    """Any part of a content; `type` tells which field counts."""

    type: str
    text: str | None = None
    image_url: ImageUrl | str | None = None
    video_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: FileBody | None = None
    refusal: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: CacheControl | None = None


class FunctionCall(msgspec.Struct, frozen=True):
    """Arguments are JSON text; some clients send the object itself."""

    name: str
    arguments: str | dict[str, Json] | None = None


class CustomCall(msgspec.Struct, frozen=True):
    name: str
    input: str | None = None


class RequestCall(msgspec.Struct, frozen=True):
    id: str
    type: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None
    extra_content: Json = None


class AudioReference(msgspec.Struct, frozen=True):
    id: str


class RequestMessage(msgspec.Struct, frozen=True):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[RequestPart] | None = None
    name: str | None = None
    tool_calls: list[RequestCall] | None = None
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None
    audio: AudioReference | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[dict[str, Json]] | None = None
    thinking_blocks: list[RequestPart] | None = None
    cache_control: CacheControl | None = None


class FunctionTool(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: Json = None
    strict: bool | None = None


class CustomTool(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    format: Json = None


class RequestTool(msgspec.Struct, frozen=True):
    type: str
    function: FunctionTool | None = None
    custom: CustomTool | None = None
    cache_control: CacheControl | None = None


class ThinkingOption(msgspec.Struct, frozen=True):
    type: str
    budget_tokens: int | None = None


class ReasoningOption(msgspec.Struct, frozen=True):
    """OpenRouter's `reasoning`."""

    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class JsonSchema(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    schema: Json = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class AudioOption(msgspec.Struct, frozen=True):
    voice: str | dict[str, Json]
    format: str


class WebSearchOptions(msgspec.Struct, frozen=True):
    search_context_size: str | None = None
    user_location: Json = None


class GoogleThinking(msgspec.Struct, frozen=True):
    thinking_budget: int | None = None
    include_thoughts: bool | None = None
    thinking_level: str | None = None


class GoogleImage(msgspec.Struct, frozen=True):
    aspect_ratio: str | None = None
    image_size: str | None = None


class GoogleOptions(msgspec.Struct, frozen=True):
    """What Google's own OpenAI-compatible door takes besides (`extra_body.google`)."""

    thinking_config: GoogleThinking | None = None
    image_config: GoogleImage | None = None
    safety_settings: Json = None


class ExtraBody(msgspec.Struct, frozen=True):
    google: GoogleOptions | None = None


class Request(msgspec.Struct, frozen=True):
    """A chat request as the hub understands it."""

    model: str
    messages: list[RequestMessage]
    stream: bool | None = None
    stream_options: Json = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=MAX_STOPS)] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    seed: int | None = None
    tools: list[RequestTool] | None = None
    tool_choice: Json = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionTool] | None = None
    function_call: Json = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    audio: AudioOption | None = None
    prediction: Json = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    web_search_options: WebSearchOptions | None = None
    thinking: ThinkingOption | None = None
    enable_thinking: bool | None = None
    thinking_budget: int | None = None
    reasoning: ReasoningOption | None = None
    google: GoogleOptions | None = None
    extra_body: ExtraBody | None = None


# Answers. Of a field whose type vendors disagree about, everything is taken.


class AnswerFunction(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: Json = None


class AnswerCustom(msgspec.Struct, frozen=True):
    name: str | None = None
    input: str | None = None


class AnswerCall(msgspec.Struct, frozen=True):
    """A call, whole or a piece of one in a stream."""

    id: str | None = None
    index: int | None = None
    type: str | None = None
    function: AnswerFunction | None = None
    custom: AnswerCustom | None = None


class AnswerAudio(msgspec.Struct, frozen=True):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: float | None = None


class AnswerMessage(msgspec.Struct, frozen=True):
    """A message, or in a stream what comes to it."""

    content: Json = None
    reasoning_content: Json = None
    reasoning: Json = None
    reasoning_details: list[dict[str, Json]] | None = None
    refusal: str | None = None
    tool_calls: list[AnswerCall] | None = None
    function_call: AnswerFunction | None = None
    audio: AnswerAudio | None = None
    annotations: list[Json] | None = None
    images: list[Json] | None = None


class AnswerLogprobs(msgspec.Struct, frozen=True):
    content: list[Json] | None = None


class AnswerChoice(msgspec.Struct, frozen=True):
    index: int | None = None
    message: AnswerMessage | None = None
    delta: AnswerMessage | None = None
    finish_reason: Json = None
    logprobs: Json = None


class HubAnswer(msgspec.Struct, frozen=True):
    """A completion or a chunk. `citations` is Perplexity's list of addresses."""

    id: Json = None
    model: Json = None
    choices: list[AnswerChoice] | None = None
    usage: msgspec.Raw = NO_RAW
    error: msgspec.Raw = NO_RAW
    service_tier: Json = None
    citations: Json = None
