"""Objects that are flat in this dialect and one level deeper in chat completions, whose shape the hub has: sources, places, grammars."""

from modelgate.core.records import Json
from modelgate.formats.openai_responses.schema import object_of

_URL = "url_citation"
_PLACE = "approximate"
_GRAMMAR = "grammar"


def flat_citation(citation: Json) -> Json:
    """Return one of the hub's citations as an annotation."""
    inside = object_of(object_of(citation).get(_URL))
    return {"type": _URL, "start_index": 0, "end_index": 0, "title": "", **inside} if inside else citation


def nested_citation(annotation: Json) -> Json:
    """Return an annotation as the hub has it; kinds other than addresses stay as they are."""
    return _nested(annotation, _URL)


def flat_location(location: Json) -> Json:
    """Return where a search shall think it is."""
    return _flat(location, _PLACE)


def nested_location(location: Json) -> Json:
    """Return a place as the hub has it, None for none."""
    return _nested({"type": _PLACE, **location}, _PLACE) if location else None


def flat_grammar(form: Json) -> Json:
    """Return the form of a custom tool's input."""
    return _flat(form, _GRAMMAR)


def nested_grammar(form: Json) -> Json:
    """Return the form of a custom tool's input as the hub has it."""
    return _nested(form, _GRAMMAR)


def _flat(value: Json, kind: str) -> Json:
    inside = object_of(object_of(value).get(kind))
    return {"type": kind, **inside} if inside else value


def _nested(value: Json, kind: str) -> Json:
    fields = object_of(value)
    if fields.get("type") != kind or kind in fields:
        return value
    return {"type": kind, kind: {name: inner for name, inner in fields.items() if name != "type"}}
