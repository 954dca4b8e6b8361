from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.gemini_content.grounding import MAX_CITATIONS, decode_citations, decode_logprobs, encode_citations, encode_logprobs
from modelgate.formats.gemini_content.schema import GroundingMetadata, LogprobsResult


def annotation(url: str, start: int, end: int) -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "url": url, "title": "t"}}


@given(st.text(min_size=1, max_size=30), st.data())
def test_offsets_in_bytes_become_offsets_in_characters_and_back(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    citations = [annotation("https://a.example", start, end), annotation("https://b.example", 0, len(text))]
    told = encode_citations(citations, text)

    assert decode_citations(msgspec.convert(told, GroundingMetadata), [text]) == citations


def test_an_offset_within_a_character_is_before_it() -> None:
    metadata = {
        "groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 99}, "groundingChunkIndices": [0]}],
    }
    found = decode_citations(msgspec.convert(metadata, GroundingMetadata), ["üb"])
    assert (found[0]["url_citation"]["start_index"], found[0]["url_citation"]["end_index"]) == (0, 2)


def test_citations_are_bounded() -> None:
    metadata = {
        "groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [{"segment": {}, "groundingChunkIndices": [0] * 1000}] * 10,
    }
    assert len(decode_citations(msgspec.convert(metadata, GroundingMetadata), ["x"])) == MAX_CITATIONS
    assert decode_citations(msgspec.convert(metadata, GroundingMetadata), [])[0]["url_citation"]["end_index"] == 0


def test_what_is_no_citation_is_skipped() -> None:
    assert encode_citations([{"type": "file_citation"}, 1, None], "x") is None


def test_log_probabilities_come_back() -> None:
    content = [{"token": "ü", "logprob": -0.5, "bytes": [195, 188], "top_logprobs": [{"token": "u", "logprob": -1.0, "bytes": [117]}]}]
    assert decode_logprobs(msgspec.convert(encode_logprobs(content), LogprobsResult)) == content
    assert encode_logprobs(None) is None
