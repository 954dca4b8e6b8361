from typing import Any

import pytest

from modelgate.formats.anthropic_messages.citations import decode_citations, encode_citation

FOUND = {"type": "web_search_result_location", "url": "https://e.com", "title": None, "cited_text": "x", "encrypted_index": "y"}


def test_places_with_an_address_become_annotations_of_their_block() -> None:
    document = {"type": "char_location", "cited_text": "x", "document_index": 0}
    own = {"type": "search_result_location", "source": "https://own.example", "title": "Own"}
    assert [one["url_citation"] for one in decode_citations([FOUND, document, own, 7], start=3, end=9)] == [
        {"url": "https://e.com", "title": "", "start_index": 3, "end_index": 9},
        {"url": "https://own.example", "title": "Own", "start_index": 3, "end_index": 9},
    ]


@pytest.mark.parametrize("citations", [None, [], "x", {"a": 1}, [{"type": "web_search_result_location", "url": 7}], [None]])
def test_what_is_no_citation_is_none(citations: Any) -> None:
    assert decode_citations(citations, start=0, end=1) == []


def test_an_annotation_cites_its_text() -> None:
    said = encode_citation({"type": "url_citation", "url_citation": {"url": "u", "start_index": 3, "end_index": 5}}, "It is so.")
    assert said is not None
    assert (said["url"], said["cited_text"]) == ("u", "is")
    for unplaced in ({"url": "u"}, {"url": "u", "start_index": 5, "end_index": 3}):
        said = encode_citation({"type": "url_citation", "url_citation": unplaced}, "It is so.")
        assert said is not None
        assert said["cited_text"] == ""


@pytest.mark.parametrize("annotation", [None, {"type": "file_citation"}, {"type": "url_citation", "url_citation": {}}])
def test_other_annotations_cannot_be_said(annotation: Any) -> None:
    assert encode_citation(annotation, "x") is None
