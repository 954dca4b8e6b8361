"""Anthropic's errors: one body shape, and the exception that carries one out of a check."""

import msgspec
from starlette.responses import Response

RETRY_AFTER_S = 1
OVERLOADED = "Overloaded"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Refused(Exception):
    """The make-believe Anthropic refuses; its message begins with the field at fault, where there is one."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

    @property
    def type(self) -> str:
        """The vendor's name for this kind of error."""
        return _TYPES.get(self.status, "api_error")

    def response(self, *, request_id: str) -> Response:
        """Return the refusal as the vendor answers it."""
        body = {"type": "error", "error": {"type": self.type, "message": self.message}, "request_id": request_id}
        headers = {"retry-after": str(RETRY_AFTER_S)} if self.status == 429 else None
        return Response(msgspec.json.encode(body), status_code=self.status, media_type="application/json", headers=headers)


def provoked(status: int) -> Refused:
    """Return the error that magic asked for."""
    match status:
        case 400:
            return Refused("messages: this prompt asked for an error")
        case 401:
            return Refused("invalid x-api-key", status=401)
        case 429:
            return Refused("This request would exceed your organization's rate limit. Please try again later.", status=429)
        case 529:
            return Refused(OVERLOADED, status=529)
    return Refused("Internal server error", status=status)
