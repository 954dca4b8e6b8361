"""What fal refuses: a key that is not its own; and when a job runs, the fields of Pika's endpoints with their limits."""

import re
import uuid

import msgspec
from starlette.responses import Response

from modelgate.core.records import Json
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture

MAX_PROMPT = 10_000
MAX_SEED = 2**32 - 1
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_SCENE_PICTURES = 5
MAX_FRAMES = 5
MAX_FRAMES_SECONDS = 25
MAX_SIDES_RATIO = 2.5
DEFAULT_SECONDS = 5
APP = "fal-ai/pika"

RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:5": (4, 5), "5:4": (5, 4), "3:2": (3, 2), "2:3": (2, 3)}
SHORT_SIDES_PX = {"720p": 720, "1080p": 1080}
SECONDS = (5, 10)
EFFECTS = (
    "Cake-ify",
    "Crumble",
    "Crush",
    "Decapitate",
    "Deflate",
    "Dissolve",
    "Explode",
    "Eye-pop",
    "Inflate",
    "Levitate",
    "Melt",
    "Peel",
    "Poke",
    "Squish",
    "Ta-da",
    "Tear",
)

KEY = "sandbox-key-id:sandbox-key-secret"
_SCHEME = re.compile(r"^Key (?P<secret>\S+)$")


class FalRefused(VendorRefused):
    """The make-believe vendor refuses; `detail` stands under that name in its answer, `kind` in `x-fal-error-type`."""

    def __init__(self, status: int, detail: Json, *, kind: str = "") -> None:
        super().__init__(status, {"detail": detail})
        self.detail = detail
        self.kind = kind

    def response(self, job_id: str = "") -> Response:
        """Return the refusal as the vendor answers it, about a job or about none."""
        answer = super().response()
        answer.headers["x-fal-request-id"] = job_id or str(uuid.uuid4())
        if self.kind:
            answer.headers["x-fal-error-type"] = self.kind
        return answer


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint takes beside a prompt, a negative prompt and a seed."""

    image: bool = False
    """One picture to begin with."""
    effect: bool = False
    scene: bool = False
    frames: bool = False
    ratio: bool = False
    default_resolution: str = "720p"
    needs_prompt: bool = True


_TEXT, _IMAGE = Endpoint(ratio=True), Endpoint(image=True)

ENDPOINTS: dict[str, Endpoint] = {
    "v2.2/text-to-video": _TEXT,
    "v2.2/image-to-video": _IMAGE,
    "v2.2/pikascenes": Endpoint(scene=True, ratio=True),
    "v2.2/pikaframes": Endpoint(frames=True, needs_prompt=False),
    "v2.1/text-to-video": _TEXT,
    "v2.1/image-to-video": _IMAGE,
    "v2/turbo/text-to-video": _TEXT,
    "v2/turbo/image-to-video": _IMAGE,
    "v1.5/pikaffects": Endpoint(image=True, effect=True, needs_prompt=False),
}
"""By the path beneath the application."""


class VideoOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request: a video to be made. Both sides in pixels are even."""

    prompt: str
    width: int
    height: int
    seconds: float
    seed: int


def check_key(given: str | None) -> None:
    """Check the header `authorization` as the vendor does: the scheme is `Key`. Raises FalRefused 401."""
    match = _SCHEME.match(given or "")
    if match is None:
        raise FalRefused(401, "Authentication is required to access this application. Use 'Authorization: Key <FAL_KEY>'.")
    if match["secret"] != KEY:
        raise FalRefused(401, "No user found for Key ID and Secret")


def check_order(path: str, body: Json) -> VideoOrder:
    """Check every field that an endpoint knows; unknown ones are ignored, as the vendor does.

    Raises:
        FalRefused: 404 for an endpoint that is not there, 422 naming the field.
    """
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise FalRefused(404, f"Path /{path[:200]} not found")
    if not isinstance(body, dict):
        raise _invalid("Input should be a valid dictionary or object to extract fields from", kind="model_attributes_type")
    prompt = _text(body, "prompt", required=endpoint.needs_prompt)
    _text(body, "negative_prompt", required=False)
    seed = _number(body, "seed", low=0, high=MAX_SEED)
    ratio = _check_pictures(endpoint, body)
    if endpoint.effect:
        effect = _choice(body, "pikaffect", EFFECTS, default=None)
        return _order(prompt or f"{effect} it", ratio=ratio or (16, 9), resolution="720p", seconds=DEFAULT_SECONDS, seed=seed)
    if endpoint.ratio:
        ratio = RATIOS[_choice(body, "aspect_ratio", tuple(RATIOS), default="16:9")]
    resolution = _choice(body, "resolution", tuple(SHORT_SIDES_PX), default=endpoint.default_resolution)
    if endpoint.scene:
        _choice(body, "ingredients_mode", ("precise", "creative"), default="precise")
    seconds = _transition_seconds(body) if endpoint.frames else _seconds(body)
    return _order(prompt, ratio=ratio or (16, 9), resolution=resolution, seconds=seconds, seed=seed)


