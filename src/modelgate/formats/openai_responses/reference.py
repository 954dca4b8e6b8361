"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request for a response. Fields that are not listed travel on as they are, where the upstream speaks this dialect."""

    model: Annotated[str, Meta(description="Name of the model; GET /v1/models lists them.", max_length=256)]
    input: Annotated[str | list[Json] | None, Meta(description="A text, or items: messages, calls, results of calls, reasoning.")] = None
    instructions: Annotated[str | None, Meta(description="What the model shall be and do; not kept for the next response.")] = None
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events.")] = None
    max_output_tokens: Annotated[int, Meta(ge=1, description="Bound on the answer's tokens, thoughts included.")] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[Json], Meta(description="Functions, custom tools, and where the upstream has them its own tools.")] | None = None
    tool_choice: Annotated[Json, Meta(description="`none`, `auto`, `required`, or one tool by type and name.")] = None
    parallel_tool_calls: bool | None = None
    text: Annotated[Json, Meta(description="`format`: `text`, `json_object`, or `json_schema` with a schema; `verbosity`.")] = None
    reasoning: Annotated[Json, Meta(description="`effort`, and `summary` to be told the thoughts in short.")] = None
    include: Annotated[list[str], Meta(description="`reasoning.encrypted_content`, `message.output_text.logprobs`, …")] | None = None
    store: Annotated[bool | None, Meta(description="Keep the response (the default), where the upstream speaks this dialect.")] = None
    previous_response_id: Annotated[str | None, Meta(description="Go on from a kept response of this account.")] = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    user: str | None = None


class ResponseUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens. Details are subsets of their totals."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: Json = None
    output_tokens_details: Json = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response, with the settings of its request."""

    id: str
    created_at: Annotated[int, Meta(description="Unix seconds.")]
    status: Literal["completed", "incomplete", "failed", "in_progress", "cancelled", "queued"]
    model: str
    output: Annotated[list[Json], Meta(description="Items: `message`, `function_call`, `reasoning`, `image_generation_call`, …")]
    usage: ResponseUsage | None
    incomplete_details: Json = None
    error: Json = None
    object: Literal["response"] = "response"


class DeletedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What DELETE answers."""

    id: str
    deleted: bool
    object: str = "response"


class ItemList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the items a response was made from."""

    data: list[Json]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
    object: Literal["list"] = "list"


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens a request's input is."""

    input_tokens: int
    object: str = "response.input_tokens"
