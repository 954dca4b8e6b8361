"""Neutral media requests: what a caller asks for, whatever the dialect it came in by.

Vendor-only options keep the vendor's prefix. A caller's empty strings and absent fields are both the default here.
"""

from collections.abc import Sequence
from typing import TypeAlias, assert_never

import msgspec


class MediaInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input file, held in exactly one of three ways.

    `url`: an address, checked and passed on. `blob`: the key of our own stored copy. `data`: the bytes themselves, only
    in memory: between decoding and storing, and again when a call to the vendor is made.
    `content_type` is what the bytes are (sniffed, never as claimed), empty while not known.
    """

    url: str = ""
    blob: str = ""
    data: bytes = b""
    content_type: str = ""


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make pictures from words, and from at most one picture.

    `n` pictures are asked for. `aspect_ratio` is `W:H`, empty for the vendor's default. `output_format` is `png` or `jpeg`. The same
    `seed` makes the same picture. Fidelities lie in [0, 1], tolerance from 0 (strict) to 6.
    """

    model: str
    prompt: str
    negative_prompt: str = ""
    n: int = 1
    aspect_ratio: str = ""
    images: tuple[MediaInput, ...] = ()
    output_format: str = ""
    seed: int | None = None
    bfl_safety_tolerance: int | None = None
    bfl_prompt_upsampling: bool | None = None
    kling_resolution: str = ""
    kling_image_reference: str = ""
    kling_image_fidelity: float | None = None
    kling_human_fidelity: float | None = None


MediaRequest: TypeAlias = ImageRequest
"""The closed union of neutral requests; each names its operation in `operation_of`."""

_UNDERSTOOD_BY_ALL = frozenset(("model", "prompt", "n", "aspect_ratio"))
_IMAGE = msgspec.json.Decoder(ImageRequest)
_ENCODER = msgspec.json.Encoder()


def encode_request(request: MediaRequest) -> bytes:
    """Return the JSON kept in `Task.request`.

    Raises:
        ValueError: an input still holds its bytes; those belong in the blob store.
    """
    if any(item.data for item in inputs_of(request)):
        raise ValueError("inline inputs are stored as blobs before a request is kept")
    return _ENCODER.encode(request)


def decode_request(operation: str, data: bytes) -> MediaRequest:
    """Return the request of a stored task.

    Raises:
        ValueError: no such operation, or not the JSON that `encode_request` made.
    """
    match operation:
        case "image":
            return _IMAGE.decode(data)
        case _:
            raise ValueError(f"no media operation {operation!r}")


def said_fields(request: MediaRequest) -> list[str]:
    """Return the fields that say more than any vendor understands: all that are set beside model, prompt, n and aspect ratio."""
    return [
        field.name
        for field in msgspec.structs.fields(request)
        if field.name not in _UNDERSTOOD_BY_ALL and getattr(request, field.name) != field.default
    ]


def inputs_of(request: MediaRequest) -> tuple[MediaInput, ...]:
    """Return every input file of a request, in order."""
    match request:
        case ImageRequest():
            return request.images
        case _:
            assert_never(request)


def with_inputs(request: MediaRequest, inputs: Sequence[MediaInput]) -> MediaRequest:
    """Return the request with other inputs in the same places.

    Raises:
        ValueError: not as many inputs as there are places.
    """
    if len(inputs) != len(inputs_of(request)):
        raise ValueError(f"{len(inputs)} inputs for {len(inputs_of(request))} places")
    match request:
        case ImageRequest():
            return msgspec.structs.replace(request, images=tuple(inputs))
        case _:
            assert_never(request)
