"""Sources of an answer: this dialect's citations, and annotations in the OpenAI shape, which is the hub's."""

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.carried import MARK

MAX_CITED_CHARACTERS = 150
"""The vendor quotes no more of a page."""


class _Citation(msgspec.Struct, frozen=True):
    """A place with an address; places in documents have none."""

    type: str
    url: str | None = None
    source: str | None = None
    title: str | None = None


class _Place(msgspec.Struct, frozen=True):
    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Annotation(msgspec.Struct, frozen=True, tag="url_citation"):
    url_citation: _Place


def decode_citations(citations: Json, *, start: int, end: int) -> list[Json]:
    """Return the annotations for a block of text that lies between `start` and `end` of the answer."""
    try:
        given = msgspec.convert(citations or [], list[Json])
    except msgspec.ValidationError:
        return []
    return [said for citation in given if (said := _decode(citation, start, end)) is not None]


def _decode(citation: Json, start: int, end: int) -> Json | None:
    try:
        found = msgspec.convert(citation, _Citation)
    except msgspec.ValidationError:
        return None
    url = {"web_search_result_location": found.url, "search_result_location": found.source}.get(found.type)
    if not url:
        return None
    place = {"url": url, "title": found.title or "", "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": place}


def encode_citation(annotation: Json, text: str) -> Json | None:
    """Return a citation for an annotation of `text`, None for one that cannot be said.

    `encrypted_index` is what the vendor wants back with a history; ours says that the source is not the vendor's.
    """
    try:
        place = msgspec.convert(annotation, _Annotation).url_citation
    except msgspec.ValidationError:
        return None
    start, end = place.start_index, place.end_index
    is_placed = start is not None and end is not None and 0 <= start < end
    return {
        "type": "web_search_result_location",
        "url": place.url,
        "title": place.title,
        "cited_text": text[start:end][:MAX_CITED_CHARACTERS] if is_placed else "",
        "encrypted_index": MARK,
    }
