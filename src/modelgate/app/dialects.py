"""Errors in the caller's own dialect, by path: for failures that happen before any endpoint has been reached."""

from collections.abc import Iterable

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.formats.media.family import MediaFamily
from modelgate.formats.openai_chat.response import encode_error


class ErrorDialects:
    """Media families answer under their prefix; everything else is OpenAI's shape."""

    def __init__(self, families: Iterable[MediaFamily]) -> None:
        self._families = tuple(families)

    def render(self, error: ModelgateError, path: str, request_id: str) -> HttpResponse:
        """Return the error as the clients of that path expect it."""
        general = encode_error(error, request_id)
        for family in self._families:
            if path.startswith(family.prefix):
                status, body = family.encode_error(error, request_id=request_id)
                return HttpResponse(status=status, headers=HeaderBlock(general.headers.raw), body=body)
        return general
