"""Finished pictures as Ideogram shows them, and errors."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.ideogram.schema import ErrorBody, Picture, Pictures
from modelgate.formats.media import refusals
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import ImageRequest, MediaRequest, decode_request

CONTENT_CODES = frozenset((refusals.CONTENT_REFUSED, "content_policy_violation"))
CONTENT_STATUS = 422
FUNDS_STATUS = 403

_encode = msgspec.json.Encoder().encode
_decode_details = msgspec.json.Decoder(dict[str, Any]).decode


def encode_pictures(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer with a task's pictures; `urls` are their addresses in order, empty for one that is withheld."""
    del request_id  # Ideogram's answers have no place for it
    request = decode_request(task.operation, task.request)
    created = _decode_details(task.details).get("created")
    if not isinstance(created, str):
        created = datetime.fromtimestamp(task.finished_at or task.updated_at, UTC).isoformat(timespec="microseconds")
    data = [_picture(output, url, request) for output, url in zip(task.outputs, urls, strict=True)]
    return _encode(Pictures(created=created, data=data))


def _picture(output: TaskOutput, url: str, request: MediaRequest) -> Picture:
    told = output.details
    return Picture(
        url=url or None,
        prompt=_text(told.get("prompt")) or request.prompt,
        resolution=_text(told.get("resolution")) or (request.size if isinstance(request, ImageRequest) else ""),
        is_image_safe=bool(told.get("is_image_safe", bool(url))),
        seed=seed if isinstance(seed := told.get("seed"), int) else 0,
        style_type=_text(told.get("style_type")) or None,
        upscaled_resolution=_text(told.get("upscaled_resolution")) or None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error: OpenAI's shape with Ideogram's statuses; the message names the request.

    A prompt or picture that its policy refuses is 422 at the vendor; lack of money is 403, because clients try every 429 again.
    """
    message = error.message_for(request_id)
    body = ErrorBody(error=twin_of(error, message))
    if isinstance(error, errors.InsufficientFunds):
        return FUNDS_STATUS, _encode(body)
    is_content = isinstance(error, errors.UpstreamRefused) and error.code in CONTENT_CODES
    return CONTENT_STATUS if is_content else error.status, _encode(body)
