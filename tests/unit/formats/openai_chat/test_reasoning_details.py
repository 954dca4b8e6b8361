from modelgate.formats.chat.request import Thinking
from modelgate.formats.openai_chat.reasoning_details import MAX_DETAILS, detail_of, thinking_of_details

DETAILS = [
    {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "x", "index": 0},
    {"type": "reasoning.summary", "summary": "short", "id": None},
    {"type": "reasoning.encrypted", "data": "blob", "index": 1},
]


def test_entries_come_back_as_they_were() -> None:
    thoughts = thinking_of_details(DETAILS)
    assert [thought.text for thought in thoughts] == ["hm", "short", ""]
    assert [detail_of(thought) for thought in thoughts] == DETAILS


def test_an_entry_without_its_words() -> None:
    (thought,) = thinking_of_details(DETAILS[:1])
    assert detail_of(thought, text=False) == {**DETAILS[0], "text": ""}


def test_thoughts_of_others_are_no_entries() -> None:
    assert detail_of(Thinking(text="a", sealed="{}", format="anthropic_messages")) is None
    assert detail_of(Thinking(text="a")) is None
    assert detail_of(Thinking(sealed="not json", format="openai_chat")) is None


def test_there_is_a_bound() -> None:
    assert len(thinking_of_details([{}] * 1000)) == MAX_DETAILS
