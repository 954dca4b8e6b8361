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
from modelgate.formats.openai_chat.reference import ChatRequest, Completion, ErrorAnswer
from modelgate.formats.openai_chat.schema import Model, ModelList
from modelgate.gateway.cases_chat import CHAT_CASES
from modelgate.gateway.parameters import ModelHeaders, ModelsQuery

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
        query=ModelsQuery,
        headers=ModelHeaders,
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
        headers=ModelHeaders,
        error=ErrorAnswer,
        errors=(*KEY_ERRORS, UnknownModel, NoUpstream, Overloaded),
        cases=(Case(name="one", title="One model", prose="By name.", path_values={"model": "gpt-4o-mini"}),),
    ),
)
