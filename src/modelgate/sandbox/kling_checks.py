"""What Kling refuses: its signed token, and the fields of an image request with their limits."""

from base64 import urlsafe_b64decode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from modelgate.core.records import Json
from modelgate.core.sandbox import KLING_SECRET, MAGIC_WORDS
from modelgate.sandbox.magic import MODEL_PREFIX
from modelgate.sandbox.vision import NotAPicture, decode_base64, open_picture, shrink

MAX_PROMPT = 2_500
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MIN_IMAGE_PX = 300
MAX_IMAGE_RATIO = 2.5
MAX_PICTURES = 9
MAX_EXTERNAL_ID = 256
DEFAULT_MODEL = "kling-v1"
DEFAULT_RATIO = "16:9"
MODELS = ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
MODELS_AND_MAGIC = (*MODELS, *(MODEL_PREFIX + word for word in MAGIC_WORDS))
NEWER_MODELS = ("kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
NEWER_RATIOS = ("21:9",)

_STATUS = {
    1000: 401,
    1001: 401,
    1002: 401,
    1003: 401,
    1004: 401,
    1103: 403,
    1202: 404,
    1203: 404,
    1302: 429,
    1303: 429,
    5000: 500,
    5001: 503,
}


class KlingRefused(Exception):
    """The make-believe Kling refuses with a code of its own."""

    def __init__(self, code: int, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)


class ImageOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked image request. `reference` is a thumbnail of the given picture, None without one or when it is at an address."""

    model: str
    prompt: str
    negative_prompt: str
    reference: bytes | None
    has_image: bool
    resolution: str
    n: int
    ratio: str
    external_id: str


def check_token(authorization: str | None, *, now: float) -> None:
    """Check `Authorization: Bearer <JWT>` as the vendor does. Raises KlingRefused 1000 to 1004."""
    if not authorization:
        raise KlingRefused(1001, "Authorization is empty")
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer" or token.count(".") != 2:
        raise KlingRefused(1002, "Authorization is invalid")
    access_key, _, secret_key = KLING_SECRET.partition("|")
    if _header_of(token) != {"alg": "HS256", "typ": "JWT"}:
        raise KlingRefused(1000, "auth failed: the token's header must be alg HS256, typ JWT")
    try:
        claims = jwt.decode(token, OctKey.import_key(secret_key), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        raise KlingRefused(1002, "Authorization is invalid: signature") from None
    if claims.get("iss") != access_key:
        raise KlingRefused(1002, "Authorization is invalid: access key not found")
    if not isinstance(claims.get("exp"), int) or not isinstance(claims.get("nbf"), int):
        raise KlingRefused(1000, "auth failed: the token needs exp and nbf")
    if claims["nbf"] > now:
        raise KlingRefused(1003, "Authorization is not yet valid")
    if claims["exp"] <= now:
        raise KlingRefused(1004, "Authorization has expired")


def _header_of(token: str) -> Json:
    head = token.partition(".")[0]
    try:
        return msgspec.json.decode(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise KlingRefused(1002, "Authorization is invalid") from None


def check_image_order(body: Json) -> ImageOrder:
    """Check every field of an image request; unknown fields are ignored, as `model` is.

    Raises:
        KlingRefused: 1200 for a wrong shape, 1201 for a wrong value.
    """
    if not isinstance(body, dict):
        raise KlingRefused(1200, "request body must be a JSON object")
    model = _one_of(body, "model_name", MODELS_AND_MAGIC, default=DEFAULT_MODEL)
    prompt = _text(body, "prompt", most=MAX_PROMPT)
    if not prompt.strip():
        raise KlingRefused(1201, "prompt can not be empty")
    negative = _text(body, "negative_prompt", most=MAX_PROMPT)
    image = _text(body, "image", most=2 * MAX_IMAGE_BYTES)
    ratio = _one_of(body, "aspect_ratio", RATIOS, default=DEFAULT_RATIO)
    resolution = _one_of(body, "resolution", ("1k", "2k"), default="1k")
    _check_newer(model, ratio=ratio, resolution=resolution)
    _check_reference(body, model=model, has_image=bool(image), has_negative=bool(negative))
    _number(body, "image_fidelity", low=0, high=1)
    _number(body, "human_fidelity", low=0, high=1)
    callback = _text(body, "callback_url", most=2_048)
    if callback and not callback.startswith(("http://", "https://")):
        raise KlingRefused(1201, "callback_url value is invalid")
    return ImageOrder(
        model=model,
        prompt=prompt,
        negative_prompt=negative,
        reference=_checked_image(image) if image else None,
        has_image=bool(image),
        resolution=resolution,
        n=_count(body),
        ratio=ratio,
        external_id=_text(body, "external_task_id", most=MAX_EXTERNAL_ID),
    )


def _text(body: dict[str, Json], name: str, *, most: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise KlingRefused(1200, f"{name} must be a string")
    if len(value) > most:
        raise KlingRefused(1201, f"{name} must be at most {most} characters")
    return value


def _one_of(body: dict[str, Json], name: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = _text(body, name, most=200) if name in body else default
    if value and value not in allowed:
        raise KlingRefused(1201, f"{name} value '{value}' is invalid")
    return value or default


def _number(body: dict[str, Json], name: str, *, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise KlingRefused(1200, f"{name} must be a number")
    if not low <= value <= high:
        raise KlingRefused(1201, f"{name} value must be in [{low}, {high}]")


def _count(body: dict[str, Json]) -> int:
    value = body.get("n")
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool):
        raise KlingRefused(1200, "n must be an integer")
    if not 1 <= value <= MAX_PICTURES:
        raise KlingRefused(1201, f"n value must be in [1, {MAX_PICTURES}]")
    return value


def _check_newer(model: str, *, ratio: str, resolution: str) -> None:
    if model in NEWER_MODELS:
        return
    if ratio in NEWER_RATIOS:
        raise KlingRefused(1201, f"aspect_ratio '{ratio}' is not supported by {model}")
    if resolution != "1k":
        raise KlingRefused(1201, f"resolution '{resolution}' is not supported by {model}")


def _check_reference(body: dict[str, Json], *, model: str, has_image: bool, has_negative: bool) -> None:
    reference = _one_of(body, "image_reference", ("subject", "face"), default="")
    if has_image and has_negative:
        raise KlingRefused(1201, "negative_prompt is not supported together with image")
    if has_image and model == "kling-v1-5" and not reference:
        raise KlingRefused(1201, "image_reference is required with image for kling-v1-5")
    if reference and not has_image:
        raise KlingRefused(1201, "image_reference needs image")
    if body.get("human_fidelity") is not None and reference != "subject":
        raise KlingRefused(1201, "human_fidelity is only valid when image_reference is subject")


def _checked_image(image: str) -> bytes | None:
    """Return a thumbnail of a picture in base64; None for an address, which the make-believe vendor does not fetch."""
    if image.startswith(("http://", "https://")):
        return None
    if image.startswith("data:"):
        raise KlingRefused(1201, "image must be a URL or base64 without the data: prefix")
    try:
        data = decode_base64(image)
        picture = open_picture(data)
    except NotAPicture:
        raise KlingRefused(1201, "image is neither a URL nor the base64 of a picture") from None
    if picture.format not in ("JPEG", "PNG"):
        raise KlingRefused(1201, "image format must be jpg, jpeg or png")
    if len(data) > MAX_IMAGE_BYTES:
        raise KlingRefused(1201, "image size must be at most 10MB")
    short, long = sorted(picture.size)
    if short < MIN_IMAGE_PX:
        raise KlingRefused(1201, f"image width and height must be at least {MIN_IMAGE_PX}px")
    if long > short * MAX_IMAGE_RATIO:
        raise KlingRefused(1201, "image aspect ratio must be between 1:2.5 and 2.5:1")
    try:
        return shrink(picture)
    except NotAPicture:
        raise KlingRefused(1201, "image breaks off") from None
