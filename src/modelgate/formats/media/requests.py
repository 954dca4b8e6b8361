"""Neutral media requests: what a caller asks for, whatever the dialect it came in by.

What only one vendor understands goes into `options`, under names with the vendor's prefix (`kling_resolution`). A caller's empty strings
and absent fields are both the default here. An operation is a kind of request (`image`, `video`, `music`), or a kind and what is done
(`video.extend`, `image.describe`).
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from modelgate.core.records import Json, TaskOutput


class MediaInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input file, held in exactly one of three ways.

    `url`: an address, checked and passed on. `blob`: the key of our own stored copy. `data`: the bytes themselves, only
    in memory: between decoding and storing, and again when a call to the vendor is made.
    `content_type` is what the bytes are (sniffed, never as claimed), empty while not known. `role` is the place of the file in the work:
    `image`, `first_frame`, `last_frame`, `mask`, `reference`, `audio`, …
    """

    url: str = ""
    blob: str = ""
    data: bytes = b""
    content_type: str = ""
    role: str = "image"


class Parent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The earlier work that a request builds on.

    A dialect names the task by our id, or a result by the vendor's id of it (`TaskOutput.vendor_id`), or both; `index` is the result's
    number from 1 where that is how it is named. The gateway finds the rest: `vendor_task` and `operation` are the task's.
    """

    task: str = ""
    output: str = ""
    index: int = 0
    vendor_task: str = ""
    operation: str = ""


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """The work that a request builds on, as it was asked for and came out.

    `output` is the result that is meant, None when that is open. `length_ms`: how long that lasts, 0 when nobody knows.
    """

    model: str
    request: "MediaRequest"
    output: TaskOutput | None = None

    @property
    def length_ms(self) -> int:
        """Return how long the result lasts: as it was measured, else as it was asked for; 0 when nobody knows."""
        measured_ms = self.output.duration_ms if self.output is not None else 0
        asked_s = 0 if isinstance(self.request, ImageRequest) else self.request.seconds
        return measured_ms or asked_s * 1000


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make pictures, or words about one (`image.describe`).

    `n` pictures are asked for. `aspect_ratio` is `W:H`, `size` `WxH` in pixels, empty for the vendor's default. `quality` is a step of the
    vendor's that its price depends on. `output_format` is `png` or `jpeg`. The same `seed` makes the same picture.
    """

    model: str
    prompt: str = ""
    negative_prompt: str = ""
    n: int = 1
    aspect_ratio: str = ""
    size: str = ""
    quality: str = ""
    inputs: tuple[MediaInput, ...] = ()
    output_format: str = ""
    seed: int | None = None
    parent: Parent | None = None
    options: dict[str, Json] = {}


class VideoRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make videos. `seconds` 0 is the vendor's default length. `resolution` is like `720p`. `sound`: with a sound track."""

    model: str
    prompt: str = ""
    negative_prompt: str = ""
    n: int = 1
    seconds: int = 0
    aspect_ratio: str = ""
    resolution: str = ""
    quality: str = ""
    sound: bool = False
    inputs: tuple[MediaInput, ...] = ()
    seed: int | None = None
    parent: Parent | None = None
    options: dict[str, Json] = {}


class MusicRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make songs, or words for one (`music.lyrics`). `prompt` says what it is about; `lyrics` are the words themselves."""

    model: str
    prompt: str = ""
    lyrics: str = ""
    title: str = ""
    style: str = ""
    negative_style: str = ""
    instrumental: bool = False
    seconds: int = 0
    n: int = 1
    inputs: tuple[MediaInput, ...] = ()
    parent: Parent | None = None
    options: dict[str, Json] = {}


MediaRequest: TypeAlias = ImageRequest | VideoRequest | MusicRequest
"""The closed union of neutral requests."""

REQUEST_TYPES: Final[dict[str, type[MediaRequest]]] = {"image": ImageRequest, "video": VideoRequest, "music": MusicRequest}
MAX_OPTIONS = 64
DIALOG: Final = "modal"
"""What is done by an operation that fills in the dialog of an earlier task."""

_UNDERSTOOD_BY_ALL = frozenset(("model", "prompt", "n", "aspect_ratio", "inputs", "options"))
_DECODERS = {kind: msgspec.json.Decoder(request) for kind, request in REQUEST_TYPES.items()}
_ENCODER = msgspec.json.Encoder()


def kind_of(operation: str) -> str:
    """Return the kind of request that an operation takes: `video` of `video.extend`."""
    return operation.partition(".")[0]


def fills_dialog(operation: str) -> bool:
    """Return whether an operation fills in the dialog of an earlier task, which waits for it and ends when it is taken."""
    return operation.partition(".")[2] == DIALOG


def encode_request(request: MediaRequest) -> bytes:
    """Return the JSON kept in `Task.request`.

    Raises:
        ValueError: an input still holds its bytes; those belong in the blob store.
    """
    if any(item.data for item in request.inputs):
        raise ValueError("inline inputs are stored as blobs before a request is kept")
    return _ENCODER.encode(request)


def decode_request(operation: str, data: bytes) -> MediaRequest:
    """Return the request of a stored task.

    Raises:
        ValueError: no such operation, or not the JSON that `encode_request` made.
    """
    decoder = _DECODERS.get(kind_of(operation))
    if decoder is None:
        raise ValueError(f"no media operation {operation!r}")
    return decoder.decode(data)


def said_fields(request: MediaRequest) -> list[str]:
    """Return what a request says beyond what any vendor understands: fields that are set, options, and the roles of inputs."""
    fields = [
        field.name
        for field in msgspec.structs.fields(request)
        if field.name not in _UNDERSTOOD_BY_ALL and getattr(request, field.name) != field.default
    ]
    return [*fields, *request.options, *dict.fromkeys(item.role for item in request.inputs)]


def price_words(operation: str, request: MediaRequest) -> frozenset[str]:
    """Return the words by which variants of a price are chosen: `pro`, `720p`, `10s`, `sound`, `with_image`, `extend`."""
    words = {f"with_{item.role}" for item in request.inputs} | {operation.partition(".")[2]}
    match request:
        case ImageRequest():
            words.add(request.quality)
        case VideoRequest():
            words |= {request.quality, request.resolution, f"{request.seconds}s", "sound" if request.sound else ""}
        case MusicRequest():
            words.add(f"{request.seconds}s")
    return frozenset(words - {"", "0s"})


def with_inputs(request: MediaRequest, inputs: Sequence[MediaInput]) -> MediaRequest:
    """Return the request with other inputs in the same places.

    Raises:
        ValueError: not as many inputs as there are places.
    """
    if len(inputs) != len(request.inputs):
        raise ValueError(f"{len(inputs)} inputs for {len(request.inputs)} places")
    return msgspec.structs.replace(request, inputs=tuple(inputs)) if inputs else request


def inputs_in(request: MediaRequest, role: str) -> tuple[MediaInput, ...]:
    """Return the inputs of one role, in order."""
    return tuple(item for item in request.inputs if item.role == role)
