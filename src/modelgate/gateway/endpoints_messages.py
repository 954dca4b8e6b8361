"""The endpoints of the Anthropic messages family, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import BalanceExhausted, LimitExhausted, NoUpstream, Overloaded
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.count_tokens import Count
from modelgate.formats.anthropic_messages.reference import CountRequest, ErrorAnswer, Message, MessageRequest
from modelgate.gateway.endpoints_chat import FREE_ERRORS, PAID_ERRORS
from modelgate.gateway.parameters import CachedMessageHeaders, MessageHeaders

_STATUSES = {NoUpstream: 529, Overloaded: 529}
_PAID_STATUSES = {**_STATUSES, BalanceExhausted: 402, LimitExhausted: 402}
_VERSION = {"anthropic-version": "2023-06-01"}
_MODEL = "claude-sonnet-4-5"


def _question(text: Json, **more: Json) -> dict[str, Json]:
    return {"model": _MODEL, "max_tokens": 1024, "messages": [{"role": "user", "content": text}], **more}


_WEATHER_TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

MESSAGE_CASES = (
    Case(
        name="plain",
        title="Message",
        prose="One question, one answer. `max_tokens` is required.",
        headers=_VERSION,
        request=_question("Say hello."),
    ),
    Case(
        name="streaming",
        title="Streaming",
        prose="The answer arrives as server-sent events from `message_start` to `message_stop`; counts are in `message_delta`.",
        headers=_VERSION,
        request=_question("Say hello.", stream=True),
    ),
    Case(
        name="system",
        title="Instructions",
        prose="Instructions stand beside the messages, as text or as text blocks.",
        headers=_VERSION,
        request=_question("Say hello.", system="You answer in one word."),
    ),
    Case(
        name="vision",
        title="Image input",
        prose="A picture as base64 or by URL beside the text.",
        headers=_VERSION,
        request=_question(
            [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _DOT}},
                {"type": "text", "text": "What is this?"},
            ]
        ),
    ),
    Case(
        name="tools",
        title="Tool calls",
        prose="The model may call the tools that are offered; send their results back as `tool_result` blocks, first in the next turn.",
        headers=_VERSION,
        request=_question("What is the weather in Paris?", tools=[_WEATHER_TOOL]),
    ),
    Case(
        name="tool-results",
        title="Results of tools",
        prose="Send back the model's blocks as they came, and in the next turn first a `tool_result` for each call.",
        headers=_VERSION,
        request={
            "model": _MODEL,
            "max_tokens": 1024,
            "messages": [
                {"role": "user", "content": "What is the weather in Paris?"},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "18 °C, sunny"}]},
            ],
            "tools": [_WEATHER_TOOL],
        },
    ),
    Case(
        name="web-search",
        title="Web search",
        prose=(
            "A tool that the vendor runs itself: searches and what they found come as blocks before the text, and the text cites its "
            "sources. The sandbox takes the tool and searches nothing."
        ),
        headers=_VERSION,
        request=_question("Which kite flew highest?", tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]),
    ),
    Case(
        name="thinking",
        title="Thinking",
        prose="The model thinks before it answers. Send its thinking blocks back unchanged when you answer its tool calls.",
        headers=_VERSION,
        request=_question("How many primes are below 30?", max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 2048}),
    ),
    Case(
        name="structured-output",
        title="Structured output",
        prose="The answer is JSON valid for the schema.",
        headers=_VERSION,
        request=_question(
            "One greeting.",
            output_config={
                "format": {
                    "type": "json_schema",
                    "schema": {
                        "type": "object",
                        "properties": {"text": {"type": "string"}},
                        "required": ["text"],
                        "additionalProperties": False,
                    },
                }
            },
        ),
    ),
    Case(
        name="caching",
        title="Prompt caching",
        prose="`cache_control` marks how much of the prompt shall be cached; counts tell what was written and read.",
        headers=_VERSION,
        request=_question(
            "Say hello.",
            system=[{"type": "text", "text": "Long instructions that stay the same.", "cache_control": {"type": "ephemeral"}}],
        ),
    ),
)

MESSAGE_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/messages",
        name="create_message",
        family="anthropic",
        home="relay",
        summary="Create a message",
        description=(
            "The Anthropic messages API, for every model here. The key comes in `x-api-key` or as a bearer token. Requests to models that "
            "speak this protocol are passed on untouched, others are translated."
        ),
        request=MessageRequest,
        headers=CachedMessageHeaders,
        response=Message,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        statuses=_PAID_STATUSES,
        price_unit="token",
        cases=MESSAGE_CASES,
    ),
    Endpoint(
        method="POST",
        path="/v1/messages/count_tokens",
        name="count_message_tokens",
        family="anthropic",
        home="relay",
        summary="Count the tokens of a message",
        description="Free. Models that do not count themselves are estimated.",
        request=CountRequest,
        headers=MessageHeaders,
        response=Count,
        error=ErrorAnswer,
        errors=FREE_ERRORS,
        statuses=_STATUSES,
        cases=(
            Case(
                name="count",
                title="Count tokens",
                prose="The request of a message without `max_tokens`.",
                headers=_VERSION,
                request={"model": _MODEL, "messages": [{"role": "user", "content": "Say hello."}]},
            ),
        ),
    ),
)
