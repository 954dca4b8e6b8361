"""The endpoints of the OpenAI responses family, declared once."""

from modelgate.core.endpoints import KEY_ERRORS, Case, Endpoint
from modelgate.core.errors import (
    BodyTooLarge,
    InvalidRequest,
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
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_responses.reference import DeletedResponse, InputTokens, ItemList, Response, ResponseRequest
from modelgate.gateway.endpoints_chat import PAID_ERRORS
from modelgate.gateway.parameters import InputItemsQuery, KeptAnswerQuery

_FREE_ERRORS = (*KEY_ERRORS, InvalidRequest, NoUpstream, Overloaded, UpstreamFailed, UpstreamUnreachable, UpstreamTimeout)
_MODEL_ERRORS = (BodyTooLarge, ModelNotAllowed, UnknownModel, UnpricedModel, RateExceeded)
_ID = {"response_id": "resp_mg1kZ3"}
_DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_WEATHER_TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
_GREETING = {
    "type": "json_schema",
    "name": "greeting",
    "strict": True,
    "schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False},
}


def _question(asked: Json, **more: Json) -> dict[str, Json]:
    return {"model": "gpt-4o-mini", "input": asked, **more}


RESPONSES_CASES = (
    Case(name="plain", title="Response", prose="One question, one answer.", request=_question("Say hello.", instructions="Be brief.")),
    Case(
        name="streaming",
        title="Streaming",
        prose="The answer arrives as named server-sent events; the last one, `response.completed`, holds all of it and the token counts.",
        request=_question("Say hello.", stream=True),
    ),
    Case(
        name="vision",
        title="Image input",
        prose="A picture by URL or as a data URL beside the text.",
        request=_question(
            [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": _DOT}]}]
        ),
    ),
    Case(
        name="tools",
        title="Tool calls",
        prose="The model may call the functions that are offered. A call is an item of the output, of the type `function_call`.",
        request=_question("What is the weather in Paris?", tools=[_WEATHER_TOOL]),
    ),
    Case(
        name="tool-results",
        title="Results of tools",
        prose="Send back every item of the output, and for each call its result.",
        request=_question(
            [
                {"role": "user", "content": "What is the weather in Paris?"},
                {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Paris"}'},
                {"type": "function_call_output", "call_id": "call_1", "output": "18 °C, sunny"},
            ],
            tools=[_WEATHER_TOOL],
        ),
    ),
    Case(
        name="structured-output",
        title="Structured output",
        prose="The answer is JSON valid for the schema.",
        request=_question("One greeting.", text={"format": _GREETING}),
    ),
    Case(
        name="reasoning",
        title="Reasoning",
        prose=(
            "How much a reasoning model shall think, and a summary of what it thought. With `store: false` ask for "
            "`reasoning.encrypted_content` and send the items back, so that the next turn knows the thoughts."
        ),
        request={
            "model": "gpt-5-mini",
            "input": "How many primes are below 20?",
            "reasoning": {"effort": "low", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": False,
        },
    ),
    Case(
        name="follow-up",
        title="Conversation",
        prose=(
            "Send the earlier items again, with any model. Or name the earlier answer in `previous_response_id`: it is kept by the "
            "upstream that gave it, so this works where the upstream speaks this dialect, and only for the account that asked."
        ),
        request=_question(
            [
                {"role": "user", "content": "Say hello."},
                {"role": "assistant", "content": [{"type": "output_text", "text": "Hello!"}]},
                {"role": "user", "content": "And in French?"},
            ]
        ),
    ),
)

RESPONSES_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/responses",
        name="create_response",
        family="openai",
        home="relay",
        summary="Create a response",
        description=(
            "The OpenAI responses API, with models of every vendor. Where the upstream speaks this dialect itself, fields that are not "
            "listed are passed on untouched and answers can be kept there. Otherwise the request is translated: what only OpenAI can do "
            "(kept answers, conversations, prompt templates, its own tools other than web search, files by id) is refused with "
            "`unsupported_parameter`, `store` is not heeded. `background` is not supported."
        ),
        request=ResponseRequest,
        response=Response,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        price_unit="token",
        cases=RESPONSES_CASES,
    ),
)

STORED_RESPONSES_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/responses/{response_id}",
        name="get_response",
        family="openai",
        home="relay",
        summary="A kept response",
        description="Only for the account that made it, and where its upstream keeps answers. A stream is not told again.",
        response=Response,
        query=KeptAnswerQuery,
        error=ErrorAnswer,
        errors=_FREE_ERRORS,
        cases=(Case(name="one", title="Fetch a response", prose="By the id of the answer.", path_values=_ID),),
    ),
    Endpoint(
        method="DELETE",
        path="/v1/responses/{response_id}",
        name="delete_response",
        family="openai",
        home="relay",
        summary="Delete a kept response",
        description="It can be neither fetched nor gone on from any more.",
        response=DeletedResponse,
        error=ErrorAnswer,
        errors=_FREE_ERRORS,
        cases=(Case(name="delete", title="Delete a response", prose="By the id of the answer.", path_values=_ID),),
    ),
    Endpoint(
        method="POST",
        path="/v1/responses/{response_id}/cancel",
        name="cancel_response",
        family="openai",
        home="relay",
        summary="Stop a response",
        description="Only responses that run in the background can be stopped; the upstream says so of others.",
        response=Response,
        error=ErrorAnswer,
        errors=_FREE_ERRORS,
        cases=(
            Case(
                name="cancel",
                title="Stop a response",
                prose="By the id of the answer. `background` is not supported here, so what the upstream says is this.",
                response={
                    "error": {
                        "message": "Cannot cancel a synchronous response. (request id: req_5f0c1b9e7a2d4c6f8e013579)",
                        "type": "invalid_request_error",
                        "param": None,
                        "code": None,
                    }
                },
                status=400,
                path_values=_ID,
            ),
        ),
    ),
    Endpoint(
        method="GET",
        path="/v1/responses/{response_id}/input_items",
        name="list_response_input_items",
        family="openai",
        home="relay",
        summary="What a kept response was made from",
        description="A page of items.",
        response=ItemList,
        query=InputItemsQuery,
        error=ErrorAnswer,
        errors=_FREE_ERRORS,
        cases=(Case(name="list", title="List the items", prose="By the id of the answer.", path_values=_ID),),
    ),
    Endpoint(
        method="POST",
        path="/v1/responses/input_tokens",
        name="count_response_input_tokens",
        family="openai",
        home="relay",
        summary="Count the tokens of a request",
        description="The same body as for a response; nothing is answered and nothing is charged.",
        request=ResponseRequest,
        response=InputTokens,
        error=ErrorAnswer,
        errors=(*_FREE_ERRORS, *_MODEL_ERRORS),
        cases=(Case(name="count", title="Count tokens", prose="One question.", request=_question("Say hello.")),),
    ),
)
