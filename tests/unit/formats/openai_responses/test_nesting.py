import pytest

from modelgate.core.records import Json
from modelgate.formats.openai_responses.nesting import (
    flat_citation,
    flat_grammar,
    flat_location,
    nested_citation,
    nested_grammar,
    nested_location,
)


def test_a_citation_is_flat_here_and_complete() -> None:
    assert flat_citation({"type": "url_citation", "url_citation": {"url": "u"}}) == {
        "type": "url_citation",
        "start_index": 0,
        "end_index": 0,
        "title": "",
        "url": "u",
    }


@pytest.mark.parametrize(
    "citation", [{"type": "file_citation", "file_id": "f"}, "text", None, {"type": "url_citation", "url_citation": {"url": "u"}}]
)
def test_what_is_no_flat_address_stays(citation: Json) -> None:
    assert nested_citation(citation) == citation


def test_places_and_grammars_there_and_back() -> None:
    place = {"type": "approximate", "city": "Rome"}
    assert nested_location(place) == {"type": "approximate", "approximate": {"city": "Rome"}}
    assert nested_location({"city": "Rome"}) == nested_location(place)
    assert flat_location(nested_location(place)) == flat_location(place) == place
    form = {"type": "grammar", "syntax": "lark", "definition": "x"}
    assert nested_grammar(form) == {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    assert flat_grammar(nested_grammar(form)) == form
    assert nested_grammar({"type": "text"}) == flat_grammar({"type": "text"}) == {"type": "text"}
    assert nested_location(None) is None
