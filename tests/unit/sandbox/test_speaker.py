from typing import Any

import pytest

from modelgate.sandbox.chat_ask import ChatAsk, Tool
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.speaker import Choice, Speaker, describe_picture
from modelgate.sandbox.tokens import Tokenizer

WEATHER = Tool(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


@pytest.fixture
def speaker(tokenizer: Tokenizer) -> Speaker:
    return Speaker(tokenizer)


def _speak(speaker: Speaker, text: str, **fields: Any) -> Choice:
    return speaker.speak(ChatAsk(model="any", magic=read_magic("any", text), text=text, **fields))


def test_which_stop_ended_it_is_known(speaker: Speaker) -> None:
    choice = _speak(speaker, "Count to 9", stops=("8", "5", ""))
    assert (choice.text, choice.finish, choice.stopped_by) == ("1, 2, 3, 4, ", "stop", "5")
    assert _speak(speaker, "Count to 9", stops=("x",)).stopped_by is None


def test_a_limit_hides_a_later_stop(speaker: Speaker) -> None:
    choice = _speak(speaker, "Count to 9", stops=("8",), limit=3)
    assert (choice.text, choice.finish, choice.stopped_by) == ("1, ", "length", None)


def test_thoughts_come_first_and_count(speaker: Speaker, tokenizer: Tokenizer) -> None:
    choice = _speak(speaker, "Say: yes", thinks=True)
    assert choice.thought == "The user says: “Say: yes” I can answer at once."
    assert (choice.reasoning, choice.tokens) == (tokenizer.count(choice.thought), choice.reasoning + 1)
    cut = _speak(speaker, "Say: yes", thinks=True, limit=5)
    assert (cut.text, cut.finish, cut.reasoning, cut.tokens) == ("", "length", 5, 5)
    assert choice.thought.startswith(cut.thought)


def test_hidden_tokens_are_spent_first(speaker: Speaker) -> None:
    assert _speak(speaker, "Say: yes", hidden_tokens=10, limit=10).text == ""
    assert _speak(speaker, "Say: yes", hidden_tokens=10, limit=11).text == "yes"


def test_calls_can_be_announced(speaker: Speaker, tokenizer: Tokenizer) -> None:
    silent = _speak(speaker, "weather in Rome", tools=(WEATHER,), mode="auto")
    spoken = _speak(speaker, "weather in Rome", tools=(WEATHER,), mode="auto", announces=True)
    assert (silent.text, spoken.text) == (None, "I will call get_weather.")
    assert spoken.tokens == silent.tokens + tokenizer.count("I will call get_weather.")
    assert spoken.calls[0].arguments == '{"city":"Rome"}'
    cut = _speak(speaker, "weather in Rome", tools=(WEATHER,), mode="auto", announces=True, limit=2)
    assert (cut.text, cut.calls, cut.finish, cut.tokens) == ("I will", (), "length", 2)


def test_documents_are_told_of(speaker: Speaker) -> None:
    choice = _speak(speaker, "What is this?", images=(("https://example.com/a.png", "auto"),), documents=("Document 1 is empty.",))
    assert (choice.text or "").endswith("so it cannot say what it shows. Document 1 is empty.")


def test_pictures_that_are_none() -> None:
    assert describe_picture("data:image/png;base64,AAAA", 3) == "Picture 3 cannot be read."
