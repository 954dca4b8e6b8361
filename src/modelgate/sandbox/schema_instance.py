"""A value valid for a JSON schema, made deterministically and, where the schema leaves room, out of words the caller used.

Covers what tools and structured answers use: types, enum, const, default, examples, properties, required, arrays with bounds,
tuples, `$ref` with `$defs`, anyOf, oneOf, allOf, if, formats, numeric and length bounds; patterns as well as can be. What was made
is looked at by `schema_check`: what it knows to be wrong is not given. Depth and size are bounded, so recursive schemas end: beyond the
depth only what is required is made, and where there is a choice a shallow branch is taken.
"""

import math
from collections.abc import Iterator

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.pattern_instance import matches, mismatches, text_matching
from modelgate.sandbox.schema_check import Judge, has_type, is_valid, referred

MAX_DEPTH = 16
OPTIONAL_DEPTH = 4
"""Deeper than this, properties that may be left out are."""
MAX_ITEMS = 64
MAX_VALUES = 5_000
"""All values made for one schema: wide arrays in wide arrays would otherwise never end."""

MAX_TEXT = 4_096
MAX_REFERENCES = 32
STEP = 1e-6

_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T10:30:00Z",
    "time": "10:30:00Z",
    "duration": "PT30M",
    "email": "ada@example.com",
    "idn-email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/page",
    "url": "https://example.com/page",
    "uri-reference": "/page",
    "uuid": "6f1c2b8e-3d4a-4c5b-9e7f-0a1b2c3d4e5f",
    "regex": "^[a-z]+$",
    "json-pointer": "/a/b",
}


class Hints(msgspec.Struct, frozen=True):
    """Words and numbers of the caller's text, best first, used where the schema allows them; `words` (case-folded) choose among enums."""

    texts: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    words: frozenset[str] = frozenset()


class Unsatisfiable(Exception):
    """No value could be made: the schema forbids all, or nests deeper than `MAX_DEPTH`."""


def make_instance(schema: Json, hints: Hints = Hints()) -> Json:  # noqa: B008  # an immutable default
    """Return a value valid for `schema`, of the caller's words or, where they do not do, without them.

    Raises Unsatisfiable when there is none within the bounds of this generator.
    """
    for given in (hints, Hints()):
        value = _Maker(schema, given).make(schema, depth=0)
        if is_valid(value, schema):
            return value
    raise Unsatisfiable


