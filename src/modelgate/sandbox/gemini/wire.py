"""How an answer looks on Gemini's wire: one body, or the chunks of a stream, as events or as a JSON array that comes in pieces."""

from collections.abc import Iterator
from zlib import crc32

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.gemini.answers import BLOCKED_FEEDBACK, Candidate, GeminiAnswer, Usage
from modelgate.sandbox.gemini.errors import pretty, provoked
from modelgate.sandbox.gemini.request import GeminiAsk
from modelgate.sandbox.tokens import Tokenizer

MAX_PIECES = 50
"""A text goes out in at most this many chunks."""

SPEECH_CHUNK = 64_000
"""Characters of base64 in one chunk of speech: one second of it."""

MALFORMED_EVENT = b'data: {"candidates": [{"content": {"parts": [{"text": "bro\r\n\r\n'
MALFORMED_ITEM = b',\r\n{"candidates": [{"content": {"parts": [{"text": "bro\n'
ERROR_EVENT = pretty(provoked(503).body()) + b"\n"
"""An error in mid-stream comes without `data:`, over several lines."""

ERROR_ITEM = b",\r\n" + pretty(provoked(503).body()) + b"\n]"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts of one answer share."""

    id: str
    model: str


def render_usage(usage: Usage, *, ask: GeminiAsk) -> dict[str, Json]:
    """Return the usageMetadata member, as magic wants it; empty without one. Counts of nothing are left out, as the vendor does."""
    prompt, candidates = sum(usage.prompt.values()), sum(usage.candidates.values())
    counts = {
        "promptTokenCount": prompt,
        "cachedContentTokenCount": usage.cached,
        "candidatesTokenCount": candidates,
        "toolUsePromptTokenCount": usage.tool_use,
        "thoughtsTokenCount": usage.thoughts,
    }
    made: dict[str, Json] = {name: count for name, count in counts.items() if count}
    made["totalTokenCount"] = prompt + candidates + usage.tool_use + usage.thoughts
    shown = ask.magic.usage(made)
    if shown is None:
        return {}
    if shown == made:
        shown = {
            **made,
            **_details("promptTokensDetails", usage.prompt),
            **_details("cacheTokensDetails", {"TEXT": usage.cached}),
            **_details("candidatesTokensDetails", usage.candidates),
            **_details("toolUsePromptTokensDetails", {"TEXT": usage.tool_use}),
        }
    return {"usageMetadata": shown}


def _details(name: str, counted: dict[str, int]) -> dict[str, Json]:
    listed = [{"modality": modality, "tokenCount": count} for modality, count in counted.items() if count]
    return {name: listed} if listed else {}


def render_answer(answer: GeminiAnswer, *, ask: GeminiAsk, head: Head, tokenizer: Tokenizer) -> bytes:
    """Return the whole answer as one body."""
    if not answer.candidates:
        return pretty(_blocked(answer, ask=ask, head=head))
    candidates = []
    for index, candidate in enumerate(answer.candidates):
        parts = list(candidate.parts) if candidate.finish != "SAFETY" else []  # what was said before it was blocked is not shown
        if candidate.signature:
            parts[-1] = {**parts[-1], "thoughtSignature": candidate.signature}
        candidates.append(
            {
                **_content(parts),
                "finishReason": candidate.finish,
                "index": index,
                **candidate.extras,
                **_logprobs(candidate, ask=ask, tokenizer=tokenizer),
            }
        )
    return pretty({"candidates": candidates, **render_usage(answer.usage, ask=ask), **_shared(head)})


def _content(parts: list[dict[str, Json]]) -> dict[str, Json]:
    """Without parts the content is only a role."""
    return {"content": {"parts": parts, "role": "model"} if parts else {"role": "model"}}


def _shared(head: Head) -> dict[str, Json]:
    return {"modelVersion": head.model, "responseId": head.id}


def _blocked(answer: GeminiAnswer, *, ask: GeminiAsk, head: Head) -> dict[str, Json]:
    return {"promptFeedback": BLOCKED_FEEDBACK, **render_usage(answer.usage, ask=ask), **_shared(head)}


def render_events(chunks: list[dict[str, Json]]) -> list[bytes]:
    """Return chunks as events; the end of the body ends the stream."""
    return [b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in chunks]


def render_items(chunks: list[dict[str, Json]]) -> list[bytes]:
    """Return chunks as the pieces of a JSON array."""
    return [(b",\r\n" if index else b"[") + pretty(chunk) + b"\n" for index, chunk in enumerate(chunks)] + [b"]"]


def make_chunks(answer: GeminiAnswer, *, ask: GeminiAsk, head: Head, tokenizer: Tokenizer) -> list[dict[str, Json]]:
    """Return the bodies of a whole stream in order: each a piece of the answer, with the usage so far."""
    if not answer.candidates:
        return [_blocked(answer, ask=ask, head=head)]
    candidate = answer.candidates[0]
    pieces = [[piece] for part in candidate.parts for piece in _pieces(part, tokenizer)]
    if candidate.signature:
        pieces.append([{"text": "", "thoughtSignature": candidate.signature}])
    elif candidate.finish == "SAFETY" or not pieces:
        pieces.append([])
    chunks = []
    for number, piece in enumerate(pieces, 1):
        last = number == len(pieces)
        ending: dict[str, Json] = {"finishReason": candidate.finish} if last else {}
        more = {**candidate.extras, **_logprobs(candidate, ask=ask, tokenizer=tokenizer)} if last else {}
        usage = render_usage(_so_far(answer.usage, share=(number, len(pieces))), ask=ask)
        one = {**_content(piece), **ending, "index": 0, **more}
        chunks.append({"candidates": [one], **usage, **_shared(head)})
    return chunks


def _so_far(usage: Usage, *, share: tuple[int, int]) -> Usage:
    """Return the usage after a share of the pieces: what came in and what was thought is known from the first one on."""
    sent, all_ = share
    return msgspec.structs.replace(usage, candidates={kind: count * sent // all_ for kind, count in usage.candidates.items()})


def _pieces(part: dict[str, Json], tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    """Cut a text, a thought or speech into what one chunk carries; calls and pictures stay whole."""
    if "text" in part:
        pieces = [text for text, _ in tokenizer.pieces(part["text"])]
        size = -(-len(pieces) // MAX_PIECES) or 1
        for start in range(0, len(pieces), size):
            yield {**part, "text": "".join(pieces[start : start + size])}
    elif part.get("inlineData", {}).get("mimeType", "").startswith("audio/"):
        data = part["inlineData"]["data"]
        for start in range(0, len(data), SPEECH_CHUNK):
            yield {"inlineData": {**part["inlineData"], "data": data[start : start + SPEECH_CHUNK]}}
    else:
        yield part


def _logprobs(candidate: Candidate, *, ask: GeminiAsk, tokenizer: Tokenizer) -> dict[str, Json]:
    """Make up a probability for each token of the text, when asked to."""
    if not ask.settings.get("responseLogprobs"):
        return {}
    text = "".join(part["text"] for part in candidate.parts if "text" in part and not part.get("thought"))
    chosen = [_logprob(token, tokenizer) for token in tokenizer.encode(text)]
    average = sum(one["logProbability"] for one in chosen) / len(chosen) if chosen else 0.0
    top = ask.settings.get("logprobs", 0)
    ranked = [{"candidates": [one, *_rivals(one, tokenizer, count=top - 1)]} for one in chosen] if top else []
    result = {"chosenCandidates": chosen, **({"topCandidates": ranked} if ranked else {})}
    return {"avgLogprobs": average, "logprobsResult": result}


def _logprob(token: int, tokenizer: Tokenizer, *, below: float = 0.0) -> dict[str, Json]:
    value = below - (crc32(str(token).encode()) % 1000) / 5000
    return {"token": tokenizer.bytes_of(token).decode("utf-8", "replace"), "tokenId": token, "logProbability": round(value, 6)}


def _rivals(chosen: dict[str, Json], tokenizer: Tokenizer, *, count: int) -> list[dict[str, Json]]:
    """Less likely neighbours of a token: readable ones, from the low end of the table."""
    readable = (256 + (chosen["tokenId"] + 7919 * rank) % 50_000 for rank in range(1, count + 1))
    return [_logprob(token, tokenizer, below=-1.0 - rank) for rank, token in enumerate(readable, 1)]
