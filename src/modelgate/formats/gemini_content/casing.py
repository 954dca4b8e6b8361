"""Bodies in snake_case made camelCase: Google's servers take both, and samples mix them."""

import json
import re

import msgspec

from modelgate.core.records import Json
from modelgate.formats.gemini_content.schema import is_list, is_object

MAX_DEPTH = 32
"""No field of the dialect lies deeper; what does is the caller's own data."""
_OPAQUE = frozenset(
    ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels", "partMetadata")
)
"""Fields whose inside is the caller's own: its names are kept."""
_SNAKE_NAME = re.compile(rb'"[a-z]+(?:_[a-z0-9]+)+"\s*:')
_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel_case(body: bytes | bytearray) -> bytes | bytearray:
    """Return a body with the dialect's own names in camelCase; one that has no other is returned as it is.

    Bytes that are no JSON object are returned as they are: whoever decodes them says what is wrong.
    """
    if _SNAKE_NAME.search(body) is None:
        return body
    try:
        value = json.loads(body)
        return msgspec.json.encode(_renamed(value, 0))
    except (ValueError, RecursionError):
        return body


def camel(name: str) -> str:
    """Return one name in camelCase."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def _renamed(value: Json, depth: int) -> Json:
    if depth > MAX_DEPTH:
        return value
    if is_list(value):
        return [_renamed(item, depth + 1) for item in value]
    if is_object(value):
        named = [(camel(name), inside) for name, inside in value.items()]
        return {name: inside if name in _OPAQUE else _renamed(inside, depth + 1) for name, inside in named}
    return value