def _order(prompt: str, *, ratio: tuple[int, int], resolution: str, seconds: float, seed: int) -> VideoOrder:
    across, down = ratio
    unit = SHORT_SIDES_PX[resolution] / min(across, down)
    width, height = (round(side * unit / 2) * 2 for side in (across, down))
    return VideoOrder(prompt=prompt, width=width, height=height, seconds=seconds, seed=seed)


def _check_pictures(endpoint: Endpoint, body: dict[str, Json]) -> tuple[int, int] | None:
    """Check the pictures that an endpoint takes; return the sides of the first that was sent along, None without one."""
    if endpoint.image:
        return _picture(body.get("image_url"), "image_url", required="image_url" in body)
    if not endpoint.scene and not endpoint.frames:
        return None
    urls = body.get("image_urls")
    if urls is None:
        raise _invalid("Field required", "image_urls", kind="missing")
    if not isinstance(urls, list):
        raise _invalid("Input should be a valid list", "image_urls", kind="list_type")
    low, high = (2, MAX_FRAMES) if endpoint.frames else (1, MAX_SCENE_PICTURES)
    if not low <= len(urls) <= high:
        raise _invalid(f"List should have {low} to {high} items", "image_urls", kind="value_error")
    sides = [_picture(url, "image_urls", required=True) for url in urls]
    return sides[0]


def _picture(url: Json, field: str, *, required: bool) -> tuple[int, int] | None:
    if not required or url is None:
        raise _invalid("Field required", field, kind="missing")
    if not isinstance(url, str):
        raise _invalid("Input should be a valid string", field, kind="string_type")
    if url.startswith(("https://", "http://")):
        return None
    if not url.startswith("data:"):
        raise _invalid("Invalid URL: an https address or a data URI is needed", field, kind="file_download_error")
    try:
        data = decode_data_url(url)
        if len(data) > MAX_IMAGE_BYTES:
            raise _invalid(f"File size exceeds the maximum allowed size of {MAX_IMAGE_BYTES} bytes", field, kind="file_too_large")
        width, height = open_picture(data).size
    except NotAPicture:
        raise _invalid("Failed to load the image. Please ensure the image file is not corrupted.", field, kind="image_load_error") from None
    longer, shorter = max(width, height), max(1, min(width, height))
    if longer / shorter > MAX_SIDES_RATIO:
        raise _invalid(f"Aspect ratio must be at most {MAX_SIDES_RATIO}", field, kind="image_aspect_ratio_error")
    return width, height


def _transition_seconds(body: dict[str, Json]) -> float:
    """Return how long a video between frames is: the sum of its transitions."""
    frames, transitions = body["image_urls"], body.get("transitions")
    gaps = len(frames) - 1
    if transitions is None:
        return float(DEFAULT_SECONDS * gaps)
    if not isinstance(transitions, list) or not all(isinstance(transition, dict) for transition in transitions):
        raise _invalid("Input should be a valid list of transitions", "transitions", kind="list_type")
    if len(transitions) != gaps:
        raise _invalid(f"{gaps} transitions are needed for {gaps + 1} images", "transitions", kind="value_error")
    total = 0
    for transition in transitions:
        _text(transition, "prompt", required=False)
        total += _number(transition, "duration", low=1, high=MAX_FRAMES_SECONDS, default=DEFAULT_SECONDS)
    if total > MAX_FRAMES_SECONDS:
        raise _invalid(f"Total duration must be at most {MAX_FRAMES_SECONDS} seconds", "transitions", kind="value_error")
    return float(total)


def _seconds(body: dict[str, Json]) -> float:
    value = body.get("duration", DEFAULT_SECONDS)
    if isinstance(value, bool) or not isinstance(value, int) or value not in SECONDS:
        raise _invalid("Input should be 5 or 10", "duration", kind="literal_error")
    return float(value)


def _text(body: dict[str, Json], field: str, *, required: bool) -> str:
    value = body.get(field)
    if value is None and (required or field in body):
        raise _invalid("Field required", field, kind="missing")
    if value is not None and not isinstance(value, str):
        raise _invalid("Input should be a valid string", field, kind="string_type")
    if value is not None and len(value) > MAX_PROMPT:
        raise _invalid(f"String should have at most {MAX_PROMPT} characters", field, kind="string_too_long")
    return value or ""


def _number(body: dict[str, Json], field: str, *, low: int, high: int, default: int = 0) -> int:
    value = body.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid("Input should be a valid integer", field, kind="int_type")
    if not low <= value <= high:
        raise _invalid(f"Input should be between {low} and {high}", field, kind="value_error")
    return value


def _choice(body: dict[str, Json], field: str, words: tuple[str, ...], *, default: str | None) -> str:
    value = body.get(field, default)
    if value is None:
        raise _invalid("Field required", field, kind="missing")
    if value not in words:
        raise _invalid(f"Input should be {', '.join(words)}", field, kind="literal_error")
    return str(value)


def _invalid(message: str, field: str = "", *, kind: str) -> FalRefused:
    """Return the refusal of a field in FastAPI's form."""
    return FalRefused(422, [{"loc": ["body", field] if field else ["body"], "msg": message, "type": kind}])
