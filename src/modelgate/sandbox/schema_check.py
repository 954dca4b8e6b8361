"""Whether a value is valid for a JSON schema: the other half of `schema_instance`, which makes values and looks at them through this.

Words that are not known here hold for every value, as the standard says; so do patterns that cannot be tried (another dialect's, or ones
that could take for ever), lists of no words, what lies deeper than `MAX_DEPTH`, and what is left after `MAX_LOOKS`.
"""

import math
from collections.abc import Callable

from modelgate.core.records import Json
from modelgate.sandbox.pattern_instance import mismatches

MAX_DEPTH = 64
MAX_LOOKS = 20_000
"""At parts of a value by parts of a schema, of one judge: a schema whose branches all lead to itself would never end."""

RELATIVE_ERROR = 1e-9


class Judge:
    """Says what holds, for schemas whose references lead into one root."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._depth = 0
        self._left = MAX_LOOKS

    def holds(self, value: Json, schema: Json) -> bool:
        """Say whether a value is valid for a schema."""
        self._left -= 1
        if not isinstance(schema, dict) or self._depth > MAX_DEPTH or self._left < 0:
            return schema is not False
        self._depth += 1
        try:
            reference = schema.get("$ref")
            if isinstance(reference, str):
                target = referred(self._root, reference)
                if target is None or not self.holds(value, target):
                    return False
            return all(check(value, schema, self.holds) for check in _CHECKS)
        finally:
            self._depth -= 1


def is_valid(value: Json, schema: Json) -> bool:
    """Say whether a value is valid for a whole schema."""
    return Judge(schema).holds(value, schema)


def referred(root: Json, reference: str) -> dict[str, Json] | None:
    """Return the schema that a reference within `root` leads to, None where it leads nowhere."""
    node = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if step:
            node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def has_type(value: Json, kind: Json) -> bool:
    """Say whether a value is of a type, or of one of several; an unknown type is any."""
    if isinstance(kind, list):
        return any(has_type(value, each) for each in kind)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
    return True


_Holds = Callable[[Json, Json], bool]


def _words(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    del holds
    if not has_type(value, schema.get("type")):
        return False
    if "const" in schema and not _is_same(value, schema["const"]):
        return False
    return not _branches(schema, "enum") or any(_is_same(value, word) for word in schema["enum"])


def _is_same(one: Json, other: Json) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)  # to Python true is 1


def _combined(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    counts = {word: sum(holds(value, branch) for branch in schema[word]) for word in ("anyOf", "oneOf") if _branches(schema, word)}
    if counts.get("anyOf") == 0 or counts.get("oneOf", 1) != 1:
        return False
    if not all(holds(value, part) for part in _branches(schema, "allOf")):
        return False
    if "not" in schema and holds(value, schema["not"]):
        return False
    return "if" not in schema or holds(value, schema.get("then" if holds(value, schema["if"]) else "else", True))


def _branches(schema: dict[str, Json], word: str) -> list[Json]:
    return schema[word] if isinstance(schema.get(word), list) else []


def _number(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    del holds
    if not has_type(value, "number"):
        return True
    low, high = _bound(schema, "minimum", -math.inf), _bound(schema, "maximum", math.inf)
    above, below = _bound(schema, "exclusiveMinimum", -math.inf), _bound(schema, "exclusiveMaximum", math.inf)
    if not (low <= value <= high) or value <= above or value >= below:
        return False
    step = _bound(schema, "multipleOf", 0)
    return step <= 0 or math.isclose(value / step, round(value / step), rel_tol=RELATIVE_ERROR, abs_tol=RELATIVE_ERROR)


def _text(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    del holds
    if not isinstance(value, str):
        return True
    pattern = schema.get("pattern")
    return _is_within(len(value), schema, "Length") and not (isinstance(pattern, str) and mismatches(value, pattern))


def _array(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    if not isinstance(value, list):
        return True
    heads = _branches(schema, "prefixItems")
    if not _is_within(len(value), schema, "Items") or not all(map(holds, value, heads)):
        return False
    if not isinstance(schema.get("items"), list) and not all(holds(item, schema.get("items", True)) for item in value[len(heads) :]):
        return False
    return not schema.get("uniqueItems") or not any(_is_same(item, other) for at, item in enumerate(value) for other in value[:at])


def _object(value: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    if not isinstance(value, dict):
        return True
    if not _is_within(len(value), schema, "Properties") or not _names(schema.get("required")) <= value.keys():
        return False
    dependent = schema["dependentRequired"] if isinstance(schema.get("dependentRequired"), dict) else {}
    if any(name in value and not _names(others) <= value.keys() for name, others in dependent.items()):
        return False
    return all(_property(name, member, schema, holds) for name, member in value.items())


def _property(name: str, member: Json, schema: dict[str, Json], holds: _Holds) -> bool:
    properties = schema["properties"] if isinstance(schema.get("properties"), dict) else {}
    patterns = schema["patternProperties"] if isinstance(schema.get("patternProperties"), dict) else {}
    fitting = [inner for pattern, inner in patterns.items() if not mismatches(name, pattern)]
    if name in properties:
        fitting.append(properties[name])
    return all(holds(member, inner) for inner in fitting or [schema.get("additionalProperties", True)])


def _names(listed: Json) -> set[str]:
    return {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()


def _is_within(size: int, schema: dict[str, Json], what: str) -> bool:
    return _bound(schema, f"min{what}", 0) <= size <= _bound(schema, f"max{what}", math.inf)


def _bound(schema: dict[str, Json], name: str, default: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


_CHECKS = (_words, _number, _text, _array, _object, _combined)
