"""Ideogram: pictures by its native API of 3.0, which answers with the results.

Source: Ideogram's API reference of v3, read 2026-11. All routes take forms, even without files. Edits go to `inpaint`, the successor of
`edit` (deprecated 2026-04-29). There is no lookup: nobody can tell what became of a submit without
an answer. Pictures that its safety check withholds were made, and are billed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.ideogram import rules
from modelgate.formats.ideogram.schema import MAX_IMAGES
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.media.vendor_answers import UNREADABLE, finished, reader_of
from modelgate.formats.media.vendor_calls import encode_json
from modelgate.formats.media.vendor_status import STATUSES, Refusal, submit_refused
from modelgate.formats.multipart import Upload, render_form

OPERATIONS_PATH = "/v1/ideogram-v3/"
CROWDED_PAUSE_S = 2.0
SUBMIT_TIMEOUT_S = 120.0
DEADLINE_S = 900.0
PICTURES_AT_ONCE = 10
"""As the vendor allows by default."""
MAX_PROMPT_KEPT = 20_000
"""Of the prompt that the vendor wrote anew."""
_PATHS = {
    rules.GENERATE: "generate",
    rules.EDIT: "inpaint",
    rules.REMIX: "remix",
    rules.REFRAME: "reframe",
    rules.REPLACE_BACKGROUND: "replace-background",
}
_FILE_FIELDS = {"image": "image", "mask": "mask", **{role: rules.FIELD_NAMES[role] for role in ("style", "character", "character_mask")}}
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_TEXT_OPTIONS = ("ideogram_magic_prompt", "ideogram_style_type", "ideogram_style_preset", "ideogram_image_weight")


class _Item(msgspec.Struct, frozen=True):
    url: str | None = None
    prompt: str | None = None
    resolution: str | None = None
    upscaled_resolution: str | None = None
    is_image_safe: bool | None = None
    seed: int | None = None
    style_type: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Item]
    created: str | None = None


class _Inner(msgspec.Struct, frozen=True):
    message: str = ""


class _Told(msgspec.Struct, frozen=True):
    """What an answer that is no 200 says, if it says anything; gateways before the vendor say it within `error`."""

    error: str | _Inner | None = None
    message: str | None = None
    detail: str | None = None
    reject_reason: str | None = None


_STATUSES = {
    **STATUSES,
    422: Refusal(refusals.CONTENT_REFUSED, retryable=False),  # a prompt or picture that its policy refuses
    429: Refusal(refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S),
    503: Refusal(refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S),
}

_read_answer = reader_of(_Answer)
_decode_told = msgspec.json.Decoder(_Told).decode


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the authentication headers; the key is a plain one."""
    del now
    return (("api-key", secret),)


def encode_submit(operation: str, request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that makes pictures. The vendor has no place for our task id, and no names of models but in paths.

    Raises:
        ValueError: an input is not there as bytes.
    """
    del model
    fields: list[tuple[str, str | Upload]] = [(name, value) for name, value in _texts_of(request) if value]
    fields += [("style_codes", str(code)) for code in _codes_of(request)]
    fields += [(_FILE_FIELDS[item.role], _upload(item, number)) for number, item in enumerate(request.inputs)]
    content_type, body = render_form(fields, seed=task_id)
    headers = (("content-type", content_type.decode()),)
    return UpstreamCall(method="POST", path=OPERATIONS_PATH + _PATHS[operation], headers=headers, body=body)


def _texts_of(request: ImageRequest) -> list[tuple[str, str]]:
    palette = request.options.get("ideogram_color_palette")
    return [
        ("prompt", request.prompt),
        ("negative_prompt", request.negative_prompt),
        ("num_images", str(request.n)),
        ("seed", "" if request.seed is None else str(request.seed)),
        ("resolution", request.size),
        ("aspect_ratio", request.aspect_ratio.replace(":", "x")),
        ("rendering_speed", request.quality.upper()),
        *((rules.FIELD_NAMES[name], str(value)) for name in _TEXT_OPTIONS if (value := request.options.get(name)) is not None),
        ("color_palette", encode_json(palette).decode() if palette is not None else ""),
    ]


def _codes_of(request: ImageRequest) -> list[Any]:
    codes = request.options.get("ideogram_style_codes")
    return codes if isinstance(codes, list) else []  # pyright: ignore[reportUnknownVariableType]  # JSON


def _upload(item: MediaInput, number: int) -> Upload:
    if not item.data:
        raise ValueError("an input is not there as bytes")
    extension = _EXTENSIONS.get(item.content_type, "png")
    return Upload(filename=f"{item.role}-{number}.{extension}", content_type=item.content_type or "image/png", data=item.data)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer: the pictures, a refusal, or neither (`state` None and not `refused`): then they may have been made."""
    if status != 200:
        return submit_refused(status, _said(body), statuses=_STATUSES)
    answer = _read_answer(body)
    if answer is None:
        return VendorState()
    if not answer.data:
        return finished(())
    details: dict[str, Json] = {"created": answer.created} if answer.created else {}
    return VendorState(state="succeeded", outputs=tuple(_output(item) for item in answer.data), details=details, billed=len(answer.data))


def _output(item: _Item) -> TaskOutput:
    is_safe = item.is_image_safe is not False
    told: dict[str, Json] = {
        "prompt": (item.prompt or "")[:MAX_PROMPT_KEPT],
        "resolution": item.resolution,
        "upscaled_resolution": item.upscaled_resolution,
        "seed": item.seed,
        "style_type": item.style_type,
    }
    details = {name: value for name, value in told.items() if value not in (None, "")}
    return TaskOutput(kind="image", url=item.url or "" if is_safe else "", details={**details, "is_image_safe": is_safe})


def _said(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when it is not the vendor that speaks."""
    try:
        told = _decode_told(body)
    except msgspec.ValidationError:
        return ""  # JSON, but of no shape we know: the vendor spoke all the same
    except UNREADABLE:
        return None
    error = told.error.message if isinstance(told.error, _Inner) else told.error
    return error or told.message or told.detail or ""


def _check(operation: str) -> Callable[[Any, str], None]:
    def check(request: ImageRequest, model: str) -> None:
        del model
        rules.check_request(request, operation, {})

    return check


def _operation(operation: str) -> MediaOperation:
    return MediaOperation(
        encode_submit=partial(encode_submit, operation),
        parse_submit=parse_submit,
        check=_check(operation),
        deadline_s=DEADLINE_S,
        submit_timeout_s=SUBMIT_TIMEOUT_S,
        max_n=MAX_IMAGES,
        takes=rules.TAKES[operation],
    )


PROVIDER = Provider(
    name="ideogram",
    title="Ideogram",
    base_url="https://api.ideogram.ai",
    media={operation: _operation(operation) for operation in _PATHS},
    sign=sign,
    environment={"IDEOGRAM_API_KEY": "secret"},
    # A generation of v2 that nobody knows: a good key is told that it is not there, and nothing is made.
    probe_path="/v2/generations/modelgate-probe",
    twin=Twin(key="ideogram-sandbox", max_concurrent=PICTURES_AT_ONCE),
    documentation="https://developer.ideogram.ai/api-reference, read 2026-11",
)
