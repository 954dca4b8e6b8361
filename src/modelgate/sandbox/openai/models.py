"""Which models the make-believe OpenAI serves, and `GET /v1/models`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.magic import CHAT_MODEL, MODEL_PREFIX, is_served
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import wants
from modelgate.sandbox.openai.gate import Operation

CREATED_AT = 1_767_225_600  # 2026-01-01, of every model
MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "o3",
    "o4-mini",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-instruct",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "text-embedding-ada-002",
    "omni-moderation-latest",
    "gpt-image-1",
    "dall-e-3",
    "dall-e-2",
    "gpt-4o-audio-preview",
    "gpt-4o-mini-tts",
    "tts-1",
    "tts-1-hd",
    "gpt-4o-transcribe",
    "whisper-1",
    CHAT_MODEL,
    *(MODEL_PREFIX + word for word in MAGIC_WORDS),
)
"""What GET /v1/models lists. Other names are served too, so that any model of a price list can be tried; none that starts with
`sandbox-`, though."""


def check_model(body: Json) -> None:
    """Check that a body is an object and names a model that is served. Raises Refused."""
    check_object(body)
    if body.get("model") is None:
        raise Refused("you must provide a model parameter", param="model", code="missing_required_parameter")
    wants(body, "model", str)
    check_known(body["model"])


def check_object(body: Json) -> None:
    """Check that a body is an object. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request. The API expects a JSON object.")


def check_known(model: str) -> None:
    """Refuse a model that is not served, with the vendor's 404. Raises Refused."""
    if not is_served(model):
        message = f"The model `{model[:200]}` does not exist or you do not have access to it."
        raise Refused(message, status=404, code="model_not_found", param=None)


def model_operations() -> tuple[Operation, ...]:
    """Return the operations that list models."""
    return (Operation("GET", "/models", fetch=_list), Operation("GET", "/models/{model:path}", fetch=_one))


async def _list(_: Request) -> Response:
    return _json({"object": "list", "data": [_model_object(model) for model in MODELS]})


async def _one(request: Request) -> Response:
    check_known(request.path_params["model"])
    return _json(_model_object(request.path_params["model"]))


def _model_object(model: str) -> dict[str, Json]:
    return {"id": model, "object": "model", "created": CREATED_AT, "owned_by": "sandbox"}


def _json(data: Json) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")
