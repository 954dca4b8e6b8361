"""An error where OpenAI's clients look for it: media dialects carry one inside their own envelopes."""

from msgspec import Struct

from modelgate.core.errors import ModelgateError


class ErrorTwin(Struct, kw_only=True):
    """The same error where OpenAI's clients look for it."""

    message: str
    type: str
    code: str | None
    param: str | None


def twin_of(error: ModelgateError, message: str) -> ErrorTwin:
    """Return an error's twin, in the words that its envelope uses."""
    return ErrorTwin(message=message, type=error.type, code=error.code, param=error.param)
