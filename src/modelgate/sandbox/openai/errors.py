"""OpenAI's errors: one body shape, and the exception that carries one out of a check."""

import msgspec
from starlette.responses import Response

from modelgate.sandbox.magic import Magic

RETRY_AFTER_S = 1


class Refused(Exception):
    """The make-believe OpenAI refuses; `param` names the field."""

    def __init__(
        self, message: str, *, status: int = 400, type: str = "invalid_request_error", param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.code = code

    def response(self) -> Response:
        """Return the refusal as the vendor answers it."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        headers = {"retry-after": str(RETRY_AFTER_S), "retry-after-ms": str(RETRY_AFTER_S * 1000)} if self.status == 429 else None
        return Response(msgspec.json.encode({"error": error}), status_code=self.status, media_type="application/json", headers=headers)


def refuse_if_asked(magic: Magic, *, param: str) -> None:
    """Fail as the magic of a request asks; `param` names the field that held it. Raises Refused."""
    if magic.error_status is not None:
        raise provoked(magic.error_status, param=param)


def provoked(status: int, *, param: str = "messages") -> Refused:
    """Return the error that magic asked for."""
    match status:
        case 400:
            return Refused("This prompt asked for an error.", param=param, code="invalid_value")
        case 401:
            return Refused("Incorrect API key provided: sk-san***box.", status=401, code="invalid_api_key")
        case 429:
            return Refused("Rate limit reached. Please try again in 1s.", status=429, type="requests", code="rate_limit_exceeded")
        case 529:
            return Refused("The engine is currently overloaded.", status=529, type="service_unavailable_error", code="slow_down")
    return Refused("The server had an error while processing your request.", status=status, type="server_error")
