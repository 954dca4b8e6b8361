"""What Luma's Dream Machine refuses: its key, and the fields of each kind of generation with their limits."""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.magic import MODEL_PREFIX, is_served

MAX_PROMPT = 5_000
MAX_URL = 4_096
MAX_REFERENCES = 4
MAX_CONCEPTS = 8
MAX_SYNC_S = 60
RATIOS = {
    "1:1": (1, 1),
    "16:9": (16, 9),
    "9:16": (9, 16),
    "4:3": (4, 3),
    "3:4": (3, 4),
    "21:9": (21, 9),
    "9:21": (9, 21),
}
SHORT_SIDES_PX = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
DEFAULT_RATIO = "16:9"
DEFAULT_RESOLUTION = "720p"
DEFAULT_DURATION = "5s"
SECONDS = {"5s": 5, "9s": 9}
VIDEO_MODELS = ("ray-1-6", "ray-2", "ray-flash-2")
IMAGE_MODELS = ("photon-1", "photon-flash-1")
MODES = tuple(f"{kind}_{number}" for kind in ("adhere", "flex", "reimagine") for number in (1, 2, 3))
CONCEPTS = (
    *("truck_left", "truck_right", "pan_left", "pan_right", "pedestal_up", "pedestal_down", "tilt_up", "tilt_down", "roll_left"),
    *("roll_right", "zoom_in", "zoom_out", "push_in", "pull_out", "crane_up", "crane_down", "orbit_left", "orbit_right", "dolly_zoom"),
    *("static", "handheld", "selfie", "pov", "over_the_shoulder", "overhead", "eye_level", "low_angle", "high_angle", "ground_level"),
    *("aerial", "aerial_drone", "bolt_cam", "tiny_planet", "elevator_doors"),
)

KEY = "luma-sandbox"
IMAGE_LONG_SIDE_PX = 1536
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


class LumaRefused(VendorRefused):
    """The make-believe Luma refuses; `detail` is what it says."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, {"detail": detail}, detail)
        self.detail = detail


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of generation: its word in `generation_type`, what the body must and may hold, and whether it makes a picture."""

    word: str
    models: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    is_image: bool = False


_REFRAME = ("prompt", "grid_position_x", "grid_position_y", "resized_height", "resized_width", "x_end", "x_start", "y_end", "y_start")
VIDEO = Kind(
    word="video",
    models=VIDEO_MODELS,
    takes=("prompt", "aspect_ratio", "resolution", "duration", "loop", "keyframes", "concepts"),
)
KINDS = {
    "": VIDEO,
    "video": VIDEO,
    "image": Kind(
        word="image",
        models=IMAGE_MODELS,
        takes=(
            *("prompt", "aspect_ratio", "format", "image_ref", "style_ref", "character_ref", "modify_image_ref", "sync", "sync_timeout"),
        ),
        is_image=True,
    ),
    "video/modify": Kind(word="modify_video", models=VIDEO_MODELS[1:], needs=("media", "mode"), takes=("prompt", "first_frame")),
    "video/reframe": Kind(word="reframe_video", models=VIDEO_MODELS[1:], needs=("media", "aspect_ratio"), takes=("first_frame", *_REFRAME)),
    "image/reframe": Kind(
        word="reframe_image", models=IMAGE_MODELS, needs=("media", "aspect_ratio"), takes=("format", *_REFRAME), is_image=True
    ),
    "upscale": Kind(word="upscale_video", takes=("resolution",)),
    "audio": Kind(word="add_audio", takes=("prompt", "negative_prompt")),
}
"""By the path below `/generations/`."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `seconds` 0: a picture of `format`; `parents` are the generations it goes on from."""

    model: str
    words: str
    width: int
    height: int
    seconds: int
    format: str = "mp4"
    with_sound: bool = False
    parents: tuple[str, ...] = ()


