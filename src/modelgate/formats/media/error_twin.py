"""An error where OpenAI's clients look for it: media dialects carry one inside their own envelopes."""

from typing import Annotated

from msgspec import Meta, Struct

from modelgate.core.errors import ModelgateError


class ErrorTwin(Struct, kw_only=True):
    """The same error where OpenAI's clients look for it."""

    message: Annotated[str, Meta(description="One sentence for people.", examples=["prompt is required: say what the picture shows."])]
    type: Annotated[str, Meta(description="Class of the error.", examples=["invalid_request_error"])]
    code: Annotated[
        str | None, Meta(description="What programs go by; the page Error codes lists them.", examples=["missing_required_parameter"])
    ]
    param: Annotated[str | None, Meta(description="The field that is wrong.", examples=["prompt"])]


def twin_of(error: ModelgateError, message: str) -> ErrorTwin:
    """Return an error's twin, in the words that its envelope uses."""
    return ErrorTwin(message=message, type=error.type, code=error.code, param=error.param)
