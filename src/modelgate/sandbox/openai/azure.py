"""Azure's way to OpenAI's models: deployments in the path, a dated version, `api-key`, and filters that report on everything."""

import re

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from modelgate.core.records import Json
from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.gate import Gate, Habits, Operation
from modelgate.sandbox.openai.sending import Thought, event

DEPLOYED_PATHS = ("/chat/", "/completions", "/embeddings", "/images/", "/audio/")
"""What a deployment can be asked; the rest is below `/openai/v1` alone."""

_KEY = re.compile(r"^[\x21-\x7e]{8,512}$")
_BEARER = re.compile(r"^bearer +[\x21-\x7e]{8,8192}$", re.IGNORECASE)
_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(-preview)?$|^(preview|latest|v1)$")
_SAFE: dict[str, Json] = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_PROMPT_RESULTS: list[Json] = [{"prompt_index": 0, "content_filter_results": _SAFE}]


def azure_routes(operations: tuple[Operation, ...], *, counter: Counter) -> list[Route]:
    """Return the routes of operations at `/azure/openai/deployments/{deployment}` and at `/azure/openai/v1`."""
    deployed = [operation for operation in operations if operation.path.startswith(DEPLOYED_PATHS)]
    by_path = Gate(counter, Habits(vendor="azure", check=_check_versioned, fill=_filled, dress=_dressed))
    by_body = Gate(counter, Habits(vendor="azure", check=_check, dress=_dressed))
    return [
        *by_path.routes(deployed, prefix="/azure/openai/deployments/{deployment}"),
        *by_body.routes(operations, prefix="/azure/openai/v1"),
    ]


def _check(request: Request) -> str:
    """Return the key. Raises Refused."""
    version = request.query_params.get("api-version")
    if version is not None and not _VERSION.match(version):
        raise Refused("API version not supported", code="BadRequest")
    key, bearer = request.headers.get("api-key", ""), request.headers.get("authorization", "")
    if not _KEY.match(key) and not _BEARER.match(bearer):
        raise Refused(
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
            "subscription and use a correct regional API endpoint for your resource.",
            status=401,
            code="401",
        )
    return key or bearer


def _check_versioned(request: Request) -> str:
    """Return the key; deployments exist in a version only. Raises Refused."""
    key = _check(request)
    if request.query_params.get("api-version") is None:
        raise Refused("Resource not found", status=404, code="404")
    return key


def _filled(request: Request, body: Json) -> Json:
    """The deployment is the model, whatever the body says."""
    return {**body, "model": request.path_params["deployment"]} if isinstance(body, dict) else body


def _dressed(operation: Operation, thought: Thought) -> Thought:
    """Add what the filters found: nothing. In a stream of a chat, in a chunk of its own that comes first and has no choices."""
    if operation.path != "/chat/completions":
        return thought
    if thought.stream:
        first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": _PROMPT_RESULTS}
        return msgspec.structs.replace(thought, parts=[event(first), *thought.parts])
    answer = msgspec.json.decode(thought.parts[0])
    for choice in answer["choices"]:
        choice["content_filter_results"] = _SAFE
    answer["prompt_filter_results"] = _PROMPT_RESULTS
    return msgspec.structs.replace(thought, parts=[msgspec.json.encode(answer)])