def check_key(authorization: str | None, secret: str = KEY) -> None:
    """Check the bearer. Raises LumaRefused 401."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme != "Bearer" or key != secret:
        raise LumaRefused(401, "Invalid API key")


def check_order(kind: Kind, body: Json) -> Order:
    """Check every field of a request; those nobody knows are ignored, as the vendor does. Raises LumaRefused 400."""
    if not isinstance(body, dict):
        raise LumaRefused(400, "Input should be a valid dictionary")
    model = _model_of(kind, body)
    for name in kind.needs:
        if body.get(name) is None:
            raise LumaRefused(400, f"{name}: Field required")
    if body.get("generation_type", kind.word) != kind.word:
        raise LumaRefused(400, f"generation_type: Input should be '{kind.word}'")
    for name in (*kind.needs, *kind.takes, "callback_url"):
        if body.get(name) is not None:
            _CHECKS[name](name, body[name])
    if kind is VIDEO and not body.get("prompt") and not body.get("keyframes"):
        raise LumaRefused(400, "prompt: Field required")
    return _order_of(kind, model, body)


def _model_of(kind: Kind, body: dict[str, Json]) -> str:
    if not kind.models:
        return ""
    model = body.get("model")
    magic = isinstance(model, str) and model.startswith(MODEL_PREFIX) and is_served(model)
    if not magic and model not in kind.models:
        raise LumaRefused(400, f"model: Input should be {_one_of(kind.models)}")
    return str(model)


def _order_of(kind: Kind, model: str, body: dict[str, Json]) -> Order:
    ratio = RATIOS[body.get("aspect_ratio") or DEFAULT_RATIO]
    keyframes = body.get("keyframes") or {}
    parents = tuple(frame["id"] for frame in keyframes.values() if frame and frame["type"] == "generation")
    words = body.get("prompt") or f"{model} {kind.word.replace('_', ' ')}"
    if kind.is_image:
        unit = IMAGE_LONG_SIDE_PX // max(ratio) // 8 * 8
        chosen = body.get("format") or "jpg"
        return Order(model=model, words=words, width=ratio[0] * unit, height=ratio[1] * unit, seconds=0, format=chosen)
    width, height = size_of(ratio, body.get("resolution") or DEFAULT_RESOLUTION)
    seconds = SECONDS[body.get("duration") or DEFAULT_DURATION]
    return Order(
        model=model, words=words, width=width, height=height, seconds=seconds, with_sound=kind.word == "add_audio", parents=parents
    )


def size_of(ratio: tuple[int, int], resolution: str) -> tuple[int, int]:
    """Return width and height in pixels, both even, of a ratio whose short side a resolution names."""
    across, down = ratio
    short = SHORT_SIDES_PX[resolution]
    return round(short * across / min(ratio) / 2) * 2, round(short * down / min(ratio) / 2) * 2


def _one_of(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words[:-1]) + f" or '{words[-1]}'" if len(words) > 1 else f"'{words[0]}'"


def _among(*words: str) -> Callable[[str, Json], None]:
    def check(name: str, value: Json) -> None:
        if not isinstance(value, str) or value not in words:
            raise LumaRefused(400, f"{name}: Input should be {_one_of(words)}")

    return check


def _check_text(name: str, value: Json) -> None:
    if not isinstance(value, str) or len(value) > MAX_PROMPT:
        raise LumaRefused(400, f"{name}: Input should be a string of at most {MAX_PROMPT} characters")


def _check_flag(name: str, value: Json) -> None:
    if not isinstance(value, bool):
        raise LumaRefused(400, f"{name}: Input should be a valid boolean")


def _check_whole(name: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LumaRefused(400, f"{name}: Input should be a valid integer")


def _check_timeout(name: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SYNC_S:
        raise LumaRefused(400, f"{name}: Input should be a number up to {MAX_SYNC_S}")


def check_url(name: str, value: Json) -> None:
    """Check an address: https only, never base64; plain http from a gateway on this machine. Raises LumaRefused 400."""
    parts = urlsplit(value) if isinstance(value, str) and len(value) <= MAX_URL else None
    host = parts.hostname if parts is not None else None
    if parts is None or not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _OWN_MACHINE)):
        raise LumaRefused(400, f"{name}: Input should be an https URL of a public file")


def _check_callback(name: str, value: Json) -> None:
    parts = urlsplit(value) if isinstance(value, str) and len(value) <= MAX_URL else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise LumaRefused(400, f"{name}: Input should be a valid URL")


def _check_media(name: str, value: Json) -> None:
    if not isinstance(value, dict):
        raise LumaRefused(400, f"{name}: Input should be an object with url")
    check_url(f"{name}.url", value.get("url"))


def _check_weighted(name: str, value: Json) -> None:
    _check_media(name, value)
    weight = value.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
        raise LumaRefused(400, f"{name}.weight: Input should be a number from 0 to 1")


def _check_references(name: str, value: Json) -> None:
    if not isinstance(value, list) or len(value) > MAX_REFERENCES:
        raise LumaRefused(400, f"{name}: Input should be a list of at most {MAX_REFERENCES}")
    for number, reference in enumerate(value):
        _check_weighted(f"{name}.{number}", reference)


def _check_character(name: str, value: Json) -> None:
    images = value.get("identity0", {}).get("images") if isinstance(value, dict) and isinstance(value.get("identity0"), dict) else None
    if not isinstance(images, list) or not 1 <= len(images) <= MAX_REFERENCES:
        raise LumaRefused(400, f"{name}.identity0.images: Input should be a list of 1 to {MAX_REFERENCES}")
    for number, image in enumerate(images):
        check_url(f"{name}.identity0.images.{number}", image)


def _check_concepts(name: str, value: Json) -> None:
    if not isinstance(value, list) or len(value) > MAX_CONCEPTS:
        raise LumaRefused(400, f"{name}: Input should be a list of at most {MAX_CONCEPTS}")
    for number, concept in enumerate(value):
        if not isinstance(concept, dict) or concept.get("key") not in CONCEPTS:
            raise LumaRefused(400, f"{name}.{number}.key: Input should be one of the concepts of the list")


def _check_keyframes(name: str, value: Json) -> None:
    if not isinstance(value, dict) or set(value) - {"frame0", "frame1"}:
        raise LumaRefused(400, f"{name}: Input should be an object with frame0 and frame1")
    for frame, reference in value.items():
        if reference is None:
            continue
        place = f"{name}.{frame}"
        match reference:
            case {"type": "image"}:
                check_url(f"{place}.url", reference.get("url"))
            case {"type": "generation"} if isinstance(reference.get("id"), str):
                pass
            case _:
                raise LumaRefused(400, f"{place}: Input should be an image with url, or a generation with id")


_CHECKS: dict[str, Callable[[str, Json], None]] = {
    "prompt": _check_text,
    "negative_prompt": _check_text,
    "aspect_ratio": _among(*RATIOS),
    "resolution": _among(*SHORT_SIDES_PX),
    "duration": _among(*SECONDS),
    "loop": _check_flag,
    "keyframes": _check_keyframes,
    "concepts": _check_concepts,
    "callback_url": _check_callback,
    "format": _among("jpg", "png"),
    "image_ref": _check_references,
    "style_ref": _check_references,
    "character_ref": _check_character,
    "modify_image_ref": _check_weighted,
    "sync": _check_flag,
    "sync_timeout": _check_timeout,
    "media": _check_media,
    "first_frame": _check_media,
    "mode": _among(*MODES),
    **dict.fromkeys(_REFRAME[1:], _check_whole),
}
