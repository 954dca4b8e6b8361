"""What Runway refuses: its key, its version header, and the fields of each model with their limits."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.magic import MODEL_PREFIX, is_served
from modelgate.sandbox.runway.schema import ENDPOINTS, LEGACY, MAGIC_RULES, Rules
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture

KEY = "key_sandbox"
VERSION = "2024-11-06"
MAX_PROMPT_UNITS = 1_000
"""UTF-16 code units."""

MAX_SEED = 2**32 - 1
MAX_URL = 2_048
MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAX_VIDEO_BYTES = 16 * 1024 * 1024
"""Of a data URI; what an address holds is not fetched here."""

MAX_REFERENCES = 3
MAX_KEYFRAMES = 5
MAX_INTENSITY = 5
IMAGE_TYPES = ("image/jpeg", "image/jpg", "image/png", "image/webp")
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/3gpp", "video/ogg")
DEFAULT_SIZE = "1280:720"
REFERENCE_S = 5
"""How long a video that is edited or acted after is taken to be: it is not looked into."""

_TAG = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]{2,15}$")
_TARGETS = {"16:9": "1280:720", "9:16": "720:1280", "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
_TARGETS |= {"3:2": "1248:832", "2:3": "832:1248"}


class RunwayRefused(VendorRefused):
    """The make-believe Runway refuses; `field` is what stands in the way, empty when it is not a field."""

    def __init__(self, status: int, message: str, *, field: str = "") -> None:
        said: dict[str, Json] = {"error": message}
        if field:
            said = {"error": f"Validation of body failed: {field}: {message}", "issues": [{"path": field.split("."), "message": message}]}
        super().__init__(status, said, message)
        self.field = field


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `seconds` 0: a picture."""

    model: str
    words: str
    width: int
    height: int
    seconds: int
    with_sound: bool
    credits: int