class _Maker:
    """One run: the root for references, and the hints not used yet."""

    def __init__(self, root: Json, hints: Hints) -> None:
        self._root = root
        self._judge = Judge(root)
        self._texts = list(hints.texts)
        self._numbers = list(hints.numbers)
        self._words = hints.words
        self._left = MAX_VALUES

    def make(self, schema: Json, *, depth: int) -> Json:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0 or schema is False:
            raise Unsatisfiable
        if not isinstance(schema, dict):
            return {} if depth == 0 else "anything"
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._chosen(schema)
        if "if" in schema:
            return self._conditional(schema, depth=depth)
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                return self._branch(schema, word=word, depth=depth)
        return self._typed(schema, depth=depth)

    def _resolved(self, schema: dict[str, Json]) -> dict[str, Json]:
        """Follow `$ref` and fold `allOf` in."""
        for _ in range(MAX_REFERENCES):
            if isinstance(schema.get("$ref"), str):
                beside = {key: value for key, value in schema.items() if key != "$ref"}
                schema = _merged(self._lookup(schema["$ref"]), beside)
            elif isinstance(schema.get("allOf"), list):
                parts, schema = schema["allOf"], {key: value for key, value in schema.items() if key != "allOf"}
                for part in parts:
                    schema = _merged(schema, self._resolved(part) if isinstance(part, dict) else {})
            else:
                return schema
        raise Unsatisfiable

    def _lookup(self, reference: str) -> dict[str, Json]:
        node = referred(self._root, reference)
        if node is None:
            raise Unsatisfiable
        return node

    def _chosen(self, schema: dict[str, Json]) -> Json:
        """Prefer an enum value the caller named, else the first of the right type."""
        fitting = [value for value in schema["enum"] if has_type(value, schema.get("type"))]
        if not fitting:
            raise Unsatisfiable
        return next((value for value in fitting if isinstance(value, str) and value.casefold() in self._words), fitting[0])

    def _conditional(self, schema: dict[str, Json], *, depth: int) -> Json:
        """Make a value for what holds without the condition, and once more for what the condition then asks of it."""
        base = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
        value = self.make(base, depth=depth + 1)
        asked = schema.get("then" if self._judge.holds(value, schema["if"]) else "else", True)
        if self._judge.holds(value, asked) or not isinstance(asked, dict):
            return value
        return self.make(_merged(base, self._resolved(asked)), depth=depth + 1)

    def _branch(self, schema: dict[str, Json], *, word: str, depth: int) -> Json:
        """Take the first branch that works out, of `oneOf` the first that does so alone; null only when nothing else does."""
        base = {key: value for key, value in schema.items() if key != word}
        branches = [self._resolved(branch) for branch in schema[word] if isinstance(branch, dict)]
        for branch in sorted(
            branches, key=lambda branch: (branch.get("type") == "null", depth > OPTIONAL_DEPTH and "properties" in branch)
        ):
            try:
                value = self.make(_merged(base, branch), depth=depth + 1)
            except Unsatisfiable:
                continue
            if word == "anyOf" or sum(self._judge.holds(value, other) for other in branches) == 1:
                return value
        raise Unsatisfiable

    def _typed(self, schema: dict[str, Json], *, depth: int) -> Json:
        kind = _type_of(schema)
        if "default" in schema and has_type(schema["default"], kind) and not isinstance(schema["default"], dict | list | str):
            return schema["default"]
        match kind:
            case "object":
                return self._object(schema, depth=depth)
            case "array":
                return self._array(schema, depth=depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._text(schema)

    def _object(self, schema: dict[str, Json], *, depth: int) -> dict[str, Json]:
        properties = _members(schema, "properties")
        required = [name for name in _listed(schema, "required") if isinstance(name, str)]
        made: dict[str, Json] = {}
        for name in [*properties, *(name for name in required if name not in properties)]:
            if name not in required and depth >= OPTIONAL_DEPTH:
                continue
            try:
                made[name] = self.make(properties.get(name, schema.get("additionalProperties", True)), depth=depth + 1)
            except Unsatisfiable:
                if name in required:
                    raise
        for number in range(_bounded(schema.get("minProperties"), 0, MAX_ITEMS) - len(made)):
            made[f"key_{number + 1}"] = self.make(schema.get("additionalProperties", True), depth=depth + 1)
        return made

    def _array(self, schema: dict[str, Json], *, depth: int) -> list[Json]:
        heads = _listed(schema, "prefixItems")
        least = _needed(schema.get("minItems"), MAX_ITEMS)
        most = _bounded(schema.get("maxItems"), MAX_ITEMS, MAX_ITEMS)
        length = min(most, max(least, len(heads), 1 if depth < OPTIONAL_DEPTH else 0))
        made: list[Json] = []
        for index in range(length):
            try:
                made.append(
                    self._distinct(heads[index] if index < len(heads) else schema.get("items", True), schema, made=made, depth=depth)
                )
            except Unsatisfiable:
                if index < least:
                    raise
                break
        return made

    def _distinct(self, item: Json, schema: dict[str, Json], *, made: list[Json], depth: int) -> Json:
        value = self.make(item, depth=depth + 1)
        if not schema.get("uniqueItems") or value not in made:
            return value
        for other in _variations(value, item):
            if other not in made:
                return other
        raise Unsatisfiable

    def _number(self, schema: dict[str, Json], *, whole: bool) -> int | float:
        low, high = _range(schema, whole=whole)
        step = schema.get("multipleOf")
        step = step if isinstance(step, int | float) and step > 0 else (1 if whole else 0)
        for index, number in enumerate(self._numbers):
            if low <= number <= high and (not whole or number == int(number)) and (not step or math.isclose(number % step, 0)):
                del self._numbers[index]
                return int(number) if whole else number
        start = low if low > -math.inf else min(high, 1)
        value = max(start, min(1, high)) if low <= 1 <= high else start
        if step:
            value = math.ceil(value / step) * step
        if value > high:
            raise Unsatisfiable
        return int(value) if whole else value

    def _text(self, schema: dict[str, Json]) -> str:
        least = _needed(schema.get("minLength"), MAX_TEXT)
        most = _bounded(schema.get("maxLength"), MAX_TEXT, MAX_TEXT)
        pattern = schema.get("pattern") if isinstance(schema.get("pattern"), str) else None
        for candidate in self._text_candidates(schema):
            if least <= len(candidate) <= most and (pattern is None or matches(candidate, pattern)):
                if candidate in self._texts and len(self._texts) > 1:
                    self._texts.remove(candidate)
                return candidate
        if pattern is not None:
            text = text_matching(pattern, least=least, most=most)
            if mismatches(text, pattern) or not least <= len(text) <= most:
                raise Unsatisfiable
            return text
        return ("text " * (least // 5 + 1)).strip().ljust(least, ".")[: max(least, min(most, 4))]

    def _text_candidates(self, schema: dict[str, Json]) -> Iterator[str]:
        if isinstance(schema.get("format"), str) and schema["format"] in _FORMATS:
            yield _FORMATS[schema["format"]]
            return
        yield from list(self._texts)
        given = [schema.get("default"), *(schema["examples"] if isinstance(schema.get("examples"), list) else ())]
        yield from (value for value in given if isinstance(value, str))
        yield "example"


def _merged(first: dict[str, Json], second: dict[str, Json]) -> dict[str, Json]:
    """Fold two schemas that must both hold: properties and required add up, the tighter bound wins, else the second."""
    merged = {**first, **second}
    for key in ("properties", "$defs"):
        if isinstance(first.get(key), dict) and isinstance(second.get(key), dict):
            merged[key] = {**first[key], **second[key]}
    if isinstance(first.get("required"), list) and isinstance(second.get("required"), list):
        merged["required"] = [*first["required"], *(name for name in second["required"] if name not in first["required"])]
    if isinstance(first.get("enum"), list) and isinstance(second.get("enum"), list):
        merged["enum"] = [value for value in first["enum"] if value in second["enum"]] or second["enum"]
    for keys, tighter in ((("minimum", "minLength", "minItems"), max), (("maximum", "maxLength", "maxItems"), min)):
        for key in keys:
            if isinstance(first.get(key), int | float) and isinstance(second.get(key), int | float):
                merged[key] = tighter(first[key], second[key])
    return merged


def _type_of(schema: dict[str, Json]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _range(schema: dict[str, Json], *, whole: bool) -> tuple[float, float]:
    """Return the closed range of a number; open bounds come in by one, or by `STEP` where fractions are allowed."""
    low, high = _bound(schema, "minimum", -math.inf), _bound(schema, "maximum", math.inf)
    above, below = _bound(schema, "exclusiveMinimum", -math.inf), _bound(schema, "exclusiveMaximum", math.inf)
    if not whole:
        return max(low, above + STEP), min(high, below - STEP)
    low = math.ceil(low) if low > -math.inf else low
    high = math.floor(high) if high < math.inf else high
    return max(low, math.floor(above) + 1 if above > -math.inf else low), min(high, math.ceil(below) - 1 if below < math.inf else high)


def _bound(schema: dict[str, Json], name: str, default: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _members(schema: dict[str, Json], name: str) -> dict[str, Json]:
    value = schema.get(name)
    return value if isinstance(value, dict) else {}


def _listed(schema: dict[str, Json], name: str) -> list[Json]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _bounded(value: Json, default: int, limit: int) -> int:
    return min(max(value, 0), limit) if isinstance(value, int) and not isinstance(value, bool) else default


def _needed(value: Json, limit: int) -> int:
    """Return how much there has to be at least. Raises Unsatisfiable when that is more than is made here."""
    least = _bounded(value, 0, limit + 1)
    if least > limit:
        raise Unsatisfiable
    return least


def _variations(value: Json, schema: Json) -> Iterator[Json]:
    """Yield values that differ from `value` and are likely valid too."""
    if isinstance(schema, dict) and isinstance(schema.get("enum"), list):
        yield from schema["enum"]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + step for step in range(1, MAX_ITEMS + 1))
    elif isinstance(value, str):
        yield from (f"{value} {number}" for number in range(2, MAX_ITEMS + 2))
    elif isinstance(value, dict):
        for key, inner in value.items():
            inner_schema = schema.get("properties", {}).get(key) if isinstance(schema, dict) else None
            yield from ({**value, key: other} for other in _variations(inner, inner_schema))
