"""One field of a request at a time, refused in the vendor's own words: a path of names and numbers, a colon, what is wrong."""

import math
from collections.abc import Callable, Iterable

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.errors import Refused

_KINDS: dict[type, str] = {
    bool: "a valid boolean",
    int: "a valid integer",
    float: "a valid number",
    str: "a valid string",
    list: "a valid list",
    dict: "a valid dictionary",
}


def must_be(value: Json, kind: type, *, where: str) -> None:
    """Check the type of a value. Raises Refused."""
    numeric = kind is float and isinstance(value, int)
    if not (numeric or isinstance(value, kind)) or (isinstance(value, bool) and kind is not bool):
        raise Refused(f"{where}: Input should be {_KINDS[kind]}")


def required(body: dict[str, Json], name: str, kind: type, *, where: str = "") -> Json:
    """Return a field that must be there and of its type; `where` leads to it and ends in a dot. Raises Refused."""
    if name not in body:
        raise Refused(f"{where}{name}: Field required")
    must_be(body[name], kind, where=where + name)
    return body[name]


def optional(body: dict[str, Json], name: str, kind: type, *, where: str = "") -> Json:
    """Return a field, or None when it is not given or null. Raises Refused when it is of another type."""
    if body.get(name) is None:
        return None
    return required(body, name, kind, where=where)


def only(body: dict[str, Json], allowed: Iterable[str], *, where: str = "") -> None:
    """Refuse fields that the vendor does not know. Raises Refused."""
    for name in body:
        if name not in allowed:
            raise Refused(f"{where}{name[:80]}: Extra inputs are not permitted")


def within(value: float, *, low: float, high: float = math.inf, where: str) -> None:
    """Check a number against its bounds. Raises Refused."""
    if value < low:
        raise Refused(f"{where}: Input should be greater than or equal to {low}")
    if value > high:
        raise Refused(f"{where}: Input should be less than or equal to {high}")


def one_of(value: Json, words: tuple[str, ...], *, where: str) -> None:
    """Check that a value is one of some words. Raises Refused."""
    if value not in words:
        quoted = [f"'{word}'" for word in words]
        named = " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
        raise Refused(f"{where}: Input should be {named}")


def tagged(value: Json, known: Iterable[str], *, where: str) -> str:
    """Return the `type` of an object, which must be one of the known ones. Raises Refused."""
    must_be(value, dict, where=where)
    kind = value.get("type")
    names = tuple(known)
    if kind not in names:
        tags = ", ".join(f"'{name}'" for name in names)
        raise Refused(f"{where}: Input tag '{str(kind)[:80]}' found using 'type' does not match any of the expected tags: {tags}")
    return str(kind)


Check = Callable[[dict[str, Json], str], None]
"""Checks one object; the text leads to it."""
