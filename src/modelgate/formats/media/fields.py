"""Fields of a client's body, checked rule by rule; every broken rule is named with the field and what it holds.

Media clients send empty strings for what they leave out: an empty string is an absent field everywhere.
"""

import base64
import binascii
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.formats.media.requests import MediaInput

MAX_SHOWN_CHARACTERS = 60
"""No message repeats more of a value than this."""
MAX_URL_CHARACTERS = 8192
MEGABYTE = 1024 * 1024

Body = Mapping[str, Any]
"""A JSON object as it came."""


def object_of(body: bytes | bytearray, content_type: str = "") -> dict[str, Any]:
    """Return the JSON object of a body. The content type is not insisted on: clients of these APIs send any.

    Raises:
        InvalidRequest: it is none. UnsupportedMediaType: it is a form.
    """
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if content_type.lower().startswith("multipart/"):
            raise UnsupportedMediaType("This endpoint takes a JSON body, not a form.") from None
        raise InvalidRequest("The request body is not valid JSON.", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json")
    return cast(dict[str, Any], fields)


def shown(value: object) -> str:
    """Return a value as messages show it."""
    text = msgspec.json.encode(value[: MAX_SHOWN_CHARACTERS + 1] if isinstance(value, str) else value).decode()
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def listed(choices: Iterable[object]) -> str:
    """Return choices as messages list them."""
    return ", ".join(str(choice) for choice in choices)


def broken(name: str, value: object, rule: str) -> InvalidRequest:
    """Return the error for a field that breaks a rule: `rule` reads on after `but`."""
    return InvalidRequest(f"{name} is {shown(value)}, but {rule}.", param=name, code="invalid_value")


def missing(name: str, why: str) -> InvalidRequest:
    """Return the error for a field that must be there; `why` says what it is for."""
    return InvalidRequest(f"{name} is required: {why}.", param=name, code="missing_required_parameter")


@contextmanager
def within(place: str) -> Generator[None]:
    """Say by its whole path what is refused of a field inside another."""
    try:
        yield
    except InvalidRequest as error:
        if error.param is None or error.param.startswith(place):
            raise
        raise InvalidRequest(f"{place}.{error.message}", param=f"{place}.{error.param}", code=error.code) from None


def is_absent(fields: Body, name: str) -> bool:
    """Return whether a field says nothing."""
    return fields.get(name) is None or fields.get(name) == ""


def text(fields: Body, name: str, max_characters: int) -> str:
    """Return a text of at most so many characters; empty when absent."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise broken(name, value, "it must be a string")
    if len(value) > max_characters:
        raise broken(name, value, f"it must have at most {max_characters} characters; it has {len(value)}")
    return value


def choice(fields: Body, name: str, choices: Iterable[str], *, default: str = "") -> str:
    """Return one of the choices."""
    if is_absent(fields, name):
        return default
    value, allowed = fields[name], tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        raise broken(name, value, f"it must be one of {listed(allowed)}")
    return value


def whole_number(fields: Body, name: str, *, low: int, high: int, default: int) -> int:
    """Return a whole number from `low` to `high`; one in a string counts too."""
    if is_absent(fields, name):
        return default
    value = fields[name]
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18 else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise broken(name, value, f"it must be a whole number from {low} to {high}")
    return number


def number(fields: Body, name: str, *, low: float, high: float) -> float | None:
    """Return a number from `low` to `high`, None when absent."""
    if is_absent(fields, name):
        return None
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise broken(name, value, f"it must be a number from {low:g} to {high:g}")
    return float(value)


def flag(fields: Body, name: str, *, default: bool = False) -> bool:
    """Return a yes or no."""
    if is_absent(fields, name):
        return default
    value = fields[name]
    if not isinstance(value, bool):
        raise broken(name, value, "it must be true or false")
    return value


def inner(fields: Body, name: str) -> Body | None:
    """Return an object within the body, None when absent."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise broken(name, value, "it must be an object")
    return cast(dict[str, Any], value)


def items(fields: Body, name: str, *, low: int, high: int) -> list[Any]:
    """Return a list of `low` to `high` items; empty when absent."""
    value = fields.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise broken(name, value, f"it must be a list of {low} to {high} items")
    found: list[Any] = value  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
    if not low <= len(found) <= high:
        raise broken(name, found, f"it must be a list of {low} to {high} items; it has {len(found)}")
    return found


def file(fields: Body, name: str, *, role: str = "image", max_bytes: int = 10 * MEGABYTE) -> tuple[MediaInput, ...]:
    """Return the file of a field: none, or one by its address, or its bytes out of base64 or a data URI."""
    return () if is_absent(fields, name) else (file_of(fields[name], name, role=role, max_bytes=max_bytes),)


def file_of(value: object, name: str, *, role: str = "image", max_bytes: int = 10 * MEGABYTE) -> MediaInput:
    """Return the file that a value tells; `name` is for messages."""
    if not isinstance(value, str):
        raise broken(name, value, "it must be a string: an address, base64, or a data URI")
    if value[:8].lower().startswith(("http://", "https://")):
        if len(value) > MAX_URL_CHARACTERS:
            raise broken(name, value, f"an address must have at most {MAX_URL_CHARACTERS} characters")
        return MediaInput(url=value, role=role)
    return MediaInput(data=_decoded_base64(name, value, max_bytes), role=role)


def _decoded_base64(name: str, value: str, max_bytes: int) -> bytes:
    encoded = value
    if value[:5].lower() == "data:":
        head, comma, encoded = value.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise broken(name, value, "a data URI must read data:image/png;base64,…")
    if "\n" in encoded or "\r" in encoded or " " in encoded:
        encoded = "".join(encoded.split())
    if len(encoded) > max_bytes * 4 // 3 + 4:
        raise broken(name, value, f"it must have at most {max_bytes} bytes")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise broken(name, value, "it must be an http(s) address, base64, or a data URI") from None
    if not data:
        raise broken(name, value, "the file is empty")
    if len(data) > max_bytes:
        raise broken(name, value, f"it must have at most {max_bytes} bytes; it has {len(data)}")
    return data
