"""One field of a request at a time: is it given, is it of its type, is it one of what is supported."""

import re
from collections.abc import Mapping

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
"""What tools, functions and schemas may be called."""

Range = tuple[str, type, float, float]
"""A field, the kind of its number, the least and the most it may be."""

_TYPE_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def wants(body: dict[str, Json], name: str, kind: type, *, where: str = "") -> bool:
    """Return whether a field is given. Raises Refused when it is of another type than the wanted one; `where` leads to it."""
    value = body.get(name)
    if value is None:
        return False
    numeric = kind is float and isinstance(value, int) and not isinstance(value, bool)
    if numeric or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
        return True
    raise wrong_type(where + name, wanted=dict(_TYPE_WORDS)[kind], value=value)


def check_ranges(body: dict[str, Json], *ranges: Range) -> None:
    """Check numbers: each is of its kind, and not below or above. Raises Refused."""
    for name, kind, low, high in ranges:
        if wants(body, name, kind):
            _check_range(name, body[name], low=low, high=high)


def _check_range(name: str, value: float, *, low: float, high: float) -> None:
    kind = "integer" if isinstance(value, int) else "decimal"
    if value < low:
        raise Refused(
            f"Invalid '{name}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead.",
            param=name,
            code=f"{kind}_below_min_value",
        )
    if value > high:
        raise Refused(
            f"Invalid '{name}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead.",
            param=name,
            code=f"{kind}_above_max_value",
        )


def check_words(body: dict[str, Json], choices: Mapping[str, tuple[str, ...]], *, where: str = "") -> None:
    """Check fields that are one of a few words; `where` leads to them. Raises Refused."""
    for name, supported in choices.items():
        if wants(body, name, str, where=where) and body[name] not in supported:
            raise invalid(where + name, body[name], supported)


def are_tokens(given: list[Json]) -> bool:
    """Say whether a list holds nothing but ids of tokens."""
    return all(isinstance(token, int) and not isinstance(token, bool) and token >= 0 for token in given)


def wrong_type(param: str, *, wanted: str, value: Json) -> Refused:
    """Return the refusal of a value of the wrong type."""
    got = next((word for kind, word in _TYPE_WORDS if isinstance(value, kind)), "null")
    return Refused(f"Invalid type for '{param}': expected {wanted}, but got {got} instead.", param=param, code="invalid_type")


def missing(param: str) -> Refused:
    """Return the refusal of a request without a required field."""
    return Refused(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def invalid(param: str, value: Json, supported: tuple[str, ...]) -> Refused:
    """Return the refusal of a word that is none of the supported ones."""
    words = ", ".join(f"'{word}'" for word in supported)
    return Refused(f"Invalid value: '{str(value)[:80]}'. Supported values are: {words}.", param=param, code="invalid_value")
