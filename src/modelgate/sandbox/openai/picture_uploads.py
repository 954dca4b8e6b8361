"""Pictures that come with an order, in a form or as JSON: for edits and variations."""

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.forms import Form, Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import missing, wants, wrong_type
from modelgate.sandbox.openai.forms import as_typed, uploads_of
from modelgate.sandbox.openai.message_checks import check_image
from modelgate.sandbox.openai.models import check_object
from modelgate.sandbox.openai.picture_checks import (
    DALL_E_2,
    DEFAULT_MODEL,
    Family,
    check_order,
    check_picture_model,
    check_prompt,
    check_stream,
    family_of,
)
from modelgate.sandbox.tokens import REMOTE_IMAGE_PX
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture

MAX_PICTURES = 16
MAX_BYTES = 50 * 1024 * 1024
MAX_DALL_E_2_BYTES = 4 * 1024 * 1024
MAX_MASK_BYTES = 4 * 1024 * 1024
EDIT_MODEL = "gpt-image-1"
_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_NUMBERS = ("n", "output_compression", "partial_images")
_SWITCHES = ("stream",)
_EDIT_FIELDS = frozenset(("image", "mask", "input_fidelity"))


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that came along. `data` None: it is somewhere on the net, and the sandbox does not fetch it."""

    data: bytes | None
    size: tuple[int, int]
    transparent: bool = False


def read_edit(body: Json) -> tuple[dict[str, Json], tuple[Shown, ...], Shown | None]:
    """Return the fields of an edit, its pictures and its mask. Raises Refused."""
    check_object(body)
    is_form = "image" in body or "images" not in body
    fields = as_typed(body, numbers=_NUMBERS, switches=_SWITCHES) if is_form and _has_uploads(body) else body
    family = family_of(check_picture_model(fields, default=EDIT_MODEL))
    check_order(fields, family=family, also=_EDIT_FIELDS if is_form else frozenset(("images", "mask", "input_fidelity")))
    if not is_form and family is DALL_E_2:
        raise Refused("Unsupported content type: 'application/json'. This model takes 'multipart/form-data'.", param="model")
    check_prompt(fields, family=family)
    check_stream(fields)
    shown = _uploaded(body, family=family) if is_form else _linked(body)
    mask = _mask(body, is_form=is_form)
    if mask is not None and mask.data is not None and shown[0].data is not None and mask.size != shown[0].size:
        raise Refused("Invalid mask image: the mask and the image must have the same size.", param="mask", code="invalid_image")
    return fields, shown, mask


def read_variation(form: Form) -> tuple[dict[str, Json], Shown]:
    """Return the fields of a variation and its picture. Raises Refused."""
    fields = as_typed(form, numbers=("n",))
    family = family_of(check_picture_model(fields, default=DEFAULT_MODEL))
    if family.counts or family.revises:
        raise Refused(f"The model '{fields['model'][:80]}' does not make variations.", param="model", code="invalid_value")
    allowed = DALL_E_2.fields - {"prompt", "quality"}
    check_order(fields, family=msgspec.structs.replace(family, fields=allowed), also=frozenset(("image",)))
    (shown,) = _uploaded(form, family=DALL_E_2)
    return fields, shown


def _has_uploads(body: dict[str, Json]) -> bool:
    return any(isinstance(each, Upload) for value in body.values() for each in (value if isinstance(value, list) else [value]))


def _uploaded(form: Form, *, family: Family) -> tuple[Shown, ...]:
    uploads = uploads_of(form, "image")
    if not uploads:
        raise missing("image")
    most = 1 if family is DALL_E_2 else MAX_PICTURES
    if len(uploads) > most:
        raise Refused(f"Invalid 'image': too many images, at most {most}.", param="image", code="array_above_max_length")
    small = family is DALL_E_2
    types = ("image/png",) if small else tuple(_TYPES)
    shown = tuple(_look(each, "image", types=types, limit_bytes=MAX_DALL_E_2_BYTES if small else MAX_BYTES) for each in uploads)
    if small and shown[0].size[0] != shown[0].size[1]:
        raise Refused("Uploaded image must be square.", param="image", code="invalid_image")
    return shown


def _mask(body: dict[str, Json], *, is_form: bool) -> Shown | None:
    if body.get("mask") is None:
        return None
    if is_form:
        uploads = uploads_of(body, "mask")
        if len(uploads) != 1:
            raise Refused("Invalid 'mask': expected one file.", param="mask", code="invalid_value")
        mask = _look(uploads[0], "mask", types=("image/png",), limit_bytes=MAX_MASK_BYTES)
    else:
        mask = _linked_one(body["mask"], where="mask")
    if mask.data is not None and not mask.transparent:
        raise Refused("Invalid mask image format - mask image missing alpha channel.", param="mask", code="invalid_mask_image_format")
    return mask


def _look(upload: Upload, param: str, *, types: tuple[str, ...], limit_bytes: int) -> Shown:
    if upload.content_type not in types:
        formats = ", ".join(f"'{each}'" for each in types)
        raise Refused(
            f"Invalid file '{param}': unsupported mimetype ('{upload.content_type[:80]}'). Supported file formats are {formats}.",
            param=param,
            code="unsupported_file_mimetype",
        )
    if len(upload.data) > limit_bytes:
        raise Refused(f"Invalid file '{param}': larger than {limit_bytes // 1024**2} MB.", param=param, code="image_file_too_large")
    return _seen(upload.data, param, kinds=tuple(_TYPES[each] for each in types))


def _seen(data: bytes, param: str, *, kinds: tuple[str, ...]) -> Shown:
    try:
        picture = open_picture(data)
        picture.load()
    except (NotAPicture, OSError, ValueError, SyntaxError):  # Pillow's ways to say that the data breaks off or is not valid
        raise Refused(
            f"Invalid image file or mode for '{param}', please check your image file.", param=param, code="invalid_image_file"
        ) from None
    if picture.format not in kinds:
        raise Refused(
            f"Invalid image file or mode for '{param}': it is a {picture.format}, which is not supported.",
            param=param,
            code="invalid_image_file",
        )
    return Shown(data=data, size=picture.size, transparent="A" in picture.getbands() or "transparency" in picture.info)


def _linked(body: dict[str, Json]) -> tuple[Shown, ...]:
    if not wants(body, "images", list) or not 1 <= len(body["images"]) <= MAX_PICTURES:
        raise Refused(f"Invalid 'images': expected an array of 1 to {MAX_PICTURES}.", param="images", code="invalid_value")
    return tuple(_linked_one(each, where=f"images[{index}]") for index, each in enumerate(body["images"]))


def _linked_one(given: Json, *, where: str) -> Shown:
    if not isinstance(given, dict):
        raise wrong_type(where, wanted="an object", value=given)
    if isinstance(given.get("file_id"), str):
        raise Refused(f"File with id '{given['file_id'][:80]}' not found.", status=404, param=f"{where}.file_id")
    if not isinstance(given.get("image_url"), str):
        raise missing(f"{where}.image_url")
    check_image({"url": given["image_url"]}, where=where)
    if not given["image_url"].startswith("data:"):
        return Shown(data=None, size=REMOTE_IMAGE_PX)
    return _seen(decode_data_url(given["image_url"]), where, kinds=tuple(_TYPES.values()))
