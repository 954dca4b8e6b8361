"""Reads a body against the vendor's messages, as its protobuf reader does: both casings, and no field that nobody knows.

What comes out has camel case names, plain integers and floats, upper-case enum values and decoded bytes; null fields are gone.
"""

import binascii
import json
import math
import re
from base64 import b64decode
from collections.abc import Callable

from modelgate.core.records import Json
from modelgate.sandbox.gemini.errors import GeminiRefused, bad_fields
from modelgate.sandbox.gemini.schema import ENUMS, LENIENT_ENUMS, MESSAGES, PART_DATA

MAX_DEPTH = 100
MAX_VIOLATIONS = 20
MAX_QUOTED = 100
_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_UPPER = re.compile(r"(?<!^)([A-Z])")


def snake(name: str) -> str:
    """Return a camel case name in snake case, as the vendor names places."""
    return _UPPER.sub(r"_\1", name).lower()


_NAMES = {message: {spelt: name for name in fields for spelt in (name, snake(name))} for message, fields in MESSAGES.items()}


def read_message(body: Json, message: str) -> dict[str, Json]:
    """Return a body read as a message. Raises GeminiRefused, naming every field at fault (up to a bound)."""
    if not isinstance(body, dict):
        raise GeminiRefused("Invalid JSON payload received. Expected an object at the root.")
    reader = _Reader()
    read = reader.message(body, message, place="", depth=0)
    if reader.violations:
        raise bad_fields(reader.violations)
    return read


class _Reader:
    """One run, and what it found wrong."""

    def __init__(self) -> None:
        self.violations: list[tuple[str, str]] = []

    def _blame(self, place: str, description: str) -> None:
        if len(self.violations) < MAX_VIOLATIONS:
            self.violations.append((place, description))

    def _invalid(self, place: str, kind: str, value: Json) -> None:
        quoted = json.dumps(value, ensure_ascii=False)[:MAX_QUOTED]
        self._blame(place, f"Invalid value at '{place}' ({kind}), {quoted}")

    def message(self, body: dict[str, Json], message: str, *, place: str, depth: int) -> dict[str, Json]:
        """Read one object, field by field."""
        if depth > MAX_DEPTH:
            raise GeminiRefused("Invalid JSON payload received. Message too deep. Max recursion depth reached.")
        names = _NAMES[message]
        read: dict[str, Json] = {}
        for spelt, value in body.items():
            name = names.get(spelt)
            if name is None:
                at = f" at '{place}'" if place else ""
                self._blame(place, f'Invalid JSON payload received. Unknown name "{spelt[:MAX_QUOTED]}"{at}: Cannot find field.')
            elif value is not None:
                where = f"{place}.{snake(name)}" if place else snake(name)
                read[name] = self._field(value, MESSAGES[message][name], place=where, depth=depth)
        if message == "Part" and len(given := [name for name in PART_DATA if name in read]) > 1:
            self._blame(place, f"Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set '{given[1]}'")
        return read

    def _field(self, value: Json, kind: str, *, place: str, depth: int) -> Json:
        if kind.startswith("[]"):
            listed = value if isinstance(value, list) else [value]  # a lone value is taken for a list of one
            return [self._one(each, kind[2:], place=f"{place}[{index}]", depth=depth) for index, each in enumerate(listed)]
        if kind.startswith("{}"):
            if not isinstance(value, dict):
                self._invalid(place, "Map", value)
                return {}
            return {
                key: self._one(each, kind[2:], place=f"{place}[{index}].value", depth=depth)
                for index, (key, each) in enumerate(value.items())
            }
        return self._one(value, kind, place=place, depth=depth)

    def _one(self, value: Json, kind: str, *, place: str, depth: int) -> Json:
        if kind in MESSAGES:
            if isinstance(value, dict):
                return self.message(value, kind, place=place, depth=depth + 1)
            self._invalid(place, _PACKAGE + kind, value)
            return {}
        if kind in ENUMS:
            return self._enum(value, kind, place=place)
        read = _SCALARS[kind](value)
        if read is None:
            self._invalid(place, _KIND_NAMES.get(kind, f"TYPE_{kind.upper()}"), value)
        return read

    def _enum(self, value: Json, kind: str, *, place: str) -> str:
        spelt = value.upper() if isinstance(value, str) and kind in LENIENT_ENUMS else value
        if spelt in ENUMS[kind]:
            return str(spelt)
        self._invalid(place, _PACKAGE + kind, value)
        return ENUMS[kind][0]


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _bool(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _float(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _integer(value: Json, *, kind: str) -> int | None:
    low, high = _RANGES[kind]
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def _bytes(value: Json) -> bytes | None:
    """Decode either alphabet of base64, padded or not."""
    if not isinstance(value, str):
        return None
    plain = value.translate(_STANDARD).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


_STANDARD = str.maketrans("-_", "+/", "\r\n")
_SCALARS: dict[str, Callable[[Json], Json]] = {
    "string": _string,
    "bool": _bool,
    "float": _float,
    "int32": lambda value: _integer(value, kind="int32"),
    "int64": lambda value: _integer(value, kind="int64"),
    "bytes": _bytes,
    "struct": lambda value: value if isinstance(value, dict) else None,
    "value": lambda value: value,
}
_KIND_NAMES = {"struct": "type.googleapis.com/google.protobuf.Struct"}
