"""What only some dialects can say, translated between those that can: several answers, probabilities, sources, pictures from tools."""

import json
from typing import Any

import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.ask import Ask, Json, User, events
from tests.integration.gateway.dialects.models import PLAIN, THINKING
from tests.integration.gateway.dialects.talk import DIALECTS, Talk

RED = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGO8IyfHgA0wYRUdtBIA4FYBKCgCg6AAAAAASUVORK5CYII="


def answer(installation: Installation, dialect: str, model: str, change: dict[str, Json], *, mode: str = "whole") -> Any:
    """Return an answer as it came, a streamed one as its pieces."""
    talk = Talk(installation.base_url, installation.test_key, dialect=DIALECTS[dialect], model=model, mode=mode)
    body = talk.dialect.body(Ask(turns=(User("Say: good morning"),)), model=model, mode=mode)
    status, raw = talk.exchange({**body, **change})
    talk.close()
    assert status == 200, raw
    return json.loads(raw) if mode == "whole" else list(events(raw.decode()))


@pytest.mark.parametrize("vendor", ["openai", "gemini"])
def test_several_answers_with_probabilities_in_chat(installation: Installation, vendor: str) -> None:
    told = answer(installation, "openai_chat", PLAIN[vendor], {"n": 2, "logprobs": True, "top_logprobs": 2})
    texts = [choice["message"]["content"] for choice in told["choices"]]
    assert texts == ["good morning", "Choice 2: good morning"]
    for choice, text in zip(told["choices"], texts, strict=True):
        words = choice["logprobs"]["content"]
        assert "".join(word["token"] for word in words) == text
        assert all(len(word["top_logprobs"]) == 2 and word["logprob"] < 0 for word in words)


@pytest.mark.parametrize("vendor", ["openai", "gemini"])
def test_several_answers_with_probabilities_for_geminis_clients(installation: Installation, vendor: str) -> None:
    wanted = {"candidateCount": 2, "responseLogprobs": True, "logprobs": 2}
    told = answer(installation, "gemini_content", PLAIN[vendor], {"generationConfig": wanted})
    texts = [candidate["content"]["parts"][0]["text"] for candidate in told["candidates"]]
    assert texts == ["good morning", "Choice 2: good morning"]
    for candidate, text in zip(told["candidates"], texts, strict=True):
        found = candidate["logprobsResult"]
        assert "".join(word["token"] for word in found["chosenCandidates"]) == text
        assert all(len(top["candidates"]) == 2 for top in found["topCandidates"])


@pytest.mark.parametrize("vendor", ["openai", "gemini"])
def test_an_answer_of_several_choices_is_counted_once(installation: Installation, vendor: str) -> None:
    one = answer(installation, "openai_chat", PLAIN[vendor], {})["usage"]
    three = answer(installation, "openai_chat", PLAIN[vendor], {"n": 3})["usage"]
    assert three["prompt_tokens"] == one["prompt_tokens"]
    assert three["completion_tokens"] >= one["completion_tokens"] + 12
    assert three["total_tokens"] == three["prompt_tokens"] + three["completion_tokens"]


def sources(dialect: str, told: Any) -> list[str]:
    """Return the addresses that an answer names as its sources, whole or in pieces."""
    if isinstance(told, list):
        told = DIALECTS[dialect].whole(told) if dialect == "openai_responses" else told
    found = json.dumps(told)
    return [part.partition('"')[0] for part in found.split('"url": "')[1:]]


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize(
    ("dialect", "search"),
    [
        ("openai_chat", {"web_search_options": {}}),
        ("openai_responses", {"tools": [{"type": "web_search"}]}),
        ("anthropic_messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ],
)
def test_sources_of_a_search(installation: Installation, dialect: str, search: dict[str, Json], mode: str) -> None:
    """Gemini searched; its clients' groundingMetadata is what others know as citations or annotations."""
    told = answer(installation, dialect, PLAIN["gemini"], search, mode=mode)
    assert set(sources(dialect, told)) == {"https://example.com/sandbox"}


@pytest.mark.parametrize("model", [*PLAIN.values(), *THINKING.values()])
def test_a_picture_from_a_tool_and_a_tool_that_failed(installation: Installation, model: str) -> None:
    result = [{"type": "text", "text": "seen"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": RED}}]
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": result}]},
    ]
    tools = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
    bare = answer(installation, "anthropic_messages", model, {"messages": messages[:1], "tools": tools})
    told = answer(installation, "anthropic_messages", model, {"messages": messages, "tools": tools})
    is_seen = "dominant colour is red" in json.dumps(told["content"])  # Claude counts nothing for one so small
    assert is_seen or told["usage"]["input_tokens"] > bare["usage"]["input_tokens"] + 20, "the picture did not arrive"
