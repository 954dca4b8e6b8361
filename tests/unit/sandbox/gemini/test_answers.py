import io
from base64 import b64decode
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.gemini.answers import GeminiAnswer, GeminiAnswerer
from modelgate.sandbox.gemini.models import traits_of
from modelgate.sandbox.gemini.request import read_generation
from modelgate.sandbox.tokens import Tokenizer

FUNCTION = {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}


@pytest.fixture
def answerer(tokenizer: Tokenizer) -> GeminiAnswerer:
    return GeminiAnswerer(tokenizer)


def answer(answerer: GeminiAnswerer, text: str, *, model: str = "gemini-2.5-flash", tools: Any = (), **settings: Any) -> GeminiAnswer:
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": list(tools), "generationConfig": settings}
    return answerer.answer(read_generation(body, model=model, traits=traits_of(model), stream=False))


def test_thoughts_are_counted_apart(answerer: GeminiAnswerer) -> None:
    made = answer(answerer, "Say: yes")
    (candidate,) = made.candidates
    assert (candidate.parts, candidate.finish, candidate.counted, candidate.thoughts) == (({"text": "yes"},), "STOP", {"TEXT": 1}, 64)
    assert made.usage.completion_tokens == 65
    shown = answer(answerer, "Say: yes", thinkingConfig={"includeThoughts": True}).candidates[0]
    assert [part.get("thought", False) for part in shown.parts] == [True, False]
    assert shown.thoughts > 64


def test_thinking_can_eat_the_limit(answerer: GeminiAnswerer) -> None:
    (candidate,) = answer(answerer, "Say: yes", maxOutputTokens=20).candidates
    assert (candidate.parts, candidate.finish, candidate.counted, candidate.thoughts) == ((), "MAX_TOKENS", {"TEXT": 0}, 20)


@pytest.mark.parametrize(("model", "signed", "has_id"), [("gemini-2.5-flash", False, False), ("gemini-3-pro-preview", True, True)])
def test_calls(answerer: GeminiAnswerer, model: str, signed: bool, has_id: bool) -> None:
    (candidate,) = answer(answerer, "Weather in Paris and London", model=model, tools=[{"functionDeclarations": [FUNCTION]}]).candidates
    assert candidate.finish == "STOP"
    assert [part["functionCall"]["args"] for part in candidate.parts] == [{"city": "Paris"}, {"city": "London"}]
    assert ["thoughtSignature" in part for part in candidate.parts] == [signed, False]
    assert all(("id" in part["functionCall"]) is has_id for part in candidate.parts)
    assert candidate.signature == ""


def test_a_call_that_was_cut_is_not_made(answerer: GeminiAnswerer) -> None:
    tools = [{"functionDeclarations": [FUNCTION]}]
    thinking = {"thinkingBudget": 0}
    whole = answer(answerer, "Weather in Paris", tools=tools, thinkingConfig=thinking).usage.completion_tokens
    (cut,) = answer(answerer, "Weather in Paris", tools=tools, thinkingConfig=thinking, maxOutputTokens=whole - 1).candidates
    assert (cut.parts, cut.finish, cut.counted) == ((), "MAX_TOKENS", {"TEXT": whole - 1})


def test_usage_can_be_pinned(answerer: GeminiAnswerer) -> None:
    usage = answer(answerer, "magic: tokens 900 70 100").usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached, usage.thoughts) == (900, 70, 100, 0)
    usage = answer(answerer, "magic: tokens 900 70", model="gemini-2.5-flash-image").usage
    assert usage.candidates == {"IMAGE": 70}


def test_pictures(answerer: GeminiAnswerer) -> None:
    made = answer(answerer, "A cat", model="gemini-2.5-flash-image", imageConfig={"aspectRatio": "4:3", "imageSize": "2K"})
    said, blob = made.candidates[0].parts
    assert said == {"text": "Here is what you asked for: A cat"}
    assert Image.open(io.BytesIO(b64decode(blob["inlineData"]["data"]))).size == (2048, 1536)
    assert made.candidates[0].counted["IMAGE"] == 1290
    lone = answer(answerer, "A cat", model="gemini-2.5-flash-image", responseModalities=["IMAGE"]).candidates[0]
    assert [list(part) for part in lone.parts] == [["inlineData"]]
    assert answer(answerer, "A cat", model="gemini-2.5-flash-image", maxOutputTokens=99).candidates[0].finish == "MAX_TOKENS"


def test_speech(answerer: GeminiAnswerer) -> None:
    made = answer(answerer, "one two three four", model="gemini-2.5-flash-preview-tts", responseModalities=["AUDIO"])
    (part,) = made.candidates[0].parts
    assert part["inlineData"]["mimeType"].startswith("audio/L16")
    assert 25 < made.usage.candidates["AUDIO"] < 50


def test_blocked(answerer: GeminiAnswerer) -> None:
    prompt = answer(answerer, "magic: blocked-prompt")
    assert prompt.candidates == ()
    assert prompt.usage.completion_tokens == 0
    (half,) = answer(answerer, "Count to 20\nmagic: blocked-answer").candidates
    assert half.finish == "SAFETY"
    assert half.parts[0]["text"].startswith("1, 2")
    assert half.extras["safetyRatings"][0]["blocked"] is True
    (nothing,) = answer(answerer, "magic: blocked-answer", model="gemini-2.5-flash-image").candidates
    assert (nothing.parts, nothing.finish) == ((), "IMAGE_SAFETY")


def test_the_vendors_tools(answerer: GeminiAnswerer) -> None:
    made = answer(answerer, "Say: hi", tools=[{"codeExecution": {}}])
    assert [next(iter(part)) for part in made.candidates[0].parts] == ["executableCode", "codeExecutionResult", "text"]
    assert made.usage.tool_use > 0
    assert made.usage.prompt_tokens == sum(made.usage.prompt.values()) + made.usage.tool_use
    assert "groundingMetadata" in answer(answerer, "Say: hi", tools=[{"googleSearch": {}}]).candidates[0].extras


def test_an_enum_is_plain_text(answerer: GeminiAnswerer) -> None:
    schema = {"type": "STRING", "enum": ["cat", "dog"]}
    made = answer(answerer, "A dog", responseMimeType="text/x.enum", responseSchema=schema, candidateCount=2)
    assert [candidate.parts for candidate in made.candidates] == [({"text": "dog"},)] * 2
    pinned = answer(answerer, "magic: tokens 5 2", responseMimeType="text/x.enum", responseSchema=schema)
    assert pinned.candidates[0].parts == ({"text": "ok ok"},)