def check_headers(authorization: str | None, version: str | None) -> None:
    """Check the key, then the version. Raises RunwayRefused 401, 400."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme != "Bearer" or key != KEY:
        raise RunwayRefused(401, "The API key is missing or invalid.")
    if version != VERSION:
        raise RunwayRefused(400, f"The X-Runway-Version header must be {VERSION}", field="X-Runway-Version")


def check_order(endpoint: str, body: Json) -> Order:
    """Check every field of a request; one that the model does not take is refused. Raises RunwayRefused 400."""
    if not isinstance(body, dict):
        raise RunwayRefused(400, "Expected an object")
    model = body.get("model")
    if not isinstance(model, str):
        raise RunwayRefused(400, "Required", field="model")
    rules = _rules_of(endpoint, model)
    for name in rules.needs:
        if body.get(name) is None:
            raise RunwayRefused(400, "Required", field=name)
    for name, value in body.items():
        if name != "model":
            if name not in (*rules.needs, *rules.takes):
                raise RunwayRefused(400, "Unrecognized key", field=name[:100])
            _CHECKS[name](name, value, rules)
    return _order_of(endpoint, model, body, rules)


def _rules_of(endpoint: str, model: str) -> Rules:
    rules = ENDPOINTS[endpoint].get(model)
    if rules is None and model.startswith(MODEL_PREFIX) and is_served(model):
        rules = MAGIC_RULES.get(endpoint)
    if rules is None:
        raise RunwayRefused(400, f"Invalid discriminator value. Expected one of {', '.join(ENDPOINTS[endpoint])}", field="model")
    return rules


def _order_of(endpoint: str, model: str, body: dict[str, Json], rules: Rules) -> Order:
    size = _TARGETS.get(body.get("targetAspectRatio", ""), body.get("ratio") or (rules.ratios[0] if rules is LEGACY else DEFAULT_SIZE))
    width, height = (int(side) for side in size.split(":"))
    is_picture = endpoint == "text_to_image"
    seconds = 0 if is_picture else body.get("duration") or (REFERENCE_S if 5 in rules.seconds or not rules.seconds else rules.seconds[-1])
    return Order(
        model=model,
        words=body.get("promptText") or f"{model} {endpoint.replace('_', ' ')}",
        width=width,
        height=height,
        seconds=seconds,
        with_sound="audio" in rules.takes and body.get("audio", True),
        credits=max(rules.fewest_credits, rules.credits * (1 if is_picture else seconds)),
    )


def _check_text(name: str, value: Json, _: Rules) -> None:
    units = len(value.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(value, str) else 0
    if not 1 <= units <= MAX_PROMPT_UNITS:
        raise RunwayRefused(400, f"String must contain 1 to {MAX_PROMPT_UNITS} characters", field=name)


def _check_ratio(name: str, value: Json, rules: Rules) -> None:
    if value not in rules.ratios:
        raise RunwayRefused(400, f"Invalid enum value. Expected one of {', '.join(rules.ratios)}", field=name)


def _check_target(name: str, value: Json, _: Rules) -> None:
    if not isinstance(value, str) or value not in _TARGETS:
        raise RunwayRefused(400, f"Invalid enum value. Expected one of {', '.join(_TARGETS)}", field=name)


def _check_duration(name: str, value: Json, rules: Rules) -> None:
    if isinstance(value, bool) or value not in rules.seconds:
        raise RunwayRefused(400, f"Invalid value. Expected one of {', '.join(map(str, rules.seconds))}", field=name)


def _check_whole(name: str, value: Json, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RunwayRefused(400, f"Expected an integer from {low} to {high}", field=name)


def _check_seed(name: str, value: Json, _: Rules) -> None:
    _check_whole(name, value, 0, MAX_SEED)


def _check_intensity(name: str, value: Json, _: Rules) -> None:
    _check_whole(name, value, 1, MAX_INTENSITY)


def _check_flag(name: str, value: Json, _: Rules) -> None:
    if not isinstance(value, bool):
        raise RunwayRefused(400, "Expected a boolean", field=name)


def _check_moderation(name: str, value: Json, _: Rules) -> None:
    if not isinstance(value, dict) or set(value) - {"publicFigureThreshold"}:
        raise RunwayRefused(400, "Expected an object with publicFigureThreshold", field=name)
    if value.get("publicFigureThreshold", "auto") not in ("auto", "low"):
        raise RunwayRefused(400, "Invalid enum value. Expected auto or low", field=f"{name}.publicFigureThreshold")


def _check_prompt_image(name: str, value: Json, rules: Rules) -> None:
    if isinstance(value, str):
        _check_uri(name, value, IMAGE_TYPES)
        return
    if not isinstance(value, list) or not 1 <= len(value) <= len(rules.positions):
        raise RunwayRefused(400, f"Expected a string, or an array of up to {len(rules.positions)} images", field=name)
    positions = []
    for number, image in enumerate(value):
        place = f"{name}.{number}"
        if not isinstance(image, dict) or set(image) != {"uri", "position"}:
            raise RunwayRefused(400, "Expected an object with uri and position", field=place)
        _check_uri(f"{place}.uri", image["uri"], IMAGE_TYPES)
        if image["position"] not in rules.positions or image["position"] in positions:
            raise RunwayRefused(400, f"Invalid position. Expected {' and '.join(rules.positions)}, each once", field=f"{place}.position")
        positions.append(image["position"])
    if rules.last_needs_first and positions == ["last"]:
        raise RunwayRefused(400, "The last image needs a first one", field=name)


def _check_references(name: str, value: Json, _: Rules) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REFERENCES:
        raise RunwayRefused(400, f"Expected 1 to {MAX_REFERENCES} images", field=name)
    for number, image in enumerate(value):
        if not isinstance(image, dict) or not {"uri"} <= set(image) <= {"uri", "tag"}:
            raise RunwayRefused(400, "Expected an object with uri and tag", field=f"{name}.{number}")
        _check_uri(f"{name}.{number}.uri", image["uri"], IMAGE_TYPES)
        tag = image.get("tag", "abc")
        if not isinstance(tag, str) or not _TAG.match(tag):
            raise RunwayRefused(400, "Expected 3 to 16 characters, a letter first", field=f"{name}.{number}.tag")


def _check_keyframes(name: str, value: Json, _: Rules) -> None:
    if not isinstance(value, list) or len(value) > MAX_KEYFRAMES:
        raise RunwayRefused(400, f"Expected up to {MAX_KEYFRAMES} keyframes", field=name)
    for number, frame in enumerate(value):
        if not isinstance(frame, dict):
            raise RunwayRefused(400, "Expected an object with uri", field=f"{name}.{number}")
        _check_uri(f"{name}.{number}.uri", frame.get("uri"), IMAGE_TYPES)


def _check_video(name: str, value: Json, _: Rules) -> None:
    _check_uri(name, value, VIDEO_TYPES)


def _check_actor(name: str, value: Json, _: Rules) -> None:
    kinds = ("image", "video") if name == "character" else ("video",)
    if not isinstance(value, dict) or set(value) != {"type", "uri"} or value["type"] not in kinds:
        raise RunwayRefused(400, f"Expected an object with type ({' or '.join(kinds)}) and uri", field=name)
    _check_uri(f"{name}.uri", value["uri"], IMAGE_TYPES if value["type"] == "image" else VIDEO_TYPES)


def _check_uri(name: str, value: Json, types: tuple[str, ...]) -> None:
    """Check an address or data URI: of an address only its form, of a picture also that it is one."""
    if isinstance(value, str) and value.startswith("data:"):
        _check_data_uri(name, value, types)
        return
    parts = urlsplit(value) if isinstance(value, str) and len(value) <= MAX_URL else None
    if parts is None or parts.scheme not in ("https", "runway") or not parts.hostname:
        raise RunwayRefused(400, f"Expected an https URL of up to {MAX_URL} characters, or a data URI", field=name)
    if ":" in parts.hostname or parts.hostname.replace(".", "").isdecimal():
        raise RunwayRefused(400, "The URL must have a host name, not an IP address", field=name)


def _check_data_uri(name: str, value: str, types: tuple[str, ...]) -> None:
    most = MAX_IMAGE_BYTES if types is IMAGE_TYPES else MAX_VIDEO_BYTES
    if value[5:].partition(";")[0].partition(",")[0].lower() not in types:
        raise RunwayRefused(400, f"Invalid asset type. Expected one of {', '.join(types)}", field=name)
    if len(value) > most * 4 // 3 + 100:
        raise RunwayRefused(400, f"The data URI must hold at most {most >> 20} MB", field=name)
    try:
        data = decode_data_url(value)
        if types is IMAGE_TYPES:
            open_picture(data)
    except NotAPicture:
        raise RunwayRefused(400, "Invalid data URI: not a picture in base64", field=name) from None


_CHECKS: dict[str, Callable[[str, Json, Rules], None]] = {
    "promptText": _check_text,
    "negativePrompt": _check_text,
    "promptImage": _check_prompt_image,
    "ratio": _check_ratio,
    "targetAspectRatio": _check_target,
    "duration": _check_duration,
    "seed": _check_seed,
    "audio": _check_flag,
    "bodyControl": _check_flag,
    "expressionIntensity": _check_intensity,
    "contentModeration": _check_moderation,
    "referenceImages": _check_references,
    "keyframes": _check_keyframes,
    "videoUri": _check_video,
    "character": _check_actor,
    "reference": _check_actor,
}
