import json
from typing import Any

import pytest

from modelgate.sandbox.gemini.answers import GeminiAnswerer
from modelgate.sandbox.gemini.models import traits_of
from modelgate.sandbox.gemini.request import read_generation
from modelgate.sandbox.gemini.wire import (
    ERROR_ITEM,
    MALFORMED_EVENT,
    MAX_PIECES,
    Head,
    make_chunks,
    render_answer,
    render_events,
    render_items,
)
from modelgate.sandbox.tokens import Tokenizer

HEAD = Head(id="r1", model="m")


class Wire:
    """Renders both forms of the same answer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._answerer = GeminiAnswerer(tokenizer)

    def _parts(self, text: str, model: str, settings: dict[str, Any]) -> tuple[Any, Any]:
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": settings}
        ask = read_generation(body, model=model, traits=traits_of(model), stream=True)
        return self._answerer.answer(ask), ask

    def whole(self, text: str, *, model: str = "gemini-2.0-flash", **settings: Any) -> dict[str, Any]:
        answer, ask = self._parts(text, model, settings)
        return dict(json.loads(render_answer(answer, ask=ask, head=HEAD, tokenizer=self._tokenizer)))

    def chunks(self, text: str, *, model: str = "gemini-2.0-flash", **settings: Any) -> list[dict[str, Any]]:
        answer, ask = self._parts(text, model, settings)
        return make_chunks(answer, ask=ask, head=HEAD, tokenizer=self._tokenizer)


@pytest.fixture
def wire(tokenizer: Tokenizer) -> Wire:
    return Wire(tokenizer)


def test_a_whole_answer(wire: Wire, tokenizer: Tokenizer) -> None:
    tokens = tokenizer.count("Say: yes")
    assert wire.whole("Say: yes") == {
        "candidates": [{"content": {"parts": [{"text": "yes"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": tokens,
            "candidatesTokenCount": 1,
            "totalTokenCount": tokens + 1,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
            "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
        },
        "modelVersion": "m",
        "responseId": "r1",
    }


def test_the_total_has_thoughts_and_tools(wire: Wire) -> None:
    usage = wire.whole("Say: yes", model="gemini-2.5-flash")["usageMetadata"]
    assert usage["thoughtsTokenCount"] == 64
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"] + 64


def test_no_and_bad_usage(wire: Wire) -> None:
    assert "usageMetadata" not in wire.whole("Hi\nmagic: no-usage")
    assert wire.whole("Hi\nmagic: bad-usage")["usageMetadata"]["totalTokenCount"] < 0


def test_chunks_add_up(wire: Wire) -> None:
    whole, chunks = wire.whole("Count to 300"), wire.chunks("Count to 300")
    assert 10 < len(chunks) <= MAX_PIECES
    texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks]
    assert "".join(texts) == whole["candidates"][0]["content"]["parts"][0]["text"]
    assert ["finishReason" in chunk["candidates"][0] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    counted = [chunk["usageMetadata"].get("candidatesTokenCount", 0) for chunk in chunks]
    assert counted == sorted(counted)
    assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]


def test_a_signature_of_a_text(wire: Wire) -> None:
    (part,) = wire.whole("Say: yes", model="gemini-3-pro-preview")["candidates"][0]["content"]["parts"]
    last = wire.chunks("Say: yes", model="gemini-3-pro-preview")[-1]["candidates"][0]
    assert last["content"]["parts"] == [{"text": "", "thoughtSignature": part["thoughtSignature"]}]
    assert last["finishReason"] == "STOP"


def test_nothing_to_say_is_still_a_chunk(wire: Wire) -> None:
    (chunk,) = wire.chunks("Say: yes", model="gemini-2.5-flash", maxOutputTokens=3)
    assert chunk["candidates"] == [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]


def test_what_was_said_before_a_block(wire: Wire) -> None:
    whole = wire.whole("Count to 20\nmagic: blocked-answer")["candidates"][0]
    assert (whole["finishReason"], whole["content"]) == ("SAFETY", {"role": "model"})
    *said, last = wire.chunks("Count to 20\nmagic: blocked-answer")
    assert all(chunk["candidates"][0]["content"]["parts"] for chunk in said)
    assert (last["candidates"][0]["content"], last["candidates"][0]["finishReason"]) == ({"role": "model"}, "SAFETY")


def test_a_blocked_prompt(wire: Wire) -> None:
    whole = wire.whole("magic: blocked-prompt")
    assert "candidates" not in whole
    assert whole["promptFeedback"]["blockReason"] == "SAFETY"
    assert wire.chunks("magic: blocked-prompt") == [whole]


def test_framing() -> None:
    chunks: list[dict[str, Any]] = [{"a": 1}, {"a": 2}]
    assert render_events(chunks) == [b'data: {"a":1}\r\n\r\n', b'data: {"a":2}\r\n\r\n']
    items = render_items(chunks)
    assert json.loads(b"".join(items)) == chunks
    assert json.loads(items[0] + ERROR_ITEM)[1]["error"]["status"] == "UNAVAILABLE"
    assert MALFORMED_EVENT.endswith(b"\r\n\r\n")


def test_logprobs(wire: Wire) -> None:
    candidate = wire.whole("Say: good morning", responseLogprobs=True, logprobs=3)["candidates"][0]
    chosen = candidate["logprobsResult"]["chosenCandidates"]
    assert "".join(one["token"] for one in chosen) == "good morning"
    for one, ranked in zip(chosen, candidate["logprobsResult"]["topCandidates"], strict=True):
        values = [each["logProbability"] for each in ranked["candidates"]]
        assert ranked["candidates"][0] == one
        assert values == sorted(values, reverse=True)
        assert len(values) == 3
    assert candidate["avgLogprobs"] < 0
    assert "topCandidates" not in wire.whole("Say: hi", responseLogprobs=True)["candidates"][0]["logprobsResult"]
