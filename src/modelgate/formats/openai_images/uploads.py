"""Pictures that come in a form."""

from modelgate.core.errors import InvalidRequest
from modelgate.formats.json_fields import MISSING
from modelgate.formats.multipart import Form, Part
from modelgate.formats.openai_chat.request import say

MAX_UPLOAD_BYTES = 50 * 1024 * 1024


def uploads_of(form: Form, field: str, *, most: int) -> list[Part]:
    """Return the pictures of a field, of which there must be one and may be `most`. Raises InvalidRequest."""
    uploads = form.files(field)
    if not uploads:
        raise InvalidRequest(say(field, MISSING), param=field, code="missing_required_parameter")
    if len(uploads) > most:
        raise InvalidRequest(say(field, f"this model takes at most {most}"), param=field, code="array_above_max_length")
    for upload in uploads:
        check_upload(upload, field)
    return uploads


def check_upload(upload: Part, field: str) -> None:
    """Raise InvalidRequest for a picture that no upstream would take: nameless, empty or too large."""
    if not upload.filename:
        raise InvalidRequest(say(field, "the file has no filename"), param=field, code="invalid_value")
    if not 0 < upload.size_bytes <= MAX_UPLOAD_BYTES:
        reason = f"a file of 1 to {MAX_UPLOAD_BYTES} bytes is expected, not {upload.size_bytes}"
        raise InvalidRequest(say(field, reason), param=field, code="invalid_value")
