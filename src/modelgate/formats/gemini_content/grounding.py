"""Sources of an answer: Gemini tells them beside it, in bytes of UTF-8; the hub as annotations in OpenAI's shape, in characters."""

from collections.abc import Iterable
from itertools import islice

from modelgate.core.records import Json
from modelgate.formats.gemini_content.schema import (
    GroundingChunk,
    GroundingMetadata,
    LogprobsCandidate,
    LogprobsResult,
    Segment,
    list_of,
    object_of,
)

MAX_CITATIONS = 1024


def decode_citations(metadata: GroundingMetadata, texts: list[str]) -> list[Json]:
    """Return the citations of an answer whose parts have these texts (empty for parts without one)."""
    sources = [_source(chunk) for chunk in metadata.grounding_chunks or ()]
    encoded = [text.encode() for text in texts]
    found: list[Json] = []
    for support in metadata.grounding_supports or ():
        start, end = _in_characters(support.segment or Segment(), texts, encoded)
        for index in support.grounding_chunk_indices or ():
            if 0 <= index < len(sources):
                found.append(_annotation(sources[index], start, end))
            if len(found) == MAX_CITATIONS:
                return found
    if not metadata.grounding_supports:
        length = sum(len(text) for text in texts)
        found += [_annotation(source, 0, length) for source in islice(sources, MAX_CITATIONS)]
    return found


def _source(chunk: GroundingChunk) -> tuple[str, str]:
    web = chunk.web or chunk.maps or chunk.retrieved_context
    return (web.uri or "", web.title or "") if web is not None else ("", "")


def _annotation(source: tuple[str, str], start: int, end: int) -> Json:
    url, title = source
    return {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "url": url, "title": title}}


def _in_characters(segment: Segment, texts: list[str], encoded: list[bytes]) -> tuple[int, int]:
    part = segment.part_index or 0
    if not 0 <= part < len(texts):
        part = 0
    if not texts:
        return 0, 0
    before = sum(len(text) for text in texts[:part])
    start, end = (_characters(encoded[part], offset or 0) for offset in (segment.start_index, segment.end_index))
    return before + start, before + max(start, end)


def _characters(encoded: bytes, offset: int) -> int:
    return len(encoded[: max(0, offset)].decode(errors="ignore"))


def encode_citations(citations: Iterable[Json], text: str) -> Json:
    """Return citations of a text as grounding metadata, None where there are none."""
    chunks: list[Json] = []
    places: dict[tuple[str, str], int] = {}
    supports: list[Json] = []
    for citation in islice(citations, MAX_CITATIONS):
        inside = object_of(object_of(citation).get("url_citation", citation))
        url = inside.get("url")
        if not isinstance(url, str):
            continue
        title = str(inside.get("title") or "")
        at = places.setdefault((url, title), len(chunks))
        if at == len(chunks):
            chunks.append({"web": {"uri": url, "title": title}})
        start, end = inside.get("start_index"), inside.get("end_index")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end:
            segment = {"startIndex": len(text[:start].encode()), "endIndex": len(text[:end].encode()), "text": text[start:end]}
            supports.append({"segment": segment, "groundingChunkIndices": [at]})
    return {"groundingChunks": chunks, "groundingSupports": supports} if chunks else None


def decode_logprobs(result: LogprobsResult) -> list[Json]:
    """Return log probabilities in OpenAI's shape, one entry for each chosen token."""
    tops = result.top_candidates or []
    found: list[Json] = []
    for at, chosen in enumerate(result.chosen_candidates or ()):
        others = tops[at].candidates if at < len(tops) else None
        found.append({**_probability(chosen), "top_logprobs": [_probability(other) for other in others or ()]})
    return found


def _probability(candidate: LogprobsCandidate) -> dict[str, Json]:
    token = candidate.token or ""
    return {"token": token, "logprob": candidate.log_probability or 0.0, "bytes": list(token.encode())}


def encode_logprobs(content: Json) -> Json:
    """Return log probabilities in this dialect's shape, None where there are none."""
    entries = [object_of(entry) for entry in list_of(content)]
    if not entries:
        return None
    tops = [[_candidate(object_of(top)) for top in list_of(entry.get("top_logprobs"))] for entry in entries]
    return {
        "chosenCandidates": [_candidate(entry) for entry in entries],
        "topCandidates": [{"candidates": candidates} for candidates in tops],
    }


def _candidate(entry: dict[str, Json]) -> Json:
    return {"token": entry.get("token", ""), "logProbability": entry.get("logprob", 0.0)}
