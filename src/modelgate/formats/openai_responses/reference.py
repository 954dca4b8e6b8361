"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.formats.openai_responses.reference_items import (
    InputItem,
    OutputItem,
    ReasoningSettings,
    ResponseTool,
    ResponseToolChoice,
    TextSettings,
)
from modelgate.formats.openai_responses.schema import MAX_MODEL_CHARACTERS


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request for a response. Fields that are not listed travel on as they are, where the upstream speaks this dialect."""

    model: Annotated[
        str,
        Meta(description="Name of the model; GET /v1/models lists them.", max_length=MAX_MODEL_CHARACTERS, examples=["gpt-4o-mini"]),
    ]
    input: Annotated[
        str | list[InputItem] | None,
        Meta(description="A text, or items: messages, calls, results of calls, reasoning.", examples=["Say hello."]),
    ] = None
    instructions: Annotated[
        str | None, Meta(description="What the model shall be and do; not kept for the next response.", examples=["Be brief."])
    ] = None
    stream: Annotated[bool | None, Meta(description="Send the answer as named server-sent events.")] = False
    max_output_tokens: (
        Annotated[int, Meta(ge=1, description="Bound on the answer's tokens, thoughts included; OpenAI takes 16 or more.", examples=[1000])]
        | None
    ) = None
    temperature: (
        Annotated[
            float,
            Meta(ge=0, le=2, description="Higher is more varied, 0 nearly always the same. Reasoning models take only 1.", examples=[0.7]),
        ]
        | None
    ) = 1.0
    top_p: (
        Annotated[
            float, Meta(ge=0, le=1, description="Draw only from the likeliest tokens that together have this probability.", examples=[0.9])
        ]
        | None
    ) = 1.0
    top_logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="So many likeliest alternatives beside each token.", examples=[3])] | None
    ) = None
    tools: Annotated[
        list[ResponseTool] | None, Meta(description="Functions, custom tools, and where the upstream has them its own tools.")
    ] = None
    tool_choice: Annotated[
        Literal["none", "auto", "required"] | ResponseToolChoice | None,
        Meta(description="Whether a tool is called, or which.", examples=["auto"]),
    ] = None
    parallel_tool_calls: Annotated[bool | None, Meta(description="Allow several calls in one answer.")] = True
    max_tool_calls: Annotated[
        int | None, Meta(description="Bound on calls of the vendor's own tools; only where OpenAI answers.", examples=[3])
    ] = None
    text: Annotated[TextSettings | None, Meta(description="Form and length of the answer.")] = None
    reasoning: Annotated[ReasoningSettings | None, Meta(description="How much a reasoning model thinks.")] = None
    include: Annotated[
        list[str] | None,
        Meta(
            description=(
                "More to be told: `reasoning.encrypted_content` (always told of other vendors' models), `message.output_text.logprobs`, "
                "and where OpenAI answers results of its own tools."
            ),
            examples=[["reasoning.encrypted_content"]],
        ),
    ] = None
    store: Annotated[bool | None, Meta(description="Keep the response, where the upstream speaks this dialect.")] = True
    previous_response_id: Annotated[
        str | None,
        Meta(description="Go on from a kept response of this account; only where its upstream keeps it.", examples=["resp_mg1kZ3"]),
    ] = None
    truncation: Annotated[
        Literal["auto", "disabled"] | None,
        Meta(description="`auto` lets the vendor drop the oldest items of a conversation that is too long.", examples=["disabled"]),
    ] = "disabled"
    metadata: Annotated[
        dict[str, Annotated[str, Meta(max_length=512)]] | None,
        Meta(description="Up to 16 pairs kept with the response; names up to 64 characters.", examples=[{"order": "17"}]),
    ] = None
    service_tier: Annotated[
        str | None,
        Meta(
            description="Speed class at the vendor: `auto`, `default`, `flex`, `priority`; the answer tells the one used.",
            examples=["auto"],
        ),
    ] = None
    safety_identifier: (
        Annotated[str, Meta(description="Your stable, anonymous name for the end user.", max_length=64, examples=["u-81"])] | None
    ) = None
    prompt_cache_key: Annotated[
        str | None, Meta(description="Requests with one key and one beginning share the vendor's cache.", examples=["support-v3"])
    ] = None
    user: Annotated[str | None, Meta(description="The older form of `safety_identifier`.", examples=["u-81"])] = None


class ResponseInputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the input."""

    cached_tokens: Annotated[int, Meta(description="Read from the vendor's cache, at the cache price.")] = 0
    cache_write_tokens: Annotated[int, Meta(description="Written to the vendor's cache.")] = 0


class ResponseOutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the output."""

    reasoning_tokens: Annotated[int, Meta(description="Of thoughts, shown or not.")] = 0


class ResponseUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens: what the request is charged by. Details are subsets of their totals."""

    input_tokens: Annotated[int, Meta(description="All input.", examples=[19])]
    output_tokens: Annotated[int, Meta(description="All output, thoughts included.", examples=[10])]
    total_tokens: Annotated[int, Meta(description="The sum of both.", examples=[29])]
    input_tokens_details: Annotated[ResponseInputDetails | None, Meta(description="Parts of the input.")] = None
    output_tokens_details: Annotated[ResponseOutputDetails | None, Meta(description="Parts of the output.")] = None


class IncompleteDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why the answer is not whole."""

    reason: Annotated[Literal["max_output_tokens", "content_filter"], Meta(description="At the bound, or withheld by the vendor.")]


class ResponseError(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer."""

    code: Annotated[str, Meta(description="What programs go by.", examples=["server_error"])]
    message: Annotated[str, Meta(description="One sentence for people.")]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response. The fields from `background` on repeat what the request said, or its defaults."""

    id: Annotated[str, Meta(description="Stands for the answer in `previous_response_id` and in paths.", examples=["resp_mg1kZ3"])]
    created_at: Annotated[int, Meta(description="When, in unix seconds.", examples=[1764237600])]
    status: Annotated[
        Literal["completed", "incomplete", "failed", "in_progress", "cancelled", "queued"],
        Meta(description="How it ended, or how far it is.", examples=["completed"]),
    ]
    model: Annotated[str, Meta(description="Name of the model that answered.")]
    output: Annotated[list[OutputItem], Meta(description="The answer, item by item.")]
    usage: Annotated[ResponseUsage | None, Meta(description="Counts in tokens; null until it has ended.")]
    incomplete_details: Annotated[IncompleteDetails | None, Meta(description="With `incomplete`: why.")] = None
    error: Annotated[ResponseError | None, Meta(description="With `failed`: why.")] = None
    object: Annotated[Literal["response"], Meta(description="Always `response`.")] = "response"
    completed_at: Annotated[int | None, Meta(description="When it ended, in unix seconds, where the upstream tells it.")] = None
    previous_response_id: Annotated[str | None, Meta(description="The response it goes on from.")] = None
    service_tier: Annotated[str | None, Meta(description="Speed class that was used.")] = None
    background: Annotated[bool | None, Meta(description="Always false: background responses are not supported.")] = None
    instructions: Annotated[str | None, Meta(description="As in the request.")] = None
    max_output_tokens: Annotated[int | None, Meta(description="As in the request.")] = None
    max_tool_calls: Annotated[int | None, Meta(description="As in the request.")] = None
    metadata: Annotated[dict[str, str] | None, Meta(description="As in the request.")] = None
    parallel_tool_calls: Annotated[bool | None, Meta(description="As in the request.")] = None
    prompt_cache_key: Annotated[str | None, Meta(description="As in the request.")] = None
    reasoning: Annotated[ReasoningSettings | None, Meta(description="As in the request.")] = None
    safety_identifier: Annotated[str | None, Meta(description="As in the request.")] = None
    store: Annotated[bool | None, Meta(description="As in the request.")] = None
    temperature: Annotated[float | None, Meta(description="As in the request.")] = None
    text: Annotated[TextSettings | None, Meta(description="As in the request.")] = None
    tool_choice: Annotated[str | ResponseToolChoice | None, Meta(description="As in the request.")] = None
    tools: Annotated[list[ResponseTool] | None, Meta(description="As in the request.")] = None
    top_logprobs: Annotated[int | None, Meta(description="As in the request.")] = None
    top_p: Annotated[float | None, Meta(description="As in the request.")] = None
    truncation: Annotated[str | None, Meta(description="As in the request.")] = None
    user: Annotated[str | None, Meta(description="As in the request.")] = None


class DeletedResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What DELETE answers."""

    id: Annotated[str, Meta(description="Id of the response.", examples=["resp_mg1kZ3"])]
    deleted: Annotated[bool, Meta(description="Always true.")]
    object: Annotated[str, Meta(description="Always `response`.")] = "response"


class ItemList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the items a response was made from."""

    data: Annotated[list[InputItem], Meta(description="The items, as in `input` of the request, each with its `id`.")]
    has_more: Annotated[bool, Meta(description="Whether more follow; ask for them with `after`.")]
    first_id: Annotated[str | None, Meta(description="Id of the first item.")] = None
    last_id: Annotated[str | None, Meta(description="Id of the last item: give it as `after` for what follows.")] = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens a request's input is."""

    input_tokens: Annotated[int, Meta(description="All input.", examples=[11])]
    object: Annotated[str, Meta(description="Always `response.input_tokens`.")] = "response.input_tokens"
