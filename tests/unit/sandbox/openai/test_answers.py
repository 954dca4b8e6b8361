from typing import Any

import pytest

from modelgate.sandbox.openai.answers import Answer, Answerer, PrefixCache
from modelgate.sandbox.openai.request import read_chat
from modelgate.sandbox.tokens import Tokenizer


@pytest.fixture
def answerer(tokenizer: Tokenizer) -> Answerer:
    return Answerer(tokenizer)


def _answer(answerer: Answerer, text: str = "Hi", **fields: Any) -> Answer:
    return answerer.answer(read_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}))


def test_the_same_question_has_the_same_answer(answerer: Answerer) -> None:
    assert _answer(answerer) == _answer(answerer)
    assert _answer(answerer).choices[0].text == "This is the sandbox speaking as gpt-4o. You said: “Hi”"


def test_tokens_are_counted(answerer: Answerer, tokenizer: Tokenizer) -> None:
    answer = _answer(answerer, "Say: one two three", n=2)
    assert answer.prompt_tokens == 3 + 3 + tokenizer.count("userSay: one two three")
    assert answer.choices[0].tokens == 3
    assert answer.completion_tokens == sum(choice.tokens for choice in answer.choices)


def test_usage_can_be_pinned(answerer: Answerer) -> None:
    answer = _answer(answerer, "magic: tokens 900 7000 100", max_tokens=5)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (900, 7000, 100)
    assert (answer.choices[0].text or "").split() == ["ok"] * 50
    assert _answer(answerer, "magic: tokens 5 0").choices[0].text == ""


def test_reasoning_is_part_of_the_answer(answerer: Answerer) -> None:
    answer = _answer(answerer, "Say: yes", model="gpt-5", reasoning_effort="low")
    assert (answer.reasoning_tokens, answer.completion_tokens) == (32, 33)
    assert _answer(answerer, "Say: yes", reasoning_effort="low").reasoning_tokens == 0


def test_a_limit_cuts_the_arguments_of_a_call(answerer: Answerer) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    whole = _answer(answerer, "go", tools=[tool])
    cut = _answer(answerer, "go", tools=[tool], max_tokens=whole.completion_tokens - 1)
    assert (whole.choices[0].finish, cut.choices[0].finish) == ("tool_calls", "length")
    assert cut.completion_tokens == whole.completion_tokens - 1
    assert whole.choices[0].calls[0].arguments.startswith(cut.choices[0].calls[0].arguments)


def test_repeated_long_prompts_are_cached(answerer: Answerer) -> None:
    text = "word " * 2_000
    assert _answer(answerer, text).cached_tokens == 0
    again = _answer(answerer, text + "and more")
    assert again.cached_tokens == 1920
    assert again.cached_tokens < again.prompt_tokens
    assert _answer(answerer, "short").cached_tokens == 0


def test_the_memory_of_prompts_is_bounded() -> None:
    cache = PrefixCache(limit=2)
    first, second = [1] * 1_024, [2] * 1_300
    assert (cache.cached(first), cache.cached(first)) == (0, 1_024)
    cache.cached(second)
    assert cache.cached(first) == 0


def test_pictures_count(answerer: Answerer) -> None:
    plain = _answer(answerer, "x").prompt_tokens
    content = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert _answer(answerer, messages=[{"role": "user", "content": content}]).prompt_tokens == plain + 765
