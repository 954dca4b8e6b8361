"""The endpoints of OpenAI's embeddings and moderation, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_embeddings.schema import EmbeddingRequest, Embeddings
from modelgate.formats.openai_moderations.single import ModerationRequest, Moderations
from modelgate.gateway.endpoints_chat import PAID_ERRORS
from modelgate.gateway.parameters import CachedHeaders

EMBEDDING_CASES = (
    Case(name="one", title="A text", prose="One vector.", request={"model": "text-embedding-3-small", "input": "a red kite"}),
    Case(
        name="several",
        title="Texts, short vectors",
        prose="One vector for each; `dimensions` shortens them; `base64` is smaller on the wire.",
        request={
            "model": "text-embedding-3-small",
            "input": ["a red kite", "a blue kite"],
            "dimensions": 256,
            "encoding_format": "base64",
        },
    ),
)
MODERATION_CASES = (
    Case(name="text", title="A text", prose="Free of charge.", request={"model": "omni-moderation-latest", "input": "I will go home."}),
)

MORE_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/embeddings",
        name="create_embedding",
        family="openai",
        home="relay",
        summary="Turn texts into vectors",
        description="The OpenAI embeddings API. Models of vendors that speak another dialect are reached by translation.",
        request=EmbeddingRequest,
        response=Embeddings,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        price_unit="token",
        cases=EMBEDDING_CASES,
    ),
    Endpoint(
        method="POST",
        path="/v1/moderations",
        name="create_moderation",
        family="openai",
        home="relay",
        summary="Judge texts",
        description="The OpenAI moderation API.",
        request=ModerationRequest,
        headers=CachedHeaders,
        response=Moderations,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        cases=MODERATION_CASES,
    ),
)
