"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the Anthropic API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.formats.anthropic_messages.reference_blocks import (
    CacheMark,
    InputBlock,
    MessageMetadata,
    MessageTool,
    MessageToolChoice,
    OutputBlock,
    OutputConfig,
    SystemBlock,
    ThinkingSetting,
)
from modelgate.formats.anthropic_messages.schema import MAX_MESSAGES, MAX_MODEL_CHARACTERS


class InputMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. Turns of one role in a row count as one."""

    role: Annotated[
        Literal["user", "assistant", "system"],
        Meta(
            description="Who speaks; `system` only where the model takes it within a conversation. The last turn may begin the answer.",
            examples=["user"],
        ),
    ]
    content: Annotated[str | list[InputBlock], Meta(description="Text, or content blocks.", examples=["Say hello."])]


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be counted."""

    model: Annotated[
        str,
        Meta(description="Name of the model; GET /v1/models lists them.", max_length=MAX_MODEL_CHARACTERS, examples=["claude-sonnet-4-5"]),
    ]
    messages: Annotated[
        list[InputMessage],
        Meta(
            min_length=1,
            max_length=MAX_MESSAGES,
            description="The conversation so far, without the instructions.",
            examples=[[{"role": "user", "content": "Say hello."}]],
        ),
    ]
    system: Annotated[
        str | list[SystemBlock] | None,
        Meta(description="Instructions: text, or text blocks that may mark the cache.", examples=["You answer in one word."]),
    ] = None
    tools: Annotated[
        list[MessageTool] | None, Meta(description="What the model may call; needed as long as the conversation has calls.")
    ] = None
    tool_choice: Annotated[
        MessageToolChoice | None, Meta(description="Whether a tool is called, or which. While thinking: `auto` or `none`.")
    ] = None
    thinking: Annotated[ThinkingSetting | None, Meta(description="Whether the model thinks before it answers.")] = None
    output_config: Annotated[OutputConfig | None, Meta(description="Effort and form of the answer.")] = None
    cache_control: Annotated[CacheMark | None, Meta(description="Caches the prompt up to its last block.")] = None


class MessageRequest(CountRequest, frozen=True, kw_only=True, omit_defaults=True):
    """A request for a message. Fields that are not listed travel on as they are where the model speaks this protocol."""

    max_tokens: Annotated[int, Meta(ge=0, description="Bound on the answer's tokens, thinking included.", examples=[1024])]
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events, `message_stop` last.")] = False
    temperature: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=1,
                description="Higher is more varied, 0 nearly always the same. While thinking only 1; some newest models refuse others too.",
                examples=[0.7],
            ),
        ]
        | None
    ) = 1.0
    top_p: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=1,
                description="Draw only from the likeliest tokens that together have this probability; not beside `temperature`.",
                examples=[0.9],
            ),
        ]
        | None
    ) = None
    top_k: Annotated[int, Meta(ge=0, description="Draw only from so many likeliest tokens; not while thinking.", examples=[40])] | None = (
        None
    )
    stop_sequences: Annotated[
        list[str] | None, Meta(description="The answer ends before any of these texts; white space alone is none.", examples=[["END"]])
    ] = None
    metadata: Annotated[MessageMetadata | None, Meta(description="About the request.")] = None
    service_tier: Annotated[
        Literal["auto", "standard_only"] | None,
        Meta(description="`auto` uses the priority the vendor's account has, when left out too.", examples=["auto"]),
    ] = None


class CacheCreation(msgspec.Struct, frozen=True, kw_only=True):
    """What was written to the cache, by how long it is kept."""

    ephemeral_5m_input_tokens: Annotated[int, Meta(description="For five minutes.")] = 0
    ephemeral_1h_input_tokens: Annotated[int, Meta(description="For an hour.")] = 0


class MessageOutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the output."""

    thinking_tokens: Annotated[int, Meta(description="Of thoughts, as thought, not as shown.")] = 0


class ServerToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of the vendor's own tools; each is charged."""

    web_search_requests: Annotated[int, Meta(description="Searches of the web.")] = 0
    web_fetch_requests: Annotated[int, Meta(description="Pages that were read.")] = 0


class StopDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why the model will not answer."""

    type: Annotated[Literal["refusal"], Meta(description="Always `refusal`.")]
    category: Annotated[str | None, Meta(description="What it is about.")] = None
    explanation: Annotated[str | None, Meta(description="One sentence for people.")] = None


class MessageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens. `input_tokens` are those that had nothing to do with the cache."""

    input_tokens: Annotated[int, Meta(description="Input neither read from the cache nor written to it.", examples=[12])]
    output_tokens: Annotated[int, Meta(description="All output, thinking included.", examples=[6])]
    cache_creation_input_tokens: Annotated[int, Meta(description="Input written to the cache.")] = 0
    cache_read_input_tokens: Annotated[int, Meta(description="Input read from the cache.")] = 0
    cache_creation: Annotated[CacheCreation | None, Meta(description="What was written, by how long it is kept.")] = None
    output_tokens_details: Annotated[MessageOutputDetails | None, Meta(description="Parts of the output.")] = None
    server_tool_use: Annotated[ServerToolUse | None, Meta(description="Calls of the vendor's own tools, where they are counted.")] = None
    service_tier: Annotated[str | None, Meta(description="Speed class that was used.", examples=["standard"])] = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A finished answer."""

    id: Annotated[str, Meta(description="Id of the answer.", examples=["msg_9f2c"])]
    model: Annotated[str, Meta(description="Name of the model that answered.")]
    content: Annotated[list[OutputBlock], Meta(description="The answer, block by block; may be empty.")]
    stop_reason: Annotated[
        Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"],
        Meta(
            description=(
                "Why it ended. `tool_use`: to have calls made; `pause_turn`: send the answer back as it is to go on; `refusal`: the model "
                "will not; `model_context_window_exceeded`: the model's window is full."
            ),
            examples=["end_turn"],
        ),
    ]
    stop_sequence: Annotated[str | None, Meta(description="With `stop_sequence`: the one that was met.")]
    usage: Annotated[MessageUsage, Meta(description="Counts in tokens.")]
    stop_details: Annotated[StopDetails | None, Meta(description="With `refusal`: why.")] = None
    type: Annotated[Literal["message"], Meta(description="Always `message`.")] = msgspec.field(default="message")
    role: Annotated[Literal["assistant"], Meta(description="Always `assistant`.")] = "assistant"


class ErrorInside(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong."""

    type: Annotated[
        Literal[
            "invalid_request_error",
            "authentication_error",
            "billing_error",
            "permission_error",
            "not_found_error",
            "request_too_large",
            "rate_limit_error",
            "api_error",
            "timeout_error",
            "overloaded_error",
        ],
        Meta(description="Class of the error, by its status.", examples=["invalid_request_error"]),
    ]
    message: Annotated[
        str, Meta(description="One sentence for people; it names the field that is wrong.", examples=["max_tokens: Field required"])
    ]


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure, with its HTTP status."""

    error: Annotated[ErrorInside, Meta(description="What went wrong.")]
    request_id: Annotated[str, Meta(description="Id of the request, as in the header `request-id`.", examples=["req_9f2c"])]
    type: Annotated[Literal["error"], Meta(description="Always `error`.")] = msgspec.field(default="error")
