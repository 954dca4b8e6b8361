"""Google's errors: one body shape with status names and typed details, and the exception that carries one out of a check."""

import msgspec
from starlette.responses import Response

from modelgate.core.records import Json

SERVICE = "generativelanguage.googleapis.com"
RETRY_DELAY = "1s"
_RPC = "type.googleapis.com/google.rpc."
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiRefused(Exception):
    """The make-believe Gemini refuses; `details` are the vendor's typed ones."""

    def __init__(self, message: str, *, status: int = 400, details: tuple[dict[str, Json], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.details = details

    def body(self) -> dict[str, Json]:
        """Return the error as the vendor words it."""
        error: dict[str, Json] = {"code": self.status, "message": self.message, "status": _STATUSES[self.status]}
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}

    def response(self, *, listed: bool = False) -> Response:
        """Return the refusal; `listed`: in a one-element array, as a stream without `alt=sse` has it."""
        body = [self.body()] if listed else self.body()
        return Response(pretty(body), status_code=self.status, media_type="application/json; charset=UTF-8")


def pretty(data: Json) -> bytes:
    """Return JSON with line ends and two blanks of indent, as the vendor writes it."""
    return msgspec.json.format(msgspec.json.encode(data), indent=2)


def bad_fields(violations: list[tuple[str, str]]) -> GeminiRefused:
    """Return the refusal of a body whose fields are unknown or of the wrong type, as (place, description)."""
    listed = [{**({"field": place} if place else {}), "description": description} for place, description in violations]
    message = "\n".join(description for _, description in violations)
    return GeminiRefused(message, details=({"@type": _RPC + "BadRequest", "fieldViolations": listed},))


def bad_key() -> GeminiRefused:
    """Return the refusal of a key nobody has: 400 at this vendor."""
    message = "API key not valid. Please pass a valid API key."
    return GeminiRefused(
        message,
        details=(
            {"@type": _RPC + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": SERVICE}},
            {"@type": _RPC + "LocalizedMessage", "locale": "en-US", "message": message},
        ),
    )


def no_key() -> GeminiRefused:
    """Return the refusal of a request without any key."""
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return GeminiRefused(message, status=403)


def no_such_model(name: str, *, version: str, method: str) -> GeminiRefused:
    """Return the 404 for a model that is unknown, or cannot do what was asked; `name` with its `models/`."""
    message = (
        f"{name[:200]} is not found for API version {version}, or is not supported for {method[:80]}. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    return GeminiRefused(message, status=404)


def provoked(status: int) -> GeminiRefused:
    """Return the error that magic asked for; 529 is this vendor's 503."""
    match status:
        case 400:
            return GeminiRefused("Request contains an invalid argument: this prompt asked for an error.")
        case 401:
            return GeminiRefused("Request had invalid authentication credentials.", status=401)
        case 429:
            retry = {"@type": _RPC + "RetryInfo", "retryDelay": RETRY_DELAY}
            return GeminiRefused("Resource has been exhausted (e.g. check quota).", status=429, details=(retry,))
        case 503 | 529:
            return GeminiRefused("The model is overloaded. Please try again later.", status=503)
    return GeminiRefused("An internal error has occurred. Please retry or report the problem.", status=500)
