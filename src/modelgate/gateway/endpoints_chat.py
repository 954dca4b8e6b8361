"""The endpoints of the OpenAI chat family, declared once."""

from modelgate.core.endpoints import KEY_ERRORS, Case, Endpoint
from modelgate.core.errors import (
    BalanceExhausted,
    BodyTooLarge,
    InvalidRequest,
    LimitExhausted,
    ModelNotAllowed,
    NoUpstream,
    Overloaded,
    RateExceeded,
    UnknownModel,
    UnpricedModel,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from modelgate.core.records import Json
from modelgate.formats.openai_chat.reference import ChatRequest, Completion, ErrorAnswer
from modelgate.formats.openai_chat.schema import Model, ModelList

FREE_ERRORS = (
    *KEY_ERRORS,
    InvalidRequest,
    BodyTooLarge,
    ModelNotAllowed,
    UnknownModel,
    UnpricedModel,
    RateExceeded,
    NoUpstream,
    Overloaded,
)
"""What a call that names a model may meet though it costs nothing."""
PAID_ERRORS = (*FREE_ERRORS, BalanceExhausted, LimitExhausted, UpstreamFailed, UpstreamUnreachable, UpstreamTimeout)


def _question(text: str, **more: Json) -> dict[str, Json]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

CHAT_CASES = (
    Case(name="plain", title="Chat", prose="One question, one answer.", request=_question("Say hello.")),
    Case(
        name="streaming",
        title="Streaming",
        prose="The answer arrives as server-sent events; `include_usage` asks for a last chunk with the token counts.",
        request=_question("Say hello.", stream=True, stream_options={"include_usage": True}),
    ),
    Case(
        name="vision",
        title="Image input",
        prose="A picture by URL or as a data URL beside the text.",
        request={
            "model": "gpt-4o-mini",
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": _DOT}}],
                }
            ],
        },
    ),
    Case(
        name="tools",
        title="Tool calls",
        prose="The model may call the functions that are offered; send their results back as `tool` messages.",
        request=_question("What is the weather in Paris?", tools=[_WEATHER_TOOL]),
    ),
    Case(
        name="functions",
        title="Function calls, legacy form",
        prose="The older `functions` and `function_call` fields.",
        request=_question("What is the weather in Paris?", functions=[_WEATHER_TOOL["function"]]),
    ),
    Case(
        name="json-object",
        title="JSON answers",
        prose="The answer is a JSON object; the word JSON must appear in the messages.",
        request=_question("Answer in JSON: one greeting.", response_format={"type": "json_object"}),
    ),
    Case(
        name="json-schema",
        title="Structured output",
        prose="The answer is JSON valid for the schema.",
        request=_question(
            "One greeting.",
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": "greeting",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"text": {"type": "string"}},
                        "required": ["text"],
                        "additionalProperties": False,
                    },
                },
            },
        ),
    ),
    Case(
        name="choices",
        title="Several answers",
        prose="`n` asks for several answers to one prompt; the prompt is counted once.",
        request=_question("Say hello.", n=2, max_completion_tokens=20),
    ),
)

CHAT_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/chat/completions",
        name="create_chat_completion",
        family="openai",
        home="relay",
        summary="Create a chat completion",
        description="The OpenAI chat completions API. Fields that are not listed are passed on untouched.",
        request=ChatRequest,
        response=Completion,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        price_unit="token",
        cases=CHAT_CASES,
    ),
    Endpoint(
        method="GET",
        path="/v1/models",
        name="list_models",
        family="openai",
        home="relay",
        summary="List the models this key may use",
        description="Only models that have both an upstream and a price are listed.",
        response=ModelList,
        error=ErrorAnswer,
        errors=(*KEY_ERRORS, NoUpstream, Overloaded),
        cases=(Case(name="list", title="List models", prose="No parameters."),),
    ),
    Endpoint(
        method="GET",
        path="/v1/models/{model}",
        name="get_model",
        family="openai",
        home="relay",
        summary="One model",
        description="404 with `model_not_found` when this key may not use it.",
        response=Model,
        error=ErrorAnswer,
        errors=(*KEY_ERRORS, UnknownModel, NoUpstream, Overloaded),
        cases=(Case(name="one", title="One model", prose="By name.", path_values={"model": "gpt-4o-mini"}),),
    ),
)
