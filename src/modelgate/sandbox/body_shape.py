"""How a body is read by its schema: what does not fit is named by its place, so that each vendor can refuse it in its own words.

A schema is a struct of msgspec. What a type cannot say for itself is a class with a method `read`: `given_files` has those for addresses
and pictures.
"""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from modelgate.core.records import Json

MAX_NAMED = 100
"""A longer name of a field is cut: it is the caller's own text."""

MAX_DEPTH = 16
"""No schema is deeper."""

_TYPES = {"str": "string_type", "int": "int_type", "float": "float_type", "bool": "bool_type", "array": "list_type", "object": "dict_type"}
MISSING = "Field required"
UNKNOWN = "Extra inputs are not permitted"
ShapeT = TypeVar("ShapeT")
_PLACED = re.compile(r"(?P<reason>.*) - at `\$(?P<place>[^`]*)`", re.DOTALL)
_NAMED = re.compile(r"Object (?P<kind>missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)
_ONE_OF = re.compile(r"Expected `str` matching regex '\^\(\?:(?P<words>.*)\)\\+Z'", re.DOTALL)


def one_of(words: Iterable[str]) -> msgspec.Meta:
    """Return what makes a text of a schema one of some words: those of a table, where a Literal would say them again."""
    return msgspec.Meta(pattern=rf"^(?:{'|'.join(map(re.escape, words))})\Z")


class WrongField(ValueError):
    """A field stands in the way: its dotted place (empty for the whole body), what is wrong with it, and in a word what kind of wrong.

    `kind` is a word as FastAPI has them: `missing`, `unknown`, `string_type`, `string_too_long`, `literal_error`, else `value_error`.
    """

    def __init__(self, field: str, reason: str, *, kind: str = "value_error") -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.kind = kind


def check_names(body: Mapping[str, Json], *, needs: Iterable[str], takes: Container[str]) -> None:
    """Check that a body holds what is needed, and nothing that is not taken. Raises WrongField."""
    for name in needs:
        if body.get(name) is None:
            raise WrongField(name, MISSING, kind="missing")
    for name in body:
        if name not in takes:
            raise WrongField(name[:MAX_NAMED], UNKNOWN, kind="unknown")


def without_nulls(value: Json, depth: int = MAX_DEPTH) -> Json:
    """Return JSON without the fields that are null, down to some depth: for vendors to whom that is as good as absent."""
    if isinstance(value, dict) and depth:
        return {name: without_nulls(part, depth - 1) for name, part in value.items() if part is not None}
    return [without_nulls(part, depth - 1) for part in value] if isinstance(value, list) and depth else value


def read_shape(body: Json, shape: type[ShapeT], *, within: str = "") -> ShapeT:
    """Return a body, or the part of it that stands at `within`, as its schema has it. Raises WrongField."""
    try:
        return msgspec.convert(body, shape, dec_hook=_read_own)
    except msgspec.ValidationError as error:
        raise _told(error, within) from None


def _read_own(kind: Any, value: Json) -> Any:
    """Read what has a `read` of its own. It raises ValueError, to which msgspec adds the place."""
    return kind.read(value)


def _told(error: msgspec.ValidationError, within: str) -> WrongField:
    placed = _PLACED.fullmatch(str(error))
    reason, place = (placed["reason"], placed["place"]) if placed else (str(error), "")
    steps = [within, *re.split(r"[.\[\]]+", place)]
    own = error.__cause__
    if isinstance(own, WrongField):
        steps, reason, kind = [*steps, own.field], own.reason, own.kind
    elif named := _NAMED.fullmatch(reason):
        steps.append(named["name"][:MAX_NAMED])
        reason, kind = (MISSING, "missing") if named["kind"].startswith("missing") else (UNKNOWN, "unknown")
    elif listed := _ONE_OF.fullmatch(reason):
        reason, kind = "Input should be " + re.sub(r"\\+(.)", r"\1", listed["words"].replace("|", ", ")), "literal_error"
    else:
        kind = _kind_of(reason)
    return WrongField(".".join(filter(None, steps)), reason, kind=kind)


def _kind_of(reason: str) -> str:
    """Return the kind of what msgspec says is wrong."""
    if reason.startswith("Invalid"):
        return "literal_error"
    expected, _, got = reason.removeprefix("Expected ").partition(", got ")
    if got:
        return "missing" if got == "`null`" else _TYPES.get(expected.strip("`").partition(" ")[0], "type_error")
    return "string_too_long" if expected.startswith("`str` of length <=") else "value_error"
